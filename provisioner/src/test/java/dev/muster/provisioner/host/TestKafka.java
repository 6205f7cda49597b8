package dev.muster.provisioner.host;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.Topics;
import dev.muster.provisioner.memory.InMemoryProvider;
import dev.muster.sandbox.broker.KafkaBroker;
import dev.muster.v1.MachineReport;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.function.Predicate;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** A real broker for several tests; each test takes topics of its own. */
final class TestKafka implements AutoCloseable {

    private static final Duration LIMIT = Duration.ofSeconds(40);

    private final KafkaBroker broker;
    private final KafkaProducer<byte[], byte[]> producer;

    TestKafka(Path folder) throws IOException, InterruptedException {
        broker = KafkaBroker.start(new KafkaBroker.Settings(folder, 0));
        producer = new KafkaProducer<>(KafkaSettings.producer(bootstrapServers()), new ByteArraySerializer(), new ByteArraySerializer());
    }

    String bootstrapServers() {
        return broker.bootstrapServers();
    }

    Topics newTopics(String prefix) throws IOException, InterruptedException, ExecutionException {
        var topics = new Topics(prefix, 2);
        broker.createTopics(topics);
        try (var admin = Admin.create(Map.of("bootstrap.servers", bootstrapServers()))) {
            admin.createTopics(List.of(new NewTopic(topics.commands(InMemoryProvider.NAME), 2, (short) 1))).all().get();
        }
        return topics;
    }

    void send(String topic, String key, Message value) {
        send(topic, key, value.toByteArray());
    }

    void send(String topic, String key, byte[] value) {
        try {
            producer.send(new ProducerRecord<>(topic, key.getBytes(UTF_8), value)).get();
        } catch (ExecutionException failed) {
            throw new AssertionError(failed);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new AssertionError(interrupted);
        }
    }

    /** Reads a topic from its beginning until a record is as wanted. @return all read so far */
    List<ConsumerRecord<byte[], byte[]>> read(String topic, Predicate<ConsumerRecord<byte[], byte[]>> wanted) {
        try (var consumer = new KafkaConsumer<>(KafkaSettings.consumer(bootstrapServers()), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            var partitions = consumer.partitionsFor(topic).stream().map(p -> new TopicPartition(topic, p.partition())).toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            var read = new ArrayList<ConsumerRecord<byte[], byte[]>>();
            long deadline = System.nanoTime() + LIMIT.toNanos();
            while (System.nanoTime() < deadline) {
                for (var record : consumer.poll(Duration.ofMillis(100))) {
                    read.add(record);
                    if (wanted.test(record)) {
                        return read;
                    }
                }
            }
            throw new AssertionError("no such record on " + topic + " within " + LIMIT.toSeconds() + " s; it has " + read.size());
        }
    }

    /** Reads reports until one is as wanted. @return all up to it, in their order */
    List<MachineReport> reports(Topics topics, Predicate<MachineReport> wanted) {
        var reports = new ArrayList<MachineReport>();
        read(topics.machineReports(), record -> {
            try {
                var report = MachineReport.parseFrom(record.value());
                reports.add(report);
                return wanted.test(report);
            } catch (InvalidProtocolBufferException broken) {
                throw new AssertionError(broken);
            }
        });
        return reports;
    }

    /** The first report that is as wanted. */
    MachineReport report(Topics topics, Predicate<MachineReport> wanted) {
        var reports = reports(topics, wanted);
        return reports.get(reports.size() - 1);
    }

    @Override
    public void close() {
        producer.close();
        broker.close();
    }
}
