package dev.muster.sandbox.clearml;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The queues endpoints. A pop takes the head and records nobody: what a popped task's agent does next is all that is known. */
final class Queues {

    private static final Set<String> LIST_FIELDS = Set.of("id", "tags", "system_tags");
    /** Queues with this system tag belong to the Kubernetes integration and are left out of lists unless asked for. */
    static final String HIDDEN_TAG = "k8s-glue";
    private static final int SAMPLES_MAX = 5_000;

    record Entry(String task, Instant added) {
    }

    /** How long a queue was, and how long its tasks had waited on average, at one moment. */
    private record Sample(Instant at, int length, double averageWaitSeconds) {
    }

    static final class Queue {
        final String id;
        final ObjectNode document;
        final List<Entry> entries = new ArrayList<>();
        private final Deque<Sample> samples = new ArrayDeque<>();

        Queue(String id, ObjectNode document) {
            this.id = id;
            this.document = document;
        }

        String name() {
            return document.path("name").asText();
        }

        boolean belongsTo(Identity caller) {
            return document.path("company").asText().equals(caller.company());
        }

        int position(String task) {
            for (int i = 0; i < entries.size(); i++) {
                if (entries.get(i).task.equals(task)) {
                    return i;
                }
            }
            return -1;
        }
    }

    private final Map<String, Queue> queues = new LinkedHashMap<>();
    private final Clock clock;
    private final Listing listing;
    private final Books books;
    private Tasks tasks;
    private Workers workers;

    Queues(Clock clock, Listing listing, Books books) {
        this.clock = clock;
        this.listing = listing;
        this.books = books;
    }

    void register(Map<String, Endpoint> endpoints, Tasks tasks, Workers workers) {
        this.tasks = tasks;
        this.workers = workers;
        endpoints.put("queues.get_all", Endpoint.since("2.4", this::getAll));
        endpoints.put("queues.get_all_ex", Endpoint.since("2.4", this::getAllEx));
        endpoints.put("queues.get_by_id", Endpoint.since("2.4", this::getById));
        endpoints.put("queues.get_num_entries", Endpoint.since("2.4", call -> Json.object().put("num", queue(call).entries.size())));
        endpoints.put("queues.peek_task", Endpoint.since("2.15", this::peek));
        endpoints.put("queues.get_default", Endpoint.since("2.4", this::getDefault));
        endpoints.put("queues.create", Endpoint.since("2.4", this::create));
        endpoints.put("queues.update", Endpoint.since("2.4", this::update));
        endpoints.put("queues.delete", Endpoint.since("2.4", this::delete));
        endpoints.put("queues.clear_queue", Endpoint.since("2.29", this::clear));
        endpoints.put("queues.get_next_task", Endpoint.since("2.4", this::pop));
        endpoints.put("queues.add_task", Endpoint.since("2.4", this::addTask));
        endpoints.put("queues.remove_task", Endpoint.since("2.4", this::removeTask));
        endpoints.put("queues.move_task_to_front", Endpoint.since("2.4", call -> move(call, Integer.MIN_VALUE)));
        endpoints.put("queues.move_task_to_back", Endpoint.since("2.4", call -> move(call, Integer.MAX_VALUE)));
        endpoints.put("queues.move_task_forward", Endpoint.since("2.4", call -> move(call, -count(call))));
        endpoints.put("queues.move_task_backward", Endpoint.since("2.4", call -> move(call, count(call))));
        endpoints.put("queues.get_queue_metrics", Endpoint.since("2.4", this::metrics));
        endpoints.put("queues.add_or_update_metadata", Endpoint.since("2.13", this::addMetadata));
        endpoints.put("queues.delete_metadata", Endpoint.since("2.13", this::deleteMetadata));
    }

    // What other parts of the server ask.

    Optional<Queue> find(String id, Identity caller) {
        return Optional.ofNullable(queues.get(id)).filter(queue -> queue.belongsTo(caller));
    }

    Queue require(String id, Identity caller) {
        return find(id, caller).orElseThrow(() -> ApiFault.noSuchQueue(id));
    }

    Optional<Queue> byName(String name, Identity caller) {
        return queues.values().stream().filter(queue -> queue.belongsTo(caller) && queue.name().equals(name)).findFirst();
    }

    Queue defaultQueue(Identity caller) {
        var found = queues.values().stream().filter(queue -> queue.belongsTo(caller) && tagged(queue, "default")).toList();
        if (found.isEmpty()) {
            throw new ApiFault(400, 707, "No default queue is configured: company=" + caller.company());
        }
        if (found.size() > 1) {
            throw new ApiFault(400, 708, "More than one default queue is configured: company=" + caller.company());
        }
        return found.get(0);
    }

