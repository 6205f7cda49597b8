package dev.muster.planner.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.contracts.Times;
import dev.muster.planner.core.Command;
import dev.muster.planner.core.Market;
import dev.muster.planner.core.OfferKey;
import dev.muster.planner.core.PlanRecord;
import dev.muster.planner.core.Reason;
import dev.muster.telemetry.Meters;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.DemandObserved;
import dev.muster.v1.FailureKind;
import dev.muster.v1.LaunchAccepted;
import dev.muster.v1.LaunchRefused;
import dev.muster.v1.MachineReport;
import dev.muster.v1.QueuePicture;
import dev.muster.v1.TaskSeen;
import dev.muster.v1.TasksObserved;
import dev.muster.v1.WaitingTask;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Instant;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ReactionsTest {

    private static final Instant START = Instant.parse("2026-03-01T12:00:00Z");

    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final Reactions reactions = new Reactions(new Meters(registry));

    @Test
    void eachMachineIsHeldAgainstOneOfTheNewestTasks() {
        reactions.heard("train", waiting(3, START, START.plusSeconds(10), START.plusSeconds(12)));
        reactions.launched("train", launch("m-1", "gpu", ""));
        reactions.launched("train", launch("m-2", "gpu", "", "m-2", "m-3"));
        reactions.heard("train", accepted("m-1", START.plusSeconds(13)));
        reactions.heard("train", accepted("m-2", START.plusSeconds(14)));
        assertThat(times("false")).isEqualTo(List.of(3.0, 1.0 + 2.0 + 4.0));
    }

    @Test
    void aLaunchForOneTaskIsHeldAgainstThatTask() {
        reactions.heard("train", waiting(2, START, START.plusSeconds(10)));
        reactions.launched("train", launch("m-1", "gpu", "t0"));
        reactions.heard("train", accepted("m-1", START.plusSeconds(11)));
        assertThat(times("false")).isEqualTo(List.of(1.0, 11.0));
    }

    @Test
    void whatARefusalHeldIsToldApart() {
        reactions.heard("train", waiting(1, START));
        reactions.refused("train", refused(Reason.BUDGET_REACHED));
        reactions.planned("train");
        reactions.refused("train", refused(null));
        reactions.launched("train", launch("m-1", "gpu", ""));
        reactions.planned("train");
        reactions.launched("train", launch("m-2", "gpu", ""));
        reactions.heard("train", accepted("m-1", START.plusSeconds(600)));
        reactions.heard("train", accepted("m-2", START.plusSeconds(601)));
        assertThat(times("true")).isEqualTo(List.of(1.0, 600.0));
        assertThat(times("false")).isEqualTo(List.of(1.0, 601.0));
    }

    @Test
    void theEndOfARefusalThatNobodySawBeginIsNothing() {
        reactions.refused("train", refused(null));
        reactions.heard("train", waiting(1, START));
        reactions.launched("train", launch("m-1", "gpu", ""));
        reactions.heard("train", accepted("m-1", START.plusSeconds(1)));
        assertThat(times("false")).isEqualTo(List.of(1.0, 1.0));
    }

    @Test
    void whatTheCloudWasNotAskedForIsNotTimed() {
        reactions.heard("train", waiting(1, START));
        reactions.launched("train", launch("m-1", "gpu", ""));
        reactions.heard("train", report().setLaunchRefused(LaunchRefused.newBuilder().setBatchId("m-1").setKind(FailureKind.EXPIRED)).build());
        // For no queue, and for a queue of which more waits than is named.
        reactions.launched("train", launch("m-2", "", ""));
        reactions.heard("train", waiting(501, START));
        reactions.launched("train", launch("m-3", "gpu", ""));
        reactions.heard("train", accepted("m-2", START.plusSeconds(1)));
        reactions.heard("train", accepted("m-3", START.plusSeconds(1)));
        assertThat(registry.getMeters()).isEmpty();
    }

    @Test
    void aTasksStartIsTimedOnceWhenItIsSeen() {
        var started = TaskSeen.newBuilder().setTask("t0").setEnqueued(Times.timestamp(START)).setStarted(Times.timestamp(START.plusSeconds(42)));
        var ended = started.clone().setEnded(Times.timestamp(START.plusSeconds(50)));
        reactions.heard("train", DemandEvent.newBuilder().setTasksObserved(TasksObserved.newBuilder().addTasks(started)).build());
        reactions.heard("train", DemandEvent.newBuilder().setTasksObserved(TasksObserved.newBuilder().addTasks(ended)).build());
        var starts = registry.get("muster_task_start").tag("fleet", "train").timer();
        assertThat(starts.count()).isEqualTo(1);
        assertThat(starts.totalTime(TimeUnit.SECONDS)).isEqualTo(42);
    }

    /** How many were timed, and the sum of their seconds. */
    private List<Double> times(String blocked) {
        Timer timer = registry.get("muster_launch_reaction").tags("fleet", "train", "blocked", blocked).timer();
        return List.of((double) timer.count(), timer.totalTime(TimeUnit.SECONDS));
    }

    private static DemandEvent waiting(int tasks, Instant... added) {
        var queue = QueuePicture.newBuilder().setName("gpu").setWaiting(tasks);
        for (int i = 0; i < added.length; i++) {
            queue.addFirst(WaitingTask.newBuilder().setTask("t" + i).setAdded(Times.timestamp(added[i])));
        }
        return DemandEvent.newBuilder().setFleet("train").setDemandObserved(DemandObserved.newBuilder().addQueues(queue)).build();
    }

    private static Command.Launch launch(String batch, String queue, String task, String... machines) {
        return new Command.Launch(batch, machines.length == 0 ? List.of(batch) : List.of(machines), "gpu",
                new OfferKey("aws", "main", "eu-west-1", "", "", "g5.xlarge", Market.ON_DEMAND), 0, START, List.of(), queue, "", task);
    }

    private static MachineReport accepted(String batch, Instant askedAt) {
        var report = report().setLaunchAccepted(LaunchAccepted.newBuilder().setBatchId(batch));
        report.getSeenBuilder().setReadStartedAt(Times.timestamp(askedAt));
        return report.build();
    }

    private static MachineReport.Builder report() {
        var report = MachineReport.newBuilder().setFleet("train");
        report.getSeenBuilder().setReadStartedAt(Times.timestamp(START));
        return report;
    }

    private static PlanRecord.Refused refused(Reason reason) {
        return new PlanRecord.Refused("d-1", "StayWithinBudget", reason, "", "gpu", "", 1, START, START, new TreeMap<>(), new TreeMap<>(), List.of());
    }
}
