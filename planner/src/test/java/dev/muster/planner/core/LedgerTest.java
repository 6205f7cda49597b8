package dev.muster.planner.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** Every paid second is useful, idle, boot or waste, and somebody's. */
class LedgerTest {

    @Test
    void aLifeIsSplitToTheSecond() {
        var s = Scenario.onePool(5).waiting("gpu", 1).look().list().plan();
        var id = s.onlyMachine();
        s.accept(id).plan().pass(Duration.ofSeconds(90)).worker(id, "").look().list().plan();
        s.pass(Duration.ofSeconds(10)).worker(id, "t").waiting("gpu", 0).look().plan();
        s.fleet.apply(new FleetEvent.TasksSeen(s.now, new FleetEvent.Seen("watcher", 1, 9, s.now, 1, 1), List.of(new FleetEvent.TaskSeen("t", "q-gpu", "vision", "ann",
                Scenario.workerId(s.fleet.active().get(id)), "", TaskStatus.IN_PROGRESS, s.now.minusSeconds(100), s.now, null))));
        s.pass(Duration.ofMinutes(30)).worker(id, "").look().list().plan();
        s.pass(Duration.ofSeconds(60)).look().list().plan();
        s.pass(Duration.ofSeconds(20)).shows(id, CloudState.TERMINATED, Ending.INSIDE).workerGone(id).look().list().plan();

        var paid = s.fleet.machine(id).orElseThrow().paid();
        assertThat(paid.hasEnded()).isTrue();
        assertThat(paid.boot()).isEqualTo(Duration.ofSeconds(90));
        assertThat(paid.useful()).isEqualTo(Duration.ofMinutes(30));
        assertThat(paid.idle()).isEqualTo(Duration.ofSeconds(10 + 60 + 20));
        assertThat(paid.boot().plus(paid.useful()).plus(paid.idle()).plus(paid.waste())).isEqualTo(Duration.between(paid.since(), s.now));
        assertThat(paid.spent()).isBetween(Costs.during(526_000, Duration.between(paid.since(), s.now)), Costs.during(526_000, Duration.between(paid.since(), s.now)) + 5);

        var lines = s.fleet.ledger().closedLines();
        assertThat(lines.stream().map(Ledger.Line::payer)).contains(new Ledger.Payer("gpu", "gpu", "vision", "ann"));
        assertThat(lines.stream().map(line -> line.amounts().paid()).reduce(Duration.ZERO, Duration::plus)).isEqualTo(Duration.between(paid.since(), s.now));
        assertThat(s.rows("minute").stream().filter(row -> !row.waits().isEmpty())).singleElement()
                .satisfies(row -> assertThat(row.waits()).containsExactly(0L, 0L, 0L, 0L, 1L, 0L, 0L, 0L, 0L));
    }

    @Test
    void aBootThatFailsIsWaste() {
        var s = Scenario.onePool(5).waiting("gpu", 1).look().list().plan();
        var id = s.onlyMachine();
        s.accept(id).plan().pass(Duration.ofMinutes(11)).look().list().plan();
        s.pass(Duration.ofSeconds(30)).shows(id, CloudState.TERMINATED, Ending.ASKED).look().list().plan();
        var paid = s.fleet.machine(id).orElseThrow().paid();
        assertThat(paid.boot()).isZero();
        assertThat(paid.waste()).isEqualTo(Duration.ofSeconds(11 * 60 + 30));
    }

    @Test
    void aMachineThatWasTakenForLostAndLivesWasPaidForAllTheWhile() {
        var s = Scenario.onePool(5).waiting("gpu", 1).look().list().plan().allBoot();
        var id = s.onlyMachine();
        var facts = s.cloud.get(id);
        s.waiting("gpu", 0).pass(Duration.ofMinutes(10)).vanishes(id).look().list().pass(Duration.ofSeconds(60)).look().list().plan();
        assertThat(s.fleet.machine(id).orElseThrow().phase()).isIn(Phase.LOST, Phase.GONE);
        s.cloud.put(id, facts);
        s.pass(Duration.ofMinutes(30)).look().list().plan();
        var paid = s.fleet.machine(id).orElseThrow().paid();
        assertThat(Duration.between(paid.since(), s.now)).isEqualTo(paid.useful().plus(paid.idle()).plus(paid.boot()).plus(paid.waste())
                .plus(Duration.between(paid.kindSince(), s.now)));
    }

    @Test
    void tasksThatShareAMachineShareItsCost() {
        var at = Instant.parse("2026-03-01T10:15:00Z");
        var stretch = new Paid.Stretch(at, at.plusSeconds(100), PaidKind.USEFUL, OptionalLong.of(3_600_000),
                List.of(new Paid.Share("a", "q", "p1", "ann"), new Paid.Share("b", "q", "p2", "bob"), new Paid.Share("c", "q", "p3", "cy")));
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan();
        var lines = Ledger.lines(s.fleet.active().get(s.onlyMachine()), stretch, Instant.EPOCH, id -> "gpu");
        assertThat(lines).hasSize(3);
        assertThat(lines.stream().mapToLong(line -> line.amounts().micros()).sum()).isEqualTo(100_000);
        assertThat(lines.stream().map(line -> line.amounts().useful()).reduce(Duration.ZERO, Duration::plus)).isEqualTo(Duration.ofSeconds(100));
    }

    @Test
    void aStretchIsCutAtMidnightOfTheZoneAlsoWhereClocksChange() {
        var zone = ZoneId.of("Europe/Berlin");
        var from = LocalDate.of(2026, 10, 24).atTime(12, 0).atZone(zone).toInstant();
        var days = new ArrayList<String>();
        Ledger.byDay(new Paid.Stretch(from, from.plus(Duration.ofHours(48)), PaidKind.IDLE, OptionalLong.empty(), List.of()), zone,
                (day, part) -> days.add(day + " " + Duration.between(part.from(), part.to()).toHours()));
        assertThat(days).containsExactly("2026-10-24 12", "2026-10-25 25", "2026-10-26 11");
    }

    @Test
    void anHoursRowHoldsWhatIsOpenAndNothingTwice() {
        var s = Scenario.onePool(5);
        s.now = Instant.parse("2026-03-01T10:30:00Z");
        s.waiting("gpu", 1).look().list().plan().allBoot();
        s.worker(s.onlyMachine(), "t").waiting("gpu", 0).look().plan();
        for (int minute = 0; minute < 150; minute++) {
            s.pass(Duration.ofMinutes(1)).look().list().plan();
        }
        var hours = s.rows("hour");
        assertThat(hours).extracting(HistoryRow::start).containsOnly(Instant.parse("2026-03-01T10:00:00Z"), Instant.parse("2026-03-01T11:00:00Z"), Instant.parse("2026-03-01T12:00:00Z"));
        assertThat(hours.stream().map(row -> row.amounts().paid()).reduce(Duration.ZERO, Duration::plus)).isEqualTo(Duration.ofMinutes(150));
        assertThat(s.now.atZone(ZoneOffset.UTC).toLocalTime()).hasToString("13:00");
    }

    @Test
    void amountsDoNotOverflowForMonthsAtThousandsAnHour() {
        assertThat(Costs.during(10_000_000_000L, Duration.ofDays(3650))).isEqualTo(10_000_000_000L * 24 * 3650);
        assertThat(Costs.during(526_000, Duration.ofMillis(1))).isEqualTo(1);
    }
}
