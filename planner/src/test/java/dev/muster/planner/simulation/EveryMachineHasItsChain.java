package dev.muster.planner.simulation;

import dev.muster.planner.core.CauseChains;
import dev.muster.planner.core.PlanRecord;
import java.util.List;

/** What was decided about a machine leads back, from cause to cause, to its launch or its adoption. */
final class EveryMachineHasItsChain implements Invariant {

    @Override
    public void check(World world, Fact fact) {
        // It is about the whole.
    }

    @Override
    public void checkAtRest(World world) {
        var chains = new CauseChains();
        for (var step : world.planner().history()) {
            for (var record : step.event() == null ? step.records() : List.<PlanRecord>of()) {
                if (record instanceof PlanRecord.Decided decided) {
                    chains.decided(decided.id(), decided.reason(), decided.machineIds(), decided.causes());
                }
            }
        }
        if (!chains.broken().isEmpty()) {
            broken("nothing leads from the launch to the last decision about " + chains.broken());
        }
    }
}
