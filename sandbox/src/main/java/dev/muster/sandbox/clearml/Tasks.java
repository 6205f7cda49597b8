package dev.muster.sandbox.clearml;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Clock;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;

/** The tasks endpoints and the watchdog: documents whose status moves only as {@link TaskStatus} allows, or by force. */
final class Tasks {

    private static final Set<String> LIST_FIELDS = Set.of("id", "status", "type", "user", "project", "tags", "system_tags", "parent",
            "execution.queue", "models.input.model");
    private static final String HIDDEN_TAG = "hidden";
    private static final String ARCHIVED_TAG = "archived";
    private static final Set<String> TYPES = Set.of("dataset_import", "annotation", "annotation_manual", "training", "testing", "inference",
            "data_processing", "application", "monitor", "controller", "optimizer", "service", "qc", "custom");
    /** A running task whose last update is older than this has no live worker, and a stop takes effect at once. */
    private static final Duration LIVE = Duration.ofSeconds(600);

    private static final Set<String> TEXT_FIELDS = Set.of("name", "type", "project", "parent", "comment", "status_message", "status_reason");
    private static final Set<String> TAG_FIELDS = Set.of("tags", "system_tags");
    /** Maps that an edit replaces whole; embedded documents below are merged instead. */
    private static final Set<String> MAP_FIELDS = Set.of("hyperparams", "configuration", "container", "runtime");
    private static final Set<String> EMBEDDED_FIELDS = Set.of("execution", "script", "output", "input", "models");

    // The answers about many tasks differ from those about one: flags instead of counts, and less of it.
    private static final Set<String> YES_OR_NO = Set.of("queued", "dequeued", "deleted", "archived", "unarchived");
    private static final Set<String> ONLY_FOR_ONE = Set.of("events", "queue_watched");

    private final Map<String, Task> tasks = new LinkedHashMap<>();
    private final Clock clock;
    private final Listing listing;
    private final Books books;
    private Queues queues;
    private Workers workers;
    private Projects projects;
    private Events events;

    Tasks(Clock clock, Listing listing, Books books) {
        this.clock = clock;
        this.listing = listing;
        this.books = books;
    }

    void register(Map<String, Endpoint> endpoints, Queues queues, Workers workers, Projects projects, Events events) {
        this.queues = queues;
        this.workers = workers;
        this.projects = projects;
        this.events = events;
        endpoints.put("tasks.create", Endpoint.since("2.13", this::create));
        endpoints.put("tasks.clone", Endpoint.since("2.13", this::cloneTask));
        endpoints.put("tasks.validate", Endpoint.since("2.13", call -> Json.object()));
        endpoints.put("tasks.get_by_id", Endpoint.since("2.13", call -> {
            var answer = Json.object();
            answer.set("task", task(call).document);
            return answer;
        }));
        endpoints.put("tasks.get_all", Endpoint.since("2.13", this::getAll));
        endpoints.put("tasks.get_all_ex", Endpoint.since("2.13", this::getAllEx));
        endpoints.put("tasks.get_types", Endpoint.since("2.8", this::types));
        endpoints.put("tasks.edit", Endpoint.since("2.13", this::edit));
        endpoints.put("tasks.update", Endpoint.since("2.13", this::update));
        endpoints.put("tasks.set_requirements", Endpoint.since("2.1", this::setRequirements));
        endpoints.put("tasks.edit_runtime", Endpoint.since("2.34", this::editRuntime));
        endpoints.put("tasks.get_hyper_params", Endpoint.since("2.9", this::getHyperParams));
        endpoints.put("tasks.edit_hyper_params", Endpoint.since("2.9", this::editHyperParams));
        endpoints.put("tasks.delete_hyper_params", Endpoint.since("2.9", this::deleteHyperParams));
        endpoints.put("tasks.get_configurations", Endpoint.since("2.9", this::getConfigurations));
        endpoints.put("tasks.edit_configuration", Endpoint.since("2.9", this::editConfiguration));
        endpoints.put("tasks.delete_configuration", Endpoint.since("2.9", this::deleteConfiguration));
        endpoints.put("tasks.add_or_update_artifacts", Endpoint.since("2.10", this::addArtifacts));
        endpoints.put("tasks.ping", Endpoint.since("2.4", call -> {
            touched(task(call));
            return Json.object();
        }));
        endpoints.put("tasks.delete", Endpoint.since("2.13", call -> delete(task(call), call)));

        move(endpoints, "started", TaskStatus.IN_PROGRESS, "started");
        move(endpoints, "stopped", TaskStatus.STOPPED, null);
        move(endpoints, "failed", TaskStatus.FAILED, null);
        move(endpoints, "completed", TaskStatus.COMPLETED, null);
        move(endpoints, "close", TaskStatus.CLOSED, null);
        move(endpoints, "publish", TaskStatus.PUBLISHED, null);

        endpoints.put("tasks.enqueue", Endpoint.since("2.22", call -> enqueue(task(call), call)));
        endpoints.put("tasks.dequeue", Endpoint.since("2.16", call -> dequeue(task(call), call)));
        endpoints.put("tasks.stop", Endpoint.since("2.13", call -> stop(task(call), call)));
        endpoints.put("tasks.reset", Endpoint.since("2.13", call -> reset(task(call), call)));
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
        endpoints.put("tasks." + action, Endpoint.since("2.13", call -> moveTo(task(call), target, call, counter)));
    }

