package dev.muster.acceptance;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * An agent on a machine that Muster did not start: it registers, reports, takes tasks of one queue and runs each for a while, as ClearML's agent
 * does without a guard before it. It ends when the test says that its machine has.
 */
final class ForeignAgent extends Thread {

    private final Clearml clearml;
    private final String worker;
    private final String queue;
    private final Duration taskLength;
    private volatile boolean isOn = true;
    private volatile String task = "";
    private volatile Instant idleSince = Instant.now();
    private volatile Throwable failure;

    ForeignAgent(Clearml clearml, String worker, String queue, Duration taskLength) {
        super(worker);
        this.clearml = clearml;
        this.worker = worker;
        this.queue = queue;
        this.taskLength = taskLength;
        setDaemon(true);
    }

    /** Empty: it has none. */
    String task() {
        return task;
    }

    /** Since when it has had no task; meaningless while it has one. */
    Instant idleSince() {
        return idleSince;
    }

    /** Its machine is off: from now on it says nothing. */
    void off() {
        isOn = false;
    }

    /** What went wrong in it; null: nothing. */
    Throwable failure() {
        return failure;
    }

    @Override
    public void run() {
        try {
            clearml.call("workers.register", Map.of("worker", worker, "queues", new String[] {queue}));
            var ends = Instant.MAX;
            while (isOn) {
                clearml.call("workers.status_report", task.isEmpty()
                        ? Map.of("worker", worker, "timestamp", System.currentTimeMillis(), "is_daemon", true, "queues", new String[] {queue})
                        : Map.of("worker", worker, "timestamp", System.currentTimeMillis(), "is_daemon", true, "queues", new String[] {queue},
                                "task", task, "queue", queue));
                if (task.isEmpty()) {
                    var popped = clearml.call("queues.get_next_task", Map.of("queue", queue)).path("entry").path("task").asText();
                    if (!popped.isEmpty()) {
                        clearml.call("tasks.started", Map.of("task", popped, "force", true));
                        task = popped;
                        ends = Instant.now().plus(taskLength);
                    }
                } else if (Instant.now().isAfter(ends)) {
                    clearml.call("tasks.completed", Map.of("task", task, "force", true));
                    task = "";
                    idleSince = Instant.now();
                }
                TimeUnit.SECONDS.sleep(1);
            }
        } catch (InterruptedException over) {
            Thread.currentThread().interrupt();
        } catch (IOException | AssertionError broken) {
            failure = isOn ? broken : null;
        }
    }
}
