package dev.muster.sandbox.ec2;

import dev.muster.sandbox.CloudBooks;
import dev.muster.sandbox.TimeScale;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** EC2's books: every RunInstances call, and every instance with its life and price. */
public final class Books extends CloudBooks<Books.LaunchCall, Instance, Books.Entry> {

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
        super(lock, timeScale);
    }

    @Override
    protected SortedMap<String, String> labels(Instance instance) {
        return instance.spec.instanceTags();
    }

    @Override
    protected Entry entry(Instance instance, Instant now) {
        return new Entry(instance.id, instance.scope.region(), instance.spec.clientToken(), instance.launchIndex, new TreeMap<>(instance.tags),
                instance.spec.type().name(), instance.zone.name(), instance.spec.market(), instance.price, instance.launched, instance.running,
                instance.endRequested, instance.ended, instance.state.text(), instance.endReason == null ? null : instance.endReason.code(),
                machineDollars(instance.price, instance.running, instance.billed(now)), List.copyOf(instance.taggings));
    }
}
