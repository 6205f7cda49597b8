package dev.muster.planner.replay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.planner.simulate.Conditions;
import dev.muster.planner.simulate.SimulatedTask;
import dev.muster.v1.BudgetPeriod;
import dev.muster.v1.BudgetSpec;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.Limits;
import dev.muster.v1.OfferKey;
import dev.muster.v1.OfferSpec;
import dev.muster.v1.PoolSpec;
import dev.muster.v1.QueueSpec;
import dev.muster.v1.Violation;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;

/** A spec that is tried on a workload. */
class SpecRunTest {

    private static final List<SimulatedTask> TASKS = List.of(new SimulatedTask("a", "train", 0, 3600), new SimulatedTask("b", "train", 0, 3600));

    private static FleetSpec.Builder spec() {
        var key = OfferKey.newBuilder().setProvider("aws").setAccount("main").setRegion("eu-west-1").setMachineType("m5.large");
        return FleetSpec.newBuilder().setName("tried").setCurrency("USD").addQueues(QueueSpec.newBuilder().setName("train").addPools("cpu"))
                .addPools(PoolSpec.newBuilder().setName("cpu").setLimits(Limits.newBuilder().setMax(2)).addOffers(OfferSpec.newBuilder().setKey(key)));
    }

    private static SpecRun run(FleetSpec.Builder spec, OptionalLong cost) {
        return SpecRun.of(spec.build(), Conditions.QUIET.begin(), offer -> cost);
    }

    @Test
    void anOfferWithoutAPriceIsTakenAtWhatItsMachinesCost() {
        // Given
        var declared = spec();
        declared.getPoolsBuilder(0).getOffersBuilder(0).setPriceMicrosPerHour(195_000);
        var bare = spec().addBudgets(BudgetSpec.newBuilder().setPeriod(BudgetPeriod.PER_HOUR).setHardMicros(1_000_000));
        // When: 5,000 of it are the public address, which the pool's costs have already.
        var byCost = run(bare, OptionalLong.of(200_000));
        var played = byCost.play(TASKS, 1, Conditions.QUIET, () -> false);
        // Then
        assertThat(byCost.pricedByCost()).isEqualTo(1);
        assertThat(played.figures().unpricedSeconds()).isZero();
        assertThat(played.figures().cost()).isEqualTo(run(declared, OptionalLong.empty()).play(TASKS, 1, Conditions.QUIET, () -> false).figures().cost());
        assertThat(played.mostMachines()).isEqualTo(2);
    }

    @Test
    void whatApplyWouldRefuseIsRefused() {
        var budgeted = spec().addBudgets(BudgetSpec.newBuilder().setPeriod(BudgetPeriod.PER_HOUR).setHardMicros(1_000_000));
        assertThat(run(budgeted, OptionalLong.empty()).violations()).extracting(Violation::getProblem).singleElement().asString().contains("without a price");
    }

    @Test
    void whatNobodyWaitsForIsNotPlayedToItsEnd() {
        assertThatThrownBy(() -> run(spec(), OptionalLong.of(1)).play(TASKS, 1, Conditions.QUIET, () -> true)).isInstanceOf(CancellationException.class);
    }
}
