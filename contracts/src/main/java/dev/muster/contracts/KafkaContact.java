package dev.muster.contracts;

import java.util.Map;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;

/** Whether Kafka answers a client that reads as member of a group. The client itself says nothing: it tries again, and its polls are empty. */
public final class KafkaContact {

    private static final String HEARTBEAT = "last-heartbeat-seconds-ago";

    private static final String LAG = "records-lag";

    private KafkaContact() {}

    /** Records of the partitions that a consumer has which are there and were not handed out, as far as it has been told. */
    public static long lag(Map<MetricName, ? extends Metric> metrics) {
        double sum = 0;
        for (var metric : metrics.entrySet()) {
            if (metric.getKey().name().equals(LAG) && metric.getValue().metricValue() instanceof Double records && Double.isFinite(records)) {
                sum += records;
            }
        }
        return (long) sum;
    }

    /** Seconds since the last heartbeat that a coordinator could be sent, of the member that is worst off; 0 where none was sent yet. */
    public static double sinceHeartbeat(Map<MetricName, ? extends Metric> metrics) {
        double longest = 0;
        for (var metric : metrics.entrySet()) {
            if (metric.getKey().name().equals(HEARTBEAT) && metric.getValue().metricValue() instanceof Number seconds) {
                longest = Math.max(longest, seconds.doubleValue());
            }
        }
        return longest;
    }
}
