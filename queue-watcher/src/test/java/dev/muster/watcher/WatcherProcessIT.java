package dev.muster.watcher;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.util.Timestamps;
import dev.muster.contracts.DeadLetters;
import dev.muster.contracts.KafkaRights;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.Topics;
import dev.muster.sandbox.broker.KafkaBroker;
import dev.muster.sandbox.broker.SecuredBroker;
import dev.muster.sandbox.clearml.ClearmlConfig;
import dev.muster.sandbox.clearml.ClearmlServer;
import dev.muster.sandbox.clearml.Faults;
import dev.muster.v1.ClearmlCommand;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.DemandObserved;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.FleetState;
import dev.muster.v1.QueuePicture;
import dev.muster.v1.QueueSpec;
import dev.muster.v1.QueueState;
import dev.muster.v1.ReadFailure;
import dev.muster.v1.RescueOutcome;
import dev.muster.v1.RescueTask;
import dev.muster.v1.ServiceReported;
import dev.muster.v1.TaskRescued;
import dev.muster.v1.TaskStatus;
import dev.muster.v1.UnregisterWorker;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The built watcher as a process, between a real broker and the stand-in for ClearML. */
class WatcherProcessIT {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final Pattern LOOKS = Pattern.compile("muster_watcher_look_seconds_count\\{([^}]*)} ([0-9.]+)");

    @TempDir
    static Path folder;

    private static Vertx vertx;
    private static KafkaBroker broker;
    private static KafkaProducer<byte[], byte[]> producer;

    /** Each test has topics and a server of its own. */
    private static int tests;
    private Topics topics;
    private ClearmlServer clearml;
    private Reader demand;
    private final List<Process> processes = new ArrayList<>();

    @BeforeAll
    static void startBroker() throws Exception {
        vertx = Vertx.vertx();
        broker = KafkaBroker.start(new KafkaBroker.Settings(folder.resolve("kafka"), 0));
        producer = new KafkaProducer<>(KafkaSettings.producer(broker.bootstrapServers()), new ByteArraySerializer(), new ByteArraySerializer());
        Files.createDirectories(folder.resolve("secrets"));
        Files.writeString(folder.resolve("secrets/clearml-default-access-key"), "access\n");
        Files.writeString(folder.resolve("secrets/clearml-default-secret-key"), "secret\n");
    }

