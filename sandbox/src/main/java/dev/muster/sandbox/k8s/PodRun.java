package dev.muster.sandbox.k8s;

import dev.muster.sandbox.machine.MachineImage;
import dev.muster.sandbox.machine.PodHardware;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** One pod on its node: its image is pulled, its container runs as a simulated machine and ends, and each step is told to the API server as a kubelet tells it. */
final class PodRun implements PodHardware {

    /** What a node that is shut down leaves its pods. */
    static final int SHUTDOWN_SECONDS = 30;
    private static final int KILLED = 137;
    private static final String BOOT = "MUSTER_BOOT";
    /** Between two tries of what may come right by itself, such as a pull. */
    private static final Duration AGAIN = Duration.ofSeconds(10);
    private static final Duration AGAIN_FLOOR = Duration.ofMillis(500);
    private static final Pattern REFERENCE = Pattern.compile("[a-z0-9]+([._:/-]+[a-z0-9]+)*(:[\\w][\\w.-]{0,127})?(@sha256:[0-9a-f]{64})?");
    private static final Pattern PLAIN = Pattern.compile("(?:.* )?(sleep|exit) (\\d{1,6})");

    private enum Step { NEW, STARTING, RUNNING, ENDED }

    private final Kubelets kubelets;
    private final Console console;
    private final Instant began = Instant.now();
    private Pod pod;
    private Step step = Step.NEW;
    private boolean ending;
    private boolean deleted;
    private Instant startedAt;
    // Read by the machine's event loop, which must not wait for a call that is made under the lock.
    private volatile SortedMap<String, String> environment = new TreeMap<>();
    private volatile SortedMap<String, String> secrets = new TreeMap<>();
    private volatile MachineImage.RunningMachine machine;
    private volatile Map<String, String> annotations;
    /** The container before the others that claims the task for an image's own entrypoint; null: there is none. */
    private String claimer;
    /** Why its container ends, where something else than its own end is why. */
    private End forced;

    /** @param reason of the pod; empty: none. @param container reason of the container's end */
    private record End(String reason, String message, String container, String disruption) {
        static final End OWN = new End("", "", "", "");
    }

    PodRun(Kubelets kubelets, Pod pod, Console console) {
        this.kubelets = kubelets;
        this.pod = pod;
        this.console = console;
        this.annotations = annotations(pod);
    }

    private static Map<String, String> annotations(Pod pod) {
        return pod.getMetadata().getAnnotations() == null ? Map.of() : Map.copyOf(pod.getMetadata().getAnnotations());
    }

    String node() {
        return pod.getSpec().getNodeName();
    }

    boolean is(String namespace, String name) {
        return pod.getMetadata().getNamespace().equals(namespace) && pod.getMetadata().getName().equals(name);
    }

    private boolean on() {
        return kubelets.hasPower(node());
    }

    private Container container() {
        return pod.getSpec().getContainers().get(0);
    }

    // What the API server says.

    /** The pod as it is now. On a worker. */
    synchronized void seen(Pod now) {
        if (!on() || Long.parseLong(now.getMetadata().getResourceVersion()) < Long.parseLong(pod.getMetadata().getResourceVersion())) {
            return;
        }
        pod = now;
        annotations = annotations(now);
        if (step == Step.NEW && now.getMetadata().getDeletionTimestamp() == null) {
            step = Step.STARTING;
            begin();
        }
        if (now.getMetadata().getDeletionTimestamp() != null && !ending) {
            ending = true;
            end(Duration.ofSeconds(Optional.ofNullable(now.getMetadata().getDeletionGracePeriodSeconds()).orElse(30L)));
        }
    }

    /** Its object is gone: whatever still runs is killed. */
    synchronized void vanished() {
        cutPower();
        step = Step.ENDED;
        console.end();
    }

    private void end(Duration grace) {
        if (step == Step.RUNNING) {
            var running = machine;
            if (running != null) {
                running.askToEnd();
            }
            kubelets.later(kubelets.scale().real(grace), () -> ended(KILLED));
        } else if (step == Step.ENDED) {
            delete();
        } else {
            step = Step.ENDED;
            // Nothing ever ran in it.
            status("Failed", container(new JsonObject().put("terminated", new JsonObject().put("exitCode", KILLED).put("reason", "ContainerStatusUnknown")
                    .put("message", "The container could not be located when the pod was terminated").putNull("startedAt").putNull("finishedAt")), false), End.OWN);
            delete();
        }
    }

