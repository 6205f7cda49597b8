package dev.muster.planner.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.planner.core.Adoption.Refusal;
import dev.muster.planner.core.FleetEvent.MachineFacts;
import dev.muster.planner.core.Scenario.PoolOf;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** Machines of another autoscaler: which are taken over, how they count, and what is never done to them. */
class AdoptionTest {

    private static final OfferKey OFFER = Scenario.offer("g4dn.xlarge", "us-east-1a", Market.ON_DEMAND).key();
    private static final Duration SECOND = Duration.ofSeconds(1);

    private static String worker(String cloudId) {
        return "acme-demo:gpu:g4dn.xlarge:" + cloudId;
    }

    /** As the cloud shows it once it is tagged. */
    private static MachineFacts tagged(String cloudId) {
        return tagged(cloudId, "gpu", OFFER);
    }

    private static MachineFacts tagged(String cloudId, String pool, OfferKey offer) {
        return new MachineFacts("a-" + cloudId, pool, cloudId, "a-" + cloudId, 0, offer, CloudState.RUNNING, Ending.UNKNOWN,
                Scenario.START.minus(Duration.ofHours(5)), Mark.NONE, "");
    }

    private static Scenario adopting(Scenario s, String prefix) {
        s.fleet.apply(new FleetEvent.AdoptionAsked(s.now, prefix));
        return s;
    }

    /** The provisioner has tagged what it was asked for last. */
    private static Scenario done(Scenario s, String cloudId) {
        return done(s, tagged(cloudId));
    }

    private static Scenario done(Scenario s, MachineFacts facts) {
        s.stranger(facts);
        s.fleet.apply(new FleetEvent.MachineSeen(s.now, facts));
        s.fleet.apply(new FleetEvent.CommandAnswered(s.now, facts.machineId(), ordinal(s, facts.cloudId()), "adopt", true, null, "", ""));
        return s;
    }

    private static Scenario refused(Scenario s, String cloudId, Refusal why, String detail) {
        s.fleet.apply(new FleetEvent.AdoptionRefused(s.now, "a-" + cloudId, ordinal(s, cloudId), why, detail));
        return s;
    }

    private static long ordinal(Scenario s, String cloudId) {
        return s.commands(Command.Adopt.class).stream().filter(adopt -> adopt.cloudId().equals(cloudId)).mapToLong(Command.Adopt::ordinal).max().orElse(0);
    }

    private static void assertNotAdopted(Scenario s, String text, String unblockedBy) {
        assertThat(s.fleet.refusals()).filteredOn(refused -> refused.reason() == Reason.NOT_ADOPTED).singleElement().satisfies(refused -> {
            assertThat(refused.text()).isEqualTo(text);
            assertThat(refused.unblockedBy()).isEqualTo(unblockedBy);
        });
        assertThat(s.fleet.active()).isEmpty();
    }

    /** One busy and one idle machine of before, with a task that waits. */
    private static Scenario twoOfAnother() {
        return adopting(Scenario.onePool(5).otherWorker(worker("i-1"), "task-x", "q-gpu").otherWorker(worker("i-2"), "", "q-gpu"), "acme-demo")
                .waiting("gpu", 1).look().list().plan();
    }

    // What is taken over.

    @Test
    void asksForEachMachineToBeTaggedAndLaunchesNothingMeanwhile() {
        var s = twoOfAnother();

        assertThat(s.commands(Command.Adopt.class)).containsExactly(
                new Command.Adopt(Scenario.SCOPE, "a-i-1", "i-1", "gpu", List.of(OFFER), 1),
                new Command.Adopt(Scenario.SCOPE, "a-i-2", "i-2", "gpu", List.of(OFFER), 1));
        assertThat(s.commands(Command.Launch.class)).isEmpty();
        assertThat(s.refused("gpu").text())
                .isEqualTo("1 waits in gpu with no machine to come; 2 machines are being adopted, and may take what waits");
    }

