package dev.muster.provisioner.spi;

import java.time.Duration;
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
 * @param aws empty on other clouds, and where all is as usual; so are {@code gcp} and {@code k8s}
 */
public record LaunchSettings(String image, List<Disk> disks, Map<String, String> tags, Optional<Aws> aws, Optional<Gcp> gcp, Optional<K8s> k8s) {

    /** Of no cloud in particular, or of Amazon's. */
    public LaunchSettings(String image, List<Disk> disks, Map<String, String> tags, Optional<Aws> aws) {
        this(image, disks, tags, aws, Optional.empty(), Optional.empty());
    }

    /** Of a cloud of machines. */
    public LaunchSettings(String image, List<Disk> disks, Map<String, String> tags, Optional<Aws> aws, Optional<Gcp> gcp) {
        this(image, disks, tags, aws, gcp, Optional.empty());
    }

    public LaunchSettings {
        disks = List.copyOf(disks);
        tags = java.util.Collections.unmodifiableSortedMap(new TreeMap<>(tags));
    }

    public static final LaunchSettings DEFAULTS = new LaunchSettings("", List.of(), Map.of(), Optional.empty(), Optional.empty());

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

    /**
     * What only Google Cloud knows.
     *
     * @param gpuType to attach to an N1 machine; empty: none
     * @param gpuCount 1 or more where there is a type
     * @param preemptible spot is bought as preemptible
     * @param serviceAccount email; {@code none}: none; empty: the project's default
     * @param scopes URLs, or their last part; empty: cloud-platform
     * @param metadata sorted
     * @param localSsds of 375 GB
     * @param migrates whether it moves when its host is maintained; empty: where it can
     * @param minCpuPlatform empty: any
     * @param template name or path of an instance template; empty: none
     * @param maxRunDuration empty: none
     * @param instanceSpec more of an Instance, as a JSON object in its shape; empty: nothing
     */
    public record Gcp(String gpuType, int gpuCount, boolean preemptible, String serviceAccount, List<String> scopes, List<String> networkTags,
            Map<String, String> metadata, boolean publicIp, int localSsds, Optional<Boolean> migrates, String minCpuPlatform, String template,
            Optional<Duration> maxRunDuration, String instanceSpec) {

        public static final Gcp DEFAULTS = new Gcp("", 0, false, "", List.of(), List.of(), Map.of(), true, 0, Optional.empty(), "", "",
                Optional.empty(), "");

        public Gcp {
            scopes = List.copyOf(scopes);
            networkTags = List.copyOf(networkTags);
            metadata = java.util.Collections.unmodifiableSortedMap(new TreeMap<>(metadata));
        }
    }

    /**
     * What only Kubernetes knows.
     *
     * @param taskPods pods are made for one task each
     * @param template PodTemplateSpec as a JSON object; empty: none
     * @param templateConfigMap name of the ConfigMap that has it; empty: none
     * @param requests quantities by resource; sorted, as are limits, nodeSelector and annotations
     * @param serviceAccount empty: the account's; so is {@code secret}
     * @param completedDelay how long an ended pod stays
     * @param imageEntrypoint the image's own entrypoint runs in place of an agent
     * @param claimImage claims the task where that is so; empty: the usual one
     */
    public record K8s(boolean taskPods, String template, String templateConfigMap, Map<String, String> requests, Map<String, String> limits,
            Map<String, String> nodeSelector, List<Toleration> tolerations, String priorityClass, String serviceAccount, List<String> pullSecrets,
            Map<String, String> annotations, String secret, Duration completedDelay, boolean imageEntrypoint, boolean forcePull, String claimImage) {

        public static final K8s DEFAULTS = new K8s(false, "", "", Map.of(), Map.of(), Map.of(), List.of(), "", "", List.of(), Map.of(), "", Duration.ZERO,
                false, false, "");

        /** @param seconds empty: for ever */
        public record Toleration(String key, String operator, String value, String effect, Optional<Long> seconds) {}

        public K8s {
            requests = java.util.Collections.unmodifiableSortedMap(new TreeMap<>(requests));
            limits = java.util.Collections.unmodifiableSortedMap(new TreeMap<>(limits));
            nodeSelector = java.util.Collections.unmodifiableSortedMap(new TreeMap<>(nodeSelector));
            annotations = java.util.Collections.unmodifiableSortedMap(new TreeMap<>(annotations));
            tolerations = List.copyOf(tolerations);
            pullSecrets = List.copyOf(pullSecrets);
        }
    }
}
