package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.muster.contracts.Topics;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Up, a look around, and down; with somebody who collects figures, log lines and traces. */
class LocalRunIT {

    /** A computer that has much else to do is slow; what never comes, comes in no time. */
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    @TempDir
    Path folder;

    private Shell shell;
    private Collector collector;
    private Optional<Prometheus> prometheus = Optional.empty();

    @BeforeEach
    void open() throws IOException {
        collector = new Collector();
        shell = new Shell(folder).with("MUSTER_LOG_FORMAT", "json").with("MUSTER_TRACES_ENDPOINT", collector.endpoint());
    }

    @AfterEach
    void close() {
        prometheus.ifPresent(Prometheus::close);
        shell.endAll();
        collector.close();
    }

    @Test
    void whatComesUpIsReadySmallAndGoesDownWhole() throws Exception {
        var up = shell.run("./muster up --speed 20 --json").succeeded().json();

        assertThat(up.path("ready").asBoolean()).isTrue();
        assertThat(up.path("processes")).hasSize(4);
        assertThat(shell.run("./muster up").exitCode()).isEqualTo(1);
        itsApiIsForWhoeverMayReadItsToken(up.path("control").asText());
        var services = services(up);
        prometheus = Prometheus.start("LocalRunIT", folder, services);
        Files.writeString(folder.resolve("fleet.yaml"), Files.readString(Shell.SOURCES.resolve("deploy/examples/demo.yaml")) + "currency: USD\nbudgets: {hour: 5, month: 500}\n");
        shell.run("./muster fleet apply -f fleet.yaml").succeeded();
        assertThat(shell.run("./muster fleet list").succeeded().out()).contains("demo");
        assertThat(shell.run("./muster fleet get nope")).isEqualTo(new Shell.Ran(1, "", shell.run("./muster fleet get nope").err()));
        var status = shell.run("./muster status --json").succeeded().json();
        assertThat(status.path("processes")).allSatisfy(process -> {
            assertThat(process.path("ready").asBoolean()).isTrue();
            assertThat(process.path("restarts").asInt()).isZero();
        });
        shell.run("./muster task enqueue cpu --seconds 20").succeeded();
        shell.run("./muster queue list").succeeded();
        shell.run("./muster decision list demo").succeeded();
        shell.run("./muster why queue cpu").succeeded();
        Await.within(PATIENCE, "a machine for the task", () -> !shell.run("./muster machine list --json").succeeded().json().path("machines").isEmpty());
        var again = shell.run("./muster replay-decisions --json").succeeded().json();
        assertThat(again.path("differences").asInt(-1)).isZero();
        assertThat(again.path("plans").asInt()).isPositive();
        assertThat(again.path("fleets")).singleElement().satisfies(fleet -> {
            assertThat(fleet.path("from").asText()).isEqualTo("creation");
            assertThat(fleet.path("machines").asInt()).isPositive();
            assertThat(fleet.path("machinesWithoutCauseChain")).isEmpty();
        });

        awsIsExamined();
        poolsAreTested();
        figuresAreShown(services);
        new BrokerTopics(up.path("kafka").asText(), Topics.SANDBOX_INPUT_PARTITIONS).areThoseOfThePage();
        aLaunchIsFollowedFromItsQueueToItsMachine();
        aKafkaThatIsSilentMakesThemUnreadyAndNotDead(services);
        prometheus.ifPresent(Prometheus::close);

        assertThat(shell.run("./muster down").succeeded().out()).contains("Muster is down.");
        assertThat(shell.processesLeft()).isEmpty();
        assertThat(shell.run("./muster status").exitCode()).isEqualTo(3);
        logsAreJson(services.keySet());
    }

    /** Their ports, by name. */
    private static Map<String, Integer> services(JsonNode up) {
        var services = new TreeMap<String, Integer>();
        up.path("processes").forEach(process -> {
            var name = process.path("name").asText();
            if (!name.equals("kafka")) {
                services.put(name, process.path("port").asInt());
            }
        });
        assertThat(services).containsOnlyKeys("planner", "queue-watcher", "aws-provisioner");
        return services;
    }

