package dev.muster.planner.core;

import java.time.Duration;

/** When a command that has not had its effect is sent again: for ever, less and less often. */
public final class Repeats {

    private static final Duration FIRST = Duration.ofMinutes(1);
    private static final Duration LONGEST = Duration.ofMinutes(10);

    private Repeats() {}

    /** @param attempts made so far, from 1 */
    public static Duration after(int attempts) {
        var doubled = FIRST.multipliedBy(1L << Math.min(Math.max(attempts, 1) - 1, 10));
        return doubled.compareTo(LONGEST) > 0 ? LONGEST : doubled;
    }
}
