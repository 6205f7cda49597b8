package dev.muster.planner.simulate;

import java.util.List;

/**
 * What became of one task.
 *
 * @param task as the workload has it
 * @param started second of its first start; -1: it never ran
 * @param ended second at which it completed; -1: it never did
 * @param pool whose machine ran it to its end; empty: none
 * @param runs how often it was started; more than once where machines were taken away
 * @param waits every moment that it waited, in order and without a gap but its runs
 */
public record TaskOutcome(SimulatedTask task, long started, long ended, String pool, int runs, List<Wait> waits) {

    /** Seconds from one, itself included, to another in which the same constraint held. */
    public record Wait(long from, long to, Constraint constraint) {

        public long seconds() {
            return to - from;
        }
    }

    public TaskOutcome {
        waits = List.copyOf(waits);
    }

    /** From being put into its queue to its first start; -1: it never ran. */
    public long waited() {
        return started < 0 ? -1 : started - task.at();
    }
}
