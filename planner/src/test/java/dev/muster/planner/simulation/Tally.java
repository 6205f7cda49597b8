package dev.muster.planner.simulation;

/**
 * How much happened in a run, so that "no violation" says of how many things.
 *
 * @param machines that the cloud started
 * @param begun how often an agent began a task
 * @param lost how often a task was lost, by a machine's end or an answer's
 * @param drained machines that their guard ended, under a mark, when nothing ran on them
 * @param drainedFull those of them that ended while tasks waited in a queue of theirs, which they left alone
 */
record Tally(long machines, long begun, long lost, long drained, long drainedFull) {

    static final Tally NONE = new Tally(0, 0, 0, 0, 0);

    Tally plus(Tally other) {
        return new Tally(machines + other.machines, begun + other.begun, lost + other.lost, drained + other.drained, drainedFull + other.drainedFull);
    }

    /** With one more of what this is. */
    Tally plus(Fact fact, World world) {
        if (fact instanceof Fact.Launched) {
            return plus(new Tally(1, 0, 0, 0, 0));
        }
        if (fact instanceof Fact.TaskBegan) {
            return plus(new Tally(0, 1, 0, 0, 0));
        }
        if (fact instanceof Fact.TaskLost) {
            return plus(new Tally(0, 0, 1, 0, 0));
        }
        if (fact instanceof Fact.Stopped stopped && stopped.why() == Fact.Stopped.Why.DRAINED) {
            var isFull = stopped.machine().queueIds().stream().anyMatch(world.clearml()::hasWaiting);
            return plus(new Tally(0, 0, 0, 1, isFull ? 1 : 0));
        }
        return this;
    }

    @Override
    public String toString() {
        return String.format("%,d machines, %,d starts of tasks, %,d tasks lost on the way, %,d drains, %,d of them while tasks waited there",
                machines, begun, lost, drained, drainedFull);
    }
}
