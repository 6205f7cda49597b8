package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The demo with all that Muster can start: machines of two clouds, and pods. */
@Tag("long")
class ThreeCloudsDemoIT {

    @TempDir
    Path folder;

    private Shell shell;

    @BeforeEach
    void open() throws IOException {
        shell = new Shell(folder);
    }

    @AfterEach
    void close() {
        shell.endAll();
    }

    @Test
    void machinesOfTwoCloudsAndPodsRunTheirTasksAndGo() throws Exception {
        var answer = shell.run("./muster demo --clouds aws,gcp,k8s --json").succeeded().json();

        assertThat(answer.path("problems")).isEmpty();
        assertThat(answer.path("tasksCompleted").asInt()).isEqualTo(8);
        assertThat(answer.path("machinesLeft").asInt()).isZero();
        var byPool = new TreeMap<String, Integer>();
        answer.path("machines").forEach(machine -> byPool.merge(machine.path("pool").asText(), 1, Integer::sum));
        assertThat(byPool).isEqualTo(new TreeMap<>(java.util.Map.of("cpu", 2, "gpu", 2, "google", 2, "pods", 2)));
        assertThat(answer.path("machines")).allSatisfy(machine -> {
            assertThat(machine.path("phase").asText()).isEqualTo("GONE");
            assertThat(machine.path("task").asText()).isNotEmpty();
            assertThat(machine.path("cost").decimalValue()).isPositive();
        });
        assertThat(shell.processesLeft()).isEmpty();
    }
}
