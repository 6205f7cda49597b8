package dev.muster.planner.core;

/** A machine's state as its cloud shows it; UNKNOWN is a newer provisioner's word, or nothing seen yet. */
public enum CloudState {
    UNKNOWN, PENDING, RUNNING, IMPAIRED, SHUTTING_DOWN, STOPPED, TERMINATED, NOT_FOUND;

    /** The cloud has it, and it may run. */
    public boolean isAlive() {
        return this == PENDING || this == RUNNING || this == IMPAIRED;
    }
}
