package dev.muster.planner.simulation;

import dev.muster.planner.core.Command;
import dev.muster.planner.core.PlanRecord;

/**
 * Whenever the cloud starts a machine, the most that all machines there can cost an hour is within the fleet's rate budget; and the cloud
 * charges no more than that. Adopted machines cost nothing there: no plan launches beside them more than the books may bear.
 */
final class RateBudgetHolds implements Invariant {

    @Override
    public void check(World world, Fact fact) {
        if (fact instanceof Fact.Planned planned && world.shape().money().rate().isPresent() && planned.records().stream().anyMatch(record ->
                record instanceof PlanRecord.CommandIssued issued && issued.command() instanceof Command.Launch)) {
            var cap = world.shape().money().rate().getAsLong();
            var committed = planned.fleet().counted().mapToLong(machine -> machine.committed().orElse(0)).sum();
            if (committed > cap) {
                broken(committed + " micro-units an hour are on the books after a launch, of at most " + cap);
            }
        }
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
