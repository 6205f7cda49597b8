package dev.muster.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.muster.contracts.InvalidYamlException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;

/** The command line of Muster. Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 nothing runs there. */
@Command(name = "muster", mixinStandardHelpOptions = true, versionProvider = VersionCommand.class, sortOptions = false,
        description = "Puts machines under ClearML queues.",
        footer = {"", "Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 nothing runs there.", "Every command takes --json."},
        subcommands = {DemoCommand.class, UpCommand.class, DownCommand.class, StatusCommand.class, InitCommand.class, ImportCommand.class, FleetCommand.class,
            MachineCommand.class, PoolCommand.class, BudgetCommand.class, QueueCommand.class, TaskCommand.class, WhyCommand.class, DecisionCommand.class, NotifyCommand.class, DoctorCommand.class, ReplayCommand.class,
            ReplayDecisionsCommand.class, SimulateCommand.class, VersionCommand.class, CommandLine.HelpCommand.class})
public final class Muster {

    private Muster() {}

    public static void main(String[] arguments) {
        System.exit(run(arguments));
    }

    /** Runs one command. @return the exit code */
    static int run(String... arguments) {
        return commands().execute(arguments);
    }

    /** All there are, with their options. */
    static CommandLine commands() {
        return new CommandLine(new Muster())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler(Muster::wrongUsage)
                .setExecutionExceptionHandler(Muster::failed);
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
        if (isJson(parsed)) {
            new Output(System.out, true, false).json(json(failure));
        } else {
            System.err.println("muster: " + failure.getMessage());
            if (failure.violations != null) {
                failure.violations.forEach(violation -> System.err.println("  " + InvalidYamlException.line(violation)));
            }
        }
        return failure.exitCode;
    }

    private static boolean isJson(CommandLine.ParseResult parsed) {
        for (var at = parsed; at != null; at = at.subcommand()) {
            if (at.hasMatchedOption("--json")) {
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
