package dev.muster.planner.core.rules;

import dev.muster.planner.core.Budget;
import dev.muster.planner.core.Constraint;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;
import java.util.Comparator;
import java.util.List;

/**
 * Brings the fleet down to limits that were lowered, by a person or a schedule: idle machines go first, one that works finishes its task
 * and takes no other. What can't go yet is said.
 */
public final class DrainAboveLimits implements Rule {

    @Override
    public void apply(Planning planning) {
        if (planning.isHeld() || planning.fleet().head().isEnding()) {
            return;
        }
        for (var pool : planning.spec().pools()) {
            var max = planning.bounds(pool).limits().max();
            if (planning.books(pool).counted() > max) {
                shrink(planning, pool.name(), new Budget.Scope(Budget.Scope.Kind.POOL, pool.name()), max);
            }
        }
        var max = planning.fleetBounds().limits().max();
        if (planning.fleet().size() > max) {
            shrink(planning, "the fleet", Budget.Scope.FLEET, max);
        }
    }

    private void shrink(Planning planning, String what, Budget.Scope scope, int max) {
        var counted = planning.machines(scope);
        int above = counted.size() - max;
        above -= (int) counted.stream().filter(machine -> !machine.phase().isStaying()).count();
        for (var machine : inOrder(planning, counted)) {
            if (above <= 0) {
                break;
            }
            var decision = planning.decide(this, Reason.ABOVE_LIMIT).machine(machine).number("machines", counted.size()).number("limit", max)
                    .scope(scope).write();
            planning.drain(machine, decision, Reason.ABOVE_LIMIT, "the limit of " + what + " was lowered", false);
            above--;
        }
        planning.warn(what, Constraint.by(this, Reason.LIMIT_NOT_REACHED_YET).how("machines").number("machines", counted.size()).number("limit", max).scope(scope));
    }

    /** Idle before starting before busy, unprotected before protected; then the youngest, which has the least to lose. */
    private static List<Machine> inOrder(Planning planning, List<Machine> counted) {
        return counted.stream().filter(machine -> machine.phase().isStaying() && !machine.cloudId().isEmpty())
                .sorted(Comparator.comparing((Machine machine) -> planning.fleet().isBusy(machine)).thenComparing(Machine::isProtected)
                        .thenComparing(machine -> machine.phase().isStarting()).thenComparing(Machine::requestedAt, Comparator.reverseOrder())
                        .thenComparing(Machine::id))
                .toList();
    }
}
