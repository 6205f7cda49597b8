package dev.muster.planner.core;

import java.time.Instant;
import java.util.List;

/**
 * What a rule says of an offer.
 *
 * @param allowed machines of it; the number wanted: nothing is in the way
 * @param reason null: nothing is in the way
 * @param until when that ends by itself; null: it does not
 * @param probes holds that such a launch tries
 */
public record Verdict(int allowed, Reason reason, Instant until, List<Hold> probes, String text, String unblockedBy) {

    public static Verdict allow(int wanted) {
        return new Verdict(wanted, null, null, List.of(), "", "");
    }

    public static Verdict atMost(int allowed, Reason reason, Instant until, String text, String unblockedBy) {
        return new Verdict(Math.max(0, allowed), reason, until, List.of(), text, unblockedBy);
    }
}
