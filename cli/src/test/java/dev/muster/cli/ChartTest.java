package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.muster.contracts.FleetYaml;
import dev.muster.contracts.KafkaRights;
import dev.muster.contracts.Topics;
import dev.muster.planner.stream.SpecTrial;
import dev.muster.sandbox.k8s.UnknownFields;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import io.fabric8.kubernetes.api.model.rbac.Role;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.yaml.snakeyaml.Yaml;

/** The Helm chart, made by the real helm: objects that Kubernetes knows, services as they are, no secret where it doesn't belong. */
class ChartTest {

    /** Served by 1.25 and by 1.33 alike: "Deprecated API Migration Guide" of Kubernetes' documentation. */
    private static final Set<String> APIS = Set.of("v1", "apps/v1", "batch/v1", "policy/v1", "networking.k8s.io/v1", "rbac.authorization.k8s.io/v1");
    /** Of operators, which are optional. */
    private static final Set<String> OPERATORS = Set.of("kafka.strimzi.io/v1beta2", "monitoring.coreos.com/v1");
    private static final List<String> CASES = List.of("smallest", "aws-only", "full", "strimzi");
    private static final Path FILES = Helm.CHART.resolve("files");
    private static final Path DEPLOY = Path.of("..", "deploy");
    private static final Map<String, List<HasMetadata>> MADE = new TreeMap<>();

    private static Helm helm;

    @BeforeAll
    static void find() throws Exception {
        var found = Helm.orSkip("the chart in deploy/chart");
        assumeTrue(found.isPresent());
        helm = found.get();
        for (var name : CASES) {
            MADE.put(name, helm.objects(Helm.ci(name)));
        }
    }

    private static <T> List<T> of(String name, Class<T> type) {
        return MADE.get(name).stream().filter(type::isInstance).map(type::cast).toList();
    }

    private static <T extends HasMetadata> T one(String name, Class<T> type, String object) {
        return of(name, type).stream().filter(one -> one.getMetadata().getName().equals(object)).findFirst().orElseThrow(() -> new AssertionError(name + " has no " + object));
    }

    /** Every pod that the chart makes, by what makes it. */
    private static Map<String, PodTemplateSpec> pods(String name) {
        var pods = new TreeMap<String, PodTemplateSpec>();
        of(name, Deployment.class).forEach(one -> pods.put(one.getMetadata().getName(), one.getSpec().getTemplate()));
        of(name, StatefulSet.class).forEach(one -> pods.put(one.getMetadata().getName(), one.getSpec().getTemplate()));
        of(name, Job.class).forEach(one -> pods.put(one.getMetadata().getName(), one.getSpec().getTemplate()));
        return pods;
    }

    @SuppressWarnings("unchecked")
    private static List<Map<String, Object>> services() throws IOException {
        return (List<Map<String, Object>>) ((Map<String, Object>) new Yaml().load(Files.readString(FILES.resolve("services.yaml")))).get("services");
    }

    private static Properties settings(ConfigMap map) throws IOException {
        var settings = new Properties();
        settings.load(new StringReader(map.getData().get("application.properties")));
        return settings;
    }

    /** The version is the parent POM's, and {@code -Ddocs.write=true} writes it into the chart; a second run makes Kustomize's base of that. */
    @Test
    void itIsOfTheBuildWhoseImagesItStarts() throws Exception {
        var build = Pattern.compile("<artifactId>muster</artifactId>\\s*<version>([^<]+)</version>").matcher(Files.readString(Path.of("..", "pom.xml"))).results()
                .map(found -> found.group(1)).findFirst().orElseThrow();
        var chart = Helm.CHART.resolve("Chart.yaml");
        same(chart, Files.readString(chart).replaceAll("(?m)^(version|appVersion): .*$", "$1: " + build));
        assertThat(Files.readString(DEPLOY.resolve("packaging").resolve("pom.xml"))).contains("<muster.image.repository>muster</muster.image.repository>",
                "<muster.image.version>${project.version}</muster.image.version>");
        for (var service : of("smallest", Deployment.class)) {
            var name = service.getMetadata().getName().substring("muster-".length());
            assertThat(service.getSpec().getTemplate().getSpec().getContainers().get(0).getImage()).isEqualTo("muster/" + name + ":" + build);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"1.25.0", "1.33.0"})
    void lintFindsNothing(String version) throws Exception {
        for (var name : CASES) {
            var ran = helm.run("lint", Helm.CHART.toString(), "--strict", "--kube-version", version, "--values", Helm.ci(name).toString());
            assertThat(ran.exitCode()).as(name + ": " + ran.out() + ran.err()).isZero();
        }
    }

