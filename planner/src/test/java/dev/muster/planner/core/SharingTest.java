package dev.muster.planner.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.planner.core.Scenario.PoolOf;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Queues that meet at a limit, by examples. */
class SharingTest {

    private static long of(Scenario s, String queue) {
        return s.fleet.active().values().stream().filter(machine -> machine.queue().equals(queue)).count();
    }

    private static Scenario two(int max, int weightA, int weightB) {
        return Scenario.of(Scenario.spec(List.of(Scenario.queue("a", 0, weightA, "gpu"), Scenario.queue("b", 0, weightB, "gpu")),
                List.of(Scenario.pool("gpu", max))));
    }

    @Test
    void queuesOfOnePriorityShareByWeight() {
        var s = two(9, 2, 1).waiting("a", 50).waiting("b", 50).look().list().plan();
        assertThat(of(s, "a")).isEqualTo(6);
        assertThat(of(s, "b")).isEqualTo(3);
        assertThat(s.refused("a").text()).contains("at its limit of 9");
    }

    @Test
    void whatOneDoesNotWantTheOtherGets() {
        var s = two(9, 1, 1).waiting("a", 1).waiting("b", 50).look().list().plan();
        assertThat(of(s, "a")).isEqualTo(1);
        assertThat(of(s, "b")).isEqualTo(8);
    }

    @Test
    void whoHasFewerGetsTheNext() {
        var s = two(6, 1, 1).waiting("a", 4).look().list().plan();
        s.waiting("a", 50).waiting("b", 50).look().plan();
        assertThat(of(s, "a")).isEqualTo(4);
        assertThat(of(s, "b")).isEqualTo(2);
    }

    @Test
    void aHigherPriorityIsServedFirst() {
        var s = Scenario.of(Scenario.spec(List.of(Scenario.queue("low", 0, 9, "gpu"), Scenario.queue("high", 1, 1, "gpu")), List.of(Scenario.pool("gpu", 5))))
                .waiting("low", 50).waiting("high", 4).look().list().plan();
        assertThat(of(s, "high")).isEqualTo(4);
        assertThat(of(s, "low")).isEqualTo(1);
    }

    @Test
    void aFleetsLimitIsSharedOverPools() {
        var s = Scenario.of(Scenario.limited(Scenario.spec(List.of(Scenario.queue("a", 0, 1, "x"), Scenario.queue("b", 0, 1, "y")),
                List.of(Scenario.pool("x", 10), Scenario.pool("y", 10))), 4)).waiting("a", 50).waiting("b", 50).look().list().plan();
        assertThat(of(s, "a")).isEqualTo(2);
        assertThat(of(s, "b")).isEqualTo(2);
    }

    @Test
    void whatOnePoolWillCoverIsNotAskedOfTheNext() {
        var s = Scenario.of(Scenario.spec(List.of(Scenario.queue("gpu", "x", "y")), List.of(Scenario.pool("x", 2), Scenario.pool("y", 5))))
                .waiting("gpu", 3).look().list().plan();
        assertThat(s.fleet.active().values()).extracting(Machine::pool).containsExactly("x", "x", "y");
    }

    @Test
    void nothingIsBoughtWhileACompatibleMachineIsIdle() {
        // b's only pool has an idle machine that a would take first; a has another.
        var s = Scenario.of(Scenario.spec(List.of(Scenario.queue("a", 1, 1, "x", "y"), Scenario.queue("b", 0, 1, "x")),
                List.of(Scenario.pool("x", 1), Scenario.pool("y", 1)))).waiting("a", 2).look().list().plan().allBoot();
        assertThat(s.fleet.active()).hasSize(2);
        s.waiting("a", 1).waiting("b", 1).look().plan();
        assertThat(s.fleet.active()).hasSize(2);
        assertThat(s.fleet.refusals()).isEmpty();
    }

    @Test
    void slotsOfOneMachineServeSeveralQueues() {
        var pool = new PoolOf("gpu", 0, 5).with(p -> p.slots = 4);
        var s = Scenario.of(Scenario.spec(List.of(Scenario.queue("a", "gpu"), Scenario.queue("b", "gpu")), List.of(pool)))
                .waiting("a", 2).waiting("b", 2).look().list().plan();
        assertThat(s.fleet.active()).hasSize(1);
    }
}
