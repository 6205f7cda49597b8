package dev.muster.planner.control;

import dev.muster.v1.DecisionEvent;
import dev.muster.v1.Reason;
import dev.muster.v1.Refusal;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;

/** One fleet's newest decisions and the refusals that hold now. Thread-safe. */
final class DecisionLog {

    private final int kept;
    private final Deque<Entry> entries = new ArrayDeque<>();
    private final Map<String, Refusal> refusals = new TreeMap<>();

    /** @param offset on the topic: the same for every replica, so that it can be a page's token */
    record Entry(long offset, DecisionEvent event) {}

    /** @param kept at most */
    DecisionLog(int kept) {
        this.kept = kept;
    }

    synchronized void add(long offset, DecisionEvent event) {
        entries.addLast(new Entry(offset, event));
        if (entries.size() > kept) {
            entries.removeFirst();
        }
        if (event.hasRefusal()) {
            var refusal = event.getRefusal();
            var key = refusal.getQueue() + "\u0000" + refusal.getPool() + "\u0000" + (refusal.getRule().equals("FleetProcessor") ? "!" : "");
            if (refusal.getReason() == Reason.REASON_UNSPECIFIED) {
                refusals.remove(key);
            } else {
                refusals.put(key, refusal);
            }
        }
    }

    /** What is refused now, by queue and pool. */
    synchronized Collection<Refusal> refusals() {
        return List.copyOf(refusals.values());
    }

    /** Newest first, those before {@code offset}, at most {@code count}. */
    synchronized List<Entry> before(long offset, int count, Predicate<DecisionEvent> wanted) {
        var found = new ArrayList<Entry>();
        for (Iterator<Entry> newest = entries.descendingIterator(); newest.hasNext() && found.size() < count; ) {
            var entry = newest.next();
            if (entry.offset() < offset && wanted.test(entry.event())) {
                found.add(entry);
            }
        }
        return found;
    }

    /** Oldest first. */
    synchronized List<DecisionEvent> all(Predicate<DecisionEvent> wanted) {
        return entries.stream().map(Entry::event).filter(wanted).toList();
    }
}
