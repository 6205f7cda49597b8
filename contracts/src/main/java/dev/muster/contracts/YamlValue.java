package dev.muster.contracts;

import com.google.protobuf.Duration;
import dev.muster.v1.Violation;
import java.io.StringReader;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Pattern;
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
 * One value of a YAML document that a person wrote, read strictly: whatever doesn't fit is gathered as a {@link Violation}
 * with its path and line, and reading goes on, so that all of them can be shown at once.
 *
 * <p>Keys are asked for by name; {@link #finish} then reports those that nobody asked for. Numbers are taken from the text as
 * written, never through floating point. Not thread-safe.
 */
public final class YamlValue {

    private static final Pattern DURATION = Pattern.compile("(?:(\\d{1,7})d)?(?:(\\d{1,9})h)?(?:(\\d{1,9})m)?(?:(\\d{1,12}(?:\\.\\d{1,9})?)s)?(?:(\\d{1,9})ms)?");
    private static final Pattern MONEY = Pattern.compile("\\d{1,12}(\\.\\d+)?");
    private static final Pattern FRACTION = Pattern.compile("\\d{1,12}(\\.\\d{1,40})?(E-\\d{1,3})?");
    /** Of an object that is taken as JSON: no call of a cloud takes more. */
    private static final int LONGEST_JSON = 16 * 1024;
    /** A wrong key this many edits away from a known one is taken for a slip. */
    private static final int SLIP = 3;

    private final Node node;
    private final String path;
    private final List<Violation> violations;
    private final Map<String, Node> entries = new LinkedHashMap<>();
    private final Map<String, Node> keys = new LinkedHashMap<>();
    private final TreeSet<String> known = new TreeSet<>();

    private YamlValue(Node node, String path, List<Violation> violations) {
        this.node = node;
        this.path = path;
        this.violations = violations;
        if (node instanceof MappingNode mapping) {
            for (var entry : mapping.getValue()) {
                readEntry(entry.getKeyNode(), entry.getValueNode());
            }
        }
    }

    private void readEntry(Node key, Node value) {
        if (!(key instanceof ScalarNode name)) {
            violate(path, key, "a key must be a plain word", "write key: value");
        } else if (entries.containsKey(name.getValue())) {
            violate(at(name.getValue()), key, "is there twice", "keep one of them");
        } else {
            entries.put(name.getValue(), value);
            keys.put(name.getValue(), key);
        }
    }

    /** The documents of a text, each with its own place in {@code violations}. Text that is no YAML is a violation too. */
    public static List<YamlValue> parse(String text, List<Violation> violations) {
        var values = new ArrayList<YamlValue>();
        try {
            for (var document : new Yaml(new SafeConstructor(new LoaderOptions())).composeAll(new StringReader(text))) {
                values.add(new YamlValue(document, "", violations));
            }
        } catch (MarkedYAMLException broken) {
            var line = broken.getProblemMark() == null ? 1 : broken.getProblemMark().getLine() + 1;
            violations.add(Violation.newBuilder().setProblem("line " + line + ": is no YAML: " + broken.getProblem())
                    .setFix("indent with spaces, one key: value a line").build());
        } catch (YAMLException broken) {
            violations.add(Violation.newBuilder().setProblem("is no YAML: " + broken.getMessage()).build());
        }
        return values;
    }

    /** Dotted names and numbers in brackets, from the document's top; empty at the top. */
    public String path() {
        return path;
    }

    public boolean isObject() {
        return node instanceof MappingNode;
    }

    public boolean isList() {
        return node instanceof SequenceNode;
    }

    public boolean has(String key) {
        known.add(key);
        return entries.containsKey(key);
    }

    /** The keys as written, in order. Asking for them makes all of them known. */
    public List<String> names() {
        known.addAll(entries.keySet());
        return List.copyOf(entries.keySet());
    }

    /** Those of the given keys that are there, in the order in which they were written. All of them are known from then on. */
    public List<String> written(Collection<String> keys) {
        known.addAll(keys);
        return entries.keySet().stream().filter(keys::contains).toList();
    }

    /** The key's value, whatever it is; empty if it isn't there. A key without a value is a violation. */
    public Optional<YamlValue> get(String key) {
        known.add(key);
        var value = entries.get(key);
        if (value == null) {
            return Optional.empty();
        }
        if (value.getTag().equals(Tag.NULL)) {
            violate(at(key), value, "has no value", "write one, or leave out the key");
            return Optional.empty();
        }
        return Optional.of(new YamlValue(value, at(key), violations));
    }

    /** The key's object; a violation, and empty, if it is something else. */
    public Optional<YamlValue> object(String key) {
        return get(key).filter(value -> value.isObject() || value.wrong("must be an object", "write its keys below it, indented"));
    }

    /** The key's list, or its one value as a list of one. Empty if it isn't there. */
    public List<YamlValue> list(String key) {
        return get(key).map(value -> value.isList() ? value.items() : List.of(value)).orElse(List.of());
    }

    /** The items of a list. */
    public List<YamlValue> items() {
        var items = new ArrayList<YamlValue>();
        if (node instanceof SequenceNode sequence) {
            for (var i = 0; i < sequence.getValue().size(); i++) {
                items.add(new YamlValue(sequence.getValue().get(i), path + "[" + i + "]", violations));
            }
        }
        return items;
    }

    /** This value's text as written; a violation, and empty, if it is no single value. */
    public Optional<String> text() {
        if (node instanceof ScalarNode scalar && !node.getTag().equals(Tag.NULL)) {
            return Optional.of(scalar.getValue());
        }
        wrong("must be one value", "write it behind the key");
        return Optional.empty();
    }

    public Optional<String> text(String key) {
        return get(key).flatMap(YamlValue::text);
    }

    public List<String> texts(String key) {
        return list(key).stream().flatMap(value -> value.text().stream()).toList();
    }

    /** A whole number from {@code least} to {@code most}. */
    public Optional<Long> number(String key, long least, long most) {
        return get(key).flatMap(value -> value.text().flatMap(text -> {
            if (text.matches("-?\\d{1,18}") && Long.parseLong(text) >= least && Long.parseLong(text) <= most) {
                return Optional.of(Long.parseLong(text));
            }
            value.wrong("is '" + text + "'", "write a whole number from " + least + " to " + most);
            return Optional.empty();
        }));
    }

    public Optional<Boolean> flag(String key) {
        return choice(key, Map.of("true", true, "false", false));
    }

    /** One of the given words. */
    public <T> Optional<T> choice(String key, Map<String, T> words) {
        return get(key).flatMap(value -> value.choice(words));
    }

    /** As above, of the value itself. */
    public <T> Optional<T> choice(Map<String, T> words) {
        return text().flatMap(text -> {
            if (words.containsKey(text)) {
                return Optional.of(words.get(text));
            }
            wrong("is '" + text + "'", "write one of " + String.join(", ", new TreeSet<>(words.keySet())));
            return Optional.empty();
        });
    }

    /** A time span such as {@code 90s}, {@code 15m}, {@code 1h30m}, {@code 250ms} or {@code 1.5s}. */
    public Optional<Duration> duration(String key) {
        return get(key).flatMap(value -> value.text().flatMap(text -> {
            var parsed = parseDuration(text);
            if (parsed.isEmpty()) {
                value.wrong("is '" + text + "'", "write a time span with its units, such as 90s, 15m, 1h30m or 7d");
            }
            return parsed;
        }));
    }

    /** Empty if the text is no time span. */
    public static Optional<Duration> parseDuration(String text) {
        var matcher = DURATION.matcher(text);
        if (text.isEmpty() || !matcher.matches()) {
            return Optional.empty();
        }
        var nanos = part(matcher.group(1), 86_400_000_000_000L)
                .add(part(matcher.group(2), 3_600_000_000_000L))
                .add(part(matcher.group(3), 60_000_000_000L))
                .add(part(matcher.group(4), 1_000_000_000L))
                .add(part(matcher.group(5), 1_000_000L)).toBigIntegerExact();
        var split = nanos.divideAndRemainder(java.math.BigInteger.valueOf(1_000_000_000L));
        // Protobuf's own limit, ten thousand years.
        if (split[0].compareTo(java.math.BigInteger.valueOf(315_576_000_000L)) > 0) {
            return Optional.empty();
        }
        return Optional.of(Duration.newBuilder().setSeconds(split[0].longValue()).setNanos(split[1].intValue()).build());
    }

    private static BigDecimal part(String digits, long nanosEach) {
        return digits == null ? BigDecimal.ZERO : new BigDecimal(digits).multiply(BigDecimal.valueOf(nanosEach));
    }

    /** The shortest text that {@link #parseDuration} reads as this span, which must not be negative. */
    public static String print(Duration span) {
        if (span.getNanos() != 0) {
            return new BigDecimal(span.getSeconds()).add(BigDecimal.valueOf(span.getNanos(), 9)).stripTrailingZeros().toPlainString() + "s";
        }
        var days = span.getSeconds() / 86_400;
        var hours = span.getSeconds() % 86_400 / 3600;
        var minutes = span.getSeconds() % 3600 / 60;
        var seconds = span.getSeconds() % 60;
        var text = (days == 0 ? "" : days + "d") + (hours == 0 ? "" : hours + "h") + (minutes == 0 ? "" : minutes + "m") + (seconds == 0 ? "" : seconds + "s");
        return text.isEmpty() ? "0s" : text;
    }

    /** An amount such as {@code 0.096}, in micro-units: exactly, or a violation. */
    public Optional<Long> micros(String key) {
        return get(key).flatMap(YamlValue::micros);
    }

    /** This value as {@link #micros(String)} reads a key's. */
    public Optional<Long> micros() {
        return text().flatMap(text -> {
            if (!MONEY.matcher(text).matches()) {
                wrong("is '" + text + "'", "write an amount such as 0.096");
                return Optional.empty();
            }
            var amount = new BigDecimal(text).stripTrailingZeros();
            if (amount.scale() > 6) {
                wrong("is " + text + ", finer than a millionth", "write at most six decimals");
                return Optional.empty();
            }
            return Optional.of(amount.movePointRight(6).longValueExact());
        });
    }

    /** A factor such as {@code 0.85}: digits and a point, so that neither infinity nor NaN nor a sign gets through. */
    public Optional<Double> fraction(String key) {
        return get(key).flatMap(value -> value.text().flatMap(text -> {
            if (!FRACTION.matcher(text).matches()) {
                value.wrong("is '" + text + "'", "write a number such as 0.85");
                return Optional.empty();
            }
            return Optional.of(Double.parseDouble(text));
        }));
    }

    /** The factor as it is written. What is no number is as YAML has it, and refused by whoever reads it. */
    static Number fraction(double fraction) {
        return !Double.isFinite(fraction) ? (Number) fraction : plain(BigDecimal.valueOf(fraction).stripTrailingZeros());
    }

    /** The amount as it is written, without needless zeros. */
    static Number amount(long micros) {
        return plain(BigDecimal.valueOf(micros, 6).stripTrailingZeros());
    }

    /** A whole number as one: as a decimal, YAML would write its type beside it. */
    static Number plain(BigDecimal number) {
        return number.scale() <= 0 ? number.toBigIntegerExact() : number;
    }

    /** The key's object as JSON without blanks; if it is one value, that text itself. */
    public Optional<String> json(String key) {
        return get(key).flatMap(value -> {
            if (!value.isObject()) {
                return value.text();
            }
            var json = new StringBuilder();
            return value.writeJson(json) ? Optional.of(json.toString()) : Optional.empty();
        });
    }

    /** @return false if it can't be written, and that is reported */
    private boolean writeJson(StringBuilder json) {
        // Before anything below it is looked at: what refers to itself has no end.
        if (json.length() > LONGEST_JSON) {
            return wrong("is longer than " + LONGEST_JSON + " characters", "write less");
        }
        if (isObject()) {
            var separator = "{";
            for (var name : entries.keySet()) {
                json.append(separator).append(Json.write(name)).append(':');
                separator = ",";
                var value = get(name);
                if (value.isEmpty() || !value.get().writeJson(json)) {
                    return false;
                }
            }
            json.append(entries.isEmpty() ? "{}" : "}");
            return true;
        }
        if (isList()) {
            var separator = "[";
            for (var item : items()) {
                json.append(separator);
                separator = ",";
                if (!item.writeJson(json)) {
                    return false;
                }
            }
            json.append(separator.equals("[") ? "[]" : "]");
            return true;
        }
        var text = text();
        text.ifPresent(written -> json.append(isJson(written) ? written : Json.write(written)));
        return text.isPresent();
    }

    /** Whether an unquoted value means the same in JSON. Words such as yes and on, and numbers such as 0x1f, stay text. */
    private boolean isJson(String text) {
        return node.getTag().equals(Tag.BOOL) && (text.equals("true") || text.equals("false"))
                || (node.getTag().equals(Tag.INT) || node.getTag().equals(Tag.FLOAT)) && Json.NUMBER.matcher(text).matches();
    }

    /** Reports every key that was not asked for, with the known key it looks like. */
    public void finish() {
        entries.keySet().stream().filter(key -> !known.contains(key)).forEach(key -> violate(at(key), keys.get(key), "there is no such key",
                nearest(key).map(near -> "write '" + near + "'").orElse("there are " + String.join(", ", known))));
    }

    private Optional<String> nearest(String key) {
        return known.stream().filter(name -> !entries.containsKey(name)).min(Comparator.comparingInt(name -> edits(key, name)))
                .filter(name -> edits(key, name) <= Math.min(SLIP, Math.max(1, key.length() / 2)));
    }

    private static int edits(String a, String b) {
        var row = new int[b.length() + 1];
        for (var j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (var i = 1; i <= a.length(); i++) {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.length(); j++) {
                var cost = Character.toLowerCase(a.charAt(i - 1)) == Character.toLowerCase(b.charAt(j - 1)) ? 0 : 1;
                var least = Math.min(diagonal + cost, Math.min(row[j], row[j - 1]) + 1);
                diagonal = row[j];
                row[j] = least;
            }
        }
        return row[b.length()];
    }

    /** Reports this value. @return false, for use behind {@code ||} */
    public boolean wrong(String problem, String fix) {
        violate(path, node, problem, fix);
        return false;
    }

    /** Reports that a key is missing. */
    public void missing(String key, String fix) {
        violate(at(key), node, "is missing", fix);
    }

    private void violate(String field, Node where, String problem, String fix) {
        violations.add(Violation.newBuilder().setField(field)
                .setProblem("line " + (where.getStartMark().getLine() + 1) + ": " + problem).setFix(fix).build());
    }

    private String at(String key) {
        return path.isEmpty() ? key : path + "." + key;
    }
}
