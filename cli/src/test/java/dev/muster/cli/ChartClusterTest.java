package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.readiness.Readiness;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The chart at a real API server, by the real helm: what it makes is taken, and an upgrade that changes nothing starts nothing anew. Skipped unless
 * MUSTER_TEST_KUBECONFIG names the kubeconfig of a cluster in which namespaces may be made. It needs no node: no image is run.
 */
class ChartClusterTest {

    private static final String KUBECONFIG = "MUSTER_TEST_KUBECONFIG";
    /** For a server that is older than the chart is for: the same objects in the form that it knows. */
    private static final Map<String, List<String>> OLDER = Map.of("templates/disruption.yaml", List.of("policy/v1\n", "policy/v1beta1\n"),
            "Chart.yaml", List.of("\">=1.25.0-0\"", "\">=1.19.0-0\""));

    @TempDir
    static Path folder;

    private static Helm helm;
    private static KubernetesClient client;
    private static String kubeconfig;
    private static Path chart;
    private static final String NAMESPACE = "chart-" + Long.toString(System.nanoTime(), 36);
    private static final String MACHINES = NAMESPACE + "-machines";
    /** No node has it, so that no kubelet but the test says how pods are. */
    private static final String NEVER_PLACED = Stream.of("planner", "queueWatcher", "k8s").map(service -> service + ".nodeSelector.no-node=has-it").collect(Collectors.joining(",", "--set=", ""));
    /** Services that have been whole once: from then on they stay so. */
    private static final Map<String, Boolean> WAS_COMPLETE = new TreeMap<>();

    @BeforeAll
    static void find() throws Exception {
        kubeconfig = Objects.requireNonNullElse(System.getenv(KUBECONFIG), "");
        if (kubeconfig.isEmpty()) {
            System.out.println("Skipped: the chart at a real API server; " + KUBECONFIG + " names no cluster");
        }
        assumeTrue(!kubeconfig.isEmpty());
        var found = Helm.orSkip("the chart at a real API server");
        assumeTrue(found.isPresent());
        helm = found.get();
        client = new KubernetesClientBuilder().withConfig(Config.fromKubeconfig(Files.readString(Path.of(kubeconfig)))).build();
        var minor = Integer.parseInt(client.getKubernetesVersion().getMinor().replaceAll("[^0-9]", ""));
        chart = minor >= 25 ? Helm.CHART : older();
        for (var namespace : List.of(NAMESPACE, MACHINES)) {
            client.namespaces().resource(new NamespaceBuilder().withNewMetadata().withName(namespace).endMetadata().build()).create();
        }
    }

    @AfterEach
    void uninstall() throws Exception {
        helm("uninstall", "muster", "--no-hooks");
    }

    @AfterAll
    static void end() {
        if (client != null) {
            for (var namespace : List.of(NAMESPACE, MACHINES)) {
                client.namespaces().withName(namespace).delete();
            }
            client.close();
        }
    }

    private static Path older() throws IOException {
        var copy = folder.resolve("chart");
        try (var files = Files.walk(Helm.CHART)) {
            for (var file : files.toList()) {
                var to = copy.resolve(Helm.CHART.relativize(file).toString());
                if (Files.isDirectory(file)) {
                    Files.createDirectories(to);
                } else {
                    Files.copy(file, to);
                }
            }
        }
        for (var change : OLDER.entrySet()) {
            var file = copy.resolve(change.getKey());
            var text = Files.readString(file);
            assertThat(text).contains(change.getValue().get(0));
            Files.writeString(file, text.replace(change.getValue().get(0), change.getValue().get(1)));
        }
        return copy;
    }

    private static Ran helm(String... arguments) throws Exception {
        return helm.run(Stream.concat(Arrays.stream(arguments), Stream.of("--kubeconfig", kubeconfig, "--namespace", NAMESPACE)).toArray(String[]::new));
    }

    private static Ran made(String command, String values, String... more) throws Exception {
        return helm(Stream.concat(Stream.of(command, "muster", chart.toString(), "--values", Helm.ci(values).toString(), "--set", "machines.namespace=" + MACHINES), Arrays.stream(more))
                .toArray(String[]::new));
    }

