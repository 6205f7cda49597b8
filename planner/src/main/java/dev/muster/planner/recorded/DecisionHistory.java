package dev.muster.planner.recorded;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.muster.planner.answer.ApiErrors;
import dev.muster.planner.topic.TopicReaders;
import dev.muster.planner.topic.TopicReading;
import dev.muster.planner.view.DecisionFilter;
import dev.muster.planner.view.DecisionLog;
import dev.muster.planner.view.ReadModel;
import dev.muster.v1.DecisionEvent;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;

/**
 * Decisions that are older than what the read model holds, from the topic. A look goes backwards, stretch by stretch, as long as its time lasts, and
 * says where to go on. Thread-safe; callers are never blocked.
 */
public final class DecisionHistory {

    /** Some seconds are what a person waits for. */
    private static final Duration LIMIT = Duration.ofSeconds(4);
    /** Offsets read before what was found is looked at; those of a day's snapshot of a fleet are large. */
    private static final int STRETCH = 1_000;
    /** Of one look. */
    private static final int MOST_STRETCHES = 50;
    /** How far a fleet's clock may go before the broker's. */
    private static final Duration SKEW = Duration.ofMinutes(10);

    private final ReadModel model;
    private final TopicReaders readers;

    public DecisionHistory(ReadModel model, TopicReaders readers) {
        this.model = model;
        this.readers = readers;
    }

    /**
     * What was found.
     *
     * @param entries newest first
     * @param next where the next look begins, below which nothing was looked at; empty: there is no more
     */
    public record Found(List<DecisionLog.Entry> entries, OptionalLong next) {}

    /**
     * Those before an offset, newest first. It may find none and still say where to go on.
     *
     * @param count at most
     */
    public CompletableFuture<Found> before(String fleet, long offset, int count, DecisionFilter wanted) {
        return readers.read(LIMIT, reading -> look(reading, fleet, offset, count, wanted));
    }

    private Found look(TopicReading reading, String fleet, long offset, int count, DecisionFilter wanted) {
        var partition = reading.partition(model.decisionsTopic(), fleet);
        var high = Math.min(offset, reading.end(partition));
        if (wanted.until() != null) {
            high = Math.min(high, reading.at(partition, wanted.until().plus(SKEW)).orElse(high));
        }
        var low = reading.beginning(partition);
        if (wanted.since() != null) {
            low = Math.max(low, reading.at(partition, wanted.since()).orElse(high));
        }
        var found = new ArrayList<DecisionLog.Entry>();
        for (var stretches = 0; low < high && stretches < MOST_STRETCHES && found.size() <= count; stretches++) {
            var from = Math.max(low, high - STRETCH);
            var newest = new ArrayDeque<DecisionLog.Entry>();
            var reached = reading.read(partition, from, high, record -> entry(record, fleet, wanted).ifPresent(entry -> {
                newest.addLast(entry);
                if (newest.size() > count + 1) {
                    newest.removeFirst();
                }
            }));
            if (reached < high) {
                if (stretches == 0) {
                    throw ApiErrors.unavailable("Kafka gave the decisions before offset " + high + " not in time. Try again in a few seconds.");
                }
                break;
            }
            for (Iterator<DecisionLog.Entry> backwards = newest.descendingIterator(); backwards.hasNext(); ) {
                found.add(backwards.next());
            }
            high = from;
        }
        if (found.size() > count) {
            var page = List.copyOf(found.subList(0, count));
            return new Found(page, OptionalLong.of(page.get(count - 1).offset()));
        }
        return new Found(found, low < high ? OptionalLong.of(high) : OptionalLong.empty());
    }

    private static Optional<DecisionLog.Entry> entry(ConsumerRecord<byte[], byte[]> record, String fleet, Predicate<DecisionEvent> wanted) {
        return Arrays.equals(record.key(), fleet.getBytes(UTF_8)) ? DecisionLog.Entry.of(record).filter(entry -> wanted.test(entry.event())) : Optional.empty();
    }

    /**
     * Those of a span of time that are wanted, oldest first, as far as the reading's time lasts.
     *
     * @param below an offset at which to stop: what is from there on is known
     * @return false: some may be missing
     */
    boolean between(TopicReading reading, String fleet, Instant from, Instant to, long below, Predicate<DecisionEvent> wanted, List<DecisionEvent> into) {
        var partition = reading.partition(model.decisionsTopic(), fleet);
        var end = Math.min(below, reading.at(partition, to.plus(SKEW)).orElse(reading.end(partition)));
        var begin = reading.at(partition, from).orElse(end);
        var reached = reading.read(partition, begin, end, record -> entry(record, fleet, wanted).ifPresent(entry -> into.add(entry.event())));
        return reached >= end && !isCut(reading, partition, begin);
    }

    /** What would be before it is no longer there, if something ever was. */
    static boolean isCut(TopicReading reading, TopicPartition partition, long begin) {
        var beginning = reading.beginning(partition);
        return beginning > 0 && begin <= beginning;
    }
}
