package dev.muster.planner.foreign;

import com.google.protobuf.Duration;
import dev.muster.contracts.InvalidYamlException;
import dev.muster.contracts.Json;
import dev.muster.planner.core.PoolNames;
import dev.muster.v1.BootSpec;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.K8sLaunch;
import dev.muster.v1.LaunchParameters;
import dev.muster.v1.Limits;
import dev.muster.v1.OfferKey;
import dev.muster.v1.OfferSpec;
import dev.muster.v1.PodKind;
import dev.muster.v1.PoolSpec;
import dev.muster.v1.QueueSpec;
import dev.muster.v1.TaskAction;
import dev.muster.v1.Toleration;
import dev.muster.v1.Value;
import dev.muster.v1.Violation;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The fleet that does what ClearML's glue for Kubernetes does, by the values of its chart: the open-source one, and what the Enterprise chart's
 * documentation names beside it.
 */
public final class ChartImport {

    /** Pods at once where nothing says: the glue's own number in ClearML's older Enterprise chart. */
    public static final int MOST_PODS = 10;
    private static final String ONLY_POOL = "pods";
    private static final Pattern VARIABLE = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");
    private static final Pattern EXACT_VERSION = Pattern.compile("\\s*==\\s*(\\d[0-9A-Za-z.+-]*)\\s*");
    private static final Pattern PLACEHOLDER = Pattern.compile("\\$\\{([^}]*)}");
    /** What ClearML's template strings are called here. */
    private static final Map<String, String> PLACEHOLDERS = Map.of("QUEUE_NAME", "queue.name", "QUEUE_ID", "queue.id", "PROJECT_NAME", "project.name", "PROJECT_ID", "project.id",
            "USER", "user.id", "WORKER_ID", "machine", "CLEARML_TASK.id", "task.id", "CLEARML_TASK.name", "task.name");
    private static final String DEFAULT_SECRET = "muster-machines";

    /**
     * @param name of the fleet
     * @param account whose cluster it is
     * @param namespace that the pods run in
     */
    public record Options(String name, String account, String namespace) {}

    private final Options options;
    private final List<Violation> violations;
    private final List<ClearmlImport.Note> notes = new ArrayList<>();
    private final Map<String, String> secrets = new TreeMap<>();
    private final Set<String> poolNames = new HashSet<>();
    private final Map<ChartField, ForeignValue> glue = new EnumMap<>(ChartField.class);
    private final Map<ChartField, ForeignValue> variables = new EnumMap<>(ChartField.class);
    private final BootSpec.Builder boot = BootSpec.newBuilder();

    private ChartImport(Options options, List<Violation> violations) {
        this.options = options;
        this.violations = violations;
    }

    /** @throws InvalidYamlException with everything that is wrong in the file, by its own names */
    public static ClearmlImport read(String text, Options options) throws InvalidYamlException {
        var violations = new ArrayList<Violation>();
        var file = ForeignValue.parse(text, violations);
        if (file.isPresent()) {
            var read = new ChartImport(options, violations).read(file.get());
            if (violations.isEmpty()) {
                return read;
            }
        }
        throw new InvalidYamlException(violations.stream().distinct().toList());
    }

    private ClearmlImport read(ForeignValue file) {
        if (!file.isObject() || file.get("agentk8sglue").filter(ForeignValue::isObject).isEmpty()) {
            file.wrong("is no file of values of the chart clearml-agent", "give one with agentk8sglue, as helm get values prints it");
            return null;
        }
        for (var key : file.keys()) {
            var section = file.get(key).orElseThrow();
            switch (key) {
                case "agentk8sglue" -> fields(section, ChartField.Place.GLUE, glue);
                case "clearml" -> fields(section, ChartField.Place.CLEARML, glue);
                case "sessions" -> fields(section, ChartField.Place.SESSIONS, glue);
                default -> unknown(section);
            }
        }
        variables();
        commonBoot();
        var spec = FleetSpec.newBuilder().setName(options.name());
        if (flag(glue, ChartField.CREATE_QUEUE) || flag(glue, ChartField.CREATE_QUEUES)) {
            spec.setCreateQueues(true);
        }
        pools(spec);
        cap(spec);
        return violations.isEmpty() ? new ClearmlImport(spec.build(), secrets, notes) : null;
    }

