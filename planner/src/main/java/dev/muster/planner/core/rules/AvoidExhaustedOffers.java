package dev.muster.planner.core.rules;

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
            return Verdict.atMost(0, reason(hold), hold.until(), offer.key() + " " + words(hold),
                    hold.until() == null ? "a change of the spec" : "a probe");
        }
        if (holds.isEmpty()) {
            return Verdict.allow(wanted);
        }
        // The others go on to the next offer.
        return new Verdict(1, reason(holds.get(0)), null, holds, offer.key() + " was refused and is tried with one machine first",
                "the one machine that tries now");
    }

    private static String words(Hold hold) {
        var until = hold.until() == null ? "" : " until " + hold.until();
        return switch (hold.kind()) {
            case QUOTA -> "is at the account's quota" + until;
            case ACCOUNT -> "is not allowed to the account" + until;
            case POOL -> "is refused as the spec has it";
            case CAPACITY, CIRCUIT, SPOT -> "is out of capacity" + until;
        };
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
                .filter(machine -> machine.phase() == Phase.REQUESTED || machine.phase() == Phase.LAUNCHING).isPresent();
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
