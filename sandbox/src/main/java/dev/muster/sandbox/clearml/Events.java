package dev.muster.sandbox.clearml;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The events endpoints: console lines of tasks, and whatever else clients report, kept per task up to a bound. */
final class Events {

    /** Per task and kind; the oldest go first, so that a day of replayed tasks fits the memory of a laptop. */
    private static final int EVENTS_MAX = 10_000;
    private static final int LOG_BATCH = 500;

    private final Map<String, Map<String, List<ObjectNode>>> byTask = new HashMap<>();
    private final Clock clock;
    private Tasks tasks;

    Events(Clock clock) {
        this.clock = clock;
    }

    void register(Map<String, Endpoint> endpoints, Tasks tasks) {
        this.tasks = tasks;
        endpoints.put("events.add", Endpoint.since("2.4", call -> add(call, List.of(call.fields()))));
        endpoints.put("events.add_batch", Endpoint.since("2.4", call -> add(call, call.batch())));
        endpoints.put("events.get_task_log", Endpoint.since("2.9", this::log));
        endpoints.put("events.get_task_events", Endpoint.since("2.4", this::events));
    }

    void forget(String task) {
        byTask.remove(task);
    }

    /** Only of one task; empty if it has none. */
    ArrayNode logOf(String task) {
        var lines = Json.array();
        of(task, "log").forEach(lines::add);
        return lines;
    }

    private List<ObjectNode> of(String task, String type) {
        return byTask.getOrDefault(task, Map.of()).getOrDefault(type, List.of());
    }

    private ObjectNode add(Call call, List<ObjectNode> events) {
        if (events.isEmpty()) {
            throw new ApiFault(400, 0, "Batch is empty: events.add_batch takes json-lines, one event on each line");
        }
        int added = 0;
        var errors = new LinkedHashMap<String, Integer>();
        for (var event : events) {
            var id = event.path("task").asText("");
            var type = event.path("type").asText("");
            var task = tasks.find(id).filter(found -> found.belongsTo(call.caller()));
            if (type.isEmpty()) {
                errors.merge("Event must have a 'type' field", 1, Integer::sum);
            } else if (task.isEmpty()) {
                errors.merge("Invalid task id " + id, 1, Integer::sum);
            } else {
                var stored = event.deepCopy();
                if (!stored.path("timestamp").isNumber()) {
                    stored.put("timestamp", clock.millis());
                }
                if (!stored.has("worker") && call.worker() != null) {
                    stored.put("worker", call.worker());
                }
                stored.put("@timestamp", Json.time(clock.instant()));
                var list = byTask.computeIfAbsent(id, key -> new HashMap<>()).computeIfAbsent(type, key -> new ArrayList<>());
                list.add(stored);
                if (list.size() > EVENTS_MAX) {
                    list.subList(0, EVENTS_MAX / 10).clear();
                }
                added++;
                tasks.touched(task.get());
                if (event.path("iter").isNumber()) {
                    tasks.reached(task.get(), event.path("iter").asLong());
                }
            }
        }
        if (added == 0) {
            throw new ApiFault(400, 101, "Invalid task id: no event could be added: " + errors.keySet());
        }
        var answer = Json.object();
        answer.put("added", added);
        answer.put("errors", errors.values().stream().mapToInt(Integer::intValue).sum());
        var info = answer.putObject("errors_info");
        errors.forEach(info::put);
        return answer;
    }

    /** Newest first unless {@code navigate_earlier} is false or {@code order} is {@code asc}; a timestamp bounds the page. */
    private ObjectNode log(Call call) {
        var task = tasks.require(call.text("task"), call.caller());
        var lines = of(task.id, "log");
        boolean earlier = !call.optionalText("order").orElse("desc").equals("asc") && call.flag("navigate_earlier", true);
        long size = Math.max(1, Math.min(10_000, call.number("batch_size", LOG_BATCH)));
        var answer = Json.object();
        var page = answer.putArray("events");
        boolean bounded = call.has("from_timestamp");
        long from = call.number("from_timestamp", 0);
        for (int i = 0; i < lines.size() && page.size() < size; i++) {
            var line = lines.get(earlier ? lines.size() - 1 - i : i);
            long at = line.path("timestamp").asLong();
            if (!bounded || (earlier ? at < from : at > from)) {
                page.add(line);
            }
        }
        answer.put("returned", page.size());
        answer.put("total", lines.size());
        return answer;
    }

    private ObjectNode events(Call call) {
        var task = tasks.require(call.text("task"), call.caller());
        var type = call.optionalText("event_type");
        var answer = Json.object();
        var page = answer.putArray("events");
        var all = byTask.getOrDefault(task.id, Map.of());
        all.forEach((kind, events) -> {
            if (type.isEmpty() || type.get().equals(kind)) {
                events.stream().limit(LOG_BATCH).forEach(page::add);
            }
        });
        answer.put("returned", page.size());
        answer.put("total", all.values().stream().mapToInt(List::size).sum());
        answer.put("scroll_id", "");
        return answer;
    }
}
