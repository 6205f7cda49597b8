package dev.muster.planner.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.FleetEvent;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/**
 * The suite in virtual time under faults, seed after seed. {@code -Dsimulation.seeds=N} runs so many, {@code -Dsimulation.from=N} begins
 * elsewhere, {@code -Dsimulation.seed=N} runs one and tells what happens in it.
 */
class SimulationTest {

    private static final long SEEDS = Long.getLong("simulation.seeds", 2000);
    private static final long FROM = Long.getLong("simulation.from", 0);
    /** After so many it says how far it is: a long run that is cut off has shown something. */
    private static final long PART = 10_000;
    private static final long ONE = Long.getLong("simulation.seed", -1);

    @Test
    void holdsItsPromisesWhateverHappens() {
        if (ONE >= 0) {
            var outcome = Simulation.run(Plot.of(ONE), Bug.NONE);
            assertThat(outcome.isViolation()).as(() -> Seeds.story(ONE, Bug.NONE)).isFalse();
            return;
        }
        var begun = System.nanoTime();
        var result = Seeds.Result.NONE;
        while (result.count() < SEEDS) {
            var from = FROM + result.count();
            result = result.plus(Seeds.run(from, Math.min(from + PART, FROM + SEEDS), Bug.NONE));
            var seconds = (System.nanoTime() - begun) / 1e9;
            System.out.printf("Simulation: %d seeds from %d in %.1f s, %.0f a second, %d violations%n", result.count(), FROM, seconds,
                    result.count() / seconds, result.violations().size());
        }
        System.out.println("In them: " + result.tally());
        Seeds.summary(result).forEach(System.out::println);
        var violations = result.violations();
        assertThat(violations).as(() -> Seeds.story(violations.firstKey(), Bug.NONE)).isEmpty();
    }

    @Test
    void staysMendedWhereALongRunFoundSomething() {
        // A drain taken back of a machine whose worker had registered only under the mark.
        // A machine of another autoscaler that was tagged only after the fleet that asked for it had been deleted.
        // A task that had been put back and could not be marked failed: a pod was made for it and refused every few seconds.
        LongStream.of(39_940, 12_592, 4_669).forEach(seed ->
                assertThat(Simulation.run(Plot.of(seed), Bug.NONE).isViolation()).as(() -> Seeds.story(seed, Bug.NONE)).isFalse());
    }

    @Test
    void repeatsARunFromItsSeedExactly() {
        LongStream.range(0, 20).forEach(seed -> {
            var once = new StringBuilder();
            var again = new StringBuilder();
            Simulation.run(Plot.of(seed), Bug.NONE, once);
            Simulation.run(Plot.of(seed), Bug.NONE, again);
            assertThat(again.toString()).as("seed %d", seed).isEqualTo(once.toString());
        });
    }

    @Test
    void adoptsMachinesOfAnotherAutoscalerInSomeRuns() {
        var told = new StringBuilder();
        LongStream.range(0, 200).mapToObj(Plot::of).filter(plot -> plot.happenings().stream().anyMatch(it -> it.kind() == Happening.Kind.FOREIGN_MACHINES))
                .forEach(plot -> Simulation.run(plot, Bug.NONE, told));
        assertThat(told).contains("adopted into", "i-foreign1 is tagged", "i-foreign1 stops: TERMINATED");
    }

    @Test
    void findsAPlantedBugAndShrinksIt() {
        // A planner that comes back from a crash without its machines, and looks at nothing before it launches.
        var bug = new Bug() {
            @Override
            public Fleet restored(Fleet stored) {
                return Fleet.of(stored.head());
            }

            @Override
            public FleetEvent heard(Fleet fleet, FleetEvent event) {
                return event instanceof FleetEvent.InventorySeen list ? new FleetEvent.InventorySeen(list.at(), list.scope(), list.seen(),
                        list.listStartedAt(), list.state(), list.detail(), List.of(), list.foreignCluster()) : event;
            }
        };
        var seed = Seeds.firstFailing(0, 500, bug);
        assertThat(seed).isPresent();

        var plot = Plot.of(seed.get());
        var outcome = Simulation.run(plot, bug);
        var small = Shrinker.shrink(plot, bug, outcome.invariant());
        assertThat(small.happenings().size()).isLessThanOrEqualTo(plot.happenings().size()).isLessThan(10);
        assertThat(Simulation.run(small, bug).invariant()).isEqualTo(outcome.invariant());
        assertThat(Seeds.story(seed.get(), bug)).contains(outcome.invariant(), "Shrunk from", "-Dsimulation.seed=" + seed.get());
    }
}
