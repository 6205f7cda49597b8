package dev.muster.planner.simulation;

import dev.muster.planner.core.Command;
import dev.muster.planner.core.FleetEvent;
import dev.muster.planner.core.FleetHead;
import dev.muster.planner.core.PlanRecord;

/** A fleet that is paused or being deleted launches nothing, nor does a pool that is paused. */
final class NothingIsLaunchedWhilePaused implements Invariant {

    private FleetHead head;

    @Override
    public void check(World world, Fact fact) {
        if (fact instanceof Fact.Learned learned && learned.event() instanceof FleetEvent.FleetChanged changed) {
            head = changed.head();
        } else if (fact instanceof Fact.Planned planned) {
            for (var record : planned.records()) {
                if (record instanceof PlanRecord.CommandIssued issued && issued.command() instanceof Command.Launch launch) {
                    judge(planned.fleet().head(), launch);
                }
            }
        }
    }

    private void judge(FleetHead known, Command.Launch launch) {
        if (known.state() != FleetHead.State.ACTIVE) {
            broken("the fleet is " + known.state() + " and launches " + launch.machineIds());
        }
        if (known.spec().pool(launch.pool()).orElseThrow().paused()) {
            broken(launch.pool() + " is paused and launches " + launch.machineIds());
        }
    }
}
