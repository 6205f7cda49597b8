package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.sandbox.TimeScale;
import dev.muster.sandbox.clearml.Books.TaskBook;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.Phase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * Hundreds of task pods through a real API server, its scheduler and its controllers, while the provisioner is killed again and again, pods are thrown
 * out, and machines of EC2 take from the same queue. A seed decides what is done and when. What became of each task and pod is what ClearML's books and
 * a watch of the test's own say.
 */
@Tag("long")
class TaskPodStormIT {

    private static final long SEED = Long.getLong("muster.storm.seed", 1);
    /** Task pods at least; tasks are enqueued until there have been so many. */
    private static final int PODS = Integer.getInteger("muster.storm.pods", 500);
    /** Pods that are thrown out under their task. */
    private static final int EVICTIONS = Integer.getInteger("muster.storm.evictions", 10);
    /** Pods at once. */
    private static final int AT_ONCE = Integer.getInteger("muster.storm.machines", 30);
    private static final int MOST_WAITING = 40;
    private static final TimeScale SPEED = new TimeScale(20);
    /** Between two kills, counted from when the provisioner was ready again: on a slow computer it needs longer to come up, and gets it. */
    private static final Duration LEAST = Duration.ofSeconds(5);
    private static final Duration MOST = Duration.ofSeconds(15);
    private static final Duration PATIENCE = Duration.ofMinutes(5);
    private static final String QUEUE = "work";
    private static final String PROVISIONER = "k8s-provisioner";

    /** And one in so many comes while it starts. */
    private static final int WHILE_IT_STARTS = 5;

    /** What a storm that failed left is for people to look at. */
    @TempDir(cleanup = CleanupMode.ON_SUCCESS)
    Path folder;

    private final Random random = new Random(SEED);
    private RealCluster cluster;
    private OwnStandIns standIns;
    private Shell shell;
    private StandIns suite;
    private int kills;
    private int killsWhileItStarted;
    /** Null: it is not known yet, since the provisioner isn't ready. */
    private Instant nextKill;
    private boolean whileItStarts;
    /** The last one, by its process id. */
    private long killed;
    private final Map<String, Instant> enqueued = new HashMap<>();
    private final Set<String> evicted = new HashSet<>();

