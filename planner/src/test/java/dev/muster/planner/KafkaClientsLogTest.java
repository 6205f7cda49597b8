package dev.muster.planner;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.contracts.KafkaConnection;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.LogLevels;
import dev.muster.contracts.TopicTable;
import dev.muster.contracts.Topics;
import dev.muster.sandbox.broker.SecuredBroker;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Kafka's clients may be set to DEBUG from afar: they write neither keys nor records into the log then. */
class KafkaClientsLogTest {

    private static final Topics TOPICS = new Topics("muster.", 2);
    private static final String CATEGORY = "org.apache.kafka.clients";
    @TempDir
    static Path folder;
    private static SecuredBroker broker;

    @BeforeAll
    static void start() throws Exception {
        broker = SecuredBroker.start(folder);
        broker.broker().createTopics(TOPICS);
    }

    @AfterAll
    static void end() {
        broker.close();
    }

    private static KafkaConnection connection(Map<String, String> security) {
        var settings = new TreeMap<String, String>();
        security.forEach((key, value) -> settings.put("muster.kafka.security." + key, value));
        settings.put("muster.kafka.bootstrap-servers", broker.address(security.get("protocol")));
        return broker.connection(settings);
    }

    /** Unsigned, as the broker's test validator takes it. */
    private static String token() {
        var now = System.currentTimeMillis() / 1000;
        return Stream.of("{\"alg\":\"none\"}", "{\"sub\":\"planted\",\"iat\":" + now + ",\"exp\":" + (now + 3600) + "}")
                .map(part -> Base64.getUrlEncoder().withoutPadding().encodeToString(part.getBytes())).reduce("", (all, part) -> all + part + ".");
    }

    @Test
    void atDebugTheySayWhatTheyDoAndNotWithWhichKey() throws Exception {
        assertThat(LogLevels.problem(CATEGORY, "DEBUG")).isEmpty();
        broker.user("planted", "planted scram secret");
        var token = token();
        Files.writeString(broker.secrets().resolve("scram"), "planted scram secret\n");
        Files.writeString(broker.secrets().resolve("plain"), "plain-secret\n");
        Files.writeString(broker.secrets().resolve("kafka-token"), token);
        var ca = broker.ca().toString();
        var said = new ConcurrentLinkedQueue<String>();
        var handler = new Handler() {
            @Override
            public void publish(LogRecord record) {
                said.add(record.getLoggerName() + " " + record.getMessage() + " " + List.of(record.getParameters() == null ? new Object[0] : record.getParameters()) + " " + record.getThrown());
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        handler.setLevel(Level.ALL);
        var logger = Logger.getLogger(CATEGORY);
        var before = logger.getLevel();
        logger.setLevel(Level.FINE);
        logger.addHandler(handler);
        logger.setUseParentHandlers(false);
        try {
            for (var security : List.of(
                    Map.of("protocol", "SASL_PLAINTEXT", "sasl-mechanism", "SCRAM-SHA-512", "username", "planted", "password-secret", "scram"),
                    Map.of("protocol", "SASL_SSL", "sasl-mechanism", "PLAIN", "username", "plain", "password-secret", "plain", "ca", ca),
                    Map.of("protocol", "SASL_SSL", "sasl-mechanism", "OAUTHBEARER", "ca", ca))) {
                use(connection(security));
            }
        } finally {
            logger.removeHandler(handler);
            logger.setUseParentHandlers(true);
            logger.setLevel(before);
        }
        assertThat(said).as("it is at DEBUG").anyMatch(line -> line.contains("Sending ") || line.contains("request"));
        assertThat(String.join("\n", said)).doesNotContain("planted scram secret").doesNotContain("plain-secret").doesNotContain("planted record")
                .doesNotContain(token).doesNotContain(Base64.getEncoder().encodeToString("plain-secret".getBytes()));
    }

    /** As far as the rights go: whoever has none is refused, which is logged, too. */
    private static void use(KafkaConnection kafka) throws Exception {
        var settings = KafkaSettings.producer(kafka);
        settings.put("max.block.ms", 2_000);
        settings.put("delivery.timeout.ms", 2_000);
        settings.put("request.timeout.ms", 1_500);
        try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            producer.send(new ProducerRecord<>(TOPICS.services(), "key", "planted record"), (sent, refused) -> { });
            producer.flush();
        } catch (org.apache.kafka.common.KafkaException refused) {
            // What it may do is no matter here.
        }
        var consumer = KafkaSettings.consumer(kafka);
        consumer.put("default.api.timeout.ms", 2_000);
        consumer.put("request.timeout.ms", 1_500);
        try (var table = new TopicTable(consumer, List.of(TOPICS.services()), record -> { })) {
            table.awaitCaughtUp(Duration.ofSeconds(2));
        } catch (org.apache.kafka.common.KafkaException refused) {
            // As above.
        }
    }
}
