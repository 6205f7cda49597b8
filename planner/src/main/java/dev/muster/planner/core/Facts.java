package dev.muster.planner.core;

import java.time.Duration;
import java.time.Instant;
import java.util.Collection;

/**
 * Takes the values that a reason is said with.
 *
 * @param <T> itself
 */
public interface Facts<T> {

    T number(String name, long value);

    T word(String name, String value);

    /** Where there may be none: one that is empty is left out. */
    T wordIfAny(String name, String value);

    /** Which of the reason's forms it is. */
    default T how(String form) {
        return word("how", form);
    }

    default T seconds(String name, Duration value) {
        return number(name, value.toSeconds());
    }

    default T instant(String name, Instant value) {
        return number(name, value.toEpochMilli());
    }

    /** Left out where there are none. */
    default T names(String name, Collection<String> values) {
        return wordIfAny(name, String.join(", ", values));
    }

    default T offer(OfferKey offer) {
        return word("offer", offer.toString());
    }

    default T scope(Budget.Scope scope) {
        return word("scope", switch (scope.kind()) {
            case FLEET -> "fleet";
            case POOL -> "pool/" + scope.name();
            case QUEUE -> "queue/" + scope.name();
        });
    }

    default T period(Budget.Period period) {
        return word("period", switch (period) {
            case HOUR -> "hour";
            case DAY -> "day";
            case MONTH -> "month";
        });
    }
}
