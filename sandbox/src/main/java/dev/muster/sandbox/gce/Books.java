package dev.muster.sandbox.gce;

import dev.muster.sandbox.TimeScale;
import io.vertx.core.json.JsonObject;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What the cloud itself saw: every call that asks for machines, every instance with its life and price, and how many were alive at once.
 * Tests and the demo believe these books and not what Muster says of itself. Thread-safe; kept until the server closes.
 */
public final class Books {

    /** Peaks are counted by the values of these labels, as given in the launch call. */
    private static final List<String> COUNTED_LABELS = List.of("muster-pool", "muster-fleet");
    /** "All vCPUs, GPUs, and GB of memory are charged a minimum of 1 minute", by the second after that. */
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
     * One insert or bulkInsert as it arrived.
     *
     * @param method {@code instances.insert}, {@code instances.bulkInsert} or {@code regionInstances.bulkInsert}
     * @param location the zone or region in its path
     * @param requestId null if it had none
     * @param min of a bulk insert; 1 of an insert
     * @param max how many it asked for
     * @param answer {@code Success} or the reason of its refusal
     * @param repeated the request id was known: nothing was started
     * @param answerLost a fault kept the answer from the caller
     * @param names as asked for, in order
     * @param body all that was sent; of metadata values, which may hold keys, the length alone
     */
    public record LaunchCall(Instant at, String method, String location, String requestId, String type, String market, long min, long max, String answer,
            boolean repeated, boolean answerLost, List<String> names, JsonObject body) {
    }

    /**
     * One instance that the cloud had room for.
     *
     * @param name unique in its zone at a time
     * @param dollarsPerHour list price with GPUs, or the spot price at launch
     * @param created when its insert was taken
     * @param running when it reached RUNNING; null if it never did
     * @param ending when it began to stop or go; null while it lives
     * @param stopped when it last had stopped; it may still be there
     * @param gone when it was deleted; null before
     * @param endReason type of the operation that ended it, such as {@code delete} or {@code compute.instances.preempted}; null while it lives
     * @param dollars what machine and disks have cost so far, in simulated hours: with a speed of 600 a real second counts as ten minutes
     * @param diskDollars the part of it that disks cost, which a stopped machine costs, too
     * @param writings each metadata value written after the launch, in order
     */
    public record Entry(String id, String name, String requestId, SortedMap<String, String> labels, String type, String gpus, String zone, String market,
            BigDecimal dollarsPerHour, Instant created, Instant running, Instant ending, Instant stopped, Instant gone, String status, String endReason,
            BigDecimal dollars, BigDecimal diskDollars, List<Writing> writings) {
    }

    /** A value written to an instance's metadata. @param read when the machine was first told of it; null if it never was */
    public record Writing(Instant at, String key, String value, Instant read) {
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

    /** {@code method → answer → how often}, the answer being {@code Success} or a reason: what Google made of each call, heard or not. */
    public SortedMap<String, SortedMap<String, Integer>> answers() {
        synchronized (lock) {
            var copy = new TreeMap<String, SortedMap<String, Integer>>();
            answers.forEach((method, reasons) -> copy.put(method, new TreeMap<>(reasons)));
            return copy;
        }
    }

    /** All instances ever launched, in order. */
    public List<Entry> instances(Instant now) {
        synchronized (lock) {
            return instances.values().stream().map(instance -> entry(instance, now)).toList();
        }
    }

    /** Those that hold a machine: neither stopped nor gone. */
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

    /** Most instances alive at one moment with this label in their launch call. */
    public int peak(String label, String value) {
        synchronized (lock) {
            return peaks.getOrDefault(label + "=" + value, 0);
        }
    }

    void called(LaunchCall call) {
        synchronized (lock) {
            calls.add(call);
        }
    }

    void answered(String method, String reason) {
        synchronized (lock) {
            answers.computeIfAbsent(method, first -> new TreeMap<>()).merge(reason, 1, Integer::sum);
        }
    }

    void began(Instance instance) {
        synchronized (lock) {
            instances.put(instance.id, instance);
            peak = Math.max(peak, ++liveNow);
            for (var label : COUNTED_LABELS) {
                var value = instance.spec.labels().get(label);
                if (value != null) {
                    peaks.merge(label + "=" + value, live.merge(label + "=" + value, 1, Integer::sum), Math::max);
                }
            }
        }
    }

    /** One that began and then had no machine after all: nobody was billed for it. */
    void neverWas(Instance instance) {
        synchronized (lock) {
            instances.remove(instance.id);
        }
    }

    void released(Instance instance) {
        synchronized (lock) {
            liveNow--;
            for (var label : COUNTED_LABELS) {
                var value = instance.spec.labels().get(label);
                if (value != null) {
                    live.merge(label + "=" + value, -1, Integer::sum);
                }
            }
        }
    }

    /** {@code label → value → peak} for the counted labels. */
    SortedMap<String, SortedMap<String, Integer>> peaks() {
        synchronized (lock) {
            var byLabel = new TreeMap<String, SortedMap<String, Integer>>();
            peaks.forEach((key, most) -> {
                int equals = key.indexOf('=');
                byLabel.computeIfAbsent(key.substring(0, equals), label -> new TreeMap<>()).put(key.substring(equals + 1), most);
            });
            return byLabel;
        }
    }

    private Entry entry(Instance instance, Instant now) {
        var gpus = instance.spec.gpus();
        var disks = diskDollars(instance, now);
        return new Entry(instance.id, instance.name, instance.requestId, new TreeMap<>(instance.labels), instance.spec.type().name(),
                gpus == null ? "" : gpus.model() + ":" + gpus.count(), instance.zone.name(), instance.spec.market(), instance.price, instance.created, instance.running,
                instance.ending, instance.lastStopped, instance.gone, instance.gone != null ? "DELETED" : instance.state.name(),
                instance.endReason == null ? null : instance.endReason.operationType(), machineDollars(instance, now).add(disks), disks, List.copyOf(instance.writings));
    }

    private BigDecimal machineDollars(Instance instance, Instant now) {
        if (instance.running == null) {
            return BigDecimal.ZERO;
        }
        double seconds = Math.max(BILLED_AT_LEAST.toSeconds(), instance.billed(now).toNanos() / 1e9 * timeScale.speed());
        return instance.price.multiply(BigDecimal.valueOf(seconds)).divide(BigDecimal.valueOf(3600), 6, RoundingMode.HALF_UP);
    }

    /** A disk is there from before its machine starts until the machine is deleted. */
    private BigDecimal diskDollars(Instance instance, Instant now) {
        var until = instance.gone == null ? now : instance.gone;
        double hours = Duration.between(instance.created, until).toNanos() / 3.6e12 * timeScale.speed();
        var perHour = instance.spec.disks().stream().map(LaunchSpec.Disk::dollarsPerHour).reduce(BigDecimal.ZERO, BigDecimal::add);
        return perHour.multiply(BigDecimal.valueOf(hours)).setScale(6, RoundingMode.HALF_UP);
    }
}