    @AfterAll
    static void stopBroker() {
        producer.close();
        broker.close();
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    @BeforeEach
    void startServer() throws Exception {
        topics = new Topics("t" + tests++ + ".", Topics.SANDBOX_INPUT_PARTITIONS);
        broker.createTopics(topics);
        clearml = ClearmlServer.start(vertx, 0, ClearmlConfig.of(new ClearmlConfig.Credential("access", "secret", "user", "company")));
        demand = new Reader(topics.demand());
    }

    @AfterEach
    void stopEverything() throws Exception {
        for (var process : processes) {
            process.destroyForcibly().waitFor();
        }
        demand.close();
        clearml.close();
    }

    @Test
    void publishesWhatWaitsAndWhatLeft() throws Exception {
        // Given
        var queue = createQueue("gpu");
        putFleet("vision", "gpu", "absent");
        startWatcher("one");
        var first = demand.awaitEvent(event -> event.hasDemandObserved());

        // When
        var task = enqueue(queue);

        // Then
        assertThat(first.getDemandObserved().getFull()).isTrue();
        assertThat(first.getSeen().getSequence()).isEqualTo(1);
        assertThat(first.getDemandObserved().getQueuesList()).extracting(seen -> seen.getState())
                .containsExactly(QueueState.SERVED, QueueState.MISSING);
        var waiting = demand.awaitEvent(event -> event.getDemandObserved().getQueuesList().stream().anyMatch(seen -> seen.getWaiting() == 1));
        assertThat(waiting.getDemandObserved().getQueues(0).getFirst(0).getTask()).isEqualTo(task);

        // When
        call("queues.get_next_task", "{\"queue\":\"" + queue + "\"}");

        // Then
        var left = demand.awaitEvent(event -> event.hasTasksObserved());
        assertThat(left.getTasksObserved().getTasks(0).getTask()).isEqualTo(task);
        var adrift = demand.awaitEvent(event -> event.getDemandObserved().getAdriftCount() == 1);
        assertThat(adrift.getDemandObserved().getAdrift(0).getTask()).isEqualTo(task);
        assertThat(adrift.getDemandObserved().getAdrift(0).getStatus()).isEqualTo(TaskStatus.QUEUED);
    }

    @Test
    void saysThatALookFailedAndGoesOnOnceItDoesNot() throws Exception {
        // Given
        createQueue("gpu");
        putFleet("vision", "gpu");
        startWatcher("one");
        demand.awaitEvent(event -> event.hasDemandObserved());

        // When
        clearml.faults().add(Faults.Fault.error("queues.get_all", 500, 0).times(2));

        // Then
        var failed = demand.awaitEvent(event -> event.hasReadFailed());
        assertThat(failed.getReadFailed().getKind()).isEqualTo(ReadFailure.SERVER_ERROR);
        assertThat(failed.getReadFailed().getCall()).isEqualTo("queues.get_all");
        assertThat(failed.getReadFailed().getConsecutive()).isEqualTo(1);
        demand.awaitEvent(event -> event.getReadFailed().getConsecutive() == 2);
        demand.awaitEvent(event -> event.hasDemandObserved()
                && Timestamps.compare(event.getSeen().getReadStartedAt(), failed.getSeen().getReadStartedAt()) > 0);
    }

    @Test
    void rescuesATaskOfAGoneMachineAndUnregistersItsWorker() throws Exception {
        // Given
        var queue = createQueue("gpu");
        putFleet("vision", "gpu");
        startWatcher("one");
        var lost = enqueue(queue);
        call("queues.get_next_task", "{\"queue\":\"" + queue + "\"}");
        var worker = "muster-vision:a:t:i-1";
        call("workers.register", "{\"worker\":\"" + worker + "\",\"queues\":[\"" + queue + "\"],\"timeout\":600}");
        call("workers.status_report", "{\"worker\":\"" + worker + "\",\"task\":\"" + lost + "\",\"timestamp\":" + System.currentTimeMillis() + "}");
        call("tasks.started", "{\"task\":\"" + lost + "\"}");
        var other = enqueue(queue);
        var command = ClearmlCommand.newBuilder().setCommandId("c1").setConnection("default").setFleet("vision");

        // When
        send(topics.clearmlCommands(), "default", command.setRescue(RescueTask.newBuilder().setTask(lost).setQueue(queue).setWorker(worker)
                .setMachineId("m12345678-1").setExpectedStatus(TaskStatus.IN_PROGRESS).setAttempt(1).setLogLine("its machine is gone"))
                .build().toByteArray());
        send(topics.clearmlCommands(), "default",
                command.setUnregister(UnregisterWorker.newBuilder().setWorker(worker)).build().toByteArray());

        // Then
        var rescued = demand.awaitEvent(event -> event.hasTaskRescued());
        assertThat(rescued.getTaskRescued().getOutcome()).as(rescued.toString()).isEqualTo(RescueOutcome.RESCUED);
        var entries = call("queues.get_by_id", "{\"queue\":\"" + queue + "\"}").at("/queue/entries");
        assertThat(List.of(entries.path(0).path("task").asText(), entries.path(1).path("task").asText())).containsExactly(lost, other);
        assertThat(clearml.log(lost)).contains("its machine is gone");
        demand.awaitEvent(event -> event.getDemandObserved().getWorkersGoneList().contains(worker)
                || event.hasDemandObserved() && event.getDemandObserved().getFull() && event.getDemandObserved().getWorkersCount() == 0);
    }

    @Test
    void keepsGarbageAsDeadLettersAndGoesOn() throws Exception {
        // Given
        createQueue("gpu");
        send(topics.fleets(), "broken", "no fleet".getBytes(UTF_8));
        startWatcher("one");

        // When
        send(topics.clearmlCommands(), "default", "no command".getBytes(UTF_8));
        send(topics.clearmlCommands(), "default", ClearmlCommand.newBuilder().setConnection("nowhere").setFleet("vision")
                .setUnregister(UnregisterWorker.newBuilder().setWorker("w")).build().toByteArray());
        putFleet("vision", "gpu");

        // Then
        try (var letters = new Reader(topics.deadLetters())) {
            letters.await(() -> letters.records.size() == 3);
            assertThat(letters.records).extracting(letter -> new String(letter.headers().lastHeader(DeadLetters.TOPIC).value(), UTF_8))
                    .containsExactlyInAnyOrder(topics.fleets(), topics.clearmlCommands(), topics.clearmlCommands());
            assertThat(letters.records).anyMatch(letter ->
                    new String(letter.headers().lastHeader(DeadLetters.REASON).value(), UTF_8).contains("no connection 'nowhere'"));
        }
        demand.awaitEvent(event -> event.hasDemandObserved());
    }

    @Test
    void anotherProcessTakesOverWhenOneIsKilled() throws Exception {
        // Given
        createQueue("gpu");
        putFleet("vision", "gpu");
        var one = startWatcher("one");
        var before = demand.awaitEvent(event -> event.hasDemandObserved());
        startWatcher("two");

        // When
        one.destroyForcibly().waitFor();

        // Then
        var after = demand.awaitEvent(event -> event.hasDemandObserved() && event.getSeen().getSource().equals("queue-watcher/two"));
        assertThat(after.getSeen().getGeneration()).isGreaterThan(before.getSeen().getGeneration());
        assertThat(after.getSeen().getSequence()).isEqualTo(1);
        assertThat(after.getDemandObserved().getFull()).isTrue();
    }

    @Test
    void staysReadyWhileAServerRefusesAndSaysSo() throws Exception {
        // Given
        clearml.faults().add(Faults.Fault.unauthorized("*"));

        // When
        var port = portOf(startWatcher("one"));

        // Then
        var health = HTTP.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/q/health/ready")).build(),
                HttpResponse.BodyHandlers.ofString());
        assertThat(health.statusCode()).as(health.body()).isEqualTo(200);
        assertThat(health.body()).contains("connection default").contains("auth.login: 401/30");
        try (var services = new Reader(topics.services())) {
            services.await(() -> services.records.stream().map(record -> parse(record, ServiceReported.parser()))
                    .anyMatch(report -> report.getReady() && report.getConnectionsCount() == 1 && !report.getConnections(0).getOk()));
        }
    }

