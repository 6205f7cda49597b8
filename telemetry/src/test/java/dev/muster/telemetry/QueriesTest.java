package dev.muster.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.yaml.snakeyaml.Yaml;

/**
 * Every query of the dashboards and the alert rules asks for figures and labels that there are. That running services show them is looked at where services
 * run: {@code LocalRunIT} in {@code acceptance}.
 */
class QueriesTest {

    private static final Path DASHBOARDS = Path.of("../deploy/grafana");
    private static final Path PICTURES = Path.of("../docs/dashboards");
    private static final Path ALERTS = Path.of("../deploy/prometheus/alerts.yaml");
    private static final Path RUN_BOOK = Path.of("../docs/operations.md");
    /** Not Muster's own: Prometheus' and those that Quarkus shows of each process. */
    private static final Map<String, Set<String>> FOREIGN = Map.of(
            "up", Set.of(),
            "jvm_memory_used_bytes", Set.of("area", "id"),
            "process_cpu_usage", Set.of(),
            "system_cpu_count", Set.of(),
            "jvm_gc_pause_seconds_sum", Set.of("action", "cause", "gc"));
    /** Given by whoever scrapes. */
    private static final Set<String> SCRAPED = Set.of("job", "instance");
    private static final Set<String> WORDS = Set.of("sum", "max", "min", "avg", "count", "by", "without", "on", "ignoring", "group_left", "group_right", "and", "or", "unless",
            "offset", "rate", "increase", "histogram_quantile", "abs", "absent", "vector", "min_over_time", "max_over_time", "label_values");
    private static final Pattern NAME = Pattern.compile("[a-zA-Z_:][a-zA-Z0-9_:]*");
    private static final Pattern MATCHER = Pattern.compile("\\{([^}]*)}");
    private static final Pattern GROUPED = Pattern.compile("\\b(?:by|on|without|ignoring|group_left)\\s*\\(([^)]*)\\)");

    /** @param legend as the panel shows a series */
    private record Query(String where, String expression, String legend) {}

    @Test
    void everyQueryAsksForWhatThereIs() throws Exception {
        var queries = queries();
        assertThat(queries).hasSizeGreaterThan(80);
        for (var query : queries) {
            check(query);
        }
    }

    @Test
    void everyFigureIsOnADashboard() throws Exception {
        var shown = queries().stream().filter(query -> query.where().endsWith(".json")).flatMap(query -> names(query.expression()).stream()).collect(Collectors.toSet());
        for (var metric : Metrics.all()) {
            assertThat(metric.series()).as("%s on a dashboard", metric.name()).anyMatch(shown::contains);
        }
    }

    @Test
    void everyAlertHasItsPageInTheRunBook() throws Exception {
        var headings = Files.readAllLines(RUN_BOOK).stream().filter(line -> line.startsWith("### Muster")).map(line -> line.substring(4)).toList();
        var alerts = alerts().stream().map(rule -> (String) rule.get("alert")).toList();
        assertThat(headings).containsExactlyElementsOf(alerts);
        for (var rule : alerts()) {
            assertThat(((Map<?, ?>) rule.get("annotations")).get("runbook")).isEqualTo("docs/operations.md#" + ((String) rule.get("alert")).toLowerCase(Locale.ROOT));
            assertThat(((Map<?, ?>) rule.get("labels")).get("severity")).isIn("critical", "warning");
        }
    }

    @Test
    void noTwoPanelsLieOnEachOther() throws Exception {
        for (var dashboard : dashboards().entrySet()) {
            var taken = new HashSet<String>();
            for (var panel : dashboard.getValue().path("panels")) {
                var place = panel.path("gridPos");
                for (int x = 0; x < place.path("w").asInt(); x++) {
                    for (int y = 0; y < place.path("h").asInt(); y++) {
                        assertThat(taken.add((place.path("x").asInt() + x) + " " + (place.path("y").asInt() + y))).as("%s %s", dashboard.getKey(), panel.path("title")).isTrue();
                    }
                }
                assertThat(place.path("x").asInt() + place.path("w").asInt()).isLessThanOrEqualTo(24);
            }
        }
    }

    /** {@code DashboardPicturesIT} in {@code acceptance} draws them, with {@code -Ddocs.write=true}. */
    @Test
    void everyDashboardHasItsPictureWithEveryPanel() throws Exception {
        var page = Files.readString(Path.of("../docs/observability.md"));
        var shown = new TreeSet<String>();
        for (var dashboard : dashboards().entrySet()) {
            var picture = dashboard.getKey().replace(".json", ".svg");
            shown.add(picture);
            assertThat(page).contains("](dashboards/" + picture + ")");
            var texts = new HashSet<String>();
            var elements = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(PICTURES.resolve(picture).toFile()).getElementsByTagName("text");
            for (int i = 0; i < elements.getLength(); i++) {
                texts.add(elements.item(i).getTextContent());
            }
            assertThat(texts).as("%s, drawn by DashboardPicturesIT", picture).contains(dashboard.getValue().path("title").asText());
            dashboard.getValue().path("panels").forEach(panel -> assertThat(texts).as("%s, drawn by DashboardPicturesIT", picture).contains(panel.path("title").asText()));
        }
        try (Stream<Path> files = Files.list(PICTURES)) {
            assertThat(files.map(file -> file.getFileName().toString())).containsExactlyInAnyOrderElementsOf(shown);
        }
    }

