package dev.muster.sandbox.ec2;

import dev.muster.sandbox.ec2.Ec2Config.Image;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.ToIntBiFunction;

/** The calls that only look: Describe… and GetConsoleOutput. Called under the cloud's lock. */
final class Descriptions {

    /** As an account of Amazon's is called in the owner of its deep-learning images. */
    private static final String AMAZON = "898082745236";
    private static final Set<String> PAGED = Set.of("MaxResults", "NextToken", "Filter");

    private final Ec2Cloud cloud;
    private final Ec2Config config;
    private final Capacity capacity;
    private final Surroundings surroundings;
    private final Filters<Instance> instanceFilters = new Filters<Instance>()
            .on("instance-id", i -> i.id).on("instance-state-name", i -> i.state.text()).on("instance-state-code", i -> i.state.code())
            .on("instance-type", i -> i.spec.type().name()).on("client-token", i -> i.spec.clientToken()).on("availability-zone", i -> i.zone.name())
            .on("availability-zone-id", i -> i.zone.id()).on("image-id", i -> i.spec.image().id()).on("reservation-id", i -> i.reservation)
            .on("owner-id", i -> i.scope.account()).on("instance-lifecycle", i -> i.spec.spot() ? "spot" : null)
            .on("spot-instance-request-id", i -> i.spotRequest).on("architecture", i -> i.spec.image().architecture()).on("hypervisor", i -> "xen")
            .on("launch-index", i -> i.launchIndex).on("launch-time", i -> Xml.time(i.started)).on("key-name", i -> i.spec.keyName())
            .on("subnet-id", i -> i.state.isOver() ? null : i.subnet()).on("vpc-id", i -> i.state.isOver() ? null : region(i.scope.region()).vpc())
            .on("private-ip-address", i -> i.state.isOver() ? null : i.address).on("private-dns-name", i -> i.state.isOver() ? null : i.privateName())
            .on("state-reason-code", i -> i.endReason == null ? null : i.endReason.code()).on("root-device-type", i -> "ebs").on("tenancy", i -> "default")
            .on("metadata-options.http-tokens", i -> i.spec.metadata().tokensRequired() ? "required" : "optional")
            .on("metadata-options.instance-metadata-tags", i -> i.spec.metadata().tags() ? "enabled" : "disabled")
            .onEach("instance.group-id", i -> i.spec.securityGroups()).onTags(i -> i.tags);

    Descriptions(Ec2Cloud cloud, Ec2Config config, Capacity capacity, Surroundings surroundings) {
        this.cloud = cloud;
        this.config = config;
        this.capacity = capacity;
        this.surroundings = surroundings;
    }

    String instances(Call call, Instant now) {
        call.checkNames(with("InstanceId", "IncludeManagedResources"), Set.of());
        checkDryRun(call);
        var page = Page.of(call, chosen(call, instanceFilters, now), i -> i.sequence, 5, 1000);
        var reservations = new LinkedHashMap<String, List<Instance>>();
        page.items().forEach(i -> reservations.computeIfAbsent(i.reservation, fresh -> new ArrayList<>()).add(i));
        return Xml.answerTo("DescribeInstances")
                .list("reservationSet", reservations.entrySet(), (xml, r) -> InstanceXml.writeReservation(xml, r.getKey(), r.getValue()))
                .put("nextToken", page.next()).end("DescribeInstances");
    }

    /** What the call's ids and filters leave, oldest first. */
    private List<Instance> chosen(Call call, Filters<Instance> filters, Instant now) {
        var ids = call.texts("InstanceId");
        if (!ids.isEmpty() && call.has("MaxResults")) {
            throw Refusal.of("InvalidParameterCombination", "The parameter instancesSet cannot be used with the parameter maxResults");
        }
        var all = ids.isEmpty() ? cloud.described(call.scope(), now) : cloud.find(ids, call.scope(), now, true);
        return all.stream().filter(filters.of(call)).sorted(Comparator.comparingLong(i -> i.sequence)).toList();
    }

