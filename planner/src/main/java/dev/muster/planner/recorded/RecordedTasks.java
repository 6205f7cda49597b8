package dev.muster.planner.recorded;

import dev.muster.contracts.Times;
import dev.muster.planner.simulate.SimulatedTask;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.QueuePicture;
import dev.muster.v1.TaskSeen;
import dev.muster.v1.TaskStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The tasks that came into a fleet's queues in a stretch of time, and how long they ran, gathered from recorded demand. What came before it
 * and waits when it begins comes at its begin. One thread uses it.
 */
public final class RecordedTasks {

    /** So many take the better part of a minute for each spec. */
    public static final int MOST = 50_000;
    /** Assumed of tasks where no run of any is known. */
    private static final Duration USUAL = Duration.ofMinutes(10);

    private final Instant since;
    private final Instant until;
    private final Map<String, String> queueNames = new HashMap<>();
    private final Map<String, Task> tasks = new LinkedHashMap<>();
    private Instant first;
    private Instant last = Instant.EPOCH;
    private boolean longQueue;

    private static final class Task {
        private String queue = "";
        private Instant enqueued;
        private Instant waitedAt;
        private Instant started;
        private Instant ended;
        private TaskStatus status = TaskStatus.TASK_STATUS_UNSPECIFIED;
    }

    /**
     * @param tasks by when they came, in seconds since the begin
     * @param assumed how many of them have a run time that is not known
     * @param withdrawn others that left their queue without a start
     * @param first when the first look was recorded in that time; null: none was
     * @param longQueue more waited at a time than a look names
     */
    public record Workload(List<SimulatedTask> tasks, int assumed, int withdrawn, Instant first, boolean longQueue) {}

    public RecordedTasks(Instant since, Instant until) {
        this.since = since;
        this.until = until;
    }

    /** @param at when the broker took it, not before the begin. @return false: there are more tasks than one can play */
    public boolean add(DemandEvent event, Instant at) {
        last = at;
        if (event.hasDemandObserved() && at.isBefore(until)) {
            first = first == null ? at : first;
            event.getDemandObserved().getQueuesList().forEach(queue -> look(queue, at));
        } else if (event.hasTasksObserved()) {
            event.getTasksObserved().getTasksList().forEach(this::seen);
        }
        return tasks.size() <= MOST;
    }

    private void look(QueuePicture queue, Instant at) {
        queueNames.put(queue.getId(), queue.getName());
        longQueue |= queue.getWaiting() > queue.getFirstCount();
        for (var waiting : queue.getFirstList()) {
            var task = tasks.computeIfAbsent(waiting.getTask(), id -> new Task());
            task.queue = queue.getName();
            task.waitedAt = at;
            if (task.enqueued == null) {
                task.enqueued = waiting.hasAdded() ? Times.instant(waiting.getAdded()) : at;
            }
        }
    }

    private void seen(TaskSeen seen) {
        var task = tasks.get(seen.getTask());
        if (task == null) {
            if (!seen.hasEnqueued() || Times.instant(seen.getEnqueued()).isBefore(since) || !Times.instant(seen.getEnqueued()).isBefore(until)) {
                return;
            }
            task = new Task();
            tasks.put(seen.getTask(), task);
            task.enqueued = Times.instant(seen.getEnqueued());
        }
        if (task.queue.isEmpty()) {
            task.queue = queueNames.getOrDefault(seen.getQueue(), "");
        }
        task.status = seen.getStatus();
        // Of a task that is put into a queue again, the times of its run before may still be there.
        var isOfNow = seen.hasStarted() && !Times.instant(seen.getStarted()).isBefore(task.enqueued);
        task.started = isOfNow ? Times.instant(seen.getStarted()) : task.started;
        task.ended = isOfNow && seen.hasEnded() && !Times.instant(seen.getEnded()).isBefore(task.started) ? Times.instant(seen.getEnded()) : null;
    }

    public Workload workload() {
        var usual = usual();
        var played = new ArrayList<SimulatedTask>();
        int assumed = 0;
        int withdrawn = 0;
        for (var entry : tasks.entrySet()) {
            var task = entry.getValue();
            if (task.queue.isEmpty() || !task.enqueued.isBefore(until)) {
                continue;
            }
            if (task.started == null && isWithdrawn(task.status)) {
                withdrawn++;
                continue;
            }
            var at = task.enqueued.isBefore(since) ? since : task.enqueued;
            var ran = task.started != null && task.ended != null ? Duration.between(task.started, task.ended) : null;
            if (ran == null) {
                assumed++;
                var already = task.started == null ? Duration.ZERO : Duration.between(task.started, last);
                ran = already.compareTo(usual) > 0 ? already : usual;
            }
            played.add(new SimulatedTask(entry.getKey(), task.queue, Duration.between(since, at).toSeconds(), ran.toSeconds()));
        }
        return new Workload(List.copyOf(played), assumed, withdrawn, first, longQueue);
    }

    /** Half of the runs that are known were shorter. */
    private Duration usual() {
        var runs = tasks.values().stream().filter(task -> task.started != null && task.ended != null)
                .map(task -> Duration.between(task.started, task.ended)).sorted().toList();
        return runs.isEmpty() ? USUAL : runs.get(runs.size() / 2);
    }

    private static boolean isWithdrawn(TaskStatus status) {
        return switch (status) {
            case CREATED, STOPPED, CLOSED, TASK_FAILED, COMPLETED, PUBLISHED, PUBLISHING, TASK_NOT_FOUND -> true;
            case QUEUED, IN_PROGRESS, TASK_STATUS_UNSPECIFIED, UNRECOGNIZED -> false;
        };
    }
}
