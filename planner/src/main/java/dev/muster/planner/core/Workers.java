package dev.muster.planner.core;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The workers that a fleet sees, found by what planning asks for. Its own are those of its prefix; others serve the same queues.
 *
 * <p>Not thread-safe: it belongs to its fleet.
 */
final class Workers {

    private String prefix;
    private final Map<String, Worker> byId = new HashMap<>();
    /** By the cloud id of their machine, whatever their prefix; each list by id, and never changed. */
    private final Map<String, List<Worker>> byCloudId = new HashMap<>();
    private final TreeMap<String, Worker> others = new TreeMap<>();
    /** By task, the worker that shows it; of several, one of them. */
    private final Map<String, String> byTask = new HashMap<>();
    /** Ids of the workers that show a task which several show. */
    private final TreeMap<String, TreeSet<String>> shared = new TreeMap<>();

    Workers(String prefix) {
        this.prefix = prefix;
    }

    /** Which workers are the fleet's own. */
    void prefix(String next) {
        if (!next.equals(prefix)) {
            prefix = next;
            others.clear();
            byId.values().stream().filter(worker -> !isOwn(worker.id())).forEach(worker -> others.put(worker.id(), worker));
        }
    }

    /** Answers the cloud id of its machine; empty: its id names none. */
    String put(Worker worker) {
        var before = byId.put(worker.id(), worker);
        if (before == null || !before.task().equals(worker.task())) {
            leaveTask(before);
            enterTask(worker);
        }
        var parsed = WorkerId.parse(worker.id());
        if (parsed.isEmpty() || !parsed.get().prefix().equals(prefix)) {
            others.put(worker.id(), worker);
        }
        return parsed.map(id -> {
            byCloudId.put(id.cloudId(), with(byCloudId.get(id.cloudId()), worker));
            return id.cloudId();
        }).orElse("");
    }

    /** Answers the cloud id of its machine; empty: its id names none. Null: it was not known. */
    String remove(String id) {
        var gone = byId.remove(id);
        if (gone == null) {
            return null;
        }
        leaveTask(gone);
        others.remove(id);
        return WorkerId.parse(id).map(parsed -> {
            byCloudId.computeIfPresent(parsed.cloudId(), (cloudId, its) -> its.size() == 1 ? null
                    : its.stream().filter(worker -> !worker.id().equals(id)).toList());
            return parsed.cloudId();
        }).orElse("");
    }

    private static List<Worker> with(List<Worker> its, Worker worker) {
        if (its == null || its.size() == 1 && its.get(0).id().equals(worker.id())) {
            return List.of(worker);
        }
        var more = new ArrayList<Worker>(its.size() + 1);
        its.stream().filter(other -> !other.id().equals(worker.id())).forEach(more::add);
        more.add(worker);
        more.sort(Comparator.comparing(Worker::id));
        return List.copyOf(more);
    }

    private void enterTask(Worker worker) {
        if (worker.isBusy()) {
            var first = byTask.putIfAbsent(worker.task(), worker.id());
            if (first != null && !first.equals(worker.id())) {
                shared.computeIfAbsent(worker.task(), task -> new TreeSet<>(List.of(first))).add(worker.id());
            }
        }
    }

    private void leaveTask(Worker worker) {
        if (worker == null || !worker.isBusy()) {
            return;
        }
        var all = shared.get(worker.task());
        if (all == null) {
            byTask.remove(worker.task(), worker.id());
            return;
        }
        all.remove(worker.id());
        byTask.put(worker.task(), all.first());
        if (all.size() == 1) {
            shared.remove(worker.task());
        }
    }

    private boolean isOwn(String id) {
        return WorkerId.parse(id).filter(parsed -> parsed.prefix().equals(prefix)).isPresent();
    }

    /** Null: not known. */
    Worker get(String id) {
        return byId.get(id);
    }

    /** In no order. */
    Map<String, Worker> all() {
        return Collections.unmodifiableMap(byId);
    }

    /** Workers that are not of the fleet's prefix, by id. */
    Collection<Worker> others() {
        return Collections.unmodifiableCollection(others.values());
    }

    /** Ids of the workers that show one task, by task, where there are several. */
    SortedMap<String, TreeSet<String>> shared() {
        return Collections.unmodifiableSortedMap(shared);
    }

    /** Its workers, by id; empty where none registered. */
    List<Worker> on(String cloudId) {
        return cloudId.isEmpty() ? List.of() : byCloudId.getOrDefault(cloudId, List.of());
    }
}
