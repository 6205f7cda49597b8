package dev.muster.planner.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What becomes of machines that end, or stop, without Muster's asking. */
class EndedMachinesTest {

    private static Scenario oneAtWork() {
        var s = Scenario.onePool(2).waiting("gpu", 1).look().list().plan().allBoot().waiting("gpu", 0);
        return s.worker(s.onlyMachine(), "task-0").look().list().plan();
    }

    private static Machine machine(Scenario s, String id) {
        return s.fleet.machine(id).orElseThrow();
    }

    @Test
    void oneThatSomebodyStoppedIsSaidOnceAndEnded() {
        var s = oneAtWork();
        var id = s.onlyMachine();
        s.shows(id, CloudState.STOPPED, Ending.ASKED).list().plan();

        assertThat(machine(s, id)).satisfies(machine -> {
            assertThat(machine.phase()).isEqualTo(Phase.TERMINATING);
            assertThat(machine.cause()).isEqualTo(Reason.MACHINE_ENDED);
            assertThat(machine.isCounted()).as("stopped is not gone, and is paid for in part").isTrue();
        });
        for (int i = 0; i < 10; i++) {
            s.pass(Duration.ofMinutes(1)).look().list().plan();
        }
        assertThat(s.decided(Reason.MACHINE_ENDED)).extracting(PlanRecord.Decided::text)
                .containsExactly(id + " is stopped, and still there and paid for in part: terminate it");
        assertThat(s.commands(Command.Terminate.class)).as("asked again until its cloud shows it gone").hasSizeGreaterThan(1)
                .allSatisfy(command -> assertThat(command.machineId()).isEqualTo(id));

        s.shows(id, CloudState.TERMINATED, Ending.ASKED).look().list().plan();
        assertThat(machine(s, id).phase()).isEqualTo(Phase.GONE);
        assertThat(s.decided(Reason.TASK_LOST_MACHINE)).singleElement().satisfies(decided -> assertThat(decided.taskIds()).containsExactly("task-0"));
    }

    @Test
    void oneThatIsBackBeforeItsEndIsEndedAllTheSame() {
        var s = oneAtWork();
        var id = s.onlyMachine();
        s.shows(id, CloudState.STOPPED, Ending.ASKED).list().plan();
        s.pass(Duration.ofMinutes(1)).shows(id, CloudState.RUNNING).look().list().plan();
        assertThat(machine(s, id).phase()).isEqualTo(Phase.TERMINATING);
    }

    @Test
    void oneThatSpotStoppedWasInterrupted() {
        var s = oneAtWork();
        var id = s.onlyMachine();
        s.shows(id, CloudState.STOPPED, Ending.INTERRUPTED).list().plan();
        assertThat(machine(s, id).cause()).isEqualTo(Reason.WAS_INTERRUPTED);
        assertThat(s.decided(Reason.WAS_INTERRUPTED)).extracting(PlanRecord.Decided::text)
                .containsExactly(id + " is stopped, and still there and paid for in part: terminate it");
        assertThat(s.commands(Command.Terminate.class)).extracting(Command.Terminate::machineId).containsExactly(id);
    }

    @ParameterizedTest
    @CsvSource({
        "INSIDE,      MACHINE_ENDED,   it was shut down from inside",
        "ASKED,       MACHINE_ENDED,   somebody terminated it at the cloud",
        "BY_CLOUD,    MACHINE_ENDED,   the cloud ended it",
        "INTERRUPTED, WAS_INTERRUPTED, the cloud took it back",
        "UNKNOWN,     MACHINE_ENDED,   the cloud does not say why"})
    void oneThatShutsDownIsOnItsWayAndThenGone(Ending ending, Reason reason, String why) {
        var s = oneAtWork();
        var id = s.onlyMachine();
        s.shows(id, CloudState.SHUTTING_DOWN, ending).list().plan();
        assertThat(machine(s, id).phase()).isEqualTo(Phase.TERMINATING);
        assertThat(s.decided(reason)).extracting(PlanRecord.Decided::text).containsExactly(id + " is shutting down, and we did not ask: " + why);

        s.pass(Duration.ofSeconds(10)).shows(id, CloudState.TERMINATED, ending).look().list().plan();
        assertThat(machine(s, id).phase()).isEqualTo(Phase.GONE);
        assertThat(machine(s, id).cause()).isEqualTo(reason);
        assertThat(s.decided(reason)).as("said once").hasSize(1);
        assertThat(s.decided(Reason.TASK_LOST_MACHINE)).hasSize(1);
        assertThat(s.commands(Command.Terminate.class)).as("it ends by itself").isEmpty();
    }

