package dev.muster.sandbox.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.contracts.KafkaConnection;
import dev.muster.contracts.KafkaRights;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.TopicTable;
import dev.muster.contracts.Topics;
import dev.muster.sandbox.process.Certificate;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.errors.SslAuthenticationException;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Muster's connections and rights at a broker that demands to know who speaks. */
class SecuredBrokerTest {

    private static final Topics TOPICS = new Topics("muster.", 2);

    @TempDir
    static Path folder;

    private static SecuredBroker broker;
    private static int trusted;

    @BeforeAll
    static void start() throws Exception {
        broker = SecuredBroker.start(folder);
        broker.broker().createTopics(TOPICS);
    }

    @AfterAll
    static void end() {
        broker.close();
    }

    private static String cluster(KafkaConnection kafka) throws Exception {
        try (var admin = Admin.create(limited(kafka))) {
            return admin.describeCluster().clusterId().get();
        }
    }

    /** Whom the broker doesn't let in asks no more than a second. */
    private static Map<String, Object> limited(KafkaConnection kafka) {
        var settings = KafkaSettings.client(kafka);
        settings.put("default.api.timeout.ms", 10_000);
        settings.put("request.timeout.ms", 5_000);
        return settings;
    }

    static Stream<Map<String, String>> ways() throws Exception {
        broker.user("someone", "scram secret");
        Files.writeString(broker.secrets().resolve("scram"), "scram secret\n");
        Files.writeString(broker.secrets().resolve("plain"), "plain-secret\n");
        Files.writeString(broker.secrets().resolve("kafka-token"), token("someone"));
        var ca = broker.ca().toString();
        return Stream.of(
                Map.of("protocol", "SASL_SSL", "username", "someone", "password-secret", "scram", "ca", ca),
                Map.of("protocol", "SASL_PLAINTEXT", "sasl-mechanism", "SCRAM-SHA-512", "username", "someone", "password-secret", "scram"),
                Map.of("protocol", "SASL_SSL", "sasl-mechanism", "PLAIN", "username", "plain", "password-secret", "plain", "ca", ca),
                Map.of("protocol", "SASL_SSL", "sasl-mechanism", "OAUTHBEARER", "ca", ca),
                Map.of("protocol", "SSL", "ca", ca, "certificate", broker.certificate().toString(), "key-secret", "client-key"));
    }

    private static KafkaConnection connection(Map<String, String> security) {
        var settings = new TreeMap<String, String>();
        security.forEach((key, value) -> settings.put("muster.kafka.security." + key, value));
        settings.put("muster.kafka.bootstrap-servers", broker.address(security.get("protocol")));
        return broker.connection(settings);
    }

    /** Unsigned, as the broker's test validator takes it. */
    private static String token(String subject) {
        var now = System.currentTimeMillis() / 1000;
        return Stream.of("{\"alg\":\"none\"}", "{\"sub\":\"" + subject + "\",\"iat\":" + now + ",\"exp\":" + (now + 3600) + "}")
                .map(part -> Base64.getUrlEncoder().withoutPadding().encodeToString(part.getBytes())).reduce("", (all, part) -> all + part + ".");
    }

    @ParameterizedTest
    @MethodSource("ways")
    void letsInWhoShowsWhoItIs(Map<String, String> security) throws Exception {
        assertThat(cluster(connection(security))).isEqualTo(broker.broker().clusterId());
    }

    @Test
    void refusesAStrangerAndAWrongPasswordAndSaysWhomItRefused() throws Exception {
        var stranger = broker.as("stranger", "whatever");
        assertThatThrownBy(() -> cluster(stranger)).hasCauseInstanceOf(SaslAuthenticationException.class).satisfies(refused -> {
            assertThat(KafkaConnection.isRefusal(refused)).isTrue();
            assertThat(stranger.problem(refused)).startsWith("Kafka at " + broker.address("SASL_SSL") + " refuses user stranger with the password in the secret kafka-password-stranger: ")
                    .doesNotContain("whatever");
        });
        broker.user("known", "right");
        assertThatThrownBy(() -> cluster(broker.as("known", "wrong"))).hasCauseInstanceOf(SaslAuthenticationException.class);
    }

    @Test
    void aBrokerThatNobodyVouchesForIsNotBelieved() throws Exception {
        var other = Files.writeString(folder.resolve("other-ca.pem"), Certificate.of("kafka").pem());
        var kafka = connection(Map.of("protocol", "SSL", "certificate", broker.certificate().toString(), "key-secret", "client-key", "ca", other.toString()));
        assertThatThrownBy(() -> cluster(kafka)).hasCauseInstanceOf(SslAuthenticationException.class)
                .satisfies(refused -> assertThat(kafka.problem(refused)).contains("can't agree on TLS", "muster.kafka.security.ca"));
    }

