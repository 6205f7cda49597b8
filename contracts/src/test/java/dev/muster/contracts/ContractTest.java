package dev.muster.contracts;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.DescriptorProtos.FieldDescriptorProto.Type;
import com.google.protobuf.DescriptorProtos.FileDescriptorSet;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import dev.muster.v1.Access;
import dev.muster.v1.ApplyFleetRequest;
import dev.muster.v1.ClearmlCommand;
import dev.muster.v1.Command;
import dev.muster.v1.ConsoleReported;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.MachineReport;
import dev.muster.v1.OfferKey;
import dev.muster.v1.ReadFailed;
import dev.muster.v1.Request;
import dev.muster.v1.ServiceReported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Holds the contract against the last one that others may rely on, in released.desc.
 *
 * <p>Adding is free. Anything else needs a decision page, and then {@code mvn -pl contracts test -Dcontract.release=true} writes
 * the new one.
 */
class ContractTest {

    private static final Path RELEASED = Path.of("src/test/resources/released.desc");
    private static final List<Descriptor> ONE_OF_EACH_FILE = List.of(OfferKey.getDescriptor(), FleetRecord.getDescriptor(),
            Request.getDescriptor(), DemandEvent.getDescriptor(), Command.getDescriptor(), MachineReport.getDescriptor(),
            DecisionEvent.getDescriptor(), ServiceReported.getDescriptor(), ApplyFleetRequest.getDescriptor(), ConsoleReported.getDescriptor(), Access.getDescriptor());
    private static final List<Descriptor> ENVELOPES = List.of(Request.getDescriptor(), DemandEvent.getDescriptor(),
            MachineReport.getDescriptor(), Command.getDescriptor(), ClearmlCommand.getDescriptor(), DecisionEvent.getDescriptor(),
            FleetRecord.getDescriptor(), MachineRecord.getDescriptor(), ServiceReported.getDescriptor(), ConsoleReported.getDescriptor());

    private static FileDescriptorSet now() {
        var files = FileDescriptorSet.newBuilder();
        ONE_OF_EACH_FILE.stream().map(Descriptor::getFile).map(FileDescriptor::toProto).forEach(files::addFile);
        return files.build();
    }

    @Test
    void breaksNothingThatWasReleased() throws IOException {
        if (Boolean.getBoolean("contract.release")) {
            Files.write(RELEASED, now().toByteArray());
        }
        var released = FileDescriptorSet.parseFrom(Files.readAllBytes(RELEASED));

        assertThat(ReleasedContract.broken(released, now())).isEmpty();
    }

    @Test
    void wouldNoticeARemovedFieldAChangedTypeAndAMovedNumber() {
        var released = now();
        var changed = released.toBuilder();
        var message = changed.getFileBuilder(0).getMessageTypeBuilderList().stream()
                .filter(built -> built.getName().equals("OfferKey")).findFirst().orElseThrow();
        message.getFieldBuilder(0).setNumber(99);
        message.getFieldBuilder(1).setType(Type.TYPE_INT32);
        message.removeField(2);

        assertThat(ReleasedContract.broken(released, changed.build())).hasSize(3);
        assertThat(ReleasedContract.broken(changed.build(), released)).as("a field more is no break").hasSize(2);
    }

    @Test
    void startsEveryEnumWithUnspecified() {
        assertThat(now().getFileList().stream().flatMap(file -> file.getEnumTypeList().stream()))
                .allSatisfy(values -> assertThat(values.getValue(0).getName()).endsWith("_UNSPECIFIED"));
    }

    /** The comments are the contract: units, ranges and what absent means can't be read off a type. */
    @Test
    void explainsEveryMessageThatIsNotPlainByItsName() throws IOException {
        try (Stream<Path> protos = Files.walk(Path.of("src/main/proto"))) {
            for (var proto : protos.filter(path -> path.toString().endsWith(".proto")).toList()) {
                var lines = Files.readAllLines(proto);
                for (int i = 1; i < lines.size(); i++) {
                    var line = lines.get(i);
                    if (line.startsWith("enum ") || line.startsWith("service ")) {
                        assertThat(lines.get(i - 1)).as(proto + ":" + (i + 1) + " " + line).startsWith("//");
                    }
                }
            }
        }
    }

    @Test
    void namesEachCaseOfAnEnvelopeInCloudEventsType() {
        var event = DemandEvent.newBuilder().setReadFailed(ReadFailed.newBuilder().setConsecutive(1)).build();
        assertThat(CloudEvents.type(event)).isEqualTo("muster.v1.DemandEvent/read_failed");
        assertThat(ENVELOPES).allSatisfy(envelope -> assertThat(envelope.getRealOneofs()).hasSizeLessThanOrEqualTo(1));
    }

    @Test
    void keepsMoneyInMicroUnits() {
        var floats = now().getFileList().stream().flatMap(file -> file.getMessageTypeList().stream())
                .flatMap(message -> message.getFieldList().stream().filter(field -> field.getName().contains("micros"))
                        .filter(field -> field.getType() != Type.TYPE_INT64 && field.getType() != Type.TYPE_MESSAGE).map(field -> message.getName() + "." + field.getName()));
        assertThat(floats).isEmpty();
    }
}
