package dev.muster.planner.stream;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.muster.contracts.Topics;
import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.Plan;
import dev.muster.planner.core.Reason;
import dev.muster.v1.Decision;
import dev.muster.v1.InputOffset;
import dev.muster.v1.SnapshotCause;
import dev.muster.v1.StoredFleet;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.apache.kafka.common.TopicPartition;

/**
 * An owner of fleets that goes through recorded history: it is told when what happened, with the offsets and the instants of then, and does
 * it with the same code. What it writes is kept to be compared. One thread uses it.
 */
public final class ReplayedOwner {

    /** Header of a row that says what had been read and planned when it was written. */
    public static final String READ = Outbox.READ;

    private final InMemoryValues values = new InMemoryValues();
    private final FleetOwner owner;
    private final int partition;
    private List<Written> written = new ArrayList<>();
    private String release = "";
    private Instant now = Instant.EPOCH;

    /**
     * A record that was written.
     *
     * @param topic without the prefix of the installation's topics
     * @param value null: a tombstone
     */
    public record Written(String topic, String key, byte[] value, String id) {}

    /** @param planner plans a fleet at an instant, and applies the plan */
    public ReplayedOwner(Topics topics, int partition, BiFunction<Fleet, Instant, Plan> planner) {
        this.partition = partition;
        owner = new FleetOwner(topics, planner, () -> now, "/replay", () -> release, Witness.SILENT);
        owner.begin(new FleetStore(values), this::keep, partition, Map.of(), PublishedFleets.NONE);
    }

    private void keep(Outbox.Send send) {
        var id = send.headers().lastHeader("ce_id");
        written.add(new Written(send.sink(), new String(send.key(), UTF_8), send.value(), id == null ? "" : new String(id.value(), UTF_8)));
    }

    /** Null: only a newer release knows it. */
    public static Reason reason(Decision decision) {
        return Words.reasonOrNull(decision.getReason());
    }

    /** The row of a table as it is now; null: there is none. The planner stores rows as it publishes them. */
    public byte[] row(String topic, String key) {
        var slash = key.indexOf('/');
        return values.get(topic.equals(Sinks.FLEETS) ? FleetStore.headKey(key)
                : FleetStore.machineKey(key.substring(0, slash), key.substring(slash + 1)));
    }

    /** What was written since the last call. */
    public List<Written> written() {
        var taken = written;
        written = new ArrayList<>();
        return taken;
    }

    /** How far the inputs were read, and when. */
    public void at(List<InputOffset> inputs, Instant instant) {
        now = instant;
        inputs.forEach(input -> owner.position(new TopicPartition(input.getTopic(), input.getPartition()), input.getNextOffset()));
    }

    /** The release that wrote what comes. */
    public void release(String coreVersion) {
        release = coreVersion;
    }

    /**
     * A fleet is from now on as a snapshot of now has it; nothing of before counts.
     *
     * @param state a whole {@link StoredFleet}
     * @throws IllegalStateException if this release doesn't read it
     */
    public void restore(String fleet, byte[] state) {
        forgetStored(fleet);
        try {
            StoredFleet.parseFrom(state).getValuesList().forEach(value -> values.put(fleet + "/" + value.getKey(), value.getValue().toByteArray()));
        } catch (InvalidProtocolBufferException unreadable) {
            throw new IllegalStateException("the snapshot of fleet " + fleet + " is unreadable: " + unreadable.getMessage(), unreadable);
        }
        owner.restore(fleet, now);
    }

    /** Number of a fleet's last plan. */
    public long plans(String fleet) {
        return owner.plans(fleet);
    }

    /** A fleet is of no more interest. */
    public void drop(String fleet) {
        forgetStored(fleet);
        owner.drop(fleet);
    }

    private void forgetStored(String fleet) {
        new FleetStore(values).keys(fleet).forEach(key -> values.put(key, null));
    }

    public void take(String topic, long offset, byte[] key, byte[] value, long timestamp) {
        owner.take(topic, partition, offset, key, value, timestamp);
    }

    public void plan(String fleet) {
        owner.replan(fleet, now);
    }

    /** The fleet was loaded from the store. */
    public void reload(String fleet) {
        owner.reload(fleet);
    }

    public void snapshot(String fleet, SnapshotCause cause) {
        owner.resnapshot(fleet, now, cause);
    }

    public void forget(String fleet) {
        owner.reforget(fleet, now);
    }
}
