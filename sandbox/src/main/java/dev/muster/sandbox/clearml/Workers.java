package dev.muster.sandbox.clearml;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** The workers endpoints: entries that live as long as they report, one for each worker id and user. */
final class Workers {

    /** What {@code workers.get_all} looks back when the caller doesn't say. */
    private static final long LAST_SEEN_SECONDS = 3600;
    private static final int SAMPLES_MAX = 2_000;

    /** One report's numbers, by metric and variant, for the graphs. */
    private record Sample(Instant at, boolean busy, Map<String, Map<String, Double>> numbers) {
    }

    private static final class Worker {
        final String id;
        final Identity owner;
        final Instant registered;
        Duration timeout;
        String ip;
        List<String> queues = List.of();
        List<String> tags = List.of();
        List<String> systemTags = List.of();
        String task;
        String queue;
        Instant lastActivity;
        Instant lastReport;
        final Deque<Sample> samples = new ArrayDeque<>();

        Worker(String id, Identity owner, Instant now, Duration timeout) {
            this.id = id;
            this.owner = owner;
            this.registered = now;
            this.timeout = timeout;
            this.lastActivity = now;
            this.lastReport = now;
        }
    }

    private final Map<String, Worker> workers = new LinkedHashMap<>();
    private final Clock clock;
    private final Duration defaultTimeout;
    private Tasks tasks;
    private Queues queues;
    private Projects projects;

    Workers(Clock clock, Duration defaultTimeout) {
        this.clock = clock;
        this.defaultTimeout = defaultTimeout;
    }

    void register(Map<String, Endpoint> endpoints, Tasks tasks, Queues queues, Projects projects) {
        this.tasks = tasks;
        this.queues = queues;
        this.projects = projects;
        endpoints.put("workers.get_all", Endpoint.since("2.30", this::getAll));
        endpoints.put("workers.get_count", Endpoint.since("2.30", this::getCount));
        endpoints.put("workers.register", Endpoint.since("2.4", this::register));
        endpoints.put("workers.unregister", Endpoint.since("2.4", this::unregister));
        endpoints.put("workers.status_report", Endpoint.since("2.4", this::report));
        endpoints.put("workers.get_metric_keys", Endpoint.since("2.4", this::metricKeys));
        endpoints.put("workers.get_stats", Endpoint.since("2.4", this::stats));
        endpoints.put("workers.get_activity_report", Endpoint.since("2.4", this::activity));
    }

    // What other parts of the server ask.

    boolean anyWatches(String queue) {
        expire();
        return workers.values().stream().anyMatch(worker -> worker.queues.contains(queue));
    }

    ArrayNode watching(String queue, Identity caller) {
        expire();
        var rows = Json.array();
        for (var worker : workers.values()) {
            if (worker.queues.contains(queue) && worker.owner.company().equals(caller.company())) {
                var row = rows.addObject();
                row.put("name", worker.id);
                row.put("ip", worker.ip);
                row.put("key", key(worker.id, worker.owner));
                if (worker.task != null) {
                    row.set("task", idAndName(worker.task, tasks.find(worker.task).map(Task::name).orElse("")));
                }
            }
        }
        return rows;
    }

    // Endpoints.

    private ObjectNode register(Call call) {
        var id = call.text("worker");
        var listed = call.texts("queues");
        listed.forEach(queue -> queues.require(queue, call.caller()));
        long timeout = call.number("timeout", defaultTimeout.toSeconds());
        if (timeout < 1) {
            throw ApiFault.invalid("timeout", "must be at least 1 second");
        }
        expire();
        var worker = new Worker(id, call.caller(), clock.instant(), Duration.ofSeconds(timeout));
        worker.ip = call.ip();
        worker.queues = List.copyOf(new LinkedHashSet<>(listed));
        worker.tags = call.texts("tags");
        worker.systemTags = call.texts("system_tags");
        workers.put(key(id, call.caller()), worker);
        return Json.object();
    }

    private ObjectNode unregister(Call call) {
        // An entry of another user stays, and the caller isn't told: the key has the caller's user in it.
        workers.remove(key(call.text("worker"), call.caller()));
        return Json.object();
    }

    private ObjectNode report(Call call) {
        var id = call.text("worker");
        if (!call.has("timestamp")) {
            throw ApiFault.missing("timestamp");
        }
        expire();
        var now = clock.instant();
        var worker = workers.computeIfAbsent(key(id, call.caller()), key -> new Worker(id, call.caller(), now, defaultTimeout));
        worker.ip = call.ip();
        worker.lastActivity = now;
        if (call.has("queues")) {
            var listed = call.texts("queues");
            listed.forEach(queue -> queues.require(queue, call.caller()));
            worker.queues = List.copyOf(new LinkedHashSet<>(listed));
        }
        if (call.has("tags")) {
            worker.tags = call.texts("tags");
        }
        if (call.has("system_tags")) {
            worker.systemTags = call.texts("system_tags");
        }
        worker.queue = call.optionalText("queue").orElse(null);
        if (call.has("task")) {
            var task = tasks.require(call.text("task"), call.caller());
            worker.task = task.id;
            tasks.reportedBy(task, id);
        } else {
            worker.task = null;
        }
        worker.lastReport = now;
        worker.samples.addLast(new Sample(now, worker.task != null, numbers(call.get("machine_stats"))));
        if (worker.samples.size() > SAMPLES_MAX) {
            worker.samples.removeFirst();
        }
        return Json.object();
    }

