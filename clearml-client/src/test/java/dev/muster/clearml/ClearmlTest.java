package dev.muster.clearml;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.entry;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.muster.clearml.ClearmlException.Kind;
import dev.muster.sandbox.clearml.ClearmlConfig;
import dev.muster.sandbox.clearml.ClearmlServer;
import dev.muster.sandbox.clearml.Faults.Fault;
import io.quarkus.test.junit.QuarkusTest;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.PfxOptions;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The client against the stand-in, on a good day and on bad ones. */
@QuarkusTest
class ClearmlTest {

    /** Of what must end in it. */
    private static final Duration TIMEOUT = Duration.ofSeconds(2);
    /** Of all else, on a machine with other things to do. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final ClearmlConfig CONFIG =
            ClearmlConfig.of(new ClearmlConfig.Credential("access", "secret", "user", "company"));

    private final Vertx vertx = Vertx.vertx();
    private ClearmlServer server;
    private Clearml clearml;
    private Instant now = Instant.now();
    private Credentials credentials = new Credentials("access", "secret");

    @BeforeEach
    void start() {
        server = ClearmlServer.start(vertx, 0, CONFIG);
        clearml = client(URI.create(server.url()));
    }

    @AfterEach
    void stop() {
        stopServer();
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    private void stopServer() {
        clearml.close();
        server.close();
    }

    private Clearml client(URI api) {
        return client(api, PATIENCE);
    }

    private Clearml client(URI api, Duration timeout) {
        return client(api, timeout, true);
    }

    private Clearml client(URI api, Duration timeout, boolean isCompressed) {
        var address = new ClearmlAddress(api, timeout, timeout, Optional.empty(), Optional.empty(), isCompressed);
        return new Clearml(vertx, address, () -> credentials, () -> now);
    }

    @Test
    void readsQueuesByIdAndByName() throws Exception {
        // Given
        var gpu = clearml.createQueue("gpu.a+b (large)");
        var cpu = clearml.createQueue("cpu");
        var task = createTask();
        clearml.enqueue(task, gpu, "because");

        // When
        var byId = clearml.queues(List.of(gpu, "0123456789abcdef0123456789abcdef"));
        var byName = clearml.queuesNamed(List.of("gpu.a+b (large)", "cpu", "cp"));

        // Then
        assertThat(byId).hasSize(1);
        assertThat(byId.get(0).entries()).extracting(Queue.Entry::task).containsExactly(task);
        assertThat(byId.get(0).entries().get(0).added()).isBetween(Instant.now().minusSeconds(60), Instant.now().plusSeconds(1));
        assertThat(byName).extracting(Queue::id).containsExactlyInAnyOrder(gpu, cpu);
    }

    @Test
    void readsMoreQueuesThanOneAnswerHolds() throws Exception {
        // Given
        var ids = server.addQueues(IntStream.range(0, 1_003).mapToObj(i -> "queue-" + i).toList());

        // When
        var byId = clearml.queues(ids);
        var all = clearml.queues();

        // Then
        assertThat(byId).extracting(Queue::id).containsExactlyInAnyOrderElementsOf(ids);
        assertThat(all).extracting(Queue::id).containsAll(ids).doesNotHaveDuplicates();
    }

    @Test
    void readsWorkersIdleAndBusy() throws Exception {
        // Given
        var queue = clearml.createQueue("gpu");
        clearml.registerWorker("p:a:t:i-1", List.of(queue), Duration.ofMinutes(10));

        // When
        var workers = clearml.workers();

        // Then
        assertThat(workers).hasSize(1);
        assertThat(workers.get(0).id()).isEqualTo("p:a:t:i-1");
        assertThat(workers.get(0).task()).isEmpty();
        assertThat(workers.get(0).queues()).containsExactly(queue);
        assertThat(workers.get(0).registered()).isNotNull();
        clearml.unregisterWorker("p:a:t:i-1");
        assertThat(clearml.workers()).isEmpty();
    }

    @Test
    void readsTasksAndLeavesOutThoseThatAreNotThere() throws Exception {
        // Given
        var queue = clearml.createQueue("gpu");
        var task = createTask();
        clearml.enqueue(task, queue, "muster rescue 1");

        // When
        var tasks = clearml.tasks(List.of(task, "0123456789abcdef0123456789abcdef"));

        // Then
        assertThat(tasks).hasSize(1);
        assertThat(tasks.get(0).status()).isEqualTo(Task.QUEUED);
        assertThat(tasks.get(0).statusReason()).isEqualTo("muster rescue 1");
        assertThat(tasks.get(0).queue()).isEqualTo(queue);
        assertThat(clearml.task(task)).hasValue(tasks.get(0));
        assertThat(clearml.task("0123456789abcdef0123456789abcdef")).isEmpty();
    }

    @Test
    void scrollsThroughTheTasksOfAQueue() throws Exception {
        // Given
        var queue = clearml.createQueue("gpu");
        var tasks = new ArrayList<String>();
        for (var i = 0; i < 501; i++) {
            tasks.add(createTask());
            clearml.enqueue(tasks.get(i), queue, "");
        }

        // When
        var found = clearml.tasksOf(List.of(queue), List.of(Task.QUEUED, Task.IN_PROGRESS));

        // Then
        assertThat(found).extracting(Task::id).containsExactlyInAnyOrderElementsOf(tasks);
    }

    @Test
    void putsATaskBackAtTheFront() throws Exception {
        // Given
        var queue = clearml.createQueue("gpu");
        var tasks = IntStream.range(0, 3).mapToObj(i -> createTask()).toList();
        for (var task : tasks) {
            clearml.enqueue(task, queue, "");
        }

        // When
        clearml.stopped(tasks.get(2), false, "lost");
        clearml.enqueue(tasks.get(2), queue, "again");
        clearml.moveToFront(queue, tasks.get(2));
        clearml.log(tasks.get(2), "muster", Instant.now(), "back again");

        // Then
        assertThat(clearml.queues(List.of(queue)).get(0).entries()).extracting(Queue.Entry::task)
                .containsExactly(tasks.get(2), tasks.get(0), tasks.get(1));
        assertThat(server.log(tasks.get(2))).contains("back again");
        assertThat(clearml.removeFromQueue(queue, tasks.get(2))).isTrue();
        assertThat(clearml.removeFromQueue(queue, tasks.get(2))).isFalse();
        assertThat(failure(() -> clearml.moveToFront(queue, tasks.get(2))).is(400, 703)).isTrue();
    }

    @Test
    void readsWhatATaskAsksForAndWhereItBelongs() throws Exception {
        // Given
        var fields = JsonNodeFactory.instance.objectNode().put("name", "train it").put("type", "training");
        fields.putObject("container").put("image", " nvidia/cuda:12 ").put("arguments", "--ipc=host -e A='b c'").put("setup_shell_script", "apt-get update");
        var parameters = fields.putObject("hyperparams");
        parameters.putObject("Args").putObject("k8s/cpu").put("section", "Args").put("name", "k8s/cpu").put("value", "64");
        parameters.putObject("Muster").putObject("k8s/node-selector/a.b/c").put("section", "Muster").put("name", "k8s/node-selector/a.b/c").put("value", "x");
        var task = clearml.createTask(fields);

        // When
        var read = clearml.taskAndContainer(task, "Muster").orElseThrow();

        // Then
        assertThat(read.task().status()).isEqualTo(Task.CREATED);
        assertThat(read.name()).isEqualTo("train it");
        assertThat(read.image()).isEqualTo("nvidia/cuda:12");
        assertThat(read.arguments()).isEqualTo("--ipc=host -e A='b c'");
        assertThat(read.setupScript()).isEqualTo("apt-get update");
        assertThat(read.parameters()).containsOnly(entry("k8s/node-selector/a.b/c", "x"));
        assertThat(read.toString()).doesNotContain("b c");
        assertThat(clearml.taskAndContainer("0123456789abcdef0123456789abcdef", "Muster")).isEmpty();
        assertThat(clearml.projectName("0123456789abcdef0123456789abcdef")).isEmpty();
    }

    @Test
    void saysWhyATaskWaitsAndLeavesItsStatus() throws Exception {
        // Given
        var queue = clearml.createQueue("gpu");
        var task = createTask();
        clearml.enqueue(task, queue, "because");

        // When
        clearml.statusMessage(task, "no room");
        clearml.log(task, "muster", Instant.now(), List.of("first", "second \"line\""));

        // Then
        var read = clearml.taskAndContainer(task, "Muster").orElseThrow();
        assertThat(read.statusMessage()).isEqualTo("no room");
        assertThat(read.task().status()).isEqualTo(Task.QUEUED);
        assertThat(read.task().statusReason()).isEqualTo("because");
        assertThat(clearml.console(task, 100)).containsExactlyInAnyOrder("first", "second \"line\"");
        assertThat(clearml.console(task, 1)).containsExactly("second \"line\"");
    }

    @Test
    void failsATaskThatIsStoppedAndNoOther() throws Exception {
        // Given
        var queue = clearml.createQueue("gpu");
        var task = createTask();
        clearml.enqueue(task, queue, "because");

        // When
        var refused = catchThrowableOfType(ClearmlException.class, () -> clearml.failed(task, false, "OOMKilled", "too much memory"));
        var wasTaken = clearml.removeFromQueue(queue, task);
        var wasTakenAgain = clearml.removeFromQueue(queue, task);
        clearml.stopped(task, false, "OOMKilled");
        clearml.failed(task, false, "OOMKilled", "too much memory");

        // Then
        assertThat(refused.is(400, 110)).isTrue();
        assertThat(wasTaken).isTrue();
        assertThat(wasTakenAgain).isFalse();
        var read = clearml.taskAndContainer(task, "Muster").orElseThrow();
        assertThat(read.task().status()).isEqualTo(Task.FAILED);
        assertThat(read.task().statusReason()).isEqualTo("OOMKilled");
        assertThat(read.statusMessage()).isEqualTo("too much memory");
    }

    @Test
    void logsInOnceForManyCalls() throws Exception {
        // When
        for (var i = 0; i < 10; i++) {
            clearml.workers();
        }

        // Then
        assertThat(server.calls().get("auth.login")).isEqualTo(1);
    }

    @Test
    void renewsTheTokenBeforeItExpires() throws Exception {
        // Given
        clearml.workers();

        // When
        now = now.plus(Duration.ofMinutes(55));
        clearml.workers();

        // Then
        assertThat(server.calls().get("auth.login")).isEqualTo(2);
    }

    @Test
    void aTokenThatIsRefusedOnceIsRenewed() throws Exception {
        // Given
        clearml.workers();
        server.faults().add(Fault.unauthorized("workers.get_all").times(1));

        // When
        var workers = clearml.workers();

        // Then
        assertThat(workers).isEmpty();
        assertThat(server.calls().get("auth.login")).isEqualTo(2);
    }

    @Test
    void whoIsRefusedAlwaysIsToldSoAfterOneRenewal() throws Exception {
        // Given
        clearml.workers();
        server.faults().add(Fault.unauthorized("workers.get_all"));

        // When
        var failed = failure(() -> clearml.workers());

        // Then
        assertThat(failed.kind()).isEqualTo(Kind.REFUSED);
        assertThat(failed.call()).isEqualTo("workers.get_all");
        assertThat(server.calls().get("auth.login")).isEqualTo(2);
    }

    @Test
    void wrongCredentialsAreRefusedAndRightOnesUsedAtOnce() throws Exception {
        // Given
        credentials = new Credentials("access", "wrong-one");

        // When
        var failed = failure(() -> clearml.workers());
        credentials = new Credentials("access", "secret");

        // Then
        assertThat(failed.kind()).isEqualTo(Kind.REFUSED);
        assertThat(failed.call()).isEqualTo("auth.login");
        assertThat(failed.getMessage()).doesNotContain("wrong-one");
        assertThat(clearml.workers()).isEmpty();
    }

    @Test
    void aServerInTroubleIsNoEmptyServer() {
        server.faults().add(Fault.error("workers.get_all", 503, 0));

        var failed = failure(() -> clearml.workers());

        assertThat(failed.kind()).isEqualTo(Kind.SERVER_ERROR);
        assertThat(failed.code()).isEqualTo(503);
    }

    @Test
    void anAnswerThatWasCutIsUnreadable() throws Exception {
        clearml.createQueue("gpu");
        server.faults().add(Fault.cutBody("queues.get_all"));

        var failed = failure(() -> clearml.queuesNamed(List.of("gpu")));

        assertThat(failed.kind()).isEqualTo(Kind.UNREADABLE);
        assertThat(failed.call()).isEqualTo("queues.get_all");
    }

    @Test
    void anAnswerThatNeverComesIsTooSlow() throws Exception {
        try (var client = client(URI.create(server.url()), TIMEOUT)) {
            client.login();
            server.faults().add(Fault.stall("workers.get_all"));

            assertThat(failure(client::workers).kind()).isEqualTo(Kind.TOO_SLOW);
        }
    }

    @Test
    void anAnswerThatComesLateButInTimeIsFine() throws Exception {
        server.faults().add(Fault.slow("workers.get_all", Duration.ofMillis(300)));

        assertThat(clearml.workers()).isEmpty();
    }

    @Test
    void aServerThatIsNotThereIsUnreachable() {
        // Given
        server.close();

        // When
        var failed = failure(() -> clearml.workers());

        // Then
        assertThat(failed.kind()).isEqualTo(Kind.UNREACHABLE);
        server = ClearmlServer.start(vertx, 0, CONFIG);
    }

    @Test
    void whatIsNoClearmlServerIsSaidToBeNone() {
        var other = vertx.createHttpServer().requestHandler(request -> request.response().setStatusCode(502).end("<html>Bad Gateway"))
                .listen(0, "127.0.0.1").toCompletionStage().toCompletableFuture().join();
        try (var client = client(URI.create("http://127.0.0.1:" + other.actualPort() + "/api"))) {
            var failed = failure(client::workers);

            assertThat(failed.kind()).isEqualTo(Kind.SERVER_ERROR);
            assertThat(failed).hasMessageContaining("not from a ClearML server");
        }
    }

    @Test
    void aPageInsteadOfAnAnswerIsSaidToBeOne() {
        // Given
        var proxy = other(request -> request.response().putHeader("Content-Type", "text/html")
                .end("\n<!DOCTYPE html><html><head><TITLE>Sign in\n to Corp</TITLE></head><body>"));
        try (var client = client(addressOf(proxy))) {
            // When
            var failed = failure(client::workers);

            // Then
            assertThat(failed.kind()).isEqualTo(Kind.UNREADABLE);
            assertThat(failed).hasMessageContaining("auth.login: the answer is a web page titled 'Sign in to Corp', not ClearML's JSON")
                    .hasMessageContaining("it must be the API server's");
        }
    }

    @Test
    void aPageInsteadOfALongListIsSaidToBeOne() {
        for (var status : List.of(200, 403)) {
            // Given
            var proxy = other(request -> {
                if (request.path().endsWith("/workers.get_all")) {
                    request.response().setStatusCode(status).putHeader("Content-Type", "text/html").end("<html><title>Sign in</title>");
                } else {
                    request.response().end(request.path().equals("/server.info") ? "{\"data\":{\"api_version\":\"2.34\"}}" : "{\"data\":{\"token\":\"t\"}}");
                }
            });
            try (var client = client(addressOf(proxy))) {
                // When
                var failed = failure(client::workers);

                // Then
                assertThat(failed.kind()).isEqualTo(status == 200 ? Kind.UNREADABLE : Kind.REFUSED);
                assertThat(failed).hasMessageStartingWith("workers.get_all: ").hasMessageContaining("a web page titled 'Sign in'");
            }
        }
    }

    @Test
    void speaksTlsWithAnAuthorityThatIsNamedAndWithNoOther(@TempDir Path folder) throws Exception {
        // Given
        keytool("-genkeypair", "-alias", "server", "-keyalg", "EC", "-dname", "CN=ClearML", "-ext", "san=ip:127.0.0.1", "-storetype", "PKCS12",
                "-keystore", folder.resolve("key.p12").toString(), "-storepass", "for-a-test");
        keytool("-exportcert", "-rfc", "-alias", "server", "-keystore", folder.resolve("key.p12").toString(), "-storepass", "for-a-test",
                "-file", folder.resolve("authority.pem").toString());
        var options = new HttpServerOptions().setSsl(true)
                .setKeyCertOptions(new PfxOptions().setPath(folder.resolve("key.p12").toString()).setPassword("for-a-test"));
        var tls = vertx.createHttpServer(options).requestHandler(ClearmlTest::answer).listen(0, "127.0.0.1").toCompletionStage().toCompletableFuture().join();
        var api = URI.create("https://127.0.0.1:" + tls.actualPort());
        var known = new ClearmlAddress(api, PATIENCE, PATIENCE, Optional.of(folder.resolve("authority.pem")), Optional.empty(), true);
        try (var trusting = new Clearml(vertx, known, () -> credentials);
                var other = client(api)) {
            // Then
            assertThat(trusting.workers()).extracting(Worker::id).containsExactly("a");
            var failed = failure(other::workers);
            assertThat(failed.kind()).isEqualTo(Kind.UNREACHABLE);
            assertThat(failed).hasMessageContaining("certification path");
        }
    }

    @Test
    void asksThroughAProxy() throws Exception {
        // Given
        var asked = new CopyOnWriteArrayList<String>();
        var proxy = other(request -> {
            asked.add(request.uri());
            answer(request);
        });
        var address = new ClearmlAddress(URI.create("http://clearml.example:8008/api/"), PATIENCE, PATIENCE, Optional.empty(),
                Optional.of(addressOf(proxy)), true);
        try (var client = new Clearml(vertx, address, () -> credentials)) {
            // When
            client.workers();

            // Then
            assertThat(asked).containsExactly("http://clearml.example:8008/api/auth.login", "http://clearml.example:8008/api/server.info",
                    "http://clearml.example:8008/api/v2.34/workers.get_all");
        }
    }

    /** As a ClearML server with one worker does. */
    private static void answer(HttpServerRequest request) {
        request.response().end(request.path().endsWith("/server.info") ? "{\"data\":{\"api_version\":\"2.34\"}}"
                : "{\"data\":{\"token\":\"t\",\"workers\":[{\"id\":\"a\"}]}}");
    }

