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

/** Rescues that mark a task failed. */
class FailingTest {

    private static final String GONE = "muster-vision:a:pod:0b1c";
    private static final String MESSAGE = "the pod used more memory than its limit";

    private final FakeTasks server = new FakeTasks();
    private Instant now = Instant.EPOCH;
    private final Clock clock = new Clock() {
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
    };
    private Rescue rescue = new Rescue(server, clock);

    /** Of a task that ran. */
    private static RescueTask.Builder ran() {
        return RescueTask.newBuilder().setTask("bad").setQueue(FakeTasks.QUEUE).setMachineId("mabcdefgh-1").setWorker(GONE)
                .setExpectedStatus(TaskStatus.IN_PROGRESS).setAttempt(1).setLogLine("its pod was killed")
                .setFailReason("OOMKilled").setFailMessage(MESSAGE);
    }

    /** Of a task that never came to run, since its image isn't there. */
    private static RescueTask.Builder waited() {
        return ran().setWorker("").setExpectedStatus(TaskStatus.QUEUED).setFailReason("ImagePullBackOff").setFailMessage("no image x");
    }

    private TaskRescued carryOut(RescueTask.Builder command) {
        return rescue.carryOut(command.build());
    }

    private void expectFailed(TaskRescued answer, String reason, String message) {
        assertThat(answer.getOutcome()).as(answer.getDetail()).isEqualTo(RescueOutcome.MARKED_FAILED);
        assertThat(answer.getStatus()).isEqualTo(TaskStatus.TASK_FAILED);
        assertThat(server.tasks.get("bad").status()).isEqualTo(Task.FAILED);
        assertThat(server.tasks.get("bad").statusReason()).isEqualTo(reason);
        assertThat(server.messages).containsExactly(message);
        assertThat(server.entries).doesNotContain("bad");
    }

    @Test
    void aTaskWhosePodDiedIsFailedWithThePodsReason() {
        // Given
        server.put("bad", Task.IN_PROGRESS, "", GONE);
        server.show(GONE, "bad");

        // When
        var answer = carryOut(ran());

        // Then
        expectFailed(answer, "OOMKilled", MESSAGE);
        assertThat(server.logged).containsExactly("its pod was killed");
        assertThat(server.calls).doesNotContain("failed by force", "enqueue");
    }

    @Test
    void aTaskThatWaitsIsTakenOutOfItsQueueAndFailed() {
        // Given
        server.put("bad", Task.QUEUED, "", "");
        server.entries.addAll(List.of("other", "bad"));

        // When
        var answer = carryOut(waited());

        // Then
        expectFailed(answer, "ImagePullBackOff", "no image x");
        assertThat(server.entries).containsExactly("other");
        assertThat(server.calls).doesNotContain("failed by force", "stopped by force");
    }

    @Test
    void aTaskThatRanBeforeAndWaitsAgainIsTakenOutOfItsQueueAndFailed() {
        // Given
        server.put("bad", Task.QUEUED, "", GONE);
        server.entries.add("bad");

        // When
        var answer = carryOut(waited());

        // Then
        expectFailed(answer, "ImagePullBackOff", "no image x");
    }

    @Test
    void aTaskThatWaitsInItsOwnQueueIsFoundThere() {
        // Given
        server.put("bad", Task.QUEUED, "", "");
        server.entries.add("bad");

        // When
        var unnamed = carryOut(waited().setQueue(""));

        // Then
        expectFailed(unnamed, "ImagePullBackOff", "no image x");
    }

    @ParameterizedTest
    @ValueSource(strings = {Task.COMPLETED, Task.CREATED, Task.FAILED, Task.CLOSED, Task.PUBLISHED, Task.PUBLISHING, Task.STOPPED, "new state"})
    void aTaskThatEndedIsLeftAlone(String status) {
        // Given
        server.put("bad", status, "", GONE);

        // When
        var answer = carryOut(ran());

        // Then
        assertThat(answer.getOutcome()).isEqualTo(RescueOutcome.NOT_NEEDED);
        assertThat(server.calls).containsExactly("get_by_id");
    }

