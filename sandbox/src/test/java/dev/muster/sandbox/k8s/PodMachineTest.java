package dev.muster.sandbox.k8s;

import static dev.muster.sandbox.k8s.Cluster.phase;
import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.sandbox.TimeScale;
import dev.muster.sandbox.clearml.Await;
import dev.muster.sandbox.clearml.Caller;
import dev.muster.sandbox.clearml.ClearmlConfig;
import dev.muster.sandbox.clearml.ClearmlServer;
import dev.muster.sandbox.clearml.SampleTask;
import dev.muster.sandbox.machine.ClearmlMachine;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.vertx.core.Vertx;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Pods do ClearML's tasks, a hundred times faster than real: those that serve queues, and those made for one waiting task. */
final class PodMachineTest {

    private static final Duration SOON = Duration.ofSeconds(30);
    private static final TimeScale FAST = new TimeScale(100);
    private static final String NAMESPACE = ClusterConfig.NAMESPACE;

    private final Vertx vertx = Vertx.vertx();
    private final ClearmlServer clearml = ClearmlServer.start(vertx, 0, ClearmlConfig.of(new ClearmlConfig.Credential("key", "secret", "robot", "company")));
    private final Caller caller = new Caller(clearml.url(), "key", "secret");
    private final KubeServer server = KubeServer.start(vertx, ClusterConfig.defaults().withTimeScale(FAST).withNodes(NodeShape.CPU, 1), new ClearmlMachine(vertx, FAST));
    private final KubernetesClient client = server.client(KubeServer.PROVISIONER);
    private String queue;

    @BeforeEach
    void createQueue() {
        queue = caller.createQueue("work");
        server.addSecret(NAMESPACE, "muster-machines", Map.of("clearml-default-access-key", "key", "clearml-default-secret-key", "secret\n"));
    }

