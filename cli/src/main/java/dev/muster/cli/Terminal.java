package dev.muster.cli;

import java.io.File;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** The terminal that a person sits at, by the system's own {@code stty}: no library is as small, or starts as fast. */
final class Terminal {

    /** What every terminal has had since there are any. */
    static final Size LEAST = new Size(80, 24);
    /** A size is asked for no more often: each answer is a process. */
    private static final long FRESH_NANOS = TimeUnit.SECONDS.toNanos(1);

    private static Size last;
    private static long lastAt;

    private Terminal() {}

    record Size(int columns, int rows) {}

    /** As of a second ago at most; {@link #LEAST} where there is no terminal. */
    static synchronized Size size() {
        if (last == null || System.nanoTime() - lastAt > FRESH_NANOS) {
            last = stty("size").flatMap(Terminal::parse).orElse(LEAST);
            lastAt = System.nanoTime();
        }
        return last;
    }

    private static Optional<Size> parse(String text) {
        var numbers = text.strip().split(" ");
        try {
            var size = new Size(Integer.parseInt(numbers[1]), Integer.parseInt(numbers[0]));
            // A terminal that nobody has told its size says 0.
            return size.columns() > 0 && size.rows() > 0 ? Optional.of(size) : Optional.empty();
        } catch (NumberFormatException | ArrayIndexOutOfBoundsException unclear) {
            return Optional.empty();
        }
    }

    /**
     * Keys come one by one and are not shown, until what is returned is run.
     *
     * @throws CliFailure if this is no terminal
     */
    static Runnable keysOneByOne() {
        var before = stty("-g").map(String::strip).orElseThrow(() -> CliFailure.usage("this is no terminal: --once prints one frame"));
        stty("-icanon", "-echo", "min", "1");
        return () -> stty(before);
    }

    private static Optional<String> stty(String... arguments) {
        var command = new java.util.ArrayList<String>();
        command.add("stty");
        command.addAll(java.util.List.of(arguments));
        try {
            var process = new ProcessBuilder(command).redirectInput(ProcessBuilder.Redirect.from(new File("/dev/tty"))).redirectError(ProcessBuilder.Redirect.DISCARD).start();
            var answer = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.US_ASCII);
            return process.waitFor() == 0 ? Optional.of(answer) : Optional.empty();
        } catch (IOException none) {
            return Optional.empty();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }
}