    String statuses(Call call, Instant now) {
        call.checkNames(with("InstanceId", "IncludeAllInstances"), Set.of());
        checkDryRun(call);
        boolean all = call.flag("IncludeAllInstances", false);
        var filters = new Filters<Instance>().on("availability-zone", i -> i.zone.name()).on("availability-zone-id", i -> i.zone.id())
                .on("instance-state-name", i -> i.state.text()).on("instance-state-code", i -> i.state.code())
                .on("instance-status.status", i -> status(i, now)).on("system-status.status", i -> systemStatus(i, now))
                .on("instance-status.reachability", i -> reachability(i, now)).on("system-status.reachability", i -> i.hasLostPower ? reachability(i, now) : "passed");
        var shown = chosen(call, filters, now).stream().filter(i -> all || i.state == InstanceState.RUNNING).toList();
        var page = Page.of(call, shown, i -> i.sequence, 5, 1000);
        return Xml.answerTo("DescribeInstanceStatus").list("instanceStatusSet", page.items(), (xml, i) -> {
            xml.put("instanceId", i.id).put("availabilityZone", i.zone.name()).put("availabilityZoneId", i.zone.id()).list("eventsSet", List.of(), (x, none) -> {
            });
            i.state.writeTo(xml, "instanceState");
            status(xml, "systemStatus", systemStatus(i, now), i.hasLostPower ? reachability(i, now) : "passed");
            status(xml, "instanceStatus", status(i, now), reachability(i, now));
        }).put("nextToken", page.next()).end("DescribeInstanceStatus");
    }

    private String status(Instance instance, Instant now) {
        return instance.state != InstanceState.RUNNING ? "not-applicable" : cloud.isImpaired(instance, now) ? "impaired" : "ok";
    }

    /** One that fails fails the instance's own check too. */
    private String systemStatus(Instance instance, Instant now) {
        return instance.hasLostPower || instance.state != InstanceState.RUNNING ? status(instance, now) : "ok";
    }

    private String reachability(Instance instance, Instant now) {
        return cloud.isImpaired(instance, now) ? "failed" : "passed";
    }

    private static void status(Xml xml, String element, String status, String reachability) {
        xml.open(element).put("status", status);
        if (!status.equals("not-applicable")) {
            xml.open("details").open("item").put("name", "reachability").put("status", reachability).close("item").close("details");
        }
        xml.close(element);
    }

    String tags(Call call, Instant now) {
        call.checkNames(PAGED, Set.of());
        checkDryRun(call);
        record Tag(String resource, String type, String key, String value) {
        }
        var tags = new ArrayList<Tag>();
        for (var instance : cloud.described(call.scope(), now)) {
            instance.tags.forEach((key, value) -> tags.add(new Tag(instance.id, "instance", key, value)));
            instance.volumeTags.forEach((volume, of) -> of.forEach((key, value) -> tags.add(new Tag(volume, "volume", key, value))));
        }
        var filters = new Filters<Tag>().on("resource-id", Tag::resource).on("resource-type", Tag::type).on("key", Tag::key).on("value", Tag::value)
                .onTags(tag -> Map.of(tag.key(), tag.value())).of(call);
        var page = Page.of(call, tags.stream().filter(filters).toList(), 5, 1000);
        return Xml.answerTo("DescribeTags").list("tagSet", page.items(), (xml, tag) -> xml.put("resourceId", tag.resource()).put("resourceType", tag.type())
                .put("key", tag.key()).put("value", tag.value())).put("nextToken", page.next()).end("DescribeTags");
    }

    String types(Call call) {
        call.checkNames(with("InstanceType"), Set.of());
        checkDryRun(call);
        var types = typesNamed(call);
        var filters = new Filters<InstanceType>().on("instance-type", InstanceType::name).on("current-generation", type -> true).on("bare-metal", type -> false)
                .on("hypervisor", InstanceType::hypervisor).on("vcpu-info.default-vcpus", InstanceType::vcpus)
                .on("memory-info.size-in-mib", InstanceType::memoryMib).on("processor-info.supported-architecture", InstanceType::architecture)
                .onEach("supported-usage-class", type -> List.of("on-demand", "spot")).of(call);
        var page = Page.of(call, types.stream().filter(filters).toList(), 5, 100);
        return Xml.answerTo("DescribeInstanceTypes").list("instanceTypeSet", page.items(), Descriptions::type).put("nextToken", page.next())
                .end("DescribeInstanceTypes");
    }

