package dev.muster.planner.stream;

import dev.muster.planner.core.Planning;
import dev.muster.planner.core.rules.FollowSchedule;
import dev.muster.v1.FleetRecord;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;

/** How few and how many machines of each pool may run at a moment, by the very rule that plans. */
public final class OpenBounds {

    private OpenBounds() {}

    /** By name of the pool; the fleet's own pauses are each pool's, too. */
    public static Map<String, Planning.Bounds> of(FleetRecord record, Instant now) {
        var head = FleetTranslator.head(record);
        var spec = head.spec();
        var paused = FollowSchedule.bounds(spec, now, OpenBounds::passedOver).paused() || head.state() != dev.muster.planner.core.FleetHead.State.ACTIVE;
        var bounds = new LinkedHashMap<String, Planning.Bounds>();
        for (var pool : spec.pools()) {
            var open = FollowSchedule.bounds(pool, now, OpenBounds::passedOver);
            bounds.put(pool.name(), new Planning.Bounds(open.limits(), open.warm(), open.paused() || paused));
        }
        return bounds;
    }

    private static void passedOver(Instant change) {}
}
