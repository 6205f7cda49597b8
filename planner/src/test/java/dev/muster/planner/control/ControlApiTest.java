package dev.muster.planner.control;

import static dev.muster.planner.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.util.Timestamps;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.PreconditionFailure;
import com.google.rpc.RetryInfo;
import dev.muster.contracts.DeadLetters;
import dev.muster.contracts.FleetYaml;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.TopicTable;
import dev.muster.contracts.Topics;
import dev.muster.planner.answer.ApiErrors;
import dev.muster.planner.answer.Calls;
import dev.muster.planner.answer.Pages;
import dev.muster.planner.topic.TopicReaders;
import dev.muster.planner.view.ResumeToken;
import dev.muster.v1.AdoptMachinesRequest;
import dev.muster.v1.ApplyFleetRequest;
import dev.muster.v1.BudgetAction;
import dev.muster.v1.BudgetPeriod;
import dev.muster.v1.BudgetSpec;
import dev.muster.v1.CloneFleetRequest;
import dev.muster.v1.CloudState;
import dev.muster.v1.Command;
import dev.muster.v1.ConsoleReported;
import dev.muster.v1.Decision;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.DecisionKind;
import dev.muster.v1.DecisionsGrpc;
import dev.muster.v1.DeleteFleetRequest;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.DemandObserved;
import dev.muster.v1.DiffFleetRequest;
import dev.muster.v1.DiffFleetResponse;
import dev.muster.v1.ExplainRequest;
import dev.muster.v1.ExportFleetRequest;
import dev.muster.v1.FetchConsole;
import dev.muster.v1.FieldChange;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.FleetState;
import dev.muster.v1.FleetsGrpc;
import dev.muster.v1.GetConsoleRequest;
import dev.muster.v1.GetFleetRequest;
import dev.muster.v1.GetFleetVersionRequest;
import dev.muster.v1.GetMachineRequest;
import dev.muster.v1.ImportFleetRequest;
import dev.muster.v1.ImportFleetResponse;
import dev.muster.v1.InstallationGrpc;
import dev.muster.v1.InventoryReported;
import dev.muster.v1.Limits;
import dev.muster.v1.ListDecisionsRequest;
import dev.muster.v1.ListFleetVersionsRequest;
import dev.muster.v1.ListFleetVersionsResponse;
import dev.muster.v1.ListFleetsRequest;
import dev.muster.v1.ListLogLevelsRequest;
import dev.muster.v1.ListMachinesRequest;
import dev.muster.v1.ListPoolsRequest;
import dev.muster.v1.ListQueuesRequest;
import dev.muster.v1.ListSecretsRequest;
import dev.muster.v1.ListWaitingTasksRequest;
import dev.muster.v1.MachineChange;
import dev.muster.v1.MachineEvent;
import dev.muster.v1.MachineNameRequest;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.MachineReport;
import dev.muster.v1.MachineReported;
import dev.muster.v1.MachinesGrpc;
import dev.muster.v1.Mark;
import dev.muster.v1.NotificationOutcome;
import dev.muster.v1.NotificationSpec;
import dev.muster.v1.Observation;
import dev.muster.v1.OfferKey;
import dev.muster.v1.OfferSpec;
import dev.muster.v1.PauseFleetRequest;
import dev.muster.v1.Phase;
import dev.muster.v1.PoolSpec;
import dev.muster.v1.PoolView;
import dev.muster.v1.PoolsGrpc;
import dev.muster.v1.QueuePicture;
import dev.muster.v1.QueueSpec;
import dev.muster.v1.QueueState;
import dev.muster.v1.QueuesGrpc;
import dev.muster.v1.Reason;
import dev.muster.v1.ReleaseIdleRequest;
import dev.muster.v1.RestoreLedgerRequest;
import dev.muster.v1.RollBackFleetRequest;
import dev.muster.v1.ScheduleSpec;
import dev.muster.v1.ScopeState;
import dev.muster.v1.SecretView;
import dev.muster.v1.SetLogLevelRequest;
import dev.muster.v1.SpecFormat;
import dev.muster.v1.TakeOverMachinesRequest;
import dev.muster.v1.TerminateMachineRequest;
import dev.muster.v1.TestNotificationsRequest;
import dev.muster.v1.WaitingTask;
import dev.muster.v1.WatchDecisionsRequest;
import dev.muster.v1.WatchFleetsRequest;
import dev.muster.v1.WatchMachinesRequest;
import dev.muster.v1.WorkerSeen;
import grpc.health.v1.HealthGrpc;
import grpc.health.v1.HealthOuterClass.HealthCheckRequest;
import grpc.health.v1.HealthOuterClass.HealthCheckResponse;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.MetadataUtils;
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
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
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
    private KafkaProducer<String, byte[]> producer;

    @BeforeEach
    void connect() throws Exception {
        channel = ManagedChannelBuilder.forAddress(http.getHost(), http.getPort()).usePlaintext().build();
        fleets = FleetsGrpc.newBlockingStub(channel).withDeadlineAfter(60, TimeUnit.SECONDS);
        await("the planner is ready", () -> get("/q/health/ready") == 200);
    }

    @AfterEach
    void disconnect() {
        channel.shutdownNow();
        if (producer != null) {
            producer.close();
        }
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
    void takesOverFromAKafkaThatIsNoMore() {
        fleets.applyFleet(apply(spec("survivor")).build());
        // When
        var told = fleets.takeOverMachines(TakeOverMachinesRequest.newBuilder().setName("survivor").setCluster("q1Sh9kTzSLOmUQ7Cj3Wm1A").build());
        // Then
        assertThat(told.getTakenOverClustersList()).containsExactly("q1Sh9kTzSLOmUQ7Cj3Wm1A");
        assertThat(told.getVersion()).isEqualTo(2);
        // Again it is nothing new.
        assertThat(fleets.takeOverMachines(TakeOverMachinesRequest.newBuilder().setName("survivor").setCluster("q1Sh9kTzSLOmUQ7Cj3Wm1A").build())).isEqualTo(told);
        assertThat(fleets.applyFleet(apply(spec("survivor").setCurrency("USD")).build()).getTakenOverClustersList()).hasSize(1);
        assertThatThrownBy(() -> fleets.takeOverMachines(TakeOverMachinesRequest.newBuilder().setName("survivor").build())).hasMessageContaining("cluster is missing");
        assertThatThrownBy(() -> fleets.takeOverMachines(TakeOverMachinesRequest.newBuilder().setName("survivor").setCluster("a b").build()))
                .hasMessageContaining("cluster is no cluster's id");
        assertThat(DecisionsGrpc.newBlockingStub(channel).listDecisions(ListDecisionsRequest.newBuilder().setFleet("survivor").build()).getDecisionsList().stream()
                .filter(event -> event.hasAudit()).map(event -> event.getAudit().getWhat())).contains("take over from Kafka cluster q1Sh9kTzSLOmUQ7Cj3Wm1A");
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
    private RecordMetadata write(String topic, String key, byte[] value, Instant at) throws Exception {
        if (producer == null) {
            producer = new KafkaProducer<>(Map.<String, Object>of("bootstrap.servers", brokers), new StringSerializer(), new ByteArraySerializer());
        }
        return producer.send(new ProducerRecord<>("muster." + topic, null, at.toEpochMilli(), key, value)).get();
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
                .setMachineId(machine.getMachineId()).setPool("cpu").setCloudId("i-" + fleet).setBatchId(machine.getMachineId()).setState(CloudState.RUNNING_STATE)
                .setOffer(machine.getOffer())).build().toByteArray(), Instant.now());
        await("its cloud has it", () -> machinesOf(fleet).get(0).getCloudId().equals("i-" + fleet));
        return machinesOf(fleet).get(0);
    }

    /** As its cloud shows it from now on. */
    private void cloudShows(MachineRecord machine, CloudState state) throws Exception {
        write("machine-reports", machine.getFleet(), MachineReport.newBuilder().setFleet(machine.getFleet()).setScope("aws/main/eu-west-1").setMachine(
                MachineReported.newBuilder().setMachineId(machine.getMachineId()).setPool("cpu").setCloudId(machine.getCloudId()).setBatchId(machine.getBatchId())
                        .setOffer(machine.getOffer()).setState(state)).build().toByteArray(), Instant.now());
    }

    /** Its agent is there, and works on the task. @param task empty: it is idle */
    private void workerShows(MachineRecord machine, long sequence, String task) throws Exception {
        var worker = WorkerSeen.newBuilder().setWorker("lab-" + machine.getFleet() + ":cpu:m5.large:" + machine.getCloudId()).setTask(task);
        look(machine.getFleet(), sequence, DemandObserved.newBuilder().setTick(sequence).setFull(true).addWorkers(worker)
                .addQueues(QueuePicture.newBuilder().setId("q1").setName(machine.getFleet() + "-queue").setState(QueueState.SERVED)));
    }

    private MachineRecord awaitMachine(String id, String what, Predicate<MachineRecord> wanted) throws Exception {
        var request = GetMachineRequest.newBuilder().setMachineId(id).build();
        await(id + " " + what, () -> wanted.test(MachinesGrpc.newBlockingStub(channel).getMachine(request)));
        return MachinesGrpc.newBlockingStub(channel).getMachine(request);
    }

    /** All commands to the machine, by their ordinals. */
    private TreeMap<Long, Command.WhatCase> commandsTo(String id) throws Exception {
        var commands = new TreeMap<Long, Command.WhatCase>();
        try (var table = new TopicTable(KafkaSettings.consumer(brokers), List.of("muster.commands.aws"), record -> {
            try {
                var command = Command.parseFrom(record.value());
                if (command.getDrain().getMachineId().equals(id)) {
                    commands.put(command.getDrain().getOrdinal(), command.getWhatCase());
                } else if (command.getCancelDrain().getMachineId().equals(id)) {
                    commands.put(command.getCancelDrain().getOrdinal(), command.getWhatCase());
                } else if (command.getTerminate().getMachineId().equals(id)) {
                    commands.put(command.getTerminate().getOrdinal(), command.getWhatCase());
                }
            } catch (com.google.protobuf.InvalidProtocolBufferException broken) {
                throw new IllegalStateException(broken);
            }
        })) {
            assertThat(table.awaitCaughtUp(Duration.ofSeconds(30))).isTrue();
        }
        return commands;
    }

    @Test
    void aDrainThatIsCancelledIsNoneAndTheMachineGoesOn() throws Exception {
        // Given
        var machines = MachinesGrpc.newBlockingStub(channel);
        var booting = liveMachine("kept");
        var asked = MachineNameRequest.newBuilder().setMachineId(booting.getMachineId()).build();
        workerShows(booting, 2, "t1");
        awaitMachine(booting.getMachineId(), "works", machine -> machine.getPhase() == Phase.READY && machine.getTasksList().equals(List.of("t1")));
        assertRefused(() -> machines.cancelMachineDrain(asked), Status.Code.FAILED_PRECONDITION, "No drain to cancel: " + booting.getMachineId() + " doesn't drain.");
        // When
        machines.drainMachine(asked);
        var draining = awaitMachine(booting.getMachineId(), "drains", machine -> machine.getPhase() == Phase.DRAINING);
        machines.cancelMachineDrain(asked);
        var kept = awaitMachine(booting.getMachineId(), "is kept", machine -> machine.getPhase() == Phase.READY);
        // Then
        assertThat(draining.getMark()).isEqualTo(Mark.DRAIN);
        assertThat(kept).isEqualTo(draining.toBuilder().setPhase(Phase.READY).setCause("").setCauseDetail("").setMark(kept.getMark()).setLastOrdinal(draining.getLastOrdinal() + 1)
                .setDecisionId(kept.getDecisionId()).clearRetryAt().clearAttempts().build());
        assertThat(kept.getMark()).isNotIn(Mark.DRAIN, Mark.DRAIN_NOW);
        assertThat(commandsTo(booting.getMachineId())).isEqualTo(new TreeMap<>(Map.of(draining.getLastOrdinal(), Command.WhatCase.DRAIN,
                kept.getLastOrdinal(), Command.WhatCase.CANCEL_DRAIN)));
        workerShows(kept, 3, "t2");
        awaitMachine(booting.getMachineId(), "takes the next task", machine -> machine.getPhase() == Phase.READY && machine.getTasksList().equals(List.of("t2")));
        assertThat(DecisionsGrpc.newBlockingStub(channel).listDecisions(ListDecisionsRequest.newBuilder().setFleet("kept").addKinds(DecisionKind.DECISION_AUDITED).build())
                .getDecisionsList()).extracting(event -> event.getAudit().getWhat())
                .containsSubsequence("cancel the drain of " + booting.getMachineId(), "drain " + booting.getMachineId());
    }

    @Test
    void aDrainIsNotCancelledOnceTheMachineEnds() throws Exception {
        // Given
        var machines = MachinesGrpc.newBlockingStub(channel);
        var booting = liveMachine("lost");
        var id = booting.getMachineId();
        var asked = MachineNameRequest.newBuilder().setMachineId(id).build();
        workerShows(booting, 2, "t1");
        awaitMachine(id, "works", machine -> machine.getPhase() == Phase.READY);
        // Then
        machines.terminateMachine(TerminateMachineRequest.newBuilder().setMachineId(id).setBusyToo(true).build());
        assertRefused(() -> machines.cancelMachineDrain(asked), Status.Code.FAILED_PRECONDITION, "No drain to cancel: " + id + " was told to end at once.");
        cloudShows(booting, CloudState.SHUTTING_DOWN);
        awaitMachine(id, "shuts down", machine -> machine.getPhase() == Phase.TERMINATING);
        assertThatThrownBy(() -> machines.cancelMachineDrain(asked)).isInstanceOfSatisfying(StatusRuntimeException.class, refused -> {
            assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION);
            assertThat(refused.getStatus().getDescription()).isEqualTo("No drain to cancel: " + id + " is shutting down already.");
            var violation = detail(StatusProto.fromThrowable(refused), PreconditionFailure.class).getViolations(0);
            assertThat(violation.getDescription()).isEqualTo(refused.getStatus().getDescription());
        });
        cloudShows(booting, CloudState.TERMINATED);
        awaitMachine(id, "is gone", machine -> machine.getPhase() == Phase.GONE);
        assertRefused(() -> machines.cancelMachineDrain(asked), Status.Code.FAILED_PRECONDITION, "Already ended: " + id + ".");
        assertThat(commandsTo(id).values()).doesNotContain(Command.WhatCase.CANCEL_DRAIN);
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
        // Others' consoles of now may be in its partition, before it.
        var endedAt = Instant.now().minus(Duration.ofMinutes(1));
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
        assertThat(next(changes, MachineChange::getSynced).getFull()).isTrue();
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

    // Versions.

    private static FleetSpec.Builder most(String name, int max) {
        var spec = spec(name);
        spec.getPoolsBuilder(0).getLimitsBuilder().setMax(max);
        return spec;
    }

    private static void assertRefused(org.assertj.core.api.ThrowableAssert.ThrowingCallable call, Status.Code code, String because) {
        assertThatThrownBy(call).isInstanceOfSatisfying(StatusRuntimeException.class, refused -> {
            assertThat(refused.getStatus().getCode()).as("%s", refused).isEqualTo(code);
            assertThat(refused.getStatus().getDescription()).contains(because);
        });
    }

    private static void assertInvalid(org.assertj.core.api.ThrowableAssert.ThrowingCallable call, String... fields) {
        assertThatThrownBy(call).isInstanceOfSatisfying(StatusRuntimeException.class, refused -> {
            assertThat(refused.getStatus().getCode()).as("%s", refused).isEqualTo(Status.Code.INVALID_ARGUMENT);
            assertThat(detail(StatusProto.fromThrowable(refused), BadRequest.class).getFieldViolationsList()).extracting(BadRequest.FieldViolation::getField)
                    .containsExactly(fields);
        });
    }

    @Test
    void versionsAreListedComparedAndGoneBackTo() throws Exception {
        // Given
        var first = fleets.applyFleet(apply(most("versions", 3)).build());
        var second = fleets.applyFleet(apply(most("versions", 5)).setManagedBy("gitops").build());
        var third = fleets.pauseFleet(PauseFleetRequest.newBuilder().setName("versions").setPool("cpu").build());
        await("all versions are shown", () -> fleets.listFleetVersions(ListFleetVersionsRequest.newBuilder().setName("versions").build()).getVersionsCount() == 3);
        // Then
        var page = fleets.listFleetVersions(ListFleetVersionsRequest.newBuilder().setName("versions").setPageSize(2).build());
        assertThat(page.getVersionsList()).containsExactly(third, second.toBuilder().clearNotes().build());
        var rest = fleets.listFleetVersions(ListFleetVersionsRequest.newBuilder().setName("versions").setPageSize(2).setPageToken(page.getNextPageToken()).build());
        assertThat(rest).isEqualTo(ListFleetVersionsResponse.newBuilder().addVersions(first.toBuilder().clearNotes()).build());
        assertThat(fleets.getFleetVersion(GetFleetVersionRequest.newBuilder().setName("versions").setVersion(1).build())).isEqualTo(first.toBuilder().clearNotes().build());
        assertThat(fleets.diffFleet(DiffFleetRequest.newBuilder().setName("versions").build())).isEqualTo(DiffFleetResponse.newBuilder().setFromVersion(2).setToVersion(3)
                .addChanges(FieldChange.newBuilder().setField("pools.cpu.paused").setAfter("true")).build());
        assertThat(fleets.diffFleet(DiffFleetRequest.newBuilder().setName("versions").setFromVersion(1).setToVersion(2).build()).getChangesList()).containsExactly(
                FieldChange.newBuilder().setField("pools.cpu.max").setBefore("3").setAfter("5").build());
        assertThat(fleets.diffFleet(DiffFleetRequest.newBuilder().setName("versions").setSpec(most("versions", 7)).build())).as("defaults and pauses are filled in")
                .isEqualTo(DiffFleetResponse.newBuilder().setFromVersion(3)
                        .addChanges(FieldChange.newBuilder().setField("pools.cpu.max").setBefore("5").setAfter("7")).build());
        // When
        var back = RollBackFleetRequest.newBuilder().setName("versions").setToVersion(1);
        assertRefused(() -> fleets.rollBackFleet(back.clone().setExpectedVersion(2).build()), Status.Code.ABORTED, "is at version 3");
        var rolled = fleets.rollBackFleet(back.clone().setExpectedVersion(3).setRequestId("back-to-1").build());
        // Then
        assertThat(rolled.getVersion()).isEqualTo(4);
        assertThat(rolled.getManagedBy()).isEqualTo("gitops");
        assertThat(rolled.getSpec().getPools(0).getLimits().getMax()).isEqualTo(3);
        assertThat(rolled.getSpec().getPools(0).getPaused()).as("only a resume starts a pool").isTrue();
        assertThat(fleets.rollBackFleet(back.clone().setExpectedVersion(3).setRequestId("back-to-1").build()).getVersion()).as("repeated").isEqualTo(4);
        var decisions = DecisionsGrpc.newBlockingStub(channel);
        await("it is audited", () -> decisions.listDecisions(ListDecisionsRequest.newBuilder().setFleet("versions").addKinds(DecisionKind.DECISION_AUDITED).build())
                .getDecisionsList().stream().map(event -> event.getAudit().getWhat()).toList().contains("roll back to version 1"));
    }

    @Test
    void aFleetThatAFileManagesIsReadOnlyElsewhere() throws Exception {
        // Given
        var file = "file: fleets/ of the repository ops";
        fleets.applyFleet(apply(most("by-file", 3)).setManagedBy(file).build());
        fleets.applyFleet(apply(most("by-file", 5)).setManagedBy(file).build());
        await("both versions are shown", () -> fleets.listFleetVersions(ListFleetVersionsRequest.newBuilder().setName("by-file").build()).getVersionsCount() == 2);
        // Then
        var where = "Fleet by-file is managed by file, by fleets/ of the repository ops: ";
        assertRefused(() -> fleets.applyFleet(apply(most("by-file", 9)).build()), Status.Code.FAILED_PRECONDITION, where + "change it there.");
        assertRefused(() -> fleets.rollBackFleet(RollBackFleetRequest.newBuilder().setName("by-file").setToVersion(1).build()), Status.Code.FAILED_PRECONDITION, where);
        assertRefused(() -> fleets.deleteFleet(DeleteFleetRequest.newBuilder().setName("by-file").build()), Status.Code.FAILED_PRECONDITION, where + "take it out there");
        assertThat(fleets.diffFleet(DiffFleetRequest.newBuilder().setName("by-file").setSpec(most("by-file", 7)).build()).getChangesList())
                .containsExactly(FieldChange.newBuilder().setField("pools.cpu.max").setBefore("5").setAfter("7").build());
        assertThat(fleets.getFleet(GetFleetRequest.newBuilder().setName("by-file").build()).getRecord().getManagedBy()).isEqualTo(file);
        assertThat(fleets.applyFleet(apply(most("by-file", 9)).setOverrideManagedBy(true).build()).getManagedBy()).isEmpty();
    }

    @Test
    void aBadQuestionAboutVersionsNamesItsField() {
        fleets.applyFleet(apply(spec("asked-badly")).build());
        assertInvalid(() -> fleets.listFleetVersions(ListFleetVersionsRequest.getDefaultInstance()), "name");
        assertInvalid(() -> fleets.listFleetVersions(ListFleetVersionsRequest.newBuilder().setName("asked-badly").setPageToken(Pages.token("x")).build()), "pageToken");
        assertInvalid(() -> fleets.getFleetVersion(GetFleetVersionRequest.newBuilder().setName("asked-badly").build()), "version");
        assertInvalid(() -> fleets.rollBackFleet(RollBackFleetRequest.newBuilder().setName("asked-badly").build()), "toVersion");
        assertInvalid(() -> fleets.diffFleet(DiffFleetRequest.newBuilder().setName("asked-badly").setToVersion(1).setSpec(spec("asked-badly")).build()), "toVersion");
        assertInvalid(() -> fleets.diffFleet(DiffFleetRequest.newBuilder().setName("asked-badly").setSpec(spec("another")).build()), "spec.name");
        assertInvalid(() -> fleets.diffFleet(DiffFleetRequest.newBuilder().setName("asked-badly").setSpec(most("asked-badly", 3).setWorkersPrefix("a:b")).build()), "workersPrefix");
        assertRefused(() -> fleets.diffFleet(DiffFleetRequest.newBuilder().setName("asked-badly").build()), Status.Code.NOT_FOUND, "No version before 1");
        assertRefused(() -> fleets.getFleetVersion(GetFleetVersionRequest.newBuilder().setName("asked-badly").setVersion(9).build()), Status.Code.NOT_FOUND, "Version 9 of fleet asked-badly is not known");
        assertRefused(() -> fleets.rollBackFleet(RollBackFleetRequest.newBuilder().setName("nobody").setToVersion(1).build()), Status.Code.NOT_FOUND, "There is no fleet 'nobody'");
    }

    @Test
    void aCloneIsANewFleetOfTheSameSpec() {
        var original = fleets.applyFleet(apply(most("original", 4)).build());
        var clone = fleets.cloneFleet(CloneFleetRequest.newBuilder().setName("original").setNewName("copied").build());
        assertThat(clone.getVersion()).isEqualTo(1);
        assertThat(clone.getSpec()).isEqualTo(original.getSpec().toBuilder().setName("copied").setWorkersPrefix("lab-copied").build());
        assertThat(clone.getNotesList()).anySatisfy(note -> assertThat(note).startsWith("Queue original-queue is served by fleet original, which is older"));
        assertRefused(() -> fleets.cloneFleet(CloneFleetRequest.newBuilder().setName("original").setNewName("copied").build()), Status.Code.ALREADY_EXISTS, "copied exists");
        assertInvalid(() -> fleets.cloneFleet(CloneFleetRequest.newBuilder().setName("original").build()), "newName");
        assertInvalid(() -> fleets.cloneFleet(CloneFleetRequest.newBuilder().setName("original").setNewName("a/b").build()), "name");
    }

    @Test
    void whatIsExportedIsImportedAsTheSame() {
        var record = fleets.applyFleet(apply(most("written", 4)).build());
        var yaml = fleets.exportFleet(ExportFleetRequest.newBuilder().setName("written").build()).getYaml();
        var imported = fleets.importFleet(ImportFleetRequest.newBuilder().setText(yaml).build());
        assertThat(imported).isEqualTo(ImportFleetResponse.newBuilder().setSpec(record.getSpec()).setYaml(yaml).setFormat(SpecFormat.MUSTER_YAML).build());
        assertThat(fleets.exportFleet(ExportFleetRequest.newBuilder().setSpec(record.getSpec()).build()).getYaml()).isEqualTo(yaml);
        var foreign = fleets.importFleet(ImportFleetRequest.newBuilder().setName("moved").setText("""
                hyper_params: {cloud_credentials_region: us-east-1, git_user: ann, git_pass: CANARY-of-git}
                configurations:
                  queues: {train: [[gpu, 2]]}
                  resource_configurations: {gpu: {instance_type: g4dn.xlarge, is_spot: false, availability_zone: us-east-1a}}
                """).build());
        assertThat(foreign.getFormat()).isEqualTo(SpecFormat.CLEARML_AWS_YAML);
        assertThat(foreign.toString()).doesNotContain("CANARY");
        assertThat(fleets.validateFleet(ApplyFleetRequest.newBuilder().setSpec(foreign.getSpec()).build()).getSpec().getName()).isEqualTo("moved");
        assertInvalid(() -> fleets.importFleet(ImportFleetRequest.newBuilder().setText("a".repeat(256 * 1024 + 1)).build()), "text");
        assertInvalid(() -> fleets.importFleet(ImportFleetRequest.newBuilder().setText(yaml.replace("max: 4", "max: 4\n    min: 5")).build()), "pools.cpu.max");
        assertInvalid(() -> fleets.importFleet(ImportFleetRequest.newBuilder().setText(yaml).setFormatValue(99).build()), "format");
        assertInvalid(() -> fleets.exportFleet(ExportFleetRequest.getDefaultInstance()), "name");
        assertInvalid(() -> fleets.exportFleet(ExportFleetRequest.newBuilder().setName("written").setSpec(record.getSpec()).build()), "name");
    }

    @Test
    void whatAWriteAnsweredIsReadAtOnce() {
        for (int max = 1; max <= 20; max++) {
            var written = fleets.applyFleet(apply(most("read-at-once", max)).build()).toBuilder().clearNotes().build();
            assertThat(fleets.getFleet(GetFleetRequest.newBuilder().setName("read-at-once").build()).getRecord()).isEqualTo(written);
        }
    }

    @Test
    void watchersOfFleetsSeeEachChange() throws Exception {
        var changes = fleets.watchFleets(WatchFleetsRequest.getDefaultInstance());
        while (!changes.next().getSynced()) {
            assertThat(changes.hasNext()).isTrue();
        }
        var applied = fleets.applyFleet(apply(spec("watched-fleet")).build());
        assertThat(next(changes, change -> change.getFleet().getRecord().getFleet().equals("watched-fleet")).getFleet().getRecord()).isEqualTo(applied);
        look("watched-fleet", QueuePicture.newBuilder().setId("q1").setName("watched-fleet-queue").setState(QueueState.SERVED).setWaiting(4));
        next(changes, change -> change.getFleet().getRecord().getFleet().equals("watched-fleet") && change.getFleet().getWaiting() == 4);
        write("fleets", "passing", FleetRecord.newBuilder().setFleet("passing").setVersion(1).setState(FleetState.DELETED).build().toByteArray(), Instant.now());
        write("fleets", "passing", null, Instant.now());
        next(changes, change -> change.getForgotten().equals("passing"));
    }

    /** The first that is so; others come between. */
    private static <C> C next(Iterator<C> changes, Predicate<C> wanted) {
        while (true) {
            var change = changes.next();
            if (wanted.test(change)) {
                return change;
            }
        }
    }

    private void look(String fleet, QueuePicture.Builder picture) throws Exception {
        look(fleet, 1, DemandObserved.newBuilder().setTick(1).setFull(true).addQueues(picture));
    }

    private void look(String fleet, long sequence, DemandObserved.Builder look) throws Exception {
        write("demand", fleet, DemandEvent.newBuilder().setFleet(fleet).setSeen(Observation.newBuilder().setSource("w").setGeneration(1).setSequence(sequence)
                .setReadStartedAt(Timestamps.fromMillis(System.currentTimeMillis())).setPart(1).setParts(1)).setDemandObserved(look).build().toByteArray(), Instant.now());
    }

    // Pools, queues and machines.

    @Test
    void poolsAreAsOpenSchedulesHaveThem() throws Exception {
        var spec = most("pooled", 6);
        spec.getPoolsBuilder(0).addSchedules(ScheduleSpec.newBuilder().setCron("* * * * *").setLasts(com.google.protobuf.Duration.newBuilder().setSeconds(7200)).setMax(2).setWarm(1));
        fleets.applyFleet(apply(spec).build());
        var pools = PoolsGrpc.newBlockingStub(channel);
        var view = pools.listPools(ListPoolsRequest.newBuilder().setFleet("pooled").build()).getPoolsList();
        assertThat(view).singleElement().satisfies(pool -> assertThat(pool.toBuilder().clearRefusals().build()).isEqualTo(
                PoolView.newBuilder().setFleet("pooled").setName("cpu").setMax(2).setWarm(1).addQueues("pooled-queue").build()));
        fleets.pauseFleet(PauseFleetRequest.newBuilder().setName("pooled").build());
        assertThat(pools.listPools(ListPoolsRequest.newBuilder().setFleet("pooled").build()).getPools(0).getPaused()).isTrue();
        assertThat(pools.listPools(ListPoolsRequest.getDefaultInstance()).getPoolsList()).extracting(PoolView::getFleet).contains("pooled");
        assertRefused(() -> pools.listPools(ListPoolsRequest.newBuilder().setFleet("nobody").build()), Status.Code.NOT_FOUND, "There is no fleet 'nobody'");
    }

    @Test
    void waitingTasksComeInTheQueuesOrder() throws Exception {
        fleets.applyFleet(apply(spec("lined-up")).build());
        var queues = QueuesGrpc.newBlockingStub(channel);
        var request = ListWaitingTasksRequest.newBuilder().setFleet("lined-up").setQueue("lined-up-queue");
        assertRefused(() -> queues.listWaitingTasks(request.build()), Status.Code.FAILED_PRECONDITION, "not seen yet");
        var tasks = IntStream.range(0, 7).mapToObj(i -> WaitingTask.newBuilder().setTask("task-" + i).setProject("p").setUser("u").setSignature("s")
                .setAdded(Timestamps.fromMillis(1_000L * i)).build()).toList();
        look("lined-up", QueuePicture.newBuilder().setId("q1").setName("lined-up-queue").setState(QueueState.SERVED).setWaiting(900).addAllFirst(tasks));
        await("the queue is seen", () -> {
            try {
                return queues.listWaitingTasks(request.build()).getWaiting() == 900;
            } catch (StatusRuntimeException notYet) {
                return false;
            }
        });
        var page = queues.listWaitingTasks(request.clone().setPageSize(4).build());
        var rest = queues.listWaitingTasks(request.clone().setPageSize(4).setPageToken(page.getNextPageToken()).build());
        assertThat(page.getTasksList()).isEqualTo(tasks.subList(0, 4));
        assertThat(rest.getTasksList()).isEqualTo(tasks.subList(4, 7));
        assertThat(rest.getNextPageToken()).isEmpty();
        assertInvalid(() -> queues.listWaitingTasks(ListWaitingTasksRequest.newBuilder().setFleet("lined-up").build()), "queue");
        assertInvalid(() -> queues.listWaitingTasks(request.clone().setPageToken("§").build()), "pageToken");
        assertInvalid(() -> queues.listWaitingTasks(request.clone().setPageSize(-1).build()), "pageSize");
        assertRefused(() -> queues.listWaitingTasks(request.clone().setQueue("none").build()), Status.Code.NOT_FOUND, "it has: lined-up-queue");
    }

    private MachineRecord machine(String id, Phase phase, String type, String... tasks) throws Exception {
        var machine = MachineRecord.newBuilder().setMachineId(id).setFleet("shown").setPool("gpu").setPhase(phase).setCounted(phase == Phase.READY)
                .setOffer(OfferKey.newBuilder().setMachineType(type)).addAllTasks(List.of(tasks)).build();
        write("machines", "shown/" + id, machine.toByteArray(), Instant.now());
        return machine;
    }

    private List<String> machines(ListMachinesRequest.Builder request) {
        return MachinesGrpc.newBlockingStub(channel).listMachines(request.setFleet("shown").build()).getMachinesList().stream().map(MachineRecord::getMachineId).toList();
    }

    @Test
    void machinesAreFilteredAndAskedForByName() throws Exception {
        var busy = machine("m-busy", Phase.READY, "g5.xlarge", "t1");
        machine("m-idle", Phase.READY, "g4dn.xlarge");
        machine("m-over", Phase.GONE, "g5.xlarge");
        await("they are shown", () -> machines(ListMachinesRequest.newBuilder().setEndedToo(true)).size() == 3);
        assertThat(machines(ListMachinesRequest.newBuilder())).containsExactly("m-busy", "m-idle");
        assertThat(machines(ListMachinesRequest.newBuilder().addPhases(Phase.GONE))).containsExactly("m-over");
        assertThat(machines(ListMachinesRequest.newBuilder().setBusy(false))).containsExactly("m-idle");
        assertThat(machines(ListMachinesRequest.newBuilder().setBusy(true))).containsExactly("m-busy");
        assertThat(machines(ListMachinesRequest.newBuilder().setMachineType("g5.xlarge").setEndedToo(true))).containsExactly("m-busy", "m-over");
        assertThat(machines(ListMachinesRequest.newBuilder().setTaskId("t1"))).containsExactly("m-busy");
        assertInvalid(() -> machines(ListMachinesRequest.newBuilder().addPhases(Phase.READY).addPhases(Phase.PHASE_UNSPECIFIED)), "phases[1]");
        var stub = MachinesGrpc.newBlockingStub(channel);
        assertThat(stub.getMachine(GetMachineRequest.newBuilder().setMachineId("m-busy").build())).isEqualTo(busy);
        assertRefused(() -> stub.getMachine(GetMachineRequest.newBuilder().setMachineId("m-none").build()), Status.Code.NOT_FOUND, "There is no machine 'm-none'");
        assertInvalid(() -> stub.getMachineLife(GetMachineRequest.getDefaultInstance()), "machineId");
        assertInvalid(() -> stub.cancelMachineDrain(MachineNameRequest.getDefaultInstance()), "machineId");
        assertRefused(() -> stub.cancelMachineDrain(MachineNameRequest.newBuilder().setMachineId("m-none").build()), Status.Code.NOT_FOUND, "There is no machine 'm-none'");
    }

    @Test
    void aWatchOfMachinesGoesOnWhereItWas() throws Exception {
        // Given
        var before = write("machines", "away/m-1", MachineRecord.newBuilder().setMachineId("m-1").setFleet("away").setPhase(Phase.READY).build());
        write("machines", "away/m-2", MachineRecord.newBuilder().setMachineId("m-2").setFleet("away").setPhase(Phase.READY).build());
        await("they are shown", () -> MachinesGrpc.newBlockingStub(channel).listMachines(ListMachinesRequest.newBuilder().setFleet("away").build()).getMachinesCount() == 2);
        var request = WatchMachinesRequest.newBuilder().setFleet("away");
        var first = untilSynced(request);
        assertThat(first).hasSize(3).contains(MachineChange.newBuilder().setMachine(before).build());
        assertThat(first.get(2).getFull()).isTrue();
        // When
        var token = first.get(2).getResumeToken();
        var live = MachinesGrpc.newBlockingStub(channel).withDeadlineAfter(30, TimeUnit.SECONDS).watchMachines(request.clone().setResumeToken(token).build());
        assertThat(next(live, MachineChange::getSynced)).satisfies(synced -> assertThat(synced.getFull()).as("nothing but changes").isFalse());
        var changed = write("machines", "away/m-2", MachineRecord.newBuilder().setMachineId("m-2").setFleet("away").setPhase(Phase.GONE).build());
        var seen = live.next();
        assertThat(seen.getMachine()).isEqualTo(changed);
        write("machines", "away/m-1", null, Instant.now());
        assertThat(live.next().getForgotten()).isEqualTo("m-1");
        // Then
        assertThat(untilSynced(request.clone().setResumeToken(token))).extracting(change -> change.hasMachine() ? change.getMachine().getMachineId() : "forgotten " + change.getForgotten())
                .containsExactly("m-2", "forgotten m-1", "forgotten ");
        assertThat(untilSynced(request.clone().setResumeToken(seen.getResumeToken()))).extracting(MachineChange::getForgotten).containsExactly("m-1", "");
        var unreadable = untilSynced(request.clone().setResumeToken("of-another-server"));
        assertThat(unreadable).singleElement().satisfies(synced -> assertThat(synced.getFull()).as("everything was sent").isTrue());
    }

    private List<MachineChange> untilSynced(WatchMachinesRequest.Builder request) {
        var stub = MachinesGrpc.newBlockingStub(channel).withDeadlineAfter(30, TimeUnit.SECONDS);
        var all = new ArrayList<MachineChange>();
        var context = Context.current().withCancellation();
        context.run(() -> {
            var changes = stub.watchMachines(request.build());
            do {
                all.add(changes.next());
            } while (!all.get(all.size() - 1).getSynced());
        });
        context.cancel(null);
        return all;
    }

    private <M extends com.google.protobuf.Message> M write(String topic, String key, M value) throws Exception {
        write(topic, key, value.toByteArray(), Instant.now());
        return value;
    }

    @Test
    void aMachinesLifeHasItsDecisionsAndTasks() throws Exception {
        fleets.applyFleet(apply(spec("lived")).build());
        var now = Instant.now();
        var at = Timestamps.fromMillis(now.toEpochMilli());
        DecisionEvent admitted = write("decisions", "lived", DecisionEvent.newBuilder().setDecisionId("lived-1").setFleet("lived").setAt(at)
                .setDecision(Decision.newBuilder().setPool("cpu").addMachineIds("m-lived").setText("One for the task.")).build());
        MachineRecord machine = write("machines", "lived/m-lived", MachineRecord.newBuilder().setMachineId("m-lived").setFleet("lived").setPool("cpu").setCloudId("i-lived")
                .setPhase(Phase.READY).setRequestedAt(at).setReadyAt(at).build());
        var worker = WorkerSeen.newBuilder().setWorker("lab-lived:cpu:m5.large:i-lived");
        look("lived", 1, DemandObserved.newBuilder().setTick(1).setFull(true).addWorkers(worker.clone().setTask("first")));
        look("lived", 2, DemandObserved.newBuilder().setTick(2).addWorkers(worker));
        var stub = MachinesGrpc.newBlockingStub(channel).withDeadlineAfter(30, TimeUnit.SECONDS);
        await("its life is known", () -> {
            try {
                return stub.getMachineLife(GetMachineRequest.newBuilder().setMachineId("m-lived").build()).getEventsCount() == 3;
            } catch (StatusRuntimeException notYet) {
                return false;
            }
        });
        var life = stub.getMachineLife(GetMachineRequest.newBuilder().setMachineId("m-lived").build());
        assertThat(life.getMachine()).isEqualTo(machine);
        assertThat(life.getEvents(0).getDecision()).isEqualTo(admitted);
        assertThat(life.getEventsList()).extracting(MachineEvent::getPhase).containsExactly(Phase.PHASE_UNSPECIFIED, Phase.REQUESTED, Phase.READY);
        assertThat(life.getTasksList()).singleElement().satisfies(run -> {
            assertThat(run.getTask()).isEqualTo("first");
            assertThat(run.hasStarted() && run.hasEnded()).isTrue();
        });
        assertThat(life.getComplete()).isTrue();
    }

    // Decisions that memory has no more.

    @Test
    void olderDecisionsComeFromTheTopicAndAWatchGoesOnBehindAnyOfThem() throws Exception {
        // Given
        fleets.applyFleet(apply(spec("chatty")).build());
        var begun = Instant.now().truncatedTo(ChronoUnit.MILLIS);
        // More than are held of a fleet.
        var many = 2 * BrokerResource.DECISIONS_KEPT + 50;
        var first = say("chatty", 0, begun);
        for (int i = 1; i < many; i++) {
            say("chatty", i, begun.plusMillis(i));
        }
        var written = IntStream.range(0, many).mapToObj(i -> "chatty-" + i).toList();
        var request = ListDecisionsRequest.newBuilder().setFleet("chatty").setMachineId("m-chatty").setPageSize(60);
        await("the last is known", () -> all(request.clone().setTaskId("task-" + (many - 1))).size() == 1);
        // Then
        assertThat(all(request)).isEqualTo(reversed(written));
        assertThat(all(request.clone().setPool("hand").addKinds(DecisionKind.DECISION_DONE).addReasons(Reason.TASKS_WAIT))).isEqualTo(reversed(written));
        assertThat(all(request.clone().setTaskId("task-7"))).containsExactly("chatty-7");
        assertThat(all(request.clone().setSince(Timestamps.fromMillis(begun.plusMillis(5).toEpochMilli())).setUntil(Timestamps.fromMillis(begun.plusMillis(9).toEpochMilli()))))
                .containsExactly("chatty-8", "chatty-7", "chatty-6", "chatty-5");
        assertThat(all(request.clone().addReasons(Reason.IS_ORPHAN))).isEmpty();
        // When
        var behindFirst = token(Map.of(first.partition(), first.offset() + 1));
        var watched = watch(WatchDecisionsRequest.newBuilder().setFleet("chatty").setResumeToken(behindFirst), many - 1);
        assertThat(watched).extracting(DecisionEvent::getDecisionId).as("from the topic").isEqualTo(written.subList(1, many));
        var tenBack = watched.get(many - 12).getResumeToken();
        assertThat(watch(WatchDecisionsRequest.newBuilder().setFleet("chatty").setResumeToken(tenBack), 10)).extracting(DecisionEvent::getDecisionId).as("from memory")
                .isEqualTo(written.subList(many - 10, many));
        var everywhere = new TreeMap<>(IntStream.range(0, Topics.SANDBOX_INPUT_PARTITIONS).boxed().collect(Collectors.toMap(p -> p, p -> 0L)));
        everywhere.put(first.partition(), first.offset() + 1);
        assertThat(watch(WatchDecisionsRequest.newBuilder().setResumeToken(token(everywhere)), many - 1)).extracting(DecisionEvent::getDecisionId).as("of all fleets")
                .isEqualTo(written.subList(1, many));
        // Then
        var decisions = DecisionsGrpc.newBlockingStub(channel);
        assertInvalid(() -> decisions.watchDecisions(WatchDecisionsRequest.newBuilder().setResumeToken(behindFirst).build()).next(), "resumeToken");
        assertInvalid(() -> decisions.watchDecisions(WatchDecisionsRequest.newBuilder().setResumeToken("none").build()).next(), "resumeToken");
        assertRefused(() -> decisions.watchDecisions(WatchDecisionsRequest.newBuilder().setFleet("chatty")
                .setResumeToken(token(Map.of(first.partition(), 1_000_000L))).build()).next(), Status.Code.OUT_OF_RANGE, "no longer has what came behind this token");
    }

    private List<DecisionEvent> watch(WatchDecisionsRequest.Builder request, int count) throws Exception {
        var context = Context.current().withCancellation();
        try {
            return context.call(() -> {
                var events = DecisionsGrpc.newBlockingStub(channel).withDeadlineAfter(60, TimeUnit.SECONDS).watchDecisions(request.setMachineId("m-chatty").build());
                return IntStream.range(0, count).mapToObj(i -> events.next()).toList();
            });
        } finally {
            context.cancel(null);
        }
    }

    @Test
    void aWatchOfDecisionsTellsWhatComes() throws Exception {
        fleets.applyFleet(apply(spec("told")).build());
        var first = say("told", 1, Instant.now());
        var events = DecisionsGrpc.newBlockingStub(channel).withDeadlineAfter(60, TimeUnit.SECONDS).watchDecisions(WatchDecisionsRequest.newBuilder().setFleet("told")
                .setMachineId("m-told").addKinds(DecisionKind.DECISION_DONE).setResumeToken(token(Map.of(first.partition(), first.offset()))).build());
        assertThat(events.next().getDecisionId()).isEqualTo("told-1");
        say("told", 2, Instant.now());
        assertThat(events.next().getDecisionId()).isEqualTo("told-2");
    }

    private static String token(Map<Integer, Long> next) {
        return new ResumeToken(Instant.now(), new TreeMap<>(next)).text("lab muster.decisions");
    }

    private RecordMetadata say(String fleet, int number, Instant at) throws Exception {
        return write("decisions", fleet, DecisionEvent.newBuilder().setDecisionId(fleet + "-" + number).setFleet(fleet).setAt(Timestamps.fromMillis(at.toEpochMilli()))
                .setDecision(Decision.newBuilder().setPool("hand").setReason(Reason.TASKS_WAIT).addMachineIds("m-" + fleet).addTaskIds("task-" + number)).build().toByteArray(), at);
    }

    private List<String> all(ListDecisionsRequest.Builder request) {
        var stub = DecisionsGrpc.newBlockingStub(channel).withDeadlineAfter(60, TimeUnit.SECONDS);
        var ids = new ArrayList<String>();
        var token = "";
        do {
            var page = stub.listDecisions(request.setPageToken(token).build());
            page.getDecisionsList().forEach(event -> ids.add(event.getDecisionId()));
            token = page.getNextPageToken();
        } while (!token.isEmpty());
        return ids;
    }

    private static List<String> reversed(List<String> ids) {
        var reversed = new ArrayList<>(ids);
        java.util.Collections.reverse(reversed);
        return reversed;
    }

    @Test
    void aBadQuestionAboutDecisionsNamesItsField() {
        fleets.applyFleet(apply(spec("judging")).build());
        var decisions = DecisionsGrpc.newBlockingStub(channel);
        var request = ListDecisionsRequest.newBuilder().setFleet("judging");
        assertInvalid(() -> decisions.listDecisions(ListDecisionsRequest.getDefaultInstance()), "fleet");
        assertInvalid(() -> decisions.listDecisions(request.clone().addKindsValue(77).build()), "kinds[0]");
        assertInvalid(() -> decisions.listDecisions(request.clone().addReasons(Reason.AT_PACE).addReasonsValue(7777).build()), "reasons[1]");
        assertInvalid(() -> decisions.listDecisions(request.clone().setSince(Timestamps.fromMillis(2000)).setUntil(Timestamps.fromMillis(1000)).build()), "until");
        assertInvalid(() -> decisions.listDecisions(request.clone().setSince(com.google.protobuf.Timestamp.newBuilder().setSeconds(Long.MAX_VALUE)).build()), "since");
        assertInvalid(() -> decisions.listDecisions(request.clone().setPageToken(Pages.token("-")).build()), "pageToken");
        assertInvalid(() -> decisions.watchDecisions(WatchDecisionsRequest.newBuilder().addKindsValue(77).build()).next(), "kinds[0]");
    }

    @Test
    void aCallWhoseDeadlineHasPassedIsNotWorkedOn() {
        // The client waits on: it is the server that says so.
        var late = new Metadata();
        late.put(Metadata.Key.of("grpc-timeout", Metadata.ASCII_STRING_MARSHALLER), "1n");
        var impatient = FleetsGrpc.newBlockingStub(channel).withInterceptors(MetadataUtils.newAttachHeadersInterceptor(late));
        assertRefused(() -> impatient.applyFleet(apply(spec("too-late")).build()), Status.Code.DEADLINE_EXCEEDED, "");
        assertRefused(() -> fleets.getFleet(GetFleetRequest.newBuilder().setName("too-late").build()), Status.Code.NOT_FOUND, "too-late");
    }

    @Test
    void errorsSayWhatToDo() throws Exception {
        fleets.applyFleet(apply(spec("told-why")).build());
        assertThatThrownBy(() -> fleets.applyFleet(apply(spec("told-why")).setExpectedVersion(7).build())).satisfies(refused -> {
            var violation = detail(StatusProto.fromThrowable(refused), PreconditionFailure.class).getViolations(0);
            assertThat(violation.getType()).isEqualTo("VERSION_MISMATCH");
            assertThat(violation.getSubject()).isEqualTo("fleets/told-why");
        });
        assertThat(detail(StatusProto.fromThrowable(ApiErrors.unavailable("x")), RetryInfo.class).getRetryDelay().getSeconds()).isPositive();
        assertThat(detail(StatusProto.fromThrowable(ApiErrors.unanswered("r", "x")), RetryInfo.class).getRetryDelay().getSeconds()).isPositive();
        assertThat(detail(StatusProto.fromThrowable(Calls.failure(new TopicReaders.Busy())), RetryInfo.class).getRetryDelay().getSeconds()).isPositive();
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
}
