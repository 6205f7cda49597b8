package dev.muster.planner.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import com.google.rpc.Status;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import java.time.Duration;
import org.jboss.logging.Logger;

/**
 * A watch as server-sent events: each message is one event, whose id is the resume token that a browser sends back. A reader that doesn't read is
 * not written to: what it has not read waits in its watch, which drops it in time, and nobody else notices.
 */
final class EventStream extends ClientCall.Listener<Message> {

    private static final Logger LOG = Logger.getLogger(EventStream.class);
    /** Messages asked for before the first of them is written. */
    static final int AHEAD = 32;
    private static final Buffer HEARTBEAT = Buffer.buffer(":\n\n");
    /** Milliseconds after which a browser connects again. */
    private static final Buffer OPENING = Buffer.buffer("retry: 2000\n\n");

    /**
     * When what is done.
     *
     * @param opens a refusal comes at once, and is answered as any other is; what has been silent for so long is a stream, and its reader is told so
     * @param heartbeat between two comments
     * @param stalled after which a reader that takes nothing is cut off
     * @param farewell for a reader that was dropped to read why
     */
    record Pace(Duration opens, Duration heartbeat, Duration stalled, Duration farewell) {

        /** Proxies end connections that are silent for a minute, some after 30 s. Four heartbeats that could not be written are no pause. */
        static final Pace USUAL = new Pace(Duration.ofMillis(500), Duration.ofSeconds(15), Duration.ofSeconds(60), Duration.ofSeconds(10));
    }

    private final Exchange exchange;
    private final HttpServerResponse response;
    private final ClientCall<Message, Message> call;
    private final EventTexts texts;
    private final Pace pace;
    private final long opens;
    private final long heart;
    private boolean open;
    private boolean over;
    /** Messages to ask for once the reader has read. */
    private int owed;
    private long fullSince;

    EventStream(Exchange exchange, ClientCall<Message, Message> call, EventTexts texts, Pace pace) {
        this.exchange = exchange;
        this.response = exchange.response();
        this.call = call;
        this.texts = texts;
        this.pace = pace;
        opens = exchange.vertx().setTimer(pace.opens().toMillis(), silent -> exchange.onContext(this::open));
        heart = exchange.vertx().setPeriodic(pace.heartbeat().toMillis(), beat -> exchange.onContext(this::beat));
    }

    @Override
    public void onMessage(Message message) {
        try {
            var event = texts.of(message);
            exchange.onContext(() -> write(event));
        } catch (RuntimeException bug) {
            LOG.errorf(bug, "An event could not be written; message=%s", message.getDescriptorForType().getName());
            call.cancel("an event could not be written", bug);
            exchange.onContext(() -> end(Exchange.BUG));
        }
    }

    @Override
    public void onClose(io.grpc.Status status, Metadata trailers) {
        exchange.onContext(() -> end(status.isOk() ? null : exchange.status(status, trailers)));
    }

    static Buffer event(Message message) {
        var event = Buffer.buffer();
        var token = message.getDescriptorForType().findFieldByName("resume_token");
        if (token != null && token.getType() == FieldDescriptor.Type.STRING) {
            var id = (String) message.getField(token);
            if (!id.isEmpty() && id.chars().noneMatch(c -> c == '\n' || c == '\r' || c == 0)) {
                event.appendString("id: ").appendString(id).appendString("\n");
            }
        }
        return event.appendString("data: ").appendBuffer(JsonAnswers.json(message)).appendString("\n\n");
    }

    private void open() {
        if (!open && !over && !response.ended() && !response.closed()) {
            open = true;
            response.putHeader("Content-Type", "text/event-stream").putHeader("X-Accel-Buffering", "no").setChunked(true).write(OPENING);
        }
    }

    private void write(Buffer event) {
        open();
        if (over || response.closed()) {
            return;
        }
        response.write(event);
        owed++;
        askForMore();
    }

    private void askForMore() {
        if (over || owed == 0) {
            return;
        }
        if (!response.writeQueueFull()) {
            fullSince = 0;
            call.request(owed);
            owed = 0;
        } else if (fullSince == 0) {
            fullSince = System.nanoTime();
            response.drainHandler(read -> askForMore());
        }
    }

    private void beat() {
        if (over || !open) {
            return;
        }
        if (response.closed()) {
            gone();
        } else if (!response.writeQueueFull()) {
            response.write(HEARTBEAT);
        } else if (fullSince != 0 && System.nanoTime() - fullSince > pace.stalled().toNanos()) {
            call.cancel("the reader has read nothing for " + pace.stalled().toSeconds() + " s", null);
            gone();
            exchange.cut();
        }
    }

    /** @param problem null: the stream is over */
    private void end(Status problem) {
        if (over) {
            return;
        }
        gone();
        if (response.closed() || response.ended()) {
            return;
        }
        if (!open && problem != null) {
            exchange.fail(problem);
            return;
        }
        if (!open) {
            response.putHeader("Content-Type", "text/event-stream").setChunked(true);
        }
        Future<Void> ended = problem == null ? response.end()
                : response.end(Buffer.buffer("event: error\ndata: " + JsonAnswers.json(problem).toString(UTF_8) + "\n\n"));
        var farewell = exchange.vertx().setTimer(pace.farewell().toMillis(), unread -> exchange.onContext(exchange::cut));
        ended.onComplete(read -> exchange.vertx().cancelTimer(farewell));
    }

    private void gone() {
        over = true;
        exchange.vertx().cancelTimer(opens);
        exchange.vertx().cancelTimer(heart);
    }
}
