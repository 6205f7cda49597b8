package dev.muster.planner.view;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.muster.planner.answer.ApiErrors;
import dev.muster.planner.topic.TopicReading;
import dev.muster.v1.DecisionEvent;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;

/**
 * One client that watches decisions, from where it was last on: what memory has of it at once, what is older from the topic. It is told entries in
 * the order of each partition, by one thread at a time.
 */
public final class DecisionWatch implements Consumer<DecisionLog.Entry> {

    /** Offsets read at a time, between looks at whether the client keeps up. */
    private static final int STRETCH = 500;
    /** A client that reads nothing for so long while it catches up is dropped. */
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final ReadModel model;
    private final String fleet;
    private final Predicate<DecisionEvent> wanted;
    private final Watch<DecisionEvent> watch;
    /** The next offset of each partition that counts: what is before it was told or passed over. */
    private final TreeMap<Integer, Long> next;

    /**
     * @param from next offsets of the partitions that count
     * @param fleet whose decisions count; empty: all
     */
    public DecisionWatch(ReadModel model, SortedMap<Integer, Long> from, String fleet, Predicate<DecisionEvent> wanted, Watch<DecisionEvent> watch) {
        this.model = model;
        this.next = new TreeMap<>(from);
        this.fleet = fleet;
        this.wanted = wanted;
        this.watch = watch;
    }

    /** From here on the client is told everything, if memory goes back far enough. */
    public boolean join() {
        var over = model.watchDecisions(new TreeMap<>(next), fleet, this);
        over.ifPresent(watch::whenOver);
        return over.isPresent();
    }

    @Override
    public void accept(DecisionLog.Entry entry) {
        var expected = next.get(entry.partition());
        if (expected == null || entry.offset() < expected) {
            return;
        }
        next.put(entry.partition(), entry.offset() + 1);
        if ((fleet.isEmpty() || fleet.equals(entry.event().getFleet())) && wanted.test(entry.event())) {
            watch.offer(entry.event().getDecisionId(),
                    entry.event().toBuilder().setResumeToken(new ResumeToken(Instant.now(), next).text(model.decisionTokens())).build());
        }
    }

    /**
     * Reads the topic until memory has the rest.
     *
     * @throws io.grpc.StatusRuntimeException if the topic no longer has it, or it takes too long
     */
    public void catchUp(TopicReading reading) {
        for (var partition : next.entrySet()) {
            var of = new TopicPartition(model.decisionsTopic(), partition.getKey());
            if (partition.getValue() < reading.beginning(of) || partition.getValue() > reading.end(of)) {
                throw ApiErrors.outOfRange("The topic of decisions no longer has what came behind this token: watch anew, and list what was before.");
            }
        }
        while (!join()) {
            var known = model.decisionPositions();
            for (var partition : known.entrySet()) {
                if (next.containsKey(partition.getKey()) && !read(reading, new TopicPartition(model.decisionsTopic(), partition.getKey()), partition.getValue())) {
                    return;
                }
            }
        }
    }

    /** False: nobody watches any longer. */
    private boolean read(TopicReading reading, TopicPartition partition, long to) {
        for (var from = next.get(partition.partition()); from < to; from = next.get(partition.partition())) {
            if (!watch.awaitRoom(PATIENCE)) {
                return false;
            }
            if (reading.isOver()) {
                throw ApiErrors.busy("There is more than could be read at once: watch again, from the last token on.");
            }
            var reached = reading.read(partition, from, Math.min(to, from + STRETCH), this::told);
            next.merge(partition.partition(), reached, Math::max);
        }
        return true;
    }

    private void told(ConsumerRecord<byte[], byte[]> record) {
        if (fleet.isEmpty() || Arrays.equals(record.key(), fleet.getBytes(UTF_8))) {
            DecisionLog.Entry.of(record).ifPresent(this);
        }
    }
}
