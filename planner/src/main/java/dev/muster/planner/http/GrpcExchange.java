package dev.muster.planner.http;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.Base64;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.zip.GZIPInputStream;

/**
 * One call over gRPC on its way: its frame read, its call made as {@link Exchange} makes them, its answers framed. Vert.x' own server, which Quarkus would serve
 * these calls with, leaves a caller without an answer whose message can't be read, goes on with the watch of a client whose connection is gone, and
 * knows no deadline. Every call has one message from its client; reflection and health, which have more, stay Quarkus'.
 */
final class GrpcExchange {

    /** Of a frame: a flag and a length. */
    private static final int HEAD = 5;
    private static final long BODY_MS = 20_000;
    private static final long FAREWELL_MS = 10_000;
    private static final String TYPE = "application/grpc";
    /** What is between the two ends of a connection, and none of the call's. */
    private static final Set<String> NOT_PASSED_ON = Set.of("content-type", "te", "host", "connection", "content-length", "transfer-encoding", "grpc-timeout",
            "grpc-encoding", "grpc-accept-encoding", "accept-encoding", "grpc-status", "grpc-message", Peer.KEY.name());

    private static final Metadata.Key<byte[]> DETAILS = Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

    private final HttpServerRequest request;
    private final HttpServerResponse response;
    private final Vertx vertx;
    private final Context context;
    private final LocalCalls calls;
    private final MethodDescriptor<Message, Message> method;
    private final int largest;
    private final long bodyTimer;

    private Buffer body = Buffer.buffer();
    private boolean over;
    private ClientCall<Message, Message> call;
    private boolean gone;
    private int owed;
    private boolean waits;

    /** @param largest message, in bytes */
    GrpcExchange(Vertx vertx, HttpServerRequest request, LocalCalls calls, MethodDescriptor<Message, Message> method, int largest) {
        this.vertx = vertx;
        this.request = request;
        this.response = request.response();
        this.context = vertx.getOrCreateContext();
        this.calls = calls;
        this.method = method;
        this.largest = largest;
        bodyTimer = vertx.setTimer(BODY_MS, late -> end(Status.DEADLINE_EXCEEDED.withDescription("The request did not arrive within " + BODY_MS / 1000 + " s."), null));
    }

    /** Whether a content type is gRPC's, with Protobuf. */
    static boolean isSpoken(String type) {
        return type.matches("application/grpc(\\+proto)?(;.*)?");
    }

    void begin() {
        request.exceptionHandler(broken -> goneAway());
        response.exceptionHandler(broken -> goneAway());
        response.closeHandler(closed -> goneAway());
        request.handler(this::onData);
        request.endHandler(end -> onEnd());
    }

    private void onData(Buffer part) {
        if (over) {
            return;
        }
        body.appendBuffer(part);
        // A length that is too long needs not be read to be refused.
        if (body.length() > HEAD + largest || body.length() >= HEAD && body.getUnsignedInt(1) > largest) {
            end(Status.RESOURCE_EXHAUSTED.withDescription("The message is longer than " + largest + " bytes."), null);
        }
    }

    private void onEnd() {
        vertx.cancelTimer(bodyTimer);
        if (over) {
            return;
        }
        var bytes = body.getBytes();
        body = null;
        try {
            var headers = metadata();
            calls.threads().execute(() -> make(bytes, headers));
        } catch (IllegalArgumentException problem) {
            end(Status.INVALID_ARGUMENT.withDescription(problem.getMessage()), null);
        } catch (RejectedExecutionException ending) {
            end(Status.UNAVAILABLE.withDescription("The planner is ending."), null);
        }
    }

