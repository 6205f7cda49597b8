package dev.muster.planner.core;

import java.util.ArrayList;
import java.util.List;

/**
 * How many machines of a pool are to be launched for a queue, and what has cut that down so far.
 *
 * @param queue empty: for the pool's minimum
 * @param priority of the queue; the pool's minimum is as dear as the dearest
 * @param wanted what demand asks for
 * @param size what is left of it
 * @param cuts in the order of the rules that made them
 */
public record Proposal(Pool pool, String queue, int priority, int wanted, int size, List<Cut> cuts) {

    /** One rule's answer of "fewer". {@code unblockedBy} says what ends it. */
    public record Cut(String rule, Reason reason, int from, int to, String text, String unblockedBy) {}

    public Proposal {
        cuts = List.copyOf(cuts);
    }

    public static Proposal of(Pool pool, Queue queue, int wanted) {
        return new Proposal(pool, queue.name(), queue.priority(), wanted, wanted, List.of());
    }

    /** For the pool itself, its minimum for one. */
    public static Proposal of(Pool pool, int wanted) {
        return new Proposal(pool, "", Integer.MAX_VALUE, wanted, wanted, List.of());
    }

    public Proposal atMost(int limit, Object rule, Reason reason, String text, String unblockedBy) {
        var allowed = Math.max(0, limit);
        if (size <= allowed) {
            return this;
        }
        var more = new ArrayList<>(cuts);
        more.add(new Cut(rule.getClass().getSimpleName(), reason, size, allowed, text, unblockedBy));
        return new Proposal(pool, queue, priority, wanted, allowed, more);
    }
}
