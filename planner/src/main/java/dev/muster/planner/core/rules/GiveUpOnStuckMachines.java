package dev.muster.planner.core.rules;

import dev.muster.planner.core.CloudState;
import dev.muster.planner.core.Hold;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.Phase;
import dev.muster.planner.core.PlanRecord;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Pool;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * Drains machines that don't boot, whose worker doesn't come, or that their cloud finds broken and ClearML lists no worker of: they may be at work
 * unseen. One whose boot is known to have failed ends.
 */
public final class GiveUpOnStuckMachines implements Rule {

    /**
     * How long a machine's cloud may find it broken. EC2 checks each minute, and a reboot or its own move to another host is over in less; what
     * is left after this does not come back. ClearML forgets a worker that is silent only after ten minutes, so that one which had work is
     * given up as soon as its worker is off the list.
     */
    static final Duration IMPAIRED = Duration.ofMinutes(5);

    @Override
    public void apply(Planning planning) {
        if (planning.isLettingGo()) {
            return;
        }
        // An unanswered launch has nothing to end; the lists say what became of it.
        for (var machine : planning.fleet().in(Phase.BOOTING)) {
            // One that waits for room has not begun, and one whose task is at fault is not to blame.
            if (machine.cloud() != CloudState.WAITING && !(machine.isBound() && machine.note().faultOfTask())) {
                planning.poolOf(machine).ifPresent(pool -> judge(planning, machine, pool));
            }
        }
    }

    private void judge(Planning planning, Machine machine, Pool pool) {
        if (isBroken(planning, machine)) {
            giveUpBroken(planning, machine, pool);
        } else if (machine.readyAt() != null) {
            if (!planning.isHeld() && planning.hasPassed(machine.idleSince().plus(pool.registrationDeadline()))) {
                var decision = planning.decide(this, Reason.BOOT_FAILED).machine(machine).how("worker-lost")
                        .seconds("deadlineSeconds", pool.registrationDeadline()).write();
                planning.drain(machine, decision, Reason.BOOT_FAILED, "its worker is gone from ClearML's list", false);
            }
        } else if (!machine.detail().isEmpty() && machine.cause() == null) {
            giveUp(planning, machine, pool, "boot-error", facts -> facts.word("detail", machine.detail()));
        } else if (machine.bootedAt() == null && planning.hasPassed(machine.deadlinesFrom().plus(pool.bootDeadline()))) {
            giveUp(planning, machine, pool, "not-running", facts -> facts.seconds("deadlineSeconds", pool.bootDeadline())
                    .wordIfAny("note", machine.note().toString()));
        } else if (!planning.isHeld() && planning.hasPassed(machine.deadlinesFrom().plus(pool.registrationDeadline()))) {
            // Held, a worker may have registered unseen. One that runs may have an agent by now, and that agent a task: only its gate can tell.
            giveUp(planning, machine, pool, machine.bootedAt() == null ? "neither" : "not-registered",
                    facts -> facts.seconds("deadlineSeconds", pool.registrationDeadline()));
        }
    }

    /** Held, a worker of it may be listed unseen; and one that has a worker is none of these, whatever its cloud says. */
    private static boolean isBroken(Planning planning, Machine machine) {
        return machine.impairedSince() != null && !planning.isHeld() && planning.hasPassed(machine.impairedSince().plus(IMPAIRED));
    }

    private void giveUpBroken(Planning planning, Machine machine, Pool pool) {
        var decision = planning.decide(this, Reason.MACHINE_IMPAIRED).machine(machine).how("given-up")
                .seconds("impairedSeconds", Duration.between(machine.impairedSince(), planning.now()));
        var why = "its cloud's own checks of it fail";
        var failures = failedBoots(planning, pool);
        if (machine.readyAt() == null) {
            decision.number("failedBoots", failures);
        }
        planning.drain(machine, decision.write(), Reason.MACHINE_IMPAIRED, why, false);
        if (machine.readyAt() == null) {
            count(planning, pool, failures, why);
        }
    }

    private void giveUp(Planning planning, Machine machine, Pool pool, String how, Consumer<Planning.Draft> facts) {
        var failures = failedBoots(planning, pool);
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
        count(planning, pool, failures, why);
    }

    /** With the one that is given up now. */
    static int failedBoots(Planning planning, Pool pool) {
        return planning.fleet().hold(Hold.Kind.CIRCUIT, pool.name()).map(Hold::failures).orElse(0) + 1;
    }

    /** Remembers one more. */
    static void count(Planning planning, Pool pool, int failures, String why) {
        var since = planning.fleet().hold(Hold.Kind.CIRCUIT, pool.name()).map(Hold::since).orElse(planning.now());
        planning.write(new PlanRecord.HoldChanged(new Hold(Hold.Kind.CIRCUIT, pool.name(), since, planning.now().plus(GrowGradually.CIRCUIT_PROBE),
                failures, "", why)));
    }
}