    private static void keytool(String... arguments) throws Exception {
        var command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-J-XX:TieredStopAtLevel=1", "-J-Xshare:auto"));
        command.addAll(List.of(arguments));
        var process = new ProcessBuilder(command).redirectErrorStream(true).start();
        var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
    }

    @Test
    void aTokenThatExpiredByTheServersClockIsRenewed() throws Exception {
        // Given
        var clock = new MovingClock();
        restart(config -> config.withClock(clock));
        clearml.workers();

        // When
        clock.ahead = Duration.ofHours(2);
        var workers = clearml.workers();

        // Then
        assertThat(workers).isEmpty();
        assertThat(server.calls().get("auth.login")).isEqualTo(2);
    }

    @Test
    void aServerWhoseClockIsWrongIsReadAndItsErrorKnown() throws Exception {
        // Given
        assertThat(clearml.skew()).isEmpty();
        restart(config -> config.withClock(Clock.offset(Clock.systemUTC(), Duration.ofHours(-3))));
        now = Instant.now();

        // When
        for (var i = 0; i < 3; i++) {
            clearml.workers();
        }

        // Then
        assertThat(clearml.skew().orElseThrow()).isBetween(Duration.ofHours(-3).minusSeconds(5), Duration.ofHours(-3).plusSeconds(5));
        assertThat(server.calls().get("auth.login")).isEqualTo(1);
    }

