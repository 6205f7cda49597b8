package dev.muster.planner.core;

import java.time.Instant;
import java.util.List;

/**
 * A queue as last seen: a level.
 *
 * @param id the server's; empty when MISSING
 * @param ownerFleet who has it, when OWNED_BY_OTHER; else empty
 * @param oldest when the oldest waiting task was added, by the server's clock; null: none waits
 * @param first ids of the first waiting tasks, at most 500
 */
public record QueueSeen(String name, String id, State state, String ownerFleet, int waiting, Instant oldest, List<String> first) {

    public enum State { SERVED, MISSING, OWNED_BY_OTHER }

    public QueueSeen {
        first = List.copyOf(first);
    }
}
