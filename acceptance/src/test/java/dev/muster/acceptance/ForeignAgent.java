package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * An agent on a machine that Muster did not start: it registers, reports, takes tasks of one queue and runs each for a while, as ClearML's agent
 * does without a guard before it. It ends when the test says that its machine has.
 */
final class ForeignAgent extends Thread {

    private static final ObjectMapper JSON = new ObjectMapper();

    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private final String clearml;
    private final String accessKey;
    private final String secretKey;
    private final String worker;
    private final String queue;
    private final Duration taskLength;
    private volatile boolean isOn = true;
    private volatile String task = "";
    private volatile Instant idleSince = Instant.now();
    private volatile Throwable failure;

    ForeignAgent(String clearml, String accessKey, String secretKey, String worker, String queue, Duration taskLength) {
        super(worker);
        this.clearml = clearml;
        this.accessKey = accessKey;
        this.secretKey = secretKey;
        this.worker = worker;
        this.queue = queue;
        this.taskLength = taskLength;
        setDaemon(true);
    }

    /** Empty: it has none. */
    String task() {
        return task;
    }

    /** Since when it has had no task; meaningless while it has one. */
    Instant idleSince() {
        return idleSince;
    }

    /** Its machine is off: from now on it says nothing. */
    void off() {
        isOn = false;
    }

    /** What went wrong in it; null: nothing. */
    Throwable failure() {
        return failure;
    }

    @Override
    public void run() {
        try {
            call("workers.register", Map.of("worker", worker, "queues", new String[] {queue}));
            var ends = Instant.MAX;
            while (isOn) {
                call("workers.status_report", task.isEmpty()
                        ? Map.of("worker", worker, "timestamp", System.currentTimeMillis(), "is_daemon", true, "queues", new String[] {queue})
                        : Map.of("worker", worker, "timestamp", System.currentTimeMillis(), "is_daemon", true, "queues", new String[] {queue},
                                "task", task, "queue", queue));
                if (task.isEmpty()) {
                    var popped = call("queues.get_next_task", Map.of("queue", queue)).path("entry").path("task").asText();
                    if (!popped.isEmpty()) {
                        call("tasks.started", Map.of("task", popped, "force", true));
                        task = popped;
                        ends = Instant.now().plus(taskLength);
                    }
                } else if (Instant.now().isAfter(ends)) {
                    call("tasks.completed", Map.of("task", task, "force", true));
                    task = "";
                    idleSince = Instant.now();
                }
                TimeUnit.SECONDS.sleep(1);
            }
        } catch (InterruptedException over) {
            Thread.currentThread().interrupt();
        } catch (IOException | AssertionError broken) {
            failure = isOn ? broken : null;
        }
    }

    private JsonNode call(String endpoint, Map<String, Object> body) throws IOException, InterruptedException {
        return call(clearml, accessKey, secretKey, endpoint, body);
    }

    /** One call of ClearML's API; answers its data. */
    static JsonNode call(String clearml, String accessKey, String secretKey, String endpoint, Map<String, Object> body)
            throws IOException, InterruptedException {
        var authorization = "Basic " + Base64.getEncoder().encodeToString((accessKey + ":" + secretKey).getBytes(StandardCharsets.UTF_8));
        var answer = HTTP.send(HttpRequest.newBuilder(URI.create(clearml + "/v2.23/" + endpoint)).header("Content-Type", "application/json")
                .header("Authorization", authorization).POST(HttpRequest.BodyPublishers.ofByteArray(JSON.writeValueAsBytes(body))).build(),
                HttpResponse.BodyHandlers.ofString());
        assertThat(answer.statusCode()).as("%s: %s", endpoint, answer.body()).isEqualTo(200);
        return JSON.readTree(answer.body()).path("data");
    }
}
