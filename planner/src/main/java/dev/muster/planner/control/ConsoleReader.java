package dev.muster.planner.control;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.muster.contracts.DeadLetters;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.Topics;
import dev.muster.planner.Settings;
import dev.muster.v1.ConsoleReported;
import dev.muster.v1.MachineRecord;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jboss.logging.Logger;

/**
 * Finds what is kept of a machine's console when somebody asks for it, and waits for that of a machine that lives, once its provisioner is asked.
 * Nothing of the topic is held: a console is written within minutes of its machine's end, so that those minutes of one partition are read. A call
 * holds at most {@value #FETCH} bytes of them, and {@value #AT_ONCE} go on at a time, beside {@value #LIVE_AT_ONCE} of live machines. Thread-safe;
 * callers are never blocked.
 */
public final class ConsoleReader implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(ConsoleReader.class);

    static final int AT_ONCE = 2;
    /** They hold nothing but what comes while they wait. */
    static final int LIVE_AT_ONCE = 8;
    /** Some consoles: each is 64 KiB at most. Bytes. */
    static final int FETCH = 1024 * 1024;
    /** A boot that failed is read before the planner has its machine as ended, by a clock that may differ by some seconds. */
    private static final Duration BEFORE_END = Duration.ofMinutes(5);
    /** The last look comes ten minutes after the end was first seen, and may have to wait for others. */
    private static final Duration AFTER_END = Duration.ofMinutes(90);
    private static final Duration LIMIT = Duration.ofSeconds(15);

    /** All are busy: say so rather than let calls wait. */
    static final class TooMany extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    /** Nobody has read the console in that time. */
    static final class NotRead extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    private final Settings settings;
    private final RequestPublisher publisher;
    private final ThreadPoolExecutor readers = threads("console-reader", AT_ONCE);
    private final ThreadPoolExecutor listeners = threads("console-listener", LIVE_AT_ONCE);
    /** By machine: who asks while another waits is told the same. */
    private final Map<String, CompletableFuture<Optional<ConsoleReported>>> awaited = new ConcurrentHashMap<>();

    private static ThreadPoolExecutor threads(String name, int most) {
        return new ThreadPoolExecutor(0, most, 30, TimeUnit.SECONDS, new SynchronousQueue<>(), task -> {
            var thread = new Thread(task, name);
            thread.setDaemon(true);
            return thread;
        });
    }

    public ConsoleReader(Settings settings, RequestPublisher publisher) {
        this.settings = settings;
        this.publisher = publisher;
    }

    /** @param machine one that has ended. @return empty: nothing was kept of it, or no longer is */
    CompletableFuture<Optional<ConsoleReported>> find(MachineRecord machine) {
        if (!machine.hasEndedAt()) {
            return CompletableFuture.completedFuture(Optional.empty());
        }
        try {
            return CompletableFuture.supplyAsync(() -> read(machine), readers);
        } catch (RejectedExecutionException busy) {
            return CompletableFuture.failedFuture(new TooMany());
        }
    }

    /**
     * What a machine that lives has written by now.
     *
     * @param ask asks for it to be read, and ends when that is accepted; it is called when nothing that is written after it can be missed
     * @return empty: its cloud shows none yet. Fails with {@link NotRead}, or as {@code ask} does
     */
    CompletableFuture<Optional<ConsoleReported>> await(MachineRecord machine, Duration within, Supplier<CompletableFuture<?>> ask) {
        var console = awaited.computeIfAbsent(machine.getMachineId(), id -> {
            var answer = new CompletableFuture<Optional<ConsoleReported>>();
            try {
                listeners.execute(() -> listen(machine, within, ask, answer));
            } catch (RejectedExecutionException busy) {
                answer.completeExceptionally(new TooMany());
            }
            return answer;
        });
        console.whenComplete((read, failure) -> awaited.remove(machine.getMachineId(), console));
        return console.copy();
    }

    private void listen(MachineRecord machine, Duration within, Supplier<CompletableFuture<?>> ask, CompletableFuture<Optional<ConsoleReported>> answer) {
        var deadline = System.nanoTime() + within.toNanos();
        var key = Topics.machineKey(machine.getFleet(), machine.getMachineId()).getBytes(UTF_8);
        try (var consumer = consumer(within)) {
            var partition = new TopicPartition(settings.topics().consoles(), partition(key, consumer));
            consumer.assign(List.of(partition));
            consumer.seekToEnd(List.of(partition));
            consumer.position(partition);
            ask.get().join();
            while (System.nanoTime() < deadline) {
                for (var record : consumer.poll(Duration.ofMillis(200))) {
                    if (!answer.isDone() && Arrays.equals(record.key(), key)) {
                        answer.complete(parsed(record));
                    }
                }
                if (answer.isDone()) {
                    return;
                }
            }
            // Said before the consumer is closed, which takes as long as a fetch.
            answer.completeExceptionally(new NotRead());
        } catch (RuntimeException failed) {
            answer.completeExceptionally(failed);
        }
    }

    private KafkaConsumer<byte[], byte[]> consumer(Duration within) {
        var config = KafkaSettings.consumer(settings.kafka());
        config.put("client.id", Settings.SERVICE + "-consoles");
        config.put("fetch.max.bytes", FETCH);
        config.put("max.partition.fetch.bytes", FETCH);
        config.put("default.api.timeout.ms", (int) within.toMillis());
        return new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    private Optional<ConsoleReported> read(MachineRecord machine) {
        var key = Topics.machineKey(machine.getFleet(), machine.getMachineId()).getBytes(UTF_8);
        var endedAt = Instant.ofEpochSecond(machine.getEndedAt().getSeconds());
        var last = endedAt.plus(AFTER_END).toEpochMilli();
        var deadline = System.nanoTime() + LIMIT.toNanos();
        Optional<ConsoleReported> newest = Optional.empty();
        try (var consumer = consumer(LIMIT)) {
            var partition = new TopicPartition(settings.topics().consoles(), partition(key, consumer));
            consumer.assign(List.of(partition));
            var from = consumer.offsetsForTimes(Map.of(partition, endedAt.minus(BEFORE_END).toEpochMilli())).get(partition);
            if (from == null) {
                return Optional.empty();
            }
            consumer.seek(partition, from.offset());
            var end = consumer.endOffsets(List.of(partition)).get(partition);
            while (consumer.position(partition) < end) {
                for (var record : consumer.poll(Duration.ofMillis(200))) {
                    if (record.timestamp() > last) {
                        return newest;
                    }
                    if (Arrays.equals(record.key(), key)) {
                        // One that is blank says that there was none at that moment.
                        var before = newest;
                        newest = parsed(record).or(() -> before);
                    }
                }
                if (System.nanoTime() > deadline) {
                    throw new IllegalStateException("Kafka gave the consoles of these minutes not within " + LIMIT.toSeconds() + " s");
                }
            }
        }
        return newest;
    }

    /** As every client's default partitioner. */
    private int partition(byte[] key, KafkaConsumer<byte[], byte[]> consumer) {
        var partitions = consumer.partitionsFor(settings.topics().consoles()).size();
        return Topics.partition(key, partitions);
    }

    /** @return empty: it is blank, or can't be read */
    private Optional<ConsoleReported> parsed(ConsumerRecord<byte[], byte[]> record) {
        if (record.value() == null) {
            return Optional.empty();
        }
        try {
            return Optional.of(ConsoleReported.parseFrom(record.value())).filter(console -> !console.getText().isBlank());
        } catch (InvalidProtocolBufferException unreadable) {
            LOG.warnf("A console can't be read and is put aside; topic=%s partition=%d offset=%d reason=%s", record.topic(), record.partition(),
                    record.offset(), unreadable.getMessage());
            publisher.putAside(DeadLetters.of(settings.topics(), Settings.SERVICE, record, "not Protobuf: " + unreadable.getMessage()));
            return Optional.empty();
        }
    }

    @Override
    public void close() {
        readers.shutdownNow();
        listeners.shutdownNow();
    }
}
