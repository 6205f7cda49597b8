package dev.muster.planner.simulation;

import dev.muster.planner.core.Command;
import java.util.HashMap;
import java.util.Map;

/**
 * A machine is launched under a day's budget only if what the cloud has charged so far, and what all machines that may take a task still
 * reserve, fit into it; and what is charged in the end is above it by no more than machines cost that outlived their reserve, or that
 * nobody could mark while the planner was down.
 */
final class PeriodBudgetHoldsUpToReserve implements Invariant {

    private final Map<String, Long> markedAt = new HashMap<>();

    @Override
    public void check(World world, Fact fact) {
        if (world.shape().money().day().isEmpty()) {
            return;
        }
        if (fact instanceof Fact.Commanded commanded && commanded.command() instanceof Command.Drain drain) {
            markedAt.putIfAbsent(drain.cloudId(), world.now());
        } else if (fact instanceof Fact.Commanded commanded && commanded.command() instanceof Command.Terminate terminate) {
            markedAt.putIfAbsent(terminate.cloudId(), world.now());
        } else if (fact instanceof Fact.Launched launched) {
            var cap = world.shape().money().day().getAsLong();
            long reserved = 0;
            for (var machine : world.cloud().there()) {
                if (!markedAt.containsKey(machine.cloudId) && (machine.isWorking() || machine.isWaiting())) {
                    reserved += machine.mostPrice * Shape.RESERVE.toSeconds() / 3600;
                }
            }
            // The command was some seconds on its way, in which all that runs was paid for.
            long onTheWay = world.cloud().rate() * (world.now() - world.plannedAt(launched.machine().batchId)) / 3_600_000;
            if (world.cloud().spent() - onTheWay + reserved > cap) {
                broken(world.cloud().spent() + " micro-units were paid and " + reserved + " reserved, of at most " + cap + ", with " + launched.machine());
            }
        }
    }

    @Override
    public void checkAtRest(World world) {
        if (world.shape().money().day().isEmpty()) {
            return;
        }
        var cap = world.shape().money().day().getAsLong();
        long outlived = 0;
        for (var machine : world.cloud().machines()) {
            if (machine.paidFrom < 0) {
                continue;
            }
            var end = machine.isThere() ? world.now() : machine.endedAt;
            var from = markedAt.getOrDefault(machine.cloudId, machine.paidFrom);
            outlived += machine.mostPrice * Math.max(0, end - from - Shape.RESERVE.toMillis()) / 3_600_000;
            outlived += machine.mostPrice * world.planner().downFor() / 3_600_000;
        }
        var hasStopped = world.shape().money().action() != dev.muster.planner.core.Budget.HardAction.STOP_LAUNCHING;
        if (hasStopped && world.cloud().spent() > cap + outlived) {
            broken(world.cloud().spent() + " micro-units were paid, of at most " + cap + ", and " + outlived + " for what outlived its reserve");
        }
    }
}
