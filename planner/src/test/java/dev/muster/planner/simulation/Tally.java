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
 */
record Tally(long machines, long begun, long lost, long drained, long drainedFull, long impaired, long givenUp) {

    static final Tally NONE = new Tally(0, 0, 0, 0, 0, 0, 0);

    Tally plus(Tally other) {
        return new Tally(machines + other.machines, begun + other.begun, lost + other.lost, drained + other.drained, drainedFull + other.drainedFull,
                impaired + other.impaired, givenUp + other.givenUp);
    }

    /** With one more of what this is. */
    Tally plus(Fact fact, World world) {
        if (fact instanceof Fact.Launched) {
            return plus(new Tally(1, 0, 0, 0, 0, 0, 0));
        }
        if (fact instanceof Fact.TaskBegan) {
            return plus(new Tally(0, 1, 0, 0, 0, 0, 0));
        }
        if (fact instanceof Fact.TaskLost) {
            return plus(new Tally(0, 0, 1, 0, 0, 0, 0));
        }
        if (fact instanceof Fact.Stopped stopped && stopped.why() == Fact.Stopped.Why.DRAINED) {
            var isFull = stopped.machine().queueIds().stream().anyMatch(world.clearml()::hasWaiting);
            return plus(new Tally(0, 0, 0, 1, isFull ? 1 : 0, 0, 0));
        }
        if (fact instanceof Fact.Planned planned) {
            var fails = decided(planned, "fails");
            var givenUp = decided(planned, "given-up");
            return fails + givenUp == 0 ? this : plus(new Tally(0, 0, 0, 0, 0, fails, givenUp));
        }
        return this;
    }

    private static long decided(Fact.Planned planned, String how) {
        return planned.records().stream().filter(record -> record instanceof PlanRecord.Decided decided && decided.reason() == Reason.MACHINE_IMPAIRED
                && decided.words().get("how").equals(how)).count();
    }

    @Override
    public String toString() {
        return String.format("%,d machines, %,d starts of tasks, %,d tasks lost on the way, %,d drains, %,d of them while tasks waited there, "
                + "%,d times a cloud's checks failed, and %,d machines given up for it", machines, begun, lost, drained, drainedFull, impaired, givenUp);
    }
}
