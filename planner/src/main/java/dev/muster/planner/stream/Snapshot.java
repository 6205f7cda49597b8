package dev.muster.planner.stream;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.muster.v1.FleetSnapshot;
import dev.muster.v1.InputOffset;
import dev.muster.v1.SnapshotCause;
import dev.muster.v1.StoredFleet;
import dev.muster.v1.StoredValue;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * Everything that is stored of a fleet at one moment, cut into parts that a record can carry. It holds the stored values, not copies:
 * none of them is ever changed.
 */
final class Snapshot {

    /** Below what a record may have, with room for the offsets and the names. */
    static final int PART_BYTES = 400_000;

    private final Instant at;
    private final List<InputOffset> inputs;
    private final SnapshotCause cause;
    private final List<StoredValue> values;
    private final int parts;
    private int part;
    private int value;
    /** What of the values before {@link #value} no part has carried yet. */
    private ByteString rest = ByteString.EMPTY;

    private Snapshot(Instant at, List<InputOffset> inputs, SnapshotCause cause, List<StoredValue> values) {
        this.at = at;
        this.inputs = inputs;
        this.cause = cause;
        this.values = values;
        var bytes = values.stream().mapToLong(stored -> StoredFleet.newBuilder().addValues(stored).build().getSerializedSize()).sum();
        parts = (int) Math.max(1, (bytes + PART_BYTES - 1) / PART_BYTES);
    }

    /** Of what is stored now. */
    static Snapshot of(FleetStore store, String fleet, Instant at, List<InputOffset> inputs, SnapshotCause cause) {
        var values = new ArrayList<StoredValue>();
        store.forEach(fleet, (key, value) -> values.add(StoredValue.newBuilder().setKey(key).setValue(UnsafeByteOperations.unsafeWrap(value)).build()));
        return new Snapshot(at, inputs, cause, values);
    }

    /** The fleet's now. */
    Instant at() {
        return at;
    }

    boolean isBegun() {
        return part > 0;
    }

    boolean hasNext() {
        return part < parts;
    }

    /** @param coreVersion release of the planner */
    FleetSnapshot next(String coreVersion) {
        while (rest.size() < PART_BYTES && value < values.size()) {
            // Messages one behind the other are one message with all their values.
            rest = rest.concat(StoredFleet.newBuilder().addValues(values.get(value++)).build().toByteString());
        }
        var now = rest.substring(0, Math.min(PART_BYTES, rest.size()));
        rest = rest.substring(now.size());
        return FleetSnapshot.newBuilder().setPart(++part).setParts(parts).addAllInputs(inputs).setStateVersion(StateVersions.CURRENT)
                .setCoreVersion(coreVersion).setCause(cause).setState(now).build();
    }
}
