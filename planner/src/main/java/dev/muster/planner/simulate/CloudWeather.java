package dev.muster.planner.simulate;

import dev.muster.planner.core.Costs;
import dev.muster.planner.core.Market;
import dev.muster.planner.core.Offer;
import dev.muster.planner.core.OfferKey;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What a cloud does of its own accord, drawn from the seed: when an offer has no capacity, and what spot costs in which hour. */
final class CloudWeather {

    private static final long HOUR = 3600;
    /** Mean length of a spell without capacity, seconds. */
    private static final double SPELL = 1800;
    /** How much of an hour's deviation the next hour keeps: spot prices drift rather than jump. */
    private static final double MEMORY = 0.9;

    private final Draws draws;
    private final Conditions conditions;
    /** Begin of each spell with capacity and without, alternating, by capacity key. */
    private final Map<String, TreeMap<Long, Boolean>> spells = new HashMap<>();
    private final Map<OfferKey, List<Double>> deviations = new HashMap<>();

    CloudWeather(Draws draws, Conditions conditions) {
        this.draws = draws;
        this.conditions = conditions;
    }

    /** Whether a launch of the offer is refused for lack of capacity at that second. */
    boolean isOut(OfferKey offer, long at) {
        double out = conditions.outOfCapacity();
        if (out == 0) {
            return false;
        }
        var key = offer.scope() + " " + offer.capacityKey();
        var known = spells.computeIfAbsent(key, absent -> new TreeMap<>(Map.of(0L, draws.share("capacity at first", absent, 0) < out)));
        while (known.lastKey() <= at) {
            boolean isOut = known.lastEntry().getValue();
            double mean = isOut ? SPELL : SPELL * (1 - out) / out;
            known.put(known.lastKey() + draws.exponential(mean, "capacity", key, known.size()), !isOut);
        }
        return known.floorEntry(at).getValue();
    }

    /** Micro-units an hour in the hour of that second; the spec's price where it is not spot or doesn't move. */
    long price(Offer offer, long at) {
        long base = offer.price().orElse(0);
        if (offer.key().market() != Market.SPOT || conditions.spotSpread() == 0) {
            return base;
        }
        var known = deviations.computeIfAbsent(offer.key(), key -> new ArrayList<>());
        int hour = (int) (at / HOUR);
        var name = offer.key().scope() + " " + offer.key();
        while (known.size() <= hour) {
            double before = known.isEmpty() ? 0 : known.get(known.size() - 1);
            double next = MEMORY * before + StrictMath.sqrt(1 - MEMORY * MEMORY) * draws.normal("price", name, known.size()) / 2;
            known.add(Math.max(-1, Math.min(1, next)));
        }
        return Math.round(base * (1 + conditions.spotSpread() * known.get(hour)));
    }

    /** The market asks more than the offer's ceiling: nothing is launched, and what runs is taken back. */
    boolean isAboveCeiling(Offer offer, long at) {
        return offer.key().market() == Market.SPOT && offer.ceiling().isPresent() && offer.price().isPresent()
                && price(offer, at) > offer.ceiling().getAsLong();
    }

    /** Micro-units times 3600 for those seconds, disks and address and the pool's factor included; null where the offer has no price. */
    BigInteger cost(Offer offer, Costs costs, long from, long to) {
        if (offer.price().isEmpty()) {
            return null;
        }
        var sum = BigInteger.ZERO;
        if (offer.key().market() != Market.SPOT || conditions.spotSpread() == 0) {
            return BigInteger.valueOf(costs.of(offer.price().getAsLong())).multiply(BigInteger.valueOf(to - from));
        }
        for (long at = from; at < to; ) {
            long until = Math.min(to, (at / HOUR + 1) * HOUR);
            sum = sum.add(BigInteger.valueOf(costs.of(price(offer, at))).multiply(BigInteger.valueOf(until - at)));
            at = until;
        }
        return sum;
    }
}
