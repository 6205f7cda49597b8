package dev.muster.planner.http;

import com.google.protobuf.Message;
import io.vertx.core.buffer.Buffer;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Function;

/**
 * What messages are as events, made once for all streams that send the same message: with fifty pages that watch all machines, each change would be
 * written as JSON fifty times. It knows a few of the last; the same is the same object, which calls in one process pass on. Thread-safe.
 */
final class EventTexts {

    /** Changes that some stream has still to send while others sent them; more only cost their writing. A power of two. */
    private static final int KEPT = 256;

    private record Kept(Message message, byte[] text) {}

    private final AtomicReferenceArray<Kept> kept = new AtomicReferenceArray<>(KEPT);
    private final Function<Message, Buffer> writing;

    EventTexts(Function<Message, Buffer> writing) {
        this.writing = writing;
    }

    /** Of its own for each stream: what is written is no longer the writer's. */
    Buffer of(Message message) {
        var place = System.identityHashCode(message) & (KEPT - 1);
        var known = kept.get(place);
        if (known != null && known.message == message) {
            return Buffer.buffer(known.text);
        }
        var written = writing.apply(message);
        kept.set(place, new Kept(message, written.getBytes()));
        return written;
    }
}
