package dev.muster.provisioner.spi;

/** A machine's state at its cloud. */
public enum CloudStatus {

    /** Accepted, not begun: the cloud has no room for it yet, and may make some. */
    WAITING,
    PENDING,
    RUNNING,
    /** Runs, and the cloud's own checks fail. */
    IMPAIRED,
    SHUTTING_DOWN,
    /** Not running, still there. */
    STOPPED,
    TERMINATED,
    /** The cloud has no such machine. */
    NOT_FOUND,
    /** Not shown by this call, or a word of the cloud's that we don't know. */
    UNKNOWN;

    /** Something is about to change by itself. */
    public boolean isMoving() {
        return this == PENDING || this == SHUTTING_DOWN;
    }

    public boolean isGone() {
        return this == TERMINATED || this == NOT_FOUND;
    }
}
