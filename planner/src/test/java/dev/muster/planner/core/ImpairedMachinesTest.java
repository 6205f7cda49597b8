package dev.muster.planner.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** What becomes of machines whose cloud's own checks of them fail. The pool's deadlines are five minutes to boot and ten to register. */
class ImpairedMachinesTest {

    private static Scenario oneAtWork() {
        var s = Scenario.onePool(2).waiting("gpu", 1).look().list().plan().allBoot().waiting("gpu", 0);
        return s.worker(s.onlyMachine(), "t1").look().list().plan();
    }

    private static Scenario minutes(Scenario s, int minutes) {
        for (int i = 0; i < minutes; i++) {
            s.pass(Duration.ofMinutes(1)).look().list().plan();
        }
        return s;
    }

    @Test
    void saysOnceThatTheChecksFailAndOnceThatTheyPassAgain() {
        var s = oneAtWork();
        var id = s.onlyMachine();
        minutes(s.shows(id, CloudState.IMPAIRED), 3);
        assertThat(s.decided(Reason.MACHINE_IMPAIRED)).extracting(PlanRecord.Decided::text).containsExactly(id + " runs, and its cloud's own checks of it fail");
        assertThat(s.fleet.refusals()).singleElement().satisfies(warning -> {
            assertThat(warning.reason()).isEqualTo(Reason.MACHINE_IMPAIRED);
            assertThat(warning.text()).isEqualTo("gpu has 1 machine that fails the cloud's own checks, since 2026-01-01T00:01:00Z");
        });

        minutes(s.shows(id, CloudState.RUNNING), 3);
        assertThat(s.decided(Reason.MACHINE_IMPAIRED)).extracting(PlanRecord.Decided::text).containsExactly(id + " runs, and its cloud's own checks of it fail",
                id + " passes its cloud's checks again, after 180 s");
        assertThat(s.fleet.refusals()).isEmpty();
        assertThat(s.fleet.machine(id).orElseThrow().phase()).isEqualTo(Phase.READY);
    }

    @Test
    void neverGivesUpOneWhoseWorkerShows() {
        var s = oneAtWork();
        minutes(s.shows(s.onlyMachine(), CloudState.IMPAIRED), 120);
        assertThat(s.fleet.machine(s.onlyMachine()).orElseThrow().phase()).isEqualTo(Phase.READY);
        assertThat(s.commands(Command.Drain.class)).isEmpty();
    }

    @Test
    void givesUpOneWhoseWorkerIsGoneOnceItsChecksHaveFailedForFiveMinutes() {
        var s = oneAtWork();
        var id = s.onlyMachine();
        minutes(s.shows(id, CloudState.IMPAIRED), 2);
        minutes(s.workerGone(id), 3);
        assertThat(s.fleet.machine(id).orElseThrow().phase()).isEqualTo(Phase.BOOTING);
        assertThat(s.commands(Command.Drain.class)).isEmpty();

        minutes(s, 1);
        assertThat(s.fleet.machine(id).orElseThrow()).satisfies(machine -> {
            assertThat(machine.phase()).isEqualTo(Phase.DRAINING);
            assertThat(machine.cause()).isEqualTo(Reason.MACHINE_IMPAIRED);
        });
        assertThat(s.decided(Reason.MACHINE_IMPAIRED)).last().extracting(PlanRecord.Decided::text)
                .isEqualTo(id + " has failed its cloud's checks for 300 s, and ClearML lists no worker of it: drain it");
        // It had worked: no boot has failed.
        assertThat(s.fleet.holds()).isEmpty();

        // Nothing on it reads the mark; a worker that was there may be cut off and at work, so that the registration deadline passes first.
        minutes(s, 22);
        assertThat(s.commands(Command.Terminate.class)).extracting(Command.Terminate::machineId).contains(id);
        s.shows(id, CloudState.TERMINATED, Ending.ASKED).list().plan();
        assertThat(s.fleet.machine(id).orElseThrow().phase()).isEqualTo(Phase.GONE);
    }

    @Test
    void givesUpOneThatHasFailedForLongAsSoonAsItsWorkerIsGone() {
        var s = oneAtWork();
        var id = s.onlyMachine();
        minutes(s.shows(id, CloudState.IMPAIRED), 10);
        minutes(s.workerGone(id), 1);
        assertThat(s.fleet.machine(id).orElseThrow().phase()).isEqualTo(Phase.DRAINING);
    }

    @Test
    void givesUpABootAfterFiveMinutesAndCountsIt() {
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan();
        var id = s.onlyMachine();
        minutes(s.accept(id).shows(id, CloudState.IMPAIRED).list().plan(), 4);
        assertThat(s.fleet.machine(id).orElseThrow().phase()).isEqualTo(Phase.BOOTING);
        minutes(s, 1);
        assertThat(s.fleet.machine(id).orElseThrow().phase()).isEqualTo(Phase.DRAINING);
        assertThat(s.decided(Reason.MACHINE_IMPAIRED)).last().satisfies(decided -> {
            assertThat(decided.words()).containsEntry("how", "given-up");
            assertThat(decided.numbers()).containsEntry("impairedSeconds", 300L).containsEntry("failedBoots", 1L);
        });
        assertThat(s.fleet.hold(Hold.Kind.CIRCUIT, "gpu")).get().extracting(Hold::failures).isEqualTo(1);
    }

    @Test
    void givesUpNothingWhileTheWorkersAreNotKnown() {
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan();
        var id = s.onlyMachine();
        s.accept(id).shows(id, CloudState.IMPAIRED).list().plan();
        for (int i = 0; i < 30; i++) {
            s.pass(Duration.ofMinutes(1)).lookFails().list().plan();
        }
        assertThat(s.commands(Command.Drain.class)).hasSize(0);
        assertThat(s.fleet.machine(id).orElseThrow().phase()).isEqualTo(Phase.BOOTING);
    }

    @Test
    void aStateThatIsNotSaidLeavesItAsItWasSeen() {
        var s = oneAtWork();
        var id = s.onlyMachine();
        minutes(s.shows(id, CloudState.IMPAIRED), 1);
        minutes(s.shows(id, CloudState.UNKNOWN), 5);
        assertThat(s.fleet.machine(id).orElseThrow().impairedSince()).isEqualTo(Scenario.START.plusSeconds(60));
    }
}
