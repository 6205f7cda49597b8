package dev.muster.gcp;

import com.google.cloud.compute.v1.AccessConfig;
import com.google.cloud.compute.v1.AcceleratorConfig;
import com.google.cloud.compute.v1.AttachedDisk;
import com.google.cloud.compute.v1.AttachedDiskInitializeParams;
import com.google.cloud.compute.v1.BulkInsertInstanceResource;
import com.google.cloud.compute.v1.BulkInsertInstanceResourcePerInstanceProperties;
import com.google.cloud.compute.v1.CustomerEncryptionKey;
import com.google.cloud.compute.v1.Duration;
import com.google.cloud.compute.v1.InstanceProperties;
import com.google.cloud.compute.v1.NetworkInterface;
import com.google.cloud.compute.v1.Scheduling;
import com.google.cloud.compute.v1.ServiceAccount;
import com.google.cloud.compute.v1.Tags;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import dev.muster.provisioner.boot.BootScript;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.LaunchSettings;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.Mark;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.ProviderException;
import java.util.LinkedHashMap;
import java.util.List;

/**
 * The bulkInsert that a batch is. Lowest is the instance template, which Google merges; above it the instance spec, above that the other fields of
 * the spec, and on top what Muster itself needs: names, labels, the boot script, marks and how it is bought.
 */
final class LaunchRequests {

    /** Google's limit of one metadata value. Bytes. */
    private static final int MOST_STARTUP_SCRIPT = 256 * 1024;
    private static final String USUAL_DISK = "pd-balanced";
    /**
     * The deep-learning image of Google's own, with NVIDIA's drivers and docker, by its family: "Choose an image" of the Deep Learning VM Images'
     * documentation.
     */
    static final String USUAL_IMAGE = "projects/deeplearning-platform-release/global/images/family/common-cu128-ubuntu-2204-nvidia-570";
    private static final String USUAL_SCOPE = "https://www.googleapis.com/auth/cloud-platform";
    private static final String NO_ACCOUNT = "none";
    /** Only these take GPUs that are not part of the type. */
    private static final String TAKES_GPUS = "n1-";
    /** Types that come with GPUs, whose hosts can't be left while the machine runs. */
    private static final List<String> WITH_GPUS = List.of("a2-", "a3-", "a4-", "a4x-", "g2-", "g4-");

    private final String installation;
    private final GcpAccounts accounts;

    LaunchRequests(String installation, GcpAccounts accounts) {
        this.installation = installation;
        this.accounts = accounts;
    }

    BulkInsertInstanceResource of(MachineBatch batch) throws ProviderException {
        var account = accounts.account(batch.scope());
        var gcp = batch.settings().gcp().orElse(LaunchSettings.Gcp.DEFAULTS);
        var resource = BulkInsertInstanceResource.newBuilder().setCount(batch.size()).setMinCount(1).setInstanceProperties(properties(batch, account, gcp));
        batch.machineIds().forEach(id -> resource.putPerInstanceProperties(id, BulkInsertInstanceResourcePerInstanceProperties.newBuilder().setName(id).build()));
        if (!gcp.template().isEmpty()) {
            resource.setSourceInstanceTemplate(gcp.template().contains("/") ? gcp.template() : "projects/" + account.project() + "/global/instanceTemplates/" + gcp.template());
        }
        return resource.build();
    }

    private InstanceProperties properties(MachineBatch batch, GcpAccounts.Account account, LaunchSettings.Gcp gcp) throws ProviderException {
        var offer = batch.offer();
        var properties = spec(gcp.instanceSpec());
        var below = properties.build();
        properties.setMachineType(offer.machineType());
        labels(batch).forEach(properties::putLabels);
        properties.setMetadata(GceNames.metadata(metadata(batch, gcp, below), ""));
        if (!gcp.networkTags().isEmpty()) {
            properties.setTags(Tags.newBuilder().addAllItems(gcp.networkTags()));
        }
        if (!gcp.minCpuPlatform().isEmpty()) {
            properties.setMinCpuPlatform(gcp.minCpuPlatform());
        }
        boolean attached = gcp.gpuCount() > 0 && offer.machineType().startsWith(TAKES_GPUS);
        if (attached) {
            properties.clearGuestAccelerators().addGuestAccelerators(AcceleratorConfig.newBuilder().setAcceleratorType(gcp.gpuType()).setAcceleratorCount(gcp.gpuCount()));
        }
        boolean hasGpus = attached || below.getGuestAcceleratorsCount() > 0 || WITH_GPUS.stream().anyMatch(offer.machineType()::startsWith);
        properties.setScheduling(scheduling(offer, gcp, below.getScheduling(), hasGpus));
        if (!(properties.getServiceAccountsCount() > 0 || inTemplate(gcp)) || !gcp.serviceAccount().isEmpty() || !gcp.scopes().isEmpty()) {
            properties.clearServiceAccounts();
            if (!gcp.serviceAccount().equals(NO_ACCOUNT)) {
                properties.addServiceAccounts(ServiceAccount.newBuilder().setEmail(gcp.serviceAccount().isEmpty() ? "default" : gcp.serviceAccount())
                        .addAllScopes(gcp.scopes().isEmpty() ? List.of(USUAL_SCOPE)
                                : gcp.scopes().stream().map(scope -> scope.contains("/") ? scope : "https://www.googleapis.com/auth/" + scope).toList()));
            }
        }
        network(properties, below, offer, account, gcp);
        disks(properties, below, batch.settings(), account, gcp);
        return properties.build();
    }

