package dev.muster.acceptance;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.muster.contracts.SecretsFolder;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;

/** A ClearML server, called as any other program with a key calls it. Thread-safe. */
final class Clearml {

    private static final ObjectMapper JSON = new ObjectMapper();

    private final HttpClient http = HttpClient.newHttpClient();
    private final String url;
    private final String accessKey;
    private final String secretKey;

    Clearml(String url, String accessKey, String secretKey) {
        this.url = url;
        this.accessKey = accessKey;
        this.secretKey = secretKey;
    }

    /** Of the run in the shell's folder, which is up. */
    static Clearml of(Shell shell) throws IOException, InterruptedException {
        var run = shell.run("./muster status --json").succeeded().json();
        var secrets = Path.of(run.path("secrets").asText());
        return new Clearml(run.path("clearml").asText(), Files.readString(secrets.resolve(SecretsFolder.clearmlAccessKey("default"))).strip(),
                Files.readString(secrets.resolve(SecretsFolder.clearmlSecretKey("default"))).strip());
    }

    String url() {
        return url;
    }

    /** What ClearML's own programs are told of it. */
    Map<String, String> environment() {
        return Map.of("CLEARML_API_HOST", url, "CLEARML_WEB_HOST", url, "CLEARML_FILES_HOST", url,
                "CLEARML_API_ACCESS_KEY", accessKey, "CLEARML_API_SECRET_KEY", secretKey);
    }

    /** @return the answer's {@code data} */
    JsonNode call(String endpoint, Map<String, ?> body) throws IOException, InterruptedException {
        return call(endpoint, JSON.writeValueAsString(body));
    }

    /** @return the answer's {@code data} */
    JsonNode call(String endpoint, String body) throws IOException, InterruptedException {
        var basic = Base64.getEncoder().encodeToString((accessKey + ":" + secretKey).getBytes(UTF_8));
        var answer = http.send(HttpRequest.newBuilder(URI.create(url + "/" + endpoint)).header("Content-Type", "application/json")
                .header("Authorization", "Basic " + basic).POST(HttpRequest.BodyPublishers.ofString(body)).build(), HttpResponse.BodyHandlers.ofString());
        assertThat(answer.statusCode()).as("%s %s: %s", endpoint, body, answer.body()).isEqualTo(200);
        return JSON.readTree(answer.body()).path("data");
    }

    /** @return its id */
    String enqueue(String createRequest, String queue) throws IOException, InterruptedException {
        var task = call("tasks.create", createRequest).path("id").asText();
        call("tasks.enqueue", JSON.createObjectNode().put("task", task).put("queue_name", queue).toString());
        return task;
    }

    String statusOf(String task) throws IOException, InterruptedException {
        return call("tasks.get_by_id", JSON.createObjectNode().put("task", task).toString()).at("/task/status").asText();
    }

    /** What a task's people read: the lines that its agent and the task itself wrote. */
    String logOf(String task) throws IOException, InterruptedException {
        return call("events.get_task_log", JSON.createObjectNode().put("task", task).put("batch_size", 5000).toString()).toString();
    }
}
