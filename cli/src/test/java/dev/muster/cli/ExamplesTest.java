package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** Every command shows how it is used, and what it shows can be typed. */
class ExamplesTest {

    /** What picocli brings along. */
    private static final Set<String> WITHOUT = Set.of("help");

    private static void leaves(CommandLine command, List<CommandLine> leaves) {
        if (command.getSubcommands().isEmpty() && !command.getCommandSpec().usageMessage().hidden() && !WITHOUT.contains(command.getCommandName())) {
            leaves.add(command);
        }
        command.getSubcommands().values().forEach(below -> leaves(below, leaves));
    }

    private static List<CommandLine> leaves() {
        var leaves = new ArrayList<CommandLine>();
        leaves(Muster.commands(), leaves);
        return leaves;
    }

    @Test
    void everyCommandHasAnExampleOfItself() {
        assertThat(leaves()).hasSizeGreaterThan(60).allSatisfy(leaf -> {
            var name = "./" + leaf.getCommandSpec().qualifiedName();
            assertThat(leaf.getCommandSpec().usageMessage().footer()).as(name).isNotEmpty()
                    .allSatisfy(example -> assertThat((example + " ").startsWith("  " + name + " ")).as(example).isTrue());
            assertThat(leaf.getUsageMessage()).as(name).contains("\nExamples:\n  " + name);
        });
    }

    @Test
    void everyExampleCanBeTyped() {
        for (var leaf : leaves()) {
            for (var example : leaf.getCommandSpec().usageMessage().footer()) {
                assertThatCode(() -> Muster.commands().parseArgs(Stream.of(example.strip().split(" ")).skip(1).toArray(String[]::new))).as(example).doesNotThrowAnyException();
            }
        }
    }

    @Test
    void everyCommandSaysWhatItIsForAndTakesTheSameOptions() {
        for (var leaf : leaves()) {
            assertThat(leaf.getCommandSpec().usageMessage().description()).as(leaf.getCommandSpec().qualifiedName()).isNotEmpty();
            assertThat(leaf.getCommandSpec().optionsMap()).as(leaf.getCommandSpec().qualifiedName()).containsKeys("--json", "--yaml", "--server", "--context", "--token-file", "--folder", "--help");
        }
    }

    @Test
    void oneCommandAloneIsTheSameAsAmongAll() {
        for (var name : Muster.commands().getSubcommands().keySet()) {
            if (!name.equals("help") && !name.equals("complete-names")) {
                assertThat(Ran.of(name, "--help").out()).as(name).isEqualTo(Muster.commands().getSubcommands().get(name).getUsageMessage());
            }
        }
        for (var leaf : leaves()) {
            var words = leaf.getCommandSpec().qualifiedName().split(" ");
            if (words.length == 3) {
                assertThat(Ran.of(words[1], words[2], "--help").out()).isEqualTo(leaf.getUsageMessage());
            }
        }
        assertThat(Ran.of("--help").out()).contains("fleet", "top", "completion").doesNotContain("complete-names");
    }
}