    /** @throws ProviderException naming what Google doesn't know */
    private static InstanceProperties.Builder spec(String json) throws ProviderException {
        var properties = InstanceProperties.newBuilder();
        if (!json.isEmpty()) {
            try {
                JsonFormat.parser().merge(json, properties);
            } catch (InvalidProtocolBufferException unknown) {
                throw new ProviderException(FailureKind.INVALID_SPEC, "InvalidInstanceSpec",
                        "gcp.instanceSpec is not what Compute Engine calls InstanceProperties: " + unknown.getMessage());
            }
        }
        return properties;
    }

    private static boolean inTemplate(LaunchSettings.Gcp gcp) {
        return !gcp.template().isEmpty();
    }

    private LinkedHashMap<String, String> labels(MachineBatch batch) {
        var labels = new LinkedHashMap<>(batch.settings().tags());
        labels.put(GceNames.INSTALLATION, installation);
        labels.put(GceNames.FLEET, batch.fleet());
        labels.put(GceNames.POOL, batch.pool());
        labels.put(GceNames.BATCH, batch.batchId());
        return labels;
    }

    private static LinkedHashMap<String, String> metadata(MachineBatch batch, LaunchSettings.Gcp gcp, InstanceProperties below) throws ProviderException {
        var metadata = new LinkedHashMap<>(GceNames.metadata(below.getMetadata()));
        metadata.putAll(gcp.metadata());
        try {
            metadata.put(GceNames.STARTUP_SCRIPT, BootScript.startupScript(batch.boot(), MOST_STARTUP_SCRIPT));
        } catch (IllegalArgumentException unusable) {
            throw new ProviderException(FailureKind.INVALID_SPEC, "StartupScript", unusable.getMessage());
        }
        metadata.put(GceNames.MARK, Mark.UNMARKED.text());
        metadata.put(GceNames.KEEP_UNTIL, batch.keepUntil().text());
        // Google's images tell what happens at the console only if they are asked to.
        metadata.putIfAbsent("serial-port-logging-enable", "true");
        return metadata;
    }

    private static Scheduling scheduling(Offer offer, LaunchSettings.Gcp gcp, Scheduling below, boolean hasGpus) {
        // One that its host dropped would start again with the same name, and its task would be on nobody: it is given up and replaced.
        var scheduling = below.toBuilder().setAutomaticRestart(false);
        if (offer.market() == Offer.Market.SPOT && gcp.preemptible()) {
            scheduling.setPreemptible(true);
        } else if (offer.market() == Offer.Market.SPOT) {
            // Stopped, it is still there to say what ended it; the planner has it deleted.
            scheduling.setProvisioningModel("SPOT").setInstanceTerminationAction("STOP");
        } else if (below.getProvisioningModel().isEmpty()) {
            scheduling.setProvisioningModel("STANDARD");
        }
        var stays = hasGpus || offer.market() == Offer.Market.SPOT || !gcp.migrates().orElse(true);
        if (gcp.migrates().isPresent() || stays || below.getOnHostMaintenance().isEmpty()) {
            scheduling.setOnHostMaintenance(stays ? "TERMINATE" : "MIGRATE");
        }
        gcp.maxRunDuration().ifPresent(age -> scheduling.setMaxRunDuration(Duration.newBuilder().setSeconds(age.toSeconds()))
                .setInstanceTerminationAction("STOP"));
        return scheduling.build();
    }

