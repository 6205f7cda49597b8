package dev.muster.planner.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.planner.core.FleetEvent.RescueOutcome;
import dev.muster.planner.core.Scenario.PoolOf;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Machines that are made for one waiting task each, and machines that wait for room. */
class TaskPodsTest {

    private static final CloudNote FULL = new CloudNote("Unschedulable", "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.", false);
    private static final CloudNote NO_IMAGE = new CloudNote("ImagePullBackOff", "no such image: lab/typo:1", true);

    private static Pool.Pods taskPods(Duration patience) {
        return new Pool.Pods(true, patience, Set.of("OOMKilled"), new TreeMap<>(Map.of("nvidia.com/gpu", 1_000L)));
    }

    private static Pool pods(String name, int max, Duration patience) {
        return new PoolOf(name, 0, max).with(pool -> pool.pods = taskPods(patience));
    }

    private static Pool vms() {
        return new PoolOf("vm", 0, 9).with(pool -> pool.offers = List.of(Scenario.offer("p3.2xlarge", "us-east-1b", Market.ON_DEMAND)));
    }

    /** A queue {@code gpu} served by task pods alone. */
    private static Scenario cluster(int max) {
        return Scenario.of(Scenario.spec(List.of(Scenario.queue("gpu", "gpu")), List.of(pods("gpu", max, null))));
    }

    /** The same, and machines that take what the queue has where the cluster is full. */
    private static Scenario clusterThenVms(Duration patience) {
        return Scenario.of(Scenario.spec(List.of(Scenario.queue("gpu", "gpu", "vm")), List.of(pods("gpu", 9, patience), vms())));
    }

    private static List<String> tasks(Scenario s) {
        return s.commands(Command.Launch.class).stream().map(Command.Launch::task).toList();
    }

    private static String machineFor(Scenario s, String task) {
        return s.fleet.active().values().stream().filter(machine -> machine.task().equals(task)).findFirst().orElseThrow().id();
    }

    /** The machine's worker has said that it runs the task. */
    private static void begins(Scenario s, String task) {
        s.accept(machineFor(s, task)).list().plan().worker(machineFor(s, task), task);
    }

    @Test
    void eachWaitingTaskGetsAMachineOfItsOwnByACallOfItsOwn() {
        var s = cluster(9).waiting("gpu", List.of("a", "b", "c")).look().list().plan();
        assertThat(s.commands(Command.Launch.class)).extracting(Command.Launch::task, Command.Launch::batchId, launch -> launch.machineIds().size(),
                        Command.Launch::queue, Command.Launch::queueId)
                .containsExactly(org.assertj.core.groups.Tuple.tuple("a", "mabcdefgh-1", 1, "gpu", "q-gpu"),
                        org.assertj.core.groups.Tuple.tuple("b", "mabcdefgh-2", 1, "gpu", "q-gpu"),
                        org.assertj.core.groups.Tuple.tuple("c", "mabcdefgh-3", 1, "gpu", "q-gpu"));
        assertThat(s.decided(Reason.TASKS_WAIT)).singleElement().satisfies(decided -> assertThat(decided.taskIds()).containsExactly("a", "b", "c"));
    }

    @Test
    void aTaskWithAMachineGetsNoSecondAndANewOneGetsItsOwn() {
        var s = cluster(9).waiting("gpu", List.of("a")).look().list().plan().waiting("gpu", List.of("a", "b")).look().plan().look().plan();
        assertThat(tasks(s)).containsExactly("a", "b");
    }

    @Test
    void whatIsIdleTakesTheFirstTasksAndMachinesAreMadeForTheLast() {
        var s = Scenario.of(Scenario.spec(List.of(Scenario.queue("gpu", "gpu", "vm")), List.of(pods("gpu", 9, null), vms())))
                .otherWorker("desk", "", "q-gpu").waiting("gpu", List.of("a", "b", "c")).look().list().plan();
        assertThat(tasks(s)).containsExactly("b", "c");
    }

    @Test
    void theLimitLeavesTheLastTasksWaiting() {
        var s = cluster(2).waiting("gpu", List.of("a", "b", "c")).look().list().plan();
        assertThat(tasks(s)).containsExactly("a", "b");
        assertThat(s.refused("gpu").reason()).isEqualTo(Reason.AT_POOL_LIMIT);
    }

