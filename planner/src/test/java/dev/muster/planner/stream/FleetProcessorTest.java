package dev.muster.planner.stream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Message;
import dev.muster.contracts.DeadLetters;
import dev.muster.contracts.Times;
import dev.muster.contracts.Topics;
import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.Plan;
import dev.muster.planner.core.Planner;
import dev.muster.planner.spec.Specs;
import dev.muster.v1.AdoptMachine;
import dev.muster.v1.AdoptMachines;
import dev.muster.v1.AnswerCode;
import dev.muster.v1.ApplyFleet;
import dev.muster.v1.CloudState;
import dev.muster.v1.Command;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.DeleteFleet;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.DemandObserved;
import dev.muster.v1.FetchConsole;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetSnapshot;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.FleetState;
import dev.muster.v1.InputOffset;
import dev.muster.v1.InventoryReported;
import dev.muster.v1.LaunchAccepted;
import dev.muster.v1.Limits;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.MachineReport;
import dev.muster.v1.MachineReported;
import dev.muster.v1.MachineRequest;
import dev.muster.v1.MachineVerb;
import dev.muster.v1.Market;
import dev.muster.v1.Phase;
import dev.muster.v1.QueueState;
import dev.muster.v1.Reason;
import dev.muster.v1.Request;
import dev.muster.v1.RequestAnswered;
import dev.muster.v1.ScopeState;
import dev.muster.v1.SetPaused;
import dev.muster.v1.ShutdownAction;
import dev.muster.v1.SnapshotCause;
import dev.muster.v1.StateInfo;
import dev.muster.v1.StoredFleet;
import dev.muster.v1.StoredValue;
import dev.muster.v1.Violation;
import dev.muster.v1.WaitingTask;
import dev.muster.v1.WorkerSeen;
import dev.muster.telemetry.Meters;
import dev.muster.telemetry.Metrics;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.BiFunction;
import java.util.stream.Collectors;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TestOutputTopic;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.processor.api.MockProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.test.TestRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class FleetProcessorTest {

    private static final Topics TOPICS = new Topics("t.", 1);
    private static final Instant START = Instant.parse("2026-03-01T12:00:00Z");

    /** Moves only when a test moves it. */
    private Instant wall = START;
    private final AllRead positions = new AllRead();
    private final Pace pace = new Pace(Duration.ofMillis(20));
    private BiFunction<Fleet, Instant, Plan> planner = Planner::plan;
    private PublishedFleets published = PublishedFleets.NONE;
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final PlannerMetrics metrics = new PlannerMetrics(new Meters(registry));
    private final RecordedTraces traces = new RecordedTraces();
    private final Progress progress = new Progress();
    private TopologyTestDriver driver;
    private TestInputTopic<String, byte[]> requests;
    private TestInputTopic<String, byte[]> demand;
    private TestInputTopic<String, byte[]> reports;
    private TestOutputTopic<String, byte[]> fleets;
    private TestOutputTopic<String, byte[]> versions;
    private TestOutputTopic<String, byte[]> decisions;
    private TestOutputTopic<String, byte[]> deadLetters;
    private TestOutputTopic<String, byte[]> commands;
    private TestOutputTopic<String, byte[]> machines;

    /** Inputs that are read to their ends unless a test says otherwise. */
    private static final class AllRead implements InputPositions {
        private long end;
        private long position;
        private boolean behind;

        @Override
        public Map<TopicPartition, Long> ends(Collection<TopicPartition> partitions) {
            return partitions.stream().collect(Collectors.toMap(p -> p, p -> end));
        }

        @Override
        public Map<TopicPartition, Long> committed(Collection<TopicPartition> partitions) {
            return partitions.stream().collect(Collectors.toMap(p -> p, p -> 0L));
        }

        @Override
        public long position(TopicPartition partition) {
            return position;
        }

        @Override
        public long handedOut(TopicPartition partition) {
            return -1;
        }

        @Override
        public long behind(TopicPartition partition) {
            return behind ? 1 : 0;
        }
    }

    @BeforeEach
    void start() {
        var clock = new Clock() {
            @Override
            public ZoneOffset getZone() {
                return ZoneOffset.UTC;
            }

            @Override
            public Clock withZone(java.time.ZoneId zone) {
                return this;
            }

            @Override
            public Instant instant() {
                return wall;
            }
        };
        var topology = PlannerTopology.of(TOPICS, () -> new FleetProcessor(TOPICS, new FleetOwner(TOPICS, (fleet, now) -> planner.apply(fleet, now), clock,
                "/test", () -> "test", metrics), positions, published, metrics, Duration.ofMillis(10), () -> pace, new Trail(traces), progress));
        var config = new Properties();
        config.put("application.id", "test");
        config.put("bootstrap.servers", "none:1");
        driver = new TopologyTestDriver(topology, config, START);
        requests = driver.createInputTopic(TOPICS.requests(), new StringSerializer(), new ByteArraySerializer());
        demand = driver.createInputTopic(TOPICS.demand(), new StringSerializer(), new ByteArraySerializer());
        reports = driver.createInputTopic(TOPICS.machineReports(), new StringSerializer(), new ByteArraySerializer());
        fleets = driver.createOutputTopic(TOPICS.fleets(), new StringDeserializer(), new ByteArrayDeserializer());
        versions = driver.createOutputTopic(TOPICS.fleetVersions(), new StringDeserializer(), new ByteArrayDeserializer());
        decisions = driver.createOutputTopic(TOPICS.decisions(), new StringDeserializer(), new ByteArrayDeserializer());
        deadLetters = driver.createOutputTopic(TOPICS.deadLetters(), new StringDeserializer(), new ByteArrayDeserializer());
        commands = driver.createOutputTopic(TOPICS.commands("aws"), new StringDeserializer(), new ByteArrayDeserializer());
        machines = driver.createOutputTopic(TOPICS.machines(), new StringDeserializer(), new ByteArrayDeserializer());
    }

    @AfterEach
    void stop() {
        driver.close();
    }

    // Requests.

    @Test
    void createsAFleetAndAnswers() throws Exception {
        // When
        var answer = ask(apply("r1", Specs.fleet("train")));
        // Then
        assertThat(answer.getCode()).isEqualTo(AnswerCode.ACCEPTED);
        var record = FleetRecord.parseFrom(fleets.readValue());
        assertThat(answer.getFleet()).isEqualTo(record);
        assertThat(record.getVersion()).isEqualTo(1);
        assertThat(record.getState()).isEqualTo(FleetState.ACTIVE);
        assertThat(record.getIncarnation()).isEqualTo("abcdefgh");
        assertThat(record.getScopesList()).containsExactly("aws/main/eu-west-1");
        assertThat(record.getSpec().getWorkersPrefix()).isEqualTo("lab-train");
        assertThat(record.getCreatedAt()).isEqualTo(Times.timestamp(wall));
    }

    @Test
    void recordsSayWhatTheyAreInTheirHeaders() {
        requests.pipeInput("train", apply("r1", Specs.fleet("train")).build().toByteArray());
        var record = fleets.readRecord();
        assertThat(header(record, "ce_type")).isEqualTo("muster.v1.FleetRecord");
        assertThat(header(record, "ce_source")).isEqualTo("/test");
        assertThat(header(record, "content-type")).isEqualTo("application/protobuf");
        assertThat(header(decisions.readRecord(), "ce_type")).isEqualTo("muster.v1.DecisionEvent/request_answered");
    }

    @Test
    void refusesABadSpecWithEverythingThatIsWrong() {
        var answer = ask(apply("r1", Specs.fleet("train").setCurrency("x").setWorkersPrefix("a:b")));
        assertThat(answer.getCode()).isEqualTo(AnswerCode.INVALID_ARGUMENT);
        assertThat(answer.getViolationsList()).extracting(Violation::getField).containsExactly("currency", "workersPrefix");
        assertThat(fleets.isEmpty()).isTrue();
    }

    @Test
    void ofTwoEditsOfOneVersionOneWins() {
        ask(apply("r1", Specs.fleet("train")));
        var first = ask(edit("r2", 1, "EUR"));
        var second = ask(edit("r3", 1, "GBP"));
        assertThat(first.getCode()).isEqualTo(AnswerCode.ACCEPTED);
        assertThat(first.getVersion()).isEqualTo(2);
        assertThat(second.getCode()).isEqualTo(AnswerCode.ABORTED);
        assertThat(second.getMessage()).contains("Version 1 was expected").contains("at version 2");
    }

    @Test
    void anExpectedVersionOfZeroCreatesOnly() {
        assertThat(ask(edit("r1", 0, "USD")).getCode()).isEqualTo(AnswerCode.ACCEPTED);
        assertThat(ask(edit("r2", 0, "USD")).getCode()).isEqualTo(AnswerCode.ALREADY_EXISTS);
    }

    @Test
    void answersARepeatedRequestAsBeforeAndDoesNothing() throws Exception {
        ask(apply("r1", Specs.fleet("train")));
        ask(edit("r2", 1, "EUR"));
        ask(edit("r3", 2, "GBP"));
        fleets.readValuesToList();
        // When
        var repeated = ask(edit("r2", 1, "EUR"));
        // Then
        assertThat(repeated.getCode()).isEqualTo(AnswerCode.ACCEPTED);
        assertThat(repeated.getVersion()).isEqualTo(2);
        assertThat(fleets.isEmpty()).isTrue();
    }

    @Test
    void anUnchangedSpecIsNoNewVersion() {
        ask(apply("r1", Specs.fleet("train")));
        assertThat(ask(apply("r2", Specs.fleet("train"))).getVersion()).isEqualTo(1);
    }

    @Test
    void aDryRunChangesNothing() {
        var answer = ask(apply("r1", Specs.fleet("train")).setDryRun(true));
        assertThat(answer.getCode()).isEqualTo(AnswerCode.ACCEPTED);
        assertThat(answer.getFleet().getSpec().getPools(0).getSlots()).isEqualTo(1);
        assertThat(fleets.isEmpty()).isTrue();
        assertThat(ask(request("r2").setSetPaused(SetPaused.newBuilder().setPaused(true))).getCode()).isEqualTo(AnswerCode.NOT_FOUND_ANSWER);
    }

    @Test
    void theNewestFiftyVersionsAreKept() throws Exception {
        // When
        var accepted = new java.util.TreeMap<String, FleetRecord>();
        for (var edit = 1; edit <= 52; edit++) {
            var answer = ask(apply("r" + edit, Specs.fleet("train").setCurrency(edit % 2 == 0 ? "EUR" : "USD")));
            accepted.put("train/" + edit, answer.getFleet());
        }
        // Then
        accepted.keySet().removeAll(List.of("train/1", "train/2"));
        assertThat(table(versions)).isEqualTo(accepted);
    }

    @Test
    void aVersionThatAReleaseWithoutTheTopicAcceptedIsWrittenWithTheNext() throws Exception {
        // Given
        var first = ask(apply("r1", Specs.fleet("train"))).getFleet();
        versions.readKeyValuesToList();
        // When
        var second = ask(edit("r2", 1, "EUR")).getFleet();
        // Then
        assertThat(table(versions)).isEqualTo(Map.of("train/1", first, "train/2", second));
    }

    @Test
    void whatIsRefusedTriedOrUnchangedIsNoVersion() throws Exception {
        ask(apply("r1", Specs.fleet("train")));
        versions.readKeyValuesToList();
        ask(apply("r2", Specs.fleet("train")));
        ask(apply("r3", Specs.fleet("train").setCurrency("EUR")).setDryRun(true));
        ask(edit("r4", 7, "EUR"));
        assertThat(versions.isEmpty()).isTrue();
    }

    @Test
    void aForgottenFleetHasNoVersions() throws Exception {
        // Given
        ask(apply("r1", Specs.fleet("train")));
        ask(edit("r2", 1, "EUR"));
        ask(request("r3").setDelete(DeleteFleet.newBuilder()));
        beat();
        // When
        wall = wall.plus(Duration.ofDays(31));
        driver.advanceWallClockTime(Duration.ofHours(1));
        // Then
        assertThat(table(fleets)).isEmpty();
        assertThat(table(versions)).isEmpty();
    }

    private static final String FILE = "file: values.fleets of Helm release muster in namespace muster";

    private static Request.Builder applyByFile(String id, FleetSpec.Builder spec) {
        var request = apply(id, spec);
        request.getApplyBuilder().setManagedBy(FILE);
        return request;
    }

    @Test
    void aFleetThatAFileManagesIsChangedByThatFileAlone() {
        // Given
        ask(applyByFile("r1", Specs.fleet("train")));
        var fix = "Fleet train is managed by file, by values.fleets of Helm release muster in namespace muster: ";
        // Then
        var edited = ask(edit("r2", 1, "EUR"));
        assertThat(edited.getCode()).isEqualTo(AnswerCode.FAILED_PRECONDITION);
        assertThat(edited.getMessage()).isEqualTo(
                fix + "change it there. An apply with override_managed_by takes it from the file, until the file is applied again.");
        var deleted = ask(request("r3").setDelete(DeleteFleet.newBuilder()));
        assertThat(deleted.getCode()).isEqualTo(AnswerCode.FAILED_PRECONDITION);
        assertThat(deleted.getMessage()).startsWith(fix + "take it out there, which ends no machine and leaves it to people, and then delete it.");
        var other = apply("r4", Specs.fleet("train"));
        other.getApplyBuilder().setManagedBy("file: another one");
        assertThat(ask(other).getCode()).as("two files would undo each other's work for ever").isEqualTo(AnswerCode.FAILED_PRECONDITION);
        assertThat(ask(request("r5").setSetPaused(SetPaused.newBuilder().setPaused(true))).getCode()).as("whoever sees harm may stop it").isEqualTo(AnswerCode.ACCEPTED);
        var changed = ask(applyByFile("r6", Specs.fleet("train").setCurrency("EUR")));
        assertThat(changed.getFleet().getSpec().getCurrency()).isEqualTo("EUR");
        assertThat(ask(applyByFile("r7", Specs.fleet("train").setCurrency("EUR"))).getVersion()).as("the same again").isEqualTo(changed.getVersion());
    }

    @Test
    void aFleetThatIsTakenFromItsFileIsPeoplesUntilTheFileIsAppliedAgain() {
        // Given
        ask(applyByFile("r1", Specs.fleet("train")));
        // When
        var take = apply("r2", Specs.fleet("train").setCurrency("EUR"));
        take.getApplyBuilder().setOverrideManagedBy(true);
        var taken = ask(take).getFleet();
        // Then
        assertThat(taken.getManagedBy()).isEmpty();
        assertThat(taken.getSpec().getCurrency()).isEqualTo("EUR");
        assertThat(ask(edit("r3", 2, "CHF")).getCode()).isEqualTo(AnswerCode.ACCEPTED);
        var again = ask(applyByFile("r4", Specs.fleet("train"))).getFleet();
        assertThat(again.getManagedBy()).isEqualTo(FILE);
        assertThat(again.getSpec().getCurrency()).isEqualTo("USD");
    }

    /** What a reader of the whole topic has. */
    private static Map<String, FleetRecord> table(TestOutputTopic<String, byte[]> topic) throws Exception {
        var table = new java.util.TreeMap<String, FleetRecord>();
        for (var row : topic.readKeyValuesToList()) {
            if (row.value == null) {
                table.remove(row.key);
            } else {
                table.put(row.key, FleetRecord.parseFrom(row.value));
            }
        }
        return table;
    }

    @Test
    void anApplyIsAuditedAsWhatItIs() throws Exception {
        ask(apply("r1", Specs.fleet("train")));
        var edit = edit("r2", 1, "EUR");
        edit.getApplyBuilder().setAuditedAs("roll back to version 7");
        requests.pipeInput("train", edit.build().toByteArray(), wall);
        assertThat(decided().stream().filter(DecisionEvent::hasAudit).map(event -> event.getAudit().getWhat()).toList()).containsExactly("roll back to version 7");
    }

    @Test
    void aPreviewSaysWhatASpecWouldDoAtOnceAndLeavesTheFleetAsItIs() throws Exception {
        // Given a machine for the one task that waits, and a limit that keeps others.
        var priced = Specs.fleet("train");
        priced.getPoolsBuilder(0).setLimits(Limits.newBuilder().setMax(1)).getOffersBuilder(0).setPriceMicrosPerHour(100_000);
        ask(apply("r1", priced));
        reports.pipeInput("train", inventory("train").toByteArray(), wall);
        demand.pipeInput("train", severalWait("train", 1, 3).toByteArray(), wall);
        beat();
        decided();
        var stored = stored();
        // When
        var wider = priced.clone();
        wider.getPoolsBuilder(0).setLimits(Limits.newBuilder().setMax(2));
        var answer = ask(apply("r2", wider).setDryRun(true).setPreview(true));
        // Then
        assertThat(answer.getCode()).isEqualTo(AnswerCode.ACCEPTED);
        assertThat(answer.getFleet().getVersion()).isEqualTo(2);
        var preview = answer.getPreview();
        assertThat(preview.getDecisionsList()).singleElement().satisfies(decision -> {
            assertThat(decision.getReason()).isEqualTo(Reason.TASKS_WAIT);
            assertThat(decision.getMachineIdsList()).containsExactly("mabcdefgh-2");
        });
        assertThat(preview.getRefusalsList()).singleElement().satisfies(refusal -> assertThat(refusal.getReason()).isEqualTo(Reason.AT_POOL_LIMIT));
        assertThat(preview.getMicrosPerHourCurrent()).isEqualTo(105_000);
        assertThat(preview.getMicrosPerHourProposed()).isEqualTo(210_000);
        assertThat(stored()).isEqualTo(stored);
        beat();
        assertThat(decided()).isEmpty();
        assertThat(stored()).isEqualTo(stored);
        // And applied it does what it said.
        ask(apply("r3", wider));
        beat();
        assertThat(decided().stream().filter(DecisionEvent::hasDecision).map(event -> event.getDecision().toBuilder().clearCauses().build()).toList())
                .isEqualTo(preview.getDecisionsList().stream().map(decision -> decision.toBuilder().clearCauses().build()).toList());
    }

    @Test
    void aPreviewOfAFleetThatIsNotThereTakesItsQueuesForEmptyAndSaysSo() {
        var spec = Specs.fleet("train");
        spec.getPoolsBuilder(0).setLimits(Limits.newBuilder().setMin(2).setMax(3)).getOffersBuilder(0).setPriceMicrosPerHour(100_000);
        // When
        var answer = ask(apply("r1", spec).setDryRun(true).setPreview(true));
        // Then
        assertThat(answer.getPreview().getDecisionsList()).singleElement().satisfies(decision ->
                assertThat(decision.getMachineIdsList()).containsExactly("mabcdefgh-1", "mabcdefgh-2"));
        assertThat(answer.getPreview().getMicrosPerHourCurrent()).isZero();
        assertThat(answer.getPreview().getMicrosPerHourProposed()).isEqualTo(210_000);
        assertThat(answer.getNotesList()).last().asString().startsWith("Nothing is known of a fleet before it is applied.");
        assertThat(fleets.isEmpty()).isTrue();
        assertThat(stored()).isEmpty();
    }

    @Test
    void aSpecThatThePlannerFailsOnIsFoundOutByAPreviewAndHarmsNobody() throws Exception {
        ask(apply("r1", Specs.fleet("train")));
        beat();
        decided();
        var stored = stored();
        planner = (fleet, now) -> {
            throw new IllegalStateException("a bug");
        };
        // When
        var answer = ask(apply("r2", Specs.fleet("train").setCurrency("EUR")).setDryRun(true).setPreview(true));
        // Then
        assertThat(answer.getCode()).isEqualTo(AnswerCode.FAILED_PRECONDITION);
        assertThat(answer.getMessage()).contains("would fail if it were applied").contains("a bug");
        assertThat(stored()).isEqualTo(stored);
        assertThat(deadLetters.isEmpty()).isTrue();
    }

    /** Every stored value, byte for byte. */
    private Map<String, String> stored() {
        var stored = new TreeMap<String, String>();
        try (var all = driver.<String, byte[]>getKeyValueStore(FleetStore.NAME).all()) {
            all.forEachRemaining(entry -> stored.put(entry.key, HexFormat.of().formatHex(entry.value)));
        }
        return stored;
    }

    @Test
    void aPauseOutlivesAnEdit() {
        ask(apply("r1", Specs.fleet("train")));
        ask(request("r2").setSetPaused(SetPaused.newBuilder().setPool("cpu").setPaused(true)));
        ask(request("r3").setSetPaused(SetPaused.newBuilder().setPaused(true)));
        var edited = ask(apply("r4", Specs.fleet("train").setCurrency("EUR"))).getFleet();
        assertThat(edited.getState()).isEqualTo(FleetState.PAUSED);
        assertThat(edited.getSpec().getPools(0).getPaused()).isTrue();
        assertThat(ask(request("r5").setSetPaused(SetPaused.newBuilder().setPool("gpu"))).getViolations(0).getField()).isEqualTo("pool");
    }

    @Test
    void deletingIsAState() {
        ask(apply("r1", Specs.fleet("train")));
        var deleting = ask(request("r2").setDelete(DeleteFleet.newBuilder().setAction(ShutdownAction.ALL)));
        assertThat(deleting.getFleet().getState()).isEqualTo(FleetState.DELETING);
        assertThat(deleting.getFleet().getAction()).isEqualTo(ShutdownAction.ALL);
        assertThat(ask(apply("r3", Specs.fleet("train"))).getCode()).isEqualTo(AnswerCode.ABORTED);
    }

    @Test
    void aMachineThatIsNotOnTheBooksIsNotFound() {
        ask(apply("r1", Specs.fleet("train")));
        var answer = ask(request("r2").setMachines(MachineRequest.newBuilder().setVerb(MachineVerb.DRAIN_MACHINE).addMachineIds("mabcdefgh-9")));
        assertThat(answer.getCode()).isEqualTo(AnswerCode.NOT_FOUND_ANSWER);
        assertThat(answer.getMessage()).contains("mabcdefgh-9");
    }

    @Test
    void everyChangeIsAudited() throws Exception {
        requests.pipeInput("train", apply("r1", Specs.fleet("train")).build().toByteArray());
        var audits = decided().stream().filter(DecisionEvent::hasAudit).toList();
        assertThat(audits).singleElement().satisfies(event -> {
            assertThat(event.getAudit().getCaller()).isEqualTo("somebody");
            assertThat(event.getAudit().getRole()).isEqualTo("admin");
            assertThat(event.getAudit().getWhat()).isEqualTo("create");
            assertThat(event.getAudit().hasBefore()).isFalse();
        });
    }

    // Bad records.

    @Test
    void garbageGoesToTheDeadLettersAndTheLoopGoesOn() {
        // Given
        var random = new Random(7);
        var garbage = new byte[200];
        random.nextBytes(garbage);
        // When
        for (var input : List.of(requests, demand, reports)) {
            input.pipeInput("train", garbage);
            input.pipeInput("train", null);
            input.pipeInput("train", new byte[0]);
            input.pipeInput(new TestRecord<>(null, new byte[0]));
        }
        // Then
        var letters = deadLetters.readRecordsToList();
        assertThat(letters).hasSize(12);
        assertThat(letters).allSatisfy(letter -> {
            assertThat(header(letter, DeadLetters.REASON)).isNotBlank();
            assertThat(header(letter, DeadLetters.READER)).isEqualTo("planner");
        });
        assertThat(letters.get(0).value()).isEqualTo(garbage);
        assertThat(header(letters.get(0), DeadLetters.TOPIC)).isEqualTo(TOPICS.requests());
        assertThat(header(letters.get(1), DeadLetters.REASON)).isEqualTo("the value is null");
        assertThat(header(letters.get(3), DeadLetters.REASON)).contains("key is null");
        assertThat(ask(apply("r1", Specs.fleet("train"))).getCode()).isEqualTo(AnswerCode.ACCEPTED);
    }

    @Test
    void aCaseOfANewerReleaseIsADeadLetterThatSaysSo() {
        ask(apply("r1", Specs.fleet("train")));
        // Field 99 is what a newer watcher might send.
        var newer = DemandEvent.newBuilder().setFleet("train").setUnknownFields(com.google.protobuf.UnknownFieldSet.newBuilder()
                .addField(99, com.google.protobuf.UnknownFieldSet.Field.newBuilder().addVarint(1).build()).build()).build();
        demand.pipeInput("train", newer.toByteArray());
        reports.pipeInput("train", MachineReport.newBuilder().setFleet("train").build().toByteArray());
        assertThat(deadLetters.readRecordsToList()).hasSize(2).allSatisfy(letter ->
                assertThat(header(letter, DeadLetters.REASON)).contains("nothing that this release knows"));
    }

    @Test
    void aKeyThatIsNotTheFleetsIsADeadLetter() {
        requests.pipeInput("other", apply("r1", Specs.fleet("train")).build().toByteArray());
        assertThat(header(deadLetters.readRecord(), DeadLetters.REASON)).isEqualTo("the key names fleet 'other' and the value fleet 'train'");
    }

    @Test
    void whatIsAboutNobodysFleetIsPassedOver() {
        demand.pipeInput("nobody", look("nobody", 1).toByteArray());
        assertThat(deadLetters.isEmpty()).isTrue();
    }

    // State.

    @Test
    void aFleetIsKnownAgainAfterARestart() throws Exception {
        // Given
        ask(apply("r1", Specs.fleet("train")));
        demand.pipeInput("train", look("train", 1).toByteArray());
        driver.advanceWallClockTime(Duration.ofMillis(20));
        var stored = driver.<String, byte[]>getKeyValueStore(FleetStore.NAME);
        // When
        var loaded = new FleetStore(new StreamValues(stored)).load("train");
        // Then
        assertThat(loaded.record().getVersion()).isEqualTo(1);
        assertThat(loaded.answers().values()).extracting(RequestAnswered::getRequestId).containsExactly("r1");
        assertThat(loaded.fleet().demand().sequence()).isEqualTo(1);
    }

    @Test
    void planTellsHowFarItsInputsWereRead() throws Exception {
        ask(apply("r1", Specs.fleet("train")));
        demand.pipeInput("train", look("train", 1).toByteArray());
        beat();
        for (var made : decided().stream().filter(DecisionEvent::hasPlanMade).map(DecisionEvent::getPlanMade).toList()) {
            assertThat(made.getInputsList()).extracting(input -> input.getTopic()).containsExactlyElementsOf(TOPICS.inputs().stream().sorted().toList());
            assertThat(made.getSpecVersion()).isEqualTo(1);
            assertThat(made.getCoreVersion()).isEqualTo("test");
        }
    }

    @Test
    void nothingIsPlannedBeforeTheInputsAreRead() throws Exception {
        // Given
        positions.end = 5;
        stop();
        start();
        ask(apply("r1", Specs.fleet("train")));
        decided();
        // When
        beat();
        // Then
        assertThat(decided().stream().filter(event -> event.getPlan() > 0)).isEmpty();
    }

    @Test
    void aPlanThatTookLongIsNotMadeAgainUntilWhatWaitsIsRead() throws Exception {
        ask(apply("r1", Specs.fleet("train")));
        beat();
        decided();
        var planned = System.nanoTime();
        pace.planned(0, planned, planned + Duration.ofHours(1).toNanos());
        positions.behind = true;
        // When
        demand.pipeInput("train", look("train", 1).toByteArray());
        beat();
        // Then
        assertThat(decided()).isEmpty();
        // When
        positions.behind = false;
        beat();
        // Then it is planned once for all that was learned.
        assertThat(decided().stream().filter(DecisionEvent::hasPlanMade)).hasSize(1);
    }

    /** A commit can't be seen from outside: the processor runs in a context that tells of it. */
    @Test
    void whatSomebodyWaitsForIsCommittedAtTheNextBeatAndWhatNobodyWaitsForIsNot() {
        var store = Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore(FleetStore.NAME), Serdes.String(), Serdes.ByteArray())
                .withLoggingDisabled().withCachingDisabled().build();
        var context = new MockProcessorContext<byte[], byte[]>();
        store.init(context.getStateStoreContext(), store);
        context.addStateStore(store);
        var processor = new FleetProcessor(TOPICS, new FleetOwner(TOPICS, (fleet, now) -> new Plan(List.of(), Instant.MAX), Clock.fixed(START, ZoneOffset.UTC),
                "/test", () -> "test", metrics), positions, published, metrics, Duration.ofMillis(10), () -> new Pace(Duration.ofMillis(1)), new Trail(traces), progress);
        processor.init(context);
        var beat = context.scheduledPunctuators().get(0).getPunctuator();
        // When a request is answered
        context.setRecordMetadata(TOPICS.requests(), 0, 0);
        processor.process(record(apply("r1", Specs.fleet("train")).setFleet("train").build()));
        beat.punctuate(0);
        // Then
        assertThat(context.committed()).isTrue();
        // When the snapshot of the new fleet is out, and a machine is reported that nobody knows
        while (context.committed()) {
            context.resetCommit();
            var deadline = System.nanoTime() + Duration.ofMillis(2).toNanos();
            while (System.nanoTime() < deadline) {
                Thread.onSpinWait();
            }
            beat.punctuate(0);
        }
        context.setRecordMetadata(TOPICS.machineReports(), 0, 0);
        processor.process(record(inventory("train")));
        beat.punctuate(0);
        // Then
        assertThat(context.committed()).isFalse();
    }

    private static Record<byte[], byte[]> record(Message value) {
        return new Record<>("train".getBytes(UTF_8), value.toByteArray(), START.toEpochMilli());
    }

    @Test
    void aSnapshotIsWrittenWithTheFirstPlanAndThenOnceADay() throws Exception {
        ask(apply("r1", Specs.fleet("train")));
        beat();
        assertThat(snapshots()).singleElement().satisfies(snapshot -> {
            assertThat(snapshot.getCause()).isEqualTo(SnapshotCause.FLEET_CREATED);
            assertThat(snapshot.getStateVersion()).isEqualTo(StateVersions.CURRENT);
            assertThat(snapshot.getInputsList()).extracting(InputOffset::getNextOffset).containsExactly(0L, 0L, 1L);
            assertThat(StoredFleet.parseFrom(snapshot.getState()).getValuesList()).extracting(StoredValue::getKey).contains("head", "memory", "info");
        });
        wall = wall.plus(Duration.ofHours(23));
        beat();
        assertThat(snapshots()).isEmpty();
        wall = wall.plus(Duration.ofHours(1));
        beat();
        assertThat(snapshots()).singleElement().satisfies(snapshot -> assertThat(snapshot.getCause()).isEqualTo(SnapshotCause.DAY_PASSED));
    }

    @Test
    void aSnapshotLargerThanARecordComesInParts() throws Exception {
        // Given
        ask(apply("r1", Specs.fleet("train")));
        var record = FleetRecord.parseFrom(fleets.readValue());
        var machine = MachineRecord.newBuilder().setFleet("train").setPool("cpu").setOffer(Specs.offerKey("m5.large").setMarket(Market.ON_DEMAND))
                .setPhase(Phase.GONE).setEndedAt(Times.timestamp(wall)).setRequestedAt(Times.timestamp(wall)).setCauseDetail("x".repeat(4_000));
        var machines = java.util.stream.IntStream.range(0, 1_000).mapToObj(i -> machine.setMachineId("mabcdefgh-" + i).build()).toList();
        published = partition -> List.of(new PublishedFleets.PublishedFleet(record, machines, 7, wall, 1_000));
        stop();
        start();
        // When
        for (var i = 0; i < 5; i++) {
            beat();
        }
        // Then
        var parts = snapshots();
        assertThat(parts).hasSizeGreaterThan(8);
        assertThat(parts).extracting(FleetSnapshot::getPart).containsExactlyElementsOf(
                java.util.stream.IntStream.rangeClosed(1, parts.size()).boxed().toList());
        assertThat(parts).allSatisfy(part -> {
            assertThat(part.getParts()).isEqualTo(parts.size());
            assertThat(part.getSerializedSize()).isLessThan(dev.muster.contracts.KafkaSettings.MAX_RECORD_BYTES);
        });
        var whole = com.google.protobuf.ByteString.copyFrom(parts.stream().map(FleetSnapshot::getState).toList());
        assertThat(StoredFleet.parseFrom(whole).getValuesList()).hasSizeGreaterThan(1_000);
        beat();
        assertThat(snapshots()).isEmpty();
    }

    @Test
    void aStateOfANewerReleaseIsNotTouched() {
        ask(apply("r1", Specs.fleet("train")));
        var stored = driver.<String, byte[]>getKeyValueStore(FleetStore.NAME);
        stored.put(FleetStore.infoKey("train"), StateInfo.newBuilder().setVersion(StateVersions.CURRENT + 1).build().toByteArray());
        assertThatThrownBy(() -> new FleetStore(new StreamValues(stored)).load("train")).isInstanceOf(NewerStateException.class)
                .hasMessage("the state of fleet train is of version 2, and this release knows versions up to 1: start the release that wrote it, or a newer one");
    }

    @Test
    void aFleetWhoseStateWasLostGoesOnAndLaunchesNothingBeforeItsScopeIsListed() throws Exception {
        // Given a fleet with one machine,
        aWaitingTaskBecomesALaunch();
        var record = FleetRecord.parseFrom(fleets.readValuesToList().get(0));
        var machine = driver.<String, byte[]>getKeyValueStore(FleetStore.NAME).get(FleetStore.machineKey("train", "mabcdefgh-1"));
        var known = new PublishedFleets.PublishedFleet(record, List.of(MachineRecord.parseFrom(machine)), 7, wall, 2);
        // When its state is lost, and two tasks wait,
        published = partition -> List.of(known);
        stop();
        start();
        wall = wall.plusSeconds(1);
        demand.pipeInput("train", waiting("train", 2).toByteArray(), wall);
        beat();
        // Then nothing is launched, and the fleet says why.
        assertThat(commands.isEmpty()).isTrue();
        var events = decided();
        assertThat(events.get(0).getSnapshot().getCause()).isEqualTo(SnapshotCause.STATE_WAS_LOST);
        assertThat(events).filteredOn(event -> event.getPlan() > 0).allSatisfy(event -> assertThat(event.getPlan()).isEqualTo(8));
        var stored = new FleetStore(new StreamValues(driver.getKeyValueStore(FleetStore.NAME))).load("train");
        assertThat(stored.fleet().stateWasLost()).isTrue();
        assertThat(stored.fleet().active()).containsOnlyKeys("mabcdefgh-1");
        // And once the scope is listed it goes on, with ids that were never used.
        reports.pipeInput("train", inventory("train").toByteArray(), wall);
        demand.pipeInput("train", severalWait("train", 3, 3).toByteArray(), wall);
        beat();
        assertThat(Command.parseFrom(commands.readValue()).getLaunch().getMachineIdsList()).containsExactly("mabcdefgh-2", "mabcdefgh-3");
    }

    private List<FleetSnapshot> snapshots() throws Exception {
        return decided().stream().filter(DecisionEvent::hasSnapshot).map(DecisionEvent::getSnapshot).toList();
    }

    // Plans.

    @Test
    void aWaitingTaskBecomesALaunch() throws Exception {
        // Given
        ask(apply("r1", Specs.fleet("train")));
        reports.pipeInput("train", inventory("train").toByteArray(), wall);
        decided();
        // When
        demand.pipeInput("train", waiting("train", 1).toByteArray(), wall);
        beat();
        // Then
        var command = commands.readRecord();
        assertThat(command.key()).isEqualTo("aws/main/eu-west-1");
        assertThat(header(command, "ce_type")).isEqualTo("muster.v1.Command/launch");
        var launch = Command.parseFrom(command.value());
        assertThat(launch.getLaunch().getMachineIdsList()).containsExactly("mabcdefgh-1");
        assertThat(launch.getLaunch().getWorkerPrefix()).isEqualTo("lab-train:cpu:m5.large");
        assertThat(launch.getLaunch().getParameters().getBoot().getQueueIdsList()).containsExactly("q1");
        var machine = machines.readRecord();
        assertThat(machine.key()).isEqualTo("train/mabcdefgh-1");
        assertThat(MachineRecord.parseFrom(machine.value()).getCounted()).isTrue();
        var events = decided();
        assertThat(events).filteredOn(DecisionEvent::hasDecision).extracting(DecisionEvent::getDecisionId).contains(launch.getDecisionId());
        assertThat(events).filteredOn(DecisionEvent::hasPlanMade).last().satisfies(event ->
                assertThat(event.getPlanMade().getInputsList()).extracting(InputOffset::getNextOffset).containsExactly(1L, 1L, 1L));
    }

    @Test
    void theConsoleOfAMachineIsAskedForOnceItsCloudHasIt() throws Exception {
        // Given
        aWaitingTaskBecomesALaunch();
        var fetch = MachineRequest.newBuilder().setVerb(MachineVerb.FETCH_CONSOLE).addMachineIds("mabcdefgh-1").build();
        var early = ask(request("r2").setMachines(fetch));
        assertThat(early.getCode()).isEqualTo(AnswerCode.FAILED_PRECONDITION);
        assertThat(early.getMessage()).isEqualTo("No console yet: the cloud doesn't have mabcdefgh-1.");
        reports.pipeInput("train", MachineReport.newBuilder().setFleet("train").setScope("aws/main/eu-west-1").setMachine(MachineReported.newBuilder()
                .setMachineId("mabcdefgh-1").setPool("cpu").setCloudId("i-1").setBatchId("mabcdefgh-1").setState(CloudState.RUNNING_STATE)
                .setOffer(Specs.offerKey("m5.large").setZone("eu-west-1a").setMarket(Market.ON_DEMAND))).build().toByteArray(), wall);
        beat();
        assertThat(commands.isEmpty()).isTrue();
        // When
        assertThat(ask(request("r3").setMachines(fetch)).getCode()).isEqualTo(AnswerCode.ACCEPTED);
        beat();
        // Then
        var command = commands.readRecord();
        assertThat(command.key()).isEqualTo("aws/main/eu-west-1");
        assertThat(header(command, "ce_type")).isEqualTo("muster.v1.Command/fetch_console");
        assertThat(Command.parseFrom(command.value()).getFetchConsole()).isEqualTo(FetchConsole.newBuilder().setMachineId("mabcdefgh-1").setCloudId("i-1").build());
        beat();
        assertThat(commands.isEmpty()).isTrue();
    }

    @Test
    void aMachineOfAnotherAutoscalerIsTaggedAndThenOnTheBooks() throws Exception {
        // Given
        var apply = apply("r1", Specs.fleet("train").setWorkersPrefix("dynamic_worker"));
        apply.getApplyBuilder().setAdopt(AdoptMachines.getDefaultInstance());
        assertThat(ask(apply).getNotesList()).anySatisfy(note -> assertThat(note).contains("Machines of workers dynamic_worker:"));
        var look = DemandEvent.parseFrom(waiting("train", 1).toByteArray()).toBuilder();
        look.getDemandObservedBuilder().addWorkers(WorkerSeen.newBuilder().setWorker("dynamic_worker:CPU:m5.large:i-1").setTask("t0").addQueueIds("q1"));
        // When
        reports.pipeInput("train", inventory("train").toByteArray(), wall);
        demand.pipeInput("train", look.build().toByteArray(), wall);
        beat();
        // Then
        var asked = Command.parseFrom(commands.readValue());
        assertThat(asked.getAdopt()).isEqualTo(AdoptMachine.newBuilder().setMachineId("a-i-1").setCloudId("i-1").setPool("cpu").setOrdinal(1)
                .addOffers(Specs.offerKey("m5.large").setMarket(Market.ON_DEMAND)).build());
        assertThat(commands.isEmpty()).isTrue();
        // When
        var tagged = MachineReport.newBuilder().setFleet("train").setScope("aws/main/eu-west-1").setMachine(MachineReported.newBuilder().setMachineId("a-i-1")
                .setPool("cpu").setCloudId("i-1").setBatchId("a-i-1").setState(CloudState.RUNNING_STATE)
                .setOffer(Specs.offerKey("m5.large").setZone("eu-west-1a").setMarket(Market.ON_DEMAND)));
        reports.pipeInput("train", tagged.build().toByteArray(), wall);
        beat();
        // Then
        var record = MachineRecord.parseFrom(machines.readValuesToList().get(0));
        assertThat(record.getMachineId()).isEqualTo("a-i-1");
        assertThat(record.getAdopted()).isTrue();
        assertThat(record.getGuarded()).isFalse();
        assertThat(record.getPhase()).isEqualTo(Phase.READY);
        assertThat(record.getTasksList()).containsExactly("t0");
        // What waits is not its to take: it has a task. So a machine is launched for it, now that nothing is open.
        assertThat(Command.parseFrom(commands.readValue()).hasLaunch()).isTrue();
    }

    @Test
    void aPlanIsNotMadeAgainWhileNothingIsNew() throws Exception {
        aWaitingTaskBecomesALaunch();
        beat();
        beat();
        assertThat(commands.isEmpty()).isTrue();
        assertThat(decided()).isEmpty();
    }

    @Test
    void anErrorInOneFleetStopsNeitherTheOthersNorTheLoop() throws Exception {
        // Given
        planner = (fleet, now) -> {
            if (fleet.head().name().equals("train")) {
                throw new IllegalStateException("a bug");
            }
            return Planner.plan(fleet, now);
        };
        ask(apply("r1", Specs.fleet("train")));
        ask(apply("r2", Specs.fleet("other").setWorkersPrefix("other")));
        reports.pipeInput("other", inventory("other").toByteArray(), wall);
        // When
        demand.pipeInput("other", waiting("other", 1).toByteArray(), wall);
        demand.pipeInput("train", waiting("train", 1).toByteArray(), wall);
        beat();
        // Then
        assertThat(Command.parseFrom(commands.readValue()).getFleet()).isEqualTo("other");
        var refusals = decided().stream().filter(event -> event.getFleet().equals("train") && event.hasRefusal()).toList();
        assertThat(refusals).singleElement().satisfies(event -> {
            assertThat(event.getRefusal().getReason()).isEqualTo(Reason.PLANNER_FAILED);
            assertThat(event.getRefusal().getText()).contains("a bug");
        });
        // And it is told once, not at each try.
        demand.pipeInput("train", waiting("train", 2).toByteArray(), wall);
        beat();
        assertThat(decided()).filteredOn(DecisionEvent::hasRefusal).isEmpty();
        // And what was learned meanwhile is there once planning succeeds again.
        planner = Planner::plan;
        reports.pipeInput("train", inventory("train").toByteArray(), wall);
        beat();
        assertThat(Command.parseFrom(commands.readValue()).getFleet()).isEqualTo("train");
        assertThat(decided()).filteredOn(event -> event.hasRefusal() && event.getFleet().equals("train"))
                .anySatisfy(event -> assertThat(event.getRefusal().getText()).isEqualTo("The fleet is planned again."));
    }

    // Figures and traces.

    @Test
    void aFleetsFiguresAreShownForAsLongAsItIsPlannedHere() throws Exception {
        // Given a machine that was launched 1.5 s after its task had entered the queue
        var spec = Specs.fleet("train").setCurrency("EUR");
        spec.getPoolsBuilder(0).getOffersBuilder(0).setPriceMicrosPerHour(250_000);
        ask(apply("r1", spec));
        reports.pipeInput("train", inventory("train").toByteArray(), wall);
        var look = DemandEvent.parseFrom(waiting("train", 1).toByteArray()).toBuilder();
        look.getDemandObservedBuilder().getQueuesBuilder(0).setOldest(Times.timestamp(wall)).getFirstBuilder(0).setAdded(Times.timestamp(wall));
        var enqueued = wall;
        demand.pipeInput("train", look.build().toByteArray(), wall);
        beat();
        var accepted = MachineReport.newBuilder().setFleet("train").setScope("aws/main/eu-west-1").setLaunchAccepted(LaunchAccepted.newBuilder()
                .setBatchId("mabcdefgh-1").addMachines(MachineReported.newBuilder().setMachineId("mabcdefgh-1").setPool("cpu").setCloudId("i-1").setBatchId("mabcdefgh-1")
                        .setState(CloudState.RUNNING_STATE).setOffer(Specs.offerKey("m5.large").setZone("eu-west-1a").setMarket(Market.ON_DEMAND))));
        accepted.getSeenBuilder().setReadStartedAt(Times.timestamp(enqueued.plusMillis(1_500)));
        reports.pipeInput("train", accepted.build().toByteArray(), wall);
        beat();
        // When
        driver.advanceWallClockTime(Duration.ofSeconds(5));
        // Then
        assertThat(shown("muster_machines")).isEqualTo(Map.of("train cpu aws booting", 1.0));
        assertThat(shown("muster_pool_machines_limit")).isEqualTo(Map.of("train cpu", 10.0));
        assertThat(shown("muster_queue_waiting_tasks")).isEqualTo(Map.of("train default", 1.0));
        assertThat(shown("muster_spend_per_hour")).isEqualTo(Map.of("train cpu aws EUR", 0.25));
        assertThat(registry.get("muster_machines_launched_total").tag("pool", "cpu").counter().count()).isEqualTo(1);
        var reaction = registry.get("muster_launch_reaction").tags("fleet", "train", "blocked", "false").timer();
        assertThat(reaction.count()).isEqualTo(1);
        assertThat(reaction.totalTime(java.util.concurrent.TimeUnit.MILLISECONDS)).isEqualTo(1_500);
        // When time passes, it is paid for
        wall = wall.plus(Duration.ofHours(2));
        var spent = registry.get("muster_spent_total").tag("fleet", "train").counter();
        // Fleets are not shown again at once where showing them took long.
        for (var deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos(); spent.count() == 0 && System.nanoTime() < deadline;) {
            driver.advanceWallClockTime(Duration.ofSeconds(5));
        }
        assertThat(spent.count()).isCloseTo(0.5, within(0.01));
        // When another process has the partition
        driver.close();
        // Then
        assertThat(registry.getMeters()).filteredOn(meter -> meter.getId().getType() == Meter.Type.GAUGE && !meter.getId().getName().endsWith(".histogram")).extracting(meter -> meter.getId().getName())
                .containsExactlyInAnyOrder("muster_planner_fleets", "muster_planner_fleets_set_aside", "muster_input_lag_records", "muster_input_lag_records", "muster_input_lag_records");
        start();
    }

    private Map<String, Double> shown(String metric) {
        var names = Metrics.all().stream().filter(one -> one.name().equals(metric)).findFirst().orElseThrow().labels();
        return registry.find(metric).gauges().stream().collect(Collectors.toMap(
                gauge -> names.stream().map(gauge.getId()::getTag).collect(Collectors.joining(" ")), gauge -> gauge.value()));
    }

    @Test
    void aLaunchBelongsToTheLookThatItAnswersAndTheMachineToTheLaunch() throws Exception {
        // Given
        traces.on = true;
        ask(apply("r1", Specs.fleet("train")));
        reports.pipeInput("train", inventory("train").toByteArray(), wall);
        // When
        var headers = new org.apache.kafka.common.header.internals.RecordHeaders();
        headers.add("traceparent", "look".getBytes(java.nio.charset.StandardCharsets.UTF_8));
        demand.pipeInput(new TestRecord<>("train", waiting("train", 1).toByteArray(), headers, wall));
        beat();
        // Then
        assertThat(header(commands.readRecord(), "traceparent")).isEqualTo("look > plan");
        assertThat(header(machines.readRecord(), "traceparent")).isEqualTo("look > plan");
        assertThat(traces.told).containsExactly("look > plan");
        // When
        reports.pipeInput("train", MachineReport.newBuilder().setFleet("train").setScope("aws/main/eu-west-1").setMachine(MachineReported.newBuilder()
                .setMachineId("mabcdefgh-1").setPool("cpu").setCloudId("i-1").setBatchId("mabcdefgh-1").setState(CloudState.RUNNING_STATE)
                .setOffer(Specs.offerKey("m5.large").setZone("eu-west-1a").setMarket(Market.ON_DEMAND))).build().toByteArray(), wall);
        beat();
        var registered = DemandEvent.parseFrom(waiting("train", 2).toByteArray()).toBuilder();
        registered.getDemandObservedBuilder().addWorkers(WorkerSeen.newBuilder().setWorker("lab-train:cpu:m5.large:i-1").addQueueIds("q1"));
        demand.pipeInput("train", registered.build().toByteArray(), wall);
        beat();
        // Then
        assertThat(traces.told).containsSequence("look > plan > machine booting").last().isEqualTo("look > plan > machine booting");
    }

    @Test
    void withoutSomebodyWhoFollowsNoRecordSaysWhereItBelongs() {
        ask(apply("r1", Specs.fleet("train")));
        reports.pipeInput("train", inventory("train").toByteArray(), wall);
        demand.pipeInput("train", waiting("train", 1).toByteArray(), wall);
        beat();
        assertThat(commands.readRecord().headers().lastHeader("traceparent")).isNull();
    }

    private Message inventory(String fleet) {
        var report = MachineReport.newBuilder().setFleet(fleet).setScope("aws/main/eu-west-1").setInventory(InventoryReported.newBuilder()
                .setListStartedAt(Times.timestamp(wall)).setScopeState(ScopeState.LISTED_ALL));
        report.getSeenBuilder().setSource("p").setGeneration(1).setSequence(1).setReadStartedAt(Times.timestamp(wall));
        return report.build();
    }

    /** A look at one waiting task. */
    private Message waiting(String fleet, long sequence) {
        var look = DemandObserved.newBuilder().setTick(sequence).setFull(true).setInterval(Times.duration(Duration.ofSeconds(1)));
        look.addQueuesBuilder().setName("default").setId("q1").setState(QueueState.SERVED).setWaiting(1).addFirst(WaitingTask.newBuilder().setTask("t1"));
        var event = DemandEvent.newBuilder().setFleet(fleet).setDemandObserved(look);
        event.getSeenBuilder().setSource("w").setGeneration(1).setSequence(sequence).setReadStartedAt(Times.timestamp(wall));
        return event.build();
    }

    private Message severalWait(String fleet, long sequence, int tasks) {
        var look = DemandObserved.newBuilder().setTick(sequence).setFull(true).setInterval(Times.duration(Duration.ofSeconds(1)));
        var queue = look.addQueuesBuilder().setName("default").setId("q1").setState(QueueState.SERVED).setWaiting(tasks);
        for (var i = 0; i < tasks; i++) {
            queue.addFirst(WaitingTask.newBuilder().setTask("t" + i));
        }
        var event = DemandEvent.newBuilder().setFleet(fleet).setDemandObserved(look);
        event.getSeenBuilder().setSource("w").setGeneration(1).setSequence(sequence).setReadStartedAt(Times.timestamp(wall));
        return event.build();
    }

    private void beat() {
        wall = wall.plusMillis(20);
        driver.advanceWallClockTime(Duration.ofMillis(20));
    }

    private RequestAnswered ask(Request.Builder request) {
        try {
            requests.pipeInput(request.getFleet(), request.build().toByteArray(), wall);
            return decided().stream().filter(DecisionEvent::hasRequestAnswered).map(DecisionEvent::getRequestAnswered)
                    .filter(answer -> answer.getRequestId().equals(request.getRequestId())).reduce((a, b) -> b).orElseThrow();
        } catch (com.google.protobuf.InvalidProtocolBufferException unreadable) {
            throw new AssertionError(unreadable);
        }
    }

    private List<DecisionEvent> decided() throws com.google.protobuf.InvalidProtocolBufferException {
        var events = new java.util.ArrayList<DecisionEvent>();
        for (var value : decisions.readValuesToList()) {
            events.add(DecisionEvent.parseFrom(value));
        }
        return events;
    }

    private static Request.Builder request(String id) {
        return Request.newBuilder().setRequestId(id).setFleet("train").setCaller("somebody").setRole("admin").setFacts(Specs.FACTS);
    }

    private static Request.Builder apply(String id, FleetSpec.Builder spec) {
        return request(id).setFleet(spec.getName()).setApply(ApplyFleet.newBuilder().setSpec(spec).setNewIncarnation("abcdefgh"));
    }

    private static Request.Builder edit(String id, long version, String currency) {
        return request(id).setApply(ApplyFleet.newBuilder().setSpec(Specs.fleet("train").setCurrency(currency)).setNewIncarnation("abcdefgh")
                .setExpectedVersion(version));
    }

    private static Message look(String fleet, long sequence) {
        var event = DemandEvent.newBuilder().setFleet(fleet).setDemandObserved(DemandObserved.newBuilder().setTick(sequence).setFull(true));
        event.getSeenBuilder().setSource("w").setGeneration(1).setSequence(sequence).setReadStartedAt(Times.timestamp(START));
        return event.build();
    }

    private static String header(TestRecord<String, byte[]> record, String name) {
        return new String(record.headers().lastHeader(name).value(), UTF_8);
    }
}
