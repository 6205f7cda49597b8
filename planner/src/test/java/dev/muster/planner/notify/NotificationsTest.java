package dev.muster.planner.notify;

import static dev.muster.planner.notify.Decisions.budget;
import static dev.muster.planner.notify.Decisions.decision;
import static dev.muster.planner.notify.Decisions.hook;
import static dev.muster.planner.notify.Decisions.refused;
import static dev.muster.planner.notify.Decisions.served;
import static dev.muster.planner.notify.Decisions.unknown;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.muster.contracts.KafkaConnection;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.SecretsFolder;
import dev.muster.contracts.Topics;
import dev.muster.planner.Settings;
import dev.muster.sandbox.broker.KafkaBroker;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.NotificationOutcome;
import dev.muster.v1.NotificationSpec;
import dev.muster.v1.Reason;
import dev.muster.telemetry.Meters;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Notifications from a real broker to a real webhook, through restarts. */
class NotificationsTest {

    private static final String KEY = "T0/B0/planted-key";
    private static final Courier.Pace FAST = new Courier.Pace(Duration.ZERO, Duration.ofMillis(50), Duration.ofMillis(200), Duration.ofHours(1));
    @TempDir
    static Path data;
    private static KafkaBroker broker;
    private static KafkaProducer<byte[], byte[]> producer;
    private static int fleets;

    @TempDir
    Path secrets;

    private final String fleet = "fleet-" + fleets++;
    /** Each test has topics and a group of its own: its time is its own, too. */
    private final Topics topics = new Topics(fleet + ".", Topics.SANDBOX_INPUT_PARTITIONS);
    private final Map<String, List<NotificationSpec>> webhooks = new ConcurrentHashMap<>();
    private final List<String> taken = new CopyOnWriteArrayList<>();
    private final List<String> log = new CopyOnWriteArrayList<>();
    private final List<Notifications> running = new ArrayList<>();
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final Ahead clock = new Ahead();
    private volatile int status = 200;
    private volatile CountDownLatch answering = new CountDownLatch(0);
    private HttpServer server;

    private final Handler handler = new Handler() {
        @Override
        public void publish(LogRecord record) {
            log.add(record.getMessage() + " " + List.of(Optional.ofNullable(record.getParameters()).orElse(new Object[0])) + " " + record.getThrown());
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };

    /** The time, and what the test has let pass. */
    private static final class Ahead extends Clock {
        private volatile Duration passed = Duration.ZERO;

        @Override
        public Instant instant() {
            return Instant.now().plus(passed);
        }

        @Override
        public ZoneId getZone() {
            return ZoneId.of("UTC");
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }

    @BeforeAll
    static void startABroker() throws Exception {
        broker = KafkaBroker.start(new KafkaBroker.Settings(data, 0));
        producer = new KafkaProducer<>(KafkaSettings.producer(KafkaConnection.plaintext(broker.bootstrapServers())), new ByteArraySerializer(), new ByteArraySerializer());
    }

    @AfterAll
    static void stopTheBroker() {
        producer.close();
        broker.close();
    }

    @BeforeEach
    void serve() throws Exception {
        broker.createTopics(topics);
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/", exchange -> {
            var body = new String(exchange.getRequestBody().readAllBytes(), UTF_8);
            taken.add(status + " " + body);
            try {
                answering.await(20, TimeUnit.SECONDS);
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
            }
            exchange.sendResponseHeaders(status, -1);
            exchange.close();
        });
        server.start();
        Logger.getLogger("dev.muster.planner.notify").addHandler(handler);
        webhooks.put(fleet, List.of(hook("slack")));
        putAddress();
    }

    @AfterEach
    void stop() {
        answering.countDown();
        running.forEach(Notifications::close);
        server.stop(0);
        Logger.getLogger("dev.muster.planner.notify").removeHandler(handler);
        assertThat(log.toString()).doesNotContain("planted").doesNotContain("127.0.0.1");
    }

