package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.acceptance.Cluster.Pod;
import dev.muster.v1.Phase;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a Kubernetes cluster does to whoever runs pods there: it is full, its quota is reached, it evicts pods and loses nodes, images can't be pulled,
 * rights are taken away, watches break. Each is played to the real processes by the cluster's stand-in and judged by its books and ClearML's; the
 * decisions that led through it are printed and held against what they should be. Holds last what they last, by the clock: machines and tasks are 20
 * times as fast.
 */
@Tag("long")
class KubernetesScenariosIT {

    private static final int SPEED = 20;
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    /** The first hold of an offer without capacity; the planner's own number. */
    private static final Duration HOLD = Duration.ofMinutes(1);
    /** From a moment that was waited for to what follows it, on a computer that does other things. */
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final String TASKS_WAIT = "TASKS_WAIT 1 x pods " + Cluster.NAMESPACE;

    @TempDir
    static Path folder;

    private static Sandbox muster;
    private static CloudStandIn ec2;
    private static Cluster cluster;

    /** Of each test, and the name of its queue. */
    private String fleet;
    private final List<String> tasks = new ArrayList<>();

    @BeforeAll
    static void up() throws Exception {
        muster = new Sandbox(folder, SPEED, Map.of("MUSTER_INVENTORY_SLOW", "5s"), CloudStandIn.Kind.AWS, CloudStandIn.Kind.KUBERNETES);
        ec2 = muster.cloud(CloudStandIn.Kind.AWS);
        cluster = new Cluster(muster.cloud(CloudStandIn.Kind.KUBERNETES));
    }

    @AfterAll
    static void down() {
        if (muster != null) {
            muster.close();
        }
    }

    /** As it was: the next test has a fleet and a queue of its own, and the same cluster. */
    @AfterEach
    void tidy() throws Exception {
        cluster.standIn().delete("/faults");
        cluster.quota("pods", 1000);
        for (var task : tasks) {
            if (List.of("queued", "in_progress").contains(taskField(task, "status"))) {
                Clearml.of(muster.shell).call("tasks.stop", Map.of("task", task, "force", true));
            }
        }
        for (var node : cluster.nodes()) {
            if (node.startsWith("big-")) {
                cluster.node(node, "remove");
            }
        }
        muster.awaitNoMachine(PATIENCE);
    }

    /** A fleet of one queue and one pool. @param more keys of the pool */
    private void apply(String fleet, String more) throws Exception {
        this.fleet = fleet;
        muster.apply(fleet, """
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
                """.formatted(fleet, Cluster.ACCOUNT, Cluster.NAMESPACE, more));
    }

    private static String taskPods(String resources) {
        return "k8s: {pods: task, " + resources + "}";
    }

    private static final String SMALL = "requests: {cpu: 1}";

    /** The same, and machines of AWS for what the cluster doesn't take; both are known, and all tasks are seen at once. */
    private List<String> beginBesideAws(String fleet, String more, int tasks, int seconds) throws Exception {
        this.fleet = fleet;
        muster.apply(fleet, """
                name: %1$s
                currency: USD
                queues: {%1$s: [pods, t4]}
                pools:
                  pods:
                    provider: k8s
                    account: %2$s
                    namespace: %3$s
                    max: 5
                    %4$s
                  t4: {provider: aws, region: us-east-1, type: g4dn.xlarge, price: 0.526, aws: {publicIp: false}, max: 5, idle: 3s}
                """.formatted(fleet, Cluster.ACCOUNT, Cluster.NAMESPACE, more));
        muster.shell.run("./muster fleet pause " + fleet).succeeded();
        muster.await(PATIENCE, "both clouds to be known", () -> muster.isListed(fleet, "aws/default/us-east-1", Cluster.SCOPE));
        var ids = enqueue(tasks, seconds);
        // Queues are looked at each second.
        TimeUnit.SECONDS.sleep(2);
        muster.shell.run("./muster fleet resume " + fleet).succeeded();
        return ids;
    }

    /** @param seconds of the clock that each runs */
    private List<String> enqueue(int count, double seconds) throws Exception {
        var ids = muster.enqueue(fleet, count, seconds);
        tasks.addAll(ids);
        return ids;
    }

    private String enqueueWithImage(String image, double seconds) throws Exception {
        var id = muster.enqueueWithImage(fleet, image, seconds);
        tasks.add(id);
        return id;
    }

    // What is judged: this test's.

    private int tasks(String status) throws Exception {
        return (int) muster.standIns.tasks().stream().filter(task -> tasks.contains(task.path("id").asText()) && task.path("status").asText().equals(status)).count();
    }

