package dev.muster.planner.simulation;

import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.ReadBack;

/** What was committed, put through a fresh core, says the same records again, also one that is stored and read back on the way. */
final class ReplayEqualsHistory implements Invariant {

    /** Plans between two readings back: prime, so that they fall everywhere in what repeats. */
    private static final int EVERY = 7;

    @Override
    public void check(World world, Fact fact) {
        // It is about the whole.
    }

    @Override
    public void checkAtRest(World world) {
        if (!world.bug().canBeReplayed()) {
            return;
        }
        var fleet = Fleet.of(world.planner().firstHead());
        int number = 0;
        for (var step : world.planner().history()) {
            if (step.event() != null) {
                fleet.apply(step.event());
                continue;
            }
            number++;
            if (number % EVERY == 0 && world.bug() == Bug.NONE && !fleet.isBetweenParts()) {
                fleet = ReadBack.of(fleet);
            }
            var again = world.bug().plan(fleet, step.plannedAt()).records();
            if (!again.equals(step.records())) {
                int i = 0;
                while (i < again.size() && i < step.records().size() && again.get(i).equals(step.records().get(i))) {
                    i++;
                }
                broken("plan " + number + " at " + step.plannedAt() + " said " + (i < step.records().size() ? step.records().get(i) : "nothing more")
                        + "; replayed, it says " + (i < again.size() ? again.get(i) : "nothing more"));
            }
        }
    }
}