    @Test
    void countsThemFromTheMomentTheyAreTaggedAtTheirOffersPrice() {
        var s = done(done(twoOfAnother(), "i-1"), "i-2").plan();

        var busy = s.fleet.active().get("a-i-1");
        assertThat(busy.phase()).isEqualTo(Phase.READY);
        assertThat(busy.offer()).isEqualTo(OFFER);
        assertThat(busy.committed()).isEqualTo(OptionalLong.of(526_000));
        assertThat(busy.isAdopted()).isTrue();
        assertThat(s.fleet.isBusy(busy)).isTrue();
        assertThat(s.fleet.isBusy(s.fleet.active().get("a-i-2"))).isFalse();
        assertThat(s.fleet.adoptions()).isEmpty();
        assertThat(s.decided(Reason.ADOPTION).get(2).text()).isEqualTo("a-i-1 (i-1) is tagged: adopted into gpu as g4dn.xlarge us-east-1a at 0.526/h");
        // The idle one takes the task: nothing is launched for it, and nothing at all is done to the two.
        s.look().list().plan();
        assertThat(s.commands(Command.Launch.class)).isEmpty();
        assertThat(s.commands(Command.Drain.class)).isEmpty();
        assertThat(s.commands(Command.Terminate.class)).isEmpty();
    }

    @Test
    void aMachineThatIsOlderThanAnyBootMayTakeIsNotGivenUp() {
        // Launched 5 h ago by its cloud's clock; the pool's registration deadline is 10 min.
        var s = done(twoOfAnother(), "i-1").plan().look().list().plan();

        assertThat(s.decisions()).doesNotContain(Reason.BOOT_FAILED);
        assertThat(s.fleet.hold(Hold.Kind.CIRCUIT, "gpu")).isEmpty();
    }

    @Test
    void aMachineThatRegistersLaterIsAdoptedToo() {
        var s = adopting(Scenario.onePool(5), "acme-demo").look().list().plan();
        assertThat(s.commands(Command.Adopt.class)).isEmpty();

        s.pass(Duration.ofMinutes(59)).otherWorker(worker("i-3"), "", "q-gpu").look().list().plan();
        assertThat(s.commands(Command.Adopt.class)).hasSize(1);
    }

    @Test
    void afterAnHourNoMoreAre() {
        var s = adopting(Scenario.onePool(5), "acme-demo").look().list().plan();

        s.pass(Duration.ofHours(1)).otherWorker(worker("i-3"), "", "q-gpu").look().list().plan();
        assertThat(s.fleet.adopting()).isEmpty();
        assertThat(s.commands(Command.Adopt.class)).isEmpty();

        adopting(s, "acme-demo").plan();
        assertThat(s.commands(Command.Adopt.class)).hasSize(1);
    }

    @Test
    void withoutBeingAskedToItAdoptsNobody() {
        var s = Scenario.onePool(5).otherWorker(worker("i-1"), "", "q-gpu").look().list().plan();
        adopting(s, "dynamic_worker").look().plan();
        assertThat(s.commands(Command.Adopt.class)).isEmpty();
    }

    @Test
    void aResourcesNameIsThePoolThatTheImportMadeOfIt() {
        var pool = Scenario.pool("v100-spot", 0, 5, 1, Scenario.offer("p3.2xlarge", "us-east-1b", Market.SPOT));
        var s = adopting(Scenario.of(Scenario.spec(List.of(Scenario.queue("gpu", "v100-spot")), List.of(pool)))
                .otherWorker("dynamic_worker:V100_spot:p3.2xlarge:i-1", "task-x", "q-gpu"), "dynamic_worker").look().list().plan();

        assertThat(s.commands(Command.Adopt.class)).extracting(Command.Adopt::pool).containsExactly("v100-spot");
        var spot = pool.offers().get(0).key();
        done(s, tagged("i-1", "v100-spot", new OfferKey("aws", "default", "us-east-1", "us-east-1b", "subnet-1", "p3.2xlarge", Market.SPOT))).plan();
        // What the cloud says beyond the offer makes it no other offer.
        assertThat(s.fleet.active().get("a-i-1").offer()).isEqualTo(spot);
    }

