package dev.muster.planner.replay;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.muster.contracts.KafkaConnection;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.TopicSpan;
import dev.muster.contracts.Topics;
import dev.muster.v1.ClearmlCommand;
import dev.muster.v1.Command;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Replays the decisions that are in an installation's topics. It reads them and writes nothing, and the planner may go on meanwhile. */
public final class TopicReplay {

    /**
     * Topics of one transaction become visible one after the other, and a planner that dies in it holds them back for its time-out: what is
     * younger is not missed where it is not.
     */
    private static final Duration SETTLED_AFTER = Duration.ofSeconds(5);
    private static final Duration POLL = Duration.ofMillis(500);
    private static final Duration SILENCE = Duration.ofSeconds(60);

    private final Map<String, Object> consumer;
    private final Topics topics;
    private final long opened = System.currentTimeMillis();
    private final Map<String, List<History.Recorded>> writtenByFleet = new HashMap<>();
    /** Of partitions of commands from which something was deleted: the time of what is the oldest now. */
    private final Map<TopicPartition, Long> oldest = new HashMap<>();
    private final Map<String, Integer> partitionCounts = new HashMap<>();

    private TopicReplay(KafkaConnection kafka, Topics topics) {
        this.consumer = KafkaSettings.consumer(kafka);
        this.topics = topics;
    }

    /**
     * Replays all fleets whose names are wanted.
     *
     * @param prefix of the topics
     * @throws KafkaException if the broker can't be reached or the topics are not there
     */
    public static ReplayReport run(KafkaConnection kafka, String prefix, Predicate<String> wanted) {
        int partitions;
        try (var span = new TopicSpan(KafkaSettings.consumer(kafka))) {
            partitions = span.partitions(new Topics(prefix, 1).requests()).size();
        }
        if (partitions == 0) {
            throw new KafkaException("there is no topic " + new Topics(prefix, 1).requests() + " on " + kafka.bootstrapServers());
        }
        return new TopicReplay(kafka, new Topics(prefix, partitions)).run(wanted);
    }

    private ReplayReport run(Predicate<String> wanted) {
        var fleets = new ArrayList<ReplayReport.OfFleet>();
        var releases = new TreeSet<String>();
        try (var span = new TopicSpan(consumer)) {
            var decisions = IntStream.range(0, topics.inputPartitions()).mapToObj(partition -> new TopicPartition(topics.decisions(), partition)).toList();
            var ends = span.ends(decisions);
            readWritten(span, wanted);
            for (var partition : decisions) {
                if (ends.get(partition) > 0) {
                    var report = Replay.of(topics, new OfPartition(span, partition, ends.get(partition)), wanted);
                    fleets.addAll(report.fleets());
                    releases.addAll(report.releases());
                }
            }
        }
        fleets.sort(java.util.Comparator.comparing(ReplayReport.OfFleet::fleet));
        return new ReplayReport(fleets, releases);
    }

    private void readWritten(TopicSpan span, Predicate<String> wanted) {
        var commands = Stream.of("aws", "gcp", "k8s", "clearml").map(topics::commands).toList();
        var names = new ArrayList<>(commands);
        names.add(topics.history());
        names.add(topics.fleets());
        names.add(topics.machines());
        var partitions = new ArrayList<TopicPartition>();
        for (var name : names) {
            var of = span.partitions(name);
            partitionCounts.put(name, of.size());
            partitions.addAll(of);
        }
        span.beginnings(partitions).forEach((partition, beginning) -> {
            if (beginning > 0) {
                oldest.put(partition, Long.MAX_VALUE);
            }
        });
        span.read(partitions, record -> {
            oldest.computeIfPresent(new TopicPartition(record.topic(), record.partition()), (partition, first) -> Math.min(first, record.timestamp()));
            var name = record.topic().substring(topics.prefix().length());
            var key = new String(record.key(), UTF_8);
            var fleet = commands.contains(record.topic()) ? addressee(record) : key.contains("/") ? key.substring(0, key.indexOf('/')) : key;
            if (wanted.test(fleet)) {
                writtenByFleet.computeIfAbsent(fleet, of -> new ArrayList<>()).add(new History.Recorded(fleet, name, key, record.value(),
                        header(record, "ce_id"), header(record, History.READ), record.timestamp(), isSettled(record.timestamp())));
            }
        });
    }

