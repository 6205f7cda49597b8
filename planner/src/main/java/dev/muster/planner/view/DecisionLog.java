package dev.muster.planner.view;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.Reason;
import dev.muster.v1.Refusal;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** One fleet's newest decisions and the refusals that hold now. Thread-safe. */
public final class DecisionLog {

    private final int kept;
    private final int partition;
    private final Deque<Entry> entries = new ArrayDeque<>();
    private final Map<String, Refusal> refusals = new TreeMap<>();
    private long completeFrom;

    /** @param offset on the topic: the same for every replica, so that it can be a page's token */
    public record Entry(int partition, long offset, DecisionEvent event) {

        /** Empty: nothing that the API shows, or unreadable, which is passed over as the read model does. */
        public static Optional<Entry> of(ConsumerRecord<byte[], byte[]> record) {
            if (record.key() == null || record.value() == null) {
                return Optional.empty();
            }
            try {
                var event = DecisionEvent.parseFrom(record.value());
                return DecisionFilter.isShown(event) ? Optional.of(new Entry(record.partition(), record.offset(), event)) : Optional.empty();
            } catch (InvalidProtocolBufferException unreadable) {
                return Optional.empty();
            }
        }
    }

    /**
     * @param kept at most
     * @param partition of the topic that has the fleet's decisions
     * @param completeFrom the first offset from which nothing of the fleet was passed over
     */
    DecisionLog(int kept, int partition, long completeFrom) {
        this.kept = kept;
        this.partition = partition;
        this.completeFrom = completeFrom;
    }

    synchronized void add(long offset, DecisionEvent event) {
        entries.addLast(new Entry(partition, offset, event));
        if (entries.size() > kept) {
            entries.removeFirst();
            completeFrom = entries.getFirst().offset();
        }
        if (event.hasRefusal()) {
            var refusal = event.getRefusal();
            // As the planner tells them apart; what it says of its own errors is beside them.
            var key = refusal.getQueue() + "\u0000" + refusal.getPool() + "\u0000" + refusal.getSubject() + (refusal.getRule().equals("FleetOwner") ? "!" : "");
            if (refusal.getReason() == Reason.REASON_UNSPECIFIED) {
                refusals.remove(key);
            } else {
                refusals.put(key, refusal);
            }
        }
    }

    int partition() {
        return partition;
    }

    /** The first offset from which it has all of the fleet's decisions; what is older is on the topic alone. */
    synchronized long completeFrom() {
        return completeFrom;
    }

    /** What is refused now, by queue and pool. */
    public synchronized Collection<Refusal> refusals() {
        return List.copyOf(refusals.values());
    }

    /** Newest first, those before {@code offset}, at most {@code count}. */
    public synchronized List<Entry> before(long offset, int count, Predicate<DecisionEvent> wanted) {
        var found = new ArrayList<Entry>();
        for (Iterator<Entry> newest = entries.descendingIterator(); newest.hasNext() && found.size() < count; ) {
            var entry = newest.next();
            if (entry.offset() < offset && wanted.test(entry.event())) {
                found.add(entry);
            }
        }
        return found;
    }

    /** Oldest first, from an offset on. */
    synchronized List<Entry> from(long offset) {
        return entries.stream().filter(entry -> entry.offset() >= offset).toList();
    }

    /** In the order of each partition, and as far as that goes the oldest first. */
    static List<Entry> merged(Collection<Entry> entries) {
        var partitions = new TreeMap<Integer, Deque<Entry>>();
        entries.stream().sorted(Comparator.comparingLong(Entry::offset)).forEach(entry -> partitions.computeIfAbsent(entry.partition(), p -> new ArrayDeque<>()).add(entry));
        var heads = new PriorityQueue<Deque<Entry>>(Comparator.comparing(rest -> DecisionFilter.at(rest.getFirst().event())));
        heads.addAll(partitions.values());
        var merged = new ArrayList<Entry>(entries.size());
        for (var rest = heads.poll(); rest != null; rest = heads.poll()) {
            merged.add(rest.removeFirst());
            if (!rest.isEmpty()) {
                heads.add(rest);
            }
        }
        return merged;
    }

    /** Oldest first. */
    public synchronized List<DecisionEvent> all(Predicate<DecisionEvent> wanted) {
        return entries.stream().map(Entry::event).filter(wanted).toList();
    }
}
