package dev.muster.cli;

import dev.muster.v1.DecisionEvent;
import dev.muster.v1.ListDecisionsRequest;
import dev.muster.v1.ListDecisionsResponse;
import dev.muster.v1.WatchDecisionsRequest;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Collections;
import java.util.ArrayList;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code muster decision …}. */
@Command(name = "decision", mixinStandardHelpOptions = true, description = "What was decided, and why.", subcommands = DecisionCommand.List_.class)
final class DecisionCommand {

    private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("HH:mm:ss.SSS").withZone(ZoneId.systemDefault());

    @Command(name = "list", mixinStandardHelpOptions = true, sortOptions = false, description = "A fleet's decisions and refusals, oldest first.")
    static final class List_ implements Runnable {
        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "FLEET")
        String fleet;

        @Option(names = "--machine", paramLabel = "MACHINE")
        String machine = "";

        @Option(names = "--queue", paramLabel = "QUEUE")
        String queue = "";

        @Option(names = "--last", paramLabel = "N", defaultValue = "50", description = "At most this many (default: ${DEFAULT-VALUE}).")
        int last;

        @Option(names = "--watch", description = "Only those from now on, until interrupted.")
        boolean watch;

        @Override
        public void run() {
            if (last < 1 || last > 100_000) {
                throw CliFailure.usage("--last is " + last + ": it must be from 1 to 100000");
            }
            var output = common.output();
            var request = ListDecisionsRequest.newBuilder().setFleet(fleet).setMachineId(machine).setQueue(queue).build();
            try (var control = common.control()) {
                if (watch) {
                    var watched = WatchDecisionsRequest.newBuilder().setFleet(fleet).setMachineId(machine).setQueue(queue).build();
                    control.watchDecisions(watched, event -> {
                        if (output.isJson()) {
                            output.resourceLine(event);
                        } else if (!line(event).isEmpty()) {
                            output.line(line(event));
                        }
                    });
                    return;
                }
                var newestFirst = control.decisions(request, last);
                if (output.isJson()) {
                    output.resource(ListDecisionsResponse.newBuilder().addAllDecisions(newestFirst).build());
                    return;
                }
                var oldestFirst = new ArrayList<>(newestFirst);
                Collections.reverse(oldestFirst);
                oldestFirst.stream().map(DecisionCommand::line).filter(line -> !line.isEmpty()).forEach(output::line);
            }
        }
    }

    /** One line for people; empty for what only programs want. */
    static String line(DecisionEvent event) {
        var text = switch (event.getWhatCase()) {
            case DECISION -> event.getDecision().getText();
            case REFUSAL -> "! " + event.getRefusal().getText();
            case AUDIT -> event.getAudit().getCaller() + ": " + event.getAudit().getWhat();
            case REQUEST_ANSWERED, PLAN_MADE, LOADED, SNAPSHOT, FORGOTTEN, WHAT_NOT_SET -> "";
        };
        return text.isEmpty() ? "" : CLOCK.format(Times.instant(event.getAt())) + "  " + text;
    }
}
