package dev.muster.k8s;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.provisioner.host.Backoff;
import dev.muster.provisioner.spi.Await;
import dev.muster.provisioner.spi.CloudStatus;
import dev.muster.provisioner.spi.EndedBy;
import dev.muster.provisioner.spi.MachineSeen;
import dev.muster.provisioner.spi.Mark;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.Scope;
import dev.muster.sandbox.clearml.Faults.Fault;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What people see in ClearML of a task's pod. */
@QuarkusTest
@TestProfile(ClearmlOnly.class)
class TaskMirrorTest {

    private static final String POD = "mk3v9x2aq-17";
    private static final Offer OFFER = new Offer(new Scope("k8s", "lab", "muster"), "", "", "pod", Offer.Market.ON_DEMAND);
    private static final String NO_GPU = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.";

    private TestClearml clearml;
    private TaskMirror mirror;
    private String task;
    /** What the pod wrote. */
    private volatile String console = "";

    @BeforeEach
    void start(@TempDir Path secrets) throws Exception {
        clearml = new TestClearml(secrets, "default", "other");
        mirror = newProcess();
        task = clearml.waiting("default", TestClearml.fields());
    }

    @AfterEach
    void stop() {
        mirror.close();
        clearml.close();
    }

    private TaskMirror newProcess() {
        return new TaskMirror(clearml.servers, clearml.secrets, new Backoff(Duration.ofMillis(20), Duration.ofMillis(50)), Clock.systemUTC());
    }

    private void restart() {
        mirror.close();
        mirror = newProcess();
    }

    private MachineSeen pod(CloudStatus status, EndedBy endedBy, String reason, String message) {
        var note = reason.isEmpty() ? Optional.<MachineSeen.Note>empty() : Optional.of(new MachineSeen.Note(reason, message, false));
        return new MachineSeen("uid-1", "vision", "pods", POD, 0, OFFER, status, endedBy, null, Mark.UNMARKED, Optional.empty(), note, task);
    }

    private void show(CloudStatus status, String reason, String message, String node) {
        show(pod(status, EndedBy.UNKNOWN, reason, message), node);
    }

    private void show(MachineSeen pod, String node) {
        mirror.seen("default", pod, node, () -> console);
        settle();
    }

    private void settle() {
        Await.until(() -> mirror.isOwing("default", POD), owing -> !owing);
    }

    private String statusMessage() throws Exception {
        return clearml.client("default").taskAndContainer(task, "Muster").orElseThrow().statusMessage();
    }

    private List<String> log() {
        return clearml.server("default").log(task);
    }

    /** As its agent says that it runs. */
    private void run() throws Exception {
        clearml.call("default", "tasks.started", TestClearml.fields().put("task", task).put("force", true).put("status_message", "started by its agent"));
    }

    @Test
    void saysWhyAPodWaitsWhereItGoesAndThatItRuns() throws Exception {
        // When
        show(CloudStatus.WAITING, "", "", "");
        show(CloudStatus.WAITING, "Unschedulable", NO_GPU, "");
        var whileItWaits = statusMessage();
        show(CloudStatus.PENDING, "", "", "gpu-1");
        var onceItIsPlaced = statusMessage();
        show(CloudStatus.PENDING, "ErrImagePull", "no such tag", "gpu-1");
        show(CloudStatus.RUNNING, "", "", "gpu-1");

        // Then
        assertThat(whileItWaits).isEqualTo("Muster: pod mk3v9x2aq-17: Unschedulable: " + NO_GPU);
        assertThat(onceItIsPlaced).isEqualTo("Muster: pod mk3v9x2aq-17: scheduled on node gpu-1");
        assertThat(statusMessage()).isEqualTo("Muster: pod mk3v9x2aq-17: running on node gpu-1");
        assertThat(log()).containsExactly(whileItWaits, onceItIsPlaced, "Muster: pod mk3v9x2aq-17: ErrImagePull: no such tag", statusMessage());
    }

    /** The scheduler's numbers change with every node that comes or goes, and a failing pull has two reasons by turns. */
    @Test
    void aReasonIsOneLineHoweverOftenItsWordsChange() throws Exception {
        // When
        for (int nodes = 3; nodes < 8; nodes++) {
            show(CloudStatus.WAITING, "Unschedulable", "0/" + nodes + " nodes are available", "");
        }
        for (int i = 0; i < 3; i++) {
            show(CloudStatus.PENDING, "ErrImagePull", "not found", "gpu-1");
            show(CloudStatus.PENDING, "ImagePullBackOff", "Back-off", "gpu-1");
        }

        // Then
        assertThat(log()).containsExactly("Muster: pod mk3v9x2aq-17: Unschedulable: 0/3 nodes are available",
                "Muster: pod mk3v9x2aq-17: ErrImagePull: not found", "Muster: pod mk3v9x2aq-17: ImagePullBackOff: Back-off");
        assertThat(statusMessage()).isEqualTo("Muster: pod mk3v9x2aq-17: ImagePullBackOff: Back-off");
    }

