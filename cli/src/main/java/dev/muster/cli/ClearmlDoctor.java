package dev.muster.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.muster.clearml.ApiVersion;
import dev.muster.clearml.ClearmlAddress;
import dev.muster.clearml.Worker;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import javax.net.ssl.SSLException;

/**
 * Asks a ClearML server what Muster would ask, and says what is wrong with the answers. It changes nothing there. What one finding makes
 * pointless to ask is not asked. Used by one thread.
 */
final class ClearmlDoctor {

    /** A slower server's looks fail. */
    private static final Duration TIMEOUT = ClearmlAddress.DEFAULT_TIMEOUT;
    /** Above it the watcher warns, too. */
    private static final Duration MOST_SKEW = Duration.ofSeconds(30);
    private static final int NAMES_A_CALL = 50;

    enum State { OK, WARNING, FAILED }

    /**
     * What came of one check.
     *
     * @param fix what a person does about it; empty when OK
     */
    record Finding(String check, State state, String seen, String fix) {}

    /** What of the server's lists a fleet goes by. @param made a queue that is missing is created by Muster */
    record Wanted(String workersPrefix, Set<String> queues, boolean made) {}

    /** @param date the server's time, to the second; null if it doesn't say */
    private record Reply(int status, JsonNode meta, JsonNode data, Instant date, Instant asked, Instant answered) {
        String reason() {
            return status + " " + meta.path("result_msg").asText("without a reason");
        }
    }

    private final String api;
    private final Supplier<Optional<String>> key;
    private final String keyFiles;
    private final HttpClient http = HttpClient.newBuilder().connectTimeout(TIMEOUT).version(HttpClient.Version.HTTP_1_1).build();
    private final List<Finding> findings = new ArrayList<>();

    /** Checks are made until one of them makes the rest pointless. */
    private static final class Pointless extends Exception {
        private static final long serialVersionUID = 1;
    }

    /**
     * @param api base URL of the server
     * @param key what a login is authorized by; empty if there is none
     * @param keyFiles where a person puts them
     */
    ClearmlDoctor(String api, Supplier<Optional<String>> key, String keyFiles) {
        this.api = ClearmlApi.base(api);
        this.key = key;
        this.keyFiles = keyFiles;
    }

    /** In the order in which they were made. */
    List<Finding> examine(List<Wanted> fleets) {
        try {
            clock(reached());
            var bearer = login();
            version(bearer);
            lists(bearer, fleets);
        } catch (Pointless rest) {
            // What was found says why.
        }
        return findings;
    }

    private Reply reached() throws Pointless {
        var reply = ask("server", "debug.ping", Output.JSON.createObjectNode(), "");
        if (reply.status != 200) {
            throw failed("server", reply.reason(), "write the API server's address into api: (ClearML's is usually at port 8008)");
        }
        ok("server", "answers in " + Duration.between(reply.asked, reply.answered).toMillis() + " ms");
        return reply;
    }

    /** The answer says its second; it was given some time between question and answer. */
    private void clock(Reply reply) {
        if (reply.date == null) {
            ok("clock", "the server doesn't tell its time");
            return;
        }
        var early = Duration.between(reply.answered, reply.date.plusSeconds(1));
        var late = Duration.between(reply.asked, reply.date);
        var ahead = late.compareTo(MOST_SKEW) > 0;
        if (ahead || early.negated().compareTo(MOST_SKEW) > 0) {
            findings.add(new Finding("clock", State.WARNING, "the server's is " + (ahead ? late : early).abs().toSeconds() + " s " + (ahead ? "ahead of" : "behind")
                    + " this computer's", "synchronize both; nothing breaks, since ClearML's times are only compared with each other"));
        } else {
            ok("clock", "the server's is this computer's");
        }
    }

