package dev.muster.k8s;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.muster.provisioner.boot.BootPlan;
import dev.muster.provisioner.boot.PodScript;
import dev.muster.provisioner.spi.LaunchSettings;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.Mark;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.ProviderException;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.EnvVarBuilder;
import io.fabric8.kubernetes.api.model.KeyToPath;
import io.fabric8.kubernetes.api.model.LocalObjectReference;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodSecurityContext;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import io.fabric8.kubernetes.api.model.SecurityContext;
import io.fabric8.kubernetes.api.model.TolerationBuilder;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeBuilder;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.VolumeMountBuilder;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * The pod that a machine is. Lowest is the pool's template; above it the other fields of the spec, above that what the task wishes, and on top what
 * Muster itself needs: names, labels, what the container runs, marks. The same machine and wish give the same pod.
 */
final class Pods {

    private static final ObjectMapper JSON = new ObjectMapper();

    private static final KubernetesSerialization YAML = new KubernetesSerialization();

    static final String TEMPLATE_KEY = "template.yaml";
    /** By which a pod is told how long it has from SIGTERM to SIGKILL, where that is not what it is for every pod. Seconds. */
    private static final String GRACE_VARIABLE = "MUSTER_GRACE";
    private static final long USUAL_GRACE = 30;
    /** Octal 0400: the first process alone reads them. */
    private static final int SECRETS_MODE = 256;

    private final String installation;

    Pods(String installation) {
        this.installation = installation;
    }

    /**
     * @param template as {@link #template} has it
     * @param wish present for a task pod
     * @throws ProviderException INVALID_SPEC, also where the fault is the task's
     */
    Pod of(MachineBatch batch, int index, K8sAccounts.Account account, JsonNode template, Optional<TaskWish> wish) throws ProviderException {
        try {
            return composed(batch, index, account, template, wish);
        } catch (RuntimeException incomplete) {
            // A mount without a path, a quantity that is none: taken for a defect of ours, it would be tried again and again, and nobody told.
            throw PodCalls.invalid("InvalidTemplate", "no pod can be made of the pod template, of the pool's other fields and of what its task asks: "
                    + first(incomplete.getMessage()));
        }
    }

    private Pod composed(MachineBatch batch, int index, K8sAccounts.Account account, JsonNode template, Optional<TaskWish> wish) throws ProviderException {
        var k8s = batch.settings().k8s().orElse(LaunchSettings.K8s.DEFAULTS);
        var machine = batch.machineIds().get(index);
        var base = typed(new Placeholders(batch, machine, wish).filled(template));
        var spec = Objects.requireNonNullElseGet(base.getSpec(), PodSpec::new);
        var script = script(batch, k8s, wish);
        var container = spec.getContainers().isEmpty() ? new ContainerBuilder().withName(PodNames.CONTAINER).build() : spec.getContainers().get(0);
        boolean ownImage = wish.map(task -> !task.image().isEmpty()).orElse(false);

        image(container, batch, account, wish);
        fields(spec, container, k8s, account);
        if (wish.isPresent()) {
            wish(spec, container, DockerArguments.of(wish.get().arguments()), TaskOverrides.of(wish.get().overrides()));
        }
        balance(container);
        spec.setRestartPolicy("Never");
        spec.setAutomountServiceAccountToken(false);
        volumes(spec, script, secret(k8s, account));
        muster(container, spec, script, secret(k8s, account));
        if (script.claim().isPresent()) {
            claim(spec, script.claim().get(), script, k8s);
        }
        group(spec, container);
        if (spec.getContainers().isEmpty()) {
            spec.setContainers(List.of(container));
        }
        return new PodBuilder().withMetadata(metadata(base.getMetadata(), batch, index, k8s, wish, ownImage)).withSpec(spec).build();
    }

    private static PodScript script(MachineBatch batch, LaunchSettings.K8s k8s, Optional<TaskWish> wish) throws ProviderException {
        try {
            return PodScript.of(batch.boot(), wish.map(task -> new PodScript.TaskToRun(task.id(), batch.cause().queueId(), task.setupScript(), k8s.imageEntrypoint())));
        } catch (IllegalArgumentException unusable) {
            throw PodCalls.invalid("PodScript", unusable.getMessage());
        }
    }

    // The template.

