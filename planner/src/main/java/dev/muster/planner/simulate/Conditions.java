package dev.muster.planner.simulate;

import java.time.Duration;
import java.time.Instant;

/**
 * What a simulation assumes about the world. What is random is drawn from the simulation's seed; {@link #QUIET} is a world in which
 * nothing fails.
 *
 * @param begin the calendar's moment at the workload's second zero: what schedules and monthly budgets go by
 * @param boot median from a machine's running until its worker registers: image, init script and agent; more than zero
 * @param bootSpread standard deviation of the boot time's logarithm, 0 to 2; 0: every boot takes the median
 * @param bootFailures share of machines whose worker never comes, 0 to 1
 * @param outOfCapacity share of the time in which an offer has no capacity, 0 to 0.99, in spells of half an hour on average
 * @param interruptions how often the cloud takes a spot machine back, times an hour, 0 to 100
 * @param spotSpread how far spot prices move from the spec's, as a share of it, 0 to 1
 */
public record Conditions(Instant begin, Duration boot, double bootSpread, double bootFailures, double outOfCapacity, double interruptions,
        double spotSpread) {

    /** Nothing is refused, interrupted or repriced; two minutes is what a GPU image with a container to pull takes. */
    public static final Conditions QUIET =
            new Conditions(Instant.parse("2026-01-01T00:00:00Z"), Duration.ofSeconds(120), 0.25, 0, 0, 0, 0);

    public Conditions {
        within("boot seconds", boot.toSeconds(), 1, 86_400);
        within("boot spread", bootSpread, 0, 2);
        within("boot failures", bootFailures, 0, 1);
        within("out of capacity", outOfCapacity, 0, 0.99);
        within("interruptions", interruptions, 0, 100);
        within("spot spread", spotSpread, 0, 1);
    }

    private static void within(String name, double value, double least, double most) {
        if (!(value >= least && value <= most)) {
            throw new IllegalArgumentException(name + " is " + value + ": it must be from " + number(least) + " to " + number(most));
        }
    }

    private static String number(double value) {
        return value == (long) value ? Long.toString((long) value) : Double.toString(value);
    }

    public Conditions withBegin(Instant moment) {
        return new Conditions(moment, boot, bootSpread, bootFailures, outOfCapacity, interruptions, spotSpread);
    }

    public Conditions withBoot(Duration median, double spread) {
        return new Conditions(begin, median, spread, bootFailures, outOfCapacity, interruptions, spotSpread);
    }

    public Conditions withBootFailures(double share) {
        return new Conditions(begin, boot, bootSpread, share, outOfCapacity, interruptions, spotSpread);
    }

    public Conditions withOutOfCapacity(double share) {
        return new Conditions(begin, boot, bootSpread, bootFailures, share, interruptions, spotSpread);
    }

    public Conditions withInterruptions(double anHour) {
        return new Conditions(begin, boot, bootSpread, bootFailures, outOfCapacity, anHour, spotSpread);
    }

    public Conditions withSpotSpread(double share) {
        return new Conditions(begin, boot, bootSpread, bootFailures, outOfCapacity, interruptions, share);
    }
}
