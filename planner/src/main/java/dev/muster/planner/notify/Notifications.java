package dev.muster.planner.notify;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.muster.contracts.KafkaRights;
import dev.muster.contracts.KafkaSettings;
import dev.muster.planner.Settings;
import dev.muster.planner.notify.Positions.Position;
import dev.muster.telemetry.Meters;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.NotificationOutcome;
import dev.muster.v1.NotificationSpec;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jboss.logging.Logger;

/**
 * Reads decisions and has people told of those that need one. Each partition is read by one replica of the planner; what was told is committed
 * after it was sent, so that nothing is lost with a process, and only what a webhook had not answered when a process was killed is said twice.
 */
public final class Notifications implements AutoCloseable, ConsumerRebalanceListener {

    private static final Logger LOG = Logger.getLogger(Notifications.class);
    private static final Duration POLL = Duration.ofMillis(250);
    private static final Duration COMMIT_EVERY = Duration.ofSeconds(2);
    /** Time alone is no news, and is committed with the next that is. */
    private static final Duration COMMIT_AT_LEAST = Duration.ofMinutes(1);
    private static final Duration RETRY = Duration.ofSeconds(5);
    /** A webhook answers within it, or is slow, and the other replicas wait for our partitions. */
    private static final Duration ANSWERS = Duration.ofSeconds(2);

    private final Settings settings;
    private final Function<String, List<NotificationSpec>> webhooks;
    private final BooleanSupplier isCurrent;
    private final Clock clock;
    private final Courier courier;
    private final Map<TopicPartition, Reading> readings = new HashMap<>();
    private final Thread thread = new Thread(this::run, "notifications");
    private KafkaConsumer<byte[], byte[]> consumer;
    private volatile boolean closing;

    /** One partition, as long as it is ours. */
    private static final class Reading {
        private final NoticeBook book;
        private final Positions start;
        /** Where it ended when we took it over: until then nothing is known of now. */
        private final long end;
        private volatile boolean isOurs = true;
        private Positions committed;
        private Instant committedAt = Instant.EPOCH;

        Reading(NoticeBook book, Positions start, long end) {
            this.book = book;
            this.start = start;
            this.end = end;
            this.committed = start;
        }
    }

    /**
     * @param webhooks of a fleet, as its spec has them now; empty: none, or no such fleet
     * @param isCurrent whether fleets are known
     */
    public Notifications(Settings settings, Function<String, List<NotificationSpec>> webhooks, BooleanSupplier isCurrent, Meters meters) {
        this(settings, webhooks, isCurrent, meters, Courier.Pace.USUAL, Clock.systemUTC());
    }

    Notifications(Settings settings, Function<String, List<NotificationSpec>> webhooks, BooleanSupplier isCurrent, Meters meters,
            Courier.Pace pace, Clock clock) {
        this.settings = settings;
        this.webhooks = webhooks;
        this.isCurrent = isCurrent;
        this.clock = clock;
        this.courier = new Courier(new Webhooks(settings.secrets()), webhooks, meters, pace, clock);
        thread.setDaemon(true);
    }

    public void start() {
        thread.start();
    }

    /** Sends a test to each of the fleet's webhooks, once, whatever kinds it wants. Never fails; may take some seconds. */
    public CompletableFuture<List<NotificationOutcome>> test(String fleet) {
        var text = NoticeBook.opening(settings.installation(), fleet) + "test: this webhook works.";
        var outcomes = webhooks.apply(fleet).stream().map(webhook -> courier.test(webhook.getWebhookSecret(), text).thenApply(answer ->
                NotificationOutcome.newBuilder().setSecret(webhook.getWebhookSecret()).setOk(answer.ok()).setDetail(answer.detail()).build())).toList();
        return CompletableFuture.allOf(outcomes.toArray(CompletableFuture[]::new)).thenApply(all -> outcomes.stream().map(CompletableFuture::join).toList());
    }