    /**
     * @param map the text under {@link #TEMPLATE_KEY} of the ConfigMap that the spec names; empty where there is none such
     * @throws ProviderException INVALID_SPEC if it is none
     */
    static JsonNode template(LaunchSettings.K8s k8s, Optional<String> map) throws ProviderException {
        try {
            if (!k8s.template().isEmpty()) {
                return object(JSON.readTree(k8s.template()), "k8s.template");
            }
            if (k8s.templateConfigMap().isEmpty()) {
                return JSON.createObjectNode();
            }
            var text = map.orElseThrow(() -> PodCalls.invalid("NoTemplate", "k8s.templateConfigMap names " + k8s.templateConfigMap()
                    + ", which isn't in the namespace or has no key " + TEMPLATE_KEY));
            return object(JSON.readTree(YAML.convertToJson(text)), "ConfigMap " + k8s.templateConfigMap());
        } catch (JsonProcessingException | RuntimeException malformed) {
            throw PodCalls.invalid("InvalidTemplate", "the pod template can't be read: " + first(malformed.getMessage()));
        }
    }

    private static JsonNode object(JsonNode template, String where) throws ProviderException {
        if (!template.isObject()) {
            throw PodCalls.invalid("InvalidTemplate", where + " is no PodTemplateSpec; write an object with metadata and spec");
        }
        return template;
    }

    private static PodTemplateSpec typed(JsonNode template) throws ProviderException {
        try {
            return JSON.treeToValue(template, PodTemplateSpec.class);
        } catch (JsonProcessingException | IllegalArgumentException other) {
            throw PodCalls.invalid("InvalidTemplate", "the pod template is no PodTemplateSpec: " + first(other.getMessage()));
        }
    }

    private static String first(String message) {
        return message == null ? "" : message.lines().findFirst().orElse("");
    }

    // The pool.

    private static void image(Container container, MachineBatch batch, K8sAccounts.Account account, Optional<TaskWish> wish) {
        var own = wish.map(TaskWish::image).orElse("");
        if (!own.isEmpty()) {
            container.setImage(own);
        } else if (!batch.settings().image().isEmpty()) {
            container.setImage(batch.settings().image());
        } else if (container.getImage() == null || container.getImage().isEmpty()) {
            container.setImage(account.image().orElse(batch.boot().defaultImage()));
        }
    }

    private static void fields(PodSpec spec, Container container, LaunchSettings.K8s k8s, K8sAccounts.Account account) {
        if (k8s.forcePull()) {
            container.setImagePullPolicy("Always");
        }
        var resources = resources(container);
        k8s.requests().forEach((name, quantity) -> resources.getRequests().put(name, new Quantity(quantity)));
        k8s.limits().forEach((name, quantity) -> resources.getLimits().put(name, new Quantity(quantity)));
        if (!k8s.nodeSelector().isEmpty()) {
            var selector = new LinkedHashMap<>(Objects.requireNonNullElse(spec.getNodeSelector(), Map.of()));
            selector.putAll(k8s.nodeSelector());
            spec.setNodeSelector(selector);
        }
        if (!k8s.tolerations().isEmpty()) {
            var tolerations = new ArrayList<>(spec.getTolerations());
            k8s.tolerations().stream().map(Pods::toleration).filter(each -> !tolerations.contains(each)).forEach(tolerations::add);
            spec.setTolerations(tolerations);
        }
        if (!k8s.priorityClass().isEmpty()) {
            spec.setPriorityClassName(k8s.priorityClass());
        }
        if (!k8s.serviceAccount().isEmpty() || spec.getServiceAccountName() == null || spec.getServiceAccountName().isEmpty()) {
            spec.setServiceAccountName(k8s.serviceAccount().isEmpty() ? account.serviceAccount() : k8s.serviceAccount());
        }
        pullSecrets(spec, k8s.pullSecrets());
    }

    private static void pullSecrets(PodSpec spec, List<String> names) {
        var secrets = new ArrayList<>(spec.getImagePullSecrets());
        names.stream().map(LocalObjectReference::new).filter(each -> !secrets.contains(each)).forEach(secrets::add);
        spec.setImagePullSecrets(secrets);
    }

    private static io.fabric8.kubernetes.api.model.Toleration toleration(LaunchSettings.K8s.Toleration wished) {
        return new TolerationBuilder().withKey(given(wished.key())).withOperator(wished.operator().isEmpty() ? wished.value().isEmpty() ? "Exists" : "Equal" : wished.operator())
                .withValue(given(wished.value())).withEffect(given(wished.effect())).withTolerationSeconds(wished.seconds().orElse(null)).build();
    }

