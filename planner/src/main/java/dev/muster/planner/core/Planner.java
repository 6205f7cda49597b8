package dev.muster.planner.core;

import java.time.Instant;

/** Decides what a fleet does next, and why. Pure: the same fleet and now give the same plan. */
public final class Planner {

    private Planner() {}

    /**
     * Plans and applies: on return the fleet is as after the plan, and the records say everything that was done.
     *
     * @param now never before {@link Fleet#newestAt()}
     */
    public static Plan plan(Fleet fleet, Instant now) {
        var planning = new Planning(fleet, now);
        return planning.done();
    }
}
