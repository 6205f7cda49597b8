package dev.muster.planner.core;

import java.util.List;

/**
 * One way in which a reason is given, and the values that say it wholly, with what its record names: pool, queue, machines and tasks.
 *
 * @param how the entry {@code how} of the words, which tells the forms of a reason apart; empty: there is no such entry
 */
public record Form(Use use, String how, List<Parameter> parameters) {

    /** The kind of record that gives it: something done, something kept back, something people must know. */
    public enum Use { DECISION, REFUSAL, WARNING }

    public Form {
        parameters = List.copyOf(parameters);
    }

    static Form decision(Parameter... parameters) {
        return decision("", parameters);
    }

    static Form decision(String how, Parameter... parameters) {
        return new Form(Use.DECISION, how, List.of(parameters));
    }

    static Form refusal(Parameter... parameters) {
        return refusal("", parameters);
    }

    static Form refusal(String how, Parameter... parameters) {
        return new Form(Use.REFUSAL, how, List.of(parameters));
    }

    static Form warning(Parameter... parameters) {
        return warning("", parameters);
    }

    static Form warning(String how, Parameter... parameters) {
        return new Form(Use.WARNING, how, List.of(parameters));
    }
}
