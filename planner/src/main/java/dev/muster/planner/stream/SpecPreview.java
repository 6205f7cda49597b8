package dev.muster.planner.stream;

import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.FleetEvent;
import dev.muster.planner.core.FleetHead;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.Phase;
import dev.muster.planner.core.Plan;
import dev.muster.planner.core.PlanRecord;
import dev.muster.planner.core.QueueSeen;
import dev.muster.v1.AnswerCode;
import dev.muster.v1.Facts;
import dev.muster.v1.Preview;
import dev.muster.v1.RequestAnswered;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.BiFunction;

/**
 * What a fleet would decide at once under a spec that was judged and is not applied. It is planned on a copy, so that nothing happens to
 * the fleet, and of nothing but the copy and the request's instant, so that a replay finds the same.
 */
final class SpecPreview {

    /** Decisions, and refusals. */
    static final int MOST = 100;
    /** With the fleet's record below what a record may have. Bytes. */
    private static final int MOST_BYTES = 150_000;
    /** Those that live and those that ended lately: copying so many takes the owner some hundred milliseconds, in which it plans nobody else. */
    static final int MOST_MACHINES = 20_000;
    /** No rule asks about a machine that ended earlier, but where it turns out to be alive. */
    private static final Duration ENDED_LATELY = Duration.ofDays(1);
    /** No look at a queue comes late in a preview. */
    private static final Duration INTERVAL = Duration.ofDays(3650);
    private static final String SOURCE = "preview";

    private final Fleet fleet;
    private final RequestJudge.Judgement judgement;
    private final Facts facts;
    private final BiFunction<Fleet, Instant, Plan> planner;
    private final Instant at;

    private SpecPreview(Fleet fleet, RequestJudge.Judgement judgement, Facts facts, BiFunction<Fleet, Instant, Plan> planner, Instant at) {
        this.fleet = fleet;
        this.judgement = judgement;
        this.facts = facts;
        this.planner = planner;
        this.at = at;
    }

    /**
     * The answer to a dry run, with what would be decided.
     *
     * @param fleet null: there is none of that name
     * @param planner plans a fleet at an instant, and applies the plan
     * @param at when the broker took the request
     */
    static RequestAnswered answer(Fleet fleet, RequestJudge.Judgement judgement, Facts facts, BiFunction<Fleet, Instant, Plan> planner, Instant at) {
        if (judgement.answer().getCode() != AnswerCode.ACCEPTED) {
            return judgement.answer();
        }
        if (fleet != null && fleet.sizeOfCopy(at.minus(ENDED_LATELY)) > MOST_MACHINES) {
            return refused(judgement.answer(), "The spec is good. What it would do at once is not worked out for a fleet that had more than " + MOST_MACHINES
                    + " machines today, since the planner would stand still for it; this one had " + fleet.sizeOfCopy(at.minus(ENDED_LATELY)) + ".");
        }
        try {
            return new SpecPreview(fleet, judgement, facts, planner, at).answer();
        } catch (RuntimeException bug) {
            // The fleet itself is as it was, and must not be set aside for it.
            return refused(judgement.answer(), "The spec is good, but the planner failed when it planned by it, and would fail if it were applied: " + bug + ".");
        }
    }

    private static RequestAnswered refused(RequestAnswered judged, String why) {
        return RequestAnswered.newBuilder().setRequestId(judged.getRequestId()).setCode(AnswerCode.FAILED_PRECONDITION).setVersion(judged.getVersion())
                .setMessage(why).build();
    }

    private RequestAnswered answer() {
        var answer = judgement.answer().toBuilder();
        var isNew = fleet == null || fleet.head().state() == FleetHead.State.DELETED;
        var tried = tried(isNew);
        var before = rate(tried, false);
        var leavingBefore = rate(tried, true);
        var now = tried.newestAt().isAfter(at) ? tried.newestAt() : at;
        var plan = planner.apply(tried, now);
        var preview = Preview.newBuilder().setMicrosPerHourCurrent(before)
                .setMicrosPerHourProposed(rate(tried, false) - (rate(tried, true) - leavingBefore));
        var room = MOST_BYTES;
        for (var record : plan.records()) {
            if (record instanceof PlanRecord.Decided decided) {
                var decision = DecisionTranslator.decided(tried.head().name(), 0, now, decided).getDecision();
                room -= decision.getSerializedSize();
                if (preview.getDecisionsCount() == MOST || room < 0) {
                    preview.setTruncated(true);
                    break;
                }
                preview.addDecisions(decision);
            }
        }
        for (var refused : tried.refusals()) {
            var refusal = DecisionTranslator.refused(tried.head().name(), 0, now, refused).getRefusal();
            room -= refusal.getSerializedSize();
            if (preview.getRefusalsCount() == MOST || room < 0) {
                preview.setTruncated(true);
                break;
            }
            preview.addRefusals(refusal);
        }
        if (isNew) {
            answer.addNotes("Nothing is known of a fleet before it is applied. This is what it would do if its queues were empty and its accounts had room: "
                    + "what tasks that wait would have it launch is not in it.");
        }
        return answer.setPreview(preview).build();
    }

    private Fleet tried(boolean isNew) {
        Fleet tried;
        if (fleet == null) {
            tried = Fleet.of(FleetTranslator.head(judgement.changed().orElseThrow()));
        } else {
            tried = fleet.copy(at.minus(ENDED_LATELY));
            judgement.changed().ifPresent(record -> tried.apply(new FleetEvent.FleetChanged(at, FleetTranslator.head(record))));
        }
        judgement.learned().ifPresent(tried::apply);
        if (isNew) {
            beginsEmpty(tried);
        }
        return tried;
    }

    /** The first look and the first lists, which a fleet waits for, as they are where there is nothing yet. */
    private void beginsEmpty(Fleet tried) {
        var seen = new FleetEvent.Seen(SOURCE, at.toEpochMilli(), 1, at, 1, 1);
        var queues = tried.spec().queues().stream().map(queue -> {
            var owner = facts.getQueueOwnerMap().getOrDefault(queue.name(), "");
            return new QueueSeen(queue.name(), queue.name(), owner.isEmpty() ? QueueSeen.State.SERVED : QueueSeen.State.OWNED_BY_OTHER, owner, 0, null, List.of());
        }).toList();
        tried.apply(new FleetEvent.DemandSeen(at, seen, 1, INTERVAL, true, queues, List.of(), List.of(), List.of()));
        tried.head().scopes().forEach(scope ->
                tried.apply(new FleetEvent.InventorySeen(at, scope, seen, at, FleetEvent.ScopeState.LISTED, "", List.of(), "")));
    }

    /** Micro-units an hour that are committed, of all machines that count or of those that are to go. */
    private static long rate(Fleet of, boolean leaving) {
        return of.counted().filter(machine -> !leaving || isLeaving(machine)).mapToLong(machine -> machine.committed().orElse(0)).sum();
    }

    private static boolean isLeaving(Machine machine) {
        return machine.phase() == Phase.DRAINING || machine.phase() == Phase.TERMINATING;
    }
}