    private boolean isSettled(long timestamp) {
        return timestamp < opened - SETTLED_AFTER.toMillis();
    }

    private String addressee(ConsumerRecord<byte[], byte[]> record) {
        try {
            return record.topic().equals(topics.clearmlCommands()) ? ClearmlCommand.parseFrom(record.value()).getFleet() : Command.parseFrom(record.value()).getFleet();
        } catch (InvalidProtocolBufferException unreadable) {
            throw new IllegalStateException("the command at offset " + record.offset() + " of " + record.topic() + " is unreadable", unreadable);
        }
    }

    private static String header(ConsumerRecord<byte[], byte[]> record, String name) {
        var header = record.headers().lastHeader(name);
        return header == null ? "" : new String(header.value(), UTF_8);
    }

    /** The topics of one input partition. */
    private final class OfPartition implements History {

        private final TopicSpan span;
        private final TopicPartition decisions;
        private final long end;
        private final Map<String, Long> beginnings = new HashMap<>();

        OfPartition(TopicSpan span, TopicPartition decisions, long end) {
            this.span = span;
            this.decisions = decisions;
            this.end = end;
            span.beginnings(topics.inputs().stream().map(topic -> new TopicPartition(topic, decisions.partition())).toList())
                    .forEach((input, beginning) -> beginnings.put(input.topic(), beginning));
        }

        @Override
        public int partition() {
            return decisions.partition();
        }

        @Override
        public Map<String, Long> beginnings() {
            return beginnings;
        }

        @Override
        public void decisions(Consumer<ConsumerRecord<byte[], byte[]>> reader) {
            span.read(Map.of(decisions, end), reader);
        }

        @Override
        public Cursor input(String topic, long from) {
            return new KafkaCursor(new TopicPartition(topic, decisions.partition()), from);
        }

        @Override
        public List<Recorded> written() {
            return writtenByFleet.entrySet().stream().filter(of -> topics.inputPartition(of.getKey()) == decisions.partition())
                    .flatMap(of -> of.getValue().stream()).toList();
        }

        @Override
        public boolean mayBeMissing(String topic, String key, long timestamp) {
            var name = topics.prefix() + topic;
            var partition = new TopicPartition(name, Topics.partition(key.getBytes(UTF_8), partitionCounts.get(name)));
            return !isSettled(timestamp) || timestamp <= oldest.getOrDefault(partition, Long.MIN_VALUE);
        }
    }

    /** Reads as far as it is asked to, and no further than what was there when it began. */
    private final class KafkaCursor implements History.Cursor {

        private final KafkaConsumer<byte[], byte[]> reader = new KafkaConsumer<>(consumer, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        private final TopicPartition partition;
        private final long end;
        private final Deque<ConsumerRecord<byte[], byte[]>> fetched = new ArrayDeque<>();

        KafkaCursor(TopicPartition partition, long from) {
            this.partition = partition;
            reader.assign(List.of(partition));
            reader.seek(partition, from);
            end = reader.endOffsets(List.of(partition)).get(partition);
        }

        @Override
        public Optional<ConsumerRecord<byte[], byte[]>> nextBelow(long offset) {
            var below = Math.min(offset, end);
            var asked = System.nanoTime();
            while (fetched.isEmpty() && reader.position(partition) < below) {
                reader.poll(POLL).forEach(fetched::add);
                if (fetched.isEmpty() && System.nanoTime() - asked > SILENCE.toNanos()) {
                    throw new KafkaException(partition + " was not read on within " + SILENCE.toSeconds() + " s");
                }
            }
            return fetched.isEmpty() || fetched.peek().offset() >= below ? Optional.empty() : Optional.of(fetched.poll());
        }

        @Override
        public void close() {
            reader.close();
        }
    }
}
