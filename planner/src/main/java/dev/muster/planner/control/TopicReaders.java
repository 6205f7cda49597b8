package dev.muster.planner.control;

import dev.muster.contracts.KafkaSettings;
import dev.muster.planner.Settings;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Reads stretches of topics for calls that ask for more than is in memory: few at a time, each within a time, on threads of their own.
 * Thread-safe; callers are never blocked.
 */
public final class TopicReaders implements AutoCloseable {

    /** A planner has two cores, and its own work goes first. */
    static final int AT_ONCE = 4;
    /** Of one reading, what the broker sends ahead included. Bytes. */
    private static final int FETCH = 4 * 1024 * 1024;

    /** All are busy: say so rather than let calls wait. */
    static final class TooMany extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    /** What is done with a reader. */
    interface Reading<T> {
        T of(TopicStretch range);
    }

    private final Settings settings;
    private final ThreadPoolExecutor readers = new ThreadPoolExecutor(0, AT_ONCE, 30, TimeUnit.SECONDS, new SynchronousQueue<>(), task -> {
        var thread = new Thread(task, "topic-reader");
        thread.setDaemon(true);
        return thread;
    });

    public TopicReaders(Settings settings) {
        this.settings = settings;
    }

    /**
     * @param time after which the reading ends with what it has
     * @return fails with {@link TooMany}, or with what the reading threw
     */
    <T> CompletableFuture<T> read(Duration time, Reading<T> reading) {
        try {
            return CompletableFuture.supplyAsync(() -> {
                var config = KafkaSettings.consumer(settings.kafka());
                config.put("client.id", Settings.SERVICE + "-ranges");
                config.put("fetch.max.bytes", FETCH);
                config.put("max.partition.fetch.bytes", FETCH);
                try (var range = new TopicStretch(config, time)) {
                    return reading.of(range);
                }
            }, readers);
        } catch (RejectedExecutionException busy) {
            return CompletableFuture.failedFuture(new TooMany());
        }
    }

    @Override
    public void close() {
        readers.shutdownNow();
    }
}
