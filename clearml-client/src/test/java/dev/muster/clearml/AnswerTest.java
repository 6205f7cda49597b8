package dev.muster.clearml;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.clearml.ClearmlException.Kind;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AnswerTest {

    private static final String META = "\"meta\":{\"result_code\":200,\"result_subcode\":0,\"result_msg\":\"OK\"}";

    private static Instant timeIn(String body) throws ClearmlException {
        return Answer.read("a.call", 200, body.getBytes(UTF_8), data -> {
            var time = new Instant[1];
            data.object(field -> {
                if (field.equals("at")) {
                    time[0] = data.time();
                } else {
                    data.skip();
                }
            });
            return data.require(time[0], "at");
        });
    }

    @ParameterizedTest
    @CsvSource({
        "2025-06-26T01:45:12.917000+00:00, 2025-06-26T01:45:12.917Z",
        "2025-06-26T01:45:12.917000, 2025-06-26T01:45:12.917Z",
        "2025-06-26T01:45:12, 2025-06-26T01:45:12Z",
        "2025-06-26T01:45:12Z, 2025-06-26T01:45:12Z",
        "2025-06-26T03:45:12+02:00, 2025-06-26T01:45:12Z",
        "2025-06-26 01:45:12.5, 2025-06-26T01:45:12.500Z",
    })
    void readsTimesWithAndWithoutOffset(String text, Instant expected) throws Exception {
        assertThat(timeIn("{" + META + ",\"data\":{\"at\":\"" + text + "\"}}")).isEqualTo(expected);
    }

    @Test
    void readsDataBeforeMetaAndSkipsWhatItDoesNotKnow() throws Exception {
        assertThat(timeIn("{\"data\":{\"other\":{\"at\":[1,{}]},\"at\":\"2025-01-01T00:00:00\"},\"new\":[],"
                + META + "}")).isEqualTo(Instant.parse("2025-01-01T00:00:00Z"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "{}                             | has no data",
        "{\"data\":{}}                  | data has no at",
        "{\"data\":{\"at\":17}}         | data.at must be text and is number int",
        "{\"data\":{\"at\":\"noon\"}}   | data.at is no date-time: 'noon'",
        "{\"data\":{\"at\":\"2025-99-01T00:00:00\"}} | data.at is no date-time",
        "{\"data\":[]}                  | data must be an object and is start array",
        "{\"data\":{\"at\":\"2025-      | no whole JSON",
        "[]                             | must be an object",
        "``                             | must be an object and is nothing",
    })
    void whatIsNotAsAskedForIsUnreadableAndNamed(String body, String problem) {
        assertThatThrownBy(() -> timeIn(body)).isInstanceOfSatisfying(ClearmlException.class, failed -> {
            assertThat(failed.kind()).isEqualTo(Kind.UNREADABLE);
            assertThat(failed.getMessage()).startsWith("a.call: ").contains(problem);
        });
    }

    @Test
    void anErrorInTheEnvelopeCountsWhateverTheStatus() {
        assertThatThrownBy(() -> timeIn("{\"meta\":{\"result_code\":400,\"result_subcode\":703,\"result_msg\":\"not queued\"},\"data\":{\"at\":null}}"))
                .isInstanceOfSatisfying(ClearmlException.class, failed -> assertThat(failed.kind()).isEqualTo(Kind.INVALID));
    }
}
