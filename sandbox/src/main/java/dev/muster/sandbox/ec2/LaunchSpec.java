package dev.muster.sandbox.ec2;

import dev.muster.sandbox.ec2.Ec2Config.Image;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What one RunInstances call asks for, read and checked against everything that doesn't depend on the moment.
 *
 * @param zone null if EC2 may choose
 * @param subnet the one asked for, or null for the chosen zone's default
 * @param clientToken null if there was none
 * @param fingerprint of all parameters but the token: what "the same request" means
 * @param userData decoded, empty if there was none
 * @param maxPrice dollars an hour; null on demand, or if the caller set none
 * @param profile ARN of the instance profile, or null
 */
record LaunchSpec(Image image, InstanceType type, int min, int max, Geography.Zone zone, String subnet, String clientToken, String fingerprint,
        byte[] userData, boolean spot, BigDecimal maxPrice, boolean terminateOnShutdown, boolean terminationProtected, String keyName, String profile,
        boolean monitored, boolean ebsOptimized, List<String> securityGroups, List<Volume> volumes, MetadataOptions metadata,
        SortedMap<String, String> instanceTags, SortedMap<String, String> volumeTags) {

    /** EC2's limit, before base64. */
    static final int MAX_USER_DATA = 16_384;
    /** Of the snapshot behind every image's root volume. */
    static final int IMAGE_GIB = 8;

    private static final Set<String> KNOWN = Set.of("ImageId", "InstanceType", "MinCount", "MaxCount", "KeyName", "SecurityGroupId", "SubnetId",
            "UserData", "ClientToken", "TagSpecification", "MetadataOptions", "InstanceMarketOptions", "InstanceInitiatedShutdownBehavior",
            "BlockDeviceMapping", "Placement", "NetworkInterface", "IamInstanceProfile", "Monitoring", "EbsOptimized", "DisableApiTermination",
            "CreditSpecification", "MaintenanceOptions");
    private static final Set<String> NOT_SIMULATED = Set.of("SecurityGroup", "Ipv6AddressCount", "Ipv6Address", "KernelId", "RamdiskId",
            "ElasticGpuSpecification", "ElasticInferenceAccelerator", "CpuOptions", "CapacityReservationSpecification", "HibernationOptions",
            "LicenseSpecification", "EnclaveOptions", "PrivateDnsNameOptions", "DisableApiStop", "EnablePrimaryIpv6", "NetworkPerformanceOptions",
            "Operator", "SecondaryInterface", "PrivateIpAddress", "AdditionalInfo");
    private static final Set<String> TAGGABLE = Set.of("instance", "volume", "network-interface", "spot-instances-request");

    /** @param sizeGib in GiB */
    record Volume(String device, int sizeGib, String type, boolean deleteOnTermination) {
    }

    /** @param tokensRequired only version 2 of the metadata service answers */
    record MetadataOptions(boolean tokensRequired, int hopLimit, boolean enabled, boolean tags) {

        static MetadataOptions of(Call call) {
            int hops = call.integer("HttpPutResponseHopLimit").orElse(1);
            if (hops < 1 || hops > 64) {
                throw Refusal.invalidValue("Value (" + hops + ") for parameter MetadataOptions.HttpPutResponseHopLimit is invalid. Allowed: 1 to 64");
            }
            call.oneOf("HttpProtocolIpv6", "disabled", "disabled", "enabled");
            return new MetadataOptions(call.oneOf("HttpTokens", "optional", "optional", "required").equals("required"), hops,
                    call.oneOf("HttpEndpoint", "enabled", "enabled", "disabled").equals("enabled"),
                    call.oneOf("InstanceMetadataTags", "disabled", "enabled", "disabled").equals("enabled"));
        }
    }

    String market() {
        return spot ? OfferFilter.SPOT : OfferFilter.ON_DEMAND;
    }

    static LaunchSpec of(Call call, List<Image> images) {
        call.checkNames(KNOWN, NOT_SIMULATED);
        var region = Geography.region(call.scope().region()).orElseThrow();
        int max = call.integer("MaxCount").orElseThrow(() -> Refusal.missing("MaxCount"));
        int min = call.integer("MinCount").orElseThrow(() -> Refusal.missing("MinCount"));
        if (min < 1 || max < 1) {
            throw Refusal.invalidValue("Value (" + Math.min(min, max) + ") for parameter minCount or maxCount is invalid. Both must be at least 1");
        }
        if (max < min) {
            throw Refusal.of("InvalidParameterCombination", "Parameter maxCount (" + max + ") must not be less than minCount (" + min + ")");
        }
        var image = image(call.required("ImageId"), images);
        var typeName = call.text("InstanceType", "m5.large");
        var type = InstanceType.named(typeName);
        if (type == null) {
            throw Refusal.invalidValue("Invalid value '" + typeName + "' for InstanceType.");
        }
        if (!type.architecture().equals(image.architecture())) {
            throw Refusal.invalidValue("The architecture '" + type.architecture() + "' of the specified instance type does not match the architecture '"
                    + image.architecture() + "' of the specified AMI. Specify an instance type and an AMI that have matching architectures, and try again.");
        }
        var interfaces = call.structures("NetworkInterface");
        if (!interfaces.isEmpty() && (call.has("SubnetId") || call.has("SecurityGroupId"))) {
            throw Refusal.of("InvalidParameterCombination",
                    "Network interfaces and an instance-level subnet ID or security groups may not be specified on the same request");
        }
        if (interfaces.size() > 1) {
            throw Refusal.of("UnsupportedOperation", "This stand-in for EC2 simulates one network interface a machine; the request has " + interfaces.size());
        }
        var network = interfaces.isEmpty() ? call : interfaces.get(0);
        var subnet = network.text("SubnetId");
        var groups = groups(network.texts("SecurityGroupId"), region);
        var metadata = MetadataOptions.of(call.structure("MetadataOptions"));
        var tags = tags(call);
        var instanceTags = tags.getOrDefault("instance", new TreeMap<>());
        if (metadata.tags()) {
            Tags.checkMetadataKeys(instanceTags.keySet());
        }
        boolean spot = market(call);
        var spotOptions = call.structure("InstanceMarketOptions.SpotOptions");
        return new LaunchSpec(image, type, min, max, zone(call, region, subnet), subnet, token(call), fingerprint(call), userData(call.text("UserData")), spot,
                spot ? spotOptions.decimal("MaxPrice").orElse(null) : null,
                // A one-time spot request can't be stopped: whatever was asked for, shutting down from inside ends it.
                call.oneOf("InstanceInitiatedShutdownBehavior", "stop", "stop", "terminate").equals("terminate") || spot,
                call.flag("DisableApiTermination", false), call.text("KeyName"), profile(call), call.structure("Monitoring").flag("Enabled", false),
                call.flag("EbsOptimized", false), groups, volumes(call), metadata, instanceTags,
                tags.getOrDefault("volume", new TreeMap<>()));
    }

    private static Image image(String id, List<Image> images) {
        if (!id.matches("ami-([0-9a-f]{8}|[0-9a-f]{17})")) {
            throw Refusal.of("InvalidAMIID.Malformed", "Invalid id: \"" + id + "\" (expecting \"ami-...\")");
        }
        return images.stream().filter(image -> image.id().equals(id)).findFirst()
                .orElseThrow(() -> Refusal.of("InvalidAMIID.NotFound", "The image id '[" + id + "]' does not exist"));
    }

    private static Geography.Zone zone(Call call, Geography.Region region, String subnet) {
        var placement = call.structure("Placement");
        for (var name : List.of("GroupName", "HostId", "HostResourceGroupArn", "GroupId", "PartitionNumber", "Affinity", "SpreadDomain")) {
            if (placement.text(name) != null) {
                throw Refusal.of("UnsupportedOperation", "This stand-in for EC2 does not simulate Placement." + name);
            }
        }
        if (!placement.text("Tenancy", "default").equals("default")) {
            throw Refusal.of("UnsupportedOperation", "This stand-in for EC2 simulates default tenancy only");
        }
        var name = placement.text("AvailabilityZone");
        var zoneId = placement.text("AvailabilityZoneId");
        if (name != null && zoneId != null) {
            throw Refusal.of("InvalidParameterCombination", "The parameters AvailabilityZone and AvailabilityZoneId cannot be used together");
        }
        if (zoneId != null) {
            name = region.zones().stream().filter(zone -> zone.id().equals(zoneId)).map(Geography.Zone::name).findFirst()
                    .orElseThrow(() -> Refusal.invalidValue("Invalid availability zone id: [" + zoneId + "]"));
        }
        Geography.Zone asked = null;
        if (name != null && !name.isEmpty()) {
            var wanted = name;
            asked = region.zone(name).orElseThrow(() -> Refusal.invalidValue("Invalid availability zone: [" + wanted + "]"));
        }
        if (subnet == null) {
            return asked;
        }
        if (!subnet.matches("subnet-([0-9a-f]{8}|[0-9a-f]{17})")) {
            throw Refusal.of("InvalidSubnetID.Malformed", "Invalid id: \"" + subnet + "\" (expecting \"subnet-...\")");
        }
        var of = region.zoneOfSubnet(subnet)
                .orElseThrow(() -> Refusal.of("InvalidSubnetID.NotFound", "The subnet ID '" + subnet + "' does not exist"));
        if (asked != null && !asked.equals(of)) {
            throw Refusal.of("InvalidParameter", "The specified Availability Zone '" + asked.name() + "' does not match the subnet's '" + of.name() + "'");
        }
        return of;
    }

    private static List<String> groups(List<String> asked, Geography.Region region) {
        for (var group : asked) {
            if (!group.matches("sg-([0-9a-f]{8}|[0-9a-f]{17})")) {
                throw Refusal.of("InvalidGroupId.Malformed", "Invalid id: \"" + group + "\" (expecting \"sg-...\")");
            }
            if (!group.equals(region.securityGroup())) {
                throw Refusal.of("InvalidGroup.NotFound", "The security group '" + group + "' does not exist in VPC '" + region.vpc() + "'");
            }
        }
        return asked.isEmpty() ? List.of(region.securityGroup()) : asked;
    }

    private static boolean market(Call call) {
        if (!call.has("InstanceMarketOptions")) {
            return false;
        }
        var options = call.structure("InstanceMarketOptions");
        var market = options.text("MarketType", "spot");
        if (!market.equals("spot")) {
            throw Refusal.of("UnsupportedOperation", "This stand-in for EC2 simulates the spot market only, not InstanceMarketOptions.MarketType=" + market);
        }
        var spot = options.structure("SpotOptions");
        if (!spot.oneOf("SpotInstanceType", "one-time", "one-time", "persistent").equals("one-time")) {
            throw Refusal.of("UnsupportedOperation", "This stand-in for EC2 simulates one-time spot requests only");
        }
        if (!spot.oneOf("InstanceInterruptionBehavior", "terminate", "terminate", "stop", "hibernate").equals("terminate")) {
            throw Refusal.of("InvalidParameterCombination", "A one-time spot request can only be interrupted by termination");
        }
        spot.decimal("MaxPrice").filter(price -> price.signum() <= 0).ifPresent(price -> {
            throw Refusal.invalidValue("Invalid value '" + price + "' for MaxPrice; it must be above 0");
        });
        return true;
    }

    private static String token(Call call) {
        var token = call.text("ClientToken");
        if (token == null || token.isEmpty()) {
            return null;
        }
        if (token.length() > 64 || token.chars().anyMatch(c -> c < 0x20 || c > 0x7e)) {
            throw Refusal.invalidValue("Invalid client token: it must be at most 64 ASCII characters");
        }
        return token;
    }

    private static byte[] userData(String base64) {
        if (base64 == null || base64.isEmpty()) {
            return new byte[0];
        }
        byte[] decoded;
        try {
            decoded = Base64.getMimeDecoder().decode(base64);
            if (!base64.matches("[A-Za-z0-9+/=\\s]*")) {
                throw new IllegalArgumentException("a character outside base64");
            }
        } catch (IllegalArgumentException e) {
            throw Refusal.invalidValue("Invalid BASE64 encoding of user data");
        }
        if (decoded.length > MAX_USER_DATA) {
            throw Refusal.invalidValue("User data is limited to " + MAX_USER_DATA + " bytes");
        }
        return decoded;
    }

    private static String profile(Call call) {
        var profile = call.structure("IamInstanceProfile");
        var arn = profile.text("Arn");
        var name = profile.text("Name");
        if (arn != null && name != null) {
            throw Refusal.of("InvalidParameterCombination", "The parameter 'iamInstanceProfile.name' may not be used in combination with 'iamInstanceProfile.arn'");
        }
        return arn != null || name == null ? arn : "arn:aws:iam::" + call.scope().account() + ":instance-profile/" + name;
    }

    private static List<Volume> volumes(Call call) {
        var volumes = new ArrayList<Volume>();
        for (var mapping : call.structures("BlockDeviceMapping")) {
            var device = mapping.required("DeviceName");
            if (mapping.has("NoDevice") || mapping.has("VirtualName")) {
                continue;
            }
            var ebs = mapping.structure("Ebs");
            int size = ebs.integer("VolumeSize").orElse(IMAGE_GIB);
            if (size < 1 || size > 65_536) {
                throw Refusal.invalidValue("Volume of " + size + "GiB is out of range: it must be 1 to 65536 GiB");
            }
            if (device.equals(Instance.ROOT_DEVICE) && size < IMAGE_GIB) {
                throw Refusal.of("InvalidBlockDeviceMapping", "Volume of size " + size + "GB is smaller than snapshot, expect size >= " + IMAGE_GIB + "GB");
            }
            volumes.add(new Volume(device, size, ebs.oneOf("VolumeType", "gp2", "standard", "io1", "io2", "gp2", "sc1", "st1", "gp3"),
                    ebs.flag("DeleteOnTermination", true)));
        }
        if (volumes.stream().noneMatch(volume -> volume.device().equals(Instance.ROOT_DEVICE))) {
            volumes.add(0, new Volume(Instance.ROOT_DEVICE, IMAGE_GIB, "gp2", true));
        }
        if (volumes.stream().map(Volume::device).distinct().count() < volumes.size()) {
            throw Refusal.of("InvalidBlockDeviceMapping", "Block device mapping names one device twice");
        }
        return volumes;
    }

    private static Map<String, SortedMap<String, String>> tags(Call call) {
        var byResource = new TreeMap<String, SortedMap<String, String>>();
        for (var specification : call.structures("TagSpecification")) {
            var resource = specification.text("ResourceType");
            if (resource == null || !TAGGABLE.contains(resource)) {
                throw Refusal.invalidValue("'" + resource + "' is not a valid taggable resource type for this operation.");
            }
            var tags = Tags.in(specification);
            if (tags.isEmpty()) {
                throw Refusal.invalidValue("Tag specification must have at least one tag");
            }
            if (byResource.put(resource, tags) != null) {
                throw Refusal.invalidValue("Tag specification resource type '" + resource + "' is given twice");
            }
            Tags.checkCount(tags.size());
        }
        return byResource;
    }

    private static String fingerprint(Call call) {
        try {
            var digest = MessageDigest.getInstance("SHA-256");
            call.parameters().forEach((name, value) -> {
                if (!Set.of("ClientToken", "DryRun").contains(name) && !name.startsWith("X-Amz-")) {
                    digest.update((name.length() + ":" + name + "=" + value.length() + ":" + value + ";").getBytes(StandardCharsets.UTF_8));
                }
            });
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
