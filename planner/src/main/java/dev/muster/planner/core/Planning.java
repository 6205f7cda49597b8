package dev.muster.planner.core;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** One plan under way. */
final class Planning {
    private final Fleet fleet;
    private final Instant now;
    private final List<PlanRecord> records = new ArrayList<>();

    Planning(Fleet fleet, Instant now) {
        this.fleet = fleet;
        this.now = now;
    }

    Plan done() {
        fleet.planned(now.plusSeconds(3600));
        return new Plan(records, fleet.due());
    }
}