    private static List<InstanceType> typesNamed(Call call) {
        var names = new LinkedHashSet<>(call.texts("InstanceType"));
        if (names.isEmpty()) {
            return InstanceType.all();
        }
        if (call.has("MaxResults")) {
            throw Refusal.of("InvalidParameterCombination", "The parameter InstanceType cannot be used with the parameter MaxResults");
        }
        var unknown = names.stream().filter(name -> InstanceType.named(name) == null).toList();
        if (!unknown.isEmpty()) {
            throw Refusal.of("InvalidInstanceType", "The following supplied instance types do not exist: [" + String.join(", ", unknown) + "]");
        }
        return names.stream().map(InstanceType::named).toList();
    }

    private static void type(Xml xml, InstanceType type) {
        boolean nitro = type.hypervisor().equals("nitro");
        xml.put("instanceType", type.name()).put("currentGeneration", !List.of("t2", "m4", "p3").contains(type.family())).put("freeTierEligible", type.name().equals("t3.micro"))
                .values("supportedUsageClasses", List.of("on-demand", "spot")).values("supportedRootDeviceTypes", List.of("ebs"))
                .values("supportedVirtualizationTypes", List.of("hvm")).put("bareMetal", false).put("hypervisor", type.hypervisor());
        xml.open("processorInfo").values("supportedArchitectures", List.of(type.architecture())).put("sustainedClockSpeedInGhz", type.ghz()).close("processorInfo");
        xml.open("vCpuInfo").put("defaultVCpus", type.vcpus()).put("defaultCores", type.cores()).put("defaultThreadsPerCore", type.threadsPerCore()).close("vCpuInfo");
        xml.open("memoryInfo").put("sizeInMiB", type.memoryMib()).close("memoryInfo").put("instanceStorageSupported", false);
        xml.open("ebsInfo").put("ebsOptimizedSupport", type.family().equals("t2") ? "unsupported" : "default").put("encryptionSupport", "supported")
                .put("nvmeSupport", nitro ? "required" : "unsupported").close("ebsInfo");
        xml.open("networkInfo").put("networkPerformance", "Up to 10 Gigabit").put("maximumNetworkInterfaces", 4).put("maximumNetworkCards", 1)
                .put("defaultNetworkCardIndex", 0).put("ipv4AddressesPerInterface", 15).put("ipv6AddressesPerInterface", 15).put("ipv6Supported", true)
                .put("enaSupport", nitro ? "required" : type.family().equals("t2") ? "unsupported" : "supported").put("efaSupported", false).close("networkInfo");
        if (type.gpus() != null) {
            var gpus = type.gpus();
            xml.open("gpuInfo").open("gpus").open("item").put("name", gpus.model()).put("manufacturer", gpus.maker()).put("count", gpus.count())
                    .open("memoryInfo").put("sizeInMiB", gpus.memoryMib()).close("memoryInfo").close("item").close("gpus")
                    .put("totalGpuMemoryInMiB", gpus.count() * gpus.memoryMib()).close("gpuInfo");
        }
        xml.open("placementGroupInfo").values("supportedStrategies", List.of("partition", "spread")).close("placementGroupInfo")
                .put("hibernationSupported", false).put("burstablePerformanceSupported", type.family().startsWith("t")).put("dedicatedHostsSupported", false)
                .put("autoRecoverySupported", type.gpus() == null).values("supportedBootModes", List.of("legacy-bios"));
    }

    String offerings(Call call) {
        call.checkNames(with("LocationType"), Set.of());
        checkDryRun(call);
        var region = region(call.scope().region());
        var kind = call.oneOf("LocationType", "region", "region", "availability-zone", "availability-zone-id");
        record Offering(String type, String location) {
        }
        var offerings = new ArrayList<Offering>();
        for (var type : InstanceType.all()) {
            var zones = region.zones().stream().filter(zone -> capacity.offered(type, zone)).toList();
            if (kind.equals("region")) {
                if (!zones.isEmpty()) {
                    offerings.add(new Offering(type.name(), region.name()));
                }
            } else {
                zones.forEach(zone -> offerings.add(new Offering(type.name(), kind.equals("availability-zone") ? zone.name() : zone.id())));
            }
        }
        var filters = new Filters<Offering>().on("instance-type", Offering::type).on("location", Offering::location).of(call);
        var page = Page.of(call, offerings.stream().filter(filters).toList(), 5, 1000);
        return Xml.answerTo("DescribeInstanceTypeOfferings").list("instanceTypeOfferingSet", page.items(),
                (xml, offering) -> xml.put("instanceType", offering.type()).put("locationType", kind).put("location", offering.location()))
                .put("nextToken", page.next()).end("DescribeInstanceTypeOfferings");
    }

