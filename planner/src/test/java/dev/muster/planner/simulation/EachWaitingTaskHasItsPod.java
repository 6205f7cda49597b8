package dev.muster.planner.simulation;

import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.FleetHead;
import dev.muster.planner.core.PlanRecord;
import dev.muster.planner.core.QueueSeen;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rescue;
import java.time.Instant;

/**
 * Where only pods of a task each serve a queue, a plan leaves no waiting task without its pod and doesn't say what is in the way. A pod that
 * was made for another task is none of its, whether that one waits or runs.
 */
final class EachWaitingTaskHasItsPod implements Invariant {

    @Override
    public void check(World world, Fact fact) {
        if (fact instanceof Fact.Planned planned && world.shape().hasPods() && planned.fleet().head().state() == FleetHead.State.ACTIVE
                && !isHeld(planned.fleet()) && planned.fleet().otherWorkers().isEmpty()) {
            planned.fleet().queues().values().forEach(queue -> judge(planned, queue));
        }
    }

    private static boolean isHeld(Fleet fleet) {
        return fleet.refusals().stream().anyMatch(refused -> refused.reason() == Reason.FACTS_STALE || refused.reason() == Reason.READ_FAILED);
    }

    /** A look may show it a little longer. */
    private static boolean isFailing(Rescue rescue, Instant now) {
        return rescue.fails() && (rescue.isOpen() || now.isBefore(rescue.endedAt().plusSeconds(25)));
    }

    /** By this plan, after it had seen to the queues: the next one makes another. */
    private static boolean isSentAway(PlanRecord record, String task) {
        return record instanceof PlanRecord.MachineChanged changed && changed.machine().task().equals(task) && !changed.machine().phase().isStaying();
    }

    private void judge(Fact.Planned planned, QueueSeen queue) {
        var fleet = planned.fleet();
        var pools = fleet.spec().queue(queue.name()).orElseThrow().pools();
        if (!pools.stream().allMatch(pool -> fleet.spec().pool(pool).orElseThrow().pods().taskBound())
                || fleet.refusals().stream().anyMatch(refused -> refused.queue().equals(queue.name()))) {
            return;
        }
        var without = queue.first().stream().filter(task -> fleet.boundTo(task).isEmpty()
                && fleet.rescue(task).filter(rescue -> isFailing(rescue, planned.now())).isEmpty()
                && planned.records().stream().noneMatch(record -> isSentAway(record, task))).toList();
        if (!without.isEmpty()) {
            broken(without + " wait in " + queue.name() + " and have no pod, and nothing is said to be in the way");
        }
    }
}
