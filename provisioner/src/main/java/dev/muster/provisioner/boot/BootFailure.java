package dev.muster.provisioner.boot;

import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What a machine's boot script said when it gave up: one line on its console.
 *
 * @param step of the boot script, such as {@code agent}
 * @param reason for people; at most {@value #MOST_REASON} characters, none of them a control character
 */
public record BootFailure(String step, String reason) {

    /** The rest of a line that long helps nobody, and it is kept with the machine. */
    private static final int MOST_REASON = 300;

    /** Wherever it stands in its line: consoles put times and names before it. */
    private static final Pattern LINE = Pattern.compile("MUSTER-BOOT-FAILED step=([A-Za-z0-9_-]{1,40}) reason=([^\\r\\n]*)");

    /** The last one on a console; empty if there is none. */
    public static Optional<BootFailure> last(String console) {
        var line = LINE.matcher(console);
        BootFailure last = null;
        while (line.find()) {
            var reason = line.group(2).replaceAll("\\p{Cntrl}", "?").strip();
            last = new BootFailure(line.group(1), reason.length() > MOST_REASON ? reason.substring(0, MOST_REASON) + "…" : reason);
        }
        return Optional.ofNullable(last);
    }
}
