package dev.muster.sandbox;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a stand-in cloud itself saw: every call that asks for machines, every instance with its life and price, and how many were alive at
 * once. Tests and the demo believe these books and not what Muster says of itself. Thread-safe; kept until the server closes.
 *
 * @param <C> a call that asks for machines
 * @param <I> the cloud's own instance, which changes
 * @param <E> what the books show of one
 */
public abstract class CloudBooks<C, I, E> {

    /** Peaks are counted by the values of these labels, or tags, as given in the launch call. */
    private static final List<String> COUNTED = List.of("muster-pool", "muster-fleet");
    /** EC2 bills Linux instances and Compute Engine all by the second, a minute at least, from running to the start of their end. */
    private static final Duration BILLED_AT_LEAST = Duration.ofMinutes(1);

    /** The cloud's own: an entry must not show one instance half-way through a change. */
    private final Object lock;
    private final TimeScale timeScale;
    private final List<C> calls = new ArrayList<>();
    private final SortedMap<String, SortedMap<String, Integer>> answers = new TreeMap<>();
    private final Set<I> instances = new LinkedHashSet<>();
    private final SortedMap<String, SortedMap<String, Integer>> live = new TreeMap<>();
    private final SortedMap<String, SortedMap<String, Integer>> peaks = new TreeMap<>();
    private int liveNow;
    private int peak;

    protected CloudBooks(Object lock, TimeScale timeScale) {
        this.lock = lock;
        this.timeScale = timeScale;
    }

    /** Of its launch call. */
    protected abstract Map<String, String> labels(I instance);

    protected abstract E entry(I instance, Instant now);

    public final List<C> launchCalls() {
        synchronized (lock) {
            return List.copyOf(calls);
        }
    }

    /** {@code call → answer → how often}, the answer being {@code Success} or an error code: what the cloud made of each call, heard or not. */
    public final SortedMap<String, SortedMap<String, Integer>> answers() {
        return copy(answers);
    }

    /** All instances ever launched, in order. */
    public final List<E> instances(Instant now) {
        synchronized (lock) {
            return instances.stream().map(instance -> entry(instance, now)).toList();
        }
    }

    /** Those that hold a machine now: neither stopped nor gone. */
    public final int live() {
        synchronized (lock) {
            return liveNow;
        }
    }

    /** Most instances alive at one moment. */
    public final int peak() {
        synchronized (lock) {
            return peak;
        }
    }

    /** Most instances alive at one moment with this label in their launch call. */
    public final int peak(String label, String value) {
        return peaks().getOrDefault(label, new TreeMap<>()).getOrDefault(value, 0);
    }

    /** {@code label → value → peak} for the counted labels. */
    public final SortedMap<String, SortedMap<String, Integer>> peaks() {
        return copy(peaks);
    }

    /** This and what follows is the cloud's to write. */
    public final void called(C call) {
        synchronized (lock) {
            calls.add(call);
        }
    }

    public final void answered(String call, String answer) {
        synchronized (lock) {
            count(answers, call, answer, 1);
        }
    }

    /** Holds a machine from now on, for the first time or again. */
    public final void began(I instance) {
        synchronized (lock) {
            instances.add(instance);
            peak = Math.max(peak, ++liveNow);
            counted(instance).forEach((label, value) ->
                    peaks.computeIfAbsent(label, first -> new TreeMap<>()).merge(value, count(live, label, value, 1), Math::max));
        }
    }

    public final void released(I instance) {
        synchronized (lock) {
            liveNow--;
            counted(instance).forEach((label, value) -> count(live, label, value, -1));
        }
    }

    /** One that began and then had no machine after all: nobody was billed for it. */
    public final void neverWas(I instance) {
        synchronized (lock) {
            instances.remove(instance);
        }
    }

    /**
     * What a machine has cost, in simulated hours: with a speed of 600 a real second counts as ten minutes.
     *
     * @param running null: it never ran
     * @param billed by the real clock
     */
    protected final BigDecimal machineDollars(BigDecimal perHour, Instant running, Duration billed) {
        if (running == null) {
            return BigDecimal.ZERO;
        }
        double seconds = Math.max(BILLED_AT_LEAST.toSeconds(), billed.toNanos() / 1e9 * timeScale.speed());
        return perHour.multiply(BigDecimal.valueOf(seconds)).divide(BigDecimal.valueOf(3600), 6, RoundingMode.HALF_UP);
    }

    private Map<String, String> counted(I instance) {
        var counted = new TreeMap<>(labels(instance));
        counted.keySet().retainAll(COUNTED);
        return counted;
    }

    private static int count(Map<String, SortedMap<String, Integer>> counts, String key, String value, int more) {
        return counts.computeIfAbsent(key, first -> new TreeMap<>()).merge(value, more, Integer::sum);
    }

    private SortedMap<String, SortedMap<String, Integer>> copy(Map<String, SortedMap<String, Integer>> counts) {
        synchronized (lock) {
            var copy = new TreeMap<String, SortedMap<String, Integer>>();
            counts.forEach((key, values) -> copy.put(key, new TreeMap<>(values)));
            return copy;
        }
    }
}
