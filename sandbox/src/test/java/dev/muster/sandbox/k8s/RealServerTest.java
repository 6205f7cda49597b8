package dev.muster.sandbox.k8s;

import static dev.muster.sandbox.k8s.Cluster.condition;
import static dev.muster.sandbox.k8s.Cluster.phase;
import static dev.muster.sandbox.k8s.Cluster.pod;
import static dev.muster.sandbox.k8s.Cluster.withGpu;
import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.sandbox.TimeScale;
import dev.muster.sandbox.clearml.Await;
import dev.muster.sandbox.machine.ClearmlMachine;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/**
 * The sandbox's nodes under a real API server, scheduler and controllers: {@code MUSTER_TEST_KUBECONFIG} names an administrator's kubeconfig
 * of a cluster that has no other nodes.
 */
final class RealServerTest {

    private static final Duration SOON = Duration.ofSeconds(90);

    @Test
    void aRealClusterTakesThemForKubelets() throws IOException {
        var file = Objects.requireNonNullElse(System.getenv("MUSTER_TEST_KUBECONFIG"), "");
        if (file.isEmpty()) {
            System.out.println("skipped: MUSTER_TEST_KUBECONFIG names no real cluster");
            return;
        }
        var vertx = Vertx.vertx();
        var scale = new TimeScale(10);
        var namespace = "kubelets-" + Long.toHexString(System.nanoTime());
        try (var client = new KubernetesClientBuilder().withConfig(Config.fromKubeconfig(Files.readString(Path.of(file)))).build();
                var kubelets = Kubelets.start(vertx, client, new ClearmlMachine(vertx, scale), scale, Kubelets.Pace.USUAL)) {
            var node = kubelets.add(NodeShape.CPU);
            client.namespaces().resource(new NamespaceBuilder().withNewMetadata().withName(namespace).endMetadata().build()).create();
            Await.until(SOON, () -> "no service account", () -> client.serviceAccounts().inNamespace(namespace).withName("default").get() != null);
            var pods = client.pods().inNamespace(namespace);
            Predicate<String> isGone = name -> pods.withName(name).get() == null;

            for (Pod each : new Pod[] {plain("ends", "sleep", "30"), plain("fails", "sh", "-c", "exit 3"), plain("serves", "serve"), withGpu(plain("waits", "serve"))}) {
                pods.resource(each).create();
            }

            Await.until(SOON, () -> "pods " + pods.list().getItems().stream().map(one -> one.getMetadata().getName() + " " + one.getStatus()).toList(),
                    () -> phase(pods.withName("ends").get()).equals("Succeeded") && phase(pods.withName("fails").get()).equals("Failed")
                            && phase(pods.withName("serves").get()).equals("Running"));
            assertThat(pods.withName("fails").get().getStatus().getContainerStatuses().get(0).getState().getTerminated().getExitCode()).isEqualTo(3);
            assertThat(pods.withName("serves").get().getSpec().getNodeName()).isEqualTo(node);
            assertThat(condition(pods.withName("waits").get(), "PodScheduled")).contains("Insufficient nvidia.com/gpu");
            assertThat(pods.withName("serves").getLog()).isEmpty();

            kubelets.add(NodeShape.GPU);
            Await.until(SOON, () -> "waits", () -> phase(pods.withName("waits").get()).equals("Running"));
            pods.withName("serves").delete();
            Await.until(SOON, () -> "still there", () -> isGone.test("serves"));

            client.namespaces().withName(namespace).delete();
            Await.until(SOON, () -> "namespace still there", () -> client.namespaces().withName(namespace).get() == null);
            kubelets.nodes().forEach(one -> client.nodes().withName(one).delete());
        } finally {
            vertx.close().toCompletionStage().toCompletableFuture().join();
        }
    }

    private static Pod plain(String name, String... command) {
        var plain = pod(name, command);
        plain.getSpec().setAutomountServiceAccountToken(false);
        return plain;
    }
}
