package dev.muster.planner.simulation;

import java.util.PriorityQueue;

/** Virtual time: what is to happen when. What is due at the same millisecond happens in the order in which it was put down. */
final class Agenda {

    private record Entry(long at, long order, Runnable action) implements Comparable<Entry> {
        @Override
        public int compareTo(Entry other) {
            return at != other.at ? Long.compare(at, other.at) : Long.compare(order, other.order);
        }
    }

    private final PriorityQueue<Entry> entries = new PriorityQueue<>(256);
    private long now;
    private long order;

    /** Milliseconds since the world began. */
    long now() {
        return now;
    }

    void at(long time, Runnable action) {
        entries.add(new Entry(Math.max(time, now), order++, action));
    }

    void after(long millis, Runnable action) {
        at(now + millis, action);
    }

    /** Does what is next. False: there is nothing before {@code end}, which it is now. */
    boolean step(long end) {
        var next = entries.peek();
        if (next == null || next.at > end) {
            now = Math.max(now, end);
            return false;
        }
        entries.poll();
        now = next.at;
        next.action.run();
        return true;
    }
}
