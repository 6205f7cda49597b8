package dev.muster.planner.replay;

import dev.muster.planner.core.FleetHead;
import dev.muster.planner.simulate.Conditions;
import dev.muster.planner.simulate.Figures;
import dev.muster.planner.simulate.SimulatedTask;
import dev.muster.planner.simulate.Simulation;
import dev.muster.planner.stream.SpecTrial;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.OfferKey;
import dev.muster.v1.OfferSpec;
import dev.muster.v1.Violation;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeSet;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/** A spec that is to be tried on a workload: judged as {@code apply} would judge it for a new fleet, and then played. */
public final class SpecRun {

    private final List<Violation> violations;
    private final Optional<FleetHead> head;
    private final int pricedByCost;

    private SpecRun(SpecTrial trial, int pricedByCost) {
        this.pricedByCost = pricedByCost;
        violations = trial.violations();
        head = trial.head();
    }

    /**
     * @param begin when the fleet would be created
     * @param costs what a machine of an offer is known to cost an hour, all included: used where the spec has no price, as the planner uses what
     *        a provider reports
     */
    public static SpecRun of(FleetSpec spec, Instant begin, Function<OfferKey, OptionalLong> costs) {
        var priced = spec.toBuilder();
        var added = new ArrayList<Priced>();
        for (var pool : priced.getPoolsBuilderList()) {
            for (var offer : pool.getOffersBuilderList()) {
                var cost = offer.hasPriceMicrosPerHour() ? OptionalLong.empty() : costs.apply(offer.getKey());
                if (cost.isPresent()) {
                    offer.setPriceMicrosPerHour(cost.getAsLong());
                    added.add(new Priced(pool.getName(), offer, cost.getAsLong()));
                }
            }
        }
        var trial = SpecTrial.of(priced.build(), begin);
        if (added.isEmpty() || trial.head().isEmpty()) {
            return new SpecRun(trial, 0);
        }
        // What the pool costs beside the offer is in it already.
        added.forEach(each -> trial.head().get().spec().pool(each.pool()).ifPresent(pool ->
                each.offer().setPriceMicrosPerHour(Math.max(1, (long) (each.cost() / pool.costs().factor()) - pool.costs().besides()))));
        return new SpecRun(SpecTrial.of(priced.build(), begin), added.size());
    }

    private record Priced(String pool, OfferSpec.Builder offer, long cost) {}

    /** Offers whose price the spec doesn't have, and that are taken at what their machines cost. */
    public int pricedByCost() {
        return pricedByCost;
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
