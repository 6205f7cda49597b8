package dev.muster.planner.core.rules;

import dev.muster.planner.core.Constraint;
import dev.muster.planner.core.Launches;
import dev.muster.planner.core.Market;
import dev.muster.planner.core.Offer;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Proposal;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;
import dev.muster.planner.core.Verdict;
import java.util.List;

/** No spot machine whose market price is above what its offer may cost: the cloud would refuse it, or take it back. */
public final class StayUnderCeiling implements Rule.OfOffer {

    @Override
    public Verdict judge(Planning planning, Proposal proposal, Offer offer, int wanted, List<Launches.Share> chosen) {
        var market = planning.fleet().reportedPrice(offer.key());
        if (offer.key().market() != Market.SPOT || offer.ceiling().isEmpty() || market.isEmpty() || market.getAsLong() <= offer.ceiling().getAsLong()) {
            return Verdict.allow(wanted);
        }
        return Verdict.atMost(0, null, Constraint.by(this, Reason.ABOVE_CEILING).offer(offer.key()).number("microsPerHour", market.getAsLong())
                .number("ceilingMicrosPerHour", offer.ceiling().getAsLong()).done());
    }
}
