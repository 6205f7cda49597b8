package dev.muster.cli;

import java.time.Duration;
import java.util.Collection;
import java.util.List;

/** How long most had to wait. Nearest rank: a percentile is always one that was seen. */
record Percentiles(int count, Duration p50, Duration p90, Duration p99, Duration most) {

    static Percentiles of(Collection<Duration> waits) {
        var sorted = waits.stream().sorted().toList();
        return new Percentiles(sorted.size(), at(sorted, 50), at(sorted, 90), at(sorted, 99), at(sorted, 100));
    }

    private static Duration at(List<Duration> sorted, int percent) {
        return sorted.isEmpty() ? Duration.ZERO : sorted.get(Math.max(0, (int) Math.ceil(sorted.size() * percent / 100.0) - 1));
    }
}
