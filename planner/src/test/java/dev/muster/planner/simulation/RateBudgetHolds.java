package dev.muster.planner.simulation;

/**
 * Whenever the cloud starts a machine, the most that all machines there can cost an hour is within the fleet's rate budget; and the cloud
 * charges no more than that.
 */
final class RateBudgetHolds implements Invariant {

    @Override
    public void check(World world, Fact fact) {
        if (fact instanceof Fact.Launched launched && world.shape().money().rate().isPresent()) {
            var cap = world.shape().money().rate().getAsLong();
            var committed = world.cloud().there().stream().mapToLong(machine -> machine.mostPrice).sum();
            if (committed > cap) {
                broken(committed + " micro-units an hour may be paid, of at most " + cap + ", with " + launched.machine());
            }
            if (world.cloud().rate() > committed) {
                broken(world.cloud().rate() + " micro-units an hour are paid, and at most " + committed + " were expected");
            }
        }
    }
}
