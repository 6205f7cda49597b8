package dev.muster.planner.core.rules;

import dev.muster.planner.core.CloudState;
import dev.muster.planner.core.Constraint;
import dev.muster.planner.core.Ending;
import dev.muster.planner.core.Hold;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.Phase;
import dev.muster.planner.core.PlanRecord;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;
import dev.muster.planner.core.Worker;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;

/** Brings each machine's phase up to what its cloud and its workers show. */
public final class FollowMachines implements Rule {

    private static final String STOPPED = "stopped is not gone";

    @Override
    public void apply(Planning planning) {
        for (var machine : planning.fleet().takeUnfollowed()) {
            follow(planning, machine);
        }
        warn(planning);
    }

    private void follow(Planning planning, Machine machine) {
        if (machine.released()) {
            end(planning, machine, Phase.GONE, Reason.FLEET_ENDS, "released to its user", false);
        } else if (machine.cloud() == CloudState.TERMINATED) {
            if (isFailedBoot(planning, machine)) {
                end(planning, machine, Phase.GONE, Reason.BOOT_FAILED, machine.detail(), failedBoot(planning, machine, "ended"));
            } else {
                end(planning, machine, Phase.GONE, causeOf(machine), machine.detail(), machine.phase().isStaying());
            }
        } else if (machine.cloud() == CloudState.NOT_FOUND) {
            var leaving = machine.phase() == Phase.TERMINATING || machine.phase() == Phase.DRAINING;
            end(planning, machine, leaving ? Phase.GONE : Phase.LOST, leaving ? causeOf(machine) : Reason.IS_MISSING,
                    "missing from two complete lists of " + machine.offer().scope(), !leaving);
        } else if (machine.cloud() == CloudState.SHUTTING_DOWN) {
            if (machine.phase() != Phase.TERMINATING) {
                var unasked = machine.phase().isStaying();
                var failed = isFailedBoot(planning, machine);
                var cause = failed ? Reason.BOOT_FAILED : causeOf(machine);
                var id = failed ? failedBoot(planning, machine, "ended") : unasked ? decide(planning, machine, "ending") : machine.decisionId();
                planning.change(machine, m -> {
                    m.phase = Phase.TERMINATING;
                    m.cause = cause;
                    m.decisionId = id;
                    m.retryAt = null;
                });
            }
        } else if (machine.cloud() == CloudState.STOPPED && machine.phase() != Phase.TERMINATING) {
            stopped(planning, machine);
        } else {
            work(planning, checked(planning, placed(planning, machine)));
        }
    }

    /** A machine that begins to wait for room, or has found it. Answers it as it is now. */
    private static Machine placed(Planning planning, Machine machine) {
        var waits = machine.cloud() == CloudState.WAITING;
        if (waits == (machine.waitingSince() != null)) {
            return machine;
        }
        return planning.change(machine, m -> {
            m.waitingSince = waits ? planning.now() : null;
            m.placedAt = waits ? null : planning.now();
        });
    }

    /** Off and still there, and paid for in part until it is ended. */
    private void stopped(Planning planning, Machine machine) {
        if (isFailedBoot(planning, machine)) {
            planning.terminate(machine, failedBoot(planning, machine, "stopped"), Reason.BOOT_FAILED, machine.detail().isEmpty() ? STOPPED : machine.detail());
        } else if (machine.phase() == Phase.DRAINING && machine.ending() == Ending.INSIDE) {
            // It was told to, and has done it: what it left for is the cause.
            planning.terminate(machine, machine.decisionId(), causeOf(machine), STOPPED);
        } else {
            var cause = ownCauseOf(machine);
            planning.terminate(machine, planning.decide(this, cause).machine(machine).how("stopped").write(), cause, STOPPED);
        }
    }

    /**
     * It went by itself, or by its cloud, without ever having had a worker: as a boot script ends the machine that it can't make one. While facts
     * are held a worker may have come and gone unseen, unless the machine has said what failed.
     */
    private static boolean isFailedBoot(Planning planning, Machine machine) {
        // One that was made for a task ends so when another had it first: only where it says that its boot failed did it.
        return machine.phase().isStarting() && machine.readyAt() == null && !machine.isAdopted() && planning.poolOf(machine).isPresent()
                && !(machine.isBound() && (machine.detail().isEmpty() || machine.note().faultOfTask())) && (machine.ending() == Ending.INSIDE || machine.ending() == Ending.BY_CLOUD) && (!planning.isHeld() || !machine.detail().isEmpty());
    }

    /** Counts it, so that a pool whose machines can't boot isn't launched for ever, and says so. */
    private String failedBoot(Planning planning, Machine machine, String how) {
        var pool = planning.poolOf(machine).orElseThrow();
        var failures = GiveUpOnStuckMachines.failedBoots(planning, pool);
        var draft = planning.decide(this, Reason.BOOT_FAILED).machine(machine).how(how).word("ending", machine.ending().name())
                .wordIfAny("detail", machine.detail()).number("failedBoots", failures);
        var id = draft.write();
        GiveUpOnStuckMachines.count(planning, pool, failures, draft.bootFailure());
        return id;
    }

    /** A machine whose cloud's own checks begin to fail, or pass again. Answers it as it is now. */
    private Machine checked(Planning planning, Machine machine) {
        var fails = machine.cloud() == CloudState.IMPAIRED;
        if (fails == (machine.impairedSince() != null)) {
            return machine;
        }
        var decision = planning.decide(this, Reason.MACHINE_IMPAIRED).machine(machine);
        var id = fails ? decision.how("fails").write()
                : decision.how("passes").seconds("impairedSeconds", Duration.between(machine.impairedSince(), planning.now())).write();
        return planning.change(machine, m -> {
            m.impairedSince = fails ? planning.now() : null;
            // One that leaves does so for the reason it has.
            m.decisionId = m.phase.isStaying() ? id : m.decisionId;
        });
    }

