package dev.muster.planner.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.planner.core.Scenario.PoolOf;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** Limits of money, by examples: g4dn.xlarge at 0.526 an hour unless said otherwise. */
class MoneyTest {

    private static final long DOLLAR = 1_000_000;

    private static Scenario fleet(Budget... budgets) {
        return Scenario.of(Scenario.budgeted(Scenario.spec(List.of(Scenario.queue("gpu", "gpu")), List.of(Scenario.pool("gpu", 100))), budgets));
    }

    @Test
    void aRateIsExactAtAdmission() {
        var s = fleet(Scenario.hard(Budget.Period.HOUR, 2 * DOLLAR)).waiting("gpu", 10).look().list().plan();

        assertThat(s.fleet.active()).hasSize(3);
        assertThat(s.refused("gpu").reason()).isEqualTo(Reason.BUDGET_REACHED);
        assertThat(s.refused("gpu").text()).contains("0.526/h blocked", "1.578/h of 2.00/h");
    }

    @Test
    void aRateCountsAMachineUntilItsCloudSaysThatItIsGone() {
        var s = fleet(Scenario.hard(Budget.Period.HOUR, 600_000)).waiting("gpu", 1).look().list().plan().allBoot();
        var first = s.onlyMachine();
        s.waiting("gpu", 0).look().plan().pass(Duration.ofSeconds(61)).look().list().plan();
        assertThat(s.fleet.active().get(first).phase()).isEqualTo(Phase.DRAINING);
        s.shows(first, CloudState.SHUTTING_DOWN).workerGone(first).pass(Duration.ofSeconds(10)).waiting("gpu", 1).look().list().plan();
        assertThat(s.fleet.active()).hasSize(1);

        s.shows(first, CloudState.TERMINATED, Ending.INSIDE).pass(Duration.ofSeconds(1)).look().list().plan();
        assertThat(s.fleet.active()).hasSize(1).doesNotContainKey(first);
    }

    @Test
    void aSpotMachineCountsAtItsCeilingAndItsCeilingIsWhatIsPaidAtMost() {
        var spot = new Offer(Scenario.offer("g4dn.xlarge", "us-east-1a", Market.SPOT).key(), OptionalLong.of(160_000), OptionalLong.of(300_000));
        var pool = new PoolOf("gpu", 0, 10).with(p -> p.offers = List.of(spot));
        var s = Scenario.of(Scenario.budgeted(Scenario.spec(List.of(Scenario.queue("gpu", "gpu")), List.of(pool)), Scenario.hard(Budget.Period.HOUR, DOLLAR)))
                .waiting("gpu", 10).look().list().plan();

        assertThat(s.fleet.active()).hasSize(3);
        assertThat(s.commands(Command.Launch.class)).allSatisfy(launch -> assertThat(launch.maxPrice()).isEqualTo(300_000));
    }

    @Test
    void disksAndDiscountsCount() {
        var pool = new PoolOf("gpu", 0, 10).with(p -> p.costs = new Costs(0.5, 74_000));
        var s = Scenario.of(Scenario.budgeted(Scenario.spec(List.of(Scenario.queue("gpu", "gpu")), List.of(pool)), Scenario.hard(Budget.Period.HOUR, DOLLAR)))
                .waiting("gpu", 10).look().list().plan();

        assertThat(s.fleet.active().values()).hasSize(3).allSatisfy(machine -> assertThat(machine.committed()).hasValue(300_000));
    }

    @Test
    void whatHasNoPriceIsNotLaunchedUnderAHardLimit() {
        var unpriced = new Offer(Scenario.offer("g4dn.xlarge", "us-east-1a", Market.ON_DEMAND).key(), OptionalLong.empty(), OptionalLong.empty());
        var pool = new PoolOf("gpu", 0, 10).with(p -> p.offers = List.of(unpriced));
        var s = Scenario.of(Scenario.budgeted(Scenario.spec(List.of(Scenario.queue("gpu", "gpu")), List.of(pool)), Scenario.hard(Budget.Period.HOUR, DOLLAR)))
                .waiting("gpu", 1).look().list().plan();
        assertThat(s.fleet.active()).isEmpty();
        assertThat(s.refused("gpu").reason()).isEqualTo(Reason.PRICE_UNKNOWN);

        s.fleet.apply(new FleetEvent.PricesSeen(s.now, List.of(new FleetEvent.PricesSeen.Price(unpriced.key(), 526_000, s.now, "a price file"))));
        assertThat(s.plan().fleet.active()).hasSize(1);
    }

