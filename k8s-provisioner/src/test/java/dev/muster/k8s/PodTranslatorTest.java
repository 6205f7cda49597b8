package dev.muster.k8s;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.provisioner.spi.CloudStatus;
import dev.muster.provisioner.spi.EndedBy;
import dev.muster.provisioner.spi.KeepUntil;
import dev.muster.provisioner.spi.MachineSeen;
import dev.muster.provisioner.spi.Mark;
import dev.muster.provisioner.spi.Offer;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a pod's status says of a machine. */
class PodTranslatorTest {

    private static final KubernetesSerialization YAML = new KubernetesSerialization();
    private static final String PLACED = "{nodeName: node-1, containers: [{name: machine}]}";

    private static Pod pod(String spec, String status) {
        return pod(spec, status, "");
    }

    private static Pod pod(String spec, String status, String moreMetadata) {
        return YAML.unmarshal("""
                apiVersion: v1
                kind: Pod
                metadata:
                  name: mk3v9x2aq-17
                  namespace: ml
                  uid: 6f1c2d3e-0000-4000-8000-000000000001
                  resourceVersion: "7"
                  creationTimestamp: "2026-03-01T10:00:00Z"
                  labels: {muster.dev/installation: lab, muster.dev/fleet: train, muster.dev/pool: gpu, muster.dev/batch: mk3v9x2aq-15, muster.dev/index: "2", muster.dev/task: t1}
                  annotations: {muster.dev/mark: "drain:7", muster.dev/keep-until: "1795444800@q1Sh", muster.dev/machine-type: pod-a100, muster.dev/image-of: task}
                  %s
                spec: %s
                status: %s
                """.formatted(moreMetadata, spec, status), Pod.class);
    }

    private static MachineSeen machine(Pod pod) {
        return machine(pod, false, false);
    }

    private static MachineSeen machine(Pod pod, boolean asked, boolean gone) {
        return PodTranslator.machine(FakeCluster.SCOPE, new PodWatch.Seen(pod, asked, gone ? Instant.EPOCH : null, null)).orElseThrow();
    }

    @Test
    void aPodSaysWhoseMachineItIs() {
        var machine = machine(pod(PLACED, "{phase: Running}"));

        assertThat(machine).isEqualTo(new MachineSeen("6f1c2d3e-0000-4000-8000-000000000001", "train", "gpu", "mk3v9x2aq-15", 2,
                new Offer(FakeCluster.SCOPE, "", "", "pod-a100", Offer.Market.ON_DEMAND), CloudStatus.RUNNING, EndedBy.UNKNOWN, Instant.parse("2026-03-01T10:00:00Z"),
                new Mark(Mark.Word.DRAIN, 7), KeepUntil.parse("1795444800@q1Sh"), Optional.empty(), "t1"));
        assertThat(machine.machineId()).isEqualTo("mk3v9x2aq-17");
    }

    @Test
    void aPodWhoseLabelsAreAnotherMachinesIsLeftAlone() {
        var pod = pod(PLACED, "{phase: Running}");
        pod.getMetadata().getLabels().put("muster.dev/index", "3");
        assertThat(PodTranslator.machine(FakeCluster.SCOPE, new PodWatch.Seen(pod, false, null, null))).isEmpty();
        pod.getMetadata().getLabels().put("muster.dev/index", "x");
        assertThat(PodTranslator.machine(FakeCluster.SCOPE, new PodWatch.Seen(pod, false, null, null))).isEmpty();
        pod.getMetadata().getLabels().remove("muster.dev/batch");
        assertThat(PodTranslator.machine(FakeCluster.SCOPE, new PodWatch.Seen(pod, false, null, null))).isEmpty();
    }

