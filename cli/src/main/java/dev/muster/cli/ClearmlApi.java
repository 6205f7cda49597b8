package dev.muster.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.Optional;

/** ClearML's HTTP API as far as a person at a prompt needs it: making tasks and putting them into queues. Thread-safe. */
final class ClearmlApi {

    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    private final String api;
    private final HttpClient http = HttpClient.newBuilder().connectTimeout(TIMEOUT).version(HttpClient.Version.HTTP_1_1).build();
    private final String token;

    /**
     * Logs in.
     *
     * @param api base URL of the server
     */
    ClearmlApi(String api, String accessKey, String secretKey) {
        this.api = base(api);
        this.token = call("auth.login", Output.JSON.createObjectNode(), basic(accessKey, secretKey)).path("token").asText();
    }

    /** A server's URL to which calls are added. */
    static String base(String api) {
        return api.replaceFirst("/+$", "");
    }

    /** What a login is authorized by. */
    static String basic(String accessKey, String secretKey) {
        return "Basic " + Base64.getEncoder().encodeToString((accessKey + ":" + secretKey).getBytes(StandardCharsets.UTF_8));
    }

    /**
     * A call that is not authorized yet.
     *
     * @param api as {@link #base} gives it
     * @throws IllegalArgumentException if that is no URL
     */
    static HttpRequest.Builder post(String api, String endpoint, ObjectNode request, Duration timeout) {
        return HttpRequest.newBuilder(URI.create(api + "/" + endpoint)).timeout(timeout).header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(request.toString()));
    }

    /** Of a pattern of the server's, such as the one for names: matches the text itself. */
    static String literal(String text) {
        return text.replaceAll("[^A-Za-z0-9_ -]", "\\\\$0");
    }

    /** @param task the body of {@code tasks.create} @return the task's id */
    String create(ObjectNode task) {
        return call("tasks.create", task).path("id").asText();
    }

    /** Puts a task at the end of a queue. */
    void enqueue(String task, String queueId) {
        call("tasks.enqueue", Output.JSON.createObjectNode().put("task", task).put("queue", queueId));
    }

    /** The queue's id; empty if the server has none of this name. */
    Optional<String> queue(String name) {
        var request = Output.JSON.createObjectNode().put("name", "^" + literal(name) + "$");
        request.putArray("only_fields").add("id").add("name");
        for (var queue : call("queues.get_all", request).path("queues")) {
            if (queue.path("name").asText().equals(name)) {
                return Optional.of(queue.path("id").asText());
            }
        }
        return Optional.empty();
    }

    /** The queue's id; the queue is made if it isn't there. */
    String queueMade(String name) {
        return queue(name).orElseGet(() -> call("queues.create", Output.JSON.createObjectNode().put("name", name)).path("id").asText());
    }

    JsonNode call(String endpoint, ObjectNode request) {
        return call(endpoint, request, "Bearer " + token);
    }

    private JsonNode call(String endpoint, ObjectNode request, String authorization) {
        try {
            var answer = http.send(post(api, endpoint, request, TIMEOUT).header("Authorization", authorization).build(), HttpResponse.BodyHandlers.ofString());
            var body = answer.body().isEmpty() ? Output.JSON.createObjectNode() : Output.JSON.readTree(answer.body());
            if (answer.statusCode() == 401) {
                throw CliFailure.failed("ClearML at " + api + " refuses the keys (401): renew the access key and secret key in the secrets folder");
            }
            if (answer.statusCode() != 200) {
                throw CliFailure.failed("ClearML at " + api + " refused " + endpoint + " (" + answer.statusCode() + "): "
                        + body.path("meta").path("result_msg").asText("no reason given"));
            }
            return body.path("data");
        } catch (IOException unreachable) {
            throw CliFailure.failed("ClearML at " + api + " can't be reached: " + unreachable.getMessage());
        } catch (IllegalArgumentException unusable) {
            throw CliFailure.failed("'" + api + "' is no URL: write it as https://api.clear.ml");
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw CliFailure.failed("interrupted");
        }
    }
}
