package dev.muster.acceptance;

import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Every record of every topic that a broker has, what was taken back included: for whoever looks for what may not be there. */
final class AllRecords {

    private AllRecords() {}

    /** Key, value and headers of all, by {@code topic <name>}. */
    static Map<String, byte[]> of(String bootstrap) {
        var settings = Map.<String, Object>of("bootstrap.servers", bootstrap, "auto.offset.reset", "earliest", "enable.auto.commit", "false");
        var bytes = new TreeMap<String, ByteArrayOutputStream>();
        try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            var partitions = consumer.listTopics().values().stream().flatMap(List::stream)
                    .map(partition -> new TopicPartition(partition.topic(), partition.partition())).toList();
            consumer.assign(partitions);
            var ends = consumer.endOffsets(partitions);
            while (partitions.stream().anyMatch(partition -> consumer.position(partition) < ends.get(partition))) {
                for (var record : consumer.poll(Duration.ofMillis(200))) {
                    var topic = bytes.computeIfAbsent("topic " + record.topic(), name -> new ByteArrayOutputStream());
                    topic.writeBytes(record.key() == null ? new byte[0] : record.key());
                    topic.writeBytes(record.value() == null ? new byte[0] : record.value());
                    record.headers().forEach(header -> topic.writeBytes(header.value()));
                }
            }
        }
        return bytes.entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, topic -> topic.getValue().toByteArray()));
    }
}
