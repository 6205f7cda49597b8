package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.muster.sandbox.clearml.SampleTask;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The unmodified clearml-agent with tasks in containers, on a machine booted by the boot script. In docker's place stands a program that
 * writes down how it is called and lists what it was told to run ({@code docker} among this test's resources).
 */
@Tag("long")
class DockerModeIT {

    private static final Duration PATIENCE = Duration.ofMinutes(3);

    @TempDir
    Path folder;

    private Path python;
    private Path book;
    private Shell shell;
    private StandIns standIns;
    private Clearml clearml;

    /** One {@code docker run}, in words. */
    private record DockerRun(String id, List<String> words) {

        /** Each value of a switch that stands alone. */
        List<String> each(String word) {
            return IntStream.range(0, words.size() - 1).filter(i -> words.get(i).equals(word)).mapToObj(i -> words.get(i + 1)).toList();
        }

        /** As docker takes it: the last one counts. */
        String variable(String name) {
            return each("-e").stream().filter(variable -> variable.startsWith(name + "=")).reduce((first, last) -> last).orElse("=").split("=", 2)[1];
        }

        /** All containers here are begun with {@code bash -c}. */
        String image() {
            return words.get(words.size() - 4);
        }

        String script() {
            return words.get(words.size() - 1);
        }
    }

    @BeforeEach
    void up() throws Exception {
        python = Parts.python("tasks in containers");
        var bin = Files.createDirectories(folder.resolve("docker-bin"));
        try (var docker = getClass().getResourceAsStream("/docker")) {
            Files.copy(docker, bin.resolve("docker"));
        }
        assertThat(bin.resolve("docker").toFile().setExecutable(true)).isTrue();
        book = folder.resolve("docker-book");
        shell = new Shell(folder).with("PATH", bin + ":" + System.getenv("PATH"));
        shell.run("./muster up --machines processes --speed 10 --json").succeeded();
        standIns = StandIns.of(shell);
        clearml = Clearml.of(shell);
        var secrets = Path.of(shell.run("./muster status --json").succeeded().json().path("secrets").asText());
        Files.writeString(secrets.resolve("s3-key"), "ACCESS\n");
        Files.writeString(secrets.resolve("s3-secret"), "s3 $ecret\n");
        Files.writeString(folder.resolve("containers.yaml"), """
                name: containers
                queues:
                  cpu: [cpu]
                pools:
                  cpu:
                    provider: aws
                    region: us-east-1
                    type: c5.xlarge
                    max: 1
                    idle: 5m
                    agent:
                      cpuOnly: true
                      defaultImage: lab/default:1
                      extraConf: "agent.extra_docker_arguments: [\\"--shm-size=8g\\"]"
                      storage: {s3: [{host: "minio.lab:9000", key: {secretRef: s3-key}, secret: {secretRef: s3-secret}}]}
                """);
    }

    @AfterEach
    void down() throws Exception {
        if (shell != null) {
            shell.run("./muster down");
            shell.endAll();
        }
    }

    @Test
    void aTaskRunsInItsOwnContainerOrInThePools() throws Exception {
        shell.run("./muster fleet apply -f containers.yaml").succeeded();
        shell.run("./muster task enqueue cpu").succeeded();
        var plain = standIns.tasks().get(0).path("id").asText();
        var container = task();
        container.putObject("container").put("image", "lab/own:2").put("arguments", "--ipc=host -e GREETING='two words'")
                .put("setup_shell_script", "apt-get install -y tool\n# not this\nexport STEP=2\n");
        var own = clearml.enqueue(container.toString(), "cpu");
        Await.within(PATIENCE, "both tasks done", () -> standIns.tasks("completed") == 2);

        var inDefault = run(plain);
        assertThat(inDefault.image()).isEqualTo("lab/default:1");
        assertThat(inDefault.words()).doesNotContain("--ipc=host", "--gpus");
        var inOwn = run(own);
        assertThat(inOwn.image()).isEqualTo("lab/own:2");
        assertThat(inOwn.words()).contains("--ipc=host");
        assertThat(inOwn.variable("GREETING")).isEqualTo("two words");
        assertThat(inOwn.script()).contains("apt-get install -y tool ; export STEP=2 ; ").doesNotContain("not this");
        var cloudId = shell.run("./muster machine list --json").succeeded().json().at("/machines/0/cloudId").asText();
        var worker = "sandbox-containers:cpu:c5.xlarge:" + cloudId;
        assertThat(clearml.call("workers.get_all", "{}").path("workers").findValuesAsText("id")).contains(worker);
        for (var run : List.of(inDefault, inOwn)) {
            // What the guard looks for.
            assertThat(run.each("-l")).contains("clearml-parent-worker-id=" + worker);
            assertThat(run.script()).contains("clearml-agent==3.0.3").endsWith("--id " + (run == inOwn ? own : plain));
            assertThat(run.words()).contains("--shm-size=8g");
            // What the agent itself was given is the guard's port on loopback, which is of no use in a container.
            assertThat(run.variable("CLEARML_API_HOST")).isEqualTo(clearml.url());
            assertThat(run.variable("CLEARML_WEB_HOST")).isEqualTo(clearml.url());
            assertThat(run.variable("CLEARML_FILES_HOST")).isEqualTo(clearml.url());
            assertThat(inTheContainer(run, "from clearml.backend_api import Session; print(Session.get_api_server_host())")).isEqualTo(clearml.url());
            assertThat(inTheContainer(run, "from clearml.config import config_obj; print(config_obj.get('sdk.aws.s3.credentials')[0]['secret'])"))
                    .isEqualTo("s3 $ecret");
        }
    }

    @Test
    void aContainerThatOutlivesItsAgentKeepsItsSlotAndItsMachine() throws Exception {
        shell.run("./muster fleet apply -f containers.yaml").succeeded();
        Files.createDirectories(book);
        Files.createFile(book.resolve("hold"));
        var task = clearml.enqueue(task().toString(), "cpu");
        Await.within(PATIENCE, "the container", () -> containers().size() == 1);
        var machine = shell.run("./muster machine list --json").succeeded().json().at("/machines/0");
        var cloudId = machine.path("cloudId").asText();

        // Docker's containers are no children of whoever asked for them.
        kill("clearml-agent");
        kill("docker-bin/docker run");
        Await.within(PATIENCE, "the guard to see its agent's end", () -> console(cloudId).contains("agent 0 has ended"));
        var looks = listed("label=clearml-parent-worker-id=");
        Await.within(PATIENCE, "more looks at the slot than the wait before a new start", () -> listed("label=clearml-parent-worker-id=") > looks + 4);
        assertThat(console(cloudId).split("agent 0 runs as", -1)).as("one start").hasSize(2);

        shell.run("./muster machine drain " + machine.path("machineId").asText()).succeeded();
        Await.within(PATIENCE, "the mark to be heeded", () -> console(cloudId).contains("the gate is shut by the mark"));
        var later = listed("label=clearml-parent-worker-id=");
        Await.within(PATIENCE, "more looks under the mark", () -> listed("label=clearml-parent-worker-id=") > later + 2);
        assertThat(containers()).hasSize(1);
        assertThat(console(cloudId)).doesNotContain("powering off");

        Files.delete(book.resolve("hold"));
        Files.delete(book.resolve("containers").resolve(containers().get(0)));
        Await.within(PATIENCE, "the machine to end itself", () -> console(cloudId).contains("powering off: mark"));
        // Nothing reported the task's end, so it is put back and done on another machine.
        Await.within(PATIENCE, "the task to be done", () -> clearml.statusOf(task).equals("completed"));
        assertThat(calls("run").stream().filter(run -> run.variable("CLEARML_TASK_ID").equals(task))).hasSize(2);
    }

    private List<String> containers() throws IOException {
        if (!Files.exists(book.resolve("containers"))) {
            return List.of();
        }
        try (var files = Files.list(book.resolve("containers"))) {
            return files.map(file -> file.getFileName().toString()).filter(name -> !name.startsWith(".")).toList();
        }
    }

    /** How often docker was asked for containers with a filter that begins so. */
    private long listed(String filter) throws IOException {
        return calls("ps").stream().filter(ps -> ps.words().stream().anyMatch(word -> word.startsWith(filter))).count();
    }

    private String console(String cloudId) throws Exception {
        return standIns.text("/ec2/instances/" + cloudId + "/console");
    }

    /** kill -9 of this run's processes with these words in their command line. */
    private void kill(String words) {
        ProcessHandle.allProcesses().filter(process -> {
            var line = process.info().commandLine().orElse("");
            return line.contains(folder.toString()) && line.contains(words);
        }).forEach(ProcessHandle::destroyForcibly);
    }

    private static ObjectNode task() {
        return SampleTask.running("in a container", Duration.ZERO).createRequest();
    }

    /** What ClearML's own SDK makes of what a container was given. */
    private String inTheContainer(DockerRun run, String program) throws Exception {
        var builder = new ProcessBuilder(python.toString(), "-c", program).redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment().keySet().removeIf(name -> name.startsWith("CLEARML_"));
        for (var variable : run.each("-e")) {
            builder.environment().put(variable.split("=", 2)[0], variable.split("=", 2)[1]);
        }
        builder.environment().put("CLEARML_CONFIG_FILE", book.resolve("confs").resolve(run.id()).toString());
        var process = builder.start();
        var said = new String(process.getInputStream().readAllBytes()).strip();
        process.waitFor();
        return said.substring(said.lastIndexOf('\n') + 1);
    }

    private DockerRun run(String task) throws IOException {
        return calls("run").stream().filter(run -> run.variable("CLEARML_TASK_ID").equals(task)).findFirst().orElseThrow();
    }

    private List<DockerRun> calls(String command) throws IOException {
        try (var files = Files.list(book.resolve("calls"))) {
            return files.filter(file -> file.getFileName().toString().startsWith(command + ".")).map(file -> {
                try {
                    return new DockerRun(file.getFileName().toString().substring(command.length() + 1), Arrays.asList(Files.readString(file).split("\0")));
                } catch (IOException unread) {
                    throw new UncheckedIOException(unread);
                }
            }).toList();
        }
    }
}
