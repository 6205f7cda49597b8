package dev.muster.planner.control;

import dev.muster.v1.FleetRecord;
import java.time.Instant;
import java.util.Map;

/** Says how few and how many machines of each pool may run at a moment. Whoever plans knows; the API asks. */
public interface PoolBounds {

    /** @param paused by a person, or by the clock, the pool or the whole fleet */
    record Bounds(int min, int max, int warm, boolean paused) {}

    /** By name of the pool. */
    Map<String, Bounds> of(FleetRecord fleet, Instant now);
}
