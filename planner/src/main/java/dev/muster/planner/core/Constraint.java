package dev.muster.planner.core;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/** What one rule has against something that is wanted: a reason with its values. */
public record Constraint(String rule, Reason reason, SortedMap<String, Long> numbers, SortedMap<String, String> words) {

    public Constraint {
        numbers = Collections.unmodifiableSortedMap(new TreeMap<>(numbers));
        words = Collections.unmodifiableSortedMap(new TreeMap<>(words));
    }

    /** Begins one; {@link Draft#done} ends it. */
    public static Draft by(Object rule, Reason reason) {
        return by(rule.getClass(), reason);
    }

    public static Draft by(Class<?> rule, Reason reason) {
        return new Draft(rule.getSimpleName(), reason);
    }

    /** One sentence, or a part of one, with its numbers. */
    public String text() {
        return Wording.of(this);
    }

    /** A constraint being put together. */
    public static final class Draft implements Facts<Draft> {
        private final String rule;
        private final Reason reason;
        private final TreeMap<String, Long> numbers = new TreeMap<>();
        private final TreeMap<String, String> words = new TreeMap<>();

        private Draft(String rule, Reason reason) {
            this.rule = rule;
            this.reason = reason;
        }

        @Override
        public Draft number(String name, long value) {
            numbers.put(name, value);
            return this;
        }

        @Override
        public Draft word(String name, String value) {
            words.put(name, value);
            return this;
        }

        @Override
        public Draft wordIfAny(String name, String value) {
            return value.isEmpty() ? this : word(name, value);
        }

        /** Why a boot failed, of the values so far. */
        String bootFailure() {
            return Wording.bootFailure(numbers, words);
        }

        /** @throws IllegalStateException the reason is not said with these values */
        public Constraint done() {
            return done(Form.Use.REFUSAL);
        }

        Constraint done(Form.Use use) {
            reason.check(use, numbers, words);
            return new Constraint(rule, reason, numbers, words);
        }
    }
}
