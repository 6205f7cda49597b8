package dev.muster.planner.replay;

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
import java.util.stream.Collectors;

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

    /** A snapshot's bytes say nothing to people; the hash of each value says which of them differs. */
    private static DecisionEvent withoutState(DecisionEvent event) {
        if (!event.hasSnapshot()) {
            return event;
        }
        String values;
        try {
            values = StoredFleet.parseFrom(event.getSnapshot().getState()).getValuesList().stream()
                    .map(value -> value.getKey() + "#" + Integer.toHexString(value.getValue().hashCode())).collect(Collectors.joining(" "));
        } catch (InvalidProtocolBufferException cut) {
            values = event.getSnapshot().getState().size() + " bytes#" + Integer.toHexString(event.getSnapshot().getState().hashCode());
        }
        return event.toBuilder().setSnapshot(event.getSnapshot().toBuilder().setState(com.google.protobuf.ByteString.copyFromUtf8(values))).build();
    }

    private static String text(Message message) {
        return TextFormat.printer().emittingSingleLine(true).printToString(message).strip();
    }
}
