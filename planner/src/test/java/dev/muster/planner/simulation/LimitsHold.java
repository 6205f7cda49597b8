package dev.muster.planner.simulation;

import dev.muster.planner.core.Command;
import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.PlanRecord;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Whenever the cloud starts a machine, its pool and the fleet have no more machines there than the limits that held when the launch was
 * planned, or hold now.
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
                byBatch.put(launch.batchId(), allowed(fleet, launch.pool()));
            }
        }
    }

    private static Allowed allowed(Fleet fleet, String pool) {
        return new Allowed(fleet.spec().pool(pool).orElseThrow().limits().max(), fleet.spec().limits().max());
    }

    private void launched(World world, SimulatedMachine machine) {
        var then = byBatch.get(machine.batchId);
        var now = allowed(world.planner().fleet(), machine.pool);
        long inPool = world.cloud().there().stream().filter(other -> other.pool.equals(machine.pool)).count();
        if (inPool > Math.max(then.inPool, now.inPool)) {
            broken(machine.pool + " has " + inPool + " machines, of at most " + Math.max(then.inPool, now.inPool));
        }
        var inFleet = world.cloud().there().size();
        if (inFleet > Math.max(then.inFleet, now.inFleet)) {
            broken("the fleet has " + inFleet + " machines, of at most " + Math.max(then.inFleet, now.inFleet));
        }
    }
}
