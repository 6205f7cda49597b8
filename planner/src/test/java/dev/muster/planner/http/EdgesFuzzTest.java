package dev.muster.planner.http;

import static dev.muster.planner.Await.await;
import static io.restassured.RestAssured.given;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonSyntaxException;
import dev.muster.planner.control.BrokerResource;
import dev.muster.planner.view.ReadModel;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import io.restassured.http.ContentType;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.RequestOptions;
import jakarta.inject.Inject;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongFunction;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Mutated requests at both edges of the API. Each ends in a code that says who is at fault, none in UNKNOWN, INTERNAL or silence; and afterwards
 * nothing is left of them. {@code -Dfuzz.requests=100000} is the long play, {@code -Dfuzz.seed} another one, and {@code -Dfuzz.from} with one
 * request is a failed one alone.
 */
@QuarkusTest
@QuarkusTestResource(BrokerResource.class)
@TestProfile(EdgesFuzzTest.Unhurried.class)
class EdgesFuzzTest {

    /** Who is let in seldom is not tested for long. */
    public static final class Unhurried implements QuarkusTestProfile {
        @Override
        public Map<String, String> getConfigOverrides() {
            return Map.of("muster.api.limits.reads-per-second", "1000000", "muster.api.limits.writes-per-second", "1000000");
        }
    }

    /** The same in each build, so that it fails on a change and not on luck; the long play draws its own. */
    private static final long SEED = Long.getLong("fuzz.seed", Integer.getInteger("fuzz.requests") == null ? 1 : System.nanoTime() % 1_000_000_000);
    /** What Quarkus' router logs as an error of its own is the fault of requests that are none. They are answered with 400. */
    private static final Pattern NO_REQUEST = Pattern.compile("The request path must start with '/'|the 'Host' header is required|the ':authority' pseudo-header is required");
    private static final long FROM = Long.getLong("fuzz.from", 0);
    /** At both edges together. */
    private static final int REQUESTS = Integer.getInteger("fuzz.requests", 4_000);
    private static final int CLIENTS = 8;
    /** Threads that pools make as they need them, up to their sizes. */
    private static final int THREADS_OF_POOLS = 40;
    private static final long MIB = 1024 * 1024;

    @TestHTTPResource("/")
    URI http;

    @Inject
    ReadModel model;

    /** What is none is another's. A path with dots or empty segments may be. */
    private static final Pattern PATH_OF_THE_API = Pattern.compile("^[A-Z]+ /v1/(?!\\S*(\\.|%2e|//))");
    private final Bindings bindings = new Bindings();
    private final Set<String> calls = bindings.all().stream().map(binding -> "/" + binding.call().getFullMethodName()).collect(Collectors.toSet());
    private final Vertx vertx = Vertx.vertx();
    private final Collection<String> problems = new ConcurrentLinkedQueue<>();
    private final TreeMap<String, AtomicLong> tally = new TreeMap<>();
    private final Collection<String> errors = new ConcurrentLinkedQueue<>();
    private final Handler log = new Handler() {
        @Override
        public void publish(LogRecord record) {
            if (record.getLevel().intValue() >= Level.SEVERE.intValue() && !NO_REQUEST.matcher(String.valueOf(record.getThrown())).find()) {
                errors.add(record.getLoggerName() + ": " + record.getMessage() + (record.getThrown() == null ? "" : " " + record.getThrown()));
            }
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };

    @BeforeEach
    void ready() throws Exception {
        await("the planner is ready", () -> given().get("/q/health/ready").statusCode() == 200);
        // Something for the mutated to meet.
        given().contentType(ContentType.JSON).body("""
                {"spec": {"name": "fuzz-1", "queues": [{"name": "default", "pools": ["gpu"]}], "pools": [{"name": "gpu", "limits": {"max": 3},
                 "offers": [{"key": {"provider": "aws", "account": "main", "region": "eu-west-1", "machineType": "m5.large"}}]}]}}""")
                .put("/v1/fleets/fuzz-1").then().statusCode(200);
        Logger.getLogger("").addHandler(log);
        // What ends a thread of a pool is in no log.
        Thread.setDefaultUncaughtExceptionHandler((thread, thrown) -> errors.add("thread " + thread.getName() + ": " + thrown));
    }

    @AfterEach
    void end() throws Exception {
        Thread.setDefaultUncaughtExceptionHandler(null);
        Logger.getLogger("").removeHandler(log);
        vertx.close().toCompletionStage().toCompletableFuture().get(20, TimeUnit.SECONDS);
    }

    @Test
    void everyMutatedRequestEndsInTheRightCodeAndLeavesNothing() throws Exception {
        var requests = new MutatedHttp(bindings.all());
        var frames = new MutatedGrpc(bindings.all());
        // What is made once, at first use, is no leak.
        play(-200, 200, number -> http(requests.shot(number), number));
        settled();
        play(-200, 200, number -> grpc(frames.shot(number), number));
        settled();
        var before = Left.now();
        var took = tookMillis();

        var began = System.nanoTime();
        play(FROM, REQUESTS / 2 + REQUESTS % 2, number -> http(requests.shot(number), number));
        play(FROM, REQUESTS / 2, number -> grpc(frames.shot(number), number));
        System.out.printf("Fuzz: seed %d, %d requests in %d s: %s%n", SEED, REQUESTS, TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - began), tally);

        assertThat(problems).as("of %d requests of seed %d; one alone: -Dfuzz.seed=%d -Dfuzz.from=N -Dfuzz.requests=2", REQUESTS, SEED, SEED).isEmpty();
        assertThat(errors).as("errors in the log, seed %d", SEED).isEmpty();
        settled();
        var after = Left.now();
        System.out.printf("Fuzz: before %s, after %s; a call took %d ms before and %d ms after%n", before, after, took, tookMillis());
        assertThat(after.threads()).isLessThan(before.threads() + THREADS_OF_POOLS);
        assertThat(after.heap()).isLessThan(before.heap() + 64 * MIB);
        assertThat(tookMillis()).isLessThan(3 * took + 50);
    }

