package dev.muster.planner.core.rules;

import dev.muster.planner.core.Constraint;
import dev.muster.planner.core.Hold;
import dev.muster.planner.core.Launches;
import dev.muster.planner.core.Market;
import dev.muster.planner.core.Offer;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Pool;
import dev.muster.planner.core.Proposal;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;
import dev.muster.planner.core.Verdict;
import java.util.List;

/** On-demand stands in for spot once spot was refused for the pool's roll-back time-out, and then spot is left alone for its blackout. */
public final class RollBackFromSpot implements Rule.OfOffer {

    @Override
    public Verdict judge(Planning planning, Proposal proposal, Offer offer, int wanted, List<Launches.Share> chosen) {
        var pool = proposal.pool();
        if (!pool.hasSpot()) {
            return Verdict.allow(wanted);
        }
        var refused = planning.fleet().hold(Hold.Kind.SPOT, pool.name());
        if (offer.key().market() == Market.SPOT) {
            if (refused.isPresent() && refused.get().until() != null && !planning.hasPassed(refused.get().until())) {
                return Verdict.atMost(0, refused.get().until(),
                        Constraint.by(this, Reason.SPOT_BLACKED_OUT).offer(offer.key()).instant("until", refused.get().until()).done());
            }
            return Verdict.allow(wanted);
        }
        var waitsFor = pool.spot().rollbackAfter();
        if (waitsFor.isZero() || !comesAfterSpot(pool, offer)) {
            return Verdict.allow(wanted);
        }
        var waits = Constraint.by(this, Reason.WAITS_FOR_SPOT).offer(offer.key()).seconds("rollbackSeconds", waitsFor);
        if (refused.isEmpty()) {
            return Verdict.atMost(0, null, waits.done());
        }
        var from = refused.get().since().plus(waitsFor);
        return planning.hasPassed(from) ? Verdict.allow(wanted) : Verdict.atMost(0, from, waits.instant("until", from).done());
    }

    private static boolean comesAfterSpot(Pool pool, Offer offer) {
        for (var each : pool.offers()) {
            if (each.equals(offer)) {
                return false;
            }
            if (each.key().market() == Market.SPOT) {
                return true;
            }
        }
        return false;
    }
}
