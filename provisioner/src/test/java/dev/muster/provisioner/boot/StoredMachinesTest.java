package dev.muster.provisioner.boot;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.contracts.GoldenFiles;
import dev.muster.provisioner.spi.KeepUntil;
import dev.muster.provisioner.spi.Mark;
import dev.muster.provisioner.spi.Mark.Word;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Machines live on while Muster is upgraded: those that an earlier release booted, with its script and its guard, are told by today's marks to
 * drain, and none that works is ended. The same holds for this version's, so that its successors find it here.
 */
class StoredMachinesTest {

    private static final GoldenFiles FILES = GoldenFiles.ofThisModule();
    /** Where the stored scripts think that ClearML is. */
    private static final String API = "https://api.example";
    /** Between two words of a command. */
    private static final String NEXT_WORD = "\n%%\n";
    private static final List<String> PROGRAMS = List.of("guard.py", "pod.py", "fetch_secrets.py");
    private static final String EMPTY = "{\"meta\":{\"result_code\":200},\"data\":{}}";
    private static final String TASK = "{\"meta\":{\"result_code\":200},\"data\":{\"entry\":{\"task\":\"t1\",\"added\":\"2026-11-24T00:00:00\"}}}";

    @TempDir
    private Path folder;

    private final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    static Stream<String> versions() {
        return FILES.versions().stream();
    }

    @BeforeAll
    static void writeThisVersions() throws Exception {
        if (!GoldenFiles.isToWrite()) {
            return;
        }
        for (var program : PROGRAMS) {
            FILES.write(program, ScriptText.read(program));
        }
        FILES.write("ec2-boot.sh", BootScript.text(vm(), BootScript.Cloud.EC2, Optional.empty()));
        FILES.write("gce-boot.sh", BootScript.text(vm(), BootScript.Cloud.GCE, Optional.empty()));
        pod("agent-pod", PodScript.of(BootedPod.plan(1, API, "", ""), Optional.empty()));
        pod("task-pod", PodScript.of(BootedPod.plan(1, API, "", ""), Optional.of(new PodScript.TaskToRun(BootedPod.TASK, BootedPod.QUEUE, "", false))));
    }

    private static BootPlan vm() {
        return new BootPlan("lab-train:gpu:g5.xlarge", 1, List.of("q1"), new BootPlan.Hosts(API, "https://app.example", "https://files.example"),
                new BootPlan.Keys(Given.text("ACCESS"), Given.text("SECRET")), false, "", "3.0.3", true, new TreeMap<>(), Given.NOTHING, Given.NOTHING,
                Given.NOTHING, false, BootPlan.Storage.NONE, Optional.empty());
    }

    private static void pod(String name, PodScript script) throws IOException {
        try (var unpacked = new GZIPInputStream(new ByteArrayInputStream(Base64.getDecoder().decode(script.environment().get("MUSTER_BOOT"))))) {
            FILES.write(name + ".sh", unpacked.readAllBytes());
        }
        FILES.write(name + ".command", String.join(NEXT_WORD, script.command()));
    }

    /** As a release booted it; its agent's first look has come. */
    private BootedMachine boot(String version) throws Exception {
        var machine = BootedMachine.of(folder);
        machine.clearml().answer("queues.get_next_task", 200, EMPTY);
        machine.start(FILES.text(version, "ec2-boot.sh").replace(API, machine.clearml().url()));
        machine.awaitFile("agent-0.args");
        return machine;
    }

    private static BootedPod start(BootedPod pod, String version, String name) throws Exception {
        return pod.start(Arrays.asList(FILES.text(version, name + ".command").split(NEXT_WORD)), Map.of("MUSTER_BOOT",
                ScriptText.base64(ScriptText.compress(FILES.text(version, name + ".sh").replace(API, pod.clearml().url()).getBytes(UTF_8)))));
    }

