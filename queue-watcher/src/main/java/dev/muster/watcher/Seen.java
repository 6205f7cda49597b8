package dev.muster.watcher;

import dev.muster.v1.TaskStatus;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.stream.Collectors;

/** What a queue system shows, in words that all of them share. Times are by its own clock and compared only with each other. */
public final class Seen {

    private Seen() {}

    /**
     * Everything of one look: workers were read before queues, so a task that moves on in between is seen twice rather than
     * never; the error is a machine one look late, not one too many.
     *
     * @param workers each id once, sorted by it; one that did not change is best the same object as in the look before, as a queue is
     * @param queues by name; those that the server doesn't have are missing
     */
    public record Look(List<Worker> workers, Map<String, Queue> queues) {}

    /** @param waiting complete, in the queue's order */
    public record Queue(String id, String name, List<Entry> waiting) {}

    /** @param added null if not told */
    public record Entry(String task, Instant added) {}

    /**
     * @param task empty: idle
     * @param queues ids, sorted
     * @param registered null if not told, as {@code lastReport}
     */
    public record Worker(
            String id, String user, String task, String project, List<String> queues, Instant registered, Instant lastReport) {

        /** The same but for when it reported last. */
        boolean showsTheSameAs(Worker other) {
            return other != null && id.equals(other.id) && user.equals(other.user) && task.equals(other.task)
                    && project.equals(other.project) && queues.equals(other.queues)
                    && java.util.Objects.equals(registered, other.registered);
        }
    }

    /**
     * A task read by its id. Texts are empty and times null where there is nothing.
     *
     * @param queue id of the queue that it waits in or came from
     * @param attributes what it says of itself to Muster, by key
     * @param ended when it was completed, stopped or failed
     */
    public record Task(String id, TaskStatus status, String statusReason, String lastWorker, String queue, String project, String user,
            SortedMap<String, String> attributes, Instant enqueued, Instant started, Instant ended, Instant lastUpdate) {

        /** Stable name of the attributes; empty: none. */
        String signature() {
            return attributes.entrySet().stream().map(Object::toString).collect(Collectors.joining(","));
        }

        /** It ought to be in a queue or on a worker. */
        boolean isUnfinished() {
            return status == TaskStatus.QUEUED || status == TaskStatus.IN_PROGRESS;
        }
    }
}
