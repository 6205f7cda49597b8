package dev.muster.planner.core;

import java.util.OptionalLong;

/**
 * An offer of a pool with what it costs.
 *
 * @param price micro-units an hour; empty: not known
 * @param ceiling spot only, the most to pay, micro-units an hour; empty: the on-demand price
 */
public record Offer(OfferKey key, OptionalLong price, OptionalLong ceiling) {

    /** What a machine of it counts for in a rate budget from its admission on: the most that it can cost. Empty: not known. */
    public OptionalLong committed() {
        return key.market() == Market.SPOT && ceiling.isPresent() ? ceiling : price;
    }
}
