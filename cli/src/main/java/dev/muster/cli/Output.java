package dev.muster.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.util.JsonFormat;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.yaml.snakeyaml.DumperOptions;
import org.yaml.snakeyaml.Yaml;

/**
 * Where a command writes: one JSON document or the same as YAML, lines for a pipe, or lines and live progress for a terminal.
 *
 * <p>With {@code --json} or {@code --yaml} nothing but the document goes to standard output; progress goes nowhere. Not thread-safe.
 */
final class Output implements Documents {

    /** For people, or one document for programs. */
    enum Format { LINES, JSON, YAML }

    private static final String CLEAR_BELOW = "\u001b[J";

    /** Made when the first is written. */
    private static final class Resources {
        static final JsonFormat.Printer PRINTER = JsonFormat.printer().alwaysPrintFieldsWithNoPresence();
    }

    private final PrintStream out;
    private final Format format;
    private final boolean terminal;
    private int liveLines;
    private List<String> lastLive = List.of();

    Output(PrintStream out, boolean json, boolean terminal) {
        this(out, json ? Format.JSON : Format.LINES, terminal);
    }

    /** @param terminal lines may be drawn over */
    Output(PrintStream out, Format format, boolean terminal) {
        this.out = out;
        this.format = format;
        this.terminal = terminal && format == Format.LINES;
    }

    /** One document is wanted and no lines, whichever way it is written. */
    boolean isJson() {
        return format != Format.LINES;
    }

    /** Whoever read this reads no more, as {@code head} does: a watch ends then. */
    boolean isClosed() {
        return out.checkError();
    }

    Format format() {
        return format;
    }

    /** Lines may be drawn over. */
    boolean isTerminal() {
        return terminal;
    }

    /** A line for people. */
    void line(String text) {
        if (!isJson()) {
            clearLive();
            out.println(text);
        }
    }

    /** The answer as protobuf JSON. */
    void resource(MessageOrBuilder message) {
        document(Resources.PRINTER, message, "");
    }

    /** One message of a stream: as one line, or as a YAML document of several. */
    void resourceLine(MessageOrBuilder message) {
        document(Resources.PRINTER.omittingInsignificantWhitespace(), message, "---\n");
        out.flush();
    }

    private void document(JsonFormat.Printer printer, MessageOrBuilder message, String before) {
        try {
            var json = printer.print(message);
            if (format == Format.YAML) {
                out.print(before + yaml(JSON.readValue(json, new TypeReference<Map<String, Object>>() {})));
            } else {
                out.println(json);
            }
        } catch (InvalidProtocolBufferException | JsonProcessingException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    /** The answer of commands whose answer is no resource. */
    void json(ObjectNode answer) {
        try {
            if (format == Format.YAML) {
                out.print(yaml(JSON.convertValue(answer, new TypeReference<Map<String, Object>>() {})));
            } else {
                out.println(JSON.writerWithDefaultPrettyPrinter().writeValueAsString(answer));
            }
        } catch (JsonProcessingException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    /** In block style, keys in their order, with a line end. */
    static String yaml(Map<String, ?> document) {
        var options = new DumperOptions();
        options.setDefaultFlowStyle(DumperOptions.FlowStyle.BLOCK);
        options.setSplitLines(false);
        return new Yaml(options).dump(document);
    }

    /** Columns as wide as they need to be. */
    void table(List<String> head, List<List<String>> rows) {
        format(head, rows).forEach(this::line);
    }

    static List<String> format(List<String> head, List<List<String>> rows) {
        var all = new ArrayList<List<String>>();
        all.add(head);
        all.addAll(rows);
        var widths = new int[head.size()];
        all.forEach(row -> {
            for (var i = 0; i < row.size(); i++) {
                widths[i] = Math.max(widths[i], row.get(i).codePointCount(0, row.get(i).length()));
            }
        });
        return all.stream().map(row -> {
            var line = new StringBuilder();
            for (var i = 0; i < row.size(); i++) {
                line.append(row.get(i));
                if (i < row.size() - 1) {
                    line.append(" ".repeat(widths[i] - row.get(i).codePointCount(0, row.get(i).length()) + 2));
                }
            }
            return line.toString().stripTrailing();
        }).toList();
    }

    /**
     * What is going on now. A terminal shows these lines in place of the last ones; a pipe gets the lines that are new.
     */
    void live(List<String> lines) {
        if (isJson() || lines.equals(lastLive)) {
            return;
        }
        if (terminal) {
            clearLive();
            lines.forEach(out::println);
            liveLines = lines.size();
        } else {
            lines.stream().filter(line -> !lastLive.contains(line)).forEach(out::println);
        }
        out.flush();
        lastLive = List.copyOf(lines);
    }

    /** The whole of something that changed: over what was drawn before, cut to the screen; below it for a pipe, an empty line between. */
    void redraw(List<String> lines) {
        if (isJson()) {
            return;
        }
        if (terminal) {
            live(WatchOption.fit(lines, Terminal.size()));
            return;
        }
        if (!lastLive.isEmpty() && !lines.equals(lastLive)) {
            out.println();
        }
        if (!lines.equals(lastLive)) {
            lines.forEach(out::println);
            out.flush();
        }
        lastLive = List.copyOf(lines);
    }

    /** How often figures that always change are worth showing: a log of every half second is no help. */
    Duration pace() {
        return terminal ? Duration.ZERO : Duration.ofSeconds(10);
    }

    /** The live lines stay as they are; later ones go below. */
    void endLive() {
        liveLines = 0;
        lastLive = List.of();
    }

    private void clearLive() {
        if (liveLines > 0) {
            out.print("\u001b[" + liveLines + "A\r" + CLEAR_BELOW);
            liveLines = 0;
        }
        lastLive = List.of();
    }
}
