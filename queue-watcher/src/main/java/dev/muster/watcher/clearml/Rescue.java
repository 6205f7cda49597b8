package dev.muster.watcher.clearml;

import dev.muster.clearml.RescueCalls;
import dev.muster.clearml.ClearmlException;
import dev.muster.clearml.Task;
import dev.muster.v1.RescueOutcome;
import dev.muster.v1.RescueTask;
import dev.muster.v1.TaskRescued;
import dev.muster.v1.TaskStatus;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Puts a task back at the front of its queue after its machine is gone, and never one that ended or runs elsewhere; or marks it failed, which is
 * {@link Failing}'s.
 *
 * <p>A rescue that was cut short at any point is repeated from its start: the reason that it leaves on the task tells which
 * part is done. {@code docs/decisions/0003} has the cases.
 */
final class Rescue {

    static final String DEFAULT_OPT_OUT_TAG = "muster-no-rescue";
    private static final Pattern OUR_REASON = Pattern.compile("muster rescue ([0-9]{1,9})");
    static final String LOG_WORKER = "muster";
    /** An agent reports every 30 s; the planner, too, takes a task for adrift after 60 s only. */
    static final Duration AGENTS_REPORT_WITHIN = Duration.ofSeconds(60);

    private final RescueCalls server;
    private final Clock clock;
    private final Failing failing;
    /** By task. */
    private final Map<String, Done> done = new HashMap<>();

    /** What the command said when this process carried it out. */
    private record Done(String worker, TaskStatus expectedStatus, Instant at) {}

    /** One thread at a time. */
    Rescue(RescueCalls server, Clock clock) {
        this.server = server;
        this.clock = clock;
        this.failing = new Failing(server, clock);
    }

    TaskRescued carryOut(RescueTask command) {
        var answer = TaskRescued.newBuilder().setTask(command.getTask()).setAttempt(command.getAttempt());
        try {
            if (command.getFailReason().isEmpty()) {
                decide(command, answer);
            } else {
                failing.decide(command, answer);
            }
        } catch (ClearmlException failed) {
            answer.setOutcome(RescueOutcome.RESCUE_FAILED).setDetail(failed.getMessage());
        }
        return answer.build();
    }

    private void decide(RescueTask command, TaskRescued.Builder answer) throws ClearmlException {
        var found = server.task(command.getTask());
        if (found.isEmpty()) {
            end(answer.setStatus(TaskStatus.TASK_NOT_FOUND), RescueOutcome.NOT_NEEDED, "the server has no such task");
            return;
        }
        var task = found.get();
        var status = ClearmlQueues.status(task.status());
        answer.setStatus(status);
        var wasStoppedByUs = status == TaskStatus.STOPPED && attemptOf(task) > 0 && attemptOf(task) <= command.getAttempt();

        if (!wasStoppedByUs && status != TaskStatus.QUEUED && status != TaskStatus.IN_PROGRESS) {
            end(answer, RescueOutcome.NOT_NEEDED, "it is " + task.status());
            return;
        }
        if (!wasStoppedByUs && wasJustDone(command)) {
            end(answer, RescueOutcome.RESCUED, "it was put back a moment ago");
            return;
        }
        if (status == TaskStatus.QUEUED && attemptOf(task) == command.getAttempt()) {
            // This very rescue was done before, and only its answer was lost. Where the task is by now is not for a repeat to
            // undo: an agent may have it and not have said so yet.
            moveToFront(command.getQueue().isEmpty() ? task.queue() : command.getQueue(), task);
            end(answer, RescueOutcome.RESCUED, "it was put back before");
            return;
        }
        var runner = runner(server, command);
        if (runner != null) {
            end(answer.setWorker(runner), RescueOutcome.RUNNING, "worker " + runner + " has it");
            return;
        }
        var optOutTag = command.getOptOutTag().isEmpty() ? DEFAULT_OPT_OUT_TAG : command.getOptOutTag();
        // A task that this rescue stopped is not left behind, whatever was changed since.
        if (!wasStoppedByUs && task.tags().contains(optOutTag)) {
            end(answer, RescueOutcome.DECLINED, "its tag " + optOutTag + " says so");
            return;
        }
        if (!wasStoppedByUs && hasMovedOn(command, task, status)) {
            end(answer, RescueOutcome.NOT_NEEDED,
                    "it has moved on: " + task.status() + " on worker '" + task.lastWorker() + "'");
            return;
        }
        var queue = command.getQueue().isEmpty() ? task.queue() : command.getQueue();
        if (queue.isEmpty()) {
            end(answer, RescueOutcome.DECLINED, "neither the command nor the task names a queue");
            return;
        }
        var line = server.queues(List.of(queue));
        if (line.isEmpty()) {
            end(answer, RescueOutcome.RESCUE_FAILED, "the server has no queue " + queue + " to put it back into");
            return;
        }
        if (line.get(0).entries().stream().anyMatch(entry -> entry.task().equals(task.id()))) {
            end(answer, RescueOutcome.NOT_NEEDED, "it waits in its queue");
            return;
        }
        putBack(command, task, queue, wasStoppedByUs, answer);
    }

