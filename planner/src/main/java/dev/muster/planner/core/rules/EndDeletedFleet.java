package dev.muster.planner.core.rules;

import dev.muster.planner.core.Command;
import dev.muster.planner.core.FleetHead;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.Mark;
import dev.muster.planner.core.Phase;
import dev.muster.planner.core.PlanRecord;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Repeats;
import dev.muster.planner.core.Rule;

/** Empties a fleet that is being deleted, as its shutdown action says; deleted it is when its last machine has left the books. */
public final class EndDeletedFleet implements Rule {

    @Override
    public void apply(Planning planning) {
        var head = planning.fleet().head();
        if (head.state() != FleetHead.State.DELETING) {
            return;
        }
        for (var machine : planning.fleet().active().values()) {
            if (!machine.cloudId().isEmpty()) {
                end(planning, machine, head.action());
            }
        }
        if (planning.fleet().size() == 0) {
            planning.write(new PlanRecord.FleetEnded(head.withState(FleetHead.State.DELETED)));
        }
    }

    private void end(Planning planning, Machine machine, FleetHead.ShutdownAction action) {
        switch (action) {
            case LEAVE -> {
                // What a person said to end at once, or what was asked to end, ends.
                if (machine.phase() == Phase.TERMINATING || machine.mark() == Mark.DRAIN_NOW) {
                    return;
                }
                if (machine.mark() != Mark.RELEASED || machine.retryAt() != null && planning.hasPassed(machine.retryAt())) {
                    var decision = decide(planning, machine, "release");
                    planning.change(machine, m -> {
                        if (m.phase == Phase.DRAINING) {
                            planning.workOn(machine, m);
                        }
                        m.mark = Mark.RELEASED;
                        m.ordinal = machine.ordinal() + 1;
                        m.decisionId = decision;
                        m.attempts = machine.attempts() + 1;
                        m.retryAt = planning.now().plus(Repeats.after(m.attempts));
                    });
                    planning.issue(decision, new Command.Release(machine.offer().scope(), machine.id(), machine.cloudId(), machine.ordinal() + 1));
                }
            }
            case IDLE -> {
                if (machine.phase().isStaying()) {
                    planning.drain(machine, decide(planning, machine, "drain"), Reason.FLEET_ENDS, "the fleet was deleted", false);
                }
            }
            case ALL -> {
                if (machine.phase().isStarting()) {
                    planning.terminate(machine, decide(planning, machine, "terminate"), Reason.FLEET_ENDS, "the fleet was deleted");
                } else if (machine.phase() == Phase.READY || machine.phase() == Phase.DRAINING && machine.mark() != Mark.DRAIN_NOW) {
                    planning.drain(machine, decide(planning, machine, "end-at-once"), Reason.FLEET_ENDS, "the fleet was deleted", true);
                }
            }
        }
    }

    private String decide(Planning planning, Machine machine, String how) {
        var tasks = planning.fleet().workersOn(machine).stream().filter(worker -> worker.isBusy()).map(worker -> worker.task()).toList();
        return planning.decide(this, Reason.FLEET_ENDS).machine(machine).tasks(tasks).how(how).write();
    }
}
