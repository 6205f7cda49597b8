package dev.muster.planner.stream;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BooleanSupplier;

/**
 * Shares the time of one stream thread between reading, planning and committing. While records wait to be read, each plan would decide on a picture that
 * the next records change, and a fleet's plan costs as much as hundreds of records: planning then takes at most a quarter of the time. Where
 * nothing waits, it is always its turn.
 *
 * <p>A commit makes all of the thread's partitions wait for the broker, so that it is asked for at most once in a while, however much there is
 * to say.
 *
 * <p>When a plan is made changes nothing but when: a plan says at which instant and after which records it was made. One thread uses it,
 * for all its partitions.
 */
final class Pace {

    /** Reading gets this much of the time for each part that planning has taken. */
    private static final int READING = 3;

    private final Map<Integer, Long> costs = new HashMap<>();
    private final Map<Integer, Long> ends = new HashMap<>();
    private final long commitNanos;
    private long asked;
    private boolean hasAsked;

    /** @param commitInterval least time between two commits that are asked for */
    Pace(Duration commitInterval) {
        commitNanos = commitInterval.toNanos();
    }

    /**
     * Whether a partition's fleets may be planned now.
     *
     * @param nanos the time, as {@link System#nanoTime} has it
     * @param recordsWait asked only if it matters: whether records of the partition wait to be read
     */
    boolean isTurn(int partition, long nanos, BooleanSupplier recordsWait) {
        var end = ends.get(partition);
        // All partitions' costs: each has its turn once in the time that all together may take.
        return end == null || nanos - end >= READING * costs.values().stream().mapToLong(Long::longValue).sum() || !recordsWait.getAsBoolean();
    }

    /** The fleets of a partition were planned. */
    void planned(int partition, long fromNanos, long untilNanos) {
        costs.put(partition, untilNanos - fromNanos);
        ends.put(partition, untilNanos);
    }

    /** The thread has the partition no more. */
    void lost(int partition) {
        costs.remove(partition);
        ends.remove(partition);
    }

    /** Whether a commit may be asked for now; if so, it is taken to be. */
    boolean mayCommit(long nanos) {
        if (hasAsked && nanos - asked < commitNanos) {
            return false;
        }
        hasAsked = true;
        asked = nanos;
        return true;
    }
}
