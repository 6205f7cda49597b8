package dev.muster.sandbox.ec2;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/** Calls that EC2 has received and not answered, by order of {@link Faults.ApiFault.Held}, until a test says what becomes of them. Thread-safe. */
final class HeldCalls {

    private final List<Holding> holdings = new ArrayList<>();

    private record Holding(Instant at, String action, Faults.Moment moment, BooleanSupplier connected, Consumer<Ec2Server.Fate> end) {
    }

    synchronized void hold(Instant at, String action, Faults.Moment moment, BooleanSupplier connected, Consumer<Ec2Server.Fate> end) {
        holdings.add(new Holding(at, action, moment, connected, end));
    }

    /** Oldest first. */
    synchronized List<Ec2Server.HeldCall> all() {
        return holdings.stream().map(held -> new Ec2Server.HeldCall(held.at, held.action, held.moment, held.connected.getAsBoolean())).toList();
    }

    /** Ends all of them, oldest first, and says how many. */
    int release(Ec2Server.Fate fate) {
        List<Holding> released;
        synchronized (this) {
            released = List.copyOf(holdings);
            holdings.clear();
        }
        released.forEach(held -> held.end.accept(fate));
        return released.size();
    }
}
