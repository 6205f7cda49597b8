package dev.muster.watcher;

import dev.muster.clearml.Clearml;
import dev.muster.watcher.clearml.ClearmlQueues;
import io.quarkus.runtime.Quarkus;
import io.smallrye.common.annotation.Identifier;
import io.smallrye.reactive.messaging.kafka.KafkaConsumerRebalanceListener;
import io.vertx.core.Vertx;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Default;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.common.TopicPartition;
import org.jboss.logging.Logger;

/**
 * The connections of the installation, and which of them this process owns: those whose partition of the command topic it was
 * given. The owner alone looks at a connection, and alone acts on it.
 *
 * <p>The callbacks come on the thread that polls the topic; everything else may be called by any.
 */
@ApplicationScoped
// Other beans ask for it by its type alone.
@Default
@Identifier(Connections.CHANNEL)
public class Connections implements KafkaConsumerRebalanceListener {

    /** Of commands, in the messaging configuration. */
    static final String CHANNEL = "commands";

    private static final Logger LOG = Logger.getLogger(Connections.class);
    /** As sysexits.h has it: an internal software error. */
    private static final int DEFECT = 70;

    private final Settings settings;
    private final FleetTable fleets;
    private final DemandPublisher publisher;
    private final WatchMetrics metrics;
    private final Clock clock = Clock.systemUTC();
    /** Every connection has a client, also while another process owns it: a command may still be under way. */
    private final SortedMap<String, QueueSource> sources = new TreeMap<>();
    private final Map<String, ConnectionWatch> owned = new ConcurrentHashMap<>();
    private volatile boolean hasJoined;
    private long lastGeneration;

    public Connections(Vertx vertx, Settings settings, FleetTable fleets, DemandPublisher publisher, WatchMetrics metrics) {
        this.settings = settings;
        this.fleets = fleets;
        this.publisher = publisher;
        this.metrics = metrics;
        settings.connections().keySet().forEach(name -> sources.put(name,
                new ClearmlQueues(new Clearml(vertx, settings.address(name), () -> settings.credentials(name)), clock, settings.worker(name),
                        settings.keysOf(name))));
    }

    /** Null if no such connection is configured. */
    QueueSource find(String connection) {
        return sources.get(connection);
    }

    /** It is a member of the group of watchers, with or without a partition. */
    boolean hasJoined() {
        return hasJoined;
    }

    /** How the connections are that this process owns, by name. */
    SortedMap<String, ConnectionWatch.Health> owned() {
        return owned.entrySet().stream()
                .collect(Collectors.toMap(Map.Entry::getKey, entry -> entry.getValue().health(), (one, same) -> one, TreeMap::new));
    }

    /** Connections of this process whose looks are so late. */
    Collection<String> late(Duration limit) {
        return owned.entrySet().stream().filter(entry -> entry.getValue().isLate(limit)).map(Map.Entry::getKey).sorted().toList();
    }

    @Override
    public void onPartitionsAssigned(Consumer<?, ?> consumer, Collection<TopicPartition> partitions) {
        for (var connection : of(partitions)) {
            // Higher than of any earlier owner whose clock is right, and than our own last time.
            lastGeneration = Math.max(clock.millis(), lastGeneration + 1);
            LOG.infof("This process owns a connection from now on. connection=%s generation=%d", connection, lastGeneration);
            var interval = settings.interval(connection);
            var watch = new ConnectionWatch(connection, interval, sources.get(connection),
                    new Looks(settings.source(), lastGeneration, interval), () -> fleets.isCurrent() ? Optional.of(fleets.of(connection)) : Optional.empty(),
                    publisher::publish, metrics, clock, new Backoff(interval, new SecureRandom()::nextDouble), () -> Quarkus.asyncExit(DEFECT));
            var before = owned.put(connection, watch);
            if (before != null) {
                before.close();
            }
            metrics.watches(connection);
            watch.start();
        }
        hasJoined = true;
    }

    @Override
    public void onPartitionsRevoked(Consumer<?, ?> consumer, Collection<TopicPartition> partitions) {
        of(partitions).forEach(this::giveUp);
    }

    @Override
    public void onPartitionsLost(Consumer<?, ?> consumer, Collection<TopicPartition> partitions) {
        of(partitions).forEach(this::giveUp);
    }

    private void giveUp(String connection) {
        var watch = owned.remove(connection);
        if (watch != null) {
            LOG.infof("This process owns a connection no longer. connection=%s", connection);
            watch.close();
            metrics.leaves(connection);
        }
    }

    void close() {
        owned.keySet().forEach(this::giveUp);
        sources.values().forEach(QueueSource::close);
    }

    /** Names of the connections whose commands are in these partitions. */
    private Collection<String> of(Collection<TopicPartition> partitions) {
        var numbers = partitions.stream().map(TopicPartition::partition).collect(Collectors.toSet());
        // Command topics have as many partitions as the inputs, and the planner's partitioner is the usual one.
        return sources.keySet().stream().filter(name -> numbers.contains(settings.topics().inputPartition(name))).toList();
    }
}
