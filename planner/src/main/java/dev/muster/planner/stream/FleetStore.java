package dev.muster.planner.stream;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.FleetMemory;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.QueueSeen;
import dev.muster.planner.core.Worker;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.QueuePicture;
import dev.muster.v1.RequestAnswered;
import dev.muster.v1.WorkerState;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * Fleets in the task's key-value store: one value a machine, a queue, a worker and a remembered answer, one for the accepted
 * record and one for the rest. What changes often is so never written together with what changes rarely.
 */
final class FleetStore {

    static final String NAME = "fleets";

    private final KeyValueStore<String, byte[]> store;

    FleetStore(KeyValueStore<String, byte[]> store) {
        this.store = store;
    }

    static String headKey(String fleet) {
        return fleet + "/head";
    }

    static String memoryKey(String fleet) {
        return fleet + "/memory";
    }

    static String machineKey(String fleet, String machineId) {
        return fleet + "/machine/" + machineId;
    }

    static String queueKey(String fleet, String queue) {
        return fleet + "/queue/" + queue;
    }

    static String workerKey(String fleet, String worker) {
        return fleet + "/worker/" + worker;
    }

    /** Padded, so that answers are read back in the order in which they were given. */
    static String answerKey(String fleet, long number) {
        return "%s/answer/%016d".formatted(fleet, number);
    }

    byte[] get(String key) {
        return store.get(key);
    }

    /** @param value null removes the key */
    void put(String key, byte[] value) {
        store.put(key, value);
    }

    /** Names of all fleets in it. */
    List<String> names() {
        var names = new ArrayList<String>();
        try (var all = store.all()) {
            while (all.hasNext()) {
                var key = all.next().key;
                if (key.endsWith("/head")) {
                    names.add(key.substring(0, key.length() - "/head".length()));
                }
            }
        }
        return names;
    }

    /** Every key of a fleet. */
    List<String> keys(String fleet) {
        var keys = new ArrayList<String>();
        try (var of = range(fleet)) {
            of.forEachRemaining(entry -> keys.add(entry.key));
        }
        return keys;
    }

    /**
     * A fleet as it was stored last.
     *
     * @throws IllegalStateException if what is stored can't be understood: a newer planner wrote it
     */
    Stored load(String fleet) {
        FleetRecord record = null;
        FleetMemory memory = null;
        var machines = new ArrayList<Machine>();
        var queues = new ArrayList<QueueSeen>();
        var workers = new ArrayList<Worker>();
        var answers = new TreeMap<Long, RequestAnswered>();
        try (var of = range(fleet)) {
            while (of.hasNext()) {
                KeyValue<String, byte[]> entry = of.next();
                var key = entry.key.substring(fleet.length() + 1);
                var kind = key.contains("/") ? key.substring(0, key.indexOf('/')) : key;
                switch (kind) {
                    case "head" -> record = FleetRecord.parseFrom(entry.value);
                    case "memory" -> memory = FleetTranslator.memory(dev.muster.v1.FleetMemory.parseFrom(entry.value));
                    case "machine" -> machines.add(MachineTranslator.machine(MachineRecord.parseFrom(entry.value)));
                    case "queue" -> queues.add(DemandTranslator.queue(QueuePicture.parseFrom(entry.value)));
                    case "worker" -> workers.add(DemandTranslator.worker(WorkerState.parseFrom(entry.value)));
                    case "answer" -> answers.put(Long.parseLong(key.substring("answer/".length())), RequestAnswered.parseFrom(entry.value));
                    default -> throw new IllegalStateException("the store holds " + entry.key + ", which this release doesn't know");
                }
            }
        } catch (InvalidProtocolBufferException unreadable) {
            throw new IllegalStateException("a stored value of fleet " + fleet + " is unreadable: " + unreadable.getMessage(), unreadable);
        }
        if (record == null || memory == null) {
            throw new IllegalStateException("the store holds only a part of fleet " + fleet);
        }
        return new Stored(record, Fleet.restored(FleetTranslator.head(record), memory, machines, queues, workers), new LinkedHashMap<>(answers));
    }

    /** '0' is the character after '/', which no name of a fleet holds. */
    private org.apache.kafka.streams.state.KeyValueIterator<String, byte[]> range(String fleet) {
        return store.range(fleet + "/", fleet + "0");
    }

    /** @param answers by number, oldest first */
    record Stored(FleetRecord record, Fleet fleet, Map<Long, RequestAnswered> answers) {}
}