    private void putAddress() throws Exception {
        Files.writeString(secrets.resolve("slack"), "http://127.0.0.1:" + server.getAddress().getPort() + "/services/" + KEY + "\n");
    }

    private Notifications start(Courier.Pace pace) throws Exception {
        var settings = new Settings("lab", "one", KafkaConnection.plaintext(broker.bootstrapServers()), topics, Duration.ofMillis(10), Duration.ofMillis(20), Duration.ofSeconds(6),
                Duration.ofSeconds(3), 1, 0, Duration.ofSeconds(10), 100, new SecretsFolder(secrets), Optional.empty());
        var notifications = new Notifications(settings, name -> webhooks.getOrDefault(name, List.of()), () -> true, new Meters(registry), pace, clock);
        running.add(notifications);
        notifications.start();
        return notifications;
    }

    /** Until it has committed where it begins, nothing was ever told. */
    private Notifications started() throws Exception {
        var notifications = start(FAST);
        await("it has begun", () -> committed().size() == topics.inputPartitions());
        return notifications;
    }

    private Map<?, ?> committed() throws Exception {
        try (var admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
            return admin.listConsumerGroupOffsets(topics.prefix() + "planner-notifications").partitionsToOffsetAndMetadata().get();
        }
    }

    private void write(DecisionEvent event) throws Exception {
        producer.send(new ProducerRecord<>(topics.decisions(), fleet.getBytes(UTF_8), event.toByteArray())).get();
    }

    private void failedBoot() throws Exception {
        write(decision(fleet, clock.instant(), Reason.BOOT_FAILED, "gpu", List.of("m-1"), List.of(), "m-1: no worker registered"));
        clock.passed = clock.passed.plus(Duration.ofMinutes(11));
    }

    private String message(String rest) {
        return "200 {\"text\":\"Muster lab, fleet " + fleet + ", " + rest + "\"}";
    }

    @Test
    void whatBeginsAndWhatEndsIsToldAndWhatWasBeforeIsNot() throws Exception {
        write(refused(fleet, clock.instant(), "old", budget("pool/old")));
        started();
        write(refused(fleet, clock.instant(), "one", budget("fleet")));
        await("its begin is told", () -> taken.size() == 1);
        write(served(fleet, clock.instant(), "one"));
        clock.passed = Duration.ofMinutes(3);
        await("its end is told", () -> taken.size() == 2);
        assertThat(taken).satisfiesExactly(begin -> assertThat(begin).startsWith("200 {\"text\":\"Muster lab, fleet " + fleet + ", budget: 2 wait in one"),
                end -> assertThat(end).contains("budget: over after 0 s: 2 wait in one"));
    }

    @Test
    void aWatcherThatIsDeadIsToldAfterFiveMinutes() throws Exception {
        started();
        write(unknown(fleet, clock.instant(), clock.instant(), Reason.FACTS_STALE));
        clock.passed = Duration.ofMinutes(6);
        await("it is told", () -> taken.size() == 1);
        assertThat(taken.get(0)).contains("ClearML: nothing is launched or released");
    }

    @Test
    void errorsOfTheWebhookDelayAMessageAndRepeatNone() throws Exception {
        status = 500;
        started();
        failedBoot();
        await("it was tried three times", () -> taken.size() >= 3);
        status = 200;
        await("it is taken", () -> taken.stream().anyMatch(message("boot failed: m-1: no worker registered.")::equals));
        failedBoot();
        await("so is the next", () -> taken.stream().filter(each -> each.startsWith("200")).count() == 2);
        await("both are counted", () -> registry.counter("muster_notifications_total", "kind", "boot_failure", "outcome", "sent").count() == 2);
    }