    private static void network(InstanceProperties.Builder properties, InstanceProperties below, Offer offer, GcpAccounts.Account account, LaunchSettings.Gcp gcp) {
        if (offer.subnet().isEmpty() && gcp.publicIp() && (below.getNetworkInterfacesCount() > 0 || inTemplate(gcp))) {
            return;
        }
        var first = below.getNetworkInterfacesCount() > 0 ? below.getNetworkInterfaces(0).toBuilder() : NetworkInterface.newBuilder();
        if (!offer.subnet().isEmpty()) {
            first.setSubnetwork(offer.subnet().contains("/") ? offer.subnet()
                    : "projects/" + account.project() + "/regions/" + offer.scope().region() + "/subnetworks/" + offer.subnet());
        } else if (first.getNetwork().isEmpty() && first.getSubnetwork().isEmpty()) {
            first.setNetwork("global/networks/default");
        }
        if (!gcp.publicIp()) {
            first.clearAccessConfigs();
        } else if (first.getAccessConfigsCount() == 0) {
            first.addAccessConfigs(AccessConfig.newBuilder().setType("ONE_TO_ONE_NAT").setName("External NAT"));
        }
        properties.clearNetworkInterfaces().addNetworkInterfaces(first);
        for (int i = 1; i < below.getNetworkInterfacesCount(); i++) {
            properties.addNetworkInterfaces(below.getNetworkInterfaces(i));
        }
    }

    private static void disks(InstanceProperties.Builder properties, InstanceProperties below, LaunchSettings settings, GcpAccounts.Account account,
            LaunchSettings.Gcp gcp) throws ProviderException {
        var wished = settings.disks();
        boolean usual = wished.isEmpty() && settings.image().isEmpty() && gcp.localSsds() == 0;
        if (usual && (below.getDisksCount() > 0 ? hasSource(below) : inTemplate(gcp))) {
            return;
        }
        if (inTemplate(gcp) && settings.image().isEmpty()) {
            // Google merges objects and replaces lists: disks that are named here stand in place of the template's, image and all.
            throw new ProviderException(FailureKind.INVALID_SPEC, "DisksWithoutImage", "disks are named beside an instance template, in place of whose"
                    + " disks they stand; name the image too, or put the disks into the template");
        }
        properties.clearDisks();
        var boot = wished.stream().filter(disk -> disk.device().isEmpty()).findFirst().orElse(new LaunchSettings.Disk("", 0, "", 0, 0));
        var image = settings.image().isEmpty() ? account.image().orElse(USUAL_IMAGE) : settings.image();
        var bottom = below.getDisksList().stream().filter(AttachedDisk::getBoot).findFirst().orElse(AttachedDisk.getDefaultInstance());
        var root = disk(bottom.toBuilder(), boot, account).setBoot(true);
        if (boot.snapshot().isEmpty() && (root.getInitializeParams().getSourceImage().isEmpty() || !settings.image().isEmpty())) {
            root.setInitializeParams(root.getInitializeParams().toBuilder()
                    .setSourceImage(image.contains("/") ? image : "projects/" + account.project() + "/global/images/" + image));
        }
        properties.addDisks(root);
        below.getDisksList().stream().filter(disk -> !disk.getBoot()).forEach(properties::addDisks);
        for (var disk : wished) {
            if (!disk.device().isEmpty()) {
                properties.addDisks(disk(AttachedDisk.newBuilder().setDeviceName(disk.device()), disk, account));
            }
        }
        for (int i = 0; i < gcp.localSsds(); i++) {
            properties.addDisks(AttachedDisk.newBuilder().setType("SCRATCH").setInterface("NVME").setAutoDelete(true)
                    .setInitializeParams(AttachedDiskInitializeParams.newBuilder().setDiskType("local-ssd")));
        }
    }

    private static boolean hasSource(InstanceProperties below) {
        return below.getDisksList().stream().anyMatch(disk -> disk.getBoot() && (!disk.getSource().isEmpty()
                || !disk.getInitializeParams().getSourceImage().isEmpty() || !disk.getInitializeParams().getSourceSnapshot().isEmpty()));
    }

    private static AttachedDisk.Builder disk(AttachedDisk.Builder disk, LaunchSettings.Disk wished, GcpAccounts.Account account) {
        var parameters = disk.getInitializeParams().toBuilder();
        if (!wished.type().isEmpty() || parameters.getDiskType().isEmpty()) {
            parameters.setDiskType(wished.type().isEmpty() ? USUAL_DISK : wished.type());
        }
        if (wished.gib() > 0) {
            parameters.setDiskSizeGb(wished.gib());
        }
        if (wished.iops() > 0) {
            parameters.setProvisionedIops(wished.iops());
        }
        if (wished.throughput() > 0) {
            parameters.setProvisionedThroughput(wished.throughput());
        }
        if (!wished.snapshot().isEmpty()) {
            parameters.setSourceSnapshot(wished.snapshot().contains("/") ? wished.snapshot()
                    : "projects/" + account.project() + "/global/snapshots/" + wished.snapshot());
        }
        if (!wished.kmsKey().isEmpty()) {
            disk.setDiskEncryptionKey(CustomerEncryptionKey.newBuilder().setKmsKeyName(wished.kmsKey()));
        }
        // A machine that is gone leaves nothing that costs.
        return disk.setInitializeParams(parameters).setAutoDelete(true);
    }
}