    @Test
    void aWorkerOfAnotherPrefixIsTheFleetsOnceItsMachineIs() {
        var other = "dynamic_worker:gpu:g4dn.xlarge:i-1";
        var s = adopting(Scenario.onePool(5).otherWorker(other, "", "q-gpu"), "dynamic_worker").waiting("gpu", 2).look().list().plan();
        assertThat(s.fleet.otherWorkers()).hasSize(1);

        done(s, "i-1").plan();
        assertThat(s.fleet.otherWorkers()).isEmpty();
        assertThat(s.fleet.machineOf(other)).isPresent();
        // One of the two tasks is the adopted machine's; it is not counted a second time as somebody's idle worker.
        assertThat(s.fleet.active().keySet()).containsExactly("a-i-1", "mabcdefgh-1");
    }

    @Test
    void adoptedMachinesCountAgainstTheLimit() {
        var s = adopting(Scenario.onePool(1).otherWorker(worker("i-1"), "task-x", "q-gpu"), "acme-demo").waiting("gpu", 3).look().list().plan();
        done(s, "i-1").plan();

        assertThat(s.fleet.active().keySet()).containsExactly("a-i-1");
        assertThat(s.refused("gpu").reason()).isEqualTo(Reason.AT_POOL_LIMIT);
    }

    @Test
    void adoptedMachinesCountAgainstTheBudget() {
        var spec = Scenario.budgeted(Scenario.onePool(5).fleet.spec(), Scenario.hard(Budget.Period.HOUR, 1_000_000));
        var s = adopting(Scenario.of(spec).otherWorker(worker("i-1"), "task-x", "q-gpu"), "acme-demo").waiting("gpu", 3).look().list().plan();
        done(s, "i-1").plan();

        assertThat(s.fleet.active().keySet()).containsExactly("a-i-1");
        assertThat(s.refused("gpu").reason()).isEqualTo(Reason.BUDGET_REACHED);
    }

    @Test
    void aPriceThatIsHeardOfLaterCountsFromThenOn() {
        var unpriced = new Offer(OFFER, OptionalLong.empty(), OptionalLong.empty());
        var spec = Scenario.spec(List.of(Scenario.queue("gpu", "gpu")), List.of(new PoolOf("gpu", 0, 5).with(p -> p.offers = List.of(unpriced))));
        var s = adopting(Scenario.of(Scenario.budgeted(spec, Scenario.hard(Budget.Period.HOUR, 1_000_000))).otherWorker(worker("i-1"), "task-x", "q-gpu"),
                "acme-demo").waiting("gpu", 1).look().list().plan();
        done(s, "i-1").plan();
        assertThat(s.fleet.active().get("a-i-1").committed()).isEmpty();

        s.fleet.apply(new FleetEvent.PricesSeen(s.now, List.of(new FleetEvent.PricesSeen.Price(OFFER, 400_000, s.now, "ec2"))));
        s.plan();
        assertThat(s.fleet.active().get("a-i-1").committed()).isEqualTo(OptionalLong.of(400_000));
        assertThat(s.fleet.active()).hasSize(2);
    }

    // How they end.

    @Test
    void anIdleOneIsReleasedLikeAnyOtherAfterTwoFreshLooks() {
        var s = done(done(twoOfAnother(), "i-1"), "i-2").waiting("gpu", 0).plan();
        s.pass(Duration.ofSeconds(61)).look().list().plan();
        assertThat(s.machines(Phase.DRAINING)).extracting(Machine::id).containsExactly("a-i-2");
        assertThat(s.decided(Reason.IDLE_TOO_LONG)).hasSize(1);

        // Its mark is written and nothing obeys it.
        var drain = s.commands(Command.Drain.class).get(0);
        assertThat(drain.ordinal()).isGreaterThan(1);
        s.stranger(new MachineFacts("a-i-2", "gpu", "i-2", "a-i-2", 0, OFFER, CloudState.RUNNING, Ending.UNKNOWN, Scenario.START, Mark.DRAIN, "")).list();
        s.pass(SECOND).look().list().plan();
        assertThat(s.commands(Command.Terminate.class)).isEmpty();
        s.pass(Duration.ofSeconds(60)).look().list().plan().pass(SECOND).look().list().plan();
        assertThat(s.commands(Command.Terminate.class)).extracting(Command.Terminate::cloudId).containsExactly("i-2");
    }