    private Metadata metadata() {
        var metadata = new Metadata();
        request.headers().forEach(header -> {
            var name = header.getKey().toLowerCase(Locale.ROOT);
            if (name.startsWith(":") || NOT_PASSED_ON.contains(name) || !name.matches("[0-9a-z_.-]+")) {
                return;
            }
            if (name.endsWith(Metadata.BINARY_HEADER_SUFFIX)) {
                for (var one : header.getValue().split(",")) {
                    metadata.put(Metadata.Key.of(name, Metadata.BINARY_BYTE_MARSHALLER), Base64.getDecoder().decode(one.strip()));
                }
            } else if (header.getValue().chars().allMatch(c -> c >= 0x20 && c < 0x7f)) {
                metadata.put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), header.getValue());
            } else {
                throw new IllegalArgumentException("The header " + name + " has characters that are no printable ASCII.");
            }
        });
        metadata.put(Peer.KEY, Peer.of(request.connection()));
        return metadata;
    }

    /** On one of the calls' threads. */
    private void make(byte[] bytes, Metadata headers) {
        Message message;
        try {
            message = message(bytes);
        } catch (UnreadableException problem) {
            context.runOnContext(back -> end(problem.status, null));
            return;
        }
        var made = calls.channel().newCall(method, CallOptions.DEFAULT.withDeadline(deadline(request.getHeader("grpc-timeout"))));
        synchronized (this) {
            // What was cancelled can't be started, nor sent.
            if (gone) {
                return;
            }
            call = made;
            made.start(new Answers(), headers);
            made.sendMessage(message);
            made.halfClose();
            made.request(method.getType().serverSendsOneMessage() ? 2 : EventStream.AHEAD);
        }
    }

    /** What isn't one whole message. */
    private static final class UnreadableException extends Exception {
        private static final long serialVersionUID = 1;
        private final transient Status status;

        UnreadableException(Status status, String problem) {
            super(problem, null, false, false);
            this.status = status.withDescription(problem);
        }
    }

    private Message message(byte[] bytes) throws UnreadableException {
        if (bytes.length < HEAD) {
            throw new UnreadableException(Status.INVALID_ARGUMENT, "The request has no message.");
        }
        var length = Buffer.buffer(bytes).getUnsignedInt(1);
        if (length != bytes.length - HEAD) {
            throw new UnreadableException(Status.INVALID_ARGUMENT, "The request has " + (bytes.length - HEAD) + " bytes behind a head that says " + length + ": it is not one whole message.");
        }
        var payload = Arrays.copyOfRange(bytes, HEAD, bytes.length);
        var encoding = request.getHeader("grpc-encoding");
        switch (bytes[0]) {
            case 0:
                break;
            case 1:
                payload = inflated(payload, encoding == null ? "identity" : encoding);
                break;
            default:
                throw new UnreadableException(Status.INVALID_ARGUMENT, "The message's flag is neither 0 nor 1.");
        }
        try {
            return ((MethodDescriptor.PrototypeMarshaller<Message>) method.getRequestMarshaller()).getMessagePrototype().getParserForType().parseFrom(payload);
        } catch (InvalidProtocolBufferException unreadable) {
            throw new UnreadableException(Status.INVALID_ARGUMENT, "The message can't be read: " + unreadable.getMessage());
        }
    }

    private byte[] inflated(byte[] payload, String encoding) throws UnreadableException {
        if (encoding.equals("identity")) {
            throw new UnreadableException(Status.INVALID_ARGUMENT, "The message says that it is compressed, and not how.");
        }
        if (!encoding.equals("gzip")) {
            throw new UnreadableException(Status.UNIMPLEMENTED, "The message is compressed in a way that this server doesn't know; use gzip, or none.");
        }
        try (var inflating = new GZIPInputStream(new ByteArrayInputStream(payload))) {
            var inflated = inflating.readNBytes(largest + 1);
            if (inflated.length > largest) {
                throw new UnreadableException(Status.RESOURCE_EXHAUSTED, "The message is longer than " + largest + " bytes.");
            }
            return inflated;
        } catch (IOException broken) {
            throw new UnreadableException(Status.INVALID_ARGUMENT, "The message says that it is compressed by gzip, and is not.");
        }
    }

    /** What is none is as none: a client's own clock ends its call then. */
    static Deadline deadline(String timeout) {
        if (timeout == null || !timeout.matches("\\d{1,8}[HMSmun]")) {
            return null;
        }
        return Deadline.after(Long.parseLong(timeout.substring(0, timeout.length() - 1)), switch (timeout.charAt(timeout.length() - 1)) {
            case 'H' -> TimeUnit.HOURS;
            case 'M' -> TimeUnit.MINUTES;
            case 'S' -> TimeUnit.SECONDS;
            case 'm' -> TimeUnit.MILLISECONDS;
            case 'u' -> TimeUnit.MICROSECONDS;
            default -> TimeUnit.NANOSECONDS;
        });
    }

    private void goneAway() {
        vertx.cancelTimer(bodyTimer);
        over = true;
        ClientCall<Message, Message> made;
        synchronized (this) {
            gone = true;
            made = call;
        }
        if (made != null) {
            made.cancel("the client is gone", null);
        }
    }

    private void open() {
        if (!response.headWritten()) {
            response.putHeader("content-type", TYPE).putHeader("grpc-accept-encoding", "gzip");
        }
    }

    private void write(Buffer frame) {
        if (over || response.closed()) {
            return;
        }
        open();
        response.write(frame);
        owed++;
        askForMore();
    }

    private void askForMore() {
        if (over || owed == 0) {
            return;
        }
        if (!response.writeQueueFull()) {
            waits = false;
            call.request(owed);
            owed = 0;
        } else if (!waits) {
            waits = true;
            response.drainHandler(read -> askForMore());
        }
    }

    /** @param trailers null: none */
    private void end(Status status, Metadata trailers) {
        if (over || response.ended() || response.closed()) {
            return;
        }
        over = true;
        vertx.cancelTimer(bodyTimer);
        // Before the first message, the end is all there is, and its words are headers.
        BiConsumer<String, String> put = response.headWritten() ? response::putTrailer : response::putHeader;
        open();
        if (trailers != null) {
            passOn(trailers, put);
        }
        put.accept("grpc-status", Integer.toString(status.getCode().value()));
        var told = GrpcEnd.of(status.getDescription(), trailers == null ? null : trailers.get(DETAILS));
        if (told.message() != null) {
            put.accept("grpc-message", GrpcEnd.encoded(told.message()));
        }
        if (told.details() != null) {
            put.accept(DETAILS.name(), Base64.getEncoder().withoutPadding().encodeToString(told.details()));
        }
        Future<Void> ended = response.end();
        var farewell = vertx.setTimer(FAREWELL_MS, unread -> context.runOnContext(cut -> response.reset()));
        ended.onComplete(read -> vertx.cancelTimer(farewell));
    }

    private static void passOn(Metadata metadata, BiConsumer<String, String> put) {
        for (var name : metadata.keys()) {
            if (NOT_PASSED_ON.contains(name) || name.equals(DETAILS.name())) {
                continue;
            }
            if (name.endsWith(Metadata.BINARY_HEADER_SUFFIX)) {
                metadata.getAll(Metadata.Key.of(name, Metadata.BINARY_BYTE_MARSHALLER)).forEach(value -> put.accept(name, Base64.getEncoder().withoutPadding().encodeToString(value)));
            } else {
                metadata.getAll(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER)).forEach(value -> put.accept(name, value));
            }
        }
    }

    /** On the calls' threads. */
    private final class Answers extends ClientCall.Listener<Message> {

        @Override
        public void onMessage(Message message) {
            var bytes = message.toByteArray();
            var frame = Buffer.buffer(HEAD + bytes.length).appendByte((byte) 0).appendInt(bytes.length).appendBytes(bytes);
            context.runOnContext(back -> write(frame));
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            context.runOnContext(back -> end(status, trailers));
        }
    }
}
