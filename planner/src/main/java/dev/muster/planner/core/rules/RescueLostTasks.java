package dev.muster.planner.core.rules;

import dev.muster.planner.core.CloudNote;
import dev.muster.planner.core.Command;
import dev.muster.planner.core.Ending;
import dev.muster.planner.core.FleetEvent.TaskAdrift;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.Phase;
import dev.muster.planner.core.PlanRecord;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rescue;
import dev.muster.planner.core.Rule;
import dev.muster.planner.core.TaskStatus;
import dev.muster.planner.core.Worker;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

/**
 * Puts tasks of machines that are gone, and tasks that nobody has, back into their queues; then has the server forget workers whose
 * machine is gone.
 */
public final class RescueLostTasks implements Rule {

    /** How long a task must be in no queue and on no worker: two reports of an agent, which come every 30 s. */
    private static final Duration ADRIFT = Duration.ofSeconds(60);
    private static final Duration FIRST_REPEAT = Duration.ofSeconds(5);
    private static final Duration LONGEST_REPEAT = Duration.ofMinutes(5);
    /** A look may still show what a rescue has just mended. */
    private static final Duration MENDED = Duration.ofSeconds(30);
    private static final Duration UNREGISTER_REPEAT = Duration.ofSeconds(60);

    @Override
    public void apply(Planning planning) {
        if (planning.spec().rescue().enabled()) {
            for (var open : List.copyOf(planning.fleet().rescues())) {
                if (open.isOpen() && planning.hasPassed(open.retryAt())) {
                    send(planning, open, "");
                }
            }
            for (var worker : planning.fleet().outliving()) {
                if (worker.isBusy()) {
                    planning.fleet().machineOf(worker.id()).filter(machine -> isKnownToOutlive(planning, machine)).ifPresent(machine ->
                            begin(planning, worker.task(), "", worker.id(), machine.id(), Reason.TASK_LOST_MACHINE, TaskStatus.IN_PROGRESS,
                                    decision -> decision.how("listed")));
                }
            }
            var adrift = planning.fleet().adrift();
            // Whose each of them is has to be found out: once for all tasks.
            var others = adrift.isEmpty() ? List.<Worker>of() : planning.fleet().otherWorkers();
            adrift.forEach(task -> adrift(planning, task, others));
        }
        for (var worker : planning.fleet().outliving()) {
            planning.fleet().machineOf(worker.id()).filter(machine -> isKnownToOutlive(planning, machine))
                    .ifPresent(machine -> unregister(planning, worker, machine));
        }
    }

    /** One released to its user is off the books as well, and works on; so may one whose end nobody saw, as long as its worker is listed. */
    private static boolean isGone(Machine machine) {
        return machine.phase() == Phase.GONE && !machine.released() && machine.ending() != Ending.UNSEEN;
    }

    /**
     * One that was made for a task ends right after it, and is often seen to before a look shows that its worker has left: what was seen of that before
     * its end says nothing.
     */
    private static boolean isKnownToOutlive(Planning planning, Machine machine) {
        return isGone(machine) && (!machine.isBound() || planning.fleet().demand().lookStartedAt().isAfter(machine.endedAt()));
    }

    private void adrift(Planning planning, TaskAdrift adrift, List<Worker> others) {
        var lost = planning.fleet().machineOf(adrift.lastWorker()).filter(RescueLostTasks::isGone);
        // Popped again and lost again before anybody reported it, it still shows the worker that it was rescued from.
        var isRescuedFromIt = planning.fleet().rescue(adrift.task())
                .filter(rescue -> !rescue.isOpen() && rescue.worker().equals(adrift.lastWorker())).isPresent();
        if (lost.isPresent() && !isRescuedFromIt) {
            begin(planning, adrift.task(), adrift.queueId(), adrift.lastWorker(), lost.get().id(), Reason.TASK_LOST_MACHINE, adrift.status(),
                    decision -> decision.how("adrift"));
            return;
        }
        var othersServe = others.stream().anyMatch(worker -> worker.queueIds().contains(adrift.queueId()));
        var patience = othersServe ? planning.spec().rescue().after() : ADRIFT;
        if (!planning.isHeld() && planning.hasPassed(adrift.since().plus(patience))) {
            begin(planning, adrift.task(), adrift.queueId(), adrift.lastWorker(), "", Reason.TASK_ADRIFT, adrift.status(),
                    decision -> decision.word("status", adrift.status().name()).instant("since", adrift.since()));
        }
    }

