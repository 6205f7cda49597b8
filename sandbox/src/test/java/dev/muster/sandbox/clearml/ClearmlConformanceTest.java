package dev.muster.sandbox.clearml;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The stand-in against what ClearML itself ships: the SDK's response schemas, the SDK, and an unmodified agent. */
@Tag("conformance")
class ClearmlConformanceTest {

    private static final Duration SDK_AT_MOST = Duration.ofSeconds(90);
    private static final Duration AGENT_AT_MOST = Duration.ofSeconds(120);

    @TempDir
    Path folder;

    private final Vertx vertx = Vertx.vertx();
    private ClearmlServer server;
    private Caller caller;
    private Path python;

    @BeforeEach
    void start() {
        var found = PythonParts.withModule("clearml_agent", "ClearML conformance");
        assumeTrue(found.isPresent(), "the clearml SDK and agent are not installed");
        python = found.get();
        server = ClearmlServer.start(vertx, 0, ClearmlConfig.of(new ClearmlConfig.Credential("key", "secret", "robot", "company")));
        caller = new Caller(server.url(), "key", "secret");
    }

    @AfterEach
    void stop() {
        if (server != null) {
            server.close();
        }
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    @Test
    void everyAnswerValidatesAgainstTheSdksSchemas() throws Exception {
        var output = run("schemas", "src/test/python/validate_answers.py", server.url(), "key", "secret");

        assertThat(output).contains("endpoints conform");
        // An endpoint that is added later must be validated too. The SDK ships no schema for these.
        var unseen = new TreeSet<>(server.endpointNames());
        unseen.removeAll(server.calls().keySet());
        unseen.removeIf(name -> name.matches("(users|login|server|debug)\\..*|.*_ex|auth\\.(logout|validate_token)"));
        assertThat(unseen).isEmpty();
    }

    @Test
    void theSdkMakesTasksAndAnUnmodifiedAgentRunsThem() throws Exception {
        // Given
        var output = run("sdk", "src/test/python/enqueue_with_sdk.py", "conformance", "1");
        var made = output.lines().filter(line -> line.startsWith("task ")).findFirst().orElseThrow(() -> new AssertionError(output)).substring(5);
        var queue = caller.data("queues.get_all", "{'name':'^conformance$'}").path("queues").path(0).path("id").asText();
        var sample = caller.createTask(SampleTask.running("sample", Duration.ofSeconds(1)));
        var failing = caller.createTask(SampleTask.running("failing sample", Duration.ofSeconds(1)).failing());
        caller.enqueue(sample, queue);
        caller.enqueue(failing, queue);

        // When
        var log = folder.resolve("agent.log");
        var agent = python("agent", python.resolveSibling("clearml-agent").toString(), "daemon", "--foreground", "--queue", "conformance")
                .redirectErrorStream(true).redirectOutput(log.toFile()).start();
        try {
            Await.until(AGENT_AT_MOST, () -> caller.status(made) + ", " + caller.status(sample) + ", " + caller.status(failing) + "; the agent says:\n"
                    + tail(log), () -> ended(made) && ended(sample) && ended(failing));
            assertThat(caller.data("workers.get_all", "{}").path("workers")).anyMatch(worker -> worker.path("id").asText().equals("fleet:pool:type:i-1"));
        } finally {
            agent.descendants().forEach(ProcessHandle::destroyForcibly);
            agent.destroyForcibly().waitFor(20, TimeUnit.SECONDS);
        }

        // Then
        assertThat(caller.status(made)).as(tail(log)).isEqualTo("completed");
        assertThat(caller.status(sample)).as(tail(log)).isEqualTo("completed");
        assertThat(caller.status(failing)).as(tail(log)).isEqualTo("failed");
        assertThat(server.log(sample)).anyMatch(line -> line.contains("Working for 1 seconds"));
        assertThat(server.books().tasks()).allSatisfy(task -> {
            assertThat(task.pops()).isEqualTo(1);
            assertThat(task.starts()).isEqualTo(1);
            assertThat(task.workers()).containsExactly("fleet:pool:type:i-1");
        });
    }

    private boolean ended(String task) {
        var status = caller.status(task);
        return status.equals("completed") || status.equals("failed") || status.equals("stopped");
    }

    private String run(String name, String... arguments) throws IOException, InterruptedException {
        var command = new String[arguments.length + 1];
        command[0] = python.toString();
        System.arraycopy(arguments, 0, command, 1, arguments.length);
        var log = folder.resolve(name + ".log");
        var process = python(name, command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
        if (!process.waitFor(SDK_AT_MOST.toSeconds(), TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError(name + " took more than " + SDK_AT_MOST + ":\n" + tail(log));
        }
        assertThat(process.exitValue()).as(() -> tail(log)).isZero();
        return Files.readString(log);
    }

    /** With a home of its own, so that neither a person's clearml.conf nor a cache of theirs is touched. */
    private ProcessBuilder python(String name, String... command) throws IOException {
        var builder = new ProcessBuilder(command);
        var environment = builder.environment();
        environment.keySet().removeIf(key -> key.startsWith("CLEARML_") || key.startsWith("TRAINS_") || key.startsWith("PYTHON"));
        environment.put("HOME", Files.createDirectories(folder.resolve(name)).toString());
        environment.put("PATH", python.getParent() + ":" + environment.getOrDefault("PATH", "/usr/bin:/bin"));
        environment.put("PYTHONUNBUFFERED", "1");
        environment.put("CLEARML_API_HOST", server.url());
        environment.put("CLEARML_WEB_HOST", server.url());
        environment.put("CLEARML_FILES_HOST", server.url());
        environment.put("CLEARML_API_ACCESS_KEY", "key");
        environment.put("CLEARML_API_SECRET_KEY", "secret");
        environment.put("CLEARML_WORKER_ID", "fleet:pool:type:i-1");
        environment.put("CLEARML_AGENT_SKIP_PYTHON_ENV_INSTALL", "1");
        return builder;
    }

    private static String tail(Path log) {
        try {
            var lines = Files.readAllLines(log);
            return String.join("\n", lines.subList(Math.max(0, lines.size() - 60), lines.size()));
        } catch (IOException unreadable) {
            return unreadable.toString();
        }
    }
}