    @Test
    void thePricierOfferIsLeftOutAndTheCheaperStillFits() {
        var dear = new Offer(Scenario.offer("p4d.24xlarge", "us-east-1a", Market.ON_DEMAND).key(), OptionalLong.of(32 * DOLLAR), OptionalLong.empty());
        var pool = new PoolOf("gpu", 0, 10).with(p -> p.offers = List.of(dear, Scenario.offer("g4dn.xlarge", "us-east-1a", Market.ON_DEMAND)));
        var s = Scenario.of(Scenario.budgeted(Scenario.spec(List.of(Scenario.queue("gpu", "gpu")), List.of(pool)), Scenario.hard(Budget.Period.HOUR, 2 * DOLLAR)))
                .waiting("gpu", 2).look().list().plan();

        assertThat(s.fleet.active().values()).hasSize(2).allSatisfy(machine -> assertThat(machine.offer().machineType()).isEqualTo("g4dn.xlarge"));
    }

    @Test
    void aPoolsAndAQueuesBudgetBindEachForItself() {
        var pool = new PoolOf("gpu", 0, 10).with(p -> p.budgets = List.of(Scenario.hard(Budget.Period.HOUR, 3 * 526_000)));
        var poor = new Queue("poor", List.of("gpu"), Pool.Order.LISTED, 1, 1, List.of(Scenario.hard(Budget.Period.HOUR, 526_000)));
        var s = Scenario.of(Scenario.spec(List.of(poor, Scenario.queue("rich", "gpu")), List.of(pool))).waiting("poor", 5).waiting("rich", 5).look().list().plan();

        assertThat(s.fleet.active().values()).extracting(Machine::queue).containsExactly("poor", "rich", "rich");
        assertThat(s.refused("poor").text()).contains("queue poor has 0.526/h of 0.526/h");
        assertThat(s.refused("rich").text()).contains("pool gpu has 1.578/h of 1.578/h");
    }

    @Test
    void aDayAdmitsWhatItCanReserve() {
        // Each reserves an hour, and a quarter of one so that it can stay.
        var s = fleet(Scenario.hard(Budget.Period.DAY, 2 * DOLLAR)).waiting("gpu", 10).look().list().plan();

        assertThat(s.fleet.active()).hasSize(3);
        assertThat(s.refused("gpu").text()).contains("reserved 1.578 of 2.00 this day");
        assertThat(s.refused("gpu").unblockedBy()).contains("the next day");
    }

    @Test
    void spendingStaysWithinADayWhileTasksRespectTheReserve() {
        var s = fleet(Scenario.hard(Budget.Period.DAY, 2 * DOLLAR)).waiting("gpu", 50).look().list().plan().allBoot();
        s.fleet.active().keySet().forEach(id -> s.worker(id, "task-1-" + id));
        // Tasks of 50 minutes, one after the other on each machine that still takes one, for twelve hours.
        for (int second = 0; second < 12 * 3600; second += 10) {
            s.pass(Duration.ofSeconds(10));
            for (var machine : List.copyOf(s.fleet.active().values())) {
                if (machine.readyAt() == null) {
                    if (machine.phase() == Phase.REQUESTED) {
                        s.accept(machine.id());
                    }
                    s.worker(machine.id(), "");
                } else if (second % 3000 == 0) {
                    s.worker(machine.id(), machine.mark() == Mark.NONE ? "task-" + second + machine.id() : "");
                }
                if (machine.mark() == Mark.DRAIN && !s.fleet.isBusy(machine)) {
                    s.shows(machine.id(), CloudState.TERMINATED, Ending.INSIDE).workerGone(machine.id());
                }
            }
            s.look().list().plan();
        }
        var spent = s.fleet.ledger().closedSince(s.now.atZone(ZoneOffset.UTC).toLocalDate(), Budget.Scope.FLEET);
        assertThat(s.fleet.active()).isEmpty();
        assertThat(spent).isBetween(DOLLAR, 2 * DOLLAR);
        assertThat(s.decided(Reason.AT_BUDGET)).isNotEmpty();
        assertThat(s.decided(Reason.OVER_BUDGET)).isEmpty();
    }

