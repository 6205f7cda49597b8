package dev.muster.provisioner.host;

import dev.muster.contracts.DeadLetters;
import dev.muster.contracts.KafkaContact;
import dev.muster.contracts.ProtobufSerde;
import dev.muster.contracts.Topics;
import dev.muster.contracts.UnreadableRecordException;
import dev.muster.telemetry.Traces;
import dev.muster.v1.Command;
import java.time.Clock;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.WakeupException;
import org.jboss.logging.Logger;

/**
 * Reads one provider's commands and hands them over at once; never calls a cloud and never commits. One thread.
 *
 * <p>Who owns a partition owns the scopes whose keys fall into it, for listing and pacing too.
 */
final class CommandConsumer implements AutoCloseable, ConsumerRebalanceListener {

    private static final Logger LOG = Logger.getLogger(CommandConsumer.class);
    private static final Duration POLL = Duration.ofMillis(250);
    /** Longer than a session: Kafka has given the partitions to another, or is not there. */
    private static final double LONGEST_SILENCE_SECONDS = 10;
    /** Commands read and not yet answered; beyond it nothing more is read. Each is about a kilobyte. */
    private static final int MOST_UNFINISHED = 20_000;

    private final Supplier<Consumer<byte[], byte[]>> consumers;
    private final Topics topics;
    private final String reader;
    private final String topic;
    private final CommandTranslator translator;
    private final ReportPublisher publisher;
    private final java.util.function.Consumer<Work> runner;
    private final HostMetrics metrics;
    private final Traces traces;
    private final String provider;
    private final Clock clock;
    private final ProtobufSerde<Command> serde = new ProtobufSerde<>(Command.parser());
    private final Map<TopicPartition, Ownership> owned = new ConcurrentHashMap<>();
    private final Thread thread;
    private Consumer<byte[], byte[]> consumer;
    private volatile ConsumerGroupMetadata group;
    private volatile boolean joined;
    private volatile boolean closing;
    private volatile long lastTurn = System.nanoTime();
    private volatile double silence;
    private volatile long lag;
    private volatile String trouble = "it has not joined Kafka yet";

