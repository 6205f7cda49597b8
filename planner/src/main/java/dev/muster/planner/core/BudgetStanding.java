package dev.muster.planner.core;

import java.time.Instant;

/**
 * How a budget stood at one moment. Amounts are micro-units.
 *
 * @param spent in the period so far; of a rate what is committed, an hour
 * @param reserved what live machines may still spend; 0 of a rate
 * @param perHour what its live machines cost now
 * @param begin of the period, with {@code end}; null of a rate
 * @param known false: books were lost, and what was spent is not known
 */
public record BudgetStanding(
        Budget.Scope scope, Budget.Period period, long spent, long reserved, long perHour, Instant begin, Instant end, boolean known) {

    public BudgetStanding {
        if ((begin == null) != (period == Budget.Period.HOUR) || (end == null) != (begin == null)) {
            throw new IllegalArgumentException("a budget of a " + period + " can't run from " + begin + " to " + end);
        }
    }
}
