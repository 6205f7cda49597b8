package dev.muster.planner.core;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;

/**
 * Something a fleet has learned. {@code at} is Kafka's append time. Applying the same event twice changes nothing more; events of
 * different topics touch different facts, so that their order among each other doesn't matter.
 */
public sealed interface FleetEvent {

    Instant at();

    /** Where an observation comes from; see the contract's Observation. {@code readStartedAt} is null if unknown. */
    record Seen(String source, long generation, long sequence, Instant readStartedAt, int part, int parts) {}

    // From requests, judged already.

    /** The accepted record of the fleet changed. */
    record FleetChanged(Instant at, FleetHead head) implements FleetEvent {}

    /** A person's word about machines; unknown ids are passed over. */
    record MachinesAsked(Instant at, List<String> machineIds, Verb verb) implements FleetEvent {

        /** TERMINATE ends busy machines too: whoever accepts the request has judged that. */
        public enum Verb { DRAIN, CANCEL_DRAIN, TERMINATE, PROTECT, UNPROTECT, FETCH_CONSOLE }
    }

    /** What was spent in the running day and month before the books were lost, micro-units; the day's is part of the month's. */
    record LedgerRestored(Instant at, long dayMicros, long monthMicros) implements FleetEvent {}

    /** Idle machines of the pool are to go now; an empty name means every pool. */
    record IdleReleased(Instant at, String pool) implements FleetEvent {}

    /** Machines whose workers have that prefix are to be taken over, from now on for a while. */
    record AdoptionAsked(Instant at, String prefix) implements FleetEvent {}

    // From demand.

    /** One part of a good look. {@code workers} is complete when {@code full}, else what changed since the sequence before. */
    record DemandSeen(Instant at, Seen seen, long tick, Duration interval, boolean full, List<QueueSeen> queues,
            List<WorkerSeen> workers, List<String> workersGone, List<TaskAdrift> adrift) implements FleetEvent {}

    record WorkerSeen(String id, String user, String task, String project, List<String> queueIds) {}

    /** A task on no worker and in no queue. {@code since} is by the watcher's clock. */
    record TaskAdrift(String task, String queueId, String lastWorker, TaskStatus status, Instant lastUpdate, Instant since) {}

    /** A look that failed. {@code kind} and {@code call} are for people. */
    record ReadFailed(Instant at, Seen seen, String kind, String call, String detail, int consecutive) implements FleetEvent {}

    /** Tasks that left a queue or a worker, read by id. */
    record TasksSeen(Instant at, Seen seen, List<TaskSeen> tasks) implements FleetEvent {}

    record TaskSeen(String task, String queueId, String project, String user, String lastWorker, String statusReason, TaskStatus status, Instant enqueued,
            Instant started, Instant ended) {}

    /** How a rescue ended. */
    record TaskRescued(Instant at, String task, int attempt, RescueOutcome outcome, TaskStatus status, String worker, String detail)
            implements FleetEvent {}

    /** MARKED_FAILED: the task is failed, as the command said. FAILED: the rescue itself, which is repeated. */
    enum RescueOutcome { RESCUED, NOT_NEEDED, RUNNING, DECLINED, FAILED, MARKED_FAILED }

    // From machine reports.

    /**
     * One machine as its cloud shows it. {@code machineId} is empty for one that is not ours. {@code offer} may be null where the
     * cloud doesn't say enough.
     */
    record MachineFacts(String machineId, String pool, String cloudId, String batchId, int launchIndex, OfferKey offer, CloudState state,
            Ending ending, Instant launchedAt, Mark mark, String bootFailed, CloudNote note, String task) {

        /** One that was made for no task in particular, of which its cloud says nothing more. */
        public MachineFacts(String machineId, String pool, String cloudId, String batchId, int launchIndex, OfferKey offer, CloudState state,
                Ending ending, Instant launchedAt, Mark mark, String bootFailed) {
            this(machineId, pool, cloudId, batchId, launchIndex, offer, state, ending, launchedAt, mark, bootFailed, CloudNote.NONE, "");
        }
    }

    record MachineSeen(Instant at, MachineFacts machine) implements FleetEvent {}

    record LaunchAccepted(Instant at, String batchId, List<MachineFacts> machines) implements FleetEvent {}

    /** The cloud started nothing for these ids. {@code offer} is null if not said. {@code faultOfTask}: for another task the same would do. */
    record LaunchRefused(Instant at, String batchId, List<String> machineIds, FailureKind kind, String code, String message,
            String quota, OfferKey offer, boolean faultOfTask) implements FleetEvent {

        public LaunchRefused(Instant at, String batchId, List<String> machineIds, FailureKind kind, String code, String message, String quota,
                OfferKey offer) {
            this(at, batchId, machineIds, kind, code, message, quota, offer, false);
        }
    }

    record CommandAnswered(Instant at, String machineId, long ordinal, String verb, boolean done, FailureKind kind, String code,
            String message) implements FleetEvent {}

    /** A machine of another autoscaler was not tagged. {@code ordinal} is the command's. */
    record AdoptionRefused(Instant at, String machineId, long ordinal, Adoption.Refusal why, String detail) implements FleetEvent {}

    /** Prices as a provider knows them, micro-units an hour, and what its machine types are. */
    record PricesSeen(Instant at, List<Price> prices, List<FleetMemory.TypeKnown> types) implements FleetEvent {

        public PricesSeen(Instant at, List<Price> prices) {
            this(at, prices, List.of());
        }

        public record Price(OfferKey offer, long perHour, Instant asOf, String source) {}
    }

    /** One part of a scope's list. Only a complete one says that a machine is missing. */
    record InventorySeen(Instant at, String scope, Seen seen, Instant listStartedAt, ScopeState state, String detail,
            List<MachineFacts> machines, String foreignCluster) implements FleetEvent {}

    enum ScopeState { LISTED, PARTIAL, FAILED }

    /** Which store entries an event or record changed; for writing them, one value each. */
    record Changes(boolean head, boolean memory, boolean ledger, Set<String> machines, Set<String> queues, Set<String> workers) {}
}
