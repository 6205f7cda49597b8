package dev.muster.planner.core;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** What a refused launch keeps from being tried, and for how long: the table of the failure kinds. */
final class Holds {

    /** After the first refusal for lack of capacity; doubles with each further one. Karpenter remembers one for 3 min. */
    private static final Duration FIRST_CAPACITY_HOLD = Duration.ofMinutes(1);
    private static final Duration LONGEST_CAPACITY_HOLD = Duration.ofMinutes(16);
    /** Quotas and authorization change by people's hands: one launch looks again this often. */
    private static final Duration PROBE = Duration.ofMinutes(10);

    private Holds() {}

    /** The hold that follows from a refusal; empty where nothing is to be remembered. */
    static Optional<Hold> refused(FleetEvent.LaunchRefused event, OfferKey offer, String pool, Function<String, Hold> known) {
        return switch (event.kind()) {
            case OUT_OF_CAPACITY -> Optional.of(again(Hold.Kind.CAPACITY, Hold.capacitySubject(offer), event, known));
            case QUOTA_EXCEEDED -> Optional.of(again(Hold.Kind.QUOTA, Hold.quotaSubject(offer), event, known));
            case UNAUTHORIZED -> Optional.of(again(Hold.Kind.ACCOUNT, Hold.accountSubject(offer), event, known));
            case INVALID_SPEC, UNKNOWN -> Optional.of(again(Hold.Kind.POOL, pool, event, known));
            case EXPIRED, THROTTLED, UNAVAILABLE -> Optional.empty();
        };
    }

    /** A pool's spot was refused: since when decides about its roll-back. After a blackout it begins anew. */
    static Optional<Hold> refusedSpot(FleetEvent.LaunchRefused event, OfferKey offer, String pool, Function<String, Hold> known) {
        if (offer.market() != Market.SPOT || event.kind() != FailureKind.OUT_OF_CAPACITY && event.kind() != FailureKind.QUOTA_EXCEEDED) {
            return Optional.empty();
        }
        var before = known.apply(Hold.Kind.SPOT + " " + pool);
        var goesOn = before != null && before.until() == null;
        return Optional.of(new Hold(Hold.Kind.SPOT, pool, goesOn ? before.since() : event.at(), null, before == null ? 1 : before.failures() + 1, "",
                event.code() + (event.message().isEmpty() ? "" : ": " + event.message())));
    }

    private static Hold again(Hold.Kind kind, String subject, FleetEvent.LaunchRefused event, Function<String, Hold> known) {
        var before = known.apply(kind + " " + subject);
        // The ids of one batch are refused once, though they may come in several records.
        var sameBatch = before != null && before.probe().isEmpty() && before.until() != null && event.at().isBefore(before.until());
        var failures = before == null ? 1 : sameBatch ? before.failures() : before.failures() + 1;
        Instant until = switch (kind) {
            case CAPACITY -> event.at().plus(capacityHold(failures));
            case QUOTA, ACCOUNT -> event.at().plus(PROBE);
            case POOL, CIRCUIT, SPOT -> null;
        };
        return new Hold(kind, subject, before == null ? event.at() : before.since(), until, failures, "",
                event.code() + (event.message().isEmpty() ? "" : ": " + event.message()));
    }

    /** What follows from a machine that waited for room in vain. Those that were launched together are one failure. @param before null: none */
    static Hold noRoom(Machine machine, String message, Instant now, Hold before) {
        var together = before != null && before.until() != null && now.isBefore(before.until()) && !before.probe().equals(machine.id());
        var failures = before == null ? 1 : together ? before.failures() : before.failures() + 1;
        return new Hold(Hold.Kind.CAPACITY, Hold.capacitySubject(machine.offer()), before == null ? now : before.since(), now.plus(capacityHold(failures)),
                failures, "", message);
    }

    static Duration capacityHold(int failures) {
        var doubled = FIRST_CAPACITY_HOLD.multipliedBy(1L << Math.min(failures - 1, 10));
        return doubled.compareTo(LONGEST_CAPACITY_HOLD) > 0 ? LONGEST_CAPACITY_HOLD : doubled;
    }

    /** Keys of the holds that an accepted launch of this machine shows to be over. */
    static List<String> liftedBy(Machine machine) {
        return List.of(
                machine.offer().market() == Market.SPOT ? Hold.Kind.SPOT + " " + machine.pool() : "",
                Hold.Kind.CAPACITY + " " + Hold.capacitySubject(machine.offer()),
                Hold.Kind.QUOTA + " " + Hold.quotaSubject(machine.offer()),
                Hold.Kind.ACCOUNT + " " + Hold.accountSubject(machine.offer()),
                Hold.Kind.POOL + " " + machine.pool());
    }
}
