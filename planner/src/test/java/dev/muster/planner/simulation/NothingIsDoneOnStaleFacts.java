package dev.muster.planner.simulation;

import dev.muster.planner.core.Command;
import dev.muster.planner.core.FleetEvent;
import dev.muster.planner.core.PlanRecord;
import dev.muster.planner.core.Reason;

/**
 * Unknown is not zero, and not safe to kill: nothing is launched, no idle machine drained, and none whose task is said to be another's or at
 * fault, later than 15 s (or three intervals) after the last good look, or after a failed one.
 */
final class NothingIsDoneOnStaleFacts implements Invariant {

    private long generation = -1;
    private long sequence = -1;
    private boolean hasFailed = true;
    private long goodAt = Long.MIN_VALUE / 2;

    @Override
    public void check(World world, Fact fact) {
        if (fact instanceof Fact.Learned learned) {
            learned(world, learned.event());
        } else if (fact instanceof Fact.Planned planned) {
            for (var record : planned.records()) {
                if (record instanceof PlanRecord.Decided decided && (decided.reason() == Reason.IDLE_TOO_LONG
                        || decided.reason() == Reason.TASK_TAKEN || decided.reason() == Reason.TASK_AT_FAULT)
                        || record instanceof PlanRecord.CommandIssued issued && issued.command() instanceof Command.Launch) {
                    judge(world, record);
                }
            }
        }
    }

    private void learned(World world, FleetEvent event) {
        if (event instanceof FleetEvent.DemandSeen look) {
            var seen = look.seen();
            if (seen.generation() > generation || seen.generation() == generation && seen.sequence() > sequence) {
                generation = seen.generation();
                sequence = seen.sequence();
                var isInTime = !seen.readStartedAt().plusSeconds(10).isBefore(look.at());
                hasFailed = !isInTime;
                goodAt = isInTime ? look.at().toEpochMilli() - Shape.START.toEpochMilli() : goodAt;
            }
        } else if (event instanceof FleetEvent.ReadFailed failed) {
            if (failed.seen().generation() > generation || failed.seen().generation() == generation && failed.seen().sequence() >= sequence) {
                generation = failed.seen().generation();
                sequence = failed.seen().sequence();
                hasFailed = true;
            }
        }
    }

    private void judge(World world, PlanRecord record) {
        if (hasFailed) {
            broken("after a failed look: " + record);
        }
        if (world.now() - goodAt > Math.max(15_000, 3 * world.shape().interval())) {
            broken("the last good look was heard " + (world.now() - goodAt) / 1000.0 + " s ago: " + record);
        }
    }
}
