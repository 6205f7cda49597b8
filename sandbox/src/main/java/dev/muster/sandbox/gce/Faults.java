package dev.muster.sandbox.gce;

import dev.muster.sandbox.HeldCalls;
import dev.muster.sandbox.PlannedFaults;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;

/** What is to go wrong, on request: each fault is used up after the number of times given. Thread-safe. */
public final class Faults {

    private final PlannedFaults<String, ApiFault> calls = new PlannedFaults<>();
    private final PlannedFaults<OfferFilter, LaunchFault> launches = new PlannedFaults<>();
    private final PlannedFaults<String, LaunchFault> operations = new PlannedFaults<>();
    private final PlannedFaults<OfferFilter, BootFault> boots = new PlannedFaults<>();
    private static final List<String> OPERATIONS = List.of("delete", "setLabels", "setMetadata", "stop");

    private final Set<String> denied = new TreeSet<>();
    private final Set<String> out = new TreeSet<>();

    /** What can happen to an API call. */
    public sealed interface ApiFault {

        /** Answered with an error; nothing happens. */
        record Refuse(int status, String reason, String message) implements ApiFault {

            /** As Google answers a project that calls too often: 403 by old, 429 by newer front ends. */
            public static Refuse rateLimited(int status) {
                return new Refuse(status, "rateLimitExceeded", "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of service "
                        + "'compute.googleapis.com' for consumer 'project_number:123456789012'.");
            }
        }

        /** The effect happens, the caller learns nothing of it: a 503 or, with {@code cut}, a closed connection. */
        record LoseAnswer(boolean cut) implements ApiFault {
        }

        /** Answered late, by the real clock. The effect happens first, so that a caller who stops waiting has not stopped the effect. */
        record Slow(Duration by) implements ApiFault {
        }

        /**
         * Stays with Google, unanswered, until {@link GceServer#release}, also when its caller has gone: what becomes of a request that was
         * received is not the caller's to say.
         */
        record Held(HeldCalls.Moment at) implements ApiFault {
        }
    }

    /** What can happen to an instance while the operation that makes it runs. */
    public sealed interface LaunchFault {

        /**
         * The operation ends with this error and without the instance.
         *
         * @param code such as {@code INTERNAL_ERROR} or {@code UNSUPPORTED_OPERATION}
         * @param httpStatus what the operation says an HTTP answer would have had
         */
        record Fail(String code, String message, int httpStatus) implements LaunchFault {

            public static Fail internalError() {
                return new Fail("INTERNAL_ERROR", "Internal error. Please try again or contact Google Support. (Code: '604136EAE2CBD.A3E1F5F.5E4B8A2F')", 500);
            }

            public static Fail unsupported() {
                return new Fail("UNSUPPORTED_OPERATION", "Machine type or its GPUs are not supported by this operation.", 400);
            }
        }

        /** No machines of this kind are left, told by the code alone: ZONE_RESOURCE_POOL_EXHAUSTED, without details. */
        record Exhausted() implements LaunchFault {
        }

        /**
         * The operation takes this much longer and then ends as it would have, or as another fault says. Of a launch it is machine time, which
         * the time scale divides; any other operation begins with its effect as late by the real clock.
         */
        record Slow(Duration by) implements LaunchFault {
        }
    }

    /** What can happen to an instance that runs as Compute Engine sees it. */
    public sealed interface BootFault {

        /** Its image never starts: nobody hears of the machine. */
        record NeverBoots() implements BootFault {
        }

        /** Boots, then goes dark: power is cut, and Compute Engine goes on showing it as running. */
        record Dies(Duration after) implements BootFault {
        }

        /** Boots, then its host fails: Compute Engine stops it, with an operation of type compute.instances.hostError. */
        record HostError(Duration after) implements BootFault {
        }

        /** Its image starts later by {@code by}, which the time scale divides. */
        record Slow(Duration by) implements BootFault {
        }
    }

    /**
     * The next {@code times} calls of {@code method} meet {@code fault}. Several faults of different kinds may meet one call.
     *
     * @param method such as {@code instances.insert}, as Google's reference names it; null for any
     */
    public synchronized void onCall(String method, int times, ApiFault fault) {
        if (method != null && !Route.METHODS.contains(method)) {
            throw new IllegalArgumentException("method is " + method + ", which the stand-in doesn't answer; it answers " + Route.METHODS);
        }
        calls.add(method, times, fault);
    }

