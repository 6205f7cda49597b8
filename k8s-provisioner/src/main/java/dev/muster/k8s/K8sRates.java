package dev.muster.k8s;

import dev.muster.provisioner.spi.TokenBucket;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * How fast one cluster's namespace is asked, kept on our side. An API server shares what it can do among all who call (API Priority and Fairness) and
 * has no fixed rate. So the rate is that of the next in line: kube-scheduler binds 50 pods a second, 100 at once, by its own defaults
 * ({@code --kube-api-qps}, {@code --kube-api-burst}); pods that came faster would only wait there. Marks and deletes go beside them, at the same rate.
 */
final class K8sRates {

    private static final double BURST = 100;
    private static final double PER_SECOND = 50;

    private final TokenBucket creates;
    private final TokenBucket writes;

    /** @param nanoClock as {@link System#nanoTime} */
    K8sRates(LongSupplier nanoClock) {
        creates = new TokenBucket(BURST, PER_SECOND, nanoClock);
        writes = new TokenBucket(BURST, PER_SECOND, nanoClock);
    }

    /** How long a launch of so many has to wait. */
    Duration launch(int pods) {
        return creates.take(pods);
    }

    void awaitWrite() {
        try {
            TimeUnit.NANOSECONDS.sleep(writes.take(1).toNanos());
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
