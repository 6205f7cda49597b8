package dev.muster.planner.core.rules;

import dev.muster.planner.core.Command;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.Mark;
import dev.muster.planner.core.Phase;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Pool;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Repeats;
import dev.muster.planner.core.Rule;
import dev.muster.planner.core.TaskStatus;
import java.time.Duration;
import java.util.function.LongFunction;

/**
 * Sees leaving machines to their end: marks and terminations are repeated for ever, and a machine whose guard does not answer is
 * terminated once two fresh looks, both begun after the mark, have shown it idle.
 */
public final class FinishDrains implements Rule {

    /** What a guard may take to see the mark, wait for a pop in flight and power off. Then there is none, or it is stuck. */
    private static final Duration GUARD = Duration.ofSeconds(60);
    /** The same where it must kill rather than wait. */
    private static final Duration GUARD_NOW = Duration.ofSeconds(30);
    /** How long a mark may stay unwritten. Then its cloud refuses marks, and the machine is one without a guard. */
    private static final Duration UNWRITTEN = Duration.ofMinutes(10);
    /** Most that the watcher's clock and ours may differ; a service further off is not ready. */
    static final Duration SKEW = Duration.ofSeconds(5);

    @Override
    public void apply(Planning planning) {
        for (var machine : planning.fleet().in(Phase.TERMINATING)) {
            if (machine.retryAt() == null) {
                // It is shutting down by itself; asked too if that takes too long.
                planning.change(machine, m -> m.retryAt = planning.now().plus(Repeats.after(3)));
            } else if (planning.hasPassed(machine.retryAt())) {
                repeat(planning, machine, ordinal -> new Command.Terminate(machine.offer().scope(), machine.id(), machine.cloudId(),
                        ordinal, machine.detail()));
            }
        }
        planning.fleet().in(Phase.DRAINING).forEach(machine -> drain(planning, withWorkers(planning, machine)));
    }

    /** Takes note of a worker that is no longer listed, and of one that is again. Answers the machine as it is now. */
    private static Machine withWorkers(Planning planning, Machine machine) {
        if (planning.isHeld() || !planning.fleet().demand().workersKnown()) {
            return machine;
        }
        var lacks = machine.readyAt() != null && lacksWorkers(planning, machine);
        return lacks == (machine.unlistedSince() != null) ? machine : planning.change(machine, m -> m.unlistedSince = lacks ? planning.now() : null);
    }

    private static boolean lacksWorkers(Planning planning, Machine machine) {
        var listed = planning.fleet().workersOn(machine).size();
        return listed == 0 || listed < planning.poolOf(machine).map(Pool::slots).orElse(1);
    }

    private void drain(Planning planning, Machine machine) {
        if (machine.mark() == Mark.DRAIN_NOW) {
            if (planning.hasPassed(machine.markedAt().plus(GUARD_NOW))) {
                var decision = planning.decide(this, Reason.DRAIN_OVERDUE).machine(machine).how("at-once").write();
                planning.terminate(machine, decision, machine.cause(), machine.detail());
                return;
            }
        } else if (planning.hasPassed(machine.markedAt().plus(machine.seenMark() == machine.mark() ? GUARD : UNWRITTEN)) && isSurelyIdle(planning, machine)) {
            var decision = planning.decide(this, Reason.DRAIN_OVERDUE).machine(machine).how("idle")
                    .seconds("markedSeconds", Duration.between(machine.markedAt(), planning.now())).write();
            planning.terminate(machine, decision, machine.cause(), machine.detail());
            return;
        }
        if (machine.retryAt() != null && planning.hasPassed(machine.retryAt())) {
            repeat(planning, machine, ordinal -> new Command.Drain(machine.offer().scope(), machine.id(), machine.cloudId(), ordinal,
                    machine.mark() == Mark.DRAIN_NOW));
        }
    }

    private static boolean isSurelyIdle(Planning planning, Machine machine) {
        if (planning.isHeld() || planning.fleet().isBusy(machine)
                || !planning.fleet().demand().previousLookStartedAt().isAfter(machine.markedAt().plus(SKEW))) {
            return false;
        }
        var patience = planning.poolOf(machine).map(Pool::registrationDeadline).orElse(planning.spec().rescue().after());
        if (mayRunUnlisted(planning, machine, patience)) {
            return false;
        }
        if (machine.readyAt() == null) {
            return true;
        }
        if (!lacksWorkers(planning, machine)) {
            // Idle in the last look and in one before it: an agent without a guard is idle between any two tasks.
            return machine.idleSince() != null && !machine.idleSince().plus(SKEW).isAfter(planning.fleet().demand().lookStartedAt());
        }
        // A worker of it was there and is not listed: it may be at work, cut off, or left out of one list. Only time without it tells.
        return machine.unlistedSince() != null && planning.hasPassed(machine.unlistedSince().plus(patience));
    }

    /**
     * A task that is in progress on it though no worker is listed: agents are sometimes left out of the server's list and work on. Each
     * report for the task begins its time anew; one that nobody has reported for so long is lost.
     */
    private static boolean mayRunUnlisted(Planning planning, Machine machine, Duration patience) {
        return planning.fleet().adrift().stream().anyMatch(task -> task.status() == TaskStatus.IN_PROGRESS
                && planning.fleet().machineOf(task.lastWorker()).filter(runner -> runner.id().equals(machine.id())).isPresent()
                && !planning.hasPassed(task.since().plus(patience)));
    }

    private static void repeat(Planning planning, Machine machine, LongFunction<Command> command) {
        planning.change(machine, m -> {
            m.ordinal = machine.ordinal() + 1;
            m.attempts = machine.attempts() + 1;
            m.retryAt = planning.now().plus(Repeats.after(m.attempts));
        });
        planning.issue(machine.decisionId(), command.apply(machine.ordinal() + 1));
    }
}
