package dev.muster.planner.spec;

import dev.muster.v1.FleetSpec;
import dev.muster.v1.PoolSpec;
import dev.muster.v1.QueueSpec;
import java.util.List;
import java.util.function.Function;

/**
 * Where things of a spec stand in its YAML: {@code pools.gpu.price}. What has no name of its own, or shares it, is counted:
 * {@code pools[1]}.
 */
final class SpecPaths {

    private final FleetSpec spec;

    SpecPaths(FleetSpec spec) {
        this.spec = spec;
    }

    static String under(String path, String key) {
        return path.isEmpty() ? key : path + "." + key;
    }

    String queue(int i) {
        return named("queues", spec.getQueuesList(), QueueSpec::getName, i);
    }

    String pool(int i) {
        return named("pools", spec.getPoolsList(), PoolSpec::getName, i);
    }

    /** A pool's only offer is written as the pool's own keys. */
    String offer(int pool, int offer) {
        return pool(pool) + (spec.getPools(pool).getOffersCount() == 1 ? "" : ".offers[" + offer + "]");
    }

    private static <T> String named(String key, List<T> values, Function<T, String> name, int i) {
        var own = name.apply(values.get(i));
        var unique = values.stream().filter(value -> name.apply(value).equals(own)).count() == 1;
        return !own.isBlank() && unique ? key + "." + own : key + "[" + i + "]";
    }
}
