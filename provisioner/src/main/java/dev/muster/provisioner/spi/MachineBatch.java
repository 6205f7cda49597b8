package dev.muster.provisioner.spi;

import dev.muster.provisioner.boot.BootPlan;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Machines of one offer that one call starts.
 *
 * @param batchId the first machine's id, and the call's idempotency token
 * @param machineIds 1 to 100; the machine with launch index i is the i-th
 * @param maxPriceMicros most to pay for a spot machine, micro-units an hour; 0: the on-demand price
 * @param keepUntil from the command, not from the clock: a repeated call must not differ
 * @param cause what it is launched for
 */
public record MachineBatch(String batchId, List<String> machineIds, String fleet, String pool, Offer offer, long maxPriceMicros,
        LaunchSettings settings, BootPlan boot, KeepUntil keepUntil, Cause cause) {

    /**
     * What a batch is launched for.
     *
     * @param task the waiting task that its one machine is made for; empty: its machines take what their queues have
     * @param queue name of the queue; empty: for the pool's minimum
     * @param queueId the same queue's id at ClearML
     * @param connection the ClearML server that has them, by its name in the configuration
     */
    public record Cause(String task, String queue, String queueId, String connection) {
        public static final Cause NONE = new Cause("", "", "", "");
    }

    /** Of machines that take what their queues have. */
    public MachineBatch(String batchId, List<String> machineIds, String fleet, String pool, Offer offer, long maxPriceMicros, LaunchSettings settings,
            BootPlan boot, KeepUntil keepUntil) {
        this(batchId, machineIds, fleet, pool, offer, maxPriceMicros, settings, boot, keepUntil, Cause.NONE);
    }

    /** Of machines in a batch; one EC2 call describes as many without paging, and one refusal costs no more than these. */
    public static final int MOST = 100;

    public MachineBatch {
        machineIds = List.copyOf(machineIds);
        Objects.requireNonNull(boot);
        if (!cause.task().isEmpty() && machineIds.size() != 1) {
            throw new IllegalArgumentException("batch " + batchId + " has " + machineIds.size() + " machine_ids for one task; need 1");
        }
        if (machineIds.isEmpty() || machineIds.size() > MOST) {
            throw new IllegalArgumentException("batch " + batchId + " has " + machineIds.size() + " machine_ids; need 1 to " + MOST);
        }
        for (int i = 0; i < machineIds.size(); i++) {
            if (!machineIds.get(i).equals(MachineIds.of(batchId, i))) {
                throw new IllegalArgumentException("batch " + batchId + " has " + machineIds.get(i) + " as its machine_ids[" + i
                        + "]; they must count up from the batch id");
            }
        }
        if (maxPriceMicros < 0) {
            throw new IllegalArgumentException("batch " + batchId + " has a maximum price of " + maxPriceMicros + "; it must not be negative");
        }
    }

    public int size() {
        return machineIds.size();
    }

    public Scope scope() {
        return offer.scope();
    }
}
