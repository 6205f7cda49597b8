package dev.muster.sandbox.k8s;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Changes an object as a PATCH asks: JSON Patch, JSON Merge Patch, or Kubernetes' strategic merge, which knows the keys of lists. */
final class Patches {

    /** Lists whose elements a strategic merge tells apart, by the field that does so; all others it replaces. */
    private static final Map<String, String> MERGE_KEYS = Map.of("containers", "name", "initContainers", "name", "ephemeralContainers", "name", "conditions", "type",
            "env", "name", "volumes", "name", "volumeMounts", "mountPath", "imagePullSecrets", "name", "ownerReferences", "uid", "addresses", "type");

    private Patches() {
    }

    /** @throws Refusal if the kind of patch isn't known, or it can't be applied */
    static JsonObject apply(String contentType, Buffer patch, JsonObject object) {
        var type = contentType == null ? "" : contentType.replaceFirst(";.*", "").trim();
        try {
            return switch (type) {
                case "application/json-patch+json" -> operations(patch.toJsonArray(), object.copy());
                case "application/merge-patch+json" -> merge(patch.toJsonObject(), object.copy(), false);
                case "application/strategic-merge-patch+json" -> merge(patch.toJsonObject(), object.copy(), true);
                default -> throw new Refusal(415, "UnsupportedMediaType", "the body of the request was in an unknown format - accepted media types include: "
                        + "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json", new JsonObject());
            };
        } catch (DecodeException | ClassCastException broken) {
            throw Refusal.badRequest("error decoding patch: " + broken.getMessage());
        }
    }

    private static JsonObject merge(JsonObject patch, JsonObject target, boolean strategic) {
        for (var field : patch.fieldNames()) {
            var value = patch.getValue(field);
            if (field.startsWith("$")) {
                continue;
            }
            if (value == null) {
                target.remove(field);
            } else if (value instanceof JsonObject child) {
                target.put(field, merge(child, target.getValue(field) instanceof JsonObject old ? old : new JsonObject(), strategic));
            } else if (strategic && value instanceof JsonArray list && MERGE_KEYS.containsKey(field)) {
                target.put(field, mergeLists(MERGE_KEYS.get(field), list, target.getJsonArray(field, new JsonArray())));
            } else {
                target.put(field, value);
            }
        }
        return target;
    }

    private static JsonArray mergeLists(String key, JsonArray patch, JsonArray target) {
        var merged = new ArrayList<JsonObject>();
        target.forEach(one -> merged.add((JsonObject) one));
        for (var each : patch) {
            var one = (JsonObject) each;
            int at = -1;
            for (int i = 0; i < merged.size(); i++) {
                at = Objects.equals(merged.get(i).getValue(key), one.getValue(key)) ? i : at;
            }
            if ("delete".equals(one.getString("$patch"))) {
                if (at >= 0) {
                    merged.remove(at);
                }
            } else if (at < 0) {
                merged.add(merge(one, new JsonObject(), true));
            } else {
                merged.set(at, merge(one, merged.get(at), true));
            }
        }
        return new JsonArray(merged);
    }

    private static JsonObject operations(JsonArray operations, JsonObject object) {
        for (var each : operations) {
            var operation = (JsonObject) each;
            var path = steps(operation.getString("path", ""));
            switch (operation.getString("op", "")) {
                case "add" -> put(object, path, operation.getValue("value"), true);
                case "replace" -> {
                    require(object, path, operation);
                    put(object, path, operation.getValue("value"), false);
                }
                case "remove" -> {
                    require(object, path, operation);
                    take(object, path);
                }
                case "test" -> {
                    if (!Objects.equals(read(object, path), operation.getValue("value"))) {
                        throw new Refusal(422, "Invalid", "the server rejected our request due to an error in our request: testing value " + operation.getString("path")
                                + " failed", new JsonObject());
                    }
                }
                case "move", "copy" -> {
                    var from = steps(operation.getString("from", ""));
                    var value = read(object, from);
                    if (operation.getString("op").equals("move")) {
                        take(object, from);
                    }
                    put(object, path, value, true);
                }
                default -> throw Refusal.badRequest("unexpected kind of operation: " + operation.getString("op"));
            }
        }
        return object;
    }

    private static void require(JsonObject object, List<String> path, JsonObject operation) {
        if (read(object, path) == null) {
            throw new Refusal(422, "Invalid", "the server rejected our request due to an error in our request: " + operation.getString("op")
                    + " operation does not apply: doc is missing key: " + operation.getString("path"), new JsonObject());
        }
    }

    private static List<String> steps(String pointer) {
        var steps = new ArrayList<String>();
        for (var step : pointer.substring(Math.min(1, pointer.length())).split("/", -1)) {
            steps.add(step.replace("~1", "/").replace("~0", "~"));
        }
        return steps;
    }

    private static Object read(Object at, List<String> path) {
        for (var step : path) {
            if (at instanceof JsonObject object) {
                at = object.getValue(step);
            } else if (at instanceof JsonArray array && step.matches("\\d{1,6}") && Integer.parseInt(step) < array.size()) {
                at = array.getValue(Integer.parseInt(step));
            } else {
                return null;
            }
        }
        return at;
    }

    private static void put(JsonObject object, List<String> path, Object value, boolean insert) {
        var parent = read(object, path.subList(0, path.size() - 1));
        var last = path.get(path.size() - 1);
        if (parent instanceof JsonObject into) {
            into.put(last, value);
        } else if (parent instanceof JsonArray array) {
            if (last.equals("-")) {
                array.add(value);
            } else if (insert) {
                array.getList().add(Integer.parseInt(last), value);
            } else {
                array.set(Integer.parseInt(last), value);
            }
        } else {
            throw new Refusal(422, "Invalid", "the server rejected our request due to an error in our request: add operation does not apply: doc is missing path: /"
                    + String.join("/", path), new JsonObject());
        }
    }

    private static void take(JsonObject object, List<String> path) {
        var parent = read(object, path.subList(0, path.size() - 1));
        var last = path.get(path.size() - 1);
        if (parent instanceof JsonObject from) {
            from.remove(last);
        } else if (parent instanceof JsonArray array) {
            array.remove(Integer.parseInt(last));
        }
    }
}