    @Test
    void objectsAreWhatKubernetesKnows() throws Exception {
        for (var name : CASES) {
            var names = new TreeSet<String>();
            for (var object : MADE.get(name)) {
                var at = name + ": " + object.getKind() + " " + object.getMetadata().getNamespace() + "/" + object.getMetadata().getName();
                assertThat(names.add(at)).as(at + " is there once").isTrue();
                if (object instanceof GenericKubernetesResource) {
                    assertThat(OPERATORS).as(at).contains(object.getApiVersion());
                } else {
                    assertThat(APIS).as(at).contains(object.getApiVersion());
                    assertThat(UnknownFields.of(object, at)).isEmpty();
                }
            }
        }
    }

    @Test
    void servicesAreCalledAndReachedAsTheyThemselvesSay() throws Exception {
        for (var service : services()) {
            var name = (String) service.get("name");
            var own = new Properties();
            try (var reader = Files.newBufferedReader(Path.of("..", name, "src", "main", "resources", "application.properties"))) {
                own.load(reader);
            }
            assertThat(own.getProperty("quarkus.http.port")).as(name).isEqualTo(service.get("port").toString());
            var container = pods("full").get("muster-" + name).getSpec().getContainers().get(0);
            assertThat(container.getImage()).isEqualTo("registry.example.org/tools/muster/" + name + ":0.1.0-2");
            assertThat(container.getPorts()).hasSize(1).first().satisfies(port -> assertThat(port.getContainerPort()).isEqualTo(service.get("port")));
            assertThat(settings(one("full", ConfigMap.class, "muster-" + name)).getProperty("quarkus.http.port")).isEqualTo(service.get("port").toString());
        }
    }

    @Test
    void aServiceIsToldOnlyWhatItCanBeTold() throws Exception {
        var shared = methods(Path.of("..", "contracts", "src", "main", "java", "dev", "muster", "contracts", "KafkaSecurity.java"));
        // Of logs and traces, which are no service's own.
        var telemetry = Files.readString(Path.of("..", "telemetry", "src", "main", "java", "dev", "muster", "telemetry", "Lines.java"))
                + Files.readString(Path.of("..", "telemetry", "src", "main", "java", "dev", "muster", "telemetry", "Traces.java"));
        for (var name : CASES) {
            for (var service : services()) {
                var map = of(name, ConfigMap.class).stream().filter(one -> one.getMetadata().getName().equals("muster-" + service.get("name"))).findFirst();
                if (map.isEmpty()) {
                    continue;
                }
                var known = new TreeSet<>(shared);
                for (var file : configs((String) service.get("name"))) {
                    known.addAll(methods(file));
                }
                for (var key : settings(map.get()).stringPropertyNames()) {
                    if (telemetry.contains(key)) {
                        continue;
                    }
                    if (key.startsWith("muster.")) {
                        var words = List.of(key.substring("muster.".length()).replaceAll("\"[^\"]*\"\\.", "").split("\\."));
                        // What its configuration's prefix has already.
                        assertThat(known).as(service.get("name") + " can be told " + key).containsAll(words.stream().filter(word -> !word.equals(service.get("provider"))).toList());
                    } else {
                        assertThat(Set.of("quarkus.http.host", "quarkus.http.port")).contains(key);
                    }
                }
            }
        }
    }

