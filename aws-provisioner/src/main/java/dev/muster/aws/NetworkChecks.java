package dev.muster.aws;

import static dev.muster.aws.DoctorCheck.ADDRESSES;
import static dev.muster.aws.DoctorCheck.ROUTE;
import static dev.muster.aws.DoctorCheck.SECURITY_GROUPS;
import static dev.muster.aws.DoctorCheck.SUBNET;

import dev.muster.provisioner.doctor.Findings.About;
import dev.muster.provisioner.doctor.Findings;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import software.amazon.awssdk.services.ec2.Ec2Client;
import software.amazon.awssdk.services.ec2.model.Filter;
import software.amazon.awssdk.services.ec2.model.Route;
import software.amazon.awssdk.services.ec2.model.RouteState;
import software.amazon.awssdk.services.ec2.model.RouteTable;
import software.amazon.awssdk.services.ec2.model.SecurityGroup;
import software.amazon.awssdk.services.ec2.model.Subnet;

/** Where machines would be, and whether they get out from there: subnets, their addresses and routes, and security groups. Used by one thread. */
final class NetworkChecks {

    private static final String EVERYWHERE = "0.0.0.0/0";

    private final Ec2Client ec2;
    private final Findings findings;
    private final Map<Use, List<Subnet>> subnets = new HashMap<>();

    NetworkChecks(Ec2Client ec2, Findings findings) {
        this.ec2 = ec2;
        this.findings = findings;
    }

    void examine(List<Use> uses) {
        var places = new LinkedHashMap<String, List<Use>>();
        uses.forEach(use -> places.computeIfAbsent(place(use), none -> new ArrayList<>()).add(use));
        places.forEach(this::place);
        uses.stream().flatMap(use -> use.securityGroups().stream()).distinct().forEach(
                group -> group(group, uses.stream().filter(use -> use.securityGroups().contains(group)).toList()));
    }

    /** Zones in which the use's machines may be; empty if that isn't known, or is EC2's to choose. */
    List<String> zones(Use use) {
        return use.batch.offer().zone().isEmpty() ? subnets.getOrDefault(use, List.of()).stream().map(Subnet::availabilityZone).toList()
                : List.of(use.batch.offer().zone());
    }

    private static String place(Use use) {
        var zone = use.batch.offer().zone();
        if (use.subnet().isEmpty()) {
            return use.byTemplate() ? "" : zone.isEmpty() ? "default" : "default of " + zone;
        }
        return use.subnet();
    }

    private void place(String place, List<Use> uses) {
        if (place.isEmpty()) {
            uses.forEach(use -> findings.ok(use.look(SUBNET, use.poolName()), "is left to the launch template"));
            return;
        }
        uses.forEach(use -> Stream.of(SUBNET, ADDRESSES, ROUTE).forEach(check -> use.look(check, place)));
        var about = new About(SUBNET, place);
        var first = uses.get(0);
        var read = DoctorReads.read(findings, List.of(about), "ec2:DescribeSubnets", () -> ec2.describeSubnets(asked -> asked.filters(which(first))).subnets());
        if (read.isEmpty() || !found(about, read.get(), uses)) {
            findings.skipped(new About(ADDRESSES, place), SUBNET);
            findings.skipped(new About(ROUTE, place), SUBNET);
            return;
        }
        uses.forEach(use -> subnets.put(use, read.get()));
        addresses(place, read.get(), uses);
        read.get().forEach(subnet -> route(new About(ROUTE, place), subnet, uses));
    }

    private static List<Filter> which(Use use) {
        if (!use.subnet().isEmpty()) {
            return List.of(filter("subnet-id", use.subnet()));
        }
        var zone = use.batch.offer().zone();
        return zone.isEmpty() ? List.of(filter("default-for-az", "true")) : List.of(filter("default-for-az", "true"), filter("availability-zone", zone));
    }

    private boolean found(About about, List<Subnet> there, List<Use> uses) {
        if (there.isEmpty()) {
            if (uses.get(0).subnet().isEmpty()) {
                findings.failed(about, "there is none", "name a subnet in the offer, or make a default one: aws ec2 create-default-subnet --availability-zone …");
            } else {
                findings.failed(about, "is not there in " + uses.get(0).batch.scope().region(), "correct the subnet of the offer, or its region");
            }
            return false;
        }
        for (var use : uses) {
            var zone = use.batch.offer().zone();
            if (!zone.isEmpty() && there.stream().noneMatch(subnet -> zone.equals(subnet.availabilityZone()))) {
                findings.failed(about, "is in " + there.get(0).availabilityZone() + ", and an offer of " + use.poolName() + " says " + zone,
                        "let the offer name the subnet alone, or one of that zone");
                return false;
            }
        }
        findings.ok(about, there.stream().map(subnet -> subnet.cidrBlock() + " in " + subnet.availabilityZone()).collect(Collectors.joining(", ")));
        return true;
    }