    /** What is there when nobody calls. @param heap bytes, after a collection */
    private record Left(long heap, int threads) {
        static Left now() {
            System.gc();
            return new Left(Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory(), Thread.activeCount());
        }

        @Override
        public String toString() {
            return heap / MIB + " MiB and " + threads + " threads";
        }
    }

    /** Nobody watches, and no connection is there but the one that asks. */
    private void settled() throws Exception {
        for (var client : clients.values()) {
            client.close().toCompletionStage().toCompletableFuture().get(20, TimeUnit.SECONDS);
        }
        clients.clear();
        await("nobody watches", () -> model.watchers() == 0);
        await("no connection is left", () -> connections() <= 2);
    }

    /** Of the server's, by the kernel: what Vert.x counts is off by each that ends with half a request behind a whole one. */
    private long connections() throws IOException {
        // proc(5): the second column is the own address in hexadecimal, the fourth the state; 01 is established, 08 waits to be closed here.
        var own = String.format(":%04X", http.getPort());
        var open = 0L;
        for (var sockets : List.of("tcp", "tcp6")) {
            try (var lines = Files.lines(Path.of("/proc/self/net", sockets))) {
                open += lines.map(line -> line.strip().split("\\s+")).filter(column -> column[1].endsWith(own) && Set.of("01", "08").contains(column[3])).count();
            }
        }
        return open;
    }

    private long tookMillis() {
        var took = LongStream.range(0, 31).map(i -> {
            var began = System.nanoTime();
            given().get("/v1/fleets/fuzz-1").then().extract().statusCode();
            return System.nanoTime() - began;
        }).sorted().toArray();
        return TimeUnit.NANOSECONDS.toMillis(took[took.length / 2]);
    }

    private void play(long from, int count, LongFunction<String> shoot) throws Exception {
        var next = new AtomicLong(from);
        var threads = Executors.newFixedThreadPool(CLIENTS);
        try {
            var all = new ArrayList<Future<?>>();
            for (int i = 0; i < CLIENTS; i++) {
                all.add(threads.submit(() -> {
                    for (long number = next.getAndIncrement(); number < from + count; number = next.getAndIncrement()) {
                        var outcome = shoot.apply(SEED * 1_000_003 + number);
                        if (problems.size() > 20) {
                            return;
                        }
                        synchronized (tally) {
                            tally.computeIfAbsent(outcome, none -> new AtomicLong()).incrementAndGet();
                        }
                    }
                }));
            }
            for (var one : all) {
                one.get();
            }
        } finally {
            threads.shutdownNow();
        }
    }

    private String http(MutatedHttp.Shot shot, long number) {
        try (var client = new RawHttp(http.getHost(), http.getPort())) {
            if (shot.leaves()) {
                client.sendAndLeave(shot.bytes());
                return "left";
            }
            var answer = client.send(shot.bytes(), shot.isHead());
            var problem = problem(shot, answer);
            if (problem != null) {
                problems.add("http " + (number - SEED * 1_000_003) + " " + shot.what() + ": " + problem + " " + answer + "\n  to " + shown(shot.bytes()));
            }
            return "http " + answer.code();
        } catch (IOException silent) {
            if (!shot.broken()) {
                problems.add("http " + (number - SEED * 1_000_003) + " " + shot.what() + ": " + silent + "\n  to " + shown(shot.bytes()));
            }
            return "http silent";
        }
    }

    private static String shown(byte[] bytes) {
        var text = new String(bytes, ISO_8859_1);
        return text.length() > 700 ? text.substring(0, 700) + "…" : text;
    }