    @Test
    void aTaskThatOutlivesTheReserveIsNamedAndNotEnded() {
        var s = fleet(Scenario.hard(Budget.Period.DAY, 700_000)).waiting("gpu", 1).look().list().plan().allBoot();
        var id = s.onlyMachine();
        s.worker(id, "long").waiting("gpu", 0).look().list().plan();
        for (int minute = 0; minute < 120; minute++) {
            s.pass(Duration.ofMinutes(1)).look().list().plan();
        }
        assertThat(s.fleet.active().get(id).phase()).isEqualTo(Phase.DRAINING);
        assertThat(s.commands(Command.Terminate.class)).isEmpty();
        assertThat(s.fleet.refusals()).anySatisfy(warning -> {
            assertThat(warning.reason()).isEqualTo(Reason.OVER_BUDGET);
            assertThat(warning.text()).contains(id + " (long)");
            assertThat(warning.numbers()).containsKey("overrunMicros");
        });
    }

    @Test
    void stopBusyEndsWhatStillRunsWhenTheMoneyIsSpent() {
        var stop = new Budget(Budget.Period.DAY, OptionalLong.of(700_000), OptionalLong.empty(), Budget.HardAction.STOP_BUSY, Budget.SoftAction.WARN,
                OptionalLong.empty(), 0);
        var s = fleet(stop).waiting("gpu", 1).look().list().plan().allBoot();
        var id = s.onlyMachine();
        s.worker(id, "long").waiting("gpu", 0).look().list().plan();
        for (int minute = 0; minute < 90; minute++) {
            s.pass(Duration.ofMinutes(1)).look().list().plan();
        }
        assertThat(s.commands(Command.Drain.class)).last().satisfies(drain -> assertThat(drain.now()).isTrue());
        assertThat(s.decided(Reason.OVER_BUDGET)).first().satisfies(decided -> assertThat(decided.taskIds()).containsExactly("long"));
    }

    @Test
    void theNextDayBeginsAtMidnightOfTheFleetsZone() {
        var s = fleet(Scenario.hard(Budget.Period.DAY, 700_000)).waiting("gpu", 1).look().list().plan().allBoot();
        var id = s.onlyMachine();
        s.worker(id, "t").waiting("gpu", 1).look().list().plan();
        for (int minute = 0; minute < 40; minute++) {
            s.pass(Duration.ofMinutes(1)).look().list().plan();
        }
        s.shows(id, CloudState.TERMINATED, Ending.INSIDE).workerGone(id).look().list().plan();
        assertThat(s.fleet.active()).isEmpty();
        assertThat(s.refused("gpu").reason()).isEqualTo(Reason.BUDGET_REACHED);

        s.now = s.now.atZone(ZoneOffset.UTC).toLocalDate().plusDays(1).atStartOfDay(ZoneOffset.UTC).toInstant();
        assertThat(s.look().list().plan().fleet.active()).hasSize(1);
    }

    @Test
    void aSoftLimitKeepsDearOffersAndLowPriorityBack() {
        var cheapOnly = new Budget(Budget.Period.HOUR, OptionalLong.empty(), OptionalLong.of(DOLLAR), Budget.HardAction.DRAIN_MACHINES,
                Budget.SoftAction.CHEAP_OFFERS_ONLY, OptionalLong.of(100_000), 0);
        var s = fleet(cheapOnly).waiting("gpu", 10).look().list().plan();
        assertThat(s.fleet.active()).hasSize(1);
        assertThat(s.refused("gpu").reason()).isEqualTo(Reason.SOFT_BUDGET_REACHED);

        var highOnly = new Budget(Budget.Period.HOUR, OptionalLong.empty(), OptionalLong.of(300_000), Budget.HardAction.DRAIN_MACHINES,
                Budget.SoftAction.HIGH_PRIORITY_ONLY, OptionalLong.empty(), 5);
        var high = Scenario.of(Scenario.budgeted(Scenario.spec(List.of(Scenario.queue("low", 0, 1, "gpu"), Scenario.queue("high", 5, 1, "gpu")),
                List.of(Scenario.pool("gpu", 100))), highOnly)).waiting("low", 3).waiting("high", 1).look().list().plan();
        assertThat(high.fleet.active().values()).extracting(Machine::queue).containsExactly("high");
    }