    private void many(Map<String, Endpoint> endpoints, String action, BiFunction<Task, Call, ObjectNode> one) {
        endpoints.put("tasks." + action, Endpoint.since("2.13", call -> many(call, one)));
    }

    // What other parts of the server ask.

    Collection<Task> all() {
        return tasks.values();
    }

    Optional<Task> find(String id) {
        return Optional.ofNullable(tasks.get(id));
    }

    Task require(String id, Identity caller) {
        return find(id).filter(task -> task.belongsTo(caller)).orElseThrow(() -> ApiFault.noSuchTask(id));
    }

    void reportedBy(Task task, String worker) {
        var now = Json.time(clock.instant());
        task.document.put("last_worker", worker);
        task.document.put("last_worker_report", now);
        task.document.put("last_update", now);
        task.document.put("last_change", now);
        books.workedOnBy(task, worker);
    }

    void touched(Task task) {
        var now = Json.time(clock.instant());
        task.document.put("last_update", now);
        task.document.put("last_change", now);
    }

    void reached(Task task, long iteration) {
        if (iteration > task.document.path("last_iteration").asLong(0)) {
            task.document.put("last_iteration", iteration);
        }
    }

    /** How long it has run since it was started, in ms; 0 if it never was. */
    long runningMillis(Task task) {
        var started = task.document.path("started").asText("");
        return started.isEmpty() ? 0 : Math.max(0, clock.millis() - Json.instant(started).toEpochMilli());
    }

    void setExecutionQueue(Task task, String queue) {
        Json.child(task.document, "execution").put("queue", queue);
    }

    /** Ends a stay in a queue without a start: back to what the task was before it was enqueued. */
    void backFromQueue(Task task) {
        if (task.status() == TaskStatus.QUEUED) {
            setStatus(task, task.beforeQueue == null ? TaskStatus.CREATED : task.beforeQueue, "", "");
        }
    }

    /**
     * Moves the task unasked.
     *
     * @param reason  null leaves the reason that is there; so does {@code message}
     * @return the fields that changed
     */
    ObjectNode setStatus(Task task, TaskStatus status, String reason, String message) {
        var before = task.status();
        var now = Json.time(clock.instant());
        var fields = Json.object();
        fields.put("status", status.wire());
        if (reason != null) {
            fields.put("status_reason", reason);
        }
        if (message != null) {
            fields.put("status_message", message);
        }
        if (before != status) {
            fields.put("status_changed", now);
        }
        fields.put("last_update", now);
        fields.put("last_change", now);
        if (status == TaskStatus.IN_PROGRESS && before != status) {
            fields.put("started", now);
            task.document.remove("completed");
        }
        if ((status == TaskStatus.COMPLETED || status == TaskStatus.FAILED || status == TaskStatus.STOPPED)
                && before == TaskStatus.IN_PROGRESS) {
            fields.put("active_duration", runningMillis(task) / 1000);
            fields.put("completed", now);
        }
        if (status == TaskStatus.PUBLISHED) {
            fields.put("published", now);
        }
        task.document.setAll(fields);
        books.moved(task, before, status);
        return fields;
    }

