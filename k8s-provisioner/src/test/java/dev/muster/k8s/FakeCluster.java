package dev.muster.k8s;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.server.mock.KubernetesCrudDispatcher;
import io.fabric8.kubernetes.client.server.mock.KubernetesMockServer;
import io.fabric8.mockwebserver.Context;
import io.fabric8.mockwebserver.MockWebServer;
import io.fabric8.mockwebserver.http.Buffer;
import io.fabric8.mockwebserver.http.Headers;
import io.fabric8.mockwebserver.http.MockResponse;
import io.fabric8.mockwebserver.http.RecordedRequest;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.UnaryOperator;

/**
 * A cluster without nodes: the library's mock server, and what an API server does beside it: preconditions, quotas, refusals, logs. Nothing happens to a
 * pod unless the test does it.
 */
final class FakeCluster extends KubernetesCrudDispatcher implements AutoCloseable {

    static final Scope SCOPE = new Scope("k8s", "lab", "ml");
    static final Offer OFFER = new Offer(SCOPE, "", "", "pod", Offer.Market.ON_DEMAND);
    static final K8sAccounts.Account ACCOUNT = new K8sAccounts.Account(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), List.of("ml"),
            Optional.of("lab/agent:1"), "muster-machines", "muster-machines");
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String PODS = "/api/v1/namespaces/ml/pods";

    private final KubernetesMockServer server;
    final KubernetesClient client;
    private final List<PodMachines> made = new CopyOnWriteArrayList<>();
    private final Map<String, Integer> counts = new TreeMap<>();
    private final Map<String, String> logs = new ConcurrentHashMap<>();
    private final Map<String, Deque<Function<RecordedRequest, MockResponse>>> faults = new HashMap<>();
    private volatile boolean placing;
    private volatile int room = Integer.MAX_VALUE;

    FakeCluster() {
        server = new KubernetesMockServer(new Context(), new MockWebServer(), new HashMap<>(), this, false);
        server.init();
        client = client();
    }

    private KubernetesClient client() {
        return new KubernetesClientBuilder().withConfig(K8sAccounts.paced(server.createClient().getConfiguration())).build();
    }

    K8sAccounts accounts() {
        return new K8sAccounts(Map.of("lab", ACCOUNT), name -> client());
    }

    /** One that knows nothing yet, as after a restart. */
    PodMachines machines() {
        return machines((connection, task) -> {
            throw new ProviderException(FailureKind.EXPIRED, "TaskGone", "no task is queued here");
        }, Clock.systemUTC());
    }

    PodMachines machines(TaskWishes wishes, Clock clock) {
        return machines(wishes, clock, System::nanoTime);
    }

    PodMachines machines(TaskWishes wishes, Clock clock, LongSupplier nanos) {
        var machines = new PodMachines(accounts(), "lab", wishes, Optional.empty(), clock, nanos);
        made.add(machines);
        return machines;
    }

    // Faults, each used up by one request.

    /** @param what method and kind of path, as {@link #count} has them */
    synchronized void next(String what, Function<RecordedRequest, MockResponse> answer) {
        faults.computeIfAbsent(what, none -> new ArrayDeque<>()).add(answer);
    }

    void refuseNext(String what, int code, String reason, String message) {
        next(what, request -> status(code, reason, message));
    }

    /** The request has its effect, and a gateway answers in the server's place. */
    void loseNextAnswer(String what) {
        next(what, request -> {
            passed(request);
            return status(504, "Timeout", "gateway timed out");
        });
    }

    synchronized void heal() {
        faults.clear();
    }

    /** As without a fault. A server gives every pod a status. */
    MockResponse passed(RecordedRequest request) {
        if (!request.getMethod().equals("POST") || !request.getPath().startsWith(PODS)) {
            return super.dispatch(request);
        }
        var pod = (ObjectNode) json(request.getUtf8Body());
        pod.putObject("status").put("phase", placing ? "Running" : "Pending");
        if (placing) {
            ((ObjectNode) pod.get("spec")).put("nodeName", "node-1");
        }
        var answer = super.dispatch(with(request, request.getHeaders(), pod.toString()));
        var name = pod.at("/metadata/name").asText();
        // Without a reason, as the mock says it.
        return answer.code() == 409 ? status(409, "AlreadyExists", "pods \"" + name + "\" already exists") : answer;
    }

    private static RecordedRequest with(RecordedRequest request, Headers headers, String body) {
        return new RecordedRequest(request.getHttpVersion(), request.method(), request.getPath(), headers, new Buffer(body.getBytes(StandardCharsets.UTF_8)));
    }

    /** A merge patch of metadata as the mock can have it: its own keeps what is to be taken away. */
    private static RecordedRequest patch(RecordedRequest request, JsonNode merge) {
        var patch = JSON.createArrayNode();
        for (var what : List.of("labels", "annotations")) {
            merge.path("metadata").path(what).properties().forEach(change -> {
                var one = patch.addObject().put("op", change.getValue().isNull() ? "remove" : "add")
                        .put("path", "/metadata/" + what + "/" + change.getKey().replace("~", "~0").replace("/", "~1"));
                if (!change.getValue().isNull()) {
                    one.set("value", change.getValue());
                }
            });
        }
        return with(request, request.getHeaders().newBuilder().set("Content-Type", "application/json-patch+json").build(), patch.toString());
    }

    /** From now on pods have a node as soon as they are made. */
    FakeCluster placing() {
        placing = true;
        return this;
    }

    void room(int pods) {
        room = pods;
    }

    void log(String pod, String container, String text) {
        logs.put(pod + "/" + container, text);
    }

    /** Requests so far: {@code POST pods}, {@code POST trial}, {@code PATCH pod}, {@code DELETE pod}, {@code GET pods}, {@code GET watch}, {@code GET pod}, {@code GET log}. */
    synchronized int count(String what) {
        return counts.getOrDefault(what, 0);
    }

    synchronized Map<String, Integer> counts() {
        return new TreeMap<>(counts);
    }

    synchronized void forgetCounts() {
        counts.clear();
    }

    static MockResponse status(int code, String reason, String message) {
        var body = JSON.createObjectNode().put("kind", "Status").put("apiVersion", "v1").put("status", "Failure").put("message", message).put("reason", reason)
                .put("code", code);
        return new MockResponse().setResponseCode(code).setHeader("Content-Type", "application/json").setBody(body.toString());
    }

    @Override
    public MockResponse dispatch(RecordedRequest received) {
        // A body is read once.
        var read = received.getUtf8Body();
        var body = read == null ? "" : read;
        var request = with(received, received.getHeaders(), body);
        var path = request.getPath().split("\\?", 2)[0];
        var query = request.getPath().substring(path.length());
        var what = request.getMethod() + " " + (query.contains("dryRun=All") ? "trial" : query.contains("watch=true") ? "watch" : path.endsWith("/log") ? "log" : path.equals(PODS) ? "pods"
                : path.startsWith(PODS) ? "pod" : path.substring(path.lastIndexOf('/') + 1));
        Function<RecordedRequest, MockResponse> fault;
        synchronized (this) {
            counts.merge(what, 1, Integer::sum);
            var waiting = faults.get(what);
            fault = waiting == null ? null : waiting.poll();
        }
        if (fault != null) {
            return fault.apply(request);
        }
        return switch (what) {
            case "POST pods" -> {
                synchronized (this) {
                    // Counted only where it matters: the mock reads all it has for it.
                    int live = room == Integer.MAX_VALUE ? 0 : live();
                    yield live >= room ? status(403, "Forbidden", "pods \"" + json(body).at("/metadata/name").asText()
                            + "\" is forbidden: exceeded quota: muster, requested: pods=1, used: pods=" + live + ", limited: pods=" + room) : passed(request);
                }
            }
            case "PATCH pod" -> {
                synchronized (this) {
                    var merge = json(body);
                    yield stale(path, merge.path("metadata")).orElseGet(() -> super.dispatch(merge.isObject() ? patch(request, merge) : request));
                }
            }
            case "DELETE pod" -> {
                synchronized (this) {
                    yield stale(path, json(body).path("preconditions")).orElseGet(() -> super.dispatch(request));
                }
            }
            case "POST trial" -> new MockResponse().setResponseCode(201).setHeader("Content-Type", "application/json").setBody(body);
            case "GET log" -> {
                var container = query.replaceFirst(".*container=([^&]*).*", "$1");
                var text = logs.get(path.replaceFirst(".*/pods/([^/]*)/log", "$1") + "/" + container);
                yield text == null ? status(400, "BadRequest", "container \"" + container + "\" in pod is waiting to start: ContainerCreating")
                        : new MockResponse().setResponseCode(200).setHeader("Content-Type", "text/plain").setBody(text);
            }
            default -> super.dispatch(request);
        };
    }

    /** The answer to a write whose preconditions don't hold. */
    private Optional<MockResponse> stale(String path, JsonNode only) {
        var there = json(super.handleGet(path).getBody() == null ? "{}" : super.handleGet(path).getBody().readUtf8()).path("metadata");
        for (var name : List.of("uid", "resourceVersion")) {
            if (only.hasNonNull(name) && there.hasNonNull(name) && !only.path(name).asText().equals(there.path(name).asText())) {
                return Optional.of(status(409, "Conflict", "Operation cannot be fulfilled on pods: the " + name + " in the precondition ("
                        + only.path(name).asText() + ") does not match that of the record (" + there.path(name).asText() + ")"));
            }
        }
        return Optional.empty();
    }

    private static JsonNode json(String text) {
        try {
            return JSON.readTree(text == null || text.isEmpty() ? "{}" : text);
        } catch (JsonProcessingException other) {
            return JSON.createObjectNode();
        }
    }

    // What a scheduler and a kubelet do.

    Pod pod(String name) {
        return client.pods().inNamespace("ml").withName(name).get();
    }

    int live() {
        return (int) json(super.handleGet(PODS).getBody().readUtf8()).path("items").findValues("phase").stream()
                .filter(phase -> !phase.asText().equals("Succeeded") && !phase.asText().equals("Failed")).count();
    }

    private Pod change(String name, UnaryOperator<Pod> change) {
        return client.pods().inNamespace("ml").withName(name).edit(change);
    }

    /** It has a node and runs. */
    void place(String name) {
        change(name, pod -> new PodBuilder(pod).editSpec().withNodeName("node-1").endSpec().withNewStatus().withPhase("Running")
                .addNewContainerStatus().withName(pod.getSpec().getContainers().get(0).getName()).withNewState().withNewRunning().withStartedAt(Instant.now().toString())
                .endRunning().endState().endContainerStatus().endStatus().build());
    }

    void exit(String name, int code, String reason) {
        change(name, pod -> new PodBuilder(pod).withNewStatus().withPhase(code == 0 ? "Succeeded" : "Failed")
                .addNewContainerStatus().withName(pod.getSpec().getContainers().get(0).getName()).withNewState().withNewTerminated().withExitCode(code).withReason(reason)
                .withFinishedAt(Instant.now().toString()).endTerminated().endState().endContainerStatus().endStatus().build());
    }

    String nameOf(String uid) {
        return client.pods().inNamespace("ml").list().getItems().stream().filter(pod -> pod.getMetadata().getUid().equals(uid)).findFirst().orElseThrow()
                .getMetadata().getName();
    }

    /** A pod that somebody else has made, and that runs. @return its uid */
    String strange(String name) {
        var pod = client.pods().inNamespace("ml").resource(new PodBuilder().withNewMetadata().withName(name).withNamespace("ml").endMetadata()
                .withNewSpec().addNewContainer().withName("desk").withImage("lab/desk").endContainer().endSpec().build()).create();
        place(name);
        return pod.getMetadata().getUid();
    }

    @Override
    public void close() {
        made.forEach(PodMachines::close);
        client.close();
        server.destroy();
    }
}
