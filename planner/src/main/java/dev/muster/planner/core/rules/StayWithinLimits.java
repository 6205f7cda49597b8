package dev.muster.planner.core.rules;

import dev.muster.planner.core.Budget;
import dev.muster.planner.core.Constraint;
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
            return proposal.atMost(0, paused("fleet").word("state", planning.fleet().head().state().name().toLowerCase(Locale.ROOT)).done());
        }
        if (planning.fleetBounds().paused() || planning.bounds(pool).paused() && !pool.paused()) {
            return proposal.atMost(0, paused("schedule").scope(planning.fleetBounds().paused() ? Budget.Scope.FLEET
                    : new Budget.Scope(Budget.Scope.Kind.POOL, pool.name())).done());
        }
        if (pool.paused()) {
            return proposal.atMost(0, paused("pool").word("pool", pool.name()).done());
        }
        var counted = planning.books(pool).counted();
        var fleetMax = planning.fleetBounds().limits().max();
        var poolMax = planning.bounds(pool).limits().max();
        var all = planning.fleet().size();
        return withinResources(planning, proposal
                .atMost(poolMax - counted, Constraint.by(this, Reason.AT_POOL_LIMIT).word("pool", pool.name()).number("limit", poolMax).done())
                .atMost(fleetMax - all, Constraint.by(this, Reason.AT_FLEET_LIMIT).number("limit", fleetMax).done()));
    }

    /** What the fleet's machines request together of each resource that it limits. */
    private Proposal withinResources(Planning planning, Proposal proposal) {
        var left = proposal;
        for (var limit : planning.spec().limits().resources().entrySet()) {
            var each = proposal.pool().pods().requests().getOrDefault(limit.getKey(), 0L);
            if (each > 0) {
                long requested = planning.spec().pools().stream()
                        .mapToLong(pool -> planning.books(pool).counted() * pool.pods().requests().getOrDefault(limit.getKey(), 0L)).sum();
                var most = (int) Math.min(left.size(), Math.max(0, limit.getValue() - requested) / each);
                // As it is once these are launched, which is what the others meet.
                left = left.atMost(most, Constraint.by(this, Reason.AT_RESOURCE_LIMIT).word("resource", limit.getKey())
                        .number("requestedThousandths", requested + most * each).number("limitThousandths", limit.getValue())
                        .number("eachThousandths", each).done());
            }
        }
        return left;
    }

    private Constraint.Draft paused(String how) {
        return Constraint.by(this, Reason.IS_PAUSED).how(how);
    }
}