    @Test
    void oneThatTakesATaskUnderItsMarkRunsOn() {
        var s = done(done(twoOfAnother(), "i-1"), "i-2").waiting("gpu", 0).plan();
        s.pass(Duration.ofSeconds(61)).look().list().plan();
        assertThat(s.machines(Phase.DRAINING)).hasSize(1);

        s.otherWorker(worker("i-2"), "task-y", "q-gpu");
        for (int i = 0; i < 40; i++) {
            s.pass(Duration.ofSeconds(30)).look().list().plan();
        }
        assertThat(s.commands(Command.Terminate.class)).isEmpty();
    }

    @Test
    void itsTaskIsRescuedWhenItIsLost() {
        var s = done(adopting(Scenario.onePool(5).otherWorker("dynamic_worker:gpu:g4dn.xlarge:i-1", "task-x", "q-gpu"), "dynamic_worker").look().list().plan(),
                "i-1").plan();
        s.stranger(new MachineFacts("a-i-1", "gpu", "i-1", "a-i-1", 0, OFFER, CloudState.TERMINATED, Ending.INTERRUPTED, null, Mark.NONE, ""))
                .look().list().plan();

        assertThat(s.commands(Command.Rescue.class)).extracting(Command.Rescue::task).containsExactly("task-x");
    }

    @Test
    void itsChainOfDecisionsIsWhole() {
        var s = done(done(twoOfAnother(), "i-1"), "i-2").waiting("gpu", 0).plan().pass(Duration.ofSeconds(61)).look().list().plan();
        var chains = new CauseChains();
        for (var record : s.records) {
            if (record instanceof PlanRecord.Decided decided) {
                chains.decided(decided.id(), decided.reason(), decided.machineIds(), decided.causes());
            }
        }
        assertThat(chains.machines()).isEqualTo(2);
        assertThat(chains.broken()).isEmpty();
    }

    // What is not taken over, and why.

    @Test
    void aResourceThatIsNoPoolIsNamed() {
        var s = adopting(Scenario.onePool(5).otherWorker("acme-demo:Big_Box:g4dn.xlarge:i-1", "", "q-gpu"), "acme-demo").look().list().plan();
        assertNotAdopted(s, "acme-demo:Big_Box:g4dn.xlarge:i-1 is not adopted: the fleet has no pool big-box", "a pool of that name in the spec");

        s.edit(Scenario.spec(List.of(Scenario.queue("gpu", "big-box")), List.of(Scenario.pool("big-box", 2)))).look().list().plan();
        assertThat(s.commands(Command.Adopt.class)).extracting(Command.Adopt::pool).containsExactly("big-box");
        assertThat(s.refusals()).isEmpty();
    }

    @Test
    void aTypeThatThePoolDoesNotOfferIsNamed() {
        var s = adopting(Scenario.onePool(5).otherWorker("acme-demo:gpu:p5.48xlarge:i-1", "", "q-gpu"), "acme-demo").look().list().plan();
        assertNotAdopted(s, "acme-demo:gpu:p5.48xlarge:i-1 is not adopted: gpu has no offer of p5.48xlarge", "an offer of that type in the pool");
    }

    @Test
    void aWorkerOfQueuesThatThePoolDoesNotServeWouldTakeNoTaskOfIts() {
        var s = adopting(Scenario.onePool(5).otherWorker(worker("i-1"), "", "q-elsewhere"), "acme-demo").look().list().plan();
        assertNotAdopted(s, worker("i-1") + " is not adopted: it serves no queue of gpu", "a queue of the worker that names the pool in the spec");
    }

    @Test
    void aMachineWithFewerAgentsThanItsPoolCountsOnIsNotTaken() {
        var pool = new PoolOf("gpu", 0, 5).with(p -> p.slots = 2);
        var s = adopting(Scenario.of(Scenario.spec(List.of(Scenario.queue("gpu", "gpu")), List.of(pool))).otherWorker(worker("i-1"), "", "q-gpu"), "acme-demo")
                .look().list().plan();
        assertNotAdopted(s, worker("i-1") + " is not adopted: its machine has 1 of the 2 agents that machines of gpu have",
                "a pool with as many slots as the machine has agents");
    }

