package dev.muster.planner.simulation;

import dev.muster.planner.simulation.SimulatedTask.Fault;

/**
 * A task begins again only after it was lost, never while it runs, never after it is done; and one that was lost does begin again. One that is
 * failed has a fault of its own, and nobody has it.
 */
final class EveryTaskRunsOnceOrIsRescued implements Invariant {

    /** As the fleet's spec allows; a task lost more often is left to people. */
    private static final int RESCUES = 3;

    @Override
    public void check(World world, Fact fact) {
        if (fact instanceof Fact.TaskBegan began) {
            var task = began.task();
            if (task.runner != null) {
                broken(task + " runs on " + task.runner.workerId + " and begins on " + began.agent().workerId);
            }
            if (task.isFailed) {
                broken(task + " was failed and begins on " + began.agent().workerId);
            }
            if (task.isDone) {
                broken(task + " is done and begins again on " + began.agent().workerId);
            }
            if (task.runs > task.losses + 1) {
                broken(task + " began " + task.runs + " times and was lost " + task.losses + " times");
            }
        } else if (fact instanceof Fact.TaskFailed failed) {
            var task = failed.task();
            if (task.runner != null || task.isDone || task.fault == Fault.NONE) {
                broken(task + " is failed, whose fault is " + task.fault + (task.isDone ? " and that is done" : task.runner != null ? " and that runs on "
                        + task.runner.workerId : ""));
            }
        }
    }

    @Override
    public void checkAtRest(World world) {
        for (var task : world.clearml().tasks.values()) {
            var isWaiting = world.clearml().isWaiting(task);
            if (!task.isOver() && !isWaiting && task.runner == null && task.losses > 0 && !isGivenUp(task)) {
                broken(task + " was lost and not put back: " + task.status + " on '" + task.lastWorker + "'");
            }
        }
    }

    static boolean isGivenUp(SimulatedTask task) {
        return task.losses > RESCUES || task.rescuesTold >= RESCUES;
    }
}
