package dev.muster.sandbox.clearml;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Clock;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;

/** The tasks endpoints that move a task: from status to status, in and out of queues, into the archive, away. */
final class TaskMoves {

    private static final String ARCHIVED_TAG = "archived";
    /** A running task whose last update is older than this has no live worker, and a stop takes effect at once. */
    private static final Duration LIVE = Duration.ofSeconds(600);
    // The answers about many tasks differ from those about one: flags instead of counts, and less of it.
    private static final Set<String> YES_OR_NO = Set.of("queued", "dequeued", "deleted", "archived", "unarchived");
    private static final Set<String> ONLY_FOR_ONE = Set.of("events", "queue_watched");

    private final Tasks tasks;
    private final Queues queues;
    private final Workers workers;
    private final Events events;
    private final Clock clock;

    TaskMoves(Tasks tasks, Queues queues, Workers workers, Events events, Clock clock) {
        this.tasks = tasks;
        this.queues = queues;
        this.workers = workers;
        this.events = events;
        this.clock = clock;
    }

    void register(Map<String, Endpoint> endpoints) {
        endpoints.put("tasks.delete", Endpoint.since("2.13", call -> delete(tasks.task(call), call)));
        move(endpoints, "started", TaskStatus.IN_PROGRESS, "started");
        move(endpoints, "stopped", TaskStatus.STOPPED, null);
        move(endpoints, "failed", TaskStatus.FAILED, null);
        move(endpoints, "completed", TaskStatus.COMPLETED, null);
        move(endpoints, "close", TaskStatus.CLOSED, null);
        move(endpoints, "publish", TaskStatus.PUBLISHED, null);

        endpoints.put("tasks.enqueue", Endpoint.since("2.22", call -> enqueue(tasks.task(call), call)));
        endpoints.put("tasks.dequeue", Endpoint.since("2.16", call -> dequeue(tasks.task(call), call)));
        endpoints.put("tasks.stop", Endpoint.since("2.13", call -> stop(tasks.task(call), call)));
        endpoints.put("tasks.reset", Endpoint.since("2.13", call -> reset(tasks.task(call), call)));
        endpoints.put("tasks.archive", Endpoint.since("2.13", call -> eachTask(call, "archived", task -> tag(task, true))));
        endpoints.put("tasks.unarchive", Endpoint.since("2.13", call -> eachTask(call, "unarchived", task -> tag(task, false))));

        many(endpoints, "enqueue_many", this::enqueue);
        many(endpoints, "dequeue_many", this::dequeue);
        many(endpoints, "stop_many", this::stop);
        many(endpoints, "reset_many", this::reset);
        many(endpoints, "delete_many", this::delete);
        many(endpoints, "publish_many", (task, call) -> moveTo(task, TaskStatus.PUBLISHED, call, null));
        many(endpoints, "archive_many", (task, call) -> tag(task, true));
        many(endpoints, "unarchive_many", (task, call) -> tag(task, false));
    }

    private void move(Map<String, Endpoint> endpoints, String action, TaskStatus target, String counter) {
        endpoints.put("tasks." + action, Endpoint.since("2.13", call -> moveTo(tasks.task(call), target, call, counter)));
    }

    private void many(Map<String, Endpoint> endpoints, String action, BiFunction<Task, Call, ObjectNode> one) {
        endpoints.put("tasks." + action, Endpoint.since("2.13", call -> many(call, one)));
    }

    private ObjectNode moveTo(Task task, TaskStatus target, Call call, String counter) {
        // The same status again is no error: an agent that lost an answer asks twice.
        if (task.status() != target && !task.status().mayBecome(target) && !call.flag("force")) {
            throw ApiFault.badStatus(task.id, task.status(), target);
        }
        // An entry in a queue stays, as on the real server: only enqueue, dequeue, stop and reset touch queues.
        var fields = tasks.setStatus(task, target, call.optionalText("status_reason").orElse(""), call.optionalText("status_message").orElse(""));
        var answer = Json.object().put("updated", 1);
        answer.set("fields", fields);
        if (counter != null) {
            answer.put(counter, 1);
        }
        return answer;
    }

