package dev.muster.planner.stream;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.Message;
import dev.muster.contracts.CloudEvents;
import dev.muster.contracts.KafkaSettings;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;

/**
 * What one step writes: to the store and to topics. It is gathered whole before any of it is written, so that a step that fails
 * half-way has written nothing.
 */
final class Outbox {

    /**
     * Header of the rows of {@code fleets} and {@code machines}: the next offsets of requests, demand and machine reports, and the number of
     * the fleet's last plan, with commas. A row that was written between two plans can so be written again.
     */
    static final String READ = "muster-read";

    private final List<Put> puts = new ArrayList<>();
    private final List<Send> sends = new ArrayList<>();
    private final String source;

    private record Put(String key, byte[] value) {}

    /**
     * A record on its way.
     *
     * @param sink as the topology names it
     * @param value null: a tombstone
     */
    record Send(String sink, byte[] key, byte[] value, Instant at, Headers headers) {}

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
        send(sink, key, value, value.toByteArray(), id, now);
    }

    private void send(String sink, String key, Message value, byte[] bytes, String id, Instant now) {
        if (bytes.length > KafkaSettings.MAX_RECORD_BYTES) {
            throw new IllegalStateException("a record for " + sink + " has " + bytes.length + " bytes, and may have " + KafkaSettings.MAX_RECORD_BYTES);
        }
        sends.add(new Send(sink, key.getBytes(UTF_8), bytes, now, CloudEvents.headers(value, id, source, now)));
    }

    /**
     * A row of a table.
     *
     * @param bytes the value's, which are at hand where it is also stored
     * @param read what had been read and planned when it was written; see {@link #READ}
     */
    void row(String sink, String key, Message value, byte[] bytes, String id, Instant now, String read) {
        send(sink, key, value, bytes, id, now);
        said(read);
    }

    /** A row is no more. */
    void noRow(String sink, String key, Instant now, String read) {
        sends.add(new Send(sink, key.getBytes(UTF_8), null, now, new RecordHeaders()));
        said(read);
    }

    /** Nothing is under that key any more, in a topic of which no replay looks at the rows. */
    void gone(String sink, String key, Instant now) {
        sends.add(new Send(sink, key.getBytes(UTF_8), null, now, new RecordHeaders()));
    }

    private void said(String read) {
        sends.get(sends.size() - 1).headers().add(READ, read.getBytes(UTF_8));
    }

    boolean isEmpty() {
        return puts.isEmpty() && sends.isEmpty();
    }

    void writeTo(FleetStore store, Consumer<Send> out) {
        puts.forEach(put -> store.put(put.key(), put.value()));
        sends.forEach(out);
    }
}