    /** Takes what is known; says of the rest what it is and why it is left out. */
    private void fields(ForeignValue object, ChartField.Place place, Map<ChartField, ForeignValue> into) {
        for (var key : object.keys()) {
            var value = object.get(key).orElseThrow();
            var field = ChartField.of(place, key);
            if (value.isBlank()) {
                continue;
            }
            if (field.isEmpty() && place == ChartField.Place.GLUE && key.equals("sessions")) {
                fields(value, ChartField.Place.SESSIONS, into);
            } else if (field.isEmpty()) {
                unknown(value);
            } else if (!field.get().why.isEmpty()) {
                note(value.path(), "(" + value.kind() + ") " + field.get().why);
            } else {
                into.put(field.get(), value);
            }
        }
    }

    /** What it holds stays unsaid: it may be a secret. */
    private void unknown(ForeignValue value) {
        if (!value.isBlank()) {
            note(value.path(), "(" + value.kind() + ") is no documented field of the chart, and is left out");
        }
    }

    // Variables of the glue itself, most of which are its options.

    private void variables() {
        var list = glue.get(ChartField.EXTRA_ENVS);
        if (list == null) {
            return;
        }
        for (var item : list.items()) {
            var name = item.get("name").flatMap(ForeignValue::text).orElse("");
            var field = ChartField.of(ChartField.Place.ENV, name);
            var at = item.path() + " " + name;
            if (field.isEmpty()) {
                note(at, "is of the glue's own process, and no glue runs here: what tasks need stands in agent.environment");
            } else if (!field.get().why.isEmpty()) {
                note(at, field.get().why);
            } else if (field.get() == ChartField.ENV_GIT_USER || field.get() == ChartField.ENV_GIT_PASSWORD) {
                secret(item, name);
            } else if (item.get("value").isEmpty()) {
                note(at, "has its value from elsewhere, which the file does not show: left out");
            } else {
                variables.put(field.get(), item.get("value").orElseThrow());
            }
        }
    }

    /** Kept under its own name in the pool's Secret, in which every reference of a pool on Kubernetes is a key. */
    private void secret(ForeignValue item, String name) {
        var at = item.path() + " " + name;
        var key = options.name() + "-" + name.toLowerCase(Locale.ROOT).replace('_', '-');
        var reference = item.get("valueFrom").flatMap(from -> from.get("secretKeyRef"));
        var value = item.get("value").flatMap(ForeignValue::text);
        if (value.isPresent()) {
            secrets.put(key, value.get().strip());
            note(at, "is in the secrets folder, as " + key + ": put it into the Secret " + DEFAULT_SECRET + " of the namespace, under that key");
        } else if (reference.isPresent()) {
            note(at, "is in a Secret of the cluster: put it into the Secret " + DEFAULT_SECRET + " of the namespace, too, under the key " + key);
        } else {
            note(at, "has its value from elsewhere, which the file does not show: left out");
            return;
        }
        boot.putEnvironment(name, Value.newBuilder().setSecretRef(key).build());
    }

    private void commonBoot() {
        text(glue, ChartField.CLEARML_CONF).ifPresent(text -> boot.setExtraConf(textOrSecret(glue.get(ChartField.CLEARML_CONF), text, "extra-conf")));
        for (var field : List.of(ChartField.CUSTOM_SCRIPT, ChartField.CONTAINER_SCRIPT)) {
            text(glue, field).ifPresent(text -> {
                var at = glue.get(field);
                if (boot.hasInitScript()) {
                    note(at.path(), "(" + at.kind() + ") stands beside " + ChartField.CUSTOM_SCRIPT.path() + ", and a pool has one script: left out");
                    return;
                }
                boot.setInitScript(textOrSecret(at, text, "init-script"));
                note(at.path(), "(" + at.kind() + ") runs before the agent here: take out of it what installs or starts the agent");
            });
        }
        text(variables, ChartField.ENV_INSTALL).ifPresent(text -> {
            var exact = EXACT_VERSION.matcher(text);
            if (exact.matches()) {
                boot.setAgentVersion(exact.group(1));
            } else {
                note(variables.get(ChartField.ENV_INSTALL).path(), "names no exact version of the agent, and is left out: it is the release's");
            }
        });
    }

