package dev.muster.contracts;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.MalformedJsonException;
import java.io.EOFException;
import java.io.IOException;
import java.io.StringReader;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * JSON text read strictly, and written in one way: without blanks, keys as they came, numbers digit by digit. Values are maps, lists,
 * texts, BigDecimals and Booleans; there is no null, which no cloud's call takes.
 */
public final class Json {

    /** As JSON writes numbers; without an exponent, which nobody needs here. */
    static final Pattern NUMBER = Pattern.compile("-?(0|[1-9]\\d{0,17})(\\.\\d{1,18})?");
    /** Deeper than any call of a cloud. */
    private static final int DEEPEST = 30;
    private static final Gson TEXT = new GsonBuilder().disableHtmlEscaping().create();

    private Json() {}

    /** @throws IllegalArgumentException with a sentence that doesn't repeat the text, if it is no JSON, has a key twice or a null */
    public static Object read(String text) {
        try (var reader = new JsonReader(new StringReader(text))) {
            reader.setStrictness(Strictness.STRICT);
            var value = value(reader, 0);
            if (reader.peek() != JsonToken.END_DOCUMENT) {
                throw new IllegalArgumentException("goes on behind its end");
            }
            return value;
        } catch (EOFException ended) {
            throw new IllegalArgumentException("ends too early");
        } catch (MalformedJsonException broken) {
            throw new IllegalArgumentException("is no JSON");
        } catch (IOException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static Object value(JsonReader reader, int depth) throws IOException {
        if (depth > DEEPEST) {
            throw new IllegalArgumentException("is nested deeper than " + DEEPEST + " levels");
        }
        switch (reader.peek()) {
            case BEGIN_OBJECT: {
                var map = new LinkedHashMap<String, Object>();
                reader.beginObject();
                while (reader.hasNext()) {
                    var name = reader.nextName();
                    if (map.put(name, value(reader, depth + 1)) != null) {
                        throw new IllegalArgumentException("has the key '" + name + "' twice");
                    }
                }
                reader.endObject();
                return map;
            }
            case BEGIN_ARRAY: {
                var list = new ArrayList<Object>();
                reader.beginArray();
                while (reader.hasNext()) {
                    list.add(value(reader, depth + 1));
                }
                reader.endArray();
                return list;
            }
            case STRING:
                return reader.nextString();
            case NUMBER: {
                var number = reader.nextString();
                if (!NUMBER.matcher(number).matches()) {
                    throw new IllegalArgumentException("has a number that is not plain digits");
                }
                return new BigDecimal(number);
            }
            case BOOLEAN:
                return reader.nextBoolean();
            case NULL:
                throw new IllegalArgumentException("has a null at " + reader.getPath());
            default:
                throw new MalformedJsonException("no value");
        }
    }

    /** @param value as {@link #read} gives it */
    public static String write(Object value) {
        if (value instanceof Map<?, ?> map) {
            var json = new StringBuilder("{");
            map.forEach((name, of) -> json.append(json.length() == 1 ? "" : ",").append(TEXT.toJson(name.toString())).append(':').append(write(of)));
            return json.append('}').toString();
        }
        if (value instanceof List<?> list) {
            return "[" + String.join(",", list.stream().map(Json::write).toList()) + "]";
        }
        return value instanceof BigDecimal number ? number.toPlainString() : value instanceof Boolean ? value.toString() : TEXT.toJson(value.toString());
    }
}
