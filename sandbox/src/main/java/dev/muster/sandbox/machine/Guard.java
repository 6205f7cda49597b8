package dev.muster.sandbox.machine;

import com.fasterxml.jackson.databind.JsonNode;
import io.vertx.core.Future;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Optional;

/** Reads the machine's mark and the cloud's interruption notice from the metadata service and tells the gate. */
final class Guard {

    private static final Duration LOOK = Duration.ofSeconds(1);
    /** However fast the machines live: what a mark starts takes the services, on the real clock, longer than this. */
    private static final Duration LOOK_FLOOR = Duration.ofMillis(100);
    /** Agents are killed this long before the machine ends, so that the system's own signals find none that could report. */
    private static final Duration BEFORE_THE_END = Duration.ofSeconds(20);
    private static final int TOKEN_SECONDS = 21_600;
    private static final long TIMEOUT_MS = 10_000;

    private record Page(int status, String body) {
        static final Page LOST = new Page(0, "");
    }

    private final SimulatedMachine machine;
    private final HttpClient http;
    private final String metadataUrl;
    private final Pace pace;
    private String token;
    private Instant tokenExpires = Instant.MIN;
    private boolean noticed;
    private long looks;
    private String unreadable = "";
    private boolean unreachable;

    Guard(SimulatedMachine machine, HttpClient http, String metadataUrl, Pace pace) {
        this.machine = machine;
        this.http = http;
        this.metadataUrl = metadataUrl;
        this.pace = pace;
    }

    void start() {
        if (!machine.powered()) {
            return;
        }
        get("/latest/meta-data/tags/instance/muster-mark").compose(mark -> {
            heed(mark);
            looks++;
            // Amazon advises a look at the notice every 5 s.
            return noticed || looks % 5 != 1 ? Future.succeededFuture(Page.LOST) : get("/latest/meta-data/spot/instance-action");
        }).onComplete(notice -> {
            if (notice.succeeded() && notice.result().status == 200 && !noticed) {
                heedNotice(notice.result().body);
            }
            var wait = pace.between(LOOK);
            machine.afterReal(pace.scaled() && wait.compareTo(LOOK_FLOOR) < 0 ? LOOK_FLOOR : wait, this::start);
        });
    }

    private void heed(Page page) {
        if (page.status == 200) {
            unreachable = false;
            int colon = page.body.indexOf(':');
            var mark = switch (colon < 0 ? "" : page.body.substring(0, colon).trim()) {
                case "none" -> Optional.of(Gate.Mark.NONE);
                case "drain" -> Optional.of(Gate.Mark.DRAIN);
                case "drain-now" -> Optional.of(Gate.Mark.DRAIN_NOW);
                case "released" -> Optional.of(Gate.Mark.RELEASED);
                default -> Optional.<Gate.Mark>empty();
            };
            try {
                if (mark.isPresent()) {
                    machine.tell(Gate.Event.markSeen(mark.get(), Long.parseLong(page.body.substring(colon + 1).trim())));
                    return;
                }
            } catch (NumberFormatException notAnOrdinal) {
                // Said below.
            }
            if (!page.body.equals(unreadable)) {
                unreadable = page.body;
                machine.console("guard: the mark \"" + page.body + "\" can't be read and changes nothing; it is kind:ordinal");
            }
        } else if (page.status == 404) {
            unreachable = false;
        } else if (!unreachable) {
            unreachable = true;
            machine.console("guard: the mark can't be read (" + (page.status == 0 ? "no answer" : page.status) + "), looks again");
        }
    }

    private void heedNotice(String body) {
        Instant end;
        try {
            JsonNode notice = ApiClient.MAPPER.readTree(body);
            end = Instant.parse(notice.path("time").asText(""));
        } catch (IOException | DateTimeParseException unreadableNotice) {
            machine.console("guard: an interruption notice can't be read, closes the gate at once");
            noticed = true;
            machine.tell(Gate.Event.noticeSeen());
            return;
        }
        noticed = true;
        machine.console("guard: interruption at " + end);
        machine.tell(Gate.Event.noticeSeen());
        var left = Duration.between(Instant.now(), end).minus(pace.length(BEFORE_THE_END));
        machine.afterReal(left.isNegative() ? Duration.ZERO : left, () -> machine.tell(Gate.Event.noticeDue()));
    }

    private Future<Page> get(String path) {
        return withToken().compose(held -> held == null ? Future.succeededFuture(Page.LOST) : fetch(path, held)).compose(page -> {
            if (page.status != 401) {
                return Future.succeededFuture(page);
            }
            token = null;
            return withToken().compose(fresh -> fresh == null ? Future.succeededFuture(Page.LOST) : fetch(path, fresh));
        });
    }

    private Future<Page> fetch(String path, String held) {
        return send(HttpMethod.GET, path, "X-aws-ec2-metadata-token", held);
    }

    /** The token; null if none could be had. */
    private Future<String> withToken() {
        if (token != null && Instant.now().isBefore(tokenExpires)) {
            return Future.succeededFuture(token);
        }
        return send(HttpMethod.PUT, "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds", Integer.toString(TOKEN_SECONDS))
                .map(page -> {
                    token = page.status == 200 ? page.body.trim() : null;
                    tokenExpires = Instant.now().plusSeconds(TOKEN_SECONDS - 60);
                    return token;
                });
    }

    private Future<Page> send(HttpMethod method, String path, String header, String value) {
        var options = new RequestOptions().setMethod(method).setAbsoluteURI(metadataUrl + path).setTimeout(TIMEOUT_MS).putHeader(header, value);
        return http.request(options)
                .compose(request -> request.send()
                        .compose(response -> response.body().map(body -> new Page(response.statusCode(), body.toString().trim()))))
                .otherwise(Page.LOST);
    }
}
