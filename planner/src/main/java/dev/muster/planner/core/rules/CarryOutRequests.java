package dev.muster.planner.core.rules;

import dev.muster.planner.core.Command;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.Mark;
import dev.muster.planner.core.Phase;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;

/** Does what people asked for about machines. Only here, and where a fleet is deleted at once, can a busy machine end. */
public final class CarryOutRequests implements Rule {

    @Override
    public void apply(Planning planning) {
        for (var machine : planning.fleet().asked()) {
            // What the cloud has not accepted can't be commanded; the wish waits.
            if (!machine.cloudId().isEmpty()) {
                carryOut(planning, planning.change(machine, m -> m.asked = null), machine);
            }
        }
    }

    private void carryOut(Planning planning, Machine machine, Machine asked) {
        if (machine.mark() == Mark.RELEASED) {
            // No longer ours to end.
            return;
        }
        switch (asked.asked()) {
            // Done when it was read: nothing is asked of the cloud.
            case PROTECT, UNPROTECT -> { }
            case FETCH_CONSOLE -> {
                if (!machine.phase().isEnded()) {
                    planning.issue(decide(planning, machine, "console"),
                            new Command.FetchConsole(machine.offer().scope(), machine.id(), machine.cloudId(), machine.ordinal()));
                }
            }
            case DRAIN -> {
                if (machine.phase().isStaying()) {
                    var decision = decide(planning, machine, "drain");
                    planning.drain(machine, decision, Reason.ASKED_FOR, "a person asked", false);
                }
            }
            case CANCEL_DRAIN -> {
                if (machine.phase() == Phase.DRAINING && machine.mark() == Mark.DRAIN) {
                    planning.cancelDrain(machine, decide(planning, machine, "work-on"));
                }
            }
            case TERMINATE -> {
                if (machine.phase() == Phase.TERMINATING) {
                    return;
                }
                var tasks = planning.fleet().workersOn(machine).stream().filter(worker -> worker.isBusy()).map(worker -> worker.task()).toList();
                var decision = planning.decide(this, Reason.ASKED_FOR).machine(machine).tasks(tasks).how("end").write();
                if (machine.readyAt() == null) {
                    planning.terminate(machine, decision, Reason.ASKED_FOR, "a person asked");
                } else {
                    planning.drain(machine, decision, Reason.ASKED_FOR, "a person asked", true);
                }
            }
        }
    }

    private String decide(Planning planning, Machine machine, String how) {
        return planning.decide(this, Reason.ASKED_FOR).machine(machine).how(how).write();
    }
}
