package dev.muster.planner.recorded;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.util.Timestamps;
import dev.muster.v1.Decision;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.DemandObserved;
import dev.muster.v1.MachineEvent;
import dev.muster.v1.MachinePaid;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.Mark;
import dev.muster.v1.Observation;
import dev.muster.v1.Phase;
import dev.muster.v1.TaskRun;
import dev.muster.v1.TaskSeen;
import dev.muster.v1.TaskShare;
import dev.muster.v1.TaskStatus;
import dev.muster.v1.TasksObserved;
import dev.muster.v1.WorkerSeen;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a machine's life is put together of. */
class TaskRunsTest {

    private static final Instant T = Instant.parse("2026-03-01T12:00:00Z");
    private static final MachineRecord.Builder MACHINE = MachineRecord.newBuilder().setMachineId("m-1").setFleet("train").setPool("gpu").setCloudId("i-1");
    private long sequence;

    private static com.google.protobuf.Timestamp at(long seconds) {
        return Timestamps.fromMillis(T.plusSeconds(seconds).toEpochMilli());
    }

    private DemandEvent look(int parts, DemandObserved.Builder look) {
        return DemandEvent.newBuilder().setFleet("train").setSeen(Observation.newBuilder().setGeneration(1).setSequence(sequence).setParts(parts)).setDemandObserved(look).build();
    }

    private void look(TaskRuns runs, long second, DemandObserved.Builder look) {
        sequence++;
        runs.on(look(1, look), T.plusSeconds(second));
    }

    private static WorkerSeen worker(String id, String task) {
        return WorkerSeen.newBuilder().setWorker(id).setTask(task).setProject("p").build();
    }

    @Test
    void tasksComeAndGoWithTheMachinesWorkers() {
        var runs = new TaskRuns(MACHINE.clone().setPaid(MachinePaid.newBuilder().setMicrosPerHour(3_600_000)).build(), Map.of("q1", "default"));
        look(runs, 0, DemandObserved.newBuilder().setFull(true).addWorkers(worker("lab:gpu:g4dn.xlarge:i-1", "one")).addWorkers(worker("lab:gpu:g4dn.xlarge:i-2", "other")));
        look(runs, 60, DemandObserved.newBuilder().addWorkers(worker("lab:gpu:g4dn.xlarge:i-1", "two")));
        runs.on(DemandEvent.newBuilder().setTasksObserved(TasksObserved.newBuilder().addTasks(TaskSeen.newBuilder().setTask("one").setQueue("q1").setProject("p").setUser("u")
                .setLastWorker("lab:gpu:g4dn.xlarge:i-1").setStatus(TaskStatus.COMPLETED).setStarted(at(-1)).setEnded(at(59)))).build(), T.plusSeconds(61));
        look(runs, 100, DemandObserved.newBuilder().addWorkersGone("lab:gpu:g4dn.xlarge:i-1"));
        assertThat(runs.runs(T.plusSeconds(200))).containsExactly(
                TaskRun.newBuilder().setTask("one").setQueue("default").setProject("p").setUser("u").setStarted(at(-1)).setEnded(at(59))
                        .setStatus(TaskStatus.COMPLETED).setSpentMicros(60_000).build(),
                TaskRun.newBuilder().setTask("two").setProject("p").setStarted(at(60)).setEnded(at(100)).setSpentMicros(40_000).build());
    }

    @Test
    void aFullLookInPartsEndsOnlyWhatNoneOfThemShows() {
        var runs = new TaskRuns(MACHINE.clone().build(), Map.of());
        look(runs, 0, DemandObserved.newBuilder().setFull(true).addWorkers(worker("lab:gpu:t:i-1.0", "one")).addWorkers(worker("lab:gpu:t:i-1.1", "two")));
        sequence++;
        runs.on(look(2, DemandObserved.newBuilder().setFull(true).addWorkers(worker("lab:gpu:t:i-2", "x"))), T.plusSeconds(10));
        runs.on(look(2, DemandObserved.newBuilder().setFull(true).addWorkers(worker("lab:gpu:t:i-1.1", "two"))), T.plusSeconds(10));
        assertThat(runs.runs(T.plusSeconds(20))).containsExactly(
                TaskRun.newBuilder().setTask("one").setProject("p").setStarted(at(0)).setEnded(at(10)).build(),
                TaskRun.newBuilder().setTask("two").setProject("p").setStarted(at(0)).build());
    }

    @Test
    void whatRunsNowIsKnownByTheRecordAlone() {
        var machine = MACHINE.clone().addTasks("now").setPaid(MachinePaid.newBuilder().setKindSince(at(30)).setMicrosPerHour(3_600_000)
                .addTasks(TaskShare.newBuilder().setTask("now").setQueue("q1").setUser("u").setProject("p"))).build();
        assertThat(new TaskRuns(machine, Map.of("q1", "default")).runs(T.plusSeconds(40))).containsExactly(TaskRun.newBuilder().setTask("now").setQueue("default")
                .setProject("p").setUser("u").setStarted(at(30)).setSpentMicros(10_000).build());
    }

    @Test
    void tasksOfOneTimeShareItsCost() {
        var runs = new TaskRuns(MACHINE.clone().setPaid(MachinePaid.newBuilder().setMicrosPerHour(3_600_000)).setEndedAt(at(100)).build(), Map.of());
        look(runs, 0, DemandObserved.newBuilder().addWorkers(worker("lab:gpu:t:i-1.0", "one")));
        look(runs, 50, DemandObserved.newBuilder().addWorkers(worker("lab:gpu:t:i-1.1", "two")));
        assertThat(runs.runs(T.plusSeconds(500))).extracting(TaskRun::getSpentMicros).containsExactly(75_000L, 25_000L);
    }

    @Test
    void phasesAndDecisionsAreOneStory() {
        var admitted = DecisionEvent.newBuilder().setDecisionId("d1").setAt(at(0)).setDecision(Decision.newBuilder().setText("One machine for one task.").addMachineIds("m-1")).build();
        var machine = MACHINE.clone().setQueue("default").setRequestedAt(at(0)).setAcceptedAt(at(2)).setBootedAt(at(20)).setReadyAt(at(60)).setMark(Mark.DRAIN).setMarkedAt(at(900))
                .setCause("IDLE_TOO_LONG").setCauseDetail("idle for 15 min").setPhase(Phase.GONE).setEndedAt(at(930)).build();
        assertThat(MachineLives.events(machine, List.of(admitted))).extracting(MachineEvent::getText).containsExactly("One machine for one task.",
                "It was admitted for queue default.", "Its cloud accepted it as i-1.", "Its cloud showed it running.", "Its worker registered.",
                "It was told to drain: IDLE_TOO_LONG, idle for 15 min.", "Its cloud said that it is gone: IDLE_TOO_LONG, idle for 15 min.");
        assertThat(MachineLives.events(machine, List.of(admitted))).extracting(MachineEvent::getPhase).containsExactly(Phase.PHASE_UNSPECIFIED, Phase.REQUESTED,
                Phase.BOOTING, Phase.BOOTING, Phase.READY, Phase.DRAINING, Phase.GONE);
    }
}
