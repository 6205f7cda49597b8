package dev.muster.sandbox.k8s;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** What a server does with an object before it keeps it: the namespace must be there, a pod gets its defaults and must be valid, and quotas must have room. */
final class Admission {

    private static final Pattern POD_NAME = Pattern.compile("[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*");
    private static final String POD_NAME_RULE = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an "
            + "alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
    private static final Pattern LABEL = Pattern.compile("(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?");
    private static final String LABEL_RULE = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
            + "alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
    private static final int LONGEST_LABEL = 63;
    private static final int LONGEST_NAME = 253;
    private static final Map<String, String> NATIVE = Map.of("cpu", "requests.cpu", "memory", "requests.memory", "ephemeral-storage", "requests.ephemeral-storage");

    private final KubeStore store;

    Admission(KubeStore store) {
        this.store = store;
    }

    /** Changes the object to what will be kept. @throws Refusal as the real plug-ins do, in their order */
    void admit(Resource resource, JsonObject object) {
        var name = Json.name(object);
        if (resource.namespaced()) {
            var namespace = store.get(Resource.NAMESPACES, "", Json.namespace(object))
                    .orElseThrow(() -> Refusal.notFound(Resource.NAMESPACES, Json.namespace(object)));
            if (Json.deleting(namespace)) {
                throw Refusal.namespaceTerminating(resource, name, Json.namespace(object));
            }
        }
        if (resource == Resource.PODS) {
            serviceAccount(object);
            priority(object);
            defaults(object);
        }
        var causes = new ArrayList<Refusal.Cause>();
        if (name.length() > LONGEST_NAME || !POD_NAME.matcher(name).matches()) {
            causes.add(wrong("metadata.name", name, POD_NAME_RULE));
        }
        labels(object, causes);
        if (resource == Resource.PODS) {
            validate(object, causes);
        }
        if (!causes.isEmpty()) {
            throw Refusal.invalid(resource, name, causes);
        }
        if (resource.namespaced()) {
            quotas(resource, object);
        }
    }

    private static void labels(JsonObject object, List<Refusal.Cause> causes) {
        Json.strings(Json.child(Json.meta(object), "labels")).forEach((key, value) -> {
            if (value.length() > LONGEST_LABEL) {
                causes.add(wrong("metadata.labels", value, "must be no more than 63 characters"));
            } else if (!LABEL.matcher(value).matches()) {
                causes.add(wrong("metadata.labels", value, LABEL_RULE));
            }
        });
    }

    private static Refusal.Cause wrong(String field, String value, String rule) {
        return new Refusal.Cause(field, "FieldValueInvalid", "Invalid value: \"" + value + "\": " + rule);
    }

    private static Refusal.Cause required(String field, String more) {
        return new Refusal.Cause(field, "FieldValueRequired", "Required value" + (more.isEmpty() ? "" : ": " + more));
    }

    private void serviceAccount(JsonObject pod) {
        var spec = Json.made(pod, "spec");
        var account = spec.getString("serviceAccountName", "default");
        if (store.get(Resource.SERVICE_ACCOUNTS, Json.namespace(pod), account).isEmpty()) {
            throw Refusal.forbidden(Resource.PODS, Json.name(pod), "error looking up service account " + Json.namespace(pod) + "/" + account + ": serviceaccount \""
                    + account + "\" not found");
        }
        spec.put("serviceAccountName", account).put("serviceAccount", account);
    }

    private void priority(JsonObject pod) {
        var spec = pod.getJsonObject("spec");
        var name = spec.getString("priorityClassName", "");
        if (name.isEmpty()) {
            spec.put("priority", 0).put("preemptionPolicy", "PreemptLowerPriority");
            return;
        }
        var priority = store.get(Resource.PRIORITY_CLASSES, "", name)
                .orElseThrow(() -> Refusal.forbidden(Resource.PODS, Json.name(pod), "no PriorityClass with name " + name + " was found"));
        spec.put("priority", priority.getInteger("value", 0)).put("preemptionPolicy", priority.getString("preemptionPolicy", "PreemptLowerPriority"));
    }

    private static void defaults(JsonObject pod) {
        var spec = pod.getJsonObject("spec");
        put(spec, "restartPolicy", "Always");
        put(spec, "terminationGracePeriodSeconds", 30);
        put(spec, "dnsPolicy", "ClusterFirst");
        put(spec, "schedulerName", "default-scheduler");
        put(spec, "enableServiceLinks", true);
        put(spec, "securityContext", new JsonObject());
        for (var container : Json.objects(spec, "containers")) {
            var image = container.getString("image", "");
            put(container, "imagePullPolicy", image.matches(".*[^/]*:(?!latest)[^/:]+|.*@sha256:.*") ? "IfNotPresent" : "Always");
            put(container, "terminationMessagePath", "/dev/termination-log");
            put(container, "terminationMessagePolicy", "File");
            put(container, "resources", new JsonObject());
            var resources = container.getJsonObject("resources");
            // A limit is the request, too, where none is said.
            Json.child(resources, "limits").forEach(limit -> put(Json.made(resources, "requests"), limit.getKey(), limit.getValue()));
        }
        var tolerations = new JsonArray();
        Json.objects(spec, "tolerations").forEach(tolerations::add);
        for (var taint : List.of("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")) {
            if (Json.objects(spec, "tolerations").stream().noneMatch(one -> (taint.equals(one.getString("key")) || one.getString("key", "").isEmpty())
                    && (one.getString("effect", "").isEmpty() || one.getString("effect").equals("NoExecute")))) {
                tolerations.add(new JsonObject().put("key", taint).put("operator", "Exists").put("effect", "NoExecute").put("tolerationSeconds", 300));
            }
        }
        spec.put("tolerations", tolerations);
    }

