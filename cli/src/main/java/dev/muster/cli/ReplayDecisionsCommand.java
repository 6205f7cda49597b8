package dev.muster.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.muster.planner.replay.Difference;
import dev.muster.planner.replay.ReplayReport;
import dev.muster.planner.replay.TopicReplay;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.kafka.common.KafkaException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code muster replay-decisions}. */
@Command(name = "replay-decisions", mixinStandardHelpOptions = true, sortOptions = false,
        description = {"Decides again what is recorded in Kafka, and compares every decision, command and row bit for bit.",
            "It reads topics and writes nothing; the planner may go on meanwhile. Ends with 1 if anything differs, or if the causes of a",
            "machine's decisions don't lead back to its launch."},
        footer = {"./muster replay-decisions", "./muster replay-decisions --kafka broker:9092 --fleet demo --json"})
final class ReplayDecisionsCommand implements Callable<Integer> {

    @Mixin
    CommonOptions common;

    @Option(names = "--fleet", paramLabel = "FLEET", description = "Only this fleet.")
    String fleet;

    @Mixin
    KafkaOptions options;

    @Override
    public Integer call() {
        var told = options.told(common);
        var prefix = told.topics().prefix();
        ReplayReport report;
        try {
            report = TopicReplay.run(told.kafka(), prefix, name -> fleet == null || fleet.equals(name));
        } catch (KafkaException | IllegalArgumentException unreadable) {
            throw CliFailure.failed("the topics " + prefix + "* can't be read: " + told.kafka().problem(unreadable));
        }
        if (fleet != null && report.fleets().isEmpty()) {
            throw CliFailure.failed("no decision about fleet " + fleet + " is in " + prefix + "decisions");
        }
        var output = common.output();
        if (output.isJson()) {
            output.json(json(report));
        } else {
            show(report, output);
        }
        return report.differences().isEmpty() && report.withoutChain() == 0 ? 0 : CliFailure.FAILED;
    }

    private static void show(ReplayReport report, Output output) {
        if (report.fleets().isEmpty()) {
            output.line("no decisions yet");
            return;
        }
        output.table(List.of("FLEET", "FROM", "PLANS", "DECISIONS", "COMMANDS", "ANSWERS", "SNAPSHOTS", "ROWS", "MACHINES", "DIFFERENCES"),
                report.fleets().stream().map(of -> List.of(of.fleet(), of.from().isEmpty() ? "-" : of.from(), Long.toString(of.plans()),
                        Long.toString(of.decisions()), Long.toString(of.commands()), Long.toString(of.answers()), Long.toString(of.snapshots()),
                        Long.toString(of.rows()), Integer.toString(of.machines()), Integer.toString(of.differences().size()))).toList());
        report.fleets().stream().filter(of -> !of.notCompared().isEmpty()).forEach(of -> output.line(of.fleet() + ": " + of.notCompared()));
        report.fleets().stream().filter(of -> !of.withoutChain().isEmpty()).forEach(of -> output.line(of.fleet()
                + ": no unbroken chain of causes leads from their launch to the last decision about " + String.join(", ", of.withoutChain())));
        for (var difference : report.differences()) {
            output.line("");
            output.line(difference.fleet() + ": " + difference.id() + " in " + difference.topic() + " differs");
            output.line("  recorded: " + orNothing(difference.recorded()));
            output.line("  replayed: " + orNothing(difference.replayed()));
        }
        output.line("");
        output.line(report.plans() + " plans replayed, " + report.decisions() + " decisions compared, " + report.differences().size() + " differences"
                + others(report).map(releases -> "; this is release " + release() + ", and it was recorded by " + releases).orElse(""));
    }

    /** Releases other than this one, which may have had other rules. */
    private static java.util.Optional<String> others(ReplayReport report) {
        var others = new ArrayList<>(report.releases());
        others.remove(release());
        return others.isEmpty() ? java.util.Optional.empty() : java.util.Optional.of(String.join(", ", others));
    }

    /** Of the planner's rules that decide again, as their jar says. */
    private static String release() {
        var version = ReplayReport.class.getPackage().getImplementationVersion();
        return version == null ? "development" : version;
    }

    private static String orNothing(String text) {
        return text.isEmpty() ? "nothing" : text;
    }

    private static ObjectNode json(ReplayReport report) {
        var answer = Output.JSON.createObjectNode().put("plans", report.plans()).put("decisions", report.decisions())
                .put("differences", report.differences().size());
        var releases = answer.putArray("recordedBy");
        report.releases().forEach(releases::add);
        var fleets = answer.putArray("fleets");
        for (var of : report.fleets()) {
            var one = fleets.addObject().put("fleet", of.fleet()).put("from", of.from()).put("plans", of.plans()).put("decisions", of.decisions())
                    .put("commands", of.commands()).put("answers", of.answers()).put("snapshots", of.snapshots()).put("rows", of.rows())
                    .put("machines", of.machines()).put("notCompared", of.notCompared());
            var withoutChain = one.putArray("machinesWithoutCauseChain");
            of.withoutChain().forEach(withoutChain::add);
            var differences = one.putArray("differences");
            for (Difference difference : of.differences()) {
                differences.addObject().put("id", difference.id()).put("topic", difference.topic()).put("recorded", difference.recorded())
                        .put("replayed", difference.replayed());
            }
        }
        return answer;
    }
}