    @Test
    void withoutANodeItWaitsAndTheSchedulerSaysWhy() {
        var waits = machine(pod("{containers: [{name: machine}]}", """
                {phase: Pending, conditions: [{type: PodScheduled, status: "False", reason: Unschedulable, message: "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."}]}"""));

        assertThat(waits.status()).isEqualTo(CloudStatus.WAITING);
        assertThat(waits.note()).contains(new MachineSeen.Note("Unschedulable", "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.", false));
        assertThat(machine(pod("{containers: [{name: machine}]}", "{phase: Pending}")).note()).isEmpty();
        assertThat(machine(pod("{containers: [{name: machine}]}", """
                {phase: Pending, conditions: [{type: PodScheduled, status: "False", reason: SchedulingGated, message: "Scheduling is blocked due to non-empty scheduling gates"}]}""")).note()
                .map(MachineSeen.Note::reason)).contains("SchedulingGated");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "ContainerCreating | '' | '' | false",
        "PodInitializing | '' | '' | false",
        "ErrImagePull | rpc error: code = NotFound desc = failed to pull and unpack image: docker.io/lab/no-such:1: not found | ErrImagePull | true",
        "ErrImagePull | Head https://registry.example.com/v2/: dial tcp: i/o timeout | ErrImagePull | false",
        "ErrImagePull | toomanyrequests: You have reached your pull rate limit | ErrImagePull | false",
        "ImagePullBackOff | Back-off pulling image lab/no-such:1 | ImagePullBackOff | false",
        "ImagePullBackOff | 'Back-off pulling image lab/no-such:1: ErrImagePull: pull access denied, repository does not exist' | ImagePullBackOff | true",
        "InvalidImageName | Failed to apply default image tag | InvalidImageName | true",
        "CreateContainerConfigError | secret \"muster-machines\" not found | CreateContainerConfigError | false",
    })
    void placedAndNotStartedItSaysWhy(String reason, String message, String noted, boolean faultOfTask) {
        var pod = pod(PLACED, "{phase: Pending, containerStatuses: [{name: machine, state: {waiting: {reason: " + reason + "}}}]}");
        pod.getStatus().getContainerStatuses().get(0).getState().getWaiting().setMessage(message);

        var machine = machine(pod);

        assertThat(machine.status()).isEqualTo(CloudStatus.PENDING);
        assertThat(machine.note()).isEqualTo(noted.isEmpty() ? Optional.empty() : Optional.of(new MachineSeen.Note(noted, message, faultOfTask)));
    }

    @Test
    void thePoolsImageIsNoFaultOfItsTask() {
        var pod = pod(PLACED, "{phase: Pending, containerStatuses: [{name: machine, state: {waiting: {reason: InvalidImageName}}}]}");
        pod.getMetadata().getAnnotations().remove("muster.dev/image-of");

        assertThat(machine(pod).note()).contains(new MachineSeen.Note("InvalidImageName", "", false));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "0 | Completed | Succeeded | INSIDE | '' | ''",
        "78 | Error | Failed | INSIDE | BootFailed | exit code 78",
        "1 | Error | Failed | INSIDE | Error | exit code 1",
        "137 | Error | Failed | INSIDE | Error | exit code 137",
        "137 | OOMKilled | Failed | CLOUD | OOMKilled | exit code 137",
        "128 | StartError | Failed | CLOUD | StartError | exit code 128",
        "128 | ContainerCannotRun | Failed | CLOUD | ContainerCannotRun | exit code 128",
    })
    void anEndSaysWhatItWas(int code, String reason, String phase, EndedBy by, String noted, String message) {
        var machine = machine(pod(PLACED, "{phase: " + phase + ", containerStatuses: [{name: machine, state: {terminated: {exitCode: " + code + ", reason: " + reason + "}}}]}"));

        assertThat(machine.status()).isEqualTo(CloudStatus.TERMINATED);
        assertThat(machine.endedBy()).isEqualTo(by);
        assertThat(machine.note()).isEqualTo(noted.isEmpty() ? Optional.empty() : Optional.of(new MachineSeen.Note(noted, message, false)));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "Evicted | The node was low on resource: memory. | INTERRUPTED | Evicted",
        "Preempting | Preempted in order to admit critical pod | INTERRUPTED | Preempted",
        "NodeLost | Node node-1 which was running pod mk3v9x2aq-17 is unresponsive | INTERRUPTED | NodeLost",
        "Terminated | Pod was terminated in response to imminent node shutdown. | INTERRUPTED | NodeShutdown",
        "NodeShutdown | Pod was rejected as the node is shutting down. | INTERRUPTED | NodeShutdown",
        "DeadlineExceeded | Pod was active on the node longer than the specified deadline | CLOUD | DeadlineExceeded",
        "OutOfnvidia.com/gpu | Pod was rejected: Node didn't have enough resource: nvidia.com/gpu | CLOUD | OutOfnvidia.com/gpu",
        "UnexpectedAdmissionError | Allocate failed due to no healthy devices | CLOUD | UnexpectedAdmissionError",
    })
    void aPodThatItsNodeOrClusterEndedSaysWhy(String reason, String message, EndedBy by, String noted) {
        var pod = pod(PLACED, "{phase: Failed, containerStatuses: [{name: machine, state: {terminated: {exitCode: 137, reason: Error}}}]}");
        pod.getStatus().setReason(reason);
        pod.getStatus().setMessage(message);

        var machine = machine(pod);

        assertThat(machine.status()).isEqualTo(CloudStatus.TERMINATED);
        assertThat(machine.endedBy()).isEqualTo(by);
        assertThat(machine.note()).contains(new MachineSeen.Note(noted, message, false));
    }

    @ParameterizedTest
    @CsvSource({"PreemptionByScheduler, Preempted", "DeletionByTaintManager, NodeLost", "DeletionByPodGC, NodeLost", "EvictionByEvictionAPI, Evicted",
        "TerminationByKubelet, Evicted", "SomethingNew, Disrupted"})
    void aPodThatIsTakenAwayIsInterruptedWhileItShutsDownAndWhenItIsGone(String reason, String noted) {
        var pod = pod(PLACED, "{phase: Running, conditions: [{type: DisruptionTarget, status: \"True\", reason: " + reason + ", message: for another}]}",
                "deletionTimestamp: \"2026-03-01T11:00:00Z\"");

        assertThat(machine(pod).status()).isEqualTo(CloudStatus.SHUTTING_DOWN);
        assertThat(machine(pod).endedBy()).isEqualTo(EndedBy.INTERRUPTED);
        assertThat(machine(pod, true, true).status()).isEqualTo(CloudStatus.TERMINATED);
        assertThat(machine(pod, true, true).note()).contains(new MachineSeen.Note(noted, "for another", false));
    }

    @Test
    void aPodThatWeDeletedEndedByACall() {
        var running = pod(PLACED, "{phase: Running}", "deletionTimestamp: \"2026-03-01T11:00:00Z\"");

        assertThat(machine(running, true, false).endedBy()).isEqualTo(EndedBy.ASKED);
        assertThat(machine(running, true, true).endedBy()).isEqualTo(EndedBy.ASKED);
        assertThat(machine(running, true, true).note()).isEmpty();
    }

    @Test
    void ofAPodThatAnotherHandDeletedNobodyKnows() {
        var gone = machine(pod(PLACED, "{phase: Failed, containerStatuses: [{name: machine, state: {terminated: {exitCode: 137, reason: Error, finishedAt: \"2026-03-01T11:00:05Z\"}}}]}",
                "deletionTimestamp: \"2026-03-01T11:00:30Z\"\n  deletionGracePeriodSeconds: 30"), false, true);

        assertThat(gone.endedBy()).isEqualTo(EndedBy.UNKNOWN);
        assertThat(gone.note()).contains(new MachineSeen.Note("Deleted", "", false));
    }

    @Test
    void whatRanInAPodThatWasDeletedByForceMayRunOn() {
        var gone = machine(pod(PLACED, "{phase: Running, containerStatuses: [{name: machine, state: {running: {}}}]}", "deletionTimestamp: \"2026-03-01T11:00:00Z\""), false, true);

        assertThat(gone.status()).isEqualTo(CloudStatus.TERMINATED);
        assertThat(gone.endedBy()).isEqualTo(EndedBy.UNSEEN);
        assertThat(gone.note()).contains(new MachineSeen.Note("Deleted", "", false));
    }

    @Test
    void whatItsDeletionMadeOfAPodIsNoFaultOfItsTask() {
        // The deletion's time is the end of 30 s of grace; the container ended in them.
        var preempted = pod(PLACED, "{phase: Failed, containerStatuses: [{name: machine, state: {terminated: {exitCode: 137, reason: Error, finishedAt: \"2026-03-01T11:00:05Z\"}}}]}",
                "deletionTimestamp: \"2026-03-01T11:00:30Z\"\n  deletionGracePeriodSeconds: 30");

        assertThat(machine(preempted).endedBy()).isEqualTo(EndedBy.UNKNOWN);
        assertThat(machine(preempted).note()).contains(new MachineSeen.Note("Deleted", "", false));
        assertThat(machine(preempted, true, false).endedBy()).isEqualTo(EndedBy.ASKED);
    }

    @Test
    void aPodThatWasToldToEndDidNotFailThoughTheClockOfItsNodeIsBehind() {
        var told = pod(PLACED, "{phase: Failed, containerStatuses: [{name: machine, state: {terminated: {exitCode: 143, reason: Error, finishedAt: \"2026-03-01T10:59:57Z\"}}}]}",
                "deletionTimestamp: \"2026-03-01T11:00:30Z\"\n  deletionGracePeriodSeconds: 30");

        assertThat(machine(told, false, true).endedBy()).isEqualTo(EndedBy.UNKNOWN);
        assertThat(machine(told, false, true).note()).contains(new MachineSeen.Note("Deleted", "", false));
    }

    @Test
    void whatAPodEndedOfBeforeItWasDeletedIsNotForgotten() {
        var failed = pod(PLACED, "{phase: Failed, containerStatuses: [{name: machine, state: {terminated: {exitCode: 3, reason: Error, finishedAt: \"2026-03-01T10:59:00Z\"}}}]}",
                "deletionTimestamp: \"2026-03-01T11:00:30Z\"\n  deletionGracePeriodSeconds: 30");

        assertThat(machine(failed, false, true).note()).contains(new MachineSeen.Note("Error", "exit code 3", false));
    }

    @Test
    void aPodOfANodeThatIsNotHeardOfAnyMoreIsLostWithIt() {
        var pod = pod(PLACED, """
                {phase: Running, conditions: [{type: Ready, status: "False"}, {type: ContainersReady, status: "True"}], containerStatuses: [{name: machine, state: {running: {}}}]}""");

        assertThat(machine(pod).status()).isEqualTo(CloudStatus.RUNNING);
        assertThat(machine(pod, false, true).endedBy()).isEqualTo(EndedBy.INTERRUPTED);
        assertThat(machine(pod, false, true).note().map(MachineSeen.Note::reason)).contains("NodeLost");
    }

    @Test
    void whatHasEndedStaysEndedWhileItIsDeleted() {
        var machine = machine(pod(PLACED, "{phase: Succeeded, containerStatuses: [{name: machine, state: {terminated: {exitCode: 0, reason: Completed, finishedAt: \"2026-03-01T10:59:00Z\"}}}]}",
                "deletionTimestamp: \"2026-03-01T11:00:00Z\""));

        assertThat(machine.status()).isEqualTo(CloudStatus.TERMINATED);
        assertThat(machine.endedBy()).isEqualTo(EndedBy.INSIDE);
    }

    @Test
    void anEvictedPodWhoseFirstContainerEndedWellWasStillEvicted() {
        var pod = pod(PLACED, "{phase: Failed, reason: Evicted, message: low on memory, initContainerStatuses: [{name: muster-claim, state: {terminated: {exitCode: 0}}}]}");

        assertThat(machine(pod).endedBy()).isEqualTo(EndedBy.INTERRUPTED);
    }

    @Test
    void aClaimThatFailedEndsThePod() {
        var pod = pod(PLACED, "{phase: Failed, initContainerStatuses: [{name: muster-claim, state: {terminated: {exitCode: 1, reason: Error}}}],"
                + " containerStatuses: [{name: machine, state: {waiting: {reason: PodInitializing}}}]}");

        assertThat(machine(pod).endedBy()).isEqualTo(EndedBy.INSIDE);
        assertThat(machine(pod).note()).contains(new MachineSeen.Note("Error", "exit code 1", false));
    }

    @Test
    void aNodeThatIsNotHeardOfSaysNothing() {
        assertThat(machine(pod(PLACED, "{phase: Unknown}")).status()).isEqualTo(CloudStatus.UNKNOWN);
    }

    @Test
    void aLongMessageIsCut() {
        var pod = pod("{containers: [{name: machine}]}", "{phase: Pending, conditions: [{type: PodScheduled, status: \"False\", reason: Unschedulable}]}");
        pod.getStatus().getConditions().get(0).setMessage("x".repeat(5_000));

        assertThat(machine(pod).note().orElseThrow().message()).hasSize(501).endsWith("…");
    }
}
