package dev.muster.planner.core;

import java.util.OptionalLong;

/**
 * An offer of a pool with what it costs.
 *
 * @param price as declared, of the machine alone, micro-units an hour; empty: as reported, if it is
 * @param ceiling spot only, the most to pay, micro-units an hour; empty: the on-demand price
 */
public record Offer(OfferKey key, OptionalLong price, OptionalLong ceiling) {}
