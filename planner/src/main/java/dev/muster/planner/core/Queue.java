package dev.muster.planner.core;

import java.util.List;

/**
 * A ClearML queue of the fleet and the pools that serve it.
 *
 * @param pools names, in order of preference when listed; not empty
 * @param priority higher is served first when a limit binds
 * @param weight at least 1
 */
public record Queue(String name, List<String> pools, Pool.Order order, int priority, int weight) {

    public Queue {
        pools = List.copyOf(pools);
    }
}
