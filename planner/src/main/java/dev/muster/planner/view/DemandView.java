package dev.muster.planner.view;

import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Timestamp;
import dev.muster.contracts.Times;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.DemandObserved;
import dev.muster.v1.QueuePicture;
import dev.muster.v1.WaitingTask;
import dev.muster.v1.WorkerSeen;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** One fleet's queues and workers as last seen, for showing: counts, workers, and the first tasks. Written by one thread, read by any. */
public final class DemandView {

    /** As the planner has it: a lower generation counts again once the higher has been silent this long. */
    private static final java.time.Duration GENERATION_SILENCE = java.time.Duration.ofSeconds(15);

    private long generation;
    private long sequence;
    private final List<DemandObserved> parts = new ArrayList<>();
    private final Map<String, WorkerSeen> workers = new LinkedHashMap<>();
    private volatile Snapshot latest = new Snapshot(Map.of(), List.of(), null, "");

    /**
     * A queue as last seen.
     *
     * @param picture without its tasks
     * @param packed its first tasks, at most 500, as bytes: they are asked for seldom, and as objects would take five times the room
     */
    public record Seen(QueuePicture picture, ByteString packed) {

        static Seen of(QueuePicture queue) {
            return new Seen(queue.toBuilder().clearFirst().clearShapes().build(), QueuePicture.newBuilder().addAllFirst(queue.getFirstList()).build().toByteString());
        }

        /** In the queue's order. */
        public List<WaitingTask> tasks() {
            try {
                return QueuePicture.parseFrom(packed).getFirstList();
            } catch (InvalidProtocolBufferException impossible) {
                throw new IllegalStateException(impossible);
            }
        }
    }

    /**
     * @param queues by name
     * @param seenAt append time of the last good look; null: none yet
     * @param failure of the look after it; empty: none failed
     */
    public record Snapshot(Map<String, Seen> queues, List<WorkerSeen> workers, Instant seenAt, String failure) {

        public Optional<QueuePicture> queue(String name) {
            return Optional.ofNullable(queues.get(name)).map(Seen::picture);
        }

        /** The first tasks that wait in it, in its order; at most 500. */
        public List<WaitingTask> tasks(String name) {
            var seen = queues.get(name);
            return seen == null ? List.of() : seen.tasks();
        }
    }

    Snapshot latest() {
        return latest;
    }

    void on(DemandEvent event, Instant at) {
        if (event.getSeen().getGeneration() < generation && latest.seenAt() != null && at.isBefore(latest.seenAt().plus(GENERATION_SILENCE))) {
            return;
        }
        switch (event.getWhatCase()) {
            case DEMAND_OBSERVED -> look(event, at);
            case READ_FAILED -> latest = new Snapshot(latest.queues(), latest.workers(), latest.seenAt(),
                    event.getReadFailed().getKind() + " at " + event.getReadFailed().getCall());
            default -> { }
        }
    }

    private void look(DemandEvent event, Instant at) {
        var seen = event.getSeen();
        if (seen.getGeneration() != generation || seen.getSequence() != sequence) {
            parts.clear();
            generation = seen.getGeneration();
            sequence = seen.getSequence();
        }
        parts.add(event.getDemandObserved());
        if (parts.size() < Math.max(1, seen.getParts())) {
            return;
        }
        if (parts.get(0).getFull()) {
            workers.clear();
        }
        var queues = new HashMap<String, Seen>();
        for (var part : parts) {
            part.getWorkersList().forEach(worker -> workers.put(worker.getWorker(), worker));
            part.getWorkersGoneList().forEach(workers::remove);
            part.getQueuesList().forEach(queue -> queues.put(queue.getName(), Seen.of(queue)));
        }
        parts.clear();
        latest = new Snapshot(Map.copyOf(queues), List.copyOf(workers.values()), at, "");
    }

    /** How long a queue's oldest task waited at {@code at}; empty if none waits. Both are about now: the server's clock is taken as right. */
    public static Optional<Duration> wait(QueuePicture queue, Instant at) {
        if (!queue.hasOldest()) {
            return Optional.empty();
        }
        Timestamp oldest = queue.getOldest();
        var waited = java.time.Duration.between(Times.instant(oldest), at);
        return Optional.of(Times.duration(waited.isNegative() ? java.time.Duration.ZERO : waited));
    }
}