    @Test
    void aTaskThatTheServerForgotNeedsNothing() {
        var answer = carryOut(ran());

        assertThat(answer.getOutcome()).isEqualTo(RescueOutcome.NOT_NEEDED);
        assertThat(answer.getStatus()).isEqualTo(TaskStatus.TASK_NOT_FOUND);
    }

    @Test
    void aTaskThatALiveWorkerHasIsRunning() {
        // Given
        server.put("bad", Task.QUEUED, "", "");
        server.show("on-premises", "bad");

        // When
        var answer = carryOut(waited());

        // Then
        assertThat(answer.getOutcome()).isEqualTo(RescueOutcome.RUNNING);
        assertThat(answer.getWorker()).isEqualTo("on-premises");
        assertThat(server.tasks.get("bad").status()).isEqualTo(Task.QUEUED);
    }

    @Test
    void aTaskThatMovedOnIsLeftAlone() {
        // Given
        server.put("bad", Task.IN_PROGRESS, "", "on-premises");

        // When
        var answers = List.of(carryOut(ran()), carryOut(waited()));

        // Then
        assertThat(answers).extracting(TaskRescued::getOutcome).containsOnly(RescueOutcome.NOT_NEEDED);
        assertThat(server.tasks.get("bad").status()).isEqualTo(Task.IN_PROGRESS);
    }

    /** The tag says that a task must not run a second time. */
    @Test
    void theTagThatOptsOutOfRescuesDoesNotKeepATaskFromBeingFailed() {
        // Given
        server.put("bad", Task.IN_PROGRESS, "", GONE, Rescue.DEFAULT_OPT_OUT_TAG);

        // When
        var answer = carryOut(ran());

        // Then
        expectFailed(answer, "OOMKilled", MESSAGE);
    }

    @Test
    void aTaskInNoQueueIsFailedOnceNobodyHasReportedIt() {
        // Given
        server.put("bad", Task.QUEUED, "", "");

        // When
        var early = carryOut(waited());
        now = now.plusSeconds(59);
        var later = carryOut(waited().setAttempt(2));
        now = now.plusSeconds(1);
        var inTime = carryOut(waited().setAttempt(3));

        // Then
        assertThat(early.getOutcome()).isEqualTo(RescueOutcome.RESCUE_FAILED);
        assertThat(later.getOutcome()).isEqualTo(RescueOutcome.RESCUE_FAILED);
        expectFailed(inTime, "ImagePullBackOff", "no image x");
    }

    @Test
    void aTaskThatAnAgentTookAMomentAgoRuns() {
        // Given
        server.put("bad", Task.QUEUED, "", "");
        carryOut(waited());
        now = now.plusSeconds(20);
        server.put("bad", Task.IN_PROGRESS, "", "on-premises");

        // When
        var answer = carryOut(waited());

        // Then
        assertThat(answer.getOutcome()).isEqualTo(RescueOutcome.NOT_NEEDED);
        assertThat(server.tasks.get("bad").status()).isEqualTo(Task.IN_PROGRESS);
    }

    @Test
    void aTaskWhoseQueueWasDeletedIsFailedToo() {
        // Given
        server.put("bad", Task.QUEUED, "", "");
        server.hasQueue = false;
        carryOut(waited());
        now = now.plusSeconds(60);

        // When
        var answer = carryOut(waited());

        // Then
        expectFailed(answer, "ImagePullBackOff", "no image x");
    }

    @Test
    void aTaskThatCompletesAfterItWasReadStaysCompleted() {
        // Given
        server.put("bad", Task.IN_PROGRESS, "", GONE);
        server.before.put("failed", () -> server.setStatus("bad", Task.COMPLETED, ""));

        // When
        var answer = carryOut(ran());
        var repeated = carryOut(ran());

        // Then
        assertThat(answer.getOutcome()).isEqualTo(RescueOutcome.RESCUE_FAILED);
        assertThat(repeated.getOutcome()).isEqualTo(RescueOutcome.NOT_NEEDED);
        assertThat(server.tasks.get("bad").status()).isEqualTo(Task.COMPLETED);
        assertThat(server.calls).doesNotContain("failed by force");
    }

