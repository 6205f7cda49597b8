package dev.muster.planner.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.util.Timestamps;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import dev.muster.contracts.DeadLetters;
import dev.muster.contracts.FleetYaml;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.TopicTable;
import dev.muster.v1.AdoptMachinesRequest;
import dev.muster.v1.ApplyFleetRequest;
import dev.muster.v1.BudgetAction;
import dev.muster.v1.BudgetPeriod;
import dev.muster.v1.BudgetSpec;
import dev.muster.v1.CloudState;
import dev.muster.v1.Command;
import dev.muster.v1.ConsoleReported;
import dev.muster.v1.DecisionsGrpc;
import dev.muster.v1.DeleteFleetRequest;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.DemandObserved;
import dev.muster.v1.ExplainRequest;
import dev.muster.v1.FetchConsole;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.FleetState;
import dev.muster.v1.FleetsGrpc;
import dev.muster.v1.GetConsoleRequest;
import dev.muster.v1.GetFleetRequest;
import dev.muster.v1.InstallationGrpc;
import dev.muster.v1.InventoryReported;
import dev.muster.v1.Limits;
import dev.muster.v1.ListDecisionsRequest;
import dev.muster.v1.ListFleetsRequest;
import dev.muster.v1.ListLogLevelsRequest;
import dev.muster.v1.ListMachinesRequest;
import dev.muster.v1.ListQueuesRequest;
import dev.muster.v1.ListSecretsRequest;
import dev.muster.v1.MachineChange;
import dev.muster.v1.MachineNameRequest;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.MachineReport;
import dev.muster.v1.MachineReported;
import dev.muster.v1.MachinesGrpc;
import dev.muster.v1.NotificationOutcome;
import dev.muster.v1.NotificationSpec;
import dev.muster.v1.Observation;
import dev.muster.v1.OfferKey;
import dev.muster.v1.OfferSpec;
import dev.muster.v1.PauseFleetRequest;
import dev.muster.v1.Phase;
import dev.muster.v1.PoolSpec;
import dev.muster.v1.QueuePicture;
import dev.muster.v1.QueueSpec;
import dev.muster.v1.QueueState;
import dev.muster.v1.QueuesGrpc;
import dev.muster.v1.Reason;
import dev.muster.v1.ReleaseIdleRequest;
import dev.muster.v1.RestoreLedgerRequest;
import dev.muster.v1.ScopeState;
import dev.muster.v1.SecretView;
import dev.muster.v1.SetLogLevelRequest;
import dev.muster.v1.TestNotificationsRequest;
import dev.muster.v1.WaitingTask;
import dev.muster.v1.WatchMachinesRequest;
import grpc.health.v1.HealthGrpc;
import grpc.health.v1.HealthOuterClass.HealthCheckRequest;
import grpc.health.v1.HealthOuterClass.HealthCheckResponse;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The whole planner behind its API, on a real broker. */
@QuarkusTest
@QuarkusTestResource(BrokerResource.class)
class ControlApiTest {

    @TestHTTPResource("/")
    URI http;

    @ConfigProperty(name = "muster.kafka.bootstrap-servers")
    String brokers;

    private ManagedChannel channel;
    private FleetsGrpc.FleetsBlockingStub fleets;

    @BeforeEach
    void connect() throws Exception {
        channel = ManagedChannelBuilder.forAddress(http.getHost(), http.getPort()).usePlaintext().build();
        fleets = FleetsGrpc.newBlockingStub(channel).withDeadlineAfter(60, TimeUnit.SECONDS);
        await("the planner is ready", () -> get("/q/health/ready") == 200);
    }

    @AfterEach
    void disconnect() {
        channel.shutdownNow();
    }

