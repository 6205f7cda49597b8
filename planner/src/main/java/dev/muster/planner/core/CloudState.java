package dev.muster.planner.core;

/** A machine's state as its cloud shows it; UNKNOWN is a newer provisioner's word, or nothing seen yet. */
public enum CloudState {
    UNKNOWN,
    /** Accepted, not begun: the cloud has no room for it yet, and may make some. */
    WAITING,
    PENDING, RUNNING, IMPAIRED, SHUTTING_DOWN, STOPPED, TERMINATED, NOT_FOUND;

    /** The cloud has it, and it may run. */
    public boolean isAlive() {
        return this == WAITING || this == PENDING || this == RUNNING || this == IMPAIRED;
    }
}
