package dev.muster.planner.simulation;

import dev.muster.planner.core.Command;
import dev.muster.planner.core.FleetEvent;
import dev.muster.planner.core.FleetEvent.MachinesAsked.Verb;
import dev.muster.planner.core.FleetHead;
import dev.muster.planner.simulation.Fact.Stopped.Why;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Muster ends no machine that has a task, unless a person said so. A machine without a working guard can't be kept from taking a task
 * after the last look: there, a task is excused that was taken later than any look could have shown when the end was first ordered.
 */
final class BusyMachinesAreNeverTerminated implements Invariant {

    /** Facts are used up to an age of 15 s, or three intervals; a look counts up to 10 s after its begin. */
    private static final long OLDEST_FACT = 25_000;

    private final Set<String> asked = new HashSet<>();
    private boolean allAsked;
    private final Map<String, Long> orderedAt = new HashMap<>();

    @Override
    public void check(World world, Fact fact) {
        if (fact instanceof Fact.Learned learned) {
            if (learned.event() instanceof FleetEvent.MachinesAsked ask && ask.verb() == Verb.TERMINATE) {
                asked.addAll(ask.machineIds());
            } else if (learned.event() instanceof FleetEvent.FleetChanged changed && changed.head().action() == FleetHead.ShutdownAction.ALL) {
                allAsked = true;
            }
        } else if (fact instanceof Fact.Commanded commanded && commanded.command() instanceof Command.Terminate terminate) {
            orderedAt.putIfAbsent(terminate.cloudId(), world.now());
        } else if (fact instanceof Fact.Stopped stopped && stopped.why() != Why.BY_ITSELF && !stopped.tasks().isEmpty()) {
            judge(world, stopped);
        }
    }

    private void judge(World world, Fact.Stopped stopped) {
        var machine = stopped.machine();
        if (allAsked || asked.contains(machine.machineId)) {
            return;
        }
        var oldest = Math.max(OLDEST_FACT, 3 * world.shape().interval() + 10_000);
        if (!machine.hasGuard() && stopped.why() == Why.TERMINATED
                && stopped.tasks().stream().allMatch(task -> task.poppedAt > orderedAt.getOrDefault(machine.cloudId, 0L) - oldest)) {
            return;
        }
        broken(machine + " was ended (" + stopped.why() + ") with " + stopped.tasks());
    }
}
