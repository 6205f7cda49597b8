package dev.muster.sandbox.k8s;

import dev.muster.sandbox.CloudTime;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.List;
import java.util.UUID;
import java.util.function.BiPredicate;
import java.util.function.Consumer;

/** What each call does to the objects and answers, as a real API server does it. Thread-safe, by the store's lock. */
final class KubeApi {

    private static final String SUFFIX = "bcdfghjklmnpqrstvwxz2456789";
    private static final List<String> ENDED = List.of("Succeeded", "Failed");
    private static final String STALE = "the object has been modified; please apply your changes to the latest version and try again";

    private final KubeStore store;
    private final Admission admission;
    private final CloudTime time;
    private final SecureRandom random = new SecureRandom();

    KubeApi(KubeStore store, CloudTime time) {
        this.store = store;
        this.admission = new Admission(store);
        this.time = time;
    }

    KubeStore store() {
        return store;
    }

    CloudTime time() {
        return time;
    }

    /** @param status of HTTP */
    record Answer(int status, JsonObject body) {
    }

    /**
     * Any call but a watch and a pod's log.
     *
     * @param allowed whether the caller may do a verb to a resource, for its questions about that
     * @throws Refusal instead of an effect
     */
    Answer answer(KubeCall call, String contentType, Buffer sent, BiPredicate<JsonObject, String> allowed) {
        synchronized (store) {
            return switch (call.verb()) {
                case "get" -> new Answer(200, shown(call.resource(), found(call)));
                case "list" -> new Answer(200, list(call));
                case "create" -> create(call, body(call.resource(), sent), allowed);
                case "update" -> new Answer(200, update(call, body(call.resource(), sent)));
                case "patch" -> new Answer(200, update(call, Patches.apply(contentType, sent, found(call))));
                case "delete" -> new Answer(200, delete(call, options(call, sent)));
                default -> new Answer(200, deleteAll(call, options(call, sent)));
            };
        }
    }

    // Reading.

    private JsonObject found(KubeCall call) {
        return store.get(call.resource(), call.namespace(), call.name()).orElseThrow(() -> Refusal.notFound(call.resource(), call.name()));
    }

    /** As an answer shows it by itself. */
    static JsonObject shown(Resource resource, JsonObject object) {
        var shown = new JsonObject().put("kind", resource.kind()).put("apiVersion", resource.apiVersion());
        object.forEach(field -> {
            if (!field.getKey().equals("kind") && !field.getKey().equals("apiVersion")) {
                shown.put(field.getKey(), field.getValue());
            }
        });
        return shown;
    }

    private JsonObject list(KubeCall call) {
        var selected = Selectors.of(call.resource(), call.query().get("labelSelector"), call.query().get("fieldSelector"));
        var wanted = call.query().getOrDefault("resourceVersion", "0");
        long atLeast = wanted.isEmpty() ? 0 : number(wanted);
        if (atLeast > store.version()) {
            throw new Refusal(504, "Timeout", "Timeout: Too large resource version: " + atLeast + ", current: " + store.version(), new JsonObject()
                    .put("causes", new JsonArray().add(new JsonObject().put("reason", "ResourceVersionTooLarge").put("message", "Too large resource version")))
                    .put("retryAfterSeconds", 1));
        }
        if ("Exact".equals(call.query().get("resourceVersionMatch")) && atLeast != store.version()) {
            // It keeps no objects as they were.
            throw Refusal.expired("The resourceVersion for the provided list is too old.");
        }
        var after = "";
        long version = store.version();
        var token = call.query().getOrDefault("continue", "");
        if (!token.isEmpty()) {
            var next = new JsonObject(Buffer.buffer(Base64.getUrlDecoder().decode(token)));
            after = next.getString("start");
            version = next.getLong("rv");
            if (version < store.forgotten()) {
                throw Refusal.expired("The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue "
                        + "parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an "
                        + "inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.");
            }
        }
        int limit = (int) number(call.query().getOrDefault("limit", "0"));
        var items = new JsonArray();
        var meta = new JsonObject().put("resourceVersion", Long.toString(version));
        for (var object : store.list(call.resource(), call.namespace())) {
            var key = Json.namespace(object) + "/" + Json.name(object);
            if (key.compareTo(after) <= 0 || !selected.test(object)) {
                continue;
            }
            if (limit > 0 && items.size() == limit) {
                meta.put("continue", Base64.getUrlEncoder().withoutPadding().encodeToString(new JsonObject().put("v", "meta.k8s.io/v1").put("rv", version)
                        .put("start", Json.namespace(items.getJsonObject(limit - 1)) + "/" + Json.name(items.getJsonObject(limit - 1))).encode()
                        .getBytes(StandardCharsets.UTF_8)));
                break;
            }
            items.add(object);
        }
        return new JsonObject().put("kind", call.resource().kind() + "List").put("apiVersion", call.resource().apiVersion()).put("metadata", meta).put("items", items);
    }

