package dev.muster.planner.simulation;

import java.util.OptionalLong;

/** What the cloud charges an hour, from a machine's launch until it is gone, stays within the fleet's rate budget whenever one is added. */
final class RateBudgetHolds implements Invariant {

    @Override
    public void check(World world, Fact fact) {
        if (fact instanceof Fact.Launched launched) {
            Budgets.rate(world).ifPresent(cap -> {
                if (world.cloud().rate() > cap) {
                    broken(world.cloud().rate() + " micro-units an hour are paid, of at most " + cap + ", after " + launched.machine());
                }
            });
        }
    }

    /** Where the budgets of the fleet's spec are read from; a fleet without budgets is held to none. */
    static final class Budgets {

        private Budgets() {}

        /** Micro-units an hour. */
        static OptionalLong rate(World world) {
            return OptionalLong.empty();
        }

        /** Micro-units in the run's one period. */
        static OptionalLong period(World world) {
            return OptionalLong.empty();
        }
    }
}
