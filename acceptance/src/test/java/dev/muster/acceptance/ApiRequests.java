package dev.muster.acceptance;

import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * What Muster's provisioner asked of an API server, by the server's audit log: a line of JSON for each request.
 *
 * @param torn lines that are no JSON: a server that was killed while it wrote leaves one
 */
record ApiRequests(Map<String, Integer> byCall, int torn) {

    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * @param log       of requests that are answered: stage ResponseComplete, level Metadata
     * @param namespace in which they were made
     */
    static ApiRequests of(Path log, String namespace) throws IOException {
        var calls = new TreeMap<String, Integer>();
        var torn = 0;
        try (var lines = Files.lines(log)) {
            for (var line : (Iterable<String>) lines::iterator) {
                JsonNode event;
                try {
                    event = JSON.readTree(line);
                } catch (JsonParseException cut) {
                    torn++;
                    continue;
                }
                if (event.path("stage").asText().equals("ResponseComplete") && event.path("userAgent").asText().startsWith("muster-k8s-provisioner")
                        && event.path("objectRef").path("namespace").asText().equals(namespace)) {
                    calls.merge(call(event), 1, Integer::sum);
                }
            }
        }
        return new ApiRequests(calls, torn);
    }

    private static String call(JsonNode event) {
        var of = event.path("objectRef");
        var code = event.path("responseStatus").path("code").asInt();
        return event.path("verb").asText() + " " + of.path("resource").asText() + (of.hasNonNull("subresource") ? "/" + of.path("subresource").asText() : "")
                + (code >= 400 ? " " + code : "");
    }

    int all() {
        return byCall.values().stream().mapToInt(Integer::intValue).sum();
    }

    @Override
    public String toString() {
        return byCall.entrySet().stream().map(call -> call.getKey() + ": " + call.getValue()).collect(Collectors.joining(", "))
                + (torn == 0 ? "" : "; " + torn + " torn lines of the log are not counted");
    }
}