    private Value textOrSecret(ForeignValue at, String text, String name) {
        if (!ClearmlImport.SECRET.matcher(text).find()) {
            return Value.newBuilder().setText(text).build();
        }
        var key = options.name() + "-" + name;
        secrets.put(key, text);
        note(at.path(), "(" + at.kind() + ") may hold a secret, and is in the secrets folder, as " + key + ": put it into the Secret " + DEFAULT_SECRET + " of the namespace, under that key");
        return Value.newBuilder().setSecretRef(key).build();
    }

    // Queues and their pools.

    private void pools(FleetSpec.Builder spec) {
        var base = object(glue.get(ChartField.BASE_POD), ChartField.Place.POD);
        var most = number(glue, ChartField.MAX_PODS).or(() -> number(variables, ChartField.ENV_MAX_PODS));
        var queues = new LinkedHashSet<String>();
        var settings = Optional.ofNullable(glue.get(ChartField.QUEUES));
        settings.filter(ForeignValue::isObject).ifPresent(object -> queues.addAll(object.keys()));
        settings.filter(value -> !value.isObject()).ifPresent(value -> value.wrong("must be an object by queue", "write <queue>: {templateOverrides: {…}, queueSettings: {…}}"));
        if (settings.isPresent() && queues.isEmpty()) {
            return;
        }
        if (queues.isEmpty()) {
            Optional.ofNullable(variables.getOrDefault(ChartField.ENV_QUEUE, glue.get(ChartField.QUEUE))).ifPresent(value -> queues.addAll(value.texts()));
            var names = queues.isEmpty() ? List.of("default") : List.copyOf(queues);
            spec.addPools(pool(ONLY_POOL, base, Map.of(), new EnumMap<>(ChartField.class), most, "agentk8sglue"));
            for (int i = 0; i < names.size(); i++) {
                // The glue looks at its queues in the order in which they are named.
                spec.addQueues(QueueSpec.newBuilder().setName(names.get(i)).addPools(ONLY_POOL).setPriority(names.size() - 1 - i));
            }
            return;
        }
        most.ifPresent(number -> spec.setLimits(Limits.newBuilder().setMax(number)));
        int left = queues.size();
        for (var queue : queues) {
            var own = settings.orElseThrow().get(queue).orElseThrow();
            var name = poolName(queue, own);
            var overrides = own.get("templateOverrides").orElse(null);
            own.keys().stream().filter(key -> !key.equals("templateOverrides") && !key.equals("queueSettings")).forEach(key -> unknown(own.get(key).orElseThrow()));
            spec.addPools(pool(name, base, object(overrides, ChartField.Place.POD), object(own.get("queueSettings").orElse(null), ChartField.Place.QUEUE), most, own.path()));
            spec.addQueues(QueueSpec.newBuilder().setName(queue).addPools(name).setPriority(--left));
        }
    }

    private String poolName(String queue, ForeignValue at) {
        var label = PoolNames.label(queue);
        var name = label.isEmpty() ? ONLY_POOL : label;
        for (int i = 2; !poolNames.add(name); i++) {
            var cut = label.isEmpty() ? ONLY_POOL : label.substring(0, Math.min(label.length(), PoolNames.LONGEST - 3));
            name = cut + "-" + i;
        }
        if (!name.equals(queue)) {
            note(at.path(), "is the pool " + name + ", since a pool's name is a DNS label");
        }
        return name;
    }

    private Map<ChartField, ForeignValue> object(ForeignValue value, ChartField.Place place) {
        var fields = new EnumMap<ChartField, ForeignValue>(ChartField.class);
        if (value != null && !value.isBlank()) {
            if (value.isObject()) {
                fields(value, place, fields);
            } else {
                value.wrong("must be an object", "write its keys below it, indented");
            }
        }
        return fields;
    }