    private synchronized void delete() {
        if (deleted || !on()) {
            return;
        }
        deleted = true;
        try {
            kubelets.raw(path(), "DELETE", new JsonObject().put("kind", "DeleteOptions").put("apiVersion", "v1").put("gracePeriodSeconds", 0)
                    .put("preconditions", new JsonObject().put("uid", cloudId())));
        } catch (KubernetesClientException gone) {
            if (gone.getCode() != 404 && gone.getCode() != 409) {
                deleted = false;
                throw gone;
            }
        }
    }

    private String path() {
        return "/api/v1/namespaces/" + pod.getMetadata().getNamespace() + "/pods/" + pod.getMetadata().getName();
    }

    // To the start.

    private void begin() {
        if (kubelets.isLeaving(node())) {
            force(new End("NodeShutdown", "Pod was rejected as the node is shutting down.", "", ""));
            return;
        }
        var met = kubelets.faults().ofPod(Optional.ofNullable(pod.getMetadata().getLabels()).map(labels -> labels.get("muster.dev/pool")).orElse(""),
                pod.getMetadata().getName()).orElse(null);
        waiting("ContainerCreating", "");
        if (met instanceof PodFaults.PodFault.NeverStarts) {
            event("Warning", "FailedCreatePodSandBox", "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox: no IP addresses available");
            return;
        }
        var deadline = pod.getSpec().getActiveDeadlineSeconds();
        if (deadline != null) {
            kubelets.later(kubelets.scale().real(Duration.ofSeconds(deadline)), () -> force(new End("DeadlineExceeded", "Pod was active on the node longer than the specified "
                    + "deadline", "Error", "")));
        }
        var extra = met instanceof PodFaults.PodFault.SlowStart slow ? slow.by() : Duration.ZERO;
        kubelets.later(extra.isZero() ? Duration.ZERO : kubelets.scale().real(extra), () -> mount(met));
    }

    private void again(Runnable what) {
        var wait = kubelets.scale().real(AGAIN);
        kubelets.later(wait.compareTo(AGAIN_FLOOR) < 0 ? AGAIN_FLOOR : wait, what);
    }

    private synchronized boolean isStarting() {
        return step == Step.STARTING && !ending && on();
    }

    private void mount(PodFaults.PodFault met) {
        if (!isStarting()) {
            return;
        }
        var found = new TreeMap<String, String>();
        for (var volume : pod.getSpec().getVolumes()) {
            if (volume.getSecret() == null) {
                continue;
            }
            var name = volume.getSecret().getSecretName();
            boolean optional = Boolean.TRUE.equals(volume.getSecret().getOptional());
            var values = secret(name);
            if (values.isEmpty() && !optional) {
                event("Warning", "FailedMount", "MountVolume.SetUp failed for volume \"" + volume.getName() + "\" : secret \"" + name + "\" not found");
                again(() -> mount(met));
                return;
            }
            var all = values.orElse(Map.of());
            if (volume.getSecret().getItems() == null || volume.getSecret().getItems().isEmpty()) {
                found.putAll(all);
                continue;
            }
            for (var item : volume.getSecret().getItems()) {
                if (all.containsKey(item.getKey())) {
                    found.put(item.getPath(), all.get(item.getKey()));
                } else if (!optional) {
                    event("Warning", "FailedMount", "MountVolume.SetUp failed for volume \"" + volume.getName() + "\" : references non-existent secret key: " + item.getKey());
                    again(() -> mount(met));
                    return;
                }
            }
        }
        secrets = found;
        pull(met, "");
    }

    private Optional<Map<String, String>> secret(String name) {
        Secret secret = kubelets.client().secrets().inNamespace(pod.getMetadata().getNamespace()).withName(name).get();
        if (secret == null) {
            return Optional.empty();
        }
        var values = new TreeMap<String, String>();
        if (secret.getData() != null) {
            secret.getData().forEach((key, value) -> values.put(key, new String(Base64.getDecoder().decode(value), StandardCharsets.UTF_8)));
        }
        return Optional.of(values);
    }

