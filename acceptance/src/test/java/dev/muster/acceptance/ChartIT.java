package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.muster.sandbox.broker.KafkaBroker;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the chart makes of the smallest values, run as a kubelet would, but on this computer: the planner with its settings, certificate and grants,
 * the jobs with their arguments, and each with the files that its pod mounts and no others. Skipped where there is no helm.
 */
class ChartIT {

    private static final Path SOURCES = Shell.SOURCES;

    @TempDir
    Path folder;

    private final Map<String, HasMetadata> objects = new HashMap<>();
    private final List<Process> processes = new ArrayList<>();
    private KafkaBroker broker;
    private Shell shell;
    private int port;

    @BeforeEach
    void make() throws Exception {
        var named = Objects.requireNonNullElse(System.getenv("MUSTER_HELM"), "");
        var helm = (named.isEmpty() ? Stream.concat(Arrays.stream(System.getenv("PATH").split(":")).map(one -> Path.of(one, "helm")), Stream.of(SOURCES.resolve(".muster/parts/bin/helm")))
                : Stream.of(Path.of(named))).filter(Files::isExecutable).findFirst();
        if (helm.isEmpty()) {
            System.out.println("Skipped: what the chart makes is run; helm is neither named by MUSTER_HELM nor on the path, .ci/parts helm builds it");
        }
        assumeTrue(helm.isPresent());
        broker = KafkaBroker.start(new KafkaBroker.Settings(folder.resolve("kafka"), 0));
        try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        shell = new Shell(Files.createDirectory(folder.resolve("person")));
        var made = shell.run(helm.get() + " template muster " + SOURCES + "/deploy/chart --namespace muster --kube-version 1.29.0 --values " + SOURCES
                + "/deploy/chart/ci/smallest-values.yaml --set topics.inputPartitions=4").succeeded().out();
        for (var one : made.split("(?m)^---$")) {
            if (one.lines().anyMatch(line -> line.startsWith("kind:"))) {
                var object = (HasMetadata) Serialization.unmarshal("---\n" + one);
                objects.put(object.getKind() + " " + object.getMetadata().getName(), object);
            }
        }
    }

    @AfterEach
    void end() throws Exception {
        for (var process : processes) {
            process.destroyForcibly().waitFor();
        }
        if (broker != null) {
            broker.close();
        }
    }

    /** Where the container would find them: its mounts, of which this computer's folder is the root. */
    private Path mount(String pod, PodSpec spec) throws IOException {
        var root = folder.resolve(pod);
        for (var mount : spec.getContainers().get(0).getVolumeMounts()) {
            var volume = spec.getVolumes().stream().filter(one -> one.getName().equals(mount.getName())).findFirst().orElseThrow();
            var at = Files.createDirectories(root.resolve(mount.getMountPath().substring(1)));
            if (volume.getConfigMap() != null) {
                var data = ((ConfigMap) objects.get("ConfigMap " + volume.getConfigMap().getName())).getData();
                write(root, at, data, volume.getConfigMap().getItems().stream().collect(Collectors.toMap(item -> item.getKey(), item -> item.getPath())));
            } else if (volume.getSecret() != null) {
                write(root, at, secret(volume.getSecret().getSecretName()),
                        volume.getSecret().getItems().stream().collect(Collectors.toMap(item -> item.getKey(), item -> item.getPath())));
            } else if (volume.getProjected() != null) {
                for (var source : volume.getProjected().getSources()) {
                    write(root, at, secret(source.getSecret().getName()), source.getSecret().getItems().stream().collect(Collectors.toMap(item -> item.getKey(), item -> item.getPath())));
                }
            }
        }
        return root;
    }

    private Map<String, String> secret(String name) {
        return name.equals("clearml") ? Map.of("clearml-default-access-key", "A", "clearml-default-secret-key", "S") : ((Secret) objects.get("Secret " + name)).getStringData();
    }

