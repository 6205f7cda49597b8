package dev.muster.planner.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.planner.core.Scenario.PoolOf;
import java.time.Duration;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** How long machines stay and when they come: warm, schedules, delays, age, protection, roll-back, taken-back drains; by examples. */
class LivesTest {

    private static Scenario gpu(Pool pool) {
        return Scenario.of(Scenario.spec(List.of(Scenario.queue("gpu", "gpu")), List.of(pool)));
    }

    private static Offer spot(String zone) {
        return new Offer(Scenario.offer("g4dn.xlarge", zone, Market.SPOT).key(), OptionalLong.of(160_000), OptionalLong.empty());
    }

    // Warm machines.

    @Test
    void warmMachinesAreKeptBeyondWhatWorks() {
        var s = gpu(new PoolOf("gpu", 0, 5).with(p -> p.warm = 2)).waiting("gpu", 0).look().list().plan();
        assertThat(s.fleet.active()).hasSize(2);
        s.allBoot();
        var busy = s.fleet.active().firstKey();
        s.worker(busy, "t").look().list().plan();
        assertThat(s.fleet.active()).hasSize(3);
        assertThat(s.decided(Reason.BELOW_WARM)).isNotEmpty();

        s.allBoot().worker(busy, "").look().list().plan().pass(Duration.ofMinutes(10)).look().list().plan();
        assertThat(s.machines(Phase.DRAINING)).hasSize(1);
    }

    @Test
    void warmStopsAtTheMaximumWithoutARefusal() {
        var s = gpu(new PoolOf("gpu", 0, 1).with(p -> p.warm = 3)).waiting("gpu", 0).look().list().plan();
        assertThat(s.fleet.active()).hasSize(1);
        assertThat(s.fleet.refusals()).isEmpty();
    }

    // Schedules.

    @Test
    void aWindowRaisesTheMinimumAndItsEndLowersItAgain() {
        var morning = new Schedule("0 8 * * 1-5", Duration.ofHours(10), ZoneId.of("Europe/Berlin"), OptionalInt.of(2), OptionalInt.empty(), OptionalInt.empty(),
                Optional.empty());
        var s = gpu(new PoolOf("gpu", 0, 5).with(p -> p.schedules = List.of(morning)));
        s.now = ZonedDateTime.of(2026, 3, 27, 7, 59, 50, 0, ZoneId.of("Europe/Berlin")).toInstant();
        s.waiting("gpu", 0).look().list().plan();
        assertThat(s.fleet.active()).isEmpty();
        assertThat(s.fleet.due()).isBeforeOrEqualTo(s.now.plusSeconds(10));
        s.pass(Duration.ofSeconds(10)).look().list().plan();
        assertThat(s.fleet.active()).hasSize(2);
        s.allBoot().pass(Duration.ofHours(10)).look().list().plan();
        assertThat(s.machines(Phase.DRAINING)).hasSize(2);
        // Sunday is another offset, and no weekday.
        s.pass(Duration.ofHours(38)).look().list().plan();
        assertThat(s.machines(Phase.REQUESTED)).isEmpty();
    }

    @Test
    void aWindowThatLowersTheMaximumDrainsAndAPausedOneLaunchesNothing() {
        var night = new Schedule("0 0 * * *", Duration.ofHours(6), ZoneId.of("UTC"), OptionalInt.empty(), OptionalInt.of(1), OptionalInt.empty(), Optional.empty());
        var s = gpu(new PoolOf("gpu", 0, 5).with(p -> p.schedules = List.of(night)));
        s.now = ZonedDateTime.of(2026, 3, 27, 23, 0, 0, 0, ZoneId.of("UTC")).toInstant();
        s.waiting("gpu", 3).look().list().plan().allBoot();
        s.fleet.active().keySet().stream().limit(2).forEach(id -> s.worker(id, "t-" + id));
        s.waiting("gpu", 0).pass(Duration.ofHours(1)).look().list().plan();
        // The idle one and, when it has finished its task, one of the busy.
        assertThat(s.machines(Phase.DRAINING)).hasSize(2);
        assertThat(s.fleet.refusals()).anySatisfy(warning -> assertThat(warning.reason()).isEqualTo(Reason.LIMIT_NOT_REACHED_YET));

        var paused = new Schedule("0 0 * * *", Duration.ofHours(6), ZoneId.of("UTC"), OptionalInt.empty(), OptionalInt.empty(), OptionalInt.empty(), Optional.of(true));
        var closed = gpu(new PoolOf("gpu", 0, 5).with(p -> p.schedules = List.of(paused)));
        closed.now = ZonedDateTime.of(2026, 3, 27, 1, 0, 0, 0, ZoneId.of("UTC")).toInstant();
        closed.waiting("gpu", 3).look().list().plan();
        assertThat(closed.refused("gpu").reason()).isEqualTo(Reason.IS_PAUSED);
        closed.pass(Duration.ofHours(5)).look().list().plan();
        assertThat(closed.fleet.active()).hasSize(3);
    }

