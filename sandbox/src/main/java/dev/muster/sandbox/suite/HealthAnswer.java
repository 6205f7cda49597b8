package dev.muster.sandbox.suite;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/** Reads what a service's health endpoint says is wrong. */
final class HealthAnswer {

    private static final ObjectMapper JSON = new ObjectMapper();

    private HealthAnswer() {}

    /** The names of the checks that are down, each with its data; never empty. */
    static String problem(String body) {
        try {
            var down = StreamSupport.stream(JSON.readTree(body).path("checks").spliterator(), false)
                    .filter(check -> !check.path("status").asText().equals("UP"))
                    .map(check -> check.path("name").asText() + data(check.path("data")))
                    .collect(Collectors.joining("; "));
            return down.isEmpty() ? "health is down" : down;
        } catch (IOException noJson) {
            return "health answers no JSON";
        }
    }

    private static String data(JsonNode data) {
        var texts = new ArrayList<String>();
        data.properties().forEach(field -> texts.add(field.getKey() + " " + field.getValue().asText()));
        return texts.isEmpty() ? "" : " (" + String.join(", ", texts) + ")";
    }
}
