package dev.muster.planner.core.rules;

import dev.muster.planner.core.Constraint;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.QueueSeen;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;
import java.time.Duration;
import java.time.Instant;

/** Unknown is not zero, and not safe to kill: without a good and fresh look nothing is launched and nothing released. */
public final class HoldOnStaleFacts implements Rule {

    /** A good look is published at least every 5 s; three may be lost. */
    private static final Duration STALE = Duration.ofSeconds(15);

    @Override
    public void apply(Planning planning) {
        var demand = planning.fleet().demand();
        var interval = demand.interval().multipliedBy(3);
        var patience = interval.compareTo(STALE) > 0 ? interval : STALE;
        if (!demand.failure().isEmpty()) {
            hold(planning, Constraint.by(this, Reason.READ_FAILED).word("failure", demand.failure()));
        } else if (demand.heardAt().equals(Instant.EPOCH)) {
            hold(planning, Constraint.by(this, Reason.FACTS_STALE).how("never-looked"));
        } else if (planning.areStale(demand.heardAt().plus(patience))) {
            hold(planning, Constraint.by(this, Reason.FACTS_STALE).how("silent").instant("since", demand.heardAt()));
        } else if (!demand.workersKnown()) {
            hold(planning, Constraint.by(this, Reason.FACTS_STALE).how("look-lost"));
        }
    }

    private static void hold(Planning planning, Constraint.Draft why) {
        planning.hold();
        var waiting = planning.fleet().queues().values().stream().mapToInt(QueueSeen::waiting).sum();
        planning.refuse("", waiting, why.done());
    }
}