    private PoolSpec pool(String name, Map<ChartField, ForeignValue> base, Map<ChartField, ForeignValue> overrides, Map<ChartField, ForeignValue> settings,
            Optional<Integer> fleetMost, String at) {
        var pod = new EnumMap<ChartField, ForeignValue>(ChartField.class);
        pod.putAll(base);
        pod.putAll(overrides);
        var pool = PoolSpec.newBuilder().setName(name).addOffers(OfferSpec.newBuilder().setKey(OfferKey.newBuilder().setProvider("k8s").setAccount(options.account())
                .setRegion(options.namespace()).setMachineType(name)));
        var most = number(settings, ChartField.QUEUE_MAX_PODS).or(() -> fleetMost);
        if (most.isEmpty()) {
            note(at, "says no most number of pods, which a pool must: it is " + MOST_PODS + " here");
        }
        pool.setLimits(Limits.newBuilder().setMax(most.orElse(MOST_PODS)));
        if (flag(variables, ChartField.ENV_PREEMPTED)) {
            pool.putOnEnd("Preempted", TaskAction.FAIL_TASK);
        }
        var launch = LaunchParameters.newBuilder();
        text(settings, ChartField.QUEUE_IMAGE).or(() -> text(glue, ChartField.DEFAULT_IMAGE)).or(() -> text(variables, ChartField.ENV_IMAGE)).map(String::strip).ifPresent(launch::setImage);
        var own = boot.clone();
        var k8s = K8sLaunch.newBuilder().setPods(PodKind.TASK_POD);
        if (flag(settings, ChartField.ENTRYPOINT) || flag(variables, ChartField.ENV_ENTRYPOINT)) {
            k8s.setImageEntrypoint(true);
        }
        var delay = glue.getOrDefault(ChartField.COMPLETED_DELAY, variables.get(ChartField.ENV_COMPLETED));
        Optional.ofNullable(delay).flatMap(ForeignValue::minutes).filter(span -> !span.equals(Duration.getDefaultInstance())).ifPresent(k8s::setCompletedDelay);
        fields(pod, k8s);
        var template = template(pod, launch, k8s, own);
        if (!template.isEmpty()) {
            k8s.setTemplate(Json.write(template));
        }
        if (!own.build().equals(BootSpec.getDefaultInstance())) {
            launch.setBoot(own);
        }
        return pool.setLaunch(launch.setK8S(k8s)).build();
    }

    /** What a pool has fields of its own for. */
    private void fields(Map<ChartField, ForeignValue> pod, K8sLaunch.Builder k8s) {
        Optional.ofNullable(pod.get(ChartField.RESOURCES)).ifPresent(resources -> {
            if (!resources.isObject()) {
                resources.wrong("must be an object", "write requests and limits below it");
            }
            for (var key : resources.keys()) {
                var value = resources.get(key).orElseThrow();
                switch (key) {
                    case "requests" -> k8s.putAllRequests(texts(value));
                    case "limits" -> k8s.putAllLimits(texts(value));
                    default -> unknown(value);
                }
            }
            // Kubernetes shares out no part of a device, so that a request says no more than the limit.
            k8s.getLimitsMap().keySet().stream().filter(resource -> resource.contains("/")).forEach(k8s::removeRequests);
        });
        text(pod, ChartField.PRIORITY).ifPresent(k8s::setPriorityClass);
        Optional.ofNullable(pod.get(ChartField.NODES)).ifPresent(nodes -> k8s.putAllNodeSelector(texts(nodes)));
        Optional.ofNullable(pod.get(ChartField.TOLERATIONS)).ifPresent(list -> list.items().forEach(item -> k8s.addTolerations(toleration(item))));
    }

    private Toleration toleration(ForeignValue item) {
        var toleration = Toleration.newBuilder();
        for (var key : item.keys()) {
            var value = item.get(key).orElseThrow();
            switch (key) {
                case "key" -> value.text().ifPresent(toleration::setKey);
                case "operator" -> value.text().ifPresent(toleration::setOperator);
                case "value" -> value.text().ifPresent(toleration::setValue);
                case "effect" -> value.text().ifPresent(toleration::setEffect);
                case "tolerationSeconds" -> value.number(0, "write seconds").ifPresent(toleration::setSeconds);
                default -> unknown(value);
            }
        }
        return toleration.build();
    }

