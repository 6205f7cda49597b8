package dev.muster.contracts;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.logging.Logger;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Reads whole topics from their beginning, without a group, and goes on reading: how everybody but the planner's own tasks
 * reads `fleets`, `machines` and what else is a table.
 *
 * <p>One thread of its own calls the listener; {@link #awaitCaughtUp} returns once everything there at start was handed over.
 */
public final class TopicTable implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(TopicTable.class.getName());
    private static final Duration POLL = Duration.ofMillis(200);
    private static final Duration REFUSED_PAUSE = Duration.ofSeconds(1);

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final Thread reader;
    private final CountDownLatch caughtUp = new CountDownLatch(1);
    private final Listener listener;
    private volatile boolean closing;
    /** By the broker, which takes our word for who we are no longer, or not yet. */
    private volatile boolean refused;
    private volatile RuntimeException failure;

    /** Told of each record in the order of its partition. It must not throw: bytes it can't read are its own business. */
    public interface Listener {

        /** @param record a null value is a tombstone */
        void on(ConsumerRecord<byte[], byte[]> record);

        /** After each group of records, and when nothing came for a while; for publishing what was gathered. */
        default void afterPoll() {}
    }

    /** Where reading begins. */
    public interface Start {

        /** Sets the positions of a consumer that has these partitions assigned. */
        void seek(Consumer<byte[], byte[]> consumer, List<TopicPartition> partitions);

        /** Everything: for tables. */
        static Start beginning() {
            return Consumer::seekToBeginning;
        }

        /** The newest {@code count} offsets of each partition: for logs of which only the tail is wanted. */
        static Start lastRecords(long count) {
            return (consumer, partitions) -> {
                var beginnings = consumer.beginningOffsets(partitions);
                consumer.endOffsets(partitions).forEach((partition, end) ->
                        consumer.seek(partition, Math.max(beginnings.get(partition), end - count)));
            };
        }

        /** What was appended within {@code age}: for levels that are repeated more often than that. */
        static Start since(Duration age) {
            return (consumer, partitions) -> {
                var from = System.currentTimeMillis() - age.toMillis();
                consumer.seekToEnd(partitions);
                consumer.offsetsForTimes(partitions.stream().collect(Collectors.toMap(p -> p, p -> from))).forEach((partition, found) -> {
                    if (found != null) {
                        consumer.seek(partition, found.offset());
                    }
                });
            };
        }
    }

    /** Starts reading from the beginning. {@code settings} are {@link KafkaSettings#consumer}'s, perhaps with more. */
    public TopicTable(Map<String, Object> settings, List<String> topics, Listener listener) {
        this(settings, topics, Start.beginning(), listener);
    }

    /** As above, from {@code start} on. */
    public TopicTable(Map<String, Object> settings, List<String> topics, Start start, Listener listener) {
        this.listener = listener;
        this.consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        this.reader = new Thread(() -> read(topics, start), "table-" + String.join("+", topics));
        reader.setDaemon(true);
        reader.start();
    }

    private void read(List<String> topics, Start start) {
        try (consumer) {
            var partitions = new ArrayList<TopicPartition>();
            for (var topic : topics) {
                admitted(() -> consumer.partitionsFor(topic)).forEach(p -> partitions.add(new TopicPartition(topic, p.partition())));
            }
            consumer.assign(partitions);
            var ends = admitted(() -> {
                start.seek(consumer, partitions);
                return consumer.endOffsets(partitions);
            });
            while (!closing) {
                for (var record : admitted(() -> consumer.poll(POLL))) {
                    listener.on(record);
                }
                listener.afterPoll();
                if (caughtUp.getCount() > 0
                        && ends.entrySet().stream().allMatch(end -> consumer.position(end.getKey()) >= end.getValue())) {
                    caughtUp.countDown();
                }
            }
        } catch (WakeupException closed) {
            // close() was called.
        } catch (RuntimeException broken) {
            failure = broken;
            caughtUp.countDown();
        }
    }

    /** A broker that has a new password before our file does refuses us for that while: no reason to stop, and it is the next connection that reads the file. */
    private <T> T admitted(Supplier<T> call) {
        while (true) {
            try {
                var answer = call.get();
                refused = false;
                return answer;
            } catch (AuthenticationException refusal) {
                if (closing) {
                    throw new WakeupException();
                }
                if (!refused) {
                    LOG.warning("Kafka refuses a reader, which tries again: topics=" + reader.getName() + " reason=" + refusal.getMessage());
                }
                refused = true;
                pause();
            }
        }
    }

    private static void pause() {
        try {
            TimeUnit.MILLISECONDS.sleep(REFUSED_PAUSE.toMillis());
        } catch (InterruptedException interrupted) {
            throw new WakeupException();
        }
    }

    /** False if the topics were not read within {@code timeout}. Throws what ended the reading, if something did. */
    public boolean awaitCaughtUp(Duration timeout) throws InterruptedException {
        var done = caughtUp.await(timeout.toMillis(), TimeUnit.MILLISECONDS);
        if (failure != null) {
            throw failure;
        }
        return done;
    }

    /** Everything there at start has been handed over, and the reading goes on. */
    public boolean isCurrent() {
        return caughtUp.getCount() == 0 && failure == null && !refused && reader.isAlive();
    }

    @Override
    public void close() {
        closing = true;
        consumer.wakeup();
        try {
            reader.join(5_000);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
