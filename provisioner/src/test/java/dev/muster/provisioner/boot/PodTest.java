package dev.muster.provisioner.boot;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pods played by processes: what each does with its task, its mark and its signals, and with what code it ends. */
class PodTest {

    private static final String TAKEN = "{\"meta\":{\"result_code\":400,\"result_subcode\":703},\"data\":{}}";
    /** Of a process that is told to end: 128 and SIGTERM. */
    private static final int TOLD = 143;

    @TempDir
    private Path folder;

    private static String bodies(BootedPod pod, String endpoint) {
        return String.join("\n", pod.clearml().asked(endpoint).stream().map(asked -> new String(asked.body(), UTF_8)).toList());
    }

    private void assertNoWord() {
        assertThat(folder.resolve("agent.reports")).doesNotExist();
    }

    @Test
    void aTaskPodClaimsItsTaskRunsItAndEnds() throws Exception {
        try (var pod = BootedPod.of(folder).startTaskPod("export FROM_SETUP=1\nset -- other words\nfalse\n")) {
            pod.awaitFile("agent.args");

            assertThat(Files.readString(folder.resolve("agent.args"))).isEqualTo("execute --full-monitoring --cpu-only --id " + BootedPod.TASK + "\n");
            assertThat(Files.readString(folder.resolve("agent.env"))).contains("FROM_SETUP=1\n", "PLAIN=it's here\n", "CLEARML_WORKER_ID=" + BootedPod.WORKER + "\n",
                    "CLEARML_API_HOST=" + pod.clearml().url() + "\n", "CLEARML_API_SECRET_KEY=" + BootedPod.SECRET + "\n").doesNotContain("MUSTER_BOOT");
            assertThat(Files.readString(pod.etc("clearml.conf"))).isEqualTo("agent.package_manager.system_site_packages: true\n\n");
            var claim = pod.clearml().asked("queues.remove_task");
            assertThat(claim).hasSize(1);
            assertThat(claim.get(0).header("Authorization")).isEqualTo("Bearer jwt");
            assertThat(bodies(pod, "queues.remove_task")).isEqualTo("{\"queue\": \"" + BootedPod.QUEUE + "\", \"task\": \"" + BootedPod.TASK + "\"}");
            assertThat(bodies(pod, "workers.register")).isEqualTo("{\"worker\": \"" + BootedPod.WORKER + "\", \"queues\": [\"" + BootedPod.QUEUE + "\"], \"timeout\": 600}");
            // Idle first, then with its task.
            assertThat(bodies(pod, "workers.status_report").lines().map(line -> line.contains("\"task\": \"" + BootedPod.TASK + "\""))).containsExactly(false, true);

            // Marked after its claim, it finishes.
            pod.mark("drain:7");
            pod.finishAgent(0);
            assertThat(pod.exit()).isZero();
            assertThat(pod.clearml().asked("workers.unregister")).hasSize(1);
            assertThat(pod.clearml().asked("tasks.failed")).isEmpty();
            assertThat(pod.console()).doesNotContain(BootedPod.SECRET, "s3cr3t");
        }
    }

    @Test
    void aTaskThatAnotherHasTakenIsLeftToIt() throws Exception {
        try (var pod = BootedPod.of(folder)) {
            pod.clearml().answer("queues.remove_task", 400, TAKEN);
            pod.startTaskPod();

            assertThat(pod.exit()).isZero();
            assertThat(pod.console()).contains("is another's: it is in its queue no more");
            assertThat(folder.resolve("agent.args")).doesNotExist();
            assertThat(pod.clearml().asked("workers.unregister")).hasSize(1);
        }
    }

    @Test
    void onlyOneRemovedEntryIsAClaim() throws Exception {
        try (var pod = BootedPod.of(folder)) {
            pod.clearml().answer("queues.remove_task", 200, "{\"meta\":{\"result_code\":200},\"data\":{\"removed\":0}}");
            pod.startTaskPod();

            assertThat(pod.exit()).isZero();
            assertThat(folder.resolve("agent.args")).doesNotExist();
        }
    }

    @Test
    void markedBeforeItsClaimAPodEnds() throws Exception {
        try (var pod = BootedPod.of(folder)) {
            pod.mark("drain:3");
            pod.startTaskPod();

            assertThat(pod.exit()).isZero();
            assertThat(pod.console()).contains("is not claimed: mark");
            assertThat(pod.clearml().asked("queues.remove_task")).isEmpty();
        }
    }

