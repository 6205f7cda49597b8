package dev.muster.planner.access;

import io.github.bucket4j.Bucket;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/** How often each caller may call. Reads and writes are counted apart, so that a page that asks too much keeps nobody from pausing a fleet. Thread-safe. */
final class Rates {

    /** More callers than an installation has: then all begin anew, which gives each one burst more. */
    private static final int CALLERS = 10_000;

    private final AccessSettings.Limits limits;
    private final ConcurrentMap<String, Bucket> reads = new ConcurrentHashMap<>();
    private final ConcurrentMap<String, Bucket> writes = new ConcurrentHashMap<>();

    Rates(AccessSettings.Limits limits) {
        this.limits = limits;
    }

    /** Counts a call. @return how long to wait with it; empty: it may be made */
    Optional<Duration> take(String caller, boolean read) {
        var buckets = read ? reads : writes;
        if (buckets.size() > CALLERS) {
            buckets.clear();
        }
        var taken = buckets.computeIfAbsent(caller, one -> bucket(read ? limits.reads() : limits.writes())).tryConsumeAndReturnRemaining(1);
        return taken.isConsumed() ? Optional.empty() : Optional.of(Duration.ofNanos(taken.getNanosToWaitForRefill()));
    }

    private static Bucket bucket(int perSecond) {
        return Bucket.builder().addLimit(limit -> limit.capacity(2L * perSecond).refillGreedy(perSecond, Duration.ofSeconds(1))).build();
    }
}
