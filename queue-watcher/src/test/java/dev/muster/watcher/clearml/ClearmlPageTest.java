package dev.muster.watcher.clearml;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.clearml.ApiVersion;
import dev.muster.clearml.Worker;
import dev.muster.watcher.WatcherConfig;
import io.smallrye.config.WithDefault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Keeps docs/clearml.md true: its figures are computed here, and what it quotes is there. */
class ClearmlPageTest {

    private static final Path PAGE = Path.of("../docs/clearml.md");
    private static final Pattern BLOCK = Pattern.compile("```\n(.*?)```", Pattern.DOTALL);
    private static final Pattern ROW = Pattern.compile("(?m)^\\| `([^`]+)` \\| [^|]+ \\|$");
    private static final int SECONDS_OF_A_MONTH = 30 * 24 * 3600;

    private final String page = Files.readString(PAGE);

    ClearmlPageTest() throws IOException {}

    private static String callsOfAMonth(int queues, int interval) {
        var ticks = SECONDS_OF_A_MONTH / interval;
        var perTick = 1 + (queues + 499) / 500;
        var sweeps = SECONDS_OF_A_MONTH / 60;
        var registrations = SECONDS_OF_A_MONTH / 240;
        var tokens = SECONDS_OF_A_MONTH / (54 * 60) * 2;
        return String.format(Locale.ROOT, "%,d", ticks * perTick + sweeps + registrations + tokens);
    }

    @Test
    void callsOfAMonthAreWhatTheyAdd() {
        assertThat(page).contains("| up to 500 | " + callsOfAMonth(500, 1) + " | " + callsOfAMonth(500, 10) + " |");
        assertThat(page).contains("| 1,000 | " + callsOfAMonth(1_000, 1) + " | " + callsOfAMonth(1_000, 10) + " |");
    }

    @Test
    void theWorkerAndTheVersionAreTheCodes() {
        assertThat(page).contains("`" + Worker.MUSTER_PREFIX + "<installation>.<connection>`").contains("version " + ApiVersion.OLDEST + " or newer");
    }

    @Test
    void theTagsAreAttributes() {
        var tags = BLOCK.matcher(page).results().map(block -> block.group(1)).filter(block -> block.startsWith("muster:")).findFirst().orElseThrow();

        assertThat(TaskAttributes.of(tags.lines().toList())).isEqualTo(Map.of("memory", "64", "gpu-model", "a100"));
    }

    @Test
    void theSettingsAreThere() {
        var named = Pattern.compile("muster\\.connections\\.<name>\\.([a-z-]+)").matcher(page).results().map(key -> key.group(1)).collect(Collectors.toSet());
        var there = Stream.of(WatcherConfig.Connection.class.getMethods())
                .map(method -> method.getName().replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT)).collect(Collectors.toSet());

        assertThat(there).containsAll(named);
        assertThat(named).contains("interval", "timeout", "register-worker", "api");
        assertThat(Stream.of(WatcherConfig.Connection.class.getMethods()).filter(method -> method.getName().equals("timeout"))
                .map(method -> method.getAnnotation(WithDefault.class).value())).containsExactly("8s");
    }

    @Test
    void theMessagesAreTheOnesThatAreSaid() throws IOException {
        var code = new StringBuilder();
        for (var folder : List.of("src/main/java", "../clearml-client/src/main/java")) {
            try (var files = Files.walk(Path.of(folder))) {
                for (var file : files.filter(Files::isRegularFile).toList()) {
                    code.append(Files.readString(file));
                }
            }
        }
        // As one text, however the lines of the code are put together.
        var said = code.toString().replaceAll("\"\\s*\\+\\s*\"", "").replace("\\\"", "\"");
        var messages = ROW.matcher(page).results().map(row -> row.group(1)).filter(message -> !message.matches("[a-z._]+|`.*")).toList();

        assertThat(messages).hasSizeGreaterThan(8);
        for (var message : messages) {
            for (var piece : message.split("…|401|'|2\\.20")) {
                assertThat(said).as(message).contains(piece.strip());
            }
        }
    }
}
