package dev.muster.contracts;

import dev.muster.v1.Phase;

/** What the phases of machines' records mean. */
public final class Phases {

    private Phases() {}

    /** Such a machine will not be seen again, and counts for nothing. */
    public static boolean isEnded(Phase phase) {
        return phase == Phase.GONE || phase == Phase.FAILED || phase == Phase.LOST;
    }
}
