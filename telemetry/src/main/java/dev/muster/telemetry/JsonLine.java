package dev.muster.telemetry;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.jboss.logmanager.ExtFormatter;
import org.jboss.logmanager.ExtLogRecord;

/**
 * A log record as one line of JSON.
 *
 * <p>Beside the fixed keys are those that the sentence itself names: of {@code "Launched: fleet=%s pool=%s"} the keys {@code fleet} and {@code pool}. They are
 * found in the sentence as it stands in the code, never in what was filled in, so that no value can pretend to be a key.
 */
final class JsonLine extends ExtFormatter {

    /** What a line has of its own: a sentence's key of that name is left out. */
    private static final Set<String> FIXED = Set.of("timestamp", "level", "service", "logger", "thread", "message", "error");
    private static final Pattern PLACE = Pattern.compile("(?:\\b([a-z][a-z0-9_]*)=)?%(?:[-#+ 0,(]*[0-9]*(?:\\.[0-9]+)?([a-zA-Z%]))");
    /** A line may be cut by whoever collects it; the first frames say the most. Characters. */
    private static final int MOST_STACK = 8_000;

    private final String service;
    /** Sentences are constants of the code: there are some hundred. */
    private final Map<String, List<String>> keysBySentence = new ConcurrentHashMap<>();

    JsonLine(String service) {
        this.service = service;
    }

    @Override
    public String format(ExtLogRecord record) {
        var fields = new LinkedHashMap<String, Object>();
        fields.put("timestamp", Instant.ofEpochMilli(record.getMillis()).truncatedTo(ChronoUnit.MILLIS).toString());
        fields.put("level", record.getLevel().getName());
        fields.put("service", service);
        fields.put("logger", record.getLoggerName());
        fields.put("thread", record.getThreadName());
        fields.put("message", record.getFormattedMessage());
        new java.util.TreeMap<>(record.getMdcCopy()).forEach((key, value) -> {
            if (!FIXED.contains(key)) {
                fields.put(key, value);
            }
        });
        named(record, fields);
        var line = new StringBuilder(256).append('{');
        fields.forEach((key, value) -> append(line, key, value));
        if (record.getThrown() != null) {
            line.append(",\"error\":{");
            append(line, "type", record.getThrown().getClass().getName());
            append(line, "message", String.valueOf(record.getThrown().getMessage()));
            append(line, "stack", stack(record.getThrown()));
            line.append('}');
        }
        return line.append("}\n").toString();
    }

    private void named(ExtLogRecord record, Map<String, Object> fields) {
        var parameters = record.getParameters();
        if (parameters == null || parameters.length == 0 || record.getFormatStyle() != ExtLogRecord.FormatStyle.PRINTF) {
            return;
        }
        var keys = keysBySentence.computeIfAbsent(record.getMessage(), JsonLine::keys);
        for (int i = 0; i < Math.min(keys.size(), parameters.length); i++) {
            var key = keys.get(i);
            if (!key.isEmpty() && !FIXED.contains(key)) {
                fields.put(key, parameters[i] instanceof Number number ? number : String.valueOf(parameters[i]));
            }
        }
    }

    /** Of each place in the sentence, in order; empty where it has none. */
    private static List<String> keys(String sentence) {
        return PLACE.matcher(sentence).results().filter(place -> !place.group(2).equals("%") && !place.group(2).equals("n"))
                .map(place -> place.group(1) == null ? "" : place.group(1)).toList();
    }

    private static String stack(Throwable thrown) {
        var text = new StringWriter();
        thrown.printStackTrace(new PrintWriter(text));
        return text.getBuffer().length() <= MOST_STACK ? text.toString() : text.getBuffer().substring(0, MOST_STACK);
    }

    private static void append(StringBuilder line, String key, Object value) {
        var last = line.charAt(line.length() - 1);
        if (last != '{') {
            line.append(',');
        }
        quote(line, key);
        line.append(':');
        if (value instanceof Integer || value instanceof Long) {
            line.append(value);
        } else {
            quote(line, String.valueOf(value));
        }
    }

    private static void quote(StringBuilder line, String text) {
        line.append('"');
        for (int i = 0; i < text.length(); i++) {
            var c = text.charAt(i);
            switch (c) {
                case '"' -> line.append("\\\"");
                case '\\' -> line.append("\\\\");
                case '\n' -> line.append("\\n");
                case '\r' -> line.append("\\r");
                case '\t' -> line.append("\\t");
                default -> {
                    // Also what ends a line elsewhere than here, and halves of characters, which are no text.
                    if (c < 0x20 || c == 0x7f || c == 0x85 || c == 0x2028 || c == 0x2029 || Character.isSurrogate(c) && !isPaired(text, i)) {
                        line.append(String.format("\\u%04x", (int) c));
                    } else {
                        line.append(c);
                    }
                }
            }
        }
        line.append('"');
    }

    private static boolean isPaired(String text, int at) {
        return Character.isHighSurrogate(text.charAt(at)) ? at + 1 < text.length() && Character.isLowSurrogate(text.charAt(at + 1))
                : at > 0 && Character.isHighSurrogate(text.charAt(at - 1));
    }
}
