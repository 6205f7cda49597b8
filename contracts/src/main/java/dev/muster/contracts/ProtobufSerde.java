package dev.muster.contracts;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serializer;

/**
 * Protobuf messages as Kafka values. Null stays null: a tombstone.
 *
 * <p>The deserializer throws on bytes that don't parse. A consumer that must go on reads bytes and calls {@link #parse}.
 */
public record ProtobufSerde<M extends MessageLite>(Parser<M> parser) implements Serde<M> {

    @Override
    public Serializer<M> serializer() {
        return (topic, message) -> message == null ? null : message.toByteArray();
    }

    @Override
    public Deserializer<M> deserializer() {
        return (topic, bytes) -> {
            try {
                return bytes == null ? null : parser.parseFrom(bytes);
            } catch (InvalidProtocolBufferException unreadable) {
                throw new SerializationException("a value of " + topic + " is no such message: " + unreadable.getMessage(), unreadable);
            }
        };
    }

    /** The message, or why the bytes are none. */
    public M parse(byte[] bytes) throws UnreadableRecordException {
        if (bytes == null) {
            throw new UnreadableRecordException("the value is null");
        }
        try {
            return parser.parseFrom(bytes);
        } catch (InvalidProtocolBufferException unreadable) {
            throw new UnreadableRecordException("the value is not Protobuf of this topic: " + unreadable.getMessage());
        }
    }
}
