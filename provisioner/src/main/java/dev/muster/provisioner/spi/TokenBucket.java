package dev.muster.provisioner.spi;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * A cloud's rate for one kind of call in one scope, kept on our side so that the cloud has nothing to refuse. Thread-safe.
 *
 * <p>Callers queue up by taking tokens ahead of time: each is told how long to wait, and comes no earlier.
 */
public final class TokenBucket {

    private final double burst;
    private final double perNano;
    private final LongSupplier nanoClock;
    private double tokens;
    private boolean unanswered;
    private long filledAt;

    /**
     * @param burst most tokens it holds, and holds at first
     * @param perSecond tokens that come back in a second
     */
    public TokenBucket(double burst, double perSecond) {
        this(burst, perSecond, System::nanoTime);
    }

    /** As above, by a clock of the caller's. */
    public TokenBucket(double burst, double perSecond, LongSupplier nanoClock) {
        if (!(burst >= 1) || !(perSecond > 0)) {
            throw new IllegalArgumentException("a bucket of " + burst + " tokens with " + perSecond + " a second lets nobody through");
        }
        this.burst = burst;
        this.perNano = perSecond / 1e9;
        this.nanoClock = nanoClock;
        this.tokens = burst;
        this.filledAt = nanoClock.getAsLong();
    }

    /** Takes {@code count} tokens and says how long the caller has to wait for them. */
    public synchronized Duration take(double count) {
        fill();
        tokens -= count;
        return missing(0);
    }

    /**
     * Takes {@code count} tokens for a call that is sent now, if it holds them, and none else. The cloud's bucket begins to refill when a call reaches
     * it, however long that takes: from full, this one refills once {@link #answered} says that one has.
     *
     * @return zero if they were taken; else how long until it would hold them
     */
    public synchronized Duration takeOrWait(double count) {
        fill();
        var wait = missing(count);
        if (wait.isZero()) {
            unanswered |= tokens >= burst;
            tokens -= count;
        }
        return wait;
    }

    /** A call that took from it was answered, or never will be. */
    public synchronized void answered() {
        fill();
        unanswered = false;
    }

    /** Puts back what was taken and not used. */
    public synchronized void giveBack(double count) {
        fill();
        tokens = Math.min(burst, tokens + count);
    }

    private void fill() {
        long now = nanoClock.getAsLong();
        if (!unanswered) {
            tokens = Math.min(burst, tokens + (now - filledAt) * perNano);
        }
        filledAt = now;
    }

    private Duration missing(double count) {
        return tokens >= count ? Duration.ZERO : Duration.ofNanos((long) Math.ceil((count - tokens) / perNano));
    }
}