    private void figuresAreShown(Map<String, Integer> services) throws Exception {
        var figures = new Figures(services);
        // A machine that works: what went by between two looks is no start of a task. A planner shows its fleets every five seconds.
        shell.run("./muster task enqueue gpu --seconds 1200").succeeded();
        Await.within(PATIENCE, "a machine that works, and the fleet's budgets", () -> figures.names().containsAll(Set.of("muster_machines", "muster_spend_per_hour",
                "muster_committed_per_hour", "muster_task_start_seconds_bucket", "muster_budget_left")));
        figures.areThoseOfThePage();
        if (prometheus.isPresent()) {
            prometheus.get().answersTheDashboards(figures.names());
            prometheus.get().hasNothingCritical();
            assertThat(prometheus.get().series("sum by (fleet) (muster_machines_launched_total{fleet=\"demo\"}) > 0")).hasSize(1);
        }
    }

    private void aLaunchIsFollowedFromItsQueueToItsMachine() throws Exception {
        Await.within(PATIENCE, "a machine's whole trail", () -> collector.spans().stream().filter(look -> look.name().equals("look") && look.parent().isEmpty()
                && look.service().equals("queue-watcher")).flatMap(look -> collector.after(look, "plan").stream()).anyMatch(plan -> plan.service().equals("planner")
                && !collector.after(plan, "machine booting").isEmpty() && collector.after(plan, "command launch").stream().anyMatch(command ->
                        command.service().equals("aws-provisioner") && collector.after(command, "cloud launch").size() == 1)));
        assertThat(collector.spans()).flatExtracting(span -> span.attributes().keySet()).isSubsetOf("muster.fleet", "muster.pool", "muster.machine", "muster.machines",
                "muster.next", "muster.provider", "muster.scope", "muster.waiting");
    }

    private void aKafkaThatIsSilentMakesThemUnreadyAndNotDead(Map<String, Integer> services) throws Exception {
        var kafka = 0L;
        for (var process : shell.run("./muster status --json").succeeded().json().path("processes")) {
            kafka = process.path("name").asText().equals("kafka") ? process.path("pid").asLong() : kafka;
        }
        shell.run("kill -STOP " + kafka).succeeded();
        try {
            for (var service : services.entrySet()) {
                Await.within(PATIENCE, service.getKey() + " is not ready", () -> health(service.getValue(), "ready").contains("Kafka has not answered for "));
                assertThat(health(service.getValue(), "live")).as(service.getKey()).startsWith("200");
            }
        } finally {
            shell.run("kill -CONT " + kafka).succeeded();
        }
        var goesOn = Instant.now();
        for (var service : services.entrySet()) {
            try {
                Await.within(PATIENCE, service.getKey() + " is ready again", () -> health(service.getValue(), "ready").startsWith("200"));
            } catch (AssertionError late) {
                throw new AssertionError(service.getKey() + " says: " + health(service.getValue(), "ready") + "; it logged " + loggedSince(service.getKey(), goesOn), late);
            }
        }
        System.out.printf("Kafka was silent; all were ready %d s after it went on%n", Duration.between(goesOn, Instant.now()).toSeconds());
    }

    /** The last of it. */
    private List<String> loggedSince(String service, Instant since) throws IOException {
        var found = new ArrayList<String>();
        for (var line : logged(service)) {
            var json = new ObjectMapper().readTree(line);
            if (!Instant.parse(json.path("timestamp").asText()).isBefore(since)) {
                found.add(json.path("timestamp").asText() + " " + json.path("logger").asText() + " " + json.path("message").asText());
            }
        }
        return found.subList(Math.max(0, found.size() - 200), found.size());
    }

    private List<String> logged(String service) throws IOException {
        var lines = new ArrayList<String>();
        try (var logs = Files.walk(folder.resolve(".muster/run"))) {
            for (var file : logs.filter(file -> file.getFileName().toString().startsWith(service) && file.toString().endsWith(".log")).toList()) {
                lines.addAll(Files.readAllLines(file));
            }
        }
        assertThat(lines).as(service).isNotEmpty();
        return lines;
    }

