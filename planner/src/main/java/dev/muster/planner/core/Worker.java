package dev.muster.planner.core;

import java.time.Instant;
import java.util.List;

/**
 * A worker as the queue system lists it.
 *
 * @param task id of what it runs; empty: idle
 * @param unregisteredAt when the server was last told to forget it, its machine being gone; null: never
 * @param idleSince since when no task was seen on it, by the fleet's clock; meaningless while busy
 */
public record Worker(
        String id, String user, String task, String project, List<String> queueIds, Instant idleSince,
        Instant unregisteredAt) {

    public Worker {
        queueIds = List.copyOf(queueIds);
    }

    public boolean isBusy() {
        return !task.isEmpty();
    }
}
