package dev.muster.watcher;

import java.time.Duration;
import java.util.function.DoubleSupplier;

/**
 * How long to wait after failed looks: twice as long after each, up to a most, and spread at random, so that the watchers of many
 * installations don't come back to a server all at once.
 *
 * @param interval between looks that go well; no wait is shorter
 * @param random from 0 to 1, asked once a wait
 */
record Backoff(Duration interval, DoubleSupplier random) {

    /** Readers of the topic hear of a server in trouble as often as of one that is well. */
    private static final Duration MOST_IN_TROUBLE = Duration.ofSeconds(5);
    /** Until a person has put it right. A key that was replaced is in use a minute later at most. */
    private static final Duration MOST_FOR_A_PERSON = Duration.ofSeconds(60);
    private static final int MOST_DOUBLINGS = 16;

    /** @param failures in a row, from 1 */
    Duration after(int failures, FailedRead.Remedy remedy) {
        var most = longer(remedy == FailedRead.Remedy.A_PERSON ? MOST_FOR_A_PERSON : MOST_IN_TROUBLE, interval.multipliedBy(4));
        var doubled = interval.multipliedBy(1L << Math.min(MOST_DOUBLINGS, failures - 1));
        var whole = doubled.compareTo(most) < 0 ? doubled : most;
        return longer(interval, whole.minusNanos((long) (whole.toNanos() / 2 * random.getAsDouble())));
    }

    private static Duration longer(Duration one, Duration other) {
        return one.compareTo(other) > 0 ? one : other;
    }
}
