package dev.muster.k8s;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.muster.contracts.SecretRef;
import dev.muster.provisioner.boot.BootPlan;
import dev.muster.provisioner.boot.Given;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.KeepUntil;
import dev.muster.provisioner.spi.LaunchSettings;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.ProviderException;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What a pod is made of, and what comes before what. */
class PodsTest {

    private static final String QUEUE = "0123456789abcdef0123456789abcdef";

    private String template = "";
    private String templateConfigMap = "";
    private Map<String, String> requests = Map.of();
    private Map<String, String> limits = Map.of();
    private Map<String, String> tags = Map.of();
    private Map<String, String> annotations = Map.of();
    private String image = "";
    private boolean imageEntrypoint;
    private Optional<TaskWish> wish = Optional.empty();

    private static Given key(String name) {
        return Given.kept(new SecretRef(SecretRef.Store.KUBERNETES, name, ""));
    }

    private MachineBatch batch(LaunchSettings.K8s k8s) {
        var plan = new BootPlan("lab-train:gpu:any", 1, List.of(QUEUE), new BootPlan.Hosts("http://api", "http://web", "http://files"),
                new BootPlan.Keys(key("clearml-main-access-key"), key("clearml-main-secret-key")), false, "lab/default:1", "3.0.3", false, new TreeMap<>(),
                Given.NOTHING, Given.NOTHING, Given.NOTHING, false, BootPlan.Storage.NONE, Optional.empty());
        return new MachineBatch("mk3v9x2aq-17", List.of("mk3v9x2aq-17"), "train", "gpu", FakeCluster.OFFER, 0,
                new LaunchSettings(image, List.of(), tags, Optional.empty(), Optional.empty(), Optional.of(k8s)), plan,
                new KeepUntil(Instant.ofEpochSecond(1_795_444_800), "q1Sh"), new MachineBatch.Cause(wish.map(TaskWish::id).orElse(""), "deep learning", QUEUE, "main"));
    }

    private LaunchSettings.K8s k8s() {
        return new LaunchSettings.K8s(wish.isPresent(), template, templateConfigMap, requests, limits, Map.of("disk", "ssd"),
                List.of(new LaunchSettings.K8s.Toleration("nvidia.com/gpu", "", "", "NoSchedule", Optional.empty())), "batch", "", List.of("registry"), annotations, "",
                Duration.ofMinutes(5), imageEntrypoint, false, "");
    }

    private Pod pod(LaunchSettings.K8s k8s) throws ProviderException {
        return new Pods("lab").of(batch(k8s), 0, FakeCluster.ACCOUNT, Pods.template(k8s, Optional.empty()), wish);
    }

    private Pod pod() throws ProviderException {
        return pod(k8s());
    }

    private static Container machine(Pod pod) {
        return pod.getSpec().getContainers().get(0);
    }

    private static Map<String, String> environment(Container container) {
        return container.getEnv().stream().filter(variable -> variable.getValue() != null).collect(Collectors.toMap(EnvVar::getName, EnvVar::getValue));
    }

    private static Map<String, String> mounts(Container container) {
        return container.getVolumeMounts().stream().collect(Collectors.toMap(VolumeMount::getMountPath, VolumeMount::getName));
    }

    private static TaskWish task(String image, List<String> arguments, Map<String, String> overrides) {
        return new TaskWish("8d0c2f7ab1c94d1f9e0f3c5d7b9a1e2f", "Train ResNet (seed 1)", "p1", "Vision/Cats & dogs", "u1", image, arguments, "", new TreeMap<>(overrides));
    }

    private ProviderException refused() {
        return catchThrowableOfType(ProviderException.class, this::pod);
    }

    @Test
    void aTemplateThatIsIncompleteIsRefusedAndNotTriedForEver() {
        for (var incomplete : List.of("{\"spec\":{\"containers\":[{\"name\":\"machine\",\"volumeMounts\":[{\"name\":\"data\"}]}]}}",
                "{\"spec\":{\"containers\":[{\"name\":\"machine\",\"resources\":{\"requests\":{\"nvidia.com/gpu\":\"one\"},\"limits\":{\"nvidia.com/gpu\":\"two\"}}}]}}")) {
            template = incomplete;

            assertThat(refused().kind()).isEqualTo(FailureKind.INVALID_SPEC);
            assertThat(refused().code()).isEqualTo("InvalidTemplate");
        }
    }

