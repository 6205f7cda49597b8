package dev.muster.sandbox.clearml;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletionException;
import java.util.regex.Pattern;

/**
 * A stand-in for ClearML's API server, in memory and on loopback: the calls that a watcher, an agent, a rescue, the SDK or a
 * person makes get the answers, error codes and side effects that the open-source server gives. Thread-safe.
 *
 * <p>It keeps its own, real clock: neither worker expiry nor the watchdog is ever scaled.
 */
public final class ClearmlServer implements AutoCloseable {

    /** The newest API version it speaks. */
    static final String API_VERSION = "2.34";
    static final String SERVER_VERSION = "2.3.0";
    static final String SERVER_BUILD = "muster";
    private static final Pattern PATH = Pattern.compile("/(?:v(?<version>[^/]+)/)?(?<endpoint>[a-z_]+\\.[a-z0-9_]+)/?");
    private static final Pattern VERSION = Pattern.compile("\\d+\\.\\d+|\\d+");
    private static final String LOGIN_COOKIE = "clearml_token_basic";

    private record Answer(int status, Buffer body, String token) {
    }

    private final Vertx vertx;
    private final ClearmlConfig config;
    private final Object lock = new Object();
    private final Map<String, Endpoint> endpoints = new HashMap<>();
    private final Logins logins;
    private final Books books;
    private final Tasks tasks;
    private final Queues queues;
    private final Projects projects;
    private final Events events;
    private final Faults faults = new Faults();
    private final Map<String, Long> calls = new TreeMap<>();
    private HttpServer http;
    private long watchdogTimer;

    private ClearmlServer(Vertx vertx, ClearmlConfig config) {
        this.vertx = vertx;
        this.config = config;
        var clock = config.clock();
        var listing = new Listing(clock);
        this.logins = new Logins(config);
        this.books = new Books(clock);
        this.tasks = new Tasks(clock, listing, books);
        this.queues = new Queues(clock, listing, books);
        this.projects = new Projects(clock, listing);
        this.events = new Events(clock);
        var workers = new Workers(clock, config.workerTimeout());
        tasks.register(endpoints, queues, workers, projects, events);
        queues.register(endpoints, tasks, workers);
        workers.register(endpoints, tasks, queues, projects);
        projects.register(endpoints);
        events.register(endpoints, tasks);
        new Accounts(config, logins).register(endpoints);
        // Every new ClearML server has this queue for each company.
        config.credentials().stream().map(ClearmlConfig.Credential::company).distinct().forEach(company -> queues.add("default",
                new Identity(company, company, company, company), List.of(), List.of("default"), null, Json.object()));
    }

    /**
     * Starts a server on loopback.
     *
     * @param vertx stays the caller's to close, after this server
     * @param port  0 for any free one
     * @throws UncheckedIOException if the port can't be had
     */
    public static ClearmlServer start(Vertx vertx, int port, ClearmlConfig config) {
        var server = new ClearmlServer(vertx, config);
        var options = new HttpServerOptions().setHost("127.0.0.1").setPort(port).setMaxInitialLineLength(65_536).setMaxHeaderSize(65_536);
        try {
            server.http = vertx.createHttpServer(options).requestHandler(server::receive).listen()
                    .toCompletionStage().toCompletableFuture().join();
        } catch (CompletionException failed) {
            throw new UncheckedIOException("The ClearML stand-in can't listen on port " + port + "; is it in use?",
                    new IOException(failed.getCause()));
        }
        server.watchdogTimer = vertx.setPeriodic(config.watchdogEvery().toMillis(), timer -> server.runWatchdog());
        return server;
    }

    public int port() {
        return http.actualPort();
    }

    /** What a client is configured with, such as {@code http://127.0.0.1:8008}. */
    public String url() {
        return "http://127.0.0.1:" + port();
    }

    /** Adds a queue for each name as {@code queues.create} by the first key's user does, without a call for each; their ids. */
    public List<String> addQueues(Collection<String> names) {
        var credential = config.credentials().get(0);
        var owner = new Identity(credential.user(), credential.user(), credential.company(), credential.company());
        synchronized (lock) {
            return queues.addAll(names, owner);
        }
    }

    public Faults faults() {
        return faults;
    }

    public Books.Summary books() {
        synchronized (lock) {
            return books.summary(tasks.all(), projects);
        }
    }

