package dev.muster.planner.http;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Duration;
import com.google.protobuf.Message;
import com.google.protobuf.Timestamp;
import java.util.List;
import java.util.Random;

/** Messages of any type with some fields set, out of a seed. */
final class RandomMessages {

    private static final List<String> WORDS = List.of("", "a", "gpu", "default", "eu-west-1", "aws", "main", "m5.large", "fuzz-1", "0", "*", "~", "a/b", "..", "Zürich",
            "日本", "😀", "\u0000", "\n", "' OR 1=1", "<script>", "%2F", "m-1", "0 9 * * 1-5", "Europe/Berlin", "ssm:x#y", "USD", "{}", "x".repeat(300));

    private final Random random;

    RandomMessages(Random random) {
        this.random = random;
    }

    /** @param depth of objects within it, at most */
    Message fill(Message.Builder into, int depth) {
        for (var field : into.getDescriptorForType().getFields()) {
            if (random.nextInt(3) > 0 || field.getRealContainingOneof() != null && into.hasOneof(field.getRealContainingOneof())) {
                continue;
            }
            if (field.getJavaType() == FieldDescriptor.JavaType.MESSAGE && !FieldText.isText(field) && !field.isMapField() && depth == 0) {
                continue;
            }
            if (field.isMapField()) {
                var entry = into.newBuilderForField(field);
                var valueField = field.getMessageType().findFieldByNumber(2);
                if (valueField.getJavaType() == FieldDescriptor.JavaType.MESSAGE && depth == 0) {
                    continue;
                }
                entry.setField(field.getMessageType().findFieldByNumber(1), word());
                entry.setField(valueField, value(valueField, entry, depth));
                into.addRepeatedField(field, entry.build());
            } else if (field.isRepeated()) {
                for (int i = random.nextInt(3); i > 0; i--) {
                    into.addRepeatedField(field, value(field, into, depth));
                }
            } else {
                into.setField(field, value(field, into, depth));
            }
        }
        return into.build();
    }

    private String word() {
        return WORDS.get(random.nextInt(WORDS.size()));
    }

    private Object value(FieldDescriptor field, Message.Builder into, int depth) {
        return switch (field.getType()) {
            case STRING -> word();
            case BOOL -> random.nextBoolean();
            case INT32, SINT32, SFIXED32, UINT32, FIXED32 -> random.nextBoolean() ? random.nextInt(10) : random.nextInt();
            case INT64, SINT64, SFIXED64, UINT64, FIXED64 -> random.nextBoolean() ? (long) random.nextInt(10) : random.nextLong();
            case DOUBLE -> random.nextInt(8) == 0 ? Double.NaN : random.nextGaussian();
            case FLOAT -> (float) random.nextGaussian();
            case BYTES -> ByteString.copyFromUtf8(word());
            case ENUM -> field.getEnumType().getValues().get(random.nextInt(field.getEnumType().getValues().size()));
            case MESSAGE, GROUP -> {
                if (field.getMessageType().equals(Timestamp.getDescriptor())) {
                    yield Timestamp.newBuilder().setSeconds(random.nextInt()).setNanos(random.nextInt(1000) * 1_000_000).build();
                }
                if (field.getMessageType().equals(Duration.getDescriptor())) {
                    yield Duration.newBuilder().setSeconds(random.nextInt(1_000_000)).setNanos(random.nextInt(1000) * 1_000_000).build();
                }
                yield fill(into.newBuilderForField(field), depth - 1);
            }
        };
    }
}
