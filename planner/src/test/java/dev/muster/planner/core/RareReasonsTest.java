package dev.muster.planner.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.planner.core.FleetEvent.MachineFacts;
import dev.muster.planner.core.Scenario.PoolOf;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** Forms of reasons that no other example leads to: each is given with the values that it needs, or the plan would have thrown. */
class RareReasonsTest {

    private static Scenario oneBooted() {
        return Scenario.onePool(2).waiting("gpu", 1).look().list().plan().allBoot().waiting("gpu", 0);
    }

    private static MachineFacts facts(Machine machine, String id, String cloudId, CloudState state, String bootFailed) {
        return new MachineFacts(id, "gpu", cloudId, machine.batchId(), machine.launchIndex(), machine.offer(), state, Ending.UNKNOWN, Scenario.START, Mark.NONE,
                bootFailed);
    }

    private static void assertDecided(Scenario s, Reason reason, String how, String text) {
        assertThat(s.decided(reason)).anySatisfy(decided -> {
            assertThat(decided.words()).containsEntry("how", how);
            assertThat(decided.text()).contains(text);
        });
    }

    private static void assertRefused(Scenario s, Reason reason, String text) {
        assertThat(s.fleet.refusals()).anySatisfy(refused -> {
            assertThat(refused.reason()).isEqualTo(reason);
            assertThat(refused.text()).contains(text);
            assertThat(refused.unblockedBy()).isNotEmpty();
        });
    }

    @Test
    void aWorkerThatIsLost() {
        var s = oneBooted();
        s.workerGone(s.onlyMachine()).look().list().plan().pass(Duration.ofMinutes(11)).look().list().plan();
        assertDecided(s, Reason.BOOT_FAILED, "worker-lost", "lost its worker 600 s ago");
    }

    @Test
    void aBootThatSaysWhyItFailed() {
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan();
        var id = s.onlyMachine();
        s.accept(id).stranger(facts(s.fleet.machine(id).orElseThrow(), id, "i-" + id, CloudState.RUNNING, "no disk")).vanishes(id).list().plan();
        assertDecided(s, Reason.BOOT_FAILED, "boot-error", id + ": its boot failed: no disk; terminate it");
    }

    @Test
    void aMachineThatIsStopped() {
        var s = oneBooted();
        s.shows(s.onlyMachine(), CloudState.STOPPED).list().plan();
        assertDecided(s, Reason.MACHINE_ENDED, "stopped", "is stopped, and still there and paid for in part");
    }

    @Test
    void aSecondMachineUnderOneId() {
        var s = oneBooted();
        var id = s.onlyMachine();
        s.stranger(facts(s.fleet.machine(id).orElseThrow(), id, "i-2", CloudState.RUNNING, "")).list().plan();
        assertDecided(s, Reason.IS_UNKNOWN, "second", "i-2 carries the id of " + id + ", which is i-" + id + ": it counts as a-i-2, and drains");
    }

    @Test
    void aSecondMachineUnderOneIdOfAFleetThatIsDeleted() {
        var s = oneBooted();
        var id = s.onlyMachine();
        s.delete(FleetHead.ShutdownAction.IDLE).plan();
        s.stranger(facts(s.fleet.machine(id).orElseThrow(), id, "i-2", CloudState.RUNNING, "")).list().plan();
        assertDecided(s, Reason.IS_ORPHAN, "second", "i-2 carries the id of " + id);
    }

    @Test
    void aMachineWhosePoolIsGone() {
        var s = oneBooted();
        s.edit(Scenario.spec(List.of(Scenario.queue("gpu", "other")), List.of(Scenario.pool("other", 1)))).look().list().plan();
        assertDecided(s, Reason.IS_ORPHAN, "pool-gone", "is of pool gpu, which the spec no longer has");
    }

    @Test
    void aMachineOfAnEarlierLife() {
        var s = Scenario.onePool(1);
        var head = s.fleet.head();
        s.fleet = Fleet.of(new FleetHead(head.name(), head.incarnation(), List.of(new FleetHead.PastLife("zzzzzzzz", FleetHead.ShutdownAction.ALL)), 1,
                FleetHead.State.ACTIVE, null, head.spec(), head.createdAt(), head.changedAt()));
        s.stranger(new MachineFacts("mzzzzzzzz-1", "gpu", "i-1", "mzzzzzzzz-1", 0, head.spec().pools().get(0).offers().get(0).key(), CloudState.RUNNING,
                Ending.UNKNOWN, Scenario.START, Mark.NONE, "")).look().list().plan();
        assertDecided(s, Reason.IS_ORPHAN, "fleet-deleted", "is of a fleet that was deleted");
    }

    @Test
    void aScopeThatAnotherInstallationKeeps() {
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list();
        s.fleet.apply(new FleetEvent.InventorySeen(s.now, Scenario.SCOPE, new FleetEvent.Seen("aws", 1, 9, s.now, 1, 1), s.now,
                FleetEvent.ScopeState.LISTED, "", List.of(), "q1Sh9kTz"));
        assertRefused(s.plan(), Reason.FOREIGN_MARK, "kept by another Kafka cluster, q1Sh9kTz");
    }

    @Test
    void aSoftLimitThatIsPassed() {
        var soft = new Budget(Budget.Period.HOUR, OptionalLong.empty(), OptionalLong.of(100_000), Budget.HardAction.STOP_LAUNCHING, Budget.SoftAction.WARN,
                OptionalLong.empty(), 0);
        var s = Scenario.of(Scenario.budgeted(Scenario.onePool(1).fleet.spec(), soft)).waiting("gpu", 1).look().list().plan().look().plan();
        assertRefused(s, Reason.SOFT_BUDGET_REACHED, "the fleet is at 0.526 an hour, above its soft limit of 0.10");
    }

    @Test
    void machinesWithoutAPriceUnderABudgetThatCameLater() {
        var offer = Scenario.offer("g4dn.xlarge", "us-east-1a", Market.ON_DEMAND);
        var unpriced = new Offer(offer.key(), OptionalLong.empty(), OptionalLong.empty());
        var queues = List.of(Scenario.queue("gpu", "gpu"));
        var s = Scenario.of(Scenario.spec(queues, List.of(new PoolOf("gpu", 0, 5).with(p -> p.offers = List.of(unpriced))))).waiting("gpu", 1).look().list().plan();
        s.edit(Scenario.budgeted(Scenario.spec(queues, List.of(Scenario.pool("gpu", 5))), Scenario.hard(Budget.Period.HOUR, 5_000_000)));
        s.waiting("gpu", 3).look().list().plan();
        assertRefused(s, Reason.PRICE_UNKNOWN, "1 machines of the fleet, which has a budget, have no known price");
    }

    @Test
    void anAbsurdPriceBeforeAnyGoodOne() {
        var s = Scenario.onePool(1).look().list().plan();
        var key = s.fleet.spec().pools().get(0).offers().get(0).key();
        s.fleet.apply(new FleetEvent.PricesSeen(s.now, List.of(new FleetEvent.PricesSeen.Price(key, -7, s.now, "x"))));
        assertRefused(s.plan(), Reason.PRICE_IGNORED, "; none is known");
    }
}
