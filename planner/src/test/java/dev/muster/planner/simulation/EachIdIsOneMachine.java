package dev.muster.planner.simulation;

import dev.muster.planner.core.Command;
import java.util.HashMap;
import java.util.Map;

/** One machine id is admitted once and names at most one machine at the cloud, ever. */
final class EachIdIsOneMachine implements Invariant {

    private final Map<String, String> cloudIds = new HashMap<>();
    private final Map<String, Command.Launch> launches = new HashMap<>();

    @Override
    public void check(World world, Fact fact) {
        if (fact instanceof Fact.Launched launched) {
            var other = cloudIds.put(launched.machine().machineId, launched.machine().cloudId);
            if (other != null) {
                broken(launched.machine().machineId + " is " + other + " and now " + launched.machine().cloudId);
            }
        } else if (fact instanceof Fact.Commanded commanded && commanded.command() instanceof Command.Launch launch) {
            for (var id : launch.machineIds()) {
                if (launches.put(id, launch) != null) {
                    broken(id + " is launched twice");
                }
            }
        }
    }
}