    /** @param said reason that the last try left; empty at the first */
    private void pull(PodFaults.PodFault met, String said) {
        if (!isStarting()) {
            return;
        }
        var image = container().getImage();
        if (!REFERENCE.matcher(image).matches()) {
            waiting("InvalidImageName", "Failed to apply default image tag \"" + image + "\": couldn't parse image name \"" + image + "\": invalid reference format");
            event("Warning", "InspectFailed", "Failed to apply default image tag \"" + image + "\": couldn't parse image name \"" + image + "\": invalid reference format");
            again(() -> pull(met, said));
            return;
        }
        var fault = kubelets.faults().ofImage(image).orElse(null);
        var refused = fault instanceof PodFaults.ImageFault.Missing ? "failed to resolve reference \"" + image + "\": " + image + ": not found"
                : fault instanceof PodFaults.ImageFault.Denied ? "failed to resolve reference \"" + image + "\": pull access denied, repository does not exist or may require "
                + "authorization: authorization failed: no basic auth credentials" : "";
        if (!refused.isEmpty()) {
            var message = "rpc error: code = NotFound desc = failed to pull and unpack image \"" + image + "\": " + refused;
            if (said.equals("ErrImagePull")) {
                waiting("ImagePullBackOff", "Back-off pulling image \"" + image + "\"");
                event("Normal", "BackOff", "Back-off pulling image \"" + image + "\"");
            } else {
                waiting("ErrImagePull", message);
                event("Warning", "Failed", "Failed to pull image \"" + image + "\": " + message);
            }
            again(() -> pull(met, said.equals("ErrImagePull") ? "ImagePullBackOff" : "ErrImagePull"));
            return;
        }
        if (!said.isEmpty()) {
            waiting("ContainerCreating", "");
        }
        boolean there = !kubelets.imagesOf(node()).add(image);
        var takes = there ? Duration.ZERO : kubelets.pace().pull().plus(fault instanceof PodFaults.ImageFault.Slow slow ? slow.by() : Duration.ZERO);
        kubelets.later(kubelets.scale().real(takes.plus(kubelets.pace().start())), () -> run(met));
    }

    private void run(PodFaults.PodFault met) {
        if (!isStarting()) {
            return;
        }
        try {
            environment = resolved();
        } catch (IllegalStateException missing) {
            waiting("CreateContainerConfigError", missing.getMessage());
            event("Warning", "Failed", "Error: " + missing.getMessage());
            again(() -> run(met));
            return;
        }
        synchronized (this) {
            if (!isStarting()) {
                return;
            }
            step = Step.RUNNING;
            startedAt = Instant.now();
            console.start();
            status("Running", container(new JsonObject().put("running", new JsonObject().put("startedAt", Json.time(startedAt))), true), End.OWN);
            machine = kubelets.image().boot(this);
        }
        plain();
        if (met instanceof PodFaults.PodFault.OutOfMemory fault) {
            kubelets.later(kubelets.scale().real(fault.after()), this::outOfMemory);
        } else if (met instanceof PodFaults.PodFault.Exits fault) {
            kubelets.later(kubelets.scale().real(fault.after()), () -> ended(fault.code()));
        } else if (met instanceof PodFaults.PodFault.Evicted fault) {
            kubelets.later(kubelets.scale().real(fault.after()), this::evict);
        }
    }

    /** A container that isn't Muster's may sleep for a while or end with a code; any other runs until it is told to end. */
    private void plain() {
        var words = new ArrayList<String>(container().getCommand());
        words.addAll(container().getArgs());
        var plain = PLAIN.matcher(String.join(" ", words));
        if (environment.containsKey(BOOT) || !plain.matches()) {
            return;
        }
        int number = Integer.parseInt(plain.group(2));
        if (plain.group(1).equals("exit")) {
            kubelets.later(Duration.ZERO, () -> ended(number));
        } else {
            kubelets.later(kubelets.scale().real(Duration.ofSeconds(number)), () -> ended(0));
        }
    }

