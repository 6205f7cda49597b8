package dev.muster.watcher.clearml;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.clearml.ClearmlException;
import dev.muster.clearml.Task;
import dev.muster.v1.RescueOutcome;
import dev.muster.v1.RescueTask;
import dev.muster.v1.TaskRescued;
import dev.muster.v1.TaskStatus;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RescueTest {

    private static final String GONE = "muster-vision:a:t:i-1";

    private final FakeTasks server = new FakeTasks();
    private Instant now = Instant.EPOCH;
    private final Rescue rescue = new Rescue(server, new Clock() {
        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    });

    private static RescueTask.Builder command(TaskStatus expected) {
        return RescueTask.newBuilder().setTask("lost").setQueue(FakeTasks.QUEUE).setMachineId("mabcdefgh-1").setWorker(GONE)
                .setExpectedStatus(expected).setAttempt(1).setLogLine("its machine is gone");
    }

    private TaskRescued carryOut(RescueTask.Builder command) {
        return rescue.carryOut(command.build());
    }

    @Test
    void aTaskOfAGoneMachineWaitsAtTheFrontAgain() {
        // Given
        server.put("lost", Task.IN_PROGRESS, "", GONE);
        server.show(GONE, "lost");
        server.entries.addAll(List.of("other", "another"));

        // When
        var answer = carryOut(command(TaskStatus.IN_PROGRESS));

        // Then
        assertThat(answer.getOutcome()).isEqualTo(RescueOutcome.RESCUED);
        assertThat(answer.getStatus()).isEqualTo(TaskStatus.QUEUED);
        assertThat(server.entries).containsExactly("lost", "other", "another");
        assertThat(server.tasks.get("lost").statusReason()).isEqualTo("muster rescue 1");
        assertThat(server.logged).containsExactly("its machine is gone");
    }

    @Test
    void aTaskThatWasPoppedAndNeverStartedIsPutBack() {
        // Given
        server.put("lost", Task.QUEUED, "", "");

        // When
        var answer = carryOut(command(TaskStatus.QUEUED).setWorker("").setMachineId(""));

        // Then
        assertThat(answer.getOutcome()).isEqualTo(RescueOutcome.RESCUED);
        assertThat(server.entries).containsExactly("lost");
    }

    @ParameterizedTest
    @ValueSource(strings = {Task.COMPLETED, Task.CREATED, Task.FAILED, Task.CLOSED, Task.PUBLISHED, Task.PUBLISHING, Task.STOPPED, "new state"})
    void aTaskThatEndedIsLeftAlone(String status) {
        // Given
        server.put("lost", status, "", GONE);

        // When
        var answer = carryOut(command(TaskStatus.IN_PROGRESS));

        // Then
        assertThat(answer.getOutcome()).isEqualTo(RescueOutcome.NOT_NEEDED);
        assertThat(server.calls).containsExactly("get_by_id");
    }

    @Test
    void aTaskThatTheServerForgotNeedsNoRescue() {
        var answer = carryOut(command(TaskStatus.IN_PROGRESS));

        assertThat(answer.getOutcome()).isEqualTo(RescueOutcome.NOT_NEEDED);
        assertThat(answer.getStatus()).isEqualTo(TaskStatus.TASK_NOT_FOUND);
    }

    @Test
    void aTaskThatAnotherWorkerHasIsRunning() {
        // Given
        server.put("lost", Task.IN_PROGRESS, "", GONE);
        server.show("muster-vision:a:t:i-2", "lost");

        // When
        var answer = carryOut(command(TaskStatus.IN_PROGRESS));

        // Then
        assertThat(answer.getOutcome()).isEqualTo(RescueOutcome.RUNNING);
        assertThat(answer.getWorker()).isEqualTo("muster-vision:a:t:i-2");
        assertThat(server.entries).isEmpty();
    }

    @Test
    void withoutAGoneMachineItsOwnWorkerIsAlive() {
        // Given
        server.put("lost", Task.IN_PROGRESS, "", "on-premises");
        server.show("on-premises", "lost");

        // When
        var answer = carryOut(command(TaskStatus.IN_PROGRESS).setWorker("on-premises").setMachineId(""));

        // Then
        assertThat(answer.getOutcome()).isEqualTo(RescueOutcome.RUNNING);
    }

    @Test
    void aTaskThatMovedOnToAnotherWorkerIsLeftAlone() {
        // Given
        server.put("lost", Task.IN_PROGRESS, "", "muster-vision:a:t:i-2");

        // When
        var answer = carryOut(command(TaskStatus.IN_PROGRESS));

        // Then
        assertThat(answer.getOutcome()).isEqualTo(RescueOutcome.NOT_NEEDED);
        assertThat(server.calls).doesNotContain("stopped");
    }

    @Test
    void aTaskThatWaitsInItsQueueIsLeftAlone() {
        // Given
        server.put("lost", Task.QUEUED, "", GONE);
        server.entries.addAll(List.of("other", "lost"));

        // When
        var answer = carryOut(command(TaskStatus.QUEUED));

        // Then
        assertThat(answer.getOutcome()).isEqualTo(RescueOutcome.NOT_NEEDED);
        assertThat(server.entries).containsExactly("other", "lost");
    }

    @Test
    void aTagOptsOut() {
        server.put("lost", Task.IN_PROGRESS, "", GONE, "keep-out");

        assertThat(carryOut(command(TaskStatus.IN_PROGRESS).setOptOutTag("keep-out")).getOutcome()).isEqualTo(RescueOutcome.DECLINED);
        assertThat(carryOut(command(TaskStatus.IN_PROGRESS).setOptOutTag("other")).getOutcome()).isEqualTo(RescueOutcome.RESCUED);
    }

    @Test
    void theDefaultTagOptsOut() {
        server.put("lost", Task.IN_PROGRESS, "", GONE, "muster-no-rescue");

        assertThat(carryOut(command(TaskStatus.IN_PROGRESS)).getOutcome()).isEqualTo(RescueOutcome.DECLINED);
    }

    /** The planner numbers what it sends, and sends again what is not answered in time. */
    @Test
    void aCommandThatWasSentTwiceIsCarriedOutOnce() {
        // Given
        server.put("lost", Task.QUEUED, "", "");
        var popped = command(TaskStatus.QUEUED).setWorker("").setMachineId("");
        carryOut(popped);
        server.entries.remove("lost");

        // When
        var late = carryOut(popped.setAttempt(2));
        now = now.plusSeconds(61);
        var anew = carryOut(popped.setAttempt(3));

        // Then
        assertThat(late.getOutcome()).isEqualTo(RescueOutcome.RESCUED);
        assertThat(late.getAttempt()).isEqualTo(2);
        assertThat(anew.getOutcome()).isEqualTo(RescueOutcome.RESCUED);
        assertThat(server.calls.stream().filter("enqueue"::equals)).hasSize(2);
    }

    @Test
    void aTaskWhoseNextMachineIsGoneTooIsPutBackAtOnce() {
        // Given
        server.put("lost", Task.IN_PROGRESS, "", GONE);
        carryOut(command(TaskStatus.IN_PROGRESS));
        server.entries.remove("lost");
        server.put("lost", Task.IN_PROGRESS, "", "muster-vision:a:t:i-2");

        // When
        var answer = carryOut(command(TaskStatus.IN_PROGRESS).setWorker("muster-vision:a:t:i-2").setAttempt(2));

        // Then
        assertThat(answer.getOutcome()).isEqualTo(RescueOutcome.RESCUED);
        assertThat(server.entries).containsExactly("lost");
    }

    @Test
    void aTaskThatCompletesAfterItWasReadStaysCompleted() {
        // Given
        server.put("lost", Task.IN_PROGRESS, "", GONE);
        server.before.put("stopped", () -> server.setStatus("lost", Task.COMPLETED, ""));

        // When
        var answer = carryOut(command(TaskStatus.IN_PROGRESS));
        var repeated = carryOut(command(TaskStatus.IN_PROGRESS));

        // Then
        assertThat(answer.getOutcome()).isEqualTo(RescueOutcome.RESCUE_FAILED);
        assertThat(repeated.getOutcome()).isEqualTo(RescueOutcome.NOT_NEEDED);
        assertThat(server.tasks.get("lost").status()).isEqualTo(Task.COMPLETED);
        assertThat(server.entries).isEmpty();
        assertThat(server.calls).doesNotContain("stopped by force");
    }

    @Test
    void aServerThatThinksOtherwiseOfAnUnchangedTaskIsForced() {
        // Given
        server.put("lost", Task.IN_PROGRESS, "", GONE);
        server.before.put("stopped", () -> {
            throw ClearmlException.answered("tasks.stopped", 400, 110, "status");
        });

        // When
        var answer = carryOut(command(TaskStatus.IN_PROGRESS));

        // Then
        assertThat(answer.getOutcome()).isEqualTo(RescueOutcome.RESCUED);
        assertThat(server.calls).contains("stopped by force");
    }

    @Test
    void aTaskThatAnAgentTakesAtOnceIsRescuedAllTheSame() {
        // Given
        server.put("lost", Task.IN_PROGRESS, "", GONE);
        server.before.put("front", () -> server.entries.remove("lost"));

        // When
        var answer = carryOut(command(TaskStatus.IN_PROGRESS));

        // Then
        assertThat(answer.getOutcome()).isEqualTo(RescueOutcome.RESCUED);
    }

    /** The connection ends before or after any call: the repeat brings the task back exactly once. */
    @ParameterizedTest
    @ValueSource(strings = {"get_by_id", "workers", "queues", "stopped", "enqueue", "front"})
    void aRescueThatWasCutShortIsFinishedByItsRepeat(String call) {
        for (var isLostBefore : List.of(true, false)) {
            // Given
            now = now.plusSeconds(100);
            server.tasks.clear();
            server.entries.clear();
            server.entries.add("other");
            server.put("lost", Task.IN_PROGRESS, "", GONE);
            var faults = isLostBefore ? server.before : server.after;
            faults.put(call, () -> {
                throw ClearmlException.answered(call, 502, 0, "gone");
            });

            // When
            var cut = carryOut(command(TaskStatus.IN_PROGRESS));
            var repeated = carryOut(command(TaskStatus.IN_PROGRESS));

            // Then
            assertThat(cut.getOutcome()).isEqualTo(RescueOutcome.RESCUE_FAILED);
            assertThat(cut.getDetail()).contains("502");
            assertThat(repeated.getOutcome()).isEqualTo(RescueOutcome.RESCUED);
            assertThat(server.entries).containsExactly("lost", "other");
        }
    }

    @Test
    void aCommandThatIsReadAgainChangesNothingMore() {
        // Given
        server.put("lost", Task.IN_PROGRESS, "", GONE);
        carryOut(command(TaskStatus.IN_PROGRESS));
        // An agent has popped it and not said so yet: a second rescue would run it twice.
        server.entries.remove("lost");

        // When
        var answer = carryOut(command(TaskStatus.IN_PROGRESS));

        // Then
        assertThat(answer.getOutcome()).isEqualTo(RescueOutcome.RESCUED);
        assertThat(server.entries).isEmpty();
        assertThat(server.calls.stream().filter("enqueue"::equals)).hasSize(1);
    }

    @Test
    void aTaskThatAPersonStoppedLaterStaysStopped() {
        // Given
        server.put("lost", Task.IN_PROGRESS, "", GONE);
        carryOut(command(TaskStatus.IN_PROGRESS));
        server.setStatus("lost", Task.STOPPED, "aborted by its owner");

        // When
        var answer = carryOut(command(TaskStatus.IN_PROGRESS));

        // Then
        assertThat(answer.getOutcome()).isEqualTo(RescueOutcome.NOT_NEEDED);
        assertThat(answer.getStatus()).isEqualTo(TaskStatus.STOPPED);
    }

    @Test
    void aTaskIsNotStoppedForAQueueThatIsNotThere() {
        // Given
        server.put("lost", Task.IN_PROGRESS, "", GONE);
        server.hasQueue = false;

        // When
        var answer = carryOut(command(TaskStatus.IN_PROGRESS));

        // Then
        assertThat(answer.getOutcome()).isEqualTo(RescueOutcome.RESCUE_FAILED);
        assertThat(server.tasks.get("lost").status()).isEqualTo(Task.IN_PROGRESS);
    }

    @Test
    void aConsoleThatCannotBeWrittenDoesNotUndoARescue() {
        // Given
        server.put("lost", Task.IN_PROGRESS, "", GONE);
        server.before.put("log", () -> {
            throw ClearmlException.answered("events.add_batch", 500, 0, "full");
        });

        // When
        var answer = carryOut(command(TaskStatus.IN_PROGRESS));

        // Then
        assertThat(answer.getOutcome()).isEqualTo(RescueOutcome.RESCUED);
        assertThat(answer.getDetail()).contains("could not be told");
    }
}