    @Test
    void anAgentPodIsABarePodWithMustersNames() throws ProviderException {
        var pod = pod();

        assertThat(pod.getMetadata().getName()).isEqualTo("mk3v9x2aq-17");
        assertThat(pod.getMetadata().getNamespace()).isEqualTo("ml");
        assertThat(pod.getMetadata().getFinalizers()).isEmpty();
        assertThat(pod.getMetadata().getLabels()).containsExactlyInAnyOrderEntriesOf(Map.of("muster.dev/installation", "lab", "muster.dev/fleet", "train",
                "muster.dev/pool", "gpu", "muster.dev/batch", "mk3v9x2aq-17", "muster.dev/index", "0", "app.kubernetes.io/managed-by", "muster"));
        assertThat(pod.getMetadata().getAnnotations()).containsExactlyInAnyOrderEntriesOf(Map.of("muster.dev/mark", "none:0",
                "muster.dev/keep-until", "1795444800@q1Sh", "muster.dev/machine-type", "pod", "muster.dev/queue", "deep learning", "muster.dev/queue-id", QUEUE,
                "muster.dev/connection", "main", "muster.dev/completed-delay", "300", "karpenter.sh/do-not-disrupt", "true",
                "cluster-autoscaler.kubernetes.io/safe-to-evict", "false"));
        assertThat(pod.getSpec().getRestartPolicy()).isEqualTo("Never");
        assertThat(pod.getSpec().getAutomountServiceAccountToken()).isFalse();
        assertThat(pod.getSpec().getServiceAccountName()).isEqualTo("muster-machines");
        assertThat(pod.getSpec().getPriorityClassName()).isEqualTo("batch");
        assertThat(pod.getSpec().getNodeSelector()).isEqualTo(Map.of("disk", "ssd"));
        assertThat(pod.getSpec().getTolerations()).hasSize(1).first().satisfies(toleration -> {
            assertThat(toleration.getKey()).isEqualTo("nvidia.com/gpu");
            assertThat(toleration.getOperator()).isEqualTo("Exists");
        });
        assertThat(pod.getSpec().getImagePullSecrets()).extracting("name").containsExactly("registry");
        assertThat(machine(pod).getName()).isEqualTo("machine");
        assertThat(machine(pod).getImage()).isEqualTo("lab/agent:1");
        assertThat(machine(pod).getCommand()).startsWith("/bin/sh", "-c");
        assertThat(machine(pod).getEnv()).extracting(EnvVar::getName).containsExactly("MUSTER_POD_UID", "MUSTER_BOOT");
    }

    @Test
    void aPodIsGivenSecretsAsKeysOfASecretAndItsMarkAsAFile() throws ProviderException {
        var pod = pod();
        var volumes = pod.getSpec().getVolumes().stream().collect(Collectors.toMap(Volume::getName, volume -> volume));

        assertThat(mounts(machine(pod))).isEqualTo(Map.of("/muster/work", "muster-work", "/muster/pod", "muster-pod", "/muster/secrets", "muster-secrets"));
        assertThat(volumes.get("muster-work").getEmptyDir()).isNotNull();
        assertThat(volumes.get("muster-pod").getDownwardAPI().getItems()).extracting(item -> item.getPath() + "=" + item.getFieldRef().getFieldPath())
                .containsExactly("annotations=metadata.annotations", "name=metadata.name", "uid=metadata.uid");
        var secret = volumes.get("muster-secrets").getSecret();
        assertThat(secret.getSecretName()).isEqualTo("muster-machines");
        assertThat(secret.getDefaultMode()).isEqualTo(0400);
        assertThat(secret.getItems()).extracting("key").containsExactly("clearml-main-access-key", "clearml-main-secret-key");
    }

