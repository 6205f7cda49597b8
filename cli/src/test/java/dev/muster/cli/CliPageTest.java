package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** Makes the reference on docs/cli.md of the commands themselves, and holds the page to it. */
class CliPageTest {

    private static final Path PAGE = Path.of("..", "docs", "cli.md");
    private static final String BEGIN = "<!-- commands: made by CliPageTest, which writes them with -Ddocs.write=true -->\n";
    private static final Pattern COMMAND = Pattern.compile("(?:^|`)\\./muster ([^`\n]+)", Pattern.MULTILINE);
    /** Said once for all commands. */
    private static final Set<String> COMMON = Set.of("--json", "--yaml", "--folder", "--server", "--context", "--token-file", "--help", "--version");

    @Test
    void hasEveryCommandAndOption() throws IOException {
        var page = Files.readString(PAGE);
        assertThat(page).contains(BEGIN);
        var written = page.substring(0, page.indexOf(BEGIN)) + BEGIN + reference();
        if (Boolean.getBoolean("docs.write")) {
            Files.writeString(PAGE, written);
            page = written;
        }
        assertThat(page).as("run CliPageTest with -Ddocs.write=true").isEqualTo(written);
    }

    @Test
    void itsCommandsAreThere() throws IOException {
        var page = Files.readString(PAGE);
        var commands = COMMAND.matcher(page.substring(0, page.indexOf(BEGIN))).results().map(found -> found.group(1).strip()).toList();
        assertThat(commands).hasSizeGreaterThan(8).allSatisfy(command -> Muster.commands().parseArgs(command.split(" [>|<] ?")[0].split(" ")));
    }

    private static String reference() {
        var text = new StringBuilder();
        var all = Muster.commands();
        text.append("\n## Options of every command\n\n").append(options(all.getSubcommands().get("status").getCommandSpec().options().stream()
                .filter(option -> COMMON.contains(option.longestName())).toList()));
        all.getSubcommands().forEach((name, command) -> {
            if (command.getCommandSpec().usageMessage().hidden() || name.equals("help")) {
                return;
            }
            text.append("\n## muster ").append(name).append("\n\n").append(description(command)).append("\n");
            if (command.getSubcommands().isEmpty()) {
                text.append(body(command));
            } else {
                command.getSubcommands().values().forEach(below -> text.append("\n### muster ").append(name).append(" ").append(below.getCommandName()).append("\n\n")
                        .append(description(below)).append("\n").append(body(below)));
            }
        });
        return text.toString();
    }

    private static String description(CommandLine command) {
        return Stream.of(command.getCommandSpec().usageMessage().description()).map(CliPageTest::plain).collect(Collectors.joining(" "));
    }

    private static String body(CommandLine command) {
        var text = new StringBuilder("\n```sh\n");
        Stream.of(command.getCommandSpec().usageMessage().footer()).forEach(example -> text.append(example.strip()).append("\n"));
        text.append("```\n");
        var rows = new ArrayList<String>();
        for (PositionalParamSpec parameter : command.getCommandSpec().positionalParameters()) {
            rows.add(row(parameter.arity().min() == 0 ? "[" + parameter.paramLabel() + "]" : parameter.paramLabel(), said(parameter.description(), parameter)));
        }
        var own = command.getCommandSpec().options().stream().filter(option -> !COMMON.contains(option.longestName()) && !option.hidden()).toList();
        return rows.isEmpty() && own.isEmpty() ? text.toString() : text.append("\n| | |\n| --- | --- |\n").append(String.join("", rows)).append(rows(own)).toString();
    }

    private static String options(List<OptionSpec> options) {
        return "| | |\n| --- | --- |\n" + rows(options);
    }

    private static String rows(List<OptionSpec> options) {
        return options.stream().map(option -> row(String.join(", ", option.names()) + (option.arity().max() > 0 ? option.arity().min() == 0 ? " [" + option.paramLabel() + "]" : " " + option.paramLabel() : ""),
                said(option.description(), option) + (option.required() ? " Required." : ""))).collect(Collectors.joining());
    }

    private static String said(String[] description, CommandLine.Model.ArgSpec argument) {
        var candidates = new ArrayList<String>();
        if (argument.completionCandidates() != null) {
            argument.completionCandidates().forEach(candidates::add);
        } else if (argument.auxiliaryTypes().length > 0 && argument.auxiliaryTypes()[0].isEnum()) {
            Stream.of(argument.auxiliaryTypes()[0].getEnumConstants()).map(Object::toString).forEach(candidates::add);
        }
        return Stream.of(description).map(line -> plain(line.replace("${DEFAULT-VALUE}", argument.defaultValue() == null ? "" : argument.defaultValue())
                .replace("${COMPLETION-CANDIDATES}", String.join(", ", candidates)))).collect(Collectors.joining(" "));
    }

    /** As help shows it. */
    private static String plain(String text) {
        return text.replace("$$", "$").replace("%%", "%").replace("%n", " ").replace("|", "\\|").replace("<", "&lt;");
    }

    private static String row(String what, String said) {
        return "| `" + what.replace("|", "\\|") + "` | " + said + " |\n";
    }
}
