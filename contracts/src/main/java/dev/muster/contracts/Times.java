package dev.muster.contracts;

import com.google.protobuf.Timestamp;
import java.time.Duration;
import java.time.Instant;

/** Protobuf's times as Java's and back, to the nanosecond. What has not happened is null in Java and absent in a message. */
public final class Times {

    private Times() {}

    public static Timestamp timestamp(Instant instant) {
        return Timestamp.newBuilder().setSeconds(instant.getEpochSecond()).setNanos(instant.getNano()).build();
    }

    public static Instant instant(Timestamp timestamp) {
        return Instant.ofEpochSecond(timestamp.getSeconds(), timestamp.getNanos());
    }

    /** Null where the field is absent. */
    public static Instant instantOrNull(boolean there, Timestamp timestamp) {
        return there ? instant(timestamp) : null;
    }

    /** {@link Instant#EPOCH}, the core's "never", where the field is absent. */
    public static Instant instantOrEpoch(boolean there, Timestamp timestamp) {
        return there ? instant(timestamp) : Instant.EPOCH;
    }

    public static com.google.protobuf.Duration duration(Duration duration) {
        return com.google.protobuf.Duration.newBuilder().setSeconds(duration.getSeconds()).setNanos(duration.getNano()).build();
    }

    public static Duration duration(com.google.protobuf.Duration duration) {
        return Duration.ofSeconds(duration.getSeconds(), duration.getNanos());
    }
}
