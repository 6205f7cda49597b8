package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code ./muster} says before there is a Java that could say it. */
class MusterScriptTest {

    @TempDir
    Path folder;

    private Shell shell;

    @BeforeEach
    void open() throws IOException {
        shell = new Shell(folder);
    }

    private void java(Path home, String version) throws IOException {
        var java = Files.createDirectories(home.resolve("bin")).resolve("java");
        Files.writeString(java, "#!/bin/sh\necho 'openjdk version \"" + version + "\" 2020-01-01' >&2\n");
        Files.setPosixFilePermissions(java, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    @Test
    void refusesAnOldJavaInOneSentence() throws Exception {
        for (var version : new String[] {"1.8.0_392", "11.0.21", "16"}) {
            java(folder.resolve("old"), version);
            var ran = shell.with("JAVA_HOME", folder.resolve("old").toString()).run("./muster status");
            assertThat(ran.exitCode()).as(version).isEqualTo(1);
            assertThat(ran.err()).startsWith("muster: " + folder.resolve("old/bin/java") + " is Java ").hasLineCount(1)
                    .contains("Muster needs 17 or newer");
        }
    }

    @Test
    void saysThatThereIsNoJava() throws Exception {
        var tools = Files.createDirectories(folder.resolve("tools"));
        for (var tool : new String[] {"sh", "dirname", "readlink", "sed", "head"}) {
            for (var bin : new String[] {"/usr/bin", "/bin"}) {
                if (Files.exists(Path.of(bin, tool)) && !Files.exists(tools.resolve(tool))) {
                    Files.createSymbolicLink(tools.resolve(tool), Path.of(bin, tool));
                }
            }
        }
        var ran = shell.with("JAVA_HOME", "").with("PATH", tools.toString()).run("./muster status");
        assertThat(ran).isEqualTo(new Shell.Ran(1, "", "muster: no Java found: install a JDK, 17 or newer, or set JAVA_HOME to one\n"));
        var wrong = shell.with("JAVA_HOME", folder.resolve("none").toString()).run("./muster status");
        assertThat(wrong.err()).isEqualTo("muster: JAVA_HOME is " + folder.resolve("none") + ", and there is no bin/java in it: set it to a JDK, 17 or newer\n");
    }

    @Test
    void saysWhichServicesThereAre() throws Exception {
        for (var command : new String[] {"./muster service", "./muster service kafka"}) {
            assertThat(shell.run(command)).isEqualTo(new Shell.Ran(1, "",
                    "muster: service NAME needs the name of one: queue-watcher planner aws-provisioner gcp-provisioner k8s-provisioner\n"));
        }
    }
}
