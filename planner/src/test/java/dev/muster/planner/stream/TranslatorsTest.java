package dev.muster.planner.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.contracts.Times;
import dev.muster.contracts.UnreadableRecordException;
import dev.muster.planner.core.Adoption;
import dev.muster.planner.core.CloudState;
import dev.muster.planner.core.Constraint;
import dev.muster.planner.core.Command;
import dev.muster.planner.core.Ending;
import dev.muster.planner.core.FailureKind;
import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.FleetEvent;
import dev.muster.planner.core.FleetHead;
import dev.muster.planner.core.FleetMemory;
import dev.muster.planner.core.Hold;
import dev.muster.planner.core.Ledger;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.Mark;
import dev.muster.planner.core.Market;
import dev.muster.planner.core.OfferKey;
import dev.muster.planner.core.Paid;
import dev.muster.planner.core.PaidKind;
import dev.muster.planner.core.Phase;
import dev.muster.planner.core.PlanRecord;
import dev.muster.planner.core.QueueSeen;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rescue;
import dev.muster.planner.core.TaskStatus;
import dev.muster.planner.core.Worker;
import dev.muster.planner.spec.Defaults;
import dev.muster.planner.spec.Specs;
import dev.muster.v1.AdoptMachine;
import dev.muster.v1.AdoptRefusal;
import dev.muster.v1.CommandAnswered;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.FetchConsole;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetState;
import dev.muster.v1.LaunchRefused;
import dev.muster.v1.MachineReport;
import dev.muster.v1.QueuePicture;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class TranslatorsTest {

    private static final Instant T = Instant.parse("2026-03-01T12:00:00.123456789Z");
    private static final OfferKey OFFER = new OfferKey("aws", "main", "eu-west-1", "eu-west-1a", "subnet-1", "m5.large", Market.SPOT);

    @Test
    void aMachineIsTheSameAfterItsRecord() {
        var fleet = Fleet.of(FleetTranslator.head(record()));
        for (var phase : Phase.values()) {
            var machine = machine(phase);
            assertThat(MachineTranslator.machine(MachineTranslator.record(fleet, machine))).isEqualTo(machine);
        }
    }

    @Test
    void aMachineOfWhichLittleIsKnownIsTheSameAfterItsRecord() {
        var machine = new Machine("mabcdefgh-1", "cpu", OFFER, "mabcdefgh-1", 0, "", Phase.REQUESTED, null, null, "", false, null, 0, Mark.NONE, null,
                CloudState.UNKNOWN, Ending.UNKNOWN, OptionalLong.empty(), "", "d", List.of(), T, T, null, null, null, null, null, null, null, null, 0, "", false, null,
                null, null);
        assertThat(MachineTranslator.machine(MachineTranslator.record(Fleet.of(FleetTranslator.head(record())), machine))).isEqualTo(machine);
    }

    private static Machine machine(Phase phase) {
        return new Machine("mabcdefgh-2", "cpu", OFFER, "mabcdefgh-1", 1, "i-1", phase, FailureKind.UNKNOWN, Reason.IDLE_TOO_LONG, "because", true,
                FleetEvent.MachinesAsked.Verb.TERMINATE, 7, Mark.DRAIN, Mark.NONE, CloudState.IMPAIRED, Ending.INTERRUPTED, OptionalLong.of(5),
                "mabcdefgh-0", "abcdefgh-3-1", List.of("q2", "q1"), T, T.plusSeconds(1), T.plusSeconds(2), T.plusSeconds(3), T.plusSeconds(4),
                T.plusSeconds(5), T.plusSeconds(6), T.plusSeconds(7), T.plusSeconds(8), T.plusSeconds(9), 3, "gpu", true,
                new Paid(T, OptionalLong.of(526_000), phase.isEnded() ? null : PaidKind.USEFUL, T.plusSeconds(5), 77, Duration.ofMillis(1), Duration.ofMillis(2),
                        Duration.ofMillis(3), Duration.ofMillis(4), List.of(new Paid.Share("t", "q1", "p", "u"))), T.plusSeconds(10), T.plusSeconds(11));
    }

    @Test
    void memoryIsTheSameAfterTheStore() {
        var refusal = new PlanRecord.Refused("d-1", "StayWithinLimits", Reason.AT_POOL_LIMIT, "cpu", "default", "a budget", 4, T, T.plusSeconds(1),
                new TreeMap<>(java.util.Map.of("uncovered", 4L)), new TreeMap<>(java.util.Map.of("how", "so")), List.of(new Constraint("StayWithinLimits", Reason.AT_POOL_LIMIT,
                        new TreeMap<>(java.util.Map.of("limit", 10L)), new TreeMap<>(java.util.Map.of("pool", "cpu")))));
        var adoptions = new ArrayList<>(List.of(new Adoption("i-1", "cpu", "aws/main/eu-west-1", "d-1", T, 2, T.plusSeconds(60), List.of("aws/main/us-east-1"), null, "")));
        for (var why : Adoption.Refusal.values()) {
            adoptions.add(new Adoption("i-" + why, "cpu", "aws/main/eu-west-1", "d-1", T, 1, null, List.of(), why, "is none"));
        }
        var memory = new FleetMemory(12, 34, T,
                new FleetMemory.DemandStatus("w", 5, 6, 7, Duration.ofMillis(1500), T, T.plusNanos(1), T.minusNanos(1), true, "why"),
                List.of(new FleetMemory.ScopeSeen("aws/main/eu-west-1", 1, 2, T, T, "", "other")),
                List.of(new Hold(Hold.Kind.CAPACITY, "x", T, T, 2, "m", "msg"), new Hold(Hold.Kind.CIRCUIT, "y", T, null, 1, "", "")),
                List.of(new Rescue("t", "q", "w", "m", TaskStatus.IN_PROGRESS, 1, 2, T, null), new Rescue("u", "q", "", "", TaskStatus.QUEUED, 1, 0, null, T)),
                List.of(refusal),
                List.of(new FleetEvent.TaskAdrift("t", "q", "w", TaskStatus.IN_PROGRESS, T, T)),
                List.of(new FleetEvent.MachineFacts("", "cpu", "i-9", "", 0, null, CloudState.RUNNING, Ending.UNKNOWN, T, null, "boot: broke")), T.plusSeconds(10),
                List.of(new FleetMemory.PriceKnown(OFFER, 157_000, T, "ec2:DescribeSpotPriceHistory", "-1 micro-units")), new TreeMap<>(java.util.Map.of("default", T)),
                new TreeMap<>(java.util.Map.of("dynamic_worker", T)), adoptions,
                List.of(new FleetMemory.TypeKnown("aws", "p3.2xlarge", 8, 62_464, 1, "V100", "x86_64", false)));
        assertThat(FleetTranslator.memory(FleetTranslator.memory(memory))).isEqualTo(memory);
    }

    @Test
    void theLedgerIsTheSameAfterTheStore() {
        var amounts = new Ledger.Amounts(Duration.ofMillis(1), Duration.ofMillis(2), Duration.ofMillis(3), Duration.ofMillis(4), 5);
        var book = new Ledger.Book(List.of(new Ledger.Spent(LocalDate.of(2026, 11, 23), "cpu", "default", 9)),
                List.of(new Ledger.Line(T, new Ledger.Payer("cpu", "default", "p", "u"), amounts)), T, T.plusSeconds(60), T.minusSeconds(1),
                List.of(1L, 0L, 2L), true);
        assertThat(LedgerTranslator.ledger(LedgerTranslator.ledger(book))).isEqualTo(book);
        assertThat(LedgerTranslator.ledger(LedgerTranslator.ledger(Ledger.Book.EMPTY))).isEqualTo(Ledger.Book.EMPTY);
    }

    @Test
    void memoryOfANewFleetIsTheSameAfterTheStore() {
        var memory = Fleet.of(FleetTranslator.head(record())).memory();
        assertThat(FleetTranslator.memory(FleetTranslator.memory(memory))).isEqualTo(memory);
    }

    @Test
    void queuesAndWorkersAreTheSameAfterTheStore() {
        for (var state : QueueSeen.State.values()) {
            var queue = new QueueSeen("default", "q1", state, "other", 3, T, List.of("t1", "t2"));
            assertThat(DemandTranslator.queue(DemandTranslator.queue(queue))).isEqualTo(queue);
        }
        var quiet = new QueueSeen("default", "q1", QueueSeen.State.SERVED, "", 0, null, List.of());
        assertThat(DemandTranslator.queue(DemandTranslator.queue(quiet))).isEqualTo(quiet);
        var worker = new Worker("p:cpu:m5.large:i-1", "u", "t", "pr", List.of("q1"), T, T.plusSeconds(9));
        assertThat(DemandTranslator.worker(DemandTranslator.worker(worker))).isEqualTo(worker);
    }

    @Test
    void everyWordOfTheCoreHasItsMessage() {
        for (var reason : Reason.values()) {
            assertThat(Words.reasonOrNull(Words.reason(reason))).isEqualTo(reason);
        }
        for (var state : CloudState.values()) {
            assertThat(Words.cloudState(Words.cloudState(state))).isEqualTo(state);
        }
        for (var ending : Ending.values()) {
            assertThat(Words.ending(Words.ending(ending))).isEqualTo(ending);
        }
        for (var status : TaskStatus.values()) {
            assertThat(Words.taskStatus(Words.taskStatus(status))).isEqualTo(status);
        }
        for (var mark : Mark.values()) {
            assertThat(Words.markOrNull(Words.mark(mark))).isEqualTo(mark);
        }
        for (var phase : Phase.values()) {
            assertThat(Words.phase(Words.phase(phase))).isEqualTo(phase);
        }
        for (var verb : FleetEvent.MachinesAsked.Verb.values()) {
            assertThat(Words.verbOrNull(Words.verb(verb))).isEqualTo(verb);
        }
    }

    @Test
    void aWordOfANewerSenderIsUnknown() throws UnreadableRecordException {
        var report = MachineReport.newBuilder().setLaunchRefused(LaunchRefused.newBuilder().setBatchId("b").setKindValue(77)).build();
        assertThat(MachineTranslator.event(report, T)).hasValueSatisfying(event ->
                assertThat(((FleetEvent.LaunchRefused) event).kind()).isEqualTo(FailureKind.UNKNOWN));
        assertThat(DemandTranslator.queue(QueuePicture.newBuilder().setName("q").setStateValue(9).build()).state()).isEqualTo(QueueSeen.State.MISSING);
    }

    @Test
    void aCaseOfANewerSenderCannotBeRead() {
        assertThatThrownBy(() -> DemandTranslator.event(DemandEvent.newBuilder().setFleet("f").build(), T))
                .isInstanceOf(UnreadableRecordException.class).hasMessageContaining("nothing that this release knows");
        assertThatThrownBy(() -> MachineTranslator.event(MachineReport.newBuilder().setFleet("f").build(), T))
                .isInstanceOf(UnreadableRecordException.class).hasMessageContaining("nothing that this release knows");
    }

    @Test
    void aLaunchCarriesAllThatTheSpecSays() {
        // Given
        var spec = Specs.fleet("train");
        spec.getPoolsBuilder(0).setSlots(2).getLaunchBuilder().setImage("ami-1").putTags("team", "ml");
        var record = record().toBuilder().setSpec(Defaults.fill(spec.build(), "lab")).build();
        var launch = new Command.Launch("mabcdefgh-1", List.of("mabcdefgh-1", "mabcdefgh-2"), "cpu", OFFER, 42, T.plusSeconds(60), List.of("q1", "q2"), "train", "q1", "");
        // When
        var message = CommandTranslator.command(launch, record, "c-1", "d-1", T);
        // Then
        assertThat(message.getScope()).isEqualTo("aws/main/eu-west-1");
        assertThat(message.getCommandId()).isEqualTo("c-1");
        assertThat(message.getDecisionId()).isEqualTo("d-1");
        assertThat(message.getIssuedAt()).isEqualTo(Times.timestamp(T));
        var body = message.getLaunch();
        assertThat(body.getWorkerPrefix()).isEqualTo("lab-train:cpu:m5.large");
        assertThat(body.getMachineIdsList()).containsExactly("mabcdefgh-1", "mabcdefgh-2");
        assertThat(body.getMaxPriceMicrosPerHour()).isEqualTo(42);
        assertThat(body.getParameters().getImage()).isEqualTo("ami-1");
        assertThat(body.getParameters().getTagsMap()).containsEntry("team", "ml");
        assertThat(body.getParameters().getBoot().getQueueIdsList()).containsExactly("q1", "q2");
        assertThat(body.getParameters().getBoot().getAgents()).isEqualTo(2);
        assertThat(body.getParameters().getBoot().getConnection()).isEqualTo("default");
        assertThat(body.getParameters().getBoot().hasHardAge()).isFalse();
    }

    @Test
    void aMachineEndsItselfAtTwiceTheAgeAtWhichItIsRetiredAndNoSoonerThanAnHourAfter() {
        assertThat(hardAge(Duration.ofDays(7))).isEqualTo(Duration.ofDays(14));
        assertThat(hardAge(Duration.ofMinutes(30))).isEqualTo(Duration.ofMinutes(90));
    }

    private static Duration hardAge(Duration maxAge) {
        var spec = Specs.fleet("train");
        // What a spec says of it is passed over.
        spec.getPoolsBuilder(0).setMaxAge(Times.duration(maxAge)).getLaunchBuilder().getBootBuilder().setHardAge(Times.duration(Duration.ofSeconds(1)));
        var record = record().toBuilder().setSpec(Defaults.fill(spec.build(), "lab")).build();
        var launch = new Command.Launch("mabcdefgh-1", List.of("mabcdefgh-1"), "cpu", OFFER, 42, null, List.of("q1"), "train", "q1", "t");
        return Times.duration(CommandTranslator.command(launch, record, "c-1", "d-1", T).getLaunch().getParameters().getBoot().getHardAge());
    }

    @Test
    void anAdoptionSaysWhatTheMachineMayBe() {
        var message = CommandTranslator.command(new Command.Adopt("aws/main/eu-west-1", "a-i-1", "i-1", "cpu", List.of(OFFER), 2), record(), "c", "d", T);
        assertThat(message.getScope()).isEqualTo("aws/main/eu-west-1");
        assertThat(message.getAdopt()).isEqualTo(AdoptMachine.newBuilder().setMachineId("a-i-1").setCloudId("i-1").setPool("cpu").addOffers(Words.offer(OFFER))
                .setOrdinal(2).build());
    }

    @Test
    void aConsoleIsFetchedByTheCloudsNameOfTheMachine() {
        var message = CommandTranslator.command(new Command.FetchConsole("aws/main/eu-west-1", "mabcdefgh-1", "i-1", 2), record(), "c", "d", T);
        assertThat(message.getScope()).isEqualTo("aws/main/eu-west-1");
        assertThat(message.getFetchConsole()).isEqualTo(FetchConsole.newBuilder().setMachineId("mabcdefgh-1").setCloudId("i-1").setOrdinal(2).build());
    }

    @Test
    void aRefusedAdoptionSaysWhy() throws Exception {
        var answer = CommandAnswered.newBuilder().setMachineId("a-i-1").setOrdinal(2).setVerb("adopt").setMessage("is of fleet other");
        assertThat(MachineTranslator.event(MachineReport.newBuilder().setCommandAnswered(answer.setAdoptRefusal(AdoptRefusal.OF_ANOTHER)).build(), T))
                .contains(new FleetEvent.AdoptionRefused(T, "a-i-1", 2, Adoption.Refusal.OF_ANOTHER, "is of fleet other"));
        answer.clearAdoptRefusal().setKind(dev.muster.v1.FailureKind.UNAUTHORIZED).setCode("UnauthorizedOperation").setMessage("no CreateTags");
        assertThat(MachineTranslator.event(MachineReport.newBuilder().setCommandAnswered(answer).build(), T))
                .contains(new FleetEvent.AdoptionRefused(T, "a-i-1", 2, Adoption.Refusal.BY_CLOUD, "UnauthorizedOperation: no CreateTags"));
    }

    @Test
    void aRescueGoesToTheFleetsConnection() {
        var message = CommandTranslator.command(new Command.Rescue("t", "q", "m", "w", TaskStatus.IN_PROGRESS, 1, "line", "OOMKilled", "exit 137"), record(), "c", "d", T);
        assertThat(message.getConnection()).isEqualTo("default");
        assertThat(message.getRescue().getOptOutTag()).isEqualTo("muster-no-rescue");
    }

    @Test
    void aFleetsHeadSaysWhatItsRecordSays() {
        var head = FleetTranslator.head(record());
        assertThat(head.state()).isEqualTo(FleetHead.State.ACTIVE);
        assertThat(head.spec().workersPrefix()).isEqualTo("lab-train");
        assertThat(head.spec().pools().get(0).idleTimeout()).isEqualTo(Duration.ofMinutes(15));
        assertThat(head.spec().limits().max()).isEqualTo(Integer.MAX_VALUE);
    }

    private static FleetRecord record() {
        return FleetRecord.newBuilder().setFleet("train").setIncarnation("abcdefgh").setVersion(1).setState(FleetState.ACTIVE)
                .setSpec(Defaults.fill(Specs.fleet("train").build(), "lab")).setCreatedAt(Times.timestamp(T)).build();
    }
}
