package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.TopicSpan;
import dev.muster.contracts.Topics;
import dev.muster.sandbox.broker.SecuredBroker;
import dev.muster.sandbox.suite.Suite;
import dev.muster.sandbox.suite.SuiteSettings;
import dev.muster.sandbox.suite.SuiteState;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** All of Muster's processes around a broker that demands to know who speaks, each with the rights that docs/kafka.md gives it and no others. */
@Tag("long")
class SecuredKafkaIT {

    private static final List<String> SERVICES = List.of("planner", "queue-watcher", "aws-provisioner", "gcp-provisioner", "k8s-provisioner");
    private static final Topics TOPICS = new Topics(Topics.DEFAULT_PREFIX, Topics.SANDBOX_INPUT_PARTITIONS);
    private static final Duration PATIENCE = Duration.ofMinutes(4);

    @TempDir
    Path folder;

    private Shell shell;
    private SecuredBroker broker;
    private Process suite;

    @BeforeEach
    void open() throws Exception {
        shell = new Shell(folder);
        broker = SecuredBroker.start(folder.resolve("secured"));
        broker.broker().createTopics(TOPICS);
    }

    @AfterEach
    void close() throws Exception {
        if (suite != null) {
            suite.destroy();
            suite.waitFor();
        }
        broker.close();
        shell.endAll();
    }

    /** As the sandbox, but that each service is told of the other broker, and who it is there. */
    private void startServices() throws Exception {
        var run = Files.createDirectories(folder.resolve(".muster/run"));
        var secrets = Files.createDirectories(run.resolve("secrets"));
        var settings = SuiteSettings.sandbox(Shell.SOURCES, run, 1).withClouds(List.of("aws", "gcp", "k8s"));
        for (var service : SERVICES) {
            broker.service(TOPICS, service);
            var password = "kafka-password-muster-" + service;
            Files.copy(broker.secrets().resolve(password), secrets.resolve(password));
            for (var setting : broker.settings("muster-" + service).entrySet()) {
                if (setting.getKey().startsWith("muster.kafka.")) {
                    settings = settings.with(service, setting.getKey(), setting.getValue());
                }
            }
        }
        settings.write(run.resolve("settings.json"));
        suite = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx320m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                "-cp", System.getProperty("java.class.path"), Suite.class.getName(), run.resolve("settings.json").toString())
                .directory(folder.toFile()).redirectErrorStream(true).redirectOutput(folder.resolve("suite.log").toFile()).start();
        Await.within(PATIENCE, "all services to be ready; " + run, () -> {
            assertThat(suite.isAlive()).as(Files.readString(folder.resolve("suite.log"))).isTrue();
            return SuiteState.read(run).filter(SuiteState::ready).isPresent();
        });
    }

    @Test
    void allServicesWorkWithTheirDocumentedRightsAndNoOthers() throws Exception {
        startServices();
        var standIns = StandIns.of(shell);

        for (var fleet : List.of("demo", "demo-gcp", "demo-k8s")) {
            shell.run("./muster fleet apply -f deploy/examples/" + fleet + ".yaml").succeeded();
        }
        for (var queue : List.of("cpu", "google", "pods")) {
            shell.run("./muster task enqueue " + queue + " --count 2 --seconds 5").succeeded();
        }

        Await.within(PATIENCE, "all tasks to be done", () -> standIns.tasks("completed") == 6);
        Await.within(PATIENCE, "all machines to be gone", () -> machines().stream().allMatch(machine -> machine.path("phase").asText().equals("GONE")));
        Map<String, Long> machinesByPool = machines().stream().collect(Collectors.groupingBy(machine -> machine.path("pool").asText(), Collectors.counting()));
        assertThat(machinesByPool).isEqualTo(Map.of("cpu", 2L, "google", 2L, "pods", 2L));
        assertThat(records(SuiteState.read(folder.resolve(".muster/run")).orElseThrow().kafka())).as("of the broker that nobody was told of").isEmpty();
        assertThat(records(broker.broker().bootstrapServers()).keySet()).contains("muster.requests", "muster.demand", "muster.machine-reports", "muster.fleets", "muster.machines",
                "muster.decisions", "muster.services", "muster.commands.aws", "muster.commands.gcp", "muster.commands.k8s").doesNotContain("muster.dead-letters");
        nothingIsWrongByTheDoctor();
        for (var service : SERVICES) {
            assertThat(Files.readString(folder.resolve(".muster/run/logs/" + service + ".log"))).as(service).doesNotContain("secret of muster-", "uthorization", "uthentication");
        }
    }

    private List<JsonNode> machines() throws Exception {
        var machines = new ArrayList<JsonNode>();
        shell.run("./muster machine list --all --json").succeeded().json().path("machines").forEach(machines::add);
        return machines;
    }

    private void nothingIsWrongByTheDoctor() throws Exception {
        broker.service(TOPICS, "cli");
        var settings = new ArrayList<>(broker.settings("muster-cli").entrySet().stream().map(setting -> setting.getKey() + "=" + setting.getValue()).toList());
        settings.add("muster.topics.input-partitions=" + TOPICS.inputPartitions());
        Files.write(folder.resolve("cli.properties"), settings);

        var checks = shell.run("./muster doctor kafka --kafka-settings cli.properties --json").succeeded().json().path("checks");

        assertThat(checks).isNotEmpty().allSatisfy(check -> assertThat(check.path("state").asText()).as(check.toString()).isEqualTo("ok"));
    }

    /** How many records each topic has, those with any. */
    private static Map<String, Long> records(String kafka) throws Exception {
        var records = new TreeMap<String, Long>();
        try (var span = new TopicSpan(KafkaSettings.consumer(kafka))) {
            for (var topic : TOPICS.all()) {
                var count = span.ends(span.partitions(topic.name())).values().stream().mapToLong(Long::longValue).sum();
                if (count > 0) {
                    records.put(topic.name(), count);
                }
            }
        }
        return records;
    }
}
