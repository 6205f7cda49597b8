package dev.muster.planner.simulation;

import dev.muster.planner.core.CloudState;
import dev.muster.planner.core.Command;
import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.PlanRecord;
import java.util.HashSet;
import java.util.Set;

/**
 * A pod that was made for a task runs that task and no other, and only after it has taken it out of its queue itself, which it does on a node.
 * Each is launched for one task, that has no other.
 */
final class TaskPodsTakeTheirOwn implements Invariant {

    /** Cloud ids of pods that took their task. */
    private final Set<String> claimed = new HashSet<>();

    @Override
    public void check(World world, Fact fact) {
        if (fact instanceof Fact.Claimed claim) {
            if (claim.task() != claim.machine().bound) {
                broken(claim.machine() + " takes " + claim.task() + ", and was made for " + claim.machine().bound);
            }
            if (claim.machine().paidFrom < 0 || claim.machine().state() == CloudState.PENDING) {
                broken(claim.machine() + " takes " + claim.task() + " and is " + claim.machine().state());
            }
            claimed.add(claim.machine().cloudId);
        } else if (fact instanceof Fact.TaskBegan began && began.agent().machine != null && began.agent().machine.bound != null) {
            var machine = began.agent().machine;
            if (began.task() != machine.bound || !claimed.contains(machine.cloudId)) {
                broken(machine + " runs " + began.task() + ", was made for " + machine.bound + " and has taken "
                        + (claimed.contains(machine.cloudId) ? "it" : "nothing"));
            }
        } else if (fact instanceof Fact.Planned planned) {
            for (var record : planned.records()) {
                if (record instanceof PlanRecord.CommandIssued issued && issued.command() instanceof Command.Launch launch) {
                    judge(planned.fleet(), launch);
                }
            }
        }
    }

    private void judge(Fleet fleet, Command.Launch launch) {
        var isBound = fleet.spec().pool(launch.pool()).orElseThrow().pods().taskBound();
        if (isBound == launch.task().isEmpty()) {
            broken(launch.machineIds() + " of " + launch.pool() + " are made for the task '" + launch.task() + "'");
        }
        if (isBound && (launch.machineIds().size() > 1 || fleet.boundTo(launch.task()).size() > 1)) {
            broken(launch.machineIds() + " are launched for " + launch.task() + ", which has " + fleet.boundTo(launch.task()).stream().map(m -> m.id()).toList());
        }
    }
}
