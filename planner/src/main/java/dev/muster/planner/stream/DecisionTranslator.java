package dev.muster.planner.stream;

import dev.muster.contracts.Times;
import dev.muster.planner.core.PlanRecord;
import dev.muster.v1.Alternative;
import dev.muster.v1.Audit;
import dev.muster.v1.Constraint;
import dev.muster.v1.Decision;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.FleetForgotten;
import dev.muster.v1.FleetLoaded;
import dev.muster.v1.FleetSnapshot;
import dev.muster.v1.InputOffset;
import dev.muster.v1.PlanMade;
import dev.muster.v1.Refusal;
import dev.muster.v1.RefusalState;
import dev.muster.v1.RequestAnswered;
import java.time.Instant;
import java.util.List;
import java.util.OptionalLong;
import java.util.TreeMap;

/** What was decided and why, between the core, the topic {@code decisions} and the store. */
final class DecisionTranslator {

    private DecisionTranslator() {}

    static DecisionEvent decided(String fleet, long plan, Instant now, PlanRecord.Decided decided) {
        var decision = Decision.newBuilder().setRule(decided.rule()).setReason(Words.reason(decided.reason())).setPool(decided.pool())
                .setQueue(decided.queue()).addAllMachineIds(decided.machineIds()).addAllTaskIds(decided.taskIds())
                .putAllNumbers(decided.numbers()).putAllWords(decided.words()).addAllCauses(decided.causes()).setText(decided.text());
        decided.alternatives().forEach(alternative -> decision.addAlternatives(alternative(alternative)));
        decided.constraints().forEach(each -> decision.addConstraints(constraint(each)));
        return event(fleet, decided.id(), now).setPlan(plan).setDecision(decision).build();
    }

    static DecisionEvent refused(String fleet, long plan, Instant now, PlanRecord.Refused refused) {
        return event(fleet, refused.id(), now).setPlan(plan).setRefusal(refusal(refused)).build();
    }

    /** @param id the fleet's incarnation: plan numbers are unique within it */
    static DecisionEvent planMade(String fleet, String incarnation, long plan, Instant now, List<InputOffset> inputs, long specVersion,
            String coreVersion, long nextMachine) {
        return event(fleet, incarnation + "-" + plan + "-plan", now).setPlan(plan).setPlanMade(PlanMade.newBuilder()
                .setNow(Times.timestamp(now)).addAllInputs(inputs).setSpecVersion(specVersion).setCoreVersion(coreVersion).setNextMachine(nextMachine)).build();
    }

    /** @param inputs how far each was read, the answered request included */
    static DecisionEvent answered(String fleet, Instant now, List<InputOffset> inputs, RequestAnswered answer) {
        return event(fleet, "answer-" + answer.getRequestId(), now).addAllInputs(inputs).setRequestAnswered(answer).build();
    }

    static DecisionEvent loaded(String fleet, String id, Instant now, List<InputOffset> inputs, String owner, String coreVersion, int stateVersion) {
        return event(fleet, id, now).addAllInputs(inputs)
                .setLoaded(FleetLoaded.newBuilder().setOwner(owner).setCoreVersion(coreVersion).setStateVersion(stateVersion)).build();
    }

    static DecisionEvent snapshot(String fleet, String id, Instant now, FleetSnapshot part) {
        return event(fleet, id, now).setSnapshot(part).build();
    }

    static DecisionEvent forgotten(String fleet, String id, Instant now, List<InputOffset> inputs) {
        return event(fleet, id, now).addAllInputs(inputs).setForgotten(FleetForgotten.getDefaultInstance()).build();
    }

    static DecisionEvent audited(String fleet, Instant now, Audit audit) {
        return event(fleet, "audit-" + audit.getRequestId(), now).setAudit(audit).build();
    }

    /** Of no plan. */
    static DecisionEvent refused(String fleet, String id, Instant now, PlanRecord.Refused refused) {
        return event(fleet, id, now).setRefusal(refusal(refused)).build();
    }

    private static DecisionEvent.Builder event(String fleet, String id, Instant now) {
        return DecisionEvent.newBuilder().setFleet(fleet).setDecisionId(id).setAt(Times.timestamp(now));
    }

    private static Alternative alternative(PlanRecord.Alternative alternative) {
        var message = Alternative.newBuilder().setOffer(Words.offer(alternative.offer())).setReason(Words.reason(alternative.reason()));
        alternative.price().ifPresent(message::setPriceMicrosPerHour);
        if (alternative.until() != null) {
            message.setUntil(Times.timestamp(alternative.until()));
        }
        return message.build();
    }

    static PlanRecord.Alternative alternative(Alternative message) {
        return new PlanRecord.Alternative(Words.offer(message.getOffer()), Words.reasonOrNull(message.getReason()),
                message.hasPriceMicrosPerHour() ? OptionalLong.of(message.getPriceMicrosPerHour()) : OptionalLong.empty(),
                Times.instantOrNull(message.hasUntil(), message.getUntil()));
    }

    private static Refusal refusal(PlanRecord.Refused refused) {
        var message = Refusal.newBuilder().setRule(refused.rule()).setReason(Words.reason(refused.reason())).setPool(refused.pool())
                .setQueue(refused.queue()).setWaiting(refused.waiting()).putAllNumbers(refused.numbers())
                .putAllWords(refused.words()).setUnblockedBy(refused.unblockedBy()).setText(refused.text()).setSubject(refused.subject());
        refused.constraints().forEach(each -> message.addConstraints(constraint(each)));
        if (refused.since() != null) {
            message.setSince(Times.timestamp(refused.since()));
        }
        return message.build();
    }

    static RefusalState state(PlanRecord.Refused refused) {
        var state = RefusalState.newBuilder().setDecisionId(refused.id()).setRefusal(refusal(refused));
        if (refused.writtenAt() != null) {
            state.setWrittenAt(Times.timestamp(refused.writtenAt()));
        }
        return state.build();
    }

    static PlanRecord.Refused refused(RefusalState state) {
        var refusal = state.getRefusal();
        return new PlanRecord.Refused(state.getDecisionId(), refusal.getRule(), Words.reasonOrNull(refusal.getReason()), refusal.getPool(),
                refusal.getQueue(), refusal.getSubject(), refusal.getWaiting(), Times.instantOrNull(refusal.hasSince(), refusal.getSince()),
                Times.instantOrNull(state.hasWrittenAt(), state.getWrittenAt()), new TreeMap<>(refusal.getNumbersMap()),
                new TreeMap<>(refusal.getWordsMap()), refusal.getConstraintsList().stream()
                        .filter(each -> Words.reasonOrNull(each.getReason()) != null).map(DecisionTranslator::constraint).toList());
    }

    private static Constraint constraint(dev.muster.planner.core.Constraint constraint) {
        return Constraint.newBuilder().setRule(constraint.rule()).setReason(Words.reason(constraint.reason())).putAllNumbers(constraint.numbers())
                .putAllWords(constraint.words()).build();
    }

    private static dev.muster.planner.core.Constraint constraint(Constraint message) {
        return new dev.muster.planner.core.Constraint(message.getRule(), Words.reasonOrNull(message.getReason()), new TreeMap<>(message.getNumbersMap()),
                new TreeMap<>(message.getWordsMap()));
    }
}