    @Test
    void theServerTakesAllThatAnInstallMakes() throws Exception {
        for (var values : List.of("smallest", "aws-only", "full")) {
            // Resources of operators that a plain cluster hasn't got, and a namespace that is not there, are left out.
            var ran = made("install", values, "--dry-run=server", "--set", "metrics.podMonitor=false,metrics.rules=false,machines.createNamespace=false", "--set-json", "k8s.namespaces=[]");
            assertThat(ran.exitCode()).as(values + ": " + ran.err()).isZero();
            for (var object : Helm.objects(ran.out().replaceFirst("(?s)\\nNOTES:.*", "").replaceFirst("(?s)^.*?(?=\\n---)", ""))) {
                client.resource(object).inNamespace(Objects.requireNonNullElse(object.getMetadata().getNamespace(), NAMESPACE)).dryRun(true).create();
            }
        }
    }

    @Test
    void anUpgradeThatChangesNothingStartsNothingAnewAndKeepsTheToken() throws Exception {
        // Given
        var installed = made("install", "smallest", "--no-hooks");
        assertThat(installed.exitCode()).as(installed.err()).isZero();
        var before = state();
        var secret = client.secrets().inNamespace(NAMESPACE).withName("muster-api").get().getData();
        assertThat(secret).containsKeys("token", "grants.yaml", "ca.crt", "tls.crt", "tls.key");
        // When
        var upgraded = made("upgrade", "smallest", "--no-hooks");
        // Then
        assertThat(upgraded.exitCode()).as(upgraded.err()).isZero();
        assertThat(state()).isEqualTo(before);
        assertThat(client.secrets().inNamespace(NAMESPACE).withName("muster-api").get().getData()).isEqualTo(secret);
        podsAreMade();
        // When
        var changed = made("upgrade", "smallest", "--no-hooks", "--set", "queueWatcher.settings.muster\\.log\\.levels-file=/tmp/levels");
        // Then
        assertThat(changed.exitCode()).as(changed.err()).isZero();
        assertThat(state().entrySet().stream().filter(one -> !one.getValue().equals(before.get(one.getKey()))).map(Map.Entry::getKey)).containsExactly("muster-queue-watcher");
    }

    /** The test is the pods' kubelet: it says which are ready, and when. So it is seen what waits for what. */
    @Test
    void anUpgradeReplacesOnePodOfEachServiceAtATimeAndARollBackPutsBackWhatWas() throws Exception {
        // Given
        var installed = made("install", "smallest", "--no-hooks", NEVER_PLACED, "--set", "image.tag=one");
        assertThat(installed.exitCode()).as(installed.err()).isZero();
        roll("one");
        var kept = kept();
        var before = templates();
        // When
        var upgraded = made("upgrade", "smallest", "--no-hooks", NEVER_PLACED, "--set", "image.tag=two", "--set", "queueWatcher.settings.muster\\.log\\.levels-file=/tmp/levels");
        // Then
        assertThat(upgraded.exitCode()).as(upgraded.err()).isZero();
        roll("two");
        assertThat(kept()).isEqualTo(kept);
        assertThat(templates()).doesNotContainEntry("muster-planner", before.get("muster-planner"));
        // When
        var back = helm("rollback", "muster", "1", "--no-hooks");
        // Then
        assertThat(back.exitCode()).as(back.err()).isZero();
        roll("one");
        assertThat(kept()).isEqualTo(kept);
        assertThat(templates()).isEqualTo(before);
    }

    /** What an upgrade of Muster leaves alone: the token, the fleets, the budgets of disruption and the broker, each as it is. */
    private static Map<String, Object> kept() {
        var kept = new TreeMap<String, Object>();
        kept.put("secret", client.secrets().inNamespace(NAMESPACE).withName("muster-api").get().getData());
        kept.put("fleets", client.configMaps().inNamespace(NAMESPACE).withName("muster-fleets").get().getData());
        budgets().forEach(budget -> kept.put(budget.getMetadata().getName(), List.of(budget.getMetadata().getUid(), budget.<Object>get("spec"))));
        client.apps().statefulSets().inNamespace(NAMESPACE).list().getItems().forEach(set -> kept.put(set.getMetadata().getName(), set.getMetadata().getGeneration()));
        assertThat(kept).containsKeys("muster-planner", "muster-kafka");
        return kept;
    }

