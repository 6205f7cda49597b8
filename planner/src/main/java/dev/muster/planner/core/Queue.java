package dev.muster.planner.core;

import java.util.List;

/**
 * A ClearML queue of the fleet and the pools that serve it.
 *
 * @param pools names, in order of preference when listed; not empty
 * @param priority higher is served first when a limit binds
 * @param weight share among queues of one priority, at least 1
 * @param budgets on the machines launched for it
 */
public record Queue(String name, List<String> pools, Pool.Order order, int priority, int weight, List<Budget> budgets) {

    public Queue {
        pools = List.copyOf(pools);
        budgets = List.copyOf(budgets);
    }
}
