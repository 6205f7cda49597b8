package dev.muster.planner.stream;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.FleetMemory;
import dev.muster.planner.core.Ledger;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.QueueSeen;
import dev.muster.planner.core.Worker;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.LedgerState;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.QueuePicture;
import dev.muster.v1.RequestAnswered;
import dev.muster.v1.StateInfo;
import dev.muster.v1.WorkerState;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiConsumer;

/**
 * Fleets in the task's key-value store: one value a machine, a queue, a worker and a remembered answer, one for the accepted
 * record and one for the rest. What changes often is so never written together with what changes rarely.
 */
final class FleetStore {

    static final String NAME = "fleets";

    private final Values values;

    /** Keys and values, sorted by the bytes of the keys in UTF-8. What is stored is never changed. */
    interface Values {

        /** Null: there is none. */
        byte[] get(String key);

        /** @param value null removes the key */
        void put(String key, byte[] value);

        void forEach(BiConsumer<String, byte[]> visitor);

        /** Keys from {@code from} to {@code to}, both included. */
        void forEach(String from, String to, BiConsumer<String, byte[]> visitor);
    }

    FleetStore(Values values) {
        this.values = values;
    }

    static String infoKey(String fleet) {
        return fleet + "/info";
    }

    static String headKey(String fleet) {
        return fleet + "/head";
    }

    static String memoryKey(String fleet) {
        return fleet + "/memory";
    }

    static String ledgerKey(String fleet) {
        return fleet + "/ledger";
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
        return values.get(key);
    }

    /** @param value null removes the key */
    void put(String key, byte[] value) {
        values.put(key, value);
    }

    /** Names of all fleets in it. */
    List<String> names() {
        var names = new ArrayList<String>();
        values.forEach((key, value) -> {
            if (key.endsWith("/head")) {
                names.add(key.substring(0, key.length() - "/head".length()));
            }
        });
        return names;
    }

    /** Every key of a fleet. */
    List<String> keys(String fleet) {
        var keys = new ArrayList<String>();
        forEach(fleet, (key, value) -> keys.add(fleet + "/" + key));
        return keys;
    }

    /** Every value of a fleet, by its key without the fleet's name, sorted by the key's bytes. */
    void forEach(String fleet, BiConsumer<String, byte[]> visitor) {
        // '0' is the character after '/', which no name of a fleet holds.
        values.forEach(fleet + "/", fleet + "0", (key, value) -> visitor.accept(key.substring(fleet.length() + 1), value));
    }

    /**
     * A fleet as it was stored last.
     *
     * @throws NewerStateException if a newer planner wrote it
     * @throws IllegalStateException if what is stored can't be understood
     */
    Stored load(String fleet) {
        return new Loading(fleet).load();
    }

    private final class Loading {

        private final String fleet;
        private FleetRecord record;
        private FleetMemory memory;
        private Ledger.Book ledger = Ledger.Book.EMPTY;
        private final List<Machine> machines = new ArrayList<>();
        private final List<QueueSeen> queues = new ArrayList<>();
        private final List<Worker> workers = new ArrayList<>();
        private final TreeMap<Long, RequestAnswered> answers = new TreeMap<>();

        Loading(String fleet) {
            this.fleet = fleet;
        }

        Stored load() {
            StateInfo info;
            try {
                var stored = get(infoKey(fleet));
                info = StateVersions.readable(fleet, stored == null ? StateInfo.getDefaultInstance() : StateInfo.parseFrom(stored));
            } catch (InvalidProtocolBufferException unreadable) {
                throw unreadable(unreadable);
            }
            forEach(fleet, (key, value) -> {
                try {
                    take(key, value);
                } catch (InvalidProtocolBufferException unreadable) {
                    throw unreadable(unreadable);
                }
            });
            if (record == null || memory == null) {
                throw new IllegalStateException("the store holds only a part of fleet " + fleet);
            }
            return new Stored(info, record, Fleet.restored(FleetTranslator.head(record), memory, ledger, machines, queues, workers), new LinkedHashMap<>(answers));
        }

        private void take(String key, byte[] value) throws InvalidProtocolBufferException {
            var kind = key.contains("/") ? key.substring(0, key.indexOf('/')) : key;
            switch (kind) {
                case "info" -> { }
                case "head" -> record = FleetRecord.parseFrom(value);
                case "memory" -> memory = FleetTranslator.memory(dev.muster.v1.FleetMemory.parseFrom(value));
                case "ledger" -> ledger = LedgerTranslator.ledger(LedgerState.parseFrom(value));
                case "machine" -> machines.add(MachineTranslator.machine(MachineRecord.parseFrom(value)));
                case "queue" -> queues.add(DemandTranslator.queue(QueuePicture.parseFrom(value)));
                case "worker" -> workers.add(DemandTranslator.worker(WorkerState.parseFrom(value)));
                case "answer" -> answers.put(Long.parseLong(key.substring("answer/".length())), RequestAnswered.parseFrom(value));
                default -> throw new IllegalStateException("the store holds " + key + " of fleet " + fleet + ", which this release doesn't know");
            }
        }

        private IllegalStateException unreadable(InvalidProtocolBufferException why) {
            return new IllegalStateException("a stored value of fleet " + fleet + " is unreadable: " + why.getMessage(), why);
        }
    }

    /** @param answers by number, oldest first */
    record Stored(StateInfo info, FleetRecord record, Fleet fleet, Map<Long, RequestAnswered> answers) {}
}
