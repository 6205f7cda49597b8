package dev.muster.planner.simulation;

import java.util.function.Supplier;

/** Bugs that other autoscalers have or had, each put into ours, and the promise that it breaks here. */
enum PeerBug {

    ASKS_EVERY_POOL("What the first pool covers is asked of the next as well: 3 tasks, pools of 2 and 5, 5 machines",
            "ClearML `auto_scaler.py`, found by running it", LaunchesAreNotExcessive.class, MutatedRules::asksEveryPool),
    FORGETS_WHAT_BOOTS("Machines that boot are not counted as supply, so each pass buys again",
            "kedacore/keda#529, #2488, #6157", LaunchesAreNotExcessive.class, MutatedRules::forgetsWhatBoots),
    COUNTS_TASK_PODS_FOR_ANY_TASK("What runs is subtracted from what waits, though a machine that runs a task takes no other",
            "KEDA `scale_jobs.go`: the default strategy subtracts running jobs", EachWaitingTaskHasItsPod.class, MutatedRules::countsTaskPodsForAnyTask),
    WARM_POOL_IGNORES_LIMITS("Two parts launch, and only one knows the maximum",
            "github-aws-runners#5186, #3469", LimitsHold.class, MutatedRules::warmPoolIgnoresLimits),
    DOES_NOT_COUNT_WHAT_LEAVES("A machine counts no more once it was told to end, though it is still there",
            "kuberay#4720, ec2-fleet-plugin", LimitsHold.class, MutatedRules::doesNotCountWhatLeaves),
    KNOWS_NO_MONEY("Counts are capped, money is not",
            "kubernetes-sigs/karpenter#1215, skypilot#8766", PeriodBudgetHoldsUpToReserve.class, MutatedRules::knowsNoMoney),
    NO_TOKEN("A call for machines carries no idempotency token: repeated, it makes more",
            "kubernetes-sigs/karpenter#1448, #2808", EachIdIsOneMachine.class, MutatedWorld::noToken),
    SILENCE_IS_A_REFUSAL("A call without an answer counts as refused; what it started is nobody's",
            "ClearML `aws_driver.py`: a spot wait that fails, tags that fail", LimitsHold.class, MutatedWorld::silenceIsARefusal),
    RESTART_FORGETS_MACHINES("After an error the loop begins with empty hands, and buys again what boots",
            "ClearML `auto_scaler.py`, found by running it; ec2-fleet-plugin's transient fields", NothingIsLeftBehind.class,
            MutatedWorld::restartForgetsMachines),
    MISSING_AT_ONCE_IS_GONE("A machine that the cloud does not list yet is taken for gone",
            "skypilot#4431", LimitsHold.class, MutatedWorld::missingAtOnceIsGone),
    FAILED_LIST_IS_EMPTY("A list that failed counts as an empty one",
            "KEDA `scale_jobs.go`: getRunningJobCount answers 0", RateBudgetHolds.class, MutatedWorld::failedListIsEmpty),
    FAILED_LOOK_IS_GOOD("A look at the queue that failed counts as one that showed what was there before",
            "KEDA, Titus's reason for its gate on stale data", NothingIsDoneOnStaleFacts.class, MutatedWorld::failedLookIsEmpty),
    TRIES_REFUSED_OFFERS_AGAIN("A launch without capacity is tried again on each pass, on the same offer",
            "clearml#493", RefusedOffersAreLeftAlone.class, MutatedRules::triesRefusedOffersAgain),
    DROPS_HOLDS_AFTER_A_FIXED_TIME("Lack of capacity is forgotten after a fixed time: everybody tries at once",
            "Karpenter's 3-minute cache", RefusedOffersAreLeftAlone.class, MutatedRules::dropsHoldsAfterAFixedTime),
    TERMINATES_WHAT_LOOKED_IDLE("Idle is looked at, then the machine is terminated; in between it took a task",
            "clearml#1202, github-aws-runners#5085, ec2-fleet-plugin#459", BusyMachinesAreNeverTerminated.class,
            MutatedRules::terminatesWhatLookedIdle),
    TERMINATES_WHAT_IS_OLD("An age limit ends a machine, busy or not",
            "ejc3/fcvm#884", BusyMachinesAreNeverTerminated.class, MutatedRules::terminatesWhatIsOld),
    TERMINATES_WHAT_SHOWS_NO_WORKER("A machine whose worker is not known is safe to end",
            "ec2-fleet-plugin#576, github-aws-runners#3589", BusyMachinesAreNeverTerminated.class, MutatedRules::terminatesWhatShowsNoWorker),
    RESTART_ENDS_MACHINES("A new release of the scaler ends what the old one started",
            "shader-slang/slang#11067", BusyMachinesAreNeverTerminated.class, MutatedWorld::restartEndsMachines),
    SWEEPS_WITHOUT_AN_AGE_GATE("A sweep ends machines that the books don't show yet",
            "google-compute-engine-plugin#508, #157", BusyMachinesAreNeverTerminated.class, MutatedWorld::sweepsWithoutAnAgeGate),
    FORGETS_BEFORE_IT_IS_GONE("The record of a machine goes before the call that ends it has worked",
            "ClearML `auto_scaler.py`", NothingIsLeftBehind.class, MutatedRules::forgetsBeforeItIsGone),
    GIVES_UP_TERMINATING("A termination that fails for a while is given up",
            "dstack `instances/termination.py`, dstack#3241", NothingIsLeftBehind.class, MutatedRules::givesUpTerminating),
    LEAVES_MACHINES_WITHOUT_AGENTS("A machine whose agent is gone is neither counted nor ended",
            "clearml#979", NothingIsLeftBehind.class, MutatedRules::leavesMachinesWithoutAgents),
    IDLE_SINCE_THE_LAST_REPORT("Idle is measured from the last activity, and each report is one",
            "ClearML `auto_scaler.py` with the server's last_activity_time", NothingIsLeftBehind.class, MutatedRules::idleSinceTheLastReport),
    GHOSTS_ARE_SUPPLY("A worker that vanished while idle counts as idle for ever, and its queue starves",
            "ClearML `auto_scaler.py`, found by running it; clearml#1201", DemandIsMetOnceFaultsStop.class, MutatedWorld::ghostsAreSupply),
    A_BAD_ROW_STOPS_THE_LOOP("A report that does not fit breaks the loop",
            "ray#60566, ray PR#63424", NothingIsLeftBehind.class, MutatedWorld::aBadRowStopsTheLoop),
    RESCUES_NOTHING("A task whose machine is gone stays in progress on nobody",
            "clearml#979", EveryTaskRunsOnceOrIsRescued.class, MutatedWorld::rescuesNothing),
    KILLED_TASKS_ARE_COMPLETE("An agent that is ended marks its task completed",
            "clearml-agent#188", EveryTaskRunsOnceOrIsRescued.class, MutatedWorld::killedTasksAreComplete);

    private final String what;
    private final String reported;
    private final Class<? extends Invariant> invariant;
    private final Supplier<Bug> bug;

    PeerBug(String what, String reported, Class<? extends Invariant> invariant, Supplier<Bug> bug) {
        this.what = what;
        this.reported = reported;
        this.invariant = invariant;
        this.bug = bug;
    }

    String what() {
        return what;
    }

    /** Where it was reported or read; "found by running it" means their unchanged code, with its surroundings faked. */
    String reported() {
        return reported;
    }

    String invariant() {
        return invariant.getSimpleName();
    }

    Bug bug() {
        return bug.get();
    }
}