    @Test
    void aResourceIsLimitedOverAllPools() {
        var spec = Scenario.spec(List.of(Scenario.queue("gpu", "gpu"), Scenario.queue("small", "small")), List.of(pods("gpu", 9, null), pods("small", 9, null)));
        var limited = new FleetSpec(spec.connection(), spec.workersPrefix(), spec.queues(), spec.pools(),
                new Limits(0, 99, new TreeMap<>(Map.of("nvidia.com/gpu", 3_000L))), spec.rescue(), true, List.of(), List.of(), spec.zone());
        var s = Scenario.of(limited).waiting("gpu", List.of("a", "b")).waiting("small", List.of("c", "d")).look().list().plan();
        assertThat(s.fleet.size()).isEqualTo(3);
        assertThat(s.fleet.refusals()).singleElement().satisfies(refused -> assertThat(refused.text()).contains(
                "the fleet's machines request 3 of 3 nvidia.com/gpu, and one more takes 1"));
    }

    @Test
    void theTaskThatRunsOnItsMachineIsLeftAlone() {
        var s = cluster(9).waiting("gpu", List.of("a")).look().list().plan();
        begins(s, "a");
        s.waiting("gpu", 0).look().plan().pass(Duration.ofMinutes(1)).look().list().plan();
        assertThat(s.commands(Command.Drain.class)).isEmpty();
        assertThat(s.machines(Phase.READY)).hasSize(1);
    }

    @Test
    void aMachineWhoseTaskAnotherTookIsDrainedAfterTheTimeThatItsOwnClaimMayTakeToShow() {
        var s = cluster(9).waiting("gpu", List.of("a")).look().list().plan();
        s.accept(s.onlyMachine()).list().plan().waiting("gpu", 0).otherWorker("desk", "a", "q-gpu").look().plan();
        assertThat(s.commands(Command.Drain.class)).isEmpty();
        s.pass(Duration.ofSeconds(15)).look().list().plan();
        assertThat(s.commands(Command.Drain.class)).extracting(Command.Drain::machineId).containsExactly("mabcdefgh-1");
        assertThat(s.decided(Reason.TASK_TAKEN)).singleElement().satisfies(decided -> assertThat(decided.text())
                .isEqualTo("a, which mabcdefgh-1 was made for, no longer waits and does not run there: drain it"));
    }

    @Test
    void aMachineThatHasNoRoomYetAndNoTaskAnyMoreGoesAtOnce() {
        var s = cluster(9).waiting("gpu", List.of("a")).look().list().plan();
        s.takes(s.onlyMachine(), FULL).list().plan().waiting("gpu", 0).look().plan();
        assertThat(s.commands(Command.Drain.class)).hasSize(1);
    }

    @Test
    void aTaskThatIsMovedToAnotherQueueGetsAMachineThereThoughOneWaitsForRoomAtTheOld() {
        var s = Scenario.of(Scenario.spec(List.of(Scenario.queue("gpu", "gpu"), Scenario.queue("small", "small")), List.of(pods("gpu", 9, null), pods("small", 9, null))))
                .waiting("gpu", List.of("a")).waiting("small", 0).look().list().plan();
        var old = s.onlyMachine();
        s.takes(old, FULL).list().plan().waiting("gpu", 0).waiting("small", List.of("a")).look().plan().look().plan();
        assertThat(s.commands(Command.Drain.class)).extracting(Command.Drain::machineId).containsExactly(old);
        assertThat(s.commands(Command.Launch.class)).extracting(Command.Launch::task, Command.Launch::queue)
                .containsExactly(org.assertj.core.groups.Tuple.tuple("a", "gpu"), org.assertj.core.groups.Tuple.tuple("a", "small"));
    }

    @Test
    void aQueueThatIsDeletedKeepsNoMachineOfItsOwnOrOfOthersWaitingForRoom() {
        var s = Scenario.of(Scenario.spec(List.of(Scenario.queue("gpu", "gpu"), Scenario.queue("small", "small")), List.of(pods("gpu", 9, null), pods("small", 9, null))))
                .waiting("gpu", List.of("a")).waiting("small", List.of("b")).look().list().plan();
        s.takes(machineFor(s, "a"), FULL).takes(machineFor(s, "b"), FULL).list().plan();
        s.queueIs("gpu", QueueSeen.State.MISSING, "").waiting("small", 0).look().plan();
        assertThat(s.commands(Command.Drain.class)).hasSize(2);
    }

