package dev.muster.sandbox;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/** Calls that a stand-in cloud has received and not answered, by order of a fault, until a test says what becomes of them. Thread-safe. */
public final class HeldCalls {

    /** Where a held call stands. */
    public enum Moment { BEFORE_EFFECT, BEFORE_ANSWER }

    /** What becomes of a held call: it takes its effect now, if it hadn't, and is answered; or it ends without more, its connection closed. */
    public enum Fate { ACT, FORGET }

    /** A call that the cloud has received and not answered. @param connected whether its caller still waits */
    public record HeldCall(Instant at, String action, Moment moment, boolean connected) {
    }

    private final List<Holding> holdings = new ArrayList<>();

    private record Holding(Instant at, String action, Moment moment, BooleanSupplier connected, Consumer<Fate> end) {
    }

    public synchronized void hold(Instant at, String action, Moment moment, BooleanSupplier connected, Consumer<Fate> end) {
        holdings.add(new Holding(at, action, moment, connected, end));
    }

    /** Oldest first. */
    public synchronized List<HeldCall> all() {
        return holdings.stream().map(held -> new HeldCall(held.at, held.action, held.moment, held.connected.getAsBoolean())).toList();
    }

    /** Ends all of them, oldest first, and says how many. */
    public int release(Fate fate) {
        List<Holding> released;
        synchronized (this) {
            released = List.copyOf(holdings);
            holdings.clear();
        }
        released.forEach(held -> held.end.accept(fate));
        return released.size();
    }
}
