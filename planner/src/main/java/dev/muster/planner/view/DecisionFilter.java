package dev.muster.planner.view;

import com.google.protobuf.Timestamp;
import com.google.protobuf.util.Timestamps;
import dev.muster.contracts.Times;
import dev.muster.planner.answer.ApiErrors;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.DecisionKind;
import dev.muster.v1.ListDecisionsRequest;
import dev.muster.v1.Reason;
import dev.muster.v1.WatchDecisionsRequest;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Which decisions a caller wants. What is empty or null doesn't count.
 *
 * @param since at or after
 * @param until before
 */
public record DecisionFilter(String machineId, String queue, String pool, String taskId, Set<DecisionKind> kinds, Set<Reason> reasons, Instant since, Instant until)
        implements Predicate<DecisionEvent> {

    public static DecisionFilter of(ListDecisionsRequest request) {
        var filter = new DecisionFilter(request.getMachineId(), request.getQueue(), request.getPool(), request.getTaskId(), kinds(request.getKindsList()),
                reasons(request.getReasonsList()), request.hasSince() ? instant("since", request.getSince()) : null,
                request.hasUntil() ? instant("until", request.getUntil()) : null);
        if (filter.since != null && filter.until != null && !filter.since.isBefore(filter.until)) {
            throw ApiErrors.invalid("until", "is not after since", "give a span of time, the earlier moment as since");
        }
        return filter;
    }

    public static DecisionFilter of(WatchDecisionsRequest request) {
        return new DecisionFilter(request.getMachineId(), request.getQueue(), "", "", kinds(request.getKindsList()), Set.of(), null, null);
    }

    private static Set<DecisionKind> kinds(List<DecisionKind> asked) {
        var kinds = EnumSet.noneOf(DecisionKind.class);
        for (int i = 0; i < asked.size(); i++) {
            if (asked.get(i) == DecisionKind.UNRECOGNIZED || asked.get(i) == DecisionKind.DECISION_KIND_UNSPECIFIED) {
                throw ApiErrors.invalid("kinds[" + i + "]", "is none that this release knows", "use DECISION_DONE, DECISION_REFUSED or DECISION_AUDITED");
            }
            kinds.add(asked.get(i));
        }
        return kinds;
    }

    private static Set<Reason> reasons(List<Reason> asked) {
        var reasons = EnumSet.noneOf(Reason.class);
        for (int i = 0; i < asked.size(); i++) {
            if (asked.get(i) == Reason.UNRECOGNIZED || asked.get(i) == Reason.REASON_UNSPECIFIED) {
                throw ApiErrors.invalid("reasons[" + i + "]", "is none that this release knows", "use those of docs/planning.md");
            }
            reasons.add(asked.get(i));
        }
        return reasons;
    }

    private static Instant instant(String field, Timestamp time) {
        if (!Timestamps.isValid(time)) {
            throw ApiErrors.invalid(field, "is no moment between the years 1 and 9999", "send RFC 3339, such as 2026-11-01T08:00:00Z");
        }
        return Times.instant(time);
    }

    @Override
    public boolean test(DecisionEvent event) {
        var decision = event.getDecision();
        var refusal = event.getRefusal();
        return (machineId.isEmpty() || decision.getMachineIdsList().contains(machineId))
                && (queue.isEmpty() || queue.equals(decision.getQueue()) || queue.equals(refusal.getQueue()))
                && (pool.isEmpty() || pool.equals(decision.getPool()) || pool.equals(refusal.getPool()))
                && (taskId.isEmpty() || decision.getTaskIdsList().contains(taskId) || taskId.equals(refusal.getSubject()))
                && (kinds.isEmpty() || kinds.contains(kind(event)))
                && (reasons.isEmpty() || reasons.contains(reason(event)))
                && (since == null || !at(event).isBefore(since))
                && (until == null || at(event).isBefore(until));
    }

    private static DecisionKind kind(DecisionEvent event) {
        return event.hasDecision() ? DecisionKind.DECISION_DONE : event.hasRefusal() ? DecisionKind.DECISION_REFUSED : DecisionKind.DECISION_AUDITED;
    }

    /** Of the end of a refusal, the reason that is over. */
    private static Reason reason(DecisionEvent event) {
        if (event.hasDecision()) {
            return event.getDecision().getReason();
        }
        var refusal = event.getRefusal();
        if (refusal.getReason() != Reason.REASON_UNSPECIFIED) {
            return refusal.getReason();
        }
        try {
            return Reason.valueOf(refusal.getWordsOrDefault("was", Reason.REASON_UNSPECIFIED.name()));
        } catch (IllegalArgumentException ofANewerRelease) {
            return Reason.UNRECOGNIZED;
        }
    }

    static Instant at(DecisionEvent event) {
        return Times.instant(event.getAt());
    }

    /** An event of the topic that the API shows: something done, refused, or asked for. */
    static boolean isShown(DecisionEvent event) {
        return event.hasDecision() || event.hasRefusal() || event.hasAudit();
    }
}
