package dev.muster.acceptance;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.Base64;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/** Git's own HTTP server on loopback, for whoever has the password only. */
final class GitServer implements AutoCloseable {

    private final Path program;
    private final Path repositories;
    private final String authorization;
    private final AtomicInteger served = new AtomicInteger();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final HttpServer server;

    /** @param repositories a folder of bare repositories */
    GitServer(Path program, Path repositories, String user, String password) throws IOException {
        this.program = program;
        this.repositories = repositories;
        this.authorization = "Basic " + Base64.getEncoder().encodeToString((user + ":" + password).getBytes(UTF_8));
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/", exchange -> {
            try (exchange) {
                if (authorization.equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
                    served.incrementAndGet();
                    run(exchange);
                } else {
                    exchange.getResponseHeaders().set("WWW-Authenticate", "Basic realm=\"git\"");
                    exchange.sendResponseHeaders(401, -1);
                }
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
            }
        });
        server.start();
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** Requests that had the password. */
    int served() {
        return served.get();
    }

    /** As a CGI program: RFC 3875. */
    private void run(HttpExchange exchange) throws IOException, InterruptedException {
        var builder = new ProcessBuilder(program.toString()).redirectError(ProcessBuilder.Redirect.DISCARD);
        var environment = builder.environment();
        environment.put("GIT_PROJECT_ROOT", repositories.toString());
        environment.put("GIT_HTTP_EXPORT_ALL", "1");
        environment.put("REQUEST_METHOD", exchange.getRequestMethod());
        environment.put("PATH_INFO", exchange.getRequestURI().getPath());
        environment.put("REMOTE_USER", "git");
        put(environment, "QUERY_STRING", exchange.getRequestURI().getRawQuery());
        put(environment, "CONTENT_TYPE", exchange.getRequestHeaders().getFirst("Content-Type"));
        put(environment, "HTTP_CONTENT_ENCODING", exchange.getRequestHeaders().getFirst("Content-Encoding"));
        put(environment, "HTTP_GIT_PROTOCOL", exchange.getRequestHeaders().getFirst("Git-Protocol"));
        var body = exchange.getRequestBody().readAllBytes();
        put(environment, "CONTENT_LENGTH", Integer.toString(body.length));
        var process = builder.start();
        try (var in = process.getOutputStream()) {
            in.write(body);
        }
        var out = process.getInputStream();
        int status = 200;
        for (var line = line(out); !line.isEmpty(); line = line(out)) {
            var name = line.substring(0, line.indexOf(':'));
            var value = line.substring(line.indexOf(':') + 1).strip();
            if (name.equalsIgnoreCase("Status")) {
                status = Integer.parseInt(value.split(" ")[0]);
            } else {
                exchange.getResponseHeaders().add(name, value);
            }
        }
        exchange.sendResponseHeaders(status, 0);
        out.transferTo(exchange.getResponseBody());
        process.waitFor();
    }

    private static void put(java.util.Map<String, String> environment, String name, String value) {
        environment.put(name, value == null ? "" : value);
    }

    private static String line(java.io.InputStream in) throws IOException {
        var line = new ByteArrayOutputStream();
        for (int read = in.read(); read >= 0 && read != '\n'; read = in.read()) {
            line.write(read);
        }
        return line.toString(UTF_8).strip();
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
