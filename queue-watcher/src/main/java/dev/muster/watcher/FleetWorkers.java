package dev.muster.watcher;

import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The workers that one fleet's readers hear of, and how they differ from what those were told last: kept up to date by changes, since few of ten
 * thousand workers change from one look to the next.
 */
final class FleetWorkers {

    private final Map<String, Seen.Worker> now = new HashMap<>();
    /** Of those that changed since they were told, as they were told; empty: not at all. */
    private final SortedMap<String, Optional<Seen.Worker>> before = new TreeMap<>();
    /** Of the changed ones, those that show something else; the others only reported. */
    private final Set<String> news = new HashSet<>();

    void put(Seen.Worker worker) {
        var was = now.put(worker.id(), worker);
        if (was != worker) {
            note(worker.id(), was, worker);
        }
    }

    void remove(String id) {
        var was = now.remove(id);
        if (was != null) {
            note(id, was, null);
        }
    }

    private void note(String id, Seen.Worker was, Seen.Worker is) {
        before.putIfAbsent(id, Optional.ofNullable(was));
        var told = before.get(id).orElse(null);
        if (is == null ? told == null : is.showsTheSameAs(told)) {
            news.remove(id);
        } else {
            news.add(id);
        }
    }

    Set<String> ids() {
        return now.keySet();
    }

    /** Some show something else than was told, or are new, or gone. */
    boolean areNews() {
        return !news.isEmpty();
    }

    /** Sorted by id. */
    Collection<Seen.Worker> all() {
        return new TreeMap<>(now).values();
    }

    /** Those of which readers don't have the latest, sorted by id. */
    List<Seen.Worker> changed() {
        return before.entrySet().stream().filter(told -> now.containsKey(told.getKey()) && !now.get(told.getKey()).equals(told.getValue().orElse(null)))
                .map(told -> now.get(told.getKey())).toList();
    }

    /** Ids of those that readers know and that are no longer there, sorted. */
    List<String> gone() {
        return before.entrySet().stream().filter(told -> told.getValue().isPresent() && !now.containsKey(told.getKey())).map(Map.Entry::getKey).toList();
    }

    /** Readers know all of it. */
    void told() {
        before.clear();
        news.clear();
    }
}
