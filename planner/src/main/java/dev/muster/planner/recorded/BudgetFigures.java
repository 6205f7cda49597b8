package dev.muster.planner.recorded;

import dev.muster.planner.view.ReadModel;
import dev.muster.telemetry.Meters;
import dev.muster.telemetry.Metrics;
import dev.muster.v1.BudgetPeriod;
import dev.muster.v1.BudgetState;
import dev.muster.v1.BudgetView;
import dev.muster.v1.FleetState;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleSupplier;
import java.util.function.Predicate;

/** Shows how the budgets of this replica's fleets stand, as the API says it. One thread. */
public final class BudgetFigures {

    private static final double MICROS = 1_000_000;

    private final ReadModel model;
    private final BudgetBook budgets;
    private final Meters meters;

    public BudgetFigures(ReadModel model, BudgetBook budgets, Meters meters) {
        this.model = model;
        this.budgets = budgets;
        this.meters = meters;
    }

    /** @param isOurs of a fleet's name: another replica shows the others */
    public void show(Predicate<String> isOurs) {
        if (!model.isCurrent() || !budgets.isCurrent()) {
            return;
        }
        var fleets = model.fleets().values().stream()
                .filter(fleet -> fleet.getState() != FleetState.DELETED && BudgetViews.hasBudgets(fleet) && isOurs.test(fleet.getFleet())).toList();
        budgets.lookFor(fleets.stream().map(fleet -> fleet.getFleet()).toList());
        var limits = new HashMap<List<String>, DoubleSupplier>();
        var spent = new HashMap<List<String>, DoubleSupplier>();
        var reserved = new HashMap<List<String>, DoubleSupplier>();
        var left = new HashMap<List<String>, DoubleSupplier>();
        for (var fleet : fleets) {
            for (var view : new BudgetViews(model, fleet, budgets.of(fleet.getFleet()), Instant.now()).all()) {
                var budget = view.getBudget();
                if (budget.hasHardMicros()) {
                    limits.put(labels(view, "hard"), () -> budget.getHardMicros() / MICROS);
                }
                if (budget.hasSoftMicros()) {
                    limits.put(labels(view, "soft"), () -> budget.getSoftMicros() / MICROS);
                }
                if (view.getState() == BudgetState.UNKNOWN_SPENDING || !view.hasAsOf()) {
                    continue;
                }
                spent.put(labels(view), () -> view.getSpentMicros() / MICROS);
                reserved.put(labels(view), () -> view.getReservedMicros() / MICROS);
                if (budget.hasHardMicros()) {
                    left.put(labels(view), () -> (budget.getHardMicros() - view.getSpentMicros() - view.getReservedMicros()) / MICROS);
                }
            }
        }
        meters.show(Metrics.BUDGET_LIMIT, this, limits);
        meters.show(Metrics.BUDGET_SPENT, this, spent);
        meters.show(Metrics.BUDGET_RESERVED, this, reserved);
        meters.show(Metrics.BUDGET_LEFT, this, left);
    }

    /** Shows nothing more. */
    public void hide() {
        List.of(Metrics.BUDGET_LIMIT, Metrics.BUDGET_SPENT, Metrics.BUDGET_RESERVED, Metrics.BUDGET_LEFT).forEach(metric -> meters.show(metric, this, Map.of()));
    }

    private static List<String> labels(BudgetView view) {
        return List.of(view.getFleet(), scope(view), period(view.getBudget().getPeriod()), view.getCurrency());
    }

    private static List<String> labels(BudgetView view, String limit) {
        return List.of(view.getFleet(), scope(view), period(view.getBudget().getPeriod()), limit, view.getCurrency());
    }

    private static String scope(BudgetView view) {
        return !view.getPool().isEmpty() ? "pool/" + view.getPool() : !view.getQueue().isEmpty() ? "queue/" + view.getQueue() : "fleet";
    }

    private static String period(BudgetPeriod period) {
        return switch (period) {
            case PER_HOUR -> "hour";
            case PER_DAY -> "day";
            case PER_MONTH -> "month";
            case BUDGET_PERIOD_UNSPECIFIED, UNRECOGNIZED -> "unknown";
        };
    }
}
