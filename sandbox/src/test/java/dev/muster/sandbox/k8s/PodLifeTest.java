package dev.muster.sandbox.k8s;

import static dev.muster.sandbox.k8s.Cluster.condition;
import static dev.muster.sandbox.k8s.Cluster.phase;
import static dev.muster.sandbox.k8s.Cluster.pod;
import static dev.muster.sandbox.k8s.Cluster.reason;
import static dev.muster.sandbox.k8s.Cluster.withGpu;
import static dev.muster.sandbox.k8s.Cluster.withRequests;
import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.sandbox.TimeScale;
import dev.muster.sandbox.clearml.Await;
import dev.muster.sandbox.machine.ClearmlMachine;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of pods: the scheduler, the nodes and the controllers, a hundred times faster than real. */
final class PodLifeTest {

    private static final Duration SOON = Duration.ofSeconds(30);
    private static final TimeScale FAST = new TimeScale(100);
    private static final String NAMESPACE = ClusterConfig.NAMESPACE;
    private static final Vertx VERTX = Vertx.vertx();

    private final KubeServer server = KubeServer.start(VERTX, ClusterConfig.defaults().withTimeScale(FAST).withNodes(NodeShape.CPU, 1).withLostAfter(Duration.ofSeconds(4)),
            new ClearmlMachine(VERTX, FAST));
    private final KubernetesClient client = server.client(KubeServer.PROVISIONER);

    @TempDir
    Path folder;

    @AfterEach
    void closeAll() {
        client.close();
        server.close();
    }

    @AfterAll
    static void closeVertx() {
        VERTX.close().toCompletionStage().toCompletableFuture().join();
    }

    private Pod create(Pod pod) {
        return client.pods().inNamespace(NAMESPACE).resource(pod).create();
    }

    private Pod get(String name) {
        return client.pods().inNamespace(NAMESPACE).withName(name).get();
    }

    private Pod await(String name, Predicate<Pod> done) {
        Await.until(SOON, () -> "not so: " + (get(name) == null ? "gone" : get(name).getStatus()), () -> done.test(get(name)));
        return get(name);
    }

    @Test
    void aPodRunsAndSucceedsAndStaysUntilItIsDeleted() {
        create(pod("m-1", "sleep", "60"));

        await("m-1", pod -> phase(pod).equals("Running"));
        var done = await("m-1", pod -> phase(pod).equals("Succeeded"));
        var terminated = done.getStatus().getContainerStatuses().get(0).getState().getTerminated();
        assertThat(terminated.getExitCode()).isZero();
        assertThat(terminated.getReason()).isEqualTo("Completed");
        assertThat(condition(done, "PodScheduled")).startsWith("True");

        client.pods().inNamespace(NAMESPACE).withName("m-1").delete();
        assertThat(get("m-1")).isNull();
    }

    @Test
    void aPodThatEndsWithACodeHasFailed() {
        create(pod("m-1", "sh", "-c", "exit 78"));

        var failed = await("m-1", pod -> phase(pod).equals("Failed"));

        var terminated = failed.getStatus().getContainerStatuses().get(0).getState().getTerminated();
        assertThat(terminated.getReason() + " " + terminated.getExitCode()).isEqualTo("Error 78");
    }

    @Test
    void aDeletedPodIsThereUntilItsContainerHasEnded() {
        // Given
        create(pod("m-1", "serve"));
        await("m-1", pod -> phase(pod).equals("Running"));

        // When
        client.pods().inNamespace(NAMESPACE).withName("m-1").delete();

        // Then
        await("m-1", pod -> pod == null);
        assertThat(server.books().instances(Instant.now())).singleElement().satisfies(pod -> {
            assertThat(pod.exitCode()).isEqualTo(143);
            assertThat(pod.deleted()).isTrue();
            assertThat(pod.node()).isEqualTo("cpu-4-1");
        });
    }

    @Test
    void aPodWaitsForANodeWithAGpu() {
        // Given
        create(withGpu(pod("m-1", "serve")));
        var waiting = await("m-1", pod -> !condition(pod, "PodScheduled").isEmpty());
        assertThat(condition(waiting, "PodScheduled")).isEqualTo("False Unschedulable 0/1 nodes are available: 1 Insufficient nvidia.com/gpu.");

        // When
        server.kubelets().add(NodeShape.GPU);

        // Then
        assertThat(await("m-1", pod -> phase(pod).equals("Running")).getSpec().getNodeName()).isEqualTo("gpu-1-1");
    }

