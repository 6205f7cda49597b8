package dev.muster.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Instant;
import java.util.Map;
import org.jboss.logmanager.ExtLogRecord;
import org.jboss.logmanager.Level;
import org.junit.jupiter.api.Test;

class JsonLineTest {

    private static final ObjectMapper JSON = new ObjectMapper();

    @Test
    void aSentencesOwnKeysAreKeysOfTheLine() throws Exception {
        var line = line(record("Launched: fleet=%s pool=%s machines=%d done=100%% type=%s", "train", "gpu", 3, "a=b"));
        assertThat(line).isEqualTo(JSON.readTree("""
                {"timestamp": "2026-03-01T12:00:00Z", "level": "INFO", "service": "planner", "logger": "dev.muster.Some", "thread": "one",
                 "message": "Launched: fleet=train pool=gpu machines=3 done=100% type=a=b", "fleet": "train", "pool": "gpu", "machines": 3, "type": "a=b"}"""));
    }

    @Test
    void noValueCanPretendToBeAKey() throws Exception {
        var line = line(record("%s; fleet=%s", "evil machine=m-1\", \"machine\": \"m-2\n{\"level\":\"OFF\"}", "train"));
        assertThat(line.has("machine")).isFalse();
        assertThat(line.path("fleet").asText()).isEqualTo("train");
        assertThat(line.path("level").asText()).isEqualTo("INFO");
    }

    @Test
    void aLineIsOneLineWhateverIsInIt() throws Exception {
        var text = "a\nb\r\tc\u0000\u2028\u0085\ud800 ü 机器 \ud83d\ude80";
        var formatted = new JsonLine("planner").format(record("%s", text));
        assertThat(formatted.indexOf('\n')).isEqualTo(formatted.length() - 1);
        assertThat(JSON.readTree(formatted).path("message").asText()).isEqualTo(text);
    }

    @Test
    void whatIsDoneForWhomIsThereWithoutTheSentenceSayingIt() throws Exception {
        var record = record("A call failed: reason=%s", "timeout");
        record.setMdc(Map.of("fleet", "train", "machine", "m-1", "level", "FATAL"));
        record.setThrown(new IllegalStateException("broken"));
        var line = line(record);
        assertThat(line.path("fleet").asText()).isEqualTo("train");
        assertThat(line.path("machine").asText()).isEqualTo("m-1");
        assertThat(line.path("level").asText()).isEqualTo("INFO");
        assertThat(line.path("error").path("type").asText()).isEqualTo("java.lang.IllegalStateException");
        assertThat(line.path("error").path("stack").asText()).contains("JsonLineTest");
    }

    private static JsonNode line(ExtLogRecord record) throws Exception {
        return JSON.readTree(new JsonLine("planner").format(record));
    }

    private static ExtLogRecord record(String sentence, Object... parameters) {
        var record = new ExtLogRecord(Level.INFO, sentence, ExtLogRecord.FormatStyle.PRINTF, JsonLineTest.class.getName());
        record.setParameters(parameters);
        record.setLoggerName("dev.muster.Some");
        record.setThreadName("one");
        record.setInstant(Instant.parse("2026-03-01T12:00:00Z"));
        return record;
    }
}
