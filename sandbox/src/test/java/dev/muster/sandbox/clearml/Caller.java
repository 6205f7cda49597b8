package dev.muster.sandbox.clearml;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;

/** A person at the API, for tests: plain HTTP, JSON in and out, every error status an answer. */
public final class Caller {

    private static final ObjectMapper MAPPER = new ObjectMapper();

    /** What came back, with the whole envelope. */
    public record Reply(int status, JsonNode envelope) {

        public JsonNode data() {
            return envelope.path("data");
        }

        public int subcode() {
            return envelope.path("meta").path("result_subcode").asInt();
        }

        public String code() {
            return status + "/" + subcode();
        }
    }

    private final HttpClient http = HttpClient.newHttpClient();
    private final String url;
    private final String authorization;

    public Caller(String url, String accessKey, String secretKey) {
        this(url, "Basic " + Base64.getEncoder().encodeToString((accessKey + ":" + secretKey).getBytes(StandardCharsets.UTF_8)));
    }

    /** @param authorization the header's value; null for none */
    public Caller(String url, String authorization) {
        this.url = url;
        this.authorization = authorization;
    }

    public static ObjectNode json(String text) {
        try {
            return (ObjectNode) MAPPER.readTree(text.replace('\'', '"'));
        } catch (IOException garbage) {
            throw new UncheckedIOException(garbage);
        }
    }

    /** Single quotes in {@code body} stand for double ones. */
    public Reply call(String endpoint, String body) {
        return send("POST", "/v2.23/" + endpoint, "application/json", body.replace('\'', '"'));
    }

    public Reply call(String endpoint, ObjectNode body) {
        return send("POST", "/v2.23/" + endpoint, "application/json", body.toString());
    }

    /** The answer's data; anything but 200 fails the test. */
    public JsonNode data(String endpoint, String body) {
        var reply = call(endpoint, body);
        if (reply.status != 200) {
            throw new AssertionError(endpoint + " " + body + " -> " + reply.envelope);
        }
        return reply.data();
    }

    public String createQueue(String name) {
        return data("queues.create", "{'name':'" + name + "'}").path("id").asText();
    }

    public String createTask(SampleTask task) {
        var reply = call("tasks.create", task.createRequest());
        if (reply.status != 200) {
            throw new AssertionError("tasks.create -> " + reply.envelope);
        }
        return reply.data().path("id").asText();
    }

    public void enqueue(String task, String queue) {
        data("tasks.enqueue", "{'task':'" + task + "','queue':'" + queue + "'}");
    }

    public String status(String task) {
        return data("tasks.get_by_id", "{'task':'" + task + "'}").path("task").path("status").asText();
    }

    /** @param headers names and values in turn */
    public Reply send(String method, String pathAndQuery, String type, String body, String... headers) {
        var request = HttpRequest.newBuilder(URI.create(url + pathAndQuery)).timeout(Duration.ofSeconds(20))
                .method(method, body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body));
        if (type != null) {
            request.header("Content-Type", type);
        }
        if (authorization != null) {
            request.header("Authorization", authorization);
        }
        if (headers.length > 0) {
            request.headers(headers);
        }
        try {
            var response = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
            return new Reply(response.statusCode(), MAPPER.readTree(response.body()));
        } catch (IOException lost) {
            throw new UncheckedIOException(lost);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for an answer", stopped);
        }
    }
}
