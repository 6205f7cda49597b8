package dev.muster.provisioner.boot;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPOutputStream;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The guard of a booted machine, asked as its agents ask it, and told as its cloud tells it. */
class GuardTest {

    private static final String EMPTY = "{\"meta\":{\"result_code\":200},\"data\":{}}";
    private static final String TASK = "{\"meta\":{\"result_code\":200},\"data\":{\"entry\":{\"task\":\"t1\",\"added\":\"2026-11-24T00:00:00\"}}}";
    private static final String POP = "/v2.30/queues.get_next_task";

    @TempDir
    private Path folder;

    private final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private static BootPlan plan(int agents, String checkpointHook) {
        return new BootPlan("lab-train:gpu:g5.xlarge", agents, List.of("q1"), new BootPlan.Hosts("", "https://app.example", "https://files.example"),
                new BootPlan.Keys(Given.text("ACCESS"), Given.text("SECRET")), false, "", "3.0.3", true, new TreeMap<>(), Given.NOTHING, Given.NOTHING,
                Given.text(checkpointHook), false, BootPlan.Storage.NONE, Optional.empty());
    }

    private BootedMachine boot(int agents) throws IOException {
        var machine = BootedMachine.boot(folder, plan(agents, ""));
        machine.awaitFile("agent-" + (agents - 1) + ".args");
        machine.clearml().answer("queues.get_next_task", 200, EMPTY);
        return machine;
    }

