package dev.muster.planner.stream;

import dev.muster.planner.core.Adoption;
import dev.muster.planner.core.CloudState;
import dev.muster.planner.core.Ending;
import dev.muster.planner.core.FailureKind;
import dev.muster.planner.core.FleetEvent;
import dev.muster.planner.core.Mark;
import dev.muster.planner.core.Market;
import dev.muster.planner.core.OfferKey;
import dev.muster.planner.core.Phase;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.TaskStatus;
import dev.muster.v1.AdoptRefusal;
import dev.muster.v1.MachineVerb;

/**
 * The words that several messages share, between contract and core. A word of a newer release is "unknown" where the core has
 * that, and an error where nothing sensible can be done with it.
 */
final class Words {

    /** Stands for a word that this release didn't know, when it is written again: no release gives it a meaning. */
    private static final int UNKNOWN = 1_000_000;

    private Words() {}

    static dev.muster.v1.OfferKey offer(OfferKey key) {
        return dev.muster.v1.OfferKey.newBuilder().setProvider(key.provider()).setAccount(key.account()).setRegion(key.region())
                .setZone(key.zone()).setSubnet(key.subnet()).setMachineType(key.machineType())
                .setMarket(key.market() == Market.SPOT ? dev.muster.v1.Market.SPOT : dev.muster.v1.Market.ON_DEMAND).build();
    }

    /** @throws IllegalArgumentException if a part is missing that every offer has */
    static OfferKey offer(dev.muster.v1.OfferKey key) {
        return new OfferKey(key.getProvider(), key.getAccount(), key.getRegion(), key.getZone(), key.getSubnet(), key.getMachineType(),
                key.getMarket() == dev.muster.v1.Market.SPOT ? Market.SPOT : Market.ON_DEMAND);
    }

    /** Null where the sender did not say enough to name an offer. */
    static OfferKey offerOrNull(boolean there, dev.muster.v1.OfferKey key) {
        return there && !key.getProvider().isEmpty() && !key.getAccount().isEmpty() && !key.getRegion().isEmpty()
                && !key.getMachineType().isEmpty() ? offer(key) : null;
    }

    static CloudState cloudState(dev.muster.v1.CloudState state) {
        return switch (state) {
            case WAITING -> CloudState.WAITING;
            case PENDING -> CloudState.PENDING;
            case RUNNING_STATE -> CloudState.RUNNING;
            case IMPAIRED -> CloudState.IMPAIRED;
            case SHUTTING_DOWN -> CloudState.SHUTTING_DOWN;
            case STOPPED_STATE -> CloudState.STOPPED;
            case TERMINATED -> CloudState.TERMINATED;
            case NOT_FOUND -> CloudState.NOT_FOUND;
            case CLOUD_STATE_UNSPECIFIED, UNRECOGNIZED -> CloudState.UNKNOWN;
        };
    }

    static dev.muster.v1.CloudState cloudState(CloudState state) {
        return switch (state) {
            case UNKNOWN -> dev.muster.v1.CloudState.CLOUD_STATE_UNSPECIFIED;
            case WAITING -> dev.muster.v1.CloudState.WAITING;
            case PENDING -> dev.muster.v1.CloudState.PENDING;
            case RUNNING -> dev.muster.v1.CloudState.RUNNING_STATE;
            case IMPAIRED -> dev.muster.v1.CloudState.IMPAIRED;
            case SHUTTING_DOWN -> dev.muster.v1.CloudState.SHUTTING_DOWN;
            case STOPPED -> dev.muster.v1.CloudState.STOPPED_STATE;
            case TERMINATED -> dev.muster.v1.CloudState.TERMINATED;
            case NOT_FOUND -> dev.muster.v1.CloudState.NOT_FOUND;
        };
    }

    static Ending ending(dev.muster.v1.Ending ending) {
        return switch (ending) {
            case INSIDE -> Ending.INSIDE;
            case ASKED -> Ending.ASKED;
            case INTERRUPTED -> Ending.INTERRUPTED;
            case BY_CLOUD -> Ending.BY_CLOUD;
            case UNSEEN -> Ending.UNSEEN;
            case ENDING_UNSPECIFIED, UNRECOGNIZED -> Ending.UNKNOWN;
        };
    }

    static dev.muster.v1.Ending ending(Ending ending) {
        return switch (ending) {
            case UNKNOWN -> dev.muster.v1.Ending.ENDING_UNSPECIFIED;
            case INSIDE -> dev.muster.v1.Ending.INSIDE;
            case ASKED -> dev.muster.v1.Ending.ASKED;
            case INTERRUPTED -> dev.muster.v1.Ending.INTERRUPTED;
            case BY_CLOUD -> dev.muster.v1.Ending.BY_CLOUD;
            case UNSEEN -> dev.muster.v1.Ending.UNSEEN;
        };
    }