    private static List<GenericKubernetesResource> budgets() {
        return client.genericKubernetesResources(chart.equals(Helm.CHART) ? "policy/v1" : "policy/v1beta1", "PodDisruptionBudget").inNamespace(NAMESPACE).list().getItems();
    }

    private static Map<String, PodSpec> templates() {
        return deployments().stream().collect(Collectors.toMap(one -> one.getMetadata().getName(), one -> one.getSpec().getTemplate().getSpec()));
    }

    private static List<Deployment> deployments() {
        return client.apps().deployments().inNamespace(NAMESPACE).list().getItems();
    }

    /** Lets one pod of each service become ready after the other, until all have the tag; never is one replica too few ready, or more than one too many there. */
    private static void roll(String tag) throws Exception {
        var until = System.nanoTime() + Duration.ofMinutes(2).toNanos();
        var complete = new TreeMap<String, Boolean>();
        do {
            assertThat(System.nanoTime()).as("complete with the tag " + tag + ": " + complete).isLessThan(until);
            for (var deployment : deployments()) {
                var name = deployment.getMetadata().getName();
                var replicas = deployment.getSpec().getReplicas();
                var pods = client.pods().inNamespace(NAMESPACE).withLabels(deployment.getSpec().getSelector().getMatchLabels()).list().getItems().stream()
                        .filter(pod -> pod.getMetadata().getDeletionTimestamp() == null).toList();
                var ready = pods.stream().filter(Readiness::isPodReady).count();
                if (Boolean.TRUE.equals(WAS_COMPLETE.get(name))) {
                    assertThat(ready).as("ready pods of " + name).isGreaterThanOrEqualTo(replicas);
                    assertThat(pods).as("pods of " + name).hasSizeLessThanOrEqualTo(replicas + 1);
                }
                var isComplete = pods.size() == replicas && ready == replicas && pods.stream().allMatch(pod -> pod.getSpec().getContainers().get(0).getImage().endsWith(":" + tag));
                complete.put(name, isComplete);
                if (isComplete) {
                    WAS_COMPLETE.put(name, true);
                } else {
                    pods.stream().filter(pod -> !Readiness.isPodReady(pod)).findFirst().ifPresent(ChartClusterTest::becomesReady);
                }
            }
            if (!WAS_COMPLETE.isEmpty() && WAS_COMPLETE.size() == complete.size()) {
                assertThat(budgets()).isNotEmpty().allSatisfy(budget -> assertThat((Integer) budget.get("status", "currentHealthy")).as(budget.getMetadata().getName())
                        .isGreaterThanOrEqualTo((Integer) budget.get("status", "desiredHealthy")));
            }
            TimeUnit.MILLISECONDS.sleep(200);
        } while (complete.isEmpty() || complete.containsValue(false));
    }

    private static void becomesReady(Pod pod) {
        client.pods().inNamespace(NAMESPACE).withName(pod.getMetadata().getName()).editStatus(seen -> new PodBuilder(seen).editOrNewStatus().withPhase("Running")
                .addNewCondition().withType("Ready").withStatus("True").endCondition().endStatus().build());
    }

    /** How often each was changed. */
    private static Map<String, Long> state() {
        return Stream.concat(client.apps().deployments().inNamespace(NAMESPACE).list().getItems().stream(), client.apps().statefulSets().inNamespace(NAMESPACE).list().getItems().stream())
                .map(HasMetadata::getMetadata).collect(Collectors.toMap(one -> one.getName(), one -> one.getGeneration()));
    }

    /** Admission takes the pods, too: whether one has a node and an image is the cluster's. */
    private static void podsAreMade() throws Exception {
        var wanted = List.of("kafka", "k8s-provisioner", "planner", "queue-watcher", "topics");
        var until = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (true) {
            var there = client.pods().inNamespace(NAMESPACE).list().getItems().stream().map(pod -> pod.getMetadata().getLabels().get("app.kubernetes.io/component")).collect(Collectors.toSet());
            if (there.containsAll(wanted)) {
                return;
            }
            assertThat(System.nanoTime()).as("pods of " + there + " of " + wanted).isLessThan(until);
            TimeUnit.MILLISECONDS.sleep(200);
        }
    }
}
