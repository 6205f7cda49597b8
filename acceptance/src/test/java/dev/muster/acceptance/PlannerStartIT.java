package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Planners that don't start, and what they say instead. */
class PlannerStartIT {

    /** As sysexits.h has it: something was found in a bad configuration. */
    private static final int BAD_CONFIGURATION = 78;

    @TempDir
    Path folder;

    private String refusal(String... settings) throws IOException, InterruptedException {
        var log = folder.resolve("planner.log");
        var command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                "-Dmuster.installation=test", "-Dmuster.kafka.bootstrap-servers=127.0.0.1:9", "-Dquarkus.http.port=0"));
        for (var setting : settings) {
            command.add("-D" + setting);
        }
        command.addAll(List.of("-jar", Shell.SOURCES.resolve("planner/target/quarkus-app/quarkus-run.jar").toString()));
        var process = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).redirectOutput(log.toFile()).start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(Files.readString(log)).isEqualTo(BAD_CONFIGURATION);
        return Files.readString(log);
    }

    @Test
    void noneIsOpenToOthersByOversight() throws Exception {
        assertThat(refusal()).contains("The planner can't start: muster.api.authentication is missing, and quarkus.http.host is 0.0.0.0");
    }

    @Test
    void noneStartsWithGrantsThatCannotBeRead() throws Exception {
        var grants = Files.writeString(folder.resolve("grants.yaml"), "grants:\n  - {oidc-group: ml, role: owner, fleets: [train]}\n");
        assertThat(refusal("quarkus.http.host=127.0.0.1", "muster.api.authentication=tokens", "muster.api.grants=" + grants))
                .contains("grants[0].role: line 2: is 'owner'; write one of admin, operator, viewer");
    }
}
