package dev.muster.planner.control;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.Topics;
import dev.muster.planner.Settings;
import io.grpc.Context;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Reads a part of a topic when a call asks for it, and holds nothing of it. Some readings go on at a time, each no longer than its call
 * waits; one more is refused rather than kept waiting. Thread-safe; callers are never blocked.
 */
public final class TopicRange implements AutoCloseable {

    private static final Duration POLL = Duration.ofMillis(200);
    /** What one reading holds of what it has not looked at yet, about. Bytes. */
    private static final int FETCH = 2 * 1024 * 1024;

    private final Settings settings;
    private final String name;
    private final Duration longest;
    private final ThreadPoolExecutor readers;

    /** All readers are busy: say so rather than let calls wait. */
    static final class Busy extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    /** The call has no more time, or the range is too long to be read in any call's. */
    static final class TooLong extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    /**
     * @param name of the threads
     * @param atOnce readings
     * @param longest that one may take, however long its call waits
     */
    public TopicRange(Settings settings, String name, int atOnce, Duration longest) {
        this.settings = settings;
        this.name = name;
        this.longest = longest;
        readers = new ThreadPoolExecutor(0, atOnce, 30, TimeUnit.SECONDS, new SynchronousQueue<>(), task -> {
            var thread = new Thread(task, name);
            thread.setDaemon(true);
            return thread;
        });
    }

    /** Reads for the call that this thread serves. @return fails with {@link Busy}, {@link TooLong}, or what the reading threw */
    <R> CompletableFuture<R> read(Function<Reading, R> what) {
        var call = Context.current();
        try {
            return CompletableFuture.supplyAsync(() -> {
                try (var reading = new Reading(call)) {
                    return what.apply(reading);
                }
            }, readers);
        } catch (RejectedExecutionException busy) {
            return CompletableFuture.failedFuture(new Busy());
        }
    }

    /** One reading. One thread uses it. */
    final class Reading implements AutoCloseable {

        private final Context call;
        private final long end;
        private final KafkaConsumer<byte[], byte[]> consumer;

        private Reading(Context call) {
            this.call = call;
            var waits = call.getDeadline();
            var left = waits == null ? longest.toNanos() : Math.min(longest.toNanos(), waits.timeRemaining(TimeUnit.NANOSECONDS));
            end = System.nanoTime() + left;
            var config = KafkaSettings.consumer(settings.kafka());
            config.put("client.id", Settings.SERVICE + "-" + name);
            config.put("fetch.max.bytes", FETCH);
            config.put("max.partition.fetch.bytes", FETCH);
            config.put("max.poll.records", 5_000);
            config.put("default.api.timeout.ms", (int) longest.toMillis());
            consumer = new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        }

        /** Where the records of a key are. */
        TopicPartition partition(String topic, String key) {
            return new TopicPartition(topic, Topics.partition(key.getBytes(UTF_8), consumer.partitionsFor(topic).size()));
        }

        /** The offset of the first record that is as young as that, or the end. */
        Map<TopicPartition, Long> since(Collection<TopicPartition> partitions, Instant from) {
            var starts = new HashMap<>(consumer.endOffsets(partitions));
            // Kafka knows no time before 1970.
            var millis = Math.max(0, from.toEpochMilli());
            consumer.offsetsForTimes(partitions.stream().collect(Collectors.toMap(partition -> partition, partition -> millis)))
                    .forEach((partition, found) -> {
                        if (found != null) {
                            starts.put(partition, found.offset());
                        }
                    });
            return starts;
        }

        /**
         * Hands over each record from these offsets to the ends that there are now, in the order of its partition.
         *
         * @param visitor answers false once it wants no more of the record's partition
         * @return the offsets where each partition is to be read on
         */
        Map<TopicPartition, Long> forEach(Map<TopicPartition, Long> from, Predicate<ConsumerRecord<byte[], byte[]>> visitor) {
            var ends = consumer.endOffsets(from.keySet());
            var open = new ArrayList<>(from.keySet());
            open.removeIf(partition -> from.get(partition) >= ends.get(partition));
            var next = new HashMap<>(from);
            consumer.assign(open);
            open.forEach(partition -> consumer.seek(partition, from.get(partition)));
            while (!open.isEmpty()) {
                requireTime();
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
                if (!consumer.assignment().equals(java.util.Set.copyOf(open))) {
                    consumer.assign(open);
                }
            }
            return next;
        }

        /** @throws TooLong if nobody waits any longer */
        void requireTime() {
            if (isOver()) {
                throw new TooLong();
            }
        }

        /** Nobody waits any longer, or nobody may. */
        boolean isOver() {
            return call.isCancelled() || System.nanoTime() - end > 0;
        }

        @Override
        public void close() {
            consumer.close(Duration.ofSeconds(1));
        }
    }

    @Override
    public void close() {
        readers.shutdownNow();
    }
}