    private ObjectNode enqueue(Task task, Call call) {
        Queues.Queue queue;
        if (call.has("queue")) {
            queue = queues.require(call.text("queue"), call.caller());
        } else if (call.has("queue_name")) {
            var name = call.text("queue_name");
            queue = queues.byName(name, call.caller())
                    .orElseGet(() -> queues.add(name, call.caller(), List.of(), List.of(), null, Json.object()));
        } else {
            queue = queues.defaultQueue(call.caller());
        }
        boolean queued = task.status() == TaskStatus.QUEUED;
        boolean onlyMoves = queued && call.has("update_execution_queue") && !call.flag("update_execution_queue");
        if (!onlyMoves && call.has("update_execution_queue") && !call.flag("update_execution_queue")) {
            throw new ApiFault(400, 12, "Validation error (update_execution_queue: false is for tasks already queued: id=" + task.id + ")");
        }
        if (!onlyMoves && !call.flag("force") && !task.status().mayBecome(TaskStatus.QUEUED)) {
            throw ApiFault.badStatus(task.id, task.status(), TaskStatus.QUEUED);
        }
        queues.removeEverywhere(task.id);
        if (!queued) {
            task.beforeQueue = task.status();
        }
        var fields = tasks.setStatus(task, TaskStatus.QUEUED, call.optionalText("status_reason").orElse(""),
                call.optionalText("status_message").orElse(""));
        if (!onlyMoves) {
            tasks.setExecutionQueue(task, queue.id);
            fields.put("execution.queue", queue.id);
        }
        queues.append(queue, task);
        var answer = Json.object().put("queued", 1).put("updated", 1);
        answer.set("fields", fields);
        if (call.flag("verify_watched_queue")) {
            answer.put("queue_watched", workers.anyWatches(queue.id));
        }
        return answer;
    }

    private ObjectNode dequeue(Task task, Call call) {
        var next = call.optionalText("new_status").map(status -> TaskStatus.of(status)
                .orElseThrow(() -> ApiFault.invalid("new_status", "\"" + status + "\" is no task status")));
        if (task.status() != TaskStatus.QUEUED) {
            throw ApiFault.badStatus(task.id, task.status(), next.orElse(TaskStatus.CREATED));
        }
        boolean dequeued;
        if (call.flag("remove_from_all_queues")) {
            dequeued = queues.removeEverywhere(task.id);
        } else {
            var queue = task.document.path("execution").path("queue").asText("");
            dequeued = queues.find(queue, call.caller()).map(found -> found.position(task.id) >= 0).orElse(false)
                    && queues.removeEverywhere(task.id);
        }
        var answer = Json.object().put("dequeued", dequeued ? 1 : 0);
        if (!dequeued) {
            // A task that a pop has taken keeps its status: whoever popped it decides what comes next.
            return answer.put("updated", 0);
        }
        var status = next.orElse(task.beforeQueue == null ? TaskStatus.CREATED : task.beforeQueue);
        answer.put("updated", 1);
        answer.set("fields", tasks.setStatus(task, status, call.optionalText("status_reason").orElse(""),
                call.optionalText("status_message").orElse("")));
        return answer;
    }

    private ObjectNode stop(Task task, Call call) {
        boolean running = task.status() == TaskStatus.IN_PROGRESS;
        if (task.status() != TaskStatus.STOPPED && !task.status().mayBecome(TaskStatus.STOPPED) && !call.flag("force")) {
            throw ApiFault.badStatus(task.id, task.status(), TaskStatus.STOPPED);
        }
        boolean live = running && clock.instant().isBefore(Json.instant(task.document.path("last_update").asText()).plus(LIVE))
                && task.document.hasNonNull("last_worker");
        var reason = call.optionalText("status_reason").orElse("");
        var answer = Json.object().put("updated", 1);
        if (live) {
            // Its agent sees the message at its next look and ends the run itself.
            var fields = Json.object().put("status_reason", reason).put("status_message", "stopping");
            fields.put("last_change", Json.time(clock.instant()));
            task.document.setAll(fields);
            answer.set("fields", fields.put("status", TaskStatus.IN_PROGRESS.wire()));
            return answer;
        }
        queues.removeEverywhere(task.id);
        answer.set("fields", tasks.setStatus(task, TaskStatus.STOPPED, reason,
                call.optionalText("status_message").orElse("Stopped by " + call.caller().userName())));
        return answer;
    }

