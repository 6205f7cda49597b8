package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Every command of ours on docs/kubernetes.md is one, with its options, and its accounts are some. */
class KubernetesPageTest {

    private static final Path PAGE = Path.of("..", "docs", "kubernetes.md");
    private static final Pattern COMMAND = Pattern.compile("(?:^|`)\\./muster ([^`\n]+)", Pattern.MULTILINE);
    private static final Pattern ACCOUNTS = Pattern.compile("```yaml\n(accounts:.*?)```", Pattern.DOTALL);

    @Test
    void itsCommandsAreThere() throws Exception {
        var commands = COMMAND.matcher(Files.readString(PAGE)).results().map(found -> found.group(1).strip()).toList();

        assertThat(commands).hasSizeGreaterThan(6).contains("doctor k8s -f fleet.yaml", "up --config muster.yaml", "fleet apply -f fleet.yaml");
        for (var command : commands) {
            // A group of commands is named where any of them will do.
            Muster.commands().parseArgs(command.split(" "));
        }
    }

    @Test
    void itsAccountsAreSome() throws Exception {
        var accounts = ACCOUNTS.matcher(Files.readString(PAGE)).results().map(found -> found.group(1)).toList();

        assertThat(accounts).isNotEmpty();
        for (var text : accounts) {
            var yaml = MusterYaml.parse("installation: lab\nconnections: {default: {api: \"https://api.clear.ml\"}}\n" + text, Path.of("."));
            assertThat(yaml.accounts().values()).isNotEmpty().allSatisfy(account -> assertThat(account.provider()).isEqualTo("k8s"));
        }
    }
}
