package dev.muster.sandbox.gce;

import dev.muster.sandbox.CloudBooks;
import dev.muster.sandbox.TimeScale;
import io.vertx.core.json.JsonObject;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** Compute Engine's books: every call that asks for machines, and every instance with its life and price. */
public final class Books extends CloudBooks<Books.LaunchCall, Instance, Books.Entry> {

    private final TimeScale timeScale;

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
        super(lock, timeScale);
        this.timeScale = timeScale;
    }

    @Override
    protected SortedMap<String, String> labels(Instance instance) {
        return instance.spec.labels();
    }

    @Override
    protected Entry entry(Instance instance, Instant now) {
        var gpus = instance.spec.gpus();
        var disks = diskDollars(instance, now);
        return new Entry(instance.id, instance.name, instance.requestId, new TreeMap<>(instance.labels), instance.spec.type().name(),
                gpus == null ? "" : gpus.model() + ":" + gpus.count(), instance.zone.name(), instance.spec.market(), instance.price, instance.created, instance.running,
                instance.ending, instance.lastStopped, instance.gone, instance.gone != null ? "DELETED" : instance.state.name(),
                instance.endReason == null ? null : instance.endReason.operationType(),
                machineDollars(instance.price, instance.running, instance.billed(now)).add(disks), disks, List.copyOf(instance.writings));
    }

    /** A disk is there from before its machine starts until the machine is deleted. */
    private BigDecimal diskDollars(Instance instance, Instant now) {
        var until = instance.gone == null ? now : instance.gone;
        double hours = Duration.between(instance.created, until).toNanos() / 3.6e12 * timeScale.speed();
        var perHour = instance.spec.disks().stream().map(LaunchSpec.Disk::dollarsPerHour).reduce(BigDecimal.ZERO, BigDecimal::add);
        return perHour.multiply(BigDecimal.valueOf(hours)).setScale(6, RoundingMode.HALF_UP);
    }
}
