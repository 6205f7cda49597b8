package dev.muster.watcher;

import dev.muster.v1.DemandEvent;
import dev.muster.v1.ReadFailure;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jboss.logging.Logger;

/**
 * Looks at one connection once an interval, for as long as this process owns it, on a thread of its own.
 *
 * <p>A tick waits until Kafka has its events: so an event that was lost is known before the next one is made, which then tells
 * everything anew.
 */
final class ConnectionWatch implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(ConnectionWatch.class);
    /** With nobody to look for, the server is only asked whether it is there. */
    private static final Duration IDLE_INTERVAL = Duration.ofSeconds(10);

    /** In one tick, which would be late otherwise. */
    private static final int MOST_CREATED = 20;
    private static final Duration CREATE_AGAIN_AFTER = Duration.ofMinutes(1);
    private static final Duration LONGEST_LAST_TICK = Duration.ofSeconds(1);

    private final String connection;
    private final Duration interval;
    private final QueueSource source;
    private final Looks looks;
    private final Supplier<Optional<List<WatchedFleet>>> fleets;
    private final Function<DemandEvent, CompletionStage<Void>> publisher;
    private final WatchMetrics metrics;
    private final Clock clock;
    private final Backoff backoff;
    private final Runnable onDefect;
    private final CountDownLatch closing = new CountDownLatch(1);
    private final Thread thread;
    private final Map<String, Instant> createAgainAt = new HashMap<>();
    private Instant idleLookAt = Instant.EPOCH;
    private String unserved = "";
    private Duration pause;
    private volatile long dueAt = System.nanoTime();
    private volatile Health health = new Health(false, false, "not looked at yet", 0);

    /**
     * How the last look went.
     *
     * @param isKnown there was one
     * @param detail what is wrong, or what a person should know although nothing is; empty if nothing
     * @param failures in a row
     */
    record Health(boolean isKnown, boolean isReachable, String detail, int failures) {}

    /**
     * @param fleets those to look for; empty while they are not known
     * @param backoff after looks that failed
     * @param onDefect ends the process
     */
    ConnectionWatch(String connection, Duration interval, QueueSource source, Looks looks, Supplier<Optional<List<WatchedFleet>>> fleets,
            Function<DemandEvent, CompletionStage<Void>> publisher, WatchMetrics metrics, Clock clock,
            Backoff backoff, Runnable onDefect) {
        this.connection = connection;
        this.interval = interval;
        this.source = source;
        this.looks = looks;
        this.fleets = fleets;
        this.publisher = publisher;
        this.metrics = metrics;
        this.clock = clock;
        this.backoff = backoff;
        this.onDefect = onDefect;
        this.thread = new Thread(this::run, "watch-" + connection);
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    Health health() {
        return health;
    }

    /** A turn was due so long ago and has not come to an end, good or bad. */
    boolean isLate(Duration limit) {
        return System.nanoTime() - dueAt > limit.toNanos();
    }

    private void run() {
        try {
            do {
                var startedAt = System.nanoTime();
                pause = interval;
                tick();
                var left = pause.toNanos() - (System.nanoTime() - startedAt);
                dueAt = System.nanoTime() + Math.max(0, left);
                // Never below zero: looks that were missed are not made up for.
                if (closing.await(Math.max(0, left), TimeUnit.NANOSECONDS)) {
                    return;
                }
            } while (true);
        } catch (InterruptedException closed) {
            LOG.debugf("The watch of a connection was interrupted. connection=%s", connection);
        } catch (RuntimeException ours) {
            // Not a server's failure: those are answers. What was told may not be what is remembered, so nothing more is told.
            LOG.errorf(ours, "The watch of a connection met a defect; the process ends. connection=%s", connection);
            onDefect.run();
        } finally {
            withdraw();
        }
    }

    /** Whoever takes the connection over lists itself anew, in its first look without this one. */
    private void withdraw() {
        // Set by close(); it would end this call, too.
        Thread.interrupted();
        try {
            source.withdraw();
        } catch (FailedRead failed) {
            LOG.infof("The worker that stands for Muster stays listed for up to ten minutes. connection=%s reason=%s", connection, failed.getMessage());
        }
    }

    private void tick() throws InterruptedException {
        var known = fleets.get();
        if (known.isEmpty()) {
            // With only some of the fleets, a queue could look as if it belonged to the wrong one.
            return;
        }
        var served = known.get();
        looks.serve(served);
        var startedAt = clock.instant();
        if (served.isEmpty() && startedAt.isBefore(idleLookAt.plus(IDLE_INTERVAL))) {
            return;
        }
        idleLookAt = startedAt;
        var nanos = System.nanoTime();
        List<DemandEvent> events;
        try {
            var look = source.look(looks.queueNames());
            events = looks.after(look, startedAt, clock.instant());
            note(events);
            LOG.debugf("A look. connection=%s workers=%d queues=%d events=%d ms=%d",
                    connection, look.workers().size(), look.queues().size(), events.size(), (System.nanoTime() - nanos) / 1_000_000);
        } catch (FailedRead failed) {
            if (closing.getCount() == 0) {
                return;
            }
            events = looks.failed(failed.kind(), failed.call(), failed.getMessage(), startedAt);
            noteFailure(failed.getMessage());
            pause = backoff.after(looks.failures(), failed.remedy());
        }
        metrics.looked(connection, health.isReachable(), System.nanoTime() - nanos, looks.waiting(), looks.adrift());
        publish(events);
        if (health.isReachable()) {
            readTasks();
            createQueues(startedAt);
            showServed();
        }
    }

    /** A failure here is told and repeated; the look stands. */
    private void createQueues(Instant now) {
        var missing = looks.queuesToCreate();
        createAgainAt.keySet().retainAll(missing);
        var calls = 0;
        for (var name : missing) {
            if (calls == MOST_CREATED) {
                return;
            }
            if (now.isBefore(createAgainAt.getOrDefault(name, Instant.MIN))) {
                continue;
            }
            calls++;
            try {
                source.create(name);
                LOG.infof("A queue was created, as its fleet says. connection=%s queue=%s", connection, name);
            } catch (FailedRead failed) {
                LOG.warnf("A queue could not be created; trying again in a minute. connection=%s queue=%s reason=%s",
                        connection, name, failed.getMessage());
                createAgainAt.put(name, now.plus(CREATE_AGAIN_AFTER));
                if (failed.kind() != ReadFailure.UNREADABLE) {
                    // Not about this queue: the others would fail, too.
                    return;
                }
            }
        }
    }

    private void showServed() {
        var problem = "";
        try {
            source.showServed(looks.activeQueues());
        } catch (FailedRead failed) {
            problem = failed.getMessage();
        }
        if (!problem.isEmpty() && !problem.equals(unserved)) {
            LOG.warnf("Muster could not list itself as a worker; ClearML may show its queues as not served. connection=%s reason=%s",
                    connection, problem);
        }
        unserved = problem;
    }

    /** What the look itself does not tell: where tasks went. A failure here is repeated in the next tick; the look stands. */
    private void readTasks() throws InterruptedException {
        try {
            var startedAt = clock.instant();
            var due = looks.tasksDue(startedAt);
            if (!due.isEmpty()) {
                publish(looks.read(due, source.tasks(due), startedAt));
            }
            var unknown = looks.attributesDue();
            if (!unknown.isEmpty()) {
                looks.learned(unknown, source.tasks(unknown));
            }
            startedAt = clock.instant();
            if (looks.isSweepDue(startedAt)) {
                looks.swept(source.unfinished(looks.sweptQueues()), startedAt);
            }
        } catch (FailedRead failed) {
            LOG.warnf("Tasks could not be read and will be in the next look. connection=%s call=%s reason=%s",
                    connection, failed.call(), failed.getMessage());
        }
    }

    private void publish(List<DemandEvent> events) throws InterruptedException {
        var sending = events.stream().map(event -> publisher.apply(event).toCompletableFuture()).toList();
        for (var i = 0; i < sending.size(); i++) {
            try {
                sending.get(i).get();
                metrics.published(events.get(i).getWhatCase().name());
            } catch (ExecutionException lost) {
                LOG.warnf("Kafka did not take an event; the next one will tell everything. fleet=%s reason=%s",
                        events.get(i).getFleet(), String.valueOf(lost.getCause()));
                looks.lost(events.get(i).getFleet());
            }
        }
    }

    private void note(List<DemandEvent> events) {
        if (looks.failures() > 0) {
            noteFailure(events.isEmpty() ? "the look took too long" : events.get(0).getReadFailed().getDetail());
            return;
        }
        var notes = String.join("; ", source.notes());
        if (!health.isReachable()) {
            LOG.infof("A connection is reachable. connection=%s", connection);
        } else if (health.detail().equals(notes)) {
            return;
        }
        if (!notes.isEmpty()) {
            LOG.warnf("A connection is reachable, with something to know. connection=%s reason=%s", connection, notes);
        }
        health = new Health(true, true, notes, 0);
    }

    private void noteFailure(String detail) {
        // Once each time that it changes, not once a second.
        if (!health.detail().equals(detail)) {
            LOG.warnf("A look at a connection failed. connection=%s reason=%s", connection, detail);
        }
        health = new Health(true, false, detail, looks.failures());
    }

    /** Ends the looking; a look under way is not published any more. */
    @Override
    public void close() {
        closing.countDown();
        thread.interrupt();
        try {
            thread.join(LONGEST_LAST_TICK.toMillis());
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