    @Test
    void aTaskBeyondTheNamedOnesMayStillWait() {
        var s = cluster(9).waiting("gpu", List.of("a")).look().list().plan();
        s.accept(s.onlyMachine()).list().plan().waiting("gpu", 501).look().plan().pass(Duration.ofMinutes(1)).look().list().plan();
        assertThat(s.commands(Command.Drain.class)).isEmpty();
    }

    @Test
    void nothingIsDrainedWhileFactsAreHeld() {
        var s = cluster(9).waiting("gpu", List.of("a")).look().list().plan();
        s.accept(s.onlyMachine()).list().plan().waiting("gpu", 0).look().plan().pass(Duration.ofSeconds(20)).lookFails().list().plan();
        assertThat(s.commands(Command.Drain.class)).isEmpty();
    }

    @Test
    void endedWithoutAWorkerItIsNoFailedBootSinceAnotherMayHaveHadItsTask() {
        var s = cluster(9).waiting("gpu", List.of("a")).look().list().plan();
        s.accept(s.onlyMachine()).list().plan().waiting("gpu", 0).look().plan();
        s.shows(s.onlyMachine(), CloudState.TERMINATED, Ending.INSIDE).list().plan();
        assertThat(s.decisions()).doesNotContain(Reason.BOOT_FAILED);
        assertThat(s.fleet.holds()).isEmpty();
    }

    // Room.

    @Test
    void whatWaitsForRoomCostsNothingMissesNoDeadlineAndIsSupply() {
        var s = cluster(9).waiting("gpu", List.of("a")).look().list().plan();
        s.takes(s.onlyMachine(), FULL).list().plan();
        for (int minute = 0; minute < 90; minute++) {
            s.pass(Duration.ofMinutes(1)).look().list().plan();
        }
        assertThat(s.fleet.active().values()).singleElement().satisfies(machine -> {
            assertThat(machine.phase()).isEqualTo(Phase.BOOTING);
            assertThat(machine.paid()).isNull();
            assertThat(machine.bootedAt()).isNull();
        });
        assertThat(tasks(s)).containsExactly("a");
        assertThat(s.fleet.refusals()).singleElement().satisfies(warning -> assertThat(warning.text()).isEqualTo(
                "gpu has 1 machine that waits or can't start since 2026-01-01T00:00:00Z: Unschedulable: 0/3 nodes are available: 3 Insufficient nvidia.com/gpu."));
    }

    @Test
    void deadlinesCountFromWhenItHasRoom() {
        var s = cluster(9).waiting("gpu", List.of("a")).look().list().plan();
        var id = s.onlyMachine();
        s.takes(id, FULL).list().plan().pass(Duration.ofHours(1)).look().list().plan();
        s.shows(id, CloudState.PENDING).look().list().plan().pass(Duration.ofMinutes(4)).look().list().plan();
        assertThat(s.commands(Command.Drain.class)).isEmpty();
        assertThat(s.fleet.machine(id).orElseThrow().paid().since()).isEqualTo(Scenario.START.plus(Duration.ofHours(1)));
        s.pass(Duration.ofMinutes(2)).look().list().plan();
        assertThat(s.commands(Command.Drain.class)).hasSize(1);
    }

    @Test
    void theTimeWithoutRoomIsNotPaidForThoughItsCloudDatesItFromItsCreation() {
        var s = cluster(9).waiting("gpu", List.of("a")).look().list().plan();
        var id = s.onlyMachine();
        s.takes(id, FULL).list().plan().pass(Duration.ofMinutes(20));
        var machine = s.fleet.machine(id).orElseThrow();
        s.fleet.apply(new FleetEvent.MachineSeen(s.now, new FleetEvent.MachineFacts(id, machine.pool(), machine.cloudId(), machine.batchId(), 0, machine.offer(),
                CloudState.PENDING, Ending.UNKNOWN, Scenario.START, Mark.NONE, "", CloudNote.NONE, "a")));
        assertThat(s.fleet.machine(id).orElseThrow().paid().since()).isEqualTo(Scenario.START.plus(Duration.ofMinutes(20)));
    }