    String spotPrices(Call call, Instant now) {
        call.checkNames(with("InstanceType", "ProductDescription", "AvailabilityZone", "AvailabilityZoneId", "StartTime", "EndTime"), Set.of());
        checkDryRun(call);
        record Price(String type, Geography.Zone zone, String product, String dollars, Instant since) {
        }
        var products = call.texts("ProductDescription");
        var start = call.instant("StartTime").orElse(now.minus(Duration.ofDays(1)));
        var end = call.instant("EndTime").orElse(now);
        var zoneName = call.text("AvailabilityZone");
        var zoneId = call.text("AvailabilityZoneId");
        var prices = new ArrayList<Price>();
        for (var type : typesForPrices(call)) {
            for (var zone : region(call.scope().region()).zones()) {
                boolean asked = (zoneName == null || zoneName.equals(zone.name())) && (zoneId == null || zoneId.equals(zone.id()));
                if (!asked || !capacity.offered(type, zone)) {
                    continue;
                }
                // Prices stand still here unless a test moves them. EC2 answers the price in force at StartTime too, which is older than it.
                var since = (start.isAfter(end) ? end : start).minus(Duration.ofHours(1)).truncatedTo(ChronoUnit.HOURS);
                for (var product : List.of("Linux/UNIX")) {
                    if (products.isEmpty() || products.contains(product) || products.contains(product + " (Amazon VPC)")) {
                        prices.add(new Price(type.name(), zone, product, capacity.spotPrice(type, zone.name()).toPlainString(), since));
                    }
                }
            }
        }
        var filters = new Filters<Price>().on("availability-zone", price -> price.zone().name()).on("instance-type", Price::type)
                .on("product-description", Price::product).on("spot-price", Price::dollars).of(call);
        var page = Page.of(call, prices.stream().filter(filters).toList(), 1, 1000);
        return Xml.answerTo("DescribeSpotPriceHistory").list("spotPriceHistorySet", page.items(),
                (xml, price) -> xml.put("instanceType", price.type()).put("productDescription", price.product()).put("spotPrice", price.dollars())
                        .put("timestamp", price.since()).put("availabilityZone", price.zone().name()).put("availabilityZoneId", price.zone().id()))
                .put("nextToken", page.next() == null ? "" : page.next()).end("DescribeSpotPriceHistory");
    }

    /** A type that doesn't exist has no history: EC2 answers nothing for it. */
    private static List<InstanceType> typesForPrices(Call call) {
        var names = call.texts("InstanceType");
        return names.isEmpty() ? InstanceType.all() : InstanceType.all().stream().filter(type -> names.contains(type.name())).toList();
    }

    String subnets(Call call, ToIntBiFunction<Call.Scope, Geography.Zone> free) {
        call.checkNames(with("SubnetId"), Set.of());
        checkDryRun(call);
        var region = region(call.scope().region());
        var zones = named(call, "SubnetId", region.zones(), Geography.Zone::subnet,
                id -> Refusal.of("InvalidSubnetID.NotFound", "The subnet ID '" + id + "' does not exist"));
        var filters = new Filters<Geography.Zone>().on("subnet-id", Geography.Zone::subnet).on("vpc-id", zone -> region.vpc()).on("state", zone -> "available")
                .on("availability-zone", Geography.Zone::name).on("availability-zone-id", Geography.Zone::id).on("default-for-az", zone -> true)
                .on("cidr-block", Geography.Zone::cidr).onTags(zone -> Map.of()).of(call);
        var page = Page.of(call, zones.stream().filter(filters).toList(), 5, 1000);
        var account = call.scope().account();
        return Xml.answerTo("DescribeSubnets").list("subnetSet", page.items(), (xml, zone) -> xml.put("subnetId", zone.subnet())
                .put("subnetArn", "arn:aws:ec2:" + region.name() + ":" + account + ":subnet/" + zone.subnet()).put("state", "available")
                .put("ownerId", account).put("vpcId", region.vpc()).put("cidrBlock", zone.cidr()).put("availableIpAddressCount", free.applyAsInt(call.scope(), zone))
                .put("availabilityZone", zone.name()).put("availabilityZoneId", zone.id()).put("defaultForAz", true).put("mapPublicIpOnLaunch", true)
                .put("assignIpv6AddressOnCreation", false)).put("nextToken", page.next()).end("DescribeSubnets");
    }

