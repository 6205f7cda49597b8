package dev.muster.planner.view;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Timestamp;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.Reason;
import dev.muster.v1.Refusal;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DecisionLogTest {

    private final DecisionLog log = new DecisionLog(3, 0, 0);

    @Test
    void keepsTheNewest() {
        IntStream.range(0, 5).forEach(i -> log.add(i, refusal("q" + i, Reason.AT_POOL_LIMIT)));
        assertThat(log.before(Long.MAX_VALUE, 10, event -> true)).extracting(DecisionLog.Entry::offset).containsExactly(4L, 3L, 2L);
        assertThat(log.completeFrom()).isEqualTo(2);
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

    @Test
    void warningsAreToldApartByTheirSubjects() {
        log.add(1, DecisionEvent.newBuilder().setRefusal(Refusal.newBuilder().setSubject("a").setReason(Reason.PRICE_IGNORED)).build());
        log.add(2, DecisionEvent.newBuilder().setRefusal(Refusal.newBuilder().setSubject("b").setReason(Reason.PRICE_IGNORED)).build());
        log.add(3, DecisionEvent.newBuilder().setRefusal(Refusal.newBuilder().setSubject("a")).build());
        assertThat(log.refusals()).extracting(Refusal::getSubject).containsExactly("b");
    }

    @Test
    void whatIsMergedKeepsTheOrderOfEachPartition() {
        // The second of partition 0 has an earlier time than the first: a fleet's clock is its own.
        var merged = DecisionLog.merged(List.of(entry(1, 7, 30), entry(0, 5, 40), entry(0, 4, 50), entry(1, 6, 20)));
        assertThat(merged).extracting(entry -> entry.partition() + ":" + entry.offset()).containsExactly("1:6", "1:7", "0:4", "0:5");
    }

    private static DecisionLog.Entry entry(int partition, long offset, long second) {
        return new DecisionLog.Entry(partition, offset, DecisionEvent.newBuilder().setAt(Timestamp.newBuilder().setSeconds(second)).build());
    }

    private static DecisionEvent refusal(String queue, Reason reason) {
        return DecisionEvent.newBuilder().setRefusal(Refusal.newBuilder().setQueue(queue).setReason(reason)).build();
    }
}
