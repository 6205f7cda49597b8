package dev.muster.planner.stream;

import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.FleetHead;
import dev.muster.planner.core.HistoryRow;
import dev.muster.planner.core.Ledger;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.PaidKind;
import dev.muster.planner.core.Phase;
import dev.muster.planner.core.PlanRecord;
import dev.muster.telemetry.Meters;
import dev.muster.telemetry.Metric;
import dev.muster.telemetry.Metrics;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.DoubleSupplier;

/** What one fleet's figures show. Called by the thread that plans the fleet; what depends on the time of day is worked out when it is asked for. */
final class FleetFigures {

    private static final double MICROS = 1_000_000;
    private static final List<Metric> SHOWN = List.of(Metrics.MACHINES, Metrics.MACHINES_MOST, Metrics.SPEND_RATE, Metrics.COMMITTED_RATE, Metrics.WAITING_TASKS,
            Metrics.OLDEST_WAIT, Metrics.ADRIFT_TASKS, Metrics.DEMAND_AGE, Metrics.REFUSALS_NOW, Metrics.HOLDS);

    private final String fleet;
    private final Meters meters;
    /** By pool: what history's rows have had since this process began. */
    private final Map<String, Ledger.Amounts> written = new HashMap<>();
    /** By pool: what was counted so far, from the first look on; null: there was none. */
    private Map<String, Ledger.Amounts> counted;
    private volatile Instant seenAt = Instant.MAX;

    FleetFigures(String fleet, Meters meters) {
        this.fleet = fleet;
        this.meters = meters;
    }

    boolean isUnseenFor(Duration age) {
        var seen = seenAt;
        return seen != Instant.MAX && seen.isBefore(Instant.now().minus(age));
    }

    void wrote(PlanRecord.HistoryWritten history) {
        history.rows().stream().filter(row -> row.series().equals(HistoryRow.HOUR))
                .forEach(row -> written.merge(row.labels().getOrDefault("pool", ""), row.amounts(), Ledger::sum));
    }

    void show(Fleet of, String currency, Instant now) {
        if (of.head().state() == FleetHead.State.DELETED && of.size() == 0) {
            hide();
            return;
        }
        seenAt = of.head().state() == FleetHead.State.ACTIVE ? latest(of.demand().heardAt(), of.head().createdAt()) : Instant.MAX;
        machines(of, currency);
        queues(of);
        refusals(of);
        pay(of, currency, now);
    }

    /** The fleet is another process's, or is no more. */
    void hide() {
        seenAt = Instant.MAX;
        SHOWN.forEach(metric -> meters.show(metric, this, Map.of()));
    }

    private void machines(Fleet of, String currency) {
        var phases = new HashMap<List<String>, Integer>();
        var rates = new HashMap<List<String>, Long>();
        var committed = new HashMap<List<String>, Long>();
        of.counted().forEach(machine -> {
            var provider = machine.offer().provider();
            phases.merge(List.of(fleet, machine.pool(), provider, phase(of, machine)), 1, Integer::sum);
            var payer = List.of(fleet, machine.pool(), provider, currency);
            rates.merge(payer, machine.paid() == null || machine.paid().hasEnded() ? 0 : machine.paid().perHour().orElse(0), Long::sum);
            committed.merge(payer, machine.committed().orElse(0), Long::sum);
        });
        show(Metrics.MACHINES, phases, 1);
        show(Metrics.SPEND_RATE, rates, MICROS);
        show(Metrics.COMMITTED_RATE, committed, MICROS);
        var most = new HashMap<List<String>, Integer>();
        of.spec().pools().forEach(pool -> most.put(List.of(fleet, pool.name()), pool.limits().max()));
        show(Metrics.MACHINES_MOST, most, 1);
    }

    private static String phase(Fleet of, Machine machine) {
        return machine.phase() == Phase.READY ? of.isBusy(machine) ? "busy" : "idle" : Meters.word(machine.phase());
    }

