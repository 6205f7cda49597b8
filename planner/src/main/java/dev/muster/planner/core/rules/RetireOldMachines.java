package dev.muster.planner.core.rules;

import dev.muster.planner.core.Phase;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;
import java.time.Duration;
import java.util.List;

/** Drains machines older than their pool allows, as many at a time as it allows: a busy one finishes its task. */
public final class RetireOldMachines implements Rule {

    @Override
    public void apply(Planning planning) {
        if (planning.isHeld()) {
            return;
        }
        for (var machine : List.copyOf(planning.fleet().active().values())) {
            var pool = planning.poolOf(machine);
            if (pool.isEmpty() || pool.get().leaving().maxAge() == null || machine.phase() != Phase.READY || machine.isProtected()) {
                continue;
            }
            var maxAge = pool.get().leaving().maxAge();
            if (planning.hasPassed(machine.requestedAt().plus(maxAge)) && planning.mayDisrupt(pool.get())) {
                var age = Duration.between(machine.requestedAt(), planning.now()).toSeconds();
                var decision = planning.decide(this, Reason.IS_OLD).machine(machine).number("ageSeconds", age).number("maxAgeSeconds", maxAge.toSeconds()).write();
                planning.drain(machine, decision, Reason.IS_OLD, "older than its pool allows", false);
            }
        }
    }
}
