package dev.muster.planner;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;

/** Waits for what other threads and brokers do in their own time. */
public final class Await {

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private Await() {}

    /** Looks fifty times a second. @throws AssertionError if it has not come within a minute */
    public static void await(String what, Callable<Boolean> condition) throws Exception {
        await(() -> what, condition);
    }

    /** As above. @param what is asked for once it has not come */
    public static void await(Callable<String> what, Callable<Boolean> condition) throws Exception {
        var deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.call()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("not within " + PATIENCE.toSeconds() + " s: " + what.call());
            }
            LockSupport.parkNanos(20_000_000);
        }
    }
}
