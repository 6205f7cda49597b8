package dev.muster.sandbox.clearml;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Where a task is in ClearML's life of a task, and where it may go from there without force. */
enum TaskStatus {
    CREATED, QUEUED, IN_PROGRESS, STOPPED, PUBLISHED, PUBLISHING, CLOSED, FAILED, COMPLETED, UNKNOWN;

    private static final Map<TaskStatus, Set<TaskStatus>> MOVES = Map.of(
            CREATED, EnumSet.of(QUEUED, IN_PROGRESS),
            QUEUED, EnumSet.of(CREATED, IN_PROGRESS, STOPPED),
            IN_PROGRESS, EnumSet.of(STOPPED, FAILED, CREATED, COMPLETED),
            STOPPED, EnumSet.of(CLOSED, CREATED, FAILED, QUEUED, IN_PROGRESS, PUBLISHED, PUBLISHING, COMPLETED),
            FAILED, EnumSet.of(CREATED, STOPPED, PUBLISHED, QUEUED),
            COMPLETED, EnumSet.of(PUBLISHED, IN_PROGRESS, CREATED),
            CLOSED, EnumSet.of(CREATED, FAILED, PUBLISHED, PUBLISHING, STOPPED));

    boolean mayBecome(TaskStatus next) {
        return MOVES.getOrDefault(this, Set.of()).contains(next);
    }

    /** As it is written in JSON. */
    String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    static Optional<TaskStatus> of(String wire) {
        for (var status : values()) {
            if (status.wire().equals(wire)) {
                return Optional.of(status);
            }
        }
        return Optional.empty();
    }
}