    Queue add(String name, Identity owner, List<String> tags, List<String> systemTags, String displayName, ObjectNode metadata) {
        check(name, byName(name, owner).isPresent(), owner);
        return put(name, owner, tags, systemTags, displayName, metadata);
    }

    /** As {@link #add}, one after the other, with one look at the names that are taken; the queues' ids. */
    List<String> addAll(Collection<String> names, Identity owner) {
        var taken = queues.values().stream().filter(queue -> queue.belongsTo(owner)).map(Queue::name).collect(Collectors.toCollection(HashSet::new));
        var ids = new ArrayList<String>(names.size());
        for (var name : names) {
            check(name, !taken.add(name), owner);
            ids.add(put(name, owner, List.of(), List.of(), null, Json.object()).id);
        }
        return ids;
    }

    private static void check(String name, boolean isTaken, Identity owner) {
        if (name.length() < 3) {
            throw ApiFault.invalid("name", "must have at least 3 characters");
        }
        if (isTaken) {
            throw new ApiFault(400, 801, "Value combination already exists (unique field already contains this value): name=" + name
                    + ", company=" + owner.company());
        }
    }

    private Queue put(String name, Identity owner, List<String> tags, List<String> systemTags, String displayName, ObjectNode metadata) {
        var id = Logins.newId();
        var now = Json.time(clock.instant());
        var document = Json.object();
        document.put("id", id);
        document.put("name", name);
        document.put("display_name", displayName == null ? name : displayName);
        document.put("user", owner.user());
        document.put("company", owner.company());
        document.put("created", now);
        document.set("tags", Json.array(tags));
        document.set("system_tags", Json.array(systemTags));
        document.put("last_update", now);
        document.set("metadata", metadata);
        var queue = new Queue(id, document);
        queues.put(id, queue);
        return queue;
    }

    /** Takes the task out of every queue it stands in; true if it stood in one. */
    boolean removeEverywhere(String task) {
        boolean removed = false;
        for (var queue : queues.values()) {
            int position = queue.position(task);
            if (position >= 0) {
                queue.entries.remove(position);
                changed(queue);
                tasks.find(task).ifPresent(books::removed);
                removed = true;
            }
        }
        return removed;
    }

    void append(Queue queue, Task task) {
        queue.entries.add(new Entry(task.id, clock.instant()));
        task.lastQueue = queue.name();
        books.added(task);
        changed(queue);
    }

    /** A queue as the workers endpoints show it. */
    ObjectNode briefly(String id, Identity caller) {
        var brief = Json.object();
        brief.put("id", id);
        find(id, caller).ifPresent(queue -> {
            brief.put("name", queue.name());
            brief.put("display_name", queue.document.path("display_name").asText());
            brief.put("num_tasks", queue.entries.size());
            if (queue.entries.isEmpty()) {
                brief.putNull("next_task");
            } else {
                var next = brief.putObject("next_task");
                var task = queue.entries.get(0).task;
                next.put("id", task);
                next.put("name", tasks.find(task).map(Task::name).orElse(""));
            }
        });
        return brief;
    }

    // Endpoints.

    private ObjectNode getAll(Call call) {
        return listing.page(call, "queues", matching(call), document -> shown(document, call, false));
    }

    private ObjectNode getAllEx(Call call) {
        return listing.page(call, "queues", matching(call), document -> {
            var shown = shown(document, call, true);
            shown.set("workers", workers.watching(document.path("id").asText(), call.caller()));
            return shown;
        });
    }

    private Stream<ObjectNode> matching(Call call) {
        var filter = Listing.filter(call, LIST_FIELDS);
        boolean hidden = call.flag("search_hidden") || call.has("id") || call.has("name");
        return queues.values().stream()
                .filter(queue -> queue.belongsTo(call.caller()))
                .filter(queue -> hidden || !tagged(queue, HIDDEN_TAG))
                .map(queue -> queue.document)
                .filter(filter);
    }

    private ObjectNode shown(ObjectNode document, Call call, boolean withTaskNames) {
        var queue = queues.get(document.path("id").asText());
        var shown = Json.object();
        shown.setAll(document);
        long most = call.number("max_task_entries", Long.MAX_VALUE);
        var entries = shown.putArray("entries");
        for (var entry : queue.entries) {
            if (entries.size() >= most) {
                break;
            }
            var node = entries.addObject();
            if (withTaskNames) {
                var task = node.putObject("task");
                task.put("id", entry.task);
                task.put("name", tasks.find(entry.task).map(Task::name).orElse(""));
            } else {
                node.put("task", entry.task);
            }
            node.put("added", Json.time(entry.added));
        }
        return shown;
    }

