package dev.muster.planner.recorded;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.Durations;
import dev.muster.contracts.Topics;
import dev.muster.planner.Settings;
import dev.muster.planner.topic.TopicReaders;
import dev.muster.planner.topic.TopicReading;
import dev.muster.v1.HistoryRow;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.jboss.logging.Logger;

/**
 * Rows of a fleet's history, read from the topic when somebody asks for them. What is young is kept for a while and read on from there, so
 * that a page that asks every few seconds costs Kafka next to nothing. Thread-safe; callers are never blocked.
 */
public final class HistoryRows {

    private static final Logger LOG = Logger.getLogger(HistoryRows.class);

    public static final String MINUTE = "minute";
    public static final String HOUR = "hour";
    /** A row of a minute is written in the minute after it. One of an hour may come late: the planner keeps what it could not write for two days. */
    private static final Map<String, Duration> LATEST = Map.of(MINUTE, Duration.ofMinutes(5), HOUR, Duration.ofHours(49));
    /** Planners' clocks differ: one row of another fleet that is too young says nothing yet about those behind it, and so many do. */
    private static final int LATE_IN_A_ROW = 5_000;
    /** What pages show by themselves, and a little more. */
    private static final Map<String, Duration> YOUNG = Map.of(MINUTE, Duration.ofMinutes(75), HOUR, Duration.ofHours(50));
    /** Bytes of rows as they came, which take about four times that in memory. The one that was asked for longest ago goes. */
    private static final long KEPT = 6 * 1024 * 1024;
    /** Rows come once a minute: who asks again within it gets the same. */
    private static final Duration FRESH = Duration.ofSeconds(1);

    private final Settings settings;
    private final TopicReaders readers;
    /** By key of the topic, the one asked for last last. */
    private final LinkedHashMap<String, Young> young = new LinkedHashMap<>(16, 0.75f, true);

    /** @param offset in its partition: of rows with one start, it says which came first */
    public record Row(long offset, HistoryRow row) {

        public Instant start() {
            return Instant.ofEpochSecond(row.getStart().getSeconds());
        }

        public Instant end() {
            return start().plusMillis(Durations.toMillis(row.getLength()));
        }
    }

    /** Rows of one key from a moment on, and where they are read on. */
    private static final class Young {
        private Instant from;
        private TopicPartition partition;
        private long next;
        private long readAt;
        private long bytes;
        private final Deque<Row> rows = new ArrayDeque<>();

        private synchronized List<Row> rows() {
            return List.copyOf(rows);
        }
    }

    public HistoryRows(Settings settings, TopicReaders readers) {
        this.settings = settings;
        this.readers = readers;
    }

    /**
     * Hands over the rows of a series that begin in that time, as the topic has them; by their start, but that rows of hours may come late.
     *
     * @param visitor answers false once it wants no more
     * @return done when all were handed over; fails as {@link TopicReaders#read}
     */
    public CompletableFuture<Void> forEach(String fleet, String series, Instant since, Instant until, Predicate<Row> visitor) {
        var key = Topics.historyKey(fleet, series);
        var oldest = Instant.now().minus(YOUNG.get(series));
        if (since.isBefore(oldest)) {
            return readers.read(reading -> {
                var partition = reading.partition(settings.topics().history(), key);
                var last = until.plus(LATEST.get(series)).toEpochMilli();
                var late = new AtomicInteger();
                reading.forEach(reading.since(List.of(partition), since), record -> {
                    if (record.timestamp() > last) {
                        return !isOf(record, key) && late.incrementAndGet() < LATE_IN_A_ROW;
                    }
                    late.set(0);
                    return !isOf(record, key) || handOver(record, since, until, visitor);
                });
                return null;
            });
        }
        var known = young(key);
        if (known != null && !known.from.isAfter(since) && System.nanoTime() - known.readAt < FRESH.toNanos()) {
            known.rows().stream().filter(row -> isIn(row, since, until)).allMatch(visitor);
            return CompletableFuture.completedFuture(null);
        }
        return readers.read(reading -> {
            var read = readOn(reading, key, oldest, known);
            read.rows().stream().filter(row -> isIn(row, since, until)).allMatch(visitor);
            return null;
        });
    }

    private boolean handOver(ConsumerRecord<byte[], byte[]> record, Instant since, Instant until, Predicate<Row> visitor) {
        var row = row(record);
        return row == null || !isIn(row, since, until) || visitor.test(row);
    }

    private static boolean isIn(Row row, Instant since, Instant until) {
        return !row.start().isBefore(since) && row.start().isBefore(until);
    }

    private static boolean isOf(ConsumerRecord<byte[], byte[]> record, String key) {
        return record.key() != null && record.value() != null && key.equals(new String(record.key(), UTF_8));
    }

    /** Null where it can't be read: the rest of history is worth showing without it. */
    static Row row(ConsumerRecord<byte[], byte[]> record) {
        try {
            return new Row(record.offset(), HistoryRow.parseFrom(record.value()));
        } catch (InvalidProtocolBufferException unreadable) {
            LOG.warnf("A row of history was passed over; topic=%s partition=%d offset=%d reason=%s", record.topic(), record.partition(), record.offset(),
                    unreadable.getMessage());
            return null;
        }
    }

    private Young young(String key) {
        synchronized (young) {
            return young.get(key);
        }
    }

    /** Two calls may read the same at once; the second to end is kept. */
    private Young readOn(TopicReading reading, String key, Instant oldest, Young known) {
        var read = new Young();
        if (known == null) {
            read.from = oldest;
            read.partition = reading.partition(settings.topics().history(), key);
            read.next = reading.since(List.of(read.partition), oldest).get(read.partition);
        } else {
            read.from = known.from.isBefore(oldest) ? oldest : known.from;
            read.partition = known.partition;
            read.next = known.next;
            known.rows().stream().filter(row -> !row.end().isBefore(oldest)).forEach(row -> keep(read, row));
        }
        read.next = reading.forEach(Map.of(read.partition, read.next), record -> {
            var row = isOf(record, key) ? row(record) : null;
            if (row != null) {
                keep(read, row);
            }
            return true;
        }).get(read.partition);
        read.readAt = System.nanoTime();
        synchronized (young) {
            young.put(key, read);
            var all = young.values().stream().mapToLong(each -> each.bytes).sum();
            for (var eldest = young.values().iterator(); all > KEPT && eldest.hasNext(); ) {
                all -= eldest.next().bytes;
                eldest.remove();
            }
        }
        return read;
    }

    private static void keep(Young read, Row row) {
        read.rows.add(row);
        read.bytes += row.row().getSerializedSize();
    }
}