    private String login() throws Pointless {
        var fix = "put a key pair from Settings, Workspace of ClearML's page into " + keyFiles;
        Optional<String> authorization;
        try {
            authorization = key.get();
        } catch (IllegalStateException unreadable) {
            throw failed("key", unreadable.getMessage(), "make it readable for Muster");
        }
        if (authorization.isEmpty()) {
            throw failed("key", "there is none", fix);
        }
        var reply = ask("key", "auth.login", Output.JSON.createObjectNode(), authorization.get());
        if (reply.status == 401 || reply.status == 403) {
            throw failed("key", "the server refuses it: " + reply.reason(), fix);
        }
        var token = reply.data.path("token").asText();
        if (reply.status != 200 || token.isEmpty()) {
            throw failed("key", "the server gives no token for it: " + reply.reason(), "see the API server's log");
        }
        ok("key", "the server takes it");
        return "Bearer " + token;
    }

    private void version(String bearer) throws Pointless {
        var reply = ask("version", "server.info", Output.JSON.createObjectNode(), bearer);
        var fix = "upgrade the ClearML server: Muster needs API " + ApiVersion.OLDEST + " or newer";
        var version = ApiVersion.parse(reply.data.path("api_version").asText());
        if (version.isEmpty()) {
            throw failed("version", "the server doesn't tell its API's", fix);
        }
        if (version.get().compareTo(ApiVersion.OLDEST) < 0) {
            throw failed("version", "the server's API is " + version.get(), fix);
        }
        ok("version", "API " + version.get() + " of server " + reply.data.path("version").asText("unknown"));
    }

    private void lists(String bearer, List<Wanted> fleets) throws Pointless {
        var workers = workers(bearer);
        var names = new TreeSet<String>();
        fleets.forEach(fleet -> names.addAll(fleet.queues()));
        if (names.isEmpty()) {
            ask("queues", "queues.get_all", fields(List.of("id")).put("page", 0).put("page_size", 1), bearer, "its user may not list queues");
            ok("queues", "may be listed; no fleet was named whose queues to look for");
            return;
        }
        var there = queues(bearer, names);
        var prefixes = fleets.stream().map(fleet -> fleet.workersPrefix() + ":").toList();
        for (var name : names) {
            var check = "queue " + name;
            if (!there.containsKey(name)) {
                var made = fleets.stream().anyMatch(fleet -> fleet.made() && fleet.queues().contains(name));
                findings.add(made ? new Finding(check, State.WARNING, "the server doesn't have it", "nothing: Muster creates it, as createQueues says")
                        : new Finding(check, State.FAILED, "the server doesn't have it", "create it, correct the name in the fleet, or set createQueues"));
                continue;
            }
            var waiting = there.get(name);
            var others = workers.getOrDefault(name, new TreeSet<>()).stream()
                    .filter(worker -> !worker.startsWith(Worker.MUSTER_PREFIX) && prefixes.stream().noneMatch(worker::startsWith)).toList();
            var seen = waiting == 1 ? "1 task waits" : waiting + " tasks wait";
            if (others.isEmpty()) {
                ok(check, seen);
            } else {
                findings.add(new Finding(check, State.WARNING, seen + "; " + (others.size() == 1 ? "a worker that isn't" : others.size() + " workers that aren't")
                        + " Muster's " + (others.size() == 1 ? "serves" : "serve") + " it: " + some(others),
                        "nothing, if that is meant (countOtherWorkers says whether they count); another autoscaler must let go of the queue"));
            }
        }
    }

    /** Ids of workers, by the names of the queues that they serve. */
    private SortedMap<String, TreeSet<String>> workers(String bearer) throws Pointless {
        var reply = ask("workers", "workers.get_all", Output.JSON.createObjectNode().put("last_seen", 3600), bearer, "its user may not list workers");
        var byQueue = new TreeMap<String, TreeSet<String>>();
        var listed = reply.data.path("workers");
        for (var worker : listed) {
            for (var queue : worker.path("queues")) {
                byQueue.computeIfAbsent(queue.path("name").asText(), name -> new TreeSet<>()).add(worker.path("id").asText());
            }
        }
        ok("workers", listed.size() == 1 ? "1 is listed" : listed.size() + " are listed");
        return byQueue;
    }

