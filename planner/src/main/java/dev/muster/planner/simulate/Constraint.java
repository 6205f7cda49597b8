package dev.muster.planner.simulate;

import dev.muster.planner.core.PlanRecord;
import dev.muster.planner.core.Reason;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a task waits for at one moment.
 *
 * @param reason the planner's, where {@code kind} is REFUSED; else null
 * @param pool whose limit, machine or agent it is; empty where it is no pool's
 * @param numbers as the planner wrote them when it first refused; empty unless REFUSED
 * @param text one sentence for people
 * @param unblockedBy what ends it, in the planner's words; empty unless REFUSED
 */
public record Constraint(Kind kind, Reason reason, String pool, SortedMap<String, Long> numbers, String text, String unblockedBy) {

    public enum Kind {
        /** The planner has not seen it, or has not seen what it goes by. Seconds at most. */
        NOT_SEEN,
        /** An agent is free and will ask for it at its next poll. */
        NEXT_POLL,
        /** A machine is on its way for it. */
        BOOTING,
        /** No machine is to come, and the planner says why. */
        REFUSED
    }

    public Constraint {
        numbers = Collections.unmodifiableSortedMap(new TreeMap<>(numbers));
    }

    static Constraint notSeen() {
        return new Constraint(Kind.NOT_SEEN, null, "", new TreeMap<>(), "the planner has not seen it yet", "");
    }

    static Constraint nextPoll(String pool) {
        return new Constraint(Kind.NEXT_POLL, null, pool, new TreeMap<>(), "an agent of " + pool + " asks within seconds", "");
    }

    static Constraint booting(String pool) {
        return new Constraint(Kind.BOOTING, null, pool, new TreeMap<>(), "a machine of " + pool + " is starting for it", "");
    }

    static Constraint refused(PlanRecord.Refused refusal, String pool) {
        return new Constraint(Kind.REFUSED, refusal.reason(), pool, refusal.numbers(), refusal.text(), refusal.unblockedBy());
    }

    /** One word: the planner's reason, or the kind. */
    public String word() {
        return reason == null ? kind.name() : reason.name();
    }

    /** The same thing to lift, whatever the numbers. */
    boolean isLike(Constraint other) {
        return other != null && kind == other.kind && reason == other.reason && pool.equals(other.pool);
    }
}
