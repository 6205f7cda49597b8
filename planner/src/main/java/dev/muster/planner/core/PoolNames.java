package dev.muster.planner.core;

import java.util.Locale;

/** What becomes of the names of other autoscalers' machine recipes, which may be anything, where they name pools. */
public final class PoolNames {

    /** Of a DNS label, which a pool's name is. */
    public static final int LONGEST = 63;

    private PoolNames() {}

    /** The text as a DNS label: {@code V100_spot} becomes {@code v100-spot}. Empty if nothing of it can be in one. */
    public static String label(String text) {
        var label = text.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-").replaceAll("^-+", "");
        return label.substring(0, Math.min(LONGEST, label.length())).replaceAll("-+$", "");
    }
}