    @Test
    void theClusterGrowsForPodsThatFindNoRoom() {
        server.grow(NodeShape.GPU, 2, Duration.ofSeconds(60));
        for (int i = 0; i < 3; i++) {
            create(withGpu(pod("m-" + i, "serve")));
        }

        Await.until(SOON, () -> "nodes " + server.kubelets().nodes(), () -> server.kubelets().nodes().size() == 3 && running() == 2);
        assertThat(server.kubelets().nodes()).containsExactly("cpu-4-1", "gpu-1-1", "gpu-1-2");
    }

    private long running() {
        return client.pods().inNamespace(NAMESPACE).list().getItems().stream().filter(pod -> phase(pod).equals("Running")).count();
    }

    @Test
    void saysWhyEachNodeDoesNotTakeAPod() {
        server.kubelets().add(NodeShape.GPU.with(new NodeShape.Taint("nvidia.com/gpu", "present", "NoSchedule")));
        create(withRequests(pod("m-1", "serve"), Map.of("cpu", "8"), Map.of()));

        var waiting = await("m-1", pod -> condition(pod, "PodScheduled").contains("0/2"));

        assertThat(condition(waiting, "PodScheduled"))
                .isEqualTo("False Unschedulable 0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {nvidia.com/gpu: present}.");
    }

    @Test
    void anImageThatIsNotThereIsAskedForAgainAndAgain() {
        server.kubelets().faults().onImage("example.com/none:1", new PodFaults.ImageFault.Missing());
        create(new PodBuilder(pod("m-1", "serve")).editSpec().editFirstContainer().withImage("example.com/none:1").endContainer().endSpec().build());
        create(new PodBuilder(pod("m-2", "serve")).editSpec().editFirstContainer().withImage("Example.com/UPPER").endContainer().endSpec().build());

        await("m-1", pod -> waits(pod).startsWith("ErrImagePull rpc error: code = NotFound desc = failed to pull and unpack image"));
        await("m-1", pod -> waits(pod).equals("ImagePullBackOff Back-off pulling image \"example.com/none:1\""));
        await("m-2", pod -> waits(pod).startsWith("InvalidImageName "));

        server.kubelets().faults().onImage("example.com/none:1", null);
        await("m-1", pod -> phase(pod).equals("Running"));
    }

    private static String unplaced(Pod pod) {
        return pod.getStatus().getConditions().stream().filter(condition -> condition.getType().equals("PodScheduled") && condition.getStatus().equals("False"))
                .map(condition -> condition.getMessage()).findFirst().orElse("");
    }

    private static String waits(Pod pod) {
        return pod.getStatus().getContainerStatuses().stream().map(one -> one.getState().getWaiting()).filter(one -> one != null)
                .map(one -> one.getReason() + " " + one.getMessage()).findFirst().orElse("");
    }

    @Test
    void aPodWaitsForTheSecretThatItMounts() {
        create(new PodBuilder(pod("m-1", "serve")).editSpec().addNewVolume().withName("muster-secrets").withNewSecret().withSecretName("muster-machines").endSecret().endVolume()
                .endSpec().build());
        Await.until(SOON, () -> "no event", () -> client.v1().events().inNamespace(NAMESPACE).list().getItems().stream()
                .anyMatch(event -> event.getMessage().equals("MountVolume.SetUp failed for volume \"muster-secrets\" : secret \"muster-machines\" not found")));

        server.addSecret(NAMESPACE, "muster-machines", Map.of("a", "b"));

        await("m-1", pod -> phase(pod).equals("Running"));
    }

    @Test
    void tellsHowPodsAreKilled() {
        for (var name : List.of("memory", "pressure", "priority", "shutdown")) {
            create(withRequests(pod(name, "serve"), Map.of("cpu", "1"), Map.of()));
        }
        for (var name : List.of("memory", "pressure", "priority", "shutdown")) {
            await(name, pod -> phase(pod).equals("Running"));
        }

        server.kubelets().outOfMemory(NAMESPACE, "memory");
        var terminated = await("memory", pod -> phase(pod).equals("Failed")).getStatus().getContainerStatuses().get(0).getState().getTerminated();
        assertThat(terminated.getReason() + " " + terminated.getExitCode()).isEqualTo("OOMKilled 137");

        server.kubelets().evict(NAMESPACE, "pressure");
        var evicted = await("pressure", pod -> phase(pod).equals("Failed"));
        assertThat(reason(evicted)).isEqualTo("Evicted");
        assertThat(condition(evicted, "DisruptionTarget")).startsWith("True TerminationByKubelet");

        server.preempt(NAMESPACE, "priority");
        await("priority", pod -> pod == null);
        assertThat(server.books().instances(Instant.now())).filteredOn(pod -> pod.name().equals("priority")).singleElement()
                .satisfies(pod -> assertThat(pod.reason()).isEqualTo("PreemptionByScheduler"));

        server.kubelets().shutDown("cpu-4-1");
        assertThat(reason(await("shutdown", pod -> phase(pod).equals("Failed")))).isEqualTo("Terminated");
        create(pod("late", "serve"));
        assertThat(await("late", pod -> phase(pod).equals("Failed") || !unplaced(pod).isEmpty())).satisfies(late -> assertThat(reason(late) + unplaced(late))
                .containsAnyOf("NodeShutdown", "node.kubernetes.io/not-ready"));
    }

