package dev.muster.planner.http;

import static dev.muster.planner.Await.await;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.v1.Decision;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.DecisionsGrpc;
import dev.muster.v1.WatchDecisionsRequest;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpVersion;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Server-sent events over real connections, sooner than usual; the calls behind them are the test's. */
class EventStreamTest {

    private static final EventStream.Pace PACE = new EventStream.Pace(Duration.ofMillis(50), Duration.ofMillis(100), Duration.ofSeconds(5), Duration.ofSeconds(1));
    private static final String HOST = "127.0.0.1";
    private static final String TEXT = "x".repeat(16 * 1024);
    /** 32 MiB. */
    private static final int MANY = 2_000;
    /** What is asked for ahead, and what the kernel's buffers of a connection take before it is full: some MiB. */
    private static final int MOST_UNREAD = 1_000;

    private final Vertx vertx = Vertx.vertx();
    private final Feed feed = new Feed();
    private final LocalCalls calls = new LocalCalls(List.of(feed), List.of());
    private final Bindings bindings = new Bindings();
    private final AtomicInteger connections = new AtomicInteger();
    private final AtomicInteger written = new AtomicInteger();
    private final EventTexts texts = new EventTexts(message -> {
        written.incrementAndGet();
        return EventStream.event(message);
    });
    private final List<Throwable> thrown = new CopyOnWriteArrayList<>();
    private HttpServer server;

    /** The service: each of its calls sends what the test tells it to. */
    private static final class Feed extends DecisionsGrpc.DecisionsImplBase {

        private final List<Call> calls = new CopyOnWriteArrayList<>();

        @Override
        public void watchDecisions(WatchDecisionsRequest request, StreamObserver<DecisionEvent> observer) {
            calls.add(new Call(request, (ServerCallStreamObserver<DecisionEvent>) observer));
        }
    }

    private static final class Call {

        private final WatchDecisionsRequest request;
        private final ServerCallStreamObserver<DecisionEvent> client;
        private int wanted;
        private int sent;

        Call(WatchDecisionsRequest request, ServerCallStreamObserver<DecisionEvent> client) {
            this.request = request;
            this.client = client;
            client.setOnCancelHandler(() -> { });
            client.setOnReadyHandler(this::send);
        }

        /** Sends numbered events, up to that one, as soon as they are wanted. */
        synchronized void upTo(int number) {
            wanted = number;
            send();
        }

        private synchronized void send() {
            while (sent < wanted && !client.isCancelled() && client.isReady()) {
                client.onNext(DecisionEvent.newBuilder().setDecisionId("d-" + ++sent).setResumeToken("token-" + sent).setDecision(Decision.newBuilder().setText(TEXT)).build());
            }
        }

        synchronized int sent() {
            return sent;
        }

        synchronized void tell(DecisionEvent event) {
            client.onNext(event);
        }

        synchronized void fail(Status because) {
            client.onError(because.asRuntimeException());
        }
    }

    @BeforeEach
    void serve() throws Exception {
        vertx.exceptionHandler(thrown::add);
        server = vertx.createHttpServer()
                .connectionHandler(connection -> {
                    connections.incrementAndGet();
                    connection.closeHandler(closed -> connections.decrementAndGet());
                })
                .requestHandler(request -> new Exchange(vertx, request, request.response(), calls, texts, PACE).begin(bindings))
                .listen(0, HOST).toCompletionStage().toCompletableFuture().get(20, TimeUnit.SECONDS);
    }

    @AfterEach
    void end() throws Exception {
        // As when the planner ends, while there are readers.
        calls.close();
        vertx.close().toCompletionStage().toCompletableFuture().get(20, TimeUnit.SECONDS);
        assertThat(thrown).isEmpty();
    }

    @Test
    void readersAreToldThatThePlannerEnds() throws Exception {
        try (var events = events("?fleet=ends", "")) {
            call("ends").upTo(1);
            assertThat(events.next()).startsWith("id: token-1\n");
            calls.close();
            assertThat(events.next()).startsWith("event: error\ndata: {\"code\":14,");
        }
    }

    private Events events(String query, String headers) throws IOException {
        return new Events(HOST, server.actualPort(), "/v1/decisions:watch" + query, headers);
    }

    /** One that asks for events and reads none. */
    private Socket silent(String query) throws IOException {
        var socket = new Socket();
        socket.setReceiveBufferSize(4096);
        socket.connect(new InetSocketAddress(HOST, server.actualPort()));
        socket.getOutputStream().write(("GET /v1/decisions:watch" + query + " HTTP/1.1\r\nHost: x\r\n\r\n").getBytes(UTF_8));
        return socket;
    }

    private Call call(String fleet) throws Exception {
        await("the call of " + fleet + " is made", () -> feed.calls.stream().anyMatch(call -> call.request.getFleet().equals(fleet)));
        return feed.calls.stream().filter(call -> call.request.getFleet().equals(fleet)).findFirst().orElseThrow();
    }

    @Test
    void aSilentStreamIsKeptOpenByComments() throws Exception {
        try (var events = events("?fleet=silent", "")) {
            assertThat(events.head()).contains("HTTP/1.1 200", "text/event-stream");
            assertThat(events.next("retry: ")).isEqualTo("retry: 2000");
            for (int i = 0; i < 3; i++) {
                assertThat(events.next(":")).isEqualTo(":");
            }
            call("silent").upTo(2);
            assertThat(events.next()).startsWith("id: token-1\ndata: {\"decisionId\":\"d-1\",");
            assertThat(events.next()).startsWith("id: token-2\ndata: ");
            assertThat(events.next(":")).isEqualTo(":");
        }
    }

