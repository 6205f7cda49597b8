package dev.muster.clearml;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LongListTest {

    private final LongList<String> list = new LongList<>("rows", LongListTest::row);

    private static String row(Answer answer) throws java.io.IOException, ClearmlException {
        var text = new String[1];
        answer.object(field -> {
            if (field.equals("id")) {
                text[0] = answer.text();
            } else {
                answer.skip();
            }
        });
        return answer.require(text[0], "id");
    }

    private static String body(List<String> rows) {
        return "{\"meta\":{\"result_code\":200},\"data\":{\"other\":[{\"rows\":[]}],\"rows\":[" + String.join(",", rows) + "],\"scroll_id\":\"s\"}}";
    }

    /** The answer is in an array that was used before and is too long, as those of the transport are. */
    private LongList.Split<String> split(String body) {
        var answer = body.getBytes(UTF_8);
        var spare = list.spare();
        var array = spare.length < answer.length ? Arrays.copyOf(spare, answer.length + 100) : spare;
        System.arraycopy(answer, 0, array, 0, answer.length);
        return list.split("a.call", array, answer.length);
    }

    private List<String> read(String body) {
        return split(body).rows();
    }

    @Test
    void aRowThatDidNotChangeIsTheSameObject() {
        // Given
        var before = read(body(List.of("{\"id\":\"a\",\"n\":1}", "{\"id\":\"b\",\"n\":1}")));

        // When
        var after = read(body(List.of("{\"id\":\"a\",\"n\":1}", "{\"id\":\"b\",\"n\":2}")));

        // Then
        assertThat(after).containsExactly("a", "b");
        assertThat(after.get(0)).isSameAs(before.get(0));
        assertThat(after.get(1)).isNotSameAs(before.get(1));
    }

    @Test
    void leavesTheRestOfTheAnswerToBeJudged() {
        var split = split(body(List.of("{\"id\":\"a\"}")));

        assertThat(new String(split.rest(), UTF_8)).isEqualTo(body(List.of()));
    }

    @Test
    void whatIsUnusualIsReadWhole() {
        for (var body : List.of("", "<html>", "{}", "{\"data\":{}}", "{\"data\":{\"rows\":null}}", "{\"data\":{\"rows\":[1]}}", "{\"data\":[]}",
                "{\"data\":{\"rows\":[{\"id\":\"a\"},{\"id\":\"b\"", "{\"data\":{\"rows\":[{\"id\":\"a\"}{\"id\":\"b\"}]}}", "{\"data\":{\"rows\":[{\"id\":\"a\"}",
                "{\"data\":{\"rows\":[{\"id\":\"a\"},", "{\"data\":{\"rows\":[{\"id\":1}]}}", "{\"data\":{\"rows\":[{\"id\":\"a\"},]}}")) {
            assertThat(split(body)).as(body).isNull();
        }
    }

    @Test
    void readsWhatParsingTheWholeWould() {
        var seed = System.nanoTime();
        var random = new Random(seed);
        var rows = new ArrayList<String>();
        for (var answer = 0; answer < 500; answer++) {
            change(rows, random);
            var space = random.nextInt(4) == 0 ? " \n" : "";
            var body = body(rows.stream().map(row -> space + row + space).toList());

            assertThat(read(body)).as("seed %d, answer %d", seed, answer).containsExactlyElementsOf(ids(body));
        }
    }

    private static void change(List<String> rows, Random random) {
        for (var changes = random.nextInt(6); changes > 0; changes--) {
            // Also braces, brackets and quotes in texts, and letters of more than one byte.
            var row = "{\"id\":\"" + List.of("w", "ü", "}],{", "\\\"", "a:b:c", "\\\\").get(random.nextInt(6)) + random.nextInt(50)
                    + "\",\"queues\":[{\"id\":\"q\"}]" + ",\"n\":" + random.nextInt(10) + "}";
            var at = random.nextInt(rows.size() + 1);
            switch (random.nextInt(5)) {
                case 0, 1 -> rows.add(at, row);
                case 2 -> rows.subList(0, Math.min(rows.size(), random.nextInt(3))).clear();
                case 3 -> Collections.swap(rows.isEmpty() ? new ArrayList<>(List.of(row, row)) : rows, 0, Math.max(0, Math.min(at, rows.size() - 1)));
                default -> {
                    if (at < rows.size()) {
                        rows.set(at, row);
                    }
                }
            }
        }
    }

    private static List<String> ids(String body) {
        try {
            return Answer.read("a.call", 200, body.getBytes(UTF_8), answer -> {
                var read = new ArrayList<String>();
                answer.object(field -> {
                    if (field.equals("rows")) {
                        read.addAll(answer.list(LongListTest::row));
                    } else {
                        answer.skip();
                    }
                });
                return read;
            });
        } catch (ClearmlException broken) {
            throw new AssertionError(broken);
        }
    }
}