    @Test
    void aPodThatNobodyKeepsClaimsNothing() throws Exception {
        try (var pod = BootedPod.of(folder)) {
            pod.annotate(Map.of("mark", "none:1", "keep-until", Instant.now().minusSeconds(5).getEpochSecond() + "@cluster"));
            pod.startTaskPod();

            assertThat(pod.exit()).isZero();
            assertThat(pod.console()).contains("is not claimed: keep-until");
        }
    }

    @Test
    void withoutItsAnnotationsAPodClaimsNothing() throws Exception {
        try (var pod = BootedPod.of(folder)) {
            Files.delete(folder.resolve("pod/annotations"));
            pod.startTaskPod();
            pod.awaitConsole("nothing is claimed without them");
            assertThat(pod.clearml().asked("queues.remove_task")).isEmpty();

            pod.mark("none:1");
            pod.awaitFile("agent.args");
        }
    }

    /** Whether it was granted nobody knows: begun here, the task might run twice. */
    @Test
    void aLostAnswerToTheClaimEndsThePod() throws Exception {
        try (var pod = BootedPod.of(folder)) {
            pod.clearml().answer("queues.remove_task", (exchange, asked) -> exchange.getResponseBody().close());
            pod.startTaskPod();

            assertThat(pod.exit()).isZero();
            assertThat(pod.console()).contains("the answer to the claim of task " + BootedPod.TASK + " is lost");
            assertThat(pod.clearml().asked("queues.remove_task")).hasSize(1);
            assertThat(folder.resolve("agent.args")).doesNotExist();
        }
    }

    @Test
    void aClaimThatIsGrantedToAPodThatMustEndIsGivenBack() throws Exception {
        try (var pod = BootedPod.of(folder)) {
            for (var endpoint : List.of("queues.add_task", "queues.move_task_to_front")) {
                pod.clearml().answer(endpoint, 200, "{\"meta\":{\"result_code\":200},\"data\":{}}");
            }
            pod.clearml().answer("queues.remove_task", (exchange, asked) -> {
                pod.tellToEnd();
                try {
                    // Until the guard has heard of it.
                    pod.await("the signal", () -> hears(pod));
                } finally {
                    LoopbackServer.send(exchange, 200, "{\"meta\":{\"result_code\":200},\"data\":{\"removed\":1}}".getBytes(UTF_8));
                }
            });
            pod.startTaskPod();

            assertThat(pod.exit()).isEqualTo(TOLD);
            assertThat(bodies(pod, "queues.add_task")).isEqualTo("{\"task\": \"" + BootedPod.TASK + "\", \"queue\": \"" + BootedPod.QUEUE + "\"}");
            assertThat(pod.clearml().asked("queues.move_task_to_front")).hasSize(1);
            assertThat(folder.resolve("agent.args")).doesNotExist();
        }
    }

    /** Whether the guard has had the signal. */
    private static boolean hears(BootedPod pod) {
        try {
            return pod.console().contains("is told to end");
        } catch (java.io.IOException unread) {
            return false;
        }
    }

    @Test
    void clearmlThatIsDownAtTheStartIsWaitedFor() throws Exception {
        try (var pod = BootedPod.of(folder)) {
            var script = PodScript.of(pod.plan(), Optional.of(new PodScript.TaskToRun(BootedPod.TASK, BootedPod.QUEUE, "", false)));
            pod.stopClearml();
            pod.start(script);
            pod.awaitConsole("waits for ClearML");
            pod.startClearml();

            pod.awaitFile("agent.args");
            assertThat(pod.clearml().asked("queues.remove_task")).hasSize(1);
        }
    }

    @Test
    void sigtermKillsTheTaskWithoutAWord() throws Exception {
        try (var pod = BootedPod.of(folder).startTaskPod()) {
            pod.awaitFile("agent.args");
            var agent = pod.agent();
            var task = pod.startTask();
            pod.tellToEnd();

            assertThat(pod.exit()).isEqualTo(TOLD);
            assertThat(task.waitFor(10, TimeUnit.SECONDS)).isTrue();
            agent.onExit().get(10, TimeUnit.SECONDS);
            assertNoWord();
            // Seen as the worker's own until the pod is seen to be gone.
            assertThat(pod.clearml().asked("workers.unregister")).isEmpty();
        }
    }

