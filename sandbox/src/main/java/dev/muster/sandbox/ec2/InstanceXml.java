package dev.muster.sandbox.ec2;

import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;

/** An instance as RunInstances and DescribeInstances write it. */
final class InstanceXml {

    private static final DateTimeFormatter TRANSITION = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss 'GMT'").withZone(ZoneOffset.UTC);

    private InstanceXml() {
    }

    /** The content of a reservation: its id, its owner, and those of its instances that the answer shows. */
    static void writeReservation(Xml xml, String reservation, List<Instance> shown) {
        xml.put("reservationId", reservation).put("ownerId", shown.get(0).scope.account()).list("groupSet", List.of(), (x, none) -> {
        }).list("instancesSet", shown, InstanceXml::write);
    }

    static void tags(Xml xml, Map<String, String> tags) {
        xml.list("tagSet", tags.entrySet(), (x, tag) -> x.put("key", tag.getKey()).put("value", tag.getValue()));
    }

    private static void write(Xml xml, Instance instance) {
        var spec = instance.spec;
        var region = Geography.region(instance.scope.region()).orElseThrow();
        boolean over = instance.state.isOver();
        xml.put("instanceId", instance.id).put("imageId", spec.image().id());
        instance.state.writeTo(xml, "instanceState");
        xml.put("privateDnsName", over ? "" : instance.privateName()).put("dnsName", "").put("reason", transition(instance))
                .put("keyName", spec.keyName()).put("amiLaunchIndex", instance.launchIndex).list("productCodes", List.of(), (x, none) -> {
                }).put("instanceType", spec.type().name()).put("launchTime", instance.started);
        xml.open("placement").put("availabilityZone", instance.zone.name()).put("availabilityZoneId", instance.zone.id()).put("groupName", "")
                .put("tenancy", "default").close("placement");
        xml.open("monitoring").put("state", spec.monitored() ? over ? "disabled" : instance.state == InstanceState.PENDING ? "pending" : "enabled" : "disabled")
                .close("monitoring");
        if (!over) {
            // A terminated instance has left its network and its volumes.
            xml.put("subnetId", instance.subnet()).put("vpcId", region.vpc()).put("privateIpAddress", instance.address).put("sourceDestCheck", true);
            groups(xml, instance);
        } else {
            xml.list("groupSet", List.of(), (x, none) -> {
            });
        }
        if (instance.endReason != null) {
            xml.open("stateReason").put("code", instance.endReason.code()).put("message", instance.endReason.message()).close("stateReason");
        } else if (instance.state == InstanceState.PENDING) {
            xml.open("stateReason").put("code", "pending").put("message", "pending").close("stateReason");
        }
        xml.put("architecture", spec.image().architecture()).put("rootDeviceType", "ebs").put("rootDeviceName", Instance.ROOT_DEVICE);
        volumes(xml, instance, over);
        xml.put("virtualizationType", "hvm").put("clientToken", spec.clientToken() == null ? "" : spec.clientToken());
        if (!instance.tags.isEmpty()) {
            tags(xml, instance.tags);
        }
        // EC2 says xen here for Xen and Nitro alike; DescribeInstanceTypes tells them apart.
        xml.put("hypervisor", "xen");
        networkInterfaces(xml, instance, region, over);
        if (spec.profile() != null) {
            xml.open("iamInstanceProfile").put("arn", spec.profile()).put("id", Geography.id("AIPA", spec.profile()).replace("-0", "").toUpperCase()).close("iamInstanceProfile");
        }
        xml.put("ebsOptimized", spec.ebsOptimized()).put("enaSupport", true);
        if (spec.spot()) {
            xml.put("instanceLifecycle", "spot").put("spotInstanceRequestId", instance.spotRequest);
        }
        xml.open("cpuOptions").put("coreCount", spec.type().cores()).put("threadsPerCore", spec.type().threadsPerCore()).close("cpuOptions");
        xml.open("capacityReservationSpecification").put("capacityReservationPreference", "open").close("capacityReservationSpecification");
        xml.open("hibernationOptions").put("configured", false).close("hibernationOptions");
        xml.open("enclaveOptions").put("enabled", false).close("enclaveOptions");
        var metadata = spec.metadata();
        xml.open("metadataOptions").put("state", instance.state == InstanceState.PENDING ? "pending" : "applied")
                .put("httpTokens", metadata.tokensRequired() ? "required" : "optional").put("httpPutResponseHopLimit", metadata.hopLimit())
                .put("httpEndpoint", metadata.enabled() ? "enabled" : "disabled").put("httpProtocolIpv6", "disabled")
                .put("instanceMetadataTags", metadata.tags() ? "enabled" : "disabled").close("metadataOptions");
        xml.put("platformDetails", "Linux/UNIX").put("usageOperation", "RunInstances").put("usageOperationUpdateTime", instance.launched);
        xml.open("maintenanceOptions").put("autoRecovery", "default").close("maintenanceOptions");
        xml.put("currentInstanceBootMode", "legacy-bios");
    }

