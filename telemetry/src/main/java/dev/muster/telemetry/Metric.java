package dev.muster.telemetry;

import java.time.Duration;
import java.util.List;

/**
 * One figure that services show, as Prometheus has it.
 *
 * @param name with its unit, and {@code _total} where it only grows
 * @param unit of the values, for people
 * @param labels their values are few and stay: never a task or a machine
 * @param buckets upper bounds of a histogram; empty for others
 * @param shownBy services that have it
 */
public record Metric(String name, Kind kind, String unit, List<String> labels, List<Duration> buckets, List<String> shownBy, String meaning) {

    /** A histogram is always of seconds. */
    public enum Kind { COUNTER, GAUGE, HISTOGRAM }

    public Metric {
        labels = List.copyOf(labels);
        buckets = List.copyOf(buckets);
        shownBy = List.copyOf(shownBy);
        if (!name.matches("muster(_[a-z0-9]+)+")) {
            throw new IllegalArgumentException("a metric can't be called " + name);
        }
        if (name.endsWith("_total") != (kind == Kind.COUNTER)) {
            throw new IllegalArgumentException(name + " is a " + kind + ": _total is what counters end with, and nothing else");
        }
        if (buckets.isEmpty() == (kind == Kind.HISTOGRAM) || kind == Kind.HISTOGRAM && !name.endsWith("_seconds")) {
            throw new IllegalArgumentException(name + " is a " + kind + " with " + buckets.size() + " buckets");
        }
    }

    static Metric counter(String name, String unit, List<String> shownBy, List<String> labels, String meaning) {
        return new Metric(name, Kind.COUNTER, unit, labels, List.of(), shownBy, meaning);
    }

    static Metric gauge(String name, String unit, List<String> shownBy, List<String> labels, String meaning) {
        return new Metric(name, Kind.GAUGE, unit, labels, List.of(), shownBy, meaning);
    }

    static Metric histogram(String name, List<Duration> buckets, List<String> shownBy, List<String> labels, String meaning) {
        return new Metric(name, Kind.HISTOGRAM, "seconds", labels, buckets, shownBy, meaning);
    }

    /** Names of the series that Prometheus has of it. */
    public List<String> series() {
        return kind == Kind.HISTOGRAM ? List.of(name + "_bucket", name + "_count", name + "_sum", name + "_max") : List.of(name);
    }
}
