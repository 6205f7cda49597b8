package dev.muster.planner.topic;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.muster.contracts.KafkaConnection;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.Topics;
import dev.muster.planner.Settings;
import io.grpc.Context;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * One reading of parts of topics, which is over when its time is up or its call has ended. One thread uses it.
 *
 * <p>Every method throws {@link org.apache.kafka.common.errors.TimeoutException} where Kafka is silent until the time is up.
 */
public final class TopicReading implements AutoCloseable {

    private static final Duration POLL = Duration.ofMillis(100);
    /** What it holds of what it has not looked at yet, about. Bytes. */
    private static final int FETCH = 2 * 1024 * 1024;

    private final Context call;
    private final long end;
    private final KafkaConsumer<byte[], byte[]> consumer;

    /**
     * @param name of the client
     * @param call which it is for
     * @param longest that it may take, however long the call waits
     */
    TopicReading(KafkaConnection kafka, String name, Context call, Duration longest) {
        this.call = call;
        var waits = call.getDeadline();
        var left = waits == null ? longest.toNanos() : Math.min(longest.toNanos(), waits.timeRemaining(TimeUnit.NANOSECONDS));
        end = System.nanoTime() + left;
        var millis = (int) Math.max(1, TimeUnit.NANOSECONDS.toMillis(left));
        var config = KafkaSettings.consumer(kafka);
        config.put("client.id", Settings.SERVICE + "-" + name);
        config.put("fetch.max.bytes", FETCH);
        config.put("max.partition.fetch.bytes", FETCH);
        config.put("max.poll.records", 5_000);
        // What is there is handed out at once.
        config.put("fetch.max.wait.ms", 50);
        config.put("default.api.timeout.ms", millis);
        config.put("request.timeout.ms", millis);
        consumer = new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /** Nobody waits any longer, or nobody may. */
    public boolean isOver() {
        return call.isCancelled() || System.nanoTime() - end > 0;
    }

    /** Where the records of a key are. */
    public TopicPartition partition(String topic, String key) {
        return new TopicPartition(topic, Topics.partition(key.getBytes(UTF_8), consumer.partitionsFor(topic).size()));
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
        var found = at(List.of(partition), time).get(partition);
        return found == null ? OptionalLong.empty() : OptionalLong.of(found);
    }

    /** As {@link #at(TopicPartition, Instant)} of each, but the end where there is none. */
    public Map<TopicPartition, Long> since(Collection<TopicPartition> partitions, Instant time) {
        var starts = new HashMap<>(consumer.endOffsets(partitions));
        starts.putAll(at(partitions, time));
        return starts;
    }

    private Map<TopicPartition, Long> at(Collection<TopicPartition> partitions, Instant time) {
        // Kafka knows no time before 1970.
        var millis = Math.max(0, time.toEpochMilli());
        var found = new HashMap<TopicPartition, Long>();
        consumer.offsetsForTimes(partitions.stream().collect(Collectors.toMap(partition -> partition, partition -> millis))).forEach((partition, first) -> {
            if (first != null) {
                found.put(partition, first.offset());
            }
        });
        return found;
    }

    /**
     * Hands over each record from these offsets to the ends that there are now, in the order of its partition.
     *
     * @param visitor answers false once it wants no more of the record's partition
     * @return the offsets where each partition is to be read on
     * @throws TopicReaders.TooLong if the reading is over before
     */
    public Map<TopicPartition, Long> forEach(Map<TopicPartition, Long> from, Predicate<ConsumerRecord<byte[], byte[]>> visitor) {
        var next = new HashMap<>(from);
        if (!walk(next, consumer.endOffsets(from.keySet()), visitor).isEmpty()) {
            throw new TopicReaders.TooLong();
        }
        return next;
    }

    /**
     * Hands over the records from one offset up to another, in their order.
     *
     * @return the offset to go on at: {@code to}, or a lower one if the reading was over before
     */
    public long read(TopicPartition partition, long from, long to, Consumer<ConsumerRecord<byte[], byte[]>> reader) {
        if (from >= to) {
            return to;
        }
        var next = new HashMap<>(Map.of(partition, from));
        walk(next, Map.of(partition, to), record -> {
            reader.accept(record);
            return true;
        });
        return next.get(partition);
    }

    /**
     * Hands over what comes to a partition from now on, until the visitor wants no more or the reading is over.
     *
     * @param begun is called once, when nothing that is written after it can be missed
     */
    public void follow(TopicPartition partition, Runnable begun, Predicate<ConsumerRecord<byte[], byte[]>> visitor) {
        consumer.assign(List.of(partition));
        consumer.seekToEnd(List.of(partition));
        consumer.position(partition);
        begun.run();
        while (!isOver()) {
            for (var record : consumer.poll(POLL)) {
                if (!visitor.test(record)) {
                    return;
                }
            }
        }
    }

    /**
     * Walks each partition on up to an offset, the time, or what the visitor wants.
     *
     * @param next where each begins; afterwards where it is to be read on
     * @return those that were not read to their end, though the visitor wanted more
     */
    private Set<TopicPartition> walk(Map<TopicPartition, Long> next, Map<TopicPartition, Long> ends, Predicate<ConsumerRecord<byte[], byte[]>> visitor) {
        var open = new HashSet<>(next.keySet());
        open.removeIf(partition -> next.get(partition) >= ends.get(partition));
        consumer.assign(open);
        open.forEach(partition -> consumer.seek(partition, next.get(partition)));
        while (!open.isEmpty() && !isOver()) {
            for (var record : consumer.poll(POLL)) {
                var partition = new TopicPartition(record.topic(), record.partition());
                if (record.offset() < ends.get(partition) && open.contains(partition)) {
                    next.put(partition, record.offset() + 1);
                    if (!visitor.test(record)) {
                        open.remove(partition);
                    }
                }
            }
            // Where a transaction's mark is the last there is, no record says that the end is reached.
            for (var partition : List.copyOf(open)) {
                if (consumer.position(partition) >= ends.get(partition)) {
                    next.put(partition, ends.get(partition));
                    open.remove(partition);
                }
            }
            if (!consumer.assignment().equals(open)) {
                consumer.assign(open);
            }
        }
        return open;
    }

    @Override
    public void close() {
        consumer.close(CloseOptions.timeout(Duration.ofSeconds(1)));
    }
}
