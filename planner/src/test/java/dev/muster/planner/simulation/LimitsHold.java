package dev.muster.planner.simulation;

import dev.muster.planner.core.Command;
import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.PlanRecord;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Whenever the cloud starts a machine, its pool and the fleet have no more machines there than the limits that held when the launch was
 * planned, or hold now, and its pods request together no more than the fleet may. Machines of another autoscaler that were adopted don't come
 * from a launch: no plan launches beside them more than its books may hold.
 */
final class LimitsHold implements Invariant {

    private record Allowed(int inPool, int inFleet) {}

    private final Map<String, Allowed> byBatch = new HashMap<>();

    @Override
    public void check(World world, Fact fact) {
        if (fact instanceof Fact.Planned planned) {
            planned(planned.fleet(), planned.records());
        } else if (fact instanceof Fact.Launched launched) {
            launched(world, launched.machine());
        }
    }

    private void planned(Fleet fleet, List<PlanRecord> records) {
        for (var record : records) {
            if (record instanceof PlanRecord.CommandIssued issued && issued.command() instanceof Command.Launch launch) {
                var allowed = allowed(fleet, launch.pool());
                byBatch.put(launch.batchId(), allowed);
                var inPool = fleet.books(fleet.pool(launch.pool()).orElseThrow()).counted();
                if (inPool > allowed.inPool || fleet.size() > allowed.inFleet) {
                    broken(launch.machineIds() + " are launched, and " + launch.pool() + " has then " + inPool + " machines, of at most " + allowed.inPool
                            + ", the fleet " + fleet.size() + ", of at most " + allowed.inFleet);
                }
            }
        }
    }

    private static Allowed allowed(Fleet fleet, String pool) {
        return new Allowed(fleet.spec().pool(pool).orElseThrow().limits().max(), fleet.spec().limits().max());
    }

    private void launched(World world, SimulatedMachine machine) {
        var then = byBatch.get(machine.batchId);
        var now = allowed(world.planner().fleet(), machine.pool);
        long inPool = world.cloud().there().stream().filter(other -> !other.isForeign() && other.pool.equals(machine.pool)).count();
        if (inPool > Math.max(then.inPool, now.inPool)) {
            broken(machine.pool + " has " + inPool + " machines, of at most " + Math.max(then.inPool, now.inPool));
        }
        var inFleet = world.cloud().there().stream().filter(other -> !other.isForeign()).count();
        if (inFleet > Math.max(then.inFleet, now.inFleet)) {
            broken("the fleet has " + inFleet + " machines, of at most " + Math.max(then.inFleet, now.inFleet));
        }
        var gpus = world.cloud().there().stream().filter(other -> !other.isForeign()).mapToInt(other -> world.shape().pool(other.pool).pods().gpus()).sum();
        if (world.shape().gpus() > 0 && gpus > world.shape().gpus() && world.shape().pool(machine.pool).pods().gpus() > 0) {
            broken("pods request " + gpus + " GPUs, of at most " + world.shape().gpus());
        }
    }
}
