package dev.muster.provisioner.boot;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the boot script is, and what it does in a folder of its own with commands that only write down how they are called. */
class BootScriptTest {

    private static final int EC2_LIMIT = 16 * 1024;
    /** Everything that a shell could take for itself. */
    private static final String NASTY = "a'b\"c$HOME`id`$(id)\\d!*~&|;<>#% e";

    @TempDir
    private Path folder;

    private static BootPlan plan(String key, Map<String, String> environment, String conf, String init, int agents, boolean docker) {
        return new BootPlan("lab-train:gpu:g5.xlarge", agents, List.of("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"),
                new BootPlan.Hosts("https://api.example", "https://app.example", "https://files.example"), new BootPlan.Keys("ACCESS", key), docker,
                "python:3.11", "3.0.3", false, new TreeMap<>(environment), conf, init);
    }

    private static BootPlan plan() {
        return plan(NASTY, Map.of("PLAIN", "x", "NASTY", NASTY + "\nsecond line"), "agent.x: \"" + NASTY + "\"", "touch \"$MARKER\"\n", 1, true);
    }

    @Test
    void isAShellScriptOfAFewKilobytes() throws Exception {
        var script = BootScript.render(plan(), EC2_LIMIT);

        assertThat(new String(script, UTF_8)).startsWith("#!/bin/sh\n");
        assertThat(script.length).isLessThan(EC2_LIMIT / 2);
        assertThat(run(List.of("sh", "-n", write(script).toString()), Map.of())).isZero();
    }

    @Test
    void theSamePlanGivesTheSameBytes() {
        var many = new TreeMap<String, String>();
        for (int i = 0; i < 5_000; i++) {
            many.put("V" + i, "value " + i * 7919);
        }
        var large = plan("k", many, "", "", 1, false);

        assertThat(BootScript.render(plan(), EC2_LIMIT)).isEqualTo(BootScript.render(plan(), EC2_LIMIT));
        assertThat(BootScript.render(large, 1024 * 1024)).isEqualTo(BootScript.render(large, 1024 * 1024));
    }

    @Test
    void namesWhatAMachineMustKnowInOneBlock() {
        var text = BootScript.text(plan("SECRET", Map.of(), "", "", 2, true));

        assertThat(text).contains("""
                <<'MUSTER_PROPERTIES'
                worker.prefix=lab-train:gpu:g5.xlarge
                agents=2
                queues=0123456789abcdef0123456789abcdef fedcba9876543210fedcba9876543210
                clearml.api=https://api.example
                clearml.web=https://app.example
                clearml.files=https://files.example
                clearml.access-key=ACCESS
                clearml.secret-key=SECRET
                docker=true
                default-image=python:3.11
                MUSTER_PROPERTIES
                """);
    }

    @Test
    void aLongScriptIsCompressed() throws IOException {
        var plan = plan("k", Map.of(), "", "# a comment\n".repeat(4_000), 1, false);

        var script = BootScript.render(plan, EC2_LIMIT);

        assertThat(script.length).isLessThan(EC2_LIMIT);
        try (var plain = new GZIPInputStream(new ByteArrayInputStream(script))) {
            assertThat(new String(plain.readAllBytes(), UTF_8)).isEqualTo(BootScript.text(plan));
        }
    }

    @Test
    void aScriptThatIsTooLongAnywaySaysWhatToShorten() {
        var random = new java.util.Random(7);
        var noise = random.ints(60_000, 33, 126).collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString();

        assertThatThrownBy(() -> BootScript.render(plan("k", Map.of(), "", noise, 1, false), EC2_LIMIT))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("shorten init_script");
    }

    @Test
    void aValueThatLooksLikeAPlaceIsLeftAsItIs() {
        assertThat(BootScript.text(plan("@INIT@", Map.of(), "", "", 1, false))).contains("clearml.secret-key=@INIT@\n");
    }