    @Test
    void theConsoleSignsPeopleInWhereTheValuesSay() throws Exception {
        var planner = settings(one("full", ConfigMap.class, "muster-planner"));
        assertThat(planner.stringPropertyNames().stream().filter(key -> key.startsWith("muster.api.oidc.")).collect(Collectors.toMap(key -> key, planner::getProperty))).isEqualTo(Map.of(
                "muster.api.oidc.issuer", "https://login.example.org/realms/ml", "muster.api.oidc.audience", "muster", "muster.api.oidc.groups-claim", "realm_access.roles",
                "muster.api.oidc.console-client", "muster-console", "muster.api.oidc.console-scope", "openid muster"));
    }

    private static List<Path> configs(String service) throws IOException {
        var modules = service.endsWith("-provisioner") ? List.of(service, "provisioner") : List.of(service);
        var files = new ArrayList<Path>();
        for (var module : modules) {
            try (var all = Files.walk(Path.of("..", module, "src", "main", "java"))) {
                all.filter(file -> file.getFileName().toString().endsWith("Config.java")).forEach(files::add);
            }
        }
        return files;
    }

    /** Names of settings in a configuration's source: of its methods, unless they are given another. */
    private static Set<String> methods(Path source) throws IOException {
        var text = Files.readString(source);
        return Stream.concat(Pattern.compile(" (\\w+)\\(\\);").matcher(text).results(), Pattern.compile("@WithName\\(\"([^\"]+)\"\\)").matcher(text).results())
                .map(found -> found.group(1).replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT)).collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void podsMayDoNothingThatTheyDontNeed() {
        for (var name : CASES) {
            pods(name).forEach((at, pod) -> {
                assertThat(pod.getSpec().getSecurityContext().getRunAsNonRoot()).as(at).isTrue();
                assertThat(pod.getSpec().getSecurityContext().getRunAsUser()).as(at).isEqualTo(at.equals("muster-kafka") ? 1000L : 10001L);
                assertThat(pod.getSpec().getSecurityContext().getSeccompProfile().getType()).as(at).isEqualTo("RuntimeDefault");
                assertThat(pod.getSpec().getAutomountServiceAccountToken()).as(at).isEqualTo(at.equals("muster-k8s-provisioner"));
                assertThat(pod.getSpec().getEnableServiceLinks()).as(at + ": variables of Services would be taken for settings").isFalse();
                for (var container : pod.getSpec().getContainers()) {
                    assertThat(container.getSecurityContext().getReadOnlyRootFilesystem()).as(at).isTrue();
                    assertThat(container.getSecurityContext().getAllowPrivilegeEscalation()).as(at).isFalse();
                    assertThat(container.getSecurityContext().getCapabilities().getDrop()).as(at).containsExactly("ALL");
                    assertThat(container.getResources().getLimits()).as(at).containsKey("memory");
                    assertThat(container.getResources().getRequests()).as(at).containsKeys("cpu", "memory");
                }
            });
        }
    }

    @Test
    void secretsAreFilesOfThoseThatNeedThemAndNothingElse() {
        for (var name : CASES) {
            pods(name).forEach((at, pod) -> pod.getSpec().getContainers().forEach(container -> {
                assertThat(container.getEnv()).as(at).allSatisfy(one -> assertThat(one.getValueFrom() == null || one.getValueFrom().getSecretKeyRef() == null).isTrue());
                assertThat(container.getEnvFrom()).as(at).isEmpty();
            }));
        }
        assertThat(secrets("full", "muster-planner")).as("no ClearML key, no cloud's").isEqualTo(Set.of("muster-planner-kafka", "webhooks", "muster-api"));
        assertThat(secrets("full", "muster-queue-watcher")).isEqualTo(Set.of("muster-kafka", "clearml"));
        assertThat(secrets("full", "muster-aws-provisioner")).isEqualTo(Set.of("muster-kafka", "clearml", "aws"));
        assertThat(secrets("full", "muster-gcp-provisioner")).isEqualTo(Set.of("muster-kafka", "clearml", "gcp"));
        assertThat(secrets("full", "muster-k8s-provisioner")).isEqualTo(Set.of("muster-kafka", "clearml", "clusters"));
        assertThat(secrets("aws-only", "muster-topics")).isEqualTo(Set.of("kafka-admin", "kafka-ca"));
        assertThat(secrets("strimzi", "muster-planner")).isEqualTo(Set.of("muster-planner", "muster-cluster-ca-cert", "muster-api"));
        assertThat(secrets("smallest", "muster-planner")).isEqualTo(Set.of("muster-api"));
    }

