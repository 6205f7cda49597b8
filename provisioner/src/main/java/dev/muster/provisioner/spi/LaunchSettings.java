package dev.muster.provisioner.spi;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What machines of a pool are made of, beside the offer and the boot script.
 *
 * @param image empty: the launch template's, else the account's default
 * @param disks empty: as the image has them
 * @param tags added to Muster's own, which win; sorted, since a call's parameters must come out the same each time
 */
public record LaunchSettings(String image, List<Disk> disks, Map<String, String> tags, Optional<Aws> aws) {

    public LaunchSettings {
        disks = List.copyOf(disks);
        tags = java.util.Collections.unmodifiableSortedMap(new TreeMap<>(tags));
    }

    public static final LaunchSettings DEFAULTS = new LaunchSettings("", List.of(), Map.of(), Optional.empty());

    /**
     * @param device empty: the image's root device
     * @param gib 0: the image's own size
     * @param type empty: the cloud's usual one
     * @param iops 0: the type's default
     * @param throughput MiB a second; 0: the type's default
     * @param kmsKey id, alias or ARN of the key that encrypts it; empty: the account's default
     * @param snapshot what it begins with; empty: as the image has it, else nothing
     */
    public record Disk(String device, int gib, String type, int iops, int throughput, String kmsKey, String snapshot) {

        public Disk(String device, int gib, String type, int iops, int throughput) {
            this(device, gib, type, iops, throughput, "", "");
        }
    }

    /**
     * What only AWS knows.
     *
     * @param keyName empty: none
     * @param securityGroups ids; empty: the subnet's default
     * @param instanceProfile name or ARN; empty: none
     * @param publicIp empty: the subnet's own setting
     * @param template id or name of a launch template; empty: none
     * @param templateVersion empty: the template's default
     * @param detailedMonitoring false: as the template says, else EC2's default
     * @param launchSpec more of RunInstances, as a JSON object in its shape; empty: nothing
     * @param tagResources what gets tags beside the instance; empty: volumes
     */
    public record Aws(String keyName, List<String> securityGroups, String instanceProfile, Optional<Boolean> publicIp, String template,
            String templateVersion, boolean detailedMonitoring, String launchSpec, List<String> tagResources) {

        public static final Aws DEFAULTS = new Aws("", List.of(), "", Optional.empty(), "", "", false, "", List.of());

        public Aws {
            securityGroups = List.copyOf(securityGroups);
            tagResources = List.copyOf(tagResources);
        }
    }
}
