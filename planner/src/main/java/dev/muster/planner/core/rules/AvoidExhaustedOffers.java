package dev.muster.planner.core.rules;

import dev.muster.planner.core.CloudState;
import dev.muster.planner.core.Constraint;
import dev.muster.planner.core.Hold;
import dev.muster.planner.core.Launches;
import dev.muster.planner.core.Offer;
import dev.muster.planner.core.Phase;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Pool;
import dev.muster.planner.core.Proposal;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;
import dev.muster.planner.core.Verdict;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Leaves out offers that the cloud refused of late, and tries what was refused long enough ago with one machine. */
public final class AvoidExhaustedOffers implements Rule.OfOffer {

    @Override
    public Verdict judge(Planning planning, Proposal proposal, Offer offer, int wanted, List<Launches.Share> chosen) {
        var holds = holds(planning, proposal.pool(), offer);
        var blocking = holds.stream().filter(hold -> blocks(planning, hold)).findFirst();
        if (blocking.isPresent()) {
            var hold = blocking.get();
            var constraint = Constraint.by(this, reason(hold)).how("held").offer(offer.key());
            if (hold.until() != null) {
                constraint.instant("until", hold.until());
            }
            return Verdict.atMost(0, hold.until(), constraint.done());
        }
        if (holds.isEmpty()) {
            return Verdict.allow(wanted);
        }
        // The others go on to the next offer.
        return new Verdict(1, Constraint.by(this, reason(holds.get(0))).how("probing").offer(offer.key()).done(), null, holds);
    }

    private static List<Hold> holds(Planning planning, Pool pool, Offer offer) {
        var key = offer.key();
        var fleet = planning.fleet();
        return Stream.of(
                        fleet.hold(Hold.Kind.POOL, pool.name()),
                        fleet.hold(Hold.Kind.ACCOUNT, Hold.accountSubject(key)),
                        fleet.hold(Hold.Kind.QUOTA, Hold.quotaSubject(key)),
                        fleet.hold(Hold.Kind.CAPACITY, Hold.capacitySubject(key)))
                .flatMap(Optional::stream).toList();
    }

    /** Until its time, and while its probe has not been answered. */
    private static boolean blocks(Planning planning, Hold hold) {
        if (hold.until() == null || !planning.hasPassed(hold.until())) {
            return true;
        }
        return !hold.probe().isEmpty() && planning.fleet().machine(hold.probe())
                .filter(machine -> machine.phase() == Phase.REQUESTED || machine.phase() == Phase.LAUNCHING
                        || machine.phase().isStaying() && machine.cloud() == CloudState.WAITING).isPresent();
    }

    private static Reason reason(Hold hold) {
        return switch (hold.kind()) {
            case CAPACITY, SPOT -> Reason.OFFERS_EXHAUSTED;
            case QUOTA -> Reason.QUOTA_HELD;
            case ACCOUNT -> Reason.ACCOUNT_HELD;
            case POOL -> Reason.POOL_HELD;
            case CIRCUIT -> Reason.CIRCUIT_OPEN;
        };
    }
}
