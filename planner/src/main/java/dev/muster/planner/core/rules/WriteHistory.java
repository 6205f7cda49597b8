package dev.muster.planner.core.rules;

import dev.muster.planner.core.Budget;
import dev.muster.planner.core.BudgetStanding;
import dev.muster.planner.core.HistoryRow;
import dev.muster.planner.core.Ledger;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.Phase;
import dev.muster.planner.core.PlanRecord;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.QueueSeen;
import dev.muster.planner.core.Rule;
import dev.muster.planner.core.Worker;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Writes what the last minute looked like, and what each hour's machines were paid for. While nothing waits and nothing runs it writes
 * nothing but how money stands, once after each change: a budget's day that begins anew is one, also of a month's budget, so that who
 * wants to know need not look further back than a day.
 */
public final class WriteHistory implements Rule {

    @Override
    public void apply(Planning planning) {
        var minute = planning.now().truncatedTo(ChronoUnit.MINUTES);
        var hour = planning.now().truncatedTo(ChronoUnit.HOURS);
        var ledger = planning.fleet().ledger();
        var rows = new ArrayList<HistoryRow>();
        if (ledger.minutesUntil().isBefore(minute)) {
            rows.addAll(minute(planning, minute));
        }
        if (ledger.hoursUntil().isBefore(hour)) {
            rows.addAll(hours(planning, hour));
        }
        if (!rows.isEmpty()) {
            planning.write(new PlanRecord.HistoryWritten(rows, minute, hour));
        }
        if (planning.fleet().size() > 0) {
            planning.lookAgain(minute.plus(1, ChronoUnit.MINUTES));
        }
    }

    private static List<HistoryRow> minute(Planning planning, Instant minute) {
        var fleet = planning.fleet();
        int waiting = fleet.queues().values().stream().mapToInt(QueueSeen::waiting).sum();
        if (waiting == 0 && fleet.size() == 0 && fleet.ledger().waits().isEmpty() && !fleet.ledger().isUntold() && !hasNewDay(planning)) {
            return List.of();
        }
        var rows = new ArrayList<HistoryRow>();
        rows.add(row(planning, minute, new TreeMap<>(), waiting, fleet.counted(), fleet.ledger().waits(), standings(planning)));
        for (var pool : planning.spec().pools()) {
            var labels = new TreeMap<String, String>();
            labels.put("pool", pool.name());
            rows.add(row(planning, minute, labels, 0, fleet.byAge(pool.name()), List.of(), List.of()));
        }
        return rows;
    }

    /** A day has begun since the last row, and the last row has spending that is of the past now, or of a month that goes on. */
    private static boolean hasNewDay(Planning planning) {
        var ledger = planning.fleet().ledger();
        var told = ledger.minutesUntil();
        if (told.equals(Instant.EPOCH) || !told.isBefore(planning.beginOf(Budget.Period.DAY))) {
            return false;
        }
        var then = told.atZone(planning.spec().zone()).toLocalDate();
        return StayWithinBudget.all(planning).stream().filter(applied -> applied.budget().period() != Budget.Period.HOUR).anyMatch(applied -> {
            var first = applied.budget().period().firstDay(then);
            return ledger.closedSince(first, applied.scope()) > 0
                    || ledger.lostAt() != null && !ledger.lostAt().isBefore(first.atStartOfDay(planning.spec().zone()).toInstant());
        });
    }

    /** Of every budget, in the spec's order. */
    private static List<BudgetStanding> standings(Planning planning) {
        return StayWithinBudget.all(planning).stream().map(applied -> standing(planning, applied)).toList();
    }

    private static BudgetStanding standing(Planning planning, StayWithinBudget.Applied applied) {
        var scope = applied.scope();
        var period = applied.budget().period();
        var spending = planning.spending(scope);
        var machines = scope.kind() == Budget.Scope.Kind.POOL ? planning.fleet().byAge(scope.name()) : planning.fleet().counted().filter(scope::counts);
        var perHour = machines.filter(machine -> machine.paid() != null).mapToLong(machine -> machine.paid().perHour().orElse(0)).sum();
        if (period == Budget.Period.HOUR) {
            return new BudgetStanding(scope, period, spending.committed(), 0, perHour, null, null, true);
        }
        var begin = planning.beginOf(period);
        var lost = planning.fleet().ledger().lostAt();
        return new BudgetStanding(scope, period, spending.spent(period), spending.reserved(), perHour, begin, planning.endOf(period),
                lost == null || lost.isBefore(begin));
    }

    private static HistoryRow row(Planning planning, Instant minute, TreeMap<String, String> labels, int waiting, Stream<Machine> machines,
            List<Long> waits, List<BudgetStanding> budgets) {
        var phases = new TreeMap<Phase, Integer>();
        int running = 0;
        long rate = 0;
        for (var machine : (Iterable<Machine>) machines::iterator) {
            phases.merge(machine.phase(), 1, Integer::sum);
            running += (int) planning.fleet().workersOn(machine).stream().filter(Worker::isBusy).count();
            rate += machine.paid() == null ? 0 : machine.paid().perHour().orElse(0);
        }
        return new HistoryRow(HistoryRow.MINUTE, minute.minus(1, ChronoUnit.MINUTES), Duration.ofMinutes(1), Collections.unmodifiableSortedMap(labels), waiting, running,
                Collections.unmodifiableSortedMap(phases), waits,
                new Ledger.Amounts(Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO, rate / 60), planning.fleet().ledger().lostAt() == null,
                budgets);
    }

    /** What is closed, and what is open of live machines until the hour's end. */
    private static List<HistoryRow> hours(Planning planning, Instant until) {
        var fleet = planning.fleet();
        var sums = new TreeMap<Instant, TreeMap<Ledger.Payer, Ledger.Amounts>>();
        fleet.ledger().closedLines().forEach(line -> add(sums, line, until));
        fleet.counted().filter(machine -> machine.paid() != null)
                .forEach(machine -> fleet.openLines(machine, until).forEach(line -> add(sums, line, until)));
        var rows = new ArrayList<HistoryRow>();
        sums.forEach((hour, payers) -> payers.forEach((payer, amounts) -> {
            var labels = new TreeMap<String, String>();
            label(labels, "pool", payer.pool());
            label(labels, "queue", payer.queue());
            label(labels, "project", payer.project());
            label(labels, "user", payer.user());
            rows.add(new HistoryRow(HistoryRow.HOUR, hour, Duration.ofHours(1), Collections.unmodifiableSortedMap(labels), 0, 0, Collections.emptySortedMap(), List.of(), amounts,
                    fleet.ledger().lostAt() == null || fleet.ledger().lostAt().isBefore(hour), List.of()));
        }));
        return rows;
    }

    private static void add(TreeMap<Instant, TreeMap<Ledger.Payer, Ledger.Amounts>> sums, Ledger.Line line, Instant until) {
        if (line.hour().isBefore(until)) {
            sums.computeIfAbsent(line.hour(), hour -> new TreeMap<>()).merge(line.payer(), line.amounts(), Ledger::sum);
        }
    }

    private static void label(TreeMap<String, String> labels, String name, String value) {
        if (!value.isEmpty()) {
            labels.put(name, value);
        }
    }
}