    @Test
    void oneThatEndsWithoutHavingHadRoomCostsNothingHoweverOftenItsEndIsShown() {
        var s = cluster(9).waiting("gpu", List.of("a")).look().list().plan();
        var id = s.onlyMachine();
        s.takes(id, FULL);
        s.shows(id, CloudState.TERMINATED, Ending.ASKED).list().plan().list().plan();
        assertThat(s.fleet.machine(id).orElseThrow().phase()).isEqualTo(Phase.GONE);
        assertThat(s.fleet.machine(id).orElseThrow().paid()).isNull();
    }

    @Test
    void itsAgeIsItsTimeWithRoomAndOneThatIsMadeForATaskEndsWithThat() {
        var tenMinutes = new Pool.Leaving(Duration.ofMinutes(10), Duration.ZERO, Duration.ZERO, 0);
        var agents = new PoolOf("agents", 0, 9).with(pool -> {
            pool.pods = new Pool.Pods(false, null, Set.of(), new TreeMap<>());
            pool.leaving = tenMinutes;
        });
        var own = new PoolOf("own", 0, 9).with(pool -> {
            pool.pods = taskPods(null);
            pool.leaving = tenMinutes;
        });
        var s = Scenario.of(Scenario.spec(List.of(Scenario.queue("gpu", "agents"), Scenario.queue("own", "own")), List.of(agents, own)))
                .waiting("gpu", List.of("a")).waiting("own", List.of("b")).look().list().plan();
        var agent = s.fleet.active().values().stream().filter(machine -> machine.task().isEmpty()).findFirst().orElseThrow().id();
        var bound = machineFor(s, "b");
        s.takes(agent, FULL).takes(bound, FULL).list().plan().pass(Duration.ofMinutes(20)).look().list().plan();
        s.shows(agent, CloudState.RUNNING).shows(bound, CloudState.RUNNING).worker(agent, "a").worker(bound, "b").look().list().plan();
        s.pass(Duration.ofMinutes(9)).look().list().plan();
        assertThat(s.decisions()).doesNotContain(Reason.IS_OLD);
        s.pass(Duration.ofMinutes(1)).look().list().plan();
        assertThat(s.decided(Reason.IS_OLD)).singleElement().satisfies(decided -> assertThat(decided.machineIds()).containsExactly(agent));
    }

    @Test
    void withinThePatienceNothingElseIsTriedAndAfterItTheNextPoolIsAndTheDecisionSaysWhy() {
        var s = clusterThenVms(Duration.ofMinutes(2)).waiting("gpu", List.of("a", "b")).look().list().plan();
        s.takes(machineFor(s, "a"), FULL).takes(machineFor(s, "b"), FULL).list().plan().pass(Duration.ofSeconds(119)).look().list().plan();
        assertThat(s.fleet.size()).isEqualTo(2);
        s.pass(Duration.ofSeconds(1)).look().list().plan();
        assertThat(s.commands(Command.Drain.class)).hasSize(2);
        assertThat(s.decided(Reason.NO_ROOM)).hasSize(2);
        var launched = s.commands(Command.Launch.class).stream().filter(launch -> launch.pool().equals("vm")).toList();
        assertThat(launched).singleElement().satisfies(launch -> {
            assertThat(launch.machineIds()).hasSize(2);
            assertThat(launch.task()).isEmpty();
        });
        assertThat(s.decided(Reason.TASKS_WAIT)).last().satisfies(decided -> assertThat(decided.text())
                .contains("launch 2 × ").contains("us-east-1a").contains("until 2026-01-01T00:03:00Z"));
        assertThat(s.fleet.holds()).singleElement().satisfies(hold -> assertThat(hold.failures()).isEqualTo(1));
    }

