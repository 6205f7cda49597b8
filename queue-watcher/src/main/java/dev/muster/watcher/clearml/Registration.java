package dev.muster.watcher.clearml;

import dev.muster.clearml.Clearml;
import dev.muster.clearml.ClearmlException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Lists Muster itself as a worker of its queues: without one, ClearML's page calls a queue unserved whenever no machine runs, and
 * warns who puts a task into it. One thread at a time.
 */
final class Registration {

    /** ClearML's own for agents. A watcher that is killed is listed for so long. */
    private static final Duration TIMEOUT = Duration.ofSeconds(600);
    /** Well within the timeout: two failures in a row don't end it. */
    private static final Duration RENEW_EVERY = Duration.ofSeconds(240);
    /** After a failure, or if the last look did not show it, as when a former owner took it off the list. */
    private static final Duration AGAIN_AFTER = Duration.ofSeconds(15);

    private static final String TAG = "muster";

    private final Clearml server;
    private final String worker;
    private final Clock clock;
    private SortedSet<String> registered = new TreeSet<>();
    private Instant triedAt = Instant.EPOCH;
    private Instant registeredAt = Instant.EPOCH;
    private boolean isShown;

    /** @param worker its id */
    Registration(Clearml server, String worker, Clock clock) {
        this.server = server;
        this.worker = worker;
        this.clock = clock;
    }

    /** What a look showed of it. */
    void seen(WorkerList workers) {
        isShown = workers.hasMuster(worker);
    }

    /** Registers, renews or ends it, if any of that is due. */
    void keep(SortedSet<String> queues) throws ClearmlException {
        var now = clock.instant();
        var isDue = !queues.equals(registered) || !queues.isEmpty() && (!isShown || !now.isBefore(registeredAt.plus(RENEW_EVERY)));
        if (!isDue || now.isBefore(triedAt.plus(AGAIN_AFTER))) {
            return;
        }
        triedAt = now;
        if (queues.isEmpty()) {
            end();
            return;
        }
        server.registerWorker(worker, queues, TIMEOUT, TAG);
        registered = new TreeSet<>(queues);
        registeredAt = now;
    }

    /** Takes it off the list, if it was put there. */
    void end() throws ClearmlException {
        if (!registered.isEmpty()) {
            registered = new TreeSet<>();
            server.unregisterWorker(worker);
        }
    }
}
