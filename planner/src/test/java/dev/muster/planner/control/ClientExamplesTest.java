package dev.muster.planner.control;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.util.JsonFormat;
import dev.muster.contracts.FleetYaml;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The clients in deploy/examples/clients, run as a person runs them, against the whole planner. */
@QuarkusTest
@QuarkusTestResource(BrokerResource.class)
class ClientExamplesTest {

    private static final Path CLIENTS = Path.of("../deploy/examples/clients");

    @TestHTTPResource("/q/health/ready")
    URI ready;

    @ConfigProperty(name = "muster.kafka.bootstrap-servers")
    String brokers;

    @TempDir
    Path folder;

    private final List<Process> started = new ArrayList<>();

    @BeforeEach
    void plannerIsReady() throws Exception {
        var question = HttpRequest.newBuilder(ready).build();
        await(() -> HttpClient.newHttpClient().send(question, HttpResponse.BodyHandlers.discarding()).statusCode() == 200, () -> "the planner is ready");
    }

    @AfterEach
    void endClients() {
        started.forEach(Process::destroyForcibly);
    }

    @Test
    void pythonAppliesListsAndWatchesByReflectionAlone() throws Exception {
        var python = python();
        if (python.isEmpty()) {
            return;
        }
        var spec = FleetYaml.read(spec("by-python"));
        var file = Files.writeString(folder.resolve("fleet.json"), JsonFormat.printer().print(spec));
        var said = start("python", python.get(), CLIENTS.resolve("muster_client.py").toString(), file.toString());
        awaitLines(said, "fleet by-python: ACTIVE, 0 tasks wait", "synced");
        assertThat(Files.readString(said)).startsWith("applied by-python, version 1\n");
        tellWhatBroke(folder.resolve("python.trace"));
    }

    @Test
    void javaAppliesAndWatchesAndReadsTheDecisionsOfIt() throws Exception {
        var file = Files.writeString(folder.resolve("fleet.yaml"), spec("by-java"));
        var client = start("client", java("FleetClient.java", file.toString()));
        awaitLines(client, "applied by-java, version 1", "synced");
        var reader = start("reader", java("DecisionReader.java", brokers));
        awaitLines(reader, "by-java: anonymous, create");
    }

    /** A client asks again when its connection ends. That it must is told here, with what gRPC saw of it. */
    private static void tellWhatBroke(Path trace) throws IOException {
        var lines = Files.readAllLines(trace);
        var broke = IntStream.range(0, lines.size()).filter(at -> lines.get(at).contains("Socket closed")).findFirst();
        broke.ifPresent(at -> System.out.println("The Python client lost its connection:\n" + String.join("\n", lines.subList(Math.max(0, at - 60), Math.min(lines.size(), at + 20)))));
    }

    private static String spec(String name) {
        return "name: " + name + "\nqueues: {" + name + ": [cpu]}\npools: {cpu: {provider: aws, region: us-east-1, type: m6i.large, max: 4}}\n";
    }

    private static String[] java(String source, String argument) {
        return new String[] {Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp", System.getProperty("java.class.path"),
                CLIENTS.resolve(source).toString(), argument};
    }

    /** The interpreter that .ci/parts made, or MUSTER_PYTHON, if it has what the client imports. */
    private static Optional<String> python() throws Exception {
        var named = System.getenv("MUSTER_PYTHON");
        var python = named == null ? "../.muster/parts/python/bin/python" : named;
        if (Files.isExecutable(Path.of(python)) && new ProcessBuilder(python, "-c", "import grpc_reflection").redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor() == 0) {
            return Optional.of(python);
        }
        System.out.println("Skipped: the Python client of the API; " + python + " has no grpcio-reflection, run .ci/parts");
        return Optional.empty();
    }

    /** The file that it writes to. */
    private Path start(String name, String... command) throws IOException {
        var said = folder.resolve(name + ".out");
        var builder = new ProcessBuilder(command).redirectOutput(said.toFile()).redirectError(folder.resolve(name + ".trace").toFile());
        builder.environment().putAll(Map.of("GRPC_VERBOSITY", "debug", "GRPC_TRACE", "http"));
        builder.environment().put("MUSTER_SERVER", ready.getHost() + ":" + ready.getPort());
        started.add(builder.start());
        return said;
    }

    private static void awaitLines(Path said, String... lines) throws Exception {
        await(() -> Files.readAllLines(said).containsAll(List.of(lines)), () -> "a client says " + List.of(lines) + ", and said:\n" + Files.readString(said) + tail(said));
    }

    private static String tail(Path said) throws IOException {
        var lines = Files.readAllLines(said.resolveSibling(said.getFileName().toString().replace(".out", ".trace")));
        return String.join("\n", lines.subList(Math.max(0, lines.size() - 150), lines.size()));
    }

    private static void await(Callable<Boolean> condition, Callable<String> what) throws Exception {
        var deadline = Instant.now().plus(Duration.ofSeconds(90));
        while (!condition.call()) {
            if (Instant.now().isAfter(deadline)) {
                throw new AssertionError("not in time: " + what.call());
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
        }
    }
}
