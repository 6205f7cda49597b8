package dev.muster.planner.simulate;

/**
 * Random numbers by name: the n-th boot of a pool takes the same time in every simulation with the same seed, whatever else happens
 * in it. So two specs meet the same luck, and what differs between them is the specs.
 */
final class Draws {

    private static final long GOLDEN = 0x9E3779B97F4A7C15L;
    /** Longest a boot takes, in medians. */
    private static final double LONGEST = 6;

    private final long seed;

    Draws(long seed) {
        this.seed = seed;
    }

    /** Uniform over 0 to 1, itself not included. */
    double share(String what, String whose, long number) {
        long mixed = mix(mix(mix(seed ^ GOLDEN) + hash(what)) + hash(whose)) + number * GOLDEN;
        return (mix(mixed) >>> 11) * 0x1.0p-53;
    }

    /** Uniform over whole numbers, both ends included. */
    long between(long least, long most, String what, String whose, long number) {
        return least + (long) (share(what, whose, number) * (most - least + 1));
    }

    /** Seconds until something happens that happens so often. */
    long exponential(double meanSeconds, String what, String whose, long number) {
        return Math.max(1, Math.round(-StrictMath.log(1 - share(what, whose, number)) * meanSeconds));
    }

    /** Seconds, at least one, log-normal around the median. */
    long logNormal(double medianSeconds, double spread, String what, String whose, long number) {
        double factor = Math.min(LONGEST, StrictMath.exp(spread * normal(what, whose, number)));
        return Math.max(1, Math.round(medianSeconds * factor));
    }

    /** Standard normal, by Box and Muller. */
    double normal(String what, String whose, long number) {
        double radius = StrictMath.sqrt(-2 * StrictMath.log(1 - share(what, whose, 2 * number)));
        return radius * StrictMath.cos(2 * Math.PI * share(what, whose, 2 * number + 1));
    }

    /** String.hashCode is specified, but 32 bits of it collide too easily. */
    private static long hash(String text) {
        long hash = 0xCBF29CE484222325L;
        for (int i = 0; i < text.length(); i++) {
            hash = (hash ^ text.charAt(i)) * 0x100000001B3L;
        }
        return hash;
    }

    /** The finalizer of SplitMix64. */
    private static long mix(long value) {
        value = (value ^ value >>> 30) * 0xBF58476D1CE4E5B9L;
        value = (value ^ value >>> 27) * 0x94D049BB133111EBL;
        return value ^ value >>> 31;
    }
}
