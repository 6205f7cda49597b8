package dev.muster.planner.core.rules;

import dev.muster.planner.core.FleetHead;
import dev.muster.planner.core.Launches;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Proposal;
import dev.muster.planner.core.QueueSeen;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;
import java.util.TreeMap;

/** Keeps each pool's minimum, demand or not. */
public final class KeepWarm implements Rule {

    private final Launches launches;

    public KeepWarm(Launches launches) {
        this.launches = launches;
    }

    @Override
    public void apply(Planning planning) {
        if (planning.isHeld() || planning.fleet().head().state() != FleetHead.State.ACTIVE) {
            return;
        }
        for (var pool : planning.spec().pools()) {
            var missing = pool.limits().min() - planning.books(pool).staying();
            // A machine that no known queue feeds could do nothing.
            var fed = planning.spec().queues().stream().filter(queue -> queue.pools().contains(pool.name()))
                    .map(queue -> planning.fleet().queues().get(queue.name()))
                    .anyMatch(seen -> seen != null && seen.state() == QueueSeen.State.SERVED);
            if (missing <= 0 || !fed) {
                continue;
            }
            var admitted = launches.admit(planning, this, Reason.BELOW_MINIMUM, Proposal.of(pool, "", missing), 0, planning.books(pool).freeSlots());
            if (admitted.size() < missing) {
                var cut = admitted.cuts().get(0);
                var numbers = new TreeMap<String, Long>();
                numbers.put("missing", (long) missing - admitted.size());
                planning.refuse(cut.rule(), cut.reason(), pool.name(), "", 0, numbers, cut.unblockedBy(),
                        pool.name() + " stays " + (missing - admitted.size()) + " below its minimum " + pool.limits().min() + ": " + cut.text());
            }
        }
    }
}
