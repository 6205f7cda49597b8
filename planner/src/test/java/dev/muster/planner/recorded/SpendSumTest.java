package dev.muster.planner.recorded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Duration;
import dev.muster.contracts.Times;
import dev.muster.planner.answer.Span;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.GetSpendRequest;
import dev.muster.v1.HistoryRow;
import dev.muster.v1.SpendGroup;
import dev.muster.v1.SpendRow;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What hours cost, by step and group. */
class SpendSumTest {

    private static final Instant MIDNIGHT = Instant.parse("2026-11-20T00:00:00Z");
    private static final Instant LATER = Instant.parse("2026-12-01T00:00:00Z");

    private static FleetRecord fleet(String zone) {
        return FleetRecord.newBuilder().setSpec(FleetSpec.newBuilder().setCurrency("EUR").setTimeZone(zone)).build();
    }

    private static HistoryRows.Row row(Instant hour, long micros, Map<String, String> labels) {
        return new HistoryRows.Row(1, HistoryRow.newBuilder().setSeries("hour").setStart(Times.timestamp(hour)).setLength(hours(1)).putAllLabels(labels)
                .setSpentMicros(micros).putPaidMs("useful", micros * 10).putPaidMs("idle", 5).setComplete(true).build());
    }

    private static Duration hours(long hours) {
        return Duration.newBuilder().setSeconds(hours * 3600).build();
    }

    private static SpendRow spent(Instant start, long hours, long micros, long useful, long idle, Map<String, String> labels) {
        var row = SpendRow.newBuilder().setStart(Times.timestamp(start)).setLength(hours(hours)).putAllLabels(labels).setSpentMicros(micros);
        return useful + idle == 0 ? row.build() : row.putPaidMs("useful", useful).putPaidMs("idle", idle).build();
    }

    @Test
    void sumsHoursByProjectMostFirstAndLeavesOutWhatIsNobodys() {
        var sum = SpendSum.of(GetSpendRequest.newBuilder().addGroupBy(SpendGroup.BY_PROJECT).build(), fleet(""), new Span(MIDNIGHT, MIDNIGHT.plusSeconds(7200)));
        // When
        sum.add(row(MIDNIGHT, 10, Map.of("pool", "cpu", "project", "vision")));
        sum.add(row(MIDNIGHT.plusSeconds(3600), 20, Map.of("pool", "gpu", "project", "vision")));
        sum.add(row(MIDNIGHT, 40, Map.of("pool", "cpu", "project", "text")));
        sum.add(row(MIDNIGHT, 5, Map.of("pool", "cpu")));
        // Then
        var answer = sum.answer(LATER);
        assertThat(answer.getCurrency()).isEqualTo("EUR");
        assertThat(answer.getComplete()).isTrue();
        assertThat(answer.getRowsList()).containsExactly(
                spent(MIDNIGHT, 2, 40, 400, 5, Map.of("project", "text")),
                spent(MIDNIGHT, 2, 30, 300, 10, Map.of("project", "vision")),
                spent(MIDNIGHT, 2, 5, 50, 5, Map.of()));
    }

    @Test
    void stepsOfDaysBeginAtTheFleetsMidnightsAlsoWhereClocksChange() {
        // Given the day on which Berlin's clocks go back, which has 25 hours.
        var sunday = Instant.parse("2026-10-24T22:00:00Z");
        var sum = SpendSum.of(GetSpendRequest.newBuilder().setStep(hours(24)).build(), fleet("Europe/Berlin"),
                new Span(Instant.parse("2026-10-25T12:30:00Z"), Instant.parse("2026-10-26T12:00:00Z")));
        // When
        assertThat(sum.span()).isEqualTo(new Span(sunday, Instant.parse("2026-10-26T12:00:00Z")));
        sum.add(row(Instant.parse("2026-10-25T22:00:00Z"), 7, Map.of()));
        sum.add(row(Instant.parse("2026-10-25T23:00:00Z"), 8, Map.of()));
        // Then
        assertThat(sum.answer(LATER).getRowsList()).containsExactly(
                spent(sunday, 25, 7, 70, 5, Map.of()), spent(Instant.parse("2026-10-25T23:00:00Z"), 13, 8, 80, 5, Map.of()));
    }

    @Test
    void anHourThatRunsOrBooksThatWereLostMakeItIncomplete() {
        var request = GetSpendRequest.newBuilder().setStep(hours(1)).build();
        var running = SpendSum.of(request, fleet(""), new Span(MIDNIGHT, MIDNIGHT.plusSeconds(4000)));
        assertThat(running.answer(MIDNIGHT.plusSeconds(4000)).getComplete()).isFalse();
        assertThat(running.answer(MIDNIGHT.plusSeconds(7200))).satisfies(answer -> {
            assertThat(answer.getComplete()).isTrue();
            assertThat(answer.getRowsList()).containsExactly(spent(MIDNIGHT, 1, 0, 0, 0, Map.of()), spent(MIDNIGHT.plusSeconds(3600), 1, 0, 0, 0, Map.of()));
        });
        running.add(new HistoryRows.Row(1, row(MIDNIGHT, 1, Map.of()).row().toBuilder().setComplete(false).build()));
        assertThat(running.answer(LATER).getComplete()).isFalse();
    }

    @Test
    void whatIsNoStepOrGroupIsNamed() {
        var day = new Span(MIDNIGHT, MIDNIGHT.plusSeconds(86_400));
        for (var step : List.of(Duration.newBuilder().setSeconds(1800).build(), Duration.getDefaultInstance(), Duration.newBuilder().setSeconds(-3600).build(),
                Duration.newBuilder().setSeconds(3600).setNanos(1).build(), Duration.newBuilder().setSeconds(Long.MAX_VALUE).build())) {
            assertThatThrownBy(() -> SpendSum.of(GetSpendRequest.newBuilder().setStep(step).build(), fleet(""), day)).hasMessageContaining("step is not some whole hours");
        }
        assertThatThrownBy(() -> SpendSum.of(GetSpendRequest.newBuilder().addGroupBy(SpendGroup.BY_USER).addGroupByValue(99).build(), fleet(""), day))
                .hasMessageContaining("groupBy[1] is nothing to split by");
        assertThatThrownBy(() -> SpendSum.of(GetSpendRequest.newBuilder().setStep(hours(1)).build(), fleet(""), new Span(MIDNIGHT, MIDNIGHT.plusSeconds(86_400L * 90))))
                .hasMessageContaining("step cuts the time into more than 2000 rows");
    }
}