    /** How many tasks wait, by name, of those of the queues that are there. */
    private SortedMap<String, Integer> queues(String bearer, Set<String> names) throws Pointless {
        var there = new TreeMap<String, Integer>();
        var all = List.copyOf(names);
        for (var from = 0; from < all.size(); from += NAMES_A_CALL) {
            var some = all.subList(from, Math.min(all.size(), from + NAMES_A_CALL));
            var request = fields(List.of("id", "name", "entries"));
            request.put("name", some.stream().map(ClearmlApi::literal).collect(Collectors.joining("|", "^(", ")$")));
            for (var queue : ask("queues", "queues.get_all", request, bearer, "its user may not list queues").data.path("queues")) {
                there.put(queue.path("name").asText(), queue.path("entries").size());
            }
        }
        there.keySet().retainAll(names);
        return there;
    }

    private static String some(List<String> ids) {
        return String.join(", ", ids.subList(0, Math.min(5, ids.size()))) + (ids.size() > 5 ? ", …" : "");
    }

    private static ObjectNode fields(List<String> names) {
        var request = Output.JSON.createObjectNode();
        var only = request.putArray("only_fields");
        names.forEach(only::add);
        return request;
    }

    /** As the other, for a call that must succeed. */
    private Reply ask(String check, String call, ObjectNode request, String authorization, String refused) throws Pointless {
        var reply = ask(check, call, request, authorization);
        if (reply.status != 200) {
            throw failed(check, refused + ": " + call + ": " + reply.reason(), "give Muster a key of a user who may, or see the API server's log");
        }
        return reply;
    }

    /** An answer of a ClearML server, be it an error. */
    private Reply ask(String check, String call, ObjectNode request, String authorization) throws Pointless {
        var asked = Instant.now();
        HttpResponse<String> answer;
        try {
            var post = ClearmlApi.post(api, call, request, TIMEOUT);
            if (!authorization.isEmpty()) {
                post.header("Authorization", authorization);
            }
            answer = http.send(post.build(), HttpResponse.BodyHandlers.ofString());
        } catch (HttpTimeoutException late) {
            throw failed(check, call + ": no whole answer within " + TIMEOUT.toSeconds() + " s", "see whether the server is up and the way to it open");
        } catch (SSLException untrusted) {
            throw failed(check, call + ": TLS: " + untrusted.getMessage(), "have this computer trust the server's certificate, and name its authority in muster.connections.<name>.ca-bundle");
        } catch (IOException unreachable) {
            throw failed(check, call + ": no connection" + (unreachable.getMessage() == null ? "" : ": " + unreachable.getMessage()),
                    "see whether the server is up, the way to it open, and api: its address");
        } catch (IllegalArgumentException unusable) {
            throw failed(check, "'" + api + "' is no URL", "write it as https://api.clear.ml");
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw CliFailure.failed("interrupted");
        }
        var body = json(answer.body());
        if (!body.path("meta").has("result_code")) {
            var page = answer.body().stripLeading().startsWith("<");
            throw failed(check, call + ": " + answer.statusCode() + ", and the answer is " + (page ? "a web page" : "not ClearML's JSON"),
                    "let Muster through the proxy or login page that answers, or write the API server's address into api: (usually port 8008), not the web server's");
        }
        return new Reply(answer.statusCode(), body.path("meta"), body.path("data"), date(answer), asked, Instant.now());
    }

    private static JsonNode json(String body) {
        try {
            var json = Output.JSON.readTree(body);
            return json == null ? Output.JSON.createObjectNode() : json;
        } catch (IOException other) {
            return Output.JSON.createObjectNode();
        }
    }

    private static Instant date(HttpResponse<?> answer) {
        try {
            return answer.headers().firstValue("Date").map(text -> ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant()).orElse(null);
        } catch (DateTimeException unreadable) {
            return null;
        }
    }

    private void ok(String check, String seen) {
        findings.add(new Finding(check, State.OK, seen, ""));
    }

    private Pointless failed(String check, String seen, String fix) {
        findings.add(new Finding(check, State.FAILED, seen, fix));
        return new Pointless();
    }
}