    /** While it lasts, since a person can look into it and the planner can't. */
    private void warn(Planning planning) {
        var pools = new TreeMap<String, List<Machine>>();
        planning.fleet().impaired().forEach(machine -> pools.computeIfAbsent(machine.pool(), pool -> new ArrayList<>()).add(machine));
        pools.forEach((pool, machines) -> planning.warn(pool, Constraint.by(this, Reason.MACHINE_IMPAIRED).how("lasts")
                .number("machines", machines.size()).word("pool", pool)
                .instant("since", machines.stream().map(Machine::impairedSince).min(Instant::compareTo).orElseThrow())));
    }

    private void work(Planning planning, Machine machine) {
        var workers = planning.fleet().workersOn(machine);
        var now = planning.now();
        switch (machine.phase()) {
            case REQUESTED, LAUNCHING, BOOTING -> {
                if (!workers.isEmpty()) {
                    register(planning, machine);
                } else if (machine.phase() != Phase.BOOTING && !machine.cloudId().isEmpty()) {
                    planning.change(machine, m -> m.phase = Phase.BOOTING);
                }
            }
            case READY -> {
                if (!workers.isEmpty()) {
                    var since = idleSince(workers, machine.readyAt());
                    if (!Objects.equals(since, machine.idleSince())) {
                        planning.change(machine, m -> m.idleSince = since);
                    }
                } else if (planning.fleet().demand().workersKnown()) {
                    // Its last worker went and the machine runs on: it has the registration deadline to come back.
                    planning.change(machine, m -> {
                        m.phase = Phase.BOOTING;
                        m.idleSince = now;
                    });
                } else {
                    // Whether it has a worker is not known: a full look will say, which need not name it.
                    planning.fleet().followAgain(machine);
                }
            }
            case DRAINING -> {
                if (!workers.isEmpty()) {
                    planning.change(machine, m -> {
                        // Marked before its worker registered: it has work from now on, and is not idle for want of a worker later.
                        m.readyAt = m.readyAt == null ? now : m.readyAt;
                        m.idleSince = idleSince(workers, m.readyAt);
                    });
                }
            }
            case TERMINATING, GONE, FAILED, LOST -> { }
        }
    }

    /** A machine that has a worker and is not READY yet becomes it. Answers it as it is now. */
    static Machine register(Planning planning, Machine machine) {
        var workers = planning.fleet().workersOn(machine);
        if (workers.isEmpty()) {
            return machine;
        }
        planning.fleet().hold(Hold.Kind.CIRCUIT, machine.pool()).ifPresent(hold -> planning.write(
                new PlanRecord.HoldChanged(
                        new Hold(hold.kind(), hold.subject(), hold.since(), null, 0, "", ""))));
        return planning.change(machine, m -> {
            m.phase = Phase.READY;
            m.readyAt = m.readyAt == null ? planning.now() : m.readyAt;
            m.idleSince = idleSince(workers, m.readyAt);
        });
    }

    /** Since when all its workers are idle; null: one is busy. */
    private static Instant idleSince(List<Worker> workers, Instant notBefore) {
        var since = notBefore;
        for (var worker : workers) {
            if (worker.isBusy()) {
                return null;
            }
            if (worker.idleSince().isAfter(since)) {
                since = worker.idleSince();
            }
        }
        return since;
    }

    private void end(Planning planning, Machine machine, Phase phase, Reason cause, String detail, boolean unasked) {
        end(planning, machine, phase, cause, detail, !unasked ? machine.decisionId()
                : phase == Phase.LOST ? planning.decide(this, Reason.IS_MISSING).machine(machine).word("listed", machine.offer().scope()).write()
                : decide(planning, machine, "ended"));
    }

    private void end(Planning planning, Machine machine, Phase phase, Reason cause, String detail, String decision) {
        planning.change(machine, m -> {
            m.phase = phase;
            m.cause = cause;
            m.detail = detail;
            m.decisionId = decision;
            m.endedAt = planning.now();
            m.retryAt = null;
            m.asked = null;
        });
        if (phase == Phase.GONE) {
            // One less of it: the quota may have room again.
            planning.fleet().hold(Hold.Kind.QUOTA, Hold.quotaSubject(machine.offer())).ifPresent(hold ->
                    planning.write(new PlanRecord.HoldChanged(
                            new Hold(hold.kind(), hold.subject(), hold.since(), null, 0, "", ""))));
        }
    }

    private static Reason causeOf(Machine machine) {
        return machine.cause() != null ? machine.cause() : ownCauseOf(machine);
    }

    /** Of one that nobody sent away. */
    private static Reason ownCauseOf(Machine machine) {
        return machine.ending() == Ending.INTERRUPTED ? Reason.WAS_INTERRUPTED : Reason.MACHINE_ENDED;
    }

    private String decide(Planning planning, Machine machine, String how) {
        if (machine.isBound() && machine.ending() == Ending.INSIDE && machine.note().isEmpty()) {
            return planning.decide(this, Reason.MACHINE_ENDED).machine(machine).how("with-task").tasks(List.of(machine.task())).write();
        }
        return planning.decide(this, ownCauseOf(machine)).machine(machine).how(how).word("ending", machine.ending().name()).wordIfAny("detail", machine.detail()).write();
    }
}
