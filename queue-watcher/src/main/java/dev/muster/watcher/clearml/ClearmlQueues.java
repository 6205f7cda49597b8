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
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/** A ClearML server as a source of queues. */
public final class ClearmlQueues implements QueueSource {

    /** A queue that is missing may be created at any time; looking for it in each look would be a third call in each. */
    private static final Duration LOOK_FOR_MISSING_EVERY = Duration.ofSeconds(5);

    /** Up to here, queues are asked for by their names; beyond, it takes fewer calls to read all that the server has. */
    private static final int MOST_BY_NAME = 500;
    /** Less may be the way there, and harms nobody. */
    private static final Duration MOST_SKEW = Duration.ofSeconds(30);

    private final Clearml server;
    private final Clock clock;
    private final Rescue rescue;
    private final String keys;
    /** Null: Muster does not list itself. */
    private final Registration registration;
    /** What became of queues that were there, by the name that the fleets have. */
    private final SortedMap<String, String> lost = new TreeMap<>();
    private volatile List<String> notes = List.of();
    private final WorkerList workers = new WorkerList();
    private final Map<String, SeenQueue> seenById = new HashMap<>();
    private final Map<String, String> idByName = new HashMap<>();
    private SortedSet<String> wanted = new TreeSet<>();
    private Instant lookedForMissingAt = Instant.EPOCH;

    private record SeenQueue(Queue row, Seen.Queue queue) {}

    /**
     * @param clock for pacing only
     * @param worker id to list itself under; empty: not at all
     * @param keys where the credentials come from, for people who must put them right
     */
    public ClearmlQueues(Clearml server, Clock clock, Optional<String> worker, String keys) {
        this.server = server;
        this.clock = clock;
        this.rescue = new Rescue(server, clock);
        this.keys = keys;
        this.registration = worker.map(id -> new Registration(server, id, clock)).orElse(null);
    }

    // An owner that lost its connection may still be at its last look when the next one begins.
    @Override
    public synchronized Seen.Look look(SortedSet<String> queueNames) throws FailedRead {
        try {
            var listed = workers.of(server.workers());
            if (registration != null) {
                registration.seen(workers);
            }
            var look = new Seen.Look(listed, queues(queueNames));
            seenById.keySet().retainAll(new HashSet<>(idByName.values()));
            lost.keySet().removeIf(name -> look.queues().containsKey(name) || !queueNames.contains(name));
            notes = notesOfALook();
            return look;
        } catch (ClearmlException failed) {
            throw failedRead(failed);
        }
    }

    /** By id, which the server finds by its index; names are looked up when they are new, or their queue is no longer there. */
    private Map<String, Seen.Queue> queues(SortedSet<String> names) throws ClearmlException {
        if (names != wanted && !names.equals(wanted)) {
            wanted = names;
            idByName.keySet().retainAll(names);
            lookedForMissingAt = Instant.EPOCH;
        }
        var found = new LinkedHashMap<String, Seen.Queue>();
        var nameById = new HashMap<String, String>();
        if (!idByName.isEmpty()) {
            for (var queue : server.queues(idByName.values())) {
                nameById.put(queue.id(), queue.name());
                if (queue.id().equals(idByName.get(queue.name()))) {
                    found.put(queue.name(), seen(queue));
                }
            }
        }
        // Gone, or renamed: what is there under the name now is another queue.
        for (var name : names) {
            var id = idByName.get(name);
            if (id != null && !found.containsKey(name)) {
                var now = nameById.get(id);
                lost.put(name, now == null ? "queue '" + name + "' was deleted at the server"
                        : "queue '" + name + "' was renamed to '" + now + "' at the server, and fleets still name '" + name + "'");
                idByName.remove(name);
                lookedForMissingAt = Instant.EPOCH;
            }
        }

        var missing = new TreeSet<>(names);
        missing.removeAll(found.keySet());
        if (!missing.isEmpty() && !clock.instant().isBefore(lookedForMissingAt.plus(LOOK_FOR_MISSING_EVERY))) {
            if (missing.size() > MOST_BY_NAME) {
                server.queues().stream().filter(queue -> missing.contains(queue.name())).forEach(queue -> keep(queue, found));
                missing.removeAll(found.keySet());
            }
            // Of the many that are still missing, the server hides some, and has not the others: some at a time.
            for (var queue : server.queuesNamed(missing.stream().limit(MOST_BY_NAME).toList())) {
                keep(queue, found);
            }
            lookedForMissingAt = clock.instant();
        }
        return found;
    }