    @Test
    void thePoolsWordComesBeforeItsTemplates() throws ProviderException {
        template = """
                {"metadata": {"labels": {"team": "vision", "muster.dev/fleet": "other", "muster.dev/own": "no"}, "annotations": {"muster.dev/mark": "drain:9", "note": "x"}},
                 "spec": {"restartPolicy": "Always", "priorityClassName": "low", "nodeSelector": {"disk": "hdd", "zone": "a"}, "serviceAccountName": "templates",
                          "automountServiceAccountToken": true,
                          "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}, {"name": "muster-secrets", "emptyDir": {}}],
                          "containers": [{"name": "worker", "image": "lab/template:1", "command": ["sleep"], "args": ["1"],
                                          "env": [{"name": "A", "value": "1"}, {"name": "MUSTER_BOOT", "value": "mine"}],
                                          "resources": {"requests": {"cpu": "1", "memory": "1Gi"}},
                                          "volumeMounts": [{"name": "data", "mountPath": "/data"}]},
                                         {"name": "side", "image": "lab/side:1"}]}}""";
        requests = Map.of("cpu", "4");
        tags = Map.of("cost-center", "research");
        annotations = Map.of("note", "y");

        var pod = pod();

        assertThat(pod.getMetadata().getLabels()).containsEntry("team", "vision").containsEntry("cost-center", "research").containsEntry("muster.dev/fleet", "train")
                .doesNotContainKey("muster.dev/own");
        assertThat(pod.getMetadata().getAnnotations()).containsEntry("muster.dev/mark", "none:0").containsEntry("note", "y");
        assertThat(pod.getSpec().getRestartPolicy()).isEqualTo("Never");
        assertThat(pod.getSpec().getAutomountServiceAccountToken()).isFalse();
        assertThat(pod.getSpec().getPriorityClassName()).isEqualTo("batch");
        assertThat(pod.getSpec().getNodeSelector()).isEqualTo(Map.of("disk", "ssd", "zone", "a"));
        assertThat(pod.getSpec().getServiceAccountName()).isEqualTo("templates");
        assertThat(pod.getSpec().getContainers()).extracting(Container::getName).containsExactly("worker", "side");
        assertThat(machine(pod).getImage()).isEqualTo("lab/template:1");
        assertThat(machine(pod).getArgs()).isEmpty();
        assertThat(environment(machine(pod))).containsEntry("A", "1").doesNotContainValue("mine");
        assertThat(machine(pod).getResources().getRequests()).isEqualTo(Map.of("cpu", new Quantity("4"), "memory", new Quantity("1Gi")));
        assertThat(mounts(machine(pod))).containsEntry("/data", "data");
        assertThat(pod.getSpec().getVolumes().stream().filter(volume -> volume.getName().equals("muster-secrets")).toList()).singleElement()
                .satisfies(volume -> assertThat(volume.getSecret()).isNotNull());
    }

    @Test
    void theImageIsTheTasksElseThePoolsElseTheTemplatesElseTheAccounts() throws ProviderException {
        assertThat(machine(pod()).getImage()).isEqualTo("lab/agent:1");
        template = "{\"spec\": {\"containers\": [{\"name\": \"c\", \"image\": \"lab/template:1\"}]}}";
        assertThat(machine(pod()).getImage()).isEqualTo("lab/template:1");
        image = "lab/pool:1";
        assertThat(machine(pod()).getImage()).isEqualTo("lab/pool:1");
        wish = Optional.of(task("", List.of(), Map.of()));
        assertThat(machine(pod()).getImage()).isEqualTo("lab/pool:1");
        assertThat(pod().getMetadata().getAnnotations()).doesNotContainKey("muster.dev/image-of");
        wish = Optional.of(task("lab/task:1", List.of(), Map.of()));
        assertThat(machine(pod()).getImage()).isEqualTo("lab/task:1");
        assertThat(pod().getMetadata().getAnnotations()).containsEntry("muster.dev/image-of", "task");
    }

    @Test
    void placeholdersAreFilledAndMadeLabelsWhereTheyAreLabels() throws ProviderException {
        wish = Optional.of(task("", List.of(), Map.of()));
        template = """
                {"metadata": {"labels": {"task-name": "${task.name}", "who": "${user.id}.${queue.name}", "long": "%s-${project.name}"}, "annotations": {"project": "${project.name}"}},
                 "spec": {"containers": [{"name": "c", "env": [{"name": "WHERE", "value": "/data/${fleet}/${pool}/${machine}/${task.id}/${project.id}/${queue.id} $${HOME}"}]}]}}"""
                .formatted("x".repeat(62));

        var pod = pod();

        assertThat(pod.getMetadata().getLabels()).containsEntry("muster.dev/task", "8d0c2f7ab1c94d1f9e0f3c5d7b9a1e2f").containsEntry("task-name", "Train-ResNet-seed-1")
                .containsEntry("who", "u1.deep-learning").containsEntry("long", "x".repeat(62));
        assertThat(pod.getMetadata().getAnnotations()).containsEntry("project", "Vision/Cats & dogs");
        assertThat(environment(machine(pod))).containsEntry("WHERE",
                "/data/train/gpu/mk3v9x2aq-17/8d0c2f7ab1c94d1f9e0f3c5d7b9a1e2f/p1/" + QUEUE + " ${HOME}");
    }

    @Test
    void aPlaceholderThatNobodyKnowsIsThePoolsMistake() {
        template = "{\"spec\": {\"containers\": [{\"name\": \"c\", \"image\": \"lab/${task.colour}\"}]}}";

        assertThat(refused().toString()).startsWith("INVALID_SPEC (UnknownPlaceholder): the pod template holds ${task.colour}, which is none of [fleet, machine,");
        assertThat(refused().isFaultOfTask()).isFalse();
    }

