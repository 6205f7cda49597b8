package dev.muster.provisioner.spi;

/**
 * A machine as a command names it.
 *
 * @param cloudId the cloud's own name. Empty: the cloud is asked which machine has the id
 */
public record MachineRef(Scope scope, String machineId, String cloudId) {

    public MachineRef {
        if (machineId == null || machineId.isEmpty()) {
            throw new IllegalArgumentException("a command names no machine_id");
        }
    }
}
