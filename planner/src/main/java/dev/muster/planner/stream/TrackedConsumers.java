package dev.muster.planner.stream;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.streams.KafkaClientSupplier;

/**
 * The Kafka clients of Kafka Streams, whose input consumers can be asked how far they are.
 *
 * <p>Streams tells a processor the offset of the record at hand and no more. Whether a task has seen all there was at its start
 * can't be told from that: the last offsets of a partition may be the end markers of transactions, which nobody is handed.
 */
final class TrackedConsumers implements KafkaClientSupplier, InputPositions {

    /** By client id, which is the name of the stream's thread with "-consumer" behind it. */
    private final Map<String, TrackedConsumer> consumers = new ConcurrentHashMap<>();

    @Override
    public Consumer<byte[], byte[]> getConsumer(Map<String, Object> config) {
        var consumer = new TrackedConsumer(config);
        consumers.put((String) config.get("client.id"), consumer);
        return consumer;
    }

    @Override
    public Admin getAdmin(Map<String, Object> config) {
        return Admin.create(config);
    }

    @Override
    public Producer<byte[], byte[]> getProducer(Map<String, Object> config) {
        return new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
    }

    @Override
    public Consumer<byte[], byte[]> getRestoreConsumer(Map<String, Object> config) {
        return new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    @Override
    public Consumer<byte[], byte[]> getGlobalConsumer(Map<String, Object> config) {
        return getRestoreConsumer(config);
    }

    @Override
    public Map<TopicPartition, Long> ends(Collection<TopicPartition> partitions) {
        return mine().endOffsets(partitions);
    }

    @Override
    public Map<TopicPartition, Long> committed(Collection<TopicPartition> partitions) {
        var committed = new HashMap<TopicPartition, Long>();
        mine().committed(new HashSet<>(partitions)).forEach((partition, offset) -> committed.put(partition, offset == null ? 0L : offset.offset()));
        return committed;
    }

    @Override
    public long position(TopicPartition partition) {
        return mine().position(partition);
    }

    @Override
    public long handedOut(TopicPartition partition) {
        return mine().handedOut.getOrDefault(partition, -1L);
    }

    @Override
    public long behind(TopicPartition partition) {
        return mine().currentLag(partition).orElse(0);
    }

    private TrackedConsumer mine() {
        var consumer = consumers.get(Thread.currentThread().getName() + "-consumer");
        if (consumer == null) {
            throw new IllegalStateException("only a stream's thread may ask, and " + Thread.currentThread().getName() + " is none");
        }
        return consumer;
    }

    private final class TrackedConsumer extends KafkaConsumer<byte[], byte[]> {

        private final Map<TopicPartition, Long> handedOut = new HashMap<>();
        private final String clientId;

        TrackedConsumer(Map<String, Object> config) {
            super(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
            clientId = (String) config.get("client.id");
        }

        @Override
        public ConsumerRecords<byte[], byte[]> poll(Duration timeout) {
            var records = super.poll(timeout);
            for (var partition : records.partitions()) {
                var of = records.records(partition);
                handedOut.put(partition, of.get(of.size() - 1).offset());
            }
            return records;
        }

        @Override
        public void close(org.apache.kafka.clients.consumer.CloseOptions options) {
            consumers.remove(clientId, this);
            super.close(options);
        }
    }
}
