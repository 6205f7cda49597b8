package dev.muster.provisioner.boot;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
                new BootPlan.Hosts("https://api.example", "https://app.example", "https://files.example"), new BootPlan.Keys(Given.text("ACCESS"), Given.text(key)), docker,
                "python:3.11", "3.0.3", false, given(environment), Given.text(conf), Given.text(init), Given.NOTHING, false, BootPlan.Storage.NONE, Optional.empty());
    }

    private static TreeMap<String, Given> given(Map<String, String> texts) {
        var given = new TreeMap<String, Given>();
        texts.forEach((name, text) -> given.put(name, Given.text(text)));
        return given;
    }

    private static String text(BootPlan plan) {
        return BootScript.text(plan, BootScript.Cloud.EC2, Optional.empty());
    }

    private static byte[] render(BootPlan plan, int limit) {
        return BootScript.render(plan, BootScript.Cloud.EC2, Optional.empty(), limit);
    }

    private static BootPlan plan() {
        return plan(NASTY, Map.of("PLAIN", "x", "NASTY", NASTY + "\nsecond line"), "agent.x: \"" + NASTY + "\"", "touch \"$MARKER\"\n", 1, true);
    }

    @Test
    void isAShellScriptThatLeavesRoomForTheFleetsOwn() throws Exception {
        var script = text(plan()).getBytes(UTF_8);

        assertThat(new String(script, UTF_8)).startsWith("#!/bin/sh\n");
        assertThat(render(plan(), EC2_LIMIT).length).isLessThan(EC2_LIMIT * 7 / 8);
        assertThat(run(List.of("sh", "-n", write(script).toString()), Map.of())).isZero();
    }

    @Test
    void shellcheckFindsNothing() throws Exception {
        var shellcheck = Parts.find("shellcheck");
        var script = write(text(plan()).getBytes(UTF_8));

        assertThat(run(List.of(shellcheck.toString(), "-s", "sh", "-e", "SC1090,SC1091", script.toString()), Map.of())).as(Files.readString(folder.resolve("console"))).isZero();
        var guard = folder.resolve("guard.sh");
        var text = Files.readString(script);
        Files.writeString(guard, text.substring(text.indexOf("#!/bin/sh", 1), text.indexOf("MUSTER_RUN\n", text.indexOf("#!/bin/sh", 1))));
        assertThat(run(List.of(shellcheck.toString(), "-s", "sh", "-e", "SC1090,SC1091", guard.toString()), Map.of())).as(Files.readString(folder.resolve("console"))).isZero();
    }

    @Test
    void theSamePlanGivesTheSameBytes() {
        var many = new TreeMap<String, String>();
        for (int i = 0; i < 5_000; i++) {
            many.put("V" + i, "value " + i * 7919);
        }
        var large = plan("k", many, "", "", 1, false);

        assertThat(render(plan(), EC2_LIMIT)).isEqualTo(render(plan(), EC2_LIMIT));
        assertThat(render(large, 1024 * 1024)).isEqualTo(render(large, 1024 * 1024));
    }

    @Test
    void namesWhatAMachineMustKnowInOneBlock() {
        var text = text(plan("SECRET", Map.of(), "", "", 2, true));

        assertThat(text).contains("""
                <<'MUSTER_PROPERTIES'
                worker.prefix=lab-train:gpu:g5.xlarge
                agents=2
                queues=0123456789abcdef0123456789abcdef fedcba9876543210fedcba9876543210
                clearml.api=https://api.example
                clearml.web=https://app.example
                clearml.files=https://files.example
                docker=true
                default-image=python:3.11
                cloud=ec2
                clearml.access-key=ACCESS
                clearml.secret-key=SECRET
                MUSTER_PROPERTIES
                """);
    }

    @Test
    void aLongScriptIsCompressed() throws IOException {
        var plan = plan("k", Map.of(), "", "# a comment\n".repeat(4_000), 1, false);

        var script = render(plan, EC2_LIMIT);

        assertThat(script.length).isLessThan(EC2_LIMIT);
        try (var plain = new GZIPInputStream(new ByteArrayInputStream(script))) {
            assertThat(new String(plain.readAllBytes(), UTF_8)).isEqualTo(text(plan));
        }
    }

    @Test
    void aStartupScriptUnpacksItselfAndRunsTheSame(@TempDir Path folder) throws Exception {
        var plan = plan("k", Map.of(), "", "", 1, false);
        var script = BootScript.startupScript(plan, 256 * 1024);
        // A shell that shows what it would run.
        Files.writeString(folder.resolve("sh"), "#!/bin/sh\ncat \"$1\"\n");
        assertThat(folder.resolve("sh").toFile().setExecutable(true)).isTrue();

        var process = new ProcessBuilder("/bin/sh", "-c", script).redirectErrorStream(true);
        process.environment().put("PATH", folder + ":" + System.getenv("PATH"));
        process.environment().put("TMPDIR", folder.toString());
        var started = process.start();
        var shown = new String(started.getInputStream().readAllBytes(), UTF_8);

        assertThat(started.waitFor()).isZero();
        assertThat(shown).isEqualTo(BootScript.text(plan, BootScript.Cloud.GCE, Optional.empty())).contains("cloud=gce");
        assertThat(script).startsWith("#!/bin/sh\n# muster-boot-gzip\n").isASCII();
        assertThatThrownBy(() -> BootScript.startupScript(plan, 1_000)).hasMessageContaining("shorten init_script");
    }

    @Test
    void aScriptThatIsTooLongAnywaySaysWhatToShorten() {
        var random = new java.util.Random(7);
        var noise = random.ints(60_000, 33, 126).collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString();

        assertThatThrownBy(() -> render(plan("k", Map.of(), "", noise, 1, false), EC2_LIMIT))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("shorten init_script");
    }

    @Test
    void aValueThatLooksLikeAPlaceIsLeftAsItIs() {
        assertThat(text(plan("@INIT@", Map.of(), "", "", 1, false))).contains("clearml.secret-key=@INIT@\n");
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
        var plan = plan(NASTY, Map.of("NASTY", NASTY + "\nsecond line", "MARKER", marker.toString()), "agent.x: \"" + NASTY + "\"",
                "touch \"$MARKER\"\n", 1, true);
        try (var machine = BootedMachine.boot(folder, plan)) {
            machine.awaitFile("agent-0.args");

            assertThat(Files.readString(folder.resolve("agent-0.env"))).contains("CLEARML_API_SECRET_KEY=" + NASTY + "\n",
                    "NASTY=" + NASTY + "\nsecond line\n", "CLEARML_API_HOST=http://127.0.0.1:" + machine.port(0) + "\n",
                    "CLEARML_WEB_HOST=https://app.example\n", "CLEARML_FILES_HOST=https://files.example\n",
                    "CLEARML_WORKER_ID=lab-train:gpu:g5.xlarge:" + BootedMachine.CLOUD_ID + "\n");
            assertThat(Files.readString(machine.etc("clearml.conf"))).contains(
                    "\"-e\", \"CLEARML_API_HOST=" + machine.clearml().url() + "\"", "agent.x: \"" + NASTY + "\"\n");
            assertThat(marker).exists();
            assertThat(Files.readString(folder.resolve("agent-0.args"))).isEqualTo("daemon --foreground --force-current-version --queue "
                    + "0123456789abcdef0123456789abcdef fedcba9876543210fedcba9876543210 --cpu-only --docker python:3.11\n");
            assertThat(Files.readString(folder.resolve("pip.args"))).contains("clearml-agent==3.0.3");
            // Where packages come from is said there, too.
            assertThat(Files.readString(folder.resolve("pip.env"))).contains("NASTY=" + NASTY + "\nsecond line\n");
            for (var file : List.of("boot.properties", "agent.env", "clearml.conf", "gcs.json")) {
                assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(machine.etc(file)))).isEqualTo("rw-------");
            }
            assertThat(machine.console()).contains("MUSTER-BOOT-DONE machine=" + BootedMachine.CLOUD_ID).doesNotContain(NASTY);
        }
    }

    @Test
    void argumentsOfTheEnvironmentDoNotHideClearmlFromContainers() throws Exception {
        var plan = plan("k", Map.of("CLEARML_AGENT_EXTRA_DOCKER_ARGS", "--shm-size=8g -e GREETING='two words'"), "", "", 1, true);
        try (var machine = BootedMachine.boot(folder, plan)) {
            machine.awaitFile("agent-0.args");

            assertThat(Files.readString(folder.resolve("agent-0.env"))).contains("CLEARML_AGENT_EXTRA_DOCKER_ARGS=--shm-size=8g -e GREETING='two words'"
                    + " -e CLEARML_API_HOST=" + machine.clearml().url() + " -e CLEARML_FILES_HOST=https://files.example -e CLEARML_WEB_HOST=https://app.example\n");
        }
    }

    @Test
    void severalAgentsHaveAWorkerIdAndAPortEach() throws Exception {
        try (var machine = BootedMachine.boot(folder, plan("k", Map.of(), "", "", 2, false))) {
            machine.awaitFile("agent-0.args");
            machine.awaitFile("agent-1.args");

            for (int slot = 0; slot < 2; slot++) {
                assertThat(Files.readString(folder.resolve("agent-" + slot + ".env"))).contains(
                        "CLEARML_WORKER_ID=lab-train:gpu:g5.xlarge:" + BootedMachine.CLOUD_ID + "." + slot + "\n",
                        "CLEARML_API_HOST=http://127.0.0.1:" + machine.port(slot) + "\n");
            }
        }
    }

    @Test
    void agentsShareTheMachinesGpus() throws Exception {
        assertThat(gpusOf(2, 4, "a")).containsExactly("0,1", "2,3");
        // What is left over is used, too.
        assertThat(gpusOf(3, 4, "b")).containsExactly("0,1", "2", "3");
        // One GPU for two tasks is better than all for each, which is what an agent takes that is told nothing.
        assertThat(gpusOf(3, 2, "c")).containsExactly("0", "1", "0");
        assertThat(Files.readString(folder.resolve("c/console"))).contains("agent 2 has GPU 0 of 2, not alone: there are more agents than GPUs");
    }

    private List<String> gpusOf(int agents, int gpus, String name) throws Exception {
        try (var machine = BootedMachine.of(Files.createDirectory(folder.resolve(name)))) {
            machine.installGpus(gpus);
            machine.start(plan("k", Map.of(), "", "", agents, false));
            var given = new java.util.ArrayList<String>();
            for (int slot = 0; slot < agents; slot++) {
                machine.awaitFile("agent-" + slot + ".args");
                assertThat(Files.readString(folder.resolve(name).resolve("agent-" + slot + ".env")))
                        .contains("CLEARML_WORKER_ID=lab-train:gpu:g5.xlarge:" + BootedMachine.CLOUD_ID + "." + slot + "\n");
                given.add(Files.readString(folder.resolve(name).resolve("agent-" + slot + ".args")).strip().replaceFirst(".* --gpus ", ""));
            }
            return given;
        }
    }

    @Test
    void oneAgentHasAllGpus() throws Exception {
        try (var machine = BootedMachine.of(folder)) {
            machine.installGpus(4);
            machine.start(plan("k", Map.of(), "", "", 1, true));
            machine.awaitFile("agent-0.args");

            assertThat(Files.readString(folder.resolve("agent-0.args"))).doesNotContain("--gpus", "--cpu-only");
        }
    }

    /** Its containers then fail to start, which is better than tasks that run for days on the wrong hardware. */
    @Test
    void aMachineWhoseGpuHasNoDriverIsNoneWithoutGpus() throws Exception {
        try (var machine = BootedMachine.of(folder)) {
            machine.installPciDevice("0x10de", "0x030200");
            machine.start(plan("k", Map.of(), "", "", 1, true));
            machine.awaitFile("agent-0.args");

            assertThat(Files.readString(folder.resolve("agent-0.args"))).doesNotContain("--cpu-only");
        }
    }

    @Test
    void aBootThatFailsSaysWhereAndEndsTheMachine() throws Exception {
        try (var machine = BootedMachine.boot(folder, plan("k", Map.of(), "", "exit 3\n", 1, true))) {
            machine.awaitFile("shutdown.args");

            assertThat(machine.exit()).isEqualTo(1);
            assertThat(machine.console()).contains("MUSTER-BOOT-FAILED step=init reason=init_script ended with 3");
            assertThat(folder.resolve("agent-0.args")).doesNotExist();
        }
    }

    @Test
    void aProgramThatSaysManyLinesFailsInOne() throws Exception {
        try (var machine = BootedMachine.of(folder)) {
            machine.start(plan("k", Map.of(), "", "", 1, false), "http://[broken");
            machine.awaitFile("shutdown.args");

            assertThat(machine.console().lines().filter(line -> line.contains("MUSTER-BOOT-FAILED"))).singleElement().asString()
                    .contains("MUSTER-BOOT-FAILED step=clearml reason=Traceback").contains("Error");
        }
    }

    @Test
    void aPythonWithoutVenvGetsAVirtualenvInAFolderOfItsOwn() throws Exception {
        try (var machine = BootedMachine.of(folder)) {
            machine.withoutVenv();
            machine.start(plan("k", Map.of(), "", "", 1, false));
            machine.awaitFile("agent-0.args");

            assertThat(Files.readString(folder.resolve("apt-get.args"))).contains("-q -y install python3-venv python3-pip\n");
            // With a target of its own pip changes nothing of a Python that the system looks after, and so is not refused.
            assertThat(Files.readString(folder.resolve("system-pip.args"))).isEqualTo("-m pip install -q --disable-pip-version-check --target "
                    + folder.resolve("root/opt/muster/virtualenv") + " virtualenv\n");
            assertThat(Files.readString(folder.resolve("pip.args"))).contains("clearml-agent==3.0.3");
        }
    }

    @Test
    void rootsBashrcIsReadOnlyWhereTheFleetSaysSo() throws Exception {
        assertThat(environmentWithBashrc(false, "without")).doesNotContain("FROM_BASHRC");
        // What the fleet says itself comes later, and counts.
        assertThat(environmentWithBashrc(true, "with")).contains("FROM_BASHRC=yes\n", "BOTH=fleet\n");
    }

    private String environmentWithBashrc(boolean shellProfile, String name) throws Exception {
        var own = Files.createDirectory(folder.resolve(name));
        Files.writeString(Files.createDirectory(own.resolve("home")).resolve(".bashrc"), "export FROM_BASHRC=yes BOTH=bashrc\n");
        var plan = plan("k", Map.of("BOTH", "fleet"), "", "", 1, false);
        try (var machine = BootedMachine.boot(own, new BootPlan(plan.workerPrefix(), 1, plan.queueIds(), plan.hosts(), plan.keys(), false, "", "3.0.3", false,
                plan.environment(), Given.NOTHING, Given.NOTHING, Given.NOTHING, shellProfile, BootPlan.Storage.NONE, Optional.empty()))) {
            machine.awaitFile("agent-0.args");
            return Files.readString(own.resolve("agent-0.env"));
        }
    }

    @Test
    void aKeyThatClearmlRefusesIsFoundBeforeAnythingIsInstalled() throws Exception {
        try (var machine = BootedMachine.of(folder)) {
            machine.clearml().refuseKeys();
            machine.start(plan("k", Map.of(), "", "", 1, false));
            machine.awaitFile("shutdown.args");

            assertThat(machine.exit()).isEqualTo(1);
            assertThat(machine.console()).contains("MUSTER-BOOT-FAILED step=clearml reason=" + machine.clearml().url() + " refuses the access key");
            assertThat(folder.resolve("pip.args")).doesNotExist();
        }
    }

    @Test
    void aPageThatIsNotClearmlsIsToldFromIt() throws Exception {
        try (var machine = BootedMachine.of(folder)) {
            machine.clearml().answer("auth.login", 200, "<html>Please log in</html>");
            machine.start(plan("k", Map.of(), "", "", 1, false));
            machine.awaitFile("shutdown.args");

            assertThat(machine.console()).contains("MUSTER-BOOT-FAILED step=clearml", "not as ClearML's API does; check machineHosts.api");
        }
    }

    @Test
    void anImageThatBringsTheAgentInstallsNothing() throws Exception {
        try (var machine = BootedMachine.of(folder)) {
            machine.installAgent("3.0.3");
            machine.start(plan("k", Map.of(), "", "", 1, false));
            machine.awaitFile("agent-0.args");

            assertThat(machine.console()).contains("the image has clearml-agent 3.0.3");
            assertThat(folder.resolve("pip.args")).doesNotExist();
        }
    }

    @Test
    void keysToDataStandInClearmlsOwnTerms() {
        var storage = new BootPlan.Storage(List.of(
                new BootPlan.Storage.S3("", "", "eu-west-1", Given.text("ALL"), Given.text("all\"secret"), false),
                new BootPlan.Storage.S3("models", "minio:9000", "", Given.text("ONE"), Given.text("one-secret"), true)),
                Optional.of(new BootPlan.Storage.Gcs("lab", Given.text("{\"type\": \"service_account\"}"))),
                List.of(new BootPlan.Storage.Azure("lab", Given.text("azure-key"), "data")), true);
        var plan = new BootPlan("p:q:t", 1, List.of("q"), new BootPlan.Hosts("http://a", "http://w", "http://f"), new BootPlan.Keys(Given.text("k"), Given.text("s")), true,
                "i", "3.0.3", false, new TreeMap<>(), Given.NOTHING, Given.NOTHING, Given.NOTHING, false, storage, Optional.empty());

        assertThat(decoded(text(plan), "clearml.conf")).isEqualTo("""
                agent.extra_docker_arguments: ["-e", "CLEARML_WEB_HOST=http://w"]
                sdk.aws.s3.use_credentials_chain: true
                sdk.aws.s3.key: "ALL"
                sdk.aws.s3.secret: "all\\"secret"
                sdk.aws.s3.region: "eu-west-1"
                sdk.aws.s3.credentials: [{bucket: "models", host: "minio:9000", key: "ONE", secret: "one-secret", multipart: false, secure: false}]
                sdk.google.storage.project: "lab"
                sdk.google.storage.credentials_json: "/etc/muster/gcs.json"
                sdk.azure.storage.containers: [{account_name: "lab", account_key: "azure-key", container_name: "data"}]

                agent.extra_docker_arguments: ${agent.extra_docker_arguments} ["-e", "CLEARML_API_HOST=http://a", "-e", "CLEARML_FILES_HOST=http://f", \
                "-e", "CLEARML_WEB_HOST=http://w", "-v", "/etc/muster/gcs.json:/etc/muster/gcs.json:ro"]
                """);
        assertThat(decoded(text(plan), "gcs.json")).isEqualTo("{\"type\": \"service_account\"}");
        assertThat(plan.toString() + storage).doesNotContain("secret", "azure-key", "service_account");
    }

    /** Agents up to 3.0.3 at least write it into a script, between double quotes. */
    @Test
    void aGitPasswordThatAShellWouldExpandDoesNotMeetTheAgentsShell() {
        for (var password : List.of("a$b", "a`b", "a\\b")) {
            assertThat(decoded(text(plan("k", Map.of("CLEARML_AGENT_GIT_PASS", password), "", "", 1, false)), "clearml.conf"))
                    .contains("agent.enable_git_ask_pass: false\n").doesNotContain(password);
        }
        assertThat(decoded(text(plan("k", Map.of("CLEARML_AGENT_GIT_PASS", "a'b\"c d@e"), "", "", 1, false)), "clearml.conf"))
                .doesNotContain("git_ask_pass");
    }

    private static String decoded(String script, String file) {
        var start = script.indexOf("\n", script.indexOf("/" + file + "\" <<'MUSTER_FILE'")) + 1;
        return new String(Base64.getMimeDecoder().decode(script.substring(start, script.indexOf("MUSTER_FILE", start))), UTF_8);
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