    /** Secrets that a pod mounts. */
    private static Set<String> secrets(String name, String at) {
        var found = new TreeSet<String>();
        for (var volume : pods(name).get(at).getSpec().getVolumes()) {
            if (volume.getSecret() != null) {
                found.add(volume.getSecret().getSecretName());
            } else if (volume.getProjected() != null) {
                volume.getProjected().getSources().stream().filter(source -> source.getSecret() != null).forEach(source -> found.add(source.getSecret().getName()));
            }
        }
        return found;
    }

    @Test
    void whatIsMountedIsWhereSettingsSayThatItIs() throws Exception {
        for (var name : CASES) {
            for (var service : services()) {
                var pod = pods(name).get("muster-" + service.get("name"));
                if (pod == null) {
                    continue;
                }
                var container = pod.getSpec().getContainers().get(0);
                var settings = settings(one(name, ConfigMap.class, "muster-" + service.get("name")));
                var folders = container.getVolumeMounts().stream().map(mount -> mount.getMountPath()).collect(Collectors.toSet());
                settings.forEach((key, value) -> {
                    if (value.toString().matches("/(etc|app)/.*") && !key.toString().endsWith(".ca-file")) {
                        var path = Path.of(value.toString());
                        assertThat(folders).as(name + ": " + key).containsAnyOf(path.toString(), path.getParent().toString());
                    }
                });
                assertThat(folders).contains("/app/config", "/tmp");
            }
        }
    }

    @Test
    void rightsAndWhatMachinesMayCallAreThoseOfDeployK8s() throws Exception {
        var role = (Role) manifest("rights.yaml", Role.class);
        assertThat(of("full", Role.class)).hasSize(2).allSatisfy(one -> assertThat(one.getRules()).isEqualTo(role.getRules()));
        assertThat(of("full", Role.class).stream().map(one -> one.getMetadata().getNamespace())).containsExactlyInAnyOrder("muster-machines", "ml-batch");
        assertThat(of("full", ClusterRole.class)).hasSize(1).allSatisfy(one -> assertThat(one.getRules()).isEqualTo(((ClusterRole) manifest("nodes.yaml", ClusterRole.class)).getRules()));
        assertThat(of("smallest", ClusterRole.class)).as("a right of the whole cluster only on request").isEmpty();
        assertThat(of("aws-only", Role.class)).as("who starts no pods has no rights at all").isEmpty();
        assertThat(one("smallest", NetworkPolicy.class, "muster-machines").getSpec()).isEqualTo(((NetworkPolicy) manifest("network.yaml", NetworkPolicy.class)).getSpec());
    }

    private static HasMetadata manifest(String file, Class<?> type) throws IOException {
        return Helm.objects(Files.readString(DEPLOY.resolve("k8s").resolve(file))).stream().filter(type::isInstance).findFirst().orElseThrow();
    }

