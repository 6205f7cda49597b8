package dev.muster.planner.core;

import static dev.muster.planner.core.Scenario.SCOPE;
import static dev.muster.planner.core.Scenario.offer;
import static dev.muster.planner.core.Scenario.pool;
import static dev.muster.planner.core.Scenario.queue;
import static dev.muster.planner.core.Scenario.spec;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.planner.core.FleetEvent.MachineFacts;
import dev.muster.planner.core.FleetEvent.MachinesAsked.Verb;
import dev.muster.planner.core.FleetEvent.ScopeState;
import dev.muster.planner.core.FleetEvent.Seen;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class PlannerTest {

    private static final Duration SECOND = Duration.ofSeconds(1);

    // Demand and supply.

    @Test
    void launchesOneMachinePerWaitingTask() {
        var s = Scenario.onePool(10).waiting("gpu", 3).look().list().plan();

        assertThat(s.commands(Command.Launch.class)).singleElement().satisfies(launch -> {
            assertThat(launch.machineIds()).containsExactly("mabcdefgh-1", "mabcdefgh-2", "mabcdefgh-3");
            assertThat(launch.batchId()).isEqualTo("mabcdefgh-1");
            assertThat(launch.queueIds()).containsExactly("q-gpu");
        });
        assertThat(s.machines(Phase.REQUESTED)).hasSize(3);
        assertThat(s.decisions()).containsExactly(Reason.TASKS_WAIT);
    }

    @Test
    void launchesNothingTwiceForTheSameTask() {
        var s = Scenario.onePool(10).waiting("gpu", 3).look().list().plan();
        s.pass(SECOND).look().list().plan();
        s.allBoot();
        s.pass(SECOND).look().list().plan();

        assertThat(s.commands(Command.Launch.class)).hasSize(1);
        assertThat(s.machines(Phase.READY)).hasSize(3);
    }

    @Test
    void doesNotSubtractRunningWorkFromWhatWaits() {
        var s = Scenario.onePool(10).waiting("gpu", 1).look().list().plan().allBoot();
        s.worker(s.onlyMachine(), "task-0").waiting("gpu", 2).pass(SECOND).look().plan();

        assertThat(s.fleet.active()).hasSize(3);
    }

    @Test
    void staysWithinThePoolsLimitAndSaysSo() {
        var s = Scenario.onePool(2).waiting("gpu", 5).look().list().plan();

        assertThat(s.fleet.active()).hasSize(2);
        assertThat(s.refusals()).containsExactly(Reason.AT_POOL_LIMIT);
        assertThat(s.fleet.refusals()).singleElement().satisfies(refusal -> {
            assertThat(refusal.waiting()).isEqualTo(3);
            assertThat(refusal.text()).isEqualTo("3 wait in gpu with no machine to come; gpu is at its limit of 2 machines");
        });
    }

    @Test
    void goesOnToTheNextPoolWithWhatTheFirstCannotCover() {
        // 3 wait, a may have 2 and b 5: ClearML's own autoscaler launches five machines here.
        var s = Scenario.of(spec(List.of(queue("q", "a", "b")), List.of(pool("a", 2), pool("b", 5)))).waiting("q", 3).look().list().plan();

        assertThat(s.fleet.active().values().stream().map(Machine::pool)).containsExactly("a", "a", "b");
        assertThat(s.refusals()).isEmpty();
    }

    @Test
    void leavesASharedPoolsMachinesToTheQueueThatHasNoOther() {
        var s = Scenario.of(spec(List.of(queue("any", "shared", "own"), queue("only", "shared")), List.of(pool("shared", 1), pool("own", 1))));
        s.waiting("only", 1).waiting("any", 0).look().list().plan();
        s.waiting("any", 1).look().plan();

        assertThat(s.fleet.active().values().stream().map(Machine::pool)).containsExactlyInAnyOrder("shared", "own");
    }

    @Test
    void fillsSlotsBeforeLaunchingMore() {
        var four = pool("gpu", 0, 10, 4, offer("g5.12xlarge", "us-east-1a", Market.ON_DEMAND));
        var s = Scenario.of(spec(List.of(queue("a", "gpu"), queue("b", "gpu")), List.of(four))).waiting("a", 3).waiting("b", 2).look().list().plan();

        assertThat(s.fleet.active()).hasSize(2);
    }

    @Test
    void countsIdleWorkersThatAreNotOursAsSupply() {
        var s = Scenario.onePool(10).waiting("gpu", 3).otherWorker("lab-box:gpu0", "", "q-gpu").otherWorker("lab-box:gpu1", "busy", "q-gpu")
                .otherWorker("elsewhere:0", "", "q-other").look().list().plan();

        assertThat(s.fleet.active()).hasSize(2);
    }

    @Test
    void makesBatchesOfAtMostAHundred() {
        var s = Scenario.onePool(1000).waiting("gpu", 1000).look().list().plan();

        assertThat(s.commands(Command.Launch.class)).hasSize(10).allSatisfy(launch -> assertThat(launch.machineIds()).hasSize(100));
    }

    @Test
    void keepsTheMinimumWithNoDemand() {
        var s = Scenario.of(spec(List.of(queue("gpu", "gpu")), List.of(pool("gpu", 2, 5, 1, offer("g4dn.xlarge", "", Market.ON_DEMAND)))))
                .look().list().plan().allBoot();
        s.pass(Duration.ofHours(1)).look().list().plan();

        assertThat(s.machines(Phase.READY)).hasSize(2);
        assertThat(s.commands(Command.Drain.class)).isEmpty();
    }

    @Test
    void namesAMissingQueueAndOneThatAnotherFleetHas() {
        var s = Scenario.of(spec(List.of(queue("a", "gpu"), queue("b", "gpu")), List.of(pool("gpu", 5))))
                .queueIs("a", QueueSeen.State.MISSING, "").queueIs("b", QueueSeen.State.OWNED_BY_OTHER, "older").look().list().plan();

        assertThat(s.fleet.active()).isEmpty();
        assertThat(s.refusals()).containsExactly(Reason.QUEUE_MISSING, Reason.QUEUE_OWNED_BY_OTHER);
    }

    // Unknown is not zero.

    @Test
    void launchesNothingBeforeItsScopeHasBeenListed() {
        var s = Scenario.onePool(10).waiting("gpu", 1).look().plan();
        assertThat(s.fleet.active()).isEmpty();
        assertThat(s.refusals()).containsExactly(Reason.SCOPE_UNKNOWN);

        s.list().plan();
        assertThat(s.fleet.active()).hasSize(1);
        assertThat(s.refusals()).isEmpty();
    }

    @Test
    void launchesNothingWhileItsScopeCannotBeListed() {
        var s = Scenario.onePool(10).look().list().plan();
        s.waiting("gpu", 1).look().list(ScopeState.FAILED).plan();

        assertThat(s.fleet.active()).isEmpty();
        assertThat(s.refusals()).containsExactly(Reason.SCOPE_UNKNOWN);
    }

    @Test
    void holdsAtOnceWhenALookFails() {
        var s = Scenario.onePool(10).waiting("gpu", 1).look().list().plan().allBoot();
        s.waiting("gpu", 0).pass(Duration.ofMinutes(2)).look().list();
        s.lookFails().plan();

        assertThat(s.commands(Command.Drain.class)).isEmpty();
        assertThat(s.refusals()).containsExactly(Reason.READ_FAILED);

        s.look().plan();
        assertThat(s.commands(Command.Drain.class)).hasSize(1);
    }

    @Test
    void holdsAfterFifteenSilentSeconds() {
        var s = Scenario.onePool(10).look().list().plan();
        assertThat(s.fleet.due()).isEqualTo(s.now.plusSeconds(15));

        s.pass(Duration.ofSeconds(15)).plan();
        assertThat(s.refusals()).containsExactly(Reason.FACTS_STALE);
    }

    @Test
    void ignoresLooksOfAnOlderGenerationUntilTheNewerFallsSilent() {
        var s = Scenario.onePool(10).look().list().plan();
        var old = new FleetEvent.ReadFailed(s.now, new Seen("other", 0, 99, s.now, 1, 1), "UNREACHABLE", "workers.get_all", "", 1);
        s.fleet.apply(old);
        assertThat(s.fleet.demand().failure()).isEmpty();

        s.pass(Duration.ofSeconds(16));
        s.fleet.apply(new FleetEvent.ReadFailed(s.now, old.seen(), old.kind(), old.call(), "", 1));
        assertThat(s.fleet.demand().failure()).isEqualTo("UNREACHABLE at workers.get_all");
    }

    @Test
    void waitsForAFullListOfWorkersAfterAGap() {
        var s = Scenario.onePool(10).look().list().plan();
        var gap = new FleetEvent.DemandSeen(s.now, new Seen("watcher", 1, 7, s.now, 1, 1), 7, SECOND, false, List.copyOf(s.fleet.queues().values()),
                List.of(), List.of(), List.of());
        s.fleet.apply(gap);
        s.plan();
        assertThat(s.refusals()).containsExactly(Reason.FACTS_STALE);
    }

    @Test
    void appliesPartsTogether() {
        var s = Scenario.onePool(10).look().list().plan();
        s.waiting("gpu", 4);
        var first = new FleetEvent.DemandSeen(s.now, new Seen("watcher", 1, 2, s.now, 1, 2), 2, SECOND, true, List.of(), List.of(), List.of(), List.of());
        var second = new FleetEvent.DemandSeen(s.now, new Seen("watcher", 1, 2, s.now, 2, 2), 2, SECOND, true,
                List.of(new QueueSeen("gpu", "q-gpu", QueueSeen.State.SERVED, "", 4, s.now, List.of())), List.of(), List.of(), List.of());
        s.fleet.apply(first);
        assertThat(s.fleet.demand().sequence()).isEqualTo(1);
        s.fleet.apply(second);
        assertThat(s.fleet.queues().get("gpu").waiting()).isEqualTo(4);
    }

    // Refused launches.

    @Test
    void triesTheNextOfferAtOnceWhenOneIsRefused() {
        var two = pool("gpu", 0, 5, 1, offer("g4dn.xlarge", "us-east-1a", Market.SPOT), offer("g4dn.xlarge", "us-east-1b", Market.SPOT));
        var s = Scenario.of(spec(List.of(queue("gpu", "gpu")), List.of(two))).waiting("gpu", 1).look().list().plan();
        s.refuse(FailureKind.OUT_OF_CAPACITY, "mabcdefgh-1").plan();

        assertThat(s.fleet.machine("mabcdefgh-1").orElseThrow().phase()).isEqualTo(Phase.FAILED);
        var next = s.fleet.machine("mabcdefgh-2").orElseThrow();
        assertThat(next.offer().zone()).isEqualTo("us-east-1b");
        assertThat(next.replaces()).isEqualTo("mabcdefgh-1");
        assertThat(s.decisions()).containsExactly(Reason.TASKS_WAIT, Reason.LAUNCH_WAS_REFUSED);
    }

    @Test
    void replacesWhatOnePoolWasRefusedByTheNextPoolOfTheQueue() {
        var s = Scenario.of(spec(List.of(queue("gpu", "first", "second")), List.of(pool("first", 5),
                pool("second", 0, 5, 1, offer("g5.xlarge", "us-east-1a", Market.ON_DEMAND))))).waiting("gpu", 2).look().list().plan();
        s.refuse(FailureKind.OUT_OF_CAPACITY, "mabcdefgh-1", "mabcdefgh-2").plan();

        assertThat(s.fleet.machine("mabcdefgh-3").orElseThrow().pool()).isEqualTo("second");
        assertThat(s.fleet.machine("mabcdefgh-3").orElseThrow().replaces()).isEqualTo("mabcdefgh-1");
        assertThat(s.fleet.machine("mabcdefgh-4").orElseThrow().replaces()).isEqualTo("mabcdefgh-2");
        assertThat(s.decisions()).containsExactly(Reason.TASKS_WAIT, Reason.LAUNCH_WAS_REFUSED);

        // They are replaced once, also for the pool that was refused them and after a restart.
        assertThat(s.fleet.unreplaced("first")).isEmpty();
        assertThat(ReadBack.of(s.fleet).unreplaced("first")).isEmpty();
    }

    @Test
    void doesNotTakeWhatWasAcceptedBesideARefusalForItsEnd() {
        var s = Scenario.of(spec(List.of(queue("gpu", "first", "second")), List.of(pool("first", 5),
                pool("second", 0, 5, 1, offer("g5.xlarge", "us-east-1a", Market.ON_DEMAND))))).waiting("gpu", 2).look().list().plan();
        // The cloud had room for one of two, and tells of it last.
        s.pass(Duration.ofSeconds(1)).refuse(FailureKind.OUT_OF_CAPACITY, "mabcdefgh-1").accept("mabcdefgh-2").plan();

        assertThat(s.fleet.machine("mabcdefgh-3").orElseThrow().pool()).isEqualTo("second");
    }

    @Test
    void saysOfALaunchWhatWasInTheWayOfThePoolsBeforeIt() {
        var first = new Scenario.PoolOf("first", 0, 5).with(pool -> pool.budgets = List.of(Scenario.hard(Budget.Period.HOUR, 1_200_000)));
        var s = Scenario.of(spec(List.of(queue("gpu", "first", "second")), List.of(first,
                pool("second", 0, 5, 1, offer("g5.xlarge", "us-east-1a", Market.ON_DEMAND))))).waiting("gpu", 5).look().list().plan();

        var decided = s.records.stream().filter(PlanRecord.Decided.class::isInstance).map(PlanRecord.Decided.class::cast).toList();
        assertThat(decided).extracting(PlanRecord.Decided::text).containsExactly(
                "5 tasks wait in gpu, machines for 0 are idle or booting: launch 2 × g4dn.xlarge us-east-1a",
                "5 tasks wait in gpu, machines for 0 are idle or booting: launch 3 × g5.xlarge us-east-1a,"
                        + " since g4dn.xlarge us-east-1a at 0.526/h blocked: pool first has 1.052/h of 1.20/h");
        assertThat(decided.get(0).constraints()).isEmpty();
        assertThat(decided.get(1).constraints()).extracting(Constraint::reason).containsExactly(Reason.BUDGET_REACHED);
    }

    @Test
    void replacesNothingThatAnotherQueueWasRefused() {
        var s = Scenario.of(spec(List.of(queue("gpu", "first"), queue("cpu", "first", "second")), List.of(pool("first", 5),
                pool("second", 0, 5, 1, offer("g5.xlarge", "us-east-1a", Market.ON_DEMAND))))).waiting("gpu", 1).look().list().plan();
        s.refuse(FailureKind.OUT_OF_CAPACITY, "mabcdefgh-1").waiting("cpu", 1).look().plan();

        assertThat(s.fleet.machine("mabcdefgh-2").orElseThrow().pool()).isEqualTo("second");
        assertThat(s.fleet.machine("mabcdefgh-2").orElseThrow().replaces()).isEmpty();
    }

    @Test
    void probesAnExhaustedOfferWithOneMachineWhenItsTimeHasCome() {
        var s = Scenario.onePool(5).waiting("gpu", 3).look().list().plan();
        s.refuse(FailureKind.OUT_OF_CAPACITY, "mabcdefgh-1", "mabcdefgh-2", "mabcdefgh-3").plan();
        assertThat(s.fleet.active()).isEmpty();
        assertThat(s.refusals()).containsExactly(Reason.OFFERS_EXHAUSTED);

        s.pass(Duration.ofSeconds(61)).look().list().plan();
        assertThat(s.fleet.active()).hasSize(1);

        s.refuse(FailureKind.OUT_OF_CAPACITY, s.onlyMachine()).look().plan();
        s.pass(Duration.ofSeconds(61)).look().list().plan();
        assertThat(s.fleet.active()).as("the second hold is twice as long").isEmpty();

        s.pass(Duration.ofSeconds(60)).look().list().plan();
        var probe = s.onlyMachine();
        s.look().plan();
        assertThat(s.fleet.active()).as("one probe at a time").hasSize(1);

        s.accept(probe).look().plan();
        assertThat(s.fleet.active()).as("the offer is back").hasSize(3);
    }

    @Test
    void remembersWhatWasRefusedOverARestart() {
        var s = Scenario.onePool(5).waiting("gpu", 1).look().list().plan();
        s.refuse(FailureKind.OUT_OF_CAPACITY, "mabcdefgh-1").plan();

        var restarted = ReadBack.of(s.fleet);
        Planner.plan(restarted, s.now.plusSeconds(1));

        assertThat(restarted.active()).isEmpty();
        assertThat(restarted.hold(Hold.Kind.CAPACITY, Hold.capacitySubject(s.fleet.ended().get("mabcdefgh-1").offer()))).isPresent();
    }

    @Test
    void holdsThePoolWhoseSpecIsRefusedUntilItChanges() {
        var s = Scenario.onePool(5).waiting("gpu", 1).look().list().plan();
        s.refuse(FailureKind.INVALID_SPEC, "mabcdefgh-1").plan();
        s.pass(Duration.ofHours(5)).look().list().plan();
        assertThat(s.refusals()).containsExactly(Reason.POOL_HELD);

        var changed = spec(s.fleet.spec().queues(), List.of(pool("gpu", 6)));
        s.fleet.apply(new FleetEvent.FleetChanged(s.now, Scenario.head(changed, FleetHead.State.ACTIVE, null)));
        s.plan();
        assertThat(s.fleet.active()).hasSize(1);
    }

    /** A cloud may answer late: its answer to the old spec comes after the mended one, and must not hold that. */
    @Test
    void aRefusalOfWhatAnEarlierSpecAskedForHoldsNothing() {
        var s = Scenario.onePool(5).waiting("gpu", 1).look().list().plan();
        s.pass(Duration.ofSeconds(1)).edit(spec(s.fleet.spec().queues(), List.of(pool("gpu", 6))));
        s.refuse(FailureKind.INVALID_SPEC, "mabcdefgh-1").plan();

        assertThat(s.fleet.active()).hasSize(1);
        s.refuse(FailureKind.INVALID_SPEC, "mabcdefgh-2").plan();
        assertThat(s.refusals()).containsExactly(Reason.POOL_HELD);
    }

    @Test
    void anAccountThatRefusesIsTriedByOneMachineOnceItCanBeListedAgain() {
        var s = Scenario.onePool(5).waiting("gpu", 3).look().list().plan();
        s.refuse(FailureKind.UNAUTHORIZED, "mabcdefgh-1", "mabcdefgh-2", "mabcdefgh-3").look().plan();
        assertThat(s.refusals()).containsExactly(Reason.ACCOUNT_HELD);
        s.pass(Duration.ofSeconds(2)).look().list().plan();
        assertThat(s.refusals()).as("that it can be listed is no news").containsExactly(Reason.ACCOUNT_HELD);

        s.list(FleetEvent.ScopeState.FAILED).plan();
        assertThat(s.refusals()).containsExactly(Reason.SCOPE_UNKNOWN);
        s.pass(Duration.ofMinutes(1)).look().list().plan();
        var probe = s.onlyMachine();
        assertThat(s.decided(Reason.LAUNCH_WAS_REFUSED)).singleElement().satisfies(decided -> assertThat(decided.numbers()).containsEntry("probes", 1L));

        s.accept(probe).look().plan();
        assertThat(s.fleet.active()).as("the others follow").hasSize(3);
    }

    @Test
    void anAccountThatOnlyRefusesLaunchesIsProbedOnceForEachTimeItCouldNotBeListed() {
        var s = Scenario.onePool(5).waiting("gpu", 3).look().list().plan();
        s.refuse(FailureKind.UNAUTHORIZED, "mabcdefgh-1", "mabcdefgh-2", "mabcdefgh-3").list(FleetEvent.ScopeState.FAILED).look().plan();
        s.pass(Duration.ofSeconds(10)).look().list().plan();
        s.refuse(FailureKind.UNAUTHORIZED, s.onlyMachine());

        for (int i = 0; i < 290; i++) {
            s.pass(Duration.ofSeconds(2)).look().list().plan();
        }
        assertThat(s.commands(Command.Launch.class)).hasSize(2);
        assertThat(s.refusals()).containsExactly(Reason.ACCOUNT_HELD);
    }

    @Test
    void takesNoAnswerForNoRefusal() {
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan();
        for (int i = 0; i < 10; i++) {
            s.pass(Duration.ofSeconds(30)).look().list().plan();
        }
        assertThat(s.machines(Phase.LOST)).as("two complete lists, both two minutes after it expired").hasSize(1);
        assertThat(s.commands(Command.Launch.class)).hasSize(2);
    }

    @Test
    void ignoresARefusalOfAMachineThatTheCloudHas() {
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan();
        s.accept("mabcdefgh-1").refuse(FailureKind.OUT_OF_CAPACITY, "mabcdefgh-1").plan();
        assertThat(s.machines(Phase.BOOTING)).hasSize(1);
    }

    // Release.

    @Test
    void drainsAMachineThatWasIdleForTheTimeOut() {
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan().allBoot();
        s.waiting("gpu", 0).look().plan();
        s.pass(Duration.ofSeconds(59)).look().list().plan();
        assertThat(s.commands(Command.Drain.class)).isEmpty();

        s.pass(SECOND).look().list().plan();
        assertThat(s.commands(Command.Drain.class)).singleElement().satisfies(drain -> assertThat(drain.now()).isFalse());

        s.shows(s.onlyMachine(), CloudState.TERMINATED, Ending.INSIDE).list().plan();
        assertThat(s.machines(Phase.GONE)).hasSize(1);
        assertThat(s.fleet.active()).isEmpty();
    }

    @Test
    void keepsIdleMachinesThatWaitingTasksWillTake() {
        var s = Scenario.onePool(2).waiting("gpu", 2).look().list().plan().allBoot();
        s.waiting("gpu", 1).pass(Duration.ofMinutes(5)).look().list().plan();

        assertThat(s.commands(Command.Drain.class)).as("one task pins one machine, not all").hasSize(1);
    }

    @Test
    void countsATaskBetweenTwoLooksAsWork() {
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan().allBoot();
        s.waiting("gpu", 0).look().plan();
        s.pass(Duration.ofSeconds(50));
        var machine = s.fleet.active().get(s.onlyMachine());
        s.fleet.apply(new FleetEvent.TasksSeen(s.now, new Seen("watcher", 1, 9, s.now, 1, 1), List.of(new FleetEvent.TaskSeen("t", "q-gpu", "", "",
                Scenario.workerId(machine), "", TaskStatus.COMPLETED, s.now, s.now, s.now))));
        s.pass(Duration.ofSeconds(20)).look().list().plan();

        assertThat(s.commands(Command.Drain.class)).isEmpty();
    }

    @Test
    void terminatesAMarkedMachineWithoutAGuardOnlyAfterTwoFreshIdleLooks() {
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan().allBoot();
        s.waiting("gpu", 0).look().pass(Duration.ofSeconds(70)).look().list().plan();
        assertThat(s.machines(Phase.DRAINING)).hasSize(1);
        s.shows(s.onlyMachine(), CloudState.RUNNING).list();

        s.worker(s.onlyMachine(), "late-pop").pass(Duration.ofSeconds(70)).look().list().plan();
        assertThat(s.commands(Command.Terminate.class)).as("it took a task: never terminated busy").isEmpty();

        s.worker(s.onlyMachine(), "").pass(SECOND).look().plan();
        s.pass(SECOND).look().plan();
        assertThat(s.commands(Command.Terminate.class)).as("clocks may differ by more than lies between the two").isEmpty();
        s.pass(Duration.ofSeconds(4)).look().plan();
        assertThat(s.commands(Command.Terminate.class)).hasSize(1);
    }

    @Test
    void terminatesNoMarkedMachineOfWhichAWorkerIsMissing() {
        var two = pool("gpu", 0, 1, 2, offer("g5.12xlarge", "us-east-1a", Market.ON_DEMAND));
        var s = Scenario.of(spec(List.of(queue("gpu", "gpu")), List.of(two))).waiting("gpu", 1).look().list().plan().allBoot();
        s.waiting("gpu", 0).look().pass(Duration.ofSeconds(70)).look().list().plan();
        s.shows(s.onlyMachine(), CloudState.RUNNING).list();

        s.pass(Duration.ofSeconds(70)).look().list().plan();
        s.pass(SECOND).look().plan();
        assertThat(s.commands(Command.Terminate.class)).as("one agent of two is listed, the other may be at work").isEmpty();
    }

    @Test
    void drainsAMachineThatRunsAndWhoseWorkerDidNotComeInTime() {
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan();
        s.accept("mabcdefgh-1").look().list().plan();
        for (int minute = 0; minute < 10; minute++) {
            s.pass(Duration.ofMinutes(1)).look().list().plan();
        }
        assertThat(s.decisions()).contains(Reason.BOOT_FAILED);
        assertThat(s.commands(Command.Drain.class)).as("its agent may have come this second, and have taken a task").hasSize(1);
        assertThat(s.commands(Command.Terminate.class)).isEmpty();

        s.shows("mabcdefgh-1", CloudState.RUNNING).list().pass(Duration.ofSeconds(50)).look().pass(Duration.ofSeconds(10)).look().plan();
        assertThat(s.commands(Command.Terminate.class)).as("no guard has ended it").hasSize(1);
    }

    @Test
    void terminatesNoMarkedMachineThatMayRunATaskThoughNoWorkerIsListed() {
        // Given
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan();
        s.accept("mabcdefgh-1").waiting("gpu", 0).look().list().plan();
        for (int minute = 0; minute < 10; minute++) {
            s.pass(Duration.ofMinutes(1)).look().list().plan();
        }
        var worker = Scenario.workerId(s.fleet.machine("mabcdefgh-1").orElseThrow());
        s.shows("mabcdefgh-1", CloudState.RUNNING).list();

        // When
        for (int look = 0; look < 10; look++) {
            s.pass(Duration.ofSeconds(20));
            s.adrift(new FleetEvent.TaskAdrift("task-0", "q-gpu", worker, TaskStatus.IN_PROGRESS, s.now, s.now)).look().list().plan();
        }

        // Then
        assertThat(s.commands(Command.Drain.class)).isNotEmpty();
        assertThat(s.commands(Command.Terminate.class)).as("the server's list lacks its worker, and somebody reports for the task").isEmpty();

        s.adrift().pass(SECOND).look().plan();
        s.pass(SECOND).look().plan();
        assertThat(s.commands(Command.Terminate.class)).as("the task is over").hasSize(1);
    }

    @Test
    void terminatesNoMachineWhoseWorkerCameAfterItsMarkAndIsMissing() {
        // Given
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan();
        s.accept("mabcdefgh-1").look().list().plan();
        s.ask(Verb.DRAIN, "mabcdefgh-1").plan();
        s.shows("mabcdefgh-1", CloudState.RUNNING).list();
        s.worker("mabcdefgh-1", "popped-before-its-guard-saw-the-mark").pass(SECOND).look().plan();

        // When
        s.workerGone("mabcdefgh-1").pass(Duration.ofSeconds(70)).look().list().plan();
        s.pass(SECOND).look().plan();

        // Then
        assertThat(s.commands(Command.Terminate.class)).as("it may be at work, cut off").isEmpty();
    }

    @Test
    void terminatesNoMachineWhoseWorkerIsLeftOutOfAListLongAfterItsMark() {
        // Given
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan().allBoot().waiting("gpu", 0);
        var id = s.onlyMachine();
        s.worker(id, "a-long-one").look().plan();
        s.ask(Verb.DRAIN, id).plan();
        s.shows(id, CloudState.RUNNING).list();
        for (int minute = 0; minute < 60; minute++) {
            s.pass(Duration.ofMinutes(1)).look().list().plan();
        }

        // When
        s.workerGone(id).pass(SECOND).look().plan();
        s.pass(SECOND).look().plan();

        // Then
        assertThat(s.commands(Command.Terminate.class)).as("the mark is an hour old, the list is not").isEmpty();

        s.worker(id, "a-long-one").pass(SECOND).look().list().plan();
        s.workerGone(id).pass(Duration.ofMinutes(9)).look().list().plan();
        s.pass(Duration.ofMinutes(9)).look().list().plan();
        assertThat(s.commands(Command.Terminate.class)).as("it was listed in between").isEmpty();
        s.pass(Duration.ofMinutes(2)).look().list().plan();
        assertThat(s.commands(Command.Terminate.class)).as("no list has had it for the registration deadline").hasSize(1);
    }

    @Test
    void terminatesNoMachineThatIsIdleInOneLookAlone() {
        // Given
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan().allBoot();
        var id = s.onlyMachine();
        s.worker(id, "task-0").look().plan();
        s.ask(Verb.DRAIN, id).plan();
        s.shows(id, CloudState.RUNNING).list();

        // When
        for (int task = 1; task < 20; task++) {
            s.worker(id, "").pass(Duration.ofSeconds(20)).look().list().plan();
            s.worker(id, "task-" + task).pass(SECOND).look().plan();
        }

        // Then
        assertThat(s.commands(Command.Terminate.class)).as("an agent without a guard goes from one task to the next").isEmpty();

        s.worker(id, "").pass(SECOND).look().plan();
        s.pass(Duration.ofSeconds(6)).look().list().plan();
        assertThat(s.commands(Command.Terminate.class)).hasSize(1);
    }

    @Test
    void anAnswerThatAMachineIsNotFoundDoesNotMakeItSeen() {
        // Given
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan().allBoot();
        var id = s.onlyMachine();
        var gone = new MachineFacts(id, "", "i-" + id, "", 0, null, CloudState.NOT_FOUND, Ending.UNKNOWN, null, null, "");
        s.waiting("gpu", 0).pass(Duration.ofMinutes(5)).vanishes(id);

        // When
        s.look().list().plan();
        s.fleet.apply(new FleetEvent.MachineSeen(s.now, gone));
        s.pass(Duration.ofSeconds(30)).look().list().plan();

        // Then
        assertThat(s.fleet.active()).as("two complete lists lack it").isEmpty();
    }

    @Test
    void countsADrainsTimeFromWhenItsMarkIsWritten() {
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan().allBoot();
        s.waiting("gpu", 0).look().pass(Duration.ofSeconds(70)).look().list().plan();
        var drain = s.commands(Command.Drain.class).get(0);
        s.pass(Duration.ofMinutes(5)).look().pass(SECOND).look().list().plan();
        assertThat(s.commands(Command.Terminate.class)).as("its gate is open still: it may take a task at any time").isEmpty();

        var machine = s.fleet.active().get(s.onlyMachine());
        s.fleet.apply(new FleetEvent.CommandAnswered(s.now, drain.machineId(), machine.ordinal(), "Drain", true, null, "", ""));
        s.shows(machine.id(), CloudState.RUNNING);
        s.pass(Duration.ofSeconds(59)).look().pass(SECOND).look().list().plan();
        assertThat(s.commands(Command.Terminate.class)).hasSize(1);
    }

    @Test
    void repeatsATerminationForEver() {
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan();
        s.accept("mabcdefgh-1").waiting("gpu", 0);
        for (int minute = 0; minute < 60; minute++) {
            s.pass(Duration.ofMinutes(1)).look().list().plan();
        }
        var ordinals = s.commands(Command.Terminate.class).stream().map(Command.Terminate::ordinal).toList();
        assertThat(ordinals).hasSizeGreaterThan(6).isSorted().doesNotHaveDuplicates();
        assertThat(s.fleet.active()).as("it leaves the books only when the cloud says so").hasSize(1);
    }

    // Boot failures.

    @Test
    void opensTheCircuitAfterThreeFailedBoots() {
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan();
        for (int i = 1; i <= 3; i++) {
            s.accept("mabcdefgh-" + i).list();
            s.pass(Duration.ofMinutes(10)).look().list().plan();
            s.shows("mabcdefgh-" + i, CloudState.TERMINATED).list().plan();
        }
        assertThat(s.fleet.active()).isEmpty();
        assertThat(s.refusals()).containsExactly(Reason.CIRCUIT_OPEN);

        s.pass(Duration.ofMinutes(10)).look().list().plan();
        assertThat(s.fleet.active()).hasSize(1);
        s.allBoot();
        assertThat(s.fleet.hold(Hold.Kind.CIRCUIT, "gpu")).isEmpty();
    }

    // Strangers.

    @Test
    void adoptsAnUnknownMachineOfOursAndCountsPastItsId() {
        var s = Scenario.onePool(5).stranger(new MachineFacts("mabcdefgh-7", "gpu", "i-7", "mabcdefgh-7", 0,
                offer("g4dn.xlarge", "us-east-1a", Market.ON_DEMAND).key(), CloudState.RUNNING, Ending.UNKNOWN, Scenario.START, Mark.NONE, ""));
        s.waiting("gpu", 2).look().list().plan();

        assertThat(s.fleet.active().keySet()).containsExactly("mabcdefgh-7", "mabcdefgh-8");
        assertThat(s.decisions()).contains(Reason.IS_UNKNOWN);
    }

    @Test
    void drainsAMachineThatWasLostAndIsSeenAgain() {
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan().accept("mabcdefgh-1").list().waiting("gpu", 0).look().plan();
        var facts = s.fleet.active().get("mabcdefgh-1");
        s.vanishes("mabcdefgh-1");
        s.pass(Duration.ofMinutes(5)).look().list().plan();
        s.pass(SECOND).list().plan();
        assertThat(s.machines(Phase.LOST)).hasSize(1);

        s.stranger(new MachineFacts(facts.id(), "gpu", facts.cloudId(), facts.batchId(), 0, facts.offer(), CloudState.RUNNING, Ending.UNKNOWN,
                Scenario.START, Mark.NONE, "")).list().plan();
        assertThat(s.machines(Phase.DRAINING)).hasSize(1);
        assertThat(s.decisions()).contains(Reason.IS_MISSING, Reason.IS_ORPHAN);
    }

    @Test
    void neverTouchesAReleasedMachine() {
        var s = Scenario.onePool(5).stranger(new MachineFacts("mzzzzzzzz-1", "gpu", "i-1", "mzzzzzzzz-1", 0,
                offer("g4dn.xlarge", "us-east-1a", Market.ON_DEMAND).key(), CloudState.RUNNING, Ending.UNKNOWN, Scenario.START, Mark.RELEASED, ""));
        s.look().list().plan();
        assertThat(s.fleet.active()).isEmpty();
    }

    // Tasks.

    @Test
    void rescuesTheTaskOfAMachineThatIsGoneAndThenForgetsTheWorker() {
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan().allBoot();
        var id = s.onlyMachine();
        s.worker(id, "task-0").waiting("gpu", 0).look().plan();
        s.shows(id, CloudState.TERMINATED, Ending.INTERRUPTED).list().plan();

        assertThat(s.decisions()).contains(Reason.WAS_INTERRUPTED, Reason.TASK_LOST_MACHINE);
        assertThat(s.commands(Command.Rescue.class)).singleElement().satisfies(rescue -> {
            assertThat(rescue.task()).isEqualTo("task-0");
            assertThat(rescue.machineId()).isEqualTo(id);
            assertThat(rescue.attempt()).isEqualTo(1);
        });
        assertThat(s.commands(Command.Unregister.class)).as("its task first").isEmpty();

        s.pass(Duration.ofSeconds(5)).look().plan();
        assertThat(s.commands(Command.Rescue.class)).as("repeated until answered").hasSize(2);

        s.fleet.apply(new FleetEvent.TaskRescued(s.now, "task-0", 2, FleetEvent.RescueOutcome.RESCUED, TaskStatus.QUEUED, "", ""));
        s.plan();
        assertThat(s.commands(Command.Unregister.class)).hasSize(1);
        s.pass(Duration.ofSeconds(40)).look().plan();
        assertThat(s.commands(Command.Rescue.class)).as("the stale worker entry begins no second rescue").hasSize(2);
    }

    @Test
    void rescuesATaskAdriftAfterAMinuteAndLaterWhereOthersServeItsQueue() {
        var adrift = new FleetEvent.TaskAdrift("t", "q-gpu", "", TaskStatus.QUEUED, Scenario.START, Scenario.START);
        var alone = Scenario.onePool(1).adrift(adrift).pass(Duration.ofSeconds(59)).look().list().plan();
        assertThat(alone.commands(Command.Rescue.class)).isEmpty();
        alone.pass(SECOND).look().plan();
        assertThat(alone.commands(Command.Rescue.class)).hasSize(1);

        var shared = Scenario.onePool(1).otherWorker("lab:0", "x", "q-gpu").adrift(adrift).pass(Duration.ofSeconds(120)).look().list().plan();
        assertThat(shared.commands(Command.Rescue.class)).isEmpty();
        shared.pass(Duration.ofMinutes(9)).look().plan();
        assertThat(shared.commands(Command.Rescue.class)).hasSize(1);
    }

    @Test
    void rescuesATaskOnceMoreThatWasLostAgainBeforeAnyWorkerShowedIt() {
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan().allBoot();
        var id = s.onlyMachine();
        var worker = Scenario.workerId(s.fleet.active().get(id));
        s.worker(id, "task-0").waiting("gpu", 0).look().shows(id, CloudState.TERMINATED, Ending.INTERRUPTED).list().plan();
        s.fleet.apply(new FleetEvent.TaskRescued(s.now, "task-0", 1, FleetEvent.RescueOutcome.RESCUED, TaskStatus.QUEUED, "", ""));
        s.workerGone(id).pass(Duration.ofMinutes(2));
        s.adrift(new FleetEvent.TaskAdrift("task-0", "q-gpu", worker, TaskStatus.QUEUED, s.now, s.now)).look().plan();
        assertThat(s.commands(Command.Rescue.class)).as("an agent may have it and not have said so").hasSize(1);

        s.pass(Duration.ofSeconds(60)).look().list().plan();
        assertThat(s.commands(Command.Rescue.class)).hasSize(2);
    }

    /** From the front of its queue it is taken at once, and the machine that has it may be gone as soon. */
    @Test
    void rescuesATaskAtOnceThatLosesOneMachineAfterTheOther() {
        var s = Scenario.onePool(2).waiting("gpu", 2).look().list().plan().allBoot();
        s.worker("mabcdefgh-1", "task-0").waiting("gpu", 0).look().plan();
        s.shows("mabcdefgh-1", CloudState.TERMINATED, Ending.INTERRUPTED).list().plan();
        s.fleet.apply(new FleetEvent.TaskRescued(s.now, "task-0", 1, FleetEvent.RescueOutcome.RESCUED, TaskStatus.QUEUED, "", ""));
        s.workerGone("mabcdefgh-1").worker("mabcdefgh-2", "task-0").pass(Duration.ofSeconds(5)).look().plan();
        assertThat(s.commands(Command.Rescue.class)).hasSize(1);

        s.pass(SECOND).shows("mabcdefgh-2", CloudState.TERMINATED, Ending.INTERRUPTED).list().plan();

        assertThat(s.commands(Command.Rescue.class)).extracting(Command.Rescue::machineId).containsExactly("mabcdefgh-1", "mabcdefgh-2");
        assertThat(s.commands(Command.Unregister.class)).as("its task first").isEmpty();
    }

    @Test
    void leavesTheTaskAndTheWorkerOfAReleasedMachineAlone() {
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan().allBoot();
        var id = s.onlyMachine();
        s.worker(id, "task-0").waiting("gpu", 0).look().delete(FleetHead.ShutdownAction.LEAVE).plan();
        s.shows(id, CloudState.RUNNING).list().plan();
        s.pass(SECOND).look().plan();

        assertThat(s.machines(Phase.GONE)).as("off the books").hasSize(1);
        assertThat(s.commands(Command.Rescue.class)).as("its task runs on").isEmpty();
        assertThat(s.commands(Command.Unregister.class)).isEmpty();
    }

    /** A mark of an earlier drain must not end what is let go, though it looks idle long after it was set. */
    @Test
    void lettingGoOfADrainingMachineTakesItsDrainBack() {
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan().allBoot();
        var id = s.onlyMachine();
        s.worker(id, "task-0").waiting("gpu", 0).look().ask(Verb.DRAIN, id).plan();
        s.delete(FleetHead.ShutdownAction.LEAVE).plan();
        s.worker(id, "").look().plan();
        for (int i = 0; i < 40; i++) {
            s.pass(Duration.ofSeconds(30)).look().plan();
        }

        assertThat(s.commands(Command.Release.class)).isNotEmpty();
        assertThat(s.commands(Command.Terminate.class)).isEmpty();
        assertThat(s.machines(Phase.DRAINING)).isEmpty();
    }

    /** The answer to another command says nothing of its boot. */
    @Test
    void aReleaseThatTheCloudRefusesIsNoFailedBoot() {
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan();
        var id = "mabcdefgh-1";
        s.accept(id).delete(FleetHead.ShutdownAction.LEAVE).plan();
        var release = s.commands(Command.Release.class).get(0);
        s.fleet.apply(new FleetEvent.CommandAnswered(s.now, id, release.ordinal(), "release", false, FailureKind.UNAUTHORIZED, "UnauthorizedOperation", ""));
        s.pass(SECOND).plan();

        assertThat(s.fleet.machine(id).orElseThrow().phase()).isEqualTo(Phase.BOOTING);
        assertThat(s.commands(Command.Terminate.class)).isEmpty();
    }

    // People and the end of a fleet.

    @Test
    void endsABusyMachineOnlyAtOnceAndOnAPersonsWord() {
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan().allBoot();
        s.worker(s.onlyMachine(), "task-0").waiting("gpu", 0).look().ask(Verb.TERMINATE, s.onlyMachine()).plan();

        assertThat(s.commands(Command.Drain.class)).singleElement().satisfies(drain -> assertThat(drain.now()).isTrue());
        assertThat(s.records).filteredOn(PlanRecord.Decided.class::isInstance).map(PlanRecord.Decided.class::cast)
                .filteredOn(decided -> decided.reason() == Reason.ASKED_FOR).singleElement()
                .satisfies(decided -> assertThat(decided.taskIds()).containsExactly("task-0"));
    }

    @Test
    void aConsoleIsAskedForAndNothingFollowsFromIt() {
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan().allBoot();
        var before = s.machines(Phase.BOOTING).size() + s.machines(Phase.READY).size();
        var machine = s.fleet.machine(s.onlyMachine()).orElseThrow();
        s.ask(Verb.FETCH_CONSOLE, machine.id()).plan().pass(SECOND).look().plan();

        assertThat(s.commands(Command.FetchConsole.class)).containsExactly(
                new Command.FetchConsole(Scenario.SCOPE, machine.id(), machine.cloudId(), machine.ordinal()));
        assertThat(s.fleet.machine(machine.id()).orElseThrow().asked()).isNull();
        assertThat(s.machines(Phase.BOOTING).size() + s.machines(Phase.READY).size()).isEqualTo(before);
        assertThat(s.records).filteredOn(PlanRecord.Decided.class::isInstance).map(PlanRecord.Decided.class::cast)
                .filteredOn(decided -> decided.reason() == Reason.ASKED_FOR).singleElement()
                .satisfies(decided -> assertThat(decided.text()).isEqualTo("a person asked for the console of " + machine.id() + ": read it"));
    }

    @Test
    void whoAsksForAConsoleUndoesNoWishOfAnother() {
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan().allBoot();
        s.ask(Verb.DRAIN, s.onlyMachine()).ask(Verb.FETCH_CONSOLE, s.onlyMachine()).plan();
        assertThat(s.machines(Phase.DRAINING)).hasSize(1);

        var other = Scenario.onePool(1).waiting("gpu", 1).look().list().plan().allBoot();
        other.ask(Verb.FETCH_CONSOLE, other.onlyMachine()).ask(Verb.DRAIN, other.onlyMachine()).plan();
        assertThat(other.machines(Phase.DRAINING)).hasSize(1);
    }

    @Test
    void cancelsADrain() {
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan().allBoot();
        s.ask(Verb.DRAIN, s.onlyMachine()).plan();
        s.ask(Verb.CANCEL_DRAIN, s.onlyMachine()).plan();

        assertThat(s.machines(Phase.READY)).hasSize(1);
        assertThat(s.commands(Command.CancelDrain.class)).singleElement().satisfies(cancel -> assertThat(cancel.ordinal()).isEqualTo(2));
    }

    @Test
    void endsADeletedFleetAsItsActionSays() {
        for (var action : FleetHead.ShutdownAction.values()) {
            var s = Scenario.onePool(2).waiting("gpu", 2).look().list().plan().allBoot();
            var busy = s.fleet.active().firstKey();
            s.worker(busy, "task-0").waiting("gpu", 0).look().delete(action).plan();
            switch (action) {
                case LEAVE -> assertThat(s.commands(Command.Release.class)).hasSize(2);
                case IDLE -> assertThat(s.commands(Command.Drain.class)).hasSize(2).noneMatch(Command.Drain::now);
                case ALL -> assertThat(s.commands(Command.Drain.class)).hasSize(2).allMatch(Command.Drain::now);
            }
            assertThat(s.fleet.head().state()).isEqualTo(FleetHead.State.DELETING);
        }
    }

    @Test
    void launchesNothingWhilePausedAndStillReleases() {
        var s = Scenario.onePool(2).waiting("gpu", 1).look().list().plan().allBoot();
        s.fleet.apply(new FleetEvent.FleetChanged(s.now, Scenario.head(s.fleet.spec(), FleetHead.State.PAUSED, null)));
        s.worker(s.onlyMachine(), "").waiting("gpu", 0).pass(Duration.ofMinutes(2)).look().list().plan();
        assertThat(s.commands(Command.Drain.class)).hasSize(1);

        s.waiting("gpu", 4).look().plan();
        assertThat(s.commands(Command.Launch.class)).hasSize(1);
        assertThat(s.refusals()).containsExactly(Reason.IS_PAUSED);
    }

    // Form.

    @Test
    void changesNothingWhenNothingIsNew() {
        var s = Scenario.onePool(2).waiting("gpu", 5).look().list().plan();
        var count = s.records.size();
        s.pass(Duration.ofMillis(10)).plan();
        s.pass(Duration.ofSeconds(4)).look().plan();
        assertThat(s.records).hasSize(count);
    }

    @Test
    void appliesAnEventTwiceWithTheEffectOfOnce() {
        var s = Scenario.onePool(2).waiting("gpu", 2).look().list().plan();
        var accepted = new FleetEvent.LaunchAccepted(s.now, "mabcdefgh-1", List.of(new MachineFacts("mabcdefgh-1", "gpu", "i-1", "mabcdefgh-1", 0,
                s.fleet.active().get("mabcdefgh-1").offer(), CloudState.RUNNING, Ending.UNKNOWN, s.now, Mark.NONE, "")));
        s.fleet.apply(accepted);
        var once = s.fleet.memory();
        var machines = List.copyOf(s.fleet.active().values());
        s.fleet.apply(accepted);
        assertThat(s.fleet.memory()).isEqualTo(once);
        assertThat(List.copyOf(s.fleet.active().values())).isEqualTo(machines);
    }

    @Test
    void refusesAPhaseThatCannotFollow() {
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan();
        s.refuse(FailureKind.OUT_OF_CAPACITY, s.onlyMachine());
        var failed = s.machines(Phase.FAILED).get(0);
        assertThatThrownBy(() -> failed.with(m -> m.phase = Phase.READY)).isInstanceOf(IllegalStateException.class)
                .hasMessage("machine mabcdefgh-1 can't go from FAILED to READY");
    }

    @Test
    void readsWorkerIdsAsClearmlDoes() {
        assertThat(WorkerId.parse("p:gpu:g4dn.xlarge:i-0a1")).contains(new WorkerId("p", "gpu", "g4dn.xlarge", "i-0a1"));
        assertThat(WorkerId.parse("p:gpu:g4dn.xlarge:i-0a1.3")).contains(new WorkerId("p", "gpu", "g4dn.xlarge", "i-0a1"));
        assertThat(WorkerId.parse("p:A:t3:")).isEmpty();
        assertThat(WorkerId.parse("p:A:t3:i-1:gpu0")).isEmpty();
        assertThat(WorkerId.parse("k8s:grp:task")).isEmpty();
    }
}
