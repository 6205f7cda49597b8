package dev.muster.planner.simulation;

import dev.muster.planner.core.CloudState;
import dev.muster.planner.core.FleetEvent;
import dev.muster.planner.core.FleetEvent.MachineFacts;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.Phase;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What is known to wait for room is not paid for, not before it has found some, and waits no longer than its pool's patience. */
final class PodsWithoutRoomAreFree implements Invariant {

    /** Machines of which the planner heard first that they wait: how long one waited that had a node when it was first heard of, nobody says. */
    private final Set<String> waited = new HashSet<>();
    private final Set<String> heardOf = new HashSet<>();

    @Override
    public void check(World world, Fact fact) {
        if (!world.shape().hasPods()) {
            return;
        }
        if (fact instanceof Fact.Learned learned) {
            facts(learned.event()).stream().filter(machine -> heardOf.add(machine.machineId()) && machine.state() == CloudState.WAITING)
                    .forEach(machine -> waited.add(machine.machineId()));
        } else if (fact instanceof Fact.Planned planned) {
            var isEnding = planned.fleet().head().isEnding();
            planned.fleet().counted().filter(machine -> waited.contains(machine.id())).forEach(machine -> {
                judge(world, machine);
                var patience = planned.fleet().pool(machine.pool()).map(pool -> pool.pods().patience()).orElse(null);
                if (!isEnding && patience != null && machine.phase() == Phase.BOOTING && machine.cloud() == CloudState.WAITING
                        && planned.now().isAfter(machine.waitingSince().plus(patience))) {
                    broken(machine.id() + " waits for room since " + machine.waitingSince() + " and is not sent away at " + planned.now());
                }
            });
        }
    }

    private void judge(World world, Machine machine) {
        var pod = world.cloud().machine(machine.cloudId());
        if (pod == null || machine.paid() == null) {
            return;
        }
        if (pod.paidFrom < 0) {
            broken(machine.id() + " has no room and is paid for since " + machine.paid().since());
        }
        if (machine.paid().since().isBefore(world.instant(pod.paidFrom))) {
            broken(machine.id() + " has room since " + world.instant(pod.paidFrom) + " and is paid for since " + machine.paid().since());
        }
    }

    static List<MachineFacts> facts(FleetEvent event) {
        return event instanceof FleetEvent.MachineSeen seen ? List.of(seen.machine()) : event instanceof FleetEvent.LaunchAccepted accepted ? accepted.machines()
                : event instanceof FleetEvent.InventorySeen list ? list.machines() : List.of();
    }
}
