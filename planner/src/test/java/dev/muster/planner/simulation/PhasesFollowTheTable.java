package dev.muster.planner.simulation;

import dev.muster.planner.core.Machine;
import dev.muster.planner.core.Phase;
import dev.muster.planner.core.PlanRecord;
import java.util.HashMap;
import java.util.Map;

/** A machine's phase in a plan's records can follow the one in the record before. */
final class PhasesFollowTheTable implements Invariant {

    private final Map<String, Phase> phases = new HashMap<>();

    @Override
    public void check(World world, Fact fact) {
        if (fact instanceof Fact.PlannerCrashed) {
            phases.clear();
        } else if (fact instanceof Fact.Planned planned) {
            for (var record : planned.records()) {
                if (record instanceof PlanRecord.MachineChanged changed) {
                    judge(changed.machine());
                }
            }
        }
    }

    private void judge(Machine machine) {
        var before = phases.put(machine.id(), machine.phase());
        // A refusal moves a machine between plans.
        if (before != null && !before.canBecome(machine.phase()) && !(before == Phase.FAILED || machine.phase() == Phase.FAILED)) {
            broken(machine.id() + " went from " + before + " to " + machine.phase());
        }
    }
}