    @Test
    void aSecretThatComesLaterIsReadThen() throws Exception {
        Files.delete(secrets.resolve("slack"));
        var notifications = started();
        failedBoot();
        await("it was missed", () -> log.stream().anyMatch(line -> line.contains("not taken by its webhook")));
        assertThat(notifications.test(fleet).get()).containsExactly(NotificationOutcome.newBuilder().setSecret("slack")
                .setDetail("the planner's secrets folder has no file slack").build());
        putAddress();
        await("it is taken", () -> taken.equals(List.of(message("boot failed: m-1: no worker registered."))));
        assertThat(notifications.test(fleet).get()).containsExactly(NotificationOutcome.newBuilder().setSecret("slack").setOk(true).build());
        assertThat(taken).contains(message("test: this webhook works."));
    }

    @Test
    void whatNobodyTakesForTooLongIsGivenUpAndCounted() throws Exception {
        status = 500;
        start(new Courier.Pace(Duration.ZERO, Duration.ofMillis(20), Duration.ofMillis(50), Duration.ofMillis(300)));
        await("it has begun", () -> committed().size() == topics.inputPartitions());
        failedBoot();
        await("it is given up", () -> registry.counter("muster_notifications_total", "kind", "boot_failure", "outcome", "given-up").count() == 1);
        assertThat(log).anyMatch(line -> line.contains("given up"));
        var tried = taken.size();
        status = 200;
        failedBoot();
        await("the next is told", () -> taken.stream().anyMatch(each -> each.startsWith("200")));
        assertThat(taken).hasSize(tried + 1);
    }

    /** The webhook has the message and has not answered when the process dies: it is sent again, once. */
    @Test
    void whatWasSentAndNotAnsweredWhenAProcessDiedIsSentAgain() throws Exception {
        var notifications = startedWithOneUnanswered();
        notifications.kill();
        answering.countDown();

        start(FAST);
        await("it is sent again", () -> taken.size() == 2);
        assertThat(taken.get(1)).isEqualTo(taken.get(0));
        assertNothingMoreIsSaid();
    }

    @Test
    void aRestartRepeatsNothingThatWasTaken() throws Exception {
        var first = started();
        write(refused(fleet, clock.instant(), "one", budget("fleet")));
        await("it is told", () -> taken.size() == 1);
        first.close();
        start(FAST);
        assertNothingMoreIsSaid();
        write(served(fleet, clock.instant(), "one"));
        clock.passed = Duration.ofMinutes(3);
        await("its end is told by the next", () -> taken.stream().anyMatch(text -> text.contains("budget: over after")));
    }

    /** The webhook has the message and answers while the process ends. */
    @Test
    void whatIsAnsweredWhileAProcessEndsIsNotSentAgain() throws Exception {
        var first = startedWithOneUnanswered();
        var ends = CompletableFuture.runAsync(first::close);
        TimeUnit.MILLISECONDS.sleep(700);
        assertThat(ends).as("it waits for the answer").isNotDone();
        answering.countDown();
        ends.get(20, TimeUnit.SECONDS);

        start(FAST);
        assertNothingMoreIsSaid();
    }

    private Notifications startedWithOneUnanswered() throws Exception {
        answering = new CountDownLatch(1);
        var notifications = started();
        write(refused(fleet, clock.instant(), "one", budget("fleet")));
        await("it is sent", () -> taken.size() == 1);
        return notifications;
    }

    /** A later event has come through the same partition: all before it was taken in. */
    private void assertNothingMoreIsSaid() throws Exception {
        var before = taken.size();
        webhooks.put(fleet, List.of(hook("slack"), hook("probe")));
        Files.copy(secrets.resolve("slack"), secrets.resolve("probe"));
        write(refused(fleet, clock.instant(), "probe", budget("pool/probe")));
        await("what comes later is told to both", () -> taken.size() >= before + 2);
        assertThat(List.copyOf(taken).subList(before, before + 2)).allSatisfy(text -> assertThat(text).contains("2 wait in probe"));
        assertThat(taken).hasSize(before + 2);
    }

    private static void await(String what, Callable<Boolean> condition) throws Exception {
        var deadline = Instant.now().plusSeconds(60);
        while (!condition.call()) {
            assertThat(Instant.now()).as(what).isBefore(deadline);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
        }
    }
}
