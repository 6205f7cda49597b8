package dev.muster.watcher.clearml;

import dev.muster.clearml.Clearml;
import dev.muster.clearml.ClearmlException;
import dev.muster.clearml.Queue;
import dev.muster.clearml.Task;
import dev.muster.clearml.Worker;
import dev.muster.v1.ReadFailure;
import dev.muster.v1.RescueTask;
import dev.muster.v1.TaskRescued;
import dev.muster.v1.TaskStatus;
import dev.muster.watcher.FailedRead;
import dev.muster.watcher.QueueSource;
import dev.muster.watcher.Seen;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/** A ClearML server as a source of queues. */
public final class ClearmlQueues implements QueueSource {

    /** A queue that is missing may be created at any time; looking for it in each look would be a third call in each. */
    private static final Duration LOOK_FOR_MISSING_EVERY = Duration.ofSeconds(5);

    private final Clearml server;
    private final Clock clock;
    private final Rescue rescue;
    private final Map<String, String> idByName = new HashMap<>();
    private SortedSet<String> wanted = new TreeSet<>();
    private Instant lookedForMissingAt = Instant.EPOCH;

    /** @param clock for pacing only */
    public ClearmlQueues(Clearml server, Clock clock) {
        this.server = server;
        this.clock = clock;
        this.rescue = new Rescue(server, clock);
    }

    // An owner that lost its connection may still be at its last look when the next one begins.
    @Override
    public synchronized Seen.Look look(SortedSet<String> queueNames) throws FailedRead {
        try {
            var workers = newestOfEach(server.workers());
            return new Seen.Look(workers, queues(queueNames));
        } catch (ClearmlException failed) {
            throw failedRead(failed);
        }
    }

    /** By id, which the server finds by its index; names are looked up when they are new, or their queue is no longer there. */
    private Map<String, Seen.Queue> queues(SortedSet<String> names) throws ClearmlException {
        if (!names.equals(wanted)) {
            wanted = new TreeSet<>(names);
            idByName.keySet().retainAll(names);
            lookedForMissingAt = Instant.EPOCH;
        }
        var found = new TreeMap<String, Seen.Queue>();
        if (!idByName.isEmpty()) {
            for (var queue : server.queues(idByName.values())) {
                found.put(queue.name(), seen(queue));
            }
        }
        // Gone, or renamed: what is there under the name now is another queue.
        if (idByName.entrySet().removeIf(known -> !found.containsKey(known.getKey()))) {
            lookedForMissingAt = Instant.EPOCH;
        }
        found.keySet().retainAll(names);

        var missing = new TreeSet<>(names);
        missing.removeAll(found.keySet());
        if (!missing.isEmpty() && !clock.instant().isBefore(lookedForMissingAt.plus(LOOK_FOR_MISSING_EVERY))) {
            for (var queue : server.queuesNamed(missing)) {
                found.put(queue.name(), seen(queue));
                idByName.put(queue.name(), queue.id());
            }
            lookedForMissingAt = clock.instant();
        }
        return found;
    }

    @Override
    public List<Seen.Task> tasks(Collection<String> ids) throws FailedRead {
        try {
            return server.tasks(ids).stream().map(ClearmlQueues::seen).toList();
        } catch (ClearmlException failed) {
            throw failedRead(failed);
        }
    }

    @Override
    public List<Seen.Task> unfinished(Collection<String> queueIds) throws FailedRead {
        try {
            return server.tasksOf(queueIds, List.of(Task.QUEUED, Task.IN_PROGRESS)).stream().map(ClearmlQueues::seen).toList();
        } catch (ClearmlException failed) {
            throw failedRead(failed);
        }
    }

    @Override
    public TaskRescued rescue(RescueTask command) {
        return rescue.carryOut(command);
    }

    @Override
    public void unregister(String worker) throws FailedRead {
        try {
            server.unregisterWorker(worker);
        } catch (ClearmlException failed) {
            // Not registered: a server that is told not to forgive it says so.
            if (!failed.is(400, 1004)) {
                throw failedRead(failed);
            }
        }
    }

    @Override
    public void close() {
        server.close();
    }

    /** One id under two users, as after a rotated key, is two entries: the one that reports is the worker. */
    private static List<Seen.Worker> newestOfEach(List<Worker> workers) {
        var byId = new TreeMap<String, Seen.Worker>();
        var newestLast = Comparator.comparing(Seen.Worker::lastReport, Comparator.nullsFirst(Comparator.naturalOrder()))
                // At the same instant, busy is the safe reading.
                .thenComparing(worker -> !worker.task().isEmpty());
        workers.stream()
                .map(worker -> new Seen.Worker(worker.id(), worker.user(), worker.task(), worker.project(), worker.queues(),
                        worker.registered(), worker.lastReport()))
                .sorted(newestLast)
                .forEach(worker -> byId.put(worker.id(), worker));
        return List.copyOf(byId.values());
    }

    private static Seen.Queue seen(Queue queue) {
        return new Seen.Queue(queue.id(), queue.name(),
                queue.entries().stream().map(entry -> new Seen.Entry(entry.task(), entry.added())).toList());
    }

    private static Seen.Task seen(Task task) {
        var status = status(task.status());
        return new Seen.Task(task.id(), status, task.statusReason(), task.lastWorker(), task.queue(), task.project(), task.user(),
                status == TaskStatus.QUEUED ? task.statusChanged() : null, task.started(), task.ended(), task.lastUpdate());
    }

    /** A state that this release doesn't know is unspecified: neither finished nor adrift. */
    static TaskStatus status(String status) {
        return switch (status) {
            case Task.CREATED -> TaskStatus.CREATED;
            case Task.QUEUED -> TaskStatus.QUEUED;
            case Task.IN_PROGRESS -> TaskStatus.IN_PROGRESS;
            case Task.STOPPED -> TaskStatus.STOPPED;
            case Task.PUBLISHED -> TaskStatus.PUBLISHED;
            case Task.PUBLISHING -> TaskStatus.PUBLISHING;
            case Task.CLOSED -> TaskStatus.CLOSED;
            case Task.FAILED -> TaskStatus.TASK_FAILED;
            case Task.COMPLETED -> TaskStatus.COMPLETED;
            default -> TaskStatus.TASK_STATUS_UNSPECIFIED;
        };
    }

    private static FailedRead failedRead(ClearmlException failed) {
        var kind = switch (failed.kind()) {
            case UNREACHABLE, TOO_SLOW -> ReadFailure.UNREACHABLE;
            case REFUSED -> ReadFailure.REFUSED;
            case SERVER_ERROR -> ReadFailure.SERVER_ERROR;
            // A read that the server calls wrong is one that this release and that server don't agree on.
            case UNREADABLE, INVALID -> ReadFailure.UNREADABLE;
        };
        return new FailedRead(kind, failed.call(), failed.getMessage(), failed);
    }
}
