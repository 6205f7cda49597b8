package dev.muster.planner.core.rules;

import dev.muster.planner.core.CloudState;
import dev.muster.planner.core.Constraint;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.Phase;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * Sends machines away for which their cloud has found no room within the pool's patience, so that the next offer or pool is tried; and says,
 * while it lasts, why machines wait or don't start.
 */
public final class MoveOnFromFullClusters implements Rule {

    @Override
    public void apply(Planning planning) {
        if (planning.isLettingGo()) {
            return;
        }
        var hindered = new TreeMap<String, List<Machine>>();
        for (var machine : planning.fleet().in(Phase.BOOTING)) {
            if (machine.cloud() == CloudState.WAITING && isOutOfPatience(planning, machine)) {
                moveOn(planning, machine);
            } else if (machine.readyAt() == null && !machine.note().isEmpty()) {
                hindered.computeIfAbsent(machine.pool(), pool -> new ArrayList<>()).add(machine);
            }
        }
        hindered.forEach((pool, machines) -> warn(planning, pool, machines));
    }

    private static boolean isOutOfPatience(Planning planning, Machine machine) {
        var patience = planning.poolOf(machine).map(pool -> pool.pods().patience()).orElse(null);
        return patience != null && machine.waitingSince() != null && planning.hasPassed(machine.waitingSince().plus(patience));
    }

    /** By its mark, since it may have found room this moment: then its gate decides. */
    private void moveOn(Planning planning, Machine machine) {
        var decision = planning.decide(this, Reason.NO_ROOM).machine(machine).offer(machine.offer())
                .seconds("waitedSeconds", Duration.between(machine.waitingSince(), planning.now())).wordIfAny("note", machine.note().toString()).write();
        planning.outOfCapacity(machine, machine.note().toString());
        planning.drain(machine, decision, Reason.NO_ROOM, machine.note().isEmpty() ? "no room for it" : machine.note().toString(), false);
    }

    private void warn(Planning planning, String pool, List<Machine> machines) {
        var first = machines.get(0);
        var since = machines.stream().map(machine -> machine.waitingSince() == null ? machine.deadlinesFrom() : machine.waitingSince())
                .min(Instant::compareTo).orElseThrow();
        planning.warn(pool, Constraint.by(this, Reason.MACHINES_HINDERED).word("pool", pool).number("machines", machines.size())
                .word("note", first.note().toString()).instant("since", since));
    }
}