    @Test
    void aMachineThatVanishesBeforeItIsTaggedEndsItsOwnAdoptionOnly() {
        var s = done(refused(twoOfAnother(), "i-2", Refusal.NOT_THERE, "there is no instance i-2"), "i-1").plan();

        assertThat(s.fleet.active().keySet()).contains("a-i-1").doesNotContain("a-i-2");
        assertThat(s.fleet.refusals()).filteredOn(refused -> refused.reason() == Reason.NOT_ADOPTED).singleElement().extracting(PlanRecord.Refused::text)
                .isEqualTo(worker("i-2") + " is not adopted: its machine does not run in " + Scenario.SCOPE);
        // What waits is launched for now, and the server forgets the worker in its time.
        assertThat(s.commands(Command.Launch.class)).hasSize(1);
    }

    @Test
    void whatNobodyAsksForAnyMoreIsForgotten() {
        var s = adopting(Scenario.onePool(5).otherWorker(worker("i-1"), "", "q-gpu"), "acme-demo").look().list().plan();
        refused(s, "i-1", Refusal.NOT_THERE, "").plan();
        assertThat(s.fleet.adoptions()).hasSize(1);

        s.pass(Duration.ofHours(1)).look().list().plan();
        assertThat(s.fleet.adoptions()).isEmpty();
        assertThat(s.refusals()).isEmpty();
    }

    @Test
    void aMachineOfAnotherFleetIsLeftToIt() {
        var s = adopting(Scenario.onePool(5).otherWorker(worker("i-1"), "", "q-gpu"), "acme-demo").look().list().plan();
        refused(s, "i-1", Refusal.OF_ANOTHER, "is of fleet train of installation lab").plan();
        assertNotAdopted(s, worker("i-1") + " is not adopted: its machine is of fleet train of installation lab", "that fleet letting it go");

        s.look().list().plan();
        assertThat(s.commands(Command.Adopt.class)).hasSize(1);
        adopting(s, "acme-demo").plan();
        assertThat(s.commands(Command.Adopt.class)).hasSize(2);
    }

    @Test
    void aMachineThatIsNoOfferOfThePoolIsNotTaken() {
        var s = adopting(Scenario.onePool(5).otherWorker(worker("i-1"), "", "q-gpu"), "acme-demo").look().list().plan();
        refused(s, "i-1", Refusal.NO_SUCH_OFFER, "is a g4dn.xlarge in us-east-1c, on demand").plan();
        assertNotAdopted(s, worker("i-1") + " is not adopted: gpu has no such offer, for its machine is a g4dn.xlarge in us-east-1c, on demand",
                "an offer like it in the pool");
    }

    @Test
    void aCloudThatDoesNotAllowTheTagsIsSaid() {
        var s = adopting(Scenario.onePool(5).otherWorker(worker("i-1"), "", "q-gpu"), "acme-demo").look().list().plan();
        refused(s, "i-1", Refusal.BY_CLOUD, "UnauthorizedOperation: no CreateTags").plan();
        assertNotAdopted(s, worker("i-1") + " is not adopted: its cloud refuses the tags: UnauthorizedOperation: no CreateTags",
                "muster fleet adopt, once the cloud allows it");
    }

