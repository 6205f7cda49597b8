package dev.muster.k8s;

import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.Watch;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.WatcherException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;

/**
 * The informer of one namespace: lists its pods once, then is told of changes. It differs from the library's own in what a list needs: it knows since
 * when it is out of step with the server, holds what this process has written before the server tells of it, and remembers for a while what went.
 */
final class PodWatch {

    private static final Logger LOG = Logger.getLogger(PodWatch.class);

    /** After which the server ends a watch and it is begun anew: each is a sign of life, and two calls a minute are what a scope at rest may cost. */
    static final Duration LASTS = Duration.ofSeconds(30);
    /** Half as much again without a word: the connection is dead, whatever it says. */
    private static final Duration SILENT = LASTS.plus(LASTS.dividedBy(2));
    /**
     * So long the store counts without a watch. An API server behind a load balancer is replaced within some seconds; the planner holds after 15 s
     * without facts, so that what it decides by is never older than this.
     */
    static final Duration OUT_OF_STEP = Duration.ofSeconds(10);
    /** A watch that the server refuses may look begun, and ends at once; one that lives for so long, or says something, is one. */
    private static final Duration LIVES = Duration.ofSeconds(1);
    /** Between attempts to be in step again. */
    private static final Duration FIRST_AGAIN = Duration.ofMillis(250);
    private static final Duration LAST_AGAIN = Duration.ofSeconds(5);
    private static final Duration LOOK_EVERY = Duration.ofSeconds(1);
    /** How long a pod that is no more is still shown as gone. EC2 shows its own for an hour; some lists are enough. */
    private static final Duration SHOWN_AS_GONE = Duration.ofMinutes(10);
    /** Another process has the scope by then. */
    private static final Duration UNASKED = Duration.ofMinutes(10);

    /**
     * A pod as it was last shown or written.
     *
     * @param asked deleted by a call of this process
     * @param goneAt when it was found to be no more; null: it wasn't
     * @param endedAt when it was first seen to have ended, which it may have long before; null: it runs
     */
    record Seen(Pod pod, boolean asked, Instant goneAt, Instant endedAt) {

        boolean isGone() {
            return goneAt != null;
        }

        String uid() {
            return pod.getMetadata().getUid();
        }

        String name() {
            return pod.getMetadata().getName();
        }
    }

    private final PodCalls calls;
    private final Scope scope;
    private final Map<String, String> labels;
    private final Clock clock;
    private final LongSupplier nanos;
    private final ScheduledExecutorService timer;
    private final Consumer<Seen> changed;

    /** Held while calls are made; the store is under {@code this}. */
    private final ReentrantLock connecting = new ReentrantLock();
    private final Map<String, Seen> store = new LinkedHashMap<>();
    private boolean synced;
    private boolean looking;
    private Watch watch;
    private long turn;
    private String version;
    private boolean relist;
    private long begunAt;
    private boolean heard;
    private long heardAt;
    private long lostAt;
    private int failures;
    private long nextAt;
    private long askedAt;
    private ProviderException why;

    /**
     * @param labels that its pods have
     * @param nanos as {@link System#nanoTime}
     * @param changed told of each pod that is new or other than before; must not block
     */
    PodWatch(PodCalls calls, Scope scope, Map<String, String> labels, Clock clock, LongSupplier nanos, ScheduledExecutorService timer, Consumer<Seen> changed) {
        this.calls = calls;
        this.scope = scope;
        this.labels = labels;
        this.clock = clock;
        this.nanos = nanos;
        this.timer = timer;
        this.changed = changed;
    }

    /**
     * Everything that it has, what went a while ago included.
     *
     * @throws ProviderException if it is not in step with the server, saying why
     */
    List<Seen> pods() throws ProviderException {
        synchronized (this) {
            askedAt = nanos.getAsLong();
            if (synced) {
                return inStep();
            }
        }
        connecting.lock();
        try {
            boolean isSynced;
            synchronized (this) {
                isSynced = synced;
            }
            if (!isSynced) {
                list();
                try {
                    watch();
                } catch (ProviderException later) {
                    lost(later);
                }
                begin();
            }
        } finally {
            connecting.unlock();
        }
        synchronized (this) {
            return inStep();
        }
    }

    private synchronized List<Seen> inStep() throws ProviderException {
        long now = nanos.getAsLong();
        boolean lives = watch != null && lives(now) && now - heardAt <= SILENT.toNanos();
        if (!lives && now - (watch != null && lives(now) ? heardAt + SILENT.toNanos() : lostAt) > OUT_OF_STEP.toNanos()) {
            throw new ProviderException(why == null ? FailureKind.UNAVAILABLE : why.kind(), "OutOfStep", "the watch of " + scope + " has been down for more than "
                    + OUT_OF_STEP.toSeconds() + " s" + (why == null ? "" : ": " + why));
        }
        var forgotten = clock.instant().minus(SHOWN_AS_GONE);
        store.values().removeIf(seen -> seen.isGone() && seen.goneAt().isBefore(forgotten));
        return List.copyOf(store.values());
    }

    private boolean lives(long now) {
        return heard || now - begunAt >= LIVES.toNanos();
    }

