package dev.muster.provisioner.host;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.provisioner.spi.Scope;
import dev.muster.v1.Phase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** For which machines a scope is listed often. */
class FleetBookTest {

    private static FleetBook.Line line(Phase phase, boolean waits) {
        return new FleetBook.Line("train", "mabcdefgh-1", new Scope("k8s", "lab", "ml"), "uid", phase, waits, false, null);
    }

    @ParameterizedTest
    @EnumSource(value = Phase.class, names = {"REQUESTED", "LAUNCHING", "BOOTING", "DRAINING", "TERMINATING"})
    void forThoseOnTheirWay(Phase phase) {
        assertThat(line(phase, false).isMoving()).isTrue();
    }

    @ParameterizedTest
    @EnumSource(value = Phase.class, names = {"READY", "GONE", "FAILED", "LOST"})
    void notForThoseThatStay(Phase phase) {
        assertThat(line(phase, false).isMoving()).isFalse();
    }

    @Test
    void notForOneThatWaitsForRoomAndMayForDays() {
        assertThat(line(Phase.BOOTING, true).isMoving()).isFalse();
        assertThat(line(Phase.DRAINING, true).isMoving()).as("it is told to go").isTrue();
    }
}
