package dev.muster.provisioner.boot;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.contracts.GoldenFiles;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every order of a pop's steps, a mark's, and the ends of guard, agent and machine; {@code drain_test.py} plays them on the guard's own gate. */
class DrainTest {

    private static final Path GUARD = Path.of("src/main/resources/dev/muster/provisioner/boot/guard.py");
    private static final Path PLAYS = Path.of("src/test/python/drain_test.py");

    @Test
    void noTaskIsLostKilledOrRunTwice() throws Exception {
        assertThat(play(GUARD, System.getProperty("drain.plays", ""))).contains("1 agent(s), 1 task(s)");
    }

    /** Machines live on while Muster is upgraded, each with the guard that it was booted with. */
    static Stream<Path> storedGuards() {
        var files = GoldenFiles.ofThisModule();
        return files.versions().stream().map(version -> files.file(version, "guard.py"));
    }

    @ParameterizedTest
    @MethodSource("storedGuards")
    void norByTheGuardThatAReleaseLeftOnItsMachines(Path guard) throws Exception {
        assertThat(play(guard, "")).contains("1 agent(s), 1 task(s)");
    }

    /** That the plays can fail. */
    @Test
    void gatesWithADefectBreakThat() throws Exception {
        assertThat(play(GUARD, "defects")).isEqualTo("""
                ForgetsPopsUnderWay: the machine ends while a pop brings a task
                ForgetsWhatItHandedOut: the machine ends and an agent has task 0
                TakesTheUnknownForFree: the machine ends and an agent has task 0
                HandsOutToTheDead: task 0 is handed to nobody
                """);
    }

    private static String play(Path guard, String how) throws Exception {
        var command = new ArrayList<>(List.of(Parts.find("python3").toString(), "-B", PLAYS.toString(), guard.toString()));
        if (!how.isEmpty()) {
            command.add(how);
        }
        var process = new ProcessBuilder(command).redirectErrorStream(true).start();
        var said = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
        return said;
    }
}
