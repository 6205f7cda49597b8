package dev.muster.sandbox.k8s;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The controllers that a pod's life needs: a silent node is told unreachable and its pods are deleted, pods of a node that is gone go with it, and so does what is in a namespace. */
final class NodeLife {

    private static final Duration LOOK = Duration.ofMillis(250);
    private static final Duration COLLECT = Duration.ofSeconds(20);
    private static final String NOT_READY = "node.kubernetes.io/not-ready";
    private static final String UNREACHABLE = "node.kubernetes.io/unreachable";

    private final KubeApi api;
    private final ClusterConfig config;
    /** Since when pods are on a node that isn't there, and nodes are unreachable. */
    private final Map<String, Instant> since = new HashMap<>();

    NodeLife(KubeApi api, ClusterConfig config) {
        this.api = api;
        this.config = config;
    }

    void start() {
        api.time().after(LOOK, () -> {
            synchronized (api.store()) {
                nodes();
                orphans();
                namespaces();
            }
            start();
        });
    }

    private Instant now() {
        return api.time().now();
    }

    private void nodes() {
        var all = api.store().list(Resource.NODES, "");
        // Where all are silent, the controller takes itself for the one that is cut off, and evicts nobody.
        var oneIsHeard = all.stream().anyMatch(node -> !isSilent(node));
        for (var node : all) {
            boolean lost = isSilent(node);
            var ready = Json.conditionOf(node, "Ready").getString("status", "");
            boolean told = tainted(node, "NoSchedule");
            if (lost && !told) {
                api.change(Resource.NODES, node, copy -> {
                    for (var type : List.of("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")) {
                        Json.condition(copy.getJsonObject("status"), now(), type, "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.");
                    }
                    var taints = new JsonArray();
                    Json.objects(Json.made(copy, "spec"), "taints").forEach(taints::add);
                    copy.getJsonObject("spec").put("taints", taints.add(taint("NoSchedule")));
                });
                podsOf(Json.name(node)).forEach(pod -> {
                    api.event(pod, "node-controller", "Warning", "NodeNotReady", "Node is not ready");
                    api.change(Resource.PODS, pod, copy -> {
                        if (Json.conditionOf(copy, "Ready").getString("status", "").equals("True")) {
                            Json.condition(copy.getJsonObject("status"), now(), "Ready", "False", "", "");
                        }
                    });
                });
            } else if (lost && oneIsHeard && !tainted(node, "NoExecute")) {
                api.change(Resource.NODES, node, copy -> copy.getJsonObject("spec").getJsonArray("taints").add(taint("NoExecute")));
                since.put(Json.name(node), now());
            } else if (!lost && told && ready.equals("True")) {
                api.change(Resource.NODES, node, copy -> {
                    var taints = new JsonArray();
                    Json.objects(Json.child(copy, "spec"), "taints").stream().filter(taint -> !UNREACHABLE.equals(taint.getString("key"))).forEach(taints::add);
                    copy.getJsonObject("spec").put("taints", taints);
                });
                since.remove(Json.name(node));
            } else if (tainted(node, "NoExecute")) {
                evict(node);
            } else if (!lost && ready.equals("False") && Json.objects(Json.child(node, "spec"), "taints").stream().noneMatch(taint -> NOT_READY.equals(taint.getString("key")))) {
                api.change(Resource.NODES, node, copy -> {
                    var taints = new JsonArray();
                    Json.objects(Json.made(copy, "spec"), "taints").forEach(taints::add);
                    copy.getJsonObject("spec").put("taints", taints.add(new JsonObject().put("key", NOT_READY).put("effect", "NoSchedule").put("timeAdded", Json.time(now()))));
                });
            }
        }
    }

    private boolean isSilent(JsonObject node) {
        return api.store().get(Resource.LEASES, "kube-node-lease", Json.name(node)).map(lease -> Json.text(lease, "spec", "renewTime"))
                .filter(text -> !text.isEmpty()).filter(renewed -> Instant.parse(renewed).plus(config.lostAfter()).isBefore(now())).isPresent();
    }

