package dev.muster.cli;

import dev.muster.v1.ListFleetsRequest;
import dev.muster.v1.ListMachinesRequest;
import dev.muster.v1.ListQueuesRequest;
import io.grpc.StatusRuntimeException;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code muster completion}: the script that completes commands in a shell. */
@Command(name = "completion", mixinStandardHelpOptions = true, sortOptions = false,
        description = {"Writes the script that completes commands, options and the names of fleets, pools, queues and machines.",
            "For bash and zsh a line in ~/.bashrc or ~/.zshrc: source <(/path/to/muster completion bash)"},
        footer = {"./muster completion bash", "./muster completion zsh", "./muster completion fish"})
final class CompletionCommand implements Runnable {

    enum Shell {
        BASH, ZSH, FISH;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Mixin
    CommonOptions common;

    @Parameters(paramLabel = "SHELL", description = "Any of ${COMPLETION-CANDIDATES}.")
    Shell shell;

    @Override
    public void run() {
        var output = common.output();
        var script = switch (shell) {
            case BASH, ZSH -> CompletionScript.bash();
            case FISH -> CompletionScript.fish();
        };
        if (output.isJson()) {
            output.json(Output.JSON.createObjectNode().put("shell", shell.toString()).put("script", script));
        } else {
            output.line(script.stripTrailing());
        }
    }

    /** What those scripts call. It answers at once or with nothing: who waits for it presses a key. */
    @Command(name = "complete-names", hidden = true, sortOptions = false, description = "Names of a kind, one a line.")
    static final class Names implements Runnable {
        private static final int MOST = 500;

        enum Kind { FLEET, POOL, QUEUE, MACHINE, CONTEXT }

        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "KIND")
        Kind kind;

        @Option(names = "--fleet", paramLabel = "FLEET")
        String fleet = "";

        @Override
        public void run() {
            try {
                names().distinct().forEach(System.out::println);
            } catch (CliFailure | StatusRuntimeException silent) {
                // There is nothing to choose from; the shell shows that.
            }
        }

        private Stream<String> names() {
            if (kind == Kind.CONTEXT) {
                return Contexts.read(Contexts.file()).all().keySet().stream();
            }
            // With the start of a process half a second. Tests, which share a computer, have more patience.
            long within = Long.getLong("muster.completeMillis", 250);
            try (var control = common.control()) {
                return switch (kind) {
                    case FLEET, POOL -> control.fleets().withDeadlineAfter(within, TimeUnit.MILLISECONDS).listFleets(ListFleetsRequest.newBuilder().setPageSize(MOST).build())
                            .getFleetsList().stream().map(one -> one.getRecord().getSpec()).filter(spec -> fleet.isEmpty() || fleet.equals(spec.getName()))
                            .flatMap(spec -> kind == Kind.FLEET ? Stream.of(spec.getName()) : spec.getPoolsList().stream().map(pool -> pool.getName()));
                    case QUEUE -> control.queues().withDeadlineAfter(within, TimeUnit.MILLISECONDS).listQueues(ListQueuesRequest.newBuilder().setFleet(fleet).build())
                            .getQueuesList().stream().map(queue -> queue.getName());
                    case MACHINE -> control.machines().withDeadlineAfter(within, TimeUnit.MILLISECONDS)
                            .listMachines(ListMachinesRequest.newBuilder().setFleet(fleet).setPageSize(MOST).build()).getMachinesList().stream().map(machine -> machine.getMachineId());
                    case CONTEXT -> throw new IllegalStateException();
                };
            }
        }
    }
}
