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
 * @param before what was in the way of the pools that the queue names before this one
 * @param tasks that the machines are to be made for, one each, as many as are wanted at least; empty: they take what their queues have
 */
public record Proposal(Pool pool, String queue, int priority, int wanted, int size, List<Cut> cuts, List<Constraint> before, List<String> tasks) {

    /** An answer of "fewer". @param constraints why; of several offers, that of the first comes first; at least one */
    public record Cut(int from, int to, List<Constraint> constraints) {
        public Cut {
            constraints = List.copyOf(constraints);
        }
    }

    public Proposal {
        cuts = List.copyOf(cuts);
        before = List.copyOf(before);
        tasks = List.copyOf(tasks);
    }

    public static Proposal of(Pool pool, Queue queue, int wanted, List<Constraint> before, List<String> tasks) {
        return new Proposal(pool, queue.name(), queue.priority(), wanted, wanted, List.of(), before, tasks);
    }

    /** What is in the way: first what cut it last, which is what binds. Lifting another alone would change nothing. */
    public List<Constraint> constraints() {
        var constraints = new ArrayList<Constraint>();
        for (int i = cuts.size() - 1; i >= 0; i--) {
            constraints.addAll(cuts.get(i).constraints());
        }
        return List.copyOf(constraints);
    }

    /** For the pool itself, its minimum for one. */
    public static Proposal of(Pool pool, int wanted) {
        return new Proposal(pool, "", Integer.MAX_VALUE, wanted, wanted, List.of(), List.of(), List.of());
    }

    public Proposal atMost(int limit, Constraint constraint) {
        return atMost(limit, List.of(constraint));
    }

    public Proposal atMost(int limit, List<Constraint> constraints) {
        var allowed = Math.max(0, limit);
        if (size <= allowed) {
            return this;
        }
        var more = new ArrayList<>(cuts);
        more.add(new Cut(size, allowed, constraints));
        return new Proposal(pool, queue, priority, wanted, allowed, more, before, tasks);
    }
}
