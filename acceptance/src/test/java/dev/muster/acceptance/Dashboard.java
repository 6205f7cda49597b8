package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * A dashboard of deploy/grafana, as far as these dashboards use what Grafana has.
 *
 * @param name of its file, without its ending
 */
record Dashboard(String name, String title, List<Panel> panels) {

    /** Where it is, in a grid of 24 columns. */
    record Place(int x, int y, int width, int height) {}

    /** A value from which on a colour holds; the first holds from everywhere. */
    record Step(double from, String color) {}

    /** @param legend as Grafana has it, with {@code {{label}}}; {@code __auto} for none */
    record Target(String expression, String legend) {

        /** @param rate the interval of rates  @param range that is shown */
        String asked(Duration rate, Duration range) {
            return expression.replace("$__rate_interval", rate.toSeconds() + "s").replace("$__range", range.toSeconds() + "s").replaceAll("\\$\\w+", ".*");
        }
    }

    /**
     * @param type row, stat, timeseries or heatmap
     * @param unit Grafana's word
     * @param fromZero the axis begins there
     * @param fill how dense the area below a line is, from 0 to 100
     * @param named a value is shown with its series' name
     */
    record Panel(String type, String title, Place place, String unit, boolean fromZero, boolean stacked, int fill, boolean named, List<Step> steps, List<Target> targets) {}

    /** In the order of their names. */
    static List<Dashboard> all() throws IOException {
        var dashboards = new ArrayList<Dashboard>();
        try (Stream<Path> files = Files.list(Shell.SOURCES.resolve("deploy/grafana"))) {
            for (var file : files.filter(path -> path.toString().endsWith(".json")).sorted().toList()) {
                var json = new ObjectMapper().readTree(file.toFile());
                var panels = new ArrayList<Panel>();
                json.path("panels").forEach(panel -> panels.add(panel(panel)));
                dashboards.add(new Dashboard(file.getFileName().toString().replace(".json", ""), json.path("title").asText(), List.copyOf(panels)));
            }
        }
        assertThat(dashboards).isNotEmpty();
        return dashboards;
    }

    private static Panel panel(JsonNode panel) {
        var grid = panel.path("gridPos");
        var field = panel.path("fieldConfig").path("defaults");
        var lines = field.path("custom");
        var steps = new ArrayList<Step>();
        field.path("thresholds").path("steps").forEach(step -> steps.add(new Step(step.path("value").asDouble(Double.NEGATIVE_INFINITY), step.path("color").asText())));
        var targets = new ArrayList<Target>();
        panel.path("targets").forEach(target -> targets.add(new Target(target.path("expr").asText(), target.path("legendFormat").asText())));
        var axis = panel.path("options").path("yAxis").path("unit").asText();
        return new Panel(panel.path("type").asText(), panel.path("title").asText(), new Place(grid.path("x").asInt(), grid.path("y").asInt(), grid.path("w").asInt(), grid.path("h").asInt()),
                axis.isEmpty() ? field.path("unit").asText() : axis, field.has("min"), lines.path("stacking").path("mode").asText().equals("normal"), lines.path("fillOpacity").asInt(),
                panel.path("options").path("textMode").asText().equals("value_and_name"), List.copyOf(steps), List.copyOf(targets));
    }
}
