package dev.muster.planner.core;

/** What a second of a machine was paid for. */
public enum PaidKind {
    /** A task ran. */
    USEFUL,
    /** It was ready and had none. */
    IDLE,
    /** From the cloud's acceptance until its worker registered. */
    BOOT,
    /** It was ending, or its worker was gone, or it never registered at all. */
    WASTE
}
