package dev.muster.planner.simulation;

import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.FleetEvent;
import dev.muster.planner.core.Plan;
import dev.muster.planner.core.Planner;
import java.time.Instant;

/** A place where the suite can be made to misbehave: what each method answers here is how it is without a bug. */
interface Bug {

    Bug NONE = new Bug() {};

    /** Plans, as {@link Planner#plan} does. */
    default Plan plan(Fleet fleet, Instant now) {
        return Planner.plan(fleet, now);
    }

    /** What the planner takes an event for; null: it never hears of it. */
    default FleetEvent heard(FleetEvent event) {
        return event;
    }

    /** What a planner that starts takes its stored state for. */
    default Fleet restored(Fleet stored) {
        return stored;
    }

    /** Launch calls carry no idempotency token. */
    default boolean forgetsTokens() {
        return false;
    }
}
