package dev.muster.planner.core;

import java.util.Locale;

/**
 * What becomes of the names of other autoscalers' machine recipes, which may be anything, where they name pools: an import names its pools so,
 * and machines are adopted by the same rule.
 */
public final class PoolNames {

    /** Leaves room in a worker id, and for a number where two names become one. */
    public static final int LONGEST = 32;

    private PoolNames() {}

    /** The text as a DNS label: {@code V100_spot} becomes {@code v100-spot}. Empty if nothing of it can be in one. */
    public static String label(String text) {
        var label = text.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-").replaceAll("^-+", "");
        return label.substring(0, Math.min(LONGEST, label.length())).replaceAll("-+$", "");
    }
}
