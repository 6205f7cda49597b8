package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Every command of ours on docs/gcp.md is one, with its options, and its accounts are some. */
class GcpPageTest {

    private static final Path PAGE = Path.of("..", "docs", "gcp.md");
    private static final Pattern COMMAND = Pattern.compile("(?:^|`)\\./muster ([^`\n]+)", Pattern.MULTILINE);
    private static final Pattern ACCOUNTS = Pattern.compile("```yaml\n(accounts:.*?)```", Pattern.DOTALL);

    @Test
    void itsCommandsAreThere() throws Exception {
        var commands = COMMAND.matcher(Files.readString(PAGE)).results().map(found -> found.group(1).strip()).toList();

        assertThat(commands).hasSizeGreaterThan(6).contains("up --config muster.yaml", "fleet apply -f fleet.yaml").allSatisfy(command -> {
            var parsed = Muster.commands().parseArgs(command.split(" "));
            assertThat(parsed.asCommandLineList().get(parsed.asCommandLineList().size() - 1).getSubcommands()).as(command + " does something itself").isEmpty();
        });
    }

    @Test
    void itLooksBeforeAnythingIsPaidFor() throws Exception {
        var section = Files.readString(PAGE).split("## Where credentials come from")[0];
        assertThat(COMMAND.matcher(section).results().map(found -> found.group(1).split(" ")[0]).distinct().toList())
                .isEqualTo(List.of("init", "doctor", "up", "fleet", "task", "machine", "why", "pool"));
    }

    @Test
    void itsAccountsAreSome() throws Exception {
        var accounts = ACCOUNTS.matcher(Files.readString(PAGE)).results().map(found -> found.group(1)).toList();

        assertThat(accounts).isNotEmpty();
        for (var text : accounts) {
            var yaml = MusterYaml.parse("installation: lab\nconnections: {default: {api: \"https://api.clear.ml\"}}\n" + text, Path.of("."));
            assertThat(yaml.accounts().values()).isNotEmpty().allSatisfy(account -> assertThat(account.provider()).isEqualTo("gcp"));
        }
    }
}
