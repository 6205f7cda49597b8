package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class OutputTest {

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    private Output output(boolean json, boolean terminal) {
        return new Output(new PrintStream(bytes, true, StandardCharsets.UTF_8), json, terminal);
    }

    private String written() {
        return bytes.toString(StandardCharsets.UTF_8);
    }

    @Test
    void aTerminalDrawsOverLiveLines() {
        var output = output(false, true);
        output.live(List.of("a", "b"));
        output.live(List.of("c"));
        output.line("done");

        assertThat(written()).isEqualTo("a\nb\n\u001b[2A\r\u001b[Jc\n\u001b[1A\r\u001b[Jdone\n");
    }

    @Test
    void aPipeGetsEachNewLineOnce() {
        var output = output(false, false);
        output.live(List.of("a", "b"));
        output.live(List.of("a", "c"));
        output.live(List.of("a", "c"));

        assertThat(written()).isEqualTo("a\nb\nc\n");
    }

    @Test
    void withJsonNothingElseIsWritten() {
        var output = output(true, true);
        output.line("for people");
        output.live(List.of("progress"));
        output.json(Output.JSON.createObjectNode().put("a", 1));

        assertThat(written()).isEqualTo("{\n  \"a\" : 1\n}\n");
    }

    @Test
    void amountsAndSpansReadWell() {
        assertThat(Money.perHour(96_000, "USD")).isEqualTo("$0.096/h");
        assertThat(Money.amount(new BigDecimal("1.2"), "USD")).isEqualTo("$1.20");
        assertThat(Money.amount(new BigDecimal("0.003216"), "")).isEqualTo("$0.00322");
        assertThat(Money.amount(new BigDecimal("1234.5678"), "EUR")).isEqualTo("EUR 1234.568");
        assertThat(Money.amount(BigDecimal.ZERO, "USD")).isEqualTo("$0.00");
        assertThat(Times.span(Duration.ofMillis(4_230))).isEqualTo("4.2s");
        assertThat(Times.span(Duration.ofSeconds(192))).isEqualTo("3m12s");
        assertThat(Times.span(Duration.ofMinutes(65))).isEqualTo("1h05m");
        assertThat(Times.span(Duration.ofHours(50))).isEqualTo("2d02h");
    }
}