    @Test
    void anAgentPodHasNoTaskToFillIn() {
        template = "{\"metadata\": {\"labels\": {\"task\": \"${task.id}\"}}}";

        assertThat(refused().getMessage()).isEqualTo("the pod template holds ${task.id}, which only task pods have");
    }

    @Test
    void aTemplateThatIsNoneIsThePoolsMistake() {
        for (var wrong : List.of("[]", "{", "{\"spec\": {\"containers\": \"none\"}}")) {
            template = wrong;
            assertThat(refused().kind()).isEqualTo(FailureKind.INVALID_SPEC);
            assertThat(refused().code()).isEqualTo("InvalidTemplate");
        }
    }

    @Test
    void aTemplateMayBeAConfigMapsYaml() throws ProviderException {
        templateConfigMap = "gpu-template";

        var read = Pods.template(k8s(), Optional.of("spec:\n  containers:\n  - name: worker\n    image: lab/yaml:1\n"));

        assertThat(read.at("/spec/containers/0/image").asText()).isEqualTo("lab/yaml:1");
        assertThat(catchThrowableOfType(ProviderException.class, () -> Pods.template(k8s(), Optional.empty())).toString()).isEqualTo(
                "INVALID_SPEC (NoTemplate): k8s.templateConfigMap names gpu-template, which isn't in the namespace or has no key template.yaml");
        assertThat(catchThrowableOfType(ProviderException.class, () -> Pods.template(k8s(), Optional.of("a: [b"))).code()).isEqualTo("InvalidTemplate");
    }

    @Test
    void whatATaskAsksOfDockerAPodHas() throws ProviderException {
        wish = Optional.of(task("", List.of("-e", "A=$(B)", "--env=C=3", "--shm-size", "8g", "-v", "/mnt/data:/data:ro", "--gpus", "2", "--ipc=host", "--network", "host",
                "--user", "1000:1001"), Map.of()));

        var pod = pod();
        var volumes = pod.getSpec().getVolumes().stream().collect(Collectors.toMap(Volume::getName, volume -> volume));

        assertThat(environment(machine(pod))).containsEntry("A", "$$(B)").containsEntry("C", "3");
        assertThat(volumes.get("muster-shm").getEmptyDir().getMedium()).isEqualTo("Memory");
        assertThat(volumes.get("muster-shm").getEmptyDir().getSizeLimit()).isEqualTo(new Quantity("8589934592"));
        assertThat(mounts(machine(pod))).containsEntry("/dev/shm", "muster-shm").containsEntry("/data", "muster-host-1");
        assertThat(volumes.get("muster-host-1").getHostPath().getPath()).isEqualTo("/mnt/data");
        assertThat(machine(pod).getVolumeMounts().stream().filter(mount -> mount.getMountPath().equals("/data")).findFirst().orElseThrow().getReadOnly()).isTrue();
        assertThat(machine(pod).getResources().getRequests()).isEqualTo(Map.of("nvidia.com/gpu", new Quantity("2")));
        assertThat(machine(pod).getResources().getLimits()).isEqualTo(Map.of("nvidia.com/gpu", new Quantity("2")));
        assertThat(pod.getSpec().getHostIPC()).isTrue();
        assertThat(pod.getSpec().getHostNetwork()).isTrue();
        assertThat(pod.getSpec().getDnsPolicy()).isEqualTo("ClusterFirstWithHostNet");
        assertThat(machine(pod).getSecurityContext().getRunAsUser()).isEqualTo(1000);
        assertThat(machine(pod).getSecurityContext().getRunAsGroup()).isEqualTo(1001);
        // Or it could read neither its secrets nor write its work.
        assertThat(pod.getSpec().getSecurityContext().getFsGroup()).isEqualTo(1001);
    }

    @Test
    void aTaskNeverReplacesMustersOwn() throws ProviderException {
        wish = Optional.of(task("", List.of("-e", "MUSTER_BOOT=mine", "-e", "MUSTER_POD_UID=mine", "-v", "/etc:/muster/secrets"), Map.of()));

        var pod = pod();

        assertThat(environment(machine(pod)).values()).doesNotContain("mine");
        assertThat(machine(pod).getEnv().get(0).getValueFrom().getFieldRef().getFieldPath()).isEqualTo("metadata.uid");
        assertThat(mounts(machine(pod))).containsEntry("/muster/secrets", "muster-secrets");
    }

