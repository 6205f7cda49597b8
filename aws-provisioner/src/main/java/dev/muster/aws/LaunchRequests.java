package dev.muster.aws;

import dev.muster.provisioner.boot.BootScript;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.LaunchSettings;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.ProviderException;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import software.amazon.awssdk.services.ec2.model.BlockDeviceMapping;
import software.amazon.awssdk.services.ec2.model.EbsBlockDevice;
import software.amazon.awssdk.services.ec2.model.HttpTokensState;
import software.amazon.awssdk.services.ec2.model.IamInstanceProfileSpecification;
import software.amazon.awssdk.services.ec2.model.InstanceInterruptionBehavior;
import software.amazon.awssdk.services.ec2.model.InstanceMetadataEndpointState;
import software.amazon.awssdk.services.ec2.model.InstanceMetadataOptionsRequest;
import software.amazon.awssdk.services.ec2.model.InstanceMetadataTagsState;
import software.amazon.awssdk.services.ec2.model.InstanceNetworkInterfaceSpecification;
import software.amazon.awssdk.services.ec2.model.LaunchTemplateSpecification;
import software.amazon.awssdk.services.ec2.model.MarketType;
import software.amazon.awssdk.services.ec2.model.Placement;
import software.amazon.awssdk.services.ec2.model.ResourceType;
import software.amazon.awssdk.services.ec2.model.RunInstancesRequest;
import software.amazon.awssdk.services.ec2.model.ShutdownBehavior;
import software.amazon.awssdk.services.ec2.model.SpotInstanceType;
import software.amazon.awssdk.services.ec2.model.TagSpecification;

/**
 * The RunInstances that a batch is. Lowest is the launch template, which EC2 merges; above it the launch spec, above that the other
 * fields of the spec, and on top what Muster itself needs: the token, the count, the boot script, the way out, tags and the market.
 */
final class LaunchRequests {

    /** EC2's limit of user data, before base64. Bytes. */
    static final int MOST_USER_DATA = 16 * 1024;
    /** Containers are one hop further from the metadata service than their machine, and tasks may use the machine's role. */
    private static final int METADATA_HOPS = 2;
    private static final String USUAL_DISK = "gp3";

    private final String installation;
    private final AwsAccounts accounts;
    private final Images images;

    LaunchRequests(String installation, AwsAccounts accounts, Images images) {
        this.installation = installation;
        this.accounts = accounts;
        this.images = images;
    }

    RunInstancesRequest of(MachineBatch batch) throws ProviderException {
        var offer = batch.offer();
        var settings = batch.settings();
        var aws = settings.aws().orElse(LaunchSettings.Aws.DEFAULTS);
        var request = aws.launchSpec().isEmpty() ? RunInstancesRequest.builder() : LaunchSpec.read(aws.launchSpec());
        var below = request.build();
        var tags = tags(batch, aws, below);
        var image = settings.image().isEmpty() && !aws.template().isEmpty() ? Optional.<Images.Image>empty()
                : Optional.of(images.of(batch.scope(), offer.machineType(), settings.image()));
        request.clientToken(batch.batchId())
                .minCount(1)
                .maxCount(batch.size())
                .instanceType(offer.machineType())
                .userData(userData(batch))
                // Off is gone: a machine ends itself by powering off.
                .instanceInitiatedShutdownBehavior(ShutdownBehavior.TERMINATE)
                .metadataOptions(metadata(below))
                .tagSpecifications(tags);
        image.ifPresent(found -> request.imageId(found.id()));
        if (!aws.template().isEmpty()) {
            request.launchTemplate(template(aws));
        }
        if (!offer.zone().isEmpty()) {
            var placement = below.placement() == null ? Placement.builder() : below.placement().toBuilder();
            request.placement(placement.availabilityZone(offer.zone()).build());
        }
        network(request, below, offer, aws);
        if (!aws.keyName().isEmpty()) {
            request.keyName(aws.keyName());
        }
        if (!aws.instanceProfile().isEmpty()) {
            var profile = IamInstanceProfileSpecification.builder();
            request.iamInstanceProfile((aws.instanceProfile().startsWith("arn:") ? profile.arn(aws.instanceProfile())
                    : profile.name(aws.instanceProfile())).build());
        }
        if (aws.detailedMonitoring()) {
            request.monitoring(monitoring -> monitoring.enabled(true));
        }
        if (offer.market() == Offer.Market.SPOT) {
            request.instanceMarketOptions(market -> market.marketType(MarketType.SPOT).spotOptions(spot -> {
                spot.spotInstanceType(SpotInstanceType.ONE_TIME).instanceInterruptionBehavior(InstanceInterruptionBehavior.TERMINATE);
                if (batch.maxPriceMicros() > 0) {
                    spot.maxPrice(BigDecimal.valueOf(batch.maxPriceMicros(), 6).stripTrailingZeros().toPlainString());
                }
            }));
        }
        var disks = disks(settings.disks(), below, image);
        if (!disks.isEmpty()) {
            request.blockDeviceMappings(disks);
        }
        return withRole(batch, request.build());
    }

