package dev.muster.planner.core;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.SortedMap;

/**
 * What a fleet was and spent in one stretch of time, for charts and bills.
 *
 * @param series {@link #MINUTE} or {@link #HOUR}; see the contract
 * @param labels pool, queue, project, user: those that it is about
 * @param waiting tasks, at its end
 * @param running tasks on machines of the fleet, at its end
 * @param machines counted ones by phase, at its end
 * @param waits tasks that started, by the classes of {@link Ledger#WAIT_SECONDS}; empty: none did
 * @param complete false where books were lost in that time
 * @param budgets how each stood at its end; of a minute's row without labels only
 */
public record HistoryRow(
        String series, Instant start, Duration length, SortedMap<String, String> labels, int waiting, int running,
        SortedMap<Phase, Integer> machines, List<Long> waits, Ledger.Amounts amounts, boolean complete, List<BudgetStanding> budgets) {

    public static final String MINUTE = "minute";
    public static final String HOUR = "hour";

    public HistoryRow {
        budgets = List.copyOf(budgets);
    }
}
