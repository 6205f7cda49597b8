package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetState;
import dev.muster.v1.FleetView;
import dev.muster.v1.ListDecisionsResponse;
import dev.muster.v1.ListFleetsResponse;
import dev.muster.v1.ListQueuesResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The live view in a real terminal: that of util-linux' {@code script}. */
class TopTerminalTest {

    @Test
    void drawsFramesTakesKeysAndLeavesTheTerminalAsItWas() throws Exception {
        if (!isThere()) {
            System.out.println("TopTerminalTest is skipped: there is no script of util-linux that makes a terminal");
            return;
        }
        try (var control = new FakeControl()) {
            control.answer("ListFleets", ListFleetsResponse.newBuilder()
                    .addFleets(FleetView.newBuilder().setRecord(FleetRecord.newBuilder().setFleet("one").setVersion(1).setState(FleetState.ACTIVE)))
                    .addFleets(FleetView.newBuilder().setRecord(FleetRecord.newBuilder().setFleet("two").setVersion(1).setState(FleetState.ACTIVE))).build());
            control.answer("ListQueues", ListQueuesResponse.getDefaultInstance());
            control.answer("ListDecisions", ListDecisionsResponse.getDefaultInstance());
            var java = Path.of(System.getProperty("java.home"), "bin", "java") + " -XX:TieredStopAtLevel=1 -cp '"
                    + System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")) + "' dev.muster.cli.Muster top --server " + control.address();
            var process = new ProcessBuilder("script", "-qec", "stty rows 30 cols 100; before=$(stty -g); " + java + "; ended=$?; [ \"$before\" = \"$(stty -g)\" ] && echo as it was; exit $ended",
                    "/dev/null").redirectErrorStream(true).start();
            var screen = new Screen(process);

            assertThat(screen.awaits("muster top  " + control.address())).contains("\u001b[?1049h\u001b[?25l", "\u001b[?2026h\u001b[H", "1  one", "2  two");
            process.getOutputStream().write('2');
            process.getOutputStream().flush();
            assertThat(screen.awaits("fleet two")).contains("\u001b[7m> 2  two");
            process.getOutputStream().write(new byte[] {0x1b, '[', 'A'});
            process.getOutputStream().flush();
            screen.awaits("fleet one");
            control.close();
            screen.awaits("as of ");
            process.getOutputStream().write('q');
            process.getOutputStream().flush();
            screen.awaits("as it was");
            assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isZero();
            assertThat(screen.all()).contains("\u001b[?25h\u001b[?1049l");
        }
    }

    private static boolean isThere() throws InterruptedException {
        try {
            var process = new ProcessBuilder("script", "--version").redirectErrorStream(true).start();
            var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return process.waitFor() == 0 && said.contains("util-linux");
        } catch (IOException absent) {
            return false;
        }
    }

    /** What was drawn so far. */
    private static final class Screen {
        private final Process process;
        private final StringBuilder drawn = new StringBuilder();

        Screen(Process process) {
            this.process = process;
        }

        /** What was drawn until the text was there. */
        String awaits(String text) throws IOException, InterruptedException {
            var from = drawn.length();
            var deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(40);
            while (drawn.indexOf(text, from) < 0 || !drawn.toString().endsWith("\u001b[?2026l") && !text.equals("as it was")) {
                if (System.nanoTime() > deadline) {
                    throw new AssertionError("'" + text + "' was not drawn, but: " + drawn.substring(from));
                }
                var ready = process.getInputStream().available();
                if (ready > 0) {
                    drawn.append(new String(process.getInputStream().readNBytes(ready), StandardCharsets.ISO_8859_1));
                } else {
                    process.waitFor(10, TimeUnit.MILLISECONDS);
                }
            }
            return drawn.substring(from);
        }

        String all() {
            return drawn.toString();
        }
    }
}