    /** Stops what has been in progress without an update for {@code limit}; how many those were. */
    int stopSilent(Duration limit) {
        int stopped = 0;
        var oldest = clock.instant().minus(limit);
        for (var task : tasks.values()) {
            if (task.status() == TaskStatus.IN_PROGRESS
                    && Json.instant(task.document.path("last_update").asText()).isBefore(oldest)) {
                setStatus(task, TaskStatus.STOPPED, "Forced stop (non-responsive)", "Forced stop (non-responsive)");
                stopped++;
            }
        }
        return stopped;
    }

    // Making and reading.

    private ObjectNode create(Call call) {
        var name = call.text("name");
        var type = call.text("type");
        if (name.length() < 3) {
            throw ApiFault.invalid("name", "must have at least 3 characters");
        }
        var document = Json.object();
        var id = Logins.newId();
        document.put("id", id);
        document.put("name", name);
        document.put("type", type);
        document.put("user", call.caller().user());
        document.put("company", call.caller().company());
        document.put("status", TaskStatus.CREATED.wire());
        document.put("status_reason", "");
        document.put("status_message", "");
        var now = Json.time(clock.instant());
        for (var time : List.of("created", "status_changed", "last_update", "last_change")) {
            document.put(time, now);
        }
        document.put("comment", "");
        document.put("last_iteration", 0);
        document.putArray("tags");
        document.putArray("system_tags");
        var script = document.putObject("script");
        script.put("binary", "python").put("repository", "").put("entry_point", "").put("diff", "");
        script.putObject("requirements");
        var execution = document.putObject("execution");
        execution.putObject("parameters");
        execution.putObject("model_labels");
        execution.putArray("artifacts");
        MAP_FIELDS.forEach(document::putObject);
        var models = document.putObject("models");
        models.putArray("input");
        models.putArray("output");
        document.putObject("output").put("destination", call.optionalText("output_dest").orElse(""));
        document.putObject("last_metrics");
        write(document, call);
        tasks.put(id, new Task(id, document));
        return Json.object().put("id", id);
    }

    private ObjectNode cloneTask(Call call) {
        var original = task(call);
        var copy = original.document.deepCopy();
        var id = Logins.newId();
        var now = Json.time(clock.instant());
        copy.remove(List.of("started", "completed", "published", "last_worker", "last_worker_report", "active_duration"));
        copy.put("id", id).put("status", TaskStatus.CREATED.wire()).put("status_reason", "").put("status_message", "");
        copy.put("user", call.caller().user()).put("parent", call.optionalText("new_task_parent").orElse(original.id));
        copy.put("name", call.optionalText("new_task_name").orElse(original.name())).put("last_iteration", 0);
        call.optionalText("new_task_comment").ifPresent(comment -> copy.put("comment", comment));
        call.optionalText("new_task_project").ifPresent(project -> copy.put("project", project));
        for (var time : List.of("created", "status_changed", "last_update", "last_change")) {
            copy.put(time, now);
        }
        if (call.has("new_task_tags")) {
            copy.set("tags", Json.array(call.texts("new_task_tags")));
        }
        call.object("new_task_hyperparams").ifPresent(params -> copy.set("hyperparams", params));
        call.object("new_task_container").ifPresent(container -> copy.set("container", container));
        copy.putObject("runtime");
        copy.putObject("last_metrics");
        Json.child(copy, "execution").remove("queue");
        tasks.put(id, new Task(id, copy));
        return Json.object().put("id", id);
    }