    @AfterEach
    void down() {
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

    @Test
    void eachTaskRunsOnceWhateverBecomesOfTheProvisioner() throws Exception {
        cluster = RealCluster.open("a storm of task pods", SPEED);
        standIns = new OwnStandIns(SPEED);
        for (int node = 0; node < 3; node++) {
            cluster.addNode("cpu", "16", 0);
        }
        var records = up();
        var queue = standIns.createQueue(QUEUE);
        Files.writeString(folder.resolve("storm.yaml"), """
                name: storm
                queues: {%1$s: [pods, vms]}
                rescue: {attempts: 10}
                pools:
                  pods:
                    provider: k8s
                    account: %2$s
                    namespace: %3$s
                    max: %4$d
                    k8s: {pods: task, requests: {cpu: 500m, memory: 1Gi}, %5$s}
                  vms: {provider: aws, region: %6$s, type: c5.xlarge, aws: {publicIp: false}, max: 2, idle: 3s}
                """.formatted(QUEUE, RealCluster.ACCOUNT, cluster.namespace, AT_ONCE, cluster.selector(), OwnStandIns.REGION));
        shell.run("./muster fleet apply -f storm.yaml").succeeded();

        var began = Instant.now();
        var nextEviction = began.plusSeconds(10);
        while (cluster.lives().size() < PODS) {
            if (waiting() < MOST_WAITING) {
                for (int task = 0; task < 20; task++) {
                    var id = standIns.createTask("storm " + enqueued.size(), Duration.ofSeconds((1 + random.nextInt(4)) * (long) SPEED.speed()));
                    enqueued.put(id, Instant.now());
                    standIns.enqueue(id, queue);
                }
            }
            killIfDue();
            if (evicted.size() < EVICTIONS && Instant.now().isAfter(nextEviction)) {
                evict();
                nextEviction = Instant.now().plusMillis(1000 + random.nextInt(8000));
            }
            assertThat(Duration.between(began, Instant.now())).as(this::told).isLessThan(Duration.ofSeconds(120L + 3L * PODS));
            TimeUnit.MILLISECONDS.sleep(300);
        }
        // And on, until all is done.
        while (standIns.clearml.books().byStatus().getOrDefault("completed", 0) < enqueued.size()) {
            killIfDue();
            assertThat(Duration.between(began, Instant.now())).as(this::told).isLessThan(Duration.ofSeconds(360L + 4L * PODS));
            TimeUnit.MILLISECONDS.sleep(300);
        }
        var took = Duration.between(began, Instant.now());
        Await.within(PATIENCE, "no pod and no machine to be left", () -> cluster.pods().isEmpty() && standIns.ec2.books().live() == 0);
        Await.within(PATIENCE, "the planner to know", () -> records.machines().values().stream().noneMatch(MachineRecord::getCounted));

        judge(records, took);
    }

    private PlannerRecords up() throws Exception {
        shell = new Shell(folder);
        standIns.writeMusterYaml(folder, cluster);
        var up = shell.run("./muster up --config muster.yaml --json").succeeded().json();
        suite = StandIns.of(shell);
        return new PlannerRecords(up.path("kafka").asText());
    }

    private Duration pause() {
        return LEAST.plusMillis(random.nextInt((int) MOST.minus(LEAST).toMillis()));
    }

    private int waiting() {
        return standIns.clearml.books().byStatus().getOrDefault("queued", 0);
    }

    private void killIfDue() throws Exception {
        var process = Sandbox.list(suite.get("/status").path("processes")).stream().filter(one -> one.path("name").asText().equals(PROVISIONER)).findFirst().orElseThrow();
        long pid = process.path("pid").asLong();
        boolean ready = process.path("ready").asBoolean();
        if (pid == killed) {
            // The suite has not seen it yet.
            return;
        }
        if (nextKill == null && (ready || whileItStarts)) {
            nextKill = Instant.now().plus(whileItStarts ? Duration.ofMillis(random.nextInt(3000)) : pause());
        }
        if (nextKill == null || Instant.now().isBefore(nextKill)) {
            return;
        }
        var victim = ProcessHandle.of(pid);
        if (victim.isPresent() && victim.get().destroyForcibly()) {
            killed = pid;
            kills++;
            killsWhileItStarted += ready ? 0 : 1;
            whileItStarts = random.nextInt(WHILE_IT_STARTS) == 0;
            nextKill = null;
        }
    }

    /** One whose task has been reported from it. */
    private void evict() {
        var workers = standIns.clearml.books().tasks().stream().filter(task -> task.status().equals("in_progress") && task.lastWorker() != null)
                .map(TaskBook::lastWorker).toList();
        var pods = cluster.lives().values().stream().filter(life -> life.isRunning() && workers.stream().anyMatch(worker -> worker.endsWith(":" + life.uid()))).toList();
        if (!pods.isEmpty()) {
            var victim = pods.get(random.nextInt(pods.size()));
            evicted.add(victim.uid());
            cluster.kubelets.evict(cluster.namespace, victim.name());
        }
    }

    private String told() {
        return standIns.clearml.books().byStatus() + ", pods: " + cluster.lives().size() + ", kills: " + kills;
    }

    private void judge(PlannerRecords records, Duration took) throws Exception {
        var tasks = standIns.clearml.books().tasks();
        var lives = cluster.lives();
        var names = lives.values().stream().collect(Collectors.groupingBy(RealCluster.Life::name, TreeMap::new, Collectors.toList()));
        var onPods = tasks.stream().filter(task -> task.workers().stream().anyMatch(worker -> lives.containsKey(last(worker)))).count();
        var ran = tasks.stream().flatMap(task -> task.workers().stream()).map(TaskPodStormIT::last).collect(Collectors.toSet());
        var outcome = Outcome.of(standIns, SPEED, enqueued, evicted);
        System.out.printf("storm of task pods, seed %d: %d tasks in %d s, of which %d ran on pods; kills of the provisioner: %d, %d of them while it started; evictions: %d%n",
                SEED, tasks.size(), took.toSeconds(), onPods, kills, killsWhileItStarted, evicted.size());
        System.out.printf("  tasks: completed %d, lost %d, begun again after their pod was thrown out %d, run twice %d; from the queue to the start p50 %d ms, p99 %d ms%n",
                outcome.completed(), outcome.lost(), outcome.again(), outcome.twice(), SPEED.real(outcome.wait(50)).toMillis(), SPEED.real(outcome.wait(99)).toMillis());
        System.out.printf("  pods: %d, names with more than one pod %d, that ran a task %d, whose task another had first %d; EC2: %d machines%n", lives.size(),
                names.values().stream().filter(pods -> pods.size() > 1).count(), lives.keySet().stream().filter(ran::contains).count(),
                lives.keySet().stream().filter(uid -> !ran.contains(uid)).count(), standIns.ec2.books().instances(Instant.now()).size());
        printRequests(lives.size());

        assertThat(kills).as("kills").isPositive();
        assertThat(tasks).hasSize(enqueued.size()).allSatisfy(task -> assertThat(task.status()).as(task.toString()).isEqualTo("completed"));
        assertThat(outcome.lost()).as("lost").isZero();
        assertThat(outcome.twice()).as("run twice: %s", tasks.stream().filter(task -> task.starts() > 1).toList()).isZero();
        assertThat(names.values()).as("one pod a name").allSatisfy(pods -> assertThat(pods).hasSize(1));
        assertThat(cluster.pods()).as("pods left").isEmpty();
        everyPodIsInTheBooks(records, lives);
    }

    private static String last(String worker) {
        return worker.substring(worker.lastIndexOf(':') + 1);
    }

    private void everyPodIsInTheBooks(PlannerRecords records, Map<String, RealCluster.Life> lives) {
        var decided = records.trail("storm").launches().stream().flatMap(step -> step.launched().stream()).toList();
        assertThat(decided).as("an id is decided once").doesNotHaveDuplicates();
        var books = records.machines();
        assertThat(lives.values()).allSatisfy(life -> {
            assertThat(decided).as("decided, so that budgets and limits counted it").contains(life.name());
            assertThat(books.get(life.name()).getPhase()).as(life.name()).isIn(Phase.GONE, Phase.FAILED);
        });
        assertThat(new ArrayList<>(books.values())).as("phases at the end").extracting(MachineRecord::getPhase).containsOnly(Phase.GONE, Phase.FAILED);
        System.out.println("  the planner's books: " + books.values().stream().collect(Collectors.groupingBy(machine -> machine.getPhase() + " " + machine.getCause()
                + (machine.getPhase() == Phase.FAILED ? " " + machine.getFailure() : ""), TreeMap::new, Collectors.counting())));
    }

    /** Of the whole server from its own counters; of Muster alone where the server writes an audit log. */
    private void printRequests(int pods) throws Exception {
        var log = System.getProperty("muster.kube.audit", "");
        if (log.isEmpty()) {
            System.out.println("  API requests a pod: not counted; -Dmuster.kube.audit=FILE names the server's audit log");
            return;
        }
        var requests = ApiRequests.of(Path.of(log), cluster.namespace);
        System.out.printf("  API requests of Muster: %d, %.2f a pod, over %d starts of the provisioner; %s%n", requests.all(), requests.all() / (double) pods, kills + 1, requests);
    }
}