    /** The task's console lines, oldest first; empty for an unknown task. */
    public List<String> log(String task) {
        synchronized (lock) {
            var lines = new ArrayList<String>();
            events.logOf(task).forEach(event -> lines.add(event.path("msg").asText()));
            return lines;
        }
    }

    /** How often each endpoint was called, by name; unknown names are not counted. */
    public Map<String, Long> calls() {
        synchronized (lock) {
            return new TreeMap<>(calls);
        }
    }

    Set<String> endpointNames() {
        return Set.copyOf(endpoints.keySet());
    }

    /** Stops tasks that have been silent for too long, as the periodic watchdog does; how many those were. */
    int runWatchdog() {
        synchronized (lock) {
            return tasks.stopSilent(config.watchdogAfter());
        }
    }

    /** Mounts {@code <prefix>/faults} and {@code <prefix>/books} on a router that has no body handler yet. */
    public void mountAdmin(Router router, String prefix) {
        new AdminRoutes(this).mount(router, prefix);
    }

    /** Ends every connection; returns when the port is free. */
    @Override
    public void close() {
        vertx.cancelTimer(watchdogTimer);
        http.close().toCompletionStage().toCompletableFuture().join();
    }

    // From bytes to a call, and back.

    private void receive(HttpServerRequest request) {
        request.body().onSuccess(body -> {
            var matcher = PATH.matcher(request.path());
            var name = matcher.matches() ? matcher.group("endpoint") : request.path().replaceFirst("^/(v[^/]+/)?", "");
            var version = matcher.matches() && matcher.group("version") != null ? matcher.group("version") : config.apiVersion();
            var strike = faults.strike(name);
            if (strike.delay().isZero()) {
                answer(request, name, version, body, strike);
            } else {
                vertx.setTimer(Math.max(1, strike.delay().toMillis()), timer -> answer(request, name, version, body, strike));
            }
        });
    }

    private void answer(HttpServerRequest request, String name, String version, Buffer body, Faults.Strike strike) {
        var kind = strike.fault().map(Faults.Fault::kind).orElse(null);
        if (kind == Faults.Kind.STALL) {
            return;
        }
        var answer = kind == Faults.Kind.ERROR
                ? failure(name, version, new ApiFault(strike.fault().get().status(), strike.fault().get().subcode(), "Fault on request"))
                : process(request, name, version, body);
        var response = request.response();
        if (response.closed()) {
            return;
        }
        response.setStatusCode(answer.status);
        response.putHeader("Content-Type", "application/json");
        response.putHeader("Date", DateTimeFormatter.RFC_1123_DATE_TIME.format(config.clock().instant().atZone(ZoneOffset.UTC)));
        if (answer.token != null) {
            response.putHeader("Set-Cookie", LOGIN_COOKIE + "=" + answer.token + "; HttpOnly; Path=/");
        }
        if (kind == Faults.Kind.CUT_BODY) {
            cut(request, response, answer.body);
        } else {
            response.end(answer.body);
        }
    }

    private static void cut(HttpServerRequest request, HttpServerResponse response, Buffer body) {
        response.putHeader("Content-Length", Integer.toString(body.length()));
        response.write(body.getBuffer(0, body.length() / 2)).onComplete(written -> request.connection().close());
    }

    private Answer process(HttpServerRequest request, String name, String version, Buffer body) {
        try {
            if (!VERSION.matcher(version).matches()) {
                throw new ApiFault(400, 2, "Unsupported API version: v" + version);
            }
            var endpoint = endpoints.get(name);
            if (endpoint == null) {
                throw new ApiFault(404, 0, "Unable to find endpoint for name " + name + " and version " + version);
            }
            if (request.getHeader("Content-Encoding") != null) {
                throw new ApiFault(415, 0, "Content encoding is not supported: " + request.getHeader("Content-Encoding"));
            }
            synchronized (lock) {
                calls.merge(name, 1L, Long::sum);
                var caller = endpoint.open() ? Identity.NOBODY : logins.identify(request.getHeader("Authorization"), cookie(request));
                var call = read(request, body, caller);
                var data = endpoint.answer().apply(call);
                // Written under the lock: the answer shares nodes with stored documents.
                return new Answer(200, envelope(name, version, endpoint.version(), 200, 0, "OK", data),
                        name.equals("auth.login") ? data.path("token").asText() : null);
            }
        } catch (ApiFault fault) {
            return failure(name, version, fault);
        } catch (RuntimeException broken) {
            // The real server answers its own defects with 500/0 as well; a caller must not hang on ours.
            return failure(name, version, new ApiFault(500, 0, "General server error: " + broken));
        }
    }