    private List<Pod> pods() throws Exception {
        return cluster.pods().stream().filter(pod -> pod.fleet().equals(fleet)).toList();
    }

    private List<PlannerRecords.Refused> refused() {
        var books = muster.machines();
        return muster.refused().stream().filter(refused -> books.get(refused.machineId()).getFleet().equals(fleet)).toList();
    }

    /** Calls of EC2 that came since there had been so many. */
    private static List<String> callsSince(int before) throws Exception {
        var calls = ec2.briefly();
        return calls.subList(before, calls.size());
    }

    private void awaitRest() throws Exception {
        muster.await(PATIENCE, "all tasks to be done", () -> tasks("completed") == tasks.size());
        muster.awaitNoMachine(PATIENCE);
    }

    private void everyMachineIsOneAndEveryTaskRanOnce() throws Exception {
        awaitRest();
        muster.everyMachineIsOne(fleet);
        assertThat(muster.standIns.tasks().stream().filter(task -> tasks.contains(task.path("id").asText()))).hasSize(tasks.size())
                .allSatisfy(task -> assertThat(task.path("status").asText() + " " + task.path("starts").asInt()).as(task.toString()).isEqualTo("completed 1"));
        muster.await(PATIENCE, "ended pods to be swept away", cluster::isSwept);
    }

    private String taskField(String task, String field) throws Exception {
        return Clearml.of(muster.shell).call("tasks.get_by_id", Map.of("task", task)).path("task").path(field).asText();
    }

    private String logOf(String task) throws Exception {
        return Clearml.of(muster.shell).logOf(task);
    }

    private static long millis(Instant from, Instant until) {
        return Duration.between(from, until).toMillis();
    }

    // Room.

    @Test
    void aFullClusterGetsANodeFromItsOwnAutoscaler() throws Exception {
        var first = cluster.addNode();
        apply("full", taskPods(Cluster.TWO_GPUS));
        var tasks = enqueue(3, 25);
        muster.await(PATIENCE, "one to run and two to wait for room", () -> cluster.running().size() == 1 && cluster.waiting().size() == 2);
        var waiting = cluster.waiting().get(0);
        muster.await(PATIENCE, "ClearML to show why", () -> taskField(waiting.task(), "status_message").contains("Insufficient nvidia.com/gpu"));
        assertThat(taskField(waiting.task(), "status")).isEqualTo("queued");
        muster.await(PATIENCE, "the planner to say why", () -> muster.trail(fleet).briefly().contains("! MACHINES_HINDERED"));

        cluster.standIn().post("/growth", "{\"name\": \"big\", \"cpu\": \"8\", \"memory\": \"32Gi\", \"gpus\": 2, \"dollarsPerHour\": 1.2, \"most\": 1, \"seconds\": " + 5 * SPEED + "}");
        muster.await(PATIENCE, "two to run", () -> tasks("in_progress") == 2);
        awaitRest();

        var trail = muster.trail(fleet).fromFirstLaunch();
        trail.print("A cluster is full, and its own autoscaler adds a node:");
        assertThat(pods()).hasSize(3).extracting(Pod::task).containsExactlyInAnyOrderElementsOf(tasks);
        assertThat(pods()).extracting(Pod::node).doesNotContain("").contains(first);
        assertThat(pods().stream().map(Pod::node).distinct()).hasSize(2);
        pods().forEach(pod -> System.out.println("  " + pod.name() + " on " + pod.node() + ": from its creation to its node " + millis(pod.created(), pod.scheduled())
                + " ms, from there to its start " + millis(pod.scheduled(), pod.running()) + " ms"));
        assertThat(trail.launches()).extracting(Trail.Step::brief).containsExactly("TASKS_WAIT 3 x pods " + Cluster.NAMESPACE);
        assertThat(trail.briefly()).contains("! MACHINES_HINDERED", "- MACHINES_HINDERED").doesNotContain("NO_ROOM", "BOOT_FAILED");
        assertThat(trail.steps).filteredOn(step -> step.brief().equals("! MACHINES_HINDERED")).first().satisfies(step -> assertThat(step.text())
                .contains("Unschedulable: 0/", "nodes are available", "Insufficient nvidia.com/gpu"));
        assertThat(logOf(waiting.task())).contains("Insufficient nvidia.com/gpu", "on node big-");
        everyMachineIsOneAndEveryTaskRanOnce();
    }