    /** @return null: it is as it must be */
    private String problem(MutatedHttp.Shot shot, RawHttp.Answer answer) {
        if (answer.code() == 0) {
            return shot.broken() ? null : "closed without an answer";
        }
        if (answer.code() >= 500 && !(answer.code() == 504 && shot.hurried())) {
            return "a code of the server's own fault";
        }
        if (answer.code() == 405 && !shot.broken() && List.of(answer.headers().getOrDefault("allow", shot.method()).split(", ")).contains(shot.method())) {
            return "a method refused that is allowed, or nothing said of what is";
        }
        if (answer.code() < 400 || shot.isHead() || shot.broken()) {
            return null;
        }
        if (Set.of(400, 414, 431).contains(answer.code()) && answer.body().isEmpty()) {
            // The HTTP server itself did not take it for a request.
            return null;
        }
        if (Set.of(404, 405).contains(answer.code()) && !PATH_OF_THE_API.matcher(shown(shot.bytes())).find()) {
            return null;
        }
        JsonObject status;
        try {
            status = JsonParser.parseString(answer.body()).getAsJsonObject();
        } catch (JsonSyntaxException | IllegalStateException other) {
            return "no Status";
        }
        var code = status.has("code") ? status.get("code").getAsInt() : 0;
        return Set.of(0, 2, 13).contains(code) ? "a status that says nothing" : (code == 12) != (answer.code() == 405) ? "a call that isn't there" : null;
    }

    /** @param status null: none came */
    private record Answered(int code, String status, String message) {}

    /** One for each thread: what ends a connection ends nobody else's call. */
    private final Map<Thread, HttpClient> clients = new ConcurrentHashMap<>();

    private HttpClient client() {
        return vertx.createHttpClient(new HttpClientOptions().setProtocolVersion(HttpVersion.HTTP_2).setHttp2ClearTextUpgrade(false).setHttp2MaxPoolSize(1));
    }

    private String grpc(MutatedGrpc.Shot shot, long number) {
        Answered answer;
        try {
            answer = call(shot);
        } catch (TimeoutException silent) {
            problems.add("grpc " + (number - SEED * 1_000_003) + " " + shot.what() + " " + shot.path() + ": no answer within 15 s");
            return "grpc silent";
        } catch (ExecutionException | InterruptedException ended) {
            problems.add("grpc " + (number - SEED * 1_000_003) + " " + shot.what() + " " + shot.path() + " " + shot.headers() + ": ended without an answer, " + ended.getCause());
            return "grpc reset";
        }
        var status = answer.status();
        var wrong = answer.code() >= 500 || "2".equals(status) || "13".equals(status) || "14".equals(status) && !shot.hurried() || "4".equals(status) && !shot.hurried()
                || "12".equals(status) && !mayBeUnknown(shot) || status != null && !status.matches("\\d|1[0-6]");
        if (wrong) {
            problems.add("grpc " + (number - SEED * 1_000_003) + " " + shot.what() + " " + shot.path() + " " + shot.headers() + ": " + answer);
        }
        return "grpc " + (answer.code() == 200 ? status == null ? "stream" : status : "http " + answer.code());
    }

    /** All that gRPC may say isn't there: a path that is no call's, and a way to compress. */
    private boolean mayBeUnknown(MutatedGrpc.Shot shot) {
        return !calls.contains(shot.path()) || !Set.of("gzip", "identity").contains(shot.headers().getOrDefault("grpc-encoding", "identity"));
    }

    private Answered call(MutatedGrpc.Shot shot) throws TimeoutException, ExecutionException, InterruptedException {
        var done = new CompletableFuture<Answered>();
        clients.computeIfAbsent(Thread.currentThread(), none -> client()).request(new RequestOptions().setHost(http.getHost()).setPort(http.getPort()).setMethod(HttpMethod.POST).setURI(shot.path())).onFailure(done::completeExceptionally)
                .onSuccess(request -> {
                    shot.headers().forEach(request::putHeader);
                    request.exceptionHandler(done::completeExceptionally);
                    done.orTimeout(15, TimeUnit.SECONDS).whenComplete((answer, failure) -> request.reset(8));
                    request.response().onFailure(done::completeExceptionally).onSuccess(response -> {
                        response.exceptionHandler(done::completeExceptionally);
                        if (response.getHeader("grpc-status") != null) {
                            done.complete(new Answered(response.statusCode(), response.getHeader("grpc-status"), response.getHeader("grpc-message")));
                            return;
                        }
                        // A watch that goes on has been answered by its first message.
                        response.handler(part -> {
                            if (shot.isStream()) {
                                done.complete(new Answered(response.statusCode(), null, ""));
                            }
                        });
                        response.endHandler(over -> done.complete(new Answered(response.statusCode(), response.trailers().get("grpc-status"), response.trailers().get("grpc-message"))));
                    });
                    request.end(Buffer.buffer(shot.body()));
                    if (shot.isStream()) {
                        vertx.setTimer(1_000, quiet -> done.complete(new Answered(200, null, "")));
                    }
                });
        try {
            return done.get(20, TimeUnit.SECONDS);
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof TimeoutException silent) {
                throw silent;
            }
            throw failed;
        }
    }
}
