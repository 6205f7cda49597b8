package dev.muster.provisioner.spi;

/** What ended a machine, as far as its cloud says. */
public enum EndedBy {
    /** It lives, or nobody knows. */
    UNKNOWN,
    /** Shut down from inside. */
    INSIDE,
    /** By a call. */
    ASKED,
    /** The cloud took it back. */
    INTERRUPTED,
    /** The cloud, for its own reasons. */
    CLOUD,
    /** It is no more, and nobody has seen its end: what ran in it may run on. */
    UNSEEN
}