    @Test
    void whatIsToldToManyIsWrittenOnce() throws Exception {
        try (var one = events("?fleet=one", ""); var other = events("?fleet=other", "")) {
            var told = DecisionEvent.newBuilder().setDecisionId("d-1").setResumeToken("token-1").build();
            call("one").tell(told);
            assertThat(one.next()).startsWith("id: token-1\ndata: {\"decisionId\":\"d-1\",");
            call("other").tell(told);
            assertThat(other.next()).startsWith("id: token-1\ndata: {\"decisionId\":\"d-1\",");
            assertThat(written).hasValue(1);
            call("one").tell(told.toBuilder().setDecisionId("d-2").build());
            assertThat(one.next()).startsWith("id: token-1\ndata: {\"decisionId\":\"d-2\",");
            assertThat(written).hasValue(2);
        }
    }

    @Test
    void theUsualPaceIsAsItsPageSays() throws Exception {
        assertThat(EventStream.Pace.USUAL).isEqualTo(new EventStream.Pace(Duration.ofMillis(500), Duration.ofSeconds(15), Duration.ofMinutes(1), Duration.ofSeconds(10)));
        assertThat(Files.readString(Path.of("../docs/http.md"))).contains("A comment comes every 15 s", "when it has read nothing for a minute");
    }

    @Test
    void theIdOfTheLastEventIsTheCallsResumeToken() throws Exception {
        try (var first = events("?fleet=first&resumeToken=token-3", ""); var second = events("?fleet=second&resumeToken=token-3", "Last-Event-ID: token-7\r\n")) {
            assertThat(call("first").request.getResumeToken()).isEqualTo("token-3");
            assertThat(call("second").request.getResumeToken()).isEqualTo("token-7");
        }
    }

    @Test
    void aReaderThatStallsIsNotSentMoreIsCutOffAndHarmsNobody() throws Exception {
        try (var stalled = silent("?fleet=stalls"); var reader = events("?fleet=reads", "")) {
            var unread = call("stalls");
            unread.upTo(MANY);
            call("reads").upTo(MANY);
            for (int i = 1; i <= MANY; i++) {
                assertThat(reader.next()).startsWith("id: token-" + i + "\n");
            }
            assertThat(unread.sent()).as("what the planner takes for a reader that doesn't read").isLessThan(MOST_UNREAD);
            await("its call has ended", unread.client::isCancelled);
            await("its connection, too", () -> connections.get() == 1);
            assertThat(reader.next(":")).as("the other goes on").isEqualTo(":");
            assertThat(unread.sent()).isLessThan(MOST_UNREAD);
        }
    }

    @Test
    void aReaderThatPausesLosesNothing() throws Exception {
        try (var reader = events("?fleet=pauses", "")) {
            var call = call("pauses");
            call.upTo(MANY);
            awaitFull(call);
            assertThat(call.sent()).isLessThan(MANY);
            for (int i = 1; i <= MANY; i++) {
                assertThat(reader.next()).startsWith("id: token-" + i + "\n");
            }
        }
    }

    @Test
    void whoIsDroppedAndDoesNotReadWhyLosesTheConnection() throws Exception {
        try (var dropped = silent("?fleet=dropped")) {
            var call = call("dropped");
            call.upTo(MANY);
            awaitFull(call);
            call.fail(Status.RESOURCE_EXHAUSTED.withDescription("It reads too slowly."));
            await("the connection is over", () -> connections.get() == 0);
        }
    }

    @Test
    void ofStreamsThatShareAConnectionOnlyTheStalledOneIsCutOff() throws Exception {
        var client = vertx.createHttpClient(new HttpClientOptions().setProtocolVersion(HttpVersion.HTTP_2).setHttp2ClearTextUpgrade(false).setHttp2MaxPoolSize(1));
        var stalled = open(client.request(HttpMethod.GET, server.actualPort(), HOST, "/v1/decisions:watch?fleet=stalls").compose(request -> request.send()));
        stalled.pause();
        var read = new AtomicInteger();
        var reader = open(client.request(HttpMethod.GET, server.actualPort(), HOST, "/v1/decisions:watch?fleet=reads").compose(request -> request.send()));
        reader.handler(part -> read.addAndGet(part.length())).resume();
        var unread = call("stalls");
        unread.upTo(MANY);
        await("its call has ended", unread.client::isCancelled);
        assertThat(unread.sent()).isLessThan(MOST_UNREAD);
        call("reads").upTo(MANY);
        await("the other is sent all of it", () -> read.get() > MANY * TEXT.length());
        assertThat(connections.get()).isEqualTo(1);
    }

    /** Its head has been read, and nothing else. */
    private static HttpClientResponse open(io.vertx.core.Future<HttpClientResponse> response) throws Exception {
        return response.onSuccess(HttpClientResponse::pause).toCompletionStage().toCompletableFuture().get(20, TimeUnit.SECONDS);
    }

    /** Until neither the planner nor the kernel takes more of it for its reader. */
    private static void awaitFull(Call call) throws Exception {
        await("no more is sent", () -> {
            var sent = call.sent();
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(300));
            return !call.client.isReady() && call.sent() == sent;
        });
    }
}
