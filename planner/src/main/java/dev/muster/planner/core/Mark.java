package dev.muster.planner.core;

/** What a machine's guard is told through its cloud. */
public enum Mark { NONE, DRAIN, DRAIN_NOW, RELEASED }