    @Test
    void listsItselfAsAWorkerOfItsQueuesAndNoLongerOnceItEnds() throws Exception {
        // Given
        var queue = createQueue("gpu");
        var task = call("tasks.create", "{\"name\":\"a task\",\"type\":\"training\"}").path("id").asText();
        putFleet("vision", "gpu");

        // When
        var process = startWatcher("one");

        // Then
        await("the worker that stands for Muster", () -> workers().size() == 1);
        var worker = workers().get(0);
        assertThat(worker.path("id").asText()).isEqualTo("muster-queue-watcher@test.default");
        assertThat(worker.path("tags").path(0).asText()).isEqualTo("muster");
        var answer = call("tasks.enqueue", "{\"task\":\"" + task + "\",\"queue\":\"" + queue + "\",\"verify_watched_queue\":true}");
        assertThat(answer.path("queue_watched").asBoolean()).isTrue();
        // It is no supply: nothing that is told has it.
        var told = demand.awaitEvent(event -> event.getDemandObserved().getQueuesList().stream().anyMatch(seen -> seen.getWaiting() == 1));
        assertThat(demand.observedSoFar()).allSatisfy(seen -> assertThat(seen.getWorkersList()).isEmpty());
        assertThat(told.getFleet()).isEqualTo("vision");

        // When
        process.destroy();

        // Then
        assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
        assertThat(workers()).isEmpty();
    }

    @Test
    void listsItselfNotWhereItShallNot() throws Exception {
        // Given
        createQueue("gpu");
        putFleet("vision", "gpu");

        // When
        startWatcher("one", "-Dmuster.connections.default.register-worker=false");

        // Then
        demand.awaitEvent(event -> event.hasDemandObserved());
        demand.awaitEvent(event -> event.hasDemandObserved());
        assertThat(clearml.calls()).doesNotContainKey("workers.register");
    }

    @Test
    void createsWhatIsMissingForAFleetThatSaysSo() throws Exception {
        // Given
        putFleet(fleet("vision", "new-queue", "no").setCreateQueues(true));

        // When
        startWatcher("one");

        // Then
        var created = demand.awaitEvent(event -> event.getDemandObserved().getQueuesList().stream().anyMatch(seen -> seen.getState() == QueueState.SERVED));
        assertThat(created.getDemandObserved().getQueuesList()).extracting(seen -> seen.getName() + " " + seen.getState())
                .containsExactly("new-queue SERVED", "no MISSING");
        // A name of two letters the server refuses, and is not asked for again in the next tick.
        assertThat(clearml.calls().get("queues.create")).isLessThanOrEqualTo(2);
        assertThat(Files.readString(folder.resolve(topics.prefix() + "one.log"))).contains("could not be created", "queue=no", "queues.create: 400/12");
    }

