package dev.muster.sandbox.k8s;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.muster.sandbox.TimeScale;
import dev.muster.sandbox.machine.MachineImage;
import dev.muster.sandbox.process.Certificate;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.core.net.PfxOptions;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Nodes of a cluster that run pods as simulated machines. To the API server, which may be the stand-in's or a real one, they are kubelets: they
 * register nodes, renew leases, report every pod's state, honour its deletion, and serve its log.
 */
public final class Kubelets implements AutoCloseable {

    private static final int WORKERS = 3;
    /** Exactly six digits, or a real server doesn't take it. */
    private static final DateTimeFormatter MICROS = DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'").withZone(ZoneOffset.UTC);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";

    /**
     * How long things take on a node.
     *
     * @param pull of an image that the node hasn't got, in machine time
     * @param start of a container whose image is there, in machine time
     * @param heartbeat between two renewals of a node's lease, by the real clock: others wait for it
     */
    public record Pace(Duration pull, Duration start, Duration heartbeat) {
        public static final Pace USUAL = new Pace(Duration.ofSeconds(10), Duration.ofSeconds(1), Duration.ofSeconds(10));
    }

    private final KubernetesClient client;
    private final MachineImage image;
    private final TimeScale scale;
    private final Pace pace;
    private final PodFaults faults = new PodFaults();
    private final Map<String, Node> nodes = new ConcurrentHashMap<>();
    private final Map<String, PodRun> pods = new ConcurrentHashMap<>();
    /** What each pod that ever ran wrote, and the tasks that began in it: their objects are gone sooner than people ask. */
    private final Map<String, Console> consoles = new ConcurrentHashMap<>();
    private final Map<String, BigDecimal> prices = new ConcurrentHashMap<>();
    private final Map<String, AtomicInteger> named = new ConcurrentHashMap<>();
    private final ScheduledThreadPoolExecutor work;
    /** Of its own: a node with much to do must not seem lost. */
    private final ScheduledThreadPoolExecutor hearts;
    private SharedIndexInformer<Pod> informer;
    private HttpServer logs;
    private volatile boolean closed;

    /**
     * @param images that it has pulled
     * @param on false: it has no power
     * @param leaving it is being shut down, and takes no more pods
     * @param renewed when its server last took its lease, as {@link System#nanoTime}
     */
    private record Node(NodeShape shape, Set<String> images, AtomicBoolean on, AtomicBoolean leaving, AtomicLong renewed) {
    }

    private Kubelets(KubernetesClient client, MachineImage image, TimeScale scale, Pace pace) {
        this.client = client;
        this.image = image;
        this.scale = scale;
        this.pace = pace;
        this.work = executor(WORKERS, "kubelets");
        this.hearts = executor(1, "kubelets-heartbeat");
    }

    private static ScheduledThreadPoolExecutor executor(int threads, String name) {
        var executor = new ScheduledThreadPoolExecutor(threads, task -> {
            var thread = new Thread(task, name);
            thread.setDaemon(true);
            return thread;
        }, new ThreadPoolExecutor.DiscardPolicy());
        executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        executor.setContinueExistingPeriodicTasksAfterShutdownPolicy(false);
        return executor;
    }