    @Test
    void topicsAndUsersOfStrimziAreTheServicesOwn() {
        var topics = new Topics(Topics.DEFAULT_PREFIX, Topics.DEFAULT_INPUT_PARTITIONS);
        var made = new LinkedHashMap<String, Object>();
        generic("strimzi", "KafkaTopic").forEach(topic -> made.put((String) spec(topic).get("topicName"), List.of(spec(topic).get("partitions"), spec(topic).get("config"))));
        var wanted = new LinkedHashMap<String, Object>();
        topics.all().forEach(topic -> {
            var config = new TreeMap<>(topic.config());
            config.put("min.insync.replicas", "2");
            wanted.put(topic.name(), List.of(topic.partitions(), config));
        });
        assertThat(made).isEqualTo(wanted);
        for (var user : generic("strimzi", "KafkaUser")) {
            var service = user.getMetadata().getName().substring("muster-".length());
            assertThat(acls(user)).as(service).isEqualTo(KafkaRights.of(topics, service).stream().map(right -> switch (right.type()) {
                case TRANSACTIONAL_ID -> "transactionalId";
                default -> right.type().name().toLowerCase(Locale.ROOT);
            } + " " + right.pattern().name().toLowerCase(Locale.ROOT).replace("prefixed", "prefix") + " " + right.name() + " " + right.operation().name().toLowerCase(Locale.ROOT))
                    .collect(Collectors.toCollection(TreeSet::new)));
        }
        assertThat(generic("strimzi", "KafkaUser")).hasSize(3);
    }

