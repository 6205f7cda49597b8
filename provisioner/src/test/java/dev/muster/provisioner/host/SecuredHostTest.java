package dev.muster.provisioner.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.contracts.KafkaConnection;
import dev.muster.contracts.KafkaRights;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.SecretsFolder;
import dev.muster.contracts.Times;
import dev.muster.contracts.TopicTable;
import dev.muster.contracts.Topics;
import dev.muster.provisioner.memory.InMemoryCloud;
import dev.muster.provisioner.memory.InMemoryProvider;
import dev.muster.provisioner.spi.Await;
import dev.muster.provisioner.spi.Scope;
import dev.muster.sandbox.broker.SecuredBroker;
import dev.muster.v1.Command;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.LaunchMachines;
import dev.muster.v1.MachineReport;
import dev.muster.v1.Market;
import dev.muster.v1.OfferKey;
import dev.muster.telemetry.Meters;
import dev.muster.telemetry.Traces;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The host at a broker that demands to know who speaks, with the rights that docs/kafka.md gives a provisioner and no others. */
class SecuredHostTest {

    private static final Topics TOPICS = new Topics("muster.", 2);
    private static final String SERVICE = InMemoryProvider.NAME + "-provisioner";
    private static final String PRINCIPAL = KafkaRights.principal(SERVICE);
    private static final Scope SCOPE = new Scope(InMemoryProvider.NAME, "default", "here");

    @TempDir
    private static Path folder;

    private static SecuredBroker broker;
    private static KafkaProducer<String, byte[]> planner;

    private final InMemoryCloud cloud = new InMemoryCloud(Clock.systemUTC());
    private ProvisionerHost host;

    @BeforeAll
    static void startKafka() throws Exception {
        broker = SecuredBroker.start(folder.resolve("kafka"));
        broker.broker().createTopics(TOPICS);
        broker.admin().createTopics(List.of(new NewTopic(TOPICS.commands(InMemoryProvider.NAME), 2, (short) 1))).all().get();
        planner = new KafkaProducer<>(KafkaSettings.producer(broker.broker().bootstrapServers()), new StringSerializer(), new ByteArraySerializer());
        Files.writeString(broker.secrets().resolve("clearml-default-access-key"), "ACCESS");
        Files.writeString(broker.secrets().resolve("clearml-default-secret-key"), "SECRET");
    }

    @AfterAll
    static void endKafka() {
        planner.close();
        broker.close();
    }

    @AfterEach
    void endHost() {
        if (host != null) {
            host.close();
        }
    }

    private void start(KafkaConnection kafka) {
        var connections = Map.of("default", Connection.of("default", "http://127.0.0.1:8008", Optional.empty(), Optional.empty(), Optional.empty()));
        host = new ProvisionerHost(new HostSettings(SERVICE, "0", "one", true, "lab", kafka, TOPICS, connections, Duration.ofMillis(300), Duration.ofSeconds(5),
                new Backoff(Duration.ofMillis(20), Duration.ofMillis(200)), Optional.empty()), new InMemoryProvider(cloud, "lab", List.of(SCOPE), batch -> Duration.ZERO),
                new SecretsFolder(broker.secrets()), new Meters(new SimpleMeterRegistry()), Traces.OFF, Clock.systemUTC());
        host.start();
    }

    @Test
    void carriesOutACommandAndReportsIt() throws Exception {
        var kafka = broker.service(TOPICS, SERVICE);
        start(kafka);
        Await.until(host::notReadyBecause, String::isEmpty);
        planner.send(new ProducerRecord<>(TOPICS.fleets(), "train", FleetRecord.newBuilder().setFleet("train").addScopes(SCOPE.toString()).build().toByteArray())).get();
        planner.send(new ProducerRecord<>(TOPICS.commands(InMemoryProvider.NAME), SCOPE.toString(), Command.newBuilder().setFleet("train").setScope(SCOPE.toString()).setCommandId("c")
                .setIssuedAt(Times.timestamp(Instant.now())).setLaunch(LaunchMachines.newBuilder().setBatchId("mabcdefgh-1").addMachineIds("mabcdefgh-1").setPool("gpu")
                        .setOffer(OfferKey.newBuilder().setProvider(SCOPE.provider()).setAccount(SCOPE.account()).setRegion(SCOPE.region()).setMachineType("any").setMarket(Market.ON_DEMAND))
                        .setExpiresAt(Times.timestamp(Instant.now().plusSeconds(300))).setWorkerPrefix("lab-train:gpu:any")
                        .setParameters(dev.muster.v1.LaunchParameters.newBuilder().setBoot(dev.muster.v1.BootSpec.newBuilder().addQueueIds("0123456789abcdef0123456789abcdef"))))
                .build().toByteArray())).get();

        var reports = new CopyOnWriteArrayList<MachineReport>();
        var services = new CopyOnWriteArrayList<String>();
        try (var table = new TopicTable(KafkaSettings.consumer(broker.broker().bootstrapServers()), List.of(TOPICS.machineReports(), TOPICS.services()), record -> {
            if (record.topic().equals(TOPICS.services())) {
                services.add(new String(record.key()));
            } else {
                try {
                    reports.add(MachineReport.parseFrom(record.value()));
                } catch (com.google.protobuf.InvalidProtocolBufferException broken) {
                    throw new AssertionError(broken);
                }
            }
        })) {
            Await.until(() -> reports.stream().anyMatch(MachineReport::hasLaunchAccepted) && reports.stream().anyMatch(MachineReport::hasInventory) && !services.isEmpty(), Boolean::booleanValue);
        }
        assertThat(cloud.live()).isEqualTo(1);
        assertThatThrownBy(() -> command(kafka)).as("it commands itself").hasCauseInstanceOf(TopicAuthorizationException.class);
    }

    private static void command(KafkaConnection kafka) throws Exception {
        try (var stranger = new KafkaProducer<>(KafkaSettings.producer(kafka), new StringSerializer(), new ByteArraySerializer())) {
            stranger.send(new ProducerRecord<>(TOPICS.commands("aws"), SCOPE.toString(), new byte[0])).get();
        }
    }

    @Test
    void saysWhoIsRefusedAndGoesOnOnceThePasswordInItsFileIsRight() throws Exception {
        broker.service(TOPICS, SERVICE);
        start(broker.as("muster-" + SERVICE, "wrong"));
        Await.until(host::notReadyBecause, because -> because.contains("refuses user muster-" + SERVICE + " with the password in the secret"));

        broker.as("muster-" + SERVICE, "secret of muster-" + SERVICE);

        Await.until(host::notReadyBecause, String::isEmpty);
    }

    @Test
    void saysWhichRightIsMissingAndGoesOnOnceItIsThere() throws Exception {
        var kafka = broker.service(TOPICS, SERVICE);
        var missing = KafkaRights.of(TOPICS, SERVICE).stream().filter(right -> right.name().equals(TOPICS.machineReports()) || right.type().name().equals("TRANSACTIONAL_ID")).toList();
        broker.forbid(PRINCIPAL, missing);
        start(kafka);
        Await.until(host::notReadyBecause, because -> because.contains(": WRITE on topic muster.machine-reports, WRITE on every transactional id muster." + SERVICE + "/…; docs/kafka.md"));

        broker.allow(PRINCIPAL, missing);

        Await.until(host::notReadyBecause, String::isEmpty);
    }
}
