package dev.muster.planner.topic;

import dev.muster.planner.Settings;
import io.grpc.Context;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * Reads parts of topics for calls that ask for more than is in memory, and holds nothing of them: some at a time, each within a time, on threads of
 * their own. One more is refused rather than kept waiting. Thread-safe; callers are never blocked.
 */
public final class TopicReaders implements AutoCloseable {

    private final Settings settings;
    private final String name;
    private final Duration longest;
    private final ThreadPoolExecutor readers;

    /** All readers are busy: say so rather than let calls wait. */
    public static final class Busy extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    /** The call has no more time, or there is more to read than any call has time for. */
    public static final class TooLong extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    /**
     * @param name of the threads
     * @param atOnce readings: each is a consumer of its own with some megabytes, and keeps a processor busy for as long as it reads
     * @param longest that one may take, however long its call waits
     */
    public TopicReaders(Settings settings, String name, int atOnce, Duration longest) {
        this.settings = settings;
        this.name = name;
        this.longest = longest;
        readers = new ThreadPoolExecutor(0, atOnce, 30, TimeUnit.SECONDS, new SynchronousQueue<>(), task -> {
            var thread = new Thread(task, name);
            thread.setDaemon(true);
            return thread;
        });
    }

    /** Reads for the call that this thread serves, as long as it waits. @return fails with {@link Busy}, {@link TooLong}, or what the reading threw */
    public <R> CompletableFuture<R> read(Function<TopicReading, R> what) {
        return read(longest, what);
    }

    /**
     * As above.
     *
     * @param time after which the reading is over, if the call waits that long
     */
    public <R> CompletableFuture<R> read(Duration time, Function<TopicReading, R> what) {
        return read(Context.current(), time, what);
    }

    /** As above, for several calls: that one of them ends doesn't end it. */
    public <R> CompletableFuture<R> readForMany(Duration time, Function<TopicReading, R> what) {
        return read(Context.ROOT, time, what);
    }

    private <R> CompletableFuture<R> read(Context call, Duration time, Function<TopicReading, R> what) {
        try {
            return CompletableFuture.supplyAsync(() -> {
                try (var reading = new TopicReading(settings.kafka(), name, call, time.compareTo(longest) < 0 ? time : longest)) {
                    return what.apply(reading);
                }
            }, readers);
        } catch (RejectedExecutionException busy) {
            return CompletableFuture.failedFuture(new Busy());
        }
    }

    @Override
    public void close() {
        readers.shutdownNow();
    }
}
