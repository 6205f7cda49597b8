package dev.muster.k8s;

import dev.muster.provisioner.spi.CloudStatus;
import dev.muster.provisioner.spi.EndedBy;
import dev.muster.provisioner.spi.KeepUntil;
import dev.muster.provisioner.spi.MachineIds;
import dev.muster.provisioner.spi.MachineSeen;
import dev.muster.provisioner.spi.MachineSeen.Note;
import dev.muster.provisioner.spi.Mark;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.Scope;
import io.fabric8.kubernetes.api.model.ContainerStateTerminated;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.PodStatus;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jboss.logging.Logger;

/** From Kubernetes' pod to a machine as the host knows it. */
final class PodTranslator {

    private static final Logger LOG = Logger.getLogger(PodTranslator.class);

    /** A guard's code for a boot that failed: EX_CONFIG of sysexits.h. */
    private static final int BOOT_FAILED = 78;
    /** Of a container that was told to end, 128 and SIGTERM: whoever told it, it was at work, however the clocks of its node and of the server differ. */
    private static final int TOLD = 143;
    /** Of a message that travels with the machine. Characters; a scheduler's about many nodes is longer than anybody reads. */
    private static final int LONGEST_MESSAGE = 500;

    /** A container waits with these also when all is well. */
    private static final Set<String> ON_ITS_WAY = Set.of("ContainerCreating", "PodInitializing");
    private static final Set<String> NO_IMAGE = Set.of("ErrImagePull", "ImagePullBackOff");
    /** A registry's own words for what it doesn't have or doesn't give; one that is down or busy uses others, and is asked again. */
    private static final Pattern NO_SUCH_IMAGE = Pattern.compile("not found|manifest unknown|does not exist|access denied|unauthorized|forbidden|"
            + "invalid reference|no matching manifest", Pattern.CASE_INSENSITIVE);

    /** Why a kubelet or a controller ended a pod, from pod.status.reason. The rest is the cluster's for reasons of its own, under its own word. */
    private static final Map<String, Ending> BY_STATUS = Map.of(
            "Evicted", new Ending(EndedBy.INTERRUPTED, "Evicted"),
            "Preempting", new Ending(EndedBy.INTERRUPTED, "Preempted"),
            "NodeLost", new Ending(EndedBy.INTERRUPTED, "NodeLost"),
            // Two names of one thing, in the order in which kubelets have had them: a node that shuts down.
            "NodeShutdown", new Ending(EndedBy.INTERRUPTED, "NodeShutdown"),
            "Shutdown", new Ending(EndedBy.INTERRUPTED, "NodeShutdown"),
            "Terminated", new Ending(EndedBy.INTERRUPTED, "NodeShutdown"));

    /** From the reason of the condition DisruptionTarget: "Pod disruption conditions" of Kubernetes' documentation. */
    private static final Map<String, Ending> BY_DISRUPTION = Map.of(
            "PreemptionByScheduler", new Ending(EndedBy.INTERRUPTED, "Preempted"),
            "DeletionByTaintManager", new Ending(EndedBy.INTERRUPTED, "NodeLost"),
            "DeletionByPodGC", new Ending(EndedBy.INTERRUPTED, "NodeLost"),
            "EvictionByEvictionAPI", new Ending(EndedBy.INTERRUPTED, "Evicted"),
            "TerminationByKubelet", new Ending(EndedBy.INTERRUPTED, "Evicted"));

    /** @param reason empty: nothing is said */
    private record Ending(EndedBy by, String reason, String message) {

        private Ending(EndedBy by, String reason) {
            this(by, reason, "");
        }

        private Ending saying(String message) {
            return new Ending(by, reason, Objects.requireNonNullElse(message, ""));
        }

        private Optional<Note> note(boolean faultOfTask) {
            return reason.isEmpty() ? Optional.empty() : Optional.of(PodTranslator.note(reason, message, faultOfTask));
        }
    }

    private PodTranslator() {}