    private ObjectNode getById(Call call) {
        var answer = Json.object();
        answer.set("queue", shown(queue(call).document, call, false));
        return answer;
    }

    private ObjectNode peek(Call call) {
        var entries = queue(call).entries;
        return Json.object().put("task", entries.isEmpty() ? null : entries.get(0).task);
    }

    private ObjectNode getDefault(Call call) {
        var queue = defaultQueue(call.caller());
        return Json.object().put("id", queue.id).put("name", queue.name());
    }

    private ObjectNode create(Call call) {
        var queue = add(call.text("name"), call.caller(), call.texts("tags"), call.texts("system_tags"),
                call.optionalText("display_name").orElse(null), metadata(call));
        return Json.object().put("id", queue.id);
    }

    private static ObjectNode metadata(Call call) {
        // Clients send metadata as a list of items; the server keeps it by key.
        var byKey = Json.object();
        if (call.get("metadata").isArray()) {
            for (var item : call.get("metadata")) {
                byKey.set(item.path("key").asText(), item.deepCopy());
            }
        } else {
            call.object("metadata").ifPresent(byKey::setAll);
        }
        return byKey;
    }

    private ObjectNode update(Call call) {
        var queue = queue(call);
        var fields = Json.object();
        call.optionalText("name").ifPresent(name -> {
            if (name.length() < 3) {
                throw ApiFault.invalid("name", "must have at least 3 characters");
            }
            byName(name, call.caller()).filter(other -> other != queue).ifPresent(other -> {
                throw new ApiFault(400, 801, "Value combination already exists: name=" + name);
            });
            fields.put("name", name);
        });
        call.optionalText("display_name").ifPresent(name -> fields.put("display_name", name));
        for (var tags : List.of("tags", "system_tags")) {
            if (call.has(tags)) {
                fields.set(tags, Json.array(call.texts(tags)));
            }
        }
        if (call.has("metadata")) {
            fields.set("metadata", metadata(call));
        }
        if (!fields.isEmpty()) {
            fields.put("last_update", Json.time(clock.instant()));
        }
        queue.document.setAll(fields);
        var answer = Json.object().put("updated", fields.isEmpty() ? 0 : 1);
        answer.set("fields", fields);
        return answer;
    }

    private ObjectNode addMetadata(Call call) {
        var stored = Json.child(queue(call).document, "metadata");
        if (call.get("replace_metadata").asBoolean(false)) {
            stored.removeAll();
        }
        stored.setAll(metadata(call));
        return Json.object().put("updated", 1);
    }

    private ObjectNode deleteMetadata(Call call) {
        Json.child(queue(call).document, "metadata").remove(call.texts("keys"));
        return Json.object().put("updated", 1);
    }

    private ObjectNode delete(Call call) {
        var queue = queue(call);
        if (!queue.entries.isEmpty() && !call.flag("force")) {
            throw new ApiFault(400, 702, "Queue is not empty, use force=true to delete: id=" + queue.id);
        }
        for (var entry : List.copyOf(queue.entries)) {
            tasks.find(entry.task).ifPresent(task -> {
                books.removed(task);
                tasks.backFromQueue(task);
            });
        }
        queues.remove(queue.id);
        return Json.object().put("deleted", 1);
    }

    private ObjectNode clear(Call call) {
        var queue = queue(call);
        var removed = queue.entries.stream().map(Entry::task).toList();
        queue.entries.clear();
        changed(queue);
        removed.forEach(id -> tasks.find(id).ifPresent(task -> {
            books.removed(task);
            tasks.backFromQueue(task);
        }));
        var answer = Json.object();
        answer.set("removed_tasks", Json.array(removed));
        return answer;
    }

    private ObjectNode pop(Call call) {
        var queue = queue(call);
        var answer = Json.object();
        if (queue.entries.isEmpty()) {
            return answer;
        }
        var head = queue.entries.get(0);
        if (call.has("task") && !call.text("task").equals(head.task)) {
            return answer;
        }
        queue.entries.remove(0);
        changed(queue);
        var entry = answer.putObject("entry");
        entry.put("task", head.task);
        entry.put("added", Json.time(head.added));
        tasks.find(head.task).ifPresent(task -> {
            books.popped(task);
            if (task.status() == TaskStatus.STOPPED) {
                tasks.setStatus(task, TaskStatus.QUEUED, null, null);
            }
            if (call.flag("get_task_info")) {
                var info = answer.putObject("task_info");
                info.put("company", task.document.path("company").asText());
                info.put("user", task.document.path("user").asText());
            }
        });
        return answer;
    }

