package dev.muster.planner.http;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor.JavaType;
import com.google.protobuf.Duration;
import com.google.protobuf.Timestamp;
import com.google.protobuf.util.Durations;
import com.google.protobuf.util.Timestamps;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.text.ParseException;
import java.util.Base64;
import java.util.Set;

/** One value of a field out of its text, as protobuf's JSON writes it, and as a path or a query has it. */
final class FieldText {

    /** A number that a field can hold is shorter, and so are its powers of ten: 1e999999999 is not computed to be refused. */
    private static final int LONGEST_NUMBER = 400;
    private static final int LARGEST_SCALE = 400;
    private static final BigInteger MAX_UINT64 = BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);
    private static final BigInteger MAX_UINT32 = BigInteger.ONE.shiftLeft(32).subtract(BigInteger.ONE);
    private static final Set<String> AS_TEXT = Set.of(Timestamp.getDescriptor().getFullName(), Duration.getDescriptor().getFullName());

    private FieldText() {}

    /** Whether a message field is written as a text, and not as an object. */
    static boolean isText(FieldDescriptor field) {
        return field.getJavaType() == JavaType.MESSAGE && AS_TEXT.contains(field.getMessageType().getFullName());
    }

    /** @throws IllegalArgumentException that says what to write instead */
    static Object value(FieldDescriptor field, String text) {
        return switch (field.getType()) {
            case STRING -> string(text);
            case BOOL -> switch (text) {
                case "true" -> true;
                case "false" -> false;
                default -> throw new IllegalArgumentException("write true or false");
            };
            case INT32, SINT32, SFIXED32 -> whole(text, BigInteger.valueOf(Integer.MIN_VALUE), BigInteger.valueOf(Integer.MAX_VALUE)).intValue();
            case UINT32, FIXED32 -> whole(text, BigInteger.ZERO, MAX_UINT32).intValue();
            case INT64, SINT64, SFIXED64 -> whole(text, BigInteger.valueOf(Long.MIN_VALUE), BigInteger.valueOf(Long.MAX_VALUE)).longValue();
            case UINT64, FIXED64 -> whole(text, BigInteger.ZERO, MAX_UINT64).longValue();
            case DOUBLE -> real(text);
            case FLOAT -> {
                var value = real(text);
                if (Double.isFinite(value) && Math.abs(value) > Float.MAX_VALUE) {
                    throw new IllegalArgumentException("write a number within ±3.4e38");
                }
                yield (float) value;
            }
            case BYTES -> bytes(text);
            case ENUM -> {
                var value = field.getEnumType().findValueByName(text);
                if (value == null && text.matches("\\d{1,9}")) {
                    value = field.getEnumType().findValueByNumber(Integer.parseInt(text));
                }
                if (value == null) {
                    throw new IllegalArgumentException("write a name of " + field.getEnumType().getName() + ", such as "
                            + field.getEnumType().getValues().get(field.getEnumType().getValues().size() > 1 ? 1 : 0).getName());
                }
                yield value;
            }
            case MESSAGE, GROUP -> time(field, text);
        };
    }

    private static String string(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (Character.isSurrogate(text.charAt(i))) {
                if (i + 1 == text.length() || !Character.isSurrogatePair(text.charAt(i), text.charAt(i + 1))) {
                    throw new IllegalArgumentException("it holds half a character (a lone surrogate), which no UTF-8 can");
                }
                i++;
            }
        }
        return text;
    }

    private static Object time(FieldDescriptor field, String text) {
        try {
            if (field.getMessageType().equals(Timestamp.getDescriptor())) {
                return Timestamps.parse(text);
            }
            if (field.getMessageType().equals(Duration.getDescriptor())) {
                return Durations.parse(text);
            }
        } catch (ParseException | RuntimeException unreadable) {
            throw new IllegalArgumentException(field.getMessageType().equals(Duration.getDescriptor())
                    ? "write seconds with an s, such as 3600s" : "write a moment as RFC 3339 has it, such as 2026-11-01T12:00:00Z");
        }
        throw new IllegalArgumentException("name a field of it");
    }

    private static BigInteger whole(String text, BigInteger least, BigInteger most) {
        var problem = "write a whole number from " + least + " to " + most;
        var number = number(text, problem);
        try {
            var value = number.toBigIntegerExact();
            if (value.compareTo(least) >= 0 && value.compareTo(most) <= 0) {
                return value;
            }
        } catch (ArithmeticException broken) {
            throw new IllegalArgumentException(problem);
        }
        throw new IllegalArgumentException(problem);
    }

    private static double real(String text) {
        switch (text) {
            case "NaN":
                return Double.NaN;
            case "Infinity":
                return Double.POSITIVE_INFINITY;
            case "-Infinity":
                return Double.NEGATIVE_INFINITY;
            default:
                var value = number(text, "write a number").doubleValue();
                if (Double.isInfinite(value)) {
                    throw new IllegalArgumentException("write a number within ±1.8e308");
                }
                return value;
        }
    }

    private static BigDecimal number(String text, String problem) {
        try {
            if (text.length() <= LONGEST_NUMBER && text.matches("-?(0|[1-9]\\d*)(\\.\\d+)?([eE][+-]?\\d{1,9})?")) {
                var number = new BigDecimal(text);
                if (Math.abs((long) number.scale()) <= LARGEST_SCALE || number.signum() == 0) {
                    return number.signum() == 0 ? BigDecimal.ZERO : number;
                }
            }
        } catch (ArithmeticException | NumberFormatException unreadable) {
            throw new IllegalArgumentException(problem);
        }
        throw new IllegalArgumentException(problem);
    }

    private static ByteString bytes(String text) {
        try {
            return ByteString.copyFrom(Base64.getDecoder().decode(text.replace('-', '+').replace('_', '/')));
        } catch (IllegalArgumentException other) {
            throw new IllegalArgumentException("write bytes in base 64");
        }
    }
}