    @Test
    void aPodThatWaitsForAGpuLongerThanABootMayTakeIsNoFailedBoot() throws Exception {
        apply("gpu", "bootWithin: 6s\n    registerWithin: 12s\n    " + taskPods(Cluster.TWO_GPUS));
        enqueue(1, 2);
        muster.await(PATIENCE, "its pod to wait", () -> cluster.waiting().size() == 1);
        var waits = Instant.now();
        muster.await(PATIENCE, "both deadlines to be over", () -> Instant.now().isAfter(waits.plusSeconds(20)));
        assertThat(pods()).singleElement().satisfies(pod -> assertThat(pod.reason()).isEqualTo("Unschedulable"));
        var joined = Instant.now();
        cluster.addNode();
        awaitRest();

        var trail = muster.trail(fleet).fromFirstLaunch();
        trail.print("A node with a GPU joins after 20 s:");
        System.out.println("from the node to the pod's being placed " + millis(joined, pods().get(0).scheduled()) + " ms, to its start "
                + millis(joined, pods().get(0).running()) + " ms");
        assertThat(pods()).hasSize(1);
        assertThat(trail.launches()).extracting(Trail.Step::brief).containsExactly(TASKS_WAIT);
        assertThat(trail.briefly()).doesNotContain("BOOT_FAILED", "NO_ROOM");
        everyMachineIsOneAndEveryTaskRanOnce();
    }

    @Test
    void whatTheClusterHasNoRoomForRunsOnAwsAndTheClusterIsTriedAgain() throws Exception {
        cluster.addNode();
        int before = ec2.launchCalls().size();
        var tasks = beginBesideAws("overflow", "patience: 6s\n    " + taskPods(Cluster.TWO_GPUS), 3, 20);
        muster.await(PATIENCE, "AWS to be asked", () -> ec2.launchCalls().size() > before);
        var asked = ec2.launchCalls().get(before).at();
        awaitRest();
        var waited = pods().stream().filter(pod -> pod.scheduled() == null).toList();
        System.out.println("from the pods' creation to the call of AWS: " + waited.stream().map(pod -> millis(pod.created(), asked) + " ms").toList());

        muster.await(HOLD.plus(SOON), "the cluster's hold to be over", () -> Instant.now().isAfter(asked.plus(HOLD).plusSeconds(1)));
        var again = new ArrayList<>(enqueue(1, 8));
        muster.await(PATIENCE, "the probe's task to run", () -> tasks("in_progress") == 1);
        cluster.addNode();
        again.addAll(enqueue(1, 5));
        awaitRest();

        var trail = muster.trail(fleet).fromFirstLaunch();
        trail.print("The cluster has room for one task of three, and AWS takes what waits longer than 6 s:");
        assertThat(waited).hasSize(2).allSatisfy(pod -> {
            assertThat(pod.running()).isNull();
            assertThat(millis(pod.created(), asked)).isBetween(6_000L, 6_000L + SOON.toMillis());
        });
        // Both at once, or one after the other where the cluster was seen to be full between the two.
        assertThat(callsSince(before)).isIn(List.of("us-east-1a on-demand x 2: Success"), List.of("us-east-1a on-demand x 1: Success", "us-east-1a on-demand x 1: Success"));
        var launches = trail.launches().stream().map(Trail.Step::brief).toList();
        assertThat(launches).startsWith("TASKS_WAIT 3 x pods " + Cluster.NAMESPACE).endsWith(TASKS_WAIT + " probe", TASKS_WAIT);
        assertThat(launches.subList(1, launches.size() - 2)).isNotEmpty().allSatisfy(brief -> assertThat(brief).endsWith("x g4dn.xlarge us-east-1"));
        assertThat(trail.launches().get(1).text()).as("why not in the cluster").contains("pods " + Cluster.NAMESPACE, "until");
        assertThat(trail.briefly().stream().filter("NO_ROOM"::equals)).hasSize(2);
        assertThat(trail.steps).filteredOn(step -> step.brief().equals("NO_ROOM")).allSatisfy(step -> assertThat(step.text()).contains("Insufficient nvidia.com/gpu"));
        var ran = pods().stream().flatMap(pod -> pod.tasks().stream()).toList();
        assertThat(ran).hasSize(3).containsAll(again);
        assertThat(tasks.stream().filter(task -> !ran.contains(task))).as("ran on AWS").hasSize(2);
        everyMachineIsOneAndEveryTaskRanOnce();
    }