    /** Null where nothing is known of the mark. */
    static Mark markOrNull(dev.muster.v1.Mark mark) {
        return switch (mark) {
            case NO_MARK -> Mark.NONE;
            case DRAIN -> Mark.DRAIN;
            case DRAIN_NOW -> Mark.DRAIN_NOW;
            case RELEASED -> Mark.RELEASED;
            case MARK_UNSPECIFIED, UNRECOGNIZED -> null;
        };
    }

    static dev.muster.v1.Mark mark(Mark mark) {
        return mark == null ? dev.muster.v1.Mark.MARK_UNSPECIFIED : switch (mark) {
            case NONE -> dev.muster.v1.Mark.NO_MARK;
            case DRAIN -> dev.muster.v1.Mark.DRAIN;
            case DRAIN_NOW -> dev.muster.v1.Mark.DRAIN_NOW;
            case RELEASED -> dev.muster.v1.Mark.RELEASED;
        };
    }

    /** Null where there was no failure. */
    static FailureKind failureOrNull(dev.muster.v1.FailureKind kind) {
        return switch (kind) {
            case OUT_OF_CAPACITY -> FailureKind.OUT_OF_CAPACITY;
            case QUOTA_EXCEEDED -> FailureKind.QUOTA_EXCEEDED;
            case THROTTLED -> FailureKind.THROTTLED;
            case UNAVAILABLE -> FailureKind.UNAVAILABLE;
            case UNAUTHORIZED -> FailureKind.UNAUTHORIZED;
            case INVALID_SPEC -> FailureKind.INVALID_SPEC;
            case EXPIRED -> FailureKind.EXPIRED;
            case UNRECOGNIZED -> FailureKind.UNKNOWN;
            case FAILURE_KIND_UNSPECIFIED -> null;
        };
    }

    /** The number of the kind, so that one this release doesn't know stays unknown. */
    static int failure(FailureKind kind) {
        return kind == null ? 0 : switch (kind) {
            case OUT_OF_CAPACITY -> dev.muster.v1.FailureKind.OUT_OF_CAPACITY_VALUE;
            case QUOTA_EXCEEDED -> dev.muster.v1.FailureKind.QUOTA_EXCEEDED_VALUE;
            case THROTTLED -> dev.muster.v1.FailureKind.THROTTLED_VALUE;
            case UNAVAILABLE -> dev.muster.v1.FailureKind.UNAVAILABLE_VALUE;
            case UNAUTHORIZED -> dev.muster.v1.FailureKind.UNAUTHORIZED_VALUE;
            case INVALID_SPEC -> dev.muster.v1.FailureKind.INVALID_SPEC_VALUE;
            case EXPIRED -> dev.muster.v1.FailureKind.EXPIRED_VALUE;
            case UNKNOWN -> UNKNOWN;
        };
    }

    static TaskStatus taskStatus(dev.muster.v1.TaskStatus status) {
        return switch (status) {
            case CREATED -> TaskStatus.CREATED;
            case QUEUED -> TaskStatus.QUEUED;
            case IN_PROGRESS -> TaskStatus.IN_PROGRESS;
            case STOPPED -> TaskStatus.STOPPED;
            case PUBLISHED -> TaskStatus.PUBLISHED;
            case PUBLISHING -> TaskStatus.PUBLISHING;
            case CLOSED -> TaskStatus.CLOSED;
            case TASK_FAILED -> TaskStatus.FAILED;
            case COMPLETED -> TaskStatus.COMPLETED;
            case TASK_NOT_FOUND -> TaskStatus.NOT_FOUND;
            case TASK_STATUS_UNSPECIFIED, UNRECOGNIZED -> TaskStatus.UNKNOWN;
        };
    }

    static dev.muster.v1.TaskStatus taskStatus(TaskStatus status) {
        return switch (status) {
            case UNKNOWN -> dev.muster.v1.TaskStatus.TASK_STATUS_UNSPECIFIED;
            case CREATED -> dev.muster.v1.TaskStatus.CREATED;
            case QUEUED -> dev.muster.v1.TaskStatus.QUEUED;
            case IN_PROGRESS -> dev.muster.v1.TaskStatus.IN_PROGRESS;
            case STOPPED -> dev.muster.v1.TaskStatus.STOPPED;
            case PUBLISHED -> dev.muster.v1.TaskStatus.PUBLISHED;
            case PUBLISHING -> dev.muster.v1.TaskStatus.PUBLISHING;
            case CLOSED -> dev.muster.v1.TaskStatus.CLOSED;
            case FAILED -> dev.muster.v1.TaskStatus.TASK_FAILED;
            case COMPLETED -> dev.muster.v1.TaskStatus.COMPLETED;
            case NOT_FOUND -> dev.muster.v1.TaskStatus.TASK_NOT_FOUND;
        };
    }

