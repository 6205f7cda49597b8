package dev.muster.provisioner.spi;

/**
 * What a machine type is, as its cloud says.
 *
 * @param gpus 0: it has none
 * @param gpuModel the cloud's word; empty if it has none
 * @param architecture such as {@code x86_64}
 * @param liveMarks a machine sees a mark that is written while it runs
 */
public record TypeSeen(String machineType, int vcpus, long memoryMib, int gpus, String gpuModel, String architecture, boolean liveMarks) {

    public TypeSeen {
        if (machineType.isEmpty() || vcpus < 0 || memoryMib < 0 || gpus < 0) {
            throw new IllegalArgumentException("type '" + machineType + "' has " + vcpus + " vCPUs, " + memoryMib + " MiB and " + gpus + " GPUs");
        }
    }
}
