package dev.muster.planner.stream;

import dev.muster.contracts.Times;
import dev.muster.planner.core.Command;
import dev.muster.planner.core.PlanRecord;
import dev.muster.telemetry.Meters;
import dev.muster.telemetry.Metrics;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.FailureKind;
import dev.muster.v1.MachineReport;
import dev.muster.v1.QueuePicture;
import dev.muster.v1.WaitingTask;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Times how soon tasks are answered: with the call that launches a machine for them, and with their start.
 *
 * <p>It holds each queue's waiting tasks as last seen and the launches that have no answer yet, in memory only: what a restart forgets is not timed.
 * Thread-safe.
 */
final class Reactions {

    /** Launches without an answer; the oldest is forgotten for the next. */
    private static final int MOST_UNANSWERED = 10_000;
    /** Of these it is certain that the cloud was asked. */
    private static final Set<FailureKind> ASKED = Set.of(FailureKind.OUT_OF_CAPACITY, FailureKind.QUOTA_EXCEEDED);

    private final Meters meters;
    private final Map<String, Map<String, List<WaitingTask>>> waiting = new HashMap<>();
    private final Map<String, Set<String>> refused = new HashMap<>();
    private final Map<String, Set<String>> refusedUntilNow = new HashMap<>();
    private final Map<String, Launched> unanswered = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Launched> eldest) {
            return size() > MOST_UNANSWERED;
        }
    };

    /** @param since when the tasks that the machines are for entered their queue */
    private record Launched(boolean blocked, List<Instant> since) {}

    Reactions(Meters meters) {
        this.meters = meters;
    }

    synchronized void heard(String fleet, DemandEvent event) {
        if (event.hasDemandObserved()) {
            var queues = waiting.computeIfAbsent(fleet, name -> new HashMap<>());
            event.getDemandObserved().getQueuesList().forEach(queue -> queues.put(queue.getName(), newest(queue)));
        } else if (event.hasTasksObserved()) {
            for (var task : event.getTasksObserved().getTasksList()) {
                // As history counts them: once, when its start is seen.
                if (task.hasStarted() && task.hasEnqueued() && !task.hasEnded()) {
                    var wait = Duration.between(Times.instant(task.getEnqueued()), Times.instant(task.getStarted()));
                    if (!wait.isNegative()) {
                        meters.time(Metrics.TASK_START, wait, fleet);
                    }
                }
            }
        }
    }

    /** By their entry. Of a queue with more tasks than are named, nobody knows the newest. */
    private static List<WaitingTask> newest(QueuePicture queue) {
        return queue.getWaiting() > queue.getFirstCount() ? List.of()
                : queue.getFirstList().stream().filter(WaitingTask::hasAdded).sorted((a, b) -> Times.instant(a.getAdded()).compareTo(Times.instant(b.getAdded()))).toList();
    }

    synchronized void refused(String fleet, PlanRecord.Refused said) {
        if (said.queue().isEmpty()) {
            return;
        }
        if (said.reason() != null) {
            refused.computeIfAbsent(fleet, name -> new HashSet<>()).add(said.queue());
        } else if (refused.containsKey(fleet) && refused.get(fleet).remove(said.queue())) {
            refusedUntilNow.computeIfAbsent(fleet, name -> new HashSet<>()).add(said.queue());
        }
    }

    synchronized void launched(String fleet, Command.Launch launch) {
        var tasks = waiting.getOrDefault(fleet, Map.of()).getOrDefault(launch.queue(), List.of());
        if (!launch.task().isEmpty()) {
            tasks = tasks.stream().filter(task -> task.getTask().equals(launch.task())).toList();
        }
        var its = tasks.subList(Math.max(0, tasks.size() - launch.machineIds().size()), tasks.size());
        if (!its.isEmpty()) {
            unanswered.put(launch.batchId(), new Launched(isHeld(fleet, launch.queue()), its.stream().map(task -> Times.instant(task.getAdded())).toList()));
        }
    }

    private boolean isHeld(String fleet, String queue) {
        return refused.getOrDefault(fleet, Set.of()).contains(queue) || refusedUntilNow.getOrDefault(fleet, Set.of()).contains(queue);
    }

    synchronized void planned(String fleet) {
        refusedUntilNow.remove(fleet);
    }

    synchronized void heard(String fleet, MachineReport report) {
        var batch = report.hasLaunchAccepted() ? report.getLaunchAccepted().getBatchId()
                : report.hasLaunchRefused() ? report.getLaunchRefused().getBatchId() : "";
        var launched = batch.isEmpty() ? null : unanswered.remove(batch);
        if (launched == null || !report.getSeen().hasReadStartedAt() || report.hasLaunchRefused() && !ASKED.contains(report.getLaunchRefused().getKind())) {
            return;
        }
        var askedAt = Times.instant(report.getSeen().getReadStartedAt());
        launched.since().stream().filter(Objects::nonNull).forEach(since ->
                meters.time(Metrics.LAUNCH_REACTION, Duration.between(since, askedAt), fleet, String.valueOf(launched.blocked())));
    }

    synchronized void forget(String fleet) {
        waiting.remove(fleet);
        refused.remove(fleet);
        refusedUntilNow.remove(fleet);
    }
}