    private void keep(Queue queue, Map<String, Seen.Queue> found) {
        found.put(queue.name(), seen(queue));
        idByName.put(queue.name(), queue.id());
    }

    private List<String> notesOfALook() {
        var notes = new ArrayList<String>(lost.values());
        server.skew().filter(skew -> skew.abs().compareTo(MOST_SKEW) > 0).ifPresent(skew -> notes.add("the server's clock is "
                + Math.abs(Math.round(skew.toSeconds() / 10.0) * 10) + " s " + (skew.isNegative() ? "behind" : "ahead of")
                + " this machine's: synchronize both; Muster compares the server's times only with each other"));
        return List.copyOf(notes);
    }

    @Override
    public List<String> notes() {
        return notes;
    }

    @Override
    public synchronized void create(String queueName) throws FailedRead {
        try {
            idByName.put(queueName, server.createQueue(queueName));
        } catch (ClearmlException failed) {
            if (!failed.is(400, 801)) {
                throw failedRead(failed);
            }
            // Somebody was faster.
            lookedForMissingAt = Instant.EPOCH;
        }
    }

    @Override
    public synchronized void showServed(SortedSet<String> queueIds) throws FailedRead {
        try {
            if (registration != null) {
                registration.keep(queueIds);
            }
        } catch (ClearmlException failed) {
            throw failedRead(failed);
        }
    }

    @Override
    public synchronized void withdraw() throws FailedRead {
        try {
            if (registration != null) {
                registration.end();
            }
        } catch (ClearmlException failed) {
            throw failedRead(failed);
        }
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

    /** A row that is the same object as in the last answer is the same queue as then. */
    private Seen.Queue seen(Queue row) {
        return seenById.compute(row.id(), (id, was) -> was != null && was.row == row ? was : new SeenQueue(row, new Seen.Queue(row.id(), row.name(),
                row.entries().stream().map(entry -> new Seen.Entry(entry.task(), entry.added())).toList()))).queue;
    }

    private static Seen.Task seen(Task task) {
        var status = status(task.status());
        return new Seen.Task(task.id(), status, task.statusReason(), task.lastWorker(), task.queue(), task.project(), task.user(),
                TaskAttributes.of(task.tags()), status == TaskStatus.QUEUED ? task.statusChanged() : null, task.started(), task.ended(), task.lastUpdate());
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

    private FailedRead failedRead(ClearmlException failed) {
        var kind = switch (failed.kind()) {
            case UNREACHABLE, TOO_SLOW -> ReadFailure.UNREACHABLE;
            case REFUSED -> ReadFailure.REFUSED;
            case SERVER_ERROR -> ReadFailure.SERVER_ERROR;
            // A read that the server calls wrong is one that this release and that server don't agree on.
            case UNREADABLE, INVALID, OUTDATED -> ReadFailure.UNREADABLE;
        };
        var remedy = switch (failed.kind()) {
            case REFUSED, OUTDATED, INVALID -> FailedRead.Remedy.A_PERSON;
            case UNREACHABLE, TOO_SLOW, SERVER_ERROR, UNREADABLE -> FailedRead.Remedy.TIME;
        };
        // The message of a login without keys already names their file.
        var isAboutKeys = failed.kind() == ClearmlException.Kind.REFUSED && failed.code() != 0;
        return new FailedRead(kind, remedy, failed.call(), isAboutKeys ? failed.getMessage() + "; " + keys : failed.getMessage(), failed);
    }
}
