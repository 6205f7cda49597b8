package dev.muster.planner.simulate;

import dev.muster.planner.core.FailureKind;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * An outcome in figures: what people compare two specs by.
 *
 * @param tasks of the workload
 * @param notRun of these, never completed
 * @param runAgain of these, started more than once
 * @param cost in the spec's currency, six decimals; machines without a price not included
 * @param unpricedSeconds paid for at a price that the spec doesn't say
 * @param machines accepted by the cloud
 * @param waits of all tasks
 * @param queues waits by queue, in the spec's order
 * @param pools in the spec's order
 * @param constraints what tasks waited for, most task-seconds first
 */
public record Figures(int tasks, int notRun, int runAgain, BigDecimal cost, long unpricedSeconds, Seconds seconds, int machines, Waits waits,
        Map<String, Waits> queues, Map<String, PoolFigures> pools, List<Bound> constraints, SortedMap<FailureKind, Long> launchesRefused) {

    /** What was paid for, in machine-seconds: the four others add up to {@code paid}. */
    public record Seconds(long paid, long useful, long idle, long boot, long waste) {

        static Seconds of(Collection<MachineOutcome> machines) {
            return new Seconds(machines.stream().mapToLong(MachineOutcome::paid).sum(), machines.stream().mapToLong(MachineOutcome::useful).sum(),
                    machines.stream().mapToLong(MachineOutcome::idle).sum(), machines.stream().mapToLong(MachineOutcome::boot).sum(),
                    machines.stream().mapToLong(MachineOutcome::waste).sum());
        }

        /** Useful of paid; 0 where nothing was paid. */
        public double utilization() {
            return paid == 0 ? 0 : (double) useful / paid;
        }
    }

    /** Seconds from being put into the queue to the first start, of tasks that started. Nearest rank: each is one that was waited. */
    public record Waits(int count, long p50, long p90, long p99, long max) {

        static Waits of(Collection<TaskOutcome> tasks) {
            var sorted = tasks.stream().filter(task -> task.started() >= 0).mapToLong(TaskOutcome::waited).sorted().toArray();
            return new Waits(sorted.length, at(sorted, 50), at(sorted, 90), at(sorted, 99), at(sorted, 100));
        }

        private static long at(long[] sorted, int percent) {
            return sorted.length == 0 ? 0 : sorted[Math.max(0, (int) ((sorted.length * (long) percent + 99) / 100) - 1)];
        }
    }

    /** @param peak most machines at once, from the cloud's yes until they are gone */
    public record PoolFigures(int machines, int peak, Seconds seconds, BigDecimal cost, int tasks) {}

    /**
     * What one constraint cost.
     *
     * @param word the planner's reason, or the kind of wait
     * @param pool empty where it is no pool's
     * @param taskSeconds sum over tasks of the time for which it held them
     * @param tasks held by it at least once
     * @param times how often the planner began to refuse for that reason; 0 for other kinds
     */
    public record Bound(Constraint.Kind kind, String word, String pool, long taskSeconds, int tasks, long times) {}

    public static Figures of(Outcome outcome) {
        var queues = new LinkedHashMap<String, Waits>();
        for (var queue : outcome.queues()) {
            queues.put(queue, Waits.of(outcome.tasks().stream().filter(task -> task.task().queue().equals(queue)).toList()));
        }
        var pools = new LinkedHashMap<String, PoolFigures>();
        for (var pool : outcome.pools()) {
            var its = outcome.machines().stream().filter(machine -> machine.pool().equals(pool)).toList();
            pools.put(pool, new PoolFigures(its.size(), peak(its), Seconds.of(its), cost(its), its.stream().mapToInt(MachineOutcome::tasks).sum()));
        }
        return new Figures(outcome.tasks().size(), (int) outcome.tasks().stream().filter(task -> task.ended() < 0).count(),
                (int) outcome.tasks().stream().filter(task -> task.runs() > 1).count(), cost(outcome.machines()),
                outcome.machines().stream().filter(machine -> machine.cost() == null).mapToLong(MachineOutcome::paid).sum(),
                Seconds.of(outcome.machines()), outcome.machines().size(), Waits.of(outcome.tasks()), Collections.unmodifiableMap(queues),
                Collections.unmodifiableMap(pools), constraints(outcome), outcome.launchesRefused());
    }

    /** Machines launched for each task that ran; 0 where none did. */
    public double machinesPerTask() {
        return tasks == notRun ? 0 : (double) machines / (tasks - notRun);
    }

    static BigDecimal cost(Collection<MachineOutcome> machines) {
        var sum = BigInteger.ZERO;
        for (var machine : machines) {
            if (machine.cost() != null) {
                sum = sum.add(machine.cost());
            }
        }
        return new BigDecimal(sum).divide(BigDecimal.valueOf(3600), 0, RoundingMode.HALF_UP).movePointLeft(6);
    }

    /** Most at once, from the cloud's yes until they are gone. */
    public static int peak(List<MachineOutcome> machines) {
        var changes = new TreeMap<Long, Integer>();
        for (var machine : machines) {
            changes.merge(machine.accepted(), 1, Integer::sum);
            changes.merge(machine.gone(), -1, Integer::sum);
        }
        int count = 0;
        int peak = 0;
        for (int change : changes.values()) {
            count += change;
            peak = Math.max(peak, count);
        }
        return peak;
    }

    private static List<Bound> constraints(Outcome outcome) {
        record Key(Constraint.Kind kind, String word, String pool) {}
        var seconds = new LinkedHashMap<Key, Long>();
        var held = new LinkedHashMap<Key, Integer>();
        var times = new LinkedHashMap<Key, Long>();
        for (var task : outcome.tasks()) {
            var once = new java.util.HashSet<Key>();
            for (var wait : task.waits()) {
                var constraint = wait.constraint();
                var key = new Key(constraint.kind(), constraint.word(), constraint.pool());
                seconds.merge(key, wait.seconds(), Long::sum);
                if (once.add(key)) {
                    held.merge(key, 1, Integer::sum);
                }
                if (constraint.reason() != null) {
                    times.put(key, outcome.refusals().getOrDefault(constraint.reason(), Collections.emptySortedMap()).getOrDefault(constraint.pool(), 0L));
                }
            }
        }
        var all = new ArrayList<Bound>();
        seconds.forEach((key, sum) -> all.add(new Bound(key.kind(), key.word(), key.pool(), sum, held.get(key), times.getOrDefault(key, 0L))));
        all.sort(Comparator.comparingLong(Bound::taskSeconds).reversed().thenComparing(Bound::word).thenComparing(Bound::pool));
        return List.copyOf(all);
    }
}
