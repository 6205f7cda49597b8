package dev.muster.planner.core;

import java.time.Instant;
import java.util.List;

/**
 * What a rule says of an offer.
 *
 * @param allowed machines of it; the number wanted: nothing is in the way
 * @param constraint null: nothing is in the way
 * @param until when that ends by itself; null: it does not
 * @param probes holds that such a launch tries
 */
public record Verdict(int allowed, Constraint constraint, Instant until, List<Hold> probes) {

    public static Verdict allow(int wanted) {
        return new Verdict(wanted, null, null, List.of());
    }

    public static Verdict atMost(int allowed, Instant until, Constraint constraint) {
        return new Verdict(Math.max(0, allowed), constraint, until, List.of());
    }
}
