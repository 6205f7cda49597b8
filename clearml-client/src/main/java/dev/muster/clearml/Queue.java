package dev.muster.clearml;

import java.time.Instant;
import java.util.List;

/**
 * A queue and what waits in it.
 *
 * @param entries in the queue's order; waiting tasks only, never running ones
 */
public record Queue(String id, String name, List<Entry> entries) {

    /**
     * One waiting task.
     *
     * @param added when it entered, by the server's clock; null if the server doesn't say
     */
    public record Entry(String task, Instant added) {}
}
