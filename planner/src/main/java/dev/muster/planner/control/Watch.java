package dev.muster.planner.control;

import io.grpc.stub.ServerCallStreamObserver;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One watching client: what it has not read yet waits here, no more than a limit, and a client that doesn't read is told so and
 * dropped. A newer message under a key replaces the older one, which nobody needs then. Thread-safe.
 */
final class Watch<M> {

    private final ServerCallStreamObserver<M> client;
    private final int limit;
    private final Map<String, M> waiting = new LinkedHashMap<>();
    private Runnable whenOver = () -> { };
    private boolean over;

    /** @param limit of messages that wait for the client */
    Watch(ServerCallStreamObserver<M> client, int limit) {
        this.client = client;
        this.limit = limit;
        client.setOnReadyHandler(this::drain);
        client.setOnCancelHandler(this::end);
    }

    /** Runs it when the client is gone; at once if it is. */
    void whenOver(Runnable action) {
        synchronized (this) {
            if (!over) {
                whenOver = action;
                return;
            }
        }
        action.run();
    }

    /** @param key messages of one key replace each other while they wait */
    void offer(String key, M message) {
        synchronized (this) {
            if (over) {
                return;
            }
            // Taken out first, so that what is new is also sent last.
            waiting.remove(key);
            if (waiting.size() < limit) {
                waiting.put(key, message);
                drain();
                return;
            }
            over = true;
            waiting.clear();
            client.onError(ApiErrors.tooSlow(limit));
        }
        whenOver.run();
    }

    private synchronized void drain() {
        var next = waiting.values().iterator();
        while (!over && client.isReady() && next.hasNext()) {
            var message = next.next();
            next.remove();
            client.onNext(message);
        }
    }

    private void end() {
        Runnable action;
        synchronized (this) {
            if (over) {
                return;
            }
            over = true;
            waiting.clear();
            action = whenOver;
        }
        action.run();
    }
}