    @Test
    void aKeyWithALineBreakIsRefused() {
        assertThatThrownBy(() -> plan("two\nlines", Map.of(), "", "", 1, false)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("line break").hasMessageNotContaining("two");
    }

    @Test
    void showsNoSecret() {
        var plan = plan("TOPSECRET", Map.of("TOKEN", "TOPSECRET"), "TOPSECRET", "TOPSECRET", 1, true);

        assertThat(plan.toString() + plan.keys()).doesNotContain("TOPSECRET").contains("TOKEN");
    }

    @Test
    void secretsSurviveTheShellAndReachTheAgent() throws Exception {
        var marker = folder.resolve("init-ran");
        int exit = boot(plan(NASTY, Map.of("NASTY", NASTY + "\nsecond line", "MARKER", marker.toString()), "agent.x: \"" + NASTY + "\"",
                "touch \"$MARKER\"\n", 1, true));

        assertThat(exit).isZero();
        var environment = Files.readString(folder.resolve("agent-0.env"));
        assertThat(environment).contains("CLEARML_API_SECRET_KEY=" + NASTY + "\n", "NASTY=" + NASTY + "\nsecond line\n",
                "CLEARML_API_HOST=https://api.example\n", "CLEARML_WEB_HOST=https://app.example\n", "CLEARML_FILES_HOST=https://files.example\n",
                "CLEARML_WORKER_ID=lab-train:gpu:g5.xlarge:i-07cf7d6750455cb62\n");
        assertThat(Files.readString(folder.resolve("root/etc/muster/clearml.conf"))).contains(
                "\"-e\", \"CLEARML_API_HOST=https://api.example\"", "agent.x: \"" + NASTY + "\"\n");
        assertThat(marker).exists();
        assertThat(Files.readString(folder.resolve("agent-0.args"))).isEqualTo("daemon --foreground --force-current-version --queue "
                + "0123456789abcdef0123456789abcdef fedcba9876543210fedcba9876543210 --docker python:3.11\n");
        assertThat(Files.readString(folder.resolve("pip.args"))).contains("clearml-agent==3.0.3");
        assertThat(Files.readString(folder.resolve("shutdown.args"))).isEqualTo("-h now\n");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve("root/etc/muster/boot.properties")))).isEqualTo("rw-------");
        assertThat(Files.readString(folder.resolve("console"))).doesNotContain(NASTY);
    }

    @Test
    void severalAgentsHaveAWorkerIdEach() throws Exception {
        assertThat(boot(plan("k", Map.of(), "", "", 2, false))).isZero();

        assertThat(Files.readString(folder.resolve("agent-0.env"))).contains("CLEARML_WORKER_ID=lab-train:gpu:g5.xlarge:i-07cf7d6750455cb62.0\n");
        assertThat(Files.readString(folder.resolve("agent-1.env"))).contains("CLEARML_WORKER_ID=lab-train:gpu:g5.xlarge:i-07cf7d6750455cb62.1\n");
    }

    @Test
    void aBootThatFailsSaysWhereAndEndsTheMachine() throws Exception {
        int exit = boot(plan("k", Map.of(), "", "exit 3\n", 1, true));

        assertThat(exit).isEqualTo(1);
        assertThat(Files.readString(folder.resolve("console"))).contains("MUSTER-BOOT-FAILED step=init reason=init_script ended with 3");
        assertThat(folder.resolve("shutdown.args")).exists();
        assertThat(folder.resolve("agent-0.args")).doesNotExist();
    }

    /** Runs the script with a root of its own; metadata, packages, agents and power are played by shell scripts. */
    private int boot(BootPlan plan) throws Exception {
        var bin = Files.createDirectories(folder.resolve("bin"));
        command(bin, "curl", "case \"$*\" in *api/token*) printf token;; *instance-id*) printf i-07cf7d6750455cb62;; *) exit 22;; esac");
        command(bin, "shutdown", "echo \"$*\" > '" + folder + "/shutdown.args'");
        command(bin, "docker", "exit 0");
        command(bin, "sync", "exit 0");
        command(bin, "python3", """
                for last; do :; done
                mkdir -p "$last/bin"
                printf '#!/bin/sh\\necho "$*" > "%1$s/pip.args"\\n' > "$last/bin/pip"
                cat > "$last/bin/clearml-agent" <<'AGENT'
                #!/bin/sh
                slot=${CLEARML_WORKER_ID##*.}
                case "$slot" in [0-9]) ;; *) slot=0 ;; esac
                echo "$*" > "%1$s/agent-$slot.args"
                env > "%1$s/agent-$slot.env"
                AGENT
                chmod +x "$last/bin/pip" "$last/bin/clearml-agent"
                """.formatted(folder));
        var script = write(BootScript.render(plan, EC2_LIMIT));
        return run(List.of("sh", script.toString()), Map.of("MUSTER_ROOT", folder.resolve("root").toString(), "MUSTER_METADATA", "http://metadata",
                "PATH", bin + ":" + System.getenv("PATH")));
    }

    private static void command(Path bin, String name, String body) throws IOException {
        var file = bin.resolve(name);
        Files.writeString(file, "#!/bin/sh\n" + body + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private Path write(byte[] script) throws IOException {
        return Files.write(folder.resolve("boot.sh"), script);
    }

    private int run(List<String> command, Map<String, String> environment) throws Exception {
        var process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(folder.resolve("console").toFile());
        process.environment().putAll(environment);
        var running = process.start();
        if (!running.waitFor(60, TimeUnit.SECONDS)) {
            running.destroyForcibly();
            throw new AssertionError("the script did not end; it said: " + Files.readString(folder.resolve("console")));
        }
        return running.exitValue();
    }
}