    /** Empty if its labels and its name don't say which machine it is; somebody has edited them. */
    static Optional<MachineSeen> machine(Scope scope, PodWatch.Seen seen) {
        var pod = seen.pod();
        var metadata = pod.getMetadata();
        var labels = labels(pod);
        var annotations = annotations(pod);
        var batch = labels.getOrDefault(PodNames.BATCH, "");
        var index = index(batch, labels.getOrDefault(PodNames.INDEX, ""), pod);
        if (index.isEmpty()) {
            LOG.warnf("A pod carries this installation's label and is none of the batch in its labels; it is left alone: name=%s scope=%s batch=%s",
                    metadata.getName(), scope, batch);
            return Optional.empty();
        }
        var status = status(seen);
        var ending = status == CloudStatus.TERMINATED || status == CloudStatus.SHUTTING_DOWN ? ending(seen) : new Ending(EndedBy.UNKNOWN, "");
        var note = switch (status) {
            case WAITING -> waiting(pod);
            case PENDING -> starting(pod);
            case TERMINATED, SHUTTING_DOWN -> ending.note(false);
            default -> Optional.<Note>empty();
        };
        return Optional.of(new MachineSeen(metadata.getUid(), labels.getOrDefault(PodNames.FLEET, ""), labels.getOrDefault(PodNames.POOL, ""), batch, index.get(),
                offer(scope, annotations), status, ending.by(), time(metadata.getCreationTimestamp()).orElse(null),
                Mark.parse(annotations.getOrDefault(PodNames.MARK, "")).orElse(Mark.UNMARKED),
                KeepUntil.parse(annotations.getOrDefault(PodNames.KEEP_UNTIL, "")), note, labels.getOrDefault(PodNames.TASK, "")));
    }

    static Map<String, String> labels(Pod pod) {
        return Objects.requireNonNullElse(pod.getMetadata().getLabels(), Map.of());
    }

    static Map<String, String> annotations(Pod pod) {
        return Objects.requireNonNullElse(pod.getMetadata().getAnnotations(), Map.of());
    }

    private static Optional<Integer> index(String batch, String label, Pod pod) {
        try {
            int index = Integer.parseInt(label);
            var id = batch.isEmpty() || index < 0 ? "" : MachineIds.of(batch, index);
            return id.equals(pod.getMetadata().getName()) || id.equals(MachineIds.ADOPTED + pod.getMetadata().getUid()) ? Optional.of(index) : Optional.empty();
        } catch (IllegalArgumentException none) {
            return Optional.empty();
        }
    }

    private static Offer offer(Scope scope, Map<String, String> annotations) {
        return new Offer(scope, "", "", annotations.getOrDefault(PodNames.MACHINE_TYPE, PodNames.USUAL_TYPE),
                annotations.getOrDefault(PodNames.MARKET, "").equals("spot") ? Offer.Market.SPOT : Offer.Market.ON_DEMAND);
    }

    /** All that it runs has ended, and nothing of it starts again. */
    static boolean hasEnded(Pod pod) {
        var phase = phase(pod);
        return phase.equals("Succeeded") || phase.equals("Failed");
    }

    static boolean hasNode(Pod pod) {
        return !node(pod).isEmpty();
    }

    /** Empty: none. */
    static String node(Pod pod) {
        return pod.getSpec() == null ? "" : Objects.requireNonNullElse(pod.getSpec().getNodeName(), "");
    }

    static boolean isBeingDeleted(Pod pod) {
        return pod.getMetadata().getDeletionTimestamp() != null;
    }

    private static String phase(Pod pod) {
        return pod.getStatus() == null ? "" : Objects.requireNonNullElse(pod.getStatus().getPhase(), "");
    }

    static CloudStatus status(PodWatch.Seen seen) {
        var pod = seen.pod();
        if (seen.isGone() || hasEnded(pod)) {
            return CloudStatus.TERMINATED;
        }
        if (isBeingDeleted(pod)) {
            return CloudStatus.SHUTTING_DOWN;
        }
        if (!hasNode(pod)) {
            return CloudStatus.WAITING;
        }
        return switch (phase(pod)) {
            case "Running" -> CloudStatus.RUNNING;
            case "", "Pending" -> CloudStatus.PENDING;
            // Unknown: its node is not heard of.
            default -> CloudStatus.UNKNOWN;
        };
    }

