package dev.muster.planner.replay;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.TextFormat;
import dev.muster.v1.ClearmlCommand;
import dev.muster.v1.Command;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.HistoryRow;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.StoredFleet;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;

/** Records as text, for people who look at a difference. */
final class Texts {

    private Texts() {}

    /** @param value null: a tombstone */
    static String of(String topic, byte[] value) {
        if (value == null) {
            return "(removed)";
        }
        try {
            return text(switch (topic) {
                case "decisions" -> withoutState(DecisionEvent.parseFrom(value));
                case "fleets" -> FleetRecord.parseFrom(value);
                case "machines" -> MachineRecord.parseFrom(value);
                case "history" -> HistoryRow.parseFrom(value);
                case "commands.clearml" -> ClearmlCommand.parseFrom(value);
                default -> Command.parseFrom(value);
            });
        } catch (InvalidProtocolBufferException unreadable) {
            return "(" + value.length + " unreadable bytes)";
        }
    }

    /** A snapshot's bytes say nothing to people; {@link #differingValues} says which values of two differ. */
    private static DecisionEvent withoutState(DecisionEvent event) {
        return event.hasSnapshot() ? event.toBuilder().setSnapshot(event.getSnapshot().toBuilder().clearState()).build() : event;
    }

    /** Keys of the values that two snapshots have otherwise; empty where that can't be told of one part. */
    static String differingValues(DecisionEvent recorded, DecisionEvent replayed) {
        try {
            var ours = values(replayed);
            var differing = values(recorded);
            var keys = new TreeSet<>(differing.keySet());
            keys.addAll(ours.keySet());
            keys.removeIf(key -> Objects.equals(ours.get(key), differing.get(key)));
            return String.join(", ", keys);
        } catch (InvalidProtocolBufferException cut) {
            return "";
        }
    }

    private static Map<String, ByteString> values(DecisionEvent event) throws InvalidProtocolBufferException {
        var values = new TreeMap<String, ByteString>();
        StoredFleet.parseFrom(event.getSnapshot().getState()).getValuesList().forEach(value -> values.put(value.getKey(), value.getValue()));
        return values;
    }

    private static String text(Message message) {
        return TextFormat.printer().emittingSingleLine(true).printToString(message).strip();
    }
}
