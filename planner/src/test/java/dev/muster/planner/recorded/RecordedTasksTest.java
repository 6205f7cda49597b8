package dev.muster.planner.recorded;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.contracts.Times;
import dev.muster.planner.simulate.SimulatedTask;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.DemandObserved;
import dev.muster.v1.QueuePicture;
import dev.muster.v1.TaskSeen;
import dev.muster.v1.TaskStatus;
import dev.muster.v1.TasksObserved;
import dev.muster.v1.WaitingTask;
import java.time.Instant;
import org.junit.jupiter.api.Test;

/** What recorded demand says of the tasks that came. */
class RecordedTasksTest {

    private static final Instant SINCE = Instant.parse("2026-11-20T12:00:00Z");
    private static final Instant UNTIL = SINCE.plusSeconds(3600);

    private final RecordedTasks tasks = new RecordedTasks(SINCE, UNTIL);

    private void look(long second, String... waiting) {
        var queue = QueuePicture.newBuilder().setId("q1").setName("default").setWaiting(waiting.length / 2);
        for (int i = 0; i < waiting.length; i += 2) {
            queue.addFirst(WaitingTask.newBuilder().setTask(waiting[i]).setAdded(Times.timestamp(SINCE.plusSeconds(Long.parseLong(waiting[i + 1])))));
        }
        tasks.add(DemandEvent.newBuilder().setDemandObserved(DemandObserved.newBuilder().addQueues(queue)).build(), SINCE.plusSeconds(second));
    }

    private void seen(long second, String task, TaskStatus status, long enqueued, long started, long ended) {
        var seen = TaskSeen.newBuilder().setTask(task).setQueue("q1").setStatus(status).setEnqueued(Times.timestamp(SINCE.plusSeconds(enqueued)));
        if (started >= 0) {
            seen.setStarted(Times.timestamp(SINCE.plusSeconds(started)));
        }
        if (ended >= 0) {
            seen.setEnded(Times.timestamp(SINCE.plusSeconds(ended)));
        }
        tasks.add(DemandEvent.newBuilder().setTasksObserved(TasksObserved.newBuilder().addTasks(seen)).build(), SINCE.plusSeconds(second));
    }

    @Test
    void aTaskComesWhenItWasAddedAndRunsAsLongAsItDid() {
        look(1, "waited-before", "-500", "a", "0");
        look(10, "a", "0");
        seen(11, "waited-before", TaskStatus.IN_PROGRESS, -500, 5, -1);
        seen(30, "a", TaskStatus.IN_PROGRESS, 0, 25, -1);
        seen(200, "a", TaskStatus.COMPLETED, 0, 25, 190);
        seen(400, "waited-before", TaskStatus.TASK_FAILED, -500, 5, 305);
        // Between two looks no queue showed it.
        seen(500, "short", TaskStatus.COMPLETED, 410, 412, 413);
        var workload = tasks.workload();
        assertThat(workload).isEqualTo(new RecordedTasks.Workload(java.util.List.of(new SimulatedTask("waited-before", "default", 0, 300),
                new SimulatedTask("a", "default", 0, 165), new SimulatedTask("short", "default", 410, 1)), 0, 0, SINCE.plusSeconds(1), false));
    }

    @Test
    void whatRanAlreadyOrCameLaterIsLeftOutAndAnEndThatComesLaterCounts() {
        look(1);
        seen(5, "ran", TaskStatus.COMPLETED, -500, -400, 4);
        look(3500, "late", "3490");
        seen(3700, "late", TaskStatus.IN_PROGRESS, 3490, 3699, -1);
        look(3800, "after", "3790");
        seen(3900, "after-too", TaskStatus.IN_PROGRESS, 3850, 3890, -1);
        seen(4000, "late", TaskStatus.COMPLETED, 3490, 3699, 3999);
        assertThat(tasks.workload().tasks()).containsExactly(new SimulatedTask("late", "default", 3490, 300));
    }

    @Test
    void aRunThatIsNotKnownIsTakenForTheUsualAndAWithdrawnTaskForNone() {
        look(1, "a", "0", "b", "0", "c", "0", "withdrawn", "0");
        seen(10, "a", TaskStatus.COMPLETED, 0, 2, 9);
        seen(20, "b", TaskStatus.IN_PROGRESS, 0, 20, -1);
        seen(30, "withdrawn", TaskStatus.STOPPED, 0, -1, -1);
        look(100, "c", "0");
        var workload = tasks.workload();
        assertThat(workload.tasks()).containsExactly(new SimulatedTask("a", "default", 0, 7), new SimulatedTask("b", "default", 0, 80),
                new SimulatedTask("c", "default", 0, 7));
        assertThat(workload.assumed()).isEqualTo(2);
        assertThat(workload.withdrawn()).isEqualTo(1);
    }
}
