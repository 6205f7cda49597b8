package dev.muster.planner.simulation;

import dev.muster.planner.core.FleetEvent.WorkerSeen;
import dev.muster.planner.core.TaskStatus;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** ClearML's server as far as queues, tasks and workers go; it never fails, calls to it do. */
final class SimulatedClearml {

    /** The server forgets a worker that is silent for so long. */
    private static final long WORKER_EXPIRES = 600_000;

    /** @param addedAt ms */
    record Entry(SimulatedTask task, long addedAt) {}

    static final class WorkerEntry {
        WorkerSeen shown;
        long lastReport;
    }

    private final World world;
    final Map<String, List<Entry>> queues = new TreeMap<>();
    final Map<String, SimulatedTask> tasks = new LinkedHashMap<>();
    final TreeMap<String, WorkerEntry> workers = new TreeMap<>();

    SimulatedClearml(World world) {
        this.world = world;
        world.shape().queues().forEach(queue -> queues.put(queue.id(), new ArrayList<>()));
    }

    void add(SimulatedTask task) {
        tasks.put(task.id, task);
        task.enqueuedAt = world.now();
        queues.get(task.queueId).add(new Entry(task, world.now()));
    }

    /** The head of the first queue that has one; null: none has. The task's status stays as it was, except that a stopped one is queued. */
    SimulatedTask pop(List<String> queueIds) {
        for (var id : queueIds) {
            var queue = queues.get(id);
            if (!queue.isEmpty()) {
                var task = queue.remove(0).task;
                if (task.status == TaskStatus.STOPPED) {
                    task.status = TaskStatus.QUEUED;
                }
                task.poppedAt = world.now();
                return task;
            }
        }
        return null;
    }

    /** Takes the task out of its queue, if it is there: of several who do, one succeeds. */
    boolean remove(SimulatedTask task) {
        var removed = queues.get(task.queueId).removeIf(entry -> entry.task == task);
        if (removed) {
            task.poppedAt = world.now();
        }
        return removed;
    }

    boolean isWaiting(SimulatedTask task) {
        return queues.get(task.queueId).stream().anyMatch(entry -> entry.task == task);
    }

    boolean hasWaiting(String queueId) {
        return !queues.get(queueId).isEmpty();
    }

    void enqueue(SimulatedTask task, boolean atFront) {
        task.status = TaskStatus.QUEUED;
        task.lastUpdate = world.now();
        task.enqueuedAt = world.now();
        var queue = queues.get(task.queueId);
        if (!isWaiting(task)) {
            queue.add(atFront ? 0 : queue.size(), new Entry(task, world.now()));
        }
    }

    void moveToFront(SimulatedTask task) {
        var queue = queues.get(task.queueId);
        for (var entry : List.copyOf(queue)) {
            if (entry.task == task) {
                queue.remove(entry);
                queue.add(0, entry);
            }
        }
    }

    void register(String worker, List<String> queueIds) {
        report(worker, queueIds, null);
    }

    /** A status report; {@code task} is null while it has none. An unknown worker is registered by it. */
    void report(String worker, List<String> queueIds, SimulatedTask task) {
        var entry = workers.computeIfAbsent(worker, id -> new WorkerEntry());
        var shows = task == null ? "" : task.id;
        if (entry.shown == null || !entry.shown.task().equals(shows)) {
            entry.shown = new WorkerSeen(worker, "muster", shows, "", queueIds);
        }
        entry.lastReport = world.now();
        if (task != null) {
            task.lastWorker = worker;
            task.lastUpdate = world.now();
        }
    }

    void unregister(String worker) {
        workers.remove(worker);
    }

    List<WorkerSeen> workers() {
        workers.values().removeIf(worker -> world.now() - worker.lastReport > WORKER_EXPIRES);
        var left = world.isOn(Happening.Kind.WORKERS_MISSING);
        // Which ones are left out does not change while it lasts.
        return workers.values().stream().map(worker -> worker.shown).filter(worker -> !left || worker.id().hashCode() % 2 == 0).toList();
    }
}