    @Test
    void whatAQuotaKeepsOutRunsOnAws() throws Exception {
        cluster.addNode();
        cluster.addNode();
        cluster.quota("requests.nvidia.com/gpu", 2);
        int before = ec2.launchCalls().size();
        beginBesideAws("quota-aws", taskPods(Cluster.TWO_GPUS), 2, 15);
        muster.await(PATIENCE, "both to run", () -> tasks("in_progress") == 2);
        awaitRest();

        var trail = muster.trail(fleet).fromFirstLaunch();
        trail.print("The namespace's quota is reached, and AWS takes the rest:");
        assertThat(refused()).singleElement().satisfies(refused -> {
            assertThat(refused.what()).isEqualTo("QUOTA_EXCEEDED pods " + Cluster.NAMESPACE);
            assertThat(refused.said()).contains("exceeded quota: team, requested: requests.nvidia.com/gpu=2, used: requests.nvidia.com/gpu=2, limited: requests.nvidia.com/gpu=2");
        });
        assertThat(pods()).hasSize(1);
        assertThat(callsSince(before)).containsExactly("us-east-1a on-demand x 1: Success");
        assertThat(trail.launches()).extracting(Trail.Step::brief).containsExactly("TASKS_WAIT 2 x pods " + Cluster.NAMESPACE, "LAUNCH_WAS_REFUSED 1 x g4dn.xlarge us-east-1");
        everyMachineIsOneAndEveryTaskRanOnce();
    }

    @Test
    void whatAQuotaKeepsOutWaitsForAPodToEnd() throws Exception {
        cluster.quota("pods", 1);
        apply("quota", taskPods(SMALL));
        enqueue(2, 12);
        muster.await(PATIENCE, "one to run", () -> tasks("in_progress") == 1);
        muster.await(PATIENCE, "the planner to say why the other waits", () -> muster.trail(fleet).briefly().contains("! QUOTA_HELD"));
        awaitRest();

        var trail = muster.trail(fleet).fromFirstLaunch();
        trail.print("The namespace's quota is reached, and a pod ends:");
        var pods = pods();
        assertThat(pods).hasSize(2);
        System.out.println("from the first pod's end to the second's creation: " + millis(pods.get(0).ended(), pods.get(1).created()) + " ms; creates that were refused: "
                + cluster.standIn().answers("create pods", "Forbidden"));
        assertThat(millis(pods.get(0).ended(), pods.get(1).created())).isBetween(0L, SOON.toMillis());
        // The first pod's acceptance, heard of after the second's refusal, is a reason to ask once more.
        assertThat(refused()).hasSizeBetween(1, 2).extracting(PlannerRecords.Refused::what).containsOnly("QUOTA_EXCEEDED pods " + Cluster.NAMESPACE);
        everyMachineIsOneAndEveryTaskRanOnce();
    }

