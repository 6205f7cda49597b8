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
import java.util.List;
import java.util.Locale;
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

    /**
     * Takes out what is null, which in Google's JSON says no more than its absence.
     *
     * @throws Refusal if the body has a field that the message has not, or one of another type
     */
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
        for (var name : List.copyOf(body.fieldNames())) {
            var type = fields.get(name);
            if (type == null) {
                throw Refusal.badRequest("Invalid JSON payload received. Unknown name \"" + name + "\"" + (at.isEmpty() ? "" : " at '" + at + "'") + ": Cannot find field.");
            }
            if (body.getValue(name) == null) {
                body.remove(name);
            } else {
                value(body.getValue(name), type, at.isEmpty() ? name : at + "." + name);
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
            throw wrong(value, "TYPE_" + type.toUpperCase(Locale.ROOT), at);
        }
    }

    /** 64-bit numbers are written as strings, and read either way. */
    private static boolean isA(Object value, String type) {
        return switch (type) {
            case "string", "bytes" -> value instanceof String;
            case "bool" -> value instanceof Boolean;
            case "int32" -> isWithin(value, Integer.MIN_VALUE, Integer.MAX_VALUE);
            case "double", "float" -> value instanceof Number;
            default -> isWithin(value, Long.MIN_VALUE, Long.MAX_VALUE);
        };
    }

    private static boolean isWithin(Object value, long least, long most) {
        try {
            if (!(value instanceof String || value instanceof Integer || value instanceof Long)) {
                return false;
            }
            long number = Long.parseLong(String.valueOf(value));
            return number >= least && number <= most;
        } catch (NumberFormatException none) {
            return false;
        }
    }

    private static Refusal wrong(Object value, String wanted, String at) {
        return Refusal.badRequest("Invalid value at '" + at + "' (" + wanted + "), " + (value instanceof String ? "\"" + value + "\"" : String.valueOf(value)));
    }
}