    private void queues(Fleet of) {
        var waiting = new HashMap<List<String>, Integer>();
        var oldest = new HashMap<List<String>, DoubleSupplier>();
        for (var queue : of.spec().queues()) {
            var labels = List.of(fleet, queue.name());
            var seen = of.queues().get(queue.name());
            waiting.put(labels, seen == null ? 0 : seen.waiting());
            var since = seen == null || seen.waiting() == 0 ? null : seen.oldest();
            oldest.put(labels, since == null ? () -> 0 : () -> age(since));
        }
        show(Metrics.WAITING_TASKS, waiting, 1);
        meters.show(Metrics.OLDEST_WAIT, this, oldest);
        show(Metrics.ADRIFT_TASKS, Map.of(List.of(fleet), of.adrift().size()), 1);
        var heard = seenAt;
        meters.show(Metrics.DEMAND_AGE, this, heard == Instant.MAX ? Map.of() : Map.of(List.of(fleet), () -> age(heard)));
    }

    private void refusals(Fleet of) {
        var lasting = new HashMap<List<String>, Integer>();
        of.refusals().stream().filter(refused -> refused.reason() != null)
                .forEach(refused -> lasting.merge(List.of(fleet, Meters.word(refused.reason())), 1, Integer::sum));
        show(Metrics.REFUSALS_NOW, lasting, 1);
        var holds = new HashMap<List<String>, Integer>();
        of.holds().forEach(hold -> holds.merge(List.of(fleet, Meters.word(hold.kind())), 1, Integer::sum));
        show(Metrics.HOLDS, holds, 1);
    }

    /**
     * Counts what was paid for since the last look: what rows have had, what is closed and will be in the next, and what is still open. Each of them alone
     * goes back to nothing now and then; the three together only grow, but for a boot that turns out to have been in vain.
     */
    private void pay(Fleet of, String currency, Instant now) {
        var total = new TreeMap<>(written);
        of.ledger().closedLines().forEach(line -> total.merge(line.payer().pool(), line.amounts(), Ledger::sum));
        of.counted().filter(machine -> machine.paid() != null && !machine.paid().hasEnded()).forEach(machine -> of.openLines(machine, now).forEach(line ->
                total.merge(line.payer().pool(), machine.paid().kind() == PaidKind.BOOT ? withoutTime(line.amounts()) : line.amounts(), Ledger::sum)));
        var before = counted == null ? total : counted;
        var most = new HashMap<String, Ledger.Amounts>();
        total.forEach((pool, sum) -> {
            var was = before.getOrDefault(pool, Ledger.Amounts.NONE);
            count(Metrics.PAID_SECONDS, seconds(was.useful(), sum.useful()), pool, "useful");
            count(Metrics.PAID_SECONDS, seconds(was.idle(), sum.idle()), pool, "idle");
            count(Metrics.PAID_SECONDS, seconds(was.boot(), sum.boot()), pool, "boot");
            count(Metrics.PAID_SECONDS, seconds(was.waste(), sum.waste()), pool, "waste");
            count(Metrics.SPENT, (sum.micros() - was.micros()) / MICROS, pool, currency);
            most.put(pool, new Ledger.Amounts(longest(was.useful(), sum.useful()), longest(was.idle(), sum.idle()), longest(was.boot(), sum.boot()),
                    longest(was.waste(), sum.waste()), Math.max(was.micros(), sum.micros())));
        });
        var kept = new HashMap<>(before);
        kept.putAll(most);
        counted = kept;
    }

    private void count(Metric metric, double more, String pool, String last) {
        meters.count(metric, Math.max(0, more), fleet, pool, last);
    }

    private static Ledger.Amounts withoutTime(Ledger.Amounts amounts) {
        return new Ledger.Amounts(Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO, amounts.micros());
    }

    private static double seconds(Duration from, Duration to) {
        return to.minus(from).toMillis() / 1000.0;
    }

    private static Duration longest(Duration a, Duration b) {
        return a.compareTo(b) < 0 ? b : a;
    }

    private static Instant latest(Instant a, Instant b) {
        return a.isBefore(b) ? b : a;
    }

    private static double age(Instant since) {
        return Math.max(0, Duration.between(since, Instant.now()).toMillis() / 1000.0);
    }

    private void show(Metric metric, Map<List<String>, ? extends Number> numbers, double unit) {
        var values = new HashMap<List<String>, DoubleSupplier>();
        numbers.forEach((labels, number) -> values.put(labels, () -> number.doubleValue() / unit));
        meters.show(metric, this, values);
    }
}
