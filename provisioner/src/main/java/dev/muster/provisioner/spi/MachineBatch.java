package dev.muster.provisioner.spi;

import dev.muster.provisioner.boot.BootPlan;
import java.util.List;
import java.util.Objects;

/**
 * Machines of one offer that one call starts.
 *
 * @param batchId the first machine's id, and the call's idempotency token
 * @param machineIds 1 to 100; the machine with launch index i is the i-th
 * @param maxPriceMicros most to pay for a spot machine, micro-units an hour; 0: the on-demand price
 * @param keepUntil from the command, not from the clock: a repeated call must not differ
 */
public record MachineBatch(String batchId, List<String> machineIds, String fleet, String pool, Offer offer, long maxPriceMicros,
        LaunchSettings settings, BootPlan boot, KeepUntil keepUntil) {

    /** Of machines in a batch; one EC2 call describes as many without paging, and one refusal costs no more than these. */
    public static final int MOST = 100;

    public MachineBatch {
        machineIds = List.copyOf(machineIds);
        Objects.requireNonNull(boot);
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