    /** The rest of a pod, as the cluster itself has it. Labels, annotations and variables come here only where they need a template. */
    private Map<String, Object> template(Map<ChartField, ForeignValue> pod, LaunchParameters.Builder launch, K8sLaunch.Builder k8s, BootSpec.Builder own) {
        var metadata = new LinkedHashMap<String, Object>();
        put(metadata, "labels", withPlaceholders(pod.get(ChartField.LABELS), launch::putTags));
        put(metadata, "annotations", withPlaceholders(pod.get(ChartField.ANNOTATIONS), k8s::putAnnotations));
        var container = new LinkedHashMap<String, Object>();
        put(container, "env", env(pod.get(ChartField.ENV), own));
        var mounts = new ArrayList<Object>(list(pod.get(ChartField.MOUNTS)));
        mounts.addAll(list(pod.get(ChartField.EXTRA_MOUNTS)));
        put(container, "volumeMounts", mounts);
        put(container, "securityContext", plain(pod.get(ChartField.SECURITY)));
        var spec = new LinkedHashMap<String, Object>();
        put(spec, "affinity", plain(pod.get(ChartField.AFFINITY)));
        put(spec, "initContainers", plain(pod.get(ChartField.INIT_CONTAINERS)));
        put(spec, "securityContext", plain(pod.get(ChartField.POD_SECURITY)));
        for (var field : List.of(ChartField.SCHEDULER, ChartField.HOST_ALIASES)) {
            var value = pod.get(field);
            if (value != null) {
                put(spec, field.key, plain(value));
                noteOnce(value.path(), "(" + value.kind() + ") is in none of the chart's templates, so that it did nothing there; here it holds");
            }
        }
        var volumes = new ArrayList<Object>(list(pod.get(ChartField.VOLUMES)));
        volumes.addAll(list(pod.get(ChartField.EXTRA_VOLUMES)));
        put(spec, "volumes", volumes);
        if (!container.isEmpty()) {
            spec.put("containers", List.of(container));
        }
        var template = new LinkedHashMap<String, Object>();
        put(template, "metadata", metadata);
        put(template, "spec", spec);
        return template;
    }

    private interface Taker {
        void take(String key, String text);
    }

    /** Those whose text is filled in for each pod; the others go to the taker. */
    private Map<String, Object> withPlaceholders(ForeignValue value, Taker others) {
        var filled = new LinkedHashMap<String, Object>();
        if (value != null) {
            texts(value).forEach((key, text) -> {
                if (text.contains("${")) {
                    filled.put(key, placeholders(value, text));
                } else {
                    others.take(key, text);
                }
            });
        }
        return filled;
    }

    private List<Object> env(ForeignValue value, BootSpec.Builder own) {
        var kept = new ArrayList<Object>();
        for (var item : value == null ? List.<ForeignValue>of() : value.items()) {
            var name = item.get("name").flatMap(ForeignValue::text).orElse("");
            var text = item.get("value").flatMap(ForeignValue::text);
            if (!VARIABLE.matcher(name).matches()) {
                item.wrong("names no variable", "write name and value, or name and valueFrom");
            } else if (name.startsWith("MUSTER_") || name.equals("CLEARML_WORKER_ID") || name.equals("CLEARML_TASK_ID")) {
                noteOnce(item.path() + " " + name, "is Muster's own to set, and is left out");
            } else if (text.isEmpty() || text.get().contains("${")) {
                // From a Secret, a ConfigMap or a field: the cluster fills it in, and nobody else sees it.
                item.value().ifPresent(variable -> kept.add(escaped(item, variable)));
            } else if (ClearmlImport.SECRET.matcher(name).find() || ClearmlImport.SECRET.matcher(text.get()).find()) {
                var key = options.name() + "-" + name.toLowerCase(Locale.ROOT).replace('_', '-');
                secrets.put(key, text.get());
                own.putEnvironment(name, Value.newBuilder().setSecretRef(key).build());
                noteOnce(item.path() + " " + name, "may be a secret, and is in the secrets folder, as " + key + ": put it into the Secret " + DEFAULT_SECRET + " of the namespace, under that key");
            } else {
                own.putEnvironment(name, Value.newBuilder().setText(text.get()).build());
            }
        }
        return kept;
    }

