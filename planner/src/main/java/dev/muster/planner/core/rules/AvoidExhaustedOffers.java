package dev.muster.planner.core.rules;

import dev.muster.planner.core.Hold;
import dev.muster.planner.core.Launches;
import dev.muster.planner.core.Offer;
import dev.muster.planner.core.Phase;
import dev.muster.planner.core.PlanRecord.Alternative;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Pool;
import dev.muster.planner.core.Proposal;
import dev.muster.planner.core.Reason;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Takes the pool's offers in order, leaves out what the cloud has refused of late, and tries what was refused long enough ago with
 * one machine.
 */
public final class AvoidExhaustedOffers implements Launches.OfferChoice {

    @Override
    public Launches.Chosen choose(Planning planning, Proposal proposal) {
        var pool = proposal.pool();
        var shares = new ArrayList<Launches.Share>();
        var alternatives = new ArrayList<Alternative>();
        int left = proposal.size();
        for (var offer : inOrder(pool)) {
            var holds = holds(planning, pool, offer);
            var blocking = holds.stream().filter(hold -> blocks(planning, hold)).findFirst();
            if (blocking.isPresent()) {
                alternatives.add(new Alternative(offer.key(), reason(blocking.get()), offer.committed(), blocking.get().until()));
                continue;
            }
            if (left == 0) {
                alternatives.add(new Alternative(offer.key(), null, offer.committed(), null));
                continue;
            }
            // What was refused is tried with one machine; the others go on to the next offer.
            int count = holds.isEmpty() ? left : 1;
            shares.add(new Launches.Share(offer, count, holds));
            alternatives.add(new Alternative(offer.key(), null, offer.committed(), null));
            left -= count;
        }
        return new Launches.Chosen(cut(proposal, left, alternatives), shares, alternatives);
    }

    private Proposal cut(Proposal proposal, int left, List<Alternative> alternatives) {
        if (left == 0) {
            return proposal;
        }
        var held = alternatives.stream().filter(alternative -> alternative.reason() != null).toList();
        var reasons = held.stream().map(Alternative::reason).distinct().toList();
        var earliest = held.stream().map(Alternative::until).filter(until -> until != null).min(Comparator.naturalOrder());
        var text = held.isEmpty() ? "an offer that was refused is tried with one machine first"
                : held.stream().map(alternative -> alternative.offer() + " " + words(alternative)).collect(Collectors.joining(", "));
        return proposal.atMost(proposal.size() - left, this, reasons.size() == 1 ? reasons.get(0) : Reason.OFFERS_EXHAUSTED, text,
                earliest.map(until -> "a probe at " + until).orElse("a change of the spec"));
    }

    private static String words(Alternative alternative) {
        var until = alternative.until() == null ? "" : " until " + alternative.until();
        return switch (alternative.reason()) {
            case QUOTA_HELD -> "is at the account's quota" + until;
            case ACCOUNT_HELD -> "is not allowed to the account" + until;
            case POOL_HELD -> "is refused as the spec has it";
            default -> "is out of capacity" + until;
        };
    }

    private static List<Offer> inOrder(Pool pool) {
        if (pool.order() == Pool.Order.LISTED) {
            return pool.offers();
        }
        // A price that is not known is no bargain: such offers come last.
        return pool.offers().stream()
                .sorted(Comparator.comparingLong(offer -> offer.committed().orElse(Long.MAX_VALUE))).toList();
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
        Instant until = hold.until();
        if (until == null || !planning.hasPassed(until)) {
            return true;
        }
        return !hold.probe().isEmpty() && planning.fleet().machine(hold.probe())
                .filter(machine -> machine.phase() == Phase.REQUESTED || machine.phase() == Phase.LAUNCHING).isPresent();
    }

    private static Reason reason(Hold hold) {
        return switch (hold.kind()) {
            case CAPACITY -> Reason.OFFERS_EXHAUSTED;
            case QUOTA -> Reason.QUOTA_HELD;
            case ACCOUNT -> Reason.ACCOUNT_HELD;
            case POOL -> Reason.POOL_HELD;
            case CIRCUIT -> Reason.CIRCUIT_OPEN;
        };
    }
}
