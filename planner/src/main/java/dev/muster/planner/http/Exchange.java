package dev.muster.planner.http;

import com.google.protobuf.Any;
import com.google.protobuf.Message;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Status;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.protobuf.StatusProto;
import io.netty.channel.ChannelFutureListener;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.net.impl.ConnectionBase;
import java.util.Locale;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/**
 * One request on its way: its body read, its call made, its answer written. What touches the connection is done on the connection's thread; reading
 * a request's JSON, the call, and writing its answer's JSON are done on the calls' threads.
 */
final class Exchange {

    private static final Logger LOG = Logger.getLogger(Exchange.class);

    /** A spec of 500 pools is a third of that. */
    static final int LARGEST_BODY = 1024 * 1024;
    /** What is still read of a body that is refused, so that whoever sends it gets to read the answer. */
    private static final int MOST_DISCARDED = 8 * LARGEST_BODY;
    /** Twice as long as the planner waits for a fleet's owner. */
    private static final long DEFAULT_SECONDS = 20;
    private static final String JSON = "application/json";
    static final Status BUG = Status.newBuilder().setCode(Code.INTERNAL_VALUE).setMessage("The planner failed on this call.").build();

    private final HttpServerRequest request;
    private final HttpServerResponse response;
    private final Vertx vertx;
    private final Context context;
    private final LocalCalls calls;
    private final EventTexts texts;
    private final EventStream.Pace pace;

    private Bindings.Match match;
    private Deadline deadline;
    private Buffer body = Buffer.buffer();
    private int discarded;
    private long bodyTimer;
    private boolean answered;
    private ClientCall<Message, Message> call;
    private boolean gone;

    /**
     * @param texts of events, shared by all streams
     * @param pace of streams
     */
    Exchange(Vertx vertx, HttpServerRequest request, HttpServerResponse response, LocalCalls calls, EventTexts texts, EventStream.Pace pace) {
        this.request = request;
        this.response = response;
        this.vertx = vertx;
        this.context = vertx.getOrCreateContext();
        this.calls = calls;
        this.texts = texts;
        this.pace = pace;
    }

    HttpServerResponse response() {
        return response;
    }

    Vertx vertx() {
        return vertx;
    }

    /** Reads the request and makes its call. */
    void begin(Bindings bindings) {
        request.exceptionHandler(broken -> goneAway());
        response.closeHandler(closed -> goneAway());
        response.exceptionHandler(broken -> goneAway());
        followConnection();
        request.handler(this::onData);
        request.endHandler(end -> onEnd());
        bodyTimer = vertx.setTimer(TimeUnit.SECONDS.toMillis(DEFAULT_SECONDS), late -> {
            response.putHeader("Connection", "close");
            fail(HttpFailure.tooSlow(DEFAULT_SECONDS));
        });
        // What metrics call a request by: paths that anybody makes up would be without end.
        context.putLocal("UrlPathTemplate", "/v1/*");
        try {
            find(bindings);
        } catch (HttpFailure refused) {
            fail(refused);
        }
    }

    /**
     * Over HTTP/1.1, Vert.x tells nobody of a connection that ends while a part of the next request is behind the one that is answered: it fails on the
     * response that the next one doesn't have yet. Netty does.
     */
    private void followConnection() {
        if (request.version() != HttpVersion.HTTP_2 && request.connection() instanceof ConnectionBase connection) {
            var end = connection.channelHandlerContext().channel().closeFuture();
            ChannelFutureListener ended = closed -> onContext(this::goneAway);
            end.addListener(ended);
            // A connection outlives its requests.
            response.endHandler(answered -> end.removeListener(ended));
        }
    }

    private void find(Bindings bindings) {
        var path = RequestPath.of(request.path());
        var verb = request.method().equals(HttpMethod.HEAD) ? "GET" : request.method().name();
        var found = bindings.find(verb, path).filter(binding -> !(isHead() && binding.binding().isStream()));
        if (found.isEmpty()) {
            var allowed = bindings.allowed(path);
            if (allowed.isEmpty()) {
                throw HttpFailure.noSuchPath(request.path());
            }
            response.putHeader("Allow", allowed);
            if (request.method().equals(HttpMethod.OPTIONS)) {
                answer(204, null);
                return;
            }
            throw HttpFailure.methodNotAllowed(request.method().name(), allowed);
        }
        match = found.get();
        context.putLocal("UrlPathTemplate", match.binding().path().text());
        deadline = deadline(match.binding().isStream());
        var length = request.getHeader("Content-Length");
        if (length != null && length.matches("\\d{8,}") || length != null && length.matches("\\d+") && Long.parseLong(length) > LARGEST_BODY) {
            response.putHeader("Connection", "close");
            throw HttpFailure.tooLarge(LARGEST_BODY);
        }
        if ("100-continue".equalsIgnoreCase(request.getHeader("Expect"))) {
            response.writeContinue();
        }
    }