    CommandConsumer(Supplier<Consumer<byte[], byte[]>> consumers, Topics topics, String provider, String reader, ReportPublisher publisher,
            java.util.function.Consumer<Work> runner, HostMetrics metrics, Traces traces, Clock clock) {
        this.consumers = consumers;
        this.topics = topics;
        this.reader = reader;
        this.topic = topics.commands(provider);
        this.translator = new CommandTranslator(provider);
        this.publisher = publisher;
        this.runner = runner;
        this.metrics = metrics;
        this.traces = traces;
        this.provider = provider;
        this.clock = clock;
        this.thread = new Thread(this::run, "command-consumer");
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    /** For the transactions that commit what was read here. */
    ConsumerGroupMetadata group() {
        return group;
    }

    /** Null where another process owns the partition. */
    Ownership ownerOf(int partition) {
        var owner = owned.get(new TopicPartition(topic, partition));
        return owner != null && owner.isLive() ? owner : null;
    }

    /** Empty once it has joined its group and for as long as it reads. */
    String trouble() {
        return !trouble.isEmpty() || silence <= LONGEST_SILENCE_SECONDS ? trouble : "Kafka has not answered for " + Math.round(silence) + " s";
    }

    /** Records that are there and were not handed out. */
    long lag() {
        return lag;
    }

    /** The loop has turned within {@code limit}. */
    boolean isAlive(Duration limit) {
        return thread.isAlive() && System.nanoTime() - lastTurn < limit.toNanos();
    }

    private void run() {
        while (!closing) {
            try {
                consumer = consumers.get();
                consumer.subscribe(List.of(topic), this);
                while (!closing) {
                    turn();
                }
            } catch (WakeupException closed) {
                // close() was called.
            } catch (InterruptException interrupted) {
                return;
            } catch (KafkaException broken) {
                trouble = "Kafka ended its reading: " + broken.getMessage();
                LOG.errorf(broken, "Reading commands failed and begins anew: topic=%s", topic);
            } catch (RuntimeException ours) {
                trouble = "reading commands failed: " + ours.getMessage();
                LOG.errorf(ours, "Reading commands failed in our own code and begins anew: topic=%s", topic);
            } finally {
                end();
            }
            pause();
        }
    }

    private void turn() {
        var records = consumer.poll(POLL);
        lastTurn = System.nanoTime();
        group = consumer.groupMetadata();
        look();
        if (joined) {
            trouble = "";
        }
        for (var record : records) {
            take(record);
        }
        if (!owned.isEmpty()) {
            int unfinished = owned.values().stream().mapToInt(owner -> owner.ledger().unfinished()).sum();
            if (unfinished > MOST_UNFINISHED) {
                consumer.pause(consumer.assignment());
            } else if (!consumer.paused().isEmpty()) {
                consumer.resume(consumer.paused());
            }
        }
    }

    private void look() {
        silence = KafkaContact.sinceHeartbeat(consumer.metrics());
        lag = consumer.assignment().stream().mapToLong(partition -> consumer.currentLag(partition).orElse(0)).sum();
    }

    private void take(ConsumerRecord<byte[], byte[]> record) {
        var owner = owned.get(new TopicPartition(record.topic(), record.partition()));
        if (owner == null || !owner.ledger().read(record.offset())) {
            return;
        }
        HostCommand command;
        try {
            command = translator.translate(serde.parse(record.value()));
        } catch (UnreadableRecordException unreadable) {
            LOG.warnf("A command can't be read and is put aside: topic=%s partition=%d offset=%d reason=%s", record.topic(), record.partition(),
                    record.offset(), unreadable.getMessage());
            metrics.dead(record.topic());
            publisher.dead(owner, record.offset(), DeadLetters.of(topics, reader, record, unreadable.getMessage()));
            return;
        }
        runner.accept(traces.isOn() ? new Work(owner, record.offset(), command, step(record, command)) : new Work(owner, record.offset(), command));
    }

    private Traces.Step step(ConsumerRecord<byte[], byte[]> record, HostCommand command) {
        var step = traces.begin("command " + command.verb(), traces.from(record.headers()), null, "muster.provider", provider, "muster.scope", command.scope().toString(),
                "muster.fleet", command.fleet(), "muster.machine", command.machineIds().get(0), "muster.machines", String.valueOf(command.machineIds().size()));
        if (command instanceof HostCommand.Launch launch) {
            step.note("muster.pool", launch.pool());
        }
        return step;
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        joined = true;
        if (partitions.isEmpty()) {
            return;
        }
        var committed = consumer.committed(Set.copyOf(partitions));
        var ends = consumer.endOffsets(partitions);
        for (var partition : partitions) {
            var commit = committed.get(partition);
            long start = commit == null ? consumer.position(partition) : commit.offset();
            owned.put(partition, new Ownership(partition, clock.millis(), ends.get(partition),
                    new OffsetLedger(start, commit == null ? null : metadata(commit))));
        }
        group = consumer.groupMetadata();
        LOG.infof("Took partitions over: topic=%s partitions=%s", topic, partitions.stream().map(TopicPartition::partition).sorted().toList());
    }

    private static String metadata(OffsetAndMetadata commit) {
        return commit.metadata();
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        if (partitions.isEmpty()) {
            return;
        }
        // What is answered is still said by us; what isn't, the next owner asks again with the same token.
        publisher.flush(Duration.ofSeconds(1));
        onPartitionsLost(partitions);
    }

    @Override
    public void onPartitionsLost(Collection<TopicPartition> partitions) {
        for (var partition : partitions) {
            var owner = owned.remove(partition);
            if (owner != null) {
                owner.end();
            }
        }
        LOG.infof("Gave partitions up: topic=%s partitions=%s", topic, partitions.stream().map(TopicPartition::partition).sorted().toList());
    }

    private void end() {
        owned.values().forEach(Ownership::end);
        owned.clear();
        joined = false;
        if (consumer != null) {
            try {
                consumer.close(org.apache.kafka.clients.consumer.CloseOptions.timeout(Duration.ofSeconds(2)));
            } catch (KafkaException already) {
                LOG.debugf("The consumer did not close cleanly: reason=%s", already.getMessage());
            }
            consumer = null;
        }
    }

    private void pause() {
        if (!closing) {
            try {
                TimeUnit.SECONDS.sleep(1);
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
                closing = true;
            }
        }
    }

    /** Gives its partitions up, after what is answered is committed. */
    @Override
    public void close() {
        closing = true;
        try {
            thread.join(5_000);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
