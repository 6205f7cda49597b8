package dev.muster.aws;

import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.ProviderException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * Makes one call of many callers' wishes for the same thing: EC2 counts calls, and takes a thousand ids in one. The first caller
 * waits a moment for others and then calls for all. Thread-safe.
 *
 * @param <K> wishes of one key can share a call
 * @param <R> answer for one id
 */
final class Merger<K, R> {

    /** One call for several ids. */
    interface Call<K, R> {

        /**
         * @return an answer for each id; an id without one is answered null
         * @throws ProviderException for all of them
         */
        Map<String, R> make(K key, List<String> ids) throws ProviderException;
    }

    private record Wish<R>(String id, CompletableFuture<R> answer) {}

    private final Duration gather;
    private final int most;
    private final Call<K, R> call;
    private final Map<K, List<Wish<R>>> waiting = new HashMap<>();

    /**
     * @param gather how long the first waits for others
     * @param most ids a call
     */
    Merger(Duration gather, int most, Call<K, R> call) {
        this.gather = gather;
        this.most = most;
        this.call = call;
    }

    /** Blocks until the call that the id went into is answered. */
    R ask(K key, String id) throws ProviderException {
        var wish = new Wish<R>(id, new CompletableFuture<>());
        boolean first;
        synchronized (waiting) {
            var wishes = waiting.get(key);
            first = wishes == null;
            if (first) {
                wishes = new ArrayList<>();
                waiting.put(key, wishes);
            }
            wishes.add(wish);
        }
        if (first) {
            pause();
            for (var wishes = next(key); !wishes.isEmpty(); wishes = next(key)) {
                answer(key, wishes);
            }
        }
        try {
            return wish.answer.get();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new ProviderException(FailureKind.UNAVAILABLE, "Interrupted", "interrupted while waiting for EC2's answer");
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof ProviderException refused) {
                throw refused;
            }
            throw new IllegalStateException(failed.getCause());
        }
    }

    private List<Wish<R>> next(K key) {
        synchronized (waiting) {
            var wishes = waiting.get(key);
            if (wishes.isEmpty()) {
                waiting.remove(key);
                return List.of();
            }
            var some = List.copyOf(wishes.subList(0, Math.min(most, wishes.size())));
            waiting.put(key, new ArrayList<>(wishes.subList(some.size(), wishes.size())));
            return some;
        }
    }

    private void answer(K key, List<Wish<R>> wishes) {
        var byId = new LinkedHashMap<String, List<CompletableFuture<R>>>();
        wishes.forEach(wish -> byId.computeIfAbsent(wish.id, none -> new ArrayList<>()).add(wish.answer));
        try {
            var answers = call.make(key, List.copyOf(byId.keySet()));
            byId.forEach((id, futures) -> futures.forEach(future -> future.complete(answers.get(id))));
        } catch (ProviderException | RuntimeException failed) {
            wishes.forEach(wish -> wish.answer.completeExceptionally(failed));
        }
    }

    private void pause() {
        try {
            TimeUnit.NANOSECONDS.sleep(gather.toNanos());
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
