package dev.muster.clearml;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;

/** ClearML's date-times: ISO 8601, with or without an offset; without one they are UTC. */
public final class ServerTime {

    private ServerTime() {}

    /** @throws DateTimeException if the text is no date-time */
    public static Instant parse(String text) {
        var fast = parseUsual(text);
        if (fast != null) {
            return fast;
        }
        var time = text.replace(' ', 'T');
        return hasOffset(time)
                ? OffsetDateTime.parse(time).toInstant()
                : LocalDateTime.parse(time).toInstant(ZoneOffset.UTC);
    }

    private static boolean hasOffset(String text) {
        return text.endsWith("Z") || text.endsWith("z")
                || text.indexOf('+', 10) > 0 || text.indexOf('-', 10) > 0;
    }

    /**
     * The form that servers send, 2025-06-26T01:45:12[.917000][+00:00|Z], without a formatter: there is one for each waiting
     * task in each look, and this takes a twentieth of the time. Null if the text is of another form.
     */
    private static Instant parseUsual(String text) {
        var length = text.length();
        if (length < 19 || text.charAt(4) != '-' || text.charAt(7) != '-' || text.charAt(10) != 'T'
                || text.charAt(13) != ':' || text.charAt(16) != ':') {
            return null;
        }
        var nanos = 0;
        var at = 19;
        if (at < length && text.charAt(at) == '.') {
            at++;
            var unit = 100_000_000;
            for (; at < length && Character.isDigit(text.charAt(at)) && unit > 0; at++, unit /= 10) {
                nanos += (text.charAt(at) - '0') * unit;
            }
        }
        var rest = text.substring(at);
        if (!rest.isEmpty() && !rest.equals("+00:00") && !rest.equals("Z")) {
            return null;
        }
        var year = digits(text, 0, 4);
        var month = digits(text, 5, 7);
        var day = digits(text, 8, 10);
        var hour = digits(text, 11, 13);
        var minute = digits(text, 14, 16);
        var second = digits(text, 17, 19);
        if (year < 0 || month < 0 || day < 0 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) {
            return null;
        }
        var seconds = LocalDate.of(year, month, day).toEpochDay() * 86_400L + hour * 3_600L + minute * 60L + second;
        return Instant.ofEpochSecond(seconds, nanos);
    }

    private static int digits(String text, int from, int to) {
        var number = 0;
        for (var i = from; i < to; i++) {
            var digit = text.charAt(i) - '0';
            if (digit < 0 || digit > 9) {
                return -1;
            }
            number = number * 10 + digit;
        }
        return number;
    }
}