    @Test
    void aRotatedPasswordIsUsedFromTheNextConnectionOn() throws Exception {
        broker.user("rotated", "first");
        var kafka = broker.as("rotated", "first");
        cluster(kafka);
        broker.user("rotated", "second");
        assertThatThrownBy(() -> cluster(kafka)).hasCauseInstanceOf(SaslAuthenticationException.class);

        broker.as("rotated", "second");

        assertThat(cluster(kafka)).isEqualTo(broker.broker().clusterId());
    }

    /** A running service's client, and its files as whoever renews certificates writes them. */
    @Test
    void aRotatedCertificateIsUsedFromTheNextConnectionOn() throws Exception {
        var first = Certificate.of("muster-certified");
        var second = Certificate.of("muster-certified");
        var certificate = Files.writeString(folder.resolve("rotating.pem"), first.pem());
        var key = Files.writeString(broker.secrets().resolve("rotating-key"), first.keyPem());
        var kafka = connection(Map.of("protocol", "SSL", "ca", broker.ca().toString(), "certificate", certificate.toString(), "key-secret", "rotating-key"));
        try (var admin = Admin.create(shortLived(kafka)); var lasting = Admin.create(limited(kafka))) {
            brokerTrusts(first.pem() + second.pem());
            connectAnew(admin);
            lasting.describeCluster().clusterId().get();
            var made = connectionsMade(lasting);

            Files.writeString(certificate, second.pem());
            connectAnew(admin);
            assertThatThrownBy(() -> connection(Map.of("protocol", "SSL", "certificate", certificate.toString(), "key-secret", "rotating-key"))).as("who starts just then")
                    .hasMessageStartingWith("muster.kafka.security.ca, certificate or key-secret can't be used: the key is not the certificate's");

            Files.writeString(key, second.keyPem());
            brokerTrusts(second.pem());
            connectAnew(admin);
            lasting.describeCluster().clusterId().get();
            assertThat(connectionsMade(lasting)).as("a connection that is there stays, whoever is trusted now").isEqualTo(made);

            brokerTrusts(first.pem());
            assertThatThrownBy(() -> connectAnew(admin)).hasCauseInstanceOf(SslAuthenticationException.class);
        } finally {
            broker("truststore", null);
        }
    }

    @Test
    void aNewAuthorityOfTheBrokersIsTrustedOnceItsFileHasIt() throws Exception {
        var old = Files.readString(broker.ca());
        var next = Certificate.of("kafka");
        var ca = Files.writeString(folder.resolve("rotating-ca.pem"), old);
        var kafka = connection(Map.of("protocol", "SSL", "ca", ca.toString(), "certificate", broker.certificate().toString(), "key-secret", "client-key"));
        try (var admin = Admin.create(shortLived(kafka))) {
            connectAnew(admin);
            broker("keystore", Files.writeString(folder.resolve("next-server.pem"), next.keyPem() + next.pem()));
            assertThatThrownBy(() -> connectAnew(admin)).hasCauseInstanceOf(SslAuthenticationException.class);

            Files.writeString(ca, old + next.pem());
            connectAnew(admin);

            Files.writeString(ca, "half writ");
            connectAnew(admin);

            Files.writeString(ca, next.pem());
            connectAnew(admin);
        } finally {
            broker("keystore", null);
        }
    }

    /** Connections that nobody uses for a second are closed, so that the next call needs a new one. */
    private static Map<String, Object> shortLived(KafkaConnection kafka) {
        var settings = limited(kafka);
        settings.put("connections.max.idle.ms", 1_000);
        settings.put("reconnect.backoff.max.ms", 100);
        return settings;
    }