    private static Optional<PodCondition> condition(Pod pod, String type, String status) {
        return pod.getStatus() == null ? Optional.empty()
                : pod.getStatus().getConditions().stream().filter(condition -> type.equals(condition.getType()) && status.equals(condition.getStatus())).findFirst();
    }

    private static Optional<Note> waiting(Pod pod) {
        return condition(pod, "PodScheduled", "False").filter(condition -> condition.getReason() != null && !condition.getReason().isEmpty())
                .map(condition -> note(condition.getReason(), condition.getMessage(), false));
    }

    private static Stream<ContainerStatus> containers(PodStatus status) {
        return status == null ? Stream.empty() : Stream.concat(status.getInitContainerStatuses().stream(), status.getContainerStatuses().stream());
    }

    /** Why a container of a pod that has a node doesn't start. */
    private static Optional<Note> starting(Pod pod) {
        var ownImage = annotations(pod).getOrDefault(PodNames.IMAGE_OF, "").equals(PodNames.OF_TASK);
        return containers(pod.getStatus()).filter(container -> container.getState() != null && container.getState().getWaiting() != null).filter(container -> {
            var reason = container.getState().getWaiting().getReason();
            return reason != null && !reason.isEmpty() && !ON_ITS_WAY.contains(reason);
        }).findFirst().map(container -> {
            var waiting = container.getState().getWaiting();
            var message = Objects.requireNonNullElse(waiting.getMessage(), "");
            var missing = waiting.getReason().equals("InvalidImageName") || NO_IMAGE.contains(waiting.getReason()) && NO_SUCH_IMAGE.matcher(message).find();
            return note(waiting.getReason(), message, ownImage && missing && isMachine(pod, container));
        });
    }

    private static boolean isMachine(Pod pod, ContainerStatus status) {
        return pod.getSpec() != null && machineContainer(pod).equals(status.getName());
    }

    /** The first container is the machine's. */
    static String machineContainer(Pod pod) {
        return pod.getSpec().getContainers().get(0).getName();
    }

    private static Ending ending(PodWatch.Seen seen) {
        var pod = seen.pod();
        var status = pod.getStatus();
        var exits = status == null ? List.<ContainerStateTerminated>of() : exits(pod);
        var disrupted = condition(pod, "DisruptionTarget", "True");
        boolean deleted = isByDeletion(pod) || machineExit(pod).map(PodTranslator::code).filter(code -> code == TOLD).isPresent();
        if (disrupted.isPresent() && (seen.asked() || deleted || !hasEnded(pod))) {
            return BY_DISRUPTION.getOrDefault(disrupted.get().getReason(), new Ending(EndedBy.INTERRUPTED, "Disrupted")).saying(disrupted.get().getMessage());
        }
        if (seen.asked()) {
            return new Ending(EndedBy.ASKED, "");
        }
        boolean bootFailed = exits.stream().anyMatch(exit -> code(exit) == BOOT_FAILED);
        if (hasEnded(pod) && !deleted && (bootFailed || machineExit(pod).map(PodTranslator::code).filter(code -> code == 0).isPresent())) {
            return bootFailed ? new Ending(EndedBy.INSIDE, "BootFailed", "exit code " + BOOT_FAILED) : new Ending(EndedBy.INSIDE, "");
        }
        if (status != null && status.getReason() != null && !status.getReason().isEmpty()) {
            return BY_STATUS.getOrDefault(status.getReason(), new Ending(EndedBy.CLOUD, status.getReason())).saying(status.getMessage());
        }
        if (disrupted.isPresent()) {
            return BY_DISRUPTION.getOrDefault(disrupted.get().getReason(), new Ending(EndedBy.INTERRUPTED, "Disrupted")).saying(disrupted.get().getMessage());
        }
        var exit = exits.stream().filter(each -> code(each) != 0).findFirst();
        if (exit.isPresent() && (!deleted || !isError(exit.get()))) {
            return exit(exit.get());
        }
        if (isOfALostNode(pod)) {
            return new Ending(EndedBy.INTERRUPTED, "NodeLost", "its node was not heard of any more");
        }
        if (seen.isGone() && hasNode(pod) && mayRunOn(pod)) {
            // A kubelet writes how containers ended before their pod goes; a deletion by force, and one of the Node object, wait for no kubelet.
            return new Ending(EndedBy.UNSEEN, "Deleted");
        }
        if (deleted || seen.isGone() && !hasEnded(pod)) {
            // By a hand that says nothing on the pod: a scheduler's before 1.26 for another pod, a person's, this process's before it started anew.
            return new Ending(EndedBy.UNKNOWN, hasNode(pod) && (seen.isGone() || hasEnded(pod)) ? "Deleted" : "");
        }
        return new Ending(hasEnded(pod) ? EndedBy.INSIDE : EndedBy.UNKNOWN, "");
    }