    @Test
    void whatIsToldAgainCostsNoCall() {
        // Given
        show(CloudStatus.WAITING, "Unschedulable", NO_GPU, "");
        var calls = clearml.server("default").calls();

        // When
        show(CloudStatus.WAITING, "Unschedulable", NO_GPU, "");

        // Then
        assertThat(clearml.server("default").calls()).isEqualTo(calls);
    }

    @Test
    void aTaskThatRunsKeepsItsMessage() throws Exception {
        // Given
        show(CloudStatus.PENDING, "", "", "gpu-1");
        run();

        // When
        show(CloudStatus.RUNNING, "", "", "gpu-1");

        // Then
        assertThat(statusMessage()).isEqualTo("started by its agent");
        assertThat(log()).containsExactly("Muster: pod mk3v9x2aq-17: scheduled on node gpu-1", "Muster: pod mk3v9x2aq-17: running on node gpu-1");
    }

    @Test
    void aTaskThatAnotherWorkerTookHearsNoMoreOfThePodThatWaits() throws Exception {
        // Given
        show(CloudStatus.WAITING, "Unschedulable", NO_GPU, "");
        run();

        // When
        show(CloudStatus.PENDING, "", "", "gpu-1");

        // Then
        assertThat(log()).containsExactly("Muster: pod mk3v9x2aq-17: Unschedulable: " + NO_GPU);
        assertThat(statusMessage()).isEqualTo("started by its agent");
    }

    @Test
    void aNewProcessSaysNothingAgain() throws Exception {
        // Given
        show(CloudStatus.WAITING, "Unschedulable", NO_GPU, "");

        // When
        restart();
        show(CloudStatus.WAITING, "Unschedulable", "0/4 nodes are available", "");
        show(CloudStatus.PENDING, "", "", "gpu-1");
        restart();
        show(CloudStatus.PENDING, "", "", "gpu-1");
        run();
        restart();
        show(CloudStatus.RUNNING, "", "", "gpu-1");

        // Then
        assertThat(log()).containsExactly("Muster: pod mk3v9x2aq-17: Unschedulable: " + NO_GPU, "Muster: pod mk3v9x2aq-17: scheduled on node gpu-1");
        assertThat(statusMessage()).isEqualTo("started by its agent");
    }

    @Test
    void aProcessThatEndedBetweenLineAndMessageIsFollowedByOneThatWritesTheMessage() throws Exception {
        // Given
        clearml.server("default").faults().add(Fault.error("tasks.update", 503, 0).times(1000));
        mirror.seen("default", pod(CloudStatus.WAITING, EndedBy.UNKNOWN, "Unschedulable", NO_GPU), "", () -> console);
        Await.until(this::log, lines -> !lines.isEmpty());

        // When
        mirror.close();
        clearml.server("default").faults().clear();
        mirror = newProcess();
        show(CloudStatus.WAITING, "Unschedulable", NO_GPU, "");

        // Then
        assertThat(statusMessage()).isEqualTo("Muster: pod mk3v9x2aq-17: Unschedulable: " + NO_GPU);
        assertThat(log()).containsExactly(statusMessage());
    }

    @Test
    void aPodThatDiedLeavesItsReasonAndItsLastLines() throws Exception {
        // Given
        Files.writeString(clearml.secrets.folder().resolve("git-password"), "hunter2-hunter2");
        run();
        console = String.join("\n", IntStream.rangeClosed(1, 100).mapToObj(i -> "step " + i).toList())
                + "\n\ncloning https://jane:abcdefgh@git.lab/x with hunter2-hunter2\nAWS_SECRET_ACCESS_KEY=kZ9topsecret\n";
        var dead = pod(CloudStatus.TERMINATED, EndedBy.CLOUD, "OOMKilled", "the container used more memory than its limit");

        // When
        show(dead, "gpu-1");
        show(dead, "gpu-1");
        restart();
        show(dead, "gpu-1");

        // Then
        assertThat(log()).hasSize(32).startsWith("Muster: pod mk3v9x2aq-17: ended: OOMKilled: the container used more memory than its limit",
                "Muster: pod mk3v9x2aq-17: the last lines of its log:", "step 73").endsWith("step 100",
                "cloning https://[redacted]@git.lab/x with [redacted]", "AWS_SECRET_ACCESS_KEY=[redacted]");
        assertThat(statusMessage()).isEqualTo("started by its agent");
    }

