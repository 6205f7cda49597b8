package dev.muster.planner.recorded;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.muster.contracts.DeadLetters;
import dev.muster.contracts.Topics;
import dev.muster.planner.Settings;
import dev.muster.planner.answer.Calls;
import dev.muster.planner.topic.TopicReaders;
import dev.muster.planner.topic.TopicReading;
import dev.muster.v1.ConsoleReported;
import dev.muster.v1.MachineRecord;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jboss.logging.Logger;

/**
 * Finds what is kept of a machine's console when somebody asks for it, and waits for that of a machine that lives, once its provisioner is asked.
 * Nothing of the topic is held: a console is written within minutes of its machine's end, so that those minutes of one partition are read.
 * {@value #AT_ONCE} such readings go on at a time, beside {@value #LIVE_AT_ONCE} of live machines. Thread-safe; callers are never blocked.
 */
public final class ConsoleReader implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(ConsoleReader.class);

    static final int AT_ONCE = 2;
    /** They hold nothing but what comes while they wait. */
    static final int LIVE_AT_ONCE = 8;
    /** A boot that failed is read before the planner has its machine as ended, by a clock that may differ by some seconds. */
    private static final Duration BEFORE_END = Duration.ofMinutes(5);
    /** The last look comes ten minutes after the end was first seen, and may have to wait for others. */
    private static final Duration AFTER_END = Duration.ofMinutes(90);
    private static final Duration LIMIT = Duration.ofSeconds(15);
    /** As the API lets calls wait for one. */
    private static final Duration LONGEST_WAIT = Duration.ofMinutes(1);

    /** Nobody has read the console in that time. */
    public static final class NotRead extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    private final Settings settings;
    private final Consumer<ProducerRecord<byte[], byte[]>> deadLetters;
    private final TopicReaders readers;
    private final TopicReaders listeners;
    /** By machine: who asks while another waits is told the same. */
    private final Map<String, CompletableFuture<Optional<ConsoleReported>>> awaited = new ConcurrentHashMap<>();

    /** @param deadLetters takes what can't be read */
    public ConsoleReader(Settings settings, Consumer<ProducerRecord<byte[], byte[]>> deadLetters) {
        this.settings = settings;
        this.deadLetters = deadLetters;
        readers = new TopicReaders(settings, "console-reader", AT_ONCE, LIMIT);
        listeners = new TopicReaders(settings, "console-listener", LIVE_AT_ONCE, LONGEST_WAIT);
    }

    /** @param machine one that has ended. @return empty: nothing was kept of it, or no longer is */
    public CompletableFuture<Optional<ConsoleReported>> find(MachineRecord machine) {
        if (!machine.hasEndedAt()) {
            return CompletableFuture.completedFuture(Optional.empty());
        }
        return readers.read(reading -> newest(reading, machine));
    }

    /**
     * What a machine that lives has written by now.
     *
     * @param ask asks for it to be read, and ends when that is accepted; it is called when nothing that is written after it can be missed
     * @return empty: its cloud shows none yet. Fails with {@link NotRead}, or as {@code ask} does
     */
    public CompletableFuture<Optional<ConsoleReported>> await(MachineRecord machine, Duration within, Supplier<CompletableFuture<?>> ask) {
        var console = awaited.computeIfAbsent(machine.getMachineId(), id -> {
            var answer = new CompletableFuture<Optional<ConsoleReported>>();
            listeners.<Void>readForMany(within, reading -> listen(reading, machine, ask, answer)).whenComplete((over, failure) -> {
                if (failure != null) {
                    answer.completeExceptionally(Calls.cause(failure));
                }
            });
            return answer;
        });
        console.whenComplete((read, failure) -> awaited.remove(machine.getMachineId(), console));
        return console.copy();
    }

    private Void listen(TopicReading reading, MachineRecord machine, Supplier<CompletableFuture<?>> ask, CompletableFuture<Optional<ConsoleReported>> answer) {
        var key = Topics.machineKey(machine.getFleet(), machine.getMachineId());
        reading.follow(reading.partition(settings.topics().consoles(), key), () -> ask.get().join(), record -> {
            if (isOf(record, key)) {
                answer.complete(parsed(record));
            }
            return !answer.isDone();
        });
        // Said before the reading is closed, which takes as long as a fetch.
        answer.completeExceptionally(new NotRead());
        return null;
    }

    private Optional<ConsoleReported> newest(TopicReading reading, MachineRecord machine) {
        var key = Topics.machineKey(machine.getFleet(), machine.getMachineId());
        var endedAt = Instant.ofEpochSecond(machine.getEndedAt().getSeconds());
        var last = endedAt.plus(AFTER_END).toEpochMilli();
        var partition = reading.partition(settings.topics().consoles(), key);
        var newest = new AtomicReference<Optional<ConsoleReported>>(Optional.empty());
        reading.forEach(reading.since(List.of(partition), endedAt.minus(BEFORE_END)), record -> {
            if (record.timestamp() <= last && isOf(record, key)) {
                // One that is blank says that there was none at that moment.
                newest.updateAndGet(before -> parsed(record).or(() -> before));
            }
            return record.timestamp() <= last;
        });
        return newest.get();
    }

    private static boolean isOf(ConsumerRecord<byte[], byte[]> record, String key) {
        return record.key() != null && key.equals(new String(record.key(), UTF_8));
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
            deadLetters.accept(DeadLetters.of(settings.topics(), Settings.SERVICE, record, "not Protobuf: " + unreadable.getMessage()));
            return Optional.empty();
        }
    }

    @Override
    public void close() {
        readers.close();
        listeners.close();
    }
}