    @Test
    void aServerThatThinksOtherwiseOfAnUnchangedTaskIsForced() {
        // Given
        server.put("bad", Task.IN_PROGRESS, "", GONE);
        server.before.put("failed", () -> {
            throw ClearmlException.answered("tasks.failed", 400, 110, "status");
        });

        // When
        var answer = carryOut(ran());

        // Then
        expectFailed(answer, "OOMKilled", MESSAGE);
        assertThat(server.calls).contains("failed by force");
    }

    /** The connection ends before or after any call: the repeat fails the task exactly once. */
    @ParameterizedTest
    @ValueSource(strings = {"get_by_id", "workers", "remove", "stopped", "failed"})
    void whatWasCutShortIsFinishedByItsRepeat(String call) {
        for (var isLostBefore : List.of(true, false)) {
            // Given
            now = now.plusSeconds(1000);
            server.tasks.clear();
            server.messages.clear();
            server.put("bad", Task.QUEUED, "", "");
            server.entries.addAll(List.of("other", "bad"));
            var faults = isLostBefore ? server.before : server.after;
            faults.put(call, () -> {
                throw ClearmlException.answered(call, 502, 0, "gone");
            });

            // When
            var cut = carryOut(waited());
            // By a process that remembers nothing.
            rescue = new Rescue(server, clock);
            carryOut(waited());
            now = now.plusSeconds(60);
            var repeated = carryOut(waited());

            // Then
            assertThat(cut.getOutcome()).isEqualTo(RescueOutcome.RESCUE_FAILED);
            assertThat(cut.getDetail()).contains("502");
            expectFailed(repeated, "ImagePullBackOff", "no image x");
        }
    }

    @Test
    void aTaskThatWasTakenOutBeforeTheConnectionEndedDoesNotWaitAgain() {
        // Given
        server.put("bad", Task.QUEUED, "", "");
        server.entries.add("bad");
        server.before.put("stopped", () -> {
            throw ClearmlException.answered("tasks.stopped", 502, 0, "gone");
        });
        carryOut(waited());

        // When
        var repeated = carryOut(waited());

        // Then
        expectFailed(repeated, "ImagePullBackOff", "no image x");
    }

    @Test
    void aTaskThatAPersonEnqueuedAgainIsNotFailedByALateRepeat() {
        // Given
        server.put("bad", Task.QUEUED, "", "");
        server.entries.add("bad");
        carryOut(waited());
        server.setStatus("bad", Task.QUEUED, "");
        server.entries.add("bad");

        // When
        var late = carryOut(waited().setAttempt(2));
        var stillQueued = List.copyOf(server.entries);
        var ofItsNextPod = carryOut(waited().setMachineId("mabcdefgh-2").setAttempt(3));

        // Then
        assertThat(late.getOutcome()).isEqualTo(RescueOutcome.MARKED_FAILED);
        assertThat(stillQueued).containsExactly("bad");
        assertThat(ofItsNextPod.getStatus()).isEqualTo(TaskStatus.TASK_FAILED);
        assertThat(server.entries).isEmpty();
    }

    @Test
    void aPutBackThatWasCutShortMayEndAsAFailure() {
        // Given
        server.put("bad", Task.STOPPED, "muster rescue 1", GONE);

        // When
        var answer = carryOut(ran().setAttempt(2));

        // Then
        expectFailed(answer, "OOMKilled", MESSAGE);
    }

    @Test
    void aConsoleThatCannotBeWrittenDoesNotUndoIt() {
        // Given
        server.put("bad", Task.IN_PROGRESS, "", GONE);
        server.before.put("log", () -> {
            throw ClearmlException.answered("events.add_batch", 500, 0, "full");
        });

        // When
        var answer = carryOut(ran());

        // Then
        expectFailed(answer, "OOMKilled", MESSAGE);
        assertThat(answer.getDetail()).contains("could not be told");
    }
}