    // Ends under a running task.

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"evict", "preempt", "shut-down"})
    void aTaskWhosePodIsTakenAwayRunsAgainAndIsCompletedOnce(String what) throws Exception {
        cluster.addNode();
        cluster.addNode();
        apply("taken-" + what, taskPods(Cluster.TWO_GPUS));
        var task = enqueue(1, 15).get(0);
        muster.await(PATIENCE, "the task to run", () -> tasks("in_progress") == 1 && cluster.running().size() == 1);
        var pod = cluster.running().get(0);
        if (what.equals("shut-down")) {
            cluster.node(pod.node(), what);
        } else {
            cluster.order(pod, what);
        }
        awaitRest();

        var trail = muster.trail(fleet).fromFirstLaunch();
        trail.print("A pod is taken away under its task (" + what + "):");
        judgeRescue(task, pod.name());
        // A look from before the task was taken may still show it waiting when its pod has gone: the launch that is made for it then is told so, and starts nothing.
        assertThat(trail.launches()).extracting(Trail.Step::brief).startsWith(TASKS_WAIT, TASKS_WAIT).isSubsetOf(TASKS_WAIT, "LAUNCH_WAS_REFUSED 1 x pods " + Cluster.NAMESPACE)
                .hasSizeLessThanOrEqualTo(3);
        assertThat(trail.briefly()).contains("WAS_INTERRUPTED", "TASK_LOST_MACHINE");
        if (what.equals("shut-down")) {
            cluster.node(pod.node(), "remove");
        }
    }

    /** Its first run ended with that pod, which the cloud took; it was put back within 10 s of the pod's end, and completed by another. */
    private void judgeRescue(String task, String name) throws Exception {
        var first = cluster.pod(name);
        var runs = StormBooks.tasks(muster.standIns.get("/clearml/books?steps=true")).stream().filter(one -> one.id().equals(task)).findFirst().orElseThrow().runs();
        System.out.println("  " + first.reason() + "; from the pod's end to its task's being back: " + millis(first.ended(), runs.get(0).back()) + " ms");
        assertThat(runs).extracting(StormBooks.Run::end).as("how its runs ended").containsExactly("stopped", "completed");
        assertThat(millis(first.ended(), runs.get(0).back())).as("back in its queue after its pod had ended").isBetween(0L, 10_000L);
        assertThat(cluster.podsFor(task)).hasSize(2);
        var books = muster.machines().get(name);
        assertThat(books.getEnding().name() + " " + books.getCause()).isEqualTo("INTERRUPTED WAS_INTERRUPTED");
        muster.everyMachineIsOne(fleet);
    }

    @Test
    void aTaskOnANodeThatIsLostWaitsUntilTheClusterGivesTheNodeUp() throws Exception {
        cluster.addNode();
        cluster.addNode();
        apply("lost", taskPods(Cluster.TWO_GPUS));
        var task = enqueue(1, 15).get(0);
        muster.await(PATIENCE, "the task to run", () -> tasks("in_progress") == 1 && cluster.running().size() == 1);
        var pod = cluster.running().get(0);
        cluster.node(pod.node(), "kill");
        var killed = Instant.now();
        muster.await(PATIENCE, "the planner to hear of its end", () -> muster.machines().get(pod.name()).getPhase() == Phase.TERMINATING);
        var told = Instant.now();
        System.out.println("from the power cut to the planner's word of it: " + millis(killed, told) + " ms");
        // It may run on where nobody can reach it: as long as the cluster says that it may, its task stays with it.
        muster.await(PATIENCE, "some time to pass", () -> Instant.now().isAfter(told.plusSeconds(10)));
        assertThat(tasks("in_progress")).isEqualTo(1);
        assertThat(cluster.podsFor(task)).hasSize(1);
        assertThat(cluster.pod(pod.name()).gone()).as("its object").isNull();
        // As a cloud's own controller does with a node whose machine is no more.
        cluster.node(pod.node(), "remove");
        awaitRest();

        var trail = muster.trail(fleet).fromFirstLaunch();
        trail.print("A node loses its power, and is taken out of the cluster:");
        judgeRescue(task, pod.name());
        assertThat(muster.machines().get(pod.name()).getReason()).isEqualTo("NodeLost");
        assertThat(trail.briefly()).contains("WAS_INTERRUPTED", "TASK_LOST_MACHINE");
    }

    @Test
    void aTaskThatTakesMoreMemoryThanItsPodHasIsFailedWithThatReasonAndItsLastLines() throws Exception {
        apply("memory", taskPods("requests: {cpu: 1, memory: 1Gi}"));
        var task = enqueue(1, 30).get(0);
        muster.await(PATIENCE, "the task to run", () -> tasks("in_progress") == 1 && cluster.running().size() == 1);
        cluster.order(cluster.running().get(0), "out-of-memory");
        muster.await(PATIENCE, "the task to be failed", () -> tasks("failed") == 1);
        var ended = cluster.podsFor(task).get(0).ended();
        System.out.println("from the pod's end to the task's being failed: " + millis(ended, Instant.now()) + " ms");
        assertThat(taskField(task, "status_reason")).isEqualTo("OOMKilled");
        assertThat(taskField(task, "status_message")).contains("OOMKilled");
        muster.await(PATIENCE, "its pod's last lines to be in its log", () -> logOf(task).contains("the last lines of its log:"));
        assertThat(logOf(task)).contains("OOMKilled", "MUSTER-BOOT-DONE");
        enqueue(1, 1);
        muster.await(PATIENCE, "the next to be done", () -> tasks("completed") == 1);
        muster.awaitNoMachine(PATIENCE);

        var trail = muster.trail(fleet).fromFirstLaunch();
        trail.print("A pod takes too much memory:");
        assertThat(trail.briefly()).contains("TASK_FAILED_WITH_MACHINE").doesNotContain("BOOT_FAILED");
        assertThat(cluster.podsFor(task)).as("it is not tried again").hasSize(1);
        assertThat(tasks("failed")).isEqualTo(1);
        muster.everyMachineIsOne(fleet);
    }

    // Images.

    @Test
    void aTaskWhoseOwnImageIsNotThereIsFailedAndThePoolGoesOn() throws Exception {
        cluster.image("lab/typo:1", "missing");
        apply("image", taskPods(SMALL));
        enqueue(1, 1);
        muster.await(PATIENCE, "the first to be done", () -> tasks("completed") == 1);
        var typo = enqueueWithImage("lab/typo:1", 1);
        var good = enqueueWithImage("lab/good:1", 1);
        muster.await(PATIENCE, "one to be failed, and the other done", () -> tasks("failed") == 1 && tasks("completed") == 2);
        System.out.println("from the pod's creation to its task's being failed: less than " + millis(cluster.podsFor(typo).get(0).created(), Instant.now()) + " ms");
        assertThat(taskField(typo, "status_reason")).isIn("ErrImagePull", "ImagePullBackOff");
        assertThat(taskField(typo, "status_message")).contains("lab/typo:1");
        assertThat(taskField(good, "status")).isEqualTo("completed");
        muster.awaitNoMachine(PATIENCE);

        var trail = muster.trail(fleet).fromFirstLaunch();
        trail.print("A task names an image that isn't there:");
        var pod = cluster.podsFor(typo).get(0);
        System.out.println("from the pod's creation to its end: " + millis(pod.created(), pod.ended()) + " ms");
        assertThat(trail.briefly()).contains("TASK_AT_FAULT").doesNotContain("BOOT_FAILED", "! CIRCUIT_OPEN");
        assertThat(cluster.podsFor(typo)).hasSize(1);
        muster.everyMachineIsOne(fleet);
    }

    @Test
    void aPoolWhoseImageIsNotThereIsNotTriedForEver() throws Exception {
        cluster.image("lab/broken:1", "missing");
        apply("broken", "image: lab/broken:1\n    bootWithin: 5s\n    " + taskPods(SMALL));
        var task = enqueue(1, 1).get(0);
        muster.await(PATIENCE, "the circuit to open", () -> muster.trail(fleet).briefly().contains("! CIRCUIT_OPEN"));
        var opened = pods().size();
        muster.await(PATIENCE, "its pods to be gone", () -> pods().stream().allMatch(pod -> pod.ended() != null));

        var trail = muster.trail(fleet).fromFirstLaunch();
        trail.print("The pool's image isn't there:");
        assertThat(opened).isEqualTo(3);
        assertThat(pods()).hasSize(3).allSatisfy(pod -> {
            assertThat(pod.running()).isNull();
            assertThat(pod.task()).isEqualTo(task);
        });
        assertThat(trail.briefly().stream().filter("BOOT_FAILED"::equals)).hasSize(3);
        assertThat(trail.steps).filteredOn(step -> step.brief().equals("BOOT_FAILED")).allSatisfy(step -> assertThat(step.text()).contains("lab/broken:1"));
        assertThat(taskField(task, "status")).as("the task").isEqualTo("queued");
        assertThat(taskField(task, "status_message")).contains("lab/broken:1");
    }

    // Tasks that go elsewhere.

    @Test
    void aPodThatWaitsGoesWhenAnotherAgentTakesItsTask() throws Exception {
        apply("desk-waiting", taskPods(Cluster.TWO_GPUS));
        enqueue(1, 1);
        muster.await(PATIENCE, "its pod to wait", () -> cluster.waiting().size() == 1);
        var desk = desk(Duration.ofSeconds(8));
        var taken = Instant.now();
        awaitRest();
        desk.off();

        var trail = muster.trail(fleet).fromFirstLaunch();
        trail.print("A pod waits for room, and a desk takes its task:");
        assertThat(pods()).singleElement().satisfies(pod -> {
            assertThat(pod.scheduled()).isNull();
            assertThat(pod.gone()).isNotNull();
            System.out.println("from the desk's start to the pod's end: " + millis(taken, pod.gone()) + " ms");
            assertThat(millis(taken, pod.gone())).isLessThan(SOON.toMillis());
        });
        assertThat(trail.briefly()).contains("TASK_TAKEN").doesNotContain("BOOT_FAILED");
        everyMachineIsOneAndEveryTaskRanOnce();
    }

    @Test
    void aPodThatStartsEndsByItselfWhenAnotherAgentHasItsTask() throws Exception {
        cluster.standIn().post("/faults/pods", "{\"kind\": \"slow-start\", \"seconds\": " + 8 * SPEED + "}");
        apply("desk-starting", taskPods(SMALL));
        enqueue(1, 1);
        muster.await(PATIENCE, "its pod to start", () -> pods().stream().anyMatch(pod -> pod.scheduled() != null));
        var desk = desk(Duration.ofSeconds(20));
        awaitRest();
        desk.off();

        var trail = muster.trail(fleet).fromFirstLaunch();
        trail.print("A pod starts, and a desk has its task:");
        assertThat(pods()).singleElement().satisfies(pod -> {
            assertThat(pod.running()).isNotNull();
            assertThat(pod.exitCode()).isZero();
            assertThat(pod.tasks()).isEmpty();
        });
        assertThat(trail.briefly()).doesNotContain("BOOT_FAILED", "! CIRCUIT_OPEN");
        everyMachineIsOneAndEveryTaskRanOnce();
    }

    private ForeignAgent desk(Duration taskLength) throws Exception {
        var clearml = Clearml.of(muster.shell);
        var queue = clearml.call("queues.get_all", Map.of("name", "^" + fleet + "$")).path("queues").path(0).path("id").asText();
        var desk = new ForeignAgent(clearml, "desk:cpu:0", queue, taskLength);
        desk.start();
        return desk;
    }

    @Test
    void aTaskThatIsAbortedTakesItsPodAlongWhetherItWaitsOrRuns() throws Exception {
        cluster.addNode();
        apply("abort", taskPods(Cluster.TWO_GPUS));
        enqueue(2, 60);
        muster.await(PATIENCE, "one to run and one to wait", () -> tasks("in_progress") == 1 && cluster.waiting().size() == 1);
        var waiting = cluster.waiting().get(0);
        var running = cluster.running().get(0);
        var clearml = Clearml.of(muster.shell);
        var asked = Instant.now();
        clearml.call("tasks.stop", Map.of("task", waiting.task(), "force", true));
        muster.await(PATIENCE, "the waiting pod to go", () -> cluster.pod(waiting.name()).gone() != null);
        System.out.println("from the abort of the waiting task to the end of its pod: " + millis(asked, cluster.pod(waiting.name()).gone()) + " ms");
        assertThat(cluster.pod(waiting.name()).scheduled()).isNull();
        var askedAgain = Instant.now();
        clearml.call("tasks.stop", Map.of("task", running.task()));
        muster.await(PATIENCE, "the running pod to end", () -> cluster.pod(running.name()).ended() != null);
        System.out.println("from the abort of the running task to the end of its pod: " + millis(askedAgain, cluster.pod(running.name()).ended()) + " ms");
        muster.awaitNoMachine(PATIENCE);
        muster.await(PATIENCE, "ended pods to be swept away", cluster::isSwept);

        var trail = muster.trail(fleet).fromFirstLaunch();
        trail.print("A waiting task is aborted, then a running one:");
        assertThat(muster.standIns.tasks().stream().filter(task -> tasks.contains(task.path("id").asText()))).extracting(task -> task.path("id").asText() + " " + task.path("status").asText() + " " + task.path("starts").asInt())
                .containsExactlyInAnyOrder(waiting.task() + " stopped 0", running.task() + " stopped 1");
        assertThat(pods()).hasSize(2);
        assertThat(trail.briefly()).contains("TASK_TAKEN").doesNotContain("BOOT_FAILED");
        muster.everyMachineIsOne(fleet);
    }

    // The way to the cluster.

    @Test
    void aRightIsTakenAwayAndGivenBack() throws Exception {
        apply("right", taskPods(SMALL));
        enqueue(1, 75);
        muster.await(PATIENCE, "a task to run", () -> tasks("in_progress") == 1);

        // First it may launch no more, and then not even look.
        cluster.deny("create");
        enqueue(1, 2);
        muster.await(PATIENCE, "a launch to be refused", () -> refused().size() == 1);
        cluster.deny("list");
        cluster.deny("watch");
        cluster.watches("expire");
        muster.await(PATIENCE, "the planner to say so", () -> muster.trail(fleet).briefly().contains("! SCOPE_UNKNOWN"));
        assertThat(muster.machines().values().stream().filter(machine -> machine.getCounted()).map(machine -> machine.getPhase().name()).toList())
                .as("on the books without a list").containsExactly("READY");
        assertThat(cluster.running()).hasSize(1);
        assertThat(tasks("in_progress")).isEqualTo(1);

        cluster.standIn().delete("/faults");
        var given = Instant.now();
        muster.await(PATIENCE, "another pod", () -> pods().size() == 2);
        System.out.println("from the right to the launch: " + millis(given, pods().get(1).created()) + " ms");
        awaitRest();

        var trail = muster.trail(fleet).fromFirstLaunch();
        trail.print("Rights are taken away, and given back:");
        assertThat(muster.process("k8s-provisioner").path("restarts").asInt()).as("restarts").isZero();
        assertThat(refused()).singleElement().satisfies(refused -> {
            assertThat(refused.what()).isEqualTo("UNAUTHORIZED pods " + Cluster.NAMESPACE);
            assertThat(refused.said()).startsWith("Forbidden: ").contains("cannot create resource \"pods\"");
        });
        assertThat(trail.launches()).extracting(Trail.Step::brief).containsExactly(TASKS_WAIT, TASKS_WAIT, "LAUNCH_WAS_REFUSED 1 x pods " + Cluster.NAMESPACE + " probe");
        assertThat(trail.briefly()).contains("! ACCOUNT_HELD", "! SCOPE_UNKNOWN");
        everyMachineIsOneAndEveryTaskRanOnce();
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"expire", "cut"})
    void aWatchThatBreaksIsBegunAnewAndNothingIsMissed(String how) throws Exception {
        apply("watch-" + how, taskPods(SMALL));
        int ended = 0;
        int lists;
        boolean unseen;
        do {
            enqueue(3, 6);
            muster.await(PATIENCE, "three to run", () -> tasks("in_progress") == 3);
            lists = cluster.standIn().answers("list pods", "Success");
            // They end while nobody is told.
            cluster.watches("stall");
            ended += 3;
            int all = ended;
            muster.await(PATIENCE, "three to be done", () -> tasks("completed") == all && cluster.running().isEmpty());
            unseen = muster.machines().values().stream().filter(machine -> machine.getFleet().equals(fleet) && machine.getCounted()).count() == 3;
            if (!unseen) {
                // On a slow computer that took the ten seconds after which a silent watch is begun anew by itself.
                assertThat(ended).as("tasks that could not end unseen").isLessThan(15);
                cluster.watches("expire");
                muster.await(SOON, "the planner to know", () -> muster.machines().values().stream().noneMatch(machine -> machine.getCounted()));
            }
        } while (!unseen);
        if (how.equals("cut")) {
            // And where it could go on from is forgotten.
            cluster.standIn().post("/history/forgotten", "");
        }
        cluster.watches(how);
        var broken = Instant.now();
        muster.await(SOON, "the planner to know", () -> muster.machines().values().stream().noneMatch(machine -> machine.getCounted()));
        System.out.println("from the watch's end to the planner's knowledge: less than " + millis(broken, Instant.now()) + " ms; lists: "
                + (cluster.standIn().answers("list pods", "Success") - lists));
        enqueue(2, 1);
        awaitRest();

        var trail = muster.trail(fleet).fromFirstLaunch();
        trail.print("A watch breaks (" + how + "):");
        assertThat(cluster.standIn().answers("list pods", "Success")).isGreaterThan(lists);
        assertThat(pods()).hasSize(ended + 2);
        assertThat(trail.briefly()).doesNotContain("IS_MISSING", "! SCOPE_UNKNOWN", "BOOT_FAILED");
        everyMachineIsOneAndEveryTaskRanOnce();
    }

    // Agent pods.

    @Test
    void agentPodsServeTaskAfterTaskAndAreDrainedAsVmsAre() throws Exception {
        apply("agents", "k8s: {requests: {cpu: 1}}");
        enqueue(8, 10);
        muster.await(PATIENCE, "five to run", () -> tasks("in_progress") == 5);
        var busy = cluster.running().get(0);
        var before = cluster.pod(busy.name()).tasks();
        muster.shell.run("./muster machine drain " + busy.name()).succeeded();
        muster.await(PATIENCE, "it to end", () -> cluster.pod(busy.name()).ended() != null);
        awaitRest();

        var trail = muster.trail(fleet).fromFirstLaunch();
        trail.print("Pods with agents, one drained at work, the others idle:");
        assertThat(pods()).allSatisfy(pod -> {
            assertThat(pod.task()).isEmpty();
            assertThat(pod.exitCode()).isZero();
            assertThat(pod.phase()).isEqualTo("Succeeded");
            assertThat(pod.marks()).last().satisfies(mark -> assertThat(mark).startsWith("drain:"));
            assertThat(muster.machines().get(pod.name()).getEnding().name()).isEqualTo("INSIDE");
        });
        assertThat(cluster.pod(busy.name()).tasks()).as("of the one that was drained at work").isEqualTo(before);
        assertThat(pods().stream().flatMap(pod -> pod.tasks().stream()).filter(Objects::nonNull)).hasSize(8).doesNotHaveDuplicates();
        assertThat(pods()).as("pods with more than one task").anyMatch(pod -> pod.tasks().size() > 1);
        assertThat(trail.briefly()).contains("ASKED_FOR", "IDLE_TOO_LONG").doesNotContain("DRAIN_OVERDUE", "MACHINE_ENDED");
        everyMachineIsOneAndEveryTaskRanOnce();
    }
}