    /** The pod as it was last shown or written; empty also where it only isn't known here. */
    synchronized Optional<Seen> pod(String name, String uid) {
        if (!uid.isEmpty()) {
            return Optional.ofNullable(store.get(uid));
        }
        return store.values().stream().filter(seen -> !seen.isGone() && seen.name().equals(name)).findFirst();
    }

    /** Those that have ended and are still there, not being deleted; none while nobody asks for the scope. */
    synchronized List<Seen> ended() {
        return synced ? store.values().stream().filter(seen -> !seen.isGone() && seen.endedAt() != null && !PodTranslator.isBeingDeleted(seen.pod())).toList() : List.of();
    }

    /** What the server has answered to a write of this process counts at once. */
    void wrote(Pod pod) {
        put(pod, false);
    }

    /** @param asks whether this process is about to have the pod deleted, or did not get to it. @return whether it has had it deleted before */
    synchronized boolean asking(Pod pod, boolean asks) {
        var known = store.get(pod.getMetadata().getUid());
        store.computeIfPresent(pod.getMetadata().getUid(), (uid, before) -> new Seen(before.pod(), asks, before.goneAt(), before.endedAt()));
        return known != null && known.asked();
    }

    /** This process has the pod deleted. */
    synchronized void asked(Pod pod) {
        store.putIfAbsent(pod.getMetadata().getUid(), new Seen(pod, true, null, null));
        asking(pod, true);
    }

    // What the server tells.

    private void put(Pod pod, boolean gone) {
        PodCalls.lighten(pod);
        Seen news = null;
        synchronized (this) {
            var uid = pod.getMetadata().getUid();
            var before = store.get(uid);
            if (before != null && (before.isGone() || !gone && version(pod.getMetadata().getResourceVersion()) < version(before.pod().getMetadata().getResourceVersion()))) {
                return;
            }
            boolean same = before != null && !gone && pod.getMetadata().getResourceVersion().equals(before.pod().getMetadata().getResourceVersion());
            var ended = before != null && before.endedAt() != null ? before.endedAt() : gone || PodTranslator.hasEnded(pod) ? clock.instant() : null;
            var now = new Seen(pod, before != null && before.asked(), gone ? clock.instant() : null, ended);
            store.put(uid, now);
            if (!same) {
                news = now;
            }
        }
        if (news != null) {
            changed.accept(news);
        }
    }

    /** Opaque by contract, a number in fact, and compared as such by Kubernetes' own clients. */
    private static long version(String version) {
        try {
            return version == null ? 0 : Long.parseLong(version);
        } catch (NumberFormatException opaque) {
            return 0;
        }
    }

    private void list() throws ProviderException {
        long told;
        synchronized (this) {
            told = version(version);
        }
        var listed = calls.list(scope.region(), labels);
        if (version(listed.version()) < told) {
            // What is newer here never was, for this server: kept, it would hide what is true now for as long as the server takes to count so far again.
            LOG.warnf("A cluster is older than what it has told before, as after a restore, and is looked at as for the first time: scope=%s told=%d listed=%s",
                    scope, told, listed.version());
            synchronized (this) {
                store.clear();
            }
        }
        listed.pods().forEach(pod -> put(pod, false));
        var there = listed.pods().stream().map(pod -> pod.getMetadata().getUid()).collect(Collectors.toSet());
        List<Seen> went;
        synchronized (this) {
            // What this process has written since the list was made is not missing from it.
            went = store.values().stream().filter(seen -> !seen.isGone() && !there.contains(seen.uid())
                    && version(seen.pod().getMetadata().getResourceVersion()) <= version(listed.version())).toList();
        }
        went.forEach(seen -> put(seen.pod(), true));
        synchronized (this) {
            synced = true;
            relist = false;
            version = listed.version();
            lostAt = nanos.getAsLong();
        }
    }

    private void watch() throws ProviderException {
        long mine;
        String from;
        synchronized (this) {
            mine = ++turn;
            from = version;
            begunAt = nanos.getAsLong();
            heardAt = begunAt;
            heard = false;
        }
        var begun = calls.watch(scope.region(), labels, from, LASTS, new Watcher<>() {
            @Override
            public void eventReceived(Action action, Pod pod) {
                told(mine, action, pod);
            }

            @Override
            public void onClose() {
                ended(mine, null);
            }

            @Override
            public void onClose(WatcherException cause) {
                ended(mine, cause);
            }
        });
        synchronized (this) {
            if (turn == mine) {
                watch = begun;
                return;
            }
        }
        // It ended before it was known here.
        begun.close();
    }

    private void told(long mine, Watcher.Action action, Pod pod) {
        synchronized (this) {
            if (mine != turn) {
                return;
            }
            heardAt = nanos.getAsLong();
            heard = true;
            if (action != Watcher.Action.ERROR && pod.getMetadata() != null && pod.getMetadata().getResourceVersion() != null) {
                version = pod.getMetadata().getResourceVersion();
            }
        }
        switch (action) {
            case ADDED, MODIFIED -> put(pod, false);
            case DELETED -> {
                if (mayBeThere(pod)) {
                    timer.execute(() -> went(pod));
                } else {
                    put(pod, true);
                }
            }
            case BOOKMARK, ERROR -> { }
        }
    }

