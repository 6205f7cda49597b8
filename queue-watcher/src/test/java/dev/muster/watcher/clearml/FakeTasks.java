package dev.muster.watcher.clearml;

import dev.muster.clearml.ClearmlException;
import dev.muster.clearml.Queue;
import dev.muster.clearml.RescueCalls;
import dev.muster.clearml.Task;
import dev.muster.clearml.Worker;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A server of one queue, whose rules for tasks are ClearML's; anything can happen right before or after a call. */
final class FakeTasks implements RescueCalls {

    static final String QUEUE = "q-gpu";

    /** What happens at a call; may throw what the caller gets. */
    interface Event {
        void happen() throws ClearmlException;
    }

    final Map<String, Task> tasks = new HashMap<>();
    final List<String> entries = new ArrayList<>();
    final List<Worker> workers = new ArrayList<>();
    final List<String> calls = new ArrayList<>();
    final List<String> logged = new ArrayList<>();
    /** With which tasks were marked failed. */
    final List<String> messages = new ArrayList<>();
    final Map<String, Event> before = new LinkedHashMap<>();
    final Map<String, Event> after = new LinkedHashMap<>();
    boolean hasQueue = true;

    void put(String id, String status, String reason, String lastWorker, String... tags) {
        tasks.put(id, new Task(id, status, reason, Instant.EPOCH, lastWorker, QUEUE, "", "", Set.of(tags), null, null, Instant.EPOCH));
    }

    void setStatus(String id, String status, String reason) {
        var task = tasks.get(id);
        tasks.put(id, new Task(id, status, reason, Instant.EPOCH, task.lastWorker(), QUEUE, "", "", task.tags(), null, null, Instant.EPOCH));
    }

    void show(String worker, String task) {
        workers.add(new Worker(worker, "user", task, "", List.of(QUEUE), Instant.EPOCH, Instant.EPOCH));
    }

    private interface Call<T> {
        T apply() throws ClearmlException;
    }

    private <T> T call(String name, Call<T> call) throws ClearmlException {
        calls.add(name);
        var first = before.remove(name);
        if (first != null) {
            first.happen();
        }
        var answer = call.apply();
        var then = after.remove(name);
        if (then != null) {
            then.happen();
        }
        return answer;
    }

    @Override
    public Optional<Task> task(String id) throws ClearmlException {
        return call("get_by_id", () -> Optional.ofNullable(tasks.get(id)));
    }

    @Override
    public List<Worker> workers() throws ClearmlException {
        return call("workers", () -> List.copyOf(workers));
    }

    @Override
    public List<Queue> queues(Collection<String> ids) throws ClearmlException {
        return call("queues", () -> hasQueue && ids.contains(QUEUE)
                ? List.of(new Queue(QUEUE, "gpu", entries.stream().map(task -> new Queue.Entry(task, Instant.EPOCH)).toList()))
                : List.of());
    }

    @Override
    public void stopped(String task, boolean force, String reason) throws ClearmlException {
        call(force ? "stopped by force" : "stopped", () -> {
            var status = tasks.get(task).status();
            if (!force && !Set.of(Task.QUEUED, Task.IN_PROGRESS, Task.FAILED).contains(status)) {
                throw ClearmlException.answered("tasks.stopped", 400, 110, "can't stop what is " + status);
            }
            setStatus(task, Task.STOPPED, reason);
            return null;
        });
    }

    @Override
    public void failed(String task, boolean force, String reason, String message) throws ClearmlException {
        call(force ? "failed by force" : "failed", () -> {
            var status = tasks.get(task).status();
            if (!force && !Set.of(Task.IN_PROGRESS, Task.STOPPED, Task.CLOSED).contains(status)) {
                throw ClearmlException.answered("tasks.failed", 400, 110, "can't fail what is " + status);
            }
            setStatus(task, Task.FAILED, reason);
            messages.add(message);
            return null;
        });
    }

    @Override
    public boolean removeFromQueue(String queue, String task) throws ClearmlException {
        return call("remove", () -> {
            if (!hasQueue || !queue.equals(QUEUE)) {
                throw ClearmlException.answered("queues.remove_task", 400, 701, "no queue " + queue);
            }
            return entries.remove(task);
        });
    }

    @Override
    public void enqueue(String task, String queue, String reason) throws ClearmlException {
        call("enqueue", () -> {
            setStatus(task, Task.QUEUED, reason);
            entries.add(task);
            return null;
        });
    }

    @Override
    public void moveToFront(String queue, String task) throws ClearmlException {
        call("front", () -> {
            if (!entries.remove(task)) {
                throw ClearmlException.answered("queues.move_task_to_front", 400, 703, "not in queue");
            }
            entries.add(0, task);
            return null;
        });
    }

    @Override
    public void log(String task, String worker, Instant at, String line) throws ClearmlException {
        call("log", () -> logged.add(line));
    }
}