    private Answer failure(String name, String version, ApiFault fault) {
        var endpoint = endpoints.get(name);
        return new Answer(fault.status,
                envelope(name, version, endpoint == null ? version : endpoint.version(), fault.status, fault.subcode, fault.getMessage(),
                        Json.object()), null);
    }

    private static String cookie(HttpServerRequest request) {
        var cookie = request.getCookie(LOGIN_COOKIE);
        return cookie == null ? null : cookie.getValue();
    }

    private static Call read(HttpServerRequest request, Buffer body, Identity caller) {
        var type = request.getHeader("Content-Type") == null ? "" : request.getHeader("Content-Type").toLowerCase(Locale.ROOT);
        var fields = Json.object();
        var batch = new ArrayList<ObjectNode>();
        request.params().forEach(parameter -> merge(fields, parameter.getKey(), parameter.getValue()));
        if (body.length() > 0) {
            if (type.startsWith("application/json-lines")) {
                for (var line : body.toString(StandardCharsets.UTF_8).split("\n")) {
                    if (!line.isBlank()) {
                        batch.add(parse(line.getBytes(StandardCharsets.UTF_8)));
                    }
                }
            } else if (type.startsWith("application/x-www-form-urlencoded") && body.getByte(0) != '{') {
                for (var pair : body.toString(StandardCharsets.UTF_8).split("&")) {
                    int equals = pair.indexOf('=');
                    merge(fields, decode(equals < 0 ? pair : pair.substring(0, equals)), equals < 0 ? "" : decode(pair.substring(equals + 1)));
                }
            } else {
                fields.setAll(parse(body.getBytes()));
            }
        }
        var worker = request.getHeader("X-ClearML-Worker");
        return new Call(caller, fields, batch, worker == null ? request.getHeader("X-Trains-Worker") : worker,
                request.remoteAddress().hostAddress());
    }

    /** A parameter given twice becomes a list. */
    private static void merge(ObjectNode fields, String key, String value) {
        if (fields.has(key)) {
            var list = fields.get(key).isArray() ? fields.withArray(key) : Json.array().add(fields.get(key));
            list.add(value);
            fields.set(key, list);
        } else {
            fields.put(key, value);
        }
    }

    private static String decode(String text) {
        return URLDecoder.decode(text, StandardCharsets.UTF_8);
    }

    private static ObjectNode parse(byte[] text) {
        try {
            if (Json.MAPPER.readTree(text) instanceof ObjectNode object) {
                return object;
            }
        } catch (IOException garbage) {
            throw new ApiFault(400, 12, "Validation error (the body is not JSON)");
        }
        throw new ApiFault(400, 12, "Validation error (the body is not a JSON object)");
    }

    private static Buffer envelope(String name, String requested, String latest, int status, int subcode, String message, ObjectNode data) {
        var answer = Json.object();
        var meta = answer.putObject("meta");
        var id = Logins.newId();
        meta.put("id", id);
        meta.put("trx", id);
        var endpoint = meta.putObject("endpoint");
        endpoint.put("name", name);
        boolean readable = VERSION.matcher(requested).matches();
        var actual = readable && compare(requested, latest) < 0 ? requested : latest;
        if (readable && compare(requested, "2.1") < 0) {
            // Clients of those versions read the versions as numbers.
            endpoint.put("requested_version", Double.parseDouble(requested));
            endpoint.put("actual_version", Double.parseDouble(actual));
        } else {
            endpoint.put("requested_version", requested);
            endpoint.put("actual_version", actual);
        }
        meta.put("result_code", status);
        meta.put("result_subcode", subcode);
        meta.put("result_msg", message);
        meta.putNull("error_stack");
        meta.putObject("error_data");
        answer.set("data", data);
        try {
            return Buffer.buffer(Json.MAPPER.writeValueAsBytes(answer));
        } catch (JsonProcessingException unwritable) {
            throw new IllegalStateException("a tree of plain values can always be written", unwritable);
        }
    }

    private static int compare(String a, String b) {
        var left = a.split("\\.");
        var right = b.split("\\.");
        for (int i = 0; i < Math.max(left.length, right.length); i++) {
            int order = Integer.compare(i < left.length ? Integer.parseInt(left[i]) : 0, i < right.length ? Integer.parseInt(right[i]) : 0);
            if (order != 0) {
                return order;
            }
        }
        return 0;
    }
}
