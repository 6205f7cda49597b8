package dev.muster.cli;

import dev.muster.v1.GetSpendRequest;
import dev.muster.v1.GetSpendResponse;
import dev.muster.v1.SpendGroup;
import dev.muster.v1.SpendRow;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code muster spend}: what a fleet has spent, and on what. */
@Command(name = "spend", mixinStandardHelpOptions = true, sortOptions = false, description = "What a fleet spent over time, by pool, queue, project and user.",
        footer = {"./muster spend demo", "./muster spend demo --since 7d --by pool --step 1d", "./muster spend demo --since 30d --by project,user --json"})
final class SpendCommand implements Runnable {

    /** What a sum is split by. */
    enum Group {
        POOL(SpendGroup.BY_POOL), QUEUE(SpendGroup.BY_QUEUE), PROJECT(SpendGroup.BY_PROJECT), USER(SpendGroup.BY_USER);

        private final SpendGroup asked;

        Group(SpendGroup asked) {
            this.asked = asked;
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Mixin
    CommonOptions common;

    @Parameters(paramLabel = "FLEET")
    String fleet;

    @Option(names = "--since", paramLabel = "WHEN", description = "A span before now, such as 7d, or a moment, such as 2026-11-28T08:00:00Z (default: 24h before --until).")
    String since;

    @Option(names = "--until", paramLabel = "WHEN", description = "As above (default: now).")
    String until;

    @Option(names = "--by", paramLabel = "GROUP", split = ",", description = "Any of ${COMPLETION-CANDIDATES}, with commas between (default: one sum).")
    List<Group> groups = List.of();

    @Option(names = "--step", paramLabel = "SPAN", description = "A row for each span of this length: hours, or days of the fleet's time zone (default: one row for all).")
    String step;

    @Override
    public void run() {
        var now = Instant.now();
        var request = GetSpendRequest.newBuilder().setFleet(fleet);
        groups.forEach(group -> request.addGroupBy(group.asked));
        if (since != null) {
            request.setSince(Times.timestamp(Times.moment("--since", since, now)));
        }
        if (until != null) {
            request.setUntil(Times.timestamp(Times.moment("--until", until, now)));
        }
        if (step != null) {
            request.setStep(Times.span("--step", step));
        }
        var output = common.output();
        try (var control = common.control()) {
            var spent = control.call(() -> control.budgets().getSpend(request.build()));
            if (output.isJson()) {
                output.resource(spent);
            } else {
                show(spent, output);
            }
        }
    }

    private void show(GetSpendResponse spent, Output output) {
        if (spent.getRowsCount() == 0) {
            output.line("nothing was spent");
        } else {
            var head = new ArrayList<>(List.of("FROM", "LENGTH"));
            groups.forEach(group -> head.add(group.name()));
            head.addAll(List.of("SPENT", "USEFUL", "IDLE", "BOOT", "WASTE"));
            output.table(head, spent.getRowsList().stream().map(row -> row(row, spent.getCurrency())).toList());
        }
        if (!spent.getComplete()) {
            output.line("not complete: the hour that runs is not closed yet, or books were lost in that time");
        }
    }

    private List<String> row(SpendRow row, String currency) {
        var cells = new ArrayList<>(List.of(Times.local(row.getStart()), Times.span(row.getLength())));
        groups.forEach(group -> cells.add(row.getLabelsOrDefault(group.toString(), "-")));
        cells.add(Money.amount(BigDecimal.valueOf(row.getSpentMicros(), 6), currency));
        for (var kind : List.of("useful", "idle", "boot", "waste")) {
            cells.add(Times.span(Duration.ofMillis(row.getPaidMsOrDefault(kind, 0))));
        }
        return cells;
    }
}
