package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A day of a production cluster through the whole suite, judged by the stand-ins' own books: quietly, beside a fleet of fixed size, and
 * while services are killed and stopped.
 *
 * <p>The trace is not part of the project. {@code -Dmuster.trace=FILE} names a copy of openb_pod_list_default.csv of the Alibaba cluster
 * trace gpu-v2023; without it the tests are skipped.
 */
@Tag("long")
class TraceReplayIT {

    /** One day of it: 678 tasks, of which gpu would have 18 machines at its peak without a limit. */
    private static final String DAY = " --from 12787200 --to 12873600 --speed 600 --json --fleet ";

    @TempDir
    Path folder;

    private Shell shell;
    private String trace;

    @BeforeEach
    void open() throws IOException {
        trace = System.getProperty("muster.trace", "");
        assumeTrue(Files.isReadable(Path.of(trace)), () -> "skipped: no trace at '" + trace + "'; name one with -Dmuster.trace");
        shell = new Shell(folder);
    }

    @AfterEach
    void close() {
        if (shell != null) {
            shell.endAll();
        }
    }

    @Test
    void aDayEndsWithEveryTaskDoneAndTheLimitHeld() throws Exception {
        var answer = shell.run("./muster replay " + trace + DAY + "deploy/examples/replay.yaml").succeeded().json();
        judge(answer);
        var fixed = shell.run("./muster replay " + trace + DAY + "deploy/examples/replay-fixed.yaml").succeeded().json();
        judge(fixed);
        report("replay", answer);
        report("replay with min = max = 10", fixed);
    }

    @Test
    void aDayEndsTheSameWhileEveryServiceDiesOnceAndThePlannerStandsStill() throws Exception {
        shell.run("./muster up --speed 600 --json").succeeded();
        var replay = CompletableFuture.supplyAsync(() -> {
            try {
                return shell.run("./muster replay " + trace + DAY + "deploy/examples/replay.yaml");
            } catch (IOException | InterruptedException failed) {
                throw new IllegalStateException(failed);
            }
        });
        for (var service : new String[] {"planner", "queue-watcher", "aws-provisioner"}) {
            assertThat(ends(replay, Duration.ofSeconds(30))).as("the replay still runs before %s is killed", service).isFalse();
            signal("KILL", pid(service));
        }
        assertThat(ends(replay, Duration.ofSeconds(25))).as("the replay still runs before the planner is stopped").isFalse();
        var planner = pid("planner");
        signal("STOP", planner);
        ends(replay, Duration.ofSeconds(20));
        signal("CONT", planner);

        var answer = replay.get(6, TimeUnit.MINUTES).succeeded().json();
        judge(answer);
        report("replay with kills", answer);
        for (var process : status().path("processes")) {
            assertThat(process.path("restarts").asInt()).as(process.path("name").asText()).isEqualTo(process.path("name").asText().equals("kafka") ? 0 : 1);
        }
        var decided = shell.run("./muster replay-decisions --json").succeeded().json().path("fleets").path(0);
        assertThat(decided.path("machines").asInt()).isEqualTo(answer.path("machinesLaunched").asInt());
        assertThat(decided.path("machinesWithoutCauseChain")).isEmpty();
        System.out.println("replay with kills: " + decided.path("plans") + " plans and " + decided.path("decisions") + " decisions decided again, "
                + decided.path("differences").size() + " differences; " + decided.path("machines") + " machines, each with an unbroken chain of causes");
        shell.run("./muster down").succeeded();
        assertThat(shell.processesLeft()).isEmpty();
    }

    private static void judge(JsonNode answer) {
        assertThat(answer.path("tasks").asInt()).isEqualTo(678);
        assertThat(answer.path("tasksCompleted").asInt()).isEqualTo(678);
        assertThat(answer.path("tasksRunTwice").asInt()).isZero();
        assertThat(answer.path("machinesLeft").asInt()).isZero();
        assertThat(answer.path("peakMachines").path("gpu").asInt()).isEqualTo(10);
        assertThat(answer.path("machineIdsOfSeveralMachines")).isEmpty();
        assertThat(answer.path("problems")).isEmpty();
    }

    /** Figures are told, not judged: waiting depends on the machine that this runs on. */
    private static void report(String what, JsonNode answer) {
        System.out.println(what + ": launched " + answer.path("machinesLaunched") + ", machine-hours " + answer.path("machineHours") + ", cost "
                + answer.path("cost") + " " + answer.path("currency").asText() + ", waiting " + answer.at("/waitingSeconds/queues"));
    }

    /** Waits that long; true if it ended before. */
    private static boolean ends(CompletableFuture<?> running, Duration within) throws Exception {
        try {
            running.get(within.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException stillRuns) {
            return false;
        }
    }

    private JsonNode status() throws Exception {
        return shell.run("./muster status --json").succeeded().json();
    }

    private long pid(String service) throws Exception {
        return StreamSupport.stream(status().path("processes").spliterator(), false)
                .filter(process -> process.path("name").asText().equals(service)).findFirst().orElseThrow().path("pid").asLong();
    }

    private void signal(String name, long pid) throws Exception {
        shell.run("kill -" + name + " " + pid).succeeded();
    }
}
