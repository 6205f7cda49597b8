package dev.muster.aws;

import dev.muster.contracts.Json;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.ProviderException;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import software.amazon.awssdk.core.SdkField;
import software.amazon.awssdk.core.SdkPojo;
import software.amazon.awssdk.core.traits.ListTrait;
import software.amazon.awssdk.services.ec2.model.RunInstancesRequest;
import software.amazon.awssdk.utils.builder.SdkBuilder;

/**
 * RunInstances as a JSON object says it, in the shape of Amazon's own model of that call. The SDK describes its classes by fields with
 * those names: what the object may hold is read off there, so that a new member needs a new SDK and nothing here.
 */
final class LaunchSpec {

    private LaunchSpec() {}

    /** @throws ProviderException INVALID_SPEC that names the path of what is unknown or of another type */
    static RunInstancesRequest.Builder read(String json) throws ProviderException {
        Object spec;
        try {
            spec = Json.read(json);
        } catch (IllegalArgumentException broken) {
            throw wrong("launchSpec", broken.getMessage());
        }
        var request = RunInstancesRequest.builder();
        fill(request, spec, "launchSpec");
        return request;
    }

    private static void fill(SdkPojo into, Object value, String path) throws ProviderException {
        if (!(value instanceof Map<?, ?> object)) {
            throw wrong(path, "is " + kind(value) + "; it must be an object");
        }
        for (var entry : object.entrySet()) {
            var field = into.sdkFields().stream().filter(known -> known.memberName().equals(entry.getKey())).findFirst();
            if (field.isEmpty()) {
                var members = new TreeSet<String>();
                into.sdkFields().forEach(known -> members.add(known.memberName()));
                throw wrong(path + "." + entry.getKey(), "is no member of that part of RunInstances; there are " + String.join(", ", members));
            }
            field.get().set(into, value(field.get(), entry.getValue(), path + "." + entry.getKey()));
        }
    }

    private static Object value(SdkField<?> field, Object value, String path) throws ProviderException {
        switch (field.marshallingType().getKnownType()) {
            case STRING:
                return typed(String.class, value, path, "text, in quotes if it looks like a number");
            case BOOLEAN:
                return typed(Boolean.class, value, path, "true or false");
            case INTEGER:
                return whole(value, path, Integer.MIN_VALUE, Integer.MAX_VALUE).intValueExact();
            case LONG:
                return whole(value, path, Long.MIN_VALUE, Long.MAX_VALUE).longValueExact();
            case DOUBLE:
                return typed(BigDecimal.class, value, path, "a number").doubleValue();
            case FLOAT:
                return typed(BigDecimal.class, value, path, "a number").floatValue();
            case INSTANT:
                try {
                    return Instant.parse(typed(String.class, value, path, "a time"));
                } catch (DateTimeParseException noTime) {
                    throw wrong(path, "is no time such as 2026-11-28T14:00:00Z");
                }
            case SDK_POJO: {
                var inner = field.constructor().get();
                fill(inner, value, path);
                return ((SdkBuilder<?, ?>) inner).build();
            }
            case LIST: {
                var items = new ArrayList<Object>();
                var item = field.getRequiredTrait(ListTrait.class).memberFieldInfo();
                for (var of : typed(List.class, value, path, "a list")) {
                    items.add(value(item, of, path + "[" + items.size() + "]"));
                }
                return items;
            }
            default:
                throw wrong(path, "is of a type that this release can't read: " + field.marshallingType().getKnownType());
        }
    }

    private static <T> T typed(Class<T> type, Object value, String path, String what) throws ProviderException {
        if (!type.isInstance(value)) {
            throw wrong(path, "is " + kind(value) + "; it must be " + what);
        }
        return type.cast(value);
    }

    private static BigDecimal whole(Object value, String path, long least, long most) throws ProviderException {
        var number = typed(BigDecimal.class, value, path, "a whole number");
        if (number.stripTrailingZeros().scale() > 0 || number.compareTo(BigDecimal.valueOf(least)) < 0 || number.compareTo(BigDecimal.valueOf(most)) > 0) {
            throw wrong(path, "is " + number.toPlainString() + "; it must be a whole number from " + least + " to " + most);
        }
        return number;
    }

    private static String kind(Object value) {
        return value instanceof Map ? "an object" : value instanceof List ? "a list" : value instanceof String ? "text" : value instanceof Boolean ? "true or false" : "a number";
    }

    private static ProviderException wrong(String path, String problem) {
        return new ProviderException(FailureKind.INVALID_SPEC, "InvalidLaunchSpec", "aws." + path + " " + problem);
    }
}
