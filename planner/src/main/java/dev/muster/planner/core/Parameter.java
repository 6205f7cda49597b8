package dev.muster.planner.core;

/**
 * One value that a reason is said with.
 *
 * @param name of the entry: among a record's numbers or its words, as the kind has it
 * @param isOptional left out where there is none
 */
public record Parameter(String name, Kind kind, boolean isOptional) {

    /** What a value is, and how it is written. */
    public enum Kind {
        COUNT(true, "how many"),
        MICROS(true, "micro-units of the fleet's currency"),
        MICROS_PER_HOUR(true, "micro-units an hour"),
        SECONDS(true, "whole seconds"),
        THOUSANDTHS(true, "thousandths of a resource's unit"),
        INSTANT(true, "milliseconds since 1970"),
        NAME(false, "a name, an id or a word"),
        NAMES(false, "names, with ', ' between"),
        /** Whom a budget or a limit is on. */
        SCOPE(false, "fleet, pool/<name> or queue/<name>"),
        PERIOD(false, "hour, day or month"),
        /** A message that is passed on as it came. */
        TEXT(false, "what a cloud, a machine or ClearML said");

        private final boolean isNumber;
        private final String meaning;

        Kind(boolean isNumber, String meaning) {
            this.isNumber = isNumber;
            this.meaning = meaning;
        }

        public boolean isNumber() {
            return isNumber;
        }

        /** For the table of reasons. */
        public String meaning() {
            return meaning;
        }
    }

    public Parameter orNone() {
        return new Parameter(name, kind, true);
    }

    static Parameter count(String name) {
        return new Parameter(name, Kind.COUNT, false);
    }

    static Parameter micros(String name) {
        return new Parameter(name, Kind.MICROS, false);
    }

    static Parameter microsPerHour(String name) {
        return new Parameter(name, Kind.MICROS_PER_HOUR, false);
    }

    static Parameter seconds(String name) {
        return new Parameter(name, Kind.SECONDS, false);
    }

    static Parameter thousandths(String name) {
        return new Parameter(name, Kind.THOUSANDTHS, false);
    }

    static Parameter instant(String name) {
        return new Parameter(name, Kind.INSTANT, false);
    }

    static Parameter word(String name) {
        return new Parameter(name, Kind.NAME, false);
    }

    static Parameter names(String name) {
        return new Parameter(name, Kind.NAMES, false);
    }

    static Parameter text(String name) {
        return new Parameter(name, Kind.TEXT, false);
    }

    static Parameter scope() {
        return new Parameter("scope", Kind.SCOPE, false);
    }

    static Parameter period() {
        return new Parameter("period", Kind.PERIOD, false);
    }
}
