package dev.muster.planner.core;

import java.util.ArrayList;
import java.util.List;

/**
 * A pool's machines, counted.
 *
 * @param counted against its limit
 * @param staying will take a task, or soon
 * @param starting of these, without a worker
 * @param freeSlots of the staying: tasks that they will take, those still booting included
 * @param idle staying, registered, and without a task
 */
public record PoolBooks(int counted, int staying, int starting, int freeSlots, List<Machine> idle) {

    static PoolBooks of(Fleet fleet, Pool pool) {
        int counted = 0;
        int staying = 0;
        int starting = 0;
        int free = 0;
        var idle = new ArrayList<Machine>();
        for (var machine : fleet.active().values()) {
            if (!machine.pool().equals(pool.name())) {
                continue;
            }
            counted++;
            if (!machine.phase().isStaying()) {
                continue;
            }
            staying++;
            if (machine.phase().isStarting()) {
                starting++;
                free += pool.slots();
                continue;
            }
            int busy = 0;
            for (var worker : fleet.workersOn(machine)) {
                if (worker.isBusy()) {
                    busy++;
                }
            }
            free += Math.max(0, pool.slots() - busy);
            if (busy == 0) {
                idle.add(machine);
            }
        }
        return new PoolBooks(counted, staying, starting, free, idle);
    }
}