    private static String health(int port, String what) throws Exception {
        var answer = HttpClient.newHttpClient().send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/q/health/" + what)).timeout(Duration.ofSeconds(10)).build(),
                HttpResponse.BodyHandlers.ofString());
        return answer.statusCode() + " " + answer.body();
    }

    private void logsAreJson(Set<String> services) throws Exception {
        for (var service : services) {
            for (var line : logged(service)) {
                assertThat(line).startsWith("{");
                var json = new ObjectMapper().readTree(line);
                assertThat(json.fieldNames()).toIterable().contains("timestamp", "level", "service", "logger", "thread", "message");
                assertThat(json.path("service").asText()).isEqualTo(service);
            }
        }
        assertThat(keys("planner", "fleet", "rule", "reason", "decision")).isTrue();
        assertThat(keys("aws-provisioner", "fleet", "pool", "machine", "scope")).isTrue();
    }

    /** There is a line that has them all. */
    private boolean keys(String service, String... keys) throws IOException {
        for (var line : logged(service)) {
            if (Stream.of(keys).allMatch(new ObjectMapper().readTree(line)::has)) {
                return true;
            }
        }
        return false;
    }

    private void itsApiIsForWhoeverMayReadItsToken(String control) throws Exception {
        assertThat(shell.run("./muster whoami --json").succeeded().json().path("name").asText()).isEqualTo("token:local");
        var token = Files.readString(folder.resolve(".muster/run/token")).strip();
        var stranger = shell.run("./muster fleet list --server " + control);
        assertThat(stranger.exitCode()).isNotZero();
        assertThat(stranger.err()).contains("must say who makes it");
        var wrong = shell.run("MUSTER_TOKEN=" + token + "x ./muster fleet list --server " + control);
        assertThat(wrong.exitCode()).isNotZero();
        assertThat(wrong.err()).contains("none of those").doesNotContain(token);
        shell.run("MUSTER_TOKEN=" + token + " ./muster fleet list --server " + control).succeeded();
        try (var files = Files.walk(folder.resolve(".muster/run"))) {
            assertThat(files.filter(Files::isRegularFile).filter(file -> !file.endsWith("token")).filter(file -> holds(file, token))).isEmpty();
        }
    }

    private static boolean holds(Path file, String text) {
        try {
            return Files.readString(file, StandardCharsets.ISO_8859_1).contains(text);
        } catch (IOException gone) {
            return false;
        }
    }

    private void awsIsExamined() throws Exception {
        var content = shell.run("./muster doctor aws --json").succeeded().json();
        assertThat(content.findValuesAsText("state")).isNotEmpty().containsOnly("ok");
        assertThat(content.findValuesAsText("of")).contains("demo/cpu m6i.large", "demo/gpu g4dn.xlarge");

        StandIns.of(shell).post("/ec2/quotas", "{\"family\": \"g\", \"market\": \"on-demand\", \"vcpus\": 0}");
        var tooFew = shell.run("./muster doctor aws --account default");
        assertThat(tooFew.exitCode()).as(tooFew.out() + tooFew.err()).isEqualTo(1);
        assertThat(tooFew.out().lines().filter(line -> line.startsWith("  failed"))).singleElement().satisfies(line -> assertThat(line).contains("quota G and VT", "one machine needs 4"));
        StandIns.of(shell).post("/ec2/quotas", "{\"family\": \"g\", \"market\": \"on-demand\"}");
    }

    private void poolsAreTested() throws Exception {
        var works = shell.run("./muster pool test cpu --json").succeeded().json();
        assertThat(works.path("works").asBoolean()).isTrue();
        assertThat(works.path("costMicros").asLong()).isPositive();
        var page = Files.readString(Shell.SOURCES.resolve("docs/pool-test.md"));
        assertThat(works.path("steps")).extracting(step -> step.path("step").asText()).contains("launch", "pickup", "task", "drain")
                .allSatisfy(step -> assertThat(page).contains("| " + step + " |"));

        StandIns.of(shell).post("/ec2/capacity", "{\"type\": \"m6i.large\", \"most\": 0}");
        var refused = shell.run("./muster pool test cpu --json");
        assertThat(refused.exitCode()).as(refused.out()).isEqualTo(1);
        assertThat(refused.json().path("failedAt").asText()).isEqualTo("launch");
        assertThat(refused.json().path("reason").asText()).startsWith("InsufficientInstanceCapacity");

        // What a test needs for itself goes with it.
        Await.within(PATIENCE, "only the fleet that was there", () -> shell.run("./muster fleet list --json").json().path("fleets").findValuesAsText("fleet").stream()
                .distinct().toList().equals(List.of("demo")));
        assertThat(shell.run("./muster queue list").succeeded().out()).doesNotContain("pool-test");
    }
}
