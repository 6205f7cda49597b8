package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * ClearML answers nobody for three minutes, Muster and agents alike, while tasks run: nothing is ended, nothing is started twice, and what
 * waits is served after.
 */
@Tag("long")
class StallIT {

    private static final int SPEED = 10;
    private static final Duration STALL = Duration.ofMinutes(3);
    /** Of the clock: longer than idle machines are kept, so that one that is taken for idle would be ended in the stall. */
    private static final int TASK_SECONDS = 60;
    private static final Duration PATIENCE = Duration.ofMinutes(4);

    @TempDir
    Path folder;

    private Shell shell;

    @AfterEach
    void down() {
        if (shell != null) {
            shell.endAll();
        }
    }

    @Test
    void nothingIsEndedAndNothingRunsTwice() throws Exception {
        shell = new Shell(folder);
        shell.run("./muster up --speed " + SPEED + " --json").succeeded();
        var standIns = StandIns.of(shell);
        Files.writeString(folder.resolve("stall.yaml"), """
                name: stall
                queues:
                  cpu: [cpu]
                pools:
                  cpu: {provider: aws, region: us-east-1, type: c5.xlarge, max: 2, idle: 20s}
                """);
        shell.run("./muster fleet apply -f stall.yaml").succeeded();
        shell.run("./muster task enqueue cpu --count 4 --seconds " + TASK_SECONDS * SPEED).succeeded();
        Await.within(PATIENCE, "two tasks to run, and the planner to know", () -> phases().equals(List.of("READY", "READY")) && standIns.tasks("in_progress") == 2);

        standIns.post("/clearml/faults", "{\"endpoints\": \"*\", \"kind\": \"stall\"}");
        var over = Instant.now().plus(STALL);
        Await.within(Duration.ofMinutes(1), "the queue to be said to be unseen for now", () -> problem().startsWith("the last look failed"));
        Await.within(STALL.plusMinutes(1), "the stall to be over", () -> {
            assertThat(phases()).containsExactly("READY", "READY");
            return Instant.now().isAfter(over);
        });
        standIns.delete("/clearml/faults");

        Await.within(PATIENCE, "all tasks done", () -> standIns.tasks("completed") == 4);
        Await.within(PATIENCE, "no machine left", () -> phases().isEmpty());
        for (var task : standIns.tasks()) {
            assertThat(task.path("starts").asInt()).as(task.toString()).isEqualTo(1);
        }
        assertThat(problem()).isEmpty();
    }

    private String problem() throws Exception {
        return shell.run("./muster queue list --json").succeeded().json().path("queues").path(0).path("problem").asText();
    }

    private List<String> phases() throws Exception {
        return StreamSupport.stream(shell.run("./muster machine list --json").succeeded().json().path("machines").spliterator(), false)
                .map(machine -> machine.path("phase").asText()).toList();
    }
}
