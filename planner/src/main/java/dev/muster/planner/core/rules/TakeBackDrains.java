package dev.muster.planner.core.rules;

import dev.muster.planner.core.Budget;
import dev.muster.planner.core.Costs;
import dev.muster.planner.core.FleetHead;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.Mark;
import dev.muster.planner.core.Phase;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Pool;
import dev.muster.planner.core.Queue;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Spending;
import java.time.Duration;
import java.util.List;

/** Cancels drains of machines that are needed again: cheaper and sooner than another machine. */
final class TakeBackDrains {

    /** An idle machine's guard ends it within seconds of the mark: later it is as good as gone. */
    private static final Duration BEFORE_THE_GUARD = Duration.ofSeconds(5);

    /** Answers how many idle machines were taken back for the queue; busy ones that may work on are taken back too, and not counted. */
    int forDemand(Planning planning, Pool pool, Queue queue, int wanted) {
        if (planning.fleet().head().state() != FleetHead.State.ACTIVE || pool.pods().taskBound()
                || planning.bounds(pool).paused() || planning.fleetBounds().paused()) {
            return 0;
        }
        int taken = 0;
        int counted = planning.books(pool).counted();
        for (var machine : planning.fleet().leaving(pool.name())) {
            if (taken == wanted) {
                break;
            }
            if (mayComeBack(machine) && counted <= planning.bounds(pool).limits().max()
                    && planning.fleet().size() <= planning.fleetBounds().limits().max() && fits(planning, machine)) {
                var busy = planning.fleet().isBusy(machine);
                if (!busy && (planning.fleet().workersOn(machine).isEmpty() || planning.hasPassed(machine.markedAt().plus(BEFORE_THE_GUARD)))) {
                    continue;
                }
                takeBack(planning, machine, queue);
                taken += busy ? 0 : 1;
            }
        }
        return taken;
    }

    /** Only what the planner itself sent away for lack of work or of money. */
    private static boolean mayComeBack(Machine machine) {
        return machine.phase() == Phase.DRAINING && machine.mark() == Mark.DRAIN && machine.asked() == null
                && (machine.cause() == Reason.IDLE_TOO_LONG || machine.cause() == Reason.AT_BUDGET || machine.cause() == Reason.ABOVE_LIMIT);
    }

    /** Once it may take tasks again, it reserves for the longest. */
    private static boolean fits(Planning planning, Machine machine) {
        for (var applied : StayWithinBudget.appliedTo(planning, machine.pool(), machine.queue())) {
            var budget = applied.budget();
            if (budget.hard().isEmpty()) {
                continue;
            }
            var spending = planning.spending(applied.scope());
            if (budget.period() == Budget.Period.HOUR) {
                if (spending.committed() > budget.hard().getAsLong()) {
                    return false;
                }
                continue;
            }
            var full = planning.reserveFor(machine);
            var stay = Spending.stay(full);
            var more = Costs.during(machine.committed().orElse(0), full);
            if (spending.spent(budget.period()) + spending.reserved() + more + Costs.during(spending.committed(), stay) > budget.hard().getAsLong()) {
                return false;
            }
        }
        return true;
    }

    private void takeBack(Planning planning, Machine machine, Queue queue) {
        var decision = planning.decide(this, Reason.NEEDED_AGAIN).machine(machine).queue(queue.name()).causes(List.of(machine.decisionId()))
                .write();
        planning.cancelDrain(machine, decision);
    }
}
