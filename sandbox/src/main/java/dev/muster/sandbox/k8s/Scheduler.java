package dev.muster.sandbox.k8s;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiFunction;
import java.util.stream.Collectors;

/** Puts pods on nodes that have room for them, and says of the others why none has, in the words of the real one. */
final class Scheduler {

    /** A pass looks at everything, so that many changes at once are one pass. */
    private static final Duration SOON = Duration.ofMillis(10);
    private static final List<String> ENDED = List.of("Succeeded", "Failed");

    private final KubeApi api;
    private final AtomicBoolean planned = new AtomicBoolean();
    private Growth growth;
    private int growing;
    private int grown;

    /**
     * A cluster autoscaler.
     *
     * @param most nodes that it adds
     * @param add makes one of a shape; its name
     */
    private record Growth(NodeShape shape, int most, Duration after, BiFunction<NodeShape, Integer, String> add) {
    }

    /** A node while a pass runs. */
    private record Room(JsonObject node, SortedMap<String, BigDecimal> free) {
    }

    Scheduler(KubeApi api) {
        this.api = api;
        api.store().onChange(change -> {
            if (change.resource() == Resource.NODES || change.resource() == Resource.PODS && (change.gone() || waits(change.after())
                    || ENDED.contains(Json.text(change.after(), "status", "phase")))) {
                soon();
            }
        });
    }

    /**
     * From now on nodes are added while pods find no room that such a node would have.
     *
     * @param after real time from the want of a node to the node
     */
    synchronized void grow(NodeShape shape, int most, Duration after, BiFunction<NodeShape, Integer, String> add) {
        growth = new Growth(shape, most, after, add);
        growing = 0;
        grown = 0;
        soon();
    }

    private void soon() {
        if (planned.compareAndSet(false, true)) {
            api.time().after(SOON, () -> {
                planned.set(false);
                pass();
            });
        }
    }

    private static boolean waits(JsonObject pod) {
        return Json.text(pod, "spec", "nodeName").isEmpty() && !Json.deleting(pod) && !ENDED.contains(Json.text(pod, "status", "phase"));
    }

    private synchronized void pass() {
        synchronized (api.store()) {
            var rooms = rooms();
            var homeless = new ArrayList<JsonObject>();
            // The more important first, then the older.
            api.store().list(Resource.PODS, "").stream().filter(Scheduler::waits)
                    .filter(pod -> "default-scheduler".equals(Json.text(pod, "spec", "schedulerName")))
                    .sorted(Comparator.comparing((JsonObject pod) -> -pod.getJsonObject("spec").getInteger("priority", 0))
                            .thenComparing(pod -> Long.parseLong(Json.version(pod))))
                    .forEach(pod -> {
                        if (!place(pod, rooms)) {
                            homeless.add(pod);
                        }
                    });
            wantNodes(homeless);
        }
    }

    private List<Room> rooms() {
        var rooms = new TreeMap<String, Room>();
        for (var node : api.store().list(Resource.NODES, "")) {
            rooms.put(Json.name(node), new Room(node, new TreeMap<>(Requests.amounts(Json.child(Json.child(node, "status"), "allocatable")))));
        }
        for (var pod : api.store().list(Resource.PODS, "")) {
            var room = rooms.get(Json.text(pod, "spec", "nodeName"));
            if (room != null && !ENDED.contains(Json.text(pod, "status", "phase"))) {
                take(pod, room);
            }
        }
        return List.copyOf(rooms.values());
    }

    private static void take(JsonObject pod, Room room) {
        wanted(pod).forEach((resource, amount) -> room.free.merge(resource, amount.negate(), BigDecimal::add));
    }

    private static SortedMap<String, BigDecimal> wanted(JsonObject pod) {
        var wanted = Requests.of(pod);
        wanted.put("pods", BigDecimal.ONE);
        return wanted;
    }

    private boolean place(JsonObject pod, List<Room> rooms) {
        if (!Json.objects(Json.child(pod, "spec"), "schedulingGates").isEmpty()) {
            say(pod, "SchedulingGated", "Scheduling is blocked due to non-empty scheduling gates");
            return true;
        }
        var against = new TreeMap<String, Integer>();
        for (var room : rooms) {
            var why = against(pod, room.node, room.free);
            if (why.isEmpty()) {
                api.bind(Json.namespace(pod), Json.name(pod), Json.name(room.node));
                api.event(pod, "default-scheduler", "Normal", "Scheduled", "Successfully assigned " + Json.namespace(pod) + "/" + Json.name(pod) + " to " + Json.name(room.node));
                take(pod, room);
                return true;
            }
            why.forEach(one -> against.merge(one, 1, Integer::sum));
        }
        var message = rooms.isEmpty() ? "no nodes available to schedule pods" : "0/" + rooms.size() + " nodes are available: "
                + against.entrySet().stream().map(one -> one.getValue() + " " + one.getKey()).sorted().collect(Collectors.joining(", ")) + ".";
        if (say(pod, "Unschedulable", message)) {
            api.event(pod, "default-scheduler", "Warning", "FailedScheduling", message);
        }
        return false;
    }

