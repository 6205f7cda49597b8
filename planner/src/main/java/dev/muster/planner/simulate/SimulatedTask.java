package dev.muster.planner.simulate;

/**
 * One task of a workload.
 *
 * @param name for people; need not be unique
 * @param queue ClearML's name of the queue that it is put into
 * @param at second at which it is put there, from the workload's zero
 * @param seconds how long it runs, zero or more; the same on every machine
 */
public record SimulatedTask(String name, String queue, long at, long seconds) {

    public SimulatedTask {
        if (at < 0 || seconds < 0) {
            throw new IllegalArgumentException("task " + name + " needs a moment and a run time of zero or more, got " + at + " and " + seconds);
        }
    }
}