    private void run() {
        try {
            while (!closing && !isCurrent.getAsBoolean()) {
                TimeUnit.MILLISECONDS.sleep(100);
            }
            while (!closing) {
                try {
                    read();
                } catch (WakeupException closed) {
                    return;
                } catch (InterruptException interrupted) {
                    return;
                } catch (KafkaException broken) {
                    LOG.warnf("Reading decisions for notifications failed and begins anew; reason=%s", broken.toString());
                } catch (RuntimeException ours) {
                    LOG.error("Notifications failed in our own code and begin anew", ours);
                }
                TimeUnit.MILLISECONDS.sleep(closing ? 0 : RETRY.toMillis());
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void read() {
        var config = KafkaSettings.consumer(settings.kafka());
        config.put("group.id", settings.topics().prefix() + KafkaRights.NOTIFICATIONS);
        config.put("client.id", Settings.SERVICE + "-notifications");
        config.put("partition.assignment.strategy", CooperativeStickyAssignor.class.getName());
        config.put("session.timeout.ms", (int) settings.sessionTimeout().toMillis());
        config.put("heartbeat.interval.ms", (int) settings.sessionTimeout().toMillis() / 3);
        try (var reading = new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer = reading;
            reading.subscribe(List.of(settings.topics().decisions()), this);
            while (!closing) {
                turn();
            }
            // Its close revokes the partitions.
        } finally {
            onPartitionsLost(Set.copyOf(readings.keySet()));
        }
    }

    private void turn() {
        for (var record : consumer.poll(POLL)) {
            var partition = new TopicPartition(record.topic(), record.partition());
            var reading = readings.get(partition);
            if (reading == null || record.value() == null) {
                continue;
            }
            try {
                send(reading, reading.book.on(record.offset(), DecisionEvent.parseFrom(record.value())));
            } catch (InvalidProtocolBufferException unreadable) {
                LOG.warnf("A decision can't be read, and nobody is told of it; topic=%s partition=%d offset=%d reason=%s", record.topic(), record.partition(),
                        record.offset(), unreadable.getMessage());
            }
        }
        var now = clock.instant();
        readings.forEach((partition, reading) -> {
            if (consumer.position(partition) >= reading.end) {
                send(reading, reading.book.tick(now));
            }
        });
        commit(readings.keySet(), false);
    }

    private void send(Reading reading, List<Notice> notices) {
        notices.forEach(notice -> courier.send(notice, () -> reading.isOurs, () -> reading.book.done(notice)));
    }

    /** @param whatever whether time alone is committed, too */
    private void commit(Collection<TopicPartition> partitions, boolean whatever) {
        var now = clock.instant();
        var offsets = new HashMap<TopicPartition, OffsetAndMetadata>();
        var committed = new HashMap<Reading, Positions>();
        for (var partition : partitions) {
            var reading = readings.get(partition);
            if (reading == null || !whatever && now.isBefore(reading.committedAt.plus(COMMIT_EVERY))) {
                continue;
            }
            var position = consumer.position(partition);
            if (position < reading.end) {
                // It reads what was told before: there is nothing new to say of that.
                continue;
            }
            var positions = reading.book.positions(Math.max(position, reading.start.base().offset()));
            var isNews = positions.base().offset() != reading.committed.base().offset() || !positions.behind().equals(reading.committed.behind());
            if (whatever || isNews || !now.isBefore(reading.committedAt.plus(COMMIT_AT_LEAST))) {
                offsets.put(partition, new OffsetAndMetadata(positions.base().offset(), positions.text()));
                committed.put(reading, positions);
            }
        }
        if (!offsets.isEmpty()) {
            try {
                consumer.commitSync(offsets);
            } catch (RebalanceInProgressException again) {
                // The next poll ends it, and the next commit says as much.
                return;
            }
            committed.forEach((reading, positions) -> {
                reading.committed = positions;
                reading.committedAt = now;
            });
        }
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        if (partitions.isEmpty()) {
            return;
        }
        var committed = consumer.committed(Set.copyOf(partitions));
        var ends = consumer.endOffsets(partitions);
        var starts = new HashMap<TopicPartition, Positions>();
        var times = new HashMap<TopicPartition, Long>();
        for (var partition : partitions) {
            var commit = committed.get(partition);
            // Who was never told of anything is not told of what was before.
            var start = commit == null ? new Positions(new Position(ends.get(partition), clock.instant()), Map.of())
                    : Positions.read(commit.offset(), commit.metadata(), clock.instant());
            starts.put(partition, start);
            times.put(partition, start.base().time().minus(NoticeBook.MEMORY).toEpochMilli());
        }
        var since = consumer.offsetsForTimes(times);
        starts.forEach((partition, start) -> {
            var from = since.get(partition) == null ? start.firstOffset() : Math.min(start.firstOffset(), since.get(partition).offset());
            consumer.seek(partition, from);
            readings.put(partition, new Reading(new NoticeBook(settings.installation(), start, webhooks), start, ends.get(partition)));
        });
    }

    /** What is on its way and not committed is sent again by whoever reads these partitions next: it is waited for, and nothing else is sent. */
    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        partitions.stream().map(readings::get).filter(Objects::nonNull).forEach(reading -> reading.isOurs = false);
        try {
            courier.awaitAnswers(ANSWERS);
            commit(partitions, true);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        } finally {
            onPartitionsLost(partitions);
        }
    }

    @Override
    public void onPartitionsLost(Collection<TopicPartition> partitions) {
        for (var partition : partitions) {
            var reading = readings.remove(partition);
            if (reading != null) {
                reading.isOurs = false;
            }
        }
    }

    /** As a process ends that is killed: nothing more is sent or committed. For tests. */
    void kill() throws InterruptedException {
        courier.close();
        thread.interrupt();
        thread.join();
    }

    /** What is not sent by then is sent by another replica, or after the next start. */
    @Override
    public void close() {
        closing = true;
        try {
            thread.join(ANSWERS.plusSeconds(2).toMillis());
            thread.interrupt();
            thread.join(1_000);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        courier.close();
    }
}
