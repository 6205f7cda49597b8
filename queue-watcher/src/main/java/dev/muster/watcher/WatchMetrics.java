package dev.muster.watcher;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** What the watcher counts. Thread-safe. */
@ApplicationScoped
public class WatchMetrics {

    private final MeterRegistry registry;
    private final Map<String, AtomicInteger> waiting = new ConcurrentHashMap<>();
    private final Map<String, AtomicInteger> adrift = new ConcurrentHashMap<>();

    public WatchMetrics(MeterRegistry registry) {
        this.registry = registry;
    }

    void looked(String connection, boolean isGood, long nanos, int tasksWaiting, int tasksAdrift) {
        registry.timer("muster.watcher.look", "connection", connection, "outcome", isGood ? "good" : "failed")
                .record(nanos, TimeUnit.NANOSECONDS);
        gauge(waiting, "muster.watcher.tasks.waiting", connection).set(tasksWaiting);
        gauge(adrift, "muster.watcher.tasks.adrift", connection).set(tasksAdrift);
    }

    /** @param kind such as DEMAND_OBSERVED */
    void published(String kind) {
        registry.counter("muster.watcher.events", "kind", kind.toLowerCase(java.util.Locale.ROOT)).increment();
    }

    void rescued(String outcome) {
        registry.counter("muster.watcher.rescues", "outcome", outcome.toLowerCase(java.util.Locale.ROOT)).increment();
    }

    void unreadable(String topic) {
        registry.counter("muster.watcher.dead.letters", "topic", topic).increment();
    }

    private AtomicInteger gauge(Map<String, AtomicInteger> gauges, String name, String connection) {
        return gauges.computeIfAbsent(connection,
                key -> registry.gauge(name, Tags.of("connection", connection), new AtomicInteger()));
    }
}
