package dev.muster.sandbox.suite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.contracts.KafkaConnection;
import dev.muster.contracts.KafkaRights;
import dev.muster.contracts.KafkaSecurity;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.SecretsFolder;
import dev.muster.contracts.Topics;
import dev.muster.sandbox.broker.KafkaBroker;
import dev.muster.sandbox.broker.SecuredBroker;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SuiteTest {

    private static final Duration PATIENCE = Duration.ofSeconds(90);

    @TempDir
    Path temporary;

    private Path home;
    private Path folder;

    @BeforeEach
    void fillHome() throws IOException {
        home = temporary.resolve("home");
        folder = Files.createDirectories(temporary.resolve("run"));
        FakeService.fillHome(home, KafkaBroker.builtLibrary());
    }

    @Test
    void startsEverythingRestartsWhatDiesAndLeavesNothing() throws Exception {
        SuiteState ready;
        try (var suite = Suite.start(SuiteSettings.sandbox(home, folder, 5))) {
            ready = await("ready", () -> Optional.of(suite.state()).filter(SuiteState::ready));
            assertThat(ready.processes()).extracting(SuiteState.ProcessState::name)
                    .containsExactly("kafka", "aws-provisioner", "planner", "queue-watcher");
            assertThat(SuiteState.read(folder).orElseThrow().pid()).isEqualTo(ProcessHandle.current().pid());
            assertThat(get(ready.admin() + "/status")).contains("\"name\" : \"planner\"");
            assertThat(get(ready.admin() + "/clearml/books")).contains("\"count\":0");
            assertThat(get(ready.admin() + "/ec2/books")).contains("\"live\":0");
            assertThat(Files.getPosixFilePermissions(folder.resolve("secrets/clearml-default-secret-key")))
                    .isEqualTo(PosixFilePermissions.fromString("rw-------"));
            assertThat(Files.readString(folder.resolve("aws-provisioner/config/application.properties")))
                    .contains("muster.aws.accounts.\"default\".endpoint").doesNotContain(Files.readString(folder.resolve("secrets/clearml-default-secret-key")).strip());

            var planner = process(ready, "planner").pid();
            ProcessHandle.of(planner).orElseThrow().destroyForcibly();

            var again = await("ready again", () -> Optional.of(suite.state())
                    .filter(state -> state.ready() && process(state, "planner").pid() != planner));
            assertThat(process(again, "planner").restarts()).isEqualTo(1);
            ready = again;
        }
        assertThat(ready.processes()).noneMatch(one -> SuiteState.handle(one.pid(), one.pidStartedAt()).isPresent());
        assertThat(SuiteState.read(folder)).isEmpty();
        assertThat(ControlToken.file(folder)).doesNotExist();
    }

    @Test
    void itsControlApiIsForWhoeverMayReadTheTokenOfThisStart() throws Exception {
        ControlToken.make(folder);
        var before = Files.readString(ControlToken.file(folder));
        ControlToken.make(folder);
        var token = Files.readString(ControlToken.file(folder)).strip();
        assertThat(token).matches("mst_[A-Za-z0-9_-]{43}").isNotEqualTo(before.strip());
        for (var file : List.of(ControlToken.file(folder), ControlToken.grants(folder))) {
            assertThat(Files.getPosixFilePermissions(file)).isEqualTo(PosixFilePermissions.fromString("rw-------"));
        }
        assertThat(Files.readString(ControlToken.grants(folder))).doesNotContain(token);
        var told = Suite.told(SuiteSettings.sandbox(home, folder, 5), "planner");
        assertThat(told).containsEntry("muster.api.authentication", "tokens").containsEntry("muster.api.grants", ControlToken.grants(folder).toString());
    }

    @Test
    void hasComputeEngineBesideEc2IfAsked() throws Exception {
        try (var suite = Suite.start(SuiteSettings.sandbox(home, folder, 5).withClouds(List.of("aws", "gcp")))) {
            var ready = await("ready", () -> Optional.of(suite.state()).filter(SuiteState::ready));
            assertThat(ready.processes()).extracting(SuiteState.ProcessState::name)
                    .containsExactly("kafka", "aws-provisioner", "gcp-provisioner", "planner", "queue-watcher");
            assertThat(get(ready.admin() + "/ec2/books")).contains("\"live\":0");
            assertThat(get(ready.admin() + "/gce/books")).contains("\"live\":0");
            assertThat(ready.ec2()).isNotEmpty().isNotEqualTo(ready.gce());
            var key = Files.readString(folder.resolve("secrets/gcp-google-key"));
            assertThat(key).contains("\"type\"").contains("service_account").contains(ready.gce());
            assertThat(Files.getPosixFilePermissions(folder.resolve("secrets/gcp-google-key"))).isEqualTo(PosixFilePermissions.fromString("rw-------"));
            assertThat(Files.readString(folder.resolve("gcp-provisioner/config/application.properties")).replace("\\", ""))
                    .contains("muster.gcp.accounts.\"google\".endpoint=" + ready.gce()).contains("muster.gcp.accounts.\"google\".project=muster-sandbox")
                    .doesNotContain("muster.aws.", "service_account");
        }
    }

    @Test
    void hasAClusterIfAsked() throws Exception {
        try (var suite = Suite.start(SuiteSettings.sandbox(home, folder, 5).withClouds(List.of("k8s")))) {
            var ready = await("ready", () -> Optional.of(suite.state()).filter(SuiteState::ready));
            assertThat(ready.processes()).extracting(SuiteState.ProcessState::name).containsExactly("kafka", "k8s-provisioner", "planner", "queue-watcher");
            assertThat(get(ready.admin() + "/k8s/books")).contains("\"live\":0").contains("gpu-1-1");
            assertThat(ready.ec2() + ready.gce()).isEmpty();
            assertThat(ready.kubeconfig()).isEqualTo(folder.resolve("kubeconfig").toAbsolutePath().toString());
            assertThat(Files.getPosixFilePermissions(Path.of(ready.kubeconfig()))).isEqualTo(PosixFilePermissions.fromString("rw-------"));
            assertThat(Files.readString(Path.of(ready.kubeconfig()))).contains("server: " + ready.k8s());
            assertThat(Files.readString(folder.resolve("k8s-provisioner/config/application.properties")).replace("\\", ""))
                    .contains("muster.k8s.accounts.\"cluster\".kubeconfig=" + ready.kubeconfig()).contains("muster.k8s.accounts.\"cluster\".namespaces=muster")
                    .doesNotContain("token", "muster.aws.");
        }
    }

    @Test
    void startsNoKafkaWhereTheUserHasOneAndLooksAtItAsEachService() throws Exception {
        var topics = new Topics("lab.", 3);
        try (var kafka = SecuredBroker.start(temporary.resolve("kafka"))) {
            var settings = withKafka(kafka, kafka.address("SASL_SSL"));
            for (var service : List.of("planner", "queue-watcher", "aws-provisioner")) {
                awaitMissing(kafka.service(topics, service), topics, service, 0);
            }
            assertFails(settings, "Kafka at " + kafka.address("SASL_SSL") + ": missing topics: lab.commands.aws,", "create them as deploy/topics.txt says");
            kafka.broker().createTopics(topics);

            try (var suite = Suite.start(settings)) {
                var ready = await("ready", () -> Optional.of(suite.state()).filter(SuiteState::ready));
                assertThat(ready.processes()).extracting(SuiteState.ProcessState::name).containsExactly("aws-provisioner", "planner", "queue-watcher");
                assertThat(ready.kafka()).isEqualTo(kafka.address("SASL_SSL"));
                for (var service : List.of("planner", "queue-watcher", "aws-provisioner")) {
                    var told = new Properties();
                    try (var reader = Files.newBufferedReader(folder.resolve(service + "/config/application.properties"))) {
                        told.load(reader);
                    }
                    assertThat(told.getProperty("muster.topics.prefix")).isEqualTo("lab.");
                    assertThat(told.values()).noneMatch(value -> value.toString().contains("secret of muster-"));
                    var connection = KafkaConnection.of(told.getProperty("muster.kafka.bootstrap-servers"), KafkaSecurity.of(key -> Optional.ofNullable(told.getProperty(key))),
                            new SecretsFolder(Path.of(told.getProperty("muster.secrets.folder"))));
                    assertThat(connection.as()).isEqualTo("user muster-" + service + " with the password in the secret kafka-password-muster-" + service);
                }
            }
            assertThat(Path.of(settings.data())).doesNotExist();
            settings.write(temporary.resolve("settings.json"));
            assertThat(SuiteSettings.read(temporary.resolve("settings.json"))).isEqualTo(settings);

            var missing = KafkaRights.of(topics, "queue-watcher").stream().filter(right -> right.name().equals("lab.demand")).toList();
            kafka.forbid("User:muster-queue-watcher", missing);
            awaitMissing(kafka.as("muster-queue-watcher", "secret of muster-queue-watcher"), topics, "queue-watcher", 1);
            assertFails(settings, "Kafka at " + kafka.address("SASL_SSL") + " doesn't allow user muster-queue-watcher", "WRITE on topic lab.demand");
            Files.writeString(kafka.secrets().resolve("kafka-password-muster-planner"), "wrong");
            assertFails(settings, "refuses user muster-planner with the password in the secret kafka-password-muster-planner", "look at kafka.security and at the secret");
            Files.delete(kafka.secrets().resolve("kafka-password-muster-planner"));
            assertFails(settings, "planner can't connect to Kafka: kafka.security.passwordSecret names no file of the secrets folder", "");
        }
        var silent = "127.0.0.1:" + freePort();
        assertFails(SuiteSettings.sandbox(home, folder, 1).withKafka(new SuiteSettings.Kafka(silent, "lab.", Map.of())), "Kafka does not answer at " + silent, "set kafka.bootstrapServers to where it is");
    }

    private SuiteSettings withKafka(SecuredBroker kafka, String servers) {
        return new SuiteSettings(home.toString(), folder.toString(), temporary.resolve("data").toString(), false, "lab", 1, 3, Map.of(), kafka.secrets().toString(),
                Map.of("default", new SuiteSettings.Connection("http://127.0.0.1:1", null, null, null)), Map.of("default", new SuiteSettings.Account("aws", List.of(), null, null)),
                Map.of(), false, null, new SuiteSettings.Kafka(servers, "lab.", Map.of("protocol", "SASL_SSL", "username", "muster-{service}",
                        "password-secret", "kafka-password-muster-{service}", "ca", kafka.ca().toString())));
    }

    /** The authorizer learns of a change some milliseconds after it was taken. */
    private static void awaitMissing(KafkaConnection as, Topics topics, String service, int count) throws Exception {
        try (var admin = Admin.create(KafkaSettings.client(as))) {
            await("with " + count + " rights missing", () -> Optional.of(KafkaRights.missing(admin, topics, service)).filter(missing -> missing.size() == count));
        }
    }

    private static void assertFails(SuiteSettings settings, String problem, String fix) {
        assertThatThrownBy(() -> Suite.start(settings)).isInstanceOf(IllegalStateException.class).hasMessageContaining(problem).hasMessageContaining(fix)
                .message().doesNotContain("secret of muster-", "\n");
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    @Test
    void noChildOutlivesASuiteThatWasKilled() throws Exception {
        var settings = temporary.resolve("settings.json");
        SuiteSettings.sandbox(home, folder, 1).write(settings);
        var killed = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
                System.getProperty("java.class.path"), Suite.class.getName(), settings.toString())
                .redirectErrorStream(true).redirectOutput(temporary.resolve("suite.log").toFile()).start();
        SuiteState ready;
        try {
            ready = await("ready", () -> SuiteState.read(folder).filter(SuiteState::ready));
            assertThat(ready.pid()).isEqualTo(killed.pid());
        } finally {
            killed.destroyForcibly().waitFor();
        }

        var children = ready.processes();
        await("no child left", () -> children.stream().anyMatch(one -> SuiteState.handle(one.pid(), one.pidStartedAt()).isPresent())
                ? Optional.empty() : Optional.of(true));
    }

    @Test
    void saysInOneSentenceWhatKeepsItFromStarting() throws Exception {
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            var settings = SuiteSettings.sandbox(home, folder, 1).withPorts(Map.of("control", taken.getLocalPort()));
            assertThatThrownBy(() -> Suite.start(settings)).isInstanceOf(IOException.class)
                    .hasMessage("port " + taken.getLocalPort() + " for control is in use: end what listens there, or choose another");
        }
        Files.delete(home.resolve("planner/target/quarkus-app/quarkus-run.jar"));
        assertThatThrownBy(() -> Suite.start(SuiteSettings.sandbox(home, folder, 1))).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("planner is not built");
    }

    private static SuiteState.ProcessState process(SuiteState state, String name) {
        return state.processes().stream().filter(one -> one.name().equals(name)).findFirst().orElseThrow();
    }

    private static String get(String url) throws Exception {
        return HttpClient.newHttpClient().send(HttpRequest.newBuilder(URI.create(url)).build(), HttpResponse.BodyHandlers.ofString()).body();
    }

    private static <T> T await(String what, Callable<Optional<T>> condition) throws Exception {
        var deadline = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() < deadline) {
            var value = condition.call();
            if (value.isPresent()) {
                return value.get();
            }
            TimeUnit.MILLISECONDS.sleep(50);
        }
        throw new AssertionError("not " + what + " within " + PATIENCE);
    }
}