    private HttpRequest pop(BootedMachine machine, int slot) throws IOException {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + machine.port(slot) + POP)).header("Authorization", "Bearer jwt")
                .header("Content-Type", "application/json").method("GET", BodyPublishers.ofString("{\"queue\":\"q1\"}")).build();
    }

    private String ask(BootedMachine machine, int slot) throws Exception {
        return http.send(pop(machine, slot), BodyHandlers.ofString()).body();
    }

    private static boolean brings(String answer, String task) {
        return answer.contains("\"task\":\"" + task + "\"");
    }

    @Test
    void callsGoThroughUnchanged() throws Exception {
        try (var machine = boot(1)) {
            var zipped = new ByteArrayOutputStream();
            try (var gzip = new GZIPOutputStream(zipped)) {
                gzip.write("{\"data\":{\"ü\":1}}".getBytes(UTF_8));
            }
            machine.clearml().answer("tasks.get_by_id", (exchange, asked) -> {
                exchange.getResponseHeaders().set("Content-Encoding", "gzip");
                exchange.getResponseHeaders().set("X-Clearml-Trx", "abc");
                LoopbackServer.send(exchange, 400, zipped.toByteArray());
            });
            var uri = URI.create("http://127.0.0.1:" + machine.port(0) + "/v2.30/tasks.get_by_id?x=1&y=%20");
            // Without a length: sent in chunks.
            var body = BodyPublishers.ofInputStream(() -> new ByteArrayInputStream("{\"task\":\"t1\"}".getBytes(UTF_8)));
            var answer = http.send(HttpRequest.newBuilder(uri).header("Authorization", "Basic abc").header("X-ClearML-Worker", "w")
                    .header("Accept-Encoding", "gzip, deflate").method("GET", body).build(), BodyHandlers.ofByteArray());

            assertThat(answer.statusCode()).isEqualTo(400);
            assertThat(answer.body()).isEqualTo(zipped.toByteArray());
            assertThat(answer.headers().firstValue("X-Clearml-Trx")).contains("abc");
            assertThat(answer.headers().firstValue("Content-Encoding")).contains("gzip");
            var asked = machine.clearml().asked("tasks.get_by_id").get(0);
            assertThat(asked.method()).isEqualTo("GET");
            assertThat(asked.path()).isEqualTo("/v2.30/tasks.get_by_id?x=1&y=%20");
            assertThat(asked.body()).asString().isEqualTo("{\"task\":\"t1\"}");
            assertThat(asked.header("Authorization")).isEqualTo("Basic abc");
            assertThat(asked.header("X-clearml-worker")).isEqualTo("w");
            assertThat(asked.header("Accept-encoding")).isEqualTo("gzip, deflate");
            assertThat(asked.header("Host")).isEqualTo("127.0.0.1:" + machine.clearml().port());
        }
    }

    @Test
    void aMarkAnswersPopsAsAnEmptyQueueAndItsEndLetsThemThrough() throws Exception {
        try (var machine = boot(1)) {
            // Holds the machine, so that it doesn't end under the mark.
            var task = machine.startTask(0);
            assertThat(brings(ask(machine, 0), "t1")).isFalse();
            machine.clearml().answer("queues.get_next_task", 200, TASK);
            machine.mark("drain:3");
            machine.awaitConsole("the gate is shut by the mark drain:3");

            int asked = machine.clearml().asked("queues.get_next_task").size();
            assertThat(ask(machine, 0)).contains("\"data\": {}");
            assertThat(machine.clearml().asked("queues.get_next_task")).hasSize(asked);

            machine.mark("none:4");
            machine.awaitConsole("the gate is open by the mark none:4");
            assertThat(brings(ask(machine, 0), "t1")).isTrue();
            // Late: lower than what was heeded.
            machine.mark("drain-now:2");
            assertThat(brings(ask(machine, 0), "t1")).isTrue();
            task.destroyForcibly();
        }
    }

    @Test
    void aPopUnderWayIsWaitedForAndItsTaskIsDone() throws Exception {
        try (var machine = boot(1)) {
            var popped = new CountDownLatch(1);
            var goOn = new CountDownLatch(1);
            answerTaskOnce(machine, popped, goOn);
            var answer = http.sendAsync(pop(machine, 0), BodyHandlers.ofString());
            await(popped);
            machine.mark("drain:3");
            machine.awaitConsole("the gate is shut by the mark");
            goOn.countDown();

            assertThat(brings(answer.get(30, TimeUnit.SECONDS).body(), "t1")).isTrue();
            // The agent works, whatever the processes look like, until it asks for more.
            assertThat(folder.resolve("shutdown.args")).doesNotExist();
            assertThat(machine.clearml().asked("queues.add_task")).isEmpty();

            assertThat(ask(machine, 0)).contains("\"data\": {}");
            machine.awaitFile("shutdown.args");
            assertThat(machine.console()).contains("powering off: mark");
            // SIGKILL: the agent had no chance to report.
            assertThat(folder.resolve("agent-0.reports")).doesNotExist();
            machine.await("the agent's end", () -> {
                try {
                    return ProcessHandle.of(machine.agents(0).get(0)).filter(ProcessHandle::isAlive).isEmpty();
                } catch (IOException unread) {
                    return false;
                }
            });
        }
    }

    @Test
    void aTaskThatNobodyWaitsForAnyMoreIsPutBack() throws Exception {
        try (var machine = boot(1)) {
            for (var endpoint : List.of("queues.add_task", "queues.move_task_to_front")) {
                machine.clearml().answer(endpoint, 200, "{\"meta\":{\"result_code\":200},\"data\":{}}");
            }
            var popped = new CountDownLatch(1);
            var goOn = new CountDownLatch(1);
            answerTaskOnce(machine, popped, goOn);
            try (var agent = new Socket("127.0.0.1", machine.port(0))) {
                agent.getOutputStream().write(("POST " + POP + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer jwt\r\nContent-Length: 14\r\n\r\n"
                        + "{\"queue\":\"q1\"}").getBytes(UTF_8));
                await(popped);
            }
            goOn.countDown();
            machine.await("the task to be put back", () -> !machine.clearml().asked("queues.move_task_to_front").isEmpty());

            for (var endpoint : List.of("queues.add_task", "queues.move_task_to_front")) {
                var call = machine.clearml().asked(endpoint).get(0);
                assertThat(call.header("Authorization")).isEqualTo("Bearer jwt");
                assertThat(new String(call.body(), UTF_8)).contains("\"task\": \"t1\"", "\"queue\": \"q1\"");
            }
        }
    }

    @Test
    void agentsAndTheirTasksOutliveTheGuard() throws Exception {
        try (var machine = boot(2)) {
            machine.clearml().answer("queues.get_next_task", 200, TASK);
            assertThat(brings(ask(machine, 0), "t1")).isTrue();
            var ports = List.of(machine.port(0), machine.port(1));
            machine.killGuard();
            machine.awaitConsole("starts again");
            machine.await("the guard", () -> machine.guard().isPresent());
            machine.clearml().answer("queues.get_next_task", 200, EMPTY);

            assertThat(askPatiently(machine, 1)).isEqualTo(EMPTY);
            assertThat(List.of(machine.port(0), machine.port(1))).isEqualTo(ports);
            assertThat(machine.agents(0)).hasSize(1);
            assertThat(machine.agents(1)).hasSize(1);
            machine.mark("drain:3");
            machine.awaitConsole("the gate is shut by the mark");
            ask(machine, 1);
            // Of agent 0 nothing is known since the restart: it may have a task.
            assertThat(folder.resolve("shutdown.args")).doesNotExist();
            ask(machine, 0);
            machine.awaitFile("shutdown.args");
        }
    }

    @Test
    void aTasksProcessAndAContainerKeepTheMachine() throws Exception {
        try (var machine = BootedMachine.of(folder)) {
            var plan = plan(1, "");
            machine.start(new BootPlan(plan.workerPrefix(), 1, plan.queueIds(), plan.hosts(), plan.keys(), true, "image", "3.0.3", true, plan.environment(),
                    Given.NOTHING, Given.NOTHING, Given.NOTHING, false, BootPlan.Storage.NONE, Optional.empty()));
            machine.awaitFile("agent-0.args");
            var task = machine.startTask(0);
            Files.writeString(folder.resolve("containers"), "c0ffee\n");
            machine.mark("drain:1");
            machine.awaitConsole("the gate is shut by the mark");
            machine.clearml().answer("queues.get_next_task", 200, EMPTY);
            ask(machine, 0);
            task.destroyForcibly().waitFor();
            int looks = machine.metadata().asked(BootedMachine.MARK).size();
            machine.await("two more looks", () -> machine.metadata().asked(BootedMachine.MARK).size() > looks + 2);
            assertThat(folder.resolve("shutdown.args")).doesNotExist();
            Files.delete(folder.resolve("containers"));
            machine.awaitFile("shutdown.args");
        }
    }

    @Test
    void drainNowEndsAgentTaskAndMachineWithoutAWord() throws Exception {
        try (var machine = boot(1)) {
            machine.clearml().answer("queues.get_next_task", 200, TASK);
            ask(machine, 0);
            var task = machine.startTask(0);
            machine.mark("drain-now:9");
            machine.awaitFile("shutdown.args");

            assertThat(task.waitFor(10, TimeUnit.SECONDS)).isTrue();
            assertThat(folder.resolve("agent-0.reports")).doesNotExist();
            assertThat(machine.console()).contains("powering off: the mark says so");
        }
    }

    @Test
    void aNoticeShutsTheGateRunsTheHookAndKillsBeforeTheEnd() throws Exception {
        try (var machine = BootedMachine.boot(folder, plan(1, "echo \"$MUSTER_ENDS_AT\" > '" + folder + "/hook'\n"))) {
            machine.awaitFile("agent-0.args");
            machine.clearml().answer("queues.get_next_task", 200, TASK);
            ask(machine, 0);
            var task = machine.startTask(0);
            // Agents are killed 20 s before; seconds are left, to see that they aren't yet.
            var end = Instant.now().plusSeconds(30).getEpochSecond();
            machine.metadata().answer(BootedMachine.NOTICE, 200, "{\"action\":\"terminate\",\"time\":\"" + Instant.ofEpochSecond(end) + "\"}");
            machine.awaitFile("hook");

            assertThat(task.isAlive()).isTrue();
            assertThat(Files.readString(folder.resolve("hook")).trim()).isEqualTo(String.valueOf(end));
            assertThat(ask(machine, 0)).contains("\"data\": {}");
            // As if it had a task again: the end doesn't wait for it.
            machine.awaitFile("shutdown.args");
            assertThat(task.waitFor(10, TimeUnit.SECONDS)).isTrue();
            assertThat(Instant.now().getEpochSecond()).isLessThan(end);
            assertThat(folder.resolve("agent-0.reports")).doesNotExist();
        }
    }

    @Test
    void aMachineThatNobodyKeepsEndsAfterItsTask() throws Exception {
        try (var machine = boot(1)) {
            machine.clearml().answer("queues.get_next_task", 200, TASK);
            ask(machine, 0);
            machine.metadata().answer(BootedMachine.KEEP_UNTIL, 200, Instant.now().minusSeconds(1).getEpochSecond() + "@cluster");
            machine.awaitConsole("the gate is shut: keep-until");
            assertThat(folder.resolve("shutdown.args")).doesNotExist();
            machine.metadata().answer(BootedMachine.KEEP_UNTIL, 200, Instant.now().plusSeconds(600).getEpochSecond() + "@cluster");
            machine.await("the gate to open", () -> {
                try {
                    return brings(ask(machine, 0), "t1");
                } catch (Exception broken) {
                    throw new AssertionError(broken);
                }
            });
            machine.metadata().answer(BootedMachine.KEEP_UNTIL, 200, Instant.now().minusSeconds(1).getEpochSecond() + "@cluster");
            machine.clearml().answer("queues.get_next_task", 200, EMPTY);
            machine.await("the gate to shut", () -> {
                try {
                    return ask(machine, 0).contains("\"data\": {}");
                } catch (Exception broken) {
                    throw new AssertionError(broken);
                }
            });
            machine.awaitFile("shutdown.args");
        }
    }

    @Test
    void aMachineOfItsHardAgeTakesNoTaskAndEndsAfterItsOwn() throws Exception {
        try (var machine = BootedMachine.of(folder)) {
            var plan = plan(1, "");
            machine.start(new BootPlan(plan.workerPrefix(), 1, plan.queueIds(), plan.hosts(), plan.keys(), false, "", "3.0.3", true, plan.environment(),
                    Given.NOTHING, Given.NOTHING, Given.NOTHING, false, BootPlan.Storage.NONE, Optional.of(Duration.ofHours(1))));
            machine.awaitFile("agent-0.args");
            machine.clearml().answer("queues.get_next_task", 200, TASK);
            assertThat(brings(ask(machine, 0), "t1")).isTrue();

            // As if an hour had passed since: the guard reads it when it starts.
            machine.bootedEarlier(Duration.ofHours(1));
            machine.killGuard();
            machine.awaitConsole("the gate is shut: hard age");
            int looks = machine.metadata().asked(BootedMachine.MARK).size();
            machine.await("more looks", () -> machine.metadata().asked(BootedMachine.MARK).size() > looks + 2);
            assertThat(folder.resolve("shutdown.args")).doesNotExist();

            assertThat(askPatiently(machine, 0)).contains("\"data\": {}");
            machine.awaitFile("shutdown.args");
            assertThat(machine.console()).contains("powering off: hard age");
            assertThat(folder.resolve("agent-0.reports")).doesNotExist();
        }
    }

    @Test
    void metadataThatDoesNotAnswerChangesNothing() throws Exception {
        try (var machine = boot(1)) {
            var task = machine.startTask(0);
            machine.mark("drain:3");
            machine.awaitConsole("the gate is shut by the mark");
            machine.metadata().answer(BootedMachine.MARK, 500, "");
            machine.awaitConsole("marks stay as they were");
            assertThat(ask(machine, 0)).contains("\"data\": {}");
            task.destroyForcibly();
        }
    }

    @Test
    void aDeadAgentIsStartedAgainOnceItsTaskHasEnded() throws Exception {
        try (var machine = boot(1)) {
            machine.clearml().answer("queues.get_next_task", 200, TASK);
            ask(machine, 0);
            var task = machine.startTask(0);
            ProcessHandle.of(machine.agents(0).get(0)).orElseThrow().destroyForcibly();
            machine.awaitConsole("agent 0 has ended with status -9");
            int looks = machine.metadata().asked(BootedMachine.MARK).size();
            machine.await("more looks than the wait before a new start", () -> machine.metadata().asked(BootedMachine.MARK).size() > looks + 4);
            assertThat(machine.agents(0)).hasSize(1);
            task.destroyForcibly();
            machine.await("another agent", () -> {
                try {
                    return machine.agents(0).size() == 2;
                } catch (IOException unread) {
                    return false;
                }
            });
        }
    }

    @Test
    void aServerThatCannotBeReachedIsToldSoThatAgentsTryAgain() throws Exception {
        try (var machine = boot(1)) {
            machine.clearml().answer("queues.get_next_task", (exchange, asked) -> exchange.getResponseBody().close());
            var lost = http.send(pop(machine, 0), BodyHandlers.ofString());

            assertThat(lost.statusCode()).isEqualTo(502);
            machine.clearml().answer("queues.get_next_task", 200, EMPTY);
            assertThat(ask(machine, 0)).isEqualTo(EMPTY);
        }
    }

    @Test
    void aServerThatIsStartedAgainIsNotNoticed() throws Exception {
        try (var machine = boot(1)) {
            assertThat(ask(machine, 0)).isEqualTo(EMPTY);
            // The agent's connection stays, and so does the guard's, until it is used.
            machine.restartClearml();
            machine.clearml().answer("queues.get_next_task", 200, TASK);

            assertThat(brings(ask(machine, 0), "t1")).isTrue();
        }
    }

    /** One that the image trusts, or that the fleet's environment names. */
    @Test
    void aServerWithACertificateOfAPrivateAuthorityIsSpokenToWhereThatIsTrusted() throws Exception {
        var keys = folder.resolve("keys.p12");
        keytool("-genkeypair", "-keystore", keys.toString(), "-storepass", "secret", "-alias", "lab", "-keyalg", "EC", "-dname", "CN=lab", "-validity", "2",
                "-ext", "san=ip:127.0.0.1", "-ext", "bc:c=ca:true", "-ext", "ku:c=keyCertSign,digitalSignature");
        var authority = folder.resolve("lab.pem");
        keytool("-exportcert", "-rfc", "-keystore", keys.toString(), "-storepass", "secret", "-alias", "lab", "-file", authority.toString());
        var https = HttpsServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        https.setHttpsConfigurator(new HttpsConfigurator(context(keys)));
        try (var clearml = new LoopbackServer(https)) {
            clearml.answer("auth.login", 200, EMPTY);
            clearml.answer("queues.get_next_task", 200, TASK);
            var api = clearml.url().replace("http://", "https://");
            try (var machine = BootedMachine.of(Files.createDirectory(folder.resolve("doubts")))) {
                machine.start(plan(1, ""), api);
                assertThat(machine.exit()).isEqualTo(1);
                assertThat(machine.console()).contains("MUSTER-BOOT-FAILED step=clearml reason=" + api + " has a certificate that this machine doesn't trust");
            }
            try (var machine = BootedMachine.of(Files.createDirectory(folder.resolve("trusts")))) {
                var plan = plan(1, "");
                machine.start(new BootPlan(plan.workerPrefix(), 1, plan.queueIds(), plan.hosts(), plan.keys(), false, "", "3.0.3", true,
                        new TreeMap<>(Map.of("SSL_CERT_FILE", Given.text(authority.toString()))), Given.NOTHING, Given.NOTHING, Given.NOTHING, false, BootPlan.Storage.NONE, Optional.empty()), api);
                machine.awaitFile("agent-0.args");
                assertThat(brings(ask(machine, 0), "t1")).isTrue();
            }
        }
    }

    private static void keytool(String... words) throws Exception {
        var command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "keytool").toString()));
        command.addAll(List.of(words));
        var process = new ProcessBuilder(command).redirectErrorStream(true).start();
        var said = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
    }

    private static SSLContext context(Path keys) throws Exception {
        var store = KeyStore.getInstance(keys.toFile(), "secret".toCharArray());
        var own = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        own.init(store, "secret".toCharArray());
        var context = SSLContext.getInstance("TLS");
        context.init(own.getKeyManagers(), null, null);
        return context;
    }

    @Test
    void aServerThatHangsHoldsUpOnlyTheCallThatHangs() throws Exception {
        try (var machine = boot(2)) {
            var asked = new CountDownLatch(1);
            var goOn = new CountDownLatch(1);
            machine.clearml().answer("tasks.get_by_id", (exchange, request) -> {
                asked.countDown();
                await(goOn);
                LoopbackServer.send(exchange, 200, EMPTY.getBytes(UTF_8));
            });
            var call = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + machine.port(0) + "/v2.30/tasks.get_by_id")).GET();
            // Shorter than an agent waits, for the test's sake.
            assertThatThrownBy(() -> http.send(call.timeout(Duration.ofSeconds(2)).build(), BodyHandlers.ofString())).isInstanceOf(HttpTimeoutException.class);
            await(asked);

            assertThat(ask(machine, 0)).isEqualTo(EMPTY);
            assertThat(ask(machine, 1)).isEqualTo(EMPTY);
            // No pop hangs, so nothing keeps the machine.
            machine.mark("drain:1");
            machine.awaitConsole("the gate is shut by the mark");
            ask(machine, 0);
            ask(machine, 1);
            machine.awaitFile("shutdown.args");
            goOn.countDown();
        }
    }

    /** ClearML has the pop and says so; its answer brings a task once it may. */
    private static void answerTaskOnce(BootedMachine machine, CountDownLatch popped, CountDownLatch mayAnswer) {
        machine.clearml().answer("queues.get_next_task", (exchange, asked) -> {
            popped.countDown();
            await(mayAnswer);
            LoopbackServer.send(exchange, 200, TASK.getBytes(UTF_8));
        });
    }

    private String askPatiently(BootedMachine machine, int slot) throws Exception {
        HttpResponse<String> answer = null;
        while (answer == null) {
            try {
                answer = http.send(pop(machine, slot), BodyHandlers.ofString());
            } catch (IOException notYet) {
                // As an agent does: it tries again.
                new CompletableFuture<Void>().completeOnTimeout(null, 200, TimeUnit.MILLISECONDS).join();
            }
        }
        return answer.body();
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException stopped) {
            throw new AssertionError(stopped);
        }
    }
}
