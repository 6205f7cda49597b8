package dev.muster.planner.stream;

import dev.muster.contracts.Topics;
import java.time.Duration;
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

    private final Topics topics;
    private final FleetOwner owner;
    private final InputPositions positions;
    private final PublishedFleets published;
    private final Witness witness;
    private final Duration beat;
    private final Supplier<Pace> paces;

    private List<TopicPartition> inputs = List.of();
    private Pace pace;
    /** Something was sent that somebody waits for. */
    private boolean toCommit;
    private ProcessorContext<byte[], byte[]> context;
    private Map<TopicPartition, Long> ends = Map.of();
    private boolean caughtUp;

    /**
     * @param published what is known of a fleet whose state was lost
     * @param beat how often fleets that are due are looked for
     * @param paces gives the pace of the thread that asks
     */
    FleetProcessor(Topics topics, FleetOwner owner, InputPositions positions, PublishedFleets published, Witness witness, Duration beat,
            Supplier<Pace> paces) {
        this.topics = topics;
        this.owner = owner;
        this.positions = positions;
        this.published = published;
        this.witness = witness;
        this.beat = beat;
        this.paces = paces;
    }

    /** Called again on the same object after a task was lost and came back: nothing of before counts. */
    @Override
    public void init(ProcessorContext<byte[], byte[]> context) {
        this.context = context;
        caughtUp = false;
        toCommit = false;
        var partition = context.taskId().partition();
        pace = paces.get();
        inputs = topics.inputs().stream().map(topic -> new TopicPartition(topic, partition)).collect(Collectors.toList());
        ends = positions.ends(inputs);
        var store = new FleetStore(new StreamValues(context.getStateStore(FleetStore.NAME)));
        owner.begin(store, this::send, partition, positions.committed(inputs), published);
        context.schedule(beat, PunctuationType.WALL_CLOCK_TIME, at -> {
            if (caughtUp()) {
                planDue(partition);
            }
            commitSoon();
        });
        context.schedule(CLEANING, PunctuationType.WALL_CLOCK_TIME, at -> owner.forgetDeleted());
    }

    @Override
    public void close() {
        witness.owns(context.taskId().partition(), 0);
        pace.lost(context.taskId().partition());
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        var from = context.recordMetadata().orElseThrow(() -> new IllegalStateException("a record of no topic"));
        owner.take(from.topic(), from.partition(), from.offset(), record.key(), record.value(), record.timestamp());
    }

    private void send(Outbox.Send send) {
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
            pace.planned(partition, began, System.nanoTime());
        }
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
