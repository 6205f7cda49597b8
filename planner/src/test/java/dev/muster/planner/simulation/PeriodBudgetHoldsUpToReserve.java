package dev.muster.planner.simulation;

/** What the cloud has charged, integrated by the world itself, stays within the period's budget while no task outlives its reserve. */
final class PeriodBudgetHoldsUpToReserve implements Invariant {

    @Override
    public void check(World world, Fact fact) {
        if (fact instanceof Fact.Launched || fact instanceof Fact.Stopped) {
            RateBudgetHolds.Budgets.period(world).ifPresent(cap -> {
                if (world.cloud().spent() > cap) {
                    broken(world.cloud().spent() + " micro-units were paid, of at most " + cap);
                }
            });
        }
    }
}
