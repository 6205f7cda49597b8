package dev.muster.planner.simulation;

import dev.muster.planner.core.Command;
import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.FleetEvent;
import dev.muster.planner.core.PlanRecord;
import java.time.Instant;
import java.util.List;

/** Something that has just become true in the world, for the invariants to look at. */
sealed interface Fact {

    /** The planner applied an event. */
    record Learned(FleetEvent event) implements Fact {}

    /** The planner made a plan, committed or not. {@code fleet} is as after it. */
    record Planned(Fleet fleet, Instant now, List<PlanRecord> records) implements Fact {}

    /** The planner ends: what it learned and planned since its last commit never was. */
    record PlannerCrashed() implements Fact {}

    /** A command is on its topic. */
    record Commanded(Command command) implements Fact {}

    /** The cloud has started a machine. */
    record Launched(SimulatedMachine machine) implements Fact {}

    /**
     * A machine stops working, its agents with it.
     *
     * @param tasks that it had at that moment
     */
    record Stopped(SimulatedMachine machine, Why why, List<SimulatedTask> tasks) implements Fact {
        enum Why {
            /** Muster's command to the cloud. */
            TERMINATED,
            /** The guard, under a mark to end when idle. */
            DRAINED,
            /** The guard, under a mark to end at once. */
            ENDED_AT_ONCE,
            /** The machine's own doing, or its cloud's. */
            BY_ITSELF
        }
    }

    /** A pod has taken the task that it was made for out of its queue. */
    record Claimed(SimulatedTask task, SimulatedMachine machine) implements Fact {}

    /** A task was marked failed. */
    record TaskFailed(SimulatedTask task) implements Fact {}

    /** An agent begins to run a task. */
    record TaskBegan(SimulatedTask task, SimulatedAgent agent) implements Fact {}

    /** A task of which somebody had hold is lost: its agent died, or the answer that should have brought it. */
    record TaskLost(SimulatedTask task) implements Fact {}
}
