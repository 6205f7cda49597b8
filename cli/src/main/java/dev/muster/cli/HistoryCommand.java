package dev.muster.cli;

import dev.muster.v1.HistoryRow;
import dev.muster.v1.QueryHistoryRequest;
import dev.muster.v1.QueryHistoryResponse;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code muster history}: how a fleet was, over time. */
@Command(name = "history", mixinStandardHelpOptions = true, sortOptions = false, description = "How a fleet was, minute by minute or hour by hour, oldest first.",
        footer = {"./muster history demo", "./muster history demo --series hour --since 7d --label pool=gpu", "./muster history demo --since 30m --json"})
final class HistoryCommand implements Runnable {

    /** Minutes have demand, machines and waits; hours have what was paid for. */
    enum Series {
        MINUTE, HOUR;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Mixin
    CommonOptions common;

    @Parameters(paramLabel = "FLEET")
    String fleet;

    @Option(names = "--series", paramLabel = "SERIES", defaultValue = "minute", description = "minute: demand, machines and waits; hour: paid time and money (default: ${DEFAULT-VALUE}).")
    Series series;

    @Option(names = "--since", paramLabel = "WHEN", description = "A span before now, such as 30m, or a moment, such as 2026-11-28T08:00:00Z (default: an hour before --until, of hours a day).")
    String since;

    @Option(names = "--until", paramLabel = "WHEN", description = "As above (default: now).")
    String until;

    @Option(names = "--label", paramLabel = "NAME=VALUE", description = "Only rows with this label: pool, queue, project or user. May be there several times.")
    Map<String, String> labels = Map.of();

    @Option(names = "--last", paramLabel = "N", defaultValue = "10000", description = "At most this many rows (default: ${DEFAULT-VALUE}).")
    int last;

    @Override
    public void run() {
        if (last < 1 || last > 1_000_000) {
            throw CliFailure.usage("--last is " + last + ": it must be from 1 to 1000000");
        }
        var now = Instant.now();
        var request = QueryHistoryRequest.newBuilder().setFleet(fleet).setSeries(series.toString()).putAllLabels(labels);
        if (since != null) {
            request.setSince(Times.timestamp(Times.moment("--since", since, now)));
        }
        if (until != null) {
            request.setUntil(Times.timestamp(Times.moment("--until", until, now)));
        }
        var output = common.output();
        try (var control = common.control()) {
            var rows = control.pages(token -> control.history().queryHistory(request.setPageToken(token).build()), QueryHistoryResponse::getRowsList,
                    QueryHistoryResponse::getNextPageToken, last);
            if (output.isJson()) {
                output.resource(QueryHistoryResponse.newBuilder().addAllRows(rows).build());
            } else if (rows.isEmpty()) {
                output.line("no rows of that time");
            } else {
                output.table(List.of("FROM", "OF", "WAITING", "RUNNING", "MACHINES", "SPENT", "STARTED"), rows.stream().map(HistoryCommand::row).toList());
            }
        }
    }

    private static List<String> row(HistoryRow row) {
        return List.of(Times.local(row.getStart()),
                row.getLabelsCount() == 0 ? "all" : new TreeMap<>(row.getLabelsMap()).entrySet().stream().map(one -> one.getKey() + "=" + one.getValue()).collect(Collectors.joining(" ")),
                Integer.toString(row.getWaiting()), Integer.toString(row.getRunning()), FleetCommand.byPhase(row.getMachinesMap()),
                Money.amount(BigDecimal.valueOf(row.getSpentMicros(), 6), "") + (row.getComplete() ? "" : " (not complete)"),
                Long.toString(row.getWaitsList().stream().mapToLong(Long::longValue).sum()));
    }
}
