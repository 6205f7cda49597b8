package dev.muster.planner.stream;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.muster.contracts.FleetYaml;
import dev.muster.contracts.GoldenFiles;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.Request;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Fleets that a release knew, as their YAML, as the record on the topic {@code fleets}, and with what was decided in their first quarter of an
 * hour: today's Muster reads them as they were meant, and decides the same.
 */
class StoredFleetsTest {

    private static final GoldenFiles FILES = GoldenFiles.ofThisModule();
    private static final String FOLDER = "fleets";
    private static final Path PAGE = Path.of("../docs/fleet-spec.md");
    private static final Pattern SPEC = Pattern.compile("(?s)```yaml\n(name: .*?)```");

    @BeforeAll
    static void writeThisVersions() throws Exception {
        if (!GoldenFiles.isToWrite()) {
            return;
        }
        // Those of the page of specs: between them they have most of what a spec can say.
        var specs = SPEC.matcher(Files.readString(PAGE));
        while (specs.find()) {
            var spec = FleetYaml.read(specs.group(1));
            var played = FleetPlay.of(spec);
            FILES.write(FOLDER + "/" + spec.getName() + ".yaml", specs.group(1));
            FILES.write(FOLDER + "/" + spec.getName() + ".binpb", played.record().toByteArray());
            FILES.write(FOLDER + "/" + spec.getName() + ".txt", played.transcript());
        }
    }

    static Stream<Arguments> fleets() {
        var fleets = new ArrayList<Arguments>();
        FILES.versions().forEach(version -> FILES.names(version, FOLDER).stream().filter(name -> name.endsWith(".yaml"))
                .forEach(name -> fleets.add(Arguments.of(version, name.replace(".yaml", "")))));
        return fleets.stream();
    }

    @Test
    void thisVersionHasSome() {
        assertThat(FILES.names(GoldenFiles.version(), FOLDER)).as("-Dgolden.write=" + GoldenFiles.version() + " writes them").hasSizeGreaterThan(15);
    }

    @ParameterizedTest
    @MethodSource("fleets")
    void itsYamlSaysWhatItSaid(String version, String fleet) throws Exception {
        assertThat(FleetYaml.read(FILES.text(version, FOLDER + "/" + fleet + ".yaml"))).isEqualTo(applied(version, fleet));
    }

    @ParameterizedTest
    @MethodSource("fleets")
    void itsRecordIsReadWholeAndWouldBeAcceptedAgainAsItIs(String version, String fleet) throws Exception {
        var record = FleetRecord.parseFrom(FILES.bytes(version, FOLDER + "/" + fleet + ".binpb"));
        assertThat(GoldenFiles.unknownFields(record)).isEmpty();
        // A release may know more fields, and fill them in; what was there stays.
        var again = FleetPlay.of(record.getSpec()).record();
        assertThat(FleetYaml.fields(again.getSpec())).containsAllEntriesOf(FleetYaml.fields(record.getSpec()));
        assertThat(again.getScopesList()).isEqualTo(record.getScopesList());
    }

    @ParameterizedTest
    @MethodSource("fleets")
    void isPlannedAsItWas(String version, String fleet) throws Exception {
        var file = FOLDER + "/" + fleet + ".txt";
        var then = FILES.text(version, file);
        assertThat(then).contains("  answered ACCEPTED", "  decided ", "  commands.").doesNotContain("dead letter");
        AcceptedChanges.of(version).holds(file, Transcript.firstDifference(then, FleetPlay.again(fleet, then)));
    }

    /** That it would be seen if it were not. */
    @Test
    void whatIsDecidedOtherwiseIsNoticed() {
        var then = FILES.text(GoldenFiles.version(), FOLDER + "/first.txt");
        var other = then.replaceFirst("  decided [A-Za-z]+ ", "  decided AnotherRule ");
        assertThat(Transcript.firstDifference(other, FleetPlay.again("first", then))).contains("AnotherRule");
    }

    /** What the command line of then sent. */
    private static FleetSpec applied(String version, String fleet) throws InvalidProtocolBufferException {
        var first = Transcript.steps(FILES.text(version, FOLDER + "/" + fleet + ".txt")).get(0);
        return Request.parseFrom(first.value()).getApply().getSpec();
    }
}