    private void begin(Planning planning, String task, String queueId, String worker, String machineId, Reason reason, TaskStatus status,
            Consumer<Planning.Draft> facts) {
        var note = planning.fleet().machine(machineId).map(Machine::note).orElse(CloudNote.NONE);
        var fails = planning.fleet().machine(machineId).flatMap(planning::poolOf).filter(pool -> pool.pods().failing().contains(note.reason())).isPresent();
        var before = planning.fleet().rescue(task);
        if (before.isPresent()) {
            var rescue = before.get();
            // No look from before a rescue's end tells of a machine that ended after it.
            var isLostAnew = !rescue.isOpen()
                    && planning.fleet().machine(machineId).filter(machine -> machine.endedAt().isAfter(rescue.endedAt())).isPresent();
            if (rescue.isOpen() || !isLostAnew && !planning.hasPassed(rescue.endedAt().plus(MENDED))
                    || !fails && rescue.rescued() >= planning.spec().rescue().attempts() || rescue.worker().equals(worker) && !machineId.isEmpty()) {
                return;
            }
        }
        var draft = planning.decide(this, fails ? Reason.TASK_FAILED_WITH_MACHINE : reason).tasks(List.of(task)).machines(machineId.isEmpty() ? List.of() : List.of(machineId))
                .number("rescues", before.map(Rescue::rescued).orElse(0));
        planning.fleet().machine(machineId).map(Machine::decisionId).ifPresent(decision -> draft.causes(List.of(decision)));
        if (fails) {
            draft.word("note", note.toString());
        } else {
            facts.accept(draft);
        }
        send(planning, new Rescue(task, queueId, worker, machineId, status, before.map(Rescue::attempt).orElse(0),
                before.map(Rescue::rescued).orElse(0), planning.now(), null, fails ? note.reason() : "", fails ? note.toString() : ""), draft.write());
    }

    static void send(Planning planning, Rescue rescue, String decision) {
        var attempt = rescue.attempt() + 1;
        var doubled = FIRST_REPEAT.multipliedBy(1L << Math.min(attempt - 1, 10));
        var after = doubled.compareTo(LONGEST_REPEAT) > 0 ? LONGEST_REPEAT : doubled;
        planning.write(new PlanRecord.RescueChanged(rescue.sent(attempt, planning.now().plus(after))));
        planning.remind(planning.now().plus(after));
        planning.issue(decision, new Command.Rescue(rescue.task(), rescue.queueId(), rescue.machineId(), rescue.worker(), rescue.status(), attempt,
                logLine(rescue), rescue.failReason(), rescue.failMessage()));
    }

    private static String logLine(Rescue rescue) {
        if (rescue.fails()) {
            return "Muster: machine " + rescue.machineId() + ": " + rescue.failMessage() + "; the task is marked failed";
        }
        return rescue.machineId().isEmpty() ? "Muster: nobody had this task; it is put back into its queue"
                : "Muster: machine " + rescue.machineId() + " is gone; the task is put back into its queue";
    }

    private void unregister(Planning planning, Worker worker, Machine machine) {
        // Its task first: the server's list is what shows that somebody had it.
        var rescueEnded = !worker.isBusy() || !planning.spec().rescue().enabled()
                || planning.fleet().rescue(worker.task()).filter(rescue -> !rescue.isOpen()).isPresent();
        if (!rescueEnded || worker.unregisteredAt() != null && !planning.hasPassed(worker.unregisteredAt().plus(UNREGISTER_REPEAT))) {
            return;
        }
        var decision = planning.decide(this, Reason.WORKER_OUTLIVED_MACHINE).machine(machine).write();
        planning.write(new PlanRecord.WorkerUnregistered(worker.id(), planning.now()));
        planning.issue(decision, new Command.Unregister(worker.id(), machine.id()));
    }
}