    @Test
    void tellsWhatTasksSayOfThemselvesByTheirTags() throws Exception {
        // Given
        var queue = createQueue("gpu");
        putFleet("vision", "gpu");
        startWatcher("one");
        var task = call("tasks.create", "{\"name\":\"a task\",\"type\":\"training\",\"tags\":[\"muster:memory=64\",\"other\"]}").path("id").asText();

        // When
        call("tasks.enqueue", "{\"task\":\"" + task + "\",\"queue\":\"" + queue + "\"}");

        // Then
        var told = demand.awaitEvent(event -> event.getDemandObserved().getQueuesList().stream()
                .anyMatch(seen -> seen.getShapesCount() == 1 && seen.getShapes(0).getSignature().equals("memory=64")));
        assertThat(told.getDemandObserved().getQueues(0).getFirst(0).getUser()).isEqualTo("user");
    }

    @Test
    void aQueueThatWasRenamedOrDeletedIsMissingAndSaidToBeSo() throws Exception {
        // Given
        var renamed = createQueue("gpu");
        var deleted = createQueue("cpu");
        putFleet("vision", "gpu", "cpu");
        var process = startWatcher("one");
        demand.awaitEvent(event -> event.getDemandObserved().getQueuesList().stream().allMatch(seen -> seen.getState() == QueueState.SERVED)
                && event.hasDemandObserved());

        // When
        call("queues.update", "{\"queue\":\"" + renamed + "\",\"name\":\"gpu-large\"}");
        call("queues.delete", "{\"queue\":\"" + deleted + "\"}");

        // Then
        demand.awaitEvent(event -> event.hasDemandObserved()
                && event.getDemandObserved().getQueuesList().stream().allMatch(seen -> seen.getState() == QueueState.MISSING));
        await("a note of both", () -> health(process).contains("reachable: queue 'cpu' was deleted at the server; "
                + "queue 'gpu' was renamed to 'gpu-large' at the server, and fleets still name 'gpu'"));

        // When
        createQueue("gpu");

        // Then
        demand.awaitEvent(event -> event.getDemandObserved().getQueuesList().stream()
                .anyMatch(seen -> seen.getName().equals("gpu") && seen.getState() == QueueState.SERVED && !seen.getId().equals(renamed)));
    }

    @Test
    void readsTenThousandQueues() throws Exception {
        // Given
        var names = IntStream.range(0, 10_000).mapToObj(i -> "queue-" + i).toArray(String[]::new);
        clearml.addQueues(List.of(names));
        putFleet("vision", names);

        // When
        startWatcher("one", "-Dmuster.connections.default.interval=5s");

        // Then
        demand.await(() -> demand.observedSoFar().stream().flatMap(seen -> seen.getQueuesList().stream())
                .filter(seen -> seen.getState() == QueueState.SERVED).map(QueuePicture::getName).distinct().count() == 10_000);
        // By reading all that the server has, not name by name.
        assertThat(clearml.calls().get("queues.get_all")).isLessThan(100);
    }

    @Test
    void aConnectionThatStallsHoldsNoOther() throws Exception {
        // Given
        createQueue("gpu");
        putFleet("vision", "gpu");
        Files.writeString(folder.resolve("secrets/clearml-other-access-key"), "access\n");
        Files.writeString(folder.resolve("secrets/clearml-other-secret-key"), "secret\n");
        try (var stalling = ClearmlServer.start(vertx, 0, ClearmlConfig.of(new ClearmlConfig.Credential("access", "secret", "user", "company")))) {
            putFleet(fleet("speech", "default").setConnection("other"));
            startWatcher("one", "-Dmuster.connections.other.api=" + stalling.url(), "-Dmuster.connections.other.interval=200ms",
                    "-Dmuster.connections.other.timeout=1s");
            demand.awaitEvent(event -> event.hasDemandObserved() && event.getFleet().equals("speech"));

            // When
            stalling.faults().add(Faults.Fault.stall("*"));

            // Then
            var failed = demand.awaitEvent(event -> event.hasReadFailed());
            assertThat(failed.getFleet()).isEqualTo("speech");
            assertThat(failed.getReadFailed().getKind()).isEqualTo(ReadFailure.UNREACHABLE);
            assertThat(failed.getReadFailed().getDetail()).contains("no whole answer within 1000 ms");
            demand.awaitEvent(event -> event.hasDemandObserved() && event.getFleet().equals("vision")
                    && Timestamps.compare(event.getSeen().getReadStartedAt(), failed.getSeen().getReadStartedAt()) > 0);

            // When
            for (var i = 0; i < 100; i++) {
                send(topics.clearmlCommands(), "other", ClearmlCommand.newBuilder().setConnection("other").setFleet("speech")
                        .setRescue(RescueTask.newBuilder().setTask("lost").setAttempt(i + 1)).build().toByteArray());
            }
            send(topics.clearmlCommands(), "default", ClearmlCommand.newBuilder().setConnection("default").setFleet("vision")
                    .setRescue(RescueTask.newBuilder().setTask("lost").setAttempt(1)).build().toByteArray());

            // Then
            demand.await(() -> demand.rescuesSoFar().stream().anyMatch(rescue -> rescue.getStatus() == TaskStatus.TASK_NOT_FOUND));
            assertThat(demand.rescuesSoFar()).filteredOn(rescue -> rescue.getOutcome() == RescueOutcome.RESCUE_FAILED).hasSizeLessThan(100);

            // When
            stalling.faults().clear();

            // Then
            demand.awaitEvent(event -> event.hasDemandObserved() && event.getFleet().equals("speech"));
        }
    }

