package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;

/** Waits for what processes do in their own time. */
final class Await {

    private Await() {}

    /** Looks five times a second; fails if it has not come within that time. */
    static void within(Duration time, String what, Callable<Boolean> condition) throws Exception {
        var deadline = System.nanoTime() + time.toNanos();
        while (!condition.call()) {
            assertThat(System.nanoTime()).as("within %d s: %s", time.toSeconds(), what).isLessThan(deadline);
            TimeUnit.MILLISECONDS.sleep(200);
        }
    }
}