    /** Phases have one name in both. */
    static dev.muster.v1.Phase phase(Phase phase) {
        return dev.muster.v1.Phase.valueOf(phase.name());
    }

    /** @throws IllegalStateException on a phase of a newer release: a machine can't be planned for without one */
    static Phase phase(dev.muster.v1.Phase phase) {
        return switch (phase) {
            case PHASE_UNSPECIFIED, UNRECOGNIZED -> throw new IllegalStateException(
                    "a stored machine is in a phase that this release doesn't know: a newer planner wrote it");
            default -> Phase.valueOf(phase.name());
        };
    }

    /** Null where a person asked for nothing. */
    static FleetEvent.MachinesAsked.Verb verbOrNull(MachineVerb verb) {
        return switch (verb) {
            case DRAIN_MACHINE -> FleetEvent.MachinesAsked.Verb.DRAIN;
            case CANCEL_DRAIN -> FleetEvent.MachinesAsked.Verb.CANCEL_DRAIN;
            case TERMINATE_MACHINE -> FleetEvent.MachinesAsked.Verb.TERMINATE;
            case PROTECT_MACHINE -> FleetEvent.MachinesAsked.Verb.PROTECT;
            case UNPROTECT_MACHINE -> FleetEvent.MachinesAsked.Verb.UNPROTECT;
            case FETCH_CONSOLE -> FleetEvent.MachinesAsked.Verb.FETCH_CONSOLE;
            case MACHINE_VERB_UNSPECIFIED, UNRECOGNIZED -> null;
        };
    }

    static MachineVerb verb(FleetEvent.MachinesAsked.Verb verb) {
        return verb == null ? MachineVerb.MACHINE_VERB_UNSPECIFIED : switch (verb) {
            case DRAIN -> MachineVerb.DRAIN_MACHINE;
            case CANCEL_DRAIN -> MachineVerb.CANCEL_DRAIN;
            case TERMINATE -> MachineVerb.TERMINATE_MACHINE;
            case PROTECT -> MachineVerb.PROTECT_MACHINE;
            case UNPROTECT -> MachineVerb.UNPROTECT_MACHINE;
            case FETCH_CONSOLE -> MachineVerb.FETCH_CONSOLE;
        };
    }

    /** Null: none. */
    static AdoptRefusal adoptRefusal(Adoption.Refusal refusal) {
        if (refusal == null) {
            return AdoptRefusal.ADOPT_REFUSAL_UNSPECIFIED;
        }
        return switch (refusal) {
            case NOT_THERE -> AdoptRefusal.NOT_THERE;
            case OF_ANOTHER -> AdoptRefusal.OF_ANOTHER;
            case NO_SUCH_OFFER -> AdoptRefusal.NO_SUCH_OFFER;
            case BY_CLOUD -> AdoptRefusal.ADOPT_REFUSAL_UNSPECIFIED;
        };
    }

    /** Of an adoption that was refused. */
    static Adoption.Refusal adoptRefusal(AdoptRefusal refusal) {
        return switch (refusal) {
            case NOT_THERE -> Adoption.Refusal.NOT_THERE;
            case OF_ANOTHER -> Adoption.Refusal.OF_ANOTHER;
            case NO_SUCH_OFFER -> Adoption.Refusal.NO_SUCH_OFFER;
            // What a newer provisioner means by its own word, its message says.
            case ADOPT_REFUSAL_UNSPECIFIED, UNRECOGNIZED -> Adoption.Refusal.BY_CLOUD;
        };
    }

    /** Reasons have one name in both; a test holds them together. */
    static dev.muster.v1.Reason reason(Reason reason) {
        return reason == null ? dev.muster.v1.Reason.REASON_UNSPECIFIED : dev.muster.v1.Reason.valueOf(reason.name());
    }

    /** Null for no reason, and for one that only a newer release knows. */
    static Reason reasonOrNull(dev.muster.v1.Reason reason) {
        return switch (reason) {
            case REASON_UNSPECIFIED, UNRECOGNIZED -> null;
            default -> reasonOrNull(reason.name());
        };
    }

    /** Null for an empty name, and for one that only a newer release knows. */
    static Reason reasonOrNull(String name) {
        for (var reason : Reason.values()) {
            if (reason.name().equals(name)) {
                return reason;
            }
        }
        return null;
    }
}
