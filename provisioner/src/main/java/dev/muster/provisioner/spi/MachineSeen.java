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
 */
public record MachineSeen(String cloudId, String fleet, String pool, String batchId, int launchIndex, Offer offer, CloudStatus status,
        EndedBy endedBy, Instant launchedAt, Mark mark, Optional<KeepUntil> keepUntil) {

    public MachineSeen {
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