    /** Prometheus' own parser judges every expression, and the rules as they are. */
    @Test
    void prometheusReadsEveryQuery(@TempDir Path folder) throws Exception {
        var promtool = program("promtool");
        if (promtool.isEmpty()) {
            System.out.println("Skipped: queries before Prometheus' own parser; promtool is missing, run .ci/parts");
        }
        Assumptions.assumeTrue(promtool.isPresent());
        var rules = new StringBuilder("groups:\n  - name: queries\n    rules:\n");
        int n = 0;
        for (var query : queries()) {
            rules.append("      - record: query_").append(n++).append("\n        expr: '").append(plain(query.expression()).replace("'", "''")).append("'\n");
        }
        var file = Files.writeString(folder.resolve("queries.yaml"), rules);
        var process = new ProcessBuilder(promtool.get().toString(), "check", "rules", file.toString(), ALERTS.toString()).redirectErrorStream(true).start();
        var out = new String(process.getInputStream().readAllBytes());
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(out).isZero();
        assertThat(out).contains("SUCCESS: " + n + " rules found").contains("SUCCESS: " + alerts().size() + " rules found");
    }

    private static void check(Query query) {
        var labels = new TreeSet<>(SCRAPED);
        for (var name : names(query.expression())) {
            var of = labelsOf(name);
            assertThat(of).as("%s: %s in %s", query.where(), name, query.expression()).isPresent();
            labels.addAll(of.get());
        }
        var asked = new TreeSet<String>();
        MATCHER.matcher(plain(query.expression())).results().flatMap(found -> Arrays.stream(found.group(1).split(","))).filter(part -> !part.isBlank())
                .map(part -> part.split("[=!~]")[0].strip()).forEach(asked::add);
        GROUPED.matcher(query.expression()).results().flatMap(found -> Arrays.stream(found.group(1).split(","))).filter(part -> !part.isBlank()).map(String::strip).forEach(asked::add);
        Pattern.compile("\\{\\{(\\w+)}}").matcher(query.legend()).results().map(found -> found.group(1)).forEach(asked::add);
        assertThat(labels).as("%s: %s", query.where(), query.expression()).containsAll(asked);
    }

    private static Optional<Set<String>> labelsOf(String series) {
        if (FOREIGN.containsKey(series)) {
            return Optional.of(FOREIGN.get(series));
        }
        return Metrics.all().stream().filter(metric -> metric.series().contains(series)).findFirst().map(metric -> {
            var labels = new TreeSet<>(metric.labels());
            if (series.endsWith("_bucket")) {
                labels.add("le");
            }
            return labels;
        });
    }

    /** Names of series in an expression. */
    private static Set<String> names(String expression) {
        var bare = GROUPED.matcher(MATCHER.matcher(plain(expression)).replaceAll("")).replaceAll("").replaceAll("\\[[^]]*]", "").replaceAll("offset \\w+", "").replaceAll("\"[^\"]*\"", "");
        return NAME.matcher(bare).results().map(found -> found.group()).filter(name -> !WORDS.contains(name)).collect(Collectors.toCollection(TreeSet::new));
    }

    /** Without what Grafana fills in. */
    private static String plain(String expression) {
        return expression.replace("$__rate_interval", "5m").replace("$__range", "6h").replaceAll("\\$\\w+", ".*");
    }

    private static List<Query> queries() throws IOException {
        var queries = new ArrayList<Query>();
        for (var dashboard : dashboards().entrySet()) {
            for (var panel : dashboard.getValue().path("panels")) {
                for (var target : panel.path("targets")) {
                    queries.add(new Query(dashboard.getKey(), target.path("expr").asText(), target.path("legendFormat").asText()));
                }
            }
            for (var variable : dashboard.getValue().path("templating").path("list")) {
                if (variable.path("type").asText().equals("query")) {
                    var asked = variable.path("definition").asText().replaceAll("label_values\\((.*), (\\w+)\\)", "sum by ($2) ($1)");
                    assertThat(variable.path("query").path("query").asText()).isEqualTo(variable.path("definition").asText());
                    queries.add(new Query(dashboard.getKey(), asked, ""));
                }
            }
        }
        for (var rule : alerts()) {
            var summary = String.valueOf(((Map<?, ?>) rule.get("annotations")).get("summary")).replaceAll("\\{\\{ \\$labels\\.(\\w+) }}", "{{$1}}");
            queries.add(new Query((String) rule.get("alert"), (String) rule.get("expr"), summary));
        }
        return queries;
    }

    private static Map<String, JsonNode> dashboards() throws IOException {
        var dashboards = new LinkedHashMap<String, JsonNode>();
        try (Stream<Path> files = Files.list(DASHBOARDS)) {
            for (var file : files.filter(path -> path.toString().endsWith(".json")).sorted().toList()) {
                dashboards.put(file.getFileName().toString(), new ObjectMapper().readTree(file.toFile()));
            }
        }
        assertThat(dashboards).isNotEmpty();
        return dashboards;
    }

    @SuppressWarnings("unchecked")
    private static List<Map<String, Object>> alerts() throws IOException {
        var file = (Map<String, Object>) new Yaml().load(Files.readString(ALERTS));
        return ((List<Map<String, Object>>) file.get("groups")).stream().flatMap(group -> ((List<Map<String, Object>>) group.get("rules")).stream()).toList();
    }

    private static Optional<Path> program(String name) {
        return Stream.concat(Stream.of(Path.of("../.muster/parts/prometheus", name)), Arrays.stream(System.getenv("PATH").split(":")).map(folder -> Path.of(folder, name)))
                .filter(Files::isExecutable).findFirst();
    }
}
