package dev.muster.provisioner.spi;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * Until when a machine may stay without hearing from Muster again, and which Muster says so.
 *
 * @param until whole seconds count
 * @param cluster id of the Kafka cluster behind it
 */
public record KeepUntil(Instant until, String cluster) {

    /** How far ahead the mark is set. Long enough for a repair on a bad day, short enough not to pay for a night. */
    public static final Duration HORIZON = Duration.ofHours(2);

    /** The mark of somebody who is alive at {@code now}. */
    public static KeepUntil from(Instant now, String cluster) {
        return new KeepUntil(now.plus(HORIZON), cluster);
    }

    /** When it was set. */
    public Instant setAt() {
        return until.minus(HORIZON);
    }

    /** As a tag's value: {@code 1795444800@q1Sh-9_kTzOmUQ}. */
    public String text() {
        return until.getEpochSecond() + "@" + cluster;
    }

    /** Empty if the text is no such mark. */
    public static Optional<KeepUntil> parse(String text) {
        int at = text.indexOf('@');
        if (at < 0) {
            return Optional.empty();
        }
        try {
            return Optional.of(new KeepUntil(Instant.ofEpochSecond(Long.parseLong(text.substring(0, at))), text.substring(at + 1)));
        } catch (NumberFormatException | java.time.DateTimeException none) {
            return Optional.empty();
        }
    }
}