    @Test
    void aServerThatIsTooOldIsToldFromOneThatIsNot() throws Exception {
        // Given
        restart(config -> config.withApiVersion("2.19"));

        // When
        var failed = failure(() -> clearml.workers());

        // Then
        assertThat(failed.kind()).isEqualTo(Kind.OUTDATED);
        assertThat(failed).hasMessage("server.info: this server has API version 2.19; Muster needs 2.20 or newer: upgrade the ClearML server");
        restart(config -> config.withApiVersion("2.20"));
        assertThat(clearml.workers()).isEmpty();
    }

    @Test
    void asksForTheNewestVersionThatBothKnow() throws Exception {
        for (var server : List.of("2.27", "2.34", "3.1")) {
            // Given
            var paths = new CopyOnWriteArrayList<String>();
            var info = "{\"data\":{\"api_version\":\"" + server + "\"}}";
            var recording = other(request -> {
                paths.add(request.path());
                request.response().end(request.path().equals("/server.info") ? info
                        : request.path().equals("/auth.login") ? "{\"data\":{\"token\":\"t\"}}" : "{\"data\":{\"workers\":[]}}");
            });
            try (var client = client(addressOf(recording))) {
                // When
                client.workers();

                // Then
                var expected = server.equals("3.1") ? "2.34" : server;
                assertThat(paths).containsExactly("/auth.login", "/server.info", "/v" + expected + "/workers.get_all");
            }
        }
    }

