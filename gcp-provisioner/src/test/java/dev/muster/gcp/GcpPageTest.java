package dev.muster.gcp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.provisioner.spi.FailureKind;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Keeps docs/gcp.md true in what it says of Google's codes, of settings and of images. Its fleets are judged by the planner's test of it, its commands by the CLI's. */
class GcpPageTest {

    private static final Path PAGE = Path.of("..", "docs", "gcp.md");
    private static final Pattern CODE = Pattern.compile("`([^`]+)`");

    @Test
    void hasEveryCodeThatIsKnownWithItsKind() throws IOException {
        var said = new TreeMap<String, FailureKind>();
        for (var line : Files.readAllLines(PAGE)) {
            var cells = line.split("\\|", -1);
            if (cells.length == 6 && Arrays.stream(FailureKind.values()).anyMatch(kind -> kind.name().equals(cells[2].strip()))) {
                CODE.matcher(cells[1]).results().forEach(code ->
                        assertThat(said.put(code.group(1), FailureKind.valueOf(cells[2].strip()))).as(code.group(1) + " twice").isNull());
                assertThat(cells[3]).as(line).isNotBlank();
                assertThat(cells[4]).as(line).isNotBlank();
            }
        }
        var known = new TreeMap<String, FailureKind>();
        GceFailures.codes().forEach(code -> known.put(code, GceFailures.kindOf(code, 400)));
        assertThat(said).isEqualTo(known);
    }

    @Test
    void hasWhatIsNoFailureAndWhatTheTableLacks() throws IOException {
        assertThat(Files.readString(PAGE)).contains("`" + GceFailures.ALREADY_EXISTS + "`", "`" + GceFailures.RESOURCE_ALREADY_EXISTS + "`",
                "| any other with HTTP 4xx | " + GceFailures.kindOf("SomethingNew", 400) + " |");
    }

    @Test
    void hasEverySettingOfAnAccount() throws IOException {
        var page = Files.readString(PAGE);

        assertThat(Arrays.stream(GcpConfig.AccountConfig.class.getDeclaredMethods()).map(Method::getName)
                .map(name -> "| `muster.gcp.accounts.<name>." + name.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT) + "` |"))
                .isNotEmpty().allSatisfy(setting -> assertThat(page).contains(setting));
        assertThat(page).contains("`" + AccountCredentials.secretName("<account>") + "`", "`" + GceNames.last(LaunchRequests.USUAL_IMAGE) + "`", "`" + GceNames.INSTALLATION + "`");
    }
}