    @Test
    void aFullClusterIsProbedByOneMachineWhichSucceedsByBeingPlacedAndNotByBeingAccepted() {
        var s = clusterThenVms(Duration.ofMinutes(2)).waiting("gpu", List.of("a")).look().list().plan();
        var first = s.onlyMachine();
        s.takes(first, FULL).list().plan().pass(Duration.ofMinutes(2)).look().list().plan();
        s.shows(first, CloudState.TERMINATED, Ending.ASKED).list().plan();
        s.pass(Duration.ofMinutes(1)).waiting("gpu", List.of("a", "b", "c")).look().list().plan();
        assertThat(tasks(s).stream().filter(task -> !task.isEmpty())).containsExactly("a", "b");
        s.takes(machineFor(s, "b"), FULL).list().plan().waiting("gpu", List.of("a", "b", "c", "d")).look().plan();
        assertThat(tasks(s).stream().filter(task -> !task.isEmpty())).as("the probe waits").containsExactly("a", "b");
        s.shows(machineFor(s, "b"), CloudState.RUNNING).list().plan();
        assertThat(s.fleet.hold(Hold.Kind.CAPACITY, Hold.capacitySubject(s.fleet.machine(first).orElseThrow().offer()))).isEmpty();
        s.waiting("gpu", List.of("a", "b", "c", "d", "e")).look().plan();
        assertThat(tasks(s).stream().filter(task -> !task.isEmpty())).containsExactly("a", "b", "e");
    }

    @Test
    void whatWaitsForRoomAndIsNoLongerNeededGoesAfterTheIdleTimeOut() {
        var agents = new PoolOf("gpu", 0, 9).with(pool -> pool.pods = new Pool.Pods(false, null, Set.of(), new TreeMap<>()));
        var s = Scenario.of(Scenario.spec(List.of(Scenario.queue("gpu", "gpu")), List.of(agents))).waiting("gpu", 2).look().list().plan();
        s.fleet.active().keySet().forEach(id -> s.takes(id, FULL));
        s.list().plan().pass(Duration.ofMinutes(5)).look().list().plan();
        assertThat(s.commands(Command.Drain.class)).as("needed").isEmpty();
        s.waiting("gpu", 1).look().list().plan();
        assertThat(s.commands(Command.Drain.class)).as("one of the two is").hasSize(1);
    }

    // Failures.

    @Test
    void aTaskWhoseOwnImageDoesNotExistIsFailedAndThePoolIsAsGoodAsBefore() {
        var s = cluster(9).waiting("gpu", List.of("typo", "good")).look().list().plan();
        var machine = machineFor(s, "typo");
        s.shows(machine, CloudState.PENDING, Ending.UNKNOWN, NO_IMAGE).list().plan();
        assertThat(s.commands(Command.Rescue.class)).containsExactly(new Command.Rescue("typo", "q-gpu", machine, "", TaskStatus.QUEUED, 1,
                "Muster: machine " + machine + ": ImagePullBackOff: no such image: lab/typo:1; the task is marked failed", "ImagePullBackOff",
                "ImagePullBackOff: no such image: lab/typo:1"));
        assertThat(s.commands(Command.Drain.class)).extracting(Command.Drain::machineId).containsExactly(machine);
        s.look().list().plan();
        assertThat(tasks(s)).as("none is made for it while it is being failed").containsExactly("typo", "good");
        s.fleet.apply(new FleetEvent.TaskRescued(s.now, "typo", 1, RescueOutcome.MARKED_FAILED, TaskStatus.FAILED, "", ""));
        s.waiting("gpu", List.of("good")).look().list().plan();
        assertThat(s.fleet.holds()).isEmpty();
        assertThat(tasks(s)).containsExactly("typo", "good");
        assertThat(s.commands(Command.Rescue.class)).hasSize(1);
    }

    @Test
    void aTaskWithTwoMachinesIsFailedForOneOfThemOnce() {
        var s = cluster(9).waiting("gpu", List.of("typo")).look().list().plan();
        refusedForItsTask(s, "mabcdefgh-1").plan();
        s.fleet.apply(new FleetEvent.TaskRescued(s.now, "typo", 1, RescueOutcome.MARKED_FAILED, TaskStatus.FAILED, "", ""));
        s.plan();
        assertThat(tasks(s)).as("the last look is from before").containsExactly("typo");
        s.pass(Duration.ofSeconds(10)).look().list().plan();
        assertThat(tasks(s)).as("somebody has queued it again").containsExactly("typo", "typo");
        refusedForItsTask(s, "mabcdefgh-2").plan();
        s.fleet.apply(new FleetEvent.TaskRescued(s.now, "typo", 2, RescueOutcome.MARKED_FAILED, TaskStatus.FAILED, "", ""));
        s.waiting("gpu", 0).pass(Duration.ofSeconds(10)).look().list().plan().pass(Duration.ofSeconds(10)).look().list().plan();
        assertThat(s.commands(Command.Rescue.class)).extracting(Command.Rescue::machineId).containsExactly("mabcdefgh-1", "mabcdefgh-2");
    }

