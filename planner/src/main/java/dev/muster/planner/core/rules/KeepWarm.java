package dev.muster.planner.core.rules;

import dev.muster.planner.core.FleetHead;
import dev.muster.planner.core.Launches;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Proposal;
import dev.muster.planner.core.QueueSeen;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;

/** Keeps each pool's minimum, demand or not, and as many idle machines beyond what works as the pool has warm. */
public final class KeepWarm implements Rule {

    private final Launches launches;

    public KeepWarm(Launches launches) {
        this.launches = launches;
    }

    @Override
    public void apply(Planning planning) {
        if (planning.isHeld() || planning.fleet().head().state() != FleetHead.State.ACTIVE) {
            return;
        }
        for (var pool : planning.spec().pools()) {
            var books = planning.books(pool);
            int min = planning.bounds(pool).limits().min();
            int warm = planning.bounds(pool).warm();
            int belowMin = min - books.staying();
            // Slots that no waiting task will take, and what is launched in this plan without being needed whole.
            int belowWarm = warm - planning.spare(pool) / pool.slots();
            var missing = Math.max(belowMin, warm == 0 ? 0 : belowWarm);
            // A machine that no known queue feeds could do nothing.
            var fed = planning.spec().queues().stream().filter(queue -> queue.pools().contains(pool.name()))
                    .map(queue -> planning.fleet().queues().get(queue.name()))
                    .anyMatch(seen -> seen != null && seen.state() == QueueSeen.State.SERVED);
            // Nor one that is made for a task, without one.
            if (missing <= 0 || !fed || pool.pods().taskBound()) {
                continue;
            }
            var reason = belowMin >= belowWarm || warm == 0 ? Reason.BELOW_MINIMUM : Reason.BELOW_WARM;
            var admitted = launches.admit(planning, this, reason, Proposal.of(pool, missing), 0, books.freeSlots());
            if (admitted.size() < missing && !admitted.cuts().isEmpty() && !isOwnMaximum(admitted, warm, belowMin)) {
                var isWarm = reason == Reason.BELOW_WARM;
                planning.refusePool(pool, isWarm ? "warm" : "minimum", isWarm ? warm : min, missing - admitted.size(), admitted.constraints());
            }
        }
    }

    /** Warm machines are kept up to the maximum: at it, nothing is refused. */
    private static boolean isOwnMaximum(Proposal admitted, int warm, int belowMin) {
        return warm > 0 && admitted.size() >= belowMin && admitted.constraints().get(0).reason() == Reason.AT_POOL_LIMIT;
    }
}