    @Test
    void aServerWithoutServerInfoIsJudgedByWhatItSaysBesideAnAnswer() {
        for (var beside : List.of("2.4", "2.30", "")) {
            // Given
            var meta = "{\"meta\":{\"endpoint\":{\"name\":\"auth.login\",\"requested_version\":\"" + beside + "\",\"actual_version\":\"2.4\"}},";
            var old = other(request -> {
                if (request.path().equals("/server.info")) {
                    request.response().setStatusCode(404).end("{\"meta\":{\"result_code\":404,\"result_msg\":\"Unable to find endpoint\"}}");
                } else {
                    request.response().end(meta + "\"data\":{\"token\":\"t\",\"workers\":[]}}");
                }
            });
            try (var client = client(addressOf(old))) {
                // Then
                if (beside.equals("2.30")) {
                    assertThat(catchThrowableOfType(ClearmlException.class, client::workers)).isNull();
                } else {
                    assertThat(failure(client::workers)).hasMessageContaining(beside.isEmpty() ? "doesn't say which" : "has API version 2.4");
                }
            }
        }
    }

    @Test
    void takesAnswersThatAreCompressedUnlessToldOtherwise() throws Exception {
        // Given
        var encodings = new CopyOnWriteArrayList<String>();
        var zipping = vertx.createHttpServer(new HttpServerOptions().setCompressionSupported(true)).requestHandler(request -> {
            encodings.add(String.valueOf(request.getHeader("Accept-Encoding")));
            request.response().end(request.path().equals("/server.info") ? "{\"data\":{\"api_version\":\"2.34\"}}"
                    : "{\"data\":{\"token\":\"t\",\"workers\":[{\"id\":\"" + "w".repeat(100_000) + "\"}]}}");
        }).listen(0, "127.0.0.1").toCompletionStage().toCompletableFuture().join();
        try (var client = client(addressOf(zipping))) {
            // When
            var workers = client.workers();

            // Then
            assertThat(workers.get(0).id()).hasSize(100_000);
            assertThat(encodings).allSatisfy(encoding -> assertThat(encoding).contains("gzip"));
        }

        // When
        encodings.clear();
        try (var client = client(addressOf(zipping), PATIENCE, false)) {
            assertThat(client.workers().get(0).id()).hasSize(100_000);
        }

        // Then
        assertThat(encodings).containsOnly("null");
    }

