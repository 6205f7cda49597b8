package dev.muster.planner.simulation;

import java.util.List;

/**
 * Numbers that depend on a seed and a name alone, so that a run repeats itself on every machine. Each part of the world throws its own,
 * so that one part's throws don't move another's. (SplitMix64, whose constants these are.)
 */
final class Dice {

    private static final long GAMMA = 0x9E3779B97F4A7C15L;

    private long state;

    Dice(long seed, String name) {
        state = mix(seed * GAMMA + mix(name.hashCode()));
    }

    private static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    private long next() {
        state += GAMMA;
        return mix(state);
    }

    /** 0 to {@code bound} - 1. */
    int below(int bound) {
        return (int) Long.remainderUnsigned(next(), bound);
    }

    /** Both ends included. */
    long between(long low, long high) {
        return low + Long.remainderUnsigned(next(), high - low + 1);
    }

    int between(int low, int high) {
        return (int) between((long) low, (long) high);
    }

    /** @param percent of a hundred */
    boolean chance(int percent) {
        return below(100) < percent;
    }

    <T> T oneOf(List<T> choices) {
        return choices.get(below(choices.size()));
    }
}
