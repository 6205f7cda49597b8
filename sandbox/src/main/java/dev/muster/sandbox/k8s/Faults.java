package dev.muster.sandbox.k8s;

import dev.muster.sandbox.HeldCalls;
import dev.muster.sandbox.PlannedFaults;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Set;

/** What is to go wrong at the API, on request: a fault of a call is used up after the number of times given. Thread-safe. */
public final class Faults {

    private final PlannedFaults<String, ApiFault> calls = new PlannedFaults<>();
    private final Set<Denial> denied = new LinkedHashSet<>();

    /** What can happen to a call. */
    public sealed interface ApiFault {

        /** Answered with an error; nothing happens. @param retryAfter seconds; null: it doesn't say */
        record Refuse(int status, String reason, String message, Integer retryAfter) implements ApiFault {

            /** As a server with too much to do answers. */
            public static Refuse tooManyRequests(int retryAfter) {
                return new Refuse(429, "TooManyRequests", "Too many requests, please try again later.", retryAfter);
            }

            public static Refuse internalError() {
                return new Refuse(500, "InternalError", "Internal error occurred: etcdserver: leader changed", null);
            }
        }

        /** The effect happens, the caller learns nothing of it: a 504 or, with {@code cut}, a closed connection. */
        record LoseAnswer(boolean cut) implements ApiFault {
        }

        /** Answered late, by the real clock. The effect happens first, so that a caller who stops waiting has not stopped the effect. */
        record Slow(Duration by) implements ApiFault {
        }

        /** Stays with the server, unanswered, until {@link KubeServer#release}, also when its caller has gone. */
        record Held(HeldCalls.Moment at) implements ApiFault {
        }
    }

    /**
     * A right that the cluster's administrators took away from everyone but themselves.
     *
     * @param verb such as {@code create}
     * @param resource such as {@code pods} or {@code pods/log}
     * @param namespace null: in all
     */
    public record Denial(String verb, String resource, String namespace) {
    }

    /**
     * The next {@code times} calls that aren't the cluster's own meet {@code fault}. Several faults of different kinds may meet one call.
     *
     * @param action such as {@code create pods} or {@code watch pods}; null for any
     */
    public synchronized void onCall(String action, int times, ApiFault fault) {
        if (action != null && !action.matches("(get|list|watch|create|update|patch|delete|deletecollection) [a-z]+(/[a-z]+)?")) {
            throw new IllegalArgumentException("action is " + action + "; it must be a verb and a resource, such as create pods");
        }
        calls.add(action, times, fault);
    }

    public synchronized void deny(Denial denial) {
        denied.add(denial);
    }

    public synchronized void allow(Denial denial) {
        denied.remove(denial);
    }

    /** Forgets every fault that hasn't been used up, and every denial. */
    public synchronized void reset() {
        calls.clear();
        denied.clear();
    }

    synchronized boolean denies(String verb, String resource, String namespace) {
        return denied.stream().anyMatch(one -> one.verb.equals(verb) && one.resource.equals(resource) && (one.namespace == null || one.namespace.equals(namespace)));
    }

    /**
     * What one call meets.
     *
     * @param refusal instead of an effect; null for none
     * @param lost the effect happens, the answer is a 504
     * @param cut the effect happens, the connection closes
     * @param held null: it is not
     */
    record Met(Refusal refusal, boolean lost, boolean cut, Duration delay, HeldCalls.Moment held) {

        static final Met NOTHING = new Met(null, false, false, Duration.ZERO, null);

        private Met with(ApiFault fault) {
            if (fault instanceof ApiFault.Refuse refuse) {
                return new Met(new Refusal(refuse.status(), refuse.reason(), refuse.message(), refuse.retryAfter() == null ? null
                        : new io.vertx.core.json.JsonObject().put("retryAfterSeconds", refuse.retryAfter())), lost, cut, delay, held);
            }
            if (fault instanceof ApiFault.LoseAnswer lose) {
                return new Met(refusal, true, lose.cut(), delay, held);
            }
            if (fault instanceof ApiFault.Held hold) {
                return new Met(refusal, lost, cut, delay, hold.at());
            }
            return new Met(refusal, lost, cut, ((ApiFault.Slow) fault).by(), held);
        }
    }

    /** The faults of one call, one of each kind at most, counted as used. */
    synchronized Met of(String action) {
        var all = Met.NOTHING;
        for (var fault : calls.takeOfEachKind(planned -> planned == null || planned.equals(action))) {
            all = all.with(fault);
        }
        return all;
    }
}
