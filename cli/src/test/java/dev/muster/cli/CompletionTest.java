package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.FleetView;
import dev.muster.v1.ListFleetsResponse;
import dev.muster.v1.ListMachinesRequest;
import dev.muster.v1.ListQueuesResponse;
import dev.muster.v1.PoolSpec;
import dev.muster.v1.QueueView;
import io.grpc.Status;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The completion scripts, run by the shells that they are for. */
class CompletionTest {

    @TempDir
    Path folder;

    private Path script;
    private Path program;

    /** A program that says what it was asked, in place of names. */
    @BeforeEach
    void writeScripts() throws IOException {
        script = Files.writeString(folder.resolve("completion.sh"), Ran.of("completion", "bash").out());
        program = Files.writeString(folder.resolve("muster"), "#!/bin/sh\necho \"asked $*\" >>" + folder + "/asked\necho gpu-1; echo gpu-2; echo cpu\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
    }

    /** What a shell would show behind these words; the last one is being written. */
    private List<String> bash(String... words) throws Exception {
        var line = Stream.concat(Stream.of(program.toString()), Stream.of(words)).map(word -> "'" + word + "'").collect(Collectors.joining(" "));
        return run("bash", "-c", "source " + script + "; COMP_WORDS=(" + line + "); COMP_CWORD=" + words.length + "; _muster; printf '%s\\n' \"${COMPREPLY[@]}\"");
    }

    private static List<String> run(String... command) throws Exception {
        var process = new ProcessBuilder(command).redirectErrorStream(true).start();
        var out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(out).isZero();
        return out.lines().filter(line -> !line.isEmpty()).toList();
    }

    private static boolean isMissing(String shell) {
        try {
            new ProcessBuilder(shell, "--version").redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor();
            return false;
        } catch (IOException absent) {
            System.out.println("CompletionTest: skipped in part, since there is no " + shell);
            return true;
        } catch (InterruptedException interrupted) {
            throw new IllegalStateException(interrupted);
        }
    }

    @Test
    void bashCompletesCommandsOptionsAndChoices() throws Exception {
        if (isMissing("bash")) {
            return;
        }
        assertThat(bash("fl")).containsExactly("fleet");
        assertThat(bash("fleet", "r")).containsExactly("resume", "roll-back", "release-idle");
        assertThat(bash("fleet", "delete", "demo", "--ma")).containsExactly("--machines");
        assertThat(bash("fleet", "delete", "demo", "--machines", "")).containsExactly("none", "idle", "all");
        assertThat(bash("machine", "list", "--phase", "dr")).containsExactly("draining");
        assertThat(bash("completion", "")).containsExactly("bash", "zsh", "fish");
        assertThat(bash("machine", "list", "--watch", "--f")).containsExactlyInAnyOrder("--fleet", "--folder");
        assertThat(folder.resolve("asked")).doesNotExist();
    }

    @Test
    void bashAsksForNamesOnTheServerThatIsMeant() throws Exception {
        if (isMissing("bash")) {
            return;
        }
        assertThat(bash("fleet", "get", "g")).containsExactly("gpu-1", "gpu-2");
        assertThat(bash("queue", "tasks", "--context", "x", "c")).containsExactly("cpu");
        assertThat(bash("machine", "list", "--server", "a:1", "--fleet", "demo", "--pool", "")).containsExactly("gpu-1", "gpu-2", "cpu");
        assertThat(bash("machine", "list", "--fleet", "=", "g")).containsExactly("gpu-1", "gpu-2");
        assertThat(bash("fleet", "clone", "demo", "")).isEmpty();
        assertThat(Files.readAllLines(folder.resolve("asked"))).containsExactly("asked complete-names FLEET", "asked complete-names QUEUE --context x",
                "asked complete-names POOL --server a:1 --fleet demo", "asked complete-names FLEET");
    }

    @Test
    void zshLoadsTheSameScript() throws Exception {
        if (isMissing("zsh")) {
            return;
        }
        var words = program + " machine list --phase dr";
        assertThat(run("zsh", "-f", "-c", "source " + script + "; COMP_WORDS=(" + words + "); COMP_CWORD=4; _muster; print -l -- $COMPREPLY")).containsExactly("draining");
    }

    @Test
    void fishReadsItsScript() throws Exception {
        var text = Ran.of("completion", "fish").out();
        assertThat(text).contains("complete -c muster -n \"__muster_at 'fleet get'\"".replace("fleet", "muster fleet"), "-a \"(__muster_names MACHINE)\"");
        if (isMissing("fish")) {
            return;
        }
        var file = Files.writeString(folder.resolve("muster.fish"), text);
        assertThat(run("fish", "--no-config", "-c", "source " + file + "; complete -C 'muster fleet rel'")).allMatch(line -> line.startsWith("release-idle")).hasSize(1);
    }

    @Test
    void namesComeFromTheApiOrNotAtAll() throws IOException {
        try (var control = new FakeControl()) {
            control.answer("ListFleets", ListFleetsResponse.newBuilder().addFleets(FleetView.newBuilder().setRecord(FleetRecord.newBuilder().setFleet("demo")
                    .setSpec(FleetSpec.newBuilder().setName("demo").addPools(PoolSpec.newBuilder().setName("a")).addPools(PoolSpec.newBuilder().setName("b"))))).build());
            control.answer("ListQueues", ListQueuesResponse.newBuilder().addQueues(QueueView.newBuilder().setName("cpu")).addQueues(QueueView.newBuilder().setName("cpu")).build());
            assertThat(names("FLEET", control)).isEqualTo(new Ran(0, "demo\n", ""));
            assertThat(names("POOL", control)).isEqualTo(new Ran(0, "a\nb\n", ""));
            assertThat(names("QUEUE", control)).isEqualTo(new Ran(0, "cpu\n", ""));
            assertThat(names("MACHINE", control)).isEqualTo(new Ran(0, "mabcdefgh-1\n", ""));
            control.answer("ListMachines", request -> {
                assertThat(((ListMachinesRequest) request).getFleet()).isEmpty();
                throw Status.PERMISSION_DENIED.asRuntimeException();
            });
            assertThat(names("MACHINE", control)).isEqualTo(new Ran(0, "", ""));
        }
        assertThat(Ran.of("complete-names", "FLEET", "--server", "127.0.0.1:9")).isEqualTo(new Ran(0, "", ""));
    }

    private static Ran names(String kind, FakeControl control) {
        return Ran.of("complete-names", kind, "--server", control.address());
    }
}
