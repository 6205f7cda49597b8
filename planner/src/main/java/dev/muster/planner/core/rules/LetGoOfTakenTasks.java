package dev.muster.planner.core.rules;

import dev.muster.planner.core.CloudState;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.QueueSeen;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Set;

/**
 * Drains machines that were made for a task which neither waits any more where they would claim it nor runs on them: another took it, it was
 * stopped, or moved to another queue. What the machine may have claimed and not shown yet, its gate knows.
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
        var lines = new HashMap<String, Line>();
        planning.fleet().queues().forEach((name, queue) -> lines.put(name, Line.of(queue)));
        for (var machine : bound) {
            // It claims its task in one queue, and elsewhere never. Which one it is, is not known of a machine that was adopted.
            var mayWait = machine.queue().isEmpty() ? lines.values().stream().anyMatch(line -> line.mayHold(machine.task()))
                    : lines.containsKey(machine.queue()) && lines.get(machine.queue()).mayHold(machine.task());
            judge(planning, machine, mayWait);
        }
    }

    /** @param isCut not every waiting task is known by name: one that isn't may wait */
    private record Line(Set<String> first, boolean isCut) {

        static Line of(QueueSeen queue) {
            return switch (queue.state()) {
                case SERVED -> new Line(Set.copyOf(queue.first()), queue.waiting() > queue.first().size());
                case OWNED_BY_OTHER -> new Line(Set.of(), true);
                // It was deleted, and what waited in it waits there no more.
                case MISSING -> new Line(Set.of(), false);
            };
        }

        boolean mayHold(String task) {
            return isCut || first.contains(task);
        }
    }

    private void judge(Planning planning, Machine machine, boolean mayWait) {
        var isHere = planning.fleet().workersOn(machine).stream().anyMatch(worker -> worker.task().equals(machine.task()));
        if (isHere || mayWait) {
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
