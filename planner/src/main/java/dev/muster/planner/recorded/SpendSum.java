package dev.muster.planner.recorded;

import com.google.protobuf.util.Durations;
import dev.muster.contracts.Times;
import dev.muster.planner.answer.ApiErrors;
import dev.muster.planner.answer.Span;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.GetSpendRequest;
import dev.muster.v1.GetSpendResponse;
import dev.muster.v1.HistoryRow;
import dev.muster.v1.SpendGroup;
import dev.muster.v1.SpendRow;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Adds rows of hours up, by steps and groups. Hours are whole: what is asked for is widened to them, and with steps of days to whole days of
 * the fleet's time zone, as far as they are not in the future. One thread uses it at a time.
 */
public final class SpendSum {

    /** Label of a row by what asks for it. */
    private static final Map<SpendGroup, String> LABELS = Map.of(SpendGroup.BY_POOL, "pool", SpendGroup.BY_QUEUE, "queue", SpendGroup.BY_PROJECT, "project",
            SpendGroup.BY_USER, "user");
    /** More are no table that anybody reads, and no answer that one message should carry. */
    static final int MOST_STEPS = 2_000;
    static final int MOST_ROWS = 20_000;

    private final Span span;
    private final Set<SpendGroup> groups;
    private final String currency;
    /** Begin of each step, and its end. */
    private final TreeMap<Instant, Instant> steps;
    private final Map<Key, Sum> sums = new HashMap<>();
    private boolean complete = true;

    private record Key(Instant step, Map<String, String> labels) {}

    private static final class Sum {
        private long micros;
        private final TreeMap<String, Long> paid = new TreeMap<>();
    }

    private SpendSum(Span span, Set<SpendGroup> groups, String currency, TreeMap<Instant, Instant> steps) {
        this.span = span;
        this.groups = groups;
        this.currency = currency;
        this.steps = steps;
    }

    /** @throws io.grpc.StatusRuntimeException naming the field that is wrong */
    public static SpendSum of(GetSpendRequest request, FleetRecord fleet, Span asked) {
        var groups = EnumSet.noneOf(SpendGroup.class);
        for (int i = 0; i < request.getGroupByCount(); i++) {
            var group = request.getGroupBy(i);
            if (!LABELS.containsKey(group)) {
                throw ApiErrors.invalid("groupBy[" + i + "]", "is nothing to split by", "use BY_POOL, BY_QUEUE, BY_PROJECT or BY_USER");
            }
            groups.add(group);
        }
        var zone = fleet.getSpec().getTimeZone().isEmpty() ? ZoneOffset.UTC : ZoneId.of(fleet.getSpec().getTimeZone());
        var step = request.hasStep() ? step(request) : null;
        var days = step != null && step.toHours() % 24 == 0 ? (int) step.toDays() : 0;
        var until = ceiling(asked.until());
        var since = days > 0 ? asked.since().atZone(zone).toLocalDate().atStartOfDay(zone).toInstant() : asked.since().truncatedTo(ChronoUnit.HOURS);
        var steps = new TreeMap<Instant, Instant>();
        for (var begin = since; begin.isBefore(until); ) {
            var next = step == null ? until : days > 0 ? begin.atZone(zone).toLocalDate().plusDays(days).atStartOfDay(zone).toInstant() : begin.plus(step);
            steps.put(begin, next.isBefore(until) ? next : until);
            if (steps.size() > MOST_STEPS) {
                throw ApiErrors.invalid("step", "cuts the time into more than " + MOST_STEPS + " rows", "use a longer step, or ask for less time");
            }
            begin = next;
        }
        return new SpendSum(new Span(since, until), groups, fleet.getSpec().getCurrency(), steps);
    }

    private static Duration step(GetSpendRequest request) {
        if (!Durations.isValid(request.getStep()) || !Durations.isPositive(request.getStep()) || request.getStep().getNanos() != 0
                || request.getStep().getSeconds() % 3600 != 0) {
            throw ApiErrors.invalid("step", "is not some whole hours", "use whole hours such as 3600s, or days such as 86400s");
        }
        return Duration.ofSeconds(request.getStep().getSeconds());
    }

    private static Instant ceiling(Instant instant) {
        var hour = instant.truncatedTo(ChronoUnit.HOURS);
        return hour.equals(instant) ? hour : hour.plus(1, ChronoUnit.HOURS);
    }

    /** Of which rows are wanted. */
    public Span span() {
        return span;
    }

    /** Always answers true: every row counts. */
    public boolean add(HistoryRows.Row read) {
        HistoryRow row = read.row();
        complete &= row.getComplete();
        var labels = new TreeMap<String, String>();
        groups.forEach(group -> {
            var value = row.getLabelsOrDefault(LABELS.get(group), "");
            if (!value.isEmpty()) {
                labels.put(LABELS.get(group), value);
            }
        });
        var key = new Key(steps.floorKey(read.start()), labels);
        if (!sums.containsKey(key) && sums.size() == MOST_ROWS) {
            throw ApiErrors.invalid("groupBy", "splits the time into more than " + MOST_ROWS + " rows", "use a longer step, fewer groups, or ask for less time");
        }
        var sum = sums.computeIfAbsent(key, none -> new Sum());
        sum.micros = Math.addExact(sum.micros, row.getSpentMicros());
        row.getPaidMsMap().forEach((kind, millis) -> sum.paid.merge(kind, millis, Math::addExact));
        return true;
    }

    public GetSpendResponse answer(Instant now) {
        if (groups.isEmpty()) {
            steps.keySet().forEach(step -> sums.computeIfAbsent(new Key(step, Map.of()), none -> new Sum()));
        }
        List<SpendRow> rows = new ArrayList<>();
        sums.forEach((key, sum) -> rows.add(SpendRow.newBuilder().setStart(Times.timestamp(key.step()))
                .setLength(com.google.protobuf.Duration.newBuilder().setSeconds(Duration.between(key.step(), steps.get(key.step())).toSeconds()))
                .putAllLabels(key.labels()).setSpentMicros(sum.micros).putAllPaidMs(sum.paid).build()));
        rows.sort(Comparator.comparingLong((SpendRow row) -> row.getStart().getSeconds()).thenComparing(Comparator.comparingLong(SpendRow::getSpentMicros).reversed())
                .thenComparing(row -> new TreeMap<>(row.getLabelsMap()).toString()));
        return GetSpendResponse.newBuilder().addAllRows(rows).setCurrency(currency).setComplete(complete && !span.until().isAfter(now.truncatedTo(ChronoUnit.HOURS)))
                .build();
    }
}