    @Test
    void aCronThatNeverComesNeverOpens() {
        var never = new Schedule("0 0 30 2 *", Duration.ofHours(1), ZoneId.of("UTC"), OptionalInt.of(1), OptionalInt.empty(), OptionalInt.empty(), Optional.empty());
        assertThat(never.opensAfter(Scenario.START)).isFalse();
        assertThat(never.at(Scenario.START).isOpen()).isFalse();
    }

    // Delays.

    @Test
    void aQueueWaitsForTheScaleOutDelay() {
        var s = gpu(new PoolOf("gpu", 0, 5).with(p -> p.scaleOutDelay = Duration.ofSeconds(30))).waiting("gpu", 1).look().list().plan();
        assertThat(s.refused("gpu").reason()).isEqualTo(Reason.WAITS_FOR_DELAY);
        s.pass(Duration.ofSeconds(30)).look().list().plan();
        assertThat(s.fleet.active()).hasSize(1);
    }

    @Test
    void nothingIsReleasedSoonAfterALaunchNorBeforeItsLeastPaidTime() {
        var s = gpu(new PoolOf("gpu", 0, 5).with(p -> p.leaving = new Pool.Leaving(null, Duration.ofMinutes(20), Duration.ofMinutes(10), 0)))
                .waiting("gpu", 1).look().list().plan().allBoot();
        s.waiting("gpu", 0).look().plan().pass(Duration.ofMinutes(9)).look().list().plan();
        assertThat(s.machines(Phase.DRAINING)).isEmpty();
        s.pass(Duration.ofMinutes(2)).look().list().plan();
        assertThat(s.machines(Phase.DRAINING)).isEmpty();
        s.pass(Duration.ofMinutes(10)).look().list().plan();
        assertThat(s.machines(Phase.DRAINING)).hasSize(1);
    }

    // Age, disruption, protection.

    @Test
    void oldMachinesDrainAsManyAtATimeAsThePoolAllowsAndProtectedOnesStay() {
        var s = gpu(new PoolOf("gpu", 0, 5).with(p -> p.leaving = new Pool.Leaving(Duration.ofHours(2), Duration.ZERO, Duration.ZERO, 1)))
                .waiting("gpu", 3).look().list().plan().allBoot();
        s.fleet.active().keySet().forEach(id -> s.worker(id, "t-" + id));
        s.ask(FleetEvent.MachinesAsked.Verb.PROTECT, s.fleet.active().firstKey());
        s.waiting("gpu", 0).pass(Duration.ofHours(3)).look().list().plan().look().plan();
        assertThat(s.machines(Phase.DRAINING)).hasSize(1).noneSatisfy(machine -> assertThat(machine.isProtected()).isTrue());
        assertThat(s.decided(Reason.IS_OLD)).hasSize(1);
    }

    @Test
    void aProtectedMachineIsNotReleasedForIdlenessUntilItIsNoLonger() {
        var s = Scenario.onePool(5).waiting("gpu", 1).look().list().plan().allBoot();
        var id = s.onlyMachine();
        s.ask(FleetEvent.MachinesAsked.Verb.PROTECT, id).waiting("gpu", 0).look().plan().pass(Duration.ofHours(1)).look().list().plan();
        assertThat(s.machines(Phase.DRAINING)).isEmpty();
        s.ask(FleetEvent.MachinesAsked.Verb.UNPROTECT, id).look().plan();
        assertThat(s.machines(Phase.DRAINING)).hasSize(1);
    }

    @Test
    void idleMachinesGoAtOnceWhenAsked() {
        var s = Scenario.onePool(5).waiting("gpu", 2).look().list().plan().allBoot();
        s.worker(s.fleet.active().firstKey(), "t").waiting("gpu", 0).look().plan();
        s.fleet.apply(new FleetEvent.IdleReleased(s.now, ""));
        assertThat(s.plan().machines(Phase.DRAINING)).hasSize(1);
    }

    // Demand that returns.

    @Test
    void aDrainIsTakenBackWhenDemandReturns() {
        var s = Scenario.onePool(5).waiting("gpu", 1).look().list().plan().allBoot();
        s.waiting("gpu", 0).look().plan().pass(Duration.ofSeconds(61)).look().list().plan();
        assertThat(s.machines(Phase.DRAINING)).hasSize(1);
        s.pass(Duration.ofSeconds(1)).waiting("gpu", 1).look().plan();
        assertThat(s.machines(Phase.READY)).hasSize(1);
        assertThat(s.fleet.active()).hasSize(1);
        assertThat(s.commands(Command.CancelDrain.class)).hasSize(1);
        assertThat(s.decided(Reason.NEEDED_AGAIN)).singleElement().satisfies(decided -> assertThat(decided.causes()).isNotEmpty());
    }