    /**
     * Begins to watch for pods; there are no nodes yet.
     *
     * @param vertx whose event loops serve logs; stays the caller's to close
     * @param client with all rights; stays the caller's to close
     * @param image what runs in every pod
     */
    public static Kubelets start(Vertx vertx, KubernetesClient client, MachineImage image, TimeScale scale, Pace pace) {
        var kubelets = new Kubelets(client, image, scale, pace);
        var certificate = Certificate.own();
        kubelets.logs = vertx.createHttpServer(new HttpServerOptions().setHost("127.0.0.1").setPort(0).setSsl(true)
                        .setKeyCertOptions(new PfxOptions().setValue(Buffer.buffer(certificate.keyStore())).setPassword(certificate.password())))
                .requestHandler(new KubeletLogs(kubelets::console)::answer).listen().toCompletionStage().toCompletableFuture().join();
        kubelets.informer = client.pods().inAnyNamespace().inform(new ResourceEventHandler<>() {
            @Override
            public void onAdd(Pod pod) {
                kubelets.seen(pod);
            }

            @Override
            public void onUpdate(Pod old, Pod pod) {
                kubelets.seen(pod);
            }

            @Override
            public void onDelete(Pod pod, boolean unknown) {
                var run = kubelets.pods.remove(pod.getMetadata().getUid());
                if (run != null) {
                    kubelets.later(Duration.ZERO, run::vanished);
                }
            }
        });
        long every = pace.heartbeat().toMillis();
        kubelets.hearts.scheduleWithFixedDelay(kubelets::heartbeat, every, every, TimeUnit.MILLISECONDS);
        return kubelets;
    }

    // Nodes.

    /** A node of this shape joins the cluster, ready; its name. */
    public String add(NodeShape shape) {
        var name = shape.name() + "-" + named.computeIfAbsent(shape.name(), first -> new AtomicInteger()).incrementAndGet();
        prices.put(name, shape.dollarsPerHour());
        nodes.put(name, new Node(shape, ConcurrentHashMap.newKeySet(), new AtomicBoolean(true), new AtomicBoolean(), new AtomicLong(System.nanoTime())));
        var node = node(shape, name, Instant.now());
        node.getJsonObject("status").put("daemonEndpoints", new JsonObject().put("kubeletEndpoint", new JsonObject().put("Port", logs.actualPort())));
        raw("/api/v1/nodes", "POST", node);
        renew(name);
        // A real server keeps no status that a new object brings, and has the node tainted until it says that it is ready.
        raw("/api/v1/nodes/" + name + "/status", "PATCH", new JsonObject().put("status", node.getJsonObject("status")));
        return name;
    }

    /** As a kubelet registers it. */
    static JsonObject node(NodeShape shape, String name, Instant now) {
        var capacity = new JsonObject();
        shape.capacity().forEach(capacity::put);
        var labels = new JsonObject().put("kubernetes.io/hostname", name).put("kubernetes.io/os", "linux").put("kubernetes.io/arch", "amd64")
                .put("node.kubernetes.io/instance-type", shape.name());
        shape.labels().forEach(labels::put);
        var status = new JsonObject().put("capacity", capacity).put("allocatable", capacity.copy())
                // No host name, which a server would ask for first and which nobody knows.
                .put("addresses", new JsonArray().add(new JsonObject().put("type", "InternalIP").put("address", "127.0.0.1")))
                .put("nodeInfo", new JsonObject().put("kubeletVersion", Discovery.VERSION).put("kubeProxyVersion", Discovery.VERSION).put("operatingSystem", "linux")
                        .put("architecture", "amd64").put("containerRuntimeVersion", "containerd://1.7.20").put("osImage", "Muster sandbox").put("kernelVersion", "6.1.0")
                        .put("machineID", name).put("systemUUID", name).put("bootID", name));
        for (var pressure : java.util.List.of("Memory", "Disk", "PID")) {
            condition(status, now, pressure + "Pressure", "False", "KubeletHasNo" + pressure + "Pressure", "kubelet has no " + pressure.toLowerCase(java.util.Locale.ROOT) + " pressure");
        }
        condition(status, now, "Ready", "True", "KubeletReady", "kubelet is posting ready status");
        var spec = new JsonObject().put("providerID", "muster-sandbox://" + name);
        if (!shape.taints().isEmpty()) {
            spec.put("taints", new JsonArray(shape.taints().stream().map(taint -> new JsonObject().put("key", taint.key()).put("value", taint.value())
                    .put("effect", taint.effect())).toList()));
        }
        return new JsonObject().put("kind", "Node").put("apiVersion", "v1").put("metadata", new JsonObject().put("name", name).put("labels", labels)).put("spec", spec)
                .put("status", status);
    }

