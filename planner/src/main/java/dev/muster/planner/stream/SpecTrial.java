package dev.muster.planner.stream;

import dev.muster.planner.core.FleetHead;
import dev.muster.v1.ApplyFleet;
import dev.muster.v1.Facts;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.Request;
import dev.muster.v1.Violation;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Accepts a spec as the planner would, for a fleet that exists nowhere: the same judgement, defaults and translation, so that what is
 * tried out on paper is what would run, and what would be refused is refused.
 *
 * @param violations everything that is wrong with the spec; empty if it is accepted
 * @param head of the fleet, ACTIVE; empty if the spec is refused
 */
public record SpecTrial(List<Violation> violations, Optional<FleetHead> head) {

    /** Part of machine ids, which nobody else sees. */
    private static final String INCARNATION = "simulate";

    /** A fleet that is created has no machines to ask about. */
    private static final RequestJudge.Machines NONE = new RequestJudge.Machines() {
        @Override
        public int counted() {
            return 0;
        }

        @Override
        public Optional<Standing> standing(String machineId) {
            return Optional.empty();
        }
    };

    public SpecTrial {
        violations = List.copyOf(violations);
    }

    /** @param createdAt when the fleet would be created */
    public static SpecTrial of(FleetSpec spec, Instant createdAt) {
        var request = Request.newBuilder().setRequestId("trial").setFleet(spec.getName())
                .setFacts(Facts.newBuilder().setInstallation("simulation"))
                .setApply(ApplyFleet.newBuilder().setSpec(spec).setNewIncarnation(INCARNATION)).build();
        var judged = RequestJudge.judge(request, null, NONE, createdAt);
        Optional<FleetRecord> accepted = judged.changed();
        if (accepted.isEmpty() && judged.answer().getViolationsCount() == 0) {
            throw new IllegalStateException("a new fleet's spec was neither accepted nor found wrong: " + judged.answer().getMessage());
        }
        return new SpecTrial(judged.answer().getViolationsList(), accepted.map(FleetTranslator::head));
    }
}
