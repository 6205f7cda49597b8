package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The README's demo, run as a person runs it. */
class DemoIT {

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
    void fourMachinesRunFourTasksAndGo() throws Exception {
        var ran = shell.run("./muster demo --json").succeeded();

        var answer = ran.json();
        assertThat(answer.path("machinesLaunched").asInt()).isEqualTo(4);
        assertThat(answer.path("tasksCompleted").asInt()).isEqualTo(4);
        assertThat(answer.path("machinesLeft").asInt()).isZero();
        assertThat(answer.path("machines")).hasSize(4).allSatisfy(machine -> {
            assertThat(machine.path("phase").asText()).isEqualTo("GONE");
            assertThat(machine.path("readyAt").asText()).isNotEmpty();
            assertThat(machine.path("goneAt").asText()).isNotEmpty();
            assertThat(machine.path("cost").decimalValue()).isPositive();
        });
        assertThat(shell.processesLeft()).isEmpty();
    }

    @Test
    void aRecordedWorkloadIsReplayedWithinItsLimits() throws Exception {
        var trace = new StringBuilder("name,num_gpu,creation_time,deletion_time,scheduled_time\n");
        for (var i = 0; i < 12; i++) {
            // Twelve at once, and the pool has ten machines at most.
            trace.append("gpu-").append(i).append(",1,").append(1000 + i).append(',').append(2200 + i).append(',').append(1000 + i).append('\n');
        }
        trace.append("cpu-0,0,1000,1600,1000\nbig-0,8,1100,1700,\noutside,0,5000,5001,5000\n");
        Files.writeString(folder.resolve("trace.csv"), trace);

        var ran = shell.run("./muster replay trace.csv --from 1000 --to 2000 --speed 600 --fleet deploy/examples/replay.yaml --json").succeeded();

        var answer = ran.json();
        assertThat(answer.path("tasks").asInt()).isEqualTo(14);
        assertThat(answer.path("tasksCompleted").asInt()).isEqualTo(14);
        assertThat(answer.path("machinesLeft").asInt()).isZero();
        assertThat(answer.path("peakMachines").path("gpu").asInt()).isEqualTo(10);
        assertThat(answer.path("machineIdsOfSeveralMachines")).isEmpty();
        assertThat(answer.at("/waitingSeconds/queues/gpu/tasks").asInt()).isEqualTo(12);
        assertThat(shell.processesLeft()).isEmpty();
    }
}