    @Test
    void oneThatIsDrainedAndStoppedByAPersonIsEnded() {
        var s = oneAtWork();
        var id = s.onlyMachine();
        s.ask(FleetEvent.MachinesAsked.Verb.DRAIN, id).plan();
        assertThat(machine(s, id).phase()).isEqualTo(Phase.DRAINING);
        s.shows(id, CloudState.STOPPED, Ending.ASKED).list().plan();
        assertThat(machine(s, id).phase()).isEqualTo(Phase.TERMINATING);
        assertThat(s.commands(Command.Terminate.class)).hasSize(1);
    }

    @Test
    void oneThatStopsAsItWasToldToIsEndedForTheReasonThatItWasDrainedFor() {
        var s = oneAtWork();
        var id = s.onlyMachine();
        s.ask(FleetEvent.MachinesAsked.Verb.DRAIN, id).plan();
        s.shows(id, CloudState.STOPPED, Ending.INSIDE).list().plan();

        assertThat(machine(s, id).phase()).isEqualTo(Phase.TERMINATING);
        assertThat(machine(s, id).cause()).isEqualTo(Reason.ASKED_FOR);
        assertThat(s.commands(Command.Terminate.class)).hasSize(1);
        assertThat(s.decided(Reason.MACHINE_ENDED)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "INSIDE,   SHUTTING_DOWN, mabcdefgh-1: it was shut down from inside before a worker of it registered",
        "BY_CLOUD, TERMINATED,    mabcdefgh-1: the cloud ended it before a worker of it registered",
        "INSIDE,   STOPPED,       mabcdefgh-1: it was shut down from inside before a worker of it registered; terminate it"})
    void oneThatEndsBeforeItHadAWorkerIsABootThatFailed(Ending ending, CloudState shown, String text) {
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan();
        var id = s.onlyMachine();
        s.accept(id).list().plan();

        s.shows(id, shown, ending).list().plan();

        assertThat(s.decided(Reason.BOOT_FAILED)).extracting(PlanRecord.Decided::text).containsExactly(text);
        assertThat(machine(s, id).cause()).isEqualTo(Reason.BOOT_FAILED);
        assertThat(s.fleet.hold(Hold.Kind.CIRCUIT, "gpu")).get().extracting(Hold::failures).isEqualTo(1);
    }

    @Test
    void threeBootsThatEndThemselvesOpenTheCircuit() {
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan();
        for (int i = 1; i <= 3; i++) {
            s.accept("mabcdefgh-" + i).list();
            s.pass(Duration.ofSeconds(40)).shows("mabcdefgh-" + i, CloudState.SHUTTING_DOWN, Ending.INSIDE).look().list().plan();
            s.pass(Duration.ofSeconds(20)).shows("mabcdefgh-" + i, CloudState.TERMINATED, Ending.INSIDE).look().list().plan();
        }

        assertThat(s.fleet.active()).isEmpty();
        assertThat(s.refusals()).containsExactly(Reason.CIRCUIT_OPEN);
    }

    @ParameterizedTest
    @CsvSource({"ASKED", "INTERRUPTED", "UNKNOWN"})
    void oneThatSomebodyEndedBeforeItHadAWorkerSaysNothingOfItsPool(Ending ending) {
        var s = Scenario.onePool(1).waiting("gpu", 1).look().list().plan();
        var id = s.onlyMachine();
        s.accept(id).list().plan();

        s.shows(id, CloudState.TERMINATED, ending).list().plan();

        assertThat(s.decided(Reason.BOOT_FAILED)).isEmpty();
        assertThat(s.fleet.hold(Hold.Kind.CIRCUIT, "gpu")).isEmpty();
    }
}
