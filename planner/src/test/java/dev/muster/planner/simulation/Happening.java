package dev.muster.planner.simulation;

/**
 * One thing that happens to the suite from outside: work, a fault, or a person's word. A run is told by its list of happenings, so that
 * a failing one can be shrunk by leaving some out.
 *
 * @param at milliseconds since the world began
 * @param lasts milliseconds; 0 where it is a moment
 * @param which the thing that it happens to, by number; what the number means is the kind's
 * @param size how many, or how much; what it means is the kind's
 */
record Happening(long at, Kind kind, long lasts, int which, int size) {

    enum Kind {
        // Work.
        /** {@code size} tasks are added to queue {@code which}. */
        TASKS_ARRIVE,
        /** An agent that is not ours serves queue {@code which} for a while. */
        FOREIGN_AGENT,
        /** {@code size} machines of another autoscaler work for pool {@code which}; when it is over, a person asks to adopt them. */
        FOREIGN_MACHINES,

        // The planner and its topics.
        PLANNER_CRASHES,
        /** It stands still, and goes on as if nothing had been. */
        PLANNER_PAUSES,
        /** Input topic {@code which} is not read: its records come late to the planner, those of the others don't. */
        INPUT_LAGS,
        /** Commands to the provisioner (0) or the watcher (1) are not read. */
        COMMANDS_LAG,

        // The watcher.
        WATCHER_RESTARTS,
        READS_FAIL,
        /** Looks reach Kafka after more than they are worth. */
        LOOKS_LATE,
        /** The server's list of workers lacks some. */
        WORKERS_MISSING,
        /** The next look is not taken by Kafka. */
        LOOK_LOST,

        // The provisioner and the cloud.
        PROVISIONER_RESTARTS,
        LISTS_FAIL,
        LISTS_PARTIAL,
        /** Offer {@code which} has room for {@code size} machines. */
        CAPACITY,
        /** The market {@code which} of each account may have {@code size} machines. */
        QUOTA,
        UNAUTHORIZED,
        /** Launches of pool {@code which} can't succeed. */
        INVALID_SPEC,
        THROTTLED,
        /** Calls fail, with or without effect. */
        CLOUD_UNAVAILABLE,
        TERMINATES_FAIL,
        /** Marks can't be written. */
        MARKS_FAIL,

        // Machines.
        /** Launched meanwhile: they power off, hang or never register. */
        BOOTS_FAIL,
        /** Launched meanwhile: they take about as long as the registration deadline. */
        BOOTS_SLOW,
        /** Launched meanwhile: nothing on them sees a mark. */
        GUARDLESS,
        /** Guards see marks late. */
        MARKS_LATE,
        SPOT_TAKEN,
        /** Its cloud ends it, or goes on to show it as running until its checks have failed for a while. */
        MACHINE_DIES,
        /** The cloud's own checks of a machine fail, though it works on. */
        CHECKS_FAIL,
        AGENT_DIES,
        /** Answers to pops get lost on their way to the machine. */
        POPS_LOST,

        // People.
        ASK_DRAIN,
        ASK_CANCEL,
        ASK_TERMINATE,
        PAUSE,
        PAUSE_POOL,
        /** Pool {@code which} may have {@code size} machines from now on. */
        LIMIT,
        /** The fleet is deleted with action {@code which}. */
        DELETE;

        boolean isWork() {
            return this == TASKS_ARRIVE || this == FOREIGN_AGENT || this == FOREIGN_MACHINES;
        }
    }

    @Override
    public String toString() {
        return "%8.1f s  %s%s%s%s".formatted(at / 1000.0, kind, lasts == 0 ? "" : " for " + lasts / 1000.0 + " s", " which=" + which,
                size == 0 ? "" : " size=" + size);
    }
}
