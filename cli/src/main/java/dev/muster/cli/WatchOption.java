package dev.muster.cli;

import com.google.protobuf.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import picocli.CommandLine.Option;

/** What lists understand that are asked for again and again, since the API has no stream of them. */
final class WatchOption {

    @Option(names = "--watch", description = "Show it again every 2 s until interrupted: drawn over in a terminal, else where it changed, a document a line with --json.")
    boolean watch;

    /** Shows what is read, once or again and again. @param lines for people */
    <M extends Message> void show(Output output, Supplier<M> read, Function<M, List<String>> lines) {
        if (!watch) {
            var answer = read.get();
            if (output.isJson()) {
                output.resource(answer);
            } else {
                lines.apply(answer).forEach(output::line);
            }
            return;
        }
        // Often enough for a person, seldom enough for a server with many of them. A test's own pace is another.
        long everyMillis = Long.getLong("muster.watchMillis", 2_000);
        M last = null;
        var isSilent = false;
        while (!Thread.currentThread().isInterrupted() && !output.isClosed()) {
            try {
                var answer = read.get();
                if (isSilent || !answer.equals(last)) {
                    if (output.isJson()) {
                        output.resourceLine(answer);
                    } else {
                        output.redraw(lines.apply(answer));
                    }
                }
                last = answer;
                isSilent = false;
            } catch (CliFailure failed) {
                if (Thread.currentThread().isInterrupted()) {
                    return;
                }
                // A server that was there comes back; one that never was does not.
                if (last == null || failed.exitCode != CliFailure.NOT_RUNNING) {
                    throw failed;
                }
                if (!isSilent) {
                    System.err.println("muster: the control API does not answer; it is asked again until it does");
                }
                isSilent = true;
            }
            try {
                TimeUnit.MILLISECONDS.sleep(everyMillis);
            } catch (InterruptedException interrupted) {
                return;
            }
        }
    }

    /** Of a stream, on the thread that reads it. */
    static void endIfClosed(Output output) {
        if (output.isClosed()) {
            Thread.currentThread().interrupt();
        }
    }

    /** What of the lines a screen holds; the last one says what is left out. */
    static List<String> fit(List<String> lines, Terminal.Size size) {
        var most = Math.max(2, size.rows() - 1);
        var fitting = new ArrayList<>(lines.size() > most ? lines.subList(0, most - 1) : lines);
        if (lines.size() > most) {
            fitting.add("… and " + (lines.size() - most + 1) + " more");
        }
        fitting.replaceAll(line -> cut(line, size.columns()));
        return fitting;
    }

    static String cut(String line, int columns) {
        return line.codePointCount(0, line.length()) <= columns ? line : line.substring(0, line.offsetByCodePoints(0, Math.max(0, columns - 1))) + "…";
    }
}
