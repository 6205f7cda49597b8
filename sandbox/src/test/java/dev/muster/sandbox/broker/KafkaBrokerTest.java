package dev.muster.sandbox.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.Topics;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KafkaBrokerTest {

    private static final Topics TOPICS = new Topics("muster.", 4);

    @TempDir
    Path data;

    @Test
    void keepsClusterTopicsAndRecordsAcrossRestartsOnAnotherPort() throws Exception {
        String clusterId;
        try (var broker = KafkaBroker.start(new KafkaBroker.Settings(data, 0))) {
            broker.createTopics(TOPICS);
            broker.createTopics(TOPICS);
            clusterId = broker.clusterId();
            try (var producer = new KafkaProducer<>(
                    KafkaSettings.producer(broker.bootstrapServers()), new StringSerializer(), new StringSerializer())) {
                producer.send(new ProducerRecord<>(TOPICS.requests(), 1, "demo", "kept")).get(30, TimeUnit.SECONDS);
            }
        }
        try (var broker = KafkaBroker.start(new KafkaBroker.Settings(data, 0))) {
            broker.createTopics(TOPICS);
            assertThat(broker.clusterId()).isEqualTo(clusterId);
            try (var admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
                assertThat(admin.describeCluster().clusterId().get(30, TimeUnit.SECONDS)).isEqualTo(clusterId);
            }
            assertThat(firstValue(broker, new TopicPartition(TOPICS.requests(), 1))).isEqualTo("kept");
            assertThatThrownBy(() -> broker.createTopics(new Topics("muster.", 8)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("has 4 partitions and must have 8");
        }
    }

    @Test
    void startsAgainOnTheSamePortAfterBeingKilled() throws Exception {
        try (var broker = KafkaBroker.start(new KafkaBroker.Settings(data, 0))) {
            broker.createTopics(TOPICS);
            var killed = broker.process().pid();
            ProcessHandle.of(killed).orElseThrow().destroyForcibly();
            try (var admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
                assertThat(admin.listTopics().names().get(50, TimeUnit.SECONDS)).contains(TOPICS.fleets());
            }
            assertThat(broker.process().pid()).isNotEqualTo(killed);
            assertThat(broker.process().ends()).isEqualTo(1);
        }
    }

    @Test
    void saysInOneSentenceThatItsPortIsInUse() throws Exception {
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertThatThrownBy(() -> KafkaBroker.start(new KafkaBroker.Settings(data, taken.getLocalPort())))
                    .isInstanceOf(IOException.class)
                    .hasMessage("port " + taken.getLocalPort() + " for Kafka is in use: end what listens there, or choose another");
        }
    }

    private static String firstValue(KafkaBroker broker, TopicPartition partition) {
        try (var consumer = new KafkaConsumer<>(
                KafkaSettings.consumer(broker.bootstrapServers()), new StringDeserializer(), new StringDeserializer())) {
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            for (var polls = 0; polls < 30; polls++) {
                for (var record : consumer.poll(Duration.ofSeconds(1))) {
                    return record.value();
                }
            }
            return null;
        }
    }
}
