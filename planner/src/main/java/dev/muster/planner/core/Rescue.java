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
 */
public record Rescue(String task, String queueId, String worker, String machineId, TaskStatus status, int attempt, int rescued, Instant retryAt,
        Instant endedAt) {

    public boolean isOpen() {
        return endedAt == null;
    }
}
