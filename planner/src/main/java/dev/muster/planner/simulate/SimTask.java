package dev.muster.planner.simulate;

import java.util.ArrayList;
import java.util.List;

/** One task on its way through the simulation. */
final class SimTask {

    final String id;
    final SimulatedTask task;
    long started = -1;
    long ended = -1;
    String pool = "";
    int runs;
    /** A look has shown it waiting. */
    boolean seen;

    private final List<TaskOutcome.Wait> waits = new ArrayList<>();
    private Constraint constraint;
    private long since;

    SimTask(String id, SimulatedTask task) {
        this.id = id;
        this.task = task;
    }

    /** It waits for this from now on. Null: it waits no longer. Answers the wait that so ended; null if none did. */
    TaskOutcome.Wait waitsFor(Constraint next, long now) {
        if (next != null && next.isLike(constraint)) {
            return null;
        }
        TaskOutcome.Wait ended = null;
        // What held for no time bound nothing.
        if (constraint != null && now > since) {
            ended = new TaskOutcome.Wait(since, now, constraint);
            waits.add(ended);
        }
        constraint = next;
        since = now;
        return ended;
    }

    TaskOutcome outcome() {
        return new TaskOutcome(task, started, ended, pool, runs, waits);
    }
}
