package dev.muster.planner.simulation;

/**
 * Once faults have stopped, every waiting task is run, or failed for what is wrong with it, unless its fleet was deleted or has spent
 * its day's budget, or it was lost more often than it may be rescued.
 */
final class DemandIsMetOnceFaultsStop implements Invariant {

    @Override
    public void check(World world, Fact fact) {
        // It is about the end.
    }

    @Override
    public void checkAtRest(World world) {
        if (world.planner().fleet().head().isEnding() || world.isOutOfMoney()) {
            return;
        }
        for (var task : world.clearml().tasks.values()) {
            if (!task.isOver() && !EveryTaskRunsOnceOrIsRescued.isGivenUp(task)) {
                broken(task + " is " + task.status + (world.clearml().isWaiting(task) ? ", waiting" : ", not waiting") + " in " + task.queueId
                        + "; the planner refuses: " + world.planner().fleet().refusals().stream().map(r -> r.text()).toList());
            }
        }
    }
}
