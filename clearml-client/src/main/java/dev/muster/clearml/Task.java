package dev.muster.clearml;

import java.time.Instant;
import java.util.Set;

/**
 * A task as read. Texts are empty and times null where the server has none. Times are by the server's clock.
 *
 * @param status as the server writes it, such as {@code in_progress}
 * @param queue id in execution.queue: where it waits, or where it came from
 * @param tags its own and the system's
 * @param ended set when it was completed, stopped or failed
 */
public record Task(String id, String status, String statusReason, Instant statusChanged, String lastWorker, String queue,
        String project, String user, Set<String> tags, Instant started, Instant ended, Instant lastUpdate) {

    public static final String CREATED = "created";
    public static final String QUEUED = "queued";
    public static final String IN_PROGRESS = "in_progress";
    public static final String STOPPED = "stopped";
    public static final String COMPLETED = "completed";
    public static final String FAILED = "failed";
    public static final String CLOSED = "closed";
    public static final String PUBLISHING = "publishing";
    public static final String PUBLISHED = "published";
}
