package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Message;
import dev.muster.contracts.FleetYaml;
import dev.muster.contracts.InvalidYamlException;
import dev.muster.v1.ApplyFleetRequest;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetState;
import dev.muster.v1.FleetView;
import dev.muster.v1.ListFleetsResponse;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Fleets of files: what they say is applied, what they no longer have is let go, and nothing is ended. */
class FleetFilesTest {

    private static final String FILE = "file: values.fleets of Helm release muster in namespace muster";
    private static final String FLEET = """
            name: %s
            queues: {cpu: [cpu]}
            pools:
              cpu: {provider: aws, region: us-east-1, type: m6i.large, max: 2}
            """;

    @TempDir
    Path folder;

    private FakeControl control;

    @BeforeEach
    void startControl() throws IOException {
        control = new FakeControl();
        Files.writeString(folder.resolve("a.yaml"), FLEET.formatted("first"));
        Files.writeString(folder.resolve("b.yml"), FLEET.formatted("second") + "---\n" + FLEET.formatted("third"));
        Files.writeString(folder.resolve("notes.txt"), "no fleet");
    }

    @AfterEach
    void stopControl() {
        control.close();
    }

    private Ran apply(String... more) {
        var words = new ArrayList<>(List.of("fleet", "apply", "-f", folder.toString(), "--server", control.address()));
        words.addAll(List.of(more));
        return Ran.of(words.toArray(String[]::new));
    }

    private static FleetView fleet(String name, String managedBy, FleetState state) {
        return FleetView.newBuilder().setRecord(FleetRecord.newBuilder().setFleet(name).setVersion(7).setState(state).setManagedBy(managedBy).setSpec(spec(name))).build();
    }

    private static dev.muster.v1.FleetSpec spec(String name) {
        try {
            return FleetYaml.read(FLEET.formatted(name));
        } catch (InvalidYamlException broken) {
            throw new AssertionError(broken);
        }
    }

    private List<ApplyFleetRequest> applied() {
        return control.asked("ApplyFleet").stream().map(request -> ((ApplyFleetRequest) request).toBuilder().clearRequestId().build()).toList();
    }

    private static List<Message> accepted(Message request) {
        var spec = ((ApplyFleetRequest) request).getSpec();
        return List.of(FleetRecord.newBuilder().setFleet(spec.getName()).setVersion(8).setState(FleetState.ACTIVE).setSpec(spec).build());
    }

    @Test
    void appliesAllFilesOfAFolderAndLetsGoOfThoseThatNoFileHas() {
        // Given
        control.answer("ApplyFleet", FleetFilesTest::accepted);
        control.answer("ListFleets", ListFleetsResponse.newBuilder()
                .addFleets(fleet("ending", FILE, FleetState.DELETING)).addFleets(fleet("first", FILE, FleetState.ACTIVE)).addFleets(fleet("old", FILE, FleetState.PAUSED))
                .addFleets(fleet("others", "file: elsewhere", FleetState.ACTIVE)).addFleets(fleet("peoples", "", FleetState.ACTIVE)).build());
        // When
        var ran = apply("--managed-by-file", "values.fleets of Helm release muster in namespace muster");
        // Then
        assertThat(ran).isEqualTo(new Ran(0, """
                fleet first is at version 8, active
                fleet second is at version 8, active
                fleet third is at version 8, active
                fleet old is no longer managed by file, since no file has it: it runs on; ./muster fleet delete old ends it
                """, ""));
        assertThat(applied()).containsExactly(
                ApplyFleetRequest.newBuilder().setSpec(spec("first")).setManagedBy(FILE).build(),
                ApplyFleetRequest.newBuilder().setSpec(spec("second")).setManagedBy(FILE).build(),
                ApplyFleetRequest.newBuilder().setSpec(spec("third")).setManagedBy(FILE).build(),
                ApplyFleetRequest.newBuilder().setSpec(spec("old")).setOverrideManagedBy(true).setExpectedVersion(7).build());
        assertThat(control.asked("DeleteFleet")).isEmpty();
    }

