package dev.muster.sandbox.gce;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The messages of Google's published schema that the stand-in reads or filters, field by field, so that what isn't in it is refused as
 * Google refuses it. {@code compute-v1.schema} beside this class holds one message a line; a test makes it from Google's own classes.
 */
final class Schema {

    private static final Map<String, Map<String, String>> MESSAGES = read();

    private Schema() {
    }

    private static Map<String, Map<String, String>> read() {
        try (var lines = new BufferedReader(new InputStreamReader(Schema.class.getResourceAsStream("compute-v1.schema"), StandardCharsets.UTF_8))) {
            var messages = new HashMap<String, Map<String, String>>();
            lines.lines().forEach(line -> {
                var parts = line.split(" ");
                messages.put(parts[0], Arrays.stream(parts).skip(1).map(field -> field.split(":"))
                        .collect(Collectors.toMap(field -> field[0], field -> field[1])));
            });
            return messages;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** @throws Refusal if the body has a field that the message has not, or one of another type */
    static void check(JsonObject body, String message) {
        message(body, message, "");
    }

    /** Whether a path such as {@code scheduling.preemptible} or {@code labels.x} leads to something. */
    static boolean has(String message, String path) {
        int dot = path.indexOf('.');
        var type = MESSAGES.get(message).get(dot < 0 ? path : path.substring(0, dot));
        if (type == null || dot < 0) {
            return type != null;
        }
        if (type.startsWith("{")) {
            return true;
        }
        var inner = type.startsWith("[") ? type.substring(1, type.length() - 1) : type;
        return MESSAGES.containsKey(inner) && has(inner, path.substring(dot + 1));
    }

    private static void message(JsonObject body, String message, String at) {
        var fields = MESSAGES.get(message);
        for (var field : body) {
            var type = fields.get(field.getKey());
            if (type == null) {
                throw Refusal.badRequest("Invalid JSON payload received. Unknown name \"" + field.getKey() + "\"" + (at.isEmpty() ? "" : " at '" + at + "'") + ": Cannot find field.");
            }
            if (field.getValue() != null) {
                value(field.getValue(), type, at.isEmpty() ? field.getKey() : at + "." + field.getKey());
            }
        }
    }

    private static void value(Object value, String type, String at) {
        if (type.startsWith("[")) {
            if (!(value instanceof JsonArray list)) {
                throw wrong(value, "a list", at);
            }
            for (int i = 0; i < list.size(); i++) {
                value(list.getValue(i), type.substring(1, type.length() - 1), at + "[" + i + "]");
            }
        } else if (type.startsWith("{")) {
            if (!(value instanceof JsonObject map)) {
                throw wrong(value, "a map", at);
            }
            map.forEach(entry -> value(entry.getValue(), type.substring(1, type.length() - 1), at + "['" + entry.getKey() + "']"));
        } else if (MESSAGES.containsKey(type)) {
            if (!(value instanceof JsonObject inner)) {
                throw wrong(value, "type.googleapis.com/google.cloud.compute.v1." + type, at);
            }
            message(inner, type, at);
        } else if (!isA(value, type)) {
            throw wrong(value, "TYPE_" + type.toUpperCase(java.util.Locale.ROOT), at);
        }
    }

    /** 64-bit numbers are written as strings, and read either way. */
    private static boolean isA(Object value, String type) {
        return switch (type) {
            case "string", "bytes" -> value instanceof String;
            case "bool" -> value instanceof Boolean;
            case "int32" -> value instanceof Integer || value instanceof String text && text.matches("-?\\d{1,10}");
            case "double", "float" -> value instanceof Number;
            default -> value instanceof Integer || value instanceof Long || value instanceof String text && text.matches("-?\\d{1,19}");
        };
    }

    private static Refusal wrong(Object value, String wanted, String at) {
        return Refusal.badRequest("Invalid value at '" + at + "' (" + wanted + "), " + (value instanceof String ? "\"" + value + "\"" : String.valueOf(value)));
    }
}
