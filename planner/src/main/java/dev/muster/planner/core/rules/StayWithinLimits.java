package dev.muster.planner.core.rules;

import dev.muster.planner.core.FleetHead;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Proposal;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;
import java.util.Locale;

/** No more machines than the pool and the fleet may have, counted from admission until the cloud says that they are gone. */
public final class StayWithinLimits implements Rule.OfLaunch {

    @Override
    public Proposal limit(Planning planning, Proposal proposal) {
        var pool = proposal.pool();
        if (planning.fleet().head().state() != FleetHead.State.ACTIVE) {
            return proposal.atMost(0, this, Reason.IS_PAUSED, "the fleet is " + planning.fleet().head().state().name().toLowerCase(Locale.ROOT),
                    "muster fleet resume");
        }
        if (planning.fleetBounds().paused() || planning.bounds(pool).paused() && !pool.paused()) {
            return proposal.atMost(0, this, Reason.IS_PAUSED, "a schedule has " + (planning.fleetBounds().paused() ? "the fleet" : pool.name()) + " paused now",
                    "the window's end");
        }
        if (pool.paused()) {
            return proposal.atMost(0, this, Reason.IS_PAUSED, pool.name() + " is paused", "muster fleet resume --pool " + pool.name());
        }
        var counted = planning.books(pool).counted();
        var fleetMax = planning.fleetBounds().limits().max();
        var poolMax = planning.bounds(pool).limits().max();
        var all = planning.fleet().active().size();
        return proposal
                .atMost(poolMax - counted, this, Reason.AT_POOL_LIMIT,
                        pool.name() + " is at its limit of " + poolMax + " machines", "a machine of the pool going, or a higher max")
                .atMost(fleetMax - all, this, Reason.AT_FLEET_LIMIT,
                        "the fleet is at its limit of " + fleetMax + " machines", "a machine going, or a higher limit");
    }
}