    private static String given(String text) {
        return text.isEmpty() ? null : text;
    }

    static ResourceRequirements resources(Container container) {
        var resources = Objects.requireNonNullElseGet(container.getResources(), ResourceRequirements::new);
        resources.setRequests(new TreeMap<>(Objects.requireNonNullElse(resources.getRequests(), Map.of())));
        resources.setLimits(new TreeMap<>(Objects.requireNonNullElse(resources.getLimits(), Map.of())));
        container.setResources(resources);
        return resources;
    }

    /** Extended resources, GPUs above all, are not shared: Kubernetes takes only requests that equal limits. The larger wish counts. */
    private static void balance(Container container) {
        var resources = resources(container);
        var names = new TreeSet<>(resources.getRequests().keySet());
        names.addAll(resources.getLimits().keySet());
        for (var name : names) {
            if (!name.contains("/") || name.startsWith("kubernetes.io/")) {
                continue;
            }
            var request = resources.getRequests().get(name);
            var limit = resources.getLimits().get(name);
            var both = request == null ? limit : limit == null || request.getNumericalAmount().compareTo(limit.getNumericalAmount()) > 0 ? request : limit;
            resources.getRequests().put(name, both);
            resources.getLimits().put(name, both);
        }
    }

    // The task.

    private static void wish(PodSpec spec, Container container, DockerArguments arguments, TaskOverrides overrides) {
        container.setEnv(environment(container.getEnv(), arguments.environment().entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey,
                variable -> PodScript.literal(variable.getValue())))));
        var pool = resources(container);
        var all = overrides.over(new TaskOverrides.Resources(texts(pool.getRequests()), texts(pool.getLimits())), gpus(arguments));
        pool.setRequests(quantities(all.requests()));
        pool.setLimits(quantities(all.limits()));
        if (!overrides.nodeSelector().isEmpty()) {
            var selector = new LinkedHashMap<>(Objects.requireNonNullElse(spec.getNodeSelector(), Map.of()));
            selector.putAll(overrides.nodeSelector());
            spec.setNodeSelector(selector);
        }
        overrides.priorityClass().ifPresent(spec::setPriorityClassName);
        overrides.forcePull().ifPresent(force -> container.setImagePullPolicy(force ? "Always" : "IfNotPresent"));
        pullSecrets(spec, overrides.pullSecrets());
        arguments.sharedMemory().ifPresent(bytes -> {
            volume(spec, new VolumeBuilder().withName(PodNames.SHARED_MEMORY).withNewEmptyDir().withMedium("Memory")
                    .withSizeLimit(new Quantity(Long.toString(bytes))).endEmptyDir().build());
            mount(container, new VolumeMountBuilder().withName(PodNames.SHARED_MEMORY).withMountPath("/dev/shm").build());
        });
        int paths = 0;
        for (var path : arguments.hostPaths()) {
            var name = PodNames.HOST_PATH + ++paths;
            volume(spec, new VolumeBuilder().withName(name).withNewHostPath().withPath(path.source()).endHostPath().build());
            mount(container, new VolumeMountBuilder().withName(name).withMountPath(path.target()).withReadOnly(path.isReadOnly() ? true : null).build());
        }
        if (arguments.hostIpc()) {
            spec.setHostIPC(true);
        }
        if (arguments.hostNetwork()) {
            spec.setHostNetwork(true);
            // The cluster's own names are still found.
            spec.setDnsPolicy("ClusterFirstWithHostNet");
        }
        if (arguments.runAsUser().isPresent() || arguments.runAsGroup().isPresent()) {
            var context = Objects.requireNonNullElseGet(container.getSecurityContext(), SecurityContext::new);
            arguments.runAsUser().ifPresent(context::setRunAsUser);
            arguments.runAsGroup().ifPresent(context::setRunAsGroup);
            container.setSecurityContext(context);
        }
    }

    /** All of them are as many as the pool has. */
    private static OptionalInt gpus(DockerArguments arguments) {
        return arguments.gpus().filter(gpus -> !gpus.all()).map(gpus -> OptionalInt.of(gpus.count())).orElse(OptionalInt.empty());
    }

    private static SortedMap<String, String> texts(Map<String, Quantity> quantities) {
        var texts = new TreeMap<String, String>();
        quantities.forEach((name, quantity) -> texts.put(name, quantity.toString()));
        return texts;
    }

    private static Map<String, Quantity> quantities(Map<String, String> texts) {
        var quantities = new TreeMap<String, Quantity>();
        texts.forEach((name, text) -> quantities.put(name, new Quantity(text)));
        return quantities;
    }

    /** Those of the same name are replaced where they stand; the rest follows, sorted. */
    private static List<EnvVar> environment(List<EnvVar> below, Map<String, String> above) {
        var all = new LinkedHashMap<String, EnvVar>();
        below.forEach(variable -> all.put(variable.getName(), variable));
        new TreeMap<>(above).forEach((name, value) -> all.put(name, new EnvVarBuilder().withName(name).withValue(value).build()));
        return List.copyOf(all.values());
    }

    private static void volume(PodSpec spec, Volume volume) {
        spec.setVolumes(replaced(spec.getVolumes(), each -> each.getName().equals(volume.getName()), volume));
    }

    /** One path holds one volume, and the one that is asked for last. */
    private static void mount(Container container, VolumeMount mount) {
        container.setVolumeMounts(replaced(container.getVolumeMounts(), each -> each.getMountPath().equals(mount.getMountPath()), mount));
    }

    private static <T> List<T> replaced(Collection<T> all, Predicate<T> by, T one) {
        var kept = new ArrayList<T>(all);
        kept.removeIf(by);
        kept.add(one);
        return kept;
    }

    // Muster's own.

    private static String secret(LaunchSettings.K8s k8s, K8sAccounts.Account account) {
        return k8s.secret().isEmpty() ? account.secret() : k8s.secret();
    }

    private static void volumes(PodSpec spec, PodScript script, String secret) {
        volume(spec, new VolumeBuilder().withName(PodNames.WORK).withNewEmptyDir().endEmptyDir().build());
        volume(spec, new VolumeBuilder().withName(PodNames.POD).withNewDownwardAPI()
                .addNewItem().withPath("annotations").withNewFieldRef().withFieldPath("metadata.annotations").endFieldRef().endItem()
                .addNewItem().withPath("name").withNewFieldRef().withFieldPath("metadata.name").endFieldRef().endItem()
                .addNewItem().withPath("uid").withNewFieldRef().withFieldPath("metadata.uid").endFieldRef().endItem()
                .endDownwardAPI().build());
        if (!script.secretKeys().isEmpty()) {
            volume(spec, new VolumeBuilder().withName(PodNames.SECRETS).withNewSecret().withSecretName(secret).withDefaultMode(SECRETS_MODE)
                    .withItems(script.secretKeys().stream().map(key -> new KeyToPath(key, null, key)).toList()).endSecret().build());
        }
    }

    private static void mounts(Container container, PodScript script) {
        mount(container, new VolumeMountBuilder().withName(PodNames.WORK).withMountPath(PodScript.WORK).build());
        mount(container, new VolumeMountBuilder().withName(PodNames.POD).withMountPath(PodScript.POD).withReadOnly(true).build());
        if (!script.secretKeys().isEmpty()) {
            mount(container, new VolumeMountBuilder().withName(PodNames.SECRETS).withMountPath(PodScript.SECRETS).withReadOnly(true).build());
        }
    }

    private static void muster(Container container, PodSpec spec, PodScript script, String secret) {
        if (!script.command().isEmpty()) {
            container.setCommand(script.command());
            container.setArgs(List.of());
        }
        mounts(container, script);
        var above = new TreeMap<>(script.environment());
        grace(spec).ifPresent(seconds -> above.put(GRACE_VARIABLE, seconds));
        var all = new LinkedHashMap<String, EnvVar>();
        // First: others refer to it, which Kubernetes has only those do that follow.
        all.put(PodScript.UID_VARIABLE, new EnvVarBuilder().withName(PodScript.UID_VARIABLE).withNewValueFrom().withNewFieldRef().withFieldPath("metadata.uid")
                .endFieldRef().endValueFrom().build());
        environment(container.getEnv(), above).forEach(variable -> all.putIfAbsent(variable.getName(), variable));
        script.secretEnvironment().forEach((name, key) -> all.put(name, new EnvVarBuilder().withName(name).withNewValueFrom().withNewSecretKeyRef()
                .withName(secret).withKey(key).endSecretKeyRef().endValueFrom().build()));
        container.setEnv(List.copyOf(all.values()));
    }

    private static Optional<String> grace(PodSpec spec) {
        return Optional.ofNullable(spec.getTerminationGracePeriodSeconds()).filter(seconds -> seconds != USUAL_GRACE).map(String::valueOf);
    }

    /** Before the template's own: what they prepare is of use to nobody if another has the task. */
    private static void claim(PodSpec spec, PodScript.Claim claim, PodScript script, LaunchSettings.K8s k8s) {
        var image = k8s.claimImage().isEmpty() ? BootPlan.DEFAULT_CPU_IMAGE : k8s.claimImage();
        var variables = new TreeMap<>(claim.environment());
        grace(spec).ifPresent(seconds -> variables.put(GRACE_VARIABLE, seconds));
        var claims = new ContainerBuilder().withName(PodNames.CLAIM).withImage(image).withCommand(claim.command())
                .withEnv(environment(List.of(), variables)).build();
        var attends = new ContainerBuilder().withName(PodNames.ATTEND).withImage(image).withCommand(claim.attendCommand())
                .withEnv(environment(List.of(), variables)).withRestartPolicy("Always").build();
        mounts(claims, script);
        mounts(attends, script);
        var first = new ArrayList<>(List.of(claims, attends));
        first.addAll(spec.getInitContainers());
        spec.setInitContainers(first);
    }

    /** Volumes belong to root: another user reads its secrets and writes its work as one of their group. */
    private static void group(PodSpec spec, Container container) {
        var own = Optional.ofNullable(container.getSecurityContext());
        var pod = Optional.ofNullable(spec.getSecurityContext());
        var user = own.map(SecurityContext::getRunAsUser).or(() -> pod.map(PodSecurityContext::getRunAsUser));
        var group = own.map(SecurityContext::getRunAsGroup).or(() -> pod.map(PodSecurityContext::getRunAsGroup));
        if (user.filter(id -> id != 0).isPresent() && pod.map(PodSecurityContext::getFsGroup).isEmpty()) {
            var context = pod.orElseGet(PodSecurityContext::new);
            context.setFsGroup(group.filter(id -> id != 0).orElse(user.get()));
            spec.setSecurityContext(context);
        }
    }

    private ObjectMeta metadata(ObjectMeta below, MachineBatch batch, int index, LaunchSettings.K8s k8s, Optional<TaskWish> wish, boolean ownImage) {
        var labels = new TreeMap<String, String>();
        var annotations = new TreeMap<String, String>();
        if (below != null) {
            labels.putAll(Objects.requireNonNullElse(below.getLabels(), Map.of()));
            annotations.putAll(Objects.requireNonNullElse(below.getAnnotations(), Map.of()));
        }
        labels.putAll(batch.settings().tags());
        annotations.putAll(k8s.annotations());
        labels.keySet().removeIf(name -> name.startsWith(PodNames.OURS));
        annotations.keySet().removeIf(name -> name.startsWith(PodNames.OURS));

        labels.put(PodNames.INSTALLATION, installation);
        labels.put(PodNames.FLEET, batch.fleet());
        labels.put(PodNames.POOL, batch.pool());
        labels.put(PodNames.BATCH, batch.batchId());
        labels.put(PodNames.INDEX, Integer.toString(index));
        labels.put(PodNames.MANAGED_BY, PodNames.MUSTER);
        wish.ifPresent(task -> labels.put(PodNames.TASK, task.id()));

        annotations.put(PodNames.MARK, Mark.UNMARKED.text());
        annotations.put(PodNames.KEEP_UNTIL, batch.keepUntil().text());
        annotations.put(PodNames.MACHINE_TYPE, batch.offer().machineType());
        if (batch.offer().market() == Offer.Market.SPOT) {
            annotations.put(PodNames.MARKET, "spot");
        }
        annotations.put(PodNames.QUEUE, batch.cause().queue());
        annotations.put(PodNames.QUEUE_ID, batch.cause().queueId());
        annotations.put(PodNames.CONNECTION, batch.cause().connection());
        annotations.put(PodNames.COMPLETED_DELAY, Long.toString(k8s.completedDelay().toSeconds()));
        if (ownImage) {
            annotations.put(PodNames.IMAGE_OF, PodNames.OF_TASK);
        }
        annotations.put(PodNames.KARPENTER_STAYS, "true");
        annotations.put(PodNames.AUTOSCALER_STAYS, "false");
        return new ObjectMetaBuilder().withName(batch.machineIds().get(index)).withNamespace(batch.scope().region()).withLabels(labels)
                .withAnnotations(annotations).build();
    }
}
