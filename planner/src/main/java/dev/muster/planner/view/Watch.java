package dev.muster.planner.view;

import dev.muster.planner.answer.ApiErrors;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * One watching client: what it has not read yet waits here, no more than a limit, and a client that doesn't read is told so and
 * dropped. A newer message under a key replaces the older one, which nobody needs then. Thread-safe.
 */
public final class Watch<M> {

    private final ServerCallStreamObserver<M> client;
    private final int limit;
    private final Map<String, M> waiting = new LinkedHashMap<>();
    private Runnable whenOver = () -> { };
    private boolean over;

    /** @param limit of messages that wait for the client */
    public Watch(ServerCallStreamObserver<M> client, int limit) {
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
        offer(key, () -> message);
    }

    /**
     * The same of a message that is made when nothing else can come between.
     *
     * @param made may be null: nothing is offered
     */
    void offer(String key, Supplier<M> made) {
        synchronized (this) {
            if (over) {
                return;
            }
            var message = made.get();
            if (message == null) {
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

    /**
     * Waits until the client has read most of what waits for it.
     *
     * @param patience after which a client that doesn't read is dropped
     * @return false: the client is gone
     */
    boolean awaitRoom(Duration patience) {
        var deadline = System.nanoTime() + patience.toNanos();
        synchronized (this) {
            while (!over && waiting.size() > limit / 2) {
                var left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
                if (left <= 0) {
                    break;
                }
                try {
                    wait(left);
                } catch (InterruptedException interrupted) {
                    Thread.currentThread().interrupt();
                    break;
                }
            }
            if (over || waiting.size() <= limit / 2) {
                return !over;
            }
        }
        fail(ApiErrors.tooSlow(limit));
        return false;
    }

    /** Ends it. */
    public void fail(StatusRuntimeException because) {
        synchronized (this) {
            if (over) {
                return;
            }
            over = true;
            waiting.clear();
            notifyAll();
            client.onError(because);
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
        notifyAll();
    }

    private void end() {
        Runnable action;
        synchronized (this) {
            if (over) {
                return;
            }
            over = true;
            waiting.clear();
            notifyAll();
            action = whenOver;
        }
        action.run();
    }
}