    @Test
    void aDrainThatIsAsGoodAsDoneIsNot() {
        var s = Scenario.onePool(5).waiting("gpu", 1).look().list().plan().allBoot();
        s.waiting("gpu", 0).look().plan().pass(Duration.ofSeconds(61)).look().list().plan();
        s.pass(Duration.ofSeconds(8)).waiting("gpu", 1).look().plan();
        assertThat(s.commands(Command.CancelDrain.class)).isEmpty();
        assertThat(s.fleet.active()).hasSize(2);
    }

    // Spot and on-demand.

    @Test
    void onDemandWaitsForTheRollBackTimeOutAndThenSpotIsBlackedOut() {
        var pool = new PoolOf("gpu", 0, 5).with(p -> {
            p.offers = List.of(spot("us-east-1a"), Scenario.offer("g4dn.xlarge", "us-east-1a", Market.ON_DEMAND));
            p.spot = new Pool.Spot(Duration.ofMinutes(10), Duration.ofHours(1));
        });
        var s = gpu(pool).waiting("gpu", 1).look().list().plan();
        s.refuse(FailureKind.OUT_OF_CAPACITY, s.onlyMachine()).look().plan();
        assertThat(s.fleet.active()).isEmpty();
        assertThat(s.refused("gpu").text()).contains("waits until spot was refused for 600 s");

        s.pass(Duration.ofMinutes(1)).look().list().plan();
        assertThat(s.machines(Phase.REQUESTED)).singleElement().satisfies(probe -> assertThat(probe.offer().market()).isEqualTo(Market.SPOT));
        s.refuse(FailureKind.OUT_OF_CAPACITY, s.onlyMachine()).pass(Duration.ofMinutes(1)).look().list().plan();
        assertThat(s.fleet.active()).isEmpty();

        s.pass(Duration.ofMinutes(9)).look().list().plan();
        var rolledBack = s.machines(Phase.REQUESTED);
        if (rolledBack.get(0).offer().market() == Market.SPOT) {
            s.refuse(FailureKind.OUT_OF_CAPACITY, s.onlyMachine()).look().plan();
            rolledBack = s.machines(Phase.REQUESTED);
        }
        assertThat(rolledBack).singleElement().satisfies(machine -> assertThat(machine.offer().market()).isEqualTo(Market.ON_DEMAND));

        s.pass(Duration.ofMinutes(30)).waiting("gpu", 2).look().list().plan();
        assertThat(s.machines(Phase.REQUESTED)).hasSize(2).allSatisfy(machine -> assertThat(machine.offer().market()).isEqualTo(Market.ON_DEMAND));
    }

    @Test
    void aSpotOfferAboveItsCeilingIsNotTried() {
        var ceiling = new Offer(spot("us-east-1a").key(), OptionalLong.empty(), OptionalLong.of(200_000));
        var s = gpu(new PoolOf("gpu", 0, 5).with(p -> p.offers = List.of(ceiling)));
        s.fleet.apply(new FleetEvent.PricesSeen(s.now, List.of(new FleetEvent.PricesSeen.Price(ceiling.key(), 250_000, s.now, "ec2"))));
        s.waiting("gpu", 1).look().list().plan();
        assertThat(s.refused("gpu").reason()).isEqualTo(Reason.ABOVE_CEILING);
        s.fleet.apply(new FleetEvent.PricesSeen(s.now, List.of(new FleetEvent.PricesSeen.Price(ceiling.key(), 150_000, s.now.plusSeconds(1), "ec2"))));
        assertThat(s.plan().fleet.active()).hasSize(1);
    }

    // Lowered limits.

    @Test
    void aLoweredMaximumLetsIdleMachinesGoAndSaysWhatItWaitsFor() {
        var s = Scenario.onePool(5).waiting("gpu", 4).look().list().plan().allBoot();
        s.fleet.active().keySet().stream().limit(3).forEach(id -> s.worker(id, "t-" + id));
        s.waiting("gpu", 0).look().plan().edit(Scenario.onePool(2).fleet.spec()).look().plan();
        assertThat(s.machines(Phase.DRAINING)).hasSize(2);
        assertThat(s.fleet.refusals()).anySatisfy(warning -> assertThat(warning.text()).contains("gpu has 4 machines, above its limit of 2"));
    }

    @Test
    void aTaskOnTwoWorkersIsSaid() {
        var s = Scenario.onePool(5).otherWorker("elsewhere:1", "t", "q-gpu").otherWorker("elsewhere:2", "t", "q-gpu").waiting("gpu", 0).look().list().plan();
        assertThat(s.refusals()).contains(Reason.TASK_RUNS_TWICE);
    }
}
