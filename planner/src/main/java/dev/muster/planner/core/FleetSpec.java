package dev.muster.planner.core;

import java.time.Duration;
import java.time.ZoneId;
import java.util.List;
import java.util.Optional;

/**
 * What an operator declared, with every default filled in, narrowed to what planning needs.
 *
 * @param zone in which days and months of budgets begin
 */
public record FleetSpec(
        String connection, String workersPrefix, List<Queue> queues, List<Pool> pools, Limits limits, Rescue rescue,
        boolean countOtherWorkers, List<Budget> budgets, List<Schedule> schedules, ZoneId zone) {

    /**
     * How tasks of lost machines are put back.
     *
     * @param after how long a task adrift waits where workers that are not ours serve its queue
     * @param attempts rescues of one task at most
     * @param optOutTag a task with it is never rescued
     */
    public record Rescue(boolean enabled, Duration after, int attempts, String optOutTag) {}

    public FleetSpec {
        queues = List.copyOf(queues);
        pools = List.copyOf(pools);
        budgets = List.copyOf(budgets);
        schedules = List.copyOf(schedules);
    }

    /** Of the fleet, a pool or a queue. */
    public boolean hasBudgets() {
        return !budgets.isEmpty() || pools.stream().anyMatch(pool -> !pool.budgets().isEmpty()) || queues.stream().anyMatch(queue -> !queue.budgets().isEmpty());
    }

    public Optional<Pool> pool(String name) {
        return pools.stream().filter(pool -> pool.name().equals(name)).findFirst();
    }

    public Optional<Queue> queue(String name) {
        return queues.stream().filter(queue -> queue.name().equals(name)).findFirst();
    }
}