    private boolean isHead() {
        return request.method().equals(HttpMethod.HEAD);
    }

    /** As gRPC writes it, and as gRPC's own gateways take it: 20S, 500m. A stream has none unless it is asked for. */
    private Deadline deadline(boolean isStream) {
        var asked = request.getHeader("Grpc-Timeout");
        if (asked == null) {
            return isStream ? null : Deadline.after(DEFAULT_SECONDS, TimeUnit.SECONDS);
        }
        if (!asked.matches("\\d{1,8}[HMSmun]")) {
            throw HttpFailure.invalid("Grpc-Timeout", "is none: write up to 8 digits and H, M, S, m, u or n, such as 20S");
        }
        return GrpcExchange.deadline(asked);
    }

    private void onData(Buffer part) {
        if (answered) {
            discarded += part.length();
            if (discarded > MOST_DISCARDED) {
                request.connection().close();
            }
        } else if (body.length() + part.length() > LARGEST_BODY) {
            response.putHeader("Connection", "close");
            fail(HttpFailure.tooLarge(LARGEST_BODY));
        } else {
            body.appendBuffer(part);
        }
    }

    private void onEnd() {
        vertx.cancelTimer(bodyTimer);
        if (answered) {
            return;
        }
        try {
            checkBody();
            var headers = metadata();
            var conditions = new RequestReader.Conditions(request.getHeader("Idempotency-Key"), request.getHeader("If-Match"),
                    request.getHeader("If-None-Match"), request.getHeader("Last-Event-ID"));
            var bytes = body.getBytes();
            body = null;
            calls.threads().execute(() -> make(bytes, conditions, headers));
        } catch (HttpFailure refused) {
            fail(refused);
        } catch (RejectedExecutionException ending) {
            fail(HttpFailure.ending());
        }
    }

    private void checkBody() {
        if (!match.binding().hasBody()) {
            if (body.length() > 0) {
                throw HttpFailure.invalid("body", "is there, and this call has none: its fields are in the query");
            }
            return;
        }
        var type = request.getHeader("Content-Type");
        var encoding = request.getHeader("Content-Encoding");
        if (body.length() > 0 && (type == null || !isJson(type) || encoding != null && !encoding.equalsIgnoreCase("identity"))) {
            throw HttpFailure.notJson(type == null ? "" : isJson(type) ? encoding : type);
        }
    }

    private static boolean isJson(String type) {
        return type.toLowerCase(Locale.ROOT).replace(" ", "").replace("\"", "").matches("application/json(;charset=utf-8)?");
    }

