package dev.muster.planner.simulation;

/** What the planner stores, read back, is what it has in memory: a crash after a commit forgets nothing. */
final class StoredStateIsWhole implements Invariant {

    private static final int EVERY = 64;

    private int plans;

    @Override
    public void check(World world, Fact fact) {
        // Before something is learned, all that was done is committed or about to be.
        if (fact instanceof Fact.Planned && ++plans % EVERY == 0) {
            world.after(200, () -> judge(world));
        }
    }

    @Override
    public void checkAtRest(World world) {
        judge(world);
    }

    private void judge(World world) {
        if (!world.planner().storesAll()) {
            broken("the fleet read back differs from the fleet in memory");
        }
    }
}