    /** Twenty times as fast: looks each 50 ms, answers awaited for 400 ms, and 9 s of silence. */
    @Test
    void oneConnectionStallsForThreeMinutesWhileAnotherGoesOn() throws Exception {
        // Given
        createQueue("gpu");
        putFleet("vision", "gpu");
        Files.writeString(folder.resolve("secrets/clearml-other-access-key"), "access\n");
        Files.writeString(folder.resolve("secrets/clearml-other-secret-key"), "secret\n");
        try (var stalling = ClearmlServer.start(vertx, 0, ClearmlConfig.of(new ClearmlConfig.Credential("access", "secret", "user", "company")))) {
            putFleet(fleet("speech", "default").setConnection("other"));
            var process = startWatcher("one", "-Dmuster.connections.default.interval=50ms", "-Dmuster.connections.other.api=" + stalling.url(),
                    "-Dmuster.connections.other.interval=50ms", "-Dmuster.connections.other.timeout=400ms");
            demand.awaitEvent(event -> event.hasDemandObserved() && event.getFleet().equals("speech"));

            // When
            stalling.faults().add(Faults.Fault.stall("*"));
            var first = demand.awaitEvent(event -> event.getFleet().equals("speech") && event.hasReadFailed());

            // Then
            for (var second = 0; second < 9; second++) {
                var until = Instant.now().plusSeconds(1);
                var before = goodLooks(process, "default");
                await("looks at the other connection", () -> goodLooks(process, "default") >= before + 5);
                await("the second's end", () -> !Instant.now().isBefore(until));
            }
            assertThat(health(process)).contains("connection other").contains("no whole answer within 400 ms");

            // When
            stalling.faults().clear();

            // Then
            var after = demand.awaitEvent(event -> event.hasDemandObserved() && event.getFleet().equals("speech"));
            assertThat(after.getSeen().getGeneration()).isEqualTo(first.getSeen().getGeneration());
            var told = demand.records.stream().map(record -> parse(record, DemandEvent.parser())).toList();
            assertThat(told).filteredOn(event -> event.getFleet().equals("speech") && event.hasReadFailed()).hasSizeGreaterThan(1)
                    .allSatisfy(event -> assertThat(event.getReadFailed().getDetail()).contains("no whole answer within 400 ms"));
            assertThat(told).filteredOn(event -> event.getFleet().equals("vision")).noneMatch(DemandEvent::hasReadFailed);
        }
    }

    private int goodLooks(Process process, String connection) {
        var looks = LOOKS.matcher(get(process, "/q/metrics"));
        while (looks.find()) {
            if (looks.group(1).contains("connection=\"" + connection + "\"") && looks.group(1).contains("outcome=\"good\"")) {
                return (int) Double.parseDouble(looks.group(2));
            }
        }
        return 0;
    }

    @Test
    void anOutdatedServerIsToldOnceAndAskedRarely() throws Exception {
        // Given
        clearml.close();
        clearml = ClearmlServer.start(vertx, 0, ClearmlConfig.of(new ClearmlConfig.Credential("access", "secret", "user", "company"))
                .withApiVersion("2.19").withClock(Clock.offset(Clock.systemUTC(), Duration.ofHours(1))));
        putFleet("vision", "gpu");

        // When
        var process = startWatcher("one");

        // Then
        var failed = demand.awaitEvent(event -> event.getReadFailed().getConsecutive() == 5);
        assertThat(failed.getReadFailed().getDetail()).isEqualTo(
                "server.info: this server has API version 2.19; Muster needs 2.20 or newer: upgrade the ClearML server");
        assertThat(health(process)).contains("failing").contains("upgrade the ClearML server");
        var log = Files.readString(folder.resolve(topics.prefix() + "one.log"));
        assertThat(log.lines().filter(line -> line.contains("upgrade the ClearML server"))).hasSize(1);
        assertThat(clearml.calls()).doesNotContainKeys("workers.get_all", "queues.get_all");
    }