    /** Secrets that a machine reads itself need one. Whether a launch template has one is not seen here. */
    private static RunInstancesRequest withRole(MachineBatch batch, RunInstancesRequest request) throws ProviderException {
        if (batch.boot().fetches() && request.iamInstanceProfile() == null && request.launchTemplate() == null) {
            throw new ProviderException(FailureKind.INVALID_SPEC, "NoInstanceProfile", "these machines read secrets from AWS's stores and have no role that"
                    + " lets them; name an instance profile in aws.instanceProfile, or put the secrets themselves into the secrets folder");
        }
        return request;
    }

    private String userData(MachineBatch batch) throws ProviderException {
        try {
            return Base64.getEncoder().encodeToString(BootScript.render(batch.boot(), BootScript.Cloud.EC2, accounts.endpoint(batch.scope()), MOST_USER_DATA));
        } catch (IllegalArgumentException tooLong) {
            throw new ProviderException(FailureKind.INVALID_SPEC, "UserDataTooLong", tooLong.getMessage());
        }
    }

    private static InstanceMetadataOptionsRequest metadata(RunInstancesRequest below) {
        var options = below.metadataOptions() == null ? InstanceMetadataOptionsRequest.builder() : below.metadataOptions().toBuilder();
        return options.httpEndpoint(InstanceMetadataEndpointState.ENABLED).httpTokens(HttpTokensState.REQUIRED).httpPutResponseHopLimit(METADATA_HOPS)
                .instanceMetadataTags(InstanceMetadataTagsState.ENABLED).build();
    }

    private static LaunchTemplateSpecification template(LaunchSettings.Aws aws) {
        var template = LaunchTemplateSpecification.builder();
        if (aws.template().startsWith("lt-")) {
            template.launchTemplateId(aws.template());
        } else {
            template.launchTemplateName(aws.template());
        }
        if (!aws.templateVersion().isEmpty()) {
            template.version(aws.templateVersion());
        }
        return template.build();
    }

    private List<TagSpecification> tags(MachineBatch batch, LaunchSettings.Aws aws, RunInstancesRequest below) throws ProviderException {
        var byResource = new LinkedHashMap<String, Map<String, String>>();
        byResource.put(ResourceType.INSTANCE.toString(), new LinkedHashMap<>());
        for (var resource : aws.tagResources().isEmpty() ? List.of(ResourceType.VOLUME.toString()) : aws.tagResources()) {
            // EC2 refuses to tag a request that there isn't.
            if (!resource.equals(ResourceType.SPOT_INSTANCES_REQUEST.toString()) || batch.offer().market() == Offer.Market.SPOT) {
                byResource.put(resource, new LinkedHashMap<>());
            }
        }
        var ours = Ec2Tags.map(Ec2Tags.ofBatch(installation, batch));
        var named = List.copyOf(byResource.keySet());
        below.tagSpecifications().forEach(specification -> byResource.computeIfAbsent(specification.resourceTypeAsString(), other -> new LinkedHashMap<>())
                .putAll(Ec2Tags.map(specification.tags())));
        named.forEach(resource -> byResource.get(resource).putAll(ours));
        return byResource.entrySet().stream()
                .map(entry -> TagSpecification.builder().resourceType(entry.getKey()).tags(Ec2Tags.of(entry.getValue())).build()).toList();
    }