    @Test
    void itIsLookedForWhereverItsPoolHasOffersOfItsType() {
        var west = new Offer(new OfferKey("aws", "default", "us-west-2", "", "", "g4dn.xlarge", Market.ON_DEMAND), OptionalLong.of(526_000), OptionalLong.empty());
        var s = adopting(Scenario.of(Scenario.spec(List.of(Scenario.queue("gpu", "gpu")),
                List.of(Scenario.pool("gpu", 0, 5, 1, Scenario.offer("g4dn.xlarge", "us-east-1a", Market.ON_DEMAND), west))))
                .otherWorker(worker("i-1"), "", "q-gpu"), "acme-demo");
        s.fleet.apply(new FleetEvent.InventorySeen(s.now, "aws/default/us-west-2", new FleetEvent.Seen("aws", 1, 1, s.now, 1, 1), s.now,
                FleetEvent.ScopeState.LISTED, "", List.of(), ""));
        s.look().list().plan();
        refused(s, "i-1", Refusal.NOT_THERE, "").plan();
        assertThat(s.commands(Command.Adopt.class)).extracting(Command.Adopt::scope, Command.Adopt::ordinal)
                .containsExactly(org.assertj.core.groups.Tuple.tuple(Scenario.SCOPE, 1L), org.assertj.core.groups.Tuple.tuple("aws/default/us-west-2", 2L));

        // A late answer to the first question is none to the second.
        s.fleet.apply(new FleetEvent.AdoptionRefused(s.now, "a-i-1", 1, Refusal.NOT_THERE, ""));
        assertThat(s.fleet.adoptions().get("i-1").isOpen()).isTrue();
        refused(s, "i-1", Refusal.NOT_THERE, "").plan();
        assertNotAdopted(s, worker("i-1") + " is not adopted: its machine does not run in aws/default/us-east-1, aws/default/us-west-2",
                "an offer in the account and region where it runs");
    }

    // When nobody answers.

    @Test
    void anUnansweredCommandIsRepeatedAndLaunchesWaitForAMinuteOnly() {
        var s = twoOfAnother();
        s.pass(Duration.ofSeconds(59)).look().list().plan();
        assertThat(s.commands(Command.Launch.class)).isEmpty();

        s.pass(SECOND).look().list().plan();
        assertThat(s.commands(Command.Launch.class)).hasSize(1);
        assertThat(s.commands(Command.Adopt.class)).extracting(Command.Adopt::cloudId).containsExactly("i-1", "i-2", "i-1", "i-2");
        // The answer to either will do.
        done(s, "i-1").plan();
        assertThat(s.fleet.active()).containsKey("a-i-1");
    }

    @Test
    void oneThatIsTaggedAfterItsFleetWasDeletedEndsWithIt() {
        var s = twoOfAnother();
        s.delete(FleetHead.ShutdownAction.IDLE).plan().plan();
        assertThat(s.fleet.head().state()).isEqualTo(FleetHead.State.DELETED);

        done(s, "i-2").plan();

        assertThat(s.decided(Reason.IS_ORPHAN)).hasSize(1);
        assertThat(s.fleet.active().get("a-i-2").phase()).isEqualTo(Phase.DRAINING);
    }

    @Test
    void oneThatIsTaggedAfterAFleetThatLeavesItsMachinesIsLeft() {
        var s = twoOfAnother();
        s.delete(FleetHead.ShutdownAction.LEAVE).plan().plan();

        done(s, "i-2").plan();

        assertThat(s.fleet.active()).isEmpty();
    }

    @Test
    void nothingIsAdoptedWhereAnotherInstallationsMarkIs() {
        var s = adopting(Scenario.onePool(5).otherWorker(worker("i-1"), "", "q-gpu"), "acme-demo").waiting("gpu", 1).look();
        s.fleet.apply(new FleetEvent.InventorySeen(s.now, Scenario.SCOPE, new FleetEvent.Seen("aws", 1, 1, s.now, 1, 1), s.now,
                FleetEvent.ScopeState.LISTED, "", List.of(), "q1Sh9kTz"));
        s.plan();
        assertThat(s.commands(Command.Adopt.class)).isEmpty();
        assertThat(s.commands(Command.Launch.class)).isEmpty();
    }

    @Test
    void aHeldFleetAdoptsNothing() {
        var s = adopting(Scenario.onePool(5).otherWorker(worker("i-1"), "", "q-gpu"), "acme-demo").look().list();
        s.lookFails().plan();
        assertThat(s.commands(Command.Adopt.class)).isEmpty();
    }

    @Test
    void aFleetThatLostItsBooksFindsItsAdoptedMachinesByTheirTags() {
        var s = done(twoOfAnother(), "i-1").plan();
        s.lose().look().list().plan();

        var again = s.fleet.active().get("a-i-1");
        assertThat(again.phase()).isEqualTo(Phase.READY);
        assertThat(again.isAdopted()).isTrue();
        assertThat(s.fleet.isBusy(again)).isTrue();
    }
}
