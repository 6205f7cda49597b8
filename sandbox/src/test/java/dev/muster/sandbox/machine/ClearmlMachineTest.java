package dev.muster.sandbox.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.sandbox.TimeScale;
import dev.muster.sandbox.clearml.Await;
import dev.muster.sandbox.clearml.Caller;
import dev.muster.sandbox.clearml.ClearmlConfig;
import dev.muster.sandbox.clearml.ClearmlServer;
import dev.muster.sandbox.clearml.Faults;
import dev.muster.sandbox.clearml.SampleTask;
import io.vertx.core.Vertx;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Machines against the stand-in server, over HTTP, a hundred times faster than real. */
class ClearmlMachineTest {

    private static final Duration SOON = Duration.ofSeconds(30);

    private final Vertx vertx = Vertx.vertx();
    private final List<AutoCloseable> open = new ArrayList<>();
    private final MachineImage image = new ClearmlMachine(vertx, new TimeScale(100));
    private ClearmlServer server;
    private Caller caller;
    private String queue;

    @BeforeEach
    void startServer() {
        server = ClearmlServer.start(vertx, 0, ClearmlConfig.of(new ClearmlConfig.Credential("key", "secret", "robot", "company")));
        caller = new Caller(server.url(), "key", "secret");
        queue = caller.createQueue("work");
    }

