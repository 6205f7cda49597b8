package dev.muster.sandbox.k8s;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.muster.sandbox.machine.MachineImage;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** What tests of the stand-in ask of it. */
final class Cluster {

    /** Runs nothing: its pods are plain containers. */
    static final MachineImage IDLE = hardware -> () -> { };

    private Cluster() {
    }

    static Pod pod(String name, String... command) {
        return new PodBuilder().withNewMetadata().withName(name).endMetadata().withNewSpec().withRestartPolicy("Never").addNewContainer().withName("machine")
                .withImage("python:3.12").withCommand(command).endContainer().endSpec().build();
    }

    static Pod withGpu(Pod pod) {
        return withRequests(pod, Map.of(), Map.of("nvidia.com/gpu", "1"));
    }

    static Pod withRequests(Pod pod, Map<String, String> requests, Map<String, String> limits) {
        return new PodBuilder(pod).editSpec().editFirstContainer().withNewResources().withRequests(quantities(requests)).withLimits(quantities(limits)).endResources()
                .endContainer().endSpec().build();
    }

    private static Map<String, Quantity> quantities(Map<String, String> amounts) {
        var quantities = new java.util.TreeMap<String, Quantity>();
        amounts.forEach((resource, amount) -> quantities.put(resource, new Quantity(amount)));
        return quantities;
    }

    /** What a call is refused with, as a line: code, reason and message. */
    static String refusal(ThrowingCallable call) {
        var refused = catchThrowableOfType(KubernetesClientException.class, call);
        assertThat(refused).isNotNull();
        var status = refused.getStatus();
        return status.getCode() + " " + status.getReason() + ": " + status.getMessage();
    }

    static String reason(Pod pod) {
        return pod == null || pod.getStatus() == null ? "" : String.valueOf(pod.getStatus().getReason());
    }

    static String phase(Pod pod) {
        return pod == null ? "gone" : pod.getStatus().getPhase();
    }

    /** A condition as {@code status reason message}. */
    static String condition(Pod pod, String type) {
        return pod.getStatus().getConditions().stream().filter(one -> one.getType().equals(type))
                .map(one -> String.join(" ", List.of(one.getStatus(), String.valueOf(one.getReason()), String.valueOf(one.getMessage())))).findFirst().orElse("");
    }
}
