package dev.muster.sandbox.k8s;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.Map;
import org.junit.jupiter.api.Test;

class UnknownFieldsTest {

    private static Pod pod(String container) {
        return Serialization.unmarshal("""
                apiVersion: v1
                kind: Pod
                metadata: {name: m-1, labels: {imgae: a-label-may-be-called-so}}
                spec: {containers: [{name: machine, %s, resources: {limits: {cpu: 500m}}}]}
                """.formatted(container), Pod.class);
    }

    @Test
    void oneIsFoundWhereItStands() {
        assertThat(UnknownFields.of(pod("imgae: python:3.12"), "Pod")).isEqualTo(Map.of("Pod.Spec.Containers[]", Map.of("imgae", "python:3.12")));
    }

    @Test
    void whereAllAreKnownThereIsNone() {
        assertThat(UnknownFields.of(pod("image: python:3.12"), "Pod")).isEmpty();
    }
}
