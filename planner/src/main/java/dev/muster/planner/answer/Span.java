package dev.muster.planner.answer;

import com.google.protobuf.Timestamp;
import com.google.protobuf.util.Timestamps;
import dev.muster.contracts.Times;
import java.time.Duration;
import java.time.Instant;

/** A stretch of time that a call asks about. */
public record Span(Instant since, Instant until) {

    /**
     * As a request has it.
     *
     * @param usual before {@code until}, where {@code since} is absent
     * @param most at once
     * @throws io.grpc.StatusRuntimeException naming the field that is wrong
     */
    public static Span of(boolean hasSince, Timestamp since, boolean hasUntil, Timestamp until, Duration usual, Duration most, Instant now) {
        var end = hasUntil ? instant("until", until) : now;
        var begin = hasSince ? instant("since", since) : end.minus(usual);
        if (!begin.isBefore(end)) {
            throw ApiErrors.invalid("since", "is " + begin + ", which is not before " + end, "ask for a time that ends after it begins");
        }
        if (Duration.between(begin, end).compareTo(most) > 0) {
            throw ApiErrors.invalid("since", "is " + begin + ", more than " + most.toDays() + " days before " + end, "ask for at most " + most.toDays() + " days at once");
        }
        return new Span(begin, end);
    }

    private static Instant instant(String field, Timestamp timestamp) {
        if (!Timestamps.isValid(timestamp)) {
            throw ApiErrors.invalid(field, "is no moment: " + timestamp.getSeconds() + " s and " + timestamp.getNanos() + " ns",
                    "send seconds since 1970 and at most 999,999,999 ns");
        }
        return Times.instant(timestamp);
    }
}