    @Test
    void lostBooksHoldADayUntilSomebodySaysWhatWasSpent() {
        var spec = Scenario.budgeted(Scenario.spec(List.of(Scenario.queue("gpu", "gpu")), List.of(Scenario.pool("gpu", 10))), Scenario.hard(Budget.Period.DAY, 2 * DOLLAR));
        var s = Scenario.of(spec);
        s.lose().waiting("gpu", 9).look().list().plan();
        assertThat(s.fleet.active()).isEmpty();
        assertThat(s.refused("gpu").reason()).isEqualTo(Reason.LEDGER_UNKNOWN);

        s.fleet.apply(new FleetEvent.LedgerRestored(s.now, DOLLAR, 3 * DOLLAR));
        assertThat(s.plan().fleet.active()).hasSize(1);
        assertThat(s.refused("gpu").text()).contains("has spent 1.00 and reserved 0.526");
    }

    @Test
    void aRateThatWasLoweredDrainsIdleMachinesAndSaysWhatItWaitsFor() {
        var s = fleet(Scenario.hard(Budget.Period.HOUR, 2 * DOLLAR)).waiting("gpu", 3).look().list().plan().allBoot();
        var busy = s.fleet.active().firstKey();
        s.worker(busy, "t").waiting("gpu", 0).look().list().plan();
        s.edit(Scenario.budgeted(s.fleet.spec(), Scenario.hard(Budget.Period.HOUR, 100_000))).look().plan();

        assertThat(s.fleet.active().values().stream().filter(machine -> machine.phase() == Phase.DRAINING)).hasSize(2);
        assertThat(s.fleet.active().get(busy).phase()).isEqualTo(Phase.READY);
        assertThat(s.fleet.refusals()).anySatisfy(warning -> assertThat(warning.text()).contains("still costs 1.578/h, above its 0.10/h"));
    }

    /** Each order in which the two can be told. */
    @Test
    void aProvidersPriceGoesBeforeAFilesWhicheverIsTheNewer() {
        for (var first : List.of("the price file (ours)", "ec2:DescribeSpotPriceHistory")) {
            var s = fleet().look().list().plan();
            var key = s.fleet.spec().pools().get(0).offers().get(0).key();
            var ofFile = new FleetEvent.PricesSeen.Price(key, 500_000, s.now, "the price file (ours)");
            var ofProvider = new FleetEvent.PricesSeen.Price(key, 300_000, s.now.minusSeconds(86_400), "ec2:DescribeSpotPriceHistory");
            var isFileFirst = first.equals(ofFile.source());
            s.fleet.apply(new FleetEvent.PricesSeen(s.now, List.of(isFileFirst ? ofFile : ofProvider)));
            assertThat(s.fleet.reportedPrice(key)).hasValue(isFileFirst ? 500_000 : 300_000);
            s.fleet.apply(new FleetEvent.PricesSeen(s.now, List.of(isFileFirst ? ofProvider : ofFile)));
            assertThat(s.fleet.reportedPrice(key)).as("after " + first).hasValue(300_000);
        }
    }

    @Test
    void aFilesPriceDoesWhereTheProvidersCannotBeRight() {
        var s = fleet().look().list().plan();
        var key = s.fleet.spec().pools().get(0).offers().get(0).key();
        s.fleet.apply(new FleetEvent.PricesSeen(s.now, List.of(new FleetEvent.PricesSeen.Price(key, -1, s.now, "ec2"))));
        s.fleet.apply(new FleetEvent.PricesSeen(s.now, List.of(new FleetEvent.PricesSeen.Price(key, 500_000, s.now, "the price file (ours)"))));
        assertThat(s.fleet.reportedPrice(key)).hasValue(500_000);
    }

    @Test
    void anAbsurdPriceIsIgnoredAndSaidAndTheLastGoodOneStays() {
        var s = fleet().look().list().plan();
        var key = s.fleet.spec().pools().get(0).offers().get(0).key();
        s.fleet.apply(new FleetEvent.PricesSeen(s.now, List.of(new FleetEvent.PricesSeen.Price(key, 500_000, s.now, "x"))));
        s.fleet.apply(new FleetEvent.PricesSeen(s.now, List.of(new FleetEvent.PricesSeen.Price(key, -7, s.now.plusSeconds(1), "x"))));
        s.plan();
        assertThat(s.fleet.reportedPrice(key)).hasValue(500_000);
        assertThat(s.fleet.refusals()).anySatisfy(warning -> {
            assertThat(warning.reason()).isEqualTo(Reason.PRICE_IGNORED);
            assertThat(warning.text()).contains("it stays at 0.50/h");
        });
    }
}
