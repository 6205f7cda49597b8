package dev.muster.provisioner.spi;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;

/** Waits for what another thread brings about, with a deadline. */
public final class Await {

    private static final Duration LIMIT = Duration.ofSeconds(60);

    private Await() {}

    public static <T> T until(Callable<T> look, Predicate<T> wanted) {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (true) {
            T seen;
            try {
                seen = look.call();
            } catch (Exception failed) {
                throw new AssertionError(failed);
            }
            if (wanted.test(seen)) {
                return seen;
            }
            if (System.nanoTime() > deadline) {
                throw new AssertionError("not within " + LIMIT.toSeconds() + " s; last seen: " + seen);
            }
            LockSupport.parkNanos(10_000_000);
        }
    }
}
