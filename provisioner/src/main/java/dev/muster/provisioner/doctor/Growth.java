package dev.muster.provisioner.doctor;

import dev.muster.v1.FleetSpec;
import dev.muster.v1.PoolSpec;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** How much of something fleets may come to take, by their limits. */
public final class Growth {

    private Growth() {}

    /** @param each how much one machine of the pool takes */
    public record Wanted(FleetSpec fleet, PoolSpec pool, int each) {}

    /** Each pool at its limit with its largest machine, and no fleet beyond its own limit: the largest machines count first. */
    public static long most(List<Wanted> all) {
        var byFleet = new LinkedHashMap<FleetSpec, Map<String, Wanted>>();
        all.forEach(wanted -> byFleet.computeIfAbsent(wanted.fleet(), none -> new LinkedHashMap<>()).merge(wanted.pool().getName(), wanted,
                (one, other) -> one.each() >= other.each() ? one : other));
        long most = 0;
        for (var fleet : byFleet.entrySet()) {
            long left = fleet.getKey().getLimits().hasMax() ? Integer.toUnsignedLong(fleet.getKey().getLimits().getMax()) : Long.MAX_VALUE;
            for (var wanted : fleet.getValue().values().stream().sorted(Comparator.comparing(Wanted::each).reversed()).toList()) {
                long machines = Math.min(left, Integer.toUnsignedLong(wanted.pool().getLimits().getMax()));
                left -= machines;
                most += machines * wanted.each();
            }
        }
        return most;
    }
}
