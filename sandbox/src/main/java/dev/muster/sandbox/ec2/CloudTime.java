package dev.muster.sandbox.ec2;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** The stand-in's clock and its alarm clock in one, so that a test moves both together. Thread-safe. */
interface CloudTime extends AutoCloseable {

    Instant now();

    /** Runs {@code what} once {@code wait} has passed, on a thread that may block. Zero means soon, not here. */
    void after(Duration wait, Runnable what);

    @Override
    void close();

    /** The machine's own clock. */
    static CloudTime real() {
        // Two threads: a machine image that is slow to start must not hold up every other machine's timers.
        ScheduledExecutorService timers = Executors.newScheduledThreadPool(2, task -> {
            var thread = new Thread(task, "ec2-time");
            thread.setDaemon(true);
            return thread;
        });
        return new CloudTime() {
            @Override
            public Instant now() {
                return Instant.now();
            }

            @Override
            public void after(Duration wait, Runnable what) {
                if (!timers.isShutdown()) {
                    timers.schedule(what, wait.toNanos(), TimeUnit.NANOSECONDS);
                }
            }

            @Override
            public void close() {
                timers.shutdownNow();
            }
        };
    }
}