    @Test
    void longAnswersGrowAndShrinkAndKeepTheirConnection() throws Exception {
        // Given
        var connections = new CopyOnWriteArrayList<HttpConnection>();
        var length = new AtomicInteger();
        var server = vertx.createHttpServer(new HttpServerOptions().setCompressionSupported(true)).requestHandler(request -> {
            if (request.path().endsWith("/workers.get_all")) {
                connections.add(request.connection());
            }
            request.response().end(request.path().equals("/server.info") ? "{\"data\":{\"api_version\":\"2.34\"}}"
                    : "{\"data\":{\"token\":\"t\",\"workers\":[{\"id\":\"" + "w".repeat(length.get()) + "\"}]}}");
        }).listen(0, "127.0.0.1").toCompletionStage().toCompletableFuture().join();
        try (var client = client(addressOf(server))) {
            for (var next : List.of(10, 3_000_000, 5, 700_000, 3_000_001, 0)) {
                // When
                length.set(next);

                // Then
                assertThat(client.workers()).extracting(worker -> worker.id().length()).containsExactly(next);
            }
            // A call may come before its connection is seen to be free, which makes two.
            assertThat(new HashSet<>(connections)).hasSizeLessThan(3);
        }
    }

    @Test
    void aLongAnswerThatIsGivenUpEndsItsConnection() throws Exception {
        // Given
        var answers = new CopyOnWriteArrayList<HttpServerRequest>();
        var server = other(request -> {
            if (!request.path().endsWith("/workers.get_all")) {
                request.response().end(request.path().equals("/server.info") ? "{\"data\":{\"api_version\":\"2.34\"}}" : "{\"data\":{\"token\":\"t\"}}");
            } else if (answers.isEmpty()) {
                answers.add(request);
                request.response().setChunked(true).write("{\"data\":{\"workers\":[{\"id\":\"");
            } else {
                request.response().end("{\"data\":{\"workers\":[{\"id\":\"a\"}]}}");
            }
        });
        try (var client = client(addressOf(server), TIMEOUT)) {
            // When
            var failed = failure(client::workers);

            // Then
            assertThat(failed.kind()).isEqualTo(Kind.TOO_SLOW);
            assertThat(client.workers()).extracting(Worker::id).containsExactly("a");
            var closed = new CompletableFuture<Void>();
            answers.get(0).connection().closeHandler(closed::complete);
            if (!answers.get(0).response().closed()) {
                closed.get(5, TimeUnit.SECONDS);
            }
        }
    }

