package dev.muster.planner.core.rules;

import dev.muster.planner.core.Budget;
import dev.muster.planner.core.Planning;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Instant;

/** Words for amounts, and where days and months begin. */
final class Money {

    private Money() {}

    /** Micro-units as people write them: two decimals, more where an amount has them. */
    static String text(long micros) {
        var amount = BigDecimal.valueOf(micros, 6).stripTrailingZeros();
        return (amount.scale() < 2 ? amount.setScale(2, RoundingMode.UNNECESSARY) : amount).toPlainString();
    }

    static String word(Budget.Period period) {
        return switch (period) {
            case HOUR -> "hour";
            case DAY -> "day";
            case MONTH -> "month";
        };
    }

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
