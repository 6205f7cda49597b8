package dev.muster.contracts;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.junit.jupiter.api.Test;

class KafkaContactTest {

    @Test
    void theMemberThatIsWorstOffCounts() {
        assertThat(KafkaContact.sinceHeartbeat(Map.of(name("last-heartbeat-seconds-ago", "a"), of(2.0), name("last-heartbeat-seconds-ago", "b"), of(31.0),
                name("last-poll-seconds-ago", "a"), of(99.0)))).isEqualTo(31);
    }

    @Test
    void beforeTheFirstHeartbeatNothingIsLate() {
        assertThat(KafkaContact.sinceHeartbeat(Map.of(name("last-heartbeat-seconds-ago", "a"), of(-1.0)))).isZero();
        assertThat(KafkaContact.sinceHeartbeat(Map.of())).isZero();
    }

    @Test
    void recordsOfAllPartitionsAreAddedUpAsFarAsTheyAreKnown() {
        assertThat(KafkaContact.lag(Map.of(name("records-lag", "0"), of(3.0), name("records-lag", "1"), of(4.0), name("records-lag", "2"), of(Double.NaN),
                name("records-lag-max", "0"), of(50.0)))).isEqualTo(7);
    }

    private static MetricName name(String name, String partition) {
        return new MetricName(name, "group", "", Map.of("partition", partition));
    }

    private static Metric of(double value) {
        return new Metric() {
            @Override
            public MetricName metricName() {
                return name("", "");
            }

            @Override
            public Object metricValue() {
                return value;
            }
        };
    }
}
