package dev.muster.watcher;

import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.ProtobufSerde;
import dev.muster.contracts.TopicTable;
import dev.muster.contracts.UnreadableRecordException;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetState;
import jakarta.enterprise.context.ApplicationScoped;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jboss.logging.Logger;

/**
 * All fleets, as accepted by the planner. Every watcher reads the whole topic, without a group: which connection a fleet is
 * on can change, and then its new owner must know it at once. Thread-safe.
 */
@ApplicationScoped
public class FleetTable implements TopicTable.Listener {

    private static final Logger LOG = Logger.getLogger(FleetTable.class);
    private static final ProtobufSerde<FleetRecord> RECORDS = new ProtobufSerde<>(FleetRecord.parser());

    private static final Duration CHECK_EVERY = Duration.ofMillis(500);
    private static final Duration RETRY_AFTER = Duration.ofSeconds(2);

    private final Settings settings;
    private final DemandPublisher publisher;
    private final WatchMetrics metrics;
    private final CountDownLatch closing = new CountDownLatch(1);
    private volatile Map<String, WatchedFleet> fleets = new ConcurrentHashMap<>();
    private volatile TopicTable table;

    public FleetTable(Settings settings, DemandPublisher publisher, WatchMetrics metrics) {
        this.settings = settings;
        this.publisher = publisher;
        this.metrics = metrics;
    }

    void start() {
        var supervisor = new Thread(this::readForEver, "fleets");
        supervisor.setDaemon(true);
        supervisor.start();
    }

    void stop() {
        closing.countDown();
    }

    /** A reading that ends, as when Kafka is not there, begins anew: what was deleted meanwhile could not be seen otherwise. */
    private void readForEver() {
        try {
            do {
                fleets = new ConcurrentHashMap<>();
                try (var reading = new TopicTable(
                        KafkaSettings.consumer(settings.kafka()), List.of(settings.topics().fleets()), this)) {
                    table = reading;
                    var isCurrent = false;
                    do {
                        isCurrent = reading.awaitCaughtUp(CHECK_EVERY);
                    } while ((!isCurrent || reading.isCurrent()) && !closing.await(CHECK_EVERY.toMillis(), TimeUnit.MILLISECONDS));
                } catch (RuntimeException broken) {
                    LOG.warnf("The fleets can't be read; trying again. topic=%s reason=%s", settings.topics().fleets(), broken.getMessage());
                }
            } while (!closing.await(RETRY_AFTER.toMillis(), TimeUnit.MILLISECONDS));
        } catch (InterruptedException closed) {
            Thread.currentThread().interrupt();
        }
    }

    /** Everything that was there at start has been read, and the reading goes on. */
    boolean isCurrent() {
        return table != null && table.isCurrent();
    }

    /** Fleets of a connection that still have or may get machines. */
    List<WatchedFleet> of(String connection) {
        return fleets.values().stream().filter(fleet -> fleet.connection().equals(connection)).toList();
    }

    /** Null if there is no such fleet. */
    WatchedFleet find(String fleet) {
        return fleets.get(fleet);
    }

    @Override
    public void on(ConsumerRecord<byte[], byte[]> record) {
        var key = record.key() == null ? "" : new String(record.key(), StandardCharsets.UTF_8);
        if (record.value() == null) {
            fleets.remove(key);
            return;
        }
        try {
            var fleet = RECORDS.parse(record.value());
            if (!fleet.getFleet().equals(key) || !fleet.hasSpec()) {
                throw new UnreadableRecordException("the key is '" + key + "', the value is of fleet '" + fleet.getFleet()
                        + "' and has " + (fleet.hasSpec() ? "a" : "no") + " spec");
            }
            if (fleet.getState() == FleetState.DELETED) {
                fleets.remove(key);
            } else {
                var watched = WatchedFleet.of(fleet);
                fleets.put(key, watched);
                if (!settings.connections().containsKey(watched.connection())) {
                    LOG.warnf("A fleet names a connection that is not configured, and is not watched. fleet=%s connection=%s",
                            key, watched.connection());
                }
            }
        } catch (UnreadableRecordException garbage) {
            LOG.warnf("A record of a topic can't be read; it is kept as a dead letter. topic=%s partition=%d offset=%d reason=%s",
                    record.topic(), record.partition(), record.offset(), garbage.getMessage());
            metrics.unreadable(record.topic());
            publisher.deadLetter(record, garbage.getMessage());
        }
    }
}
