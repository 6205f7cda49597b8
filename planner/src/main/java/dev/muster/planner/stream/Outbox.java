package dev.muster.planner.stream;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.Message;
import dev.muster.contracts.CloudEvents;
import dev.muster.contracts.KafkaSettings;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;

/**
 * What one step writes: to the store and to topics. It is gathered whole before any of it is written, so that a step that fails
 * half-way has written nothing.
 */
final class Outbox {

    private final List<Put> puts = new ArrayList<>();
    private final List<Send> sends = new ArrayList<>();
    private final String source;

    private record Put(String key, byte[] value) {}

    private record Send(String sink, Record<byte[], byte[]> record) {}

    /** @param source of the records, as CloudEvents names it */
    Outbox(String source) {
        this.source = source;
    }

    /** @param value null removes the key */
    void put(String key, byte[] value) {
        puts.add(new Put(key, value));
    }

    /**
     * @param id unique among what this service sends
     * @throws IllegalStateException if the record is larger than any may be
     */
    void send(String sink, String key, Message value, String id, Instant now) {
        var bytes = value.toByteArray();
        if (bytes.length > KafkaSettings.MAX_RECORD_BYTES) {
            throw new IllegalStateException("a record for " + sink + " has " + bytes.length + " bytes, and may have " + KafkaSettings.MAX_RECORD_BYTES);
        }
        sends.add(new Send(sink, new Record<>(key.getBytes(UTF_8), bytes, now.toEpochMilli(), CloudEvents.headers(value, id, source, now))));
    }

    /** Says that the key is no more. */
    void tombstone(String sink, String key, Instant now) {
        sends.add(new Send(sink, new Record<>(key.getBytes(UTF_8), null, now.toEpochMilli(), new RecordHeaders())));
    }

    boolean isEmpty() {
        return puts.isEmpty() && sends.isEmpty();
    }

    void writeTo(FleetStore store, ProcessorContext<byte[], byte[]> context) {
        puts.forEach(put -> store.put(put.key(), put.value()));
        sends.forEach(send -> context.forward(send.record(), send.sink()));
    }
}
