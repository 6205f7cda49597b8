package dev.muster.planner.simulation;

import dev.muster.planner.simulation.Happening.Kind;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A run before it is run: its world, and what happens in it.
 *
 * @param seed of all that is left to chance
 * @param happenings by time
 * @param faultsStop when the last fault is over, milliseconds since the world began
 */
record Plot(long seed, Shape shape, List<Happening> happenings, long faultsStop) {

    /** The first seeds have no pods: docs/peer-bugs.md names some of them. */
    private static final long WITHOUT_PODS = 1000;

    private static final List<Kind> FAULTS = List.of(
            Kind.PLANNER_CRASHES, Kind.PLANNER_CRASHES, Kind.PLANNER_PAUSES, Kind.INPUT_LAGS, Kind.INPUT_LAGS, Kind.COMMANDS_LAG,
            Kind.WATCHER_RESTARTS, Kind.READS_FAIL, Kind.READS_FAIL, Kind.LOOKS_LATE, Kind.WORKERS_MISSING, Kind.LOOK_LOST, Kind.PROVISIONER_RESTARTS,
            Kind.PROVISIONER_RESTARTS, Kind.LISTS_FAIL, Kind.LISTS_PARTIAL, Kind.CAPACITY, Kind.CAPACITY, Kind.QUOTA, Kind.UNAUTHORIZED,
            Kind.INVALID_SPEC, Kind.THROTTLED, Kind.CLOUD_UNAVAILABLE, Kind.CLOUD_UNAVAILABLE, Kind.TERMINATES_FAIL, Kind.MARKS_FAIL,
            Kind.BOOTS_FAIL, Kind.BOOTS_SLOW, Kind.GUARDLESS, Kind.GUARDLESS, Kind.MARKS_LATE, Kind.SPOT_TAKEN, Kind.SPOT_TAKEN,
            Kind.MACHINE_DIES, Kind.AGENT_DIES, Kind.POPS_LOST, Kind.ASK_DRAIN, Kind.ASK_CANCEL, Kind.ASK_TERMINATE, Kind.PAUSE,
            Kind.PAUSE_POOL, Kind.LIMIT);

    static Plot of(long seed) {
        var dice = new Dice(seed, "plot");
        var plain = Shape.of(new Dice(seed, "shape"));
        var shape = seed < WITHOUT_PODS ? plain : plain.withPods(new Dice(seed, "pods"));
        long length = dice.between(180, 900) * 1000;
        var happenings = new ArrayList<Happening>();
        for (int i = 0, groups = dice.between(1, 6); i < groups; i++) {
            happenings.add(new Happening(dice.between(0, length * 3 / 4), Kind.TASKS_ARRIVE, 0, dice.below(shape.queues().size()), dice.between(1, 6)));
        }
        if (dice.chance(25)) {
            var at = dice.between(0, length / 2);
            happenings.add(new Happening(at, Kind.FOREIGN_AGENT, dice.between(60_000, length), dice.below(shape.queues().size()), 0));
        }
        // A quarter of the runs has no faults at all but a person's; most have a few; some have many.
        int faults = dice.chance(10) ? 0 : dice.between(1, dice.chance(20) ? 14 : 6);
        for (int i = 0; i < faults; i++) {
            happenings.add(fault(dice, shape, length));
        }
        if (dice.chance(5)) {
            happenings.add(new Happening(dice.between(length / 2, length), Kind.DELETE, 0, dice.below(3), 0));
        }
        // Thrown apart, so that it moves nothing else of any seed.
        var adoption = new Dice(seed, "adoption");
        if (adoption.chance(8)) {
            var at = adoption.between(0, length / 2);
            happenings.add(new Happening(at, Kind.FOREIGN_MACHINES, adoption.between(1000, 200_000), adoption.below(64), adoption.between(1, 3)));
        }
        var checks = new Dice(seed, "checks");
        if (checks.chance(15)) {
            happenings.add(new Happening(checks.between(0, length), Kind.CHECKS_FAIL, checks.between(30_000, 900_000), checks.below(64), 0));
        }
        happenings.sort(Comparator.comparingLong(Happening::at));
        return new Plot(seed, shape, List.copyOf(happenings), length);
    }

    private static Happening fault(Dice dice, Shape shape, long length) {
        var kind = dice.oneOf(FAULTS);
        var at = dice.between(0, length);
        var which = dice.below(64);
        return switch (kind) {
            case PLANNER_PAUSES -> new Happening(at, kind, dice.between(500, 5000), which, 0);
            case PLANNER_CRASHES, WATCHER_RESTARTS, PROVISIONER_RESTARTS -> new Happening(at, kind, dice.between(2000, dice.chance(30) ? 240_000 : 20_000), which, 0);
            case LOOK_LOST, SPOT_TAKEN, MACHINE_DIES, AGENT_DIES, ASK_DRAIN, ASK_CANCEL, ASK_TERMINATE -> new Happening(at, kind, 0, which, 0);
            case CAPACITY, QUOTA -> new Happening(at, kind, dice.between(10_000, 600_000), which, dice.below(3));
            case LIMIT -> new Happening(at, kind, 0, dice.below(shape.pools().size()), dice.between(1, 5));
            default -> new Happening(at, kind, dice.between(5000, dice.chance(30) ? 400_000 : 60_000), which, 0);
        };
    }

    Plot with(List<Happening> fewer) {
        return new Plot(seed, shape, List.copyOf(fewer), faultsStop);
    }

    Plot with(Shape other) {
        return new Plot(seed, other, happenings, faultsStop);
    }
}
