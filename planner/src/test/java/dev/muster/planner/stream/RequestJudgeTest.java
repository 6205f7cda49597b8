package dev.muster.planner.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.planner.spec.Defaults;
import dev.muster.planner.spec.Specs;
import dev.muster.v1.AnswerCode;
import dev.muster.v1.ApplyFleet;
import dev.muster.v1.Facts;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.FleetState;
import dev.muster.v1.Limits;
import dev.muster.v1.Request;
import dev.muster.v1.RequestAnswered;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What a request is answered by what the judge is told of machines. */
class RequestJudgeTest {

    @Test
    void aLoweredLimitSaysWhatItWaitsFor() {
        var before = Specs.fleet("train").build();
        var record = FleetRecord.newBuilder().setFleet("train").setIncarnation("abcdefgh").setVersion(1).setState(FleetState.ACTIVE).setSpec(Defaults.fill(before, "lab")).build();
        var after = before.toBuilder().setLimits(Limits.newBuilder().setMax(3)).build();

        var answer = apply(record, after, 5);

        assertThat(answer.getCode()).isEqualTo(AnswerCode.ACCEPTED);
        assertThat(answer.getNotesList()).singleElement().asString().startsWith("5 machines count now, and the spec allows 3: 2 leave");
        assertThat(apply(record, after, 3).getNotesList()).isEmpty();
    }

    private static RequestAnswered apply(FleetRecord record, FleetSpec spec, int counted) {
        var request = Request.newBuilder().setRequestId("r").setFleet("train").setFacts(Facts.newBuilder().setInstallation("lab")).setApply(ApplyFleet.newBuilder().setSpec(spec)).build();
        return RequestJudge.judge(request, record, new RequestJudge.Machines() {
            @Override
            public int counted() {
                return counted;
            }

            @Override
            public Optional<Standing> standing(String machineId) {
                return Optional.empty();
            }
        }, Instant.EPOCH).answer();
    }
}
