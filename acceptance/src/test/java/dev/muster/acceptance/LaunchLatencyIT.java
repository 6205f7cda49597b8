package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.muster.sandbox.clearml.SampleTask;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Measures, at EC2's end, how long a task's enqueueing takes to become a launch call, and a refused call the next one. It prints the
 * figures and judges only that every launch came: machines are shared and noisy.
 */
@Tag("bench")
class LaunchLatencyIT {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int TASKS = Integer.getInteger("muster.bench.tasks", 200);
    private static final long SEED = Long.getLong("muster.bench.seed", 7);
    /** Enough for a spread over parts of the run, few enough for a percentile in each. */
    private static final int BLOCKS = 4;

    private static final Duration PATIENCE = Duration.ofMinutes(1);

    @TempDir
    Path folder;

    private Shell shell;
    private Clearml clearml;
    private StandIns standIns;

    @BeforeEach
    void up() throws Exception {
        shell = new Shell(folder);
        shell.run("./muster up --json").succeeded();
        clearml = Clearml.of(shell);
        standIns = StandIns.of(shell);
    }

    @AfterEach
    void down() throws Exception {
        shell.run("./muster down");
        shell.endAll();
    }

    @Test
    void fromEnqueueToTheLaunchCall() throws Exception {
        clearml.call("queues.create", Map.of("name", "bench"));
        apply("name: bench\nqueues: {bench: [bench]}\npools:\n  bench: {provider: aws, region: us-east-1, type: g4dn.xlarge, max: "
                + (TASKS + 1) + ", idle: 1h}\n");
        enqueue("warm-up", "bench");
        Await.within(PATIENCE, "the first launch", () -> calls().size() == 1);
        var random = new Random(SEED);
        var enqueued = new ArrayList<Instant>();
        for (int i = 0; i < TASKS; i++) {
            // Apart by more than a look and not in step with it, so that each task is a look's news of its own.
            TimeUnit.MILLISECONDS.sleep(1000 + random.nextInt(1000));
            enqueued.add(enqueue("task-" + i, "bench"));
        }
        Await.within(PATIENCE, "all launches", () -> calls().size() == TASKS + 1);

        var calls = calls();
        assertThat(calls).allSatisfy(call -> assertThat(call.path("answer").asText()).isEqualTo("Success"));
        var took = new ArrayList<Duration>();
        for (int i = 0; i < TASKS; i++) {
            took.add(Duration.between(enqueued.get(i), Instant.parse(calls.get(i + 1).path("at").asText())));
        }
        print("enqueue to launch call", took);
    }

    @Test
    void fromARefusedLaunchToTheNextOffersCall() throws Exception {
        var types = List.of("g4dn.xlarge", "g4dn.2xlarge", "g4dn.4xlarge", "g4dn.8xlarge", "g5.xlarge", "g5.2xlarge", "g5.4xlarge", "g5.8xlarge");
        var queues = new StringBuilder();
        var pools = new StringBuilder();
        for (int i = 0; i < types.size(); i++) {
            clearml.call("queues.create", Map.of("name", "bench-" + i));
            queues.append("  bench-").append(i).append(": [bench-").append(i).append("]\n");
            pools.append("  bench-").append(i).append(": {provider: aws, region: us-east-1, max: 1, idle: 1h, offers: [");
            for (var zone : List.of("us-east-1a", "us-east-1b", "us-east-1c")) {
                pools.append("{type: ").append(types.get(i)).append(", zone: ").append(zone).append("}, ");
            }
            pools.setLength(pools.length() - 2);
            pools.append("]}\n");
        }
        standIns.post("/ec2/capacity", "{\"most\": 0}");
        apply("name: bench\nqueues:\n" + queues + "pools:\n" + pools);

        var took = new ArrayList<Duration>();
        for (int i = 0; i < types.size(); i++) {
            enqueue("task-" + i, "bench-" + i);
            int before = 3 * i;
            Await.within(PATIENCE, "every offer's call", () -> calls().size() == before + 3);
            var calls = calls();
            for (int call = before + 1; call < before + 3; call++) {
                assertThat(calls.get(call - 1).path("answer").asText()).isEqualTo("InsufficientInstanceCapacity");
                took.add(Duration.between(Instant.parse(calls.get(call - 1).path("at").asText()), Instant.parse(calls.get(call).path("at").asText())));
            }
            // EC2 allows five launch calls at once and two a second after that: what is measured is the loop, not its pace.
            TimeUnit.MILLISECONDS.sleep(2000);
        }
        print("refused launch to the next offer's call", took);
    }

    private void apply(String fleet) throws Exception {
        Files.writeString(folder.resolve("fleet.yaml"), fleet);
        shell.run("./muster fleet apply -f fleet.yaml").succeeded();
        // Its first list and look, so that what is measured is the loop and not its start.
        Await.within(PATIENCE, "the queue is seen", () -> {
            try {
                return shell.run("./muster queue list --json").succeeded().out().contains("\"age\"");
            } catch (Exception failed) {
                throw new IllegalStateException(failed);
            }
        });
    }

    private Instant enqueue(String name, String queue) throws Exception {
        var task = clearml.call("tasks.create", SampleTask.running(name, Duration.ofHours(10)).createRequest().toString()).path("id").asText();
        var now = Instant.now();
        clearml.call("tasks.enqueue", Map.of("task", task, "queue_name", queue));
        return now;
    }

    private List<JsonNode> calls() {
        try {
            return StreamSupport.stream(standIns.get("/ec2/books").path("launchCalls").spliterator(), false).toList();
        } catch (IOException | InterruptedException failed) {
            throw new IllegalStateException(failed);
        }
    }

    /** All of it, and the median of each quarter of the run, so that a noisy stretch is seen for what it is. */
    private static void print(String what, List<Duration> took) {
        var line = new StringBuilder(what + ": n " + took.size() + ", p50 " + percentile(took, 50) + " ms, p90 " + percentile(took, 90) + " ms, p99 "
                + percentile(took, 99) + " ms, most " + percentile(took, 100) + " ms; medians by quarter of the run");
        for (int block = 0; block < BLOCKS; block++) {
            line.append(' ').append(percentile(took.subList(took.size() * block / BLOCKS, took.size() * (block + 1) / BLOCKS), 50));
        }
        System.out.println(line + " ms");
    }

    private static long percentile(List<Duration> took, int percent) {
        var sorted = took.stream().sorted().toList();
        return sorted.get(Math.max(0, (int) Math.ceil(sorted.size() * percent / 100.0) - 1)).toMillis();
    }
}
