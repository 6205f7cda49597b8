package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.sandbox.TimeScale;
import dev.muster.sandbox.clearml.Books.TaskBook;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.Phase;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceQuotaBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a real API server, its scheduler and its controllers do to whoever runs pods there, played to the real processes: nothing here is a stand-in but
 * the nodes, whose pods are simulated machines, and ClearML. The decisions are printed.
 */
@Tag("long")
class KubernetesConformanceIT {

    private static final TimeScale SPEED = new TimeScale(15);
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final String SMALL = "requests: {cpu: 500m}";
    private static final String GPU = "limits: {nvidia.com/gpu: 1}";

    @TempDir
    static Path folder;

    private static RealCluster cluster;
    private static OwnStandIns standIns;
    private static Shell shell;
    private static PlannerRecords records;

    /** Of each test. */
    private String fleet;
    private String queue;

    @BeforeAll
    static void up() throws Exception {
        cluster = RealCluster.open("a real API server's ways", SPEED);
        standIns = new OwnStandIns(SPEED);
        cluster.addNode("cpu", "16", 0);
        cluster.addNode("cpu", "16", 0);
        shell = new Shell(folder);
        standIns.writeMusterYaml(folder, cluster);
        records = new PlannerRecords(shell.run("./muster up --config muster.yaml --json").succeeded().json().path("kafka").asText());
    }

    @AfterAll
    static void down() {
        if (shell != null) {
            shell.endAll();
        }
        if (standIns != null) {
            standIns.close();
        }
        if (cluster != null) {
            cluster.close();
        }
    }

