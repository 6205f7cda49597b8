package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A command loads what it needs and no more: that is what makes it start at once, and what a clock on a busy computer can't judge. */
class StartTest {

    private static final Pattern CLASS = Pattern.compile("((?:dev\\.muster|com\\.google\\.protobuf|com\\.fasterxml|io\\.grpc|java\\.net\\.http)\\.[^ ]+) source");

    /** What makes all of JSON, and all of the contract's descriptors. */
    private static final Set<String> COSTLY = Set.of("com.fasterxml.jackson.databind.ObjectMapper", "com.google.protobuf.Descriptors");

    @TempDir
    Path folder;

    private List<String> loaded(String... command) throws IOException, InterruptedException {
        var log = folder.resolve("classes.txt");
        var line = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:TieredStopAtLevel=1", "-Xlog:class+load:file=" + log,
                "-Dmuster.config=" + folder.resolve("none.yaml"), "-cp", System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")), "dev.muster.cli.Muster"));
        line.addAll(List.of(command));
        var process = new ProcessBuilder(line).redirectErrorStream(true).redirectOutput(folder.resolve("said.txt").toFile()).start();
        assertThat(process.waitFor()).as(Files.readString(folder.resolve("said.txt"))).isZero();
        return CLASS.matcher(Files.readString(log)).results().map(match -> match.group(1)).toList();
    }

    @Test
    void theVersionNeedsNoApi() throws Exception {
        assertThat(loaded("version")).contains("dev.muster.cli.VersionCommand")
                .noneMatch(name -> name.startsWith("io.grpc.") || name.startsWith("java.net.http.") || COSTLY.contains(name));
    }

    @Test
    void aListNeedsNoOtherCommandAndNoDocuments() throws Exception {
        try (var control = new FakeControl()) {
            var loaded = loaded("machine", "list", "--server", control.address());
            assertThat(loaded).contains("dev.muster.cli.MachineCommand$List_", "dev.muster.v1.MachineRecord")
                    .noneMatch(name -> name.equals("com.fasterxml.jackson.databind.ObjectMapper") || name.startsWith("java.net.http.") || name.contains(".epoll.Native"));
            assertThat(loaded.stream().filter(name -> name.matches("dev\\.muster\\.cli\\.[A-Z][a-z]+Command")))
                    .containsExactlyInAnyOrder("dev.muster.cli.MachineCommand", "dev.muster.cli.VersionCommand");
        }
    }
}
