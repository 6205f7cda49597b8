package dev.muster.planner.stream;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class ProgressTest {

    private static final Duration LONG = Duration.ofHours(1);

    private final Progress progress = new Progress();

    @Test
    void aPartitionThatIsStillBeingReadIsNamed() {
        progress.turn(0, true);
        progress.turn(3, false);
        assertThat(progress.trouble(LONG)).contains("what was there at its start is still being read; partitions [3]");
        progress.turn(3, true);
        assertThat(progress.trouble(LONG)).isEmpty();
    }

    @Test
    void turnsThatNoLongerComeAreNoticed() {
        progress.turn(0, true);
        assertThat(progress.stuck(LONG)).isEmpty();
        assertThat(progress.stuck(Duration.ZERO)).containsExactly(0);
        assertThat(progress.trouble(Duration.ZERO)).contains("planning stands still for more than 0 s; partitions [0]");
    }

    @Test
    void whatAnotherProcessHasIsNoTroubleOfThisOne() {
        progress.turn(0, false);
        progress.ended(0);
        assertThat(progress.trouble(Duration.ZERO)).isEmpty();
    }
}
