package dev.muster.clearml;

import java.time.Instant;
import java.util.List;

/**
 * A worker as the server lists it. One id under two users is two entries.
 *
 * @param user id of the user whose key it uses; empty if not told
 * @param task id of the task it runs; empty: idle
 * @param project id of that task's project; empty if there is none
 * @param queues ids of the queues it serves, sorted
 * @param registered by the server's clock; null if not told
 * @param lastReport by the server's clock; null if not told
 */
public record Worker(
        String id, String user, String task, String project, List<String> queues, Instant registered, Instant lastReport) {

    /**
     * Begins the id under which a Muster lists itself as a worker of its queues. No agent's id begins so: Muster's have colons, and
     * the name of a host has no such sign.
     */
    public static final String MUSTER_PREFIX = "muster-queue-watcher@";

    /** It stands for a Muster, this one or another, and never takes a task. */
    public boolean isMuster() {
        return id.startsWith(MUSTER_PREFIX) && task.isEmpty();
    }
}
