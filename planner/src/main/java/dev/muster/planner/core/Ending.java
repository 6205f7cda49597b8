package dev.muster.planner.core;

/** What ended a machine, as its cloud says. */
public enum Ending { UNKNOWN, INSIDE, ASKED, INTERRUPTED, BY_CLOUD, UNSEEN }
