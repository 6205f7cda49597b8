package dev.muster.sandbox.clearml;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Clock;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** Tasks: the documents, how they are made, read and edited, and the watchdog. Moves are {@link TaskMoves}. */
final class Tasks {

    private static final Set<String> LIST_FIELDS = Set.of("id", "status", "type", "user", "project", "tags", "system_tags", "parent",
            "execution.queue", "models.input.model");
    private static final String HIDDEN_TAG = "hidden";
    private static final Set<String> TYPES = Set.of("dataset_import", "annotation", "annotation_manual", "training", "testing", "inference",
            "data_processing", "application", "monitor", "controller", "optimizer", "service", "qc", "custom");

    private static final Set<String> TEXT_FIELDS = Set.of("name", "type", "project", "parent", "comment", "status_message", "status_reason");
    private static final Set<String> TAG_FIELDS = Set.of("tags", "system_tags");
    /** Maps that an edit replaces whole; embedded documents below are merged instead. */
    static final Set<String> MAP_FIELDS = Set.of("hyperparams", "configuration", "container", "runtime");
    private static final Set<String> EMBEDDED_FIELDS = Set.of("execution", "script", "output", "input", "models");

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
        endpoints.put("tasks.ping", Endpoint.since("2.4", call -> {
            touched(task(call));
            return Json.object();
        }));

        new TaskParameters(this).register(endpoints);
        new TaskMoves(this, queues, workers, events, clock).register(endpoints);
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

    void forget(Task task) {
        tasks.remove(task.id);
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

    private Stream<ObjectNode> matching(Call call) {
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
        var candidates = plainIds ? ids.stream().distinct().map(tasks::get).filter(Objects::nonNull) : tasks.values().stream();
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

    /** The task that the call names; it must be there and be of the caller's company. */
    Task task(Call call) {
        return require(call.text("task"), call.caller());
    }

    static boolean hasTag(Task task, String field, String tag) {
        for (var held : task.document.path(field)) {
            if (held.asText().equals(tag)) {
                return true;
            }
        }
        return false;
    }
}
