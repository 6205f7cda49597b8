package dev.muster.planner.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.planner.core.Scenario.PoolOf;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** How money stands is in the history, also when nothing runs any more. g4dn.xlarge at 0.526 an hour. */
class BudgetHistoryTest {

    private static final long DOLLAR = 1_000_000;
    private static final long PRICE = 526_000;
    private static final Instant DAY = Scenario.START;
    private static final Instant MONTH_END = Instant.parse("2026-02-01T00:00:00Z");
    private static final Budget.Scope POOL = new Budget.Scope(Budget.Scope.Kind.POOL, "gpu");
    private static final Budget.Scope QUEUE = new Budget.Scope(Budget.Scope.Kind.QUEUE, "gpu");

    private static FleetSpec spec(Budget... budgets) {
        return Scenario.budgeted(Scenario.spec(List.of(Scenario.queue("gpu", "gpu")), List.of(Scenario.pool("gpu", 100))), budgets);
    }

    private static Scenario fleet(Budget... budgets) {
        return Scenario.of(spec(budgets));
    }

    /** A machine that ran for half an hour from the first minute on, and is gone. */
    private static Scenario spentSome(Budget... budgets) {
        var s = fleet(budgets).waiting("gpu", 1).look().list().plan().allBoot();
        var id = s.onlyMachine();
        s.worker(id, "t").waiting("gpu", 0).pass(Duration.ofMinutes(30)).look().list().plan();
        s.shows(id, CloudState.TERMINATED, Ending.INSIDE).workerGone(id).pass(Duration.ofSeconds(10)).look().list().plan();
        assertThat(s.fleet.active()).isEmpty();
        return s;
    }

    private static List<List<BudgetStanding>> told(Scenario s) {
        return s.rows(HistoryRow.MINUTE).stream().filter(row -> row.labels().isEmpty()).map(HistoryRow::budgets).toList();
    }

    private static List<BudgetStanding> last(Scenario s) {
        var told = told(s);
        return told.get(told.size() - 1);
    }

    @Test
    void aMinutesRowSaysHowEachBudgetStands() {
        // Given
        var pool = new PoolOf("gpu", 0, 10).with(p -> p.budgets = List.of(Scenario.hard(Budget.Period.DAY, 5 * DOLLAR)));
        var queue = new Queue("gpu", List.of("gpu"), Pool.Order.LISTED, 1, 1, List.of(Scenario.hard(Budget.Period.HOUR, 2 * DOLLAR)));
        var s = Scenario.of(Scenario.budgeted(Scenario.spec(List.of(queue), List.of(pool)), Scenario.hard(Budget.Period.HOUR, 2 * DOLLAR),
                Scenario.hard(Budget.Period.MONTH, 100 * DOLLAR))).waiting("gpu", 1).look().list().plan().allBoot();
        // When
        s.worker(s.onlyMachine(), "t").waiting("gpu", 0).pass(Duration.ofMinutes(30)).look().list().plan();
        // Then
        assertThat(last(s)).containsExactly(
                new BudgetStanding(Budget.Scope.FLEET, Budget.Period.HOUR, PRICE, 0, PRICE, null, null, true),
                new BudgetStanding(Budget.Scope.FLEET, Budget.Period.MONTH, PRICE / 2, PRICE, PRICE, DAY, MONTH_END, true),
                new BudgetStanding(POOL, Budget.Period.DAY, PRICE / 2, PRICE, PRICE, DAY, DAY.plus(Duration.ofDays(1)), true),
                new BudgetStanding(QUEUE, Budget.Period.HOUR, PRICE, 0, PRICE, null, null, true));
        assertThat(s.rows(HistoryRow.MINUTE).stream().filter(row -> !row.labels().isEmpty())).allSatisfy(row -> assertThat(row.budgets()).isEmpty());
    }

    @Test
    void theLastMachinesEndIsToldOnce() {
        // Given
        var s = spentSome(Scenario.hard(Budget.Period.DAY, 5 * DOLLAR));
        var before = told(s).size();
        // When
        for (int minute = 0; minute < 10; minute++) {
            s.pass(Duration.ofMinutes(1)).look().list().plan();
        }
        // Then
        assertThat(told(s)).hasSize(before + 1);
        assertThat(last(s)).singleElement().satisfies(standing -> {
            assertThat(standing.spent()).isBetween(PRICE / 2, PRICE / 2 + PRICE / 100);
            assertThat(standing.reserved()).isZero();
            assertThat(standing.perHour()).isZero();
        });
    }

