package dev.muster.planner;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * How much processor time this computer wanted and its host gave to others since this was made: what {@code /proc/stat} calls steal. A benchmark on
 * a shared host says it beside its figures, since whoever waits for a stolen processor is slow without having done anything slowly.
 */
public final class StolenTime {

    private static final Path STAT = Path.of("/proc/stat");
    /** user, nice, system, idle, iowait, irq, softirq, steal: the fields that make up all time of all processors. */
    private static final int FIELDS = 8;
    private static final int STEAL = 7;

    private final long[] before = read();

    /** In percent of all processors' time; NaN where the system doesn't tell. */
    public double percent() {
        var now = read();
        var all = 0L;
        for (int i = 0; i < now.length; i++) {
            all += now[i] - before[i];
        }
        return all == 0 ? Double.NaN : 100.0 * (now[STEAL] - before[STEAL]) / all;
    }

    private static long[] read() {
        var ticks = new long[FIELDS];
        try (var lines = Files.lines(STAT, StandardCharsets.US_ASCII)) {
            var fields = lines.findFirst().orElse("").split("\\s+");
            for (int i = 0; i < FIELDS && i + 1 < fields.length; i++) {
                ticks[i] = Long.parseLong(fields[i + 1]);
            }
        } catch (IOException notThere) {
            // Another system than Linux: all zero.
        }
        return ticks;
    }
}