    private static void network(RunInstancesRequest.Builder request, RunInstancesRequest below, Offer offer, LaunchSettings.Aws aws) {
        if (aws.publicIp().isEmpty() && below.networkInterfaces().isEmpty()) {
            if (!offer.subnet().isEmpty()) {
                request.subnetId(offer.subnet());
            }
            if (!aws.securityGroups().isEmpty()) {
                request.securityGroupIds(aws.securityGroups());
            }
            return;
        }
        // EC2 takes the wish for an address only with a network interface, and the rest of the network only there then.
        var groups = aws.securityGroups().isEmpty() ? below.securityGroupIds() : aws.securityGroups();
        var interfaces = new ArrayList<InstanceNetworkInterfaceSpecification>();
        for (var network : below.networkInterfaces().isEmpty() ? List.of(InstanceNetworkInterfaceSpecification.builder().deviceIndex(0).build())
                : below.networkInterfaces()) {
            var ours = network.toBuilder();
            // One that is there already has its subnet and its groups.
            if (network.networkInterfaceId() == null) {
                if (!offer.subnet().isEmpty()) {
                    ours.subnetId(offer.subnet());
                }
                if (!groups.isEmpty()) {
                    ours.groups(groups);
                }
            }
            if (interfaces.isEmpty()) {
                aws.publicIp().ifPresent(ours::associatePublicIpAddress);
            }
            interfaces.add(ours.build());
        }
        request.networkInterfaces(interfaces).securityGroupIds((java.util.Collection<String>) null);
    }

    private static List<BlockDeviceMapping> disks(List<LaunchSettings.Disk> disks, RunInstancesRequest below, Optional<Images.Image> image) throws ProviderException {
        var byDevice = new LinkedHashMap<String, BlockDeviceMapping>();
        below.blockDeviceMappings().forEach(mapping -> byDevice.put(mapping.deviceName(), mapping.ebs() == null ? mapping
                : mapping.toBuilder().ebs(kept(mapping.ebs().toBuilder()).build()).build()));
        for (var disk : disks) {
            var device = disk.device().isEmpty() ? rootDevice(image) : disk.device();
            var there = byDevice.get(device);
            var volume = kept(there == null || there.ebs() == null ? EbsBlockDevice.builder() : there.ebs().toBuilder());
            if (!disk.type().isEmpty() || there == null || there.ebs() == null || there.ebs().volumeType() == null) {
                volume.volumeType(disk.type().isEmpty() ? USUAL_DISK : disk.type());
            }
            if (disk.gib() > 0) {
                volume.volumeSize(disk.gib());
            }
            if (disk.iops() > 0) {
                volume.iops(disk.iops());
            }
            if (disk.throughput() > 0) {
                volume.throughput(disk.throughput());
            }
            if (!disk.kmsKey().isEmpty()) {
                volume.kmsKeyId(disk.kmsKey());
            }
            if (!disk.snapshot().isEmpty()) {
                volume.snapshotId(disk.snapshot());
            }
            byDevice.put(device, BlockDeviceMapping.builder().deviceName(device).ebs(volume.build()).build());
        }
        return List.copyOf(byDevice.values());
    }

    /** Encrypted always; it ends with its machine unless the launch spec says otherwise. */
    private static EbsBlockDevice.Builder kept(EbsBlockDevice.Builder volume) {
        if (volume.build().deleteOnTermination() == null) {
            volume.deleteOnTermination(true);
        }
        return volume.encrypted(true);
    }

    private static String rootDevice(Optional<Images.Image> image) throws ProviderException {
        if (image.isEmpty()) {
            throw new ProviderException(FailureKind.INVALID_SPEC, "NoDevice", "a disk names no device, and the launch template's image is not looked up; name the disk's device");
        }
        return image.get().rootDevice();
    }
}
