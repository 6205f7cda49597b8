package dev.muster.planner.simulate;

import static dev.muster.planner.simulate.Workloads.accepted;
import static dev.muster.planner.simulate.Workloads.day;
import static dev.muster.planner.simulate.Workloads.spec;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.planner.core.FailureKind;
import dev.muster.planner.core.Reason;
import dev.muster.planner.stream.SpecTrial;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class SimulationTest {

    private static final String FLEET = """
            name: one
            queues: {gpu: [gpu]}
            pools:
              gpu: {provider: aws, region: us-east-1, type: g4dn.xlarge, price: 0.526, max: 4, idle: 5m}
            """;
    private static final String SPOT = """
            name: spot
            queues: {gpu: [gpu]}
            pools:
              gpu:
                provider: aws
                region: us-east-1
                type: g4dn.xlarge
                max: 6
                idle: 5m
                slots: 2
                order: cheapest
                offers:
                  - {zone: us-east-1a, market: spot, price: 0.2}
                  - {zone: us-east-1b, market: spot, price: 0.21}
                  - {price: 0.526}
            """;
    private static final Conditions SAME_BOOTS = Conditions.QUIET.withBoot(Duration.ofSeconds(120), 0);

    private static Outcome simulate(String yaml, List<SimulatedTask> tasks, Conditions conditions) {
        return Simulation.simulate(accepted(spec(yaml)), tasks, 7, conditions);
    }

    @Test
    void oneTaskGetsOneMachineThatGoesWhenItHasBeenIdle() {
        // Given
        var tasks = List.of(new SimulatedTask("only", "gpu", 1000, 3600));
        // When
        var outcome = simulate(FLEET, tasks, SAME_BOOTS);
        // Then
        var machine = outcome.machines().get(0);
        assertThat(outcome.machines()).hasSize(1);
        assertThat(machine.boot()).isEqualTo(120);
        assertThat(machine.useful()).isEqualTo(3600);
        // The last task's end ends the fleet, and with it the wait for another.
        assertThat(machine.idle() + machine.waste()).isLessThan(30);
        // Its public address besides: half a cent an hour.
        assertThat(machine.cost()).isEqualTo(BigInteger.valueOf(531_000).multiply(BigInteger.valueOf(machine.paid())));
        assertThat(outcome.tasks().get(0).waited()).isBetween(120L + 8 + 2, 120L + 20 + 10);
    }

    @Test
    void machinesStayForTheIdleTimeOutWhileTasksAreToCome() {
        var tasks = List.of(new SimulatedTask("first", "gpu", 0, 60), new SimulatedTask("soon", "gpu", 460, 60), new SimulatedTask("late", "gpu", 4000, 60));
        var outcome = simulate(FLEET, tasks, SAME_BOOTS);
        assertThat(outcome.machines()).hasSize(2);
        assertThat(outcome.tasks().get(1).waited()).isLessThanOrEqualTo(QueueServer.POLL);
        // 300 s after the second task, a second more for the look that showed it.
        assertThat(outcome.machines().get(0).ended()).isBetween(520L + 300, 520L + 310);
        assertThat(outcome.tasks().get(2).waited()).isGreaterThan(120);
    }

    @Test
    void everySecondPaidForIsAccountedForAndEveryWaitHasAConstraint() {
        for (long seed = 1; seed <= 20; seed++) {
            var conditions = Conditions.QUIET.withInterruptions(0.3).withOutOfCapacity(0.2).withBootFailures(0.05).withSpotSpread(0.3);
            var outcome = Simulation.simulate(accepted(spec(SPOT)), day(seed, 150, "gpu"), seed, conditions);
            // A task is put back three times; one that is lost a fourth time stays lost.
            assertThat(outcome.tasks()).as("seed %d", seed).allMatch(task -> task.ended() >= 0 || task.runs() == 4);
            for (var machine : outcome.machines()) {
                var paid = machine.running() < 0 ? 0 : Math.max(60, machine.ended() - machine.running());
                assertThat(machine.paid()).as("seed %d, %s", seed, machine).isEqualTo(paid);
                assertThat(Math.min(Math.min(machine.useful(), machine.idle()), Math.min(machine.boot(), machine.waste()))).as("seed %d, %s", seed, machine).isNotNegative();
            }
            for (var task : outcome.tasks()) {
                long at = task.task().at();
                for (var wait : task.waits()) {
                    assertThat(wait.from()).as("seed %d, %s", seed, task).isGreaterThanOrEqualTo(at);
                    at = wait.to();
                }
                if (task.runs() == 1) {
                    assertThat(task.waits().stream().mapToLong(TaskOutcome.Wait::seconds).sum()).as("seed %d, %s", seed, task).isEqualTo(task.waited());
                    assertThat(task.ended() - task.started()).as("seed %d, %s", seed, task).isEqualTo(task.task().seconds());
                }
            }
        }
    }

    @Test
    void spotMachinesAreTakenBackAndTheirTasksRunAgain() {
        var outcome = simulate(SPOT, day(3, 120, "gpu"), Conditions.QUIET.withInterruptions(0.5));
        assertThat(outcome.tasks()).anyMatch(task -> task.runs() > 1).allMatch(task -> task.ended() >= 0);
        assertThat(outcome.machines()).anyMatch(machine -> machine.waste() > 120);
    }

    @Test
    void capacityRunsOutAndTheNextOfferIsTaken() {
        var outcome = simulate(SPOT, day(3, 120, "gpu"), Conditions.QUIET.withOutOfCapacity(0.5));
        assertThat(outcome.launchesRefused().get(FailureKind.OUT_OF_CAPACITY)).isPositive();
        assertThat(outcome.machines().stream().map(MachineOutcome::offer).distinct().count()).isGreaterThan(1);
    }

    @Test
    void bootsThatFailAreGivenUpAndPaidForAsWaste() {
        var outcome = simulate(FLEET, day(3, 60, "gpu"), Conditions.QUIET.withBootFailures(0.3));
        assertThat(outcome.machines()).anyMatch(machine -> machine.tasks() == 0 && machine.waste() > 1500 && machine.boot() == 0);
    }

    @Test
    void aPoolAtItsLimitIsWhatTheLastTasksWaitFor() {
        var tasks = new java.util.ArrayList<SimulatedTask>();
        for (int i = 0; i < 6; i++) {
            tasks.add(new SimulatedTask("task-" + i, "gpu", 10, 1000));
        }
        var outcome = simulate(FLEET, tasks, SAME_BOOTS);
        for (int i = 0; i < 4; i++) {
            assertThat(outcome.tasks().get(i).waits()).extracting(wait -> wait.constraint().word()).containsExactly("BOOTING");
        }
        for (int i = 4; i < 6; i++) {
            var wait = outcome.tasks().get(i).waits().get(0);
            assertThat(wait.constraint().reason()).isEqualTo(Reason.AT_POOL_LIMIT);
            assertThat(wait.constraint().pool()).isEqualTo("gpu");
            assertThat(wait.constraint().numbers()).containsEntry("waiting", 6L).containsEntry("uncovered", 2L);
            assertThat(wait.seconds()).isGreaterThan(1000);
        }
        assertThat(outcome.refusals()).containsOnlyKeys(Reason.AT_POOL_LIMIT);
    }

    @Test
    void aFleetThatCannotLaunchLeavesItsTasksWaiting() {
        var outcome = simulate(FLEET.replace("max: 4", "max: 0"), List.of(new SimulatedTask("never", "gpu", 0, 60)), Conditions.QUIET);
        assertThat(Figures.of(outcome).notRun()).isOne();
        assertThat(outcome.machines()).isEmpty();
        assertThat(outcome.tasks().get(0).waits().get(0).constraint().reason()).isEqualTo(Reason.AT_POOL_LIMIT);
    }

    @Test
    void machinesKeptWarmArePaidForUntilTheLastTaskHasEnded() {
        var outcome = simulate(FLEET.replace("max: 4", "min: 2, max: 4"), List.of(new SimulatedTask("first", "gpu", 0, 60),
                new SimulatedTask("last", "gpu", 36_000, 60)), SAME_BOOTS);
        assertThat(outcome.machines()).hasSize(2);
        assertThat(outcome.tasks().get(1).waited()).isLessThanOrEqualTo(QueueServer.POLL);
        assertThat(Figures.of(outcome).seconds().idle()).isGreaterThan(70_000);
    }

    @Test
    void theSameSeedGivesTheSameBytesAndAnotherGivesOthers() {
        var conditions = Conditions.QUIET.withInterruptions(0.3).withOutOfCapacity(0.2).withSpotSpread(0.3);
        var head = accepted(spec(SPOT));
        var tasks = day(5, 100, "gpu");
        var first = Simulation.simulate(head, tasks, 5, conditions);
        var again = Simulation.simulate(accepted(spec(SPOT)), day(5, 100, "gpu"), 5, conditions);
        assertThat(again).isEqualTo(first);
        assertThat(report(again, conditions)).isEqualTo(report(first, conditions));
        assertThat(Simulation.simulate(head, tasks, 6, conditions)).isNotEqualTo(first);
    }

    private static String report(Outcome outcome, Conditions conditions) {
        return new HtmlReport("a day", 5, "USD", conditions, List.of(new HtmlReport.Side("spec.yaml", outcome, Figures.of(outcome)))).text();
    }

    @Test
    void figuresAddUp() {
        var outcome = simulate(SPOT, day(9, 200, "gpu"), Conditions.QUIET.withInterruptions(0.3));
        var figures = Figures.of(outcome);
        var seconds = figures.seconds();
        assertThat(seconds.paid()).isEqualTo(seconds.useful() + seconds.idle() + seconds.boot() + seconds.waste());
        var cost = outcome.machines().stream().map(machine -> new BigDecimal(machine.cost())).reduce(BigDecimal.ZERO, BigDecimal::add)
                .divide(BigDecimal.valueOf(3_600_000_000L), java.math.MathContext.DECIMAL64);
        assertThat(figures.cost()).isCloseTo(cost, org.assertj.core.data.Offset.offset(new BigDecimal("0.000001")));
        assertThat(figures.constraints().stream().mapToLong(Figures.Bound::taskSeconds).sum())
                .isEqualTo(outcome.tasks().stream().flatMap(task -> task.waits().stream()).mapToLong(TaskOutcome.Wait::seconds).sum());
        assertThat(figures.waits().max()).isGreaterThanOrEqualTo(figures.waits().p99());
    }

    @Test
    void whatApplyRefusesIsRefusedHere() {
        var trial = SpecTrial.of(spec(FLEET.replace("[gpu]", "[gpus]")), Conditions.QUIET.begin());
        assertThat(trial.head()).isEmpty();
        assertThat(trial.violations()).extracting(violation -> violation.getField()).containsExactly("queues.gpu.pools[0]");
    }

    @Test
    void aQueueThatNobodyServesIsRefused() {
        assertThatThrownBy(() -> simulate(FLEET, List.of(new SimulatedTask("lost", "cpu", 0, 1)), Conditions.QUIET))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("does not serve cpu");
    }

    @Test
    void nothingThatASpecSaysBecomesMarkup() {
        var name = "<script>alert('x')</script>&\"";
        var yaml = FLEET.replace("{gpu: [gpu]}", "[{name: \"<script>alert('x')</script>&\\\"\", pools: [gpu]}]");
        var outcome = simulate(yaml, List.of(new SimulatedTask(name, name, 0, 60)), Conditions.QUIET);
        var page = new HtmlReport(name, 1, name, Conditions.QUIET, List.of(new HtmlReport.Side(name, outcome, Figures.of(outcome)),
                new HtmlReport.Side("b", outcome, Figures.of(outcome)))).text();
        assertThat(page).doesNotContain("<script").contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;").doesNotContain("http://", "https://");
    }
}
