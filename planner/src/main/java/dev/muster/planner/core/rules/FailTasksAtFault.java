package dev.muster.planner.core.rules;

import dev.muster.planner.core.Machine;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rescue;
import dev.muster.planner.core.Rule;
import dev.muster.planner.core.TaskStatus;
import java.util.List;

/**
 * Fails waiting tasks that no machine can be made for, because of what they themselves ask for: an image that doesn't exist, a wish that can't
 * be read. Another machine would fare no better, and the pool is as good as before.
 */
public final class FailTasksAtFault implements Rule {

    @Override
    public void apply(Planning planning) {
        if (planning.isHeld() || planning.isLettingGo()) {
            return;
        }
        for (var machine : planning.fleet().withTaskAtFault()) {
            if (!isKnown(planning, machine)) {
                fail(planning, machine);
            }
            if (machine.phase().isStaying() && !machine.cloudId().isEmpty()) {
                planning.drain(machine, machine.decisionId(), Reason.TASK_AT_FAULT, machine.note().toString(), false);
            }
        }
    }

    /** The task was failed for it, or for another machine of that time. One that was mended and queued again has a machine made later. */
    private static boolean isKnown(Planning planning, Machine machine) {
        return planning.fleet().rescue(machine.task()).filter(rescue -> rescue.machineId().equals(machine.id()) || rescue.isOpen()
                || rescue.fails() && !machine.requestedAt().isAfter(rescue.endedAt())).isPresent();
    }

    private void fail(Planning planning, Machine machine) {
        var decision = planning.decide(this, Reason.TASK_AT_FAULT).machine(machine).tasks(List.of(machine.task())).word("note", machine.note().toString()).write();
        var queueId = machine.queueIds().isEmpty() ? "" : machine.queueIds().get(0);
        var before = planning.fleet().rescue(machine.task());
        // One that was put back still shows the worker that it was lost by.
        var lastWorker = before.map(Rescue::worker).orElse("");
        RescueLostTasks.send(planning, new Rescue(machine.task(), queueId, lastWorker, machine.id(), TaskStatus.QUEUED, before.map(Rescue::attempt).orElse(0),
                before.map(Rescue::rescued).orElse(0), planning.now(), null, machine.note().reason(), machine.note().toString()), decision);
    }
}