    private void putBack(RescueTask command, Task task, String queue, boolean isStopped, TaskRescued.Builder answer)
            throws ClearmlException {
        var reason = "muster rescue " + command.getAttempt();
        if (!isStopped) {
            stop(server, task, reason);
        }
        try {
            server.enqueue(task.id(), queue, reason);
        } catch (ClearmlException failed) {
            if (!failed.is(400, 706)) {
                throw failed;
            }
            // It is in that queue: somebody was faster.
        }
        moveToFront(queue, task);
        var detail = "it waits at the front of its queue";
        if (!command.getLogLine().isEmpty()) {
            try {
                server.log(task.id(), LOG_WORKER, clock.instant(), command.getLogLine());
            } catch (ClearmlException failed) {
                detail += "; its console could not be told: " + failed.getMessage();
            }
        }
        done.put(command.getTask(), new Done(command.getWorker(), command.getExpectedStatus(), clock.instant()));
        end(answer.setStatus(TaskStatus.QUEUED), RescueOutcome.RESCUED, detail);
    }

    private void moveToFront(String queue, Task task) throws ClearmlException {
        try {
            server.moveToFront(queue, task.id());
        } catch (ClearmlException failed) {
            if (!failed.is(400, 703)) {
                throw failed;
            }
            // Not in the queue any more: an agent took it in between, which is what the front is for.
        }
    }

    static void stop(RescueCalls server, Task task, String reason) throws ClearmlException {
        moveUnlessChanged(server, task, force -> server.stopped(task.id(), force, reason));
    }

    /** A call that sets a task's state. */
    interface Move {
        void to(boolean force) throws ClearmlException;
    }

    /**
     * Without force first: the server then refuses a task that completed after it was read, and sets the state only if nobody
     * else does at that moment. Force is for a server that thinks otherwise of a state that still is as it was read.
     */
    static void moveUnlessChanged(RescueCalls server, Task task, Move move) throws ClearmlException {
        try {
            move.to(false);
        } catch (ClearmlException failed) {
            var again = failed.is(400, 110) ? server.task(task.id()) : Optional.<Task>empty();
            if (again.isEmpty() || !again.get().status().equals(task.status()) || !again.get().lastWorker().equals(task.lastWorker())) {
                throw failed;
            }
            move.to(true);
        }
    }

    /** The worker that shows the task, unless it is the entry that a gone machine left behind; null if none does. */
    static String runner(RescueCalls server, RescueTask command) throws ClearmlException {
        for (var worker : server.workers()) {
            var isTheGoneOne = !command.getMachineId().isEmpty() && worker.id().equals(command.getWorker());
            if (worker.task().equals(command.getTask()) && !isTheGoneOne) {
                return worker.id();
            }
        }
        return null;
    }

    /**
     * A command that was sent again before it was answered. What it says of the task was true before the rescue, and may look
     * true again while an agent that took it has not reported.
     */
    private boolean wasJustDone(RescueTask command) {
        var now = clock.instant();
        done.values().removeIf(rescue -> now.isAfter(rescue.at.plus(AGENTS_REPORT_WITHIN)));
        var before = done.get(command.getTask());
        return before != null && before.worker.equals(command.getWorker()) && before.expectedStatus == command.getExpectedStatus();
    }

    static boolean hasMovedOn(RescueTask command, Task task, TaskStatus status) {
        return status != command.getExpectedStatus() || !task.lastWorker().equals(command.getWorker());
    }

    /** The attempt whose mark the task carries; 0: none. */
    static int attemptOf(Task task) {
        var reason = OUR_REASON.matcher(task.statusReason());
        return reason.matches() ? Integer.parseInt(reason.group(1)) : 0;
    }

    static void end(TaskRescued.Builder answer, RescueOutcome outcome, String detail) {
        answer.setOutcome(outcome).setDetail(detail);
    }
}
