package dev.muster.planner.notify;

import dev.muster.v1.NotificationKind;
import dev.muster.v1.NotificationSpec;
import dev.muster.telemetry.Meters;
import dev.muster.telemetry.Metrics;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.jboss.logging.Logger;

/**
 * Delivers notices: those of one webhook in their order, one at a time, again and again until they are taken or too old. A webhook that doesn't
 * answer holds up no other. Thread-safe; never blocks its callers.
 */
final class Courier implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(Courier.class);
    /** Of one webhook. More can't come in the hour that each is tried: dedup sees to that, and a fault in it must not fill the memory. */
    private static final int MOST_WAITING = 500;

    /**
     * @param spacing between two messages to one webhook: Slack takes one a second
     * @param first wait after a failure; it doubles
     * @param longest wait
     * @param giveUp age at which a message is no news any more
     */
    record Pace(Duration spacing, Duration first, Duration longest, Duration giveUp) {
        static final Pace USUAL = new Pace(Duration.ofSeconds(1), Duration.ofSeconds(2), Duration.ofMinutes(5), Duration.ofHours(1));
    }

    private record Key(String fleet, String secret) {}

    /**
     * @param isOurs false once another process has to send it
     * @param whenDone told when it is sent, given up or no longer wanted
     */
    private record Item(Notice notice, Instant since, BooleanSupplier isOurs, Runnable whenDone) {}

    private final class Line {
        private final ArrayDeque<Item> items = new ArrayDeque<>();
        private int failures;
    }

    private final Webhooks webhooks;
    private final Function<String, List<NotificationSpec>> wanted;
    private final Meters meters;
    private final Pace pace;
    private final Clock clock;
    private final Map<Key, Line> lines = new HashMap<>();
    /** Posts that were not answered yet. */
    private int unanswered;
    private final ScheduledThreadPoolExecutor threads;

    /** @param wanted webhooks of a fleet, as its spec has them now */
    Courier(Webhooks webhooks, Function<String, List<NotificationSpec>> wanted, Meters meters, Pace pace, Clock clock) {
        this.webhooks = webhooks;
        this.wanted = wanted;
        this.meters = meters;
        this.pace = pace;
        this.clock = clock;
        threads = new ScheduledThreadPoolExecutor(2, task -> {
            var thread = new Thread(task, "notifications-courier");
            thread.setDaemon(true);
            return thread;
        });
        threads.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    }

    void send(Notice notice, BooleanSupplier isOurs, Runnable whenDone) {
        var key = new Key(notice.fleet(), notice.secret());
        boolean isFirst;
        synchronized (lines) {
            var line = lines.computeIfAbsent(key, none -> new Line());
            if (line.items.size() >= MOST_WAITING) {
                LOG.warnf("A notification is left out, since too many wait for its webhook; fleet=%s secret=%s kind=%s", notice.fleet(), notice.secret(), notice.kind());
                count(notice.kind(), "left-out");
                whenDone.run();
                return;
            }
            line.items.add(new Item(notice, clock.instant(), isOurs, whenDone));
            isFirst = line.items.size() == 1;
        }
        if (isFirst) {
            later(key, Duration.ZERO);
        }
    }

    /** Sends a test, at once and once. */
    CompletableFuture<Webhooks.Answer> test(String secret, String text) {
        var answer = new CompletableFuture<Webhooks.Answer>();
        try {
            threads.execute(() -> webhooks.post(secret, text).thenAccept(answered -> {
                count(NotificationKind.TEST, answered.ok() ? "sent" : "failed");
                answer.complete(answered);
            }));
        } catch (RejectedExecutionException closed) {
            answer.complete(Webhooks.Answer.failed("the planner is stopping"));
        }
        return answer;
    }

    private void later(Key key, Duration wait) {
        try {
            threads.schedule(() -> attempt(key), wait.toMillis(), TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException closed) {
            // What is not sent is sent by whoever owns the partition next.
        }
    }

    private void attempt(Key key) {
        Item item;
        synchronized (lines) {
            item = lines.get(key).items.peek();
        }
        var notice = item.notice();
        boolean isWanted = wanted.apply(notice.fleet()).stream().anyMatch(hook -> hook.getWebhookSecret().equals(notice.secret()));
        boolean isOurs;
        synchronized (lines) {
            // In one step with the count: who has said that it is ours no longer and then waits, waits for it, or it is not sent.
            isOurs = item.isOurs().getAsBoolean();
            unanswered += isOurs && isWanted ? 1 : 0;
        }
        if (!isOurs) {
            removed(key, Duration.ZERO);
            return;
        }
        if (!isWanted) {
            ended(key, item, Duration.ZERO);
            return;
        }
        webhooks.post(notice.secret(), notice.text()).whenComplete((answer, bug) -> {
            try {
                answered(key, item, bug == null ? answer : Webhooks.Answer.failed("the planner failed on it: " + bug.getClass().getSimpleName()));
            } catch (RuntimeException ours) {
                LOG.error("Notifications failed in our own code and go on", ours);
                later(key, pace.longest());
            } finally {
                synchronized (lines) {
                    unanswered--;
                    lines.notifyAll();
                }
            }
        });
    }

    /** Waits until what was posted is answered, so that it is known to be taken; not for what waits for its turn, or for another attempt. */
    void awaitAnswers(Duration atMost) throws InterruptedException {
        var deadline = System.nanoTime() + atMost.toNanos();
        synchronized (lines) {
            for (long left = atMost.toNanos(); unanswered > 0 && left > 0; left = deadline - System.nanoTime()) {
                TimeUnit.NANOSECONDS.timedWait(lines, left);
            }
        }
    }

    private void answered(Key key, Item item, Webhooks.Answer answer) {
        var notice = item.notice();
        if (answer.ok()) {
            count(notice.kind(), "sent");
            ended(key, item, pace.spacing());
            return;
        }
        if (!clock.instant().isBefore(item.since().plus(pace.giveUp()))) {
            LOG.errorf("A notification is given up, since its webhook has not taken it for %d min; fleet=%s secret=%s kind=%s reason=%s",
                    pace.giveUp().toMinutes(), notice.fleet(), notice.secret(), notice.kind(), answer.detail());
            count(notice.kind(), "given-up");
            ended(key, item, pace.spacing());
            return;
        }
        int failures;
        synchronized (lines) {
            failures = ++lines.get(key).failures;
        }
        if (failures == 1) {
            LOG.warnf("A notification is not taken by its webhook and is sent again; fleet=%s secret=%s kind=%s reason=%s", notice.fleet(), notice.secret(),
                    notice.kind(), answer.detail());
        }
        var doubled = pace.first().multipliedBy(1L << Math.min(failures - 1, 20));
        var wait = doubled.compareTo(pace.longest()) > 0 ? pace.longest() : doubled;
        // Longer than a message lives, nobody can ask for.
        var asked = answer.retryAfter().filter(span -> span.compareTo(pace.giveUp()) <= 0).orElse(Duration.ZERO);
        later(key, asked.compareTo(wait) > 0 ? asked : wait);
    }

    private void ended(Key key, Item item, Duration before) {
        item.whenDone().run();
        removed(key, before);
    }

    /** The first goes out of its line, and the next has its turn. */
    private void removed(Key key, Duration before) {
        boolean more;
        synchronized (lines) {
            var line = lines.get(key);
            line.items.poll();
            line.failures = 0;
            more = !line.items.isEmpty();
            if (!more) {
                lines.remove(key);
            }
        }
        if (more) {
            later(key, before);
        }
    }

    private void count(NotificationKind kind, String outcome) {
        meters.count(Metrics.NOTIFICATIONS, Meters.word(kind), outcome);
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
