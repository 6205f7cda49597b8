package dev.muster.planner.simulate;

import java.util.PriorityQueue;

/** Virtual time, in whole seconds, and what is to happen at which: in the order of the seconds, within one in the order of planning. */
final class Agenda {

    private record Entry(long at, boolean last, long number, Runnable what) implements Comparable<Entry> {
        @Override
        public int compareTo(Entry other) {
            int byTime = Long.compare(at, other.at);
            if (byTime != 0) {
                return byTime;
            }
            return last == other.last ? Long.compare(number, other.number) : last ? 1 : -1;
        }
    }

    private final PriorityQueue<Entry> entries = new PriorityQueue<>();
    private long now;
    private long numbers;

    Agenda(long now) {
        this.now = now;
    }

    long now() {
        return now;
    }

    void at(long second, Runnable what) {
        entries.add(new Entry(Math.max(now, second), false, numbers++, what));
    }

    void in(long seconds, Runnable what) {
        at(now + seconds, what);
    }

    /** After everything else of that second: whoever looks then sees all of it. */
    void atEndOf(long second, Runnable what) {
        entries.add(new Entry(Math.max(now, second), true, numbers++, what));
    }

    /** Second of the next entry; {@link Long#MAX_VALUE}: there is none. */
    long next() {
        return entries.isEmpty() ? Long.MAX_VALUE : entries.peek().at;
    }

    /** Moves time on, and does all that is to happen up to and in that second. */
    void moveTo(long second) {
        while (next() <= second) {
            var entry = entries.poll();
            now = entry.at;
            entry.what.run();
        }
        now = second;
    }
}
