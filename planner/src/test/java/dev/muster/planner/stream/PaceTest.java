package dev.muster.planner.stream;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class PaceTest {

    private static final long MS = 1_000_000;

    private final Pace pace = new Pace(Duration.ofMillis(20));
    private boolean recordsWait = true;

    private boolean isTurn(int partition, long atMs) {
        return pace.isTurn(partition, atMs * MS, () -> recordsWait);
    }

    @Test
    void aPartitionIsPlannedAtOnceForTheFirstTime() {
        assertThat(isTurn(0, 0)).isTrue();
    }

    @Test
    void whereNothingWaitsItIsAlwaysPlanningsTurn() {
        pace.planned(0, 0, 100 * MS);
        recordsWait = false;
        assertThat(isTurn(0, 101)).isTrue();
    }

    @Test
    void planningTakesAQuarterOfTheTimeWhileRecordsWait() {
        pace.planned(0, 0, 10 * MS);
        assertThat(isTurn(0, 39)).isFalse();
        assertThat(isTurn(0, 40)).isTrue();
    }

    @Test
    void partitionsOfAThreadShareThatQuarterAndEachHasItsTurn() {
        pace.planned(0, 0, 10 * MS);
        pace.planned(1, 10 * MS, 30 * MS);
        // Both together cost 30 ms, which leaves 90 for reading.
        assertThat(isTurn(0, 99)).isFalse();
        assertThat(isTurn(0, 100)).isTrue();
        pace.planned(0, 100 * MS, 110 * MS);
        assertThat(isTurn(0, 120)).isFalse();
        assertThat(isTurn(1, 120)).isTrue();
    }

    @Test
    void aPartitionThatWasLostCountsNoMore() {
        pace.planned(0, 0, 10 * MS);
        pace.planned(1, 10 * MS, 110 * MS);
        pace.lost(1);
        assertThat(isTurn(0, 40)).isTrue();
    }

    @Test
    void whatWaitsIsAskedForOnlyWhereItMatters() {
        pace.planned(0, 0, 10 * MS);
        assertThat(pace.isTurn(0, 40 * MS, () -> {
            throw new AssertionError("asked");
        })).isTrue();
    }

    @Test
    void aCommitIsAskedForOnceInItsInterval() {
        assertThat(pace.mayCommit(1_000 * MS)).isTrue();
        assertThat(pace.mayCommit(1_019 * MS)).isFalse();
        assertThat(pace.mayCommit(1_020 * MS)).isTrue();
    }
}
