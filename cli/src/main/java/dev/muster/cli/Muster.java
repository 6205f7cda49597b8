package dev.muster.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.muster.contracts.InvalidYamlException;
import java.util.List;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** The command line of Muster. Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 nothing runs there. */
@Command(name = "muster", mixinStandardHelpOptions = true, versionProvider = VersionCommand.class, sortOptions = false,
        description = "Puts machines under ClearML queues.",
        footer = {"", "Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 nothing runs there.", "Every command takes --json and --yaml, and shows examples with --help."})
public final class Muster {

    /** In the order in which help lists them. */
    private static final List<String> NAMES = List.of("demo", "up", "down", "status", "top", "init", "import", "fleet", "pool", "queue", "machine", "task", "why", "decision", "budget",
            "spend", "history", "secret", "log-level", "notify", "takeover", "whoami", "doctor", "topics", "context", "replay", "replay-decisions", "simulate", "completion", "complete-names", "version", "help");

    private Muster() {}

    public static void main(String[] arguments) {
        System.exit(run(arguments));
    }

    /** Runs one command. @return the exit code */
    static int run(String... arguments) {
        return commands(arguments).execute(arguments);
    }

    /** All there are, with their options. */
    static CommandLine commands() {
        return with(NAMES);
    }

    /** What these arguments need: the one command that they name, since to know all of them takes longer than what most of them do. */
    private static CommandLine commands(String... arguments) {
        var named = arguments.length == 0 ? "" : arguments[0];
        if (!NAMES.contains(named) || named.equals("help")) {
            return commands();
        }
        var group = command(named).getAnnotation(Command.class);
        for (var below : arguments.length < 2 ? new Class<?>[0] : group.subcommands()) {
            if (below.getAnnotation(Command.class).name().equals(arguments[1])) {
                return ready(new CommandLine(new Muster()).addSubcommand(named, new CommandLine(CommandSpec.create().name(named)).addSubcommand(new CommandLine(below))));
            }
        }
        return with(List.of(named));
    }

    private static CommandLine with(List<String> names) {
        var line = new CommandLine(new Muster());
        for (var name : names) {
            line.addSubcommand(name, new CommandLine(command(name)));
        }
        return ready(line);
    }

    private static CommandLine ready(CommandLine line) {
        showExamples(line);
        return line.setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler(Muster::wrongUsage)
                .setExecutionExceptionHandler(Muster::failed);
    }

    /** One at a time, so that only its classes are loaded. */
    private static Class<?> command(String name) {
        return switch (name) {
            case "demo" -> DemoCommand.class;
            case "up" -> UpCommand.class;
            case "down" -> DownCommand.class;
            case "status" -> StatusCommand.class;
            case "top" -> TopCommand.class;
            case "init" -> InitCommand.class;
            case "import" -> ImportCommand.class;
            case "fleet" -> FleetCommand.class;
            case "pool" -> PoolCommand.class;
            case "queue" -> QueueCommand.class;
            case "machine" -> MachineCommand.class;
            case "task" -> TaskCommand.class;
            case "why" -> WhyCommand.class;
            case "decision" -> DecisionCommand.class;
            case "budget" -> BudgetCommand.class;
            case "spend" -> SpendCommand.class;
            case "history" -> HistoryCommand.class;
            case "secret" -> SecretCommand.class;
            case "log-level" -> LogLevelCommand.class;
            case "notify" -> NotifyCommand.class;
            case "takeover" -> TakeoverCommand.class;
            case "whoami" -> WhoamiCommand.class;
            case "doctor" -> DoctorCommand.class;
            case "topics" -> TopicsCommand.class;
            case "context" -> ContextCommand.class;
            case "replay" -> ReplayCommand.class;
            case "replay-decisions" -> ReplayDecisionsCommand.class;
            case "simulate" -> SimulateCommand.class;
            case "completion" -> CompletionCommand.class;
            case "complete-names" -> CompletionCommand.Names.class;
            case "version" -> VersionCommand.class;
            case "help" -> CommandLine.HelpCommand.class;
            default -> throw new IllegalStateException(name);
        };
    }

    /** A command's footer is its examples, a line each. */
    private static void showExamples(CommandLine line) {
        for (var command : line.getSubcommands().values()) {
            var usage = command.getCommandSpec().usageMessage();
            if (usage.footer().length > 0) {
                usage.footerHeading("%nExamples:%n");
                usage.footer(Stream.of(usage.footer()).map(example -> "  " + example).toArray(String[]::new));
            }
            showExamples(command);
        }
    }

    private static int wrongUsage(ParameterException wrong, String[] arguments) {
        System.err.println("muster: " + wrong.getMessage());
        System.err.println("see: ./" + wrong.getCommandLine().getCommandSpec().qualifiedName() + " --help");
        return CliFailure.USAGE;
    }

    private static int failed(Exception thrown, CommandLine command, CommandLine.ParseResult parsed) {
        var failure = thrown instanceof CliFailure known ? known
                : CliFailure.failed(thrown.getMessage() == null ? thrown.toString() : thrown.getClass().getSimpleName() + ": " + thrown.getMessage());
        if (!(thrown instanceof CliFailure) && Boolean.getBoolean("muster.trace")) {
            thrown.printStackTrace();
        }
        if (isGiven("--json", parsed) || isGiven("--yaml", parsed)) {
            new Output(System.out, isGiven("--json", parsed) ? Output.Format.JSON : Output.Format.YAML, false).json(json(failure));
        } else {
            System.err.println("muster: " + failure.getMessage());
            if (failure.violations != null) {
                failure.violations.forEach(violation -> System.err.println("  " + InvalidYamlException.line(violation)));
            }
        }
        return failure.exitCode;
    }

    private static boolean isGiven(String option, CommandLine.ParseResult parsed) {
        for (var at = parsed; at != null; at = at.subcommand()) {
            if (at.hasMatchedOption(option)) {
                return true;
            }
        }
        return false;
    }

    private static ObjectNode json(CliFailure failure) {
        var error = Output.JSON.createObjectNode().put("code", failure.code).put("message", failure.getMessage());
        var violations = error.putArray("violations");
        if (failure.violations != null) {
            failure.violations.forEach(one -> violations.addObject().put("field", one.getField()).put("problem", one.getProblem()).put("fix", one.getFix()));
        }
        return Output.JSON.createObjectNode().set("error", error);
    }
}
