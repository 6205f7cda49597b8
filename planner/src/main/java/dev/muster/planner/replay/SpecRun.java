package dev.muster.planner.replay;

import dev.muster.planner.core.FleetHead;
import dev.muster.planner.simulate.Conditions;
import dev.muster.planner.simulate.Figures;
import dev.muster.planner.simulate.SimulatedTask;
import dev.muster.planner.simulate.Simulation;
import dev.muster.planner.stream.SpecTrial;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.Violation;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;

/** A spec that is to be tried on a workload: judged as {@code apply} would judge it for a new fleet, and then played. */
public final class SpecRun {

    private final List<Violation> violations;
    private final Optional<FleetHead> head;

    private SpecRun(SpecTrial trial) {
        violations = trial.violations();
        head = trial.head();
    }

    /** @param begin when the fleet would be created */
    public static SpecRun of(FleetSpec spec, Instant begin) {
        return new SpecRun(SpecTrial.of(spec, begin));
    }

    /** What is wrong with it; empty: it can be played. */
    public List<Violation> violations() {
        return violations;
    }

    /** Names of the queues that it serves. */
    public TreeSet<String> queues() {
        var names = new TreeSet<String>();
        head.ifPresent(fleet -> fleet.spec().queues().forEach(queue -> names.add(queue.name())));
        return names;
    }

    /** @param mostMachines at once, of all pools. @param ended second at which the last machine was gone */
    public record Played(Figures figures, int mostMachines, long ended) {}

    /**
     * Plays it.
     *
     * @param tasks at least one, all in queues that it serves
     * @param unwanted asked before each plan
     * @throws CancellationException once it is unwanted
     * @throws java.util.NoSuchElementException if something is wrong with the spec
     */
    public Played play(List<SimulatedTask> tasks, long seed, Conditions conditions, BooleanSupplier unwanted) {
        var outcome = Simulation.simulate(head.orElseThrow(), tasks, seed, conditions, unwanted);
        return new Played(Figures.of(outcome), Figures.peak(outcome.machines()), outcome.ended());
    }
}