    /** A VPC's main table, with a way to an internet gateway; and one of its own for each subnet that has none. */
    String routeTables(Call call) {
        call.checkNames(with("RouteTableId"), Set.of());
        checkDryRun(call);
        record Table(String id, String subnet) {
        }
        var region = region(call.scope().region());
        var all = new ArrayList<Table>();
        all.add(new Table(Geography.id("rtb", region.name()), null));
        region.zones().stream().map(Geography.Zone::subnet).filter(subnet -> !surroundings.leadsOut(subnet))
                .forEach(subnet -> all.add(new Table(Geography.id("rtb", subnet), subnet)));
        var tables = named(call, "RouteTableId", all, Table::id, id -> Refusal.of("InvalidRouteTableID.NotFound", "The routeTable ID '" + id + "' does not exist"));
        var filters = new Filters<Table>().on("route-table-id", Table::id).on("vpc-id", table -> region.vpc()).on("association.main", table -> table.subnet() == null)
                .on("association.subnet-id", Table::subnet).onTags(table -> Map.of()).of(call);
        var page = Page.of(call, tables.stream().filter(filters).toList(), 5, 100);
        return Xml.answerTo("DescribeRouteTables").list("routeTableSet", page.items(), (xml, table) -> xml.put("routeTableId", table.id()).put("vpcId", region.vpc())
                .put("ownerId", call.scope().account())
                .list("routeSet", table.subnet() == null ? List.of("172.31.0.0/16", "0.0.0.0/0") : List.of("172.31.0.0/16"), (x, to) -> x.put("destinationCidrBlock", to)
                        .put("gatewayId", to.equals("0.0.0.0/0") ? Geography.id("igw", region.name()) : "local").put("state", "active")
                        .put("origin", to.equals("0.0.0.0/0") ? "CreateRoute" : "CreateRouteTable"))
                .list("associationSet", List.of(table), (x, of) -> x.put("routeTableAssociationId", Geography.id("rtbassoc", of.id())).put("routeTableId", of.id())
                        .put("subnetId", of.subnet()).put("main", of.subnet() == null).open("associationState").put("state", "associated").close("associationState"))
                .list("propagatingVgwSet", List.of(), (x, none) -> {
                }).list("tagSet", List.of(), (x, none) -> {
                })).put("nextToken", page.next()).end("DescribeRouteTables");
    }

    /** Those that the call names. Others are there, too, but nobody knows their names. */
    String keyPairs(Call call) {
        call.checkNames(Set.of("KeyName", "KeyPairId", "Filter", "IncludePublicKey"), Set.of("KeyPairId", "IncludePublicKey"));
        checkDryRun(call);
        var names = call.texts("KeyName");
        names.stream().filter(name -> !surroundings.has(Surroundings.Kind.KEY_PAIR, name)).findFirst().ifPresent(name -> {
            throw Surroundings.noKeyPair(name);
        });
        var filters = new Filters<String>().on("key-name", name -> name).onTags(name -> Map.of()).of(call);
        return Xml.answerTo("DescribeKeyPairs").list("keySet", names.stream().filter(filters).toList(), (xml, name) -> xml.put("keyPairId", Geography.id("key", name))
                .put("keyType", "ed25519").list("tagSet", List.of(), (x, none) -> {
                }).put("createTime", "2026-01-01T00:00:00.000Z").put("keyName", name).put("keyFingerprint", "1f:51:ae:28")).end("DescribeKeyPairs");
    }

    String encryptedByDefault(Call call) {
        call.checkNames(Set.of(), Set.of());
        checkDryRun(call);
        return Xml.answerTo("GetEbsEncryptionByDefault").put("ebsEncryptionByDefault", surroundings.volumeKey() != Surroundings.VolumeKey.MANAGED).put("sseType", "sse-kms")
                .end("GetEbsEncryptionByDefault");
    }

    String volumeKey(Call call, String key) {
        call.checkNames(Set.of(), Set.of());
        checkDryRun(call);
        return Xml.answerTo("GetEbsDefaultKmsKeyId").put("kmsKeyId", key).end("GetEbsDefaultKmsKeyId");
    }

