package dev.muster.provisioner.boot;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a call to ClearML costs more through the guard than without it. No test run includes it by its name; docs/benchmarks/guard.md says
 * how it is run and what it showed.
 *
 * <p>Each call is made on a connection that stays open, as an agent does, once directly and once through the guard in turn, so that both see
 * the same machine. The server answers at once: what is measured is the way there and back.
 */
class GuardBenchmarks {

    private static final int ROUNDS = Integer.getInteger("benchmark.rounds", 5);
    private static final int CALLS = Integer.getInteger("benchmark.calls", 2_000);
    private static final int WARM_UP = 500;

    @TempDir
    private Path folder;

    private record Call(String name, String endpoint, String body, String answer) {}

    private static final List<Call> KINDS = List.of(
            new Call("ask for a task, none waits", "queues.get_next_task", "{\"queue\":\"0123456789abcdef0123456789abcdef\",\"get_task_info\":false}",
                    "{\"meta\":{\"id\":\"c1\",\"result_code\":200},\"data\":{}}"),
            new Call("report a worker's state", "workers.status_report", "{\"worker\":\"lab-train:gpu:g5.xlarge:" + BootedMachine.CLOUD_ID + "\",\"timestamp\":1795000000000,"
                    + "\"machine_stats\":{" + "\"cpu_usage\":[1.0,2.0,3.0,4.0],\"memory_used\":1024,".repeat(8) + "\"x\":0}}",
                    "{\"meta\":{\"id\":\"c2\",\"result_code\":200},\"data\":{}}"),
            new Call("send 64 KB of a task's log", "events.add_batch", "{\"type\":\"log\",\"msg\":\"" + "x".repeat(64 * 1024) + "\"}",
                    "{\"meta\":{\"id\":\"c3\",\"result_code\":200},\"data\":{\"added\":1}}"));

    @Test
    void whatACallCostsMore() throws Exception {
        // The JDK's server otherwise waits for more to send, 40 ms long.
        System.setProperty("sun.net.httpserver.nodelay", "true");
        var plan = new BootPlan("lab-train:gpu:g5.xlarge", 1, List.of("q1"), new BootPlan.Hosts("", "http://web", "http://files"), new BootPlan.Keys(Given.text("ACCESS"),
                Given.text("SECRET")), false, "", "3.0.3", true, new TreeMap<>(), Given.NOTHING, Given.NOTHING, Given.NOTHING, false, BootPlan.Storage.NONE, Optional.empty());
        var table = new StringBuilder("| call | round | direct p50 | p99 | guard p50 | p99 | added p50 | p99 |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n");
        var clearml = clearml();
        try (var machine = BootedMachine.of(folder)) {
            machine.start(plan, "http://127.0.0.1:" + clearml.getAddress().getPort());
            machine.awaitFile("agent-0.args");
            for (var kind : KINDS) {
                try (var direct = new Connection(clearml.getAddress().getPort()); var guard = new Connection(machine.port(0))) {
                    for (int i = 0; i < WARM_UP; i++) {
                        direct.call(kind);
                        guard.call(kind);
                    }
                    for (int round = 1; round <= ROUNDS; round++) {
                        table.append(row(kind, round, direct, guard));
                    }
                }
            }
        } finally {
            clearml.stop(0);
        }
        var load = Files.readString(Path.of("/proc/loadavg")).split(" ")[0];
        System.out.println("ms a call, " + CALLS + " calls a round, load " + load + "\n" + table);
        Files.writeString(Path.of("target/guard-benchmarks.md"), table);
    }

    /** Keeps nothing of what it is asked. */
    private static HttpServer clearml() throws IOException {
        var server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.setExecutor(Executors.newCachedThreadPool(task -> {
            var thread = new Thread(task);
            thread.setDaemon(true);
            return thread;
        }));
        server.createContext("/", exchange -> {
            exchange.getRequestBody().transferTo(OutputStream.nullOutputStream());
            var path = exchange.getRequestURI().getPath();
            var answer = KINDS.stream().filter(kind -> path.endsWith("/" + kind.endpoint())).map(Call::answer).findFirst()
                    .orElse("{\"meta\":{\"result_code\":200},\"data\":{\"token\":\"t\"}}").getBytes(UTF_8);
            exchange.sendResponseHeaders(200, answer.length);
            try (exchange) {
                exchange.getResponseBody().write(answer);
            }
        });
        server.start();
        return server;
    }

    private static String row(Call kind, int round, Connection direct, Connection guard) throws IOException {
        var without = new long[CALLS];
        var with = new long[CALLS];
        for (int i = 0; i < CALLS; i++) {
            without[i] = direct.call(kind);
            with[i] = guard.call(kind);
        }
        Arrays.sort(without);
        Arrays.sort(with);
        return String.format(Locale.ROOT, "| %s | %d | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f |%n", kind.name(), round, at(without, 50), at(without, 99), at(with, 50),
                at(with, 99), at(with, 50) - at(without, 50), at(with, 99) - at(without, 99));
    }

    private static double at(long[] sorted, int percent) {
        return sorted[sorted.length * percent / 100] / 1e6;
    }

    /** Written out rather than a client's, whose own work would be most of what is measured. */
    private static final class Connection implements AutoCloseable {

        private final Socket socket;
        private final BufferedInputStream in;

        Connection(int port) throws IOException {
            socket = new Socket("127.0.0.1", port);
            socket.setTcpNoDelay(true);
            in = new BufferedInputStream(socket.getInputStream());
        }

        /** @return nanoseconds */
        long call(Call kind) throws IOException {
            var body = kind.body().getBytes(UTF_8);
            var request = new ByteArrayOutputStream();
            request.writeBytes(("POST /v2.30/" + kind.endpoint() + " HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + "j".repeat(300)
                    + "\r\nUser-Agent: clearml\r\nAccept: */*\r\nConnection: keep-alive\r\nContent-Type: application/json\r\nContent-Length: " + body.length + "\r\n\r\n").getBytes(UTF_8));
            request.writeBytes(body);
            var began = System.nanoTime();
            socket.getOutputStream().write(request.toByteArray());
            var status = line();
            int length = 0;
            for (var header = line(); !header.isEmpty(); header = line()) {
                if (header.toLowerCase(Locale.ROOT).startsWith("content-length:")) {
                    length = Integer.parseInt(header.substring(15).strip());
                }
            }
            var answer = in.readNBytes(length);
            var took = System.nanoTime() - began;
            assertThat(status).isEqualTo("HTTP/1.1 200 OK");
            assertThat(new String(answer, UTF_8)).isEqualTo(kind.answer());
            return took;
        }

        private String line() throws IOException {
            var line = new ByteArrayOutputStream();
            for (int read = in.read(); read != '\n'; read = in.read()) {
                if (read < 0) {
                    throw new IOException("the connection was closed");
                }
                line.write(read);
            }
            return line.toString(UTF_8).strip();
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }
}
