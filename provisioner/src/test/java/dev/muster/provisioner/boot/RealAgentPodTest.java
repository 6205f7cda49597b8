package dev.muster.provisioner.boot;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.muster.sandbox.clearml.Books;
import dev.muster.sandbox.clearml.ClearmlConfig;
import dev.muster.sandbox.clearml.ClearmlServer;
import dev.muster.sandbox.clearml.SampleTask;
import io.vertx.core.Vertx;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Task pods with the unmodified clearml-agent, against the stand-in for ClearML: what became of each task is what its books say. */
class RealAgentPodTest {

    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path folder;

    private final Vertx vertx = Vertx.vertx();
    private ClearmlServer clearml;
    private String queue;
    private Path agent;

    @BeforeEach
    void start() {
        agent = Parts.find("clearml-agent");
        clearml = ClearmlServer.start(vertx, 0, ClearmlConfig.of(new ClearmlConfig.Credential("ACCESS", BootedPod.SECRET, "robot", "lab")));
        queue = clearml.addQueues(List.of("cpu")).get(0);
    }

    @AfterEach
    void stop() {
        if (clearml != null) {
            clearml.close();
        }
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    private JsonNode call(String endpoint, Object body) throws Exception {
        var login = Base64.getEncoder().encodeToString(("ACCESS:" + BootedPod.SECRET).getBytes(UTF_8));
        var answer = HttpClient.newHttpClient().send(HttpRequest.newBuilder(URI.create(clearml.url() + "/" + endpoint)).header("Authorization", "Basic " + login)
                .header("Content-Type", "application/json").POST(BodyPublishers.ofString(JSON.writeValueAsString(body))).build(), BodyHandlers.ofString());
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return JSON.readTree(answer.body()).path("data");
    }

    private String enqueue(SampleTask task) throws Exception {
        var id = call("tasks.create", task.createRequest()).path("id").asText();
        call("tasks.enqueue", Map.of("task", id, "queue", queue));
        return id;
    }

    private BootedPod pod(String name, String task, String setup) throws Exception {
        var pod = BootedPod.of(Files.createDirectory(folder.resolve(name)));
        Files.writeString(folder.resolve(name).resolve("pod/uid"), "uid-of-" + name);
        var plan = new BootPlan("lab-train:cpu:pod", 1, List.of(queue), new BootPlan.Hosts(clearml.url(), clearml.url(), clearml.url()),
                new BootPlan.Keys(PodScriptTest.kept("clearml-access"), PodScriptTest.kept("clearml-secret")), true, "python:3.11", "3.0.3", true,
                new TreeMap<>(Map.of("CLEARML_AGENT_SKIP_PYTHON_ENV_INSTALL", Given.text("1"))), Given.NOTHING, Given.NOTHING, Given.NOTHING, false,
                BootPlan.Storage.NONE, Optional.empty());
        return pod.startWithAgent(PodScript.of(plan, Optional.of(new PodScript.TaskToRun(task, queue, setup, false))), agent);
    }

    private Books.TaskBook book(String task) {
        return clearml.books().tasks().stream().filter(book -> book.id().equals(task)).findFirst().orElseThrow();
    }

    @Test
    void ofTwoPodsForOneTaskOneRunsItOnce() throws Exception {
        var task = enqueue(SampleTask.running("once", Duration.ofSeconds(1)));
        try (var one = pod("one", task, "export FROM_SETUP=1\n"); var other = pod("other", task, "")) {
            assertThat(one.exit()).isZero();
            assertThat(other.exit()).isZero();

            var winner = one.console().contains("is claimed by") ? one : other;
            var loser = winner == one ? other : one;
            assertThat(loser.console()).contains("task " + task + " is another's").doesNotContain("is claimed by");
            assertThat(book(task).status()).as(winner.console()).isEqualTo("completed");
            assertThat(book(task).starts()).isEqualTo(1);
            assertThat(book(task).pops()).isZero();
            assertThat(book(task).workers()).containsExactly("lab-train:cpu:pod:uid-of-" + (winner == one ? "one" : "other"));
            assertThat(call("workers.get_all", Map.of()).path("workers")).isEmpty();
            assertThat(winner.console() + loser.console()).doesNotContain(BootedPod.SECRET);
        }
    }

    @Test
    void aTaskThatFailsSaysSoAndOneWhosePodIsToldToEndSaysNothing() throws Exception {
        var fails = enqueue(SampleTask.running("fails", Duration.ofSeconds(1)).failing());
        var killed = enqueue(SampleTask.running("killed", Duration.ofMinutes(10)));
        try (var failing = pod("failing", fails, ""); var pod = pod("pod", killed, "")) {
            pod.await("the task's own words", () -> String.join("\n", clearml.log(killed)).contains("Working for"));
            assertThat(call("workers.get_all", Map.of()).path("workers").findValuesAsText("id")).contains("lab-train:cpu:pod:uid-of-pod", killed);
            pod.tellToEnd();

            assertThat(pod.exit()).isEqualTo(143);
            assertThat(failing.exit()).isZero();
            assertThat(book(fails).status()).as(failing.console()).isEqualTo("failed");
            // What an agent does on SIGTERM is to report its task as completed.
            assertThat(book(killed).status()).as(pod.console()).isEqualTo("in_progress");
            assertThat(List.of(book(fails).starts(), book(killed).starts())).containsExactly(1, 1);
        }
    }
}
