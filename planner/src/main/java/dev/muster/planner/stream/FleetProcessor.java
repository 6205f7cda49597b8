package dev.muster.planner.stream;

import dev.muster.contracts.Topics;
import java.time.Duration;
import java.util.Map;
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

    private ProcessorContext<byte[], byte[]> context;
    private Map<TopicPartition, Long> ends = Map.of();
    private boolean caughtUp;

    /**
     * @param published what is known of a fleet whose state was lost
     * @param beat how often fleets that are due are looked for
     */
    FleetProcessor(Topics topics, FleetOwner owner, InputPositions positions, PublishedFleets published, Witness witness, Duration beat) {
        this.topics = topics;
        this.owner = owner;
        this.positions = positions;
        this.published = published;
        this.witness = witness;
        this.beat = beat;
    }

    /** Called again on the same object after a task was lost and came back: nothing of before counts. */
    @Override
    public void init(ProcessorContext<byte[], byte[]> context) {
        this.context = context;
        caughtUp = false;
        var partition = context.taskId().partition();
        var inputs = topics.inputs().stream().map(topic -> new TopicPartition(topic, partition)).collect(Collectors.toList());
        ends = positions.ends(inputs);
        var store = new FleetStore(new StreamValues(context.getStateStore(FleetStore.NAME)));
        owner.begin(store, send -> context.forward(new Record<>(send.key(), send.value(), send.at().toEpochMilli(), send.headers()), send.sink()),
                partition, positions.committed(inputs), published);
        context.schedule(beat, PunctuationType.WALL_CLOCK_TIME, at -> {
            if (caughtUp()) {
                owner.planDue();
            }
        });
        context.schedule(CLEANING, PunctuationType.WALL_CLOCK_TIME, at -> owner.forgetDeleted());
    }

    @Override
    public void close() {
        witness.owns(context.taskId().partition(), 0);
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        var from = context.recordMetadata().orElseThrow(() -> new IllegalStateException("a record of no topic"));
        owner.take(from.topic(), from.partition(), from.offset(), record.key(), record.value(), record.timestamp());
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
