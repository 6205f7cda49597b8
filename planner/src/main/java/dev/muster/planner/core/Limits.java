package dev.muster.planner.core;

/** How few and how many machines. {@code min} stay up even with no demand. */
public record Limits(int min, int max) {

    public static final Limits NONE = new Limits(0, Integer.MAX_VALUE);

    public Limits {
        if (min < 0 || max < min) {
            throw new IllegalArgumentException("need 0 <= min <= max, got min=" + min + ", max=" + max);
        }
    }
}
