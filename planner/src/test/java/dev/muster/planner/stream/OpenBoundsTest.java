package dev.muster.planner.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.contracts.Times;
import dev.muster.planner.core.Limits;
import dev.muster.planner.core.Planning;
import dev.muster.planner.spec.Defaults;
import dev.muster.planner.spec.Specs;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.FleetState;
import dev.muster.v1.ScheduleSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;

class OpenBoundsTest {

    private static final Instant MONDAY_NOON = Instant.parse("2026-03-02T12:00:00Z");

    private static ScheduleSpec.Builder window(String cron) {
        return ScheduleSpec.newBuilder().setCron(cron).setLasts(Times.duration(Duration.ofHours(2)));
    }

    private static FleetRecord record(FleetSpec.Builder spec) {
        return FleetRecord.newBuilder().setFleet("train").setIncarnation("abcdefgh").setVersion(1).setState(FleetState.ACTIVE)
                .setSpec(Defaults.fill(spec.build(), "lab")).setCreatedAt(Times.timestamp(MONDAY_NOON)).setChangedAt(Times.timestamp(MONDAY_NOON)).build();
    }

    @Test
    void openWindowsCountAndClosedOnesDont() {
        var spec = Specs.fleet("train");
        var pool = spec.getPoolsBuilder(0);
        pool.setLimits(pool.getLimits().toBuilder().setMax(5)).addSchedules(window("0 11 * * 1").setMax(2).setWarm(1)).addSchedules(window("0 18 * * 1").setMax(9));
        var name = pool.getName();
        assertThat(OpenBounds.of(record(spec), MONDAY_NOON)).isEqualTo(Map.of(name, new Planning.Bounds(new Limits(0, 2), 1, false)));
        assertThat(OpenBounds.of(record(spec), MONDAY_NOON.plus(Duration.ofHours(7)))).isEqualTo(Map.of(name, new Planning.Bounds(new Limits(0, 9), 0, false)));
        assertThat(OpenBounds.of(record(spec), MONDAY_NOON.plus(Duration.ofDays(1)))).isEqualTo(Map.of(name, new Planning.Bounds(new Limits(0, 5), 0, false)));
    }

    @Test
    void theFleetsPauseIsEachPools() {
        var spec = Specs.fleet("train");
        var paused = record(spec).toBuilder().setState(FleetState.PAUSED).build();
        assertThat(OpenBounds.of(paused, MONDAY_NOON).values()).allSatisfy(bounds -> assertThat(bounds.paused()).isTrue());
        var byClock = record(spec.addSchedules(window("0 11 * * 1").setPaused(true)));
        assertThat(OpenBounds.of(byClock, MONDAY_NOON).values()).allSatisfy(bounds -> assertThat(bounds.paused()).isTrue());
        assertThat(OpenBounds.of(byClock, MONDAY_NOON.plus(Duration.ofHours(2))).values()).allSatisfy(bounds -> assertThat(bounds.paused()).isFalse());
    }
}
