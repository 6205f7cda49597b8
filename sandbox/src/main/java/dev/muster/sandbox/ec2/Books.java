package dev.muster.sandbox.ec2;

import dev.muster.sandbox.TimeScale;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What the cloud itself saw: every RunInstances call, every instance with its life and price, and how many were alive at once.
 * Tests and the demo believe these books and not what Muster says of itself. Thread-safe; kept until the server closes.
 */
public final class Books {

    /** Peaks are counted by the values of these tags, as given in the launch call. */
    private static final List<String> COUNTED_TAGS = List.of("muster-pool", "muster-fleet");
    /** Linux instances are billed by the second, a minute at least, from running to the start of their end. */
    private static final Duration BILLED_AT_LEAST = Duration.ofMinutes(1);

    /** The cloud's own: an entry must not show one instance half-way through a change. */
    private final Object lock;
    private final TimeScale timeScale;
    private final List<LaunchCall> calls = new ArrayList<>();
    private final SortedMap<String, SortedMap<String, Integer>> answers = new TreeMap<>();
    private final Map<String, Instance> instances = new LinkedHashMap<>();
    private final SortedMap<String, Integer> live = new TreeMap<>();
    private final SortedMap<String, Integer> peaks = new TreeMap<>();
    private int liveNow;
    private int peak;

    /**
     * One RunInstances call as it arrived.
     *
     * @param clientToken null if it had none
     * @param zone where it asked to be, or where the machines went; null if neither is known
     * @param answer {@code Success} or the error code
     * @param repeated the token was known: these instances had been started before
     * @param answerLost a fault kept the answer from the caller
     * @param instances in the order of their launch index
     * @param parameters all that was sent, by the Query protocol's names; of user-data, which holds keys, the length alone
     */
    public record LaunchCall(Instant at, String region, String clientToken, String type, String zone, String market, int min, int max,
            String answer, boolean repeated, boolean answerLost, List<String> instances, SortedMap<String, String> parameters) {

        public LaunchCall {
            var told = new TreeMap<>(parameters);
            told.computeIfPresent("UserData", (name, data) -> data.length() + " characters");
            parameters = Collections.unmodifiableSortedMap(told);
        }
    }

    /**
     * One instance.
     *
     * @param dollarsPerHour list price, or the spot price at launch
     * @param running when it reached running; null if it never did
     * @param ending when it began to shut down; null while it lives
     * @param ended when it was terminated; null before
     * @param endReason EC2's state reason code; null while it lives
     * @param dollars what it has cost so far, in simulated hours: with a speed of 600 a real second counts as ten minutes
     * @param taggings each tag written after the launch, in order
     */
    public record Entry(String id, String region, String clientToken, int launchIndex, SortedMap<String, String> tags, String type, String zone,
            String market, BigDecimal dollarsPerHour, Instant launched, Instant running, Instant ending, Instant ended, String state,
            String endReason, BigDecimal dollars, List<Tagging> taggings) {
    }

    /** A tag written on an instance. @param read when the machine was first told of it by its metadata service; null if it never was */
    public record Tagging(Instant at, String key, String value, Instant read) {
    }

    Books(Object lock, TimeScale timeScale) {
        this.lock = lock;
        this.timeScale = timeScale;
    }

    public List<LaunchCall> launchCalls() {
        synchronized (lock) {
            return List.copyOf(calls);
        }
    }

    /** {@code action → answer → how often}, the answer being {@code Success} or an error code: what EC2 made of each call, heard or not. */
    public SortedMap<String, SortedMap<String, Integer>> answers() {
        synchronized (lock) {
            var copy = new TreeMap<String, SortedMap<String, Integer>>();
            answers.forEach((action, codes) -> copy.put(action, new TreeMap<>(codes)));
            return copy;
        }
    }

    /** All instances ever launched, in order. */
    public List<Entry> instances(Instant now) {
        synchronized (lock) {
            return instances.values().stream().map(instance -> entry(instance, now)).toList();
        }
    }

    /** Pending, running, stopping or shutting down. */
    public int live() {
        synchronized (lock) {
            return liveNow;
        }
    }

    /** Most instances alive at one moment. */
    public int peak() {
        synchronized (lock) {
            return peak;
        }
    }

    /** Most instances alive at one moment with this tag in their launch call. */
    public int peak(String tag, String value) {
        synchronized (lock) {
            return peaks.getOrDefault(tag + "=" + value, 0);
        }
    }

    void called(LaunchCall call) {
        synchronized (lock) {
            calls.add(call);
        }
    }

    void answered(String action, String code) {
        synchronized (lock) {
            answers.computeIfAbsent(action, first -> new TreeMap<>()).merge(code, 1, Integer::sum);
        }
    }

    void began(Instance instance) {
        synchronized (lock) {
            instances.put(instance.id, instance);
            peak = Math.max(peak, ++liveNow);
            for (var tag : COUNTED_TAGS) {
                var value = instance.spec.instanceTags().get(tag);
                if (value != null) {
                    peaks.merge(tag + "=" + value, live.merge(tag + "=" + value, 1, Integer::sum), Math::max);
                }
            }
        }
    }

    void released(Instance instance) {
        synchronized (lock) {
            liveNow--;
            for (var tag : COUNTED_TAGS) {
                var value = instance.spec.instanceTags().get(tag);
                if (value != null) {
                    live.merge(tag + "=" + value, -1, Integer::sum);
                }
            }
        }
    }

    /** {@code tag → value → peak} for the counted tags. */
    SortedMap<String, SortedMap<String, Integer>> peaks() {
        synchronized (lock) {
            var byTag = new TreeMap<String, SortedMap<String, Integer>>();
            peaks.forEach((key, most) -> {
                int equals = key.indexOf('=');
                byTag.computeIfAbsent(key.substring(0, equals), tag -> new TreeMap<>()).put(key.substring(equals + 1), most);
            });
            return byTag;
        }
    }

    private Entry entry(Instance instance, Instant now) {
        return new Entry(instance.id, instance.scope.region(), instance.spec.clientToken(), instance.launchIndex, new TreeMap<>(instance.tags),
                instance.spec.type().name(), instance.zone.name(), instance.spec.market(), instance.price, instance.launched, instance.running,
                instance.endRequested, instance.ended, instance.state.text(), instance.endReason == null ? null : instance.endReason.code(),
                dollars(instance, now), List.copyOf(instance.taggings));
    }

    private BigDecimal dollars(Instance instance, Instant now) {
        if (instance.running == null) {
            return BigDecimal.ZERO;
        }
        double seconds = Math.max(BILLED_AT_LEAST.toSeconds(), instance.billed(now).toNanos() / 1e9 * timeScale.speed());
        return instance.price.multiply(BigDecimal.valueOf(seconds)).divide(BigDecimal.valueOf(3600), 6, RoundingMode.HALF_UP);
    }
}