    private static Map<String, Map<String, Double>> numbers(JsonNode stats) {
        var numbers = new TreeMap<String, Map<String, Double>>();
        stats.properties().forEach(stat -> {
            var variants = new TreeMap<String, Double>();
            if (stat.getValue().isArray()) {
                // One number for each GPU or core.
                for (int i = 0; i < stat.getValue().size(); i++) {
                    if (stat.getValue().get(i).isNumber()) {
                        variants.put(Integer.toString(i), stat.getValue().get(i).asDouble());
                    }
                }
            } else if (stat.getValue().isNumber()) {
                variants.put("total", stat.getValue().asDouble());
            }
            if (!variants.isEmpty()) {
                numbers.put(stat.getKey(), variants);
            }
        });
        return numbers;
    }

    private ObjectNode getAll(Call call) {
        var answer = Json.object();
        var rows = answer.putArray("workers");
        matching(call, LAST_SEEN_SECONDS).forEach(worker -> rows.add(shown(worker)));
        return answer;
    }

    private ObjectNode getCount(Call call) {
        return Json.object().put("count", matching(call, 0).size());
    }

    private List<Worker> matching(Call call, long defaultLastSeen) {
        expire();
        long lastSeen = call.number("last_seen", defaultLastSeen);
        var oldest = clock.instant().minusSeconds(lastSeen);
        var tags = new HashSet<>(call.texts("tags"));
        var systemTags = new HashSet<>(call.texts("system_tags"));
        var pattern = call.optionalText("worker_pattern").map(Workers::glob).orElse(null);
        return workers.values().stream()
                .filter(worker -> worker.owner.company().equals(call.caller().company()))
                .filter(worker -> lastSeen <= 0 || !worker.lastActivity.isBefore(oldest))
                .filter(worker -> tags.isEmpty() || worker.tags.stream().anyMatch(tags::contains))
                .filter(worker -> systemTags.isEmpty() || worker.systemTags.stream().anyMatch(systemTags::contains))
                .filter(worker -> pattern == null || pattern.matcher(worker.id).matches())
                .toList();
    }

    /** A Redis glob: {@code *}, {@code ?}, {@code [ab]}, and a backslash before a character that stands for itself. */
    static Pattern glob(String glob) {
        var regex = new StringBuilder();
        for (int i = 0; i < glob.length(); i++) {
            char c = glob.charAt(i);
            int close = c == '[' ? glob.indexOf(']', i + 1) : -1;
            if (c == '*') {
                regex.append(".*");
            } else if (c == '?') {
                regex.append('.');
            } else if (c == '\\' && i + 1 < glob.length()) {
                regex.append(Pattern.quote(glob.substring(i + 1, i + 2)));
                i++;
            } else if (close > i + 1) {
                var members = glob.substring(i + 1, close);
                regex.append('[').append(members.replace("\\", "\\\\").replace("[", "\\[").replace("&&", "&\\&")).append(']');
                i = close;
            } else {
                regex.append(Pattern.quote(String.valueOf(c)));
            }
        }
        try {
            return Pattern.compile(regex.toString(), Pattern.DOTALL);
        } catch (PatternSyntaxException bad) {
            throw new ApiFault(400, 21, "Invalid pattern: field=worker_pattern, pattern=" + glob);
        }
    }

    private ObjectNode shown(Worker worker) {
        var row = Json.object();
        row.put("key", key(worker.id, worker.owner));
        row.put("id", worker.id);
        row.set("user", idAndName(worker.owner.user(), worker.owner.userName()));
        row.set("company", idAndName(worker.owner.company(), worker.owner.companyName()));
        row.put("ip", worker.ip);
        if (worker.task != null) {
            tasks.find(worker.task).ifPresent(task -> {
                var node = idAndName(task.id, task.name());
                node.put("running_time", tasks.runningMillis(task));
                node.put("last_iteration", task.document.path("last_iteration").asLong(0));
                row.set("task", node);
                var project = task.document.path("project").asText("");
                if (!project.isEmpty()) {
                    row.set("project", idAndName(project, projects.nameOf(project)));
                }
            });
        }
        if (worker.queue != null) {
            row.set("queue", queues.briefly(worker.queue, worker.owner));
        }
        var listed = row.putArray("queues");
        worker.queues.forEach(queue -> listed.add(queues.briefly(queue, worker.owner)));
        row.put("register_time", Json.time(worker.registered));
        row.put("register_timeout", worker.timeout.toSeconds());
        row.put("last_activity_time", Json.time(worker.lastActivity));
        row.put("last_report_time", Json.time(worker.lastReport));
        row.set("tags", Json.array(worker.tags));
        row.set("system_tags", Json.array(worker.systemTags));
        return row;
    }

