package dev.muster.planner.access;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.v1.Role;
import io.grpc.Context;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class CallerTest {

    private static final Caller ANN = new Caller("token:ann", Map.of("train", Role.OPERATOR, "eval", Role.VIEWER), Optional.empty());

    @Test
    void holdsWhatWasGrantedForAFleetAndNothingForOthers() {
        assertThat(ANN.role("train")).isEqualTo(Role.OPERATOR);
        assertThat(ANN.holds(Role.VIEWER, "train")).isTrue();
        assertThat(ANN.holds(Role.ADMIN, "train")).isFalse();
        assertThat(ANN.mayRead("eval")).isTrue();
        assertThat(ANN.mayRead("other")).isFalse();
        assertThat(ANN.mayRead("")).isFalse();
        assertThat(ANN.mayReadEverything()).isFalse();
    }

    @Test
    void whatIsHeldForAllFleetsIsHeldForEach() {
        var ops = ANN.with(Role.VIEWER, Caller.EVERYWHERE);
        assertThat(ops.role("train")).isEqualTo(Role.OPERATOR);
        assertThat(ops.role("other")).isEqualTo(Role.VIEWER);
        assertThat(ops.mayReadEverything()).isTrue();
    }

    @Test
    void aLowerRoleTakesNothingAway() {
        assertThat(ANN.with(Role.VIEWER, "train")).isEqualTo(ANN);
    }

    @Test
    void roleNamesAreAuditsWords() {
        assertThat(ANN.roleName("train")).isEqualTo("operator");
        assertThat(ANN.roleName("other")).isEmpty();
        assertThat(Caller.ANYBODY.roleName("train")).isEmpty();
    }

    @Test
    void outsideACallNothingMayBeRead() throws Exception {
        assertThat(Caller.current().mayRead("train")).isFalse();
        assertThat(ANN.in(Context.current()).call(() -> Caller.current())).isEqualTo(ANN);
    }
}
