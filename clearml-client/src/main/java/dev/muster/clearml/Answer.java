package dev.muster.clearml;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * One answer of the server, read as a stream: a look at five hundred queues is megabytes once a second, and a tree of it would
 * cost ten times the text.
 *
 * <p>What is asked for must be there and of its type; anything else is UNREADABLE and names the call and the place. So nothing
 * that was not read can pass for nothing, or for zero.
 */
final class Answer {

    static final JsonFactory JSON = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(100).build())
            .build();

    private static final Pattern TITLE = Pattern.compile("<title[^>]*>([^<]{1,100})", Pattern.CASE_INSENSITIVE);

    private final String call;
    private final JsonParser parser;

    /** {@code parser} is at the value to read. */
    Answer(String call, JsonParser parser) {
        this.call = call;
        this.parser = parser;
    }

    /** Reads {@code data} of a successful answer. */
    @FunctionalInterface
    interface Reader<T> {
        T read(Answer data) throws IOException, ClearmlException;
    }

    /** Called once for each field of an object, at its value, which it must take or {@link #skip()}. */
    @FunctionalInterface
    interface Field {
        void at(String name) throws IOException, ClearmlException;
    }

    /** Takes the envelope off. */
    static <T> T read(String call, int status, byte[] body, Reader<T> reader) throws ClearmlException {
        if (status != 200) {
            throw failure(call, status, body);
        }
        if (isPage(body)) {
            throw ClearmlException.unreadable(call, page(body));
        }
        try (var parser = JSON.createParser(body)) {
            var answer = new Answer(call, parser);
            var result = new ArrayList<T>(1);
            parser.nextToken();
            answer.object(field -> {
                if (field.equals("data")) {
                    result.add(reader.read(answer));
                } else if (field.equals("meta")) {
                    answer.requireSuccess();
                } else {
                    answer.skip();
                }
            });
            if (result.isEmpty()) {
                throw ClearmlException.unreadable(call, "the answer has no data");
            }
            return result.get(0);
        } catch (IOException notJson) {
            throw ClearmlException.unreadable(call, "the answer is no whole JSON: " + firstLine(notJson));
        }
    }

    /** The API version that the server says it was asked for: its newest, if the call named none. Empty if it doesn't say. */
    static Optional<ApiVersion> askedVersion(byte[] body) {
        var version = new String[] {""};
        try (var parser = JSON.createParser(body)) {
            var answer = new Answer("", parser);
            parser.nextToken();
            answer.object(field -> {
                if (!field.equals("meta")) {
                    answer.skip();
                    return;
                }
                answer.object(inner -> {
                    if (!inner.equals("endpoint")) {
                        answer.skip();
                        return;
                    }
                    answer.object(name -> {
                        // Text; old servers write a number.
                        version[0] = name.equals("requested_version") && parser.currentToken().isScalarValue() ? parser.getText() : version[0];
                        answer.skip();
                    });
                });
            });
        } catch (IOException | ClearmlException unreadable) {
            return Optional.empty();
        }
        return ApiVersion.parse(version[0]);
    }

    private static boolean isPage(byte[] body) {
        for (var each : body) {
            if (each > ' ') {
                return each == '<';
            }
        }
        return false;
    }

    private static String page(byte[] body) {
        return "the answer is a web page" + title(body) + ", not ClearML's JSON: a proxy or login page is in between, or the address is the web server's;"
                + " it must be the API server's, as http://host:8008 or https://api.example.com";
    }

    private static String title(byte[] page) {
        var title = TITLE.matcher(new String(page, 0, Math.min(page.length, 4_000), StandardCharsets.UTF_8));
        return title.find() ? " titled '" + title.group(1).replaceAll("[\\p{Cntrl}\\s]+", " ").strip() + "'" : "";
    }

    private void requireSuccess() throws IOException, ClearmlException {
        var code = new int[] {200, 0};
        var message = new String[] {""};
        object(field -> {
            switch (field) {
                case "result_code" -> code[0] = integer();
                case "result_subcode" -> code[1] = integer();
                case "result_msg" -> message[0] = textOrEmpty();
                default -> skip();
            }
        });
        if (code[0] != 200) {
            throw ClearmlException.answered(call, code[0], code[1], message[0]);
        }
    }

    /** An error's envelope, or whatever a proxy on the way said instead. */
    private static ClearmlException failure(String call, int status, byte[] body) {
        var subcode = new int[1];
        var message = new String[] {"without a message"};
        try (var parser = JSON.createParser(body)) {
            var answer = new Answer(call, parser);
            parser.nextToken();
            answer.object(field -> {
                if (!field.equals("meta")) {
                    answer.skip();
                    return;
                }
                answer.object(inner -> {
                    switch (inner) {
                        case "result_subcode" -> subcode[0] = answer.integer();
                        case "result_msg" -> message[0] = answer.textOrEmpty();
                        default -> answer.skip();
                    }
                });
            });
        } catch (IOException | ClearmlException noEnvelope) {
            message[0] = "(" + (isPage(body) ? "a web page" + title(body) + ", " : "") + "not from a ClearML server: check the address and what is in between)";
        }
        return ClearmlException.answered(call, status, subcode[0], message[0]);
    }

    /** Reads the object that starts here. */
    void object(Field field) throws IOException, ClearmlException {
        expect(JsonToken.START_OBJECT, "an object");
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            var name = parser.currentName();
            parser.nextToken();
            field.at(name);
        }
    }

    /** Reads the object that starts here, or nothing if null is here. */
    void objectOrNull(Field field) throws IOException, ClearmlException {
        if (!parser.hasToken(JsonToken.VALUE_NULL)) {
            object(field);
        }
    }

    /** Reads the array that starts here. */
    <T> List<T> list(Reader<T> element) throws IOException, ClearmlException {
        expect(JsonToken.START_ARRAY, "a list");
        var elements = new ArrayList<T>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            elements.add(element.read(this));
        }
        return elements;
    }

    /** As {@link #list}; null is an empty list. */
    <T> List<T> listOrNull(Reader<T> element) throws IOException, ClearmlException {
        return parser.hasToken(JsonToken.VALUE_NULL) ? List.of() : list(element);
    }

    String text() throws IOException, ClearmlException {
        expect(JsonToken.VALUE_STRING, "text");
        return parser.getText();
    }

    /** Null is empty. */
    String textOrEmpty() throws IOException, ClearmlException {
        return parser.hasToken(JsonToken.VALUE_NULL) ? "" : text();
    }

    int integer() throws IOException, ClearmlException {
        expect(JsonToken.VALUE_NUMBER_INT, "a whole number");
        return parser.getIntValue();
    }

    /** Null stays null. */
    Instant time() throws IOException, ClearmlException {
        if (parser.hasToken(JsonToken.VALUE_NULL)) {
            return null;
        }
        var text = text();
        try {
            return ServerTime.parse(text);
        } catch (DateTimeException wrong) {
            throw ClearmlException.unreadable(call, place() + " is no date-time: '" + text + "'");
        }
    }

    void skip() throws IOException {
        parser.skipChildren();
    }

    /** {@code value}, which a field of the object read last must have set. */
    <T> T require(T value, String field) throws ClearmlException {
        if (value == null) {
            throw ClearmlException.unreadable(call, place() + " has no " + field);
        }
        return value;
    }

    private void expect(JsonToken token, String words) throws ClearmlException {
        if (!parser.hasToken(token)) {
            throw ClearmlException.unreadable(call, place() + " must be " + words + " and is " + found());
        }
    }

    private String found() {
        var token = parser.currentToken();
        return token == null ? "nothing" : token.name().toLowerCase(java.util.Locale.ROOT).replace("value_", "").replace('_', ' ');
    }

    private String place() {
        var place = parser.getParsingContext().pathAsPointer(true).toString();
        return place.isEmpty() ? "the answer" : place.substring(1).replace('/', '.');
    }

    private static String firstLine(IOException problem) {
        var message = String.valueOf(problem.getMessage());
        var end = message.indexOf('\n');
        return end < 0 ? message : message.substring(0, end);
    }
}
