package dev.muster.cli;

import com.google.protobuf.Timestamp;
import dev.muster.contracts.YamlValue;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;

/** Moments and spans as people read them. */
final class Times {

    private static final DateTimeFormatter SECOND = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss").withZone(ZoneId.systemDefault());
    private static final DateTimeFormatter MINUTE = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm").withZone(ZoneId.systemDefault());

    private Times() {}

    static Instant instant(Timestamp at) {
        return dev.muster.contracts.Times.instant(at);
    }

    static Timestamp timestamp(Instant at) {
        return dev.muster.contracts.Times.timestamp(at);
    }

    static Duration duration(com.google.protobuf.Duration span) {
        return dev.muster.contracts.Times.duration(span);
    }

    /** A span before now, such as {@code 90m}, or a moment as programs write it. @throws CliFailure if it is neither */
    static Instant moment(String option, String text, Instant now) {
        try {
            return YamlValue.parseDuration(text).map(span -> now.minusSeconds(span.getSeconds()).minusNanos(span.getNanos())).orElseGet(() -> OffsetDateTime.parse(text).toInstant());
        } catch (DateTimeException neither) {
            throw CliFailure.usage(option + " is '" + text + "': write a span before now, such as 90m or 2d, or a moment, such as 2026-11-28T08:00:00Z");
        }
    }

    /** @throws CliFailure if it is none */
    static com.google.protobuf.Duration span(String option, String text) {
        return YamlValue.parseDuration(text).orElseThrow(() -> CliFailure.usage(option + " is '" + text + "': write a span such as 90m, 1h30m or 2d"));
    }

    /** Date and time where this computer is. */
    static String second(Timestamp at) {
        return SECOND.format(instant(at));
    }

    /** Date, hours and minutes where this computer is; a dash for none. */
    static String local(Timestamp at) {
        return at.equals(Timestamp.getDefaultInstance()) ? "-" : MINUTE.format(instant(at));
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
        return span(duration(span));
    }

    /** From one moment to another; a dash where either is missing. */
    static String between(Instant from, Instant to) {
        return from == null || to == null ? "-" : span(Duration.between(from, to));
    }
}