    /** The next {@code times} instances asked for of what matches meet {@code fault}. */
    public synchronized void onLaunch(OfferFilter which, int times, LaunchFault fault) {
        launches.add(which, times, fault);
    }

    /**
     * The next {@code times} operations of this type, which is none that launches, meet {@code fault}. One that fails has no effect.
     *
     * @param type {@code delete}, {@code stop}, {@code setMetadata} or {@code setLabels}
     */
    public synchronized void onOperation(String type, int times, LaunchFault fault) {
        if (!OPERATIONS.contains(type)) {
            throw new IllegalArgumentException("type is " + type + "; it must be one of " + OPERATIONS);
        }
        if (fault instanceof LaunchFault.Exhausted) {
            throw new IllegalArgumentException("only a launch finds that machines are exhausted");
        }
        operations.add(type, times, fault);
    }

    /** The next {@code times} instances launched from what matches meet {@code fault} once they run. */
    public synchronized void onBoot(OfferFilter which, int times, BootFault fault) {
        boots.add(which, times, fault);
    }

    /** From now on the account lacks this permission, such as {@code compute.instances.create}, until {@link #allow}. */
    public synchronized void deny(String permission) {
        denied.add(permission);
    }

    public synchronized void allow(String permission) {
        denied.remove(permission);
    }

    /** The zone can't be reached: its own calls fail, lists of all zones lack it. Its machines go on. */
    public synchronized void outage(String zone) {
        if (Geography.zone(zone).isEmpty()) {
            throw new IllegalArgumentException("zone is " + zone + ", which the stand-in doesn't have");
        }
        out.add(zone);
    }

    public synchronized void reachable(String zone) {
        out.remove(zone);
    }

    /** Forgets every fault that hasn't been used up, every denial and every outage. */
    public synchronized void reset() {
        calls.clear();
        launches.clear();
        operations.clear();
        boots.clear();
        denied.clear();
        out.clear();
    }

    synchronized boolean denies(String permission) {
        return denied.contains(permission);
    }

    synchronized boolean isOut(String zone) {
        return out.contains(zone);
    }

    /**
     * What one call meets.
     *
     * @param refusal instead of an effect; null for none
     * @param lost the effect happens, the answer is a 503
     * @param cut the effect happens, the connection closes
     * @param held null: it is not
     */
    record Met(Refusal refusal, boolean lost, boolean cut, Duration delay, HeldCalls.Moment held) {

        static final Met NOTHING = new Met(null, false, false, Duration.ZERO, null);

        private Met with(ApiFault fault) {
            if (fault instanceof ApiFault.Refuse refuse) {
                return new Met(Refusal.of(refuse.status(), refuse.reason(), refuse.message()), lost, cut, delay, held);
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
    synchronized Met of(String method) {
        var all = Met.NOTHING;
        for (var fault : calls.takeOfEachKind(planned -> planned == null || planned.equals(method))) {
            all = all.with(fault);
        }
        return all;
    }

    /** What one operation meets. @param fault null: it ends as it would have */
    record OperationMet(LaunchFault fault, Duration delay) {
    }

    synchronized OperationMet ofLaunch(String type, String zone, String market) {
        return operation(launches, offer -> offer.matches(type, zone, market));
    }

    synchronized OperationMet ofOperation(String type) {
        return operation(operations, type::equals);
    }

    private static <W> OperationMet operation(PlannedFaults<W, LaunchFault> planned, Predicate<W> matches) {
        var slow = planned.take(matches, fault -> fault instanceof LaunchFault.Slow);
        var end = planned.take(matches, fault -> !(fault instanceof LaunchFault.Slow));
        return new OperationMet(end.orElse(null), slow.map(fault -> ((LaunchFault.Slow) fault).by()).orElse(Duration.ZERO));
    }

    synchronized Optional<BootFault> ofBoot(String type, String zone, String market) {
        return boots.take(offer -> offer.matches(type, zone, market), fault -> true);
    }
}
