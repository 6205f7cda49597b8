package dev.muster.planner.core.rules;

import dev.muster.planner.core.Planning;
import dev.muster.planner.core.QueueSeen;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;
import java.time.Duration;
import java.time.Instant;
import java.util.TreeMap;

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
            hold(planning, Reason.READ_FAILED, "the last look at ClearML failed (" + demand.failure() + ")", "the next good look");
        } else if (demand.heardAt().equals(Instant.EPOCH)) {
            hold(planning, Reason.FACTS_STALE, "ClearML has not been looked at yet", "the queue-watcher's first look");
        } else if (planning.areStale(demand.heardAt().plus(patience))) {
            hold(planning, Reason.FACTS_STALE, "nothing was heard of ClearML since " + demand.heardAt(), "a look; is a queue-watcher running?");
        } else if (!demand.workersKnown()) {
            hold(planning, Reason.FACTS_STALE, "a look was lost, so that the workers are not known", "the next full list of workers, within 60 s");
        }
    }

    private static void hold(Planning planning, Reason reason, String what, String unblockedBy) {
        planning.hold();
        var waiting = planning.fleet().queues().values().stream().mapToInt(QueueSeen::waiting).sum();
        planning.refuse(HoldOnStaleFacts.class.getSimpleName(), reason, "", "", waiting, new TreeMap<>(), unblockedBy,
                "nothing is launched or released: " + what);
    }
}