    @Test
    void aTasksHyperparametersComeBeforeItsPool() throws ProviderException {
        requests = Map.of("cpu", "2", "memory", "4Gi", "nvidia.com/gpu", "1");
        limits = Map.of("memory", "4Gi");
        wish = Optional.of(task("", List.of("--gpus", "2"), Map.of("k8s/memory", "16Gi", "k8s/gpu", "4", "k8s/node-selector/kind", "a100", "k8s/priority-class", "urgent",
                "k8s/force-pull", "true", "k8s/pull-secret", "mine")));

        var pod = pod();

        assertThat(machine(pod).getResources().getRequests()).isEqualTo(Map.of("cpu", new Quantity("2"), "memory", new Quantity("16Gi"), "nvidia.com/gpu", new Quantity("4")));
        assertThat(machine(pod).getResources().getLimits()).isEqualTo(Map.of("memory", new Quantity("16Gi"), "nvidia.com/gpu", new Quantity("4")));
        assertThat(pod.getSpec().getNodeSelector()).isEqualTo(Map.of("disk", "ssd", "kind", "a100"));
        assertThat(pod.getSpec().getPriorityClassName()).isEqualTo("urgent");
        assertThat(machine(pod).getImagePullPolicy()).isEqualTo("Always");
        assertThat(pod.getSpec().getImagePullSecrets()).extracting("name").containsExactly("registry", "mine");
    }

    @Test
    void aHyperparameterThatIsNoneIsTheTasksFault() {
        wish = Optional.of(task("", List.of(), Map.of("k8s/colour", "blue")));

        assertThat(refused().kind()).isEqualTo(FailureKind.INVALID_SPEC);
        assertThat(refused().isFaultOfTask()).isTrue();
    }

    @Test
    void gpusAreRequestedAsTheyAreLimited() throws ProviderException {
        limits = Map.of("nvidia.com/gpu", "2", "cpu", "8");
        requests = Map.of("amd.com/gpu", "1", "cpu", "4");

        var resources = machine(pod()).getResources();

        assertThat(resources.getRequests()).isEqualTo(Map.of("nvidia.com/gpu", new Quantity("2"), "amd.com/gpu", new Quantity("1"), "cpu", new Quantity("4")));
        assertThat(resources.getLimits()).isEqualTo(Map.of("nvidia.com/gpu", new Quantity("2"), "amd.com/gpu", new Quantity("1"), "cpu", new Quantity("8")));
    }

    @Test
    void anImagesOwnEntrypointRunsAfterItsTaskIsClaimed() throws ProviderException {
        imageEntrypoint = true;
        wish = Optional.of(task("lab/trainer:1", List.of("-e", "A=1"), Map.of()));
        template = "{\"spec\": {\"initContainers\": [{\"name\": \"data\", \"image\": \"lab/data:1\"}]}}";

        var pod = pod();

        assertThat(pod.getSpec().getInitContainers()).extracting(Container::getName).containsExactly("muster-claim", "muster-attend", "data");
        assertThat(pod.getSpec().getInitContainers().get(0).getImage()).isEqualTo(BootPlan.DEFAULT_CPU_IMAGE);
        assertThat(pod.getSpec().getInitContainers().get(0).getRestartPolicy()).isNull();
        assertThat(pod.getSpec().getInitContainers().get(1).getRestartPolicy()).isEqualTo("Always");
        assertThat(machine(pod).getCommand()).isEmpty();
        assertThat(environment(machine(pod))).containsEntry("CLEARML_TASK_ID", "8d0c2f7ab1c94d1f9e0f3c5d7b9a1e2f").containsEntry("A", "1");
        assertThat(machine(pod).getEnv().stream().filter(variable -> variable.getName().equals("CLEARML_API_SECRET_KEY")).findFirst().orElseThrow().getValueFrom()
                .getSecretKeyRef().getKey()).isEqualTo("clearml-main-secret-key");
    }

    @Test
    void aPodThatHasLongerToEndIsToldSo() throws ProviderException {
        template = "{\"spec\": {\"terminationGracePeriodSeconds\": 120}}";

        assertThat(environment(machine(pod()))).containsEntry("MUSTER_GRACE", "120");
    }

    @Test
    void theSameMachineIsTheSamePod() throws ProviderException {
        wish = Optional.of(task("", List.of("-e", "B=1", "-e", "A=1"), Map.of("k8s/memory", "1Gi", "k8s/cpu", "2")));
        requests = Map.of("memory", "1Gi", "cpu", "1", "ephemeral-storage", "1Gi");
        tags = Map.of("b", "1", "a", "1", "c", "1");

        assertThat(new KubernetesSerialization().asYaml(pod())).isEqualTo(new KubernetesSerialization().asYaml(pod()));
    }
}
