package dev.muster.cli;

import dev.muster.v1.Course;
import dev.muster.v1.PreviewFleetOnRecordRequest;
import dev.muster.v1.PreviewFleetOnRecordResponse;
import dev.muster.v1.PreviewFleetRequest;
import dev.muster.v1.PreviewFleetResponse;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.Function;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code muster fleet preview}: what a spec would do, before it does. */
@Command(name = "preview", mixinStandardHelpOptions = true, sortOptions = false,
        description = {"What a fleet would do at once if the file were applied now.",
            "With --on-record: what it would have done on the fleet's recorded demand, beside the spec that holds now. At most 7 days at once."},
        footer = {"./muster fleet preview -f fleet.yaml", "./muster fleet preview -f fleet.yaml --on-record --since 7d"})
final class FleetPreview implements Runnable {

    @Mixin
    CommonOptions common;

    @Option(names = {"-f", "--file"}, required = true, paramLabel = "FILE", description = "YAML with one fleet; - reads standard input.")
    String file;

    @Option(names = "--on-record", description = "On recorded demand, and not now.")
    boolean onRecord;

    @Option(names = "--since", paramLabel = "WHEN", description = "A span before now, such as 24h, or a moment, such as 2026-11-28T08:00:00Z (default: 24h before --until).")
    String since;

    @Option(names = "--until", paramLabel = "WHEN", description = "As above (default: now).")
    String until;

    @Override
    public void run() {
        if (!onRecord && (since != null || until != null)) {
            throw CliFailure.usage("--since and --until go with --on-record");
        }
        var spec = FleetVersions.only(file, null);
        var output = common.output();
        try (var control = common.control()) {
            if (!onRecord) {
                var seen = control.call(() -> control.fleets().previewFleet(PreviewFleetRequest.newBuilder().setSpec(spec).build()));
                if (output.isJson()) {
                    output.resource(seen);
                } else {
                    show(seen, output);
                }
                return;
            }
            var request = PreviewFleetOnRecordRequest.newBuilder().setSpec(spec);
            var now = Instant.now();
            if (since != null) {
                request.setSince(Times.timestamp(Times.moment("--since", since, now)));
            }
            if (until != null) {
                request.setUntil(Times.timestamp(Times.moment("--until", until, now)));
            }
            var played = control.call(() -> control.patientFleets().previewFleetOnRecord(request.build()));
            if (output.isJson()) {
                output.resource(played);
            } else {
                show(played, spec.getCurrency(), output);
            }
        }
    }

    private static void show(PreviewFleetResponse seen, Output output) {
        var currency = seen.getRecord().getSpec().getCurrency();
        output.line(seen.getDecisionsCount() == 0 ? "nothing would be done at once" : "at once:");
        seen.getDecisionsList().forEach(decision -> output.line("  " + decision.getText()));
        seen.getRefusalsList().forEach(refusal -> output.line("! " + refusal.getText()));
        if (seen.getTruncated()) {
            output.line("and more, which are not shown");
        }
        output.line("cost: " + Money.perHour(seen.getMicrosPerHourCurrent(), currency) + " → " + Money.perHour(seen.getMicrosPerHourProposed(), currency));
        FleetCommand.notes(seen.getRecord(), output);
    }

    private static void show(PreviewFleetOnRecordResponse played, String currency, Output output) {
        output.line(Times.local(played.getSince()) + " to " + Times.local(played.getUntil()));
        output.line("");
        output.table(List.of("", "NOW", "PROPOSED"), List.of(
                row("spent", played, course -> Money.amount(BigDecimal.valueOf(course.getSpentMicros(), 6), currency)),
                row("machines launched", played, course -> Integer.toString(course.getMachines())),
                row("most machines at once", played, course -> Integer.toString(course.getMostMachines())),
                row("tasks started", played, course -> Integer.toString(course.getStarted())),
                row("wait, median", played, course -> course.hasWaitP50() ? Times.span(course.getWaitP50()) : "-"),
                row("wait, 90 of 100", played, course -> course.hasWaitP90() ? Times.span(course.getWaitP90()) : "-"),
                row("wait, longest", played, course -> course.hasWaitMax() ? Times.span(course.getWaitMax()) : "-"),
                row("machine time useful", played, course -> paid(course, "useful")),
                row("machine time idle", played, course -> paid(course, "idle")),
                row("machine time booting", played, course -> paid(course, "boot")),
                row("machine time wasted", played, course -> paid(course, "waste"))));
        played.getNotesList().forEach(note -> output.line("  note: " + note));
    }

    private static List<String> row(String what, PreviewFleetOnRecordResponse played, Function<Course, String> value) {
        return List.of(what, value.apply(played.getCurrent()), value.apply(played.getProposed()));
    }

    private static String paid(Course course, String kind) {
        return Times.span(Duration.ofMillis(course.getPaidMsOrDefault(kind, 0)));
    }
}
