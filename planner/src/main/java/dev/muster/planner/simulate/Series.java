package dev.muster.planner.simulate;

import java.util.Collection;
import java.util.TreeMap;
import java.util.function.Predicate;

/** How something moved from a simulation's first second to its last, at so many points: what plots are drawn from. */
final class Series {

    private Series() {}

    /** Most machines at once in each of the equal spans that the time is cut into. */
    static double[] machines(Collection<MachineOutcome> machines, long from, long to, int points) {
        var changes = new TreeMap<Long, Integer>();
        for (var machine : machines) {
            changes.merge(machine.accepted(), 1, Integer::sum);
            changes.merge(machine.gone(), -1, Integer::sum);
        }
        return most(changes, from, to, points);
    }

    /** Most tasks that waited at once. */
    static double[] waiting(Collection<TaskOutcome> tasks, Predicate<TaskOutcome> which, long from, long to, int points) {
        var changes = new TreeMap<Long, Integer>();
        for (var task : tasks) {
            if (which.test(task)) {
                for (var wait : task.waits()) {
                    changes.merge(wait.from(), 1, Integer::sum);
                    changes.merge(wait.to(), -1, Integer::sum);
                }
            }
        }
        return most(changes, from, to, points);
    }

    private static double[] most(TreeMap<Long, Integer> changes, long from, long to, int points) {
        var values = new double[points];
        int level = 0;
        var each = changes.entrySet().iterator();
        var next = each.hasNext() ? each.next() : null;
        for (int i = 0; i < points; i++) {
            long until = edge(from, to, points, i + 1);
            double most = level;
            while (next != null && (next.getKey() < until || i == points - 1)) {
                level += next.getValue();
                most = Math.max(most, level);
                next = each.hasNext() ? each.next() : null;
            }
            values[i] = most;
        }
        return values;
    }

    /** Spent up to the end of each span, in the spec's currency. */
    static double[] cost(Collection<MachineOutcome> machines, long from, long to, int points) {
        var rates = new TreeMap<Long, Double>();
        for (var machine : machines) {
            if (machine.cost() != null && machine.paid() > 0) {
                double rate = machine.cost().doubleValue() / 3.6e9 / machine.paid();
                rates.merge(machine.running(), rate, Double::sum);
                rates.merge(machine.running() + machine.paid(), -rate, Double::sum);
            }
        }
        var values = new double[points];
        double spent = 0;
        double rate = 0;
        long at = from;
        var each = rates.entrySet().iterator();
        var next = each.hasNext() ? each.next() : null;
        for (int i = 0; i < points; i++) {
            long until = edge(from, to, points, i + 1);
            while (next != null && next.getKey() <= until) {
                spent += rate * (next.getKey() - at);
                at = next.getKey();
                rate += next.getValue();
                next = each.hasNext() ? each.next() : null;
            }
            spent += rate * (until - at);
            at = until;
            values[i] = Math.max(0, spent);
        }
        return values;
    }

    private static long edge(long from, long to, int points, int i) {
        return from + Math.round((double) (to - from) * i / points);
    }
}
