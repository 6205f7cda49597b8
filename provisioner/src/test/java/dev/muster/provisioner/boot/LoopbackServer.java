package dev.muster.provisioner.boot;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A server that a test fills: it keeps what it was asked, and answers by the last part of the path. Thread-safe. */
final class LoopbackServer implements AutoCloseable {

    /** As it came over the wire. */
    record Asked(String method, String path, Map<String, List<String>> headers, byte[] body) {

        String header(String name) {
            return String.join(",", headers.getOrDefault(name, List.of()));
        }
    }

    /** How one path answers; may wait. */
    interface Answer {
        void to(HttpExchange exchange, Asked asked) throws IOException;
    }

    private final HttpServer server;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final List<Asked> asked = new CopyOnWriteArrayList<>();
    private final Map<String, Answer> answers = new ConcurrentHashMap<>();

    LoopbackServer() throws IOException {
        this(HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0));
    }

    LoopbackServer(HttpServer server) {
        this.server = server;
        server.setExecutor(threads);
        server.createContext("/", exchange -> {
            var request = new Asked(exchange.getRequestMethod(), exchange.getRequestURI().toString(), Map.copyOf(exchange.getRequestHeaders()),
                    exchange.getRequestBody().readAllBytes());
            asked.add(request);
            var path = exchange.getRequestURI().getPath();
            var answer = answers.get(path.substring(path.lastIndexOf('/') + 1));
            try (exchange) {
                if (answer == null) {
                    exchange.sendResponseHeaders(404, -1);
                } else {
                    answer.to(exchange, request);
                }
            }
        });
        server.start();
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    int port() {
        return server.getAddress().getPort();
    }

    List<Asked> asked(String lastPart) {
        return asked.stream().filter(request -> request.path().replaceAll("\\?.*", "").endsWith("/" + lastPart)).toList();
    }

    void answer(String lastPart, Answer answer) {
        answers.put(lastPart, answer);
    }

    void answer(String lastPart, int status, String text) {
        answer(lastPart, (exchange, request) -> send(exchange, status, text.getBytes(java.nio.charset.StandardCharsets.UTF_8)));
    }

    /** The path is unknown from now on. */
    void forget(String lastPart) {
        answers.remove(lastPart);
    }

    void refuseKeys() {
        answer("auth.login", 401, "{\"meta\":{\"result_code\":401,\"result_subcode\":22},\"data\":{}}");
    }

    static void send(HttpExchange exchange, int status, byte[] body) throws IOException {
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        if (body.length > 0) {
            exchange.getResponseBody().write(body);
        }
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
