package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.yaml.snakeyaml.Yaml;

/** Keeps docs/install.md true: its tables are the schema's, its values make what it says. */
class InstallPageTest {

    private static final Path PAGE = Path.of("..", "docs", "install.md");
    private static final List<String> SERVICES = List.of("planner", "queueWatcher", "aws", "gcp", "k8s");

    private final JsonNode schema = read(Helm.CHART.resolve("values.schema.json"));
    private final JsonNode values = new ObjectMapper().valueToTree(new Yaml().load(text(Helm.CHART.resolve("values.yaml"))));

    @TempDir
    Path folder;

    private static JsonNode read(Path file) {
        try {
            return new ObjectMapper().readTree(file.toFile());
        } catch (IOException broken) {
            throw new AssertionError(broken);
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException unreadable) {
            throw new AssertionError(unreadable);
        }
    }

    @Test
    void valuesAreThoseOfTheSchema() throws IOException {
        var common = common();
        var all = new StringBuilder("| value | default | what it is |\n| --- | --- | --- |\n");
        schema.get("properties").fields().forEachRemaining(one -> {
            if (!one.getKey().equals("global")) {
                rows(one.getKey(), one.getValue(), values.path(one.getKey()), SERVICES.contains(one.getKey()) ? common : Set.of(), all);
            }
        });
        var each = new StringBuilder("| value | what it is |\n| --- | --- |\n");
        schema.at("/properties/planner/properties").fields().forEachRemaining(one -> {
            if (common.contains(one.getKey())) {
                leaves(one.getKey(), one.getValue(), each);
            }
        });
        var page = section(section(text(PAGE), "values", all.toString()), "services", each.toString());
        if (Boolean.getBoolean("docs.write")) {
            Files.writeString(PAGE, page);
        }
        assertThat(text(PAGE)).isEqualTo(page);
    }

    /** What each of the services has, described in the same words. */
    private Set<String> common() {
        var common = new TreeSet<String>();
        schema.at("/properties/planner/properties").fieldNames().forEachRemaining(key -> {
            var first = schema.at("/properties/planner/properties/" + key);
            if (SERVICES.stream().allMatch(service -> first.equals(schema.at("/properties/" + service + "/properties/" + key)))) {
                common.add(key);
            }
        });
        return common;
    }

    private static void rows(String key, JsonNode schema, JsonNode value, Set<String> leftOut, StringBuilder rows) {
        var below = schema.path("properties");
        if (below.isObject()) {
            below.fields().forEachRemaining(one -> {
                if (!leftOut.contains(one.getKey())) {
                    rows(key + "." + one.getKey(), one.getValue(), value.path(one.getKey()), Set.of(), rows);
                }
            });
            return;
        }
        rows.append("| `").append(key).append("` | ").append(shown(value)).append(" | ").append(schema.get("description").asText()).append(" |\n");
        var each = schema.path("additionalProperties").path("properties");
        if (each.isObject()) {
            each.fields().forEachRemaining(one -> rows(key + ".<name>." + one.getKey(), one.getValue(), value.path("none"), Set.of(), rows));
        }
    }

    private static void leaves(String key, JsonNode schema, StringBuilder rows) {
        var below = schema.path("properties");
        if (below.isObject()) {
            below.fields().forEachRemaining(one -> leaves(key + "." + one.getKey(), one.getValue(), rows));
            return;
        }
        rows.append("| `").append(key).append("` | ").append(schema.get("description").asText()).append(" |\n");
    }

    private static String shown(JsonNode value) {
        return value.isMissingNode() || value.isValueNode() && value.asText().isEmpty() || value.isContainerNode() && value.isEmpty() ? "" : "`" + value.toString().replace("\"", "") + "`";
    }

    private static String section(String page, String name, String content) {
        var begin = "<!-- " + name + " -->\n";
        var from = page.indexOf(begin) + begin.length();
        var to = page.indexOf("<!-- /" + name + " -->");
        assertThat(to).as(name + " has its place on the page").isGreaterThanOrEqualTo(from);
        return page.substring(0, from) + content + page.substring(to);
    }

    @Test
    void everyDefaultIsInTheSchemaAndDescribed() {
        described("", schema);
        known("", values, schema);
    }

    private static void described(String at, JsonNode schema) {
        schema.path("properties").fields().forEachRemaining(one -> {
            if (!one.getKey().equals("global")) {
                assertThat(one.getValue().path("description").asText()).as(at + "." + one.getKey()).isNotBlank();
                described(at + "." + one.getKey(), one.getValue());
            }
        });
    }

    private static void known(String at, JsonNode value, JsonNode schema) {
        if (schema.path("properties").isObject()) {
            value.fields().forEachRemaining(one -> {
                assertThat(schema.get("properties").has(one.getKey())).as(at + "." + one.getKey() + " is in the schema").isTrue();
                known(at + "." + one.getKey(), one.getValue(), schema.get("properties").get(one.getKey()));
            });
        }
    }

    @Test
    void theValuesOnThePageMakeWhatItSays() throws Exception {
        var helm = Helm.orSkip("the values on docs/install.md");
        assumeTrue(helm.isPresent());
        var shown = Pattern.compile("```yaml\n(.*?)```", Pattern.DOTALL).matcher(text(PAGE)).results().map(found -> found.group(1)).toList();
        assertThat(shown).hasSizeGreaterThan(3);
        // The first is the smallest, and the rest are added to it.
        var smallest = Files.writeString(folder.resolve("smallest.yaml"), shown.get(0));
        assertThat(new Yaml().<Object>load(shown.get(0))).isEqualTo(new Yaml().load(text(Helm.ci("smallest"))));
        for (var one : shown) {
            var more = Files.writeString(folder.resolve("more.yaml"), one);
            assertThat(helm.get().objects(smallest, "--values", more.toString())).as(one).isNotEmpty();
        }
    }
}
