package dev.muster.planner.simulation;

import dev.muster.planner.core.PlanRecord;
import dev.muster.planner.core.Reason;

/**
 * How much happened in a run, so that "no violation" says of how many things.
 *
 * @param machines that the cloud started
 * @param begun how often an agent began a task
 * @param lost how often a task was lost, by a machine's end or an answer's
 * @param drained machines that their guard ended, under a mark, when nothing ran on them
 * @param drainedFull those of them that ended while tasks waited in a queue of theirs, which they left alone
 * @param impaired how often the planner took note that a cloud's checks of a machine fail
 * @param givenUp machines that it gave up for that
 * @param ofPods what pods did
 */
record Tally(long machines, long begun, long lost, long drained, long drainedFull, long impaired, long givenUp, OfPods ofPods) {

    static final Tally NONE = new Tally(0, 0, 0, 0, 0, 0, 0, OfPods.NONE);

    /**
     * @param pods that were created
     * @param claims tasks that pods took out of their queue
     * @param movedOn how often the planner sent one away for which there was no room
     * @param taken how often it sent one away whose task was another's
     * @param failed tasks marked failed
     */
    record OfPods(long pods, long claims, long movedOn, long taken, long failed) {

        static final OfPods NONE = new OfPods(0, 0, 0, 0, 0);

        OfPods plus(OfPods other) {
            return new OfPods(pods + other.pods, claims + other.claims, movedOn + other.movedOn, taken + other.taken, failed + other.failed);
        }

        @Override
        public String toString() {
            return String.format("%,d pods, %,d claims of tasks, %,d pods sent away for want of room, %,d because another had their task, and %,d tasks marked "
                    + "failed", pods, claims, movedOn, taken, failed);
        }
    }

    private static Tally of(OfPods ofPods) {
        return new Tally(0, 0, 0, 0, 0, 0, 0, ofPods);
    }

    Tally plus(Tally other) {
        return new Tally(machines + other.machines, begun + other.begun, lost + other.lost, drained + other.drained, drainedFull + other.drainedFull,
                impaired + other.impaired, givenUp + other.givenUp, ofPods.plus(other.ofPods));
    }

    /** With one more of what this is. */
    Tally plus(Fact fact, World world) {
        if (fact instanceof Fact.Launched launched) {
            return plus(new Tally(1, 0, 0, 0, 0, 0, 0, new OfPods(launched.machine().isPod() ? 1 : 0, 0, 0, 0, 0)));
        }
        if (fact instanceof Fact.Claimed) {
            return plus(of(new OfPods(0, 1, 0, 0, 0)));
        }
        if (fact instanceof Fact.TaskFailed) {
            return plus(of(new OfPods(0, 0, 0, 0, 1)));
        }
        if (fact instanceof Fact.TaskBegan) {
            return plus(new Tally(0, 1, 0, 0, 0, 0, 0, OfPods.NONE));
        }
        if (fact instanceof Fact.TaskLost) {
            return plus(new Tally(0, 0, 1, 0, 0, 0, 0, OfPods.NONE));
        }
        if (fact instanceof Fact.Stopped stopped && stopped.why() == Fact.Stopped.Why.DRAINED) {
            var isFull = stopped.machine().queueIds().stream().anyMatch(world.clearml()::hasWaiting);
            return plus(new Tally(0, 0, 0, 1, isFull ? 1 : 0, 0, 0, OfPods.NONE));
        }
        if (fact instanceof Fact.Planned planned) {
            var fails = decided(planned, "fails");
            var givenUp = decided(planned, "given-up");
            var movedOn = decided(planned, Reason.NO_ROOM);
            var taken = decided(planned, Reason.TASK_TAKEN);
            return fails + givenUp + movedOn + taken == 0 ? this
                    : plus(new Tally(0, 0, 0, 0, 0, fails, givenUp, new OfPods(0, 0, movedOn, taken, 0)));
        }
        return this;
    }

    private static long decided(Fact.Planned planned, Reason why) {
        return planned.records().stream().filter(record -> record instanceof PlanRecord.Decided decided && decided.reason() == why).count();
    }

    private static long decided(Fact.Planned planned, String how) {
        return planned.records().stream().filter(record -> record instanceof PlanRecord.Decided decided && decided.reason() == Reason.MACHINE_IMPAIRED
                && decided.words().get("how").equals(how)).count();
    }

    @Override
    public String toString() {
        return String.format("%,d machines, %,d starts of tasks, %,d tasks lost on the way, %,d drains, %,d of them while tasks waited there, "
                + "%,d times a cloud's checks failed, and %,d machines given up for it; %s", machines, begun, lost, drained, drainedFull, impaired, givenUp, ofPods);
    }
}
