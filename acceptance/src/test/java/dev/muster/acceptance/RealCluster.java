package dev.muster.acceptance;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.muster.sandbox.TimeScale;
import dev.muster.sandbox.k8s.Kubelets;
import dev.muster.sandbox.k8s.NodeShape;
import dev.muster.sandbox.machine.ClearmlMachine;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import io.fabric8.kubernetes.api.model.ServiceAccountBuilder;
import io.fabric8.kubernetes.api.model.authentication.TokenRequest;
import io.fabric8.kubernetes.api.model.authentication.TokenRequestBuilder;
import io.fabric8.kubernetes.api.model.rbac.PolicyRuleBuilder;
import io.fabric8.kubernetes.api.model.rbac.RoleBindingBuilder;
import io.fabric8.kubernetes.api.model.rbac.RoleBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Assumptions;

/**
 * A namespace of a real API server, with a scheduler and controllers, that MUSTER_TEST_KUBECONFIG names; nodes of its own on which pods are simulated machines; and
 * an account for Muster with the rights that it needs and no others. All of it goes with it.
 */
final class RealCluster implements AutoCloseable {

    static final String ACCOUNT = "cluster";
    /** That a node of ours has, so that no pod of ours is put on another. */
    private static final String LABEL = "muster-test";
    private static final String MUSTER = "muster-k8s-provisioner";
    private static final String MACHINES = "muster-machines";
    private static final long A_DAY = 86_400;

    final String namespace;
    final KubernetesClient admin;
    final Kubelets kubelets;
    private final Vertx vertx = Vertx.vertx();
    private final SharedIndexInformer<Pod> informer;
    private final Map<String, Life> lives = new ConcurrentHashMap<>();
    private final List<String> nodes = new ArrayList<>();

    /**
     * What a watch of the test's own saw of one pod.
     *
     * @param last  as it was last
     * @param gone  null: it is there
     */
    record Life(Pod last, Instant first, Instant gone) {

        String name() {
            return last.getMetadata().getName();
        }

        String uid() {
            return last.getMetadata().getUid();
        }

        String task() {
            return last.getMetadata().getLabels().getOrDefault("muster.dev/task", "");
        }

        boolean isRunning() {
            return gone == null && "Running".equals(last.getStatus().getPhase()) && last.getMetadata().getDeletionTimestamp() == null;
        }
    }

    /** Skips the test, and says so, where there is no such server. */
    static RealCluster open(String suite, TimeScale speed) {
        var file = Optional.ofNullable(System.getenv("MUSTER_TEST_KUBECONFIG")).filter(name -> !name.isBlank()).map(Path::of).filter(Files::isReadable);
        if (file.isEmpty()) {
            System.out.println("Skipped: " + suite + "; MUSTER_TEST_KUBECONFIG names no file: start a Kubernetes API server with scheduler and controllers, and set it");
        }
        Assumptions.assumeTrue(file.isPresent(), "MUSTER_TEST_KUBECONFIG names no file");
        return new RealCluster(file.get(), speed);
    }

    private RealCluster(Path kubeconfig, TimeScale speed) {
        namespace = "muster-test-" + Integer.toString(new Random().nextInt(46_656, 1_679_616), 36);
        admin = new KubernetesClientBuilder().withConfig(Config.fromKubeconfig(kubeconfig.toFile())).build();
        admin.namespaces().resource(new NamespaceBuilder().withNewMetadata().withName(namespace).endMetadata().build()).create();
        for (var account : List.of(MUSTER, MACHINES)) {
            admin.serviceAccounts().inNamespace(namespace).resource(new ServiceAccountBuilder().withNewMetadata().withName(account).endMetadata().build()).create();
        }
        admin.rbac().roles().inNamespace(namespace).resource(new RoleBuilder().withNewMetadata().withName(MUSTER).endMetadata().withRules(
                new PolicyRuleBuilder().withApiGroups("").withResources("pods").withVerbs("get", "list", "watch", "create", "patch", "delete").build(),
                new PolicyRuleBuilder().withApiGroups("").withResources("pods/log", "configmaps").withVerbs("get").build()).build()).create();
        allow();
        kubelets = Kubelets.start(vertx, admin, new ClearmlMachine(vertx, speed), speed, Kubelets.Pace.USUAL);
        informer = admin.pods().inNamespace(namespace).inform(new ResourceEventHandler<>() {
            @Override
            public void onAdd(Pod pod) {
                lives.put(pod.getMetadata().getUid(), new Life(pod, Instant.now(), null));
            }

            @Override
            public void onUpdate(Pod old, Pod pod) {
                lives.computeIfPresent(pod.getMetadata().getUid(), (uid, life) -> new Life(pod, life.first, null));
            }

            @Override
            public void onDelete(Pod pod, boolean unknown) {
                lives.computeIfPresent(pod.getMetadata().getUid(), (uid, life) -> new Life(pod, life.first, Instant.now()));
            }
        });
    }

