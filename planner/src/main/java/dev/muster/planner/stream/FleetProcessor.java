package dev.muster.planner.stream;

import dev.muster.contracts.Topics;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.jboss.logging.Logger;

/**
 * A {@link FleetOwner} as Kafka Streams runs it: everything that it writes commits together with the offsets of what it read, and nothing
 * is planned before what was there at the start has been read. Kafka Streams calls all methods on one thread.
 */
final class FleetProcessor implements Processor<byte[], byte[], byte[], byte[]> {

    private static final Logger LOG = Logger.getLogger(FleetProcessor.class);
    private static final Duration CLEANING = Duration.ofHours(1);
    /** Prometheus usually asks every 15 s, and an alarm is no slower for a figure that is 5 s old. */
    private static final Duration SHOWING = Duration.ofSeconds(5);
    /** Of a processor's time that showing may take: with a hundred thousand machines one look at all of them takes a while. */
    private static final int SHOWN_PART = 100;

    private final Topics topics;
    private final FleetOwner owner;
    private final InputPositions positions;
    private final PublishedFleets published;
    private final Witness witness;
    private final Duration beat;
    private final Supplier<Pace> paces;
    private final Trail trail;
    private final Progress progress;

    private List<TopicPartition> inputs = List.of();
    private Pace pace;
    /** Something was sent that somebody waits for. */
    private boolean toCommit;
    private ProcessorContext<byte[], byte[]> context;
    private Map<TopicPartition, Long> ends = Map.of();
    private boolean caughtUp;
    private long showAt;

    /**
     * @param published what is known of a fleet whose state was lost
     * @param beat how often fleets that are due are looked for
     * @param paces gives the pace of the thread that asks
     * @param trail this processor's own
     * @param progress told how far the task is
     */
    FleetProcessor(Topics topics, FleetOwner owner, InputPositions positions, PublishedFleets published, Witness witness, Duration beat,
            Supplier<Pace> paces, Trail trail, Progress progress) {
        this.topics = topics;
        this.owner = owner;
        this.positions = positions;
        this.published = published;
        this.witness = witness;
        this.beat = beat;
        this.paces = paces;
        this.trail = trail;
        this.progress = progress;
    }

    /** Called again on the same object after a task was lost and came back: nothing of before counts. */
    @Override
    public void init(ProcessorContext<byte[], byte[]> context) {
        this.context = context;
        caughtUp = false;
        toCommit = false;
        showAt = System.nanoTime();
        trail.forget();
        var partition = context.taskId().partition();
        progress.turn(partition, false);
        pace = paces.get();
        inputs = topics.inputs().stream().map(topic -> new TopicPartition(topic, partition)).collect(Collectors.toList());
        ends = positions.ends(inputs);
        var store = new FleetStore(new StreamValues(context.getStateStore(FleetStore.NAME)));
        owner.begin(store, this::send, partition, positions.committed(inputs), published);
        context.schedule(beat, PunctuationType.WALL_CLOCK_TIME, at -> {
            if (caughtUp()) {
                planDue(partition);
            }
            progress.turn(partition, caughtUp);
            commitSoon();
        });
        context.schedule(SHOWING, PunctuationType.WALL_CLOCK_TIME, at -> show(partition));
        context.schedule(CLEANING, PunctuationType.WALL_CLOCK_TIME, at -> owner.forgetDeleted());
    }

    @Override
    public void close() {
        witness.owns(context.taskId().partition(), 0);
        progress.ended(context.taskId().partition());
        pace.lost(context.taskId().partition());
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        var from = context.recordMetadata().orElseThrow(() -> new IllegalStateException("a record of no topic"));
        if (from.topic().equals(topics.demand())) {
            trail.seen(record.key(), record.headers());
        }
        owner.take(from.topic(), from.partition(), from.offset(), record.key(), record.value(), record.timestamp());
    }

    private void send(Outbox.Send send) {
        trail.sent(send);
        context.forward(new Record<>(send.key(), send.value(), send.at().toEpochMilli(), send.headers()), send.sink());
        toCommit |= !Sinks.FOR_THE_BOOKS.contains(send.sink());
    }

    /** Nobody sees a record before its commit. State and rows that say what was reported may wait for the next one. */
    private void commitSoon() {
        if (toCommit && pace.mayCommit(System.nanoTime())) {
            toCommit = false;
            context.commit();
        }
    }

    private void planDue(int partition) {
        var began = System.nanoTime();
        if (pace.isTurn(partition, began, this::recordsWait)) {
            owner.planDue();
            trail.planned();
            pace.planned(partition, began, System.nanoTime());
        }
    }

    private void show(int partition) {
        var began = System.nanoTime();
        if (!caughtUp || began < showAt) {
            return;
        }
        owner.show();
        var lags = new HashMap<String, Long>();
        inputs.forEach(input -> lags.put(input.topic(), positions.behind(input) + Math.max(0, positions.handedOut(input) + 1 - owner.next(input))));
        witness.lags(partition, lags);
        showAt = began + (System.nanoTime() - began) * SHOWN_PART;
    }

    private boolean recordsWait() {
        return inputs.stream().anyMatch(input -> positions.handedOut(input) >= owner.next(input) || positions.isBehind(input));
    }

    /**
     * All that was there when the task started has been applied. Before, a plan would launch for demand that has long been served.
     */
    private boolean caughtUp() {
        if (!caughtUp) {
            // What was handed out before the committed offset was another life of this task.
            caughtUp = ends.entrySet().stream().allMatch(end -> positions.position(end.getKey()) >= end.getValue()
                    && positions.handedOut(end.getKey()) < owner.next(end.getKey()));
            if (caughtUp) {
                LOG.infof("Everything that was there has been read; partition=%d fleets=%d", context.taskId().partition(), owner.size());
            }
        }
        return caughtUp;
    }
}
