package dev.muster.planner.simulation;

import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.FleetEvent;
import dev.muster.planner.core.FleetEvent.MachineFacts;
import dev.muster.planner.core.Plan;
import dev.muster.planner.core.Planner;
import java.time.Instant;
import java.util.List;

/** A place where the suite can be made to misbehave: what each method answers here is how it is without a bug. */
interface Bug {

    Bug NONE = new Bug() {};

    /** Plans, as {@link Planner#plan} does. */
    default Plan plan(Fleet fleet, Instant now) {
        return Planner.plan(fleet, now);
    }

    /** What the planner takes an event for; null: it never hears of it. */
    default FleetEvent heard(Fleet fleet, FleetEvent event) {
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

    /** A launch call that nobody answered is taken for one that was refused. */
    default boolean takesSilenceForRefusal() {
        return false;
    }

    /** An agent that is ended writes that its task is complete. */
    default boolean completesKilledTasks() {
        return false;
    }

    /** Rescues end as if the task had asked for none. */
    default boolean declinesRescues() {
        return false;
    }

    /** What it does follows from the events alone, so that it does the same in a replay. */
    default boolean canBeReplayed() {
        return true;
    }

    /** Something else looks at each list of the cloud, too. */
    default void listed(World world, List<MachineFacts> machines) {}

    /** A bug that remembers things begins each run anew. */
    default Bug fresh() {
        return this;
    }
}
