package dev.muster.planner.view;

import dev.muster.planner.answer.Calls;
import dev.muster.v1.RequestAnswered;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/** Calls of this replica that wait for a fleet's owner, by request id. Thread-safe. */
public final class Answers {

    private final Map<String, CompletableFuture<RequestAnswered>> waiting = new ConcurrentHashMap<>();

    /** Two calls with one id wait for one answer. */
    public CompletableFuture<RequestAnswered> await(String requestId) {
        return waiting.computeIfAbsent(requestId, id -> new CompletableFuture<>());
    }

    void answered(RequestAnswered answer) {
        var call = waiting.remove(answer.getRequestId());
        if (call != null) {
            call.complete(answer);
        }
    }

    /** Nobody waits any longer. */
    public void giveUp(String requestId) {
        waiting.remove(requestId);
    }
}