    @BeforeEach
    void name(TestInfo test) {
        fleet = test.getTestMethod().orElseThrow().getName().replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT).replaceAll("^(.{1,30}).*", "$1").replaceAll("-$", "");
        queue = fleet;
    }

    /** A fleet of the test's own with one pool and a queue. @param more keys of the pool */
    private String begin(String more, String ofPod) throws Exception {
        var id = standIns.createQueue(queue);
        Files.writeString(folder.resolve(fleet + ".yaml"), """
                name: %1$s
                queues: {%1$s: [pods]}
                pools:
                  pods:
                    provider: k8s
                    account: %2$s
                    namespace: %3$s
                    max: 5
                    idle: 3s
                    %4$s
                    k8s: {%5$s, %6$s}
                """.formatted(fleet, RealCluster.ACCOUNT, cluster.namespace, more, ofPod, cluster.selector()));
        shell.run("./muster fleet apply -f " + fleet + ".yaml").succeeded();
        return id;
    }

    /** @param seconds of the clock that it runs; its id */
    private String enqueue(String queueId, double seconds) throws Exception {
        var task = standIns.createTask("conformance", Duration.ofMillis(Math.round(seconds * 1000 * SPEED.speed())));
        standIns.enqueue(task, queueId);
        return task;
    }

    private static TaskBook task(String id) {
        return standIns.clearml.books().tasks().stream().filter(task -> task.id().equals(id)).findFirst().orElseThrow();
    }

    private static void await(String what, Callable<Boolean> condition) throws Exception {
        try {
            Await.within(PATIENCE, what, condition);
        } catch (AssertionError notInTime) {
            throw new AssertionError(notInTime.getMessage() + "\n" + shell.run("./muster machine list --all").out() + "\n" + standIns.clearml.books().tasks() + "\n"
                    + cluster.lives().values().stream().map(life -> life.name() + " " + life.last().getStatus().getPhase() + " " + life.last().getMetadata().getDeletionTimestamp()
                    + " gone " + life.gone()).toList(), notInTime);
        }
    }

    private void awaitRunning(String task) throws Exception {
        await("the task to run", () -> task(task).status().equals("in_progress") && cluster.podFor(task).filter(RealCluster.Life::isRunning).isPresent());
    }

    private MachineRecord book(String machine) {
        return records.machines().get(machine);
    }

    /** Each was completed after so many starts, all pods are gone, and the planner knows. */
    private void end(int starts, String... tasks) throws Exception {
        for (var id : tasks) {
            await("the task to be completed", () -> task(id).status().equals("completed"));
            assertThat(task(id).starts()).as("starts of %s", task(id)).isEqualTo(starts);
        }
        await("the planner to know that all is gone", () -> records.machines().values().stream().noneMatch(MachineRecord::getCounted));
        var trail = records.trail(fleet).fromFirstLaunch();
        trail.print(fleet + ":");
        assertThat(ours()).extracting(RealCluster.Life::name).as("one pod a name").doesNotHaveDuplicates();
    }

    /** Pods of the fleet. */
    private List<RealCluster.Life> ours() {
        return cluster.lives().values().stream().filter(life -> fleet.equals(life.last().getMetadata().getLabels().get("muster.dev/fleet"))).toList();
    }

    @Test
    void aQuotaIsReachedAndAPodEnds() throws Exception {
        cluster.admin.resourceQuotas().inNamespace(cluster.namespace).resource(new ResourceQuotaBuilder().withNewMetadata().withName("team").endMetadata()
                .withNewSpec().withHard(Map.of("pods", new Quantity(Integer.toString(1 + alive())))).endSpec().build()).create();
        try {
            // Its admission plug-in reads quotas from a cache.
            TimeUnit.SECONDS.sleep(3);
            var id = begin("", "pods: task, " + SMALL);
            var tasks = List.of(enqueue(id, 8), enqueue(id, 8));
            await("one to be refused", () -> !refused().isEmpty());
            end(1, tasks.get(0), tasks.get(1));
            // The first pod's acceptance, heard of after the second's refusal, is a reason to ask once more.
            assertThat(refused()).hasSizeBetween(1, 2).allSatisfy(refused -> {
                assertThat(refused.what()).isEqualTo("QUOTA_EXCEEDED pods " + cluster.namespace);
                assertThat(refused.said()).contains("exceeded quota: team, requested: pods=1");
            });
            assertThat(records.trail(fleet).briefly()).contains("! QUOTA_HELD");
        } finally {
            cluster.admin.resourceQuotas().inNamespace(cluster.namespace).withName("team").delete();
        }
    }

    private int alive() {
        return (int) cluster.pods().stream().filter(pod -> !List.of("Succeeded", "Failed").contains(pod.getStatus().getPhase())).count();
    }

    private List<PlannerRecords.Refused> refused() {
        var mine = records.machines();
        return records.refused().stream().filter(refused -> mine.get(refused.machineId()).getFleet().equals(fleet)).toList();
    }

    @Test
    void aPodWaitsForAGpuUntilANodeWithOneJoins() throws Exception {
        var id = begin("", "pods: task, " + GPU);
        var task = enqueue(id, 2);
        await("the scheduler to say why it waits", () -> cluster.podFor(task).filter(life -> book(life.name()) != null && book(life.name()).getReason().equals("Unschedulable")).isPresent());
        var pod = cluster.podFor(task).orElseThrow();
        assertThat(book(pod.name()).getMessage()).contains("Insufficient nvidia.com/gpu");
        await("ClearML to show it", () -> standIns.client().call("tasks.get_by_id", Map.of("task", task)).at("/task/status_message").asText().contains("Insufficient nvidia.com/gpu"));
        var joined = Instant.now();
        cluster.addNode("gpu", "4", 1);
        awaitRunning(task);
        System.out.println("from the node to the task's run: less than " + Duration.between(joined, Instant.now()).toMillis() + " ms");
        end(1, task);
        assertThat(cluster.podFor(task).orElseThrow().uid()).as("one pod").isEqualTo(pod.uid());
        assertThat(records.trail(fleet).briefly()).contains("! MACHINES_HINDERED").doesNotContain("NO_ROOM", "BOOT_FAILED");
    }

    @Test
    void anEvictedTaskRunsAgain() throws Exception {
        var id = begin("", "pods: task, " + SMALL);
        var task = enqueue(id, 10);
        awaitRunning(task);
        var pod = cluster.podFor(task).orElseThrow();
        assertThat(cluster.admin.pods().inNamespace(cluster.namespace).withName(pod.name()).evict()).isTrue();
        end(2, task);
        said(pod);
        // A server before 1.26 says no more of an evicted pod than of one that somebody deleted.
        assertThat(book(pod.name()).getEnding().name() + " " + book(pod.name()).getReason()).isIn("INTERRUPTED Evicted", "ENDING_UNSPECIFIED Deleted");
        assertThat(records.trail(fleet).briefly()).contains("TASK_LOST_MACHINE");
    }

    private void said(RealCluster.Life pod) {
        var last = cluster.lives().get(pod.uid()).last().getStatus();
        System.out.println("  the cluster's last word of " + pod.name() + ": " + last.getPhase() + " " + last.getReason() + " " + last.getContainerStatuses().stream()
                .map(container -> container.getState().getTerminated()).toList() + "; Muster's: " + book(pod.name()).getEnding() + " " + book(pod.name()).getReason());
    }

    @Test
    void aTaskOnALostNodeRunsAgainOnceTheNodeIsGivenUp() throws Exception {
        var node = cluster.addNode("lost", "8", 0);
        var own = "pods: task, " + SMALL + ", tolerations: [{key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, seconds: 5}]";
        var id = begin("", own);
        // On that node alone.
        cordon(node, true);
        var task = enqueue(id, 20);
        awaitRunning(task);
        cordon(node, false);
        var pod = cluster.podFor(task).orElseThrow();
        assertThat(pod.last().getSpec().getNodeName()).isEqualTo(node);
        var killed = Instant.now();
        cluster.kubelets.kill(node);
        await("the cluster to begin to delete its pod", () -> cluster.lives().get(pod.uid()).last().getMetadata().getDeletionTimestamp() != null);
        System.out.println("from the power cut to the pod's deletion: " + Duration.between(killed, Instant.now()).toMillis() + " ms");
        await("the planner to hear of it", () -> book(pod.name()).getPhase() == Phase.TERMINATING);
        var told = Instant.now();
        // It may run on where nobody can reach it. Its object stays, and so does its task, which a node that comes back ends.
        await("some time to pass", () -> Instant.now().isAfter(told.plusSeconds(20)));
        System.out.println("20 s after the planner's word of it: the pod " + (cluster.lives().get(pod.uid()).gone() == null ? "is there" : "is gone") + ", the task is " + task(task).status());
        assertThat(task(task).starts()).isEqualTo(1);
        var removed = Instant.now();
        // As a cloud's own controller does with a node whose machine is no more.
        cluster.admin.nodes().withName(node).delete();
        await("the task to run again", () -> task(task).starts() == 2);
        System.out.println("from the node's removal to the task's next run: less than " + Duration.between(removed, Instant.now()).toMillis() + " ms");
        end(2, task);
        said(pod);
        assertThat(book(pod.name()).getEnding().name()).isEqualTo("INTERRUPTED");
    }

    /** All nodes but one take no pods, or do again. */
    private void cordon(String but, boolean closed) {
        cluster.admin.nodes().list().getItems().stream().map(one -> one.getMetadata().getName()).filter(name -> !name.equals(but))
                .forEach(name -> cluster.admin.nodes().withName(name).edit(one -> new NodeBuilder(one).editSpec().withUnschedulable(closed).endSpec().build()));
    }

    @Test
    void aMarkArrivesAtAPodThatOthersChangeAllTheTime() throws Exception {
        var id = begin("", "pods: agent, " + SMALL);
        var task = enqueue(id, 1);
        await("the task to be done", () -> task(task).status().equals("completed"));
        var pod = ours().stream().filter(RealCluster.Life::isRunning).findFirst().orElseThrow();
        var pods = cluster.admin.pods().inNamespace(cluster.namespace).withName(pod.name());
        int changes = 0;
        while (cluster.lives().get(pod.uid()).isRunning()) {
            assertThat(Duration.between(pod.first(), Instant.now())).isLessThan(PATIENCE);
            int change = ++changes;
            try {
                pods.edit(one -> new PodBuilder(one).editMetadata().addToAnnotations("lab/change", Integer.toString(change)).endMetadata().build());
            } catch (KubernetesClientException gone) {
                assertThat(gone.getCode()).as(gone.getMessage()).isIn(404, 409);
            }
        }
        System.out.println("changed " + changes + " times until it ended");
        end(1, task);
        assertThat(cluster.lives().get(pod.uid()).last().getMetadata().getAnnotations().get("muster.dev/mark")).startsWith("drain:");
        assertThat(book(pod.name()).getEnding().name()).isEqualTo("INSIDE");
        assertThat(records.trail(fleet).briefly()).contains("IDLE_TOO_LONG").doesNotContain("DRAIN_OVERDUE");
    }

    @Test
    void musterWithoutRightsStartsNothingUntilItHasThemAgain() throws Exception {
        var id = begin("", "pods: task, " + SMALL);
        // A watch that is open goes on without rights, until it is begun anew after half a minute.
        var first = enqueue(id, 110);
        awaitRunning(first);
        cluster.deny();
        try {
            var second = enqueue(id, 1);
            await("a launch to be refused", () -> !refused().isEmpty());
            await("the planner to say that it can't see the namespace", () -> records.trail(fleet).briefly().contains("! SCOPE_UNKNOWN"));
            assertThat(task(first).status()).isEqualTo("in_progress");
            assertThat(book(cluster.podFor(first).orElseThrow().name()).getPhase()).isEqualTo(Phase.READY);
            cluster.allow();
            var given = Instant.now();
            await("the second to run", () -> task(second).starts() == 1);
            System.out.println("from the rights to the run: less than " + Duration.between(given, Instant.now()).toMillis() + " ms");
            end(1, first, second);
        } finally {
            if (cluster.admin.rbac().roleBindings().inNamespace(cluster.namespace).list().getItems().isEmpty()) {
                cluster.allow();
            }
        }
        assertThat(refused()).allSatisfy(refused -> {
            assertThat(refused.what()).isEqualTo("UNAUTHORIZED pods " + cluster.namespace);
            assertThat(refused.said()).contains("cannot create resource \"pods\"");
        });
        assertThat(records.trail(fleet).briefly()).contains("! ACCOUNT_HELD", "! SCOPE_UNKNOWN");
    }

    /** A restart ends all watches, and the server then knows nothing of the versions before it. */
    @Test
    void theApiServerIsStartedAgainWhileTasksRun() throws Exception {
        var command = System.getProperty("muster.kube.restart", "");
        if (command.isEmpty()) {
            System.out.println("Skipped: an API server that is started again; -Dmuster.kube.restart='command' says how");
        }
        Assumptions.assumeFalse(command.isEmpty(), "nobody says how to start the server again");
        var id = begin("", "pods: task, " + SMALL);
        var tasks = List.of(enqueue(id, 5), enqueue(id, 15));
        awaitRunning(tasks.get(0));
        awaitRunning(tasks.get(1));
        var process = new ProcessBuilder("/bin/sh", "-c", command).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
        assertThat(process.waitFor()).isZero();
        var third = enqueue(id, 1);
        end(1, tasks.get(0), tasks.get(1), third);
        assertThat(ours()).hasSize(3);
        assertThat(records.trail(fleet).briefly()).doesNotContain("IS_MISSING", "BOOT_FAILED");
    }
}