    private void addresses(String place, List<Subnet> there, List<Use> uses) {
        var about = new About(ADDRESSES, place);
        int free = there.stream().mapToInt(subnet -> subnet.availableIpAddressCount() == null ? 0 : subnet.availableIpAddressCount()).sum();
        int most = uses.stream().collect(Collectors.toMap(Use::poolName, use -> use.pool.getLimits().getMax(), Math::max)).values().stream()
                .mapToInt(Integer::intValue).sum();
        var fix = "make the subnet larger, end what is not needed there, or offer another one";
        if (free == 0) {
            findings.failed(about, "none is free", fix);
        } else if (free < most) {
            findings.warning(about, free + " free, and its pools may have " + most + " machines", fix);
        } else {
            findings.ok(about, free + " free, for at most " + most + " machines");
        }
    }

    private void route(About about, Subnet subnet, List<Use> uses) {
        var tables = DoctorReads.read(findings, List.of(about), "ec2:DescribeRouteTables", () -> {
            var own = ec2.describeRouteTables(asked -> asked.filters(filter("association.subnet-id", subnet.subnetId()))).routeTables();
            return own.isEmpty()
                    ? ec2.describeRouteTables(asked -> asked.filters(filter("vpc-id", subnet.vpcId()), filter("association.main", "true"))).routeTables() : own;
        });
        tables.ifPresent(all -> way(about, subnet, all.stream().findFirst(), uses));
    }

    private void way(About about, Subnet subnet, Optional<RouteTable> table, List<Use> uses) {
        var out = table.stream().flatMap(one -> one.routes().stream()).filter(route -> EVERYWHERE.equals(route.destinationCidrBlock())).findFirst();
        if (out.isEmpty() || out.get().state() == RouteState.BLACKHOLE) {
            findings.failed(about, out.isEmpty() ? "no route leads out of " + subnet.subnetId()
                    : "what the route out of " + subnet.subnetId() + " leads to is gone: " + by(out.get()), "route " + EVERYWHERE + " to a NAT gateway or, with public addresses, an internet gateway;"
                    + " nothing where ClearML, packages and images are all inside the VPC");
            return;
        }
        var by = by(out.get());
        var hidden = uses.stream().filter(use -> !use.publicIp().orElse(Boolean.TRUE.equals(subnet.mapPublicIpOnLaunch()))).findFirst();
        if (by.startsWith("igw-") && hidden.isPresent()) {
            findings.failed(about, "leads through " + by + ", and machines of " + hidden.get().poolName() + " have no public address: they have no way to ClearML",
                    "set aws.publicIp: true in the pool, or route " + EVERYWHERE + " to a NAT gateway");
        } else {
            findings.ok(about, "leads through " + by);
        }
    }

    private static String by(Route route) {
        return Stream.<Function<Route, String>>of(Route::natGatewayId, Route::transitGatewayId, Route::networkInterfaceId, Route::vpcPeeringConnectionId,
                Route::instanceId, Route::localGatewayId, Route::carrierGatewayId, Route::gatewayId).map(one -> one.apply(route)).filter(id -> id != null && !id.isEmpty())
                .findFirst().orElse("something else");
    }

    private void group(String group, List<Use> uses) {
        uses.forEach(use -> use.look(SECURITY_GROUPS, group));
        var about = new About(SECURITY_GROUPS, group);
        DoctorReads.read(findings, List.of(about), "ec2:DescribeSecurityGroups",
                () -> ec2.describeSecurityGroups(asked -> asked.filters(filter("group-id", group))).securityGroups()).ifPresent(there -> group(about, there.stream().findFirst(), uses));
    }

    private void group(About about, Optional<SecurityGroup> there, List<Use> uses) {
        if (there.isEmpty()) {
            findings.failed(about, "is not there in " + uses.get(0).batch.scope().region(), "correct aws.securityGroups of the pool");
            return;
        }
        var vpc = there.get().vpcId();
        for (var use : uses) {
            var other = subnets.getOrDefault(use, List.of()).stream().map(Subnet::vpcId).filter(id -> !id.equals(vpc)).findFirst();
            if (other.isPresent()) {
                findings.failed(about, "is in " + vpc + ", and the subnet of " + use.poolName() + " in " + other.get(), "name a group and a subnet of one VPC");
                return;
            }
        }
        findings.ok(about, there.get().groupName() + " in " + vpc);
    }

    private static Filter filter(String name, String value) {
        return Filter.builder().name(name).values(value).build();
    }
}