    private static void condition(JsonObject status, Instant now, String type, String value, String reason, String message) {
        Json.condition(status, now, type, value, reason, message);
        Json.objects(status, "conditions").stream().filter(one -> one.getString("type").equals(type)).forEach(one -> {
            one.remove("lastProbeTime");
            one.put("lastHeartbeatTime", Json.time(now));
        });
    }

    private void heartbeat() {
        nodes.forEach((name, node) -> {
            if (node.on.get() && !closed) {
                try {
                    renew(name);
                    // Its server may have called it lost meanwhile, which only a new status takes back.
                    if (System.nanoTime() - node.renewed.getAndSet(System.nanoTime()) > pace.heartbeat().multipliedBy(5).dividedBy(4).toNanos()) {
                        status(name);
                    }
                } catch (KubernetesClientException silent) {
                    // The next one tells; a node that stays silent is lost, as it should be.
                }
            }
        });
    }

    private void renew(String name) {
        var spec = new JsonObject().put("spec", new JsonObject().put("holderIdentity", name).put("leaseDurationSeconds", 40)
                .put("renewTime", MICROS.format(Instant.now())));
        try {
            raw(LEASES + "/" + name, "PATCH", spec);
        } catch (KubernetesClientException missing) {
            if (missing.getCode() != 404) {
                throw missing;
            }
            raw(LEASES, "POST", spec.put("kind", "Lease").put("apiVersion", "coordination.k8s.io/v1").put("metadata", new JsonObject().put("name", name)));
        }
    }

    /** Names of those that have power. */
    public Set<String> nodes() {
        var on = new java.util.TreeSet<String>();
        nodes.forEach((name, node) -> {
            if (node.on.get()) {
                on.add(name);
            }
        });
        return on;
    }

    /** Cuts a node's power: its pods end without a word, and the cluster finds out by its silence. */
    public void kill(String node) {
        of(node).on.set(false);
        pods.values().stream().filter(run -> run.node().equals(node)).forEach(PodRun::cutPower);
    }

    /** Shuts a node down in good order, as when its cloud takes it back: each pod is told to end, and its status says why. The node's object stays. */
    public void shutDown(String node) {
        of(node).leaving.set(true);
        later(Duration.ZERO, () -> status(node));
        pods.values().stream().filter(run -> run.node().equals(node)).forEach(run -> later(Duration.ZERO, run::shutDown));
        later(scale.real(Duration.ofSeconds(PodRun.SHUTDOWN_SECONDS + 2)), () -> of(node).on.set(false));
    }

    private void status(String node) {
        var status = new JsonObject().put("conditions", node(of(node).shape, node, Instant.now()).getJsonObject("status").getJsonArray("conditions"));
        if (of(node).leaving.get()) {
            condition(status, Instant.now(), "Ready", "False", "KubeletNotReady", "node is shutting down");
        }
        raw("/api/v1/nodes/" + node + "/status", "PATCH", new JsonObject().put("status", status));
    }

    private Node of(String node) {
        var found = nodes.get(node);
        if (found == null) {
            throw new IllegalArgumentException("there is no node " + node + "; there are " + nodes.keySet().stream().sorted().toList());
        }
        return found;
    }

    // Pods.

    public PodFaults faults() {
        return faults;
    }

    /** The node runs out of memory and throws the pod out. */
    public void evict(String namespace, String pod) {
        var run = run(namespace, pod);
        later(Duration.ZERO, run::evict);
    }

    /** The kernel kills the pod's container for the memory that it takes. */
    public void outOfMemory(String namespace, String pod) {
        var run = run(namespace, pod);
        later(Duration.ZERO, run::outOfMemory);
    }

    /** The pod's first process ends by itself. */
    public void exit(String namespace, String pod, int code) {
        run(namespace, pod).exit(code);
    }

