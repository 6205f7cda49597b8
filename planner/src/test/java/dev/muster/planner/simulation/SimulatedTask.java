package dev.muster.planner.simulation;

import dev.muster.planner.core.TaskStatus;

/** A task: what the server says of it, and what is true. */
final class SimulatedTask {

    /** What is wrong with it where a pod is made for it; an agent that takes it runs it all the same. */
    enum Fault {
        NONE,
        /** Its image doesn't exist. */
        IMAGE,
        /** It asks for what can't be read. */
        WISH,
        /** It takes more memory than a pod has. */
        MEMORY
    }

    final String id;
    final String queueId;
    /** How long it runs, ms. */
    final long length;
    final Fault fault;

    // What the server says.
    TaskStatus status = TaskStatus.QUEUED;
    String statusReason = "";
    String lastWorker = "";
    long lastUpdate;
    long enqueuedAt;
    long startedAt = -1;
    long endedAt = -1;

    // What is true.
    /** Who runs it; null: nobody. */
    SimulatedAgent runner;
    int runs;
    int losses;
    /** How often the planner was told that it was put back, whether or not there was anything to do. */
    int rescuesTold;
    /** When an agent last took it from its queue. */
    long poppedAt;
    boolean isDone;
    /** Marked failed: it never runs again. */
    boolean isFailed;

    SimulatedTask(String id, String queueId, long length, Fault fault) {
        this.id = id;
        this.queueId = queueId;
        this.length = length;
        this.fault = fault;
    }

    boolean isOver() {
        return isDone || isFailed;
    }

    boolean isUnfinished() {
        return status == TaskStatus.QUEUED || status == TaskStatus.IN_PROGRESS;
    }

    @Override
    public String toString() {
        return id;
    }
}