    @Test
    void appliesShowsPausesAndDeletesAFleet() throws Exception {
        // Given
        var created = fleets.applyFleet(apply(spec("whole")).build());
        assertThat(created.getVersion()).isEqualTo(1);
        assertThat(created.getSpec().getWorkersPrefix()).isEqualTo("lab-whole");
        // Then
        await("it is shown", () -> fleets.listFleets(ListFleetsRequest.getDefaultInstance()).getFleetsList().stream()
                .anyMatch(view -> view.getRecord().equals(created)));
        var queues = QueuesGrpc.newBlockingStub(channel).listQueues(ListQueuesRequest.newBuilder().setFleet("whole").build());
        assertThat(queues.getQueuesList()).singleElement().satisfies(queue -> {
            assertThat(queue.getName()).isEqualTo("whole-queue");
            assertThat(queue.getProblem()).isEqualTo("not seen yet");
        });
        var paused = fleets.pauseFleet(PauseFleetRequest.newBuilder().setName("whole").build());
        assertThat(paused.getState()).isEqualTo(FleetState.PAUSED);
        var resumed = fleets.resumeFleet(PauseFleetRequest.newBuilder().setName("whole").build());
        assertThat(resumed.getState()).isEqualTo(FleetState.ACTIVE);
        var decisions = DecisionsGrpc.newBlockingStub(channel);
        await("three changes are audited", () -> decisions.listDecisions(ListDecisionsRequest.newBuilder().setFleet("whole").build())
                .getDecisionsList().stream().filter(event -> event.hasAudit()).count() == 3);
        var why = decisions.explain(ExplainRequest.newBuilder().setFleet("whole").setQueue("whole-queue").build());
        assertThat(why.getSummary()).startsWith("0 tasks wait in whole-queue");
        var deleting = fleets.deleteFleet(DeleteFleetRequest.newBuilder().setName("whole").build());
        assertThat(deleting.getState()).isIn(FleetState.DELETING, FleetState.DELETED);
    }

    @Test
    void aWaitingTaskIsToldWhatKeepsItWaiting() throws Exception {
        fleets.applyFleet(apply(spec("asked")).build());
        var picture = QueuePicture.newBuilder().setId("q1").setName("asked-queue").setState(QueueState.SERVED).setWaiting(2)
                .addFirst(WaitingTask.newBuilder().setTask("first-task")).addFirst(WaitingTask.newBuilder().setTask("second-task"));
        var now = Timestamps.fromMillis(System.currentTimeMillis());
        var look = DemandEvent.newBuilder().setFleet("asked")
                .setSeen(Observation.newBuilder().setSource("w").setGeneration(1).setSequence(1).setReadStartedAt(now).setPart(1).setParts(1))
                .setDemandObserved(DemandObserved.newBuilder().setTick(1).setFull(true).addQueues(picture));
        try (var producer = new KafkaProducer<>(Map.<String, Object>of("bootstrap.servers", brokers), new StringSerializer(), new ByteArraySerializer())) {
            producer.send(new ProducerRecord<>("muster.demand", "asked", look.build().toByteArray())).get();
        }
        var decisions = DecisionsGrpc.newBlockingStub(channel);
        await("the task is known and its reason written", () -> {
            try {
                return decisions.explain(ExplainRequest.newBuilder().setTaskId("second-task").build()).getBinding().getReason() == Reason.SCOPE_UNKNOWN;
            } catch (StatusRuntimeException notYet) {
                return false;
            }
        });
        var why = decisions.explain(ExplainRequest.newBuilder().setTaskId("second-task").build());
        assertThat(why.getSummary()).startsWith("Task second-task is number 2 of 2 in asked-queue, and waits because of SCOPE_UNKNOWN");
        assertThat(why.getBinding().getUnblockedBy()).contains("its first complete list");
        assertThatThrownBy(() -> decisions.explain(ExplainRequest.newBuilder().setTaskId("nobody").build())).hasMessageContaining("No task 'nobody'");
    }

