package dev.muster.sandbox.k8s;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;

/** Reads of objects what may be missing at every step. */
final class Json {

    private Json() {
    }

    static JsonObject meta(JsonObject object) {
        return child(object, "metadata");
    }

    static String name(JsonObject object) {
        return meta(object).getString("name", "");
    }

    static String namespace(JsonObject object) {
        return meta(object).getString("namespace", "");
    }

    static String uid(JsonObject object) {
        return meta(object).getString("uid", "");
    }

    static String version(JsonObject object) {
        return meta(object).getString("resourceVersion", "");
    }

    static boolean deleting(JsonObject object) {
        return meta(object).getValue("deletionTimestamp") != null;
    }

    /** Never null; one that is missing is not put there. */
    static JsonObject child(JsonObject object, String field) {
        return object.getValue(field) instanceof JsonObject child ? child : new JsonObject();
    }

    /** As above, and put there. */
    static JsonObject made(JsonObject object, String field) {
        if (!(object.getValue(field) instanceof JsonObject)) {
            object.put(field, new JsonObject());
        }
        return object.getJsonObject(field);
    }

    static List<JsonObject> objects(JsonObject object, String field) {
        return object.getValue(field) instanceof JsonArray array ? IntStream.range(0, array.size()).mapToObj(array::getValue)
                .filter(JsonObject.class::isInstance).map(JsonObject.class::cast).toList() : List.of();
    }

    static SortedMap<String, String> strings(JsonObject object) {
        var strings = new TreeMap<String, String>();
        object.forEach(entry -> strings.put(entry.getKey(), String.valueOf(entry.getValue())));
        return strings;
    }

    /** Text at a path of fields; empty if there is none. */
    static String text(JsonObject object, String... path) {
        var at = object;
        for (int i = 0; i < path.length - 1; i++) {
            at = child(at, path[i]);
        }
        var value = at.getValue(path[path.length - 1]);
        return value == null ? "" : String.valueOf(value);
    }

    /** The API tells whole seconds. */
    static String time(Instant at) {
        return at.truncatedTo(ChronoUnit.SECONDS).toString();
    }

    /** Adds a condition or replaces the one of its type; its time of transition stays while its status does. */
    static void condition(JsonObject status, Instant now, String type, String value, String reason, String message) {
        var condition = new JsonObject().put("type", type).put("status", value).put("lastProbeTime", null).put("lastTransitionTime", time(now));
        if (!reason.isEmpty()) {
            condition.put("reason", reason);
        }
        if (!message.isEmpty()) {
            condition.put("message", message);
        }
        var all = new JsonArray();
        boolean there = false;
        for (var old : objects(status, "conditions")) {
            if (old.getString("type").equals(type)) {
                there = true;
                if (value.equals(old.getString("status"))) {
                    condition.put("lastTransitionTime", old.getValue("lastTransitionTime"));
                }
                all.add(condition);
            } else {
                all.add(old);
            }
        }
        if (!there) {
            all.add(condition);
        }
        status.put("conditions", all);
    }

    static JsonObject conditionOf(JsonObject object, String type) {
        return objects(child(object, "status"), "conditions").stream().filter(one -> type.equals(one.getString("type"))).findFirst().orElse(new JsonObject());
    }
}