    private JsonObject taint(String effect) {
        return new JsonObject().put("key", UNREACHABLE).put("effect", effect).put("timeAdded", Json.time(now()));
    }

    private static boolean tainted(JsonObject node, String effect) {
        return Json.objects(Json.child(node, "spec"), "taints").stream().anyMatch(taint -> UNREACHABLE.equals(taint.getString("key")) && effect.equals(taint.getString("effect")));
    }

    private List<JsonObject> podsOf(String node) {
        return api.store().list(Resource.PODS, "").stream().filter(pod -> node.equals(Json.text(pod, "spec", "nodeName"))).toList();
    }

    /** Each pod stays on an unreachable node as long as it says that it tolerates it. */
    private void evict(JsonObject node) {
        var taint = new JsonObject().put("key", UNREACHABLE).put("effect", "NoExecute");
        var lost = since.getOrDefault(Json.name(node), now());
        for (var pod : podsOf(Json.name(node))) {
            if (Json.deleting(pod)) {
                continue;
            }
            var tolerations = Json.objects(Json.child(pod, "spec"), "tolerations").stream().filter(one -> Scheduler.tolerates(one, taint)).toList();
            var forEver = tolerations.stream().anyMatch(one -> one.getValue("tolerationSeconds") == null);
            var seconds = tolerations.stream().mapToInt(one -> one.getInteger("tolerationSeconds", 0)).min().orElse(0);
            if (!forEver && !now().isBefore(lost.plus(config.timeScale().real(Duration.ofSeconds(seconds))))) {
                api.event(pod, "taint-eviction-controller", "Normal", "TaintManagerEviction", "Marking for deletion Pod " + Json.namespace(pod) + "/" + Json.name(pod));
                // One that has ended is gone at once: who has not read how will never do.
                api.evict(pod, "DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint", KubeApi.DeleteOptions.PLAIN);
            }
        }
    }

    /** Pods of a node that is no object any more: nobody else will say how they ended. */
    private void orphans() {
        for (var pod : api.store().list(Resource.PODS, "")) {
            var node = Json.text(pod, "spec", "nodeName");
            var key = Json.uid(pod);
            if (node.isEmpty() || api.store().get(Resource.NODES, "", node).isPresent()) {
                since.remove(key);
                continue;
            }
            if (since.computeIfAbsent(key, first -> now()).plus(config.timeScale().real(COLLECT)).isAfter(now())) {
                continue;
            }
            since.remove(key);
            var failed = api.change(Resource.PODS, pod, copy -> {
                var status = Json.made(copy, "status");
                if (!List.of("Succeeded", "Failed").contains(status.getString("phase"))) {
                    status.put("phase", "Failed");
                    Json.condition(status, now(), "DisruptionTarget", "True", "DeletionByPodGC", "PodGC: node no longer exists");
                }
            });
            api.delete(Resource.PODS, failed, new KubeApi.DeleteOptions(0, "", "", false));
        }
    }

    private void namespaces() {
        for (var namespace : api.store().list(Resource.NAMESPACES, "")) {
            if (!Json.deleting(namespace)) {
                continue;
            }
            var name = Json.name(namespace);
            var pods = api.store().list(Resource.PODS, name);
            pods.stream().filter(pod -> !Json.deleting(pod)).forEach(pod -> api.delete(Resource.PODS, pod, KubeApi.DeleteOptions.PLAIN));
            if (api.store().list(Resource.PODS, name).isEmpty()) {
                for (var resource : Resource.ALL) {
                    if (resource.namespaced()) {
                        api.store().list(resource, name).forEach(object -> api.store().remove(resource, object));
                    }
                }
                api.store().remove(Resource.NAMESPACES, namespace);
            }
        }
    }
}
