package dev.muster.gcp;

import dev.muster.provisioner.spi.TokenBucket;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Compute Engine's request rates in one account and region, kept on our side. Google counts by the minute and by groups of calls: 1,500 a minute
 * where nothing else is agreed ("Rate quotas" in Compute Engine's documentation). A tenth of it may come at once and a fifth of it is left to
 * whoever else uses the project.
 */
final class GceRates {

    private static final double BURST = 150;
    private static final double PER_SECOND = 20;

    private final TokenBucket reads;
    private final TokenBucket writes;
    private final TokenBucket operations;

    /** @param nanoClock as {@link System#nanoTime} */
    GceRates(LongSupplier nanoClock) {
        reads = new TokenBucket(BURST, PER_SECOND, nanoClock);
        writes = new TokenBucket(BURST, PER_SECOND, nanoClock);
        operations = new TokenBucket(BURST, PER_SECOND, nanoClock);
    }

    /** How long a launch has to wait. */
    Duration launch() {
        return writes.take(1);
    }

    void awaitRead() {
        await(reads.take(1));
    }

    void awaitWrite() {
        await(writes.take(1));
    }

    void awaitOperation() {
        await(operations.take(1));
    }

    private static void await(Duration wait) {
        try {
            TimeUnit.NANOSECONDS.sleep(wait.toNanos());
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
