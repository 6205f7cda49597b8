package dev.muster.planner.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.v1.DecisionEvent;
import dev.muster.v1.Reason;
import dev.muster.v1.Refusal;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DecisionLogTest {

    private final DecisionLog log = new DecisionLog(3);

    @Test
    void keepsTheNewest() {
        IntStream.range(0, 5).forEach(i -> log.add(i, refusal("q" + i, Reason.AT_POOL_LIMIT)));
        assertThat(log.before(Long.MAX_VALUE, 10, event -> true)).extracting(DecisionLog.Entry::offset).containsExactly(4L, 3L, 2L);
        assertThat(log.before(4, 1, event -> true)).extracting(DecisionLog.Entry::offset).containsExactly(3L);
    }

    @Test
    void aRefusalHoldsUntilItIsTakenBack() {
        log.add(1, refusal("gpu", Reason.AT_POOL_LIMIT));
        log.add(2, refusal("cpu", Reason.IS_PAUSED));
        log.add(3, refusal("gpu", Reason.OFFERS_EXHAUSTED));
        assertThat(log.refusals()).extracting(Refusal::getReason).containsExactly(Reason.IS_PAUSED, Reason.OFFERS_EXHAUSTED);
        log.add(4, refusal("gpu", Reason.REASON_UNSPECIFIED));
        assertThat(log.refusals()).extracting(Refusal::getQueue).containsExactly("cpu");
    }

    private static DecisionEvent refusal(String queue, Reason reason) {
        return DecisionEvent.newBuilder().setRefusal(Refusal.newBuilder().setQueue(queue).setReason(reason)).build();
    }
}