    /** A watch by labels tells of a pod that has lost them as of one that is no more. Who deletes a pod that runs leaves a trace on it, mostly. */
    private synchronized boolean mayBeThere(Pod pod) {
        var seen = store.get(pod.getMetadata().getUid());
        return (seen == null || !seen.asked()) && PodTranslator.hasNode(pod) && !PodTranslator.hasEnded(pod) && !PodTranslator.isBeingDeleted(pod);
    }

    /** As gone it would have its task run a second time. */
    private void went(Pod pod) {
        var name = pod.getMetadata().getName();
        try {
            var there = calls.pod(scope.region(), name).filter(found -> found.getMetadata().getUid().equals(pod.getMetadata().getUid()));
            if (there.isEmpty()) {
                put(pod, true);
                return;
            }
            LOG.warnf("Somebody has taken a pod's labels away, and it runs on without being looked after: machine=%s scope=%s labels=%s", name, scope,
                    PodTranslator.labels(there.get()));
        } catch (ProviderException unknown) {
            LOG.warnf("Nobody knows whether a pod is gone or has lost its labels; it is no longer listed: machine=%s scope=%s reason=%s", name, scope, unknown);
        }
        synchronized (this) {
            store.remove(pod.getMetadata().getUid());
        }
    }

    /** The server ended it in time, or it broke. */
    private void ended(long mine, WatcherException cause) {
        synchronized (this) {
            if (mine != turn) {
                return;
            }
            turn++;
            watch = null;
            long now = nanos.getAsLong();
            if (lives(now)) {
                lostAt = now;
                failures = 0;
                nextAt = now;
                why = null;
            } else {
                failed();
            }
            if (cause != null) {
                why = K8sFailures.translate(cause.asClientException());
                if (cause.isHttpGone() || why.code().equals(K8sFailures.GONE) || why.code().equals(K8sFailures.EXPIRED)) {
                    LOG.infof("A watch can't go on from where it was, and the namespace is listed again: scope=%s", scope);
                    relist = true;
                }
            }
        }
        timer.execute(this::look);
    }

    private synchronized void lost(ProviderException failure) {
        turn++;
        watch = null;
        failed();
        why = failure;
        relist = relist || !failure.kind().isRepeated() || failure.code().equals(K8sFailures.GONE) || failure.code().equals(K8sFailures.EXPIRED);
    }

    private void failed() {
        failures++;
        nextAt = nanos.getAsLong() + Math.min(LAST_AGAIN.toNanos(), FIRST_AGAIN.toNanos() << Math.min(failures - 1, 10));
    }

    private synchronized void begin() {
        if (!looking) {
            looking = true;
            timer.schedule(this::lookAgain, LOOK_EVERY.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    private void lookAgain() {
        try {
            look();
        } catch (RuntimeException ours) {
            LOG.errorf(ours, "A watch failed in our own code and goes on: scope=%s", scope);
        }
        synchronized (this) {
            looking = synced && !timer.isShutdown();
            if (looking) {
                timer.schedule(this::lookAgain, failures > 0 ? FIRST_AGAIN.toMillis() : LOOK_EVERY.toMillis(), TimeUnit.MILLISECONDS);
            }
        }
    }

    /** Ends what is dead or unasked for, and begins what is missing. */
    private void look() {
        if (!connecting.tryLock()) {
            return;
        }
        try {
            Watch over = null;
            synchronized (this) {
                long now = nanos.getAsLong();
                if (!synced) {
                    return;
                }
                boolean unasked = now - askedAt > UNASKED.toNanos();
                if (unasked || watch != null && now - heardAt > SILENT.toNanos()) {
                    over = watch;
                    watch = null;
                    turn++;
                    lostAt = Math.min(now, heardAt + SILENT.toNanos());
                    relist = true;
                }
                if (unasked) {
                    synced = false;
                    store.clear();
                } else if (watch != null || now < nextAt) {
                    return;
                }
            }
            if (over != null) {
                over.close();
            }
            boolean isSynced;
            boolean isRelist;
            synchronized (this) {
                isSynced = synced;
                // What was missed for so long may not be told any more.
                isRelist = relist || nanos.getAsLong() - lostAt > OUT_OF_STEP.toNanos();
            }
            if (!isSynced) {
                return;
            }
            try {
                long since;
                synchronized (this) {
                    since = lostAt;
                }
                if (isRelist) {
                    list();
                }
                watch();
                LOG.debugf("A watch goes on: scope=%s listed=%s after_ms=%d", scope, isRelist, (nanos.getAsLong() - since) / 1_000_000);
            } catch (ProviderException failed) {
                lost(failed);
                LOG.infof("A namespace can't be watched now: scope=%s reason=%s", scope, failed);
            }
        } finally {
            connecting.unlock();
        }
    }

    void close() {
        Watch over;
        synchronized (this) {
            over = watch;
            watch = null;
            turn++;
            synced = false;
        }
        if (over != null) {
            over.close();
        }
    }
}
