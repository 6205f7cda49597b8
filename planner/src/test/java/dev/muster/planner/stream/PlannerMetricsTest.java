package dev.muster.planner.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.planner.core.PlanRecord;
import dev.muster.planner.core.Reason;
import dev.muster.telemetry.Meters;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class PlannerMetricsTest {

    private static final Instant BEGUN = Instant.parse("2026-01-01T00:00:00Z");

    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final PlannerMetrics metrics = new PlannerMetrics(new Meters(registry));

    @Test
    void aTaskOnTwoWorkersCountsOnceHoweverOftenItIsSaid() {
        metrics.refused("train", runsTwice(Reason.TASK_RUNS_TWICE, BEGUN));
        metrics.refused("train", runsTwice(Reason.TASK_RUNS_TWICE, BEGUN.plusSeconds(600)));
        metrics.refused("train", runsTwice(null, BEGUN.plusSeconds(700)));

        assertThat(registry.counter("muster_refusals_total", "fleet", "train", "reason", "task_runs_twice").count()).isEqualTo(1);
    }

    @Test
    void decisionsCountByTheirReason() {
        var decided = new PlanRecord.Decided("d-1", "CarryOutRequests", Reason.ASKED_FOR, "gpu", "", List.of("m-1"), List.of(), new TreeMap<>(),
                new TreeMap<>(Map.of("how", "drain")), List.of(), List.of(), List.of());
        metrics.decided("train", decided);
        metrics.decided("train", decided);

        assertThat(registry.counter("muster_decisions_total", "fleet", "train", "reason", "asked_for").count()).isEqualTo(2);
    }

    private static PlanRecord.Refused runsTwice(Reason reason, Instant at) {
        return new PlanRecord.Refused("d-1", "WarnOfMistakes", reason, "", "", "WarnOfMistakes t-1", 0, BEGUN, at, new TreeMap<>(),
                new TreeMap<>(Map.of("task", "t-1", "first", "a", "second", "b")), List.of());
    }
}
