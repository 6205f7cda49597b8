package dev.muster.sandbox.k8s;

import io.vertx.core.json.JsonObject;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * The objects of a cluster with one version number over all of them, and the changes since a while ago. An object that was put here never
 * changes again: a change puts another. Whoever uses it holds its lock.
 */
final class KubeStore {

    /** A server that forgets nothing would never tell a slow watcher so; this is far more than one falls behind by accident. */
    private static final int REMEMBERED = 50_000;

    /**
     * One change.
     *
     * @param before null: it was made
     * @param after with the change's version; of one that is gone, as it was last
     */
    record Change(long version, Resource resource, JsonObject before, JsonObject after, boolean gone) {
    }

    private final Map<Resource, NavigableMap<String, JsonObject>> objects = new HashMap<>();
    private final Deque<Change> history = new ArrayDeque<>();
    private final List<Consumer<Change>> listeners = new ArrayList<>();
    private long version = 1;
    private long forgotten;

    /** Told of each change under the store's lock, in order; must neither block nor change anything. */
    void onChange(Consumer<Change> listener) {
        listeners.add(listener);
    }

    void forget(Consumer<Change> listener) {
        listeners.remove(listener);
    }

    long version() {
        return version;
    }

    /** The newest version of which changes may be missing from {@link #since}. */
    long forgotten() {
        return forgotten;
    }

    /** As after a compaction: nobody can catch up from an older version any more. */
    void forgetHistory() {
        history.clear();
        // Not even the newest one: a compaction moves the store on.
        forgotten = ++version;
    }

    Optional<JsonObject> get(Resource resource, String namespace, String name) {
        return Optional.ofNullable(of(resource).get(key(namespace, name)));
    }

    /** @param namespace empty: of all */
    List<JsonObject> list(Resource resource, String namespace) {
        var all = of(resource);
        return List.copyOf(namespace.isEmpty() ? all.values() : all.subMap(namespace + "/", namespace + "0").values());
    }

    List<Change> since(long seen) {
        var later = new ArrayList<Change>();
        for (var i = history.descendingIterator(); i.hasNext();) {
            var change = i.next();
            if (change.version <= seen) {
                break;
            }
            later.add(change);
        }
        Collections.reverse(later);
        return later;
    }

    /** Puts it in the place of one of the same name, or beside all others, with a version of its own. */
    JsonObject put(Resource resource, JsonObject object) {
        Json.made(object, "metadata").put("resourceVersion", Long.toString(++version));
        var before = of(resource).put(key(Json.namespace(object), Json.name(object)), object);
        tell(new Change(version, resource, before, object, false));
        return object;
    }

    JsonObject remove(Resource resource, JsonObject object) {
        var before = of(resource).remove(key(Json.namespace(object), Json.name(object)));
        var last = object.copy();
        Json.made(last, "metadata").put("resourceVersion", Long.toString(++version));
        tell(new Change(version, resource, before, last, true));
        return last;
    }

    private void tell(Change change) {
        history.add(change);
        if (history.size() > REMEMBERED) {
            forgotten = history.remove().version;
        }
        List.copyOf(listeners).forEach(listener -> listener.accept(change));
    }

    private NavigableMap<String, JsonObject> of(Resource resource) {
        return objects.computeIfAbsent(resource, first -> new TreeMap<>());
    }

    private static String key(String namespace, String name) {
        return namespace + "/" + name;
    }
}
