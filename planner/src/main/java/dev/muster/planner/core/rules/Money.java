package dev.muster.planner.core.rules;

import dev.muster.planner.core.Budget;
import dev.muster.planner.core.Planning;
import java.time.Instant;

/** Where days and months of a budget begin and end. */
final class Money {

    private Money() {}

    static Instant beginOf(Planning planning, Budget.Period period) {
        var zone = planning.spec().zone();
        var today = planning.now().atZone(zone).toLocalDate();
        return (period == Budget.Period.MONTH ? today.withDayOfMonth(1) : today).atStartOfDay(zone).toInstant();
    }

    static Instant endOf(Planning planning, Budget.Period period) {
        var zone = planning.spec().zone();
        var today = planning.now().atZone(zone).toLocalDate();
        return (period == Budget.Period.MONTH ? today.withDayOfMonth(1).plusMonths(1) : today.plusDays(1)).atStartOfDay(zone).toInstant();
    }
}
