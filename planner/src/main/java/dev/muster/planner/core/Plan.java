package dev.muster.planner.core;

import java.time.Instant;
import java.util.List;

/**
 * What a plan says.
 *
 * @param records in order; empty: nothing is to be done, and nothing changes
 * @param due when the fleet must be planned again if nothing is learned before
 */
public record Plan(List<PlanRecord> records, Instant due) {

    public Plan {
        records = List.copyOf(records);
    }
}