    @Test
    void aPodThatWasEvictedSaysSoBeforeAndAfterItEnds() throws Exception {
        // Given
        show(CloudStatus.PENDING, "", "", "gpu-1");
        run();
        console = "step 1";

        // When
        show(pod(CloudStatus.SHUTTING_DOWN, EndedBy.INTERRUPTED, "Evicted", "the node was low on memory"), "gpu-1");
        show(pod(CloudStatus.TERMINATED, EndedBy.INTERRUPTED, "Evicted", "the node was low on memory"), "gpu-1");

        // Then
        assertThat(log()).containsExactly("Muster: pod mk3v9x2aq-17: scheduled on node gpu-1",
                "Muster: pod mk3v9x2aq-17: Evicted: the node was low on memory", "Muster: pod mk3v9x2aq-17: ended: Evicted: the node was low on memory",
                "Muster: pod mk3v9x2aq-17: the last lines of its log:", "step 1");
    }

    @Test
    void aPodThatDidItsTaskOrThatWeEndedIsNoNews() throws Exception {
        // When
        show(pod(CloudStatus.TERMINATED, EndedBy.INSIDE, "Completed", ""), "gpu-1");
        show(pod(CloudStatus.TERMINATED, EndedBy.ASKED, "Error", "exit code 137"), "gpu-1");
        clearml.call("default", "tasks.completed", TestClearml.fields().put("task", task).put("force", true));
        show(pod(CloudStatus.TERMINATED, EndedBy.INSIDE, "Error", "exit code 1"), "gpu-1");

        // Then
        assertThat(log()).isEmpty();
    }

    @Test
    void whatWasLeftOutOfDockerArgumentsIsSaidOnce() throws Exception {
        // Given
        var fields = TestClearml.fields();
        fields.putObject("container").put("arguments", "--privileged -e TOKEN --label token=hunter2 -e A=B");
        task = clearml.waiting("default", fields);

        // When
        show(CloudStatus.WAITING, "", "", "");
        show(CloudStatus.WAITING, "Unschedulable", NO_GPU, "");
        restart();
        show(CloudStatus.WAITING, "Unschedulable", NO_GPU, "");
        run();
        restart();
        show(CloudStatus.RUNNING, "", "", "gpu-1");

        // Then
        assertThat(log()).containsExactly("Muster: pod mk3v9x2aq-17: docker argument --privileged is left out: the pool's pod template can say it",
                "Muster: pod mk3v9x2aq-17: docker argument -e TOKEN is left out: its value would come from the environment of a Docker host, which no cluster"
                        + " has; write TOKEN=value",
                "Muster: pod mk3v9x2aq-17: docker argument --label is left out: the pool's pod template can say it",
                "Muster: pod mk3v9x2aq-17: Unschedulable: " + NO_GPU);
    }

    @Test
    void aServerThatIsSilentIsToldTheLastOnceItAnswers() throws Exception {
        // Given
        var server = clearml.server("default");
        server.faults().add(Fault.error("tasks.get_all", 503, 0).times(1000));

        // When
        mirror.seen("default", pod(CloudStatus.WAITING, EndedBy.UNKNOWN, "Unschedulable", NO_GPU), "", () -> console);
        mirror.seen("default", pod(CloudStatus.PENDING, EndedBy.UNKNOWN, "", ""), "gpu-1", () -> console);
        Await.until(() -> server.faults().struck(), struck -> struck >= 3);
        assertThat(mirror.isOwing("default", POD)).isTrue();
        server.faults().clear();
        settle();

        // Then
        assertThat(log()).containsExactly("Muster: pod mk3v9x2aq-17: scheduled on node gpu-1");
        assertThat(statusMessage()).isEqualTo("Muster: pod mk3v9x2aq-17: scheduled on node gpu-1");
    }

    @Test
    void aServerThatIsSilentHoldsUpNoOther() throws Exception {
        // Given
        clearml.server("other").faults().add(Fault.stall("tasks.get_all"));
        mirror.seen("other", pod(CloudStatus.WAITING, EndedBy.UNKNOWN, "Unschedulable", NO_GPU), "", () -> console);

        // When
        show(CloudStatus.WAITING, "Unschedulable", NO_GPU, "");

        // Then
        assertThat(statusMessage()).contains("Unschedulable");
        assertThat(mirror.isOwing("other", POD)).isTrue();
    }

    @Test
    void aTaskThatIsGoneIsNotMourned() throws Exception {
        // Given
        var known = task;
        task = "0123456789abcdef0123456789abcdef";
        show(CloudStatus.WAITING, "Unschedulable", NO_GPU, "");

        // When
        task = known;
        mirror.seen("default", pod(CloudStatus.WAITING, EndedBy.UNKNOWN, "Unschedulable", NO_GPU), "", () -> console);
        mirror.seen("nowhere", pod(CloudStatus.WAITING, EndedBy.UNKNOWN, "Unschedulable", NO_GPU), "", () -> console);
        settle();

        // Then
        assertThat(log()).hasSize(1);
    }
}
