package dev.muster.sandbox.gce;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.sandbox.CloudTime;
import dev.muster.sandbox.TimeScale;
import dev.muster.sandbox.clearml.Await;
import dev.muster.sandbox.clearml.Caller;
import dev.muster.sandbox.clearml.ClearmlConfig;
import dev.muster.sandbox.clearml.ClearmlServer;
import dev.muster.sandbox.clearml.SampleTask;
import dev.muster.sandbox.machine.ClearmlMachine;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Compute Engine's machines do ClearML's tasks, a hundred times faster than real, from the launch to the end. */
final class WorkingMachineTest {

    private static final Duration SOON = Duration.ofSeconds(30);
    private static final TimeScale FAST = new TimeScale(100);

    private final Vertx vertx = Vertx.vertx();
    private final HttpClient client = HttpClient.newHttpClient();
    private final ClearmlServer clearml = ClearmlServer.start(vertx, 0, ClearmlConfig.of(new ClearmlConfig.Credential("key", "secret", "robot", "company")));
    private final Caller caller = new Caller(clearml.url(), "key", "secret");
    private final GceServer gce = GceServer.start(vertx, GceConfig.defaults().withCredentials(false).withTimeScale(FAST), new ClearmlMachine(vertx, FAST), CloudTime.real());
    private String queue;

    @BeforeEach
    void createQueue() {
        queue = caller.createQueue("work");
    }

    @AfterEach
    void closeAll() {
        gce.close();
        clearml.close();
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    private String script() {
        return """
                #!/bin/sh
                cat > "$etc/boot.properties" <<'MUSTER_PROPERTIES'
                cloud=gce
                worker.prefix=fleet:pool:e2-standard-2
                agents=1
                queues=%s
                clearml.api=%s
                clearml.access-key=key
                clearml.secret-key=secret
                MUSTER_PROPERTIES
                """.formatted(queue, clearml.url());
    }

    /** Small enough for metadata, and run by the shell alone. */
    private static String packed(String script) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(bytes)) {
            gzip.write(script.getBytes(StandardCharsets.UTF_8));
        }
        return "#!/bin/sh\nboot=$(mktemp) || exit 1\n# muster-boot-gzip\nbase64 -d << 'MUSTER' | gunzip > \"$boot\"\n"
                + Base64.getMimeEncoder(76, new byte[] {'\n'}).encodeToString(bytes.toByteArray()) + "\nMUSTER\nexec sh \"$boot\"\n";
    }

    private JsonObject call(String method, String path, JsonObject body) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(URI.create(gce.url() + "/compute/v1/" + path)).method(method, body == null ? BodyPublishers.noBody()
                : BodyPublishers.ofString(body.encode())).build();
        return new JsonObject(client.send(request, BodyHandlers.ofString()).body());
    }

    private void insert(JsonObject machine, String script) throws IOException, InterruptedException {
        var answer = call("POST", Cloud.INSTANCES, machine.put("metadata", new JsonObject().put("items", new JsonArray().add(new JsonObject().put("key", "startup-script")
                .put("value", script)))));
        assertThat(answer.getString("operationType")).as(answer.encode()).isEqualTo("insert");
    }

    private String started(Duration runTime) {
        var task = caller.createTask(SampleTask.running("sample", runTime));
        caller.enqueue(task, queue);
        Await.until(SOON, () -> "not started: " + gce.books().instances(Instant.now()), () -> caller.status(task).equals("in_progress"));
        return task;
    }

    private Books.Entry only() {
        return gce.books().instances(Instant.now()).get(0);
    }

    @Test
    void aMachineDoesItsTaskAndEndsUnderAMark() throws Exception {
        // Given
        insert(Cloud.instance("m-1"), packed(script()));
        var task = started(Duration.ofSeconds(200));
        var fingerprint = call("GET", Cloud.INSTANCES + "/m-1", null).getJsonObject("metadata").getString("fingerprint");

        // When
        call("POST", Cloud.INSTANCES + "/m-1/setMetadata", new JsonObject().put("fingerprint", fingerprint)
                .put("items", new JsonArray().add(new JsonObject().put("key", "muster-mark").put("value", "drain:1"))));

        // Then
        Await.until(SOON, () -> "still on: " + gce.console("m-1"), () -> only().status().equals("TERMINATED"));
        assertThat(caller.status(task)).isEqualTo("completed");
        assertThat(clearml.books().tasks()).singleElement().satisfies(done -> assertThat(done.workers()).containsExactly("fleet:pool:e2-standard-2:m-1"));
        assertThat(only().endReason()).isEqualTo("compute.instances.guestTerminate");
        assertThat(only().writings()).singleElement().satisfies(writing -> assertThat(writing.read()).isNotNull());
    }

    @Test
    void aPreemptionKillsBeforeTheEndWithoutAReport() throws Exception {
        // Given
        insert(Cloud.spot(Cloud.instance("s-1"), "DELETE"), script());
        var task = started(Duration.ofHours(10));

        // When
        gce.preempt("s-1");

        // Then
        Await.until(SOON, () -> "still there: " + only(), () -> only().status().equals("DELETED"));
        assertThat(caller.status(task)).isEqualTo("in_progress");
        assertThat(only().endReason()).isEqualTo("compute.instances.preempted");
    }

    @Test
    void aPackedScriptThatIsBrokenSaysSoOnTheSerialPort() throws Exception {
        insert(Cloud.instance("m-1"), "#!/bin/sh\n# muster-boot-gzip\nbase64 -d << 'MUSTER' | gunzip > boot\naGVsbG8=\nMUSTER\n");
        insert(Cloud.instance("m-2"), "#!/bin/sh\n# muster-boot-gzip\n");

        Await.until(SOON, () -> "silent: " + gce.books().instances(Instant.now()), () -> gce.books().instances(Instant.now()).stream().allMatch(machine ->
                gce.console(machine.name()).contains("boot failed")));

        assertThat(gce.console("m-1")).contains("boot failed: user-data can't be inflated: Not in GZIP format");
        assertThat(gce.console("m-2")).contains("boot failed: no here-document of base64 follows the line # muster-boot-gzip");
    }
}
