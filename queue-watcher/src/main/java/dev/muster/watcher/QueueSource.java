package dev.muster.watcher;

import dev.muster.v1.RescueTask;
import dev.muster.v1.TaskRescued;
import java.util.Collection;
import java.util.List;
import java.util.SortedSet;

/**
 * One connection to a queue system: the only class that another system than ClearML would need.
 *
 * <p>Methods block and are called on worker threads: looks and reads by one thread at a time, commands by another at the same
 * time. An answer is whole or a {@link FailedRead}; unknown is never nothing.
 */
public interface QueueSource extends AutoCloseable {

    /** Most ids that {@link #tasks} takes: one call. */
    int MOST_TASKS = 500;

    /**
     * All workers, then the queues with these names: two calls up to 500 queues.
     *
     * @param queueNames changes no more, and is best the same object as in the look before if its names are
     */
    Seen.Look look(SortedSet<String> queueNames) throws FailedRead;

    /** The tasks with these ids, at most {@link #MOST_TASKS}; those that the server doesn't have are left out. */
    List<Seen.Task> tasks(Collection<String> ids) throws FailedRead;

    /** Every queued or running task that is, or was last, in one of these queues. */
    List<Seen.Task> unfinished(Collection<String> queueIds) throws FailedRead;

    /**
     * Puts a task back at the front of its queue if nobody runs it. Repeating it has no further effect.
     *
     * @return how it ended; failures of the server are an outcome, too
     */
    TaskRescued rescue(RescueTask command);

    /** Takes a worker off the list; one that isn't there is a success. */
    void unregister(String worker) throws FailedRead;

    /** Makes an empty queue; one of that name that is there already is a success. */
    void create(String queueName) throws FailedRead;

    /**
     * Shows people at the queue system that these queues are served, from now on and until {@link #withdraw}. To be called after each
     * look; it makes a call only when one is due.
     */
    void showServed(SortedSet<String> queueIds) throws FailedRead;

    /** No queue is shown as served any more. */
    void withdraw() throws FailedRead;

    /** What a person should know of a server that answers, in sentences; empty: nothing. Of the last look. */
    List<String> notes();

    @Override
    void close();
}