    private ObjectNode getAll(Call call) {
        return listing.page(call, "tasks", matching(call), document -> document);
    }

    private ObjectNode getAllEx(Call call) {
        return listing.page(call, "tasks", matching(call), document -> {
            var shown = Json.object();
            shown.setAll(document);
            var project = document.path("project").asText("");
            if (!project.isEmpty()) {
                shown.set("project", Json.object().put("id", project).put("name", projects.nameOf(project)));
            }
            return shown;
        });
    }

    private java.util.stream.Stream<ObjectNode> matching(Call call) {
        for (var status : call.texts("status")) {
            if (!status.startsWith("-") && !status.startsWith("__$") && TaskStatus.of(status).isEmpty()) {
                throw ApiFault.invalid("status", "\"" + status + "\" is no task status");
            }
        }
        var filter = Listing.filter(call, LIST_FIELDS);
        boolean hidden = call.flag("search_hidden") || call.has("id");
        var ids = call.texts("id");
        // By far the most frequent question is about a few tasks by id; that must not read every task.
        boolean plainIds = !ids.isEmpty() && ids.stream().noneMatch(id -> id.startsWith("-") || id.startsWith("__$"));
        var candidates = plainIds ? ids.stream().distinct().map(tasks::get).filter(java.util.Objects::nonNull) : tasks.values().stream();
        return candidates
                .filter(task -> task.belongsTo(call.caller()))
                .filter(task -> hidden || !hasTag(task, "system_tags", HIDDEN_TAG))
                .map(task -> task.document)
                .filter(filter);
    }

    private ObjectNode types(Call call) {
        var types = new HashSet<String>();
        tasks.values().stream().filter(task -> task.belongsTo(call.caller())).forEach(task -> types.add(task.document.path("type").asText()));
        var answer = Json.object();
        answer.set("types", Json.array(types));
        return answer;
    }

    // Changing without a move.

    private ObjectNode edit(Call call) {
        var task = task(call);
        requireEditable(task, call);
        var fields = write(task.document, call);
        return updated(task, fields);
    }

    private ObjectNode update(Call call) {
        var task = task(call);
        var texts = Json.object();
        for (var field : List.of("name", "tags", "system_tags", "comment", "project", "status_message", "status_reason", "parent")) {
            if (call.has(field)) {
                texts.set(field, call.get(field));
            }
        }
        var fields = write(task.document, call.withFields(texts));
        if (call.has("output__error")) {
            Json.child(task.document, "output").put("error", call.text("output__error"));
        }
        return updated(task, fields);
    }

    private ObjectNode updated(Task task, ObjectNode fields) {
        touched(task);
        var answer = Json.object().put("updated", 1);
        answer.set("fields", fields);
        return answer;
    }

    private static void requireEditable(Task task, Call call) {
        if (task.status() != TaskStatus.CREATED && !call.flag("force")) {
            throw new ApiFault(400, 110, "Invalid task status: expected=created, status=" + task.status().wire() + ", id=" + task.id);
        }
    }

    /** Copies a request's task fields into a document; the fields written. */
    private ObjectNode write(ObjectNode document, Call call) {
        var written = Json.object();
        for (var field : TEXT_FIELDS) {
            call.optionalText(field).ifPresent(value -> written.put(field, value));
        }
        if (written.has("type") && !TYPES.contains(written.path("type").asText())) {
            throw ApiFault.invalid("type", "\"" + written.path("type").asText() + "\" is no task type");
        }
        if (written.has("project")) {
            projects.require(written.path("project").asText(), call.caller());
        }
        for (var field : TAG_FIELDS) {
            if (call.has(field)) {
                written.set(field, Json.array(call.texts(field)));
            }
        }
        for (var field : MAP_FIELDS) {
            call.object(field).ifPresent(map -> written.set(field, map));
        }
        for (var field : EMBEDDED_FIELDS) {
            call.object(field).ifPresent(part -> {
                var merged = Json.child(document, field).deepCopy();
                merged.setAll(part);
                written.set(field, merged);
            });
        }
        document.setAll(written);
        return written;
    }

