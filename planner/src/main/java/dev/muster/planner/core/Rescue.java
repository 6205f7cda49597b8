package dev.muster.planner.core;

import java.time.Instant;

/**
 * One task's way back into its queue.
 *
 * @param worker that had it; empty: none known
 * @param machineId that had it; empty: none known
 * @param status as it was when the rescue began
 * @param attempt of the command last sent, from 1
 * @param rescued how often it was put back
 * @param retryAt when the command is repeated; null: it has ended
 * @param endedAt null: it goes on
 * @param failReason not empty: it is no way back: the task is failed with it; {@code failMessage} says the same to people
 */
public record Rescue(String task, String queueId, String worker, String machineId, TaskStatus status, int attempt, int rescued, Instant retryAt,
        Instant endedAt, String failReason, String failMessage) {

    /** One that is put back. */
    public Rescue(String task, String queueId, String worker, String machineId, TaskStatus status, int attempt, int rescued, Instant retryAt,
            Instant endedAt) {
        this(task, queueId, worker, machineId, status, attempt, rescued, retryAt, endedAt, "", "");
    }

    public boolean fails() {
        return !failReason.isEmpty();
    }

    /** As this one, told again: its attempt and when the next is due. */
    public Rescue sent(int next, Instant retry) {
        return new Rescue(task, queueId, worker, machineId, status, next, rescued, retry, null, failReason, failMessage);
    }

    /** As this one, ended. @param putBack it counts among the times that the task was put back */
    public Rescue ended(Instant at, boolean putBack) {
        return new Rescue(task, queueId, worker, machineId, status, attempt, putBack ? rescued + 1 : rescued, null, at, failReason, failMessage);
    }

    public boolean isOpen() {
        return endedAt == null;
    }
}
