package dev.muster.contracts;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Timestamp;
import dev.muster.v1.AccessOuterClass;
import dev.muster.v1.ApplyFleetRequest;
import dev.muster.v1.Command;
import dev.muster.v1.ConsoleReported;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.GetFleetRequest;
import dev.muster.v1.MachineChange;
import dev.muster.v1.PoolView;
import dev.muster.v1.Reason;
import dev.muster.v1.Role;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ProtoCommentsTest {

    private static final Path PROTOS = Path.of("src/main/proto/muster/v1");

    @Test
    void knowsWhatStandsAboveEachKindOfDeclaration() {
        var control = ApplyFleetRequest.getDescriptor().getFile();
        var fleets = control.findServiceByName("Fleets");

        assertThat(ProtoComments.of(fleets)).isEqualTo("Declared fleets.");
        assertThat(ProtoComments.of(fleets.findMethodByName("ApplyFleet")))
                .isEqualTo("Creates the fleet or replaces its spec. ABORTED: another version than expected_version is there.");
        assertThat(ProtoComments.of(fleets.findMethodByName("GetFleet"))).isEmpty();
        assertThat(ProtoComments.of(MachineChange.getDescriptor())).isEqualTo("One message of WatchMachines.");
        assertThat(ProtoComments.of(Role.getDescriptor().findValueByName("VIEWER"))).isEqualTo("Reads, and judges specs without changing anything.");
        assertThat(ProtoComments.of(Reason.getDescriptor().findValueByName("FACTS_STALE"))).isEqualTo("Nothing good was heard from the watcher for too long.");
    }

    @Test
    void knowsFieldsOfEachForm() {
        assertThat(ProtoComments.of(GetFleetRequest.getDescriptor().findFieldByName("name"))).isEqualTo("Required.");
        assertThat(ProtoComments.of(ApplyFleetRequest.getDescriptor().findFieldByName("expected_version"))).as("optional")
                .isEqualTo("Absent: whatever is there; 0: must not exist.");
        assertThat(ProtoComments.of(PoolView.getDescriptor().findFieldByName("machines"))).as("a map").isEqualTo("Counted machines by phase.");
        assertThat(ProtoComments.of(PoolView.getDescriptor().findFieldByName("queues"))).as("a list").isEqualTo("Queues that name it.");
        assertThat(ProtoComments.of(MachineChange.getDescriptor().findFieldByName("synced"))).as("of a oneof").isEqualTo("Everything that was there has been sent.");
        assertThat(ProtoComments.of(MachineChange.getDescriptor().findFieldByName("full"))).as("behind a oneof")
                .isEqualTo("With synced: all was sent, and not only what changed since the resume token.");
    }

    @Test
    void tellsWhatIsSaidOfTheFileFromWhatIsSaidOfItsFirstMessage() {
        assertThat(ProtoComments.of(Command.getDescriptor().getFile())).startsWith("Orders to the provisioners");
        assertThat(ProtoComments.of(ConsoleReported.getDescriptor().getFile())).isEmpty();
        assertThat(ProtoComments.of(ConsoleReported.getDescriptor())).startsWith("What a machine has written").endsWith("clouds show a console late.");
        assertThat(ProtoComments.of(AccessOuterClass.getDescriptor())).contains("a call without one is refused to everybody");
    }

    @Test
    void hasNothingToSayOfWhatOthersDefined() {
        assertThat(ProtoComments.of(Timestamp.getDescriptor())).isEmpty();
    }

    /** The protos are written so that it finds every comment: none trails a declaration or stands where nothing follows. */
    @Test
    void losesNoComment() throws IOException {
        try (Stream<Path> protos = Files.list(PROTOS)) {
            for (var proto : protos.sorted().toList()) {
                var text = Files.readString(proto);
                var found = String.join(" ", ProtoComments.read(text).all());
                assertThat(text.lines().map(String::strip).filter(line -> line.contains("//")).filter(line -> !line.contains("Refusals.")))
                        .as(proto.toString())
                        .allSatisfy(line -> assertThat(line).startsWith("//"))
                        .allSatisfy(line -> assertThat(found).contains(line.substring(2).strip()));
            }
        }
    }

    /** A pattern that misreads a line gives a name that no descriptor has. */
    @Test
    void namesWhatItFoundAsDescriptorsDo() throws IOException {
        for (var file : List.of(ApplyFleetRequest.getDescriptor().getFile(), FleetSpec.getDescriptor().getFile(), DemandEvent.getDescriptor().getFile(),
                Command.getDescriptor().getFile(), Reason.getDescriptor().getFile(), Role.getDescriptor().getFile())) {
            var known = new HashSet<String>();
            file.getServices().forEach(service -> {
                known.add(service.getFullName());
                service.getMethods().forEach(method -> known.add(method.getFullName()));
            });
            file.getMessageTypes().forEach(message -> {
                known.add(message.getFullName());
                message.getFields().forEach(field -> known.add(field.getFullName()));
                message.getOneofs().forEach(oneof -> known.add(oneof.getFullName()));
            });
            file.getEnumTypes().forEach(type -> {
                known.add(type.getFullName());
                type.getValues().forEach(value -> known.add(value.getFullName()));
            });
            assertThat(known).as(file.getName()).containsAll(ProtoComments.read(Files.readString(PROTOS.resolve(Path.of(file.getName()).getFileName()))).names());
        }
    }
}
