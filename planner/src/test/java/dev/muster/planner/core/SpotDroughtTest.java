package dev.muster.planner.core;

import static dev.muster.planner.core.Scenario.offer;
import static dev.muster.planner.core.Scenario.pool;
import static dev.muster.planner.core.Scenario.queue;
import static dev.muster.planner.core.Scenario.spec;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** An hour in which the cloud has no spot machine in any zone, second by second, and what is asked of the cloud meanwhile. */
class SpotDroughtTest {

    private static final int WAITING = 5;
    private static final List<String> ZONES = List.of("us-east-1a", "us-east-1b", "us-east-1c");
    /** Seconds after which an offer is asked again: a minute, doubled each time up to sixteen. */
    private static final List<Long> ASKED = List.of(0L, 60L, 180L, 420L, 900L, 1860L, 2820L, 3780L);

    /** A launch call. @param second since the drought began */
    private record Call(long second, String zone, int machines) {}

    private final List<Call> calls = new ArrayList<>();
    private int read;

    private final Scenario s = Scenario.of(spec(List.of(queue("gpu", "gpu")), List.of(pool("gpu", 0, 10, 1,
            ZONES.stream().map(zone -> offer("g4dn.xlarge", zone, Market.SPOT)).toArray(Offer[]::new)))));

    @Test
    void eachZoneIsAskedForAllOnceAndThenByOneMachineEverMoreRarely() {
        s.waiting("gpu", WAITING);
        for (long second = 0; second < 3600; second++) {
            refuseAll();
            s.pass(Duration.ofSeconds(1));
        }

        var expected = new ArrayList<Call>();
        for (var second : ASKED.subList(0, ASKED.size() - 1)) {
            ZONES.forEach(zone -> expected.add(new Call(second, zone, second == 0 ? WAITING : 1)));
        }
        assertThat(calls).isEqualTo(expected);
        everyCallHasItsDecision();
        assertThat(s.refusals()).containsExactly(Reason.OFFERS_EXHAUSTED);
    }

    @Test
    void theFirstProbeThatIsAcceptedBringsTheOthersAtOnce() {
        s.waiting("gpu", WAITING);
        long last = ASKED.get(ASKED.size() - 1);
        for (long second = 0; second < last; second++) {
            refuseAll();
            s.pass(Duration.ofSeconds(1));
        }

        s.look().list().plan();
        var probes = s.machines(Phase.REQUESTED);
        assertThat(probes).extracting(machine -> machine.offer().zone()).isEqualTo(ZONES);
        s.accept(probes.get(0).id()).plan();

        assertThat(s.fleet.active()).hasSize(WAITING);
        assertThat(s.machines(Phase.REQUESTED)).filteredOn(machine -> machine.offer().zone().equals(ZONES.get(0))).hasSize(WAITING - ZONES.size());
        assertThat(probes.get(0).requestedAt()).as("within the longest hold, whenever it came back").isEqualTo(Scenario.START.plusSeconds(last));
    }

    /** The cloud refuses whatever is asked of it, within the second. */
    private void refuseAll() {
        s.look().list().plan();
        for (var launches = s.commands(Command.Launch.class); read < launches.size(); launches = s.commands(Command.Launch.class)) {
            var launch = launches.get(read++);
            calls.add(new Call(Duration.between(Scenario.START, s.now).toSeconds(), launch.offer().zone(), launch.machineIds().size()));
            s.refuse(FailureKind.OUT_OF_CAPACITY, launch.machineIds().toArray(String[]::new)).plan();
        }
    }

    /** One that says so of each that probes, and none that launches nothing. */
    private void everyCallHasItsDecision() {
        var decided = s.records.stream().filter(PlanRecord.Decided.class::isInstance).map(PlanRecord.Decided.class::cast).toList();
        assertThat(decided).extracting(PlanRecord.Decided::reason).containsOnly(Reason.TASKS_WAIT, Reason.LAUNCH_WAS_REFUSED);
        assertThat(decided).extracting(each -> each.numbers().get("probes")).isEqualTo(calls.stream().map(call -> call.second() == 0 ? 0L : 1L).toList());
        assertThat(decided).extracting(each -> each.numbers().get("launched")).isEqualTo(calls.stream().map(call -> (long) call.machines()).toList());
        assertThat(s.records.stream().filter(PlanRecord.CommandIssued.class::isInstance).map(PlanRecord.CommandIssued.class::cast)
                .map(PlanRecord.CommandIssued::decisionId)).isEqualTo(decided.stream().map(PlanRecord.Decided::id).toList());
    }
}
