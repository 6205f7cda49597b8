package dev.muster.planner.stream;

import java.util.function.BiConsumer;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/** The values of a fleet store, in a store of Kafka Streams. */
record StreamValues(KeyValueStore<String, byte[]> store) implements FleetStore.Values {

    @Override
    public byte[] get(String key) {
        return store.get(key);
    }

    @Override
    public void put(String key, byte[] value) {
        store.put(key, value);
    }

    @Override
    public void forEach(BiConsumer<String, byte[]> visitor) {
        visit(store.all(), visitor);
    }

    @Override
    public void forEach(String from, String to, BiConsumer<String, byte[]> visitor) {
        visit(store.range(from, to), visitor);
    }

    private static void visit(KeyValueIterator<String, byte[]> entries, BiConsumer<String, byte[]> visitor) {
        try (entries) {
            entries.forEachRemaining(entry -> visitor.accept(entry.key, entry.value));
        }
    }
}
