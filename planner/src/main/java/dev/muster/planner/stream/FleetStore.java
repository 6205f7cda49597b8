package dev.muster.planner.stream;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.FleetMemory;
import dev.muster.planner.core.Ledger;
import dev.muster.planner.core.QueueSeen;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.LedgerState;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.QueuePicture;
import dev.muster.v1.RequestAnswered;
import dev.muster.v1.StateInfo;
import dev.muster.v1.WorkerState;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
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

    /** What is stored of each fleet in it, by name. */
    SortedMap<String, Kept> all() {
        var all = new TreeMap<String, Kept>();
        // Once over everything: the store looks each key up three times to step over it, which is most of what a take-over computes.
        values.forEach((key, value) -> {
            var end = key.indexOf('/');
            all.computeIfAbsent(key.substring(0, end), name -> new Kept(name, new ArrayList<>())).values.add(new Value(key.substring(end + 1), value));
        });
        all.values().removeIf(kept -> kept.values.stream().noneMatch(value -> value.key.equals("head")));
        return all;
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
     * One fleet as it was stored last.
     *
     * @throws NewerStateException if a newer planner wrote it
     * @throws IllegalStateException if what is stored can't be understood
     */
    Stored load(String fleet) {
        var kept = new Kept(fleet, new ArrayList<>());
        forEach(fleet, (key, value) -> kept.values.add(new Value(key, value)));
        return kept.load();
    }

    /** @param key without the fleet's name */
    record Value(String key, byte[] bytes) {

        String kind() {
            var end = key.indexOf('/');
            return end < 0 ? key : key.substring(0, end);
        }
    }

    /** What is stored of one fleet, not yet understood. */
    record Kept(String fleet, List<Value> values) {

        /** As {@link FleetStore#load}. */
        Stored load() {
            try {
                return understood();
            } catch (UncheckedIOException unreadable) {
                throw unreadable(unreadable.getCause());
            } catch (InvalidProtocolBufferException unreadable) {
                throw unreadable(unreadable);
            }
        }

        private Stored understood() throws InvalidProtocolBufferException {
            var info = StateInfo.getDefaultInstance();
            for (var value : values) {
                if (value.key.equals("info")) {
                    info = StateInfo.parseFrom(value.bytes);
                }
            }
            info = StateVersions.readable(fleet, info);
            FleetRecord record = null;
            FleetMemory memory = null;
            var ledger = Ledger.Book.EMPTY;
            var machines = new ArrayList<byte[]>();
            var queues = new ArrayList<QueueSeen>();
            var workers = new ArrayList<byte[]>();
            var answers = new TreeMap<Long, RequestAnswered>();
            for (var value : values) {
                switch (value.kind()) {
                    case "info" -> { }
                    case "head" -> record = FleetRecord.parseFrom(value.bytes);
                    case "memory" -> memory = FleetTranslator.memory(dev.muster.v1.FleetMemory.parseFrom(value.bytes));
                    case "ledger" -> ledger = LedgerTranslator.ledger(LedgerState.parseFrom(value.bytes));
                    case "machine" -> machines.add(value.bytes);
                    case "queue" -> queues.add(DemandTranslator.queue(QueuePicture.parseFrom(value.bytes)));
                    case "worker" -> workers.add(value.bytes);
                    case "answer" -> answers.put(Long.parseLong(value.key.substring("answer/".length())), RequestAnswered.parseFrom(value.bytes));
                    default -> throw new IllegalStateException("the store holds " + value.key + " of fleet " + fleet + ", which this release doesn't know");
                }
            }
            if (record == null || memory == null) {
                throw new IllegalStateException("the store holds only a part of fleet " + fleet);
            }
            return new Stored(info, record, Fleet.restored(FleetTranslator.head(record), memory, ledger,
                    read(machines, bytes -> MachineTranslator.machine(MachineRecord.parseFrom(bytes))), queues,
                    read(workers, bytes -> DemandTranslator.worker(WorkerState.parseFrom(bytes)))), new LinkedHashMap<>(answers));
        }

        /** On all processors: there may be a hundred thousand, and a planner that takes over has nothing else to do. The order is kept. */
        private static <T> List<T> read(List<byte[]> stored, Reading<T> reading) {
            return stored.parallelStream().map(bytes -> {
                try {
                    return reading.read(bytes);
                } catch (InvalidProtocolBufferException unreadable) {
                    throw new UncheckedIOException(unreadable);
                }
            }).toList();
        }

        private IllegalStateException unreadable(IOException why) {
            return new IllegalStateException("a stored value of fleet " + fleet + " is unreadable: " + why.getMessage(), why);
        }
    }

    private interface Reading<T> {
        T read(byte[] stored) throws InvalidProtocolBufferException;
    }

    /** @param answers by number, oldest first */
    record Stored(StateInfo info, FleetRecord record, Fleet fleet, Map<Long, RequestAnswered> answers) {}
}