    String vpcs(Call call) {
        call.checkNames(with("VpcId"), Set.of());
        checkDryRun(call);
        var regions = named(call, "VpcId", List.of(region(call.scope().region())), Geography.Region::vpc,
                id -> Refusal.of("InvalidVpcID.NotFound", "The vpc ID '" + id + "' does not exist"));
        var filters = new Filters<Geography.Region>().on("vpc-id", Geography.Region::vpc).on("is-default", region -> true).on("isDefault", region -> true)
                .on("state", region -> "available").onTags(region -> Map.of()).of(call);
        return Xml.answerTo("DescribeVpcs").list("vpcSet", regions.stream().filter(filters).toList(), (xml, region) -> xml.put("vpcId", region.vpc())
                .put("ownerId", call.scope().account()).put("state", "available").put("cidrBlock", "172.31.0.0/16").put("dhcpOptionsId", Geography.id("dopt", region.name()))
                .put("instanceTenancy", "default").put("isDefault", true)).end("DescribeVpcs");
    }

    String securityGroups(Call call) {
        call.checkNames(with("GroupId", "GroupName"), Set.of());
        checkDryRun(call);
        var regions = named(call, "GroupId", List.of(region(call.scope().region())), Geography.Region::securityGroup,
                id -> Refusal.of("InvalidGroup.NotFound", "The security group '" + id + "' does not exist"));
        var filters = new Filters<Geography.Region>().on("group-id", Geography.Region::securityGroup).on("group-name", region -> "default")
                .on("vpc-id", Geography.Region::vpc).onTags(region -> Map.of()).of(call);
        return Xml.answerTo("DescribeSecurityGroups").list("securityGroupInfo", regions.stream().filter(filters).toList(), (xml, region) -> xml
                .put("ownerId", call.scope().account()).put("groupId", region.securityGroup()).put("groupName", "default")
                .put("groupDescription", "default VPC security group").put("vpcId", region.vpc()).list("ipPermissions", List.of(), (x, none) -> {
                }).list("ipPermissionsEgress", List.of("-1"), (x, protocol) -> x.put("ipProtocol", protocol).list("ipRanges", List.of("0.0.0.0/0"), (y, cidr) -> y.put("cidrIp", cidr))))
                .end("DescribeSecurityGroups");
    }

    String zones(Call call) {
        call.checkNames(Set.of("ZoneName", "ZoneId", "Filter", "AllAvailabilityZones"), Set.of());
        checkDryRun(call);
        var region = region(call.scope().region());
        var zones = named(call, "ZoneName", region.zones(), Geography.Zone::name,
                name -> Refusal.invalidValue("Invalid availability zone: [" + name + "]"));
        var ids = call.texts("ZoneId");
        var filters = new Filters<Geography.Zone>().on("zone-name", Geography.Zone::name).on("zone-id", Geography.Zone::id).on("region-name", Geography.Zone::region)
                .on("state", zone -> "available").on("zone-type", zone -> "availability-zone").on("opt-in-status", zone -> "opt-in-not-required").of(call);
        return Xml.answerTo("DescribeAvailabilityZones").list("availabilityZoneInfo",
                zones.stream().filter(filters).filter(zone -> ids.isEmpty() || ids.contains(zone.id())).toList(),
                (xml, zone) -> xml.put("zoneName", zone.name()).put("zoneState", "available").put("regionName", region.name()).put("zoneId", zone.id())
                        .put("zoneType", "availability-zone").put("optInStatus", "opt-in-not-required").put("groupName", region.name() + "-zg-1")
                        .put("networkBorderGroup", region.name()).list("messageSet", List.of(), (x, none) -> {
                        })).end("DescribeAvailabilityZones");
    }

    String regions(Call call) {
        call.checkNames(Set.of("RegionName", "Filter", "AllRegions"), Set.of());
        checkDryRun(call);
        var regions = named(call, "RegionName", Geography.regions(), Geography.Region::name,
                name -> Refusal.invalidValue("Invalid region: [" + name + "]"));
        var filters = new Filters<Geography.Region>().on("region-name", Geography.Region::name).on("opt-in-status", region -> "opt-in-not-required")
                .on("endpoint", region -> "ec2." + region.name() + ".amazonaws.com").of(call);
        return Xml.answerTo("DescribeRegions").list("regionInfo", regions.stream().filter(filters).toList(), (xml, region) -> xml.put("regionName", region.name())
                .put("regionEndpoint", "ec2." + region.name() + ".amazonaws.com").put("optInStatus", "opt-in-not-required")).end("DescribeRegions");
    }

