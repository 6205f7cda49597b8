package dev.muster.planner.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class CauseChainsTest {

    private final CauseChains chains = new CauseChains();

    @Test
    void aChainIsWholeFromTheLaunchOverEveryDecisionToTheLast() {
        chains.decided("1", Reason.TASKS_WAIT, List.of("m-1", "m-2"), List.of());
        chains.decided("2", Reason.IDLE_TOO_LONG, List.of("m-1"), List.of("1"));
        chains.decided("3", Reason.DRAIN_OVERDUE, List.of("m-1"), List.of("2"));
        chains.decided("4", Reason.LAUNCH_WAS_REFUSED, List.of("m-3"), List.of("1"));

        assertThat(chains.machines()).isEqualTo(3);
        assertThat(chains.broken()).isEmpty();
    }

    @Test
    void aMachineThatNobodyLaunchedHasNone() {
        chains.decided("1", Reason.IDLE_TOO_LONG, List.of("m-1"), List.of());
        chains.decided("2", null, List.of("m-2"), List.of());

        assertThat(chains.broken()).containsExactly("m-1", "m-2");
    }

    @Test
    void aDecisionThatNamesOnlyAnotherMachinesDecisionBreaksIt() {
        chains.decided("1", Reason.TASKS_WAIT, List.of("m-1"), List.of());
        chains.decided("2", Reason.TASKS_WAIT, List.of("m-2"), List.of());
        chains.decided("3", Reason.IDLE_TOO_LONG, List.of("m-1"), List.of("2"));

        assertThat(chains.broken()).containsExactly("m-1");
    }
}
