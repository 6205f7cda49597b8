package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.stream.StreamSupport;

/** The admin port of a local run's stand-ins: their own books, whatever Muster says, and what a test asks of them. */
final class StandIns {

    private static final ObjectMapper JSON = new ObjectMapper();

    private final HttpClient http = HttpClient.newHttpClient();
    private final URI admin;

    private StandIns(URI admin) {
        this.admin = admin;
    }

    /** Of the run in the shell's folder, which is up. */
    static StandIns of(Shell shell) throws IOException, InterruptedException {
        return new StandIns(URI.create(shell.run("./muster status --json").succeeded().json().path("admin").asText()));
    }

    JsonNode get(String path) throws IOException, InterruptedException {
        return ask("GET", path, "");
    }

    /** An answer that is no JSON, such as a machine's console. */
    String text(String path) throws IOException, InterruptedException {
        return answer("GET", path, "");
    }

    JsonNode post(String path, String body) throws IOException, InterruptedException {
        return ask("POST", path, body);
    }

    void delete(String path) throws IOException, InterruptedException {
        ask("DELETE", path, "");
    }

    /** Every task that ClearML has, as its books have it. */
    List<JsonNode> tasks() throws IOException, InterruptedException {
        return StreamSupport.stream(get("/clearml/books").path("tasks").spliterator(), false).toList();
    }

    /** How many of them have this status. */
    long tasks(String status) throws IOException, InterruptedException {
        return tasks().stream().filter(task -> task.path("status").asText().equals(status)).count();
    }

    /** An empty answer is an empty object. */
    private JsonNode ask(String method, String path, String body) throws IOException, InterruptedException {
        var answer = answer(method, path, body);
        return answer.isEmpty() ? JSON.createObjectNode() : JSON.readTree(answer);
    }

    private String answer(String method, String path, String body) throws IOException, InterruptedException {
        var answer = http.send(HttpRequest.newBuilder(admin.resolve(path)).header("Content-Type", "application/json")
                .method(method, HttpRequest.BodyPublishers.ofString(body)).build(), HttpResponse.BodyHandlers.ofString());
        assertThat(answer.statusCode()).as("%s %s: %s", method, path, answer.body()).isBetween(200, 299);
        return answer.body();
    }
}
