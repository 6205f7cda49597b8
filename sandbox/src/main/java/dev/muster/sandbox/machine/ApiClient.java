package dev.muster.sandbox.machine;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashSet;
import java.util.Set;

/** One agent's calls to ClearML: it logs in when it has no token, and once more when a token is refused. One event loop. */
final class ApiClient {

    static final ObjectMapper MAPPER = new ObjectMapper();
    /** Real, not scaled: it bounds what a stalled server can hold up. */
    private static final long TIMEOUT_MS = 30_000;
    // The API version that the agent which is simulated speaks.
    private static final String VERSION = "/v2.14/";

    /** What came back: {@code status} is 0 if no whole answer did; {@code data} is never null. */
    record Answer(int status, int subcode, JsonNode data) {
        static final Answer LOST = new Answer(0, 0, MissingNode.getInstance());

        boolean ok() {
            return status == 200;
        }

        /** The server understood and said no: to ask again changes nothing. */
        boolean refused() {
            return status >= 400 && status < 500 && status != 401 && status != 429;
        }
    }

    private final HttpClient http;
    private final String basic;
    private final String worker;
    private final URI api;
    private final Set<HttpClientRequest> open = new HashSet<>();
    private String token;
    private boolean closed;

    ApiClient(HttpClient http, BootScript script, String worker) {
        this.http = http;
        this.api = script.api();
        this.worker = worker;
        this.basic = "Basic " + Base64.getEncoder()
                .encodeToString((script.accessKey() + ":" + script.secretKey()).getBytes(StandardCharsets.UTF_8));
    }

    static ObjectNode object() {
        return MAPPER.createObjectNode();
    }

    /** Never fails: every way in which no answer comes is {@link Answer#LOST}. */
    Future<Answer> call(String endpoint, ObjectNode request) {
        return call(endpoint, bytes(request), "application/json");
    }

    Future<Answer> callWithLines(String endpoint, Iterable<ObjectNode> lines) {
        var body = Buffer.buffer();
        lines.forEach(line -> body.appendBuffer(bytes(line)).appendByte((byte) '\n'));
        return call(endpoint, body, "application/json-lines");
    }

    private Future<Answer> call(String endpoint, Buffer body, String type) {
        if (closed) {
            return Future.succeededFuture(Answer.LOST);
        }
        if (token == null) {
            return login().compose(login -> login.ok() ? send(endpoint, body, type, "Bearer " + token) : Future.succeededFuture(login));
        }
        return send(endpoint, body, type, "Bearer " + token).compose(answer -> answer.status != 401
                ? Future.succeededFuture(answer)
                : login().compose(login -> login.ok() ? send(endpoint, body, type, "Bearer " + token) : Future.succeededFuture(login)));
    }

    private Future<Answer> login() {
        token = null;
        return send("auth.login", Buffer.buffer("{}"), "application/json", basic).map(answer -> {
            var given = answer.data.path("token").asText("");
            if (answer.ok() && given.isEmpty()) {
                return Answer.LOST;
            }
            token = answer.ok() ? given : null;
            return answer;
        });
    }

    private Future<Answer> send(String endpoint, Buffer body, String type, String authorization) {
        if (closed) {
            return Future.succeededFuture(Answer.LOST);
        }
        boolean tls = "https".equals(api.getScheme());
        var base = api.getRawPath() == null ? "" : api.getRawPath().replaceAll("/+$", "");
        var options = new RequestOptions().setMethod(HttpMethod.POST).setHost(api.getHost()).setSsl(tls)
                .setPort(api.getPort() < 0 ? tls ? 443 : 80 : api.getPort()).setURI(base + VERSION + endpoint).setTimeout(TIMEOUT_MS);
        return http.request(options).compose(request -> {
            open.add(request);
            request.putHeader("Authorization", authorization).putHeader("Content-Type", type).putHeader("X-ClearML-Worker", worker);
            return request.send(body)
                    .compose(response -> response.body().map(read -> answer(response.statusCode(), read)))
                    .onComplete(done -> open.remove(request));
        }).map(answer -> closed ? Answer.LOST : answer).otherwise(Answer.LOST);
    }

    /** No call leaves any more, and what is on its way is dropped. */
    void close() {
        closed = true;
        Set.copyOf(open).forEach(HttpClientRequest::reset);
        open.clear();
    }

    private static Answer answer(int status, Buffer body) {
        try {
            var envelope = MAPPER.readTree(body.getBytes());
            return new Answer(status, envelope.path("meta").path("result_subcode").asInt(0), envelope.path("data"));
        } catch (IOException garbage) {
            return status == 200 ? Answer.LOST : new Answer(status, 0, MissingNode.getInstance());
        }
    }

    private static Buffer bytes(ObjectNode node) {
        try {
            return Buffer.buffer(MAPPER.writeValueAsBytes(node));
        } catch (JsonProcessingException unwritable) {
            throw new IllegalStateException("a tree of plain values can always be written", unwritable);
        }
    }
}
