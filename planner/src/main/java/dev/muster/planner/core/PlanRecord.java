package dev.muster.planner.core;

import java.time.Instant;
import java.util.List;
import java.util.OptionalLong;
import java.util.SortedMap;

/**
 * One thing that a plan says. A plan's effect on its fleet is exactly what applying its records does, live and in replay; what has no
 * effect on the fleet is for others to read.
 */
public sealed interface PlanRecord {

    /** A machine as it is from now on; new ones included. */
    record MachineChanged(Machine machine) implements PlanRecord {}

    /** A machine that ended 30 days ago is no longer known. */
    record MachineForgotten(String machineId) implements PlanRecord {}

    /** The fleet's state moved on by itself: the last machine of a deleted fleet is gone. */
    record FleetEnded(FleetHead head) implements PlanRecord {}

    record CommandIssued(String decisionId, Command command) implements PlanRecord {}

    /**
     * Something that is done, and why. {@code pool} and {@code queue} are empty where it is about neither. {@code numbers} and {@code words}
     * are the reason's parameters.
     *
     * @param constraints of a launch: what was in the way of the pools that its queue names before this one; empty: nothing was
     */
    record Decided(String id, String rule, Reason reason, String pool, String queue, List<String> machineIds, List<String> taskIds,
            SortedMap<String, Long> numbers, SortedMap<String, String> words, List<Alternative> alternatives, List<Constraint> constraints,
            List<String> causes) implements PlanRecord {

        public Decided {
            constraints = List.copyOf(constraints);
        }

        /** One sentence with its numbers. */
        public String text() {
            return Wording.of(this);
        }
    }

    /** An offer that was weighed. {@code reason} is null if it was taken; {@code until} null if it may be tried. */
    record Alternative(OfferKey offer, Reason reason, OptionalLong price, Instant until) {}

    /**
     * Something that is not done, and why, or a warning about a subject; {@code reason} null: what was refused before no longer is, and its
     * values are those that it had, with its reason under {@link Wording#WAS}.
     *
     * @param numbers with {@code words} the reason's parameters, where there are no constraints; else what the refusal counts itself
     * @param constraints all that is in the way of a launch, the one that {@code rule} and {@code reason} name first; empty where nothing is
     *        launched or the refusal is no launch's
     */
    record Refused(String id, String rule, Reason reason, String pool, String queue, String subject, int waiting, Instant since, Instant writtenAt,
            SortedMap<String, Long> numbers, SortedMap<String, String> words, List<Constraint> constraints) implements PlanRecord {

        public Refused {
            constraints = List.copyOf(constraints);
        }

        /** One sentence with its numbers. */
        public String text() {
            return Wording.of(this);
        }

        /** What ends it; empty: it is over. */
        public String unblockedBy() {
            return Wording.unblockedBy(this);
        }

        /** What of it replaces what before. */
        public String key() {
            return queue + "\u0000" + pool + "\u0000" + subject;
        }
    }

    /** Where a task's rescue stands. */
    record RescueChanged(Rescue rescue) implements PlanRecord {}

    /** The server was told to forget a worker whose machine is gone. */
    record WorkerUnregistered(String workerId, Instant at) implements PlanRecord {}

    /** A hold as it is from now on; one without failures is over. */
    record HoldChanged(Hold hold) implements PlanRecord {}

    /** Where the adoption of one machine stands. */
    record AdoptionChanged(Adoption adoption) implements PlanRecord {}

    /** Nothing came of the adoption of a machine, and nobody asks for it any more. */
    record AdoptionForgotten(String cloudId) implements PlanRecord {}

    /** No more machines of workers with that prefix are adopted. */
    record AdoptingEnded(String prefix) implements PlanRecord {}

    /** Rows of history. Hours and minutes before these instants are written from now on. */
    record HistoryWritten(List<HistoryRow> rows, Instant minutesUntil, Instant hoursUntil) implements PlanRecord {
        public HistoryWritten {
            rows = List.copyOf(rows);
        }
    }

    /** The last record of each plan that has others: the numbers used up, and the plan's now. */
    record Counted(long nextMachine, long plan, Instant now) implements PlanRecord {}
}
