package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import dev.muster.contracts.FleetYaml;
import dev.muster.contracts.InvalidYamlException;
import dev.muster.planner.foreign.ChartField;
import dev.muster.planner.foreign.ClearmlField;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.yaml.snakeyaml.Yaml;

/** Keeps docs/parity.md true: our fields on it are there, and what the import reads has its row. */
class ParityTest {

    private static final Path DOCS = Path.of("..", "docs");
    private static final Set<String> WORDS = Set.of("installation", "not needed", "not offered");
    private static final Pattern CODE = Pattern.compile("`([^`]+)`");
    private static final String BASE = "{name: base, queues: {q: {priority: 1}}, pools: {p: {type: base}}}";
    /** What the page of the spec calls a list or an object, and text that would be read as one. */
    private static final Map<String, String> SAMPLES = Map.of("pools.<pool>", "{type: other}", "pools.<pool>.offers", "[{type: a}, {type: b}]", "budgets", "{day: 300}",
            "pools.<pool>.agent.extraConf", "'agent.git_user: bot'");

    private record Row(String section, String field, String ours, String differences) {}

    private static List<Row> rows() throws IOException {
        var rows = new ArrayList<Row>();
        var section = "";
        for (var line : Files.readAllLines(DOCS.resolve("parity.md"))) {
            if (line.startsWith("#")) {
                section = line.replaceFirst("#+ ", "");
            } else if (line.startsWith("| ") && !line.startsWith("| ---") && !line.startsWith("| field |")) {
                var cells = line.split("\\|", -1);
                assertThat(cells).as(line).hasSize(6);
                rows.add(new Row(section, cells[1].strip(), cells[3].strip(), cells[4].strip()));
            }
        }
        return rows;
    }

    private static List<String> codes(String text) {
        return CODE.matcher(text).results().map(match -> match.group(1)).toList();
    }

    @Test
    void everyRowNamesAFieldOrSaysWhyThereIsNone() throws Exception {
        assertThat(rows()).hasSizeGreaterThan(120).allSatisfy(row -> assertThat(WORDS.contains(row.ours()) || row.ours().matches("`[^`]+`")).as(row.toString()).isTrue());
        assertThat(rows().stream().map(Row::section).distinct()).containsExactly("AWS application", "GCP application", "Open-source autoscaler", "Options of the Kubernetes glue", "Open-source chart `clearml-agent` 5.3.2", "Enterprise chart");
    }

    /** Each path, written alone, is read without a violation and changes fields of the message: so the contract has it. */
    @Test
    void everyFieldOfOursIsInTheContract() throws Exception {
        var samples = samples();
        var paths = new TreeSet<String>();
        for (var row : rows()) {
            paths.addAll(codes(row.ours()));
            codes(row.differences()).stream().filter(path -> path.matches("(pools|queues)\\.<.*|budgets")).forEach(paths::add);
        }
        assertThat(paths).hasSizeGreaterThan(25);
        for (var path : paths) {
            // What only one cloud has a word for is written in a pool of that cloud.
            var written = path.endsWith(".namespace") ? BASE.replace("{type: base}", "{type: base, provider: k8s}") : BASE;
            var base = FleetYaml.read(written);
            assertThat(samples).as("docs/fleet-spec.md, which has every field").containsKey(path);
            var top = new Yaml().<Map<String, Object>>load(written);
            put(top, path, new Yaml().load(samples.get(path)));
            try {
                var spec = FleetYaml.read(new Yaml().dump(top));
                var before = fields(base);
                var set = new TreeMap<>(fields(spec));
                set.entrySet().removeIf(entry -> entry.getValue().equals(before.get(entry.getKey())));
                assertThat(set).as("what %s sets", path).isNotEmpty();
            } catch (InvalidYamlException unknown) {
                throw new AssertionError("docs/parity.md names " + path + ", and there is no such field", unknown);
            }
        }
    }

    /** Every field that is set, by its names in the contract, down to single values. */
    private static Map<String, String> fields(Message message) {
        var fields = new TreeMap<String, String>();
        message.getAllFields().forEach((field, value) -> {
            var values = field.isRepeated() ? (List<?>) value : List.of(value);
            for (var i = 0; i < values.size(); i++) {
                var at = field.getFullName() + (field.isRepeated() ? "[" + i + "]" : "");
                if (field.getJavaType() == FieldDescriptor.JavaType.MESSAGE) {
                    fields((Message) values.get(i)).forEach((name, text) -> fields.put(at + "/" + name, text));
                    fields.putIfAbsent(at, "");
                } else {
                    fields.put(at, values.get(i).toString());
                }
            }
        });
        return fields;
    }