    /** What a pod wrote, also of one that is gone. @throws IllegalArgumentException if there never was one on a node */
    public String log(String namespace, String pod) {
        var console = console(namespace, pod).orElseThrow(() -> new IllegalArgumentException("no pod " + namespace + "/" + pod + " ever ran here"));
        return text(console);
    }

    /** As above. @param uid of the pod */
    public String log(String uid) {
        var console = consoles.get(uid);
        if (console == null) {
            throw new IllegalArgumentException("no pod with uid " + uid + " ever ran here");
        }
        return text(console);
    }

    private static String text(Console console) {
        var text = new StringBuilder();
        console.lines().forEach(line -> text.append(line.text()).append('\n'));
        return text.toString();
    }

    private PodRun run(String namespace, String name) {
        return pods.values().stream().filter(run -> run.is(namespace, name)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no pod " + namespace + "/" + name + " is on a node"));
    }

    private Optional<Console> console(String namespace, String name) {
        return consoles.values().stream().filter(console -> console.is(namespace, name)).max(java.util.Comparator.comparing(Console::began));
    }

    /** Tasks that began in a pod. @param uid of the pod */
    Set<String> tasks(String uid) {
        var console = consoles.get(uid);
        return console == null ? Set.of() : console.tasks();
    }

    Optional<BigDecimal> price(String node) {
        return Optional.ofNullable(prices.get(node));
    }

    private void seen(Pod pod) {
        var name = pod.getSpec().getNodeName();
        var node = name == null ? null : nodes.get(name);
        if (node == null || closed) {
            return;
        }
        var uid = pod.getMetadata().getUid();
        var known = pods.get(uid);
        if (known == null && java.util.List.of("Succeeded", "Failed").contains(pod.getStatus().getPhase())) {
            return;
        }
        var run = pods.computeIfAbsent(uid, first -> new PodRun(this, pod, consoles.computeIfAbsent(uid,
                made -> new Console(pod.getMetadata().getNamespace(), pod.getMetadata().getName(), Instant.now()))));
        later(Duration.ZERO, () -> run.seen(pod));
    }

    /** As a real kubelet, that its server can't reach another by its name. */
    boolean hasPower(String node) {
        return nodes.get(node).on.get() && !closed;
    }

    boolean isLeaving(String node) {
        return nodes.get(node).leaving.get();
    }

    Set<String> imagesOf(String node) {
        return nodes.get(node).images;
    }

    Pace pace() {
        return pace;
    }

    TimeScale scale() {
        return scale;
    }

    KubernetesClient client() {
        return client;
    }

    MachineImage image() {
        return image;
    }

    /** On a thread that may block. @param wait real */
    void later(Duration wait, Runnable what) {
        work.schedule(() -> {
            try {
                what.run();
            } catch (KubernetesClientException lost) {
                if (!closed) {
                    // As a kubelet's worker: it tries again until the server has it.
                    later(Duration.ofSeconds(1), what);
                }
            }
        }, wait.toNanos(), TimeUnit.NANOSECONDS);
    }

    /** One call with a body. */
    String raw(String path, String method, JsonObject body) {
        if (method.equals("PATCH")) {
            return patch(path, body);
        }
        try {
            return client.raw(path, method, JSON.readTree(body.encode()));
        } catch (JsonProcessingException impossible) {
            throw new IllegalStateException("what was just written can be read", impossible);
        }
    }

    private String patch(String path, JsonObject body) {
        var steps = path.split("/");
        if (path.startsWith(LEASES)) {
            return String.valueOf(client.leases().inNamespace("kube-node-lease").withName(steps[steps.length - 1])
                    .patch(PatchContext.of(PatchType.JSON_MERGE), body.encode()));
        }
        return String.valueOf(client.nodes().withName(steps[steps.length - 2]).subresource("status").patch(PatchContext.of(PatchType.STRATEGIC_MERGE), body.encode()));
    }

    @Override
    public void close() {
        closed = true;
        pods.values().forEach(PodRun::cutPower);
        work.shutdown();
        hearts.shutdown();
        informer.close();
        logs.close();
    }
}
