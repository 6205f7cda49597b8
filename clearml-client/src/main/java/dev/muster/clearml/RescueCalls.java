package dev.muster.clearml;

import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/** The calls that putting a task back or marking it failed takes, apart from all others: so that it can be tried against every order of events. */
public interface RescueCalls {

    /** Empty if the server has no such task. */
    Optional<Task> task(String id) throws ClearmlException;

    /** Every worker that reported in the last hour (the server forgets most of them after 10 minutes), in one call. */
    List<Worker> workers() throws ClearmlException;

    /** Queues with these ids; those that the server doesn't have are left out. One call for each 500 ids. */
    List<Queue> queues(Collection<String> ids) throws ClearmlException;

    /**
     * Sets the state stopped.
     *
     * @param force also from a state that can't be stopped; without it that is INVALID with 400/110, and a state that changes
     *     in that moment INVALID with 400/121
     */
    void stopped(String task, boolean force, String reason) throws ClearmlException;

    /**
     * Sets the state failed.
     *
     * @param message for people
     * @param force as with {@link #stopped}: without it only what runs or is stopped can fail
     */
    void failed(String task, boolean force, String reason, String message) throws ClearmlException;

    /** Takes the task out of the queue, whose status stays. False: it was not in that queue, so that somebody else has it. */
    boolean removeFromQueue(String queue, String task) throws ClearmlException;

    /** Puts the task at the end of the queue. */
    void enqueue(String task, String queue, String reason) throws ClearmlException;

    /** A task that is not in that queue is INVALID with 400/703. */
    void moveToFront(String queue, String task) throws ClearmlException;

    /** Writes a line to the task's console. */
    void log(String task, String worker, Instant at, String line) throws ClearmlException;
}