    private static List<GenericKubernetesResource> generic(String name, String kind) {
        return of(name, GenericKubernetesResource.class).stream().filter(one -> one.getKind().equals(kind)).toList();
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> spec(GenericKubernetesResource object) {
        return (Map<String, Object>) object.getAdditionalProperties().get("spec");
    }

    @SuppressWarnings("unchecked")
    private static Set<String> acls(GenericKubernetesResource user) {
        var found = new TreeSet<String>();
        for (var acl : (List<Map<String, Object>>) ((Map<String, Object>) spec(user).get("authorization")).get("acls")) {
            var resource = (Map<String, Object>) acl.get("resource");
            for (var operation : (List<String>) acl.get("operations")) {
                found.add(resource.get("type") + " " + resource.get("patternType") + " " + resource.get("name") + " " + operation.toLowerCase(Locale.ROOT));
            }
        }
        return found;
    }

    @Test
    void jobsAreCommandsThatThereAre() {
        for (var name : CASES) {
            for (var job : of(name, Job.class)) {
                var arguments = job.getSpec().getTemplate().getSpec().getContainers().get(0).getArgs().toArray(String[]::new);
                var parsed = Muster.commands().parseArgs(arguments);
                assertThat(parsed.hasSubcommand()).as(List.of(arguments).toString()).isTrue();
                assertThat(parsed.errors()).isEmpty();
            }
        }
        assertThat(of("strimzi", Job.class)).as("topics are Strimzi's").hasSize(1);
    }

    @Test
    void theFleetOfTheSmallestValuesIsAccepted() throws Exception {
        var files = one("smallest", ConfigMap.class, "muster-fleets").getData();
        assertThat(files.keySet()).containsExactlyInAnyOrder("config.yaml", "fleet-default.yaml");
        var spec = FleetYaml.read(files.get("fleet-default.yaml"));
        assertThat(SpecTrial.of(spec, Instant.EPOCH).violations()).isEmpty();
        assertThat(spec.getQueuesList()).hasSize(1).first().satisfies(queue -> assertThat(queue.getName()).isEqualTo("default"));
        // The pool's namespace, what its pods are and where their keys come from are those of the provisioner and of the chart's own objects.
        var settings = settings(one("smallest", ConfigMap.class, "muster-k8s-provisioner"));
        assertThat(settings.getProperty("muster.k8s.accounts.\"default\".namespaces")).isEqualTo(spec.getPools(0).getOffers(0).getKey().getRegion());
        assertThat(settings.getProperty("muster.k8s.accounts.\"default\".secret")).isEqualTo("clearml");
        assertThat(settings.getProperty("muster.connections.\"default\".api")).isEqualTo("https://api.clear.ml");
        assertThat(of("smallest", Role.class).get(0).getMetadata().getNamespace()).isEqualTo(spec.getPools(0).getOffers(0).getKey().getRegion());
    }

    @Test
    void fleetsOfTheValuesAreAccepted() throws Exception {
        for (var name : CASES) {
            for (var file : one(name, ConfigMap.class, "muster-fleets").getData().entrySet()) {
                if (file.getKey().startsWith("fleet-")) {
                    var spec = FleetYaml.read(file.getValue());
                    assertThat(SpecTrial.of(spec, Instant.EPOCH).violations()).as(name + ": " + file.getKey()).isEmpty();
                    assertThat(file.getKey()).isEqualTo("fleet-" + spec.getName() + ".yaml");
                }
            }
        }
    }

    @Test
    void theJobAsksTheApiThatTheChartMakes() throws Exception {
        var folder = Files.createTempDirectory("job");
        var contexts = Contexts.read(Files.writeString(folder.resolve("config.yaml"), one("smallest", ConfigMap.class, "muster-fleets").getData().get("config.yaml")));
        var server = contexts.require(contexts.current());
        assertThat(server.server()).isEqualTo("muster.muster.svc:8480");
        var pod = pods("smallest").get("muster-fleets").getSpec();
        var mounted = pod.getContainers().get(0).getVolumeMounts().stream().map(mount -> mount.getMountPath()).toList();
        assertThat(mounted).contains(server.ca().getParent().toString(), server.tokenFile().getParent().toString());
        var secret = of("smallest", Secret.class).get(0);
        assertThat(secret.getMetadata().getName()).isEqualTo("muster-api");
        assertThat(secret.getStringData()).containsOnlyKeys("token", "grants.yaml", "ca.crt", "tls.crt", "tls.key");
        assertThat(secret.getStringData().get("token")).matches("mst_[A-Za-z0-9]{43}");
        var digest = java.security.MessageDigest.getInstance("SHA-256").digest(secret.getStringData().get("token").getBytes(java.nio.charset.StandardCharsets.UTF_8));
        assertThat(secret.getStringData().get("grants.yaml")).contains("token: " + java.util.HexFormat.of().formatHex(digest));
        assertThat(secrets("smallest", "muster-fleets")).containsExactly("muster-api");
    }

    @Test
    void onlyWhoseSettingsChangeIsStartedAnew() throws Exception {
        var changed = helm.objects(Helm.ci("full"), "--set", "queueWatcher.settings.muster\\.log\\.levels-file=/tmp/levels");
        assertThat(changed.stream().filter(Deployment.class::isInstance).filter(one -> !MADE.get("full").contains(one)).map(one -> one.getMetadata().getName()))
                .containsExactly("muster-queue-watcher");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "clearml.api=clearml.example.org | /clearml/api",
        "clearml.apii=x | apii",
        "clearml.secret= | /clearml/secret",
        "planner.replicas=0 | /planner/replicas",
        "planner.replica=2 | replica",
        "provider=azure | /provider",
        "installation=Muster_1 | /installation",
        "kafka.bootstrapServers=kafka | /kafka/bootstrapServers",
        "kafka.security.protocol=TLS | /kafka/security/protocol",
        "topics.inputPartitions=0 | /topics/inputPartitions",
        "api.authentication[0]=off | /api/authentication/0",
        "aws.accounts.default.role=x | /aws/accounts/default",
        "machines.namespace=A | /machines/namespace",
        "queues[1]=gpu,provider= | provider: is missing beside queues",
        "provider=aws | pool.region: is missing",
        "provider=gcp,pool.region=r,pool.type=t | installation: is missing",
        "fleets.default.queues.q[0]=p | fleets.default: is what queues and provider make",
        "aws.enabled=true,installation=lab | aws.accounts: is empty",
        "topics.minIsr=4 | topics.minIsr: is more than topics.replication",
        "strimzi.enabled=true,kafka.bootstrapServers=kafka:9092 | kafka.bootstrapServers: is set beside strimzi.enabled",
        "api.ingress.enabled=true | api.ingress.host: is missing"})
    void badValuesAreRefusedByTheirKey(String set, String key) throws Exception {
        var arguments = new ArrayList<>(List.of("template", "muster", Helm.CHART.toString(), "--kube-version", Helm.KUBERNETES, "--values", Helm.ci("smallest").toString()));
        for (var one : set.split(",")) {
            arguments.addAll(List.of("--set", one));
        }
        var ran = helm.run(arguments.toArray(String[]::new));
        assertThat(ran.exitCode()).as(ran.err()).isEqualTo(1);
        assertThat(ran.err()).contains(key);
    }

