package dev.muster.planner.core.rules;

import dev.muster.planner.core.Limits;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Planning.Bounds;
import dev.muster.planner.core.Rule;
import dev.muster.planner.core.Schedule;
import java.time.Instant;
import java.util.List;

/** Minimum, maximum, warm and paused as the open windows of the schedules have them; of several the last listed wins, each field by itself. */
public final class FollowSchedule implements Rule {

    @Override
    public void apply(Planning planning) {
        var spec = planning.spec();
        planning.fleetBounds(bounds(planning, spec.schedules(), new Bounds(spec.limits(), 0, false)));
        for (var pool : spec.pools()) {
            if (!pool.schedules().isEmpty()) {
                planning.bounds(pool, bounds(planning, pool.schedules(), new Bounds(pool.limits(), pool.warm(), pool.paused())));
            }
        }
    }

    private static Bounds bounds(Planning planning, List<Schedule> schedules, Bounds outside) {
        int min = outside.limits().min();
        int max = outside.limits().max();
        int warm = outside.warm();
        boolean paused = outside.paused();
        for (var schedule : schedules) {
            var window = schedule.at(planning.now());
            if (window.until().isBefore(Instant.MAX)) {
                planning.remind(window.until());
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