    @Test
    void aServerWithAnotherTimeIsReadAndSaidToHaveIt() throws Exception {
        // Given
        clearml.close();
        clearml = ClearmlServer.start(vertx, 0, ClearmlConfig.of(new ClearmlConfig.Credential("access", "secret", "user", "company"))
                .withClock(Clock.offset(Clock.systemUTC(), Duration.ofHours(-1))));
        createQueue("gpu");
        putFleet("vision", "gpu");

        // When
        var process = startWatcher("one");

        // Then
        demand.awaitEvent(event -> event.hasDemandObserved());
        await("a note of the skew", () -> health(process).contains("the server's clock is 3600 s behind this machine's"));
    }

    @Test
    void aWrongKeyIsRefusedWithTheNameOfItsFile() throws Exception {
        // Given
        clearml.close();
        clearml = ClearmlServer.start(vertx, 0, ClearmlConfig.of(new ClearmlConfig.Credential("access", "another", "user", "company")));
        putFleet("vision", "gpu");

        // When
        startWatcher("one");

        // Then
        var failed = demand.awaitEvent(event -> event.hasReadFailed());
        assertThat(failed.getReadFailed().getKind()).isEqualTo(ReadFailure.REFUSED);
        assertThat(failed.getReadFailed().getDetail()).startsWith("auth.login: 401")
                .contains("files clearml-default-access-key and clearml-default-secret-key of " + folder.resolve("secrets"))
                .doesNotContain("another");
    }

    @Test
    void worksOnABrokerThatDemandsToKnowWhoSpeaksAndSaysWhatItLacks() throws Exception {
        try (var secured = SecuredBroker.start(folder.resolve("secured"))) {
            // Given: the password is wrong, and a right is missing.
            secured.broker().createTopics(topics);
            var service = KafkaRights.QUEUE_WATCHER;
            var lacking = KafkaRights.of(topics, service).stream().filter(right -> right.name().equals(topics.demand())).toList();
            secured.service(topics, service);
            secured.forbid(KafkaRights.principal(service), lacking);
            secured.as("muster-" + service, "not the password");
            Files.writeString(secured.secrets().resolve("clearml-default-access-key"), "access\n");
            Files.writeString(secured.secrets().resolve("clearml-default-secret-key"), "secret\n");
            var settings = secured.settings("muster-" + service).entrySet().stream().map(setting -> "-D" + setting.getKey() + "=" + setting.getValue()).toArray(String[]::new);
            var watcher = launchWatcher("one", settings);

            // Then
            await("it says who is refused", () -> health(watcher).contains("refuses user muster-queue-watcher with the password in the secret kafka-password-muster-queue-watcher"));

            // When: the password is put right, in its file alone.
            secured.as("muster-" + service, "secret of muster-" + service);

            // Then
            await("it says what is missing", () -> health(watcher).contains("WRITE on topic " + topics.demand() + "; docs/kafka.md"));

            // When
            secured.allow(KafkaRights.principal(service), lacking);

            // Then
            await("it is ready", () -> health(watcher).contains("\"status\": \"UP\""));
            createQueue("gpu");
            try (var owner = new KafkaProducer<>(KafkaSettings.producer(secured.broker().bootstrapServers()), new ByteArraySerializer(), new ByteArraySerializer())) {
                owner.send(new ProducerRecord<>(topics.fleets(), "vision".getBytes(UTF_8), FleetRecord.newBuilder().setFleet("vision").setIncarnation("abcdefgh").setVersion(1)
                        .setState(FleetState.ACTIVE).setSpec(fleet("vision", "gpu")).setCreatedAt(Timestamps.fromMillis(1)).build().toByteArray())).get();
            }
            try (var looks = new Reader(secured.broker().bootstrapServers(), topics.demand()); var reports = new Reader(secured.broker().bootstrapServers(), topics.services())) {
                looks.awaitEvent(event -> event.hasDemandObserved());
                reports.await(() -> !reports.records.isEmpty());
            }
            assertThat(Files.readString(folder.resolve(topics.prefix() + "one.log"))).doesNotContain("secret of", "not the password");
        }
    }