    private ObjectNode metricKeys(Call call) {
        var asked = new HashSet<>(call.texts("worker_ids"));
        var keys = new TreeMap<String, Set<String>>();
        for (var worker : workers.values()) {
            if (asked.isEmpty() || asked.contains(worker.id)) {
                worker.samples.forEach(sample -> sample.numbers.keySet()
                        .forEach(key -> keys.computeIfAbsent(key.split("_", 2)[0], category -> new TreeSet<>()).add(key)));
            }
        }
        var answer = Json.object();
        var categories = answer.putArray("categories");
        keys.forEach((name, metrics) -> categories.addObject().put("name", name).set("metric_keys", Json.array(metrics)));
        return answer;
    }

    private ObjectNode stats(Call call) {
        for (var field : List.of("from_date", "to_date", "interval", "items")) {
            if (!call.has(field)) {
                throw ApiFault.missing(field);
            }
        }
        long from = call.number("from_date", 0);
        long to = call.number("to_date", 0);
        long interval = Math.max(1, call.number("interval", 1));
        boolean split = call.flag("split_by_resource") || call.flag("split_by_variant");
        var asked = new HashSet<>(call.texts("worker_ids"));
        var answer = Json.object();
        var rows = answer.putArray("workers");
        for (var worker : workers.values()) {
            if (!worker.owner.company().equals(call.caller().company()) || !asked.isEmpty() && !asked.contains(worker.id)) {
                continue;
            }
            var row = rows.addObject().put("worker", worker.id);
            var metrics = row.putArray("metrics");
            for (var item : call.get("items")) {
                var key = item.path("key").asText();
                var aggregation = item.path("aggregation").asText(item.path("category").asText("avg"));
                var byVariant = new TreeMap<String, TreeMap<Long, List<Double>>>();
                for (var sample : worker.samples) {
                    long at = sample.at.getEpochSecond();
                    if (at >= from && at <= to) {
                        sample.numbers.getOrDefault(key, Map.of()).forEach((variant, number) -> byVariant
                                .computeIfAbsent(split ? variant : "", v -> new TreeMap<>())
                                .computeIfAbsent(from + (at - from) / interval * interval, slot -> new ArrayList<>())
                                .add(number));
                    }
                }
                byVariant.forEach((variant, slots) -> {
                    var metric = metrics.addObject().put("metric", key);
                    if (split) {
                        metric.put("variant", variant);
                    }
                    var dates = metric.putArray("dates");
                    var stat = metric.putArray("stats").addObject().put("aggregation", aggregation);
                    var values = stat.putArray("values");
                    slots.forEach((slot, numbers) -> {
                        dates.add(slot);
                        var summary = numbers.stream().mapToDouble(Double::doubleValue).summaryStatistics();
                        values.add(switch (aggregation) {
                            case "min" -> summary.getMin();
                            case "max" -> summary.getMax();
                            default -> summary.getAverage();
                        });
                    });
                });
            }
        }
        return answer;
    }

    private ObjectNode activity(Call call) {
        long from = call.number("from_date", 0);
        long to = call.number("to_date", clock.instant().getEpochSecond());
        long interval = Math.max(1, call.number("interval", 1));
        var answer = Json.object();
        for (boolean onlyBusy : new boolean[] {false, true}) {
            var seen = new TreeMap<Long, Set<String>>();
            workers.forEach((key, worker) -> worker.samples.forEach(sample -> {
                long at = sample.at.getEpochSecond();
                if (at >= from && at <= to && (sample.busy || !onlyBusy)
                        && worker.owner.company().equals(call.caller().company())) {
                    seen.computeIfAbsent(from + (at - from) / interval * interval, slot -> new HashSet<>()).add(key);
                }
            }));
            var series = answer.putObject(onlyBusy ? "active" : "total");
            var dates = series.putArray("dates");
            var counts = series.putArray("counts");
            seen.forEach((slot, keys) -> {
                dates.add(slot);
                counts.add(keys.size());
            });
        }
        return answer;
    }

    private void expire() {
        var now = clock.instant();
        workers.values().removeIf(worker -> !now.isBefore(worker.lastActivity.plus(worker.timeout)));
    }

    private static String key(String worker, Identity owner) {
        return "worker_" + owner.company() + "_" + owner.user() + "_" + worker;
    }

    private static ObjectNode idAndName(String id, String name) {
        return Json.object().put("id", id).put("name", name);
    }
}
