package dev.muster.planner.simulate;

import dev.muster.planner.core.FailureKind;
import dev.muster.planner.core.Reason;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What came of a simulation: every task, every machine, and how often the planner refused for what.
 *
 * @param fleet name of the fleet
 * @param pools names, in the spec's order
 * @param queues names, in the spec's order
 * @param began second of the first task
 * @param ended second at which the last machine was gone
 * @param tasks in the workload's order
 * @param machines that the cloud accepted, in the order of their end
 * @param launchesRefused machines whose launch the cloud refused, by kind
 * @param refusals how often the planner began to refuse something, by reason and pool
 * @param plans how many plans were made
 * @param decisions records that they wrote
 */
public record Outcome(String fleet, long seed, List<String> pools, List<String> queues, long began, long ended, List<TaskOutcome> tasks,
        List<MachineOutcome> machines, SortedMap<FailureKind, Long> launchesRefused, SortedMap<Reason, SortedMap<String, Long>> refusals, long plans,
        long decisions) {

    public Outcome {
        pools = List.copyOf(pools);
        queues = List.copyOf(queues);
        tasks = List.copyOf(tasks);
        machines = List.copyOf(machines);
        launchesRefused = sorted(launchesRefused);
        refusals = sorted(refusals);
    }

    private static <K extends Comparable<K>, V> SortedMap<K, V> sorted(Map<K, V> map) {
        return Collections.unmodifiableSortedMap(new TreeMap<>(map));
    }
}