    @Test
    void refusesToStartWithOneSentence() throws Exception {
        // When
        var process = new ProcessBuilder(java(), "-jar", jar(), "unused").redirectErrorStream(true);
        process.environment().keySet().removeIf(name -> name.startsWith("MUSTER_"));
        var started = process.start();
        processes.add(started);
        var output = new String(started.getInputStream().readAllBytes(), UTF_8);

        // Then
        assertThat(started.waitFor()).isEqualTo(78);
        assertThat(output.lines().toList()).hasSize(1);
        assertThat(output).contains("muster.installation is not set");
    }

    @Test
    void refusesToStartWithoutASecretAndNamesItsFile() throws Exception {
        // When
        var empty = Files.createDirectories(folder.resolve("no-secrets"));
        var started = new ProcessBuilder(java(), "-Dmuster.installation=test", "-Dmuster.kafka.bootstrap-servers=127.0.0.1:1",
                "-Dmuster.secrets.folder=" + empty, "-Dmuster.connections.default.api=" + clearml.url(), "-jar", jar())
                .redirectErrorStream(true).start();
        processes.add(started);
        var output = new String(started.getInputStream().readAllBytes(), UTF_8);

        // Then
        assertThat(started.waitFor()).isEqualTo(78);
        assertThat(output.lines().toList()).hasSize(1);
        assertThat(output).contains(empty.resolve("clearml-default-access-key").toString());
    }

    private List<JsonNode> workers() {
        try {
            var workers = new ArrayList<JsonNode>();
            call("workers.get_all", "{}").path("workers").forEach(workers::add);
            return workers;
        } catch (Exception failed) {
            throw new AssertionError(failed);
        }
    }

    private String health(Process process) {
        return get(process, "/q/health/ready");
    }

