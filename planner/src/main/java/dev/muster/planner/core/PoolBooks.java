package dev.muster.planner.core;

/**
 * A pool's machines, counted.
 *
 * @param counted against its limit
 * @param staying will take a task, or soon
 * @param starting of these, without a worker
 * @param freeSlots of the staying: tasks that they will take, those still booting included
 * @param leaving marked, or asked to end
 */
public record PoolBooks(int counted, int staying, int starting, int freeSlots, int leaving) {

    static final PoolBooks NONE = new PoolBooks(0, 0, 0, 0, 0);
}
