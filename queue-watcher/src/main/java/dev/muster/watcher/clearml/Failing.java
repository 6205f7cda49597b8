package dev.muster.watcher.clearml;

import dev.muster.clearml.ClearmlException;
import dev.muster.clearml.RescueCalls;
import dev.muster.clearml.Task;
import dev.muster.v1.RescueOutcome;
import dev.muster.v1.RescueTask;
import dev.muster.v1.TaskRescued;
import dev.muster.v1.TaskStatus;
import java.time.Clock;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/**
 * Marks a task failed whose machine ended for a reason that lies in the task, or that the pool fails tasks for; never one that ended or runs
 * elsewhere. {@code docs/decisions/0003} has the cases.
 *
 * <p>The tag that opts out of rescues doesn't count here, nor does a fleet that rescues nothing: they say that a task must not run a second time,
 * which one that is failed doesn't. Left alone, it would wait on, and each new machine would end as the last did.
 */
final class Failing {

    private final RescueCalls server;
    private final Clock clock;
    /** Of this process, by task: the machine for which it was failed. A late repeat must not fail what a person enqueued again. */
    private final Map<String, Failed> done = new HashMap<>();
    /** Queued in no queue, by task. */
    private final Map<String, Adrift> adrift = new HashMap<>();

    private record Failed(String machineId, Instant at) {}

    /** @param enqueued as the server has it: another one is another stay in a queue */
    private record Adrift(Instant enqueued, Instant since) {}

    /** One thread at a time. */
    Failing(RescueCalls server, Clock clock) {
        this.server = server;
        this.clock = clock;
    }

    void decide(RescueTask command, TaskRescued.Builder answer) throws ClearmlException {
        var found = server.task(command.getTask());
        if (found.isEmpty()) {
            Rescue.end(answer.setStatus(TaskStatus.TASK_NOT_FOUND), RescueOutcome.NOT_NEEDED, "the server has no such task");
            return;
        }
        var task = found.get();
        var status = ClearmlQueues.status(task.status());
        answer.setStatus(status);
        var isOurReason = task.statusReason().equals(command.getFailReason());
        if (status == TaskStatus.TASK_FAILED && isOurReason) {
            Rescue.end(answer, RescueOutcome.MARKED_FAILED, "it was marked failed before");
            return;
        }
        // By a rescue of either kind that was cut short.
        var wasStoppedByUs = status == TaskStatus.STOPPED
                && (isOurReason || Rescue.attemptOf(task) > 0 && Rescue.attemptOf(task) <= command.getAttempt());
        if (!wasStoppedByUs && status != TaskStatus.QUEUED && status != TaskStatus.IN_PROGRESS) {
            Rescue.end(answer, RescueOutcome.NOT_NEEDED, "it is " + task.status());
            return;
        }
        if (!wasStoppedByUs && wasJustDone(command)) {
            Rescue.end(answer, RescueOutcome.MARKED_FAILED, "it was marked failed a moment ago, and somebody has moved it since");
            return;
        }
        var runner = Rescue.runner(server, command);
        if (runner != null) {
            Rescue.end(answer.setWorker(runner), RescueOutcome.RUNNING, "worker " + runner + " has it");
            return;
        }
        if (!wasStoppedByUs && hasMovedOn(command, task, status)) {
            Rescue.end(answer, RescueOutcome.NOT_NEEDED, "it has moved on: " + task.status() + " on worker '" + task.lastWorker() + "'");
            return;
        }
        if (status == TaskStatus.QUEUED && !isOurs(command, task)) {
            Rescue.end(answer, RescueOutcome.RESCUE_FAILED,
                    "it is queued and in no queue: whoever took it may not have said so yet, so that it is looked at again");
            return;
        }
        fail(command, task, status, answer);
    }

    /** Whoever ran a task that waits ran it before: that it is taken out of its queue says that it waits still. */
    private static boolean hasMovedOn(RescueTask command, Task task, TaskStatus status) {
        return status == TaskStatus.QUEUED && command.getWorker().isEmpty() ? command.getExpectedStatus() != TaskStatus.QUEUED
                : Rescue.hasMovedOn(command, task, status);
    }

    /**
     * Nobody else has it or will. To take a task out of its queue is what agents and task pods do, too: only one of them succeeds. What is in no
     * queue may have been taken by an agent a moment ago, and is ours only after it would have reported.
     */
    private boolean isOurs(RescueTask command, Task task) throws ClearmlException {
        var queues = new LinkedHashSet<>(List.of(command.getQueue(), task.queue()));
        queues.remove("");
        var now = clock.instant();
        for (var queue : queues) {
            if (isTakenFrom(queue, task)) {
                // If the next call is lost, the repeat has not to wait.
                adrift.put(task.id(), new Adrift(changed(task), now.minus(Rescue.AGENTS_REPORT_WITHIN)));
                return true;
            }
        }
        adrift.values().removeIf(left -> now.isAfter(left.since.plus(Rescue.AGENTS_REPORT_WITHIN.multipliedBy(10))));
        var before = adrift.get(task.id());
        if (before == null || !before.enqueued.equals(changed(task))) {
            adrift.put(task.id(), new Adrift(changed(task), now));
            return false;
        }
        return !now.isBefore(before.since.plus(Rescue.AGENTS_REPORT_WITHIN));
    }

    private boolean isTakenFrom(String queue, Task task) throws ClearmlException {
        try {
            return server.removeFromQueue(queue, task.id());
        } catch (ClearmlException failed) {
            if (failed.is(400, 701)) {
                // No such queue: it was deleted, with its entries.
                return false;
            }
            throw failed;
        }
    }

    private static Instant changed(Task task) {
        return task.statusChanged() == null ? Instant.EPOCH : task.statusChanged();
    }

    /** By steps that the server allows without force, so that it refuses a task which changes in between. What is queued can't fail, but be stopped. */
    private void fail(RescueTask command, Task task, TaskStatus status, TaskRescued.Builder answer) throws ClearmlException {
        var reason = command.getFailReason();
        var last = task;
        if (status == TaskStatus.QUEUED) {
            Rescue.stop(server, task, reason);
            last = withStatus(task, Task.STOPPED);
        }
        Rescue.moveUnlessChanged(server, last, force -> server.failed(task.id(), force, reason, command.getFailMessage()));
        adrift.remove(task.id());
        done.put(command.getTask(), new Failed(command.getMachineId(), clock.instant()));
        var detail = "it is marked failed";
        if (!command.getLogLine().isEmpty()) {
            try {
                server.log(task.id(), Rescue.LOG_WORKER, clock.instant(), command.getLogLine());
            } catch (ClearmlException failed) {
                detail += "; its console could not be told: " + failed.getMessage();
            }
        }
        Rescue.end(answer.setStatus(TaskStatus.TASK_FAILED), RescueOutcome.MARKED_FAILED, detail);
    }

    private static Task withStatus(Task task, String status) {
        return new Task(task.id(), status, task.statusReason(), task.statusChanged(), task.lastWorker(), task.queue(), task.project(), task.user(),
                task.tags(), task.started(), task.ended(), task.lastUpdate());
    }

    private boolean wasJustDone(RescueTask command) {
        var now = clock.instant();
        done.values().removeIf(failed -> now.isAfter(failed.at.plus(Rescue.AGENTS_REPORT_WITHIN)));
        var before = done.get(command.getTask());
        return before != null && before.machineId.equals(command.getMachineId());
    }
}
