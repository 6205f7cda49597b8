package dev.muster.watcher;

import com.google.protobuf.util.Timestamps;
import dev.muster.telemetry.Traces;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.WaitingTask;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Begins a trace with each look that shows a task which entered a queue since the look before: what follows is the answer to it. Thread-safe. */
final class LookTrail {

    private final Traces traces;
    /** By fleet: when the newest task that was seen entered its queue, milliseconds. */
    private final Map<String, Long> newest = new ConcurrentHashMap<>();

    LookTrail(Traces traces) {
        this.traces = traces;
    }

    /** Null: nothing new is in it, or nobody follows. */
    Traces.Step begin(DemandEvent event) {
        if (!traces.isOn() || !event.hasDemandObserved()) {
            return null;
        }
        var look = event.getDemandObserved();
        var entered = look.getQueuesList().stream().flatMap(queue -> queue.getFirstList().stream()).filter(WaitingTask::hasAdded)
                .mapToLong(task -> Timestamps.toMillis(task.getAdded())).max();
        if (entered.isEmpty() || entered.getAsLong() <= newest.getOrDefault(event.getFleet(), 0L)) {
            return null;
        }
        newest.put(event.getFleet(), entered.getAsLong());
        var waiting = look.getQueuesList().stream().mapToLong(queue -> queue.getWaiting()).sum();
        return traces.begin("look", null, event.getSeen().hasReadStartedAt() ? Instant.ofEpochMilli(Timestamps.toMillis(event.getSeen().getReadStartedAt())) : null,
                "muster.fleet", event.getFleet(), "muster.waiting", String.valueOf(waiting));
    }
}
