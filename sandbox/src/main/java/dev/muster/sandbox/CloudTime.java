package dev.muster.sandbox;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** A stand-in cloud's clock and its alarm clock in one, so that a test moves both together. Thread-safe. */
public interface CloudTime extends AutoCloseable {

    Instant now();

    /** Runs {@code what} once {@code wait} has passed, on a thread that may block. Zero means soon, not here. */
    void after(Duration wait, Runnable what);

    @Override
    void close();

    /** The machine's own clock. */
    static CloudTime real() {
        // Two threads: a machine image that is slow to start must not hold up every other machine's timers.
        // Once closed, a machine that still runs may set a timer: nothing is left that it could change.
        var timers = new ScheduledThreadPoolExecutor(2, task -> {
            var thread = new Thread(task, "cloud-time");
            thread.setDaemon(true);
            return thread;
        }, new ThreadPoolExecutor.DiscardPolicy());
        timers.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        return new CloudTime() {
            @Override
            public Instant now() {
                return Instant.now();
            }

            @Override
            public void after(Duration wait, Runnable what) {
                timers.schedule(what, wait.toNanos(), TimeUnit.NANOSECONDS);
            }

            @Override
            public void close() {
                timers.shutdown();
            }
        };
    }
}