    /** Calls until it was by a connection that wasn't there before. */
    private static void connectAnew(Admin admin) throws Exception {
        var before = connectionsMade(admin);
        var deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        do {
            assertThat(System.nanoTime()).as("waited a minute for another connection").isLessThan(deadline);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1_200));
            admin.describeCluster().clusterId().get();
        } while (connectionsMade(admin) == before);
    }

    private static double connectionsMade(Admin admin) {
        return admin.metrics().entrySet().stream().filter(metric -> metric.getKey().name().equals("connection-creation-total") && metric.getKey().tags().size() == 1)
                .mapToDouble(metric -> (double) metric.getValue().metricValue()).sum();
    }

    private static void brokerTrusts(String pem) throws Exception {
        broker("truststore", Files.writeString(folder.resolve("trusted-" + trusted++ + ".pem"), pem));
    }

    /** Has the broker read another file, for connections that show certificates. @param file null: the one that it was started with */
    private static void broker(String store, Path file) throws Exception {
        var resource = new ConfigResource(ConfigResource.Type.BROKER, Integer.toString(broker.admin().describeCluster().nodes().get().iterator().next().id()));
        var prefix = "listener.name.ssl.ssl." + store + ".";
        var changes = file == null ? List.of(new AlterConfigOp(new ConfigEntry(prefix + "location", null), AlterConfigOp.OpType.DELETE),
                        new AlterConfigOp(new ConfigEntry(prefix + "type", null), AlterConfigOp.OpType.DELETE))
                : List.of(new AlterConfigOp(new ConfigEntry(prefix + "location", file.toString()), AlterConfigOp.OpType.SET),
                        new AlterConfigOp(new ConfigEntry(prefix + "type", "PEM"), AlterConfigOp.OpType.SET));
        broker.admin().incrementalAlterConfigs(Map.of(resource, changes)).all().get();
    }

    @Test
    void aTableWhoseReaderIsRefusedReadsOnOnceThePasswordIsRight() throws Exception {
        broker.user("late", "right");
        broker.allow("User:late", KafkaRights.of(TOPICS, KafkaRights.QUEUE_WATCHER));
        var kafka = broker.as("late", "wrong");
        var read = new AtomicInteger();
        try (var table = new TopicTable(KafkaSettings.consumer(kafka), List.of(TOPICS.fleets()), record -> read.incrementAndGet())) {
            assertThat(table.awaitCaughtUp(Duration.ofSeconds(3))).isFalse();
            assertThat(table.isCurrent()).isFalse();

            broker.as("late", "right");

            assertThat(table.awaitCaughtUp(Duration.ofSeconds(30))).isTrue();
            assertThat(table.isCurrent()).isTrue();
        }
    }

    @Test
    void tellsEachServiceWhichOfItsRightsAreMissing() throws Exception {
        for (var service : KafkaRights.SERVICES) {
            var kafka = broker.service(TOPICS, service);
            try (var admin = Admin.create(limited(kafka))) {
                assertThat(KafkaRights.missing(admin, TOPICS, service)).as(service).isEmpty();
            }
        }
        var principal = "User:muster-planner";
        var planner = broker.as("muster-planner", "secret of muster-planner");
        try (var admin = Admin.create(limited(planner))) {
            // Of topics that aren't there yet one right that is left hides that another is missing; of the others one of each kind will do.
            var kinds = KafkaRights.of(TOPICS, KafkaRights.PLANNER).stream().filter(right -> right.type() != ResourceType.TOPIC || right.pattern() == PatternType.LITERAL)
                    .collect(Collectors.toMap(right -> right.type() + " " + right.operation(), right -> right, (one, another) -> another)).values();
            assertThat(kinds).hasSize(4);
            for (var right : kinds) {
                broker.forbid(principal, List.of(right));
                assertThat(awaitMissing(admin, 1)).as("without %s", right).containsExactly(right);
                broker.allow(principal, List.of(right));
                assertThat(awaitMissing(admin, 0)).isEmpty();
            }
            broker.forbid(principal, List.of(KafkaRights.of(TOPICS, KafkaRights.PLANNER).get(0)));
            awaitMissing(admin, 1);
            assertThatThrownBy(() -> KafkaRights.require(admin, TOPICS, KafkaRights.PLANNER, planner)).isInstanceOf(KafkaRights.Missing.class)
                    .hasMessage("Kafka at " + broker.address("SASL_SSL") + " doesn't allow user muster-planner with the password in the secret kafka-password-muster-planner:"
                            + " READ on topic muster.requests; docs/kafka.md has what planner must be allowed");
            broker.allow(principal, KafkaRights.of(TOPICS, KafkaRights.PLANNER));
        }
    }

    /** The authorizer learns of a change some milliseconds after it was taken. */
    private static List<KafkaRights.Right> awaitMissing(Admin admin, int count) throws Exception {
        var deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        List<KafkaRights.Right> missing;
        do {
            missing = KafkaRights.missing(admin, TOPICS, KafkaRights.PLANNER);
        } while (missing.size() != count && System.nanoTime() < deadline);
        return missing;
    }

    @Test
    void onlyThePlannerCommands() throws Exception {
        var commands = TOPICS.all().stream().map(Topics.Definition::name).filter(name -> name.startsWith("muster.commands.")).toList();
        var alone = List.of(TOPICS.fleets(), TOPICS.machines(), TOPICS.decisions(), TOPICS.history(), TOPICS.fleetVersions(), TOPICS.requests(), TOPICS.logLevels());
        for (var service : KafkaRights.SERVICES) {
            var settings = KafkaSettings.producer(broker.service(TOPICS, service));
            settings.put("max.block.ms", 10_000);
            try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
                for (var topic : Stream.concat(commands.stream(), alone.stream()).toList()) {
                    if (service.equals(KafkaRights.PLANNER)) {
                        producer.send(new ProducerRecord<>(topic, "k", "v")).get();
                    } else {
                        assertThatThrownBy(() -> producer.send(new ProducerRecord<>(topic, "k", "v")).get()).as(service + " at " + topic)
                                .rootCause().isInstanceOf(AuthorizationException.class);
                    }
                }
            }
        }
    }
}