    private SortedMap<String, String> resolved() {
        var all = new TreeMap<String, String>();
        var told = new ArrayList<EnvVar>(container().getEnv());
        for (var first : pod.getSpec().getInitContainers()) {
            // Where the image's own entrypoint runs a task, one before it claims the task and knows all that a simulated machine needs.
            if (claimer == null && first.getEnv().stream().anyMatch(one -> one.getName().equals(BOOT))) {
                claimer = first.getName();
                told.addAll(first.getEnv());
            }
        }
        for (EnvVar one : told) {
            var from = one.getValueFrom();
            if (from == null) {
                all.put(one.getName(), one.getValue() == null ? "" : one.getValue());
            } else if (from.getSecretKeyRef() != null) {
                var reference = from.getSecretKeyRef();
                var values = secret(reference.getName());
                var value = values.map(found -> found.get(reference.getKey()));
                if (value.isPresent()) {
                    all.put(one.getName(), value.get());
                } else if (!Boolean.TRUE.equals(reference.getOptional())) {
                    throw new IllegalStateException(values.isEmpty() ? "secret \"" + reference.getName() + "\" not found"
                            : "couldn't find key " + reference.getKey() + " in Secret " + pod.getMetadata().getNamespace() + "/" + reference.getName());
                }
            } else if (from.getFieldRef() != null) {
                all.put(one.getName(), switch (from.getFieldRef().getFieldPath()) {
                    case "metadata.name" -> pod.getMetadata().getName();
                    case "metadata.namespace" -> pod.getMetadata().getNamespace();
                    case "metadata.uid" -> cloudId();
                    case "spec.nodeName" -> node();
                    default -> "";
                });
            }
        }
        return all;
    }

    // To the end.

    /** Its first process is gone, or is killed now. */
    private synchronized void ended(int code) {
        if (step != Step.RUNNING || !on()) {
            return;
        }
        step = Step.ENDED;
        cutPower();
        console.end();
        var why = forced == null ? End.OWN : forced;
        if (claimer != null && code == 0 && console.tasks().isEmpty()) {
            // Not claimed: the entrypoint never starts.
            status("Failed", container(new JsonObject().put("waiting", new JsonObject().put("reason", "PodInitializing")), false), why, 1);
            if (ending) {
                delete();
            }
            return;
        }
        var reason = !why.container.isEmpty() ? why.container : code == 0 ? "Completed" : "Error";
        var terminated = new JsonObject().put("exitCode", code).put("reason", reason).put("startedAt", Json.time(startedAt)).put("finishedAt", Json.time(Instant.now()))
                .put("containerID", containerId());
        status(code == 0 && why.reason.isEmpty() ? "Succeeded" : "Failed", container(new JsonObject().put("terminated", terminated), false), why);
        if (ending) {
            delete();
        }
    }

    void outOfMemory() {
        force(new End("", "", "OOMKilled", ""));
    }

    void evict() {
        event("Warning", "Evicted", "The node was low on resource: memory.");
        force(new End("Evicted", "The node was low on resource: memory. Threshold quantity: 100Mi, available: 64Mi. Container " + container().getName()
                + " was using more memory than it requested. ", "Error", "TerminationByKubelet"));
    }

    /** Killed by something that says why. */
    private synchronized void force(End why) {
        if (step == Step.RUNNING) {
            forced = why;
            ended(KILLED);
        } else if (step == Step.STARTING) {
            step = Step.ENDED;
            status("Failed", null, why);
        }
    }

    synchronized void shutDown() {
        forced = new End("Terminated", "Pod was terminated in response to imminent node shutdown.", "", "TerminationByKubelet");
        if (step == Step.RUNNING) {
            machine.askToEnd();
            kubelets.later(kubelets.scale().real(Duration.ofSeconds(SHUTDOWN_SECONDS)), () -> ended(KILLED));
        } else {
            force(forced);
        }
    }

    /** Nothing runs any more and nobody is told. */
    void cutPower() {
        var running = machine;
        if (running != null) {
            running.cutPower();
        }
    }

    // What the API server is told.

    private void waiting(String reason, String message) {
        var waiting = new JsonObject().put("reason", reason);
        if (!message.isEmpty()) {
            waiting.put("message", message);
        }
        status("Pending", container(new JsonObject().put("waiting", waiting), false), End.OWN);
    }

    private String containerId() {
        return "containerd://" + cloudId().replace("-", "");
    }

    private JsonObject container(JsonObject state, boolean ready) {
        var image = container().getImage();
        var status = new JsonObject().put("name", container().getName()).put("state", state).put("lastState", new JsonObject()).put("ready", ready).put("restartCount", 0)
                .put("image", image).put("imageID", ready ? image : "").put("started", ready);
        return ready ? status.put("containerID", containerId()) : status;
    }

    /** As a strategic merge, on condition that it is still this pod. @param container null: as it is */
    private void status(String phase, JsonObject container, End why) {
        status(phase, container, why, 0);
    }

