package dev.muster.planner.stream;

import static dev.muster.planner.stream.RandomHistory.TOPICS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.planner.core.Planner;
import dev.muster.planner.replay.Replay;
import dev.muster.v1.DecisionEvent;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ReplayTest {

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void aHistoryIsDecidedAgainBitForBit(long seed) {
        var history = new RandomHistory(seed, 3, Planner::plan).declareAll().play(3_000);
        // When
        var report = Replay.of(TOPICS, history.recording(), fleet -> true);
        // Then
        assertThat(report.differences()).as("seed " + seed).isEmpty();
        assertThat(report.fleets()).hasSize(3).allSatisfy(fleet -> {
            assertThat(fleet.from()).isEqualTo("creation");
            assertThat(fleet.notCompared()).isEmpty();
            assertThat(fleet.plans()).isGreaterThan(20);
            assertThat(fleet.decisions()).isGreaterThan(20);
            assertThat(fleet.commands()).isPositive();
            assertThat(fleet.answers()).isPositive();
            assertThat(fleet.snapshots()).isPositive();
            assertThat(fleet.rows()).isPositive();
        });
    }
}