    @Test
    void aLostNodesPodsAreDeletedAndGoWithTheNode() {
        // Given
        create(pod("m-1", "serve"));
        await("m-1", pod -> phase(pod).equals("Running"));
        server.kubelets().add(NodeShape.GPU);

        // When
        server.kubelets().kill("cpu-4-1");

        // Then
        var lost = await("m-1", pod -> pod.getMetadata().getDeletionTimestamp() != null);
        assertThat(condition(lost, "DisruptionTarget")).startsWith("True DeletionByTaintManager");
        assertThat(phase(lost)).isEqualTo("Running");
        assertThat(client.nodes().withName("cpu-4-1").get().getStatus().getConditions()).filteredOn(one -> one.getType().equals("Ready"))
                .singleElement().satisfies(ready -> assertThat(ready.getStatus()).isEqualTo("Unknown"));

        // Nobody says that it has ended, until the node is no more.
        server.removeNode("cpu-4-1");
        await("m-1", pod -> pod == null);
    }

    @Test
    void aNamespaceTakesItsPodsWithIt() {
        server.addNamespace("team");
        client.pods().inNamespace("team").resource(pod("m-1", "serve")).create();
        Await.until(SOON, () -> "not running", () -> phase(client.pods().inNamespace("team").withName("m-1").get()).equals("Running"));

        client.namespaces().withName("team").delete();

        assertThat(Cluster.refusal(() -> client.pods().inNamespace("team").resource(pod("m-2")).create()))
                .isEqualTo("403 Forbidden: pods \"m-2\" is forbidden: unable to create new content in namespace team because it is being terminated");
        Await.until(SOON, () -> "still there", () -> client.namespaces().withName("team").get() == null);
    }

    @Test
    void kubectlWorksAgainstIt() throws Exception {
        if (!isOnPath("kubectl")) {
            System.out.println("skipped: kubectl is not on the PATH");
            return;
        }
        create(pod("m-1", "serve"));
        create(withGpu(pod("m-2", "serve")));
        await("m-1", pod -> phase(pod).equals("Running"));
        await("m-2", pod -> !condition(pod, "PodScheduled").isEmpty());

        assertThat(kubectl("get", "pods")).matches("(?s)NAME +READY +STATUS +RESTARTS +AGE\\nm-1 +1/1 +Running +0 +\\d+s\\nm-2 +0/1 +Pending +0 +\\d+s\\n");
        assertThat(kubectl("get", "nodes", "-o", "name")).isEqualTo("node/cpu-4-1\n");
        assertThat(kubectl("describe", "pod", "m-2")).contains("Status:           Pending", "0/1 nodes are available: 1 Insufficient nvidia.com/gpu.");
        assertThat(kubectl("logs", "m-1")).isEmpty();
        assertThat(kubectl("annotate", "pod", "m-1", "muster.dev/mark=drain:1")).isEqualTo("pod/m-1 annotated\n");
        assertThat(get("m-1").getMetadata().getAnnotations()).isEqualTo(Map.of("muster.dev/mark", "drain:1"));
        assertThat(kubectl("auth", "can-i", "create", "pods")).isEqualTo("yes\n");
        assertThat(kubectl("delete", "pod", "m-1")).contains("pod \"m-1\" deleted");
        assertThat(get("m-1")).isNull();
    }

    private static boolean isOnPath(String program) {
        return List.of(System.getenv().getOrDefault("PATH", "").split(java.io.File.pathSeparator)).stream().anyMatch(at -> Files.isExecutable(Path.of(at, program)));
    }

    private String kubectl(String... words) throws IOException, InterruptedException {
        var config = folder.resolve("kubeconfig");
        if (!Files.exists(config)) {
            Files.writeString(config, server.kubeconfig(KubeServer.PROVISIONER));
        }
        var line = new java.util.ArrayList<>(List.of("kubectl", "--kubeconfig", config.toString(), "--cache-dir", folder.resolve("cache").toString()));
        line.addAll(List.of(words));
        var process = new ProcessBuilder(line).redirectErrorStream(true).start();
        var said = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
        return said;
    }
}