    private boolean say(JsonObject pod, String reason, String message) {
        var said = Json.conditionOf(pod, "PodScheduled");
        if (reason.equals(said.getString("reason")) && message.equals(said.getString("message"))) {
            return false;
        }
        api.change(Resource.PODS, pod, copy -> Json.condition(copy.getJsonObject("status"), api.time().now(), "PodScheduled", "False", reason, message));
        return true;
    }

    /** Why a node doesn't take a pod; empty if it does. Where it may not be there at all, nobody looks at its room. */
    static List<String> against(JsonObject pod, JsonObject node, Map<String, BigDecimal> free) {
        var spec = Json.child(pod, "spec");
        if (Json.child(node, "spec").getBoolean("unschedulable", false)) {
            return List.of("node(s) were unschedulable");
        }
        var labels = Json.child(Json.meta(node), "labels");
        if (!Json.strings(Json.child(spec, "nodeSelector")).entrySet().stream().allMatch(one -> one.getValue().equals(labels.getString(one.getKey())))
                || !affine(spec, node)) {
            return List.of("node(s) didn't match Pod's node affinity/selector");
        }
        for (var taint : Json.objects(Json.child(node, "spec"), "taints")) {
            if (!"PreferNoSchedule".equals(taint.getString("effect")) && Json.objects(spec, "tolerations").stream().noneMatch(one -> tolerates(one, taint))) {
                return List.of("node(s) had untolerated taint {" + taint.getString("key") + ": " + taint.getString("value", "") + "}");
            }
        }
        var lacks = new ArrayList<String>();
        wanted(pod).forEach((resource, amount) -> {
            if (amount.signum() > 0 && free.getOrDefault(resource, BigDecimal.ZERO).compareTo(amount) < 0) {
                lacks.add(resource.equals("pods") ? "Too many pods" : "Insufficient " + resource);
            }
        });
        return lacks;
    }

    static boolean tolerates(JsonObject toleration, JsonObject taint) {
        var effect = toleration.getString("effect", "");
        var key = toleration.getString("key", "");
        return (effect.isEmpty() || effect.equals(taint.getString("effect"))) && (key.isEmpty() && "Exists".equals(toleration.getString("operator"))
                || key.equals(taint.getString("key")) && ("Exists".equals(toleration.getString("operator"))
                || toleration.getString("value", "").equals(taint.getString("value", ""))));
    }

    /** The affinity that must be kept: one of its terms, with all of the term's expressions. */
    private static boolean affine(JsonObject spec, JsonObject node) {
        var terms = Json.objects(Json.child(Json.child(Json.child(spec, "affinity"), "nodeAffinity"), "requiredDuringSchedulingIgnoredDuringExecution"), "nodeSelectorTerms");
        return terms.isEmpty() || terms.stream().anyMatch(term -> Json.objects(term, "matchExpressions").stream().allMatch(expression -> {
            var value = Json.child(Json.meta(node), "labels").getString(expression.getString("key"));
            var values = expression.getJsonArray("values", new JsonArray());
            return switch (expression.getString("operator", "")) {
                case "In" -> value != null && values.contains(value);
                case "NotIn" -> value == null || !values.contains(value);
                case "Exists" -> value != null;
                case "DoesNotExist" -> value == null;
                default -> false;
            };
        }));
    }

    /** One node at a time for all that wait, as far as one of its shape would take them. */
    private void wantNodes(List<JsonObject> homeless) {
        if (growth == null || growing > 0 || grown >= growth.most) {
            return;
        }
        var empty = Kubelets.node(growth.shape, growth.shape.name() + "-new", api.time().now());
        var free = new TreeMap<>(Requests.amounts(empty.getJsonObject("status").getJsonObject("allocatable")));
        var helped = homeless.stream().filter(pod -> against(pod, empty, free).isEmpty()).toList();
        if (helped.isEmpty()) {
            return;
        }
        growing++;
        helped.forEach(pod -> api.event(pod, "cluster-autoscaler", "Normal", "TriggeredScaleUp", "pod triggered scale-up: [{" + growth.shape.name() + " " + grown + "->"
                + (grown + 1) + " (max: " + growth.most + ")}]"));
        var of = growth;
        api.time().after(of.after, () -> {
            int number;
            synchronized (this) {
                growing--;
                number = ++grown;
            }
            of.add.apply(of.shape, number);
            soon();
        });
    }
}
