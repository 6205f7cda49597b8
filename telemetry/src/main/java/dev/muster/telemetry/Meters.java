package dev.muster.telemetry;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.DoubleSupplier;

/** Counts and shows what {@link Metrics} defines, and nothing else. Values of labels come in the definition's order. Thread-safe. */
public final class Meters {

    private final MeterRegistry registry;
    /** The registry looks a meter up by name and tags each time, which is too slow for every record. */
    private final Map<Series, Counter> counters = new ConcurrentHashMap<>();
    private final Map<Series, Timer> timers = new ConcurrentHashMap<>();
    private final Map<Series, Gauge> gauges = new HashMap<>();
    private final Map<Series, DoubleSupplier> values = new ConcurrentHashMap<>();
    /** What a group shows now. */
    private final Map<Group, Map<Series, DoubleSupplier>> groups = new HashMap<>();

    private record Series(Metric metric, List<String> labels) {
        Series {
            labels = List.copyOf(labels);
            if (labels.size() != metric.labels().size()) {
                throw new IllegalArgumentException(metric.name() + " has the labels " + metric.labels() + ", not " + labels.size());
            }
        }
    }

    private record Group(Metric metric, Object owner) {}

    public Meters(MeterRegistry registry) {
        this.registry = registry;
    }

    /** As a label's value. */
    public static String word(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    public void count(Metric metric, String... labels) {
        count(metric, 1.0, labels);
    }

    /** @param amount not negative */
    public void count(Metric metric, double amount, String... labels) {
        counters.computeIfAbsent(new Series(metric, List.of(labels)), series -> Counter.builder(metric.name()).description(metric.meaning())
                .tags(tags(series)).register(registry)).increment(amount);
    }

    public void time(Metric metric, Duration took, String... labels) {
        timers.computeIfAbsent(new Series(metric, List.of(labels)), series -> Timer.builder(meter(metric)).description(metric.meaning())
                .serviceLevelObjectives(metric.buckets().toArray(Duration[]::new)).tags(tags(series)).register(registry))
                .record(took.isNegative() ? 0 : took.toNanos(), TimeUnit.NANOSECONDS);
    }

    /** A gauge that is there for as long as the process. */
    public void show(Metric metric, DoubleSupplier value, String... labels) {
        show(new Series(metric, List.of(labels)), value);
    }

    /** What {@code owner} shows of a metric from now on; what it showed before and is not in it is shown no more. */
    public synchronized void show(Metric metric, Object owner, Map<List<String>, DoubleSupplier> now) {
        var group = new Group(metric, owner);
        var next = new HashMap<Series, DoubleSupplier>();
        now.forEach((labels, value) -> next.put(new Series(metric, labels), value));
        var before = now.isEmpty() ? groups.remove(group) : groups.put(group, next);
        next.forEach(this::show);
        if (before != null) {
            var gone = new HashSet<>(before.keySet());
            gone.removeAll(next.keySet());
            gone.forEach(series -> hide(series, before.get(series)));
        }
    }

    private synchronized void show(Series series, DoubleSupplier value) {
        values.put(series, value);
        gauges.computeIfAbsent(series, one -> Gauge.builder(one.metric().name(), () -> value(one)).description(one.metric().meaning()).tags(tags(one)).register(registry));
    }

    /** Unless another owner shows it by now. */
    private void hide(Series series, DoubleSupplier value) {
        if (values.remove(series, value)) {
            registry.remove(gauges.remove(series));
        }
    }

    private double value(Series series) {
        var value = values.get(series);
        return value == null ? Double.NaN : value.getAsDouble();
    }

    private static List<Tag> tags(Series series) {
        var tags = new ArrayList<Tag>();
        for (int i = 0; i < series.labels().size(); i++) {
            tags.add(Tag.of(series.metric().labels().get(i), series.labels().get(i)));
        }
        return tags;
    }

    /** The registry adds the unit of a timer itself. */
    private static String meter(Metric metric) {
        return metric.name().substring(0, metric.name().length() - "_seconds".length());
    }
}
