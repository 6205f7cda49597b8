package dev.muster.planner.stream;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.muster.contracts.Topics;
import dev.muster.planner.replay.History;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;

/** Topics in memory: what an owner of fleets read and wrote, to be replayed. */
final class Recording implements History {

    private final Topics topics;
    private final Map<String, List<ConsumerRecord<byte[], byte[]>>> inputs = new HashMap<>();
    private final List<ConsumerRecord<byte[], byte[]>> decisions = new ArrayList<>();
    private final List<Recorded> written = new ArrayList<>();
    private final Map<String, Long> deleted = new HashMap<>();

    Recording(Topics topics) {
        this.topics = topics;
        topics.inputs().forEach(topic -> inputs.put(topic, new ArrayList<>()));
    }

    /** Appends to an input. */
    ConsumerRecord<byte[], byte[]> input(String topic, String key, byte[] value, Instant at) {
        var of = inputs.get(topic);
        var record = record(topic, of.size(), key.getBytes(UTF_8), value, at, new RecordHeaders());
        of.add(record);
        return record;
    }

    private static ConsumerRecord<byte[], byte[]> record(String topic, long offset, byte[] key, byte[] value, Instant at, Headers headers) {
        return new ConsumerRecord<>(topic, 0, offset, at.toEpochMilli(), TimestampType.LOG_APPEND_TIME, key.length,
                value == null ? -1 : value.length, key, value, headers, Optional.empty());
    }

    /** Appends what was written. */
    void output(String sink, byte[] key, byte[] value, Instant at, Headers headers) {
        var id = headers.lastHeader("ce_id");
        var name = new String(key, UTF_8);
        if (sink.equals(Sinks.DECISIONS)) {
            decisions.add(record(topics.decisions(), decisions.size(), key, value, at, headers));
        } else if (!sink.equals(Sinks.DEAD_LETTERS)) {
            var read = headers.lastHeader(READ);
            written.add(new Recorded(fleet(sink, name, value), sink, name, value, id == null ? "" : new String(id.value(), UTF_8),
                    read == null ? "" : new String(read.value(), UTF_8), at.toEpochMilli(), true));
        }
    }

    private static String fleet(String sink, String key, byte[] value) {
        try {
            return !sink.startsWith("commands.") ? key.contains("/") ? key.substring(0, key.indexOf('/')) : key
                    : sink.endsWith("clearml") ? dev.muster.v1.ClearmlCommand.parseFrom(value).getFleet() : dev.muster.v1.Command.parseFrom(value).getFleet();
        } catch (com.google.protobuf.InvalidProtocolBufferException unreadable) {
            throw new IllegalStateException(unreadable);
        }
    }

    /** What the topics hold of the fleets now. */
    PublishedFleets published() {
        var published = new PublishedTopics.Reading();
        written.stream().filter(row -> row.topic().equals(Sinks.FLEETS)).forEach(row -> published.fleet(row.key(), row.value()));
        written.stream().filter(row -> row.topic().equals(Sinks.MACHINES)).forEach(row -> published.machine(row.key(), row.value()));
        decisions.forEach(record -> published.decision(record.value()));
        var fleets = published.fleets();
        return partition -> fleets;
    }

    List<byte[]> decided() {
        return decisions.stream().map(ConsumerRecord::value).toList();
    }

    /** Only the newest row of each key is left, as compaction does it. */
    void compact() {
        var newest = new TreeMap<String, Recorded>();
        written.stream().filter(row -> isTable(row.topic())).forEach(row -> newest.put(row.topic() + " " + row.key(), row));
        written.removeIf(row -> isTable(row.topic()) && newest.get(row.topic() + " " + row.key()) != row);
    }

    private static boolean isTable(String topic) {
        return topic.equals(Sinks.FLEETS) || topic.equals(Sinks.MACHINES);
    }

    /** What is below an offset was deleted, as retention does it. */
    void delete(String topic, long below) {
        deleted.put(topic, below);
    }

    /** Replaces what was decided, as somebody would who meddles with history. */
    void replaceDecision(int index, byte[] value) {
        var old = decisions.get(index);
        decisions.set(index, record(old.topic(), old.offset(), old.key(), value, Instant.ofEpochMilli(old.timestamp()), old.headers()));
    }

    void dropCommand(int index) {
        written.remove(written.stream().filter(row -> row.topic().startsWith("commands.")).toList().get(index));
    }

    @Override
    public int partition() {
        return 0;
    }

    @Override
    public Map<String, Long> beginnings() {
        return topics.inputs().stream().collect(Collectors.toMap(topic -> topic, topic -> deleted.getOrDefault(topic, 0L)));
    }

    @Override
    public void decisions(Consumer<ConsumerRecord<byte[], byte[]>> reader) {
        decisions.forEach(reader);
    }

    @Override
    public Cursor input(String topic, long from) {
        var of = inputs.get(topic);
        var next = new long[] {Math.max(from, deleted.getOrDefault(topic, 0L))};
        return below -> next[0] < Math.min(below, of.size()) ? Optional.of(of.get((int) next[0]++)) : Optional.empty();
    }

    @Override
    public List<Recorded> written() {
        return List.copyOf(written);
    }

    @Override
    public boolean mayBeMissing(String topic, String key, long timestamp) {
        return false;
    }
}