    static long number(String text) {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException broken) {
            throw Refusal.badRequest("strconv.ParseUint: parsing \"" + text + "\": invalid syntax");
        }
    }

    private static JsonObject body(Resource resource, Buffer sent) {
        try {
            return sent.toJsonObject();
        } catch (DecodeException | ClassCastException broken) {
            throw Refusal.badRequest("the object provided is unrecognized (must be of type " + resource.kind() + "): couldn't get version/kind; json parse error");
        }
    }

    // Making.

    private Answer create(KubeCall call, JsonObject object, BiPredicate<JsonObject, String> allowed) {
        if (call.resource() == Resource.ACCESS_REVIEWS) {
            var asked = Json.child(Json.child(object, "spec"), "resourceAttributes");
            return new Answer(201, object.put("status", new JsonObject().put("allowed", allowed.test(asked, asked.getString("verb", "")))));
        }
        if (call.subresource().equals("binding")) {
            bind(call.namespace(), call.name(), Json.text(object, "target", "name"));
            return new Answer(201, made());
        }
        if (call.subresource().equals("eviction")) {
            var pod = found(new KubeCall("get", Resource.PODS, "", call.namespace(), call.name(), call.query()));
            evict(pod, "EvictionByEvictionAPI", "Eviction API: evicting", options(call, object.getJsonObject("deleteOptions", new JsonObject()).toBuffer()));
            return new Answer(201, made());
        }
        if (!call.subresource().isEmpty()) {
            throw Refusal.noSuchPath();
        }
        boolean dry = "All".equals(call.query().get("dryRun"));
        return new Answer(201, shown(call.resource(), create(call.resource(), call.namespace(), object, dry)));
    }

    /** Keeps a new object, unless {@code dry}. */
    JsonObject create(Resource resource, String namespace, JsonObject object, boolean dry) {
        synchronized (store) {
            var meta = Json.made(object, "metadata");
            if (resource.namespaced()) {
                if (namespace.isEmpty()) {
                    throw Refusal.badRequest("an empty namespace may not be set during creation");
                }
                if (!meta.getString("namespace", namespace).equals(namespace)) {
                    throw Refusal.badRequest("the namespace of the provided object does not match the namespace sent on the request");
                }
                meta.put("namespace", namespace);
            }
            if (meta.getString("name", "").isEmpty() && !meta.getString("generateName", "").isEmpty()) {
                var name = new StringBuilder(meta.getString("generateName"));
                random.ints(5, 0, SUFFIX.length()).forEach(i -> name.append(SUFFIX.charAt(i)));
                meta.put("name", name.toString());
            }
            if (!meta.getString("resourceVersion", "").isEmpty()) {
                throw Refusal.badRequest("resourceVersion should not be set on objects to be created");
            }
            object.remove("kind");
            object.remove("apiVersion");
            meta.put("uid", UUID.randomUUID().toString()).put("creationTimestamp", Json.time(time.now()));
            meta.remove("deletionTimestamp");
            if (resource == Resource.PODS) {
                object.put("status", new JsonObject().put("phase", "Pending").put("qosClass", Requests.of(object).isEmpty() ? "BestEffort" : "Burstable"));
            } else if (resource == Resource.NAMESPACES) {
                Json.made(object, "spec").put("finalizers", new JsonArray().add("kubernetes"));
                object.put("status", new JsonObject().put("phase", "Active"));
            } else if (resource == Resource.SECRETS && object.getValue("stringData") instanceof JsonObject plain) {
                plain.forEach(entry -> Json.made(object, "data").put(entry.getKey(), Base64.getEncoder()
                        .encodeToString(String.valueOf(entry.getValue()).getBytes(StandardCharsets.UTF_8))));
                object.remove("stringData");
            }
            // Quotas are asked before the name: a repeated create of what filled one is told that it is full, and not that it has been done.
            admission.admit(resource, object);
            if (store.get(resource, Json.namespace(object), Json.name(object)).isPresent()) {
                throw Refusal.alreadyExists(resource, Json.name(object));
            }
            if (dry) {
                return object;
            }
            var made = store.put(resource, object);
            if (resource == Resource.NAMESPACES) {
                create(Resource.SERVICE_ACCOUNTS, Json.name(object), new JsonObject().put("metadata", new JsonObject().put("name", "default")), false);
            }
            count(resource, Json.namespace(object));
            return made;
        }
    }

    /** Gives a pod its node. */
    void bind(String namespace, String name, String node) {
        synchronized (store) {
            var pod = store.get(Resource.PODS, namespace, name).orElseThrow(() -> Refusal.notFound(Resource.PODS, name));
            if (!Json.text(pod, "spec", "nodeName").isEmpty()) {
                throw Refusal.conflict(Resource.PODS, name, "pod " + name + " is already assigned to node \"" + Json.text(pod, "spec", "nodeName") + "\"");
            }
            if (Json.deleting(pod)) {
                throw Refusal.conflict(Resource.PODS, name, "pod " + name + " is being deleted, cannot be assigned to a host");
            }
            change(Resource.PODS, pod, copy -> {
                copy.getJsonObject("spec").put("nodeName", node);
                Json.condition(copy.getJsonObject("status"), time.now(), "PodScheduled", "True", "", "");
            });
        }
    }

    // Changing.

    /** Puts a changed copy in an object's place; nothing if it is the same, as the real server does. */
    JsonObject change(Resource resource, JsonObject object, Consumer<JsonObject> change) {
        synchronized (store) {
            var copy = object.copy();
            change.accept(copy);
            if (copy.equals(object)) {
                return object;
            }
            var put = store.put(resource, copy);
            count(resource, Json.namespace(object));
            return put;
        }
    }

    private JsonObject update(KubeCall call, JsonObject wanted) {
        var resource = call.resource();
        var there = found(call);
        var meta = Json.meta(wanted);
        var uid = meta.getString("uid", "");
        if (!uid.isEmpty() && !uid.equals(Json.uid(there))) {
            throw Refusal.conflict(resource, call.name(), "Precondition failed: UID in precondition: " + uid + ", UID in object meta: " + Json.uid(there));
        }
        var version = meta.getString("resourceVersion", "");
        if (!version.isEmpty() && !version.equals("0") && !version.equals(Json.version(there))) {
            throw Refusal.conflict(resource, call.name(), STALE);
        }
        if (!meta.getString("name", call.name()).equals(call.name())) {
            throw Refusal.badRequest("the name of the object (" + meta.getString("name") + ") does not match the name on the URL (" + call.name() + ")");
        }
        if (!call.subresource().isEmpty() && !call.subresource().equals("status")) {
            throw Refusal.noSuchPath();
        }
        boolean status = call.subresource().equals("status");
        if (!status && resource == Resource.PODS) {
            Admission.unchanged(there, wanted);
        }
        var changed = change(resource, there, copy -> {
            var kept = Json.meta(there);
            for (var field : List.of("labels", "annotations", "finalizers", "ownerReferences")) {
                if (meta.getValue(field) == null) {
                    copy.getJsonObject("metadata").remove(field);
                } else if (!status || field.equals("labels") || field.equals("annotations")) {
                    copy.getJsonObject("metadata").put(field, meta.getValue(field));
                } else if (kept.getValue(field) != null) {
                    copy.getJsonObject("metadata").put(field, kept.getValue(field));
                }
            }
            if (status) {
                copy.put("status", wanted.getValue("status"));
                return;
            }
            for (var field : List.copyOf(copy.fieldNames())) {
                if (!field.equals("metadata") && !field.equals("status") && !wanted.containsKey(field)) {
                    copy.remove(field);
                }
            }
            wanted.forEach(field -> {
                if (!List.of("metadata", "status", "kind", "apiVersion").contains(field.getKey())) {
                    copy.put(field.getKey(), field.getValue());
                }
            });
        });
        if (Json.deleting(changed) && finalizers(changed).isEmpty()
                && (resource != Resource.PODS || changed.getJsonObject("metadata").getInteger("deletionGracePeriodSeconds", 0) == 0) && resource != Resource.NAMESPACES) {
            return shown(resource, gone(resource, changed));
        }
        return shown(resource, changed);
    }

    private static JsonArray finalizers(JsonObject object) {
        return Json.meta(object).getJsonArray("finalizers", new JsonArray());
    }

    // Ending.

    /** @param grace null: the object's own */
    record DeleteOptions(Integer grace, String uid, String version, boolean dry) {
        static final DeleteOptions PLAIN = new DeleteOptions(null, "", "", false);
    }

    private static DeleteOptions options(KubeCall call, Buffer sent) {
        var options = sent.length() == 0 ? new JsonObject() : body(call.resource(), sent);
        var grace = options.getInteger("gracePeriodSeconds");
        if (grace == null && call.query().containsKey("gracePeriodSeconds")) {
            grace = (int) number(call.query().get("gracePeriodSeconds"));
        }
        return new DeleteOptions(grace, Json.text(options, "preconditions", "uid"), Json.text(options, "preconditions", "resourceVersion"),
                "All".equals(call.query().get("dryRun")) || options.getValue("dryRun") != null);
    }

    private JsonObject delete(KubeCall call, DeleteOptions options) {
        return delete(call.resource(), found(call), options);
    }

    private JsonObject deleteAll(KubeCall call, DeleteOptions options) {
        var listed = list(call);
        Json.objects(listed, "items").forEach(object -> delete(call.resource(), object, options));
        return listed;
    }

    /** A pod that a node has ends when the node says so; any other object is gone at once. The answer to it. */
    JsonObject delete(Resource resource, JsonObject object, DeleteOptions options) {
        synchronized (store) {
            var name = Json.name(object);
            if (!options.uid.isEmpty() && !options.uid.equals(Json.uid(object))) {
                throw Refusal.precondition(resource, name, "UID", options.uid, Json.uid(object));
            }
            if (!options.version.isEmpty() && !options.version.equals(Json.version(object))) {
                throw Refusal.precondition(resource, name, "ResourceVersion", options.version, Json.version(object));
            }
            if (options.dry) {
                return shown(resource, object);
            }
            if (resource == Resource.NAMESPACES) {
                return shown(resource, change(resource, object, copy -> {
                    if (!Json.deleting(copy)) {
                        copy.getJsonObject("metadata").put("deletionTimestamp", Json.time(time.now()));
                    }
                    copy.put("status", new JsonObject().put("phase", "Terminating"));
                }));
            }
            int grace = resource == Resource.PODS ? grace(object, options.grace) : 0;
            var meta = Json.meta(object);
            if (grace > 0 || !finalizers(object).isEmpty()) {
                if (Json.deleting(object) && meta.getInteger("deletionGracePeriodSeconds", 0) <= grace) {
                    return shown(resource, object);
                }
                return shown(resource, change(resource, object, copy -> copy.getJsonObject("metadata")
                        .put("deletionTimestamp", Json.time(time.now().plusSeconds(grace))).put("deletionGracePeriodSeconds", grace)));
            }
            var last = gone(resource, resource == Resource.PODS ? object.copy() : object);
            if (resource == Resource.PODS || resource == Resource.SERVICE_ACCOUNTS) {
                return shown(resource, last);
            }
            return success().put("details", new JsonObject().put("name", name).put("kind", resource.plural()).put("uid", Json.uid(object)));
        }
    }

    private static int grace(JsonObject pod, Integer asked) {
        if (Json.text(pod, "spec", "nodeName").isEmpty() || ENDED.contains(Json.text(pod, "status", "phase"))) {
            return 0;
        }
        return Math.max(0, asked == null ? pod.getJsonObject("spec").getInteger("terminationGracePeriodSeconds", 30) : asked);
    }

    private JsonObject gone(Resource resource, JsonObject object) {
        if (resource == Resource.PODS && !Json.deleting(object)) {
            object.getJsonObject("metadata").put("deletionTimestamp", Json.time(time.now())).put("deletionGracePeriodSeconds", 0);
        } else if (resource == Resource.PODS) {
            object = object.copy();
            object.getJsonObject("metadata").put("deletionGracePeriodSeconds", 0);
        }
        var last = store.remove(resource, object);
        count(resource, Json.namespace(object));
        return last;
    }

    /** Takes a pod off its node with its grace period, and says in it why. */
    void evict(JsonObject pod, String reason, String message, DeleteOptions options) {
        synchronized (store) {
            var told = change(Resource.PODS, pod, copy -> Json.condition(Json.made(copy, "status"), time.now(), "DisruptionTarget", "True", reason, message));
            delete(Resource.PODS, told, options);
        }
    }

    /** Writes what the quotas of a namespace have in use. */
    private void count(Resource resource, String namespace) {
        if (resource == Resource.EVENTS || resource == Resource.LEASES || !resource.namespaced()) {
            return;
        }
        for (var quota : store.list(Resource.QUOTAS, namespace)) {
            var hard = Json.child(Json.child(quota, "spec"), "hard");
            var used = new JsonObject();
            for (var counted : hard.fieldNames()) {
                var of = counted.startsWith("count/") ? Resource.ALL.stream().filter(one -> counted.equals("count/" + one.qualified())).findFirst().orElse(Resource.PODS)
                        : Resource.PODS;
                var amount = admission.used(of, namespace).get(counted);
                used.put(counted, amount == null ? "0" : Requests.text(counted, amount));
            }
            var status = new JsonObject().put("hard", hard.copy()).put("used", used);
            if (!status.equals(quota.getJsonObject("status"))) {
                store.put(Resource.QUOTAS, quota.copy().put("status", status));
            }
        }
    }

    private static JsonObject success() {
        return new JsonObject().put("kind", "Status").put("apiVersion", "v1").put("metadata", new JsonObject()).put("status", "Success");
    }

    private static JsonObject made() {
        return success().put("code", 201);
    }

    // Events.

    /** What a component of the cluster says of an object, as {@code kubectl describe} shows it. */
    void event(JsonObject pod, String component, String type, String reason, String message) {
        synchronized (store) {
            var namespace = Json.namespace(pod);
            var now = Json.time(time.now());
            if (store.get(Resource.NAMESPACES, "", namespace).filter(one -> !Json.deleting(one)).isEmpty()) {
                return;
            }
            create(Resource.EVENTS, namespace, new JsonObject()
                    .put("metadata", new JsonObject().put("name", Json.name(pod) + "." + Long.toHexString(random.nextLong())))
                    .put("involvedObject", new JsonObject().put("kind", "Pod").put("namespace", namespace).put("name", Json.name(pod)).put("uid", Json.uid(pod))
                            .put("apiVersion", "v1").put("resourceVersion", Json.version(pod)))
                    .put("reason", reason).put("message", message).put("type", type).put("source", new JsonObject().put("component", component))
                    .put("firstTimestamp", now).put("lastTimestamp", now).put("count", 1).put("reportingComponent", component).put("reportingInstance", ""), false);
        }
    }
}
