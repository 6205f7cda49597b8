package dev.muster.planner.core.rules;

import dev.muster.planner.core.CloudState;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.Phase;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Pool;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Drains machines that have had no task for the idle time-out, unless a waiting task will take them or the minimum keeps them. */
public final class ReleaseIdleMachines implements Rule {

    @Override
    public void apply(Planning planning) {
        if (planning.isHeld() || planning.fleet().head().isEnding()) {
            return;
        }
        for (var pool : planning.spec().pools()) {
            if (HoldOnUnknownScopes.unknown(planning, pool).isEmpty()) {
                release(planning, pool);
            }
        }
        // An edit of the spec took their pool away: nothing may keep them.
        for (var pool : planning.fleet().pools()) {
            if (planning.fleet().pool(pool).isEmpty()) {
                planning.fleet().byAge(pool).filter(machine -> machine.phase().isStaying() && !machine.cloudId().isEmpty()).toList().forEach(machine -> {
                    var decision = planning.decide(this, Reason.IS_ORPHAN).machine(machine).how("pool-gone").write();
                    planning.drain(machine, decision, Reason.IS_ORPHAN, "its pool is no longer in the spec", false);
                });
            }
        }
    }

    private void release(Planning planning, Pool pool) {
        var books = planning.books(pool);
        int spare = planning.spare(pool) - planning.bounds(pool).warm() * pool.slots();
        int above = books.staying() - planning.bounds(pool).limits().min();
        var lastLaunch = planning.fleet().byYouth(pool.name()).findFirst();
        if (lastLaunch.isPresent() && !planning.hasPassed(lastLaunch.get().requestedAt().plus(pool.leaving().scaleInDelay()))) {
            return;
        }
        var idleLongEnough = planning.fleet().idle(pool.name()).filter(machine -> !machine.isProtected())
                .takeWhile(machine -> planning.hasPassed(machine.idleSince().plus(pool.idleTimeout()))).toList();
        // What waits for room for that long and is not needed either would have a cluster grow for nothing.
        var waiting = planning.fleet().in(Phase.BOOTING).stream().filter(machine -> machine.pool().equals(pool.name()) && !machine.isBound()
                && !machine.isProtected() && machine.cloud() == CloudState.WAITING && machine.waitingSince() != null
                && planning.hasPassed(machine.waitingSince().plus(pool.idleTimeout()))).toList();
        for (var machine : Stream.concat(waiting.stream(), idleLongEnough.stream()).toList()) {
            if (above <= 0 || spare < pool.slots() || !planning.mayDisrupt(pool)) {
                break;
            }
            if (machine.paid() != null && !planning.hasPassed(machine.paid().since().plus(pool.leaving().leastPaid()))) {
                continue;
            }
            var seconds = Duration.between(machine.idleSince() == null ? machine.waitingSince() : machine.idleSince(), planning.now()).toSeconds();
            var decision = planning.decide(this, Reason.IDLE_TOO_LONG).machine(machine)
                    .number("idleSeconds", seconds).number("idleTimeoutSeconds", pool.idleTimeout().toSeconds())
                    .number("poolMachines", books.counted()).write();
            planning.drain(machine, decision, Reason.IDLE_TOO_LONG, "idle for " + seconds + " s", false);
            above--;
            spare -= pool.slots();
        }
    }
}
