package dev.muster.planner.stream;

import java.util.Collection;
import java.util.Map;
import org.apache.kafka.common.TopicPartition;

/** How far the calling stream thread has read its inputs. */
interface InputPositions {

    /** Where each partition ends now, for a reader of what is committed. */
    Map<TopicPartition, Long> ends(Collection<TopicPartition> partitions);

    /** What the group has committed; 0 where nothing is. */
    Map<TopicPartition, Long> committed(Collection<TopicPartition> partitions);

    /** The offset that is fetched next: past the end markers of transactions, too. */
    long position(TopicPartition partition);

    /** The highest offset that was handed to Kafka Streams, which may not have handed it on yet; -1: none was. */
    long handedOut(TopicPartition partition);

    /** Whether the broker is known to have more than was handed out; asks nobody. */
    default boolean isBehind(TopicPartition partition) {
        return behind(partition) > 0;
    }

    /** How many records the broker is known to have beyond what was handed out; asks nobody. */
    long behind(TopicPartition partition);
}
