package dev.muster.planner.core.rules;

import dev.muster.planner.core.Phase;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Pool;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;
import java.time.Duration;

/**
 * Drains machines older than their pool allows, as many at a time as it allows: a busy one finishes its task. One that waited for room is as old as
 * its time with it; one that was made for a task ends with that task.
 */
public final class RetireOldMachines implements Rule {

    @Override
    public void apply(Planning planning) {
        if (planning.isHeld() || planning.isLettingGo()) {
            return;
        }
        for (var pool : planning.spec().pools()) {
            var maxAge = pool.leaving().maxAge();
            if (maxAge != null) {
                retire(planning, pool, maxAge);
            }
        }
    }

    private void retire(Planning planning, Pool pool, Duration maxAge) {
        var old = planning.fleet().byAge(pool.name()).filter(machine -> machine.phase() == Phase.READY && !machine.isProtected() && !machine.isBound())
                .takeWhile(machine -> planning.hasPassed(machine.requestedAt().plus(maxAge)))
                .filter(machine -> planning.hasPassed(machine.deadlinesFrom().plus(maxAge))).toList();
        for (var machine : old) {
            if (planning.mayDisrupt(pool)) {
                var age = Duration.between(machine.deadlinesFrom(), planning.now()).toSeconds();
                var decision = planning.decide(this, Reason.IS_OLD).machine(machine).number("ageSeconds", age).number("maxAgeSeconds", maxAge.toSeconds()).write();
                planning.drain(machine, decision, Reason.IS_OLD, "older than its pool allows", false);
            }
        }
    }
}