    /** @param claimed exit code of the container that claims, if there is one and the others have started or never will */
    private void status(String phase, JsonObject container, End why, int claimed) {
        if (!on()) {
            return;
        }
        var now = Instant.now();
        boolean running = phase.equals("Running");
        boolean over = phase.equals("Succeeded") || phase.equals("Failed");
        var status = new JsonObject().put("phase", phase).put("startTime", Json.time(began)).put("hostIP", "127.0.0.1")
                .put("podIP", "10.244.0.2").put("podIPs", new JsonArray().add(new JsonObject().put("ip", "10.244.0.2")));
        var ready = running ? "" : phase.equals("Succeeded") ? "PodCompleted" : over ? "PodFailed" : "ContainersNotReady";
        var message = running || over ? "" : "containers with unready status: [" + container().getName() + "]";
        Json.condition(status, now, "Initialized", claimed == 0 ? "True" : "False", over ? claimed == 0 ? ready : "ContainersNotInitialized" : "", "");
        if (claimer != null && !phase.equals("Pending")) {
            status.put("initContainerStatuses", new JsonArray().add(new JsonObject().put("name", claimer).put("ready", claimed == 0).put("restartCount", 0)
                    .put("image", container().getImage()).put("imageID", "").put("lastState", new JsonObject()).put("state", new JsonObject().put("terminated", new JsonObject()
                            .put("exitCode", claimed).put("reason", claimed == 0 ? "Completed" : "Error").put("startedAt", Json.time(began))
                            .put("finishedAt", Json.time(now))))));
        }
        Json.condition(status, now, "Ready", running ? "True" : "False", ready, message);
        Json.condition(status, now, "ContainersReady", running ? "True" : "False", ready, message);
        if (!why.disruption.isEmpty()) {
            Json.condition(status, now, "DisruptionTarget", "True", why.disruption, why.message);
        }
        if (!why.reason.isEmpty()) {
            status.put("reason", why.reason).put("message", why.message);
        }
        if (container != null) {
            status.put("containerStatuses", new JsonArray().add(container));
        }
        tell(new JsonObject().put("metadata", new JsonObject().put("uid", cloudId())).put("status", status).encode());
    }

    /** Again and again until the server has it, or has no such pod. */
    private void tell(String patch) {
        try {
            kubelets.client().pods().inNamespace(pod.getMetadata().getNamespace()).withName(pod.getMetadata().getName()).subresource("status")
                    .patch(PatchContext.of(PatchType.STRATEGIC_MERGE), patch);
        } catch (KubernetesClientException lost) {
            if (lost.getCode() != 404 && lost.getCode() != 409) {
                kubelets.later(AGAIN_FLOOR, () -> tell(patch));
            }
        }
    }

    private void event(String type, String reason, String message) {
        if (!on()) {
            return;
        }
        var now = Json.time(Instant.now());
        try {
            kubelets.raw("/api/v1/namespaces/" + pod.getMetadata().getNamespace() + "/events", "POST", new JsonObject().put("kind", "Event").put("apiVersion", "v1")
                    .put("metadata", new JsonObject().put("generateName", pod.getMetadata().getName() + ".").put("namespace", pod.getMetadata().getNamespace()))
                    .put("involvedObject", new JsonObject().put("kind", "Pod").put("apiVersion", "v1").put("namespace", pod.getMetadata().getNamespace())
                            .put("name", pod.getMetadata().getName()).put("uid", cloudId()))
                    .put("type", type).put("reason", reason).put("message", message).put("source", new JsonObject().put("component", "kubelet").put("host", node()))
                    .put("firstTimestamp", now).put("lastTimestamp", now).put("count", 1));
        } catch (KubernetesClientException refused) {
            // Events are told once, if at all.
        }
    }

    // The container's hardware.

    @Override
    public String cloudId() {
        return pod.getMetadata().getUid();
    }

    @Override
    public SortedMap<String, String> environment() {
        return new TreeMap<>(environment);
    }

    @Override
    public SortedMap<String, String> secrets() {
        return new TreeMap<>(secrets);
    }

    @Override
    public Map<String, String> annotations() {
        return annotations;
    }

    @Override
    public void writeConsole(String line) {
        console.write(line);
    }

    @Override
    public void began(String task) {
        console.did(task);
    }

    @Override
    public void exit(int code) {
        kubelets.later(Duration.ZERO, () -> ended(code));
    }
}
