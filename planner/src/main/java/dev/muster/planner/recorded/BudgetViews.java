package dev.muster.planner.recorded;

import dev.muster.contracts.Times;
import dev.muster.planner.view.ReadModel;
import dev.muster.v1.BudgetLine;
import dev.muster.v1.BudgetPeriod;
import dev.muster.v1.BudgetSpec;
import dev.muster.v1.BudgetState;
import dev.muster.v1.BudgetView;
import dev.muster.v1.Constraint;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.Reason;
import java.math.BigInteger;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** A fleet's budgets as they stand: of a rate what its machines' records say now; of a day or month what its planner last said of it. */
public final class BudgetViews {

    private static final BigInteger MILLIS_AN_HOUR = BigInteger.valueOf(Duration.ofHours(1).toMillis());

    private final ReadModel model;
    private final FleetRecord fleet;
    private final Optional<BudgetBook.Standing> standing;
    private final Instant now;
    /** What keeps launches waiting now. */
    private final List<Constraint> constraints;

    public BudgetViews(ReadModel model, FleetRecord fleet, Optional<BudgetBook.Standing> standing, Instant now) {
        this.model = model;
        this.fleet = fleet;
        this.standing = standing;
        this.now = now;
        constraints = model.decisions(fleet.getFleet()).stream().flatMap(log -> log.refusals().stream()).flatMap(refusal -> refusal.getConstraintsList().stream())
                .filter(constraint -> constraint.getReason() == Reason.BUDGET_REACHED).toList();
    }

    public static boolean hasBudgets(FleetRecord fleet) {
        var spec = fleet.getSpec();
        return spec.getBudgetsCount() > 0 || spec.getPoolsList().stream().anyMatch(pool -> pool.getBudgetsCount() > 0)
                || spec.getQueuesList().stream().anyMatch(queue -> queue.getBudgetsCount() > 0);
    }

    /** The fleet's, then its pools' and its queues', in the spec's order. */
    public List<BudgetView> all() {
        var all = new ArrayList<BudgetView>();
        fleet.getSpec().getBudgetsList().forEach(budget -> all.add(view("", "", budget)));
        fleet.getSpec().getPoolsList().forEach(pool -> pool.getBudgetsList().forEach(budget -> all.add(view(pool.getName(), "", budget))));
        fleet.getSpec().getQueuesList().forEach(queue -> queue.getBudgetsList().forEach(budget -> all.add(view("", queue.getName(), budget))));
        return all;
    }

    private BudgetView view(String pool, String queue, BudgetSpec budget) {
        var view = BudgetView.newBuilder().setFleet(fleet.getFleet()).setPool(pool).setQueue(queue).setBudget(budget).setCurrency(fleet.getSpec().getCurrency());
        if (budget.getPeriod() == BudgetPeriod.PER_HOUR) {
            // What its planner said may be a minute old, and a minute ago none of what is at the limit now may have been there.
            var committed = machines(pool, queue).filter(MachineRecord::getCounted).mapToLong(MachineRecord::getCommittedMicrosPerHour).sum();
            view.setSpentMicros(committed).setForecastMicros(committed).setAsOf(Times.timestamp(now));
            return view.setState(state(view, scope(pool, queue))).build();
        }
        var line = standing.flatMap(told -> told.lines().stream().filter(each -> each.getPool().equals(pool) && each.getQueue().equals(queue)
                && each.getPeriod() == budget.getPeriod()).findFirst());
        if (line.isEmpty()) {
            // For its first minute at most. The records say what a machine has cost, but not on which day.
            return machines(pool, queue).noneMatch(MachineRecord::hasPaid) ? view.setState(state(view, scope(pool, queue))).build() : view.build();
        }
        return view.setState(told(view, line.get(), standing.get().at()) ? state(view, scope(pool, queue)) : BudgetState.UNKNOWN_SPENDING).build();
    }

    private Stream<MachineRecord> machines(String pool, String queue) {
        return model.machinesOf(fleet.getFleet()).stream().filter(machine -> (pool.isEmpty() || machine.getPool().equals(pool))
                && (queue.isEmpty() || machine.getQueue().equals(queue)));
    }

    /** As its planner told it. False: it doesn't know what was spent. */
    private boolean told(BudgetView.Builder view, BudgetLine line, Instant at) {
        view.setSpentMicros(line.getSpentMicros()).setReservedMicros(line.getReservedMicros());
        var end = Instant.ofEpochSecond(line.getPeriodEnd().getSeconds());
        if (!now.isBefore(end)) {
            // Its planner has not told of the period that runs now: what is spent in it is not known, and nothing where nothing runs.
            view.setSpentMicros(0).setForecastMicros(0).setAsOf(Times.timestamp(end));
            return true;
        }
        view.setPeriodStart(line.getPeriodStart()).setPeriodEnd(line.getPeriodEnd()).setAsOf(Times.timestamp(at))
                .setForecastMicros(Math.addExact(line.getSpentMicros(), during(line.getMicrosPerHour(), Duration.between(at, end))));
        return line.getKnown();
    }

    private static long during(long perHour, Duration time) {
        return time.isNegative() ? 0 : BigInteger.valueOf(perHour).multiply(BigInteger.valueOf(time.toMillis())).divide(MILLIS_AN_HOUR).longValueExact();
    }

    private BudgetState state(BudgetView.Builder view, String scope) {
        var budget = view.getBudget();
        if (budget.hasHardMicros() && view.getSpentMicros() > budget.getHardMicros()) {
            return BudgetState.OVERRUN;
        }
        if (budget.hasHardMicros() && (view.getSpentMicros() + view.getReservedMicros() >= budget.getHardMicros() || keepsLaunches(scope, budget.getPeriod()))) {
            return BudgetState.AT_HARD_LIMIT;
        }
        return budget.hasSoftMicros() && view.getSpentMicros() >= budget.getSoftMicros() ? BudgetState.AT_SOFT_LIMIT : BudgetState.WITHIN;
    }

    /** Something is wanted that the budget can't bear: one machine more may cost more than what is left of it. */
    private boolean keepsLaunches(String scope, BudgetPeriod period) {
        var word = switch (period) {
            case PER_DAY -> "day";
            case PER_MONTH -> "month";
            case PER_HOUR, BUDGET_PERIOD_UNSPECIFIED, UNRECOGNIZED -> "";
        };
        return constraints.stream().anyMatch(constraint -> constraint.getWordsOrDefault("scope", "").equals(scope)
                && constraint.getWordsOrDefault("period", "").equals(word));
    }

    /** As constraints name it. */
    private static String scope(String pool, String queue) {
        return !pool.isEmpty() ? "pool/" + pool : !queue.isEmpty() ? "queue/" + queue : "fleet";
    }
}
