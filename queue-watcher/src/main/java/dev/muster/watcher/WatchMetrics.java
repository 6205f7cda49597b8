package dev.muster.watcher;

import dev.muster.telemetry.Meters;
import dev.muster.telemetry.Metrics;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.DoubleSupplier;

/** What the watcher counts and shows. Thread-safe. */
@ApplicationScoped
public class WatchMetrics {

    private final Meters meters;
    private final Map<String, Watched> watched = new ConcurrentHashMap<>();

    /** @param seenAt begin of the last good look, or of the watch, {@link System#nanoTime} */
    private record Watched(long seenAt, int waiting, int adrift) {}

    public WatchMetrics(MeterRegistry registry) {
        this.meters = new Meters(registry);
    }

    /** This process looks at a connection from now on. */
    void watches(String connection) {
        show(connection, new Watched(System.nanoTime(), 0, 0));
    }

    /** Another one does. */
    void leaves(String connection) {
        watched.remove(connection);
        meters.show(Metrics.LOOK_AGE, connection, Map.of());
        meters.show(Metrics.WATCHED_WAITING, connection, Map.of());
        meters.show(Metrics.WATCHED_ADRIFT, connection, Map.of());
    }

    void looked(String connection, boolean isGood, long nanos, int tasksWaiting, int tasksAdrift) {
        meters.time(Metrics.LOOKS, Duration.ofNanos(nanos), connection, isGood ? "good" : "failed");
        // Another process may have taken it over during the look.
        watched.computeIfPresent(connection, (name, before) -> new Watched(isGood ? System.nanoTime() - nanos : before.seenAt, tasksWaiting, tasksAdrift));
    }

    private void show(String connection, Watched first) {
        watched.put(connection, first);
        meters.show(Metrics.LOOK_AGE, connection, Map.of(List.of(connection), of(connection, now -> (System.nanoTime() - now.seenAt) / 1e9)));
        meters.show(Metrics.WATCHED_WAITING, connection, Map.of(List.of(connection), of(connection, now -> now.waiting)));
        meters.show(Metrics.WATCHED_ADRIFT, connection, Map.of(List.of(connection), of(connection, now -> now.adrift)));
    }

    private DoubleSupplier of(String connection, java.util.function.ToDoubleFunction<Watched> value) {
        return () -> {
            var now = watched.get(connection);
            return now == null ? Double.NaN : value.applyAsDouble(now);
        };
    }

    /** @param kind such as DEMAND_OBSERVED */
    void published(String kind) {
        meters.count(Metrics.WATCHER_EVENTS, kind.toLowerCase(Locale.ROOT));
    }

    void rescued(String fleet, String outcome) {
        meters.count(Metrics.RESCUES, fleet, outcome.toLowerCase(Locale.ROOT));
    }

    void unreadable(String topic) {
        meters.count(Metrics.DEAD_LETTERS, topic);
    }

    /** How the process is. */
    void shows(String service, DoubleSupplier isReady, DoubleSupplier skewSeconds) {
        meters.show(Metrics.SERVICE_READY, isReady, service);
        meters.show(Metrics.CLOCK_SKEW, skewSeconds);
    }

    /** Commands that are there and were not handed out. */
    void lags(String topic, DoubleSupplier records) {
        meters.show(Metrics.INPUT_LAG, records, topic);
    }
}
