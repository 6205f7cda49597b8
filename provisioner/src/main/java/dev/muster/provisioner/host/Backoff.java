package dev.muster.provisioner.host;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/**
 * How long to wait before the same call again: doubling from {@code first} to {@code most}, each wait between half and all of it,
 * so that many callers who failed together don't come back together.
 */
public record Backoff(Duration first, Duration most) {

    /** EC2 asks for exponential waits of this size; half a minute bounds how late a cloud that is back is noticed. */
    public static final Backoff USUAL = new Backoff(Duration.ofMillis(250), Duration.ofSeconds(30));

    /** @param attempts calls that failed so far, at least 1 */
    public Duration after(int attempts) {
        long whole = Math.min(most.toMillis(), first.toMillis() << Math.min(attempts - 1, 20));
        return Duration.ofMillis(whole / 2 + ThreadLocalRandom.current().nextLong(whole / 2 + 1));
    }
}
