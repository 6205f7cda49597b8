package dev.muster.sandbox.clearml;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waits for what other threads bring about, looking often, up to a deadline. */
public final class Await {

    private Await() {
    }

    public static void until(Duration most, Supplier<String> what, BooleanSupplier condition) {
        var deadline = Instant.now().plus(most);
        while (!condition.getAsBoolean()) {
            if (Instant.now().isAfter(deadline)) {
                throw new AssertionError("not within " + most + ": " + what.get());
            }
            LockSupport.parkNanos(Duration.ofMillis(10).toNanos());
        }
    }
}
