package dev.muster.aws;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.provisioner.spi.FailureKind;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Keeps docs/aws.md true in what it says of EC2's codes and of settings. Its fleet is judged by the planner's test of it, its commands by the CLI's. */
class AwsPageTest {

    private static final Path PAGE = Path.of("..", "docs", "aws.md");
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
        Ec2Failures.codes().forEach(code -> known.put(code, Ec2Failures.kindOf(code, 400)));
        assertThat(said).isEqualTo(known);
    }

    @Test
    void hasWhatIsNoFailureAndWhatTheTableLacks() throws IOException {
        var page = Files.readString(PAGE);

        assertThat(page).contains("`" + Ec2Failures.MISMATCH + "`").contains(Ec2Failures.NOT_FOUND.stream().map(code -> "`" + code + "`").toList());
        assertThat(page).contains("| any other with HTTP 4xx | " + Ec2Failures.kindOf("SomethingNew", 400) + " |");
    }

    @Test
    void hasEverySettingOfAnAccount() throws IOException {
        var page = Files.readString(PAGE);

        assertThat(Arrays.stream(AwsConfig.AccountConfig.class.getDeclaredMethods()).map(Method::getName)
                .map(name -> "| `muster.aws.accounts.<name>." + name.replaceAll("([A-Z])", "-$1").toLowerCase(java.util.Locale.ROOT) + "` |"))
                .isNotEmpty().allSatisfy(setting -> assertThat(page).contains(setting));
    }
}
