package dev.muster.planner.core;

import java.time.Instant;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Consumer;

/**
 * One machine on the books: the planner's view. Instants are the fleet's now; null where it has not happened.
 *
 * @param cloudId the cloud's own name; empty until the cloud accepted it
 * @param committed micro-units an hour counted for it; empty: its price is not known
 * @param failure null unless FAILED
 * @param cause why it leaves or has left; null while it stays
 * @param detail the same for people; empty while it stays
 * @param asked what a person asked for and is not done; null: nothing
 * @param ordinal of the last command to it
 * @param mark as last asked for
 * @param seenMark as its cloud last showed it
 * @param replaces the refused or lost machine that it stands in for; empty: none
 * @param queue name of the queue that it was launched for; empty: for the pool's minimum, or adopted
 * @param isProtected neither idleness nor age lets it go
 * @param paid what it has cost; null until the cloud accepted it
 * @param queueIds ids of the queues that its agents serve, as launched
 * @param markedAt when its mark was asked for; once it is known to be written, when that became known
 * @param missingSince begin of the first complete list without it; null: none lacked it
 * @param retryAt when an unanswered command is repeated
 * @param attempts commands of one kind sent so far
 * @param impairedSince when the planner took note that its cloud's own checks fail; null: they don't
 * @param unlistedSince when the planner took note that fewer of its workers are listed than it has had or may have, of one that is marked; null:
 *     all are, or it never had one
 * @param task the waiting task that it was made for; empty: it takes what its queues have
 * @param note its cloud's word about it, as last shown
 * @param waitingSince when the planner took note that its cloud has no room for it; null: it has, or was not asked
 * @param placedAt when its cloud had room for it after a wait, from which its deadlines count; null: it did not wait, or still does
 * @param takenSince when the planner took note that its task neither waits nor runs on it; null: it does
 */
public record Machine(
        String id, String pool, OfferKey offer, String batchId, int launchIndex, String cloudId, Phase phase, FailureKind failure,
        Reason cause, String detail, boolean released, FleetEvent.MachinesAsked.Verb asked, long ordinal, Mark mark, Mark seenMark, CloudState cloud,
        Ending ending, OptionalLong committed, String replaces, String decisionId, List<String> queueIds, Instant requestedAt,
        Instant expiresAt, Instant acceptedAt, Instant bootedAt, Instant readyAt, Instant idleSince, Instant markedAt,
        Instant endedAt, Instant missingSince, Instant retryAt, int attempts, String queue, boolean isProtected, Paid paid,
        Instant impairedSince, Instant unlistedSince, String task, CloudNote note, Instant waitingSince, Instant placedAt, Instant takenSince) {

    /** One that takes what its queues have, of which its cloud says nothing more. */
    public Machine(String id, String pool, OfferKey offer, String batchId, int launchIndex, String cloudId, Phase phase, FailureKind failure,
            Reason cause, String detail, boolean released, FleetEvent.MachinesAsked.Verb asked, long ordinal, Mark mark, Mark seenMark, CloudState cloud,
            Ending ending, OptionalLong committed, String replaces, String decisionId, List<String> queueIds, Instant requestedAt,
            Instant expiresAt, Instant acceptedAt, Instant bootedAt, Instant readyAt, Instant idleSince, Instant markedAt,
            Instant endedAt, Instant missingSince, Instant retryAt, int attempts, String queue, boolean isProtected, Paid paid,
            Instant impairedSince, Instant unlistedSince) {
        this(id, pool, offer, batchId, launchIndex, cloudId, phase, failure, cause, detail, released, asked, ordinal, mark, seenMark, cloud, ending,
                committed, replaces, decisionId, queueIds, requestedAt, expiresAt, acceptedAt, bootedAt, readyAt, idleSince, markedAt, endedAt,
                missingSince, retryAt, attempts, queue, isProtected, paid, impairedSince, unlistedSince, "", CloudNote.NONE, null, null, null);
    }

    public Machine {
        queueIds = List.copyOf(queueIds);
    }

    /** The part of the id that says in which life of the fleet it was launched; empty for an adopted machine. */
    public String incarnation() {
        var dash = id.lastIndexOf('-');
        return id.startsWith("m") && dash == 9 ? id.substring(1, dash) : "";
    }

    /** Another hand launched it, so that nothing on it obeys a mark. */
    public boolean isAdopted() {
        return batchId.startsWith(Adoption.ID);
    }

    /** It was made for one task. */
    public boolean isBound() {
        return !task.isEmpty();
    }

    /** From when its deadlines count. */
    public Instant deadlinesFrom() {
        return placedAt == null ? requestedAt : placedAt;
    }

    public boolean isCounted() {
        return phase.isCounted();
    }

    /**
     * As this one, changed.
     *
     * @throws IllegalStateException if the phase can't follow this one's
     */
    public Machine with(Consumer<Edit> change) {
        var edit = new Edit(this);
        change.accept(edit);
        if (!phase.canBecome(edit.phase)) {
            throw new IllegalStateException("machine " + id + " can't go from " + phase + " to " + edit.phase);
        }
        return edit.done();
    }

    /** A machine under change. */
    public static final class Edit {
        private final Machine from;
        public String cloudId;
        public Phase phase;
        public FailureKind failure;
        public Reason cause;
        public String detail;
        public boolean released;
        public FleetEvent.MachinesAsked.Verb asked;
        public long ordinal;
        public Mark mark;
        public Mark seenMark;
        public CloudState cloud;
        public Ending ending;
        public OptionalLong committed;
        public String decisionId;
        public Instant acceptedAt;
        public Instant bootedAt;
        public Instant readyAt;
        public Instant idleSince;
        public Instant markedAt;
        public Instant endedAt;
        public Instant missingSince;
        public Instant retryAt;
        public int attempts;
        public boolean isProtected;
        public Paid paid;
        public Instant impairedSince;
        public Instant unlistedSince;
        public CloudNote note;
        public Instant waitingSince;
        public Instant placedAt;
        public Instant takenSince;

        private Edit(Machine m) {
            from = m;
            cloudId = m.cloudId;
            phase = m.phase;
            failure = m.failure;
            cause = m.cause;
            detail = m.detail;
            released = m.released;
            asked = m.asked;
            ordinal = m.ordinal;
            mark = m.mark;
            seenMark = m.seenMark;
            cloud = m.cloud;
            ending = m.ending;
            committed = m.committed;
            decisionId = m.decisionId;
            acceptedAt = m.acceptedAt;
            bootedAt = m.bootedAt;
            readyAt = m.readyAt;
            idleSince = m.idleSince;
            markedAt = m.markedAt;
            endedAt = m.endedAt;
            missingSince = m.missingSince;
            retryAt = m.retryAt;
            attempts = m.attempts;
            isProtected = m.isProtected;
            paid = m.paid;
            impairedSince = m.impairedSince;
            unlistedSince = m.unlistedSince;
            note = m.note;
            waitingSince = m.waitingSince;
            placedAt = m.placedAt;
            takenSince = m.takenSince;
        }

        private Machine done() {
            return new Machine(from.id, from.pool, from.offer, from.batchId, from.launchIndex, cloudId, phase, failure, cause, detail,
                    released, asked, ordinal, mark, seenMark, cloud, ending, committed, from.replaces, decisionId,
                    from.queueIds, from.requestedAt, from.expiresAt, acceptedAt, bootedAt, readyAt, idleSince, markedAt, endedAt,
                    missingSince, retryAt, attempts, from.queue, isProtected, paid, impairedSince, unlistedSince, from.task, note,
                    waitingSince, placedAt, takenSince);
        }
    }
}