    /** What goes on with the call. Everything else that was sent stays here. */
    private Metadata metadata() {
        var metadata = new Metadata();
        metadata.put(Peer.KEY, Peer.of(request.connection()));
        for (var name : new String[] {"authorization", "traceparent", "tracestate", "user-agent"}) {
            for (var value : request.headers().getAll(name)) {
                if (!value.chars().allMatch(c -> c >= 0x20 && c < 0x7f)) {
                    throw HttpFailure.invalid(name, "has characters that are no printable ASCII");
                }
                metadata.put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), value);
            }
        }
        return metadata;
    }

    /** On one of the calls' threads. */
    private void make(byte[] bytes, RequestReader.Conditions conditions, Metadata headers) {
        Message message;
        try {
            message = RequestReader.read(match, request.query(), text(bytes), conditions);
        } catch (HttpFailure refused) {
            context.runOnContext(back -> fail(refused));
            return;
        } catch (RuntimeException bug) {
            LOG.error("A request could not be read", bug);
            context.runOnContext(back -> fail(BUG));
            return;
        }
        var binding = match.binding();
        var made = calls.channel().newCall(binding.call(), CallOptions.DEFAULT.withDeadline(deadline));
        synchronized (this) {
            // What was cancelled can't be started, nor sent.
            if (gone) {
                return;
            }
            call = made;
            made.start(binding.isStream() ? new EventStream(this, made, texts, pace) : new OneAnswer(), headers);
            made.sendMessage(message);
            made.halfClose();
            made.request(binding.isStream() ? EventStream.AHEAD : 2);
        }
    }

    private static String text(byte[] bytes) {
        try {
            return Percent.utf8(bytes);
        } catch (IllegalArgumentException problem) {
            throw HttpFailure.invalid("body", problem.getMessage());
        }
    }

    /** Who asked is no longer there: whatever is done for them ends. */
    private void goneAway() {
        vertx.cancelTimer(bodyTimer);
        ClientCall<Message, Message> made;
        synchronized (this) {
            gone = true;
            made = call;
        }
        answered = true;
        if (made != null) {
            made.cancel("the client is gone", null);
        }
    }

    /**
     * Ends what can't be ended by writing. Over HTTP/2 only the stream, whose connection others may share. Vert.x' own close waits for what was
     * written to be read, which would be for ever; Netty's, begun below Vert.x' handler, doesn't.
     */
    void cut() {
        if (request.version() == HttpVersion.HTTP_2) {
            response.reset();
        } else if (request.connection() instanceof ConnectionBase connection) {
            connection.channelHandlerContext().close();
        } else {
            request.connection().close();
        }
    }

    void onContext(Runnable action) {
        context.runOnContext(there -> action.run());
    }

    void fail(HttpFailure refused) {
        answer(refused.code(), JsonAnswers.json(refused.status()));
    }

    void fail(Status status) {
        JsonAnswers.retryAfter(status).ifPresent(seconds -> response.putHeader("Retry-After", Long.toString(seconds)));
        if (status.getCode() == Code.UNAUTHENTICATED_VALUE) {
            response.putHeader("WWW-Authenticate", "Bearer");
        }
        answer(JsonAnswers.httpCode(status), JsonAnswers.json(status));
    }

    private void answer(int code, Buffer json) {
        if (answered || response.ended() || response.closed()) {
            return;
        }
        answered = true;
        vertx.cancelTimer(bodyTimer);
        if (request.version() == HttpVersion.HTTP_2) {
            response.headers().remove("Connection");
        }
        response.setStatusCode(code);
        if (json == null) {
            response.end();
        } else {
            response.putHeader("Content-Type", JSON).putHeader("Content-Length", Integer.toString(json.length()));
            if (isHead()) {
                response.end();
            } else {
                response.end(json);
            }
        }
    }

    /** An error of a call, as it is answered. */
    Status status(io.grpc.Status status, Metadata trailers) {
        if (status.getCode() == io.grpc.Status.Code.DEADLINE_EXCEEDED && (trailers == null || StatusProto.fromStatusAndTrailers(status, trailers).getDetailsCount() == 0)) {
            return Status.newBuilder().setCode(Code.DEADLINE_EXCEEDED_VALUE)
                    .setMessage("There was no answer within the request's time. A write may still be taken: repeat it with its requestId.")
                    .addDetails(Any.pack(ErrorInfo.newBuilder().setReason("DEADLINE").setDomain("muster.dev").build())).build();
        }
        return StatusProto.fromStatusAndTrailers(status, trailers);
    }

    /** Waits for the answer of a call that has one. */
    private final class OneAnswer extends ClientCall.Listener<Message> {

        private Message answer;

        @Override
        public void onMessage(Message message) {
            answer = message;
        }

        @Override
        public void onClose(io.grpc.Status status, Metadata trailers) {
            if (!status.isOk()) {
                onContext(() -> fail(status(status, trailers)));
            } else {
                try {
                    var json = JsonAnswers.json(answer);
                    onContext(() -> {
                        JsonAnswers.entityTag(answer).ifPresent(tag -> response.putHeader("ETag", tag));
                        answer(200, json);
                    });
                } catch (RuntimeException bug) {
                    LOG.errorf(bug, "An answer could not be written; call=%s", match.binding().rpc().getFullName());
                    onContext(() -> fail(BUG));
                }
            }
        }
    }
}
