package dev.muster.sandbox.k8s;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.List;

/** Objects as the table that {@code kubectl get} asks the server for. */
final class Tables {

    private Tables() {
    }

    /** Whether the caller wants one. @param accept null: it says nothing */
    static boolean wanted(String accept) {
        return accept != null && accept.contains("as=Table");
    }

    static JsonObject of(Resource resource, List<JsonObject> objects, JsonObject meta, Instant now) {
        var columns = new JsonArray();
        for (var name : columns(resource)) {
            boolean wide = name.startsWith("+");
            columns.add(new JsonObject().put("name", wide ? name.substring(1) : name).put("type", "string").put("format", name.equals("Name") ? "name" : "").put("description", "")
                    .put("priority", wide ? 1 : 0));
        }
        var rows = new JsonArray();
        for (var object : objects) {
            rows.add(new JsonObject().put("cells", new JsonArray(cells(resource, object, now)))
                    .put("object", new JsonObject().put("kind", "PartialObjectMetadata").put("apiVersion", "meta.k8s.io/v1").put("metadata", Json.meta(object))));
        }
        return new JsonObject().put("kind", "Table").put("apiVersion", "meta.k8s.io/v1").put("metadata", meta).put("columnDefinitions", columns).put("rows", rows);
    }

    private static List<String> columns(Resource resource) {
        if (resource == Resource.PODS) {
            return List.of("Name", "Ready", "Status", "Restarts", "Age", "+IP", "+Node");
        }
        if (resource == Resource.NODES) {
            return List.of("Name", "Status", "Roles", "Age", "Version");
        }
        if (resource == Resource.NAMESPACES) {
            return List.of("Name", "Status", "Age");
        }
        return resource == Resource.EVENTS ? List.of("Last Seen", "Type", "Reason", "Object", "Message") : List.of("Name", "Age");
    }

    private static List<Object> cells(Resource resource, JsonObject object, Instant now) {
        var name = Json.name(object);
        var age = age(Json.text(object, "metadata", "creationTimestamp"), now);
        if (resource == Resource.PODS) {
            var containers = Json.objects(Json.child(object, "status"), "containerStatuses");
            return List.of(name, containers.stream().filter(one -> Boolean.TRUE.equals(one.getBoolean("ready"))).count() + "/"
                    + Json.objects(Json.child(object, "spec"), "containers").size(), status(object, containers), "0", age, orNone(Json.text(object, "status", "podIP")),
                    orNone(Json.text(object, "spec", "nodeName")));
        }
        if (resource == Resource.NODES) {
            return List.of(name, (Json.conditionOf(object, "Ready").getString("status", "").equals("True") ? "Ready" : "NotReady")
                    + (Json.child(object, "spec").getBoolean("unschedulable", false) ? ",SchedulingDisabled" : ""), "<none>", age,
                    Json.text(object, "status", "nodeInfo", "kubeletVersion"));
        }
        if (resource == Resource.NAMESPACES) {
            return List.of(name, Json.text(object, "status", "phase"), age);
        }
        return resource == Resource.EVENTS ? List.of(age(Json.text(object, "lastTimestamp"), now), Json.text(object, "type"), Json.text(object, "reason"),
                Json.text(object, "involvedObject", "kind").toLowerCase(java.util.Locale.ROOT) + "/" + Json.text(object, "involvedObject", "name"), Json.text(object, "message"))
                : List.of(name, age);
    }

    private static String status(JsonObject pod, List<JsonObject> containers) {
        var status = Json.text(pod, "status", "reason").isEmpty() ? Json.text(pod, "status", "phase") : Json.text(pod, "status", "reason");
        for (var container : containers) {
            var waiting = Json.text(container, "state", "waiting", "reason");
            var terminated = Json.text(container, "state", "terminated", "reason");
            status = !waiting.isEmpty() ? waiting : !terminated.isEmpty() ? terminated : status;
        }
        return Json.deleting(pod) ? "Terminating" : status;
    }

    private static String orNone(String text) {
        return text.isEmpty() ? "<none>" : text;
    }

    private static String age(String since, Instant now) {
        try {
            var age = Duration.between(Instant.parse(since), now);
            return age.toMinutes() < 2 ? Math.max(0, age.toSeconds()) + "s" : age.toHours() < 2 ? age.toMinutes() + "m" : age.toDays() < 2 ? age.toHours() + "h" : age.toDays() + "d";
        } catch (DateTimeParseException none) {
            return "<unknown>";
        }
    }
}