    private static String transition(Instance instance) {
        if (instance.endReason == null) {
            return "";
        }
        if (instance.endReason == EndReason.USER && instance.endRequested != null) {
            return "User initiated (" + TRANSITION.format(instance.endRequested) + ")";
        }
        return instance.endReason.message();
    }

    private static void groups(Xml xml, Instance instance) {
        xml.list("groupSet", instance.spec.securityGroups(), (x, group) -> x.put("groupId", group).put("groupName", "default"));
    }

    private static void volumes(Xml xml, Instance instance, boolean over) {
        xml.open("blockDeviceMapping");
        // EC2 attaches volumes while the instance is pending; it answers RunInstances without them.
        if (!over && instance.state != InstanceState.PENDING) {
            for (int i = 0; i < instance.volumeIds.size(); i++) {
                var volume = instance.spec.volumes().get(i);
                xml.open("item").put("deviceName", volume.device()).open("ebs").put("volumeId", instance.volumeIds.get(i)).put("status", "attached")
                        .put("attachTime", instance.launched).put("deleteOnTermination", volume.deleteOnTermination()).close("ebs").close("item");
            }
        }
        xml.close("blockDeviceMapping");
    }

    private static void networkInterfaces(Xml xml, Instance instance, Geography.Region region, boolean over) {
        xml.open("networkInterfaceSet");
        if (!over) {
            xml.open("item").put("networkInterfaceId", Geography.id("eni", instance.id)).put("subnetId", instance.subnet()).put("vpcId", region.vpc())
                    .put("description", "").put("ownerId", instance.scope.account()).put("status", "in-use").put("macAddress", mac(instance))
                    .put("privateIpAddress", instance.address).put("privateDnsName", instance.privateName()).put("sourceDestCheck", true);
            groups(xml, instance);
            xml.open("attachment").put("attachmentId", Geography.id("eni-attach", instance.id)).put("deviceIndex", 0)
                    .put("status", instance.state == InstanceState.PENDING ? "attaching" : "attached").put("attachTime", instance.launched)
                    .put("deleteOnTermination", true).put("networkCardIndex", 0).close("attachment");
            xml.open("privateIpAddressesSet").open("item").put("privateIpAddress", instance.address).put("privateDnsName", instance.privateName())
                    .put("primary", true).close("item").close("privateIpAddressesSet");
            xml.list("ipv6AddressesSet", List.of(), (x, none) -> {
            }).put("interfaceType", "interface").close("item");
        }
        xml.close("networkInterfaceSet");
    }

    /** Locally administered, from the address: unique in a VPC. */
    static String mac(Instance instance) {
        var part = instance.address.split("\\.");
        return String.format("0a:ff:%02x:%02x:%02x:%02x", Integer.parseInt(part[0]), Integer.parseInt(part[1]), Integer.parseInt(part[2]), Integer.parseInt(part[3]));
    }
}
