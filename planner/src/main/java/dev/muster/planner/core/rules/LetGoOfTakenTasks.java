package dev.muster.planner.core.rules;

import dev.muster.planner.core.CloudState;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.QueueSeen;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Drains machines that were made for a task which neither waits any more nor runs on them: another took it, or it was stopped. What the
 * machine may have claimed and not shown yet, its gate knows.
 */
public final class LetGoOfTakenTasks implements Rule {

    /** From a claim to the worker's first word of it: one call of the machine, and a look every second. */
    private static final Duration UNSEEN = Duration.ofSeconds(15);

    @Override
    public void apply(Planning planning) {
        var bound = planning.fleet().bound();
        if (bound.isEmpty() || planning.isHeld() || planning.isLettingGo()) {
            return;
        }
        var waiting = new HashSet<String>();
        var isCut = false;
        for (var queue : planning.fleet().queues().values()) {
            waiting.addAll(queue.first());
            isCut |= queue.state() != QueueSeen.State.SERVED || queue.waiting() > queue.first().size();
        }
        for (var machine : bound) {
            judge(planning, machine, waiting, isCut);
        }
    }

    /** @param isCut not every waiting task is known by name: one that isn't may wait */
    private void judge(Planning planning, Machine machine, Set<String> waiting, boolean isCut) {
        var isHere = planning.fleet().workersOn(machine).stream().anyMatch(worker -> worker.task().equals(machine.task()));
        if (isCut || isHere || waiting.contains(machine.task())) {
            if (machine.takenSince() != null) {
                planning.change(machine, m -> m.takenSince = null);
            }
            return;
        }
        var noted = machine.takenSince() != null ? machine : planning.change(machine, m -> m.takenSince = planning.now());
        // Where nothing has begun, nothing was claimed.
        if (!machine.cloudId().isEmpty() && (machine.cloud() == CloudState.WAITING || planning.hasPassed(noted.takenSince().plus(UNSEEN)))) {
            var decision = planning.decide(this, Reason.TASK_TAKEN).machine(noted).tasks(List.of(noted.task())).write();
            planning.drain(noted, decision, Reason.TASK_TAKEN, "its task " + noted.task() + " no longer waits", false);
        }
    }
}