    private static void put(JsonObject object, String field, Object value) {
        if (object.getValue(field) == null) {
            object.put(field, value);
        }
    }

    private static void validate(JsonObject pod, List<Refusal.Cause> causes) {
        var containers = Json.objects(pod.getJsonObject("spec"), "containers");
        if (containers.isEmpty()) {
            causes.add(required("spec.containers", ""));
        }
        for (int i = 0; i < containers.size(); i++) {
            var at = "spec.containers[" + i + "]";
            var container = containers.get(i);
            if (container.getString("name", "").isEmpty()) {
                causes.add(required(at + ".name", ""));
            }
            if (container.getString("image", "").isEmpty()) {
                causes.add(required(at + ".image", ""));
            }
            var resources = container.getJsonObject("resources");
            try {
                var limits = Requests.amounts(Json.child(resources, "limits"));
                Requests.amounts(Json.child(resources, "requests")).forEach((resource, request) -> {
                    var limit = limits.get(resource);
                    if (limit != null && request.compareTo(limit) > 0) {
                        causes.add(wrong(at + ".resources.requests", Requests.text(resource, request), "must be less than or equal to " + resource + " limit"));
                    } else if (limit == null && resource.contains("/")) {
                        causes.add(required(at + ".resources.limits", "Limit must be set for non overcommitable resources"));
                    }
                });
            } catch (IllegalArgumentException broken) {
                throw Refusal.badRequest("Pod in version \"v1\" cannot be handled as a Pod: v1.Pod.Spec: quantities must match the regular expression "
                        + "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
            }
        }
    }

    /** @throws Refusal if a pod's wish is changed in what may not change */
    static void unchanged(JsonObject there, JsonObject wanted) {
        if (!fixed(there).equals(fixed(wanted))) {
            throw Refusal.invalid(Resource.PODS, Json.name(there), List.of(new Refusal.Cause("spec", "FieldValueForbidden", "Forbidden: pod updates may not change fields "
                    + "other than `spec.containers[*].image`, `spec.initContainers[*].image`, `spec.activeDeadlineSeconds` or `spec.tolerations` (only additions to "
                    + "existing tolerations)")));
        }
    }

    private static JsonObject fixed(JsonObject pod) {
        var spec = Json.child(pod, "spec").copy();
        List.of("activeDeadlineSeconds", "tolerations", "schedulingGates", "terminationGracePeriodSeconds").forEach(spec::remove);
        Json.objects(spec, "containers").forEach(container -> container.remove("image"));
        Json.objects(spec, "initContainers").forEach(container -> container.remove("image"));
        return spec;
    }

    // Quotas.

    private void quotas(Resource resource, JsonObject object) {
        for (var quota : store.list(Resource.QUOTAS, Json.namespace(object))) {
            var hard = Json.strings(Json.child(Json.child(quota, "spec"), "hard"));
            var asked = resource == Resource.PODS ? charged(object) : new TreeMap<>(Map.of("count/" + resource.qualified(), BigDecimal.ONE));
            if (resource == Resource.PODS) {
                var must = hard.keySet().stream().filter(one -> List.of("cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory").contains(one)
                        && !asked.containsKey(one)).sorted().collect(Collectors.joining(","));
                if (!must.isEmpty()) {
                    throw Refusal.forbidden(resource, Json.name(object), "failed quota: " + Json.name(quota) + ": must specify " + must);
                }
            }
            var used = used(resource, Json.namespace(object));
            var over = asked.keySet().stream().filter(hard::containsKey)
                    .filter(one -> used.getOrDefault(one, BigDecimal.ZERO).add(asked.get(one)).compareTo(Requests.amount(hard.get(one))) > 0).sorted().toList();
            if (!over.isEmpty()) {
                throw Refusal.forbidden(resource, Json.name(object), "exceeded quota: " + Json.name(quota)
                        + ", requested: " + over.stream().map(one -> one + "=" + Requests.text(one, asked.get(one))).collect(Collectors.joining(","))
                        + ", used: " + over.stream().map(one -> one + "=" + Requests.text(one, used.getOrDefault(one, BigDecimal.ZERO))).collect(Collectors.joining(","))
                        + ", limited: " + over.stream().map(one -> one + "=" + Requests.text(one, Requests.amount(hard.get(one)))).collect(Collectors.joining(",")));
            }
        }
    }

    /** What a quota counts of a namespace's objects. One that has ended takes only its place as an object. */
    SortedMap<String, BigDecimal> used(Resource resource, String namespace) {
        var used = new TreeMap<String, BigDecimal>();
        for (var object : store.list(resource, namespace)) {
            used.merge("count/" + resource.qualified(), BigDecimal.ONE, BigDecimal::add);
            if (resource == Resource.PODS && !List.of("Succeeded", "Failed").contains(Json.text(object, "status", "phase"))) {
                var charged = charged(object);
                charged.remove("count/pods");
                charged.forEach((one, amount) -> used.merge(one, amount, BigDecimal::add));
            }
        }
        return used;
    }

    private static SortedMap<String, BigDecimal> charged(JsonObject pod) {
        var charged = new TreeMap<String, BigDecimal>();
        charged.put("count/pods", BigDecimal.ONE);
        charged.put("pods", BigDecimal.ONE);
        Requests.of(pod).forEach((resource, amount) -> {
            charged.put(NATIVE.getOrDefault(resource, "requests." + resource), amount);
            if (NATIVE.containsKey(resource)) {
                charged.put(resource, amount);
            }
        });
        Requests.sum(Json.objects(Json.child(pod, "spec"), "containers"), "limits").forEach((resource, amount) -> {
            if (NATIVE.containsKey(resource)) {
                charged.put("limits." + resource, amount);
            }
        });
        return charged;
    }
}
