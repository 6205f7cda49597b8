package dev.muster.k8s;

import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BiPredicate;
import org.jboss.logging.Logger;

/**
 * Deletes pods that have ended, after as long as their pool wants to look at them, and keeps what they wrote for those who ask late. What is due it
 * sees on the pods themselves, so that a restart changes nothing.
 */
final class Reaper {

    private static final Logger LOG = Logger.getLogger(Reaper.class);

    private static final Duration LOOK_EVERY = Duration.ofSeconds(1);
    /** So long an ended pod stays at least: the pod is the only memory of why it ended until the planner has read it, also across a crash. */
    static final Duration STAYS = Duration.ofSeconds(30);
    /** Whoever still needs it is waited for no longer: a ClearML that is away for a day would leave its pods in the cluster's books. */
    private static final Duration OWED_FOR = Duration.ofHours(1);
    /** Deleted in one look, since each may cost two calls. */
    private static final int A_LOOK = 20;
    /** Of 64 KB each. */
    private static final int CONSOLES_KEPT = 200;
    private static final Duration AGAIN = Duration.ofSeconds(30);

    private final K8sAccounts accounts;
    private final Map<Scope, PodWatch> watches;
    private final Clock clock;
    private final BiPredicate<String, String> owed;
    /** By uid, the oldest first. */
    private final Map<String, String> consoles = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, String> eldest) {
            return size() > CONSOLES_KEPT;
        }
    };
    private final Map<Scope, Instant> notBefore = new LinkedHashMap<>();

    /** @param owed by connection and machine id: somebody still needs the pod */
    Reaper(K8sAccounts accounts, Map<Scope, PodWatch> watches, Clock clock, BiPredicate<String, String> owed) {
        this.accounts = accounts;
        this.watches = watches;
        this.clock = clock;
        this.owed = owed;
    }

    void start(ScheduledExecutorService timer) {
        timer.scheduleWithFixedDelay(this::look, LOOK_EVERY.toMillis(), LOOK_EVERY.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** What an ended pod has written, which nothing more is added to: it is read once, whoever asks for it. */
    void keep(String uid, String text) {
        if (!text.isBlank()) {
            synchronized (consoles) {
                consoles.put(uid, text);
            }
        }
    }

    Optional<String> console(String uid) {
        synchronized (consoles) {
            return Optional.ofNullable(consoles.get(uid));
        }
    }

    private void look() {
        watches.forEach((scope, watch) -> {
            try {
                if (!clock.instant().isBefore(notBefore.getOrDefault(scope, Instant.MIN))) {
                    reap(scope, watch);
                }
            } catch (ProviderException refused) {
                LOG.warnf("Ended pods can't be deleted now: scope=%s reason=%s", scope, refused);
                notBefore.put(scope, clock.instant().plus(AGAIN));
            } catch (RuntimeException ours) {
                LOG.errorf(ours, "Ended pods could not be deleted for a fault of our own: scope=%s", scope);
            }
        });
    }

    private void reap(Scope scope, PodWatch watch) throws ProviderException {
        var now = clock.instant();
        int left = A_LOOK;
        var silent = new HashSet<String>();
        for (var seen : watch.ended()) {
            if (left == 0 || due(seen).isAfter(now) || isOwed(seen) && seen.endedAt().plus(OWED_FOR).isAfter(now)) {
                continue;
            }
            left--;
            var calls = accounts.calls(scope);
            keepConsole(calls, seen, silent);
            try {
                calls.delete(seen.pod(), false);
            } catch (ProviderException refused) {
                if (!refused.code().equals(K8sFailures.CONFLICT)) {
                    throw refused;
                }
                // Another pod has the name by now.
            }
        }
    }

    /** What can't be read is not waited for: a node that is lost would keep its pods, and those behind them, in the cluster's books. */
    private void keepConsole(PodCalls calls, PodWatch.Seen seen, Set<String> silent) {
        var node = PodTranslator.node(seen.pod());
        if (silent.contains(node) || console(seen.uid()).isPresent()) {
            return;
        }
        try {
            keep(seen.uid(), PodMachines.console(calls, seen.pod()));
        } catch (ProviderException unreadable) {
            LOG.infof("An ended pod is deleted though its log can't be read: machine=%s node=%s reason=%s", seen.name(), node, unreadable);
            silent.add(node);
        }
    }

    private boolean isOwed(PodWatch.Seen seen) {
        return owed.test(PodTranslator.annotations(seen.pod()).getOrDefault(PodNames.CONNECTION, ""), seen.name());
    }

    static Instant due(PodWatch.Seen seen) {
        var delay = delay(PodTranslator.annotations(seen.pod()).getOrDefault(PodNames.COMPLETED_DELAY, ""));
        var wished = PodTranslator.finishedAt(seen.pod()).orElse(seen.endedAt()).plus(delay);
        var told = seen.endedAt().plus(STAYS);
        return wished.isAfter(told) ? wished : told;
    }

    private static Duration delay(String seconds) {
        try {
            return seconds.isEmpty() ? Duration.ZERO : Duration.ofSeconds(Math.max(0, Long.parseLong(seconds)));
        } catch (NumberFormatException edited) {
            return Duration.ZERO;
        }
    }
}
