package dev.muster.planner.spec;

import com.google.protobuf.Duration;
import dev.muster.contracts.YamlValue;
import dev.muster.planner.core.Costs;
import dev.muster.v1.Violation;
import java.util.ArrayList;
import java.util.List;

/** What is wrong with a spec so far, in the order in which it was found, and the plainest things that can be. */
public final class Findings {

    /** An amount in micro-units above a thousand millions is a mistake of units, whatever the currency. */
    public static final long MOST_MICROS = 1_000_000_000_000_000L;
    /** An hour of one machine above a million: no currency in which clouds are paid makes that right, and sums must fit 64 bits. */
    static final long DEAREST_HOUR = 1_000_000_000_000L;
    static final Duration MINUTE = Duration.newBuilder().setSeconds(60).build();
    static final Duration DAY = Duration.newBuilder().setSeconds(86_400).build();
    static final Duration LONGEST_MONTH = Duration.newBuilder().setSeconds(31L * 86_400).build();
    private static final Duration YEAR = Duration.newBuilder().setSeconds(366L * 86_400).build();

    private final List<Violation> violations = new ArrayList<>();

    List<Violation> violations() {
        return List.copyOf(violations);
    }

    boolean isEmpty() {
        return violations.isEmpty();
    }

    void say(String field, String problem, String fix) {
        violations.add(Violation.newBuilder().setField(field).setProblem(problem).setFix(fix).build());
    }

    /** Counts are unsigned on the wire: what a careless client sent as -1 arrives as four thousand millions. */
    boolean count(String field, int value) {
        if (value >= 0) {
            return true;
        }
        say(field, "is " + number(value), "use 0 to " + Integer.MAX_VALUE);
        return false;
    }

    static String number(int value) {
        return value < 0 ? value + " (or " + Integer.toUnsignedString(value) + ")" : Integer.toString(value);
    }

    /** An amount that may be zero, at most {@code most} micro-units. */
    void amount(String field, boolean there, long micros, long most) {
        if (there && micros < 0) {
            say(field, "is " + Costs.text(micros) + ", below zero", "write what it costs, or leave it out");
        } else if (there) {
            notAbsurd(field, micros, most);
        }
    }

    /** An amount that limits something. */
    boolean limit(String field, long micros, long most) {
        if (micros <= 0) {
            say(field, "is " + Costs.text(micros) + (micros == 0 ? ", which allows nothing" : ", below zero"),
                    "write an amount above zero; to launch nothing at all, pause the fleet or the pool");
            return false;
        }
        return notAbsurd(field, micros, most);
    }

    private boolean notAbsurd(String field, long micros, long most) {
        if (micros <= most) {
            return true;
        }
        say(field, "is " + Costs.text(micros) + ", which can't be meant", "write it in the fleet's currency, not in parts of it: at most " + Costs.text(most));
        return false;
    }

    void positive(String field, Duration duration, boolean there) {
        if (there && (isNegative(duration) || duration.equals(Duration.getDefaultInstance()))) {
            say(field, "is " + text(duration), "use more than zero, or leave it out for the default");
        } else {
            atMost(field, duration, there, YEAR);
        }
    }

    boolean notNegative(String field, Duration duration, boolean there, Duration most) {
        if (there && isNegative(duration)) {
            say(field, "is " + text(duration), "use zero or more, or leave it out for the default");
            return false;
        }
        return atMost(field, duration, there, most);
    }

    void notNegative(String field, Duration duration, boolean there) {
        notNegative(field, duration, there, YEAR);
    }

    boolean atMost(String field, Duration duration, boolean there, Duration most) {
        if (!there || compare(duration, most) <= 0) {
            return true;
        }
        say(field, "is " + text(duration) + ", longer than makes sense here", "use at most " + text(most));
        return false;
    }

    static boolean isNegative(Duration duration) {
        return duration.getSeconds() < 0 || duration.getNanos() < 0;
    }

    static int compare(Duration a, Duration b) {
        var seconds = Long.compare(a.getSeconds(), b.getSeconds());
        return seconds != 0 ? seconds : Integer.compare(a.getNanos(), b.getNanos());
    }

    /** As in YAML, where that has a form for it. */
    static String text(Duration duration) {
        if (!isNegative(duration)) {
            return YamlValue.print(duration);
        }
        return duration.getNanos() == 0 ? duration.getSeconds() + "s" : (duration.getSeconds() + duration.getNanos() / 1e9) + "s";
    }
}