    private Object plain(ForeignValue value) {
        return value == null ? null : value.value().map(read -> escaped(value, read)).orElse(null);
    }

    private List<?> list(ForeignValue value) {
        var read = plain(value);
        if (read != null && !(read instanceof List<?>)) {
            value.wrong("must be a list", "write each behind a dash");
        }
        return read instanceof List<?> list ? list : List.of();
    }

    /** With our words for what is filled in, and a shell's variables marked as text. */
    private Object escaped(ForeignValue at, Object value) {
        if (value instanceof Map<?, ?> map) {
            var copy = new LinkedHashMap<String, Object>();
            map.forEach((key, of) -> copy.put(key.toString(), escaped(at, of)));
            return copy;
        }
        if (value instanceof List<?> list) {
            return list.stream().map(item -> escaped(at, item)).toList();
        }
        return value instanceof String text && text.contains("${") ? placeholders(at, text) : value;
    }

    private String placeholders(ForeignValue at, String text) {
        return PLACEHOLDER.matcher(text).replaceAll(match -> {
            var ours = PLACEHOLDERS.get(match.group(1).strip());
            if (ours == null) {
                noteOnce(at.path(), "(" + at.kind() + ") holds ${" + match.group(1).replaceAll("[^A-Za-z0-9_.:|-]", "?") + "}, which is none of our placeholders, and stays as it is written");
            }
            return Matcher.quoteReplacement(ours == null ? "$" + match.group() : "${" + ours + "}");
        });
    }

    private Map<String, String> texts(ForeignValue value) {
        var texts = new LinkedHashMap<String, String>();
        if (!value.isBlank() && !value.isObject()) {
            value.wrong("must be an object", "write key: value below it");
        }
        value.keys().forEach(key -> value.get(key).flatMap(ForeignValue::text).ifPresent(text -> texts.put(key, text)));
        return texts;
    }

    /** Only a number of one resource is a cap here; ClearML's may count whatever a field of the pod says. */
    private void cap(FleetSpec.Builder spec) {
        var monitored = glue.get(ChartField.MONITORED);
        if (monitored == null) {
            return;
        }
        var field = monitored.get("maxResourcesFieldName").flatMap(ForeignValue::text).orElse("");
        var most = monitored.get("maxResources").flatMap(value -> value.number(0, "write a number"));
        var parts = field.split("\\|");
        if (most.isPresent() && most.get() > 0 && parts.length == 3 && parts[0].equals("resources")) {
            spec.setLimits(spec.getLimitsBuilder().putResources(parts[2], Integer.toString(most.get())));
        } else {
            note(monitored.path(), "(" + monitored.kind() + ") counts no resource of the pods, and only those can be capped: left out");
        }
        monitored.get("minResourcesFieldName").filter(value -> !value.isBlank())
                .ifPresent(value -> note(value.path(), "(" + value.kind() + ") is not needed: each pod counts as it asks for"));
    }

    private static void put(Map<String, Object> into, String key, Object value) {
        if (value != null && !(value instanceof Map<?, ?> map && map.isEmpty()) && !(value instanceof List<?> list && list.isEmpty())) {
            into.put(key, value);
        }
    }

    private void note(String field, String text) {
        notes.add(new ClearmlImport.Note(field.strip(), text));
    }

    private void noteOnce(String field, String text) {
        if (!notes.contains(new ClearmlImport.Note(field, text))) {
            note(field, text);
        }
    }

    private static Optional<String> text(Map<ChartField, ForeignValue> fields, ChartField field) {
        return Optional.ofNullable(fields.get(field)).flatMap(ForeignValue::text);
    }

    private static boolean flag(Map<ChartField, ForeignValue> fields, ChartField field) {
        return Optional.ofNullable(fields.get(field)).flatMap(ForeignValue::flag).orElse(false);
    }

    private static Optional<Integer> number(Map<ChartField, ForeignValue> fields, ChartField field) {
        return Optional.ofNullable(fields.get(field)).flatMap(value -> value.number(1, "write the most pods at once, 1 or more"));
    }
}
