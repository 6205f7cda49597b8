package dev.muster.sandbox.k8s;

import dev.muster.sandbox.CloudHttp;
import io.vertx.core.http.HttpServerRequest;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.stream.Collectors;

/** The part of a kubelet that an API server asks for a pod's log: {@code /containerLogs/<namespace>/<pod>/<container>}. */
final class KubeletLogs {

    private static final long FOLLOW_MS = 500;

    private final BiFunction<String, String, Optional<Console>> consoles;

    KubeletLogs(BiFunction<String, String, Optional<Console>> consoles) {
        this.consoles = consoles;
    }

    void answer(HttpServerRequest request) {
        var steps = request.path().split("/");
        var console = steps.length == 5 && steps[1].equals("containerLogs") ? consoles.apply(steps[2], steps[3]) : Optional.<Console>empty();
        if (console.isEmpty()) {
            request.response().setStatusCode(404).putHeader("Content-Type", "text/plain").end("pod does not exist\n");
            return;
        }
        if (!console.get().isStarted()) {
            // A Status, as the kubelet makes one.
            request.response().setStatusCode(400).putHeader("Content-Type", "application/json").end(Refusal.badRequest("container \"" + steps[4] + "\" in pod \"" + steps[3]
                    + "\" is waiting to start: ContainerCreating").json().toBuffer());
            return;
        }
        var query = CloudHttp.decode(request.query());
        boolean follow = List.of("true", "1").contains(query.getOrDefault("follow", ""));
        var response = request.response().putHeader("Content-Type", "text/plain");
        if (!follow) {
            response.end(text(console.get().lines(), query));
            return;
        }
        response.setChunked(true);
        var lines = console.get().lines();
        response.write(text(lines, query));
        follow(request, console.get(), query, lines.isEmpty() ? Instant.MIN : lines.get(lines.size() - 1).at());
    }

    private static void follow(HttpServerRequest request, Console console, Map<String, String> query, Instant since) {
        io.vertx.core.Vertx.currentContext().owner().setTimer(FOLLOW_MS, tick -> {
            if (request.response().closed()) {
                return;
            }
            boolean last = console.isEnded();
            var more = console.lines().stream().filter(line -> line.at().isAfter(since)).toList();
            if (!more.isEmpty()) {
                request.response().write(lines(more, query));
            }
            if (last) {
                request.response().end();
            } else {
                follow(request, console, query, more.isEmpty() ? since : more.get(more.size() - 1).at());
            }
        });
    }

    private static String text(List<Console.Line> lines, Map<String, String> query) {
        var wanted = lines;
        if (query.containsKey("sinceSeconds")) {
            var since = Instant.now().minus(Duration.ofSeconds(Long.parseLong(query.get("sinceSeconds"))));
            wanted = wanted.stream().filter(line -> line.at().isAfter(since)).toList();
        }
        if (query.containsKey("tailLines")) {
            wanted = wanted.subList(Math.max(0, wanted.size() - Integer.parseInt(query.get("tailLines"))), wanted.size());
        }
        var text = lines(wanted, query);
        if (query.containsKey("limitBytes")) {
            var bytes = text.getBytes(StandardCharsets.UTF_8);
            text = new String(bytes, 0, Math.min(bytes.length, Integer.parseInt(query.get("limitBytes"))), StandardCharsets.UTF_8);
        }
        return text;
    }

    private static String lines(List<Console.Line> lines, Map<String, String> query) {
        boolean stamped = List.of("true", "1").contains(query.getOrDefault("timestamps", ""));
        return lines.stream().map(line -> (stamped ? line.at() + " " : "") + line.text() + "\n").collect(Collectors.joining());
    }
}
