package dev.muster.planner.access;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Who somebody has proved to be, before it is asked what they may do.
 *
 * @param name as {@link Caller#name()}
 * @param holders under which of these there may be grants, as {@link Grants} has them
 * @param expiresAt when the proof ends; empty: with the connection
 */
record Identity(String name, List<String> holders, Optional<Instant> expiresAt) {

    Identity {
        holders = List.copyOf(holders);
    }

    boolean isOverAt(Instant now) {
        return expiresAt.isPresent() && !now.isBefore(expiresAt.get());
    }
}