    @Test
    void aListThatIsNulledIsAnEmptyOne() throws Exception {
        var nulled = List.of("clearml.connections", "fleets", "k8s.namespaces", "k8s.accounts", "aws.accounts", "gcp.accounts", "pool", "api.grants", "api.oidc", "networkPolicy.apiFrom",
                "networkPolicy.metricsFrom", "machines.networkPolicy.clearmlCidrs", "machines.networkPolicy.extraEgress", "labels", "prices", "image.pullSecrets");
        var arguments = nulled.stream().flatMap(key -> Stream.of("--set", key + "=null")).toArray(String[]::new);
        assertThat(helm.objects(Helm.ci("smallest"), arguments).stream().map(HasMetadata::getKind)).containsExactlyElementsOf(MADE.get("smallest").stream().map(HasMetadata::getKind).toList());
    }

    @Test
    void topicsRightsAndAlertsInTheChartAreThoseOfDeploy() throws IOException {
        same(FILES.resolve("topics.txt"), Files.readString(DEPLOY.resolve("topics.txt")));
        same(FILES.resolve("rights.txt"), Files.readString(DEPLOY.resolve("kafka").resolve("rights.txt")));
        same(FILES.resolve("alerts.yaml"), Files.readString(DEPLOY.resolve("prometheus").resolve("alerts.yaml")));
        assertThat(spec(generic("full", "PrometheusRule").get(0))).isEqualTo(new Yaml().load(Files.readString(FILES.resolve("alerts.yaml"))));
    }

    @Test
    void theBaseOfKustomizeIsMadeFromTheChart() throws Exception {
        var kustomize = DEPLOY.resolve("kustomize");
        same(kustomize.resolve("base").resolve("muster.yaml"), "# Made from deploy/chart with deploy/kustomize/values.yaml; ChartTest keeps it so.\n" + helm.template(kustomize.resolve("values.yaml")));
        var kubectl = Helm.onPath("kubectl").filter(Files::isExecutable).findFirst();
        if (kubectl.isEmpty()) {
            System.out.println("Skipped: kustomize builds what the chart makes; there is no kubectl on the path");
            return;
        }
        assertThat(built(kubectl.get(), kustomize.resolve("base"))).isEqualTo(byName(helm.objects(kustomize.resolve("values.yaml"))));
        assertThat(built(kubectl.get(), kustomize.resolve("overlays").resolve("aws-only"))).as("what is left is as if the others had never been there")
                .isEqualTo(byName(helm.objects(kustomize.resolve("values.yaml"), "--set", "gcp.enabled=false", "--set", "k8s.enabled=false")));
    }

    private static Map<String, HasMetadata> built(Path kubectl, Path folder) throws Exception {
        var ran = Helm.program(kubectl.toString(), "kustomize", folder.toString());
        assertThat(ran.exitCode()).as(ran.err()).isZero();
        return byName(Helm.objects(ran.out()));
    }

    private static Map<String, HasMetadata> byName(List<HasMetadata> objects) {
        return objects.stream().collect(Collectors.toMap(one -> one.getKind() + " " + one.getMetadata().getNamespace() + "/" + one.getMetadata().getName(), one -> one, (a, b) -> {
            throw new AssertionError("twice: " + a);
        }, TreeMap::new));
    }

    private static void same(Path file, String content) throws IOException {
        if (Boolean.getBoolean("docs.write")) {
            Files.writeString(file, content);
        }
        assertThat(Files.readString(file)).isEqualTo(content);
    }
}