    @Test
    void refusesABadSpecWithAllThatIsWrong() {
        var bad = spec("bad").setWorkersPrefix("a:b");
        bad.getQueuesBuilder(0).clearPools().addPools("nowhere");
        bad.getPoolsBuilder(0).setLimits(Limits.newBuilder().setMin(2).setMax(1));
        assertThatThrownBy(() -> fleets.applyFleet(apply(bad).build())).isInstanceOfSatisfying(StatusRuntimeException.class, refused -> {
            assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
            var status = StatusProto.fromThrowable(refused);
            assertThat(detail(status, BadRequest.class).getFieldViolationsList()).extracting(BadRequest.FieldViolation::getField)
                    .containsExactly("workersPrefix", "queues.bad-queue.pools[0]", "pools.cpu.max");
            assertThat(detail(status, ErrorInfo.class).getReason()).isEqualTo("INVALID_ARGUMENT");
        });
        assertThatThrownBy(() -> fleets.getFleet(GetFleetRequest.newBuilder().setName("bad").build()))
                .isInstanceOfSatisfying(StatusRuntimeException.class, refused -> assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.NOT_FOUND));
    }

    @Test
    void answersNotesAndTakesAPersonsWordForMoneyAndIdleMachines() throws Exception {
        // Given
        var spec = spec("spending").setCurrency("USD").addBudgets(BudgetSpec.newBuilder().setPeriod(BudgetPeriod.PER_DAY).setHardMicros(300_000_000)
                .setHardAction(BudgetAction.STOP_LAUNCHING));
        spec.getPoolsBuilder(0).getOffersBuilder(0).setPriceMicrosPerHour(100_000);
        // When
        var created = fleets.applyFleet(apply(spec).build());
        // Then
        assertThat(created.getNotesList()).hasSize(2);
        assertThat(created.getNotes(0)).startsWith("onLimit: stop-launching (budgets.day) does not bound spending");
        assertThat(created.getNotes(1)).startsWith("pools.cpu: disks are not counted");
        await("it is shown", () -> fleets.listFleets(ListFleetsRequest.getDefaultInstance()).getFleetsList().stream()
                .anyMatch(view -> view.getRecord().equals(created.toBuilder().clearNotes().build())));
        assertThat(fleets.restoreLedger(RestoreLedgerRequest.newBuilder().setName("spending").setDayMicros(1).setMonthMicros(2).build()).getVersion()).isEqualTo(1);
        assertThatThrownBy(() -> fleets.restoreLedger(RestoreLedgerRequest.newBuilder().setName("spending").setDayMicros(3).setMonthMicros(2).build()))
                .hasMessageContaining("monthMicros is 2, less than the day's");
        assertThat(fleets.releaseIdle(ReleaseIdleRequest.newBuilder().setName("spending").build()).getFleet()).isEqualTo("spending");
        assertThatThrownBy(() -> fleets.releaseIdle(ReleaseIdleRequest.newBuilder().setName("spending").setPool("gpu").build()))
                .hasMessageContaining("'gpu' is no pool of fleet spending");
        assertThatThrownBy(() -> MachinesGrpc.newBlockingStub(channel).protectMachine(MachineNameRequest.newBuilder().setMachineId("m-1").build()))
                .hasMessageContaining("There is no machine 'm-1'");
    }

    @Test
    void adoptsMachinesInTheStepThatAppliesTheFleetAndLater() throws Exception {
        // When
        var created = fleets.applyFleet(apply(spec("moving")).setAdoptPrefix("").build());
        // Then
        assertThat(created.getNotesList()).anySatisfy(note ->
                assertThat(note).startsWith("Machines of workers lab-moving:<pool>:<type>:<cloud id> are adopted as ClearML shows them, until "));
        assertThat(fleets.applyFleet(apply(spec("moving")).setAdoptPrefix("dynamic_worker").build()).getNotesList())
                .anySatisfy(note -> assertThat(note).startsWith("Machines of workers dynamic_worker:"));
        assertThat(fleets.adoptMachines(AdoptMachinesRequest.newBuilder().setName("moving").build()).getNotes(0)).startsWith("Machines of workers lab-moving:");
        assertThatThrownBy(() -> fleets.adoptMachines(AdoptMachinesRequest.newBuilder().setName("moving").setWorkerPrefix("a:b").build()))
                .hasMessageContaining("'a:b' begins no worker id that tells its machine");
        assertThatThrownBy(() -> fleets.applyFleet(apply(spec("moving")).setAdoptPrefix("a/b").build())).hasMessageContaining("'a/b' begins no worker id");
        assertThatThrownBy(() -> fleets.adoptMachines(AdoptMachinesRequest.newBuilder().setName("nobody").build()))
                .hasMessageContaining("There is no fleet nobody");
        var decisions = DecisionsGrpc.newBlockingStub(channel);
        await("each is audited", () -> decisions.listDecisions(ListDecisionsRequest.newBuilder().setFleet("moving").build()).getDecisionsList().stream()
                .filter(event -> event.hasAudit()).map(event -> event.getAudit().getWhat()).toList()
                .containsAll(List.of("create; adopt machines of workers lab-moving", "adopt machines of workers dynamic_worker",
                        "adopt machines of workers lab-moving")));
    }

    @Test
    void takesTheSpecThatOpensThePageOfSpecs() throws Exception {
        var page = Files.readString(Path.of("../docs/fleet-spec.md"));
        var spec = FleetYaml.read(page.substring(page.indexOf("```yaml\n") + 8, page.indexOf("```\n", page.indexOf("```yaml\n") + 8)));
        assertThat(fleets.validateFleet(ApplyFleetRequest.newBuilder().setSpec(spec).build()).getNotesList()).isEmpty();
        assertThat(fleets.applyFleet(ApplyFleetRequest.newBuilder().setSpec(spec.toBuilder().setName("opening")).build()).getVersion()).isEqualTo(1);
    }

    @Test
    void validatingChangesNothing() {
        assertThat(fleets.validateFleet(apply(spec("judged")).build()).getSpec().getConnection()).isEqualTo("default");
        assertThatThrownBy(() -> fleets.pauseFleet(PauseFleetRequest.newBuilder().setName("judged").build()))
                .isInstanceOfSatisfying(StatusRuntimeException.class, refused -> assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.NOT_FOUND));
    }

    @Test
    void aTakenWorkersPrefixIsRefused() throws Exception {
        fleets.applyFleet(apply(spec("first").setWorkersPrefix("shared")).build());
        await("it is shown", () -> fleets.listFleets(ListFleetsRequest.getDefaultInstance()).getFleetsList().stream()
                .anyMatch(view -> view.getRecord().getFleet().equals("first")));
        assertThatThrownBy(() -> fleets.applyFleet(apply(spec("second").setWorkersPrefix("shared")).build()))
                .hasMessageContaining("'shared' is taken by fleet first");
    }

    @Test
    void ofTwoEditsOfOneVersionOneWins() throws Exception {
        // Given
        fleets.applyFleet(apply(spec("raced")).build());
        var both = Executors.newFixedThreadPool(2);
        // When
        var outcomes = new ArrayList<Status.Code>();
        try {
            var edits = List.<Callable<Status.Code>>of(() -> edit("EUR"), () -> edit("GBP"));
            for (var edit : both.invokeAll(edits)) {
                outcomes.add(edit.get());
            }
        } finally {
            both.shutdownNow();
        }
        // Then
        assertThat(outcomes).containsExactlyInAnyOrder(Status.Code.OK, Status.Code.ABORTED);
    }

    private Status.Code edit(String currency) {
        try {
            fleets.applyFleet(apply(spec("raced").setCurrency(currency)).setExpectedVersion(1).build());
            return Status.Code.OK;
        } catch (StatusRuntimeException refused) {
            return refused.getStatus().getCode();
        }
    }

    @Test
    void aRepeatedRequestHasNoFurtherEffect() {
        fleets.applyFleet(apply(spec("repeated")).setRequestId("once").build());
        fleets.pauseFleet(PauseFleetRequest.newBuilder().setName("repeated").setRequestId("twice").build());
        fleets.resumeFleet(PauseFleetRequest.newBuilder().setName("repeated").build());
        var again = fleets.pauseFleet(PauseFleetRequest.newBuilder().setName("repeated").setRequestId("twice").build());
        assertThat(again.getState()).isEqualTo(FleetState.ACTIVE);
        assertThat(again.getVersion()).isEqualTo(3);
    }

    @Test
    void garbageStopsNothing() throws Exception {
        try (var producer = new KafkaProducer<>(Map.<String, Object>of("bootstrap.servers", brokers), new ByteArraySerializer(), new ByteArraySerializer())) {
            for (var topic : List.of("requests", "demand", "machine-reports", "fleets", "machines", "consoles", "decisions", "services")) {
                producer.send(new ProducerRecord<>("muster." + topic, "x".getBytes(), new byte[] {(byte) 0xff, 1, 2, 3})).get();
            }
        }
        assertThat(fleets.applyFleet(apply(spec("unharmed")).build()).getVersion()).isEqualTo(1);
        assertThat(get("/q/health/ready")).isEqualTo(200);
    }

    @Test
    void aLevelOfALogIsSetForAWhileShownAndTakenBack() throws Exception {
        var installation = InstallationGrpc.newBlockingStub(channel).withDeadlineAfter(60, TimeUnit.SECONDS);
        var category = java.util.logging.Logger.getLogger("dev.muster.planner.test");
        var request = SetLogLevelRequest.newBuilder().setService("planner").setCategory("dev.muster.planner.test").setLevel("DEBUG");

        var set = installation.setLogLevel(request.build());

        assertThat(set.getUntil().getSeconds()).isBetween(Instant.now().getEpochSecond() + 3500, Instant.now().getEpochSecond() + 3600);
        assertThat(installation.listLogLevels(ListLogLevelsRequest.getDefaultInstance()).getLevelsList()).contains(set);
        await("this process follows", () -> java.util.logging.Level.FINE.equals(category.getLevel()));

        installation.setLogLevel(request.setLevel("").build());
        assertThat(installation.listLogLevels(ListLogLevelsRequest.getDefaultInstance()).getLevelsList()).doesNotContain(set);
        await("it is as configured", () -> category.getLevel() == null);

        installation.setLogLevel(request.setLevel("WARN").setLasts(com.google.protobuf.Duration.newBuilder().setSeconds(1)).build());
        await("it is over", () -> installation.listLogLevels(ListLogLevelsRequest.getDefaultInstance()).getLevelsList().isEmpty() && category.getLevel() == null);
    }

    @Test
    void whatMayNotBeSetIsSaidWithItsFields() {
        var installation = InstallationGrpc.newBlockingStub(channel).withDeadlineAfter(60, TimeUnit.SECONDS);
        var wrong = SetLogLevelRequest.newBuilder().setService("cli").setCategory("software.amazon.awssdk.request").setLevel("DEBUG")
                .setLasts(com.google.protobuf.Duration.newBuilder().setSeconds(86_401)).build();
        assertThatThrownBy(() -> installation.setLogLevel(wrong)).isInstanceOfSatisfying(StatusRuntimeException.class, refused -> {
            assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
            assertThat(refused.getStatus().getDescription()).isEqualTo("""
                    The level can't be set.
                    service 'cli' is none; use one of planner, queue-watcher, aws-provisioner, gcp-provisioner, k8s-provisioner
                    category 'software.amazon.awssdk.request' can't be set to DEBUG: it would write requests with their keys into the log. What is below dev.muster, \
                    org.apache.kafka.clients, org.apache.kafka.streams can; or leave level empty for what is configured
                    lasts is 86401 s; use more than 0 s and at most a day, or leave it out for an hour""");
        });
    }

    @Test
    void anAddressOfAWebhookIsRefusedAndWrittenNowhere() throws Exception {
        var spec = spec("leaky").addNotifications(NotificationSpec.newBuilder().setWebhookSecret("https://hooks.example.org/services/planted-webhook"));
        assertThatThrownBy(() -> fleets.applyFleet(ApplyFleetRequest.newBuilder().setSpec(spec).build())).isInstanceOfSatisfying(StatusRuntimeException.class, refused -> {
            assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
            assertThat(refused.toString()).doesNotContain("planted-webhook");
        });
        fleets.applyFleet(apply(spec("later")).build());
        var requests = new ArrayList<String>();
        try (var table = new TopicTable(KafkaSettings.consumer(brokers), List.of("muster.requests"), record -> requests.add(new String(record.value(), java.nio.charset.StandardCharsets.ISO_8859_1)))) {
            await("the later one is there", () -> requests.stream().anyMatch(each -> each.contains("later")));
            assertThat(requests).noneMatch(each -> each.contains("planted-webhook"));
        }
    }

    @Test
    void webhooksAreTestedAndSecretsShown() throws Exception {
        var installation = InstallationGrpc.newBlockingStub(channel).withDeadlineAfter(60, TimeUnit.SECONDS);
        var told = TestNotificationsRequest.newBuilder().setFleet("told").build();
        assertThatThrownBy(() -> installation.testNotifications(told)).hasMessageContaining("There is no fleet 'told'");
        fleets.applyFleet(apply(spec("told")).build());
        assertThatThrownBy(() -> installation.testNotifications(told)).hasMessageContaining("Fleet told has no notifications");
        fleets.applyFleet(ApplyFleetRequest.newBuilder().setSpec(spec("told").addNotifications(NotificationSpec.newBuilder().setWebhookSecret("no-such-hook"))).build());

        assertThat(installation.testNotifications(told).getOutcomesList()).containsExactly(NotificationOutcome.newBuilder().setSecret("no-such-hook")
                .setDetail("the planner's secrets folder has no file no-such-hook").build());
        await("it is shown as missing", () -> installation.listSecrets(ListSecretsRequest.getDefaultInstance()).getSecretsList()
                .contains(SecretView.newBuilder().setName("no-such-hook").addFleets("told").setMissing(true).build()));
    }

    /** As the planner and a provisioner write them. */
    private void write(String topic, String key, byte[] value, Instant at) throws Exception {
        try (var producer = new KafkaProducer<>(Map.<String, Object>of("bootstrap.servers", brokers), new StringSerializer(), new ByteArraySerializer())) {
            producer.send(new ProducerRecord<>("muster." + topic, null, at.toEpochMilli(), key, value)).get();
        }
    }

    private void machineIs(String id, Phase phase, Instant endedAt) throws Exception {
        var machine = MachineRecord.newBuilder().setMachineId(id).setFleet("consoles").setPool("gpu").setCloudId("i-" + id).setPhase(phase);
        if (endedAt != null) {
            machine.setEndedAt(Timestamps.fromMillis(endedAt.toEpochMilli()));
        }
        write("machines", "consoles/" + id, machine.build().toByteArray(), Instant.now());
        await(id + " is shown", () -> MachinesGrpc.newBlockingStub(channel).listMachines(ListMachinesRequest.newBuilder().setEndedToo(true).build())
                .getMachinesList().stream().anyMatch(shown -> shown.equals(machine.build())));
    }

    private ConsoleReported console(String id) {
        return MachinesGrpc.newBlockingStub(channel).withDeadlineAfter(30, TimeUnit.SECONDS).getConsole(GetConsoleRequest.newBuilder().setMachineId(id).build());
    }

    private void assertNoConsole(String id, Status.Code code, String because) {
        assertThatThrownBy(() -> console(id)).isInstanceOfSatisfying(StatusRuntimeException.class, refused -> {
            assertThat(refused.getStatus().getCode()).isEqualTo(code);
            assertThat(refused.getStatus().getDescription()).contains(because);
        });
    }

    @Test
    void findsTheNewestThatIsKeptOfAConsole() throws Exception {
        var endedAt = Instant.now().minus(Duration.ofHours(3));
        machineIs("m-talked", Phase.GONE, endedAt);
        machineIs("m-silent", Phase.GONE, endedAt);
        machineIs("m-lives", Phase.READY, null);
        var first = ConsoleReported.newBuilder().setMachineId("m-talked").setCapturedAt(Timestamps.fromMillis(endedAt.toEpochMilli())).setText("boots").build();
        var second = first.toBuilder().setText("boots and ends").setTruncated(true).build();
        write("consoles", "consoles/m-talked", first.toByteArray(), endedAt.plusSeconds(2));
        write("consoles", "consoles/m-talked", second.toByteArray(), endedAt.plusSeconds(180));
        // Read once more when its cloud no longer showed it.
        write("consoles", "consoles/m-talked", first.toBuilder().clearText().build().toByteArray(), endedAt.plusSeconds(190));
        // Somebody else's of much later ends the search.
        write("consoles", "consoles/m-other", first.toByteArray(), Instant.now());

        assertThat(console("m-talked")).isEqualTo(second);
        assertNoConsole("m-silent", Status.Code.NOT_FOUND, "Nothing is kept of the console of m-silent");
        // A fleet that has no such machine on its books.
        assertNoConsole("m-lives", Status.Code.NOT_FOUND, "There is no fleet consoles.");
        assertNoConsole("m-unknown", Status.Code.NOT_FOUND, "There is no machine 'm-unknown'");
    }

    /** As a watcher and a provisioner say it: one task waits, a machine is launched for it, and its cloud has it. */
    private MachineRecord liveMachine(String fleet) throws Exception {
        fleets.applyFleet(apply(spec(fleet)).build());
        var now = Timestamps.fromMillis(System.currentTimeMillis());
        var inventory = MachineReport.newBuilder().setFleet(fleet).setScope("aws/main/eu-west-1")
                .setInventory(InventoryReported.newBuilder().setListStartedAt(now).setScopeState(ScopeState.LISTED_ALL));
        inventory.getSeenBuilder().setSource("p").setGeneration(1).setSequence(1).setReadStartedAt(now);
        write("machine-reports", fleet, inventory.build().toByteArray(), Instant.now());
        var look = DemandEvent.newBuilder().setFleet(fleet)
                .setSeen(Observation.newBuilder().setSource("w").setGeneration(1).setSequence(1).setReadStartedAt(now).setPart(1).setParts(1))
                .setDemandObserved(DemandObserved.newBuilder().setTick(1).setFull(true).addQueues(QueuePicture.newBuilder().setId("q1").setName(fleet + "-queue")
                        .setState(QueueState.SERVED).setWaiting(1).addFirst(WaitingTask.newBuilder().setTask("t1"))));
        write("demand", fleet, look.build().toByteArray(), Instant.now());
        await("a machine is launched", () -> !machinesOf(fleet).isEmpty());
        var machine = machinesOf(fleet).get(0);
        assertNoConsole(machine.getMachineId(), Status.Code.FAILED_PRECONDITION, "its cloud doesn't have it yet");
        write("machine-reports", fleet, MachineReport.newBuilder().setFleet(fleet).setScope("aws/main/eu-west-1").setMachine(MachineReported.newBuilder()
                .setMachineId(machine.getMachineId()).setPool("cpu").setCloudId("i-live").setBatchId(machine.getMachineId()).setState(CloudState.RUNNING_STATE)
                .setOffer(machine.getOffer())).build().toByteArray(), Instant.now());
        await("its cloud has it", () -> machinesOf(fleet).get(0).getCloudId().equals("i-live"));
        return machinesOf(fleet).get(0);
    }

    private List<MachineRecord> machinesOf(String fleet) {
        return MachinesGrpc.newBlockingStub(channel).listMachines(ListMachinesRequest.newBuilder().setFleet(fleet).build()).getMachinesList();
    }

    @Test
    void theConsoleOfALiveMachineIsReadWhenItIsAskedFor() throws Exception {
        var machine = liveMachine("live");
        var id = machine.getMachineId();
        var hasty = MachinesGrpc.newBlockingStub(channel).withDeadlineAfter(18, TimeUnit.SECONDS);
        assertThatThrownBy(() -> hasty.getConsole(GetConsoleRequest.newBuilder().setMachineId(id).build())).as("no provisioner runs")
                .isInstanceOfSatisfying(StatusRuntimeException.class, late -> {
                    assertThat(late.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
                    assertThat(detail(StatusProto.fromThrowable(late), RetryInfo.class).getRetryDelay().getSeconds()).isEqualTo(10);
                });

        // A provisioner that answers each order, first with nothing.
        var orders = new ArrayList<FetchConsole>();
        try (var commands = new TopicTable(KafkaSettings.consumer(brokers), List.of("muster.commands.aws"), TopicTable.Start.lastRecords(0), record -> {
            try {
                var command = Command.parseFrom(record.value());
                if (command.getFleet().equals("live") && command.hasFetchConsole()) {
                    orders.add(command.getFetchConsole());
                    write("consoles", "live/" + id, ConsoleReported.newBuilder().setMachineId(id).setText(orders.size() == 1 ? "" : "boots").build().toByteArray(), Instant.now());
                }
            } catch (Exception broken) {
                throw new IllegalStateException(broken);
            }
        })) {
            assertThat(commands.awaitCaughtUp(Duration.ofSeconds(30))).isTrue();
            assertNoConsole(id, Status.Code.UNAVAILABLE, "The cloud of " + id + " (i-live) shows no console of it yet.");
            assertThat(console(id).getText()).isEqualTo("boots");
        }
        assertThat(orders).hasSize(2).allSatisfy(order -> assertThat(order.getCloudId()).isEqualTo("i-live"));
        assertThat(machinesOf("live").get(0).getPhase()).isEqualTo(machine.getPhase());
        assertThat(DecisionsGrpc.newBlockingStub(channel).listDecisions(ListDecisionsRequest.newBuilder().setFleet("live").build()).getDecisionsList()
                .stream().filter(event -> event.hasAudit()).map(event -> event.getAudit().getWhat())).contains("read the console of " + id);
    }

    @Test
    void aConsoleThatCannotBeReadIsPutAside() throws Exception {
        var endedAt = Instant.now().minus(Duration.ofHours(5));
        machineIs("m-garbled", Phase.GONE, endedAt);
        write("consoles", "consoles/m-garbled", new byte[] {(byte) 0xff, 1, 2, 3}, endedAt.plusSeconds(1));

        assertNoConsole("m-garbled", Status.Code.NOT_FOUND, "Nothing is kept");

        var letters = new ArrayList<String>();
        try (var table = new TopicTable(KafkaSettings.consumer(brokers), List.of("muster.dead-letters"), letter -> letters.add(new String(letter.key()) + " "
                + new String(letter.headers().lastHeader(DeadLetters.TOPIC).value()) + " " + new String(letter.headers().lastHeader(DeadLetters.REASON).value())))) {
            await("it is among the dead letters", () -> letters.stream().anyMatch(letter -> letter.startsWith("consoles/m-garbled muster.consoles not Protobuf")));
        }
    }

    @Test
    void watchingBeginsWithWhatIsThere() {
        var changes = MachinesGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS).watchMachines(WatchMachinesRequest.getDefaultInstance());
        assertThat(changes.next()).isEqualTo(MachineChange.newBuilder().setSynced(true).build());
    }

    @Test
    void anUnknownMachineIsNotFound() {
        assertThatThrownBy(() -> MachinesGrpc.newBlockingStub(channel).drainMachine(MachineNameRequest.newBuilder().setMachineId("m-1").build()))
                .hasMessageContaining("There is no machine 'm-1'");
    }

    @Test
    void aBadPageIsRefused() {
        assertThatThrownBy(() -> fleets.listFleets(ListFleetsRequest.newBuilder().setPageSize(-1).build())).hasMessageContaining("pageSize is -1");
        assertThatThrownBy(() -> fleets.listFleets(ListFleetsRequest.newBuilder().setPageToken("§").build())).hasMessageContaining("pageToken");
    }

    @Test
    void answersHealthChecksAndMetricsOnOnePort() throws Exception {
        assertThat(HealthGrpc.newBlockingStub(channel).check(HealthCheckRequest.getDefaultInstance()).getStatus())
                .isEqualTo(HealthCheckResponse.ServingStatus.SERVING);
        assertThat(get("/q/health/live")).isEqualTo(200);
        assertThat(get("/q/metrics")).isEqualTo(200);
    }

    private int get(String path) throws Exception {
        return HttpClient.newHttpClient().send(HttpRequest.newBuilder(http.resolve(path)).build(), HttpResponse.BodyHandlers.discarding()).statusCode();
    }

    private static <D extends com.google.protobuf.Message> D detail(com.google.rpc.Status status, Class<D> type) {
        return status.getDetailsList().stream().filter(any -> any.is(type)).findFirst().map(any -> {
            try {
                return any.unpack(type);
            } catch (com.google.protobuf.InvalidProtocolBufferException unreadable) {
                throw new AssertionError(unreadable);
            }
        }).orElseThrow();
    }

    private static ApplyFleetRequest.Builder apply(FleetSpec.Builder spec) {
        return ApplyFleetRequest.newBuilder().setSpec(spec);
    }

    private static FleetSpec.Builder spec(String name) {
        var key = OfferKey.newBuilder().setProvider("aws").setAccount("main").setRegion("eu-west-1").setMachineType("m5.large");
        return FleetSpec.newBuilder().setName(name).addQueues(QueueSpec.newBuilder().setName(name + "-queue").addPools("cpu"))
                .addPools(PoolSpec.newBuilder().setName("cpu").setLimits(Limits.newBuilder().setMax(3)).addOffers(OfferSpec.newBuilder().setKey(key)));
    }

    private static void await(String what, Callable<Boolean> condition) throws Exception {
        var deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (!condition.call()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("not within 30 s: " + what);
            }
            LockSupport.parkNanos(20_000_000);
        }
    }
}