    private ObjectNode setRequirements(Call call) {
        var task = task(call);
        var requirements = call.object("requirements").orElseThrow(() -> ApiFault.missing("requirements"));
        Json.child(task.document, "script").set("requirements", requirements);
        var fields = Json.object();
        fields.set("script.requirements", requirements);
        return updated(task, fields);
    }

    private ObjectNode editRuntime(Call call) {
        var task = task(call);
        requireRunningEditable(task, call);
        var runtime = Json.child(task.document, "runtime");
        call.object("add_or_update").ifPresent(runtime::setAll);
        runtime.remove(call.texts("remove"));
        touched(task);
        return Json.object().put("updated", 1);
    }

    private static void requireRunningEditable(Task task, Call call) {
        boolean editable = task.status() == TaskStatus.CREATED || task.status() == TaskStatus.IN_PROGRESS;
        if (!editable && !call.flag("force")) {
            throw new ApiFault(400, 110, "Invalid task status: expected=created or in_progress, status=" + task.status().wire()
                    + ", id=" + task.id);
        }
    }

    private ObjectNode getHyperParams(Call call) {
        var answer = Json.object();
        var rows = answer.putArray("params");
        for (var id : call.texts("tasks")) {
            var row = rows.addObject().put("task", id);
            var items = row.putArray("hyperparams");
            require(id, call.caller()).document.path("hyperparams").forEach(section -> section.forEach(items::add));
        }
        return answer;
    }

    private ObjectNode editHyperParams(Call call) {
        var task = task(call);
        var items = items(call, "hyperparams");
        // User properties may be written at any time; the parameters that the task runs with may not.
        for (var item : items) {
            if (!item.path("section").asText().equals("properties")) {
                requireRunningEditable(task, call);
            }
        }
        var stored = Json.child(task.document, "hyperparams");
        var replace = call.optionalText("replace_hyperparams").orElse("none");
        if (replace.equals("all")) {
            stored.removeAll();
        } else if (replace.equals("section")) {
            items.forEach(item -> stored.remove(item.path("section").asText()));
        }
        for (var item : items) {
            var kept = ((ObjectNode) item).deepCopy();
            Json.child(stored, item.path("section").asText()).set(item.path("name").asText(), kept);
        }
        touched(task);
        return Json.object().put("updated", 1);
    }

    private ObjectNode deleteHyperParams(Call call) {
        var task = task(call);
        var stored = Json.child(task.document, "hyperparams");
        for (var key : items(call, "hyperparams")) {
            if (key.path("name").asText("").isEmpty()) {
                stored.remove(key.path("section").asText());
            } else if (stored.get(key.path("section").asText()) instanceof ObjectNode section) {
                section.remove(key.path("name").asText());
            }
        }
        touched(task);
        return Json.object().put("deleted", 1);
    }

    private static ArrayNode items(Call call, String field) {
        if (!(call.get(field) instanceof ArrayNode items)) {
            throw call.has(field) ? ApiFault.invalid(field, "expected a list of objects") : ApiFault.missing(field);
        }
        for (var item : items) {
            if (!item.isObject()) {
                throw ApiFault.invalid(field, "expected a list of objects");
            }
        }
        return items;
    }

    private ObjectNode getConfigurations(Call call) {
        var names = new HashSet<>(call.texts("names"));
        var answer = Json.object();
        var rows = answer.putArray("configurations");
        for (var id : call.texts("tasks")) {
            var row = rows.addObject().put("task", id);
            var items = row.putArray("configuration");
            require(id, call.caller()).document.path("configuration").properties().forEach(item -> {
                if (names.isEmpty() || names.contains(item.getKey())) {
                    items.add(item.getValue());
                }
            });
        }
        return answer;
    }

    private ObjectNode editConfiguration(Call call) {
        var task = task(call);
        var stored = Json.child(task.document, "configuration");
        if (call.flag("replace_configuration")) {
            stored.removeAll();
        }
        items(call, "configuration").forEach(item -> stored.set(item.path("name").asText(), item.deepCopy()));
        touched(task);
        return Json.object().put("updated", 1);
    }

