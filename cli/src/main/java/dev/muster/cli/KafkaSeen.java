package dev.muster.cli;

import dev.muster.contracts.KafkaRights;
import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.common.acl.AclBinding;

/**
 * What Kafka showed of itself, before anybody judges it. What it didn't show is empty, and {@code refused} says why.
 *
 * @param near Kafka is on this computer
 * @param encrypted by our connection
 * @param known Kafka has asked who we are
 * @param metadata number of the form of its metadata, which goes up with releases; empty: it doesn't say
 * @param ahead of this computer's clock, at least so far; only what can't be explained by a record's age
 * @param skews what services say of their clocks and Kafka's, by service/instance
 * @param autoCreate whether topics are made by asking
 * @param abortInterval between two looks for transactions that timed out
 * @param transactions why none is possible; empty: they are
 * @param topics by name, those that there are
 * @param acls empty: we may not see them
 * @param authorizer false: everybody may do everything
 * @param missing of services whose own settings were given
 * @param lags records that a group has not read yet, by group; those that there are
 * @param refused why something could not be looked at
 */
record KafkaSeen(String address, String as, boolean near, boolean encrypted, boolean known, int brokers, Duration answered, Optional<Integer> metadata,
        Duration ahead, Map<String, Duration> skews, Optional<Boolean> autoCreate, Optional<Duration> abortInterval, String transactions, Map<String, TopicSeen> topics,
        Optional<Collection<AclBinding>> acls, boolean authorizer, Map<String, Collection<KafkaRights.Right>> missing, Map<String, Long> lags,
        Map<KafkaCheck, String> refused) {

    /**
     * One topic.
     *
     * @param copies of its partition with the fewest
     * @param leaderless partitions that nobody can read or write
     * @param config empty: we may not see it
     */
    record TopicSeen(int partitions, int copies, Set<Integer> leaderless, Optional<Map<String, String>> config) {}
}