    private static Map<String, String> samples() throws IOException {
        var samples = new TreeMap<String, String>();
        for (var line : Files.readAllLines(DOCS.resolve("fleet-spec.md"))) {
            if (line.startsWith("| `")) {
                var cells = line.split(" \\| ");
                var sample = codes(cells[1]);
                samples.put(codes(cells[0]).get(0), sample.isEmpty() ? "" : sample.get(0));
            }
        }
        samples.putAll(SAMPLES);
        return samples;
    }

    @SuppressWarnings("unchecked")
    private static void put(Map<String, Object> into, String path, Object value) {
        var dot = path.indexOf('.');
        var key = (dot < 0 ? path : path.substring(0, dot)).replace("<queue>", "q").replace("<pool>", "p");
        if (dot < 0) {
            into.put(key, value);
        } else if (key.endsWith("[]")) {
            var item = new LinkedHashMap<String, Object>();
            into.put(key.substring(0, key.length() - 2), List.of(item));
            put(item, path.substring(dot + 1), value);
        } else {
            put((Map<String, Object>) into.computeIfAbsent(key, name -> new LinkedHashMap<String, Object>()), path.substring(dot + 1), value);
        }
    }

    @Test
    void everyFieldThatTheImportReadsHasItsRow() throws Exception {
        var rows = rows();
        for (var field : ClearmlField.values()) {
            assertThat(field.label.isEmpty() && field.openSource.isEmpty()).as(field.name()).isFalse();
            if (!field.label.isEmpty() && field.isOnAws()) {
                assertThat(rows).as("row of " + field + " in AWS application").anyMatch(row -> row.section().equals("AWS application") && row.field().equals(field.label) && agrees(row, field));
            }
            if (!field.isOnAws()) {
                assertThat(rows).as("row of " + field + " in GCP application").anyMatch(row -> row.section().equals("GCP application") && row.field().equals(field.label) && agrees(row, field));
            }
            if (!field.openSource.isEmpty()) {
                assertThat(rows).as("row of " + field + " in Open-source autoscaler")
                        .anyMatch(row -> row.section().equals("Open-source autoscaler") && codes(row.field()).contains(field.openSource) && agrees(row, field));
            }
        }
    }

    @Test
    void everyKeyThatTheImportOfTheChartReadsHasItsRow() throws Exception {
        var rows = rows().stream().filter(row -> row.section().contains("chart") || row.section().contains("glue")).toList();
        for (var field : ChartField.values()) {
            assertThat(rows).as("row of " + field).anyMatch(row -> codes(row.field()).contains(field.path())
                    && (field.ours.isEmpty() ? WORDS.contains(row.ours()) : codes(row.ours()).contains(field.ours)));
        }
        // And the other way round, but for options and files of the glue that no values hold.
        assertThat(rows.stream().flatMap(row -> codes(row.field()).stream()).filter(path -> path.matches("(clearml|agentk8sglue|sessions|queueSettings)\\..*|(CLEARML|K8S)_[A-Z0-9_]+")))
                .allSatisfy(path -> assertThat(Stream.of(ChartField.values()).map(ChartField::path)).contains(path));
    }

    private static boolean agrees(Row row, ClearmlField field) {
        return field.ours.isEmpty() ? WORDS.contains(row.ours()) : codes(row.ours()).contains(field.ours);
    }

    @Test
    void everyRowOfTheAutoscalersIsReadByTheImport() throws Exception {
        for (var row : rows()) {
            var onGoogle = row.section().equals("GCP application");
            var names = row.section().equals("AWS application") || onGoogle ? List.of(row.field()) : row.section().equals("Open-source autoscaler") ? codes(row.field()) : List.<String>of();
            if (!row.field().startsWith("Import Configuration")) {
                assertThat(names).allSatisfy(name -> assertThat(Stream.of(ClearmlField.Place.values()).anyMatch(place -> ClearmlField.of(place, name, onGoogle).isPresent())).as(row.toString()).isTrue());
            }
        }
    }
}
