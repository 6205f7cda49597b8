package dev.muster.planner.simulation;

import dev.muster.planner.core.Command;
import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.PlanRecord;
import java.util.HashSet;
import java.util.Set;

/**
 * A plan admits no more slots than wait in the queues as last seen, over what the pools' minima ask for: what one pool covers is not asked
 * of the next, and what boots is not asked for again.
 */
final class LaunchesAreNotExcessive implements Invariant {

    @Override
    public void check(World world, Fact fact) {
        if (!(fact instanceof Fact.Planned planned)) {
            return;
        }
        Set<String> launched = new HashSet<>();
        int slots = 0;
        for (var record : planned.records()) {
            if (record instanceof PlanRecord.CommandIssued issued && issued.command() instanceof Command.Launch launch) {
                launched.addAll(launch.machineIds());
                slots += launch.machineIds().size() * planned.fleet().spec().pool(launch.pool()).orElseThrow().slots();
            }
        }
        if (launched.isEmpty()) {
            return;
        }
        int waiting = planned.fleet().queues().values().stream().mapToInt(queue -> queue.waiting()).sum();
        int starting = 0;
        for (var machine : planned.fleet().active().values()) {
            // One that was made for a task which another took is of no use, and goes.
            if (machine.phase().isStarting() && !launched.contains(machine.id()) && (!machine.isBound() || waits(planned.fleet(), machine.task()))) {
                starting += planned.fleet().spec().pool(machine.pool()).map(pool -> pool.slots()).orElse(0);
            }
        }
        // A machine may have a slot more than is needed, each queue rounds up; a starting machine of one pool may be of no use to the other queue.
        int minima = planned.fleet().spec().pools().stream().mapToInt(pool -> (pool.limits().min() + pool.warm()) * pool.slots()).sum();
        int rounding = planned.fleet().spec().queues().size();
        int usable = planned.fleet().spec().queues().size() == 1 ? starting : 0;
        if (slots > Math.max(0, waiting - usable) + minima + rounding) {
            broken(slots + " slots are launched for " + waiting + " waiting tasks, with " + starting + " starting");
        }
    }

    private static boolean waits(Fleet fleet, String task) {
        return fleet.queues().values().stream().anyMatch(queue -> queue.first().contains(task));
    }
}
