package dev.muster.planner.http;

import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.MalformedJsonException;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor.JavaType;
import com.google.protobuf.Message;
import java.io.IOException;
import java.io.StringReader;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Reads a message out of protobuf's JSON. It takes what JsonFormat takes, and says of all that is wrong where it is, which JsonFormat
 * doesn't: that one ends at the first error and names no path. What it is stricter in: a name that occurs twice, a number for a bool's or an enum's name
 * that is none, half characters, and numbers that would take memory to be refused.
 */
final class JsonMessages {

    /** Specs are nine deep. */
    private static final int DEEPEST = 50;
    private static final Map<Descriptor, Map<String, FieldDescriptor>> FIELDS = new ConcurrentHashMap<>();

    private final JsonReader json;
    private final Violations found;

    private JsonMessages(JsonReader json, Violations found) {
        this.json = json;
        this.found = found;
    }

    /** By the name that JSON has for it, or the proto's own; null: there is none. */
    static FieldDescriptor field(Descriptor message, String name) {
        return FIELDS.computeIfAbsent(message, type -> {
            var fields = new HashMap<String, FieldDescriptor>();
            type.getFields().forEach(field -> {
                fields.put(field.getName(), field);
                fields.put(field.getJsonName(), field);
            });
            return fields;
        }).get(name);
    }

    /** @throws HttpFailure if the text is no JSON; what is wrong within is added to {@code found} */
    static void read(String text, Message.Builder into, Violations found) {
        try (var reader = new JsonReader(new StringReader(text))) {
            reader.setStrictness(Strictness.STRICT);
            reader.setNestingLimit(DEEPEST);
            if (reader.peek() != JsonToken.BEGIN_OBJECT) {
                throw HttpFailure.invalid("body", "is no JSON object");
            }
            new JsonMessages(reader, found).message("", into);
            if (reader.peek() != JsonToken.END_DOCUMENT) {
                throw HttpFailure.invalid("body", "goes on behind its JSON object");
            }
        } catch (MalformedJsonException | IllegalStateException | NumberFormatException malformed) {
            throw HttpFailure.invalid("body", "is no JSON: " + where(malformed));
        } catch (IOException ended) {
            throw HttpFailure.invalid("body", "is no whole JSON: it ends too early");
        }
    }

    /** What the reader says, without the page that it refers Java programmers to. */
    private static String where(Exception malformed) {
        var said = String.valueOf(malformed.getMessage());
        int line = said.indexOf('\n');
        return (line < 0 ? said : said.substring(0, line)).replaceFirst("^Use JsonReader\\S* to accept malformed JSON", "malformed");
    }

    private void message(String path, Message.Builder into) throws IOException {
        var seen = new HashSet<FieldDescriptor>();
        json.beginObject();
        while (json.hasNext()) {
            var name = json.nextName();
            var field = field(into.getDescriptorForType(), name);
            var at = path.isEmpty() ? name : path + "." + name;
            if (field == null) {
                found.add(at, "is no field of " + into.getDescriptorForType().getName());
                json.skipValue();
            } else if (!seen.add(field)) {
                found.add(at, "is there twice");
                json.skipValue();
            } else if (json.peek() == JsonToken.NULL) {
                json.skipValue();
            } else if (field.getRealContainingOneof() != null && into.hasOneof(field.getRealContainingOneof())) {
                found.add(at, "can't be beside " + into.getOneofFieldDescriptor(field.getRealContainingOneof()).getJsonName() + ": only one of them is");
                json.skipValue();
            } else if (field.isMapField()) {
                map(at, field, into);
            } else if (field.isRepeated()) {
                list(at, field, into);
            } else {
                var value = value(at, field, into);
                if (value != null) {
                    into.setField(field, value);
                }
            }
        }
        json.endObject();
    }

    private void map(String path, FieldDescriptor field, Message.Builder into) throws IOException {
        if (json.peek() != JsonToken.BEGIN_OBJECT) {
            wrong(path, "is no object");
            return;
        }
        var keyField = field.getMessageType().findFieldByNumber(1);
        var valueField = field.getMessageType().findFieldByNumber(2);
        var seen = new HashSet<>();
        json.beginObject();
        while (json.hasNext()) {
            var name = json.nextName();
            var at = path + "." + name;
            var entry = into.newBuilderForField(field);
            Object key;
            try {
                key = FieldText.value(keyField, name);
            } catch (IllegalArgumentException problem) {
                wrong(at, "has a key that it can't have: " + problem.getMessage());
                continue;
            }
            if (!seen.add(key)) {
                wrong(at, "is there twice");
                continue;
            }
            if (json.peek() == JsonToken.NULL) {
                wrong(at, "is null");
                continue;
            }
            var value = value(at, valueField, entry);
            if (value != null) {
                into.addRepeatedField(field, entry.setField(keyField, key).setField(valueField, value).build());
            }
        }
        json.endObject();
    }

    private void list(String path, FieldDescriptor field, Message.Builder into) throws IOException {
        if (json.peek() != JsonToken.BEGIN_ARRAY) {
            wrong(path, "is no list");
            return;
        }
        json.beginArray();
        for (int i = 0; json.hasNext(); i++) {
            var at = path + "[" + i + "]";
            if (json.peek() == JsonToken.NULL) {
                wrong(at, "is null");
                continue;
            }
            var value = value(at, field, into);
            if (value != null) {
                into.addRepeatedField(field, value);
            }
        }
        json.endArray();
    }

    /** @return null if it is wrong, which is said then */
    private Object value(String path, FieldDescriptor field, Message.Builder into) throws IOException {
        if (field.getJavaType() == JavaType.MESSAGE && !FieldText.isText(field)) {
            if (json.peek() != JsonToken.BEGIN_OBJECT) {
                return wrong(path, "is no object");
            }
            var nested = into.newBuilderForField(field);
            message(path, nested);
            return nested.build();
        }
        var token = json.peek();
        if (!fits(field, token)) {
            return wrong(path, "is no " + expected(field));
        }
        var text = token == JsonToken.BOOLEAN ? Boolean.toString(json.nextBoolean()) : json.nextString();
        try {
            return FieldText.value(field, text);
        } catch (IllegalArgumentException problem) {
            found.add(path, text, problem.getMessage());
            return null;
        }
    }

    private Object wrong(String path, String problem) throws IOException {
        found.add(path, problem);
        json.skipValue();
        return null;
    }

    /** Numbers may be texts, since JavaScript's can't hold 64 bits; texts may not be numbers. */
    private static boolean fits(FieldDescriptor field, JsonToken token) {
        return switch (field.getJavaType()) {
            case STRING, BYTE_STRING, MESSAGE -> token == JsonToken.STRING;
            case BOOLEAN -> token == JsonToken.BOOLEAN;
            case INT, LONG, FLOAT, DOUBLE, ENUM -> token == JsonToken.STRING || token == JsonToken.NUMBER;
        };
    }

    private static String expected(FieldDescriptor field) {
        return switch (field.getJavaType()) {
            case STRING, BYTE_STRING, MESSAGE -> "text";
            case BOOLEAN -> "true or false";
            case INT, LONG, FLOAT, DOUBLE -> "number";
            case ENUM -> "name of " + field.getEnumType().getName();
        };
    }
}