    /** What an agent gets when it asks for a task at its port. */
    private String ask(int port) throws Exception {
        return http.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/v2.30/queues.get_next_task")).header("Authorization", "Bearer jwt")
                .header("Content-Type", "application/json").method("GET", BodyPublishers.ofString("{\"queue\":\"q1\"}")).build(), BodyHandlers.ofString()).body();
    }

    private boolean brings(BootedMachine machine, boolean task) {
        try {
            return ask(machine.port(0)).contains("\"t1\"") == task;
        } catch (Exception broken) {
            throw new AssertionError(broken);
        }
    }

    /** It has read its mark twice since. */
    private static void awaitLooks(BootedMachine machine) throws Exception {
        int looks = machine.metadata().asked(BootedMachine.MARK).size();
        machine.await("two more looks", () -> machine.metadata().asked(BootedMachine.MARK).size() > looks + 2);
    }

    private void assertIsOn(BootedMachine machine) {
        assertThat(folder.resolve("shutdown.args")).doesNotExist();
        assertThat(folder.resolve("agent-0.reports")).as("what its agent was told").doesNotExist();
    }

    @ParameterizedTest
    @MethodSource("versions")
    void aMachineAtWorkFinishesItsTaskUnderADrainAndThenEnds(String version) throws Exception {
        try (var machine = boot(version)) {
            machine.clearml().answer("queues.get_next_task", 200, TASK);
            machine.await("a task", () -> brings(machine, true));
            var task = machine.startTask(0);
            // When
            machine.mark(new Mark(Word.DRAIN, 3).text());
            awaitLooks(machine);
            // Then
            assertIsOn(machine);
            assertThat(task.isAlive()).isTrue();
            machine.await("the gate to shut", () -> brings(machine, false));
            awaitLooks(machine);
            assertThat(task.isAlive()).as("the task's process keeps it").isTrue();
            assertIsOn(machine);
            task.destroyForcibly().waitFor();
            machine.awaitFile("shutdown.args");
        }
    }

    @ParameterizedTest
    @MethodSource("versions")
    void aDrainThatIsTakenBackOpensItsGate(String version) throws Exception {
        try (var machine = boot(version)) {
            var task = machine.startTask(0);
            machine.clearml().answer("queues.get_next_task", 200, TASK);
            machine.mark(new Mark(Word.DRAIN, 3).text());
            machine.await("the gate to shut", () -> brings(machine, false));
            // When
            machine.mark(new Mark(Word.NONE, 4).text());
            // Then
            machine.await("a task", () -> brings(machine, true));
            // Late, since lower than what was heeded.
            machine.mark(new Mark(Word.DRAIN_NOW, 2).text());
            awaitLooks(machine);
            assertThat(task.isAlive()).isTrue();
            assertIsOn(machine);
            task.destroyForcibly();
        }
    }

    @ParameterizedTest
    @MethodSource("versions")
    void aFreeMachineEndsUnderADrain(String version) throws Exception {
        try (var machine = boot(version)) {
            machine.await("an answer", () -> brings(machine, false));
            // When
            machine.mark(new Mark(Word.DRAIN, 1).text());
            // Then
            machine.awaitFile("shutdown.args");
            assertThat(folder.resolve("agent-0.reports")).doesNotExist();
        }
    }

    @ParameterizedTest
    @MethodSource("versions")
    void drainNowEndsItAtOnceAndWithoutAWord(String version) throws Exception {
        try (var machine = boot(version)) {
            var task = machine.startTask(0);
            // When
            machine.mark(new Mark(Word.DRAIN_NOW, 9).text());
            // Then
            machine.awaitFile("shutdown.args");
            assertThat(task.waitFor(10, TimeUnit.SECONDS)).isTrue();
            assertThat(folder.resolve("agent-0.reports")).doesNotExist();
        }
    }

    @ParameterizedTest
    @MethodSource("versions")
    void itWorksAsLongAsSomebodyKeepsItAndEndsFreeOnceNobodyDoes(String version) throws Exception {
        try (var machine = boot(version)) {
            machine.metadata().answer(BootedMachine.KEEP_UNTIL, 200, KeepUntil.from(Instant.now(), "MkU3OEVBNTcwNTJENDM2Qg").text());
            machine.clearml().answer("queues.get_next_task", 200, TASK);
            awaitLooks(machine);
            machine.await("a task", () -> brings(machine, true));
            // When
            machine.metadata().answer(BootedMachine.KEEP_UNTIL, 200, KeepUntil.from(Instant.now().minus(KeepUntil.HORIZON).minusSeconds(1), "MkU3OEVBNTcwNTJENDM2Qg").text());
            awaitLooks(machine);
            // Then
            assertIsOn(machine);
            machine.await("the gate to shut", () -> brings(machine, false));
            machine.awaitFile("shutdown.args");
        }
    }

    @ParameterizedTest
    @MethodSource("versions")
    void aTaskPodThatIsMarkedAfterItsClaimFinishes(String version) throws Exception {
        try (var pod = start(BootedPod.of(folder), version, "task-pod")) {
            pod.awaitFile("agent.args");
            // When
            pod.mark(new Mark(Word.DRAIN, 3).text());
            pod.finishAgent(0);
            // Then
            assertThat(pod.exit()).isZero();
            assertThat(folder.resolve("agent.reports")).doesNotExist();
            assertThat(pod.clearml().asked("queues.remove_task")).hasSize(1);
        }
    }

    @ParameterizedTest
    @MethodSource("versions")
    void aTaskPodThatIsMarkedBeforeItsClaimTakesNothing(String version) throws Exception {
        try (var pod = BootedPod.of(folder)) {
            pod.mark(new Mark(Word.DRAIN, 3).text());
            start(pod, version, "task-pod");
            assertThat(pod.exit()).isZero();
            assertThat(pod.clearml().asked("queues.remove_task")).isEmpty();
        }
    }

    @ParameterizedTest
    @MethodSource("versions")
    void anAgentPodAtWorkEndsAfterItsTask(String version) throws Exception {
        try (var pod = start(BootedPod.of(folder), version, "agent-pod")) {
            pod.awaitFile("agent.args");
            pod.clearml().answer("queues.get_next_task", 200, TASK);
            assertThat(ask(pod.port())).contains("\"t1\"");
            // When
            pod.mark(new Mark(Word.DRAIN, 2).text());
            var agent = pod.agent();
            // Then: it has a task until it asks for another, which it does not get.
            agent.onExit().completeOnTimeout(null, 3, TimeUnit.SECONDS).join();
            assertThat(agent.isAlive()).isTrue();
            assertThat(ask(pod.port())).doesNotContain("\"t1\"");
            assertThat(pod.exit()).isZero();
            assertThat(folder.resolve("agent.reports")).doesNotExist();
        }
    }
}
