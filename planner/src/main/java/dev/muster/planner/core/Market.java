package dev.muster.planner.core;

/** How a machine is bought. */
public enum Market { ON_DEMAND, SPOT }