    @Test
    void aTaskThatWasPutBackIsFailedAsTheOneThatItsLastWorkerLost() {
        var s = cluster(9).waiting("gpu", List.of("a")).look().list().plan();
        begins(s, "a");
        s.waiting("gpu", 0).look().plan();
        s.shows(s.onlyMachine(), CloudState.TERMINATED, Ending.BY_CLOUD).list().plan().pass(Duration.ofSeconds(1)).look().plan();
        var lost = s.commands(Command.Rescue.class).get(0);
        s.fleet.apply(new FleetEvent.TaskRescued(s.now, "a", lost.attempt(), RescueOutcome.RESCUED, TaskStatus.QUEUED, "", ""));
        s.waiting("gpu", List.of("a")).pass(Duration.ofSeconds(10)).look().list().plan();
        refusedForItsTask(s, machineFor(s, "a")).plan();
        assertThat(lost.worker()).isNotEmpty();
        assertThat(s.commands(Command.Rescue.class)).last().satisfies(failed -> {
            assertThat(failed.failReason()).isEqualTo("BadOverride");
            assertThat(failed.worker()).isEqualTo(lost.worker());
        });
    }

    private static Scenario refusedForItsTask(Scenario s, String machine) {
        s.fleet.apply(new FleetEvent.LaunchRefused(s.now, machine, List.of(machine), FailureKind.INVALID_SPEC, "BadOverride", "Muster/k8s/memory is '64 Gigs'", "",
                null, true));
        return s;
    }

    @Test
    void aTaskThatAsksForWhatCantBeReadIsFailedWithoutAMachine() {
        var s = cluster(9).waiting("gpu", List.of("a")).look().list().plan();
        s.fleet.apply(new FleetEvent.LaunchRefused(s.now, "mabcdefgh-1", List.of("mabcdefgh-1"), FailureKind.INVALID_SPEC, "BadOverride",
                "Muster/k8s/memory is '64 Gigs'", "", null, true));
        s.plan();
        assertThat(s.commands(Command.Rescue.class)).singleElement().satisfies(rescue -> assertThat(rescue.failReason()).isEqualTo("BadOverride"));
        assertThat(s.fleet.holds()).isEmpty();
        s.look().list().plan();
        assertThat(tasks(s)).containsExactly("a");
    }

    @Test
    void aLaunchForATaskThatNoLongerWaitsIsNotRepeatedBeforeALookSaysThatItDoes() {
        var s = cluster(9).waiting("gpu", List.of("a")).look().list().plan();
        s.fleet.apply(new FleetEvent.LaunchRefused(s.now, "mabcdefgh-1", List.of("mabcdefgh-1"), FailureKind.EXPIRED, "TaskGone",
                "task a does not wait any more: it is in_progress", "", null, false));
        s.plan().pass(Duration.ofSeconds(1)).look().list().plan();
        assertThat(tasks(s)).containsExactly("a");
        assertThat(s.commands(Command.Rescue.class)).isEmpty();
        s.pass(Duration.ofSeconds(5)).look().list().plan();
        assertThat(tasks(s)).as("it was put back").containsExactly("a", "a");
        assertThat(s.fleet.holds()).isEmpty();
    }

    @Test
    void aMachineThatEndedWithItsTaskLeavesNothingToDo() {
        var s = cluster(9).waiting("gpu", List.of("a")).look().list().plan();
        begins(s, "a");
        s.waiting("gpu", 0).look().list().plan();
        var id = s.onlyMachine();
        s.shows(id, CloudState.TERMINATED, Ending.INSIDE).list().plan();
        s.workerGone(id).pass(Duration.ofSeconds(1)).look().plan();
        assertThat(s.commands(Command.Rescue.class)).isEmpty();
        assertThat(s.commands(Command.Unregister.class)).isEmpty();
        assertThat(s.decisions()).doesNotContain(Reason.TASK_LOST_MACHINE, Reason.WORKER_OUTLIVED_MACHINE);
        assertThat(s.decided(Reason.MACHINE_ENDED)).singleElement().satisfies(decided -> assertThat(decided.text())
                .isEqualTo(id + " has ended, as it does when it has no more to do for a, which it was made for"));
    }