    @Test
    void anEmptyFolderLetsGoOfAllAndEndsNothing() throws IOException {
        // Given
        for (var file : List.of("a.yaml", "b.yml")) {
            Files.delete(folder.resolve(file));
        }
        control.answer("ApplyFleet", FleetFilesTest::accepted);
        control.answer("ListFleets", ListFleetsResponse.newBuilder().addFleets(fleet("old", FILE, FleetState.ACTIVE)).build());
        // When
        var ran = apply("--managed-by-file", "values.fleets of Helm release muster in namespace muster");
        // Then
        assertThat(ran.exitCode()).isZero();
        assertThat(applied()).containsExactly(ApplyFleetRequest.newBuilder().setSpec(spec("old")).setOverrideManagedBy(true).setExpectedVersion(7).build());
        assertThat(control.asked("DeleteFleet")).isEmpty();
    }

    @Test
    void aFleetThatIsRefusedDoesntKeepTheOthersFromTheirFiles() {
        // Given
        control.answer("ApplyFleet", request -> {
            var name = ((ApplyFleetRequest) request).getSpec().getName();
            if (name.equals("third")) {
                return accepted(request);
            }
            throw Status.FAILED_PRECONDITION.withDescription("Fleet " + name + " is not to be had.").asRuntimeException();
        });
        // When
        var ran = apply("--managed-by-file", "values.fleets of Helm release muster in namespace muster");
        // Then
        assertThat(ran).isEqualTo(new Ran(1, "fleet third is at version 8, active\n",
                "muster: 2 of 3 fleets were refused:\nFleet first is not to be had.\nFleet second is not to be had.\n"));
    }

    @Test
    void aFleetInTwoFilesIsInNeither() throws IOException {
        Files.writeString(folder.resolve("c.yaml"), FLEET.formatted("first"));
        assertThat(apply("--managed-by-file", "here")).isEqualTo(new Ran(1, "",
                "muster: fleet first is in " + folder.resolve("a.yaml") + " and in " + folder.resolve("c.yaml") + ": which of them is meant?\n"));
        assertThat(control.fleets).isEmpty();
    }

    @Test
    void waitsForAnApiThatIsJustBeingStarted() {
        // Given
        var calls = new AtomicInteger();
        control.answer("ListFleets", request -> {
            if (calls.incrementAndGet() == 1) {
                throw Status.UNAVAILABLE.asRuntimeException();
            }
            return List.of(ListFleetsResponse.getDefaultInstance());
        });
        // When
        var ran = apply("--wait", "30s");
        // Then
        assertThat(ran.exitCode()).isZero();
        assertThat(control.fleets).containsOnlyKeys("first", "second", "third");
        assertThat(calls).hasValue(2);
    }

    @Test
    void whoIsNotLetInIsNotKeptWaiting() {
        control.answer("ListFleets", request -> {
            throw Status.UNAUTHENTICATED.withDescription("the token is not known").asRuntimeException();
        });
        assertThat(apply("--wait", "10m").err()).startsWith("muster: the token is not known: ");
    }

    @Test
    void aFleetShowsThatAFileManagesIt() {
        control.answer("ListFleets", ListFleetsResponse.newBuilder().addFleets(fleet("first", FILE, FleetState.ACTIVE)).build());
        control.answer("GetFleet", fleet("first", FILE, FleetState.ACTIVE));
        assertThat(Ran.of("fleet", "list", "--server", control.address()).out()).isEqualTo("""
                FLEET  STATE            VERSION  WAITING  BUSY  IDLE  MACHINES  COST
                first  active, by file  7        0        0     0               $0.00/h
                """);
        assertThat(Ran.of("fleet", "get", "first", "--server", control.address()).out()).contains("\nmanaged by file: values.fleets of Helm release muster in namespace muster\n");
    }

    @Test
    void aPlaceHasAName() {
        assertThat(apply("--managed-by-file", " ").exitCode()).isEqualTo(2);
        assertThat(apply("--managed-by-file", "here", "--managed-by", "argo").exitCode()).isEqualTo(2);
        assertThat(apply("--managed-by-file", "here", "--override-managed-by").exitCode()).isEqualTo(2);
    }
}
