package dev.muster.planner.core.rules;

import dev.muster.planner.core.FleetSpec;
import dev.muster.planner.core.Limits;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Planning.Bounds;
import dev.muster.planner.core.Pool;
import dev.muster.planner.core.Rule;
import dev.muster.planner.core.Schedule;
import java.time.Instant;
import java.util.List;
import java.util.function.Consumer;

/** Minimum, maximum, warm and paused as the open windows of the schedules have them; of several the last listed wins, each field by itself. */
public final class FollowSchedule implements Rule {

    @Override
    public void apply(Planning planning) {
        var spec = planning.spec();
        planning.fleetBounds(bounds(spec, planning.now(), planning::remind));
        for (var pool : spec.pools()) {
            if (!pool.schedules().isEmpty()) {
                planning.bounds(pool, bounds(pool, planning.now(), planning::remind));
            }
        }
    }

    /**
     * Of the whole fleet, at that time.
     *
     * @param changes told when they may change by the clock
     */
    public static Bounds bounds(FleetSpec spec, Instant now, Consumer<Instant> changes) {
        return bounds(spec.schedules(), new Bounds(spec.limits(), 0, false), now, changes);
    }

    /** The same of a pool. */
    public static Bounds bounds(Pool pool, Instant now, Consumer<Instant> changes) {
        return bounds(pool.schedules(), new Bounds(pool.limits(), pool.warm(), pool.paused()), now, changes);
    }

    private static Bounds bounds(List<Schedule> schedules, Bounds outside, Instant now, Consumer<Instant> changes) {
        int min = outside.limits().min();
        int max = outside.limits().max();
        int warm = outside.warm();
        boolean paused = outside.paused();
        for (var schedule : schedules) {
            var window = schedule.at(now);
            if (window.until().isBefore(Instant.MAX)) {
                changes.accept(window.until());
            }
            if (window.isOpen()) {
                min = schedule.min().orElse(min);
                max = schedule.max().orElse(max);
                warm = schedule.warm().orElse(warm);
                // A person's pause is not lifted by the clock.
                paused = outside.paused() || schedule.paused().orElse(paused);
            }
        }
        // A window may lower the maximum alone: it is the cap that holds.
        return new Bounds(new Limits(Math.min(min, max), max), warm, paused);
    }
}
