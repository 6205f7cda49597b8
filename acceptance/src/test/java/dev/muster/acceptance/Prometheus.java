package dev.muster.acceptance;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A real Prometheus that scrapes services each second and has Muster's alert rules. */
final class Prometheus implements AutoCloseable {

    private static final Path ALERTS = Shell.SOURCES.resolve("deploy/prometheus/alerts.yaml");
    private static final Pattern NAME = Pattern.compile("\\b(?:muster|jvm|process|system)_[a-z0-9_]+\\b");
    /** Beyond what a dashboard's own choices fill in: what is asked for may not be there in an ordinary run. */
    private static final Pattern CHOSEN = Pattern.compile("(?:outcome|kind|operation|phase|limit)(?:=|!=)\"");

    /** A rate needs two scrapes. */
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final HttpClient http = HttpClient.newHttpClient();
    private final Process process;
    private final int port;

    private Prometheus(Process process, int port) {
        this.process = process;
        this.port = port;
    }

    /** Empty, with a line that says so, where there is none. @param ports of services, by name, which is their {@code instance} */
    static Optional<Prometheus> start(String suite, Path folder, Map<String, Integer> ports) throws IOException {
        var program = Stream.concat(Stream.of(Shell.SOURCES.resolve(".muster/parts/prometheus/prometheus")),
                Arrays.stream(System.getenv("PATH").split(":")).map(in -> Path.of(in, "prometheus"))).filter(Files::isExecutable).findFirst();
        if (program.isEmpty()) {
            System.out.println("Skipped: " + suite + " before a real Prometheus; prometheus is missing, run .ci/parts");
            return Optional.empty();
        }
        var config = new StringBuilder("global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: ['" + ALERTS + "']\nscrape_configs:\n");
        ports.forEach((service, port) -> config.append("  - {job_name: muster-").append(service).append(", metrics_path: /q/metrics, static_configs: [{targets: ['127.0.0.1:")
                .append(port).append("'], labels: {instance: ").append(service).append("}}]}\n"));
        var file = Files.writeString(folder.resolve("prometheus.yaml"), config);
        int port;
        try (var free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        return Optional.of(new Prometheus(new ProcessBuilder(program.get().toString(), "--config.file=" + file, "--storage.tsdb.path=" + folder.resolve("prometheus"),
                "--web.listen-address=127.0.0.1:" + port, "--log.level=warn").redirectErrorStream(true).redirectOutput(folder.resolve("prometheus.log").toFile()).start(), port));
    }

    /** Every query of the dashboards gives an answer, and one with data where the services show what it is about. */
    void answersTheDashboards(Set<String> shown) throws Exception {
        var deadline = System.nanoTime() + PATIENCE.toNanos();
        List<String> empty;
        do {
            empty = withoutAnswer(shown);
        } while (!empty.isEmpty() && System.nanoTime() < deadline);
        assertThat(empty).as("queries without data").isEmpty();
    }

    private List<String> withoutAnswer(Set<String> shown) throws Exception {
        var empty = new ArrayList<String>();
        for (var query : Figures.dashboardQueries()) {
            var isThere = NAME.matcher(query).results().allMatch(name -> shown.contains(name.group())) && !CHOSEN.matcher(query).find();
            if (ask(query).path("result").isEmpty() && isThere) {
                empty.add(query);
            }
        }
        return empty;
    }

    /** All rules are read, none fails, and none that wants a person at once says anything of a run that goes well. */
    void hasNothingCritical() throws Exception {
        var groups = get("/api/v1/rules").path("groups");
        assertThat(groups).isNotEmpty();
        int rules = 0;
        for (JsonNode group : groups) {
            for (JsonNode rule : group.path("rules")) {
                rules++;
                assertThat(rule.path("health").asText()).as("%s: %s", rule.path("name"), rule.path("lastError")).isEqualTo("ok");
                if (rule.path("labels").path("severity").asText().equals("critical")) {
                    assertThat(rule.path("alerts")).as(rule.path("name").asText()).isEmpty();
                }
            }
        }
        assertThat(rules).isEqualTo((int) Files.readAllLines(ALERTS).stream().filter(line -> line.contains("- alert:")).count());
    }

    List<JsonNode> series(String query) throws Exception {
        var found = new ArrayList<JsonNode>();
        ask(query).path("result").forEach(found::add);
        return found;
    }

    /** The same over time: each with its {@code values}, pairs of a second and a text. */
    List<JsonNode> range(String query, Instant from, Instant to, Duration step) throws Exception {
        var found = new ArrayList<JsonNode>();
        get("/api/v1/query_range?query=" + URLEncoder.encode(query, UTF_8) + "&start=" + from.getEpochSecond() + "&end=" + to.getEpochSecond() + "&step=" + step.toSeconds())
                .path("result").forEach(found::add);
        return found;
    }

    private JsonNode ask(String query) throws Exception {
        return get("/api/v1/query?query=" + URLEncoder.encode(query, UTF_8));
    }

    private JsonNode get(String path) throws Exception {
        var answer = new ObjectMapper().readTree(http.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path)).build(), HttpResponse.BodyHandlers.ofString()).body());
        assertThat(answer.path("status").asText()).as("%s: %s", path, answer).isEqualTo("success");
        return answer.path("data");
    }

    /** It is gone when this returns. */
    @Override
    public void close() {
        process.destroyForcibly().onExit().join();
    }
}
