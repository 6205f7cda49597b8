package dev.muster.planner.simulation;

import java.util.List;

/** Everything that a run is held to. */
final class Invariants {

    private Invariants() {}

    static List<Invariant> all() {
        return List.of(new RateBudgetHolds(), new PeriodBudgetHoldsUpToReserve(), new LimitsHold(), new BusyMachinesAreNeverTerminated(),
                new EveryTaskRunsOnceOrIsRescued(), new EachIdIsOneMachine(), new NothingIsLeftBehind(), new DemandIsMetOnceFaultsStop(),
                new ReplayEqualsHistory(), new NothingIsDoneOnStaleFacts(), new NothingIsLaunchedWhilePaused(), new PhasesFollowTheTable(),
                new StoredStateIsWhole(), new LaunchesAreNotExcessive(), new RefusedOffersAreLeftAlone(), new EveryMachineHasItsChain(),
                new TaskPodsTakeTheirOwn(), new EachWaitingTaskHasItsPod(), new PodsWithoutRoomAreFree());
    }
}