    @Test
    void aTaskWhoseMachineRanOutOfMemoryIsFailedAndOneThatWasEvictedIsPutBack() {
        var s = cluster(9).waiting("gpu", List.of("big", "lucky")).look().list().plan();
        begins(s, "big");
        begins(s, "lucky");
        s.waiting("gpu", 0).look().list().plan();
        var big = machineFor(s, "big");
        var lucky = machineFor(s, "lucky");
        s.shows(big, CloudState.TERMINATED, Ending.BY_CLOUD, new CloudNote("OOMKilled", "exit code 137", false));
        s.shows(lucky, CloudState.TERMINATED, Ending.INTERRUPTED, new CloudNote("Evicted", "the node was low on memory", false));
        s.list().plan();
        assertThat(s.commands(Command.Rescue.class)).as("both may have ended well, for all that the last look says").isEmpty();
        s.pass(Duration.ofSeconds(1)).look().plan();
        assertThat(s.commands(Command.Rescue.class)).extracting(Command.Rescue::task, Command.Rescue::failReason)
                .containsExactlyInAnyOrder(org.assertj.core.groups.Tuple.tuple("big", "OOMKilled"), org.assertj.core.groups.Tuple.tuple("lucky", ""));
        assertThat(s.decided(Reason.TASK_FAILED_WITH_MACHINE)).singleElement().satisfies(decided -> assertThat(decided.text())
                .isEqualTo("big was on " + big + ", which ended: OOMKilled: exit code 137; mark it failed"));
    }

    @Test
    void theTaskOfAMachineWhoseEndNobodySawIsLostOnceNoWorkerShowsIt() {
        var s = cluster(9).waiting("gpu", List.of("a")).look().list().plan();
        begins(s, "a");
        s.waiting("gpu", 0).look().list().plan();
        var id = s.onlyMachine();
        s.shows(id, CloudState.TERMINATED, Ending.UNSEEN, new CloudNote("Deleted", "", false)).list().plan();
        assertThat(s.fleet.machine(id).orElseThrow().phase()).isEqualTo(Phase.GONE);
        s.pass(Duration.ofMinutes(5)).look().plan();
        assertThat(s.commands(Command.Rescue.class)).as("its worker is listed, and may well work").isEmpty();
        assertThat(s.commands(Command.Unregister.class)).isEmpty();
        s.workerGone(id).adrift(new FleetEvent.TaskAdrift("a", "q-gpu", Scenario.workerId(s.fleet.machine(id).orElseThrow()), TaskStatus.IN_PROGRESS, s.now, s.now)).look().plan();
        assertThat(s.commands(Command.Rescue.class)).isEmpty();
        s.pass(Duration.ofSeconds(61)).look().plan();
        assertThat(s.commands(Command.Rescue.class)).extracting(Command.Rescue::task, Command.Rescue::failReason)
                .containsExactly(org.assertj.core.groups.Tuple.tuple("a", ""));
    }

    @Test
    void aMachineOfItsKindThatTheBooksLostKeepsItsTask() {
        var s = cluster(9).waiting("gpu", List.of("a")).look().list().plan();
        var id = s.onlyMachine();
        s.takes(id, FULL).list().plan().lose().look().list().plan().look().plan();
        assertThat(s.fleet.machine(id).orElseThrow().task()).isEqualTo("a");
        assertThat(s.fleet.size()).isEqualTo(1);
    }

    @Test
    void aPriceIsReservedWhileItWaits() {
        var spec = Scenario.budgeted(Scenario.spec(List.of(Scenario.queue("gpu", "gpu")), List.of(pods("gpu", 9, null))),
                Scenario.hard(Budget.Period.HOUR, 526_000));
        var s = Scenario.of(spec).waiting("gpu", List.of("a", "b")).look().list().plan();
        assertThat(tasks(s)).containsExactly("a");
        assertThat(s.fleet.active().values()).singleElement().satisfies(machine -> assertThat(machine.committed()).isEqualTo(OptionalLong.of(526_000)));
    }
}
