package dev.muster.planner.control;

import dev.muster.contracts.Topics;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Reads stretches of topics that somebody asks for, and stops when its time is up. Whoever opens it closes it; one thread uses it.
 *
 * <p>A call that finds Kafka silent throws a {@link org.apache.kafka.common.errors.TimeoutException} when the time is up.
 */
final class TopicStretch implements AutoCloseable {

    private static final Duration POLL = Duration.ofMillis(100);

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final long deadline;

    /**
     * @param settings {@link dev.muster.contracts.KafkaSettings#consumer}'s, perhaps with more
     * @param time that all calls together may take
     */
    TopicStretch(Map<String, Object> settings, Duration time) {
        deadline = System.nanoTime() + time.toNanos();
        var bounded = new java.util.LinkedHashMap<>(settings);
        bounded.put("default.api.timeout.ms", (int) Math.max(1, time.toMillis()));
        bounded.put("request.timeout.ms", (int) Math.max(1, time.toMillis()));
        // Ranges are small: what comes is handed out at once.
        bounded.put("fetch.max.wait.ms", 50);
        consumer = new KafkaConsumer<>(bounded, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    public boolean isTimeUp() {
        return System.nanoTime() >= deadline;
    }

    /** The partition of a key. */
    public TopicPartition partition(String topic, byte[] key) {
        return new TopicPartition(topic, Topics.partition(key, consumer.partitionsFor(topic).size()));
    }

    /** The first offset that is still there. */
    public long beginning(TopicPartition partition) {
        return consumer.beginningOffsets(List.of(partition)).get(partition);
    }

    /** The offset after the last record that a reader of what is committed sees. */
    public long end(TopicPartition partition) {
        return consumer.endOffsets(List.of(partition)).get(partition);
    }

    /** The first offset whose record has that time or a later one: all such records are there or behind it. Empty: there is none. */
    public OptionalLong at(TopicPartition partition, Instant time) {
        var found = consumer.offsetsForTimes(Map.of(partition, time.toEpochMilli())).get(partition);
        return found == null ? OptionalLong.empty() : OptionalLong.of(found.offset());
    }

    /**
     * Hands over the records from one offset up to another, in their order.
     *
     * @return the offset to go on at: {@code to}, or a lower one if the time was up before
     */
    public long read(TopicPartition partition, long from, long to, Consumer<ConsumerRecord<byte[], byte[]>> reader) {
        if (from >= to) {
            return to;
        }
        consumer.assign(List.of(partition));
        consumer.seek(partition, from);
        while (consumer.position(partition) < to) {
            if (isTimeUp()) {
                return Math.max(from, consumer.position(partition));
            }
            for (var record : consumer.poll(POLL)) {
                if (record.offset() >= to) {
                    return to;
                }
                reader.accept(record);
            }
        }
        return to;
    }

    @Override
    public void close() {
        consumer.close(org.apache.kafka.clients.consumer.CloseOptions.timeout(Duration.ofSeconds(1)));
    }
}