    private ObjectNode deleteConfiguration(Call call) {
        var task = task(call);
        Json.child(task.document, "configuration").remove(call.texts("configuration"));
        touched(task);
        return Json.object().put("deleted", 1);
    }

    private ObjectNode addArtifacts(Call call) {
        var task = task(call);
        var execution = Json.child(task.document, "execution");
        var artifacts = execution.get("artifacts") instanceof ArrayNode list ? list : execution.putArray("artifacts");
        for (var artifact : items(call, "artifacts")) {
            for (int i = artifacts.size() - 1; i >= 0; i--) {
                if (artifacts.get(i).path("key").equals(artifact.path("key"))) {
                    artifacts.remove(i);
                }
            }
            artifacts.add(artifact.deepCopy());
        }
        touched(task);
        return Json.object().put("updated", 1);
    }

    private ObjectNode delete(Task task, Call call) {
        boolean safe = task.status() == TaskStatus.CREATED || hasTag(task, "system_tags", ARCHIVED_TAG);
        if (!safe && !call.flag("force")) {
            throw new ApiFault(400, 123, "Task cannot be deleted, use force=true: id=" + task.id + ", status=" + task.status().wire());
        }
        queues.removeEverywhere(task.id);
        events.forget(task.id);
        tasks.remove(task.id);
        var answer = Json.object();
        answer.put("deleted", true);
        answer.put("updated_children", 0);
        answer.put("updated_models", 0);
        answer.putObject("events");
        return answer;
    }

    private ObjectNode tag(Task task, boolean archived) {
        var tags = new java.util.LinkedHashSet<String>();
        task.document.path("system_tags").forEach(tag -> tags.add(tag.asText()));
        if (archived) {
            if (queues.removeEverywhere(task.id)) {
                backFromQueue(task);
            }
            tags.add(ARCHIVED_TAG);
        } else {
            tags.remove(ARCHIVED_TAG);
        }
        task.document.set("system_tags", Json.array(tags));
        touched(task);
        return Json.object().put(archived ? "archived" : "unarchived", true);
    }

    private ObjectNode eachTask(Call call, String counter, Function<Task, ObjectNode> one) {
        var found = call.texts("tasks").stream().map(id -> require(id, call.caller())).toList();
        found.forEach(one::apply);
        return Json.object().put(counter, found.size());
    }

    // Moves.

    private ObjectNode moveTo(Task task, TaskStatus target, Call call, String counter) {
        // The same status again is no error: an agent that lost an answer asks twice.
        if (task.status() != target && !task.status().mayBecome(target) && !call.flag("force")) {
            throw ApiFault.badStatus(task.id, task.status(), target);
        }
        // An entry in a queue stays, as on the real server: only enqueue, dequeue, stop and reset touch queues.
        var fields = setStatus(task, target, call.optionalText("status_reason").orElse(""), call.optionalText("status_message").orElse(""));
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
        var fields = setStatus(task, TaskStatus.QUEUED, call.optionalText("status_reason").orElse(""),
                call.optionalText("status_message").orElse(""));
        if (!onlyMoves) {
            setExecutionQueue(task, queue.id);
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
        answer.set("fields", setStatus(task, status, call.optionalText("status_reason").orElse(""),
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
        answer.set("fields", setStatus(task, TaskStatus.STOPPED, reason,
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
            for (var field : MAP_FIELDS) {
                task.document.putObject(field);
            }
        }
        var answer = Json.object().put("updated", 1);
        answer.set("fields", setStatus(task, TaskStatus.CREATED, call.optionalText("status_reason").orElse("reset"), ""));
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
                var result = one.apply(require(id, call.caller()), call);
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

    private Task task(Call call) {
        return require(call.text("task"), call.caller());
    }

    private static boolean hasTag(Task task, String field, String tag) {
        for (var held : task.document.path(field)) {
            if (held.asText().equals(tag)) {
                return true;
            }
        }
        return false;
    }
}
