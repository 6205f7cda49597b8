package dev.muster.planner.simulate;

import static dev.muster.planner.simulate.Workloads.accepted;
import static dev.muster.planner.simulate.Workloads.day;
import static dev.muster.planner.simulate.Workloads.spec;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.muster.planner.simulate.TaskOutcome.Wait;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.Pace;
import dev.muster.v1.PoolSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/**
 * What a task is said to wait for is what it waits for: lifting that one constraint, and nothing else, makes it start earlier.
 *
 * <p>A machine that a lifted limit lets in takes a boot to be of use, so that tasks are sampled that the constraint held for longer.
 */
class LiftedConstraintTest {

    private static final int SAMPLES = 20;
    private static final long SEED = 11;
    private static final Conditions CONDITIONS = Conditions.QUIET.withOutOfCapacity(0.15);
    private static final String TIGHT_POOLS = """
            name: tight-pools
            queues:
              - {name: gpu, pools: [spot, gpu], priority: 1}
              - {name: cpu, pools: [cpu]}
            pools:
              spot: {provider: aws, region: us-east-1, type: g4dn.xlarge, market: spot, price: 0.2, max: 2, idle: 5m}
              gpu: {provider: aws, region: us-east-1, type: g4dn.xlarge, price: 0.526, max: 3, idle: 5m}
              cpu: {provider: aws, region: us-east-1, type: m6i.large, price: 0.096, max: 100, idle: 5m, pace: {unregistered: 1}}
            """;
    private static final String TIGHT_FLEET = """
            name: tight-fleet
            limits: {max: 7}
            queues: {gpu: [gpu], cpu: [cpu]}
            pools:
              gpu: {provider: aws, region: us-east-1, type: g4dn.xlarge, price: 0.526, max: 100, idle: 5m}
              cpu: {provider: aws, region: us-east-1, type: m6i.large, price: 0.096, max: 100, idle: 5m}
            """;
    private static final String TRACE_FLEET = """
            name: trace
            queues: {cpu: [cpu], gpu: [gpu], multi-gpu: [multi-gpu]}
            pools:
              cpu: {provider: aws, region: us-east-1, type: m6i.large, price: 0.096, max: 2}
              gpu: {provider: aws, region: us-east-1, type: g4dn.xlarge, price: 0.526, max: 12}
              multi-gpu: {provider: aws, region: us-east-1, type: g4dn.12xlarge, price: 3.912, max: 2}
            """;

    /** One task and the longest of its waits. */
    private record Held(int task, Wait longest) {}

    @Test
    void liftingAPoolsLimitOrItsPaceMakesATaskStartEarlier() {
        assertLifted(spec(TIGHT_POOLS), day(SEED, 400, "gpu", "gpu", "cpu"), CONDITIONS, SEED);
    }

    @Test
    void liftingTheFleetsLimitMakesATaskStartEarlier() {
        assertLifted(spec(TIGHT_FLEET), day(SEED, 400, "gpu", "cpu"), Conditions.QUIET, SEED);
    }

    @Test
    void theSameHoldsForARecordedWorkload() throws IOException {
        var file = System.getProperty("muster.trace", "");
        assumeTrue(!file.isEmpty(), "skipped: no trace is given (-Dmuster.trace=FILE)");
        var all = Workloads.trace(Path.of(file));
        // Its last and busiest tasks.
        var tasks = all.stream().sorted(Comparator.comparingLong(SimulatedTask::at)).skip(Math.max(0, all.size() - 1500)).toList();
        assertLifted(spec(TRACE_FLEET), tasks, Conditions.QUIET, SEED);
    }

    private static void assertLifted(FleetSpec spec, List<SimulatedTask> tasks, Conditions conditions, long seed) {
        var before = Simulation.simulate(accepted(spec), tasks, seed, conditions);
        var samples = samples(before, conditions, seed);
        assertThat(samples).as("seed %d: tasks that wait long enough", seed).hasSizeGreaterThanOrEqualTo(SAMPLES);
        var words = new TreeSet<String>();
        for (var held : samples.subList(0, SAMPLES)) {
            var constraint = held.longest().constraint();
            words.add(constraint.word());
            var lifted = Simulation.simulate(accepted(lift(spec, constraint)), tasks, seed, lift(conditions, constraint));
            assertThat(lifted.tasks().get(held.task()).started()).as("seed %d: start of %s without %s", seed, before.tasks().get(held.task()).task(), constraint)
                    .isNotNegative().isLessThan(before.tasks().get(held.task()).started());
        }
        System.out.println(SAMPLES + " tasks lifted of " + words + " started earlier");
    }

    /** Some of each constraint, in an order that the seed alone decides. */
    private static List<Held> samples(Outcome outcome, Conditions conditions, long seed) {
        var all = new ArrayList<Held>();
        long boot = 6 * conditions.boot().toSeconds();
        for (int i = 0; i < outcome.tasks().size(); i++) {
            var task = i;
            outcome.tasks().get(i).waits().stream().max(Comparator.comparingLong(Wait::seconds))
                    .filter(wait -> switch (wait.constraint().kind()) {
                        case REFUSED -> wait.seconds() > boot;
                        case BOOTING -> outcome.tasks().get(task).waits().size() <= 2 && wait.seconds() > 60;
                        case NOT_SEEN, NEXT_POLL -> false;
                    })
                    .ifPresent(wait -> all.add(new Held(task, wait)));
        }
        Collections.shuffle(all, new Random(seed));
        var some = new ArrayList<Held>();
        var left = new ArrayList<>(all);
        while (!left.isEmpty()) {
            var round = new TreeSet<String>();
            left.removeIf(held -> {
                var isNew = round.add(held.longest().constraint().word() + held.longest().constraint().pool());
                if (isNew) {
                    some.add(held);
                }
                return isNew;
            });
        }
        return some;
    }

    private static FleetSpec lift(FleetSpec spec, Constraint constraint) {
        if (constraint.reason() == null) {
            return spec;
        }
        return switch (constraint.reason()) {
            case AT_POOL_LIMIT -> pool(spec, constraint.pool(), pool -> pool.setLimits(pool.getLimits().toBuilder().setMax(1000)));
            case AT_FLEET_LIMIT -> spec.toBuilder().clearLimits().build();
            case AT_PACE -> pool(spec, constraint.pool(), pool -> pool.setPace(Pace.getDefaultInstance()));
            case OFFERS_EXHAUSTED -> spec;
            default -> throw new AssertionError("nobody knows how to lift " + constraint);
        };
    }

    private static Conditions lift(Conditions conditions, Constraint constraint) {
        if (constraint.kind() == Constraint.Kind.BOOTING) {
            return conditions.withBoot(Duration.ofSeconds(1), 0);
        }
        return constraint.word().equals("OFFERS_EXHAUSTED") ? conditions.withOutOfCapacity(0) : conditions;
    }

    private static FleetSpec pool(FleetSpec spec, String name, UnaryOperator<PoolSpec.Builder> change) {
        var changed = spec.toBuilder();
        for (int i = 0; i < spec.getPoolsCount(); i++) {
            if (spec.getPools(i).getName().equals(name)) {
                changed.setPools(i, change.apply(spec.getPools(i).toBuilder()));
            }
        }
        return changed.build();
    }
}