    private static boolean isError(ContainerStateTerminated exit) {
        return exit.getReason() == null || exit.getReason().equals("Error") || exit.getReason().equals("Completed");
    }

    /** It was still at work when somebody deleted it. The deletion's time is when its grace is over. */
    private static boolean isByDeletion(Pod pod) {
        var over = time(pod.getMetadata().getDeletionTimestamp());
        if (over.isEmpty()) {
            return false;
        }
        var asked = over.get().minusSeconds(Objects.requireNonNullElse(pod.getMetadata().getDeletionGracePeriodSeconds(), 0L));
        return finishedAt(pod).map(finished -> !finished.isBefore(asked)).orElse(true);
    }

    private static boolean mayRunOn(Pod pod) {
        return !hasEnded(pod) && machineExit(pod).isEmpty();
    }

    /** Only the node's controller writes that a pod isn't ready whose containers are: clusters before 1.26 say no more of a node that is lost. */
    private static boolean isOfALostNode(Pod pod) {
        return condition(pod, "Ready", "False").isPresent() && condition(pod, "ContainersReady", "True").isPresent() && !hasEnded(pod);
    }

    private static int code(ContainerStateTerminated exit) {
        return exit.getExitCode() == null ? 0 : exit.getExitCode();
    }

    private static Optional<ContainerStateTerminated> machineExit(Pod pod) {
        return pod.getStatus() == null ? Optional.empty() : pod.getStatus().getContainerStatuses().stream().filter(container -> isMachine(pod, container)
                && container.getState() != null).map(container -> container.getState().getTerminated()).filter(Objects::nonNull).findFirst();
    }

    /** How the machine's container ended, and the ones before it, of which the first that fails ends the pod. */
    private static List<ContainerStateTerminated> exits(Pod pod) {
        return containers(pod.getStatus()).filter(container -> pod.getSpec() == null || isMachine(pod, container)
                        || pod.getStatus().getInitContainerStatuses().contains(container))
                .filter(container -> container.getState() != null && container.getState().getTerminated() != null)
                .map(container -> container.getState().getTerminated()).toList();
    }

    private static Ending exit(ContainerStateTerminated exit) {
        var reason = Objects.requireNonNullElse(exit.getReason(), "Error");
        var message = "exit code " + code(exit) + (exit.getMessage() == null || exit.getMessage().isBlank() ? "" : ": " + exit.getMessage().strip());
        return switch (reason) {
            case "Error", "Completed" -> code(exit) == BOOT_FAILED ? new Ending(EndedBy.INSIDE, "BootFailed", message) : new Ending(EndedBy.INSIDE, "Error", message);
            // Never begun, killed for its memory, or whatever a runtime says of a container that didn't end by itself.
            default -> new Ending(EndedBy.CLOUD, reason, message);
        };
    }

    private static Note note(String reason, String message, boolean faultOfTask) {
        var text = Objects.requireNonNullElse(message, "").strip();
        return new Note(reason, text.length() > LONGEST_MESSAGE ? text.substring(0, LONGEST_MESSAGE) + "…" : text, faultOfTask);
    }

    /** When the last of its containers ended, as its node says. */
    static Optional<Instant> finishedAt(Pod pod) {
        return containers(pod.getStatus()).filter(container -> container.getState() != null && container.getState().getTerminated() != null)
                .flatMap(container -> time(container.getState().getTerminated().getFinishedAt()).stream()).max(Instant::compareTo);
    }

    private static Optional<Instant> time(String text) {
        try {
            return text == null ? Optional.empty() : Optional.of(OffsetDateTime.parse(text).toInstant());
        } catch (DateTimeException none) {
            return Optional.empty();
        }
    }
}