    @AfterEach
    void closeAll() {
        client.close();
        server.close();
        clearml.close();
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    /** As much of a pod's script as a simulated pod reads. */
    private String script(String more) {
        var pieces = "{\"boot.properties\":[\"clearml.access-key=\",[\"k8s:clearml-default-access-key\",\"line\"],\"\\nclearml.secret-key=\","
                + "[\"k8s:clearml-default-secret-key\",\"line\"],\"\\n\"]}";
        return """
                #!/bin/sh
                    cat > "$etc/boot.properties" <<'MUSTER_PROPERTIES'
                cloud=k8s
                worker.prefix=fleet:pool:pod
                agents=1
                queues=%s
                clearml.api=%s
                %sMUSTER_PROPERTIES
                    base64 -d > "$etc/secrets.json" <<'MUSTER_FILE' || fail "can't write the references to secrets"
                %s
                MUSTER_FILE
                """.formatted(queue, clearml.url(), more, Base64.getEncoder().encodeToString(pieces.getBytes(StandardCharsets.UTF_8)));
    }

    private static String packed(String script) {
        var bytes = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(bytes)) {
            gzip.write(script.getBytes(StandardCharsets.UTF_8));
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        return Base64.getEncoder().encodeToString(bytes.toByteArray());
    }

    private Pod create(String name, String script) {
        return client.pods().inNamespace(NAMESPACE).resource(new PodBuilder(Cluster.pod(name, "/bin/sh", "-c", "unpack")).editSpec()
                .addNewVolume().withName("muster-secrets").withNewSecret().withSecretName("muster-machines").endSecret().endVolume()
                .editFirstContainer().addNewEnv().withName("MUSTER_BOOT").withValue(packed(script)).endEnv().endContainer().endSpec().build()).create();
    }

    /** The image's own entrypoint runs the task; a container before it claims it. */
    private void createWithEntrypoint(String name, String task) {
        var machine = Cluster.pod(name);
        client.pods().inNamespace(NAMESPACE).resource(new PodBuilder(machine).editSpec()
                .addNewVolume().withName("muster-secrets").withNewSecret().withSecretName("muster-machines").endSecret().endVolume()
                .addNewInitContainer().withName("claim").withImage("python:3.12").addNewEnv().withName("MUSTER_BOOT")
                .withValue(packed(script("task=" + task + "\ntask.queue=" + queue + "\n"))).endEnv().endInitContainer().endSpec().build()).create();
    }

    private Pod createFor(String name, String task) {
        return create(name, script("task=" + task + "\ntask.queue=" + queue + "\n"));
    }

    private String enqueued(Duration runTime) {
        var task = caller.createTask(SampleTask.running("sample", runTime));
        caller.enqueue(task, queue);
        return task;
    }

    private void mark(String name, String mark) {
        client.pods().inNamespace(NAMESPACE).withName(name).patch(PatchContext.of(PatchType.JSON_MERGE), "{\"metadata\": {\"annotations\": {\"muster.dev/mark\": \"" + mark + "\"}}}");
    }

    private Pod get(String name) {
        return client.pods().inNamespace(NAMESPACE).withName(name).get();
    }

    private void awaitStatus(String task, String status) {
        Await.until(SOON, () -> "task is " + caller.status(task) + ", pods " + server.books().instances(Instant.now()), () -> caller.status(task).equals(status));
    }

    private Books.Entry awaitPhase(String name, String phase) {
        Await.until(SOON, () -> server.kubelets().log(NAMESPACE, name), () -> phase(get(name)).equals(phase));
        return entry(name);
    }

    private Books.Entry entry(String name) {
        return server.books().instances(Instant.now()).stream().filter(pod -> pod.name().equals(name)).findFirst().orElseThrow();
    }

    @Test
    void anAgentPodDoesTaskAfterTaskAndEndsUnderAMark() {
        // Given
        var pod = create("m-1", script(""));
        var tasks = List.of(enqueued(Duration.ofSeconds(10)), enqueued(Duration.ofSeconds(200)));
        awaitStatus(tasks.get(1), "in_progress");

        // When
        mark("m-1", "drain:1");

        // Then
        var ended = awaitPhase("m-1", "Succeeded");
        assertThat(tasks).allSatisfy(task -> assertThat(caller.status(task)).isEqualTo("completed"));
        assertThat(clearml.books().tasks()).allSatisfy(task -> assertThat(task.workers()).containsExactly("fleet:pool:pod:" + pod.getMetadata().getUid()));
        assertThat(ended.exitCode()).isZero();
        assertThat(ended.tasks()).containsExactlyInAnyOrderElementsOf(tasks);
        assertThat(ended.marks()).containsExactly("drain:1");
    }

    @Test
    void aTaskPodClaimsItsTaskRunsItAndEnds() {
        // Given: another task waits before it, which is none of the pod's business.
        var other = enqueued(Duration.ofSeconds(1));
        var task = enqueued(Duration.ofSeconds(50));

        // When
        createFor("m-1", task);

        // Then
        var ended = awaitPhase("m-1", "Succeeded");
        assertThat(caller.status(task)).isEqualTo("completed");
        assertThat(caller.status(other)).isEqualTo("queued");
        assertThat(ended.tasks()).containsExactly(task);
        assertThat(server.kubelets().log(NAMESPACE, "m-1")).contains("task " + task + " is claimed by fleet:pool:pod:" + ended.uid());
    }

    @Test
    void ofTwoPodsForOneTaskOneRunsIt() {
        var task = enqueued(Duration.ofSeconds(50));

        createFor("m-1", task);
        createFor("m-2", task);

        var ended = List.of(awaitPhase("m-1", "Succeeded"), awaitPhase("m-2", "Succeeded"));
        assertThat(ended).extracting(Books.Entry::tasks).containsExactlyInAnyOrder(List.of(task), List.of());
        assertThat(clearml.books().tasks()).singleElement().satisfies(done -> assertThat(done.starts()).isEqualTo(1));
    }

    @Test
    void anEntrypointStartsWhereTheTaskWasClaimedBeforeIt() {
        var task = enqueued(Duration.ofSeconds(50));
        createWithEntrypoint("m-1", task);
        assertThat(awaitPhase("m-1", "Succeeded").tasks()).containsExactly(task);
        assertThat(caller.status(task)).isEqualTo("completed");

        createWithEntrypoint("m-2", task);

        assertThat(awaitPhase("m-2", "Failed").tasks()).isEmpty();
        var status = get("m-2").getStatus();
        assertThat(status.getInitContainerStatuses()).singleElement().satisfies(claim -> assertThat(claim.getState().getTerminated().getExitCode()).isEqualTo(1));
        assertThat(status.getContainerStatuses()).singleElement().satisfies(one -> assertThat(one.getState().getWaiting().getReason()).isEqualTo("PodInitializing"));
    }

    @Test
    void aTaskPodMarkedBeforeItsClaimEndsWithoutIt() {
        var task = enqueued(Duration.ofSeconds(50));
        server.kubelets().faults().onPod(PodFaults.PodFilter.ANY, 1, new PodFaults.PodFault.SlowStart(Duration.ofSeconds(100)));
        createFor("m-1", task);
        mark("m-1", "drain:1");

        assertThat(awaitPhase("m-1", "Succeeded").tasks()).isEmpty();
        assertThat(caller.status(task)).isEqualTo("queued");
    }

    @Test
    void aTaskPodMarkedAfterItsClaimFinishes() {
        var task = enqueued(Duration.ofSeconds(200));
        createFor("m-1", task);
        awaitStatus(task, "in_progress");

        mark("m-1", "drain:1");

        awaitPhase("m-1", "Succeeded");
        assertThat(caller.status(task)).isEqualTo("completed");
    }

    @Test
    void aDeletedPodKillsItsTaskWithoutAReport() {
        // Given
        var task = enqueued(Duration.ofHours(10));
        createFor("m-1", task);
        awaitStatus(task, "in_progress");

        // When
        client.pods().inNamespace(NAMESPACE).withName("m-1").delete();

        // Then
        Await.until(SOON, () -> "still there", () -> get("m-1") == null);
        assertThat(caller.status(task)).isEqualTo("in_progress");
        assertThat(entry("m-1").exitCode()).isEqualTo(143);
    }

    @Test
    void aPodThatRunsOutOfMemoryReportsNothing() {
        var task = enqueued(Duration.ofHours(10));
        createFor("m-1", task);
        awaitStatus(task, "in_progress");

        server.kubelets().outOfMemory(NAMESPACE, "m-1");

        var ended = awaitPhase("m-1", "Failed");
        assertThat(ended.reason() + " " + ended.exitCode()).isEqualTo("OOMKilled 137");
        assertThat(caller.status(task)).isEqualTo("in_progress");
    }

    @Test
    void aPodWhoseScriptIsBrokenSaysSoInItsLogAndFails() {
        create("m-1", script("").replace("secrets.json", "other.json"));

        assertThat(awaitPhase("m-1", "Failed").exitCode()).isEqualTo(78);
        assertThat(client.pods().inNamespace(NAMESPACE).withName("m-1").getLog())
                .isEqualTo("MUSTER-BOOT-FAILED step=secrets reason=the properties block lacks clearml.access-key, clearml.secret-key\n");
    }
}
