package dev.muster.planner.replay;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** What the topics recorded of the fleets of one input partition: what the planner read, and what it wrote. One thread reads it. */
public interface History {

    int partition();

    /** The first offset that is still there, by input topic. */
    Map<String, Long> beginnings();

    /** The partition's records of {@code decisions}, in order; the same each time that it is called. */
    void decisions(Consumer<ConsumerRecord<byte[], byte[]>> reader);

    /** Begins to read an input at an offset. */
    Cursor input(String topic, long from);

    /** What was recorded in the other topics that the planner writes. Of tables that is the newest row of each key, and some older ones. */
    List<Recorded> written();

    /** Whether a command that was sent then may not be there: deleted since, or too young to be seen. */
    boolean mayBeMissing(String topic, String key, long timestamp);

    /** Name of the header that holds {@link Recorded#read}. */
    String READ = dev.muster.planner.stream.ReplayedOwner.READ;

    /** Goes through one input, forwards only. */
    interface Cursor extends AutoCloseable {

        /** The next record below an offset; empty: there is none. */
        Optional<ConsumerRecord<byte[], byte[]>> nextBelow(long offset);

        @Override
        default void close() {}
    }

    /**
     * A record that the planner wrote.
     *
     * @param fleet whom it is about
     * @param topic without the prefix of the installation's topics
     * @param value null: a tombstone
     * @param id as its headers say; empty: none
     * @param read of a row, when it was written: the next offsets of the inputs and the number of the fleet's last plan; empty: not known
     * @param settled it was there before {@code decisions} were read: what led to it is known
     */
    record Recorded(String fleet, String topic, String key, byte[] value, String id, String read, long timestamp, boolean settled) {}
}