    private String get(Process process, String path) {
        try {
            return HTTP.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + portOf(process) + path)).build(),
                    HttpResponse.BodyHandlers.ofString()).body();
        } catch (Exception failed) {
            throw new AssertionError(failed);
        }
    }

    private Process startWatcher(String name, String... settings) throws Exception {
        var process = launchWatcher(name, settings);
        var port = portOf(process);
        await("readiness of the watcher; its log is\n" + Files.readString(folder.resolve(topics.prefix() + name + ".log")), () -> {
            try {
                return HTTP.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/q/health/ready")).build(),
                        HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
            } catch (IOException | InterruptedException notYet) {
                return false;
            }
        });
        return process;
    }

    private Process launchWatcher(String name, String... settings) throws Exception {
        var log = folder.resolve(topics.prefix() + name + ".log");
        var command = new ArrayList<>(List.of(java(), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx96m",
                "-Dquarkus.http.port=0", "-Dquarkus.http.host=127.0.0.1",
                "-Dmuster.installation=test", "-Dmuster.instance=" + name,
                "-Dmuster.kafka.bootstrap-servers=" + broker.bootstrapServers(),
                "-Dmuster.topics.prefix=" + topics.prefix(),
                "-Dmuster.topics.input-partitions=" + topics.inputPartitions(),
                "-Dmuster.secrets.folder=" + folder.resolve("secrets"),
                "-Dmuster.connections.default.api=" + clearml.url(),
                "-Dmuster.connections.default.interval=200ms"));
        // What comes later on the line wins.
        command.addAll(List.of(settings));
        command.addAll(List.of("-jar", jar()));
        var process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
        processes.add(process);
        return process;
    }

    /** From the line that Quarkus prints once it listens. */
    private int portOf(Process process) throws Exception {
        var log = folder.resolve(topics.prefix() + (processes.indexOf(process) == 0 ? "one" : "two") + ".log");
        var marker = "Listening on: http://127.0.0.1:";
        await("a line '" + marker + "' in " + log, () -> {
            try {
                return Files.readString(log).contains(marker) || !process.isAlive();
            } catch (IOException notYet) {
                return false;
            }
        });
        var text = Files.readString(log);
        assertThat(process.isAlive()).as(text).isTrue();
        var from = text.indexOf(marker) + marker.length();
        var to = from;
        while (Character.isDigit(text.charAt(to))) {
            to++;
        }
        return Integer.parseInt(text.substring(from, to));
    }

    private static String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    private static String jar() {
        var jar = Path.of("target/quarkus-app/quarkus-run.jar");
        assertThat(jar).as("built by the package phase").exists();
        return jar.toString();
    }

    private void putFleet(String name, String... queues) throws Exception {
        putFleet(fleet(name, queues));
    }

    private static FleetSpec.Builder fleet(String name, String... queues) {
        var spec = FleetSpec.newBuilder().setName(name).setConnection("default").setWorkersPrefix("muster-" + name);
        Stream.of(queues).forEach(queue -> spec.addQueues(QueueSpec.newBuilder().setName(queue)));
        return spec;
    }

    private void putFleet(FleetSpec.Builder spec) throws Exception {
        send(topics.fleets(), spec.getName(), FleetRecord.newBuilder().setFleet(spec.getName()).setIncarnation("abcdefgh").setVersion(1)
                .setState(FleetState.ACTIVE).setSpec(spec).setCreatedAt(Timestamps.fromMillis(1)).build().toByteArray());
    }

    private static void send(String topic, String key, byte[] value) throws Exception {
        producer.send(new ProducerRecord<>(topic, key.getBytes(UTF_8), value)).get(10, TimeUnit.SECONDS);
    }

    private String createQueue(String name) throws Exception {
        return call("queues.create", "{\"name\":\"" + name + "\"}").path("id").asText();
    }

    private HttpRequest request(String endpoint, String body) {
        var basic = Base64.getEncoder().encodeToString("access:secret".getBytes(UTF_8));
        return HttpRequest.newBuilder(URI.create(clearml.url() + "/" + endpoint)).header("Authorization", "Basic " + basic)
                .header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(body)).build();
    }

    private String enqueue(String queue) throws Exception {
        var task = call("tasks.create", "{\"name\":\"test task\",\"type\":\"training\"}").path("id").asText();
        call("tasks.enqueue", "{\"task\":\"" + task + "\",\"queue\":\"" + queue + "\"}");
        return task;
    }

    private JsonNode call(String endpoint, String body) throws Exception {
        var answer = HTTP.send(request(endpoint, body), HttpResponse.BodyHandlers.ofString());
        assertThat(answer.statusCode()).as(endpoint + " " + body + " → " + answer.body()).isEqualTo(200);
        return JSON.readTree(answer.body()).path("data");
    }

    private interface Condition {
        boolean holds();
    }

    private static void await(String what, Condition condition) {
        var deadline = Instant.now().plus(PATIENCE);
        while (!condition.holds()) {
            assertThat(Instant.now()).as("waited " + PATIENCE + " for " + what).isBefore(deadline);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
        }
    }

    private static <T> T parse(ConsumerRecord<byte[], byte[]> record, com.google.protobuf.Parser<T> parser) {
        try {
            return parser.parseFrom(record.value());
        } catch (com.google.protobuf.InvalidProtocolBufferException broken) {
            throw new AssertionError(broken);
        }
    }

    /** All records of a topic so far. */
    private static final class Reader implements AutoCloseable {

        final List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        private final KafkaConsumer<byte[], byte[]> consumer;
        private int awaited;

        Reader(String topic) {
            this(broker.bootstrapServers(), topic);
        }

        Reader(String kafka, String topic) {
            consumer = new KafkaConsumer<>(KafkaSettings.consumer(kafka), new ByteArrayDeserializer(), new ByteArrayDeserializer());
            var partitions = consumer.partitionsFor(topic).stream().map(info -> new TopicPartition(topic, info.partition())).toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
        }

        void await(Condition condition) {
            var deadline = Instant.now().plus(PATIENCE);
            while (!condition.holds()) {
                assertThat(Instant.now()).as("waited " + PATIENCE + "; so far " + records.size() + " records").isBefore(deadline);
                consumer.poll(Duration.ofMillis(100)).forEach(records::add);
            }
        }

        List<DemandObserved> observedSoFar() {
            return records.stream().map(record -> parse(record, DemandEvent.parser())).filter(DemandEvent::hasDemandObserved)
                    .map(DemandEvent::getDemandObserved).toList();
        }

        List<TaskRescued> rescuesSoFar() {
            return records.stream().map(record -> parse(record, DemandEvent.parser())).filter(DemandEvent::hasTaskRescued)
                    .map(DemandEvent::getTaskRescued).toList();
        }

        /** The next event that matches, in the order of the topic; those before it are passed over for good. */
        DemandEvent awaitEvent(Predicate<DemandEvent> wanted) {
            var found = new DemandEvent[1];
            await(() -> {
                while (found[0] == null && awaited < records.size()) {
                    var event = parse(records.get(awaited++), DemandEvent.parser());
                    found[0] = wanted.test(event) ? event : null;
                }
                return found[0] != null;
            });
            return found[0];
        }

        @Override
        public void close() {
            consumer.close();
        }
    }
}