    @Test
    void aLongAnswerThatIsCutIsUnreadable() throws Exception {
        for (var isChunked : List.of(true, false)) {
            // Given
            var server = other(request -> {
                if (!request.path().endsWith("/workers.get_all")) {
                    request.response().end(request.path().equals("/server.info") ? "{\"data\":{\"api_version\":\"2.34\"}}" : "{\"data\":{\"token\":\"t\"}}");
                    return;
                }
                if (isChunked) {
                    request.response().setChunked(true);
                } else {
                    request.response().putHeader("Content-Length", "100");
                }
                request.response().write("{\"data\":{\"workers\":[{\"id\":\"a\"},").onComplete(written -> request.connection().close());
            });
            try (var client = client(addressOf(server))) {
                // When
                var failed = failure(client::workers);

                // Then
                assertThat(failed.kind()).as("chunked: %s", isChunked).isEqualTo(Kind.UNREADABLE);
                assertThat(failed).hasMessageContaining("the connection ended before the answer was whole");
            }
        }
    }

    @Test
    void aCallThatTheServerDeniesIsInvalid() throws Exception {
        clearml.createQueue("gpu");

        var failed = failure(() -> clearml.createQueue("gpu"));

        assertThat(failed.kind()).isEqualTo(Kind.INVALID);
        assertThat(failed.is(400, 801)).isTrue();
    }

    private static final class MovingClock extends Clock {
        private volatile Duration ahead = Duration.ZERO;

        @Override
        public Instant instant() {
            return Instant.now().plus(ahead);
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }

    private void restart(UnaryOperator<ClearmlConfig> change) {
        stopServer();
        server = ClearmlServer.start(vertx, 0, change.apply(CONFIG));
        clearml = client(URI.create(server.url()));
    }

    private HttpServer other(Handler<HttpServerRequest> handler) {
        return vertx.createHttpServer().requestHandler(handler).listen(0, "127.0.0.1").toCompletionStage().toCompletableFuture().join();
    }

    private static URI addressOf(HttpServer server) {
        return URI.create("http://127.0.0.1:" + server.actualPort());
    }

    private String createTask() {
        try {
            return clearml.createTask(JsonNodeFactory.instance.objectNode().put("name", "a task").put("type", "training"));
        } catch (ClearmlException failed) {
            throw new AssertionError(failed);
        }
    }

    private static ClearmlException failure(ThrowingCallable call) {
        var failed = catchThrowableOfType(ClearmlException.class, call);
        assertThat(failed).isNotNull();
        return failed;
    }
}
