package dev.muster.watcher;

import com.google.protobuf.MessageLite;
import dev.muster.contracts.KafkaSettings;
import dev.muster.v1.DemandObserved;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;

/** Spreads one observation over records that are small enough; they are applied together. */
final class Parts {

    /** The envelope, the observation and each element's own header fit in the rest. */
    private static final int MOST_BYTES = KafkaSettings.MAX_RECORD_BYTES * 9 / 10;
    private static final int ELEMENT_HEADER_BYTES = 8;

    private final List<DemandObserved> parts = new ArrayList<>();
    private final DemandObserved empty;
    private DemandObserved.Builder open;
    private int bytes;

    /** @param empty what every part carries */
    private Parts(DemandObserved empty) {
        this.empty = empty;
        this.open = empty.toBuilder();
    }

    /** The parts of {@code whole}, in order; at least one. Elements keep their order over the parts. */
    static List<DemandObserved> of(DemandObserved whole) {
        if (whole.getSerializedSize() <= MOST_BYTES) {
            return List.of(whole);
        }
        var parts = new Parts(whole.toBuilder().clearQueues().clearWorkers().clearWorkersGone().clearAdrift().build());
        whole.getQueuesList().forEach(queue -> parts.add(queue, DemandObserved.Builder::addQueues));
        whole.getWorkersList().forEach(worker -> parts.add(worker, DemandObserved.Builder::addWorkers));
        whole.getWorkersGoneList().forEach(worker -> parts.add(worker.length() * 3, worker, DemandObserved.Builder::addWorkersGone));
        whole.getAdriftList().forEach(task -> parts.add(task, DemandObserved.Builder::addAdrift));
        parts.parts.add(parts.open.build());
        return parts.parts;
    }

    private <T extends MessageLite> void add(T element, BiConsumer<DemandObserved.Builder, T> adder) {
        add(element.getSerializedSize(), element, adder);
    }

    private <T> void add(int size, T element, BiConsumer<DemandObserved.Builder, T> adder) {
        var needed = size + ELEMENT_HEADER_BYTES;
        if (bytes > 0 && bytes + needed > MOST_BYTES) {
            parts.add(open.build());
            open = empty.toBuilder();
            bytes = 0;
        }
        adder.accept(open, element);
        bytes += needed;
    }
}
