package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/** A person's shell in a folder of their own, in which {@code ./muster} is the built program. */
final class Shell {

    static final Path SOURCES = sources();
    private static final Duration PATIENCE = Duration.ofMinutes(15);

    private final Path folder;
    private final Map<String, String> environment = new HashMap<>();

    /** What one command line did. */
    record Ran(int exitCode, String out, String err) {

        Ran succeeded() {
            assertThat(exitCode).as("exit code; out: %s; err: %s", out, err).isZero();
            return this;
        }

        JsonNode json() throws IOException {
            return new ObjectMapper().readTree(out);
        }
    }

    Shell(Path folder) throws IOException {
        this.folder = folder;
        Files.createSymbolicLink(folder.resolve("muster"), SOURCES.resolve("muster"));
        Files.createSymbolicLink(folder.resolve("deploy"), SOURCES.resolve("deploy"));
        environment.put("HOME", folder.toString());
        // Java takes the home of whoever runs this test all the same, and with it the servers that they work with.
        environment.put("XDG_CONFIG_HOME", folder.resolve(".config").toString());
        // The build that runs this test has just built it.
        environment.put("MUSTER_NO_BUILD", "1");
    }

    private static Path sources() {
        for (var above = Path.of("").toAbsolutePath(); above != null; above = above.getParent()) {
            if (Files.exists(above.resolve("muster")) && Files.exists(above.resolve("contracts/pom.xml"))) {
                return above;
            }
        }
        throw new IllegalStateException("the source folder is not around " + Path.of("").toAbsolutePath());
    }

    Shell with(String variable, String value) {
        environment.put(variable, value);
        return this;
    }

    Ran run(String line) throws IOException, InterruptedException {
        var out = Files.createTempFile("muster", ".out");
        var err = Files.createTempFile("muster", ".err");
        try {
            var builder = new ProcessBuilder("/bin/sh", "-c", line).directory(folder.toFile()).redirectOutput(out.toFile()).redirectError(err.toFile());
            builder.environment().putAll(environment);
            var process = builder.start();
            process.getOutputStream().close();
            if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly().waitFor();
                throw new AssertionError(line + " took longer than " + PATIENCE + ": " + Files.readString(out) + Files.readString(err));
            }
            return new Ran(process.exitValue(), Files.readString(out, StandardCharsets.UTF_8), Files.readString(err, StandardCharsets.UTF_8));
        } finally {
            Files.deleteIfExists(out);
            Files.deleteIfExists(err);
        }
    }

    /** Processes of this folder's runs: each names it in its command line or, as agents' tasks do, in its environment. */
    List<String> processesLeft() {
        return processes().map(process -> process.pid() + " " + process.info().commandLine().orElse("")).toList();
    }

    private Stream<ProcessHandle> processes() {
        return ProcessHandle.allProcesses().filter(process -> process.info().commandLine().orElse("").contains(folder.toString()) || hasEnvironmentOf(process));
    }

    private boolean hasEnvironmentOf(ProcessHandle process) {
        try {
            return new String(Files.readAllBytes(Path.of("/proc/" + process.pid() + "/environ")), StandardCharsets.ISO_8859_1).contains(folder.toString());
        } catch (IOException goneOrAnothers) {
            return false;
        }
    }

    /** For the end of a test that failed half-way. */
    void endAll() {
        // Again and again: one that is killed may just have started another.
        for (int round = 0; round < 100; round++) {
            var left = processes().toList();
            if (left.isEmpty()) {
                return;
            }
            left.forEach(ProcessHandle::destroyForcibly);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
        }
    }
}
