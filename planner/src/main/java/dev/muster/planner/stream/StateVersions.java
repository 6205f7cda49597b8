package dev.muster.planner.stream;

import dev.muster.v1.StateInfo;

/**
 * The versions of what is stored of a fleet. A field more is no new version, as in the topics: only what a planner of before would read
 * wrongly is one. Whoever raises the number says in {@link #readable} how the last one is read.
 */
final class StateVersions {

    /** What this release writes. */
    static final int CURRENT = 1;

    private StateVersions() {}

    /** What a fleet's state begins with. */
    static StateInfo current() {
        return StateInfo.newBuilder().setVersion(CURRENT).build();
    }

    /**
     * The info of a stored fleet as of this release.
     *
     * @throws NewerStateException if a newer release wrote it
     */
    static StateInfo readable(String fleet, StateInfo stored) {
        if (stored.getVersion() > CURRENT) {
            throw new NewerStateException(fleet, stored.getVersion(), CURRENT);
        }
        return switch (stored.getVersion()) {
            // Before versions were written the form was that of version 1.
            case 0 -> stored.toBuilder().setVersion(CURRENT).build();
            case CURRENT -> stored;
            default -> throw new IllegalStateException("the state of fleet " + fleet + " is of version " + Integer.toUnsignedString(stored.getVersion())
                    + ", which this release doesn't read");
        };
    }
}
