package dev.muster.sandbox.k8s;

import static dev.muster.sandbox.AdminJson.act;
import static dev.muster.sandbox.AdminJson.json;
import static dev.muster.sandbox.AdminJson.on;
import static dev.muster.sandbox.AdminJson.onConsole;
import static dev.muster.sandbox.AdminJson.onDelete;
import static dev.muster.sandbox.AdminJson.onHeld;
import static dev.muster.sandbox.AdminJson.required;
import static dev.muster.sandbox.AdminJson.seconds;

import dev.muster.sandbox.HeldCalls;
import dev.muster.sandbox.k8s.Faults.ApiFault;
import dev.muster.sandbox.k8s.PodFaults.ImageFault;
import dev.muster.sandbox.k8s.PodFaults.PodFault;
import dev.muster.sandbox.k8s.PodFaults.PodFilter;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What {@link KubeServer} can be asked to do, over HTTP with JSON objects; its methods say what each does.
 *
 * <pre>
 * GET    /k8s/books
 * POST   /k8s/faults/calls          {action?, times?, kind: refuse|too-many-requests|lose-answer|cut-answer|slow|held|held-answer, status?, reason?, message?, seconds?}
 * POST   /k8s/faults/denials        {verb, resource, namespace?, over?}
 * POST   /k8s/faults/pods           {pool?, name?, times?, kind: out-of-memory|exit|evicted|never-starts|slow-start, seconds?, code?}
 * POST   /k8s/faults/images         {image, kind: missing|denied|slow|fine, seconds?}
 * DELETE /k8s/faults
 * GET    /k8s/held, POST {fate}
 * POST   /k8s/watches               {kind: expire|cut|stall|go-on}
 * POST   /k8s/history/forgotten
 * POST   /k8s/quotas                {namespace, name, hard: {…}}
 * POST   /k8s/nodes                 {name, cpu?, memory?, gpus?, dollarsPerHour?, count?}
 * POST   /k8s/growth                {name, cpu?, memory?, gpus?, dollarsPerHour?, most, seconds}
 * POST   /k8s/nodes/{node}/kill, shut-down, remove
 * POST   /k8s/pods/{namespace}/{pod}/evict, preempt, out-of-memory, delete, delete-now
 * GET    /k8s/pods/{namespace}/{pod}/console, /k8s/instances/{uid}/console
 * POST   /k8s/tokens/revoked        {user?}
 * </pre>
 */
final class AdminRoutes {

    private final KubeServer server;

    AdminRoutes(KubeServer server) {
        this.server = server;
    }

    void mount(Router router) {
        router.get("/k8s/books").blockingHandler(context -> json(context, 200, books()));
        on(router, "/k8s/faults/calls", Set.of("action", "times", "kind", "status", "reason", "message", "seconds"),
                body -> server.faults().onCall(body.getString("action"), body.getInteger("times", 1), apiFault(body)));
        on(router, "/k8s/faults/denials", Set.of("verb", "resource", "namespace", "over"), body -> {
            var denial = new Faults.Denial(required(body, "verb"), required(body, "resource"), body.getString("namespace"));
            if (Boolean.TRUE.equals(body.getBoolean("over"))) {
                server.faults().allow(denial);
            } else {
                server.faults().deny(denial);
            }
        });
        on(router, "/k8s/faults/pods", Set.of("pool", "name", "times", "kind", "seconds", "code"),
                body -> server.kubelets().faults().onPod(new PodFilter(body.getString("pool"), body.getString("name")), body.getInteger("times", 1), podFault(body)));
        on(router, "/k8s/faults/images", Set.of("image", "kind", "seconds"), body -> server.kubelets().faults().onImage(required(body, "image"), imageFault(body)));
        onDelete(router, "/k8s/faults", () -> {
            server.faults().reset();
            server.kubelets().faults().reset();
        });
        onHeld(router, "/k8s/held", "action", server::held, server::release);
        on(router, "/k8s/watches", Set.of("kind"), body -> {
            switch (required(body, "kind")) {
                case "expire" -> server.expireWatches();
                case "cut" -> server.cutWatches();
                case "stall" -> server.stallWatches(true);
                case "go-on" -> server.stallWatches(false);
                default -> throw new IllegalArgumentException("kind is " + body.getString("kind") + "; it must be expire, cut, stall or go-on");
            }
        });
        router.post("/k8s/history/forgotten").handler(context -> act(context, server::compact));
        on(router, "/k8s/quotas", Set.of("namespace", "name", "hard"), body -> server.quota(required(body, "namespace"), required(body, "name"),
                Json.strings(body.getJsonObject("hard", new JsonObject()))));
        // What adds or removes a node calls the server itself, which serves on this very thread, perhaps.
        blocking(router, "/k8s/nodes", body -> {
            for (int i = 0; i < body.getInteger("count", 1); i++) {
                server.kubelets().add(shape(body));
            }
        });
        on(router, "/k8s/growth", Set.of("name", "cpu", "memory", "gpus", "dollarsPerHour", "most", "seconds"),
                body -> server.grow(shape(body), body.getInteger("most", 1), seconds(body)));
        on(router, "/k8s/tokens/revoked", Set.of("user"), body -> server.revoke(body.getString("user", KubeServer.PROVISIONER)));
        router.post("/k8s/nodes/:node/:what").handler(context -> act(context, () -> {
            var node = context.pathParam("node");
            switch (context.pathParam("what")) {
                case "kill" -> server.kubelets().kill(node);
                case "shut-down" -> server.kubelets().shutDown(node);
                case "remove" -> server.removeNode(node);
                default -> throw new IllegalArgumentException("there is no " + context.pathParam("what") + "; there are kill, shut-down and remove");
            }
        }));
        router.post("/k8s/pods/:namespace/:pod/:what").handler(context -> act(context, () -> {
            var namespace = context.pathParam("namespace");
            var pod = context.pathParam("pod");
            switch (context.pathParam("what")) {
                case "evict" -> server.kubelets().evict(namespace, pod);
                case "preempt" -> server.preempt(namespace, pod);
                case "out-of-memory" -> server.kubelets().outOfMemory(namespace, pod);
                case "delete" -> server.delete(namespace, pod, false);
                case "delete-now" -> server.delete(namespace, pod, true);
                default -> throw new IllegalArgumentException("there is no " + context.pathParam("what") + "; there are evict, preempt, out-of-memory, delete and delete-now");
            }
        }));
        onConsole(router, "/k8s/instances", server.kubelets()::log);
        router.get("/k8s/pods/:namespace/:pod/console").handler(context -> {
            try {
                context.response().putHeader("Content-Type", "text/plain;charset=UTF-8").end(server.kubelets().log(context.pathParam("namespace"), context.pathParam("pod")));
            } catch (IllegalArgumentException unknown) {
                json(context, 404, new JsonObject().put("error", unknown.getMessage()));
            }
        });
    }

