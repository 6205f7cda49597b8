package dev.muster.planner.core.rules;

import dev.muster.planner.core.Hold;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.Phase;
import dev.muster.planner.core.PlanRecord;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Pool;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;
import java.util.function.Consumer;

/** Drains machines that don't boot or whose worker doesn't come: they may be at work unseen. One whose boot is known to have failed ends. */
public final class GiveUpOnStuckMachines implements Rule {

    @Override
    public void apply(Planning planning) {
        if (planning.isLettingGo()) {
            return;
        }
        // An unanswered launch has nothing to end; the lists say what became of it.
        for (var machine : planning.fleet().in(Phase.BOOTING)) {
            planning.poolOf(machine).ifPresent(pool -> judge(planning, machine, pool));
        }
    }

    private void judge(Planning planning, Machine machine, Pool pool) {
        if (machine.readyAt() != null) {
            if (!planning.isHeld() && planning.hasPassed(machine.idleSince().plus(pool.registrationDeadline()))) {
                var decision = planning.decide(this, Reason.BOOT_FAILED).machine(machine).how("worker-lost")
                        .seconds("deadlineSeconds", pool.registrationDeadline()).write();
                planning.drain(machine, decision, Reason.BOOT_FAILED, "its worker is gone from ClearML's list", false);
            }
        } else if (!machine.detail().isEmpty() && machine.cause() == null) {
            giveUp(planning, machine, pool, "boot-error", facts -> facts.word("detail", machine.detail()));
        } else if (machine.bootedAt() == null && planning.hasPassed(machine.requestedAt().plus(pool.bootDeadline()))) {
            giveUp(planning, machine, pool, "not-running", facts -> facts.seconds("deadlineSeconds", pool.bootDeadline()));
        } else if (!planning.isHeld() && planning.hasPassed(machine.requestedAt().plus(pool.registrationDeadline()))) {
            // Held, a worker may have registered unseen. One that runs may have an agent by now, and that agent a task: only its gate can tell.
            giveUp(planning, machine, pool, machine.bootedAt() == null ? "neither" : "not-registered",
                    facts -> facts.seconds("deadlineSeconds", pool.registrationDeadline()));
        }
    }

    private void giveUp(Planning planning, Machine machine, Pool pool, String how, Consumer<Planning.Draft> facts) {
        var before = planning.fleet().hold(Hold.Kind.CIRCUIT, pool.name());
        var failures = before.map(Hold::failures).orElse(0) + 1;
        var draft = planning.decide(this, Reason.BOOT_FAILED).machine(machine).how(how).number("failedBoots", failures);
        facts.accept(draft);
        var decision = draft.write();
        var why = draft.bootFailure();
        // It may run unseen and have an agent by now, and that agent a task: only its gate can tell.
        if (!how.equals("boot-error")) {
            planning.drain(machine, decision, Reason.BOOT_FAILED, why, false);
        } else {
            planning.terminate(machine, decision, Reason.BOOT_FAILED, why);
        }
        planning.write(new PlanRecord.HoldChanged(new Hold(Hold.Kind.CIRCUIT, pool.name(),
                before.map(Hold::since).orElse(planning.now()), planning.now().plus(GrowGradually.CIRCUIT_PROBE), failures, "", why)));
    }
}
