package dev.muster.clearml;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * Reads a long list that is asked for again and again: a row whose bytes are those of the last answer is the same object as then,
 * and only the others are parsed. Of ten thousand workers a few hundred report in a second; comparing bytes takes a twentieth of the time
 * of parsing them.
 *
 * <p>What it returns is what parsing the whole answer would; an answer that is in any way unusual is parsed whole. Thread-safe.
 */
final class LongList<T> {

    /** A row may have moved by as many places as others came or went before it; tried places cost a few bytes each. */
    private static final int REACH = 16;

    private final String name;
    private final Answer.Reader<T> row;
    private Answers<T> last = new Answers<>(new byte[0], new int[0], new int[0], List.of());
    /** Of the answer before the last one, which nobody needs any more. */
    private byte[] spare = new byte[0];

    /** One answer: where each of its rows begins and ends. */
    private record Answers<T>(byte[] body, int[] starts, int[] ends, List<T> rows) {}

    /** @param name of the list in {@code data} */
    LongList(String name, Answer.Reader<T> row) {
        this.name = name;
        this.row = row;
    }

    /** The rows, and an answer that is the same but for having none: everything else that must be judged of it. */
    record Split<T>(List<T> rows, byte[] rest) {}

    /** An array to read an answer into: megabytes that are there already. The caller's from now on. */
    synchronized byte[] spare() {
        var array = spare;
        spare = new byte[0];
        return array;
    }

    /**
     * Null: the answer is unusual, and must be read whole. Otherwise {@code body} is this list's from now on.
     *
     * @param length of the answer, with which {@code body} begins
     */
    synchronized Split<T> split(String call, byte[] body, int length) {
        try {
            var start = startOfList(body, length);
            return start < 0 ? null : rows(call, body, length, start);
        } catch (IOException | ClearmlException unusual) {
            // Read whole, it gets a message that names the place.
            return null;
        }
    }

    /** Index of the list's bracket; -1 if it isn't in the usual place. */
    private int startOfList(byte[] body, int length) throws IOException {
        try (var parser = Answer.JSON.createParser(body, 0, length)) {
            return into(parser, "data") && into(parser, name) && parser.hasToken(JsonToken.START_ARRAY)
                    ? Math.toIntExact(parser.currentTokenLocation().getByteOffset()) : -1;
        }
    }

    /** Goes to the value of a field of the object that comes next, or is here. */
    private static boolean into(JsonParser parser, String field) throws IOException {
        if (!parser.hasToken(JsonToken.START_OBJECT) && parser.nextToken() != JsonToken.START_OBJECT) {
            return false;
        }
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            var isIt = parser.currentName().equals(field);
            parser.nextToken();
            if (isIt) {
                return true;
            }
            parser.skipChildren();
        }
        return false;
    }

    private Split<T> rows(String call, byte[] body, int length, int bracket) throws IOException, ClearmlException {
        var before = last;
        var starts = new int[before.rows.size() + 16];
        var ends = new int[starts.length];
        var rows = new ArrayList<T>(starts.length);
        var expected = 0;
        var at = afterSpace(body, length, bracket + 1);
        while (at < length && body[at] != ']') {
            if (!rows.isEmpty()) {
                if (body[at] != ',') {
                    return null;
                }
                at = afterSpace(body, length, at + 1);
                if (at == length) {
                    return null;
                }
            }
            if (rows.size() == starts.length) {
                starts = Arrays.copyOf(starts, starts.length * 2);
                ends = Arrays.copyOf(ends, starts.length);
            }
            starts[rows.size()] = at;
            var same = find(before, expected, body, length, at);
            if (same >= 0) {
                ends[rows.size()] = at + before.ends[same] - before.starts[same];
                rows.add(before.rows.get(same));
                expected = same + 1;
            } else {
                ends[rows.size()] = parse(call, body, length, at, rows);
                expected++;
            }
            at = afterSpace(body, length, ends[rows.size() - 1]);
        }
        if (at >= length) {
            return null;
        }
        spare = before.body;
        last = new Answers<>(body, starts, ends, rows);
        var rest = new byte[bracket + 1 + length - at];
        System.arraycopy(body, 0, rest, 0, bracket + 1);
        System.arraycopy(body, at, rest, bracket + 1, length - at);
        return new Split<>(Collections.unmodifiableList(rows), rest);
    }

    /** Number of the row of the last answer that stands here now, unchanged; -1: none near {@code expected}. */
    private static int find(Answers<?> before, int expected, byte[] body, int length, int at) {
        for (var step = 0; step <= REACH; step++) {
            if (isAt(before, expected + step, body, length, at)) {
                return expected + step;
            }
            if (step > 0 && isAt(before, expected - step, body, length, at)) {
                return expected - step;
            }
        }
        return -1;
    }

    /** A row begins and ends with its braces: where its bytes are, there is that row and nothing else. */
    private static boolean isAt(Answers<?> before, int number, byte[] body, int length, int at) {
        if (number < 0 || number >= before.rows.size()) {
            return false;
        }
        var rowLength = before.ends[number] - before.starts[number];
        return rowLength <= length - at
                && Arrays.equals(before.body, before.starts[number], before.ends[number], body, at, at + rowLength);
    }

    /** Adds the row that begins here; where it ends. */
    private int parse(String call, byte[] body, int length, int at, List<T> rows) throws IOException, ClearmlException {
        if (body[at] != '{') {
            throw ClearmlException.unreadable(call, "a row of " + name + " is no object");
        }
        try (var parser = Answer.JSON.createParser(body, at, length - at)) {
            parser.nextToken();
            rows.add(row.read(new Answer(call, parser)));
            // Of the row's last brace, counted from the row's first.
            return at + Math.toIntExact(parser.currentLocation().getByteOffset());
        }
    }

    private static int afterSpace(byte[] body, int length, int from) {
        var at = from;
        while (at < length && (body[at] == ' ' || body[at] == '\n' || body[at] == '\r' || body[at] == '\t')) {
            at++;
        }
        return at;
    }
}