    private ObjectNode reset(Task task, Call call) {
        if (task.status() != TaskStatus.CREATED && !task.status().mayBecome(TaskStatus.CREATED) && !call.flag("force")) {
            throw ApiFault.badStatus(task.id, task.status(), TaskStatus.CREATED);
        }
        boolean dequeued = queues.removeEverywhere(task.id);
        events.forget(task.id);
        task.document.remove(List.of("started", "completed", "published", "active_duration", "last_worker", "last_worker_report"));
        Json.child(task.document, "execution").remove("queue");
        task.document.putObject("runtime");
        task.document.putObject("last_metrics");
        task.document.put("last_iteration", 0);
        Json.child(task.document, "models").putArray("output");
        Json.child(task.document, "execution").putArray("artifacts");
        if (call.flag("clear_all")) {
            Json.child(task.document, "script").removeAll();
            for (var field : Tasks.MAP_FIELDS) {
                task.document.putObject(field);
            }
        }
        var answer = Json.object().put("updated", 1);
        answer.set("fields", tasks.setStatus(task, TaskStatus.CREATED, call.optionalText("status_reason").orElse("reset"), ""));
        answer.putObject("dequeued").put("removed", dequeued ? 1 : 0);
        answer.putObject("events");
        answer.put("deleted_models", 0);
        return answer;
    }

    private ObjectNode many(Call call, BiFunction<Task, Call, ObjectNode> one) {
        if (call.texts("ids").isEmpty()) {
            throw ApiFault.missing("ids");
        }
        var answer = Json.object();
        var succeeded = answer.putArray("succeeded");
        var failed = answer.putArray("failed");
        for (var id : call.texts("ids")) {
            try {
                var result = one.apply(tasks.require(id, call.caller()), call);
                var row = succeeded.addObject().put("id", id);
                result.properties().stream().filter(field -> !ONLY_FOR_ONE.contains(field.getKey())).forEach(field ->
                        row.set(field.getKey(), YES_OR_NO.contains(field.getKey()) ? yesOrNo(field.getValue()) : field.getValue()));
            } catch (ApiFault fault) {
                var error = failed.addObject().put("id", id).putObject("error");
                error.putArray("codes").add(fault.status).add(fault.subcode);
                error.put("msg", fault.getMessage());
                error.putObject("data");
            }
        }
        if (call.flag("verify_watched_queue") && call.has("queue")) {
            answer.put("queue_watched", workers.anyWatches(call.text("queue")));
        }
        return answer;
    }

    private static JsonNode yesOrNo(JsonNode counted) {
        return BooleanNode.valueOf(counted.isObject() ? counted.path("removed").asInt() > 0 : counted.asBoolean());
    }

    private ObjectNode delete(Task task, Call call) {
        boolean safe = task.status() == TaskStatus.CREATED || Tasks.hasTag(task, "system_tags", ARCHIVED_TAG);
        if (!safe && !call.flag("force")) {
            throw new ApiFault(400, 123, "Task cannot be deleted, use force=true: id=" + task.id + ", status=" + task.status().wire());
        }
        queues.removeEverywhere(task.id);
        events.forget(task.id);
        tasks.forget(task);
        var answer = Json.object();
        answer.put("deleted", true);
        answer.put("updated_children", 0);
        answer.put("updated_models", 0);
        answer.putObject("events");
        return answer;
    }

    private ObjectNode tag(Task task, boolean archived) {
        var tags = new LinkedHashSet<String>();
        task.document.path("system_tags").forEach(tag -> tags.add(tag.asText()));
        if (archived) {
            if (queues.removeEverywhere(task.id)) {
                tasks.backFromQueue(task);
            }
            tags.add(ARCHIVED_TAG);
        } else {
            tags.remove(ARCHIVED_TAG);
        }
        task.document.set("system_tags", Json.array(tags));
        tasks.touched(task);
        return Json.object().put(archived ? "archived" : "unarchived", true);
    }

    private ObjectNode eachTask(Call call, String counter, Function<Task, ObjectNode> one) {
        var found = call.texts("tasks").stream().map(id -> tasks.require(id, call.caller())).toList();
        found.forEach(one::apply);
        return Json.object().put(counter, found.size());
    }
}