    String images(Call call) {
        call.checkNames(with("ImageId", "Owner", "ExecutableBy", "IncludeDeprecated", "IncludeDisabled"), Set.of());
        checkDryRun(call);
        var owners = call.texts("Owner");
        var images = named(call, "ImageId", config.images(), Image::id,
                id -> Refusal.of("InvalidAMIID.NotFound", "The image id '[" + id + "]' does not exist"));
        var account = call.scope().account();
        var filters = new Filters<Image>().on("image-id", Image::id).on("name", Image::name).on("architecture", Image::architecture).on("state", image -> "available")
                .on("is-public", image -> true).on("owner-id", image -> owner(image, account)).on("root-device-type", image -> image.ebs() ? "ebs" : "instance-store").on("virtualization-type", image -> "hvm")
                .onTags(image -> Map.of()).of(call);
        var shown = images.stream().filter(filters).filter(image -> owners.isEmpty() || owners.contains(owner(image, account))
                || owners.contains(image.amazons() ? "amazon" : "self")).toList();
        var page = Page.of(call, shown, 1, 1000);
        return Xml.answerTo("DescribeImages").list("imagesSet", page.items(), (xml, image) -> xml.put("imageId", image.id()).put("imageLocation", account + "/" + image.name())
                .put("imageState", "available").put("imageOwnerId", owner(image, account)).put("creationDate", image.created()).put("isPublic", true)
                .put("architecture", image.architecture()).put("imageType", "machine").put("enaSupport", true).put("name", image.name())
                .put("rootDeviceType", image.ebs() ? "ebs" : "instance-store").put("rootDeviceName", Instance.ROOT_DEVICE)
                .list("blockDeviceMapping", List.of(Instance.ROOT_DEVICE), (x, device) -> x.put("deviceName", device).open("ebs").put("deleteOnTermination", true)
                        .put("snapshotId", Geography.id("snap", image.id())).put("volumeSize", LaunchSpec.IMAGE_GIB).put("volumeType", "gp2").put("encrypted", false).close("ebs"))
                .put("virtualizationType", "hvm").put("hypervisor", "xen").put("platformDetails", "Linux/UNIX").put("usageOperation", "RunInstances"))
                .put("nextToken", page.next()).end("DescribeImages");
    }

    private static String owner(Image image, String account) {
        return image.amazons() ? AMAZON : account;
    }

    String console(Call call, Instant now) {
        call.checkNames(Set.of("InstanceId", "Latest"), Set.of());
        checkDryRun(call);
        var instance = cloud.find(List.of(call.required("InstanceId")), call.scope(), now, false).get(0);
        var output = instance.console();
        return Xml.answerTo("GetConsoleOutput").put("instanceId", instance.id)
                .put("timestamp", instance.consoleWritten == null ? instance.launched : instance.consoleWritten)
                .put("output", output.isEmpty() ? null : Base64.getEncoder().encodeToString(output.getBytes(StandardCharsets.UTF_8)))
                .end("GetConsoleOutput");
    }

    /** All of {@code known}, or those that the list parameter names, in its order; an unknown name is refused. */
    private static <T> List<T> named(Call call, String parameter, List<T> known, Function<T, String> name, Function<String, Refusal> refusal) {
        var asked = new LinkedHashSet<>(call.texts(parameter));
        if (asked.isEmpty()) {
            return known;
        }
        var byName = new TreeMap<String, T>();
        known.forEach(item -> byName.put(name.apply(item), item));
        return asked.stream().map(wanted -> {
            if (!byName.containsKey(wanted)) {
                throw refusal.apply(wanted);
            }
            return byName.get(wanted);
        }).toList();
    }

    private static void checkDryRun(Call call) {
        if (call.dryRun()) {
            throw Ec2Cloud.wouldSucceed();
        }
    }

    private static Set<String> with(String... names) {
        var all = new LinkedHashSet<>(PAGED);
        all.addAll(List.of(names));
        return all;
    }

    private static Geography.Region region(String name) {
        return Geography.region(name).orElseThrow();
    }
}