    @AfterEach
    void closeAll() throws Exception {
        for (var closeable : open) {
            closeable.close();
        }
        server.close();
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    private String script(int agents, String queues) {
        return """
                #!/bin/bash
                cat > /etc/muster.properties <<'MUSTER_PROPERTIES'
                worker.prefix=fleet:pool:t3.large
                agents=%d
                queues=%s
                clearml.api=%s
                clearml.access-key=key
                clearml.secret-key=secret
                something.else=ignored
                MUSTER_PROPERTIES
                exec guard
                """.formatted(agents, queues, server.url());
    }

    /** The lines that matter of what ClearML's own autoscaler gives a machine. */
    private String autoscalerScript(String queueName) {
        return """
                #!/bin/bash
                export CLEARML_API_HOST=%s
                export DYNAMIC_INSTANCE_ID=$(curl http://169.254.169.254/latest/meta-data/instance-id)
                export CLEARML_WORKER_ID=prefix:resource:t3.large:$DYNAMIC_INSTANCE_ID
                export CLEARML_API_ACCESS_KEY='key'
                export CLEARML_API_SECRET_KEY='secret'
                python -m clearml_agent --config-file ~/clearml.conf daemon --queue '%s' --docker 'some/image:1'
                """.formatted(server.url(), queueName);
    }

    private FakeHardware boot(String cloudId, String userData) {
        var hardware = new FakeHardware(vertx, cloudId, userData);
        var machine = image.boot(hardware);
        open.add(() -> {
            machine.cutPower();
            hardware.close();
        });
        return hardware;
    }

    private String enqueued(Duration runTime) {
        var task = caller.createTask(SampleTask.running("sample", runTime));
        caller.enqueue(task, queue);
        return task;
    }

    private void awaitStatus(String task, String status) {
        Await.until(SOON, () -> task + " is " + caller.status(task) + ", not " + status, () -> caller.status(task).equals(status));
    }

    @Test
    void runsEveryTaskOnceAndLogsIt() {
        // Given
        var tasks = new ArrayList<String>();
        for (int i = 0; i < 20; i++) {
            tasks.add(enqueued(Duration.ofSeconds(i)));
        }

        // When
        var first = boot("i-1", script(1, queue));
        var second = boot("i-2", script(2, queue));

        // Then
        tasks.forEach(task -> awaitStatus(task, "completed"));
        var books = server.books();
        assertThat(books.ranMoreThanOnce()).isEmpty();
        assertThat(books.byStatus()).containsEntry("completed", 20);
        assertThat(books.tasks()).allSatisfy(task -> assertThat(task.workers().get(0))
                .isIn("fleet:pool:t3.large:i-1", "fleet:pool:t3.large:i-2.0", "fleet:pool:t3.large:i-2.1"));
        assertThat(server.log(tasks.get(7))).anyMatch(line -> line.contains("Working for 7 seconds")).anyMatch(line -> line.contains("completed"));
        assertThat(first.powerOffs.get() + second.powerOffs.get()).isZero();
    }

    @Test
    void aMachineOfClearmlsAutoscalerRunsAPlainAgent() {
        // Given
        var first = enqueued(Duration.ofSeconds(1));
        var second = enqueued(Duration.ofSeconds(1));

        // When
        var hardware = boot("i-1", autoscalerScript("work"));
        hardware.mark = "drain:1";

        // Then
        awaitStatus(first, "completed");
        awaitStatus(second, "completed");
        assertThat(server.books().tasks()).allSatisfy(task -> assertThat(task.workers()).containsExactly("prefix:resource:t3.large:i-1"));
        assertThat(hardware.console).containsExactly("boot: a plain agent as prefix:resource:t3.large:i-1, tasks in some/image:1");
        assertThat(hardware.powerOffs).hasValue(0);
        assertThat(hardware.tokensGiven).as("no guard asked for one").hasValue(0);
    }

    @Test
    void suchAMachineHasNoIdWhereTheMetadataServiceWantsATokenAndNoAgentWithoutItsQueue() {
        // Given
        var task = enqueued(Duration.ofSeconds(1));
        var hardware = new FakeHardware(vertx, "i-2", autoscalerScript("work"));
        hardware.tokensRequired = true;
        open.add(hardware);

        // When
        var machine = image.boot(hardware);
        open.add(0, machine::cutPower);
        var queueless = boot("i-3", autoscalerScript("gone"));

        // Then
        awaitStatus(task, "completed");
        assertThat(server.books().tasks()).singleElement().satisfies(book -> assertThat(book.workers()).containsExactly("prefix:resource:t3.large:"));
        Await.until(SOON, () -> "no word of the missing queue: " + queueless.console, () -> !queueless.console.isEmpty());
        assertThat(queueless.console).containsExactly("boot failed: the agent ends, as queue gone can't be found (200/0)");
    }

    @Test
    void takesQueuesInOrderOfPriority() {
        // Given
        var urgent = caller.createQueue("urgent");
        var late = enqueued(Duration.ofSeconds(1));
        var early = caller.createTask(SampleTask.running("sample", Duration.ofSeconds(1)));
        caller.enqueue(early, urgent);

        // When
        boot("i-1", script(1, urgent + " " + queue));

        // Then
        awaitStatus(late, "completed");
        var books = server.books().tasks();
        assertThat(books.stream().filter(book -> book.id().equals(early)).findFirst().orElseThrow().started())
                .isBefore(books.stream().filter(book -> book.id().equals(late)).findFirst().orElseThrow().started());
    }

    @Test
    void reportsItselfAndItsTask() {
        // Given
        var task = enqueued(Duration.ofHours(10));

        // When
        boot("i-1", script(1, queue));

        // Then
        awaitStatus(task, "in_progress");
        Await.until(SOON, () -> "no worker shows the task", () -> {
            var worker = caller.data("workers.get_all", "{}").path("workers").path(0);
            return worker.path("task").path("id").asText().equals(task) && worker.path("queue").path("id").asText().equals(queue);
        });
    }

    @Test
    void failsATaskThatSaysSo() {
        var task = caller.createTask(SampleTask.running("sample", Duration.ofSeconds(2)).failing());
        caller.enqueue(task, queue);

        boot("i-1", script(1, queue));

        awaitStatus(task, "failed");
    }

    @Test
    void endsAnAbortedTask() {
        // Given
        var task = enqueued(Duration.ofHours(10));
        boot("i-1", script(1, queue));
        awaitStatus(task, "in_progress");
        Await.until(SOON, () -> "no last worker", () -> caller.data("tasks.get_by_id", "{'task':'" + task + "'}").path("task").has("last_worker"));

        // When
        caller.data("tasks.stop", "{'task':'" + task + "'}");

        // Then
        awaitStatus(task, "stopped");
        awaitStatus(enqueued(Duration.ofSeconds(1)), "completed");
    }

    @Test
    void drainsAfterItsTaskAndTakesNoOther() {
        // Given
        var running = enqueued(Duration.ofSeconds(100));
        var hardware = boot("i-1", script(1, queue));
        awaitStatus(running, "in_progress");
        var waiting = enqueued(Duration.ofSeconds(1));

        // When
        hardware.mark = "drain:1";

        // Then
        Await.until(SOON, () -> "still on: " + hardware.console, () -> hardware.powerOffs.get() == 1);
        assertThat(caller.status(running)).isEqualTo("completed");
        assertThat(caller.status(waiting)).isEqualTo("queued");
        assertThat(hardware.console).anyMatch(line -> line.contains("OPEN -> DRAINING"));
    }

    @Test
    void aCancelledDrainReopensAndAnOldMarkDoesNothing() {
        // Given
        var running = enqueued(Duration.ofSeconds(200));
        var hardware = boot("i-1", script(1, queue));
        awaitStatus(running, "in_progress");
        hardware.mark = "drain:5";
        Await.until(SOON, () -> "not draining", () -> hardware.console.stream().anyMatch(line -> line.contains("-> DRAINING")));

        // When
        hardware.mark = "none:6";
        Await.until(SOON, () -> "not open", () -> hardware.console.stream().anyMatch(line -> line.contains("-> OPEN")));
        hardware.mark = "drain:4";

        // Then
        awaitStatus(running, "completed");
        awaitStatus(enqueued(Duration.ofSeconds(1)), "completed");
        assertThat(hardware.powerOffs.get()).isZero();
    }

    @Test
    void drainNowKillsWithoutAReport() {
        // Given
        var running = enqueued(Duration.ofHours(10));
        var hardware = boot("i-1", script(1, queue));
        awaitStatus(running, "in_progress");

        // When
        hardware.mark = "drain-now:1";

        // Then
        Await.until(SOON, () -> "still on", () -> hardware.powerOffs.get() == 1);
        assertThat(caller.status(running)).isEqualTo("in_progress");
    }

    @Test
    void anInterruptionKillsBeforeTheEndWithoutAReport() {
        // Given
        var running = enqueued(Duration.ofHours(10));
        var hardware = boot("i-1", script(1, queue));
        awaitStatus(running, "in_progress");
        var waiting = enqueued(Duration.ofSeconds(1));

        // When
        hardware.notice = "{\"action\":\"terminate\",\"time\":\"" + Instant.now().plusSeconds(1) + "\"}";

        // Then
        Await.until(SOON, () -> "still on", () -> hardware.powerOffs.get() == 1);
        assertThat(caller.status(running)).isEqualTo("in_progress");
        assertThat(caller.status(waiting)).isEqualTo("queued");
    }

    @Test
    void aCutPowerReportsNothing() {
        // Given
        var running = enqueued(Duration.ofSeconds(100));
        var hardware = new FakeHardware(vertx, "i-1", script(1, queue));
        open.add(hardware);
        var machine = image.boot(hardware);
        awaitStatus(running, "in_progress");

        // When
        machine.cutPower();

        // Then
        var other = enqueued(Duration.ofSeconds(200));
        boot("i-2", script(1, queue));
        awaitStatus(other, "completed");
        assertThat(caller.status(running)).isEqualTo("in_progress");
        assertThat(hardware.powerOffs.get()).isZero();
    }

    @Test
    void aLostPopLeavesTheTaskAdriftAndTheMachineWorking() {
        // Given
        server.faults().add(Faults.Fault.cutBody("queues.get_next_task").times(1));
        var adrift = enqueued(Duration.ofSeconds(1));

        // When
        boot("i-1", script(1, queue));

        // Then
        awaitStatus(enqueued(Duration.ofSeconds(1)), "completed");
        assertThat(caller.status(adrift)).isEqualTo("queued");
        assertThat(server.books().tasks().get(0).pops()).isEqualTo(1);
    }

    @Test
    void survivesErrorsOnEveryCall() {
        // Given
        var task = enqueued(Duration.ofSeconds(1));
        server.faults().add(Faults.Fault.error("workers.register", 500, 102).times(2));
        server.faults().add(Faults.Fault.cutBody("tasks.started").times(2));
        server.faults().add(Faults.Fault.error("tasks.get_by_id", 503, 0).times(2));
        server.faults().add(Faults.Fault.unauthorized("tasks.completed").times(1));

        // When
        boot("i-1", script(1, queue));

        // Then
        Await.until(SOON, () -> "not completed", () -> server.books().byStatus().containsKey("completed"));
        assertThat(caller.status(task)).isEqualTo("completed");
        assertThat(server.books().ranMoreThanOnce()).isEmpty();
    }

    @Test
    void readsACompressedScriptAndFetchesANewTokenWhenItsOwnIsForgotten() throws IOException {
        // Given
        var bytes = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(bytes)) {
            gzip.write(script(1, queue).getBytes(StandardCharsets.UTF_8));
        }
        var hardware = boot("i-1", bytes.toString(StandardCharsets.ISO_8859_1));
        awaitStatus(enqueued(Duration.ofSeconds(1)), "completed");

        // When
        hardware.forgetTokens();
        hardware.mark = "drain:1";

        // Then
        Await.until(SOON, () -> "still on", () -> hardware.powerOffs.get() == 1);
    }

    @Test
    void saysOnItsConsoleWhatAScriptLacksAndIdles() {
        var garbage = boot("i-1", "no script at all");
        var partial = boot("i-2", "x <<'MUSTER_PROPERTIES'\nworker.prefix=a:b:c\nqueues=q\nMUSTER_PROPERTIES\n");

        Await.until(SOON, () -> "silent", () -> !garbage.console.isEmpty() && !partial.console.isEmpty());

        assertThat(garbage.console).containsExactly("boot failed: user-data has no properties block: nothing follows <<'MUSTER_PROPERTIES'");
        assertThat(partial.console).containsExactly(
                "boot failed: the properties block lacks clearml.api, clearml.access-key, clearml.secret-key");
        assertThat(garbage.powerOffs.get()).isZero();
        assertThat(caller.data("workers.get_all", "{}").path("workers")).isEmpty();
    }
}