    @Test
    void theCheckpointHookHasTheGraceAndNoMore() throws Exception {
        try (var pod = BootedPod.of(folder)) {
            var plan = BootedPod.plan(1, pod.clearml().url(), "", "echo \"$MUSTER_ENDS_AT\" > '" + folder + "/hook'\nexec sleep 600\n");
            pod.start(PodScript.of(plan, Optional.of(new PodScript.TaskToRun(BootedPod.TASK, BootedPod.QUEUE, "", false))));
            pod.awaitFile("agent.args");
            var told = Instant.now();
            pod.tellToEnd();
            pod.awaitFile("hook");
            assertThat(pod.agent().isAlive()).isTrue();

            assertThat(pod.exit()).isEqualTo(TOLD);
            // The test's pods have 14 s.
            assertThat(Instant.now()).isBetween(told.plusSeconds(8), told.plusSeconds(14));
            assertNoWord();
        }
    }

    /** As the kubelet has it: process 1 hears only what it asks for, and whoever has no parent is its child. */
    @Test
    void asProcessOneItStartsTheGuardAgainAndHearsSigterm() throws Exception {
        try (var pod = BootedPod.of(folder).alone().startTaskPod()) {
            pod.awaitFile("agent.args");
            pod.await("the agent's file", () -> Files.exists(pod.etc("agent-0.pid")));
            pod.guard().orElseThrow().destroyForcibly();
            pod.awaitConsole("was granted when the guard started again");
            pod.tellToEnd();

            assertThat(pod.exit()).isEqualTo(TOLD);
            assertThat(pod.agentsStarted()).isEqualTo(1);
            assertNoWord();
        }
    }

    @Test
    void toldToEndWhileItBootsAPodEndsAtOnce() throws Exception {
        try (var pod = BootedPod.of(folder).alone()) {
            var plan = BootedPod.plan(1, pod.clearml().url(), "touch '" + folder + "/booting'\nsleep 600\n", "");
            pod.start(PodScript.of(plan, Optional.of(new PodScript.TaskToRun(BootedPod.TASK, BootedPod.QUEUE, "", false))));
            pod.awaitFile("booting");
            pod.tellToEnd();

            assertThat(pod.exit()).isEqualTo(TOLD);
            assertThat(pod.console()).contains("MUSTER-BOOT is told to end");
            assertThat(pod.clearml().asked("queues.remove_task")).isEmpty();
        }
    }

    @Test
    void drainNowKillsTheTaskWithoutAWord() throws Exception {
        try (var pod = BootedPod.of(folder).startTaskPod()) {
            pod.awaitFile("agent.args");
            pod.mark("drain-now:9");

            assertThat(pod.exit()).isZero();
            assertThat(pod.console()).contains("killing task " + BootedPod.TASK + ": the mark says so");
            assertNoWord();
        }
    }

    @Test
    void aTaskOutlivesAnAgentThatWasKilledAndIsWaitedFor() throws Exception {
        try (var pod = BootedPod.of(folder).startTaskPod()) {
            pod.awaitFile("agent.args");
            var task = pod.startTask();
            var agent = pod.agent();
            agent.destroyForcibly();
            agent.onExit().get(10, TimeUnit.SECONDS);
            // Longer than the guard takes for a look.
            assertThat(task.waitFor(3, TimeUnit.SECONDS)).isFalse();
            assertThat(pod.isAlive()).isTrue();
            assertThat(pod.clearml().asked("workers.unregister")).isEmpty();
            task.destroyForcibly();

            assertThat(pod.exit()).isZero();
            assertThat(pod.console()).contains("has ended with status -9");
            assertThat(pod.clearml().asked("tasks.failed")).isEmpty();
            assertThat(pod.agentsStarted()).isEqualTo(1);
        }
    }

    @Test
    void aSetupScriptThatEndsThePodFailsTheTask() throws Exception {
        try (var pod = BootedPod.of(folder).startTaskPod("exit 3\n")) {
            assertThat(pod.exit()).isZero();
            assertThat(bodies(pod, "tasks.failed")).contains("\"task\": \"" + BootedPod.TASK + "\"", "the setup script ended with 3 before the task began");
            assertThat(folder.resolve("agent.args")).doesNotExist();
        }
    }

