package dev.muster.cli;

import dev.muster.v1.DecisionEvent;
import dev.muster.v1.DecisionKind;
import dev.muster.v1.ListDecisionsRequest;
import dev.muster.v1.ListDecisionsResponse;
import dev.muster.v1.Reason;
import dev.muster.v1.WatchDecisionsRequest;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code muster decision …}. */
@Command(name = "decision", mixinStandardHelpOptions = true, description = "What was decided, and why.", subcommands = {DecisionCommand.List_.class, DecisionCommand.Watch.class})
final class DecisionCommand {

    private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("HH:mm:ss.SSS").withZone(ZoneId.systemDefault());

    /** What an event is, in one word. */
    enum Kind {
        DONE, REFUSED, AUDITED;

        DecisionKind asked() {
            return switch (this) {
                case DONE -> DecisionKind.DECISION_DONE;
                case REFUSED -> DecisionKind.DECISION_REFUSED;
                case AUDITED -> DecisionKind.DECISION_AUDITED;
            };
        }
    }

    @Command(name = "list", mixinStandardHelpOptions = true, sortOptions = false, description = "A fleet's decisions and refusals, oldest first, of the last 30 days.",
            footer = {"./muster decision list demo --last 20", "./muster decision list demo --machine mabcdefgh-1 --since 24h", "./muster decision list demo --kind refused --reason at_budget",
                "./muster decision list demo --watch"})
    static final class List_ implements Runnable {
        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "FLEET")
        String fleet;

        @Option(names = "--machine", paramLabel = "MACHINE", description = "Only those that name it.")
        String machine = "";

        @Option(names = "--queue", paramLabel = "QUEUE", description = "As above.")
        String queue = "";

        @Option(names = "--pool", paramLabel = "POOL", description = "As above.")
        String pool = "";

        @Option(names = "--task", paramLabel = "TASK", description = "As above.")
        String task = "";

        @Option(names = "--kind", paramLabel = "KIND", split = ",", description = "done, refused or audited, which is what people and programs asked for; any of them, with commas between.")
        List<Kind> kinds = List.of();

        @Option(names = "--reason", paramLabel = "REASON", split = ",", description = "Only with one of these reasons, as --json names them, such as tasks_wait.")
        List<Reason> reasons = List.of();

        @Option(names = "--since", paramLabel = "WHEN", description = "A span before now, such as 90m or 2d, or a moment, such as 2026-11-28T08:00:00Z.")
        String since;

        @Option(names = "--until", paramLabel = "WHEN", description = "As above.")
        String until;

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
            var request = ListDecisionsRequest.newBuilder().setFleet(fleet).setMachineId(machine).setQueue(queue).setPool(pool).setTaskId(task).addAllReasons(reasons);
            kinds.forEach(kind -> request.addKinds(kind.asked()));
            var now = Instant.now();
            if (since != null) {
                request.setSince(Times.timestamp(Times.moment("--since", since, now)));
            }
            if (until != null) {
                request.setUntil(Times.timestamp(Times.moment("--until", until, now)));
            }
            try (var control = common.control()) {
                if (watch) {
                    if (!pool.isEmpty() || !task.isEmpty() || !reasons.isEmpty() || since != null || until != null) {
                        throw CliFailure.usage("--watch goes with --machine, --queue and --kind only");
                    }
                    DecisionCommand.watch(control, WatchDecisionsRequest.newBuilder().setFleet(fleet).setMachineId(machine).setQueue(queue).addAllKinds(request.getKindsList()).build(), output);
                    return;
                }
                var newestFirst = control.decisions(request.build(), last);
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

    @Command(name = "watch", mixinStandardHelpOptions = true, sortOptions = false, description = "Decisions of a fleet, or of all, from now on or from behind a resume token, until interrupted.",
            footer = {"./muster decision watch", "./muster decision watch demo --kind refused,audited --json"})
    static final class Watch implements Runnable {
        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "FLEET", arity = "0..1", description = "Default: all fleets that the caller may read.")
        String fleet = "";

        @Option(names = "--machine", paramLabel = "MACHINE", description = "Only those that name it.")
        String machine = "";

        @Option(names = "--queue", paramLabel = "QUEUE", description = "As above.")
        String queue = "";

        @Option(names = "--kind", paramLabel = "KIND", split = ",", description = "done, refused or audited; any of them, with commas between.")
        List<Kind> kinds = List.of();

        @Option(names = "--resume", paramLabel = "TOKEN", description = "resumeToken of the last decision that was seen, as --json shows it.")
        String resume = "";

        @Override
        public void run() {
            var request = WatchDecisionsRequest.newBuilder().setFleet(fleet).setMachineId(machine).setQueue(queue).setResumeToken(resume);
            kinds.forEach(kind -> request.addKinds(kind.asked()));
            try (var control = common.control()) {
                DecisionCommand.watch(control, request.build(), common.output());
            }
        }
    }

    private static void watch(Control control, WatchDecisionsRequest which, Output output) {
        var ofAll = which.getFleet().isEmpty();
        control.followDecisions(which, event -> {
            if (output.isJson()) {
                output.resourceLine(event);
            } else if (!text(event).isEmpty()) {
                output.line(CLOCK.format(Times.instant(event.getAt())) + "  " + (ofAll ? event.getFleet() + ": " : "") + text(event));
            }
            WatchOption.endIfClosed(output);
        });
    }

    /** One line for people; empty for what only programs want. */
    static String line(DecisionEvent event) {
        var text = text(event);
        return text.isEmpty() ? "" : CLOCK.format(Times.instant(event.getAt())) + "  " + text;
    }

    /** As above, without the time. */
    static String text(DecisionEvent event) {
        return switch (event.getWhatCase()) {
            case DECISION -> event.getDecision().getText();
            case REFUSAL -> "! " + event.getRefusal().getText();
            case AUDIT -> event.getAudit().getCaller() + ": " + event.getAudit().getWhat();
            case REQUEST_ANSWERED, PLAN_MADE, LOADED, SNAPSHOT, FORGOTTEN, WHAT_NOT_SET -> "";
        };
    }
}