    private void write(Path root, Path at, Map<String, String> data, Map<String, String> items) throws IOException {
        for (var one : (items.isEmpty() ? data.keySet().stream().collect(Collectors.toMap(key -> key, key -> key)) : items).entrySet()) {
            var file = at.resolve(one.getValue());
            Files.createDirectories(file.getParent());
            Files.writeString(file, here(root, data.get(one.getKey())));
        }
    }

    /** Names of the cluster and of the container as they are here. */
    private String here(Path root, String text) {
        return text.replace("/etc/muster", root.resolve("etc/muster").toString()).replace("muster-kafka:9092", broker.bootstrapServers())
                .replace("muster.muster.svc:8480", "localhost:" + port);
    }

    private Map<String, String> environment(Path root, Container container) {
        return container.getEnv().stream().collect(Collectors.toMap(one -> one.getName(), one -> one.getValue() == null ? "pod-0" : here(root, one.getValue())));
    }

    private Shell.Ran job(String name) throws Exception {
        var job = (Job) objects.entrySet().stream().filter(one -> one.getKey().startsWith("Job " + name)).findFirst().orElseThrow().getValue();
        var spec = job.getSpec().getTemplate().getSpec();
        var container = spec.getContainers().get(0);
        var root = mount(name, spec);
        var person = new Shell(Files.createTempDirectory(folder, "job"));
        environment(root, container).forEach(person::with);
        return person.run("./muster " + container.getArgs().stream().map(word -> "'" + here(root, word) + "'").collect(Collectors.joining(" ")));
    }

    private void startPlanner() throws IOException {
        var spec = ((Deployment) objects.get("Deployment muster-planner")).getSpec().getTemplate().getSpec();
        var root = mount("planner", spec);
        var builder = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx192m", "-jar",
                SOURCES.resolve("planner/target/quarkus-app/quarkus-run.jar").toString()).directory(root.resolve("app").toFile());
        builder.environment().putAll(environment(root, spec.getContainers().get(0)));
        // One port that is free here, in place of the container's own.
        builder.environment().put("QUARKUS_HTTP_PORT", Integer.toString(port));
        processes.add(builder.redirectErrorStream(true).redirectOutput(folder.resolve("planner.log").toFile()).start());
    }

    @Test
    void theSmallestValuesMakeTopicsAPlannerAndAFleetThatTheFileKeeps() throws Exception {
        // When
        assertThat(job("muster-topics").succeeded().out()).contains("topics are new");
        assertThat(job("muster-topics").succeeded().out()).contains("topics were there");
        startPlanner();
        var applied = job("muster-fleets");
        // Then
        assertThat(applied.exitCode()).as(applied.err() + Files.readString(folder.resolve("planner.log"))).isZero();
        assertThat(applied.out()).startsWith("fleet default is at version 1, active");
        assertThat(Files.readString(folder.resolve("planner.log"))).as("lines that a cluster's log reader takes apart").startsWith("{").contains("\"fleet\":\"default\"");
        assertThat(job("muster-fleets").succeeded().out()).as("the next upgrade").startsWith("fleet default is at version 1, active");
        // And a person, by what the notes say
        var data = ((Secret) objects.get("Secret muster-api")).getStringData();
        var ca = Files.writeString(folder.resolve("ca.crt"), data.get("ca.crt"));
        var token = Files.writeString(folder.resolve("token"), data.get("token"));
        shell.run("./muster context set lab --server localhost:" + port + " --ca " + ca + " --token-file " + token).succeeded();
        assertThat(shell.run("./muster fleet list").succeeded().out()).contains("active, by file");
        var refused = shell.run("./muster fleet export default | sed 's/max: 4/max: 9/' | ./muster fleet apply -f -");
        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(refused.err()).contains("Fleet default is managed by file, by values.fleets of Helm release muster in namespace muster: change it there.");
        assertThat(shell.run("./muster fleet pause default").exitCode()).isZero();
        assertThat(shell.run("./muster fleet delete default").err()).contains("take it out there");
    }
}
