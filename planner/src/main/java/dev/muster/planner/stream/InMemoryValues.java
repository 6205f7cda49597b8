package dev.muster.planner.stream;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;
import java.util.Comparator;
import java.util.TreeMap;
import java.util.function.BiConsumer;

/** A store that nothing keeps, with its keys as Kafka Streams sorts them: by their bytes. */
final class InMemoryValues implements FleetStore.Values {

    private final TreeMap<String, byte[]> values =
            new TreeMap<>(Comparator.comparing(key -> key.getBytes(UTF_8), Arrays::compareUnsigned));

    @Override
    public byte[] get(String key) {
        return values.get(key);
    }

    @Override
    public void put(String key, byte[] value) {
        if (value == null) {
            values.remove(key);
        } else {
            values.put(key, value);
        }
    }

    @Override
    public void forEach(BiConsumer<String, byte[]> visitor) {
        values.forEach(visitor);
    }

    @Override
    public void forEach(String from, String to, BiConsumer<String, byte[]> visitor) {
        values.subMap(from, true, to, true).forEach(visitor);
    }
}
