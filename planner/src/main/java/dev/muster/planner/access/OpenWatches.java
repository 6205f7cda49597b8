package dev.muster.planner.access;

import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/** The watches that are open now: so many of each caller, and so many in all. Thread-safe. */
final class OpenWatches {

    private final AccessSettings.Limits limits;
    private final Set<Open> open = new LinkedHashSet<>();
    private final Map<String, Integer> byCaller = new HashMap<>();

    /** @param end tells its client to watch again, and ends it */
    record Open(Identity identity, Caller caller, Runnable end) {

        @Override
        public boolean equals(Object other) {
            return this == other;
        }

        @Override
        public int hashCode() {
            return System.identityHashCode(this);
        }
    }

    OpenWatches(AccessSettings.Limits limits) {
        this.limits = limits;
    }

    /** @return false if there are too many */
    synchronized boolean add(Open watch) {
        var of = byCaller.getOrDefault(watch.caller().name(), 0);
        if (open.size() >= limits.watchesInAll() || of >= limits.watches()) {
            return false;
        }
        open.add(watch);
        byCaller.put(watch.caller().name(), of + 1);
        return true;
    }

    synchronized void remove(Open watch) {
        if (open.remove(watch)) {
            byCaller.computeIfPresent(watch.caller().name(), (name, of) -> of == 1 ? null : of - 1);
        }
    }

    synchronized int count() {
        return open.size();
    }

    /** Ends those whose caller may no longer do what it could when the watch began: other grants, or a proof that is over. */
    void endChanged(Grants grants, Instant now) {
        end(watch -> watch.identity().isOverAt(now) || !grants.caller(watch.identity()).equals(watch.caller()));
    }

    private void end(Predicate<Open> which) {
        List<Open> ending;
        synchronized (this) {
            ending = open.stream().filter(which).toList();
        }
        ending.forEach(watch -> watch.end().run());
    }
}
