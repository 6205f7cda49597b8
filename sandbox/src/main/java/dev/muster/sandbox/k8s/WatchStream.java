package dev.muster.sandbox.k8s;

import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/** One watch: the changes that it asked for, from the version that it asked for, until it ends. Its methods are called under the store's lock. */
final class WatchStream implements Consumer<KubeStore.Change> {

    /** Where the events go. Must not block. */
    interface Sink {
        void send(JsonObject event);

        /** The stream's regular end. */
        void end();

        /** The connection breaks. */
        void cut();
    }

    private final KubeCall call;
    private final String user;
    private final Predicate<JsonObject> selected;
    private final UnaryOperator<JsonObject> shown;
    private final Sink sink;
    private final List<JsonObject> stalled = new ArrayList<>();
    private boolean stalls;
    private boolean ended;

    /** @param shown what stands for an object in an event */
    WatchStream(KubeCall call, String user, UnaryOperator<JsonObject> shown, Sink sink) {
        this.call = call;
        this.user = user;
        this.selected = Selectors.of(call.resource(), call.query().get("labelSelector"), call.query().get("fieldSelector"));
        this.shown = shown;
        this.sink = sink;
    }

    /** Sends what was before now. */
    void begin(KubeStore store) {
        var from = call.query().getOrDefault("resourceVersion", "");
        long seen = from.isEmpty() ? 0 : KubeApi.number(from);
        if (seen == 0) {
            store.list(call.resource(), call.namespace()).stream().filter(selected).forEach(object -> send("ADDED", object));
        } else if (seen < store.forgotten()) {
            fail(Refusal.expired("too old resource version: " + seen + " (" + (store.forgotten() + 1) + ")"));
        } else {
            store.since(seen).forEach(this);
        }
    }

    @Override
    public void accept(KubeStore.Change change) {
        if (ended || change.resource() != call.resource() || !call.namespace().isEmpty() && !call.namespace().equals(Json.namespace(change.after()))) {
            return;
        }
        boolean was = change.before() != null && selected.test(change.before());
        boolean is = !change.gone() && selected.test(change.after());
        if (is) {
            send(was ? "MODIFIED" : "ADDED", change.after());
        } else if (was) {
            send("DELETED", change.after());
        }
    }

    private void send(String type, JsonObject object) {
        put(new JsonObject().put("type", type).put("object", shown.apply(object)));
    }

    private void put(JsonObject event) {
        if (stalls) {
            stalled.add(event);
        } else if (!ended) {
            sink.send(event);
        }
    }

    /** Tells how far the watch is, if it asked to be told. */
    void bookmark(long version) {
        if (call.query().getOrDefault("allowWatchBookmarks", "").matches("true|1")) {
            put(new JsonObject().put("type", "BOOKMARK").put("object", new JsonObject().put("kind", call.resource().kind()).put("apiVersion", call.resource().apiVersion())
                    .put("metadata", new JsonObject().put("resourceVersion", Long.toString(version)).putNull("creationTimestamp"))));
        }
    }

    /** Ends it with an error, which a watch is told in its stream. */
    void fail(Refusal why) {
        if (!ended) {
            sink.send(new JsonObject().put("type", "ERROR").put("object", why.json()));
            end();
        }
    }

    void end() {
        if (!ended) {
            ended = true;
            sink.end();
        }
    }

    void cut() {
        if (!ended) {
            ended = true;
            sink.cut();
        }
    }

    /** Keeps events back without a word, or sends what it kept back. */
    void stall(boolean stall) {
        stalls = stall;
        if (!stall) {
            var kept = List.copyOf(stalled);
            stalled.clear();
            kept.forEach(this::put);
        }
    }

    boolean isBy(String caller) {
        return user.equals(caller);
    }

    boolean isOf(Resource resource) {
        return call.resource() == resource;
    }
}
