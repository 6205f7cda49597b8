package dev.muster.contracts;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;

/** How a record that can't be read is kept for people: its bytes as they came, and in headers where it was and why it is here. */
public final class DeadLetters {

    public static final String TOPIC = "muster_topic";
    public static final String PARTITION = "muster_partition";
    public static final String OFFSET = "muster_offset";
    public static final String REASON = "muster_reason";
    public static final String READER = "muster_reader";

    private DeadLetters() {}

    /** @param reader the service that could not read it */
    public static ProducerRecord<byte[], byte[]> of(
            Topics topics, String reader, ConsumerRecord<byte[], byte[]> unread, String reason) {
        return of(topics, reader, unread.topic(), unread.partition(), unread.offset(), unread.key(), unread.value(), reason);
    }

    public static ProducerRecord<byte[], byte[]> of(Topics topics, String reader, String topic, int partition, long offset,
            byte[] key, byte[] value, String reason) {
        var letter = new ProducerRecord<>(topics.deadLetters(), key, value);
        letter.headers()
                .add(TOPIC, topic.getBytes(UTF_8))
                .add(PARTITION, Integer.toString(partition).getBytes(UTF_8))
                .add(OFFSET, Long.toString(offset).getBytes(UTF_8))
                .add(REASON, reason.getBytes(UTF_8))
                .add(READER, reader.getBytes(UTF_8));
        return letter;
    }
}
