package dev.muster.planner.core;

import java.time.LocalDate;
import java.util.OptionalLong;

/**
 * Money that a fleet, a pool or a queue may spend. Amounts are micro-units of the fleet's currency: an hour for {@link Period#HOUR}, in
 * all for the others.
 *
 * @param hard never passed by a launch; empty: none
 * @param soft passed only as {@code softAction} says; empty: none
 * @param cheap {@link SoftAction#CHEAP_OFFERS_ONLY}: most that an offer may cost, micro-units an hour; else empty
 * @param minPriority {@link SoftAction#HIGH_PRIORITY_ONLY}: least priority of a queue that still gets launches
 */
public record Budget(
        Period period, OptionalLong hard, OptionalLong soft, HardAction hardAction, SoftAction softAction, OptionalLong cheap, int minPriority) {

    /** HOUR is a rate, what runs at once; DAY and MONTH are calendar spans in the fleet's time zone. */
    public enum Period {
        HOUR, DAY, MONTH;

        /** First day of the calendar span around a day; of a rate, that day. */
        public LocalDate firstDay(LocalDate day) {
            return this == MONTH ? day.withDayOfMonth(1) : day;
        }

        /** First day of the span after it. */
        LocalDate nextFirstDay(LocalDate day) {
            return this == MONTH ? firstDay(day).plusMonths(1) : day.plusDays(1);
        }
    }

    public enum HardAction { STOP_LAUNCHING, DRAIN_MACHINES, STOP_BUSY }

    public enum SoftAction { WARN, CHEAP_OFFERS_ONLY, HIGH_PRIORITY_ONLY }

    /** Which machines it counts: all of the fleet, those of a pool, or those launched for a queue. The fleet's name is empty. */
    public record Scope(Kind kind, String name) implements Comparable<Scope> {

        public enum Kind { FLEET, POOL, QUEUE }

        public static final Scope FLEET = new Scope(Kind.FLEET, "");

        public boolean counts(Machine machine) {
            return counts(machine.pool(), machine.queue());
        }

        /** @param queue the one launched for */
        public boolean counts(String pool, String queue) {
            return switch (kind) {
                case FLEET -> true;
                case POOL -> name.equals(pool);
                case QUEUE -> name.equals(queue);
            };
        }

        @Override
        public int compareTo(Scope other) {
            var byKind = kind.compareTo(other.kind);
            return byKind != 0 ? byKind : name.compareTo(other.name);
        }

        /** For people: {@code pool gpu}. */
        @Override
        public String toString() {
            return switch (kind) {
                case FLEET -> "the fleet";
                case POOL -> "pool " + name;
                case QUEUE -> "queue " + name;
            };
        }
    }

    public Budget {
        if (hard.isEmpty() && soft.isEmpty()) {
            throw new IllegalArgumentException("a budget needs a hard or a soft limit");
        }
    }
}