    @Test
    void aDayThatBeginsIsToldOnceADayUntilNothingIsLeftToTell() {
        // Given
        var s = spentSome(Scenario.hard(Budget.Period.DAY, 5 * DOLLAR), Scenario.hard(Budget.Period.MONTH, 9 * DOLLAR)).pass(Duration.ofMinutes(1)).plan();
        var before = told(s).size();
        // When
        var spent = new ArrayList<List<Long>>();
        for (int quarter = 0; quarter < 4 * 24 * 40; quarter++) {
            s.pass(Duration.ofMinutes(15)).plan();
        }
        told(s).stream().skip(before).forEach(standings -> spent.add(standings.stream().map(BudgetStanding::spent).toList()));
        // Then: 30 midnights of January with the month's sum, and one of February with nothing.
        assertThat(spent).hasSize(31);
        assertThat(spent.subList(0, 30)).allSatisfy(each -> {
            assertThat(each.get(0)).isZero();
            assertThat(each.get(1)).isGreaterThanOrEqualTo(PRICE / 2);
        });
        assertThat(spent.get(30)).containsExactly(0L, 0L);
    }

    @Test
    void budgetsAreToldOnceTheyHold() {
        var bare = Scenario.onePool(5).look().list().plan();
        assertThat(bare.rows(HistoryRow.MINUTE)).isEmpty();
        // When
        bare.edit(spec(Scenario.hard(Budget.Period.DAY, DOLLAR))).pass(Duration.ofMinutes(1)).look().list().plan();
        for (int minute = 0; minute < 5; minute++) {
            bare.pass(Duration.ofMinutes(1)).look().list().plan();
        }
        // Then
        var zero = new BudgetStanding(Budget.Scope.FLEET, Budget.Period.DAY, 0, 0, 0, DAY, DAY.plus(Duration.ofDays(1)), true);
        assertThat(told(bare)).containsExactly(List.of(zero));
        assertThat(told(fleet(Scenario.hard(Budget.Period.DAY, DOLLAR)).plan())).containsExactly(List.of(zero));
    }

    @Test
    void whatIsNotKnownIsToldAsUnknownUntilPeopleSayIt() {
        // Given
        var s = spentSome(Scenario.hard(Budget.Period.DAY, 5 * DOLLAR)).lose();
        // When
        s.pass(Duration.ofMinutes(2)).look().list().plan();
        // Then
        assertThat(last(s)).singleElement().satisfies(standing -> assertThat(standing.known()).isFalse());
        s.fleet.apply(new FleetEvent.LedgerRestored(s.now, DOLLAR, 3 * DOLLAR));
        s.pass(Duration.ofMinutes(1)).look().list().plan();
        assertThat(last(s)).containsExactly(new BudgetStanding(Budget.Scope.FLEET, Budget.Period.DAY, DOLLAR, 0, 0, DAY, DAY.plus(Duration.ofDays(1)), true));
    }

    @Test
    void aCopyPlansAsTheFleetAndLeavesItAlone() {
        // Given
        var s = fleet(Scenario.hard(Budget.Period.HOUR, 2 * DOLLAR)).waiting("gpu", 10).look().list().plan().allBoot();
        s.worker(s.machines(Phase.READY).get(0).id(), "t").waiting("gpu", 0).pass(Duration.ofMinutes(2)).look();
        var memory = s.fleet.memory();
        var book = s.fleet.ledger().book();
        var active = s.fleet.active();
        // When
        var copied = Planner.plan(s.fleet.copy(Instant.EPOCH), s.now);
        // Then
        assertThat(copied.records()).isNotEmpty();
        assertThat(s.fleet.memory()).isEqualTo(memory);
        assertThat(s.fleet.ledger().book()).isEqualTo(book);
        assertThat(s.fleet.active()).isEqualTo(active);
        assertThat(Planner.plan(s.fleet, s.now).records()).isEqualTo(copied.records());
    }
}