    private ObjectNode addTask(Call call) {
        var queue = queue(call);
        var task = tasks.require(call.text("task"), call.caller());
        if (queue.position(task.id) >= 0) {
            throw new ApiFault(400, 706, "Task already queued: task=" + task.id + ", queue=" + queue.id);
        }
        append(queue, task);
        if (call.flag("update_execution_queue", true)) {
            tasks.setExecutionQueue(task, queue.id);
        }
        return Json.object().put("added", 1);
    }

    private ObjectNode removeTask(Call call) {
        var queue = queue(call);
        var task = call.text("task");
        int position = queue.position(task);
        if (position < 0) {
            throw new ApiFault(400, 703, "Task is not queued: task=" + task + ", queue=" + queue.id);
        }
        queue.entries.remove(position);
        changed(queue);
        tasks.find(task).ifPresent(books::removed);
        if (call.flag("update_task_status")) {
            tasks.find(task).ifPresent(tasks::backFromQueue);
        }
        return Json.object().put("removed", 1);
    }

    private static int count(Call call) {
        return (int) call.number("count", 1);
    }

    private ObjectNode move(Call call, int by) {
        var queue = queue(call);
        var task = call.text("task");
        int position = queue.position(task);
        if (position < 0) {
            throw new ApiFault(400, 703, "Task is not queued: task=" + task + ", queue=" + queue.id);
        }
        int last = queue.entries.size() - 1;
        int target = (int) Math.max(0, Math.min(last, (long) position + by));
        queue.entries.add(target, queue.entries.remove(position));
        changed(queue);
        return Json.object().put("position", target);
    }

    private ObjectNode metrics(Call call) {
        var interval = Math.max(1, call.number("interval", 1));
        var from = Instant.ofEpochSecond(call.number("from_date", 0));
        var to = Instant.ofEpochSecond(call.number("to_date", clock.instant().getEpochSecond()));
        var asked = new HashSet<>(call.texts("queue_ids"));
        var answer = Json.object();
        var rows = answer.putArray("queues");
        for (var queue : queues.values()) {
            if (!queue.belongsTo(call.caller()) || !asked.isEmpty() && !asked.contains(queue.id)) {
                continue;
            }
            if (call.flag("refresh")) {
                sample(queue);
            }
            // The highest average wait of an interval stands for it, as on the server.
            var highest = new TreeMap<Long, Sample>();
            for (var sample : queue.samples) {
                if (!sample.at.isBefore(from) && !sample.at.isAfter(to)) {
                    long slot = from.getEpochSecond() + (sample.at.getEpochSecond() - from.getEpochSecond()) / interval * interval;
                    highest.merge(slot, sample, (a, b) -> b.averageWaitSeconds > a.averageWaitSeconds ? b : a);
                }
            }
            var row = rows.addObject();
            row.put("queue", queue.id);
            var dates = row.putArray("dates");
            var waits = row.putArray("avg_waiting_times");
            var lengths = row.putArray("queue_lengths");
            highest.forEach((slot, sample) -> {
                dates.add(slot);
                waits.add(sample.averageWaitSeconds);
                lengths.add(sample.length);
            });
        }
        return answer;
    }

    private Queue queue(Call call) {
        return require(call.text("queue"), call.caller());
    }

    private void changed(Queue queue) {
        queue.document.put("last_update", Json.time(clock.instant()));
        sample(queue);
    }

    private void sample(Queue queue) {
        var now = clock.instant();
        // The average over a long queue costs too much per change; its head and tail bound it well enough for a graph.
        double wait = 0;
        if (!queue.entries.isEmpty()) {
            var head = Duration.between(queue.entries.get(0).added, now);
            var tail = Duration.between(queue.entries.get(queue.entries.size() - 1).added, now);
            wait = (head.toMillis() + tail.toMillis()) / 2000.0;
        }
        queue.samples.addLast(new Sample(now, queue.entries.size(), wait));
        if (queue.samples.size() > SAMPLES_MAX) {
            queue.samples.removeFirst();
        }
    }

    private static boolean tagged(Queue queue, String systemTag) {
        for (var tag : queue.document.path("system_tags")) {
            if (tag.asText().equals(systemTag)) {
                return true;
            }
        }
        return false;
    }
}