    @Test
    void aTaskThatIsAbortedDuringItsSetupIsNotBegun() throws Exception {
        try (var pod = BootedPod.of(folder)) {
            pod.clearml().answer("tasks.get_by_id", 200, "{\"meta\":{\"result_code\":200},\"data\":{\"task\":{\"status\":\"stopped\"}}}");
            pod.startTaskPod();

            assertThat(pod.exit()).isZero();
            assertThat(pod.console()).contains("is stopped by now and is not begun");
            assertThat(folder.resolve("agent.args")).doesNotExist();
            assertThat(pod.clearml().asked("tasks.failed")).isEmpty();
        }
    }

    @Test
    void aTaskThatIsQueuedAnewDuringItsSetupIsLeftToWhoeverTakesItThen() throws Exception {
        try (var pod = BootedPod.of(folder)) {
            queuedSince(pod, "2026-03-01T10:00:00.000000+00:00");
            pod.startTaskPod("while [ ! -e '" + folder.resolve("reset") + "' ]; do sleep 0.1; done\n");
            pod.await("the first look", () -> Files.exists(pod.etc("stay")));
            queuedSince(pod, "2026-03-01T10:00:07.000000+00:00");
            Files.createFile(folder.resolve("reset"));

            assertThat(pod.exit()).isZero();
            assertThat(pod.console()).contains("was queued anew since it was claimed and is not begun");
            assertThat(folder.resolve("agent.args")).doesNotExist();
        }
    }

    @Test
    void aTaskThatIsAsItWasClaimedIsBegunAfterItsSetup() throws Exception {
        try (var pod = BootedPod.of(folder)) {
            queuedSince(pod, "2026-03-01T10:00:00.000000+00:00");
            pod.startTaskPod("export FROM_SETUP=1\n");

            pod.awaitFile("agent.args");
        }
    }

    private static void queuedSince(BootedPod pod, String at) {
        pod.clearml().answer("tasks.get_by_id", 200, "{\"meta\":{\"result_code\":200},\"data\":{\"task\":{\"status\":\"queued\",\"status_changed\":\"" + at + "\"}}}");
    }

    @Test
    void aWorkerThatClearmlRefusesIsABootThatFailed() throws Exception {
        try (var pod = BootedPod.of(folder)) {
            pod.clearml().answer("workers.register", 403, "{\"meta\":{\"result_code\":403,\"result_subcode\":20},\"data\":{}}");
            pod.startTaskPod();

            assertThat(pod.exit()).isEqualTo(78);
            assertThat(BootFailure.last(pod.console())).contains(new BootFailure("claim", "ClearML refuses to register worker " + BootedPod.WORKER + " (HTTP 403, code 20)"));
            assertThat(pod.clearml().asked("queues.remove_task")).isEmpty();
        }
    }

    @Test
    void aKeyThatMayNotClaimIsABootThatFailed() throws Exception {
        try (var pod = BootedPod.of(folder)) {
            pod.clearml().answer("queues.remove_task", 403, "{\"meta\":{\"result_code\":403,\"result_subcode\":20},\"data\":{}}");
            pod.startTaskPod();

            assertThat(pod.exit()).isEqualTo(78);
            assertThat(BootFailure.last(pod.console()).map(BootFailure::step)).contains("claim");
            assertThat(pod.clearml().asked("workers.unregister")).hasSize(1);
        }
    }

    @Test
    void aPodWhoseQueueIsGoneIsNoFailedBoot() throws Exception {
        try (var pod = BootedPod.of(folder)) {
            pod.clearml().answer("workers.register", 400, "{\"meta\":{\"result_code\":400,\"result_subcode\":701},\"data\":{}}");
            pod.startTaskPod();

            assertThat(pod.exit()).isZero();
            assertThat(pod.console()).contains("is not claimed: its queue is gone");
        }
    }

