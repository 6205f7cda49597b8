package dev.muster.planner.foreign;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.Duration;
import dev.muster.contracts.Json;
import dev.muster.v1.Violation;
import java.io.StringReader;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;

/**
 * One value of a file that another product wrote, YAML or JSON, read as loosely as that product reads it: a null or an empty text is
 * as good as nothing, a number or a flag may be in quotes, a list may be one text with commas.
 *
 * <p>What doesn't fit is gathered as a {@link Violation} with its path and never with the value itself, which may be a secret. Not
 * thread-safe.
 */
final class ForeignValue {

    /** Deeper than any call of a cloud. */
    private static final int DEEPEST = 30;
    private static final ObjectMapper STRICT_JSON = new ObjectMapper().enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);

    private final Node node;
    private final String path;
    private final List<Violation> violations;
    private final Map<String, Node> entries;

    private ForeignValue(Node node, String path, List<Violation> violations) {
        this.node = node;
        this.path = path;
        this.violations = violations;
        this.entries = node instanceof MappingNode mapping ? entries(mapping, Collections.newSetFromMap(new IdentityHashMap<>())) : Map.of();
    }

    /** The file's one document; empty, with a violation, if it is none. */
    static Optional<ForeignValue> parse(String text, List<Violation> violations) {
        try {
            var node = new Yaml(new SafeConstructor(new LoaderOptions())).compose(new StringReader(plain(text)));
            if (node == null) {
                violations.add(violation("", "is empty", "give the file that ClearML's autoscaler runs with"));
                return Optional.empty();
            }
            return Optional.of(new ForeignValue(node, "", violations));
        } catch (MarkedYAMLException broken) {
            // Not the parser's own words: they quote the text.
            var mark = broken.getProblemMark();
            violations.add(violation("", (mark == null ? "" : "line " + (mark.getLine() + 1) + ": ") + "is neither YAML nor JSON",
                    "give the file as ClearML wrote it: one document, indented with spaces"));
        } catch (YAMLException broken) {
            violations.add(violation("", "is neither YAML nor JSON", "give the file as ClearML wrote it: one document, indented with spaces"));
        }
        return Optional.empty();
    }

    /** JSON may be indented with tabs, which YAML refuses: written anew, it is both. */
    private static String plain(String text) {
        var bare = text.startsWith("\uFEFF") ? text.substring(1) : text;
        if (!bare.stripLeading().startsWith("{")) {
            return bare;
        }
        try {
            return STRICT_JSON.writeValueAsString(STRICT_JSON.readTree(bare));
        } catch (JsonProcessingException yaml) {
            return bare;
        }
    }

    /** With what {@code <<} brings in, which an object's own keys win over. */
    private static Map<String, Node> entries(MappingNode mapping, Set<Node> within) {
        var entries = new LinkedHashMap<String, Node>();
        if (!within.add(mapping)) {
            return entries;
        }
        for (var entry : mapping.getValue()) {
            if (!(entry.getKeyNode() instanceof ScalarNode key)) {
                continue;
            }
            if (!key.getValue().equals("<<")) {
                entries.put(key.getValue(), entry.getValueNode());
            } else {
                var merged = entry.getValueNode() instanceof SequenceNode several ? several.getValue() : List.of(entry.getValueNode());
                for (var one : merged) {
                    if (one instanceof MappingNode more) {
                        entries(more, within).forEach(entries::putIfAbsent);
                    }
                }
            }
        }
        within.remove(mapping);
        return entries;
    }

    String path() {
        return path;
    }

    boolean isObject() {
        return node instanceof MappingNode;
    }

    boolean isList() {
        return node instanceof SequenceNode;
    }

    /** Nothing is said: null, an empty text, an object or a list of nothing. */
    boolean isBlank() {
        return node.getTag().equals(Tag.NULL) || node instanceof ScalarNode scalar && scalar.getValue().isBlank()
                || node instanceof MappingNode && entries.isEmpty() || node instanceof SequenceNode sequence && sequence.getValue().isEmpty();
    }

    /** Of an object, in the order in which they are written. */
    List<String> keys() {
        return List.copyOf(entries.keySet());
    }

    /** Empty if the key isn't there. */
    Optional<ForeignValue> get(String key) {
        return Optional.ofNullable(entries.get(key)).map(value -> new ForeignValue(value, path.isEmpty() ? key : path + "." + key, violations));
    }

    List<ForeignValue> items() {
        var items = new ArrayList<ForeignValue>();
        if (node instanceof SequenceNode sequence) {
            for (var value : sequence.getValue()) {
                items.add(new ForeignValue(value, path + "[" + items.size() + "]", violations));
            }
        }
        return items;
    }

    /** As written; empty, with a violation, if it is no single value. */
    Optional<String> text() {
        if (isBlank()) {
            return Optional.empty();
        }
        if (node instanceof ScalarNode scalar) {
            return Optional.of(scalar.getValue());
        }
        wrong("must be one value", "write it behind the key");
        return Optional.empty();
    }

    /** The texts of a list, or of one text with commas. */
    List<String> texts() {
        if (isBlank()) {
            return List.of();
        }
        if (isList()) {
            return items().stream().flatMap(item -> item.text().stream()).map(String::strip).filter(text -> !text.isEmpty()).toList();
        }
        return text().map(text -> List.of(text.split(","))).orElse(List.of()).stream().map(String::strip).filter(text -> !text.isEmpty()).toList();
    }

    Optional<Boolean> flag() {
        return text().flatMap(text -> switch (text.strip().toLowerCase(Locale.ROOT)) {
            case "true", "yes", "on", "1" -> Optional.of(true);
            case "false", "no", "off", "0" -> Optional.of(false);
            default -> {
                wrong("is neither true nor false", "write true or false");
                yield Optional.empty();
            }
        });
    }

    /** A whole number from {@code least} to 2147483647. */
    Optional<Integer> number(int least, String fix) {
        return text().flatMap(text -> {
            var digits = text.strip().replaceFirst("\\.0+$", "");
            if (digits.matches("-?\\d{1,18}") && Long.parseLong(digits) >= least && Long.parseLong(digits) <= Integer.MAX_VALUE) {
                return Optional.of((int) Long.parseLong(digits));
            }
            wrong(digits.matches("-\\d{1,18}") ? "is negative" : "is no whole number from " + least + " on", fix);
            return Optional.empty();
        });
    }

    /** A span in minutes, maybe with a fraction; whole seconds, rounded up. */
    Optional<Duration> minutes() {
        return text().flatMap(text -> {
            var number = text.strip();
            if (number.matches("\\d{1,9}(\\.\\d{1,9})?")) {
                var seconds = new BigDecimal(number).multiply(BigDecimal.valueOf(60)).setScale(0, RoundingMode.CEILING).longValueExact();
                return Optional.of(Duration.newBuilder().setSeconds(seconds).build());
            }
            wrong(number.startsWith("-") ? "is negative" : "is no number of minutes", "write minutes, such as 15");
            return Optional.empty();
        });
    }

    /**
     * As {@link Json} has values, without nulls; an object that is written as JSON in one text is that object. A
     * violation, and empty, if it is neither JSON nor an object.
     */
    Optional<Map<String, Object>> structure() {
        if (isBlank()) {
            return Optional.empty();
        }
        try {
            var value = node instanceof ScalarNode scalar ? Json.read(scalar.getValue()) : value(0);
            if (value instanceof Map<?, ?> map) {
                var structure = new LinkedHashMap<String, Object>();
                map.forEach((key, of) -> structure.put(key.toString(), of));
                return Optional.of(structure);
            }
            wrong("is no object", "write keys and values, or a JSON object");
        } catch (IllegalArgumentException broken) {
            wrong(broken.getMessage(), "write keys and values, or a JSON object");
        }
        return Optional.empty();
    }

    /** As {@link Json} has values, without nulls; empty for nothing. A violation, and empty, if it is nested too deep. */
    Optional<Object> value() {
        try {
            return isBlank() ? Optional.empty() : Optional.ofNullable(value(0));
        } catch (IllegalArgumentException deep) {
            wrong(deep.getMessage(), "write it plainly");
            return Optional.empty();
        }
    }

    /** For people, who may not be shown the value itself. */
    String kind() {
        return isObject() ? "an object" : isList() ? "a list" : node.getTag().equals(Tag.BOOL) ? "a flag" : node.getTag().equals(Tag.INT) || node.getTag().equals(Tag.FLOAT) ? "a number" : "a text";
    }

    /** Null for a null. */
    private Object value(int depth) {
        if (depth > DEEPEST) {
            throw new IllegalArgumentException("is nested deeper than " + DEEPEST + " levels");
        }
        if (isObject()) {
            var map = new LinkedHashMap<String, Object>();
            keys().forEach(key -> Optional.ofNullable(get(key).orElseThrow().value(depth + 1)).ifPresent(value -> map.put(key, value)));
            return map;
        }
        if (isList()) {
            return items().stream().map(item -> item.value(depth + 1)).filter(Objects::nonNull).toList();
        }
        var text = ((ScalarNode) node).getValue();
        if (node.getTag().equals(Tag.NULL)) {
            return null;
        }
        if (node.getTag().equals(Tag.BOOL) && List.of("true", "false").contains(text.toLowerCase(Locale.ROOT))) {
            return Boolean.valueOf(text);
        }
        return (node.getTag().equals(Tag.INT) || node.getTag().equals(Tag.FLOAT)) && text.matches("-?(0|[1-9]\\d{0,17})(\\.\\d{1,18})?") ? new BigDecimal(text) : text;
    }

    void wrong(String problem, String fix) {
        violations.add(violation(path, problem, fix));
    }

    void missing(String key, String fix) {
        violations.add(violation(path.isEmpty() ? key : path + "." + key, "is missing", fix));
    }

    private static Violation violation(String field, String problem, String fix) {
        return Violation.newBuilder().setField(field).setProblem(problem).setFix(fix).build();
    }
}
