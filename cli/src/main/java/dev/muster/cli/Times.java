package dev.muster.cli;

import com.google.protobuf.Timestamp;
import java.time.Duration;
import java.time.Instant;

/** Moments and spans as people read them. */
final class Times {

    private Times() {}

    static Instant instant(Timestamp at) {
        return Instant.ofEpochSecond(at.getSeconds(), at.getNanos());
    }

    /** The two largest units, such as {@code 1h05m}, {@code 3m12s}, {@code 4.2s}. */
    static String span(Duration span) {
        var seconds = Math.max(0, span.toMillis() / 1000.0);
        if (seconds < 60) {
            return String.format(java.util.Locale.ROOT, seconds < 10 ? "%.1fs" : "%.0fs", seconds);
        }
        if (seconds < 3600) {
            return String.format(java.util.Locale.ROOT, "%dm%02ds", (long) seconds / 60, (long) seconds % 60);
        }
        if (seconds < 48 * 3600) {
            return String.format(java.util.Locale.ROOT, "%dh%02dm", (long) seconds / 3600, (long) seconds / 60 % 60);
        }
        return String.format(java.util.Locale.ROOT, "%dd%02dh", (long) seconds / 86_400, (long) seconds / 3600 % 24);
    }

    static String span(com.google.protobuf.Duration span) {
        return span(Duration.ofSeconds(span.getSeconds(), span.getNanos()));
    }

    /** From one moment to another; a dash where either is missing. */
    static String between(Instant from, Instant to) {
        return from == null || to == null ? "-" : span(Duration.between(from, to));
    }
}
