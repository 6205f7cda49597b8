package dev.muster.planner.core;

import java.time.Instant;

/**
 * One task's way back into its queue.
 *
 * @param worker that had it; empty: none known
 * @param machineId that had it; empty: none known
 * @param attempt of the command last sent, from 1
 * @param rescued how often it was put back
 * @param retryAt when the command is repeated; null: it has ended
 * @param endedAt null: it goes on
 * @param unregistered the worker was taken off the server's list, or need not be
 */
public record Rescue(String task, String queueId, String worker, String machineId, int attempt, int rescued, Instant retryAt,
        Instant endedAt, boolean unregistered) {

    public boolean isOpen() {
        return endedAt == null;
    }
}
