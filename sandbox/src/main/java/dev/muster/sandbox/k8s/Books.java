package dev.muster.sandbox.k8s;

import dev.muster.sandbox.CloudBooks;
import dev.muster.sandbox.TimeScale;
import io.vertx.core.json.JsonObject;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;

/** What the cluster itself saw: every pod that ever was, with where it ran, what it ran and how it ended, and how its calls were answered. */
public final class Books extends CloudBooks<JsonObject, Books.Kept, Books.Entry> {

    private final Map<String, Kept> kept = new LinkedHashMap<>();
    private final Function<String, Set<String>> tasks;
    private final Function<String, Map.Entry<BigDecimal, JsonObject>> prices;

    /** A pod as it was last, and when what happened to it. Under the store's lock. */
    static final class Kept {
        private JsonObject pod;
        private Instant created;
        private Instant scheduled;
        private Instant running;
        private Instant ended;
        private Instant gone;
        private BigDecimal dollarsPerHour = BigDecimal.ZERO;
        private boolean live = true;
        private final List<String> marks = new ArrayList<>();
    }

    /**
     * One pod.
     *
     * @param node empty if it never had one
     * @param phase of its status as it was last
     * @param reason why it ended, or waits: of the pod's status, its container, or its condition; empty if none says
     * @param exitCode of its container; null while it has none
     * @param scheduled when it was given its node; null if it never was, as with all that follow
     * @param deleted whether it is, or was, to be deleted before it had ended
     * @param marks each value that {@code muster.dev/mark} had, in order
     * @param tasks ids of the ClearML tasks that began in it
     * @param dollarsPerHour of its share of its node
     */
    public record Entry(String namespace, String name, String uid, SortedMap<String, String> labels, String image, String node, String phase, String reason, Integer exitCode,
            Instant created, Instant scheduled, Instant running, Instant ended, Instant gone, boolean deleted, List<String> marks, List<String> tasks,
            BigDecimal dollarsPerHour, BigDecimal dollars) {
    }

    /** @param prices of a node: per hour, and what it has of each resource */
    Books(Object lock, TimeScale timeScale, Function<String, Set<String>> tasks, Function<String, Map.Entry<BigDecimal, JsonObject>> prices) {
        super(lock, timeScale);
        this.tasks = tasks;
        this.prices = prices;
    }

    void changed(KubeStore.Change change, Instant now) {
        var pod = change.after();
        var one = kept.get(Json.uid(pod));
        if (one == null) {
            one = new Kept();
            one.pod = pod;
            one.created = now;
            kept.put(Json.uid(pod), one);
            began(one);
        }
        one.pod = pod;
        var mark = Json.child(Json.meta(pod), "annotations").getString("muster.dev/mark", "");
        if (!mark.isEmpty() && (one.marks.isEmpty() || !one.marks.get(one.marks.size() - 1).equals(mark))) {
            one.marks.add(mark);
        }
        var node = Json.text(pod, "spec", "nodeName");
        if (one.scheduled == null && !node.isEmpty()) {
            one.scheduled = now;
            one.dollarsPerHour = share(pod, node);
        }
        var phase = Json.text(pod, "status", "phase");
        if (one.running == null && phase.equals("Running")) {
            one.running = now;
        }
        if (one.ended == null && (change.gone() || List.of("Succeeded", "Failed").contains(phase))) {
            one.ended = now;
        }
        if (one.live && (change.gone() || one.ended != null)) {
            one.live = false;
            released(one);
        }
        if (change.gone()) {
            one.gone = now;
        }
    }

    /** Of a node's price, as much as of that which it has most of the pod takes. */
    private BigDecimal share(JsonObject pod, String node) {
        var price = prices.apply(node);
        var has = Requests.amounts(price.getValue());
        var most = BigDecimal.ZERO;
        for (var asked : Requests.of(pod).entrySet()) {
            var of = has.get(asked.getKey());
            if (of != null && of.signum() > 0) {
                most = most.max(asked.getValue().divide(of, 6, RoundingMode.HALF_UP));
            }
        }
        return price.getKey().multiply(most.min(BigDecimal.ONE)).setScale(6, RoundingMode.HALF_UP);
    }

    @Override
    protected Map<String, String> labels(Kept instance) {
        var labels = new HashMap<String, String>();
        Json.strings(Json.child(Json.meta(instance.pod), "labels")).forEach((key, value) -> labels.put(key.replace("muster.dev/", "muster-"), value));
        return labels;
    }

    @Override
    protected Entry entry(Kept one, Instant now) {
        var pod = one.pod;
        var uid = Json.uid(pod);
        var containers = Json.objects(Json.child(pod, "status"), "containerStatuses");
        var terminated = containers.isEmpty() ? new JsonObject() : Json.child(Json.child(containers.get(0), "state"), "terminated");
        var spec = Json.objects(Json.child(pod, "spec"), "containers");
        var until = one.ended == null ? now : one.ended;
        return new Entry(Json.namespace(pod), Json.name(pod), uid, new TreeMap<>(Json.strings(Json.child(Json.meta(pod), "labels"))), spec.get(0).getString("image", ""),
                Json.text(pod, "spec", "nodeName"), Json.text(pod, "status", "phase"), reason(pod, containers, terminated), terminated.getInteger("exitCode"), one.created,
                one.scheduled, one.running, one.ended, one.gone, Json.deleting(pod) && !List.of("Succeeded").contains(Json.text(pod, "status", "phase")), List.copyOf(one.marks),
                List.copyOf(new TreeSet<>(tasks.apply(uid))), one.dollarsPerHour,
                one.scheduled == null ? BigDecimal.ZERO : machineDollars(one.dollarsPerHour, one.scheduled, Duration.between(one.scheduled, until)));
    }

    private static String reason(JsonObject pod, List<JsonObject> containers, JsonObject terminated) {
        for (var said : List.of(Json.text(pod, "status", "reason"), Json.conditionOf(pod, "DisruptionTarget").getString("reason", ""), terminated.getString("reason", ""),
                containers.isEmpty() ? "" : Json.text(containers.get(0), "state", "waiting", "reason"), Json.conditionOf(pod, "PodScheduled").getString("reason", ""))) {
            if (!said.isEmpty()) {
                return said;
            }
        }
        return "";
    }
}