    /** Gives Muster its rights in the namespace. */
    void allow() {
        admin.rbac().roleBindings().inNamespace(namespace).resource(new RoleBindingBuilder().withNewMetadata().withName(MUSTER).endMetadata()
                .withNewRoleRef("rbac.authorization.k8s.io", "Role", MUSTER)
                .addNewSubject("", "ServiceAccount", MUSTER, namespace).build()).create();
    }

    /** Takes all of them away. */
    void deny() {
        admin.rbac().roleBindings().inNamespace(namespace).withName(MUSTER).delete();
    }

    /** What {@code muster.yaml} has under {@code accounts} of it; the token is in the secrets folder, and the values of pods in the namespace's Secret. */
    String account(Path folder, Map<String, String> values) throws IOException {
        var secret = new HashMap<String, String>();
        values.forEach((key, value) -> secret.put(key, Base64.getEncoder().encodeToString(value.getBytes(UTF_8))));
        admin.secrets().inNamespace(namespace).resource(new SecretBuilder().withNewMetadata().withName(MACHINES).endMetadata().withData(secret).build()).create();
        TokenRequest token = admin.serviceAccounts().inNamespace(namespace).withName(MUSTER)
                .tokenRequest(new TokenRequestBuilder().withNewSpec().withExpirationSeconds(A_DAY).endSpec().build());
        Files.writeString(Files.createDirectories(folder.resolve("secrets")).resolve("k8s-" + ACCOUNT + "-token"), token.getStatus().getToken());
        var authority = Files.write(folder.resolve("ca.pem"), Base64.getDecoder().decode(admin.getConfiguration().getCaCertData()));
        return ACCOUNT + ": {provider: k8s, server: \"" + admin.getMasterUrl() + "\", caFile: " + authority + ", namespaces: [" + namespace + "]}";
    }

    /** Keys of a pool that keeps its pods on these nodes. */
    String selector() {
        return "nodeSelector: {" + LABEL + ": " + namespace + "}";
    }

    /** A node joins; its name. @param shape a word of its own in the test */
    String addNode(String shape, String cpu, int gpus) {
        var name = kubelets.add(NodeShape.of(namespace + "-" + shape, cpu, "64Gi", gpus, "0.5").withLabel(LABEL, namespace));
        nodes.add(name);
        return name;
    }

    String scope() {
        return "k8s/" + ACCOUNT + "/" + namespace;
    }

    /** Every pod that a watch saw in the namespace, by its uid. */
    Map<String, Life> lives() {
        return new TreeMap<>(lives);
    }

    Optional<Life> lifeOf(String machineId) {
        return lives.values().stream().filter(life -> life.name().equals(machineId)).findFirst();
    }

    /** The last that was made for it. */
    Optional<Life> podFor(String task) {
        return lives.values().stream().filter(life -> life.task().equals(task)).max(Comparator.comparing(Life::first));
    }

    /** As the server has them now. */
    List<Pod> pods() {
        return admin.pods().inNamespace(namespace).list().getItems();
    }

    @Override
    public void close() {
        informer.close();
        // Nothing says how pods end without their kubelets.
        admin.pods().inNamespace(namespace).withGracePeriod(0).delete();
        kubelets.close();
        nodes.forEach(node -> admin.nodes().withName(node).delete());
        admin.namespaces().withName(namespace).delete();
        admin.close();
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }
}