    private static void blocking(Router router, String path, java.util.function.Consumer<JsonObject> act) {
        router.post(path).handler(io.vertx.ext.web.handler.BodyHandler.create(false)).blockingHandler(context ->
                act(context, () -> act.accept(context.body().buffer() == null ? new JsonObject() : context.body().buffer().toJsonObject())));
    }

    private static NodeShape shape(JsonObject body) {
        return NodeShape.of(required(body, "name"), body.getString("cpu", "4"), body.getString("memory", "16Gi"), body.getInteger("gpus", 0),
                new BigDecimal(String.valueOf(body.getValue("dollarsPerHour", "0"))).toPlainString());
    }

    private static ApiFault apiFault(JsonObject body) {
        return switch (required(body, "kind")) {
            case "refuse" -> new ApiFault.Refuse(body.getInteger("status", 500), body.getString("reason", "InternalError"),
                    body.getString("message", "Internal error occurred: etcdserver: leader changed"), null);
            case "too-many-requests" -> ApiFault.Refuse.tooManyRequests((int) Math.max(1, Math.round(body.getDouble("seconds", 1.0))));
            case "lose-answer" -> new ApiFault.LoseAnswer(false);
            case "cut-answer" -> new ApiFault.LoseAnswer(true);
            case "slow" -> new ApiFault.Slow(seconds(body));
            case "held" -> new ApiFault.Held(HeldCalls.Moment.BEFORE_EFFECT);
            case "held-answer" -> new ApiFault.Held(HeldCalls.Moment.BEFORE_ANSWER);
            default -> throw new IllegalArgumentException("kind is " + body.getString("kind")
                    + "; it must be refuse, too-many-requests, lose-answer, cut-answer, slow, held or held-answer");
        };
    }

    private static PodFault podFault(JsonObject body) {
        return switch (required(body, "kind")) {
            case "out-of-memory" -> new PodFault.OutOfMemory(seconds(body));
            case "exit" -> new PodFault.Exits(body.getInteger("code", 1), seconds(body));
            case "evicted" -> new PodFault.Evicted(seconds(body));
            case "never-starts" -> new PodFault.NeverStarts();
            case "slow-start" -> new PodFault.SlowStart(seconds(body));
            default -> throw new IllegalArgumentException("kind is " + body.getString("kind") + "; it must be out-of-memory, exit, evicted, never-starts or slow-start");
        };
    }

    private static ImageFault imageFault(JsonObject body) {
        return switch (required(body, "kind")) {
            case "missing" -> new ImageFault.Missing();
            case "denied" -> new ImageFault.Denied();
            case "slow" -> new ImageFault.Slow(seconds(body));
            case "fine" -> null;
            default -> throw new IllegalArgumentException("kind is " + body.getString("kind") + "; it must be missing, denied, slow or fine");
        };
    }

    private JsonObject books() {
        var books = server.books();
        var pods = new JsonArray();
        var dollars = BigDecimal.ZERO;
        for (var entry : books.instances(Instant.now())) {
            pods.add(new JsonObject().put("namespace", entry.namespace()).put("name", entry.name()).put("uid", entry.uid()).put("labels", new JsonObject(map(entry.labels())))
                    .put("image", entry.image()).put("node", entry.node()).put("phase", entry.phase()).put("reason", entry.reason()).put("exitCode", entry.exitCode())
                    .put("created", entry.created()).put("scheduled", entry.scheduled()).put("running", entry.running()).put("ended", entry.ended()).put("gone", entry.gone())
                    .put("deleted", entry.deleted()).put("marks", new JsonArray(entry.marks())).put("tasks", new JsonArray(entry.tasks()))
                    .put("dollarsPerHour", entry.dollarsPerHour()).put("dollars", entry.dollars()));
            dollars = dollars.add(entry.dollars());
        }
        return new JsonObject().put("answers", books.answers()).put("pods", pods).put("nodes", new JsonArray(server.kubelets().nodes().stream().toList()))
                .put("watches", server.watches()).put("live", books.live()).put("peak", books.peak()).put("peakByLabel", books.peaks()).put("dollars", dollars);
    }

    private static Map<String, Object> map(Map<String, String> labels) {
        return new TreeMap<>(labels);
    }
}
