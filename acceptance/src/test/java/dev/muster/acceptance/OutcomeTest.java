package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.sandbox.TimeScale;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** That a storm's outcome tells a killed task from one that the storm cut off, and a second run from one that had to be. */
class OutcomeTest {

    private static final TimeScale SPEED = new TimeScale(100);
    private static final Duration LONG = Duration.ofHours(2);
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Map<String, Instant> enqueued = new HashMap<>();
    private OwnStandIns standIns;
    private String queue;

    @BeforeEach
    void open() throws Exception {
        standIns = new OwnStandIns(SPEED);
        queue = standIns.createQueue("work");
    }

    @AfterEach
    void close() {
        standIns.close();
    }

    private String enqueue(Duration runTime) throws Exception {
        var task = standIns.createTask("task", runTime);
        enqueued.put(task, Instant.now());
        standIns.enqueue(task, queue);
        return task;
    }

    /** A machine of ClearML's autoscaler, which has begun the task. */
    private String running(int starts) throws Exception {
        var machine = standIns.launchPlainAgent("work");
        Await.within(PATIENCE, "the task to run on " + machine, () -> standIns.clearml.books().tasks().stream()
                .anyMatch(task -> task.starts() == starts && task.lastWorker() != null && task.lastWorker().endsWith(machine)));
        return machine;
    }

    private Outcome outcome(String... hit) {
        return Outcome.of(standIns, SPEED, enqueued, Set.of(hit));
    }

    @Test
    void aTaskWhoseMachineIsEndedIsKilledAndLostUnlessTheStormEndedIt() throws Exception {
        enqueue(LONG);
        var machine = running(1);
        assertThat(outcome()).extracting(Outcome::killed, Outcome::lost, Outcome::left).containsExactly(0, 1, 1);

        assertThat(outcome(machine).dead()).isEqualTo(1);

        standIns.take(machine);

        assertThat(outcome()).extracting(Outcome::killed, Outcome::lost, Outcome::again, Outcome::twice).containsExactly(1, 1, 0, 0);
        assertThat(outcome(machine)).extracting(Outcome::killed, Outcome::lost, Outcome::again, Outcome::twice).containsExactly(0, 1, 0, 0);
    }

    @Test
    void aSecondRunIsExcusedByTheStormAlone() throws Exception {
        var task = enqueue(Duration.ofMinutes(10));
        var first = running(1);
        standIns.take(first);
        standIns.putBack(task, queue);
        running(2);
        Await.within(PATIENCE, "the task to be completed", () -> standIns.clearml.books().byStatus().getOrDefault("completed", 0) == 1);

        assertThat(outcome()).extracting(Outcome::completed, Outcome::killed, Outcome::lost, Outcome::again, Outcome::twice)
                .containsExactly(1, 1, 0, 0, 1);
        assertThat(outcome(first)).extracting(Outcome::completed, Outcome::killed, Outcome::lost, Outcome::again, Outcome::twice)
                .containsExactly(1, 0, 0, 1, 0);
    }

    @Test
    void waitsAndMachineTimeAreOfTheMachinesClock() throws Exception {
        enqueue(Duration.ofMinutes(1));
        running(1);
        Await.within(PATIENCE, "the task to be completed", () -> standIns.clearml.books().byStatus().getOrDefault("completed", 0) == 1);

        var outcome = outcome();

        assertThat(outcome).extracting(Outcome::tasks, Outcome::completed, Outcome::launched, Outcome::most, Outcome::left)
                .containsExactly(1, 1, 1, 1, 1);
        // Boots in 20 s, and runs for a minute.
        assertThat(outcome.wait(50)).isEqualTo(outcome.wait(99)).isGreaterThan(Duration.ofSeconds(20));
        assertThat(outcome.begunLaterThan(Duration.ofSeconds(20))).isEqualTo(1);
        assertThat(outcome.machineTime()).isGreaterThan(Duration.ofMinutes(1));
        assertThat(outcome.dollars()).isPositive();
    }
}
