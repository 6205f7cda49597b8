package dev.muster.provisioner.host;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.muster.contracts.CloudEvents;
import dev.muster.contracts.KafkaConnection;
import dev.muster.contracts.Topics;
import dev.muster.telemetry.Traces;
import dev.muster.v1.ConsoleReported;
import dev.muster.v1.MachineReport;
import dev.muster.v1.ServiceReported;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.jboss.logging.Logger;

/**
 * Writes reports and the offsets of the commands they answer in one transaction each, whatever is there at the time. One thread.
 *
 * <p>Each transaction names the consumer's generation, also one that only holds an inventory: what a deposed owner says is refused
 * by the broker.
 */
final class ReportPublisher implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(ReportPublisher.class);
    private static final Duration RETRY = Duration.ofMillis(50);
    /** Who is refused by Kafka is refused again, until a person has done something. */
    private static final Duration REFUSED_RETRY = Duration.ofSeconds(2);
    /** A broker's answer that took longer says nothing of its clock: the process may have stood still. */
    private static final Duration SKEW_SAMPLE = Duration.ofSeconds(1);

    /**
     * Records that belong together.
     *
     * @param owner null: nobody's partition
     * @param finished offset of the command that they answer; -1: none
     */
    private record Item(Ownership owner, long finished, List<ProducerRecord<byte[], byte[]>> records) {}

    private final Supplier<Producer<byte[], byte[]>> producers;
    private final Supplier<ConsumerGroupMetadata> group;
    private final Topics topics;
    private final String source;
    private final Clock clock;
    private final Consumer<Duration> skew;
    private final LinkedBlockingQueue<Item> queue = new LinkedBlockingQueue<>();
    private final AtomicInteger unpublished = new AtomicInteger();
    private final Thread thread;
    private Producer<byte[], byte[]> producer;
    private volatile boolean closing;

    /**
     * @param producers of transactional producers with one and the same id, {@code initTransactions} not yet called
     * @param group of the consumer; null before it has joined
     * @param skew told how far the broker's clock is from ours
     */
    ReportPublisher(Supplier<Producer<byte[], byte[]>> producers, Supplier<ConsumerGroupMetadata> group, Topics topics, String source, Clock clock,
            Consumer<Duration> skew) {
        this.producers = producers;
        this.group = group;
        this.topics = topics;
        this.source = source;
        this.clock = clock;
        this.skew = skew;
        this.thread = new Thread(this::run, "report-publisher");
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    boolean isAlive() {
        return thread.isAlive();
    }

    /** A command's answer. Nothing is written if its partition is lost by then. @param context of the trace that it belongs to; null: none */
    void finished(Ownership owner, long offset, List<MachineReport> reports, Traces.Context context) {
        var records = reports.stream().map(this::record).toList();
        if (context != null) {
            records.forEach(record -> context.write(record.headers()));
        }
        enqueue(new Item(owner, offset, records));
    }

    /** What can't be read, for people. */
    void dead(Ownership owner, long offset, ProducerRecord<byte[], byte[]> letter) {
        enqueue(new Item(owner, offset, List.of(letter)));
    }

    /** What was seen, without being asked. */
    void seen(Ownership owner, List<MachineReport> reports) {
        enqueue(new Item(owner, -1, reports.stream().map(this::record).toList()));
    }

    /** What a machine that is gone had written. */
    void console(Ownership owner, String fleet, ConsoleReported console) {
        var key = Topics.machineKey(fleet, console.getMachineId());
        var headers = CloudEvents.headers(console, UUID.randomUUID().toString(), source, clock.instant());
        enqueue(new Item(owner, -1, List.of(
                new ProducerRecord<>(topics.consoles(), null, null, key.getBytes(UTF_8), console.toByteArray(), headers))));
    }

    void service(ServiceReported service) {
        var key = service.getService() + "/" + service.getInstance();
        var headers = CloudEvents.headers(service, UUID.randomUUID().toString(), source, clock.instant());
        enqueue(new Item(null, -1, List.of(
                new ProducerRecord<>(topics.services(), null, null, key.getBytes(UTF_8), service.toByteArray(), headers))));
    }

    /** Answers that are not yet committed. */
    int unpublished() {
        return unpublished.get();
    }

    /** Waits until everything given so far is committed, within {@code timeout}. */
    void flush(Duration timeout) {
        long deadline = System.nanoTime() + timeout.toNanos();
        while (unpublished.get() > 0 && System.nanoTime() < deadline && thread.isAlive()) {
            try {
                TimeUnit.MILLISECONDS.sleep(2);
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private ProducerRecord<byte[], byte[]> record(MachineReport report) {
        var headers = CloudEvents.headers(report, UUID.randomUUID().toString(), source, clock.instant());
        return new ProducerRecord<>(topics.machineReports(), null, null, report.getFleet().getBytes(UTF_8), report.toByteArray(), headers);
    }

    private void enqueue(Item item) {
        unpublished.incrementAndGet();
        queue.add(item);
    }

    private void run() {
        var items = new ArrayList<Item>();
        try {
            // Before the first answer is there: joining the transaction coordinator takes a while on a fresh broker.
            ensureProducer();
            while (!closing || !queue.isEmpty()) {
                var first = queue.poll(200, TimeUnit.MILLISECONDS);
                if (first != null) {
                    items.add(first);
                    queue.drainTo(items);
                    publish(items);
                    unpublished.addAndGet(-items.size());
                    items.clear();
                }
            }
        } catch (InterruptedException | InterruptException interrupted) {
            // close() would wait no longer.
        } finally {
            discard();
        }
    }

    private void publish(List<Item> items) throws InterruptedException {
        for (var item : items) {
            if (item.owner != null && item.finished >= 0) {
                item.owner.ledger().finish(item.finished);
            }
        }
        while (true) {
            var live = items.stream().filter(item -> item.owner == null || item.owner.isLive()).toList();
            if (live.isEmpty()) {
                return;
            }
            try {
                ensureProducer();
                transact(live);
                return;
            } catch (KafkaException failed) {
                if (failed instanceof InterruptException) {
                    throw failed;
                }
                LOG.warnf("A transaction failed and is repeated: reason=%s", failed.toString());
                abort();
                TimeUnit.MILLISECONDS.sleep((KafkaConnection.isRefusal(failed) ? REFUSED_RETRY : RETRY).toMillis());
            }
        }
    }

    private void transact(List<Item> items) {
        producer.beginTransaction();
        var offsets = new HashMap<TopicPartition, OffsetAndMetadata>();
        for (var item : items) {
            for (var record : item.records) {
                long before = clock.millis();
                producer.send(record, (sent, failure) -> {
                    long after = clock.millis();
                    if (failure == null && sent.hasTimestamp() && record.topic().equals(topics.machineReports())
                            && after - before <= SKEW_SAMPLE.toMillis()) {
                        skew.accept(Duration.ofMillis(sent.timestamp() - (before + after) / 2));
                    }
                });
            }
            if (item.owner != null) {
                var ledger = item.owner.ledger();
                offsets.put(item.owner.partition(), new OffsetAndMetadata(ledger.committable(), ledger.metadata()));
            }
        }
        if (!offsets.isEmpty()) {
            producer.sendOffsetsToTransaction(offsets, group.get());
        }
        producer.commitTransaction();
    }

    private void abort() {
        try {
            producer.abortTransaction();
        } catch (KafkaException fatal) {
            // The producer can't go on; a new one with the same id takes over and ends what this one left open.
            discard();
        } catch (IllegalStateException notBegun) {
            discard();
        }
    }

    private void ensureProducer() throws InterruptedException {
        while (producer == null) {
            try {
                producer = producers.get();
                producer.initTransactions();
            } catch (KafkaException notYet) {
                if (notYet instanceof InterruptException) {
                    throw notYet;
                }
                LOG.warnf("Kafka gives no transactions yet: reason=%s", notYet.toString());
                discard();
                TimeUnit.MILLISECONDS.sleep(KafkaConnection.isRefusal(notYet) ? REFUSED_RETRY.toMillis() : 500);
            }
        }
    }

    private void discard() {
        if (producer != null) {
            producer.close(Duration.ZERO);
            producer = null;
        }
    }

    /** Writes what is queued, for at most 3 s. */
    @Override
    public void close() {
        closing = true;
        try {
            thread.join(3_000);
            thread.interrupt();
            thread.join(1_000);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