    @Test
    void agentAndTaskOutliveTheGuardAndTheTaskIsClaimedOnce() throws Exception {
        try (var pod = BootedPod.of(folder).startTaskPod()) {
            pod.awaitFile("agent.args");
            pod.await("the agent's file", () -> Files.exists(pod.etc("agent-0.pid")));
            var first = pod.guard().orElseThrow();
            first.destroyForcibly();
            pod.awaitConsole("was granted when the guard started again");
            assertThat(pod.agent().isAlive()).isTrue();
            pod.finishAgent(0);

            assertThat(pod.exit()).isZero();
            assertThat(pod.agentsStarted()).isEqualTo(1);
            assertThat(pod.clearml().asked("queues.remove_task")).hasSize(1);
        }
    }

    @Test
    void anAgentPodServesItsQueuesUntilItIsDrained() throws Exception {
        try (var pod = BootedPod.of(folder)) {
            pod.start(PodScript.of(BootedPod.plan(1, pod.clearml().url(), "", ""), Optional.empty()));
            pod.awaitFile("agent.args");
            assertThat(Files.readString(folder.resolve("agent.args"))).isEqualTo("daemon --foreground --force-current-version --queue " + BootedPod.QUEUE + " --cpu-only\n");
            assertThat(Files.readString(folder.resolve("agent.env"))).contains("CLEARML_API_HOST=http://127.0.0.1:" + pod.port() + "\n", "CLEARML_WORKER_ID=" + BootedPod.WORKER + "\n");
            assertThat(pod.console()).contains("MUSTER-BOOT-DONE machine=" + BootedPod.UID);
            // The guard's restart goes unnoticed here, too.
            pod.guard().orElseThrow().destroyForcibly();
            pod.awaitConsole("starts again");
            pod.mark("drain:2");
            pod.awaitConsole("the gate is shut by the mark drain:2");
            assertThat(pod.isAlive()).isTrue();
            var answer = HttpClient.newHttpClient().send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + pod.port() + "/v2.30/queues.get_next_task"))
                    .POST(BodyPublishers.ofString("{\"queue\":\"q\"}")).build(), BodyHandlers.ofString());

            assertThat(answer.body()).contains("\"data\": {}");
            assertThat(pod.exit()).isZero();
            assertThat(pod.agentsStarted()).isEqualTo(1);
            assertNoWord();
        }
    }

    @Test
    void anAgentPodThatIsToldToEndKillsItsAgentsWithoutAWord() throws Exception {
        try (var pod = BootedPod.of(folder)) {
            pod.start(PodScript.of(BootedPod.plan(1, pod.clearml().url(), "", ""), Optional.empty()));
            pod.awaitFile("agent.args");
            var task = pod.startTask();
            pod.tellToEnd();

            assertThat(pod.exit()).isEqualTo(TOLD);
            assertThat(task.waitFor(10, TimeUnit.SECONDS)).isTrue();
            assertNoWord();
        }
    }

    @Test
    void aClaimForAnImagesOwnEntrypointSaysByItsCodeWhetherItIsGranted() throws Exception {
        var task = Optional.of(new PodScript.TaskToRun(BootedPod.TASK, BootedPod.QUEUE, "", true));
        try (var pod = BootedPod.of(Files.createDirectory(folder.resolve("granted")))) {
            var claim = PodScript.of(pod.plan(), task).claim().orElseThrow();
            assertThat(pod.start(claim.command(), claim.environment()).exit()).isZero();
            assertThat(bodies(pod, "workers.status_report").lines().map(line -> line.contains(BootedPod.TASK))).containsExactly(false, true);

            pod.start(claim.attendCommand(), claim.environment());
            pod.await("another report", () -> pod.clearml().asked("workers.status_report").size() == 3);
            pod.tellToEnd();
            assertThat(pod.exit()).isZero();
            assertThat(pod.clearml().asked("workers.unregister")).hasSize(1);
            assertThat(pod.clearml().asked("queues.remove_task")).hasSize(1);
        }
        try (var pod = BootedPod.of(Files.createDirectory(folder.resolve("taken")))) {
            pod.clearml().answer("queues.remove_task", 400, TAKEN);
            var claim = PodScript.of(pod.plan(), task).claim().orElseThrow();
            assertThat(pod.start(claim.command(), claim.environment()).exit()).isEqualTo(1);
        }
    }

    @Test
    void aPodThatCannotBecomeAWorkerSaysWhyAndEndsWith78() throws Exception {
        assertThat(failure("secret", pod -> Files.delete(folder.resolve("secret/secrets/clearml-secret")), "")).isEqualTo(
                new BootFailure("secrets", "kubernetes:clearml-secret: the pod's Secret has no such key"));
        assertThat(failure("line", pod -> pod.keep("clearml-secret", "t0psecret\nagents=9"), "")).isEqualTo(
                new BootFailure("secrets", "kubernetes:clearml-secret: the secret holds a line break, and must be one line"));
        assertThat(failure("key", pod -> pod.clearml().refuseKeys(), "").reason()).endsWith("refuses the access key");
        assertThat(failure("init", pod -> {}, "exit 3\n")).isEqualTo(new BootFailure("init", "init_script ended with 3"));
        assertThat(failure("venv", pod -> Files.createFile(folder.resolve("venv/no-venv")), "")).satisfies(failed -> {
            assertThat(failed.step()).isEqualTo("packages");
            assertThat(failed.reason()).contains("can't make a virtual environment: ensurepip is not available; take an image with python3-venv");
        });
    }

    private interface Broken {
        void in(BootedPod pod) throws Exception;
    }

    private BootFailure failure(String name, Broken broken, String init) throws Exception {
        try (var pod = BootedPod.of(Files.createDirectory(folder.resolve(name)))) {
            broken.in(pod);
            pod.start(PodScript.of(BootedPod.plan(1, pod.clearml().url(), init, ""), Optional.of(new PodScript.TaskToRun(BootedPod.TASK, BootedPod.QUEUE, "", false))));
            assertThat(pod.exit()).as(pod.console()).isEqualTo(78);
            assertThat(pod.clearml().asked("queues.remove_task")).isEmpty();
            assertThat(pod.console()).doesNotContain("t0psecret", "s3cr3t");
            return BootFailure.last(pod.console()).orElseThrow();
        }
    }

    @Test
    void anImageWithoutPythonGetsItWhereTheUserMayInstall() throws Exception {
        try (var pod = BootedPod.of(Files.createDirectory(folder.resolve("user")))) {
            pod.withoutPython(1000);
            pod.startTaskPod();
            assertThat(pod.exit()).isEqualTo(78);
            assertThat(BootFailure.last(pod.console())).contains(new BootFailure("python",
                    "the image has no Python 3.6 or later, and user 1000 can't install one; take an image with python3"));
        }
        try (var pod = BootedPod.of(Files.createDirectory(folder.resolve("root")))) {
            pod.withoutPython(0);
            pod.startTaskPod();
            pod.awaitFile("agent.args");
            assertThat(Files.readAllLines(folder.resolve("root/apt-get.args"))).startsWith("-q update", "-q -y install python3");
        }
    }

    @Test
    void theFirstProcessBuriesOrphans() throws Exception {
        try (var pod = BootedPod.of(folder).startTaskPod("(sh -c 'echo $$ > \"" + folder + "/orphan.new\"; mv \"" + folder + "/orphan.new\" \"" + folder
                + "/orphan\"; while [ ! -e \"" + folder + "/end\" ]; do sleep 0.1; done' &)\n")) {
            pod.awaitFile("orphan");
            pod.awaitFile("agent.args");
            var orphan = ProcessHandle.of(Long.parseLong(Files.readString(folder.resolve("orphan")).strip())).orElseThrow();
            assertThat(orphan.parent().map(ProcessHandle::pid)).contains(pod.pid());
            Files.createFile(folder.resolve("end"));

            pod.await("the orphan's burial", () -> !Files.exists(Path.of("/proc", Long.toString(orphan.pid()))));
            assertThat(pod.isAlive()).isTrue();
        }
    }

    @Test
    void anImageThatBringsTheAgentInstallsNothing() throws Exception {
        try (var pod = BootedPod.of(folder)) {
            Files.writeString(folder.resolve("agent-version"), "3.0.3\n");
            pod.startTaskPod();
            pod.awaitFile("agent.args");

            assertThat(pod.console()).contains("the image has clearml-agent 3.0.3");
            assertThat(List.of(folder.resolve("pip.args"), folder.resolve("apt-get.args"))).noneMatch(Files::exists);
            pod.finishAgent(0);
            assertThat(pod.exit()).isZero();
        }
    }
}
