package dev.muster.provisioner.spi;

import java.time.Instant;
import java.util.Objects;
import java.util.Optional;

/**
 * One machine as its cloud shows it: what is there, not what we remember.
 *
 * @param fleet from its tags; empty if it has none
 * @param pool from its tags; may be empty
 * @param batchId from its tags; never empty
 * @param launchIndex its place in the batch, from 0
 * @param endedBy may be known while it still runs: a cloud gives some machines a while before they end
 * @param launchedAt by the cloud's clock; null if it doesn't say
 * @param note why it waits, doesn't start or has ended, where the cloud says
 * @param task the waiting task that it was made for; empty: none
 */
public record MachineSeen(String cloudId, String fleet, String pool, String batchId, int launchIndex, Offer offer, CloudStatus status,
        EndedBy endedBy, Instant launchedAt, Mark mark, Optional<KeepUntil> keepUntil, Optional<Note> note, String task) {

    /**
     * Its cloud's word about it.
     *
     * @param reason one word, such as {@code Unschedulable} or {@code OOMKilled}
     * @param message the same for people, never a secret; may be empty
     * @param faultOfTask it lies in the task that the machine was made for: another machine would fare no better
     */
    public record Note(String reason, String message, boolean faultOfTask) {
        public Note {
            if (reason.isEmpty()) {
                throw new IllegalArgumentException("a note without a reason: " + message);
            }
        }
    }

    /** One that was made for no task, and of which its cloud says nothing more. */
    public MachineSeen(String cloudId, String fleet, String pool, String batchId, int launchIndex, Offer offer, CloudStatus status, EndedBy endedBy,
            Instant launchedAt, Mark mark, Optional<KeepUntil> keepUntil) {
        this(cloudId, fleet, pool, batchId, launchIndex, offer, status, endedBy, launchedAt, mark, keepUntil, Optional.empty(), "");
    }

    public MachineSeen {
        Objects.requireNonNull(note);
        Objects.requireNonNull(task);
        Objects.requireNonNull(cloudId);
        Objects.requireNonNull(fleet);
        Objects.requireNonNull(pool);
        Objects.requireNonNull(status);
        Objects.requireNonNull(endedBy);
        Objects.requireNonNull(mark);
        Objects.requireNonNull(keepUntil);
        if (batchId == null || batchId.isEmpty() || launchIndex < 0) {
            throw new IllegalArgumentException("machine " + cloudId + " has batch '" + batchId + "' and launch index " + launchIndex);
        }
    }

    public String machineId() {
        return MachineIds.of(batchId, launchIndex);
    }

    public MachineRef ref() {
        return new MachineRef(offer.scope(), machineId(), cloudId);
    }
}
