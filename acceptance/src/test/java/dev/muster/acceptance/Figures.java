package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** What running services show at {@code /q/metrics}, held against {@code docs/metrics.md}: neither says more than the other. */
final class Figures {

    /** They come about by what an ordinary run doesn't have. */
    private static final Set<String> RARE = Set.of("muster_dead_letters_total", "muster_rescues_total", "muster_planner_records_of_no_fleet_total", "muster_planner_errors_total",
            "muster_planner_states_lost_total", "muster_notifications_total", "muster_commands_repeated_total", "muster_holds", "muster_refusals_lasting", "muster_budget_reserved");
    private static final Pattern SAMPLE = Pattern.compile("([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\\{(.*)})? (\\S+)");
    private static final Pattern LABEL = Pattern.compile("([a-zA-Z_][a-zA-Z0-9_]*)=\"");

    private final HttpClient http = HttpClient.newHttpClient();
    private final Map<String, Integer> ports;
    private final Map<String, Metric> documented = new TreeMap<>();

    private record Metric(String type, Set<String> labels, String shownBy) {

        boolean isShownBy(String service) {
            return shownBy.equals("every service") || shownBy.contains(service) || shownBy.contains("provisioners") && service.endsWith("-provisioner");
        }
    }

    /** @param ports of the services that run, by name */
    Figures(Map<String, Integer> ports) throws IOException {
        this.ports = ports;
        for (var line : Files.readAllLines(Shell.SOURCES.resolve("docs/metrics.md"))) {
            if (line.startsWith("| `muster_")) {
                var cells = line.split(" \\| ");
                documented.put(cells[0].replaceAll("[| `]", ""), new Metric(cells[1], Arrays.stream(cells[3].replace("`", "").split(" ")).filter(label -> !label.isEmpty())
                        .collect(Collectors.toSet()), cells[4]));
            }
        }
        assertThat(documented).hasSizeGreaterThan(40);
    }

    /** Every figure of the page is there with its labels, and no other. */
    void areThoseOfThePage() throws Exception {
        var missing = new TreeSet<String>();
        for (var service : ports.entrySet()) {
            var shown = scrape(service.getValue());
            for (var series : shown.entrySet()) {
                if (!series.getKey().startsWith("muster_")) {
                    continue;
                }
                var name = documented.containsKey(series.getKey()) ? series.getKey() : series.getKey().replaceAll("_(bucket|count|sum|max)$", "");
                assertThat(documented).as("%s shows %s", service.getKey(), series.getKey()).containsKey(name);
                var labels = new HashSet<>(documented.get(name).labels());
                if (series.getKey().endsWith("_bucket")) {
                    labels.add("le");
                }
                assertThat(series.getValue()).as("labels of %s of %s", series.getKey(), service.getKey()).isEqualTo(labels);
                assertThat(documented.get(name).isShownBy(service.getKey())).as("%s shows %s", service.getKey(), name).isTrue();
            }
            documented.forEach((name, metric) -> {
                var series = metric.type().equals("histogram") ? name + "_bucket" : name;
                if (metric.isShownBy(service.getKey()) && !RARE.contains(name) && !shown.containsKey(series)) {
                    missing.add(service.getKey() + " " + name);
                }
            });
        }
        assertThat(missing).as("documented and not shown").isEmpty();
    }

    /** Names of all series that are shown by any service. */
    Set<String> names() throws Exception {
        var names = new TreeSet<String>();
        for (int port : ports.values()) {
            names.addAll(scrape(port).keySet());
        }
        return names;
    }

    /** Labels by series. */
    private Map<String, Set<String>> scrape(int port) throws Exception {
        var page = http.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/q/metrics")).build(), HttpResponse.BodyHandlers.ofString()).body();
        var series = new HashMap<String, Set<String>>();
        for (var line : page.lines().filter(line -> !line.startsWith("#")).toList()) {
            var sample = SAMPLE.matcher(line);
            assertThat(sample.matches()).as(line).isTrue();
            var labels = sample.group(2) == null ? Set.<String>of() : LABEL.matcher(sample.group(2)).results().map(label -> label.group(1)).collect(Collectors.toSet());
            series.putIfAbsent(sample.group(1), labels);
        }
        return series;
    }

    /** Every query of the dashboards, as Grafana would ask it of a Prometheus that has been there for seconds only. */
    static List<String> dashboardQueries() throws IOException {
        var queries = Dashboard.all().stream().flatMap(dashboard -> dashboard.panels().stream()).flatMap(panel -> panel.targets().stream())
                .map(target -> target.asked(Duration.ofMinutes(1), Duration.ofMinutes(1))).toList();
        assertThat(queries).hasSizeGreaterThan(60);
        return queries;
    }
}
