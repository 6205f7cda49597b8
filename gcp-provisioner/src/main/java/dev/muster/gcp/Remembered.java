package dev.muster.gcp;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** What may be forgotten: the newest so many. Thread-safe. */
final class Remembered<K, V> {

    private final Map<K, V> values;

    Remembered(int most) {
        this.values = new LinkedHashMap<>() {
            private static final long serialVersionUID = 1L;

            @Override
            protected boolean removeEldestEntry(Map.Entry<K, V> eldest) {
                return size() > most;
            }
        };
    }

    synchronized Optional<V> get(K key) {
        return Optional.ofNullable(values.get(key));
    }

    synchronized void put(K key, V value) {
        // The newest is the one said last.
        values.remove(key);
        values.put(key, value);
    }

    synchronized void remove(K key) {
        values.remove(key);
    }
}
