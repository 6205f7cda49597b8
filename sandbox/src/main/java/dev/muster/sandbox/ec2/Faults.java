package dev.muster.sandbox.ec2;

import dev.muster.sandbox.HeldCalls;
import dev.muster.sandbox.PlannedFaults;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** What is to go wrong, on request: each fault is used up after the number of times given. Thread-safe. */
public final class Faults {

    private final PlannedFaults<String, ApiFault> calls = new PlannedFaults<>();
    private final PlannedFaults<OfferFilter, BootFault> boots = new PlannedFaults<>();
    private final Set<String> denied = new TreeSet<>();

    /** What can happen to an API call. */
    public sealed interface ApiFault {

        /** Answered with an error; nothing happens. */
        record Refuse(int status, String code, String message) implements ApiFault {
        }

        /** The effect happens, the caller learns nothing of it: a 500 or, with {@code cut}, a closed connection. */
        record LoseAnswer(boolean cut) implements ApiFault {
        }

        /** Answered late, by the real clock. The effect happens first, so that a caller who stops waiting has not stopped the effect. */
        record Slow(Duration by) implements ApiFault {
        }

        /**
         * Stays with EC2, unanswered, until {@link Ec2Server#release}, also when its caller has gone: what EC2 does of a request that it has
         * received is not the caller's to say. Only calls of EC2's own API are held.
         */
        record Held(HeldCalls.Moment at) implements ApiFault {
        }
    }

    /** What can happen to an instance that was launched. */
    public sealed interface BootFault {

        /** Runs as EC2 sees it, but its image never starts: nobody hears of the machine. */
        record NeverBoots() implements BootFault {
        }

        /** Ends while pending, as Server.InternalError. */
        record FailsToLaunch() implements BootFault {
        }

        /** Ends while pending, as Server.InsufficientInstanceCapacity. */
        record NoCapacityAfterAll() implements BootFault {
        }

        /** Boots, then goes dark: power is cut, and EC2 shows it running with an impaired status. */
        record Dies(Duration after) implements BootFault {
        }

        /** Runs later by {@code by}, which the time scale divides. */
        record Slow(Duration by) implements BootFault {
        }
    }

    /**
     * The next {@code times} calls of {@code action} meet {@code fault}. Several faults of different kinds may meet one call.
     *
     * @param action such as {@code RunInstances}; null for any
     */
    public synchronized void onCall(String action, int times, ApiFault fault) {
        calls.add(action, times, fault);
    }

    /** The next {@code times} instances launched from what matches meet {@code fault}. */
    public synchronized void onBoot(OfferFilter which, int times, BootFault fault) {
        boots.add(which, times, fault);
    }

    /** From now on {@code action} answers UnauthorizedOperation, until {@link #allow}. */
    public synchronized void deny(String action) {
        denied.add(action);
    }

    public synchronized void allow(String action) {
        denied.remove(action);
    }

    /** Forgets every fault that hasn't been used up and every denial. */
    public synchronized void reset() {
        calls.clear();
        boots.clear();
        denied.clear();
    }

    synchronized boolean denies(String action) {
        return denied.contains(action);
    }

    /**
     * What one call meets.
     *
     * @param refusal instead of an effect; null for none
     * @param lost the effect happens, the answer is a 500
     * @param cut the effect happens, the connection closes
     * @param held null: it is not
     */
    record Met(Refusal refusal, boolean lost, boolean cut, Duration delay, HeldCalls.Moment held) {

        static final Met NOTHING = new Met(null, false, false, Duration.ZERO, null);

        /** What a caller reads in place of a lost answer. */
        static final Refusal LOST = new Refusal(500, "InternalError", "An internal error has occurred");

        private Met with(ApiFault fault) {
            if (fault instanceof ApiFault.Refuse refuse) {
                return new Met(new Refusal(refuse.status(), refuse.code(), refuse.message()), lost, cut, delay, held);
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

    synchronized Optional<BootFault> ofBoot(String type, String zone, String market) {
        return boots.take(offer -> offer.matches(type, zone, market), fault -> true);
    }
}
