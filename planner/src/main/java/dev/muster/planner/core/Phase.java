package dev.muster.planner.core;

import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;

/** Where a machine is, and where it can go from there: the one table of a machine's life. */
public enum Phase {
    /** Admitted, not yet asked of the cloud as far as we know. */
    REQUESTED,
    /** Asked of the cloud; no answer yet. */
    LAUNCHING,
    /** Accepted by the cloud; its worker has not registered. */
    BOOTING,
    /** Its worker is registered. */
    READY,
    /** Marked: it takes no other task. */
    DRAINING,
    /** Asked to end, not yet confirmed. */
    TERMINATING,
    /** The cloud says that it is gone. */
    GONE,
    /** The cloud said that nothing was started. */
    FAILED,
    /** Missing from two complete lists. */
    LOST;

    private static final Map<Phase, Set<Phase>> NEXT = new EnumMap<>(Map.of(
            REQUESTED, EnumSet.of(LAUNCHING, BOOTING, READY, DRAINING, TERMINATING, GONE, FAILED, LOST),
            LAUNCHING, EnumSet.of(BOOTING, READY, DRAINING, TERMINATING, GONE, FAILED, LOST),
            BOOTING, EnumSet.of(READY, DRAINING, TERMINATING, GONE, LOST),
            // Back to BOOTING: its last worker went, and the machine runs on.
            READY, EnumSet.of(BOOTING, DRAINING, TERMINATING, GONE, LOST),
            // Back to READY or BOOTING: the drain was cancelled.
            DRAINING, EnumSet.of(READY, BOOTING, TERMINATING, GONE, LOST),
            TERMINATING, EnumSet.of(GONE, LOST),
            GONE, EnumSet.of(DRAINING),
            // One that is seen alive after all counts again and is drained.
            FAILED, EnumSet.of(DRAINING),
            LOST, EnumSet.of(DRAINING, GONE)));

    public boolean canBecome(Phase next) {
        return this == next || NEXT.get(this).contains(next);
    }

    /** Counts against limits and budgets: from admission until GONE, FAILED or LOST. */
    public boolean isCounted() {
        return !isEnded();
    }

    public boolean isEnded() {
        return this == GONE || this == FAILED || this == LOST;
    }

    /** Will take a task, or soon. */
    public boolean isStaying() {
        return this == REQUESTED || this == LAUNCHING || this == BOOTING || this == READY;
    }

    /** Accepted or asked for, and without a worker. */
    public boolean isStarting() {
        return this == REQUESTED || this == LAUNCHING || this == BOOTING;
    }
}
