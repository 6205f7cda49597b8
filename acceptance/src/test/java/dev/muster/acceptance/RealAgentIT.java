package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The unmodified clearml-agent on machines that are processes: booted by the boot script, behind the guard, drained while
 * tasks wait. What became of each task is what ClearML's own end says.
 */
@Tag("long")
class RealAgentIT {

    private static final int TASKS = 18;
    private static final Duration PATIENCE = Duration.ofMinutes(8);

    @TempDir
    Path folder;

    private Shell shell;
    private StandIns standIns;

    @AfterEach
    void down() {
        if (shell != null) {
            shell.endAll();
        }
    }

    @Test
    void eachTaskIsDoneOnceWhileMachinesAreDrained() throws Exception {
        Parts.python("real agents");
        shell = new Shell(folder);
        shell.run("./muster up --machines processes --speed 10 --json").succeeded();
        standIns = StandIns.of(shell);
        Files.writeString(folder.resolve("real.yaml"), """
                name: real
                queues:
                  cpu: [cpu]
                pools:
                  cpu:
                    provider: aws
                    region: us-east-1
                    type: c5.xlarge
                    max: 3
                    idle: 20s
                    agent: {docker: false, cpuOnly: true, environment: {CLEARML_AGENT_SKIP_PYTHON_ENV_INSTALL: "1"}}
                """);
        shell.run("./muster fleet apply -f real.yaml").succeeded();
        shell.run("./muster task enqueue cpu --count " + TASKS + " --seconds 2").succeeded();

        // Drains while the queue is full: a machine that is marked takes no more, and another comes in its place.
        for (int drained = 1; drained <= 3; drained++) {
            int target = drained * TASKS / 6;
            Await.within(PATIENCE, target + " tasks done", () -> standIns.tasks("completed") >= target);
            var busy = machines().stream().filter(machine -> machine.path("phase").asText().equals("READY")).findFirst();
            if (busy.isPresent()) {
                shell.run("./muster machine drain " + busy.get().path("machineId").asText()).succeeded();
            }
        }
        Await.within(PATIENCE, "all tasks done", () -> standIns.tasks("completed") == TASKS);
        Await.within(PATIENCE, "no machine left", () -> machines().isEmpty());

        for (var task : standIns.tasks()) {
            assertThat(task.path("status").asText()).as(task.toString()).isEqualTo("completed");
            assertThat(task.path("starts").asInt()).as(task.toString()).isEqualTo(1);
        }
    }

    private List<JsonNode> machines() throws Exception {
        return StreamSupport.stream(shell.run("./muster machine list --json").succeeded().json().path("machines").spliterator(), false).toList();
    }
}
