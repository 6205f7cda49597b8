package dev.muster.k8s;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.muster.k8s.TaskOverrides.Resources;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.ProviderException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TaskOverridesTest {

    private static final OptionalInt UNSAID = OptionalInt.empty();

    private static TaskOverrides overrides(Map<String, String> hyperparameters) throws ProviderException {
        return TaskOverrides.of(new TreeMap<>(hyperparameters));
    }

    private static Resources resources(Map<String, String> requests, Map<String, String> limits) {
        return new Resources(new TreeMap<>(requests), new TreeMap<>(limits));
    }

    @Test
    void readsEveryHyperparameterThatTheDocsShow() throws Exception {
        // When
        var read = overrides(Map.of("k8s/cpu", "4", "k8s/memory", "16Gi", "k8s/gpu", "2", "k8s/request/ephemeral-storage", "10Gi",
                "k8s/limit/example.com/fpga", "1", "k8s/node-selector/cloud.google.com/gke-accelerator", "nvidia-l4", "k8s/priority-class", "high",
                "k8s/force-pull", "True", "k8s/pull-secret", "registry.lab"));

        // Then
        assertThat(read).isEqualTo(new TaskOverrides(new TreeMap<>(Map.of("cpu", "4", "memory", "16Gi", "ephemeral-storage", "10Gi")),
                new TreeMap<>(Map.of("memory", "16Gi", "example.com/fpga", "1")), OptionalInt.of(2),
                new TreeMap<>(Map.of("cloud.google.com/gke-accelerator", "nvidia-l4")), Optional.of("high"), Optional.of(true), List.of("registry.lab")));
    }

    @Test
    void whatHasNoValueIsNotSaid() throws Exception {
        assertThat(overrides(Map.of("k8s/cpu", " ", "k8s/priority-class", ""))).isEqualTo(overrides(Map.of()));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "k8s/memory                  | 16GB        | Muster/k8s/memory is '16GB', which is no quantity of Kubernetes; write 16Gi",
            "k8s/memory                  | 16 gb       | Muster/k8s/memory is '16 gb', which is no quantity of Kubernetes; write 16Gi",
            "k8s/cpu                     | four        | Muster/k8s/cpu is 'four', which is no quantity of Kubernetes; write such as 4, 500m or 16Gi",
            "k8s/cpu                     | -1          | Muster/k8s/cpu is '-1'",
            "k8s/gpu                     | 0.5         | Muster/k8s/gpu is '0.5'; write a whole number of GPUs, such as 2",
            "k8s/gpu                     | all         | Muster/k8s/gpu is 'all'",
            "k8s/priority-class          | High        | Muster/k8s/priority-class is 'High', which is no name of Kubernetes",
            "k8s/force-pull              | always      | Muster/k8s/force-pull is 'always'; write true or false",
            "k8s/pull-secret             | a_b         | Muster/k8s/pull-secret is 'a_b'",
            "k8s/node-selector/          | x           | Muster/k8s/node-selector/ names no label",
            "k8s/node-selector/a/b/c     | x           | Muster/k8s/node-selector/a/b/c names no label",
            "k8s/node-selector/zone      | a b         | Muster/k8s/node-selector/zone is 'a b', which is no value of a label",
            "k8s/limit/                  | 1           | Muster/k8s/limit/ names no resource",
            "k8s/request/memory          | 1Gb         | Muster/k8s/request/memory is '1Gb', which is no quantity of Kubernetes; write 1Gi",
            "k8s/service-account         | admin       | Muster/k8s/service-account is none that Muster knows; known are k8s/cpu, k8s/memory, k8s/gpu"})
    void whatIsWrongIsTheTasksFaultAndSaysTheFix(String name, String value, String message) {
        // When
        var wrong = catchThrowableOfType(ProviderException.class, () -> overrides(Map.of(name, value)));

        // Then
        assertThat(wrong.kind()).isEqualTo(FailureKind.INVALID_SPEC);
        assertThat(wrong.isFaultOfTask()).isTrue();
        assertThat(wrong).hasMessageContaining("hyperparameter " + message);
    }

    @Test
    void noRequestIsLargerThanItsLimit() {
        // When
        var wrong = catchThrowableOfType(ProviderException.class, () -> overrides(Map.of("k8s/request/cpu", "1500m", "k8s/limit/cpu", "1")));

        // Then
        assertThat(wrong).hasMessageContaining("asks for 1500m with a limit of 1");
    }

    @Test
    void changesWhatItNamesAndLeavesTheRest() throws Exception {
        // Given
        var pool = resources(Map.of("cpu", "2", "memory", "4Gi"), Map.of("cpu", "2", "memory", "4Gi", "nvidia.com/gpu", "1"));

        // When, Then
        assertThat(overrides(Map.of()).over(pool, UNSAID)).isEqualTo(pool);
        assertThat(overrides(Map.of("k8s/cpu", "1500m")).over(pool, UNSAID))
                .isEqualTo(resources(Map.of("cpu", "1500m", "memory", "4Gi"), pool.limits()));
        assertThat(overrides(Map.of("k8s/cpu", "8")).over(pool, UNSAID))
                .isEqualTo(resources(Map.of("cpu", "8", "memory", "4Gi"), Map.of("cpu", "8", "memory", "4Gi", "nvidia.com/gpu", "1")));
        assertThat(overrides(Map.of("k8s/limit/memory", "2Gi")).over(pool, UNSAID))
                .isEqualTo(resources(Map.of("cpu", "2", "memory", "2Gi"), Map.of("cpu", "2", "memory", "2Gi", "nvidia.com/gpu", "1")));
        assertThat(overrides(Map.of("k8s/memory", "5e9")).over(pool, UNSAID))
                .isEqualTo(resources(Map.of("cpu", "2", "memory", "5e9"), Map.of("cpu", "2", "memory", "5e9", "nvidia.com/gpu", "1")));
    }

    @Test
    void asksForGpusOfThePoolsKind() throws Exception {
        // Given
        var amd = resources(Map.of("amd.com/gpu", "1"), Map.of("amd.com/gpu", "1"));
        var none = resources(Map.of(), Map.of());

        // When, Then
        assertThat(overrides(Map.of("k8s/gpu", "4")).over(amd, OptionalInt.of(2))).isEqualTo(resources(Map.of(), Map.of("amd.com/gpu", "4")));
        assertThat(overrides(Map.of()).over(amd, OptionalInt.of(2))).isEqualTo(resources(Map.of(), Map.of("amd.com/gpu", "2")));
        assertThat(overrides(Map.of("k8s/gpu", "0")).over(amd, UNSAID)).isEqualTo(none);
        assertThat(overrides(Map.of("k8s/gpu", "1.0")).over(none, UNSAID)).isEqualTo(resources(Map.of(), Map.of("nvidia.com/gpu", "1")));
    }

    @Test
    void theDocsShowTheTable() throws Exception {
        var table = TaskOverrides.ROWS.stream().map(row -> "| `" + row.name() + "` | " + row.value() + " | " + row.meaning() + " |\n").collect(Collectors.joining());

        assertThat(Files.readString(Path.of("../docs/kubernetes-tasks.md"))).contains(table);
    }
}
