package dev.muster.gcp;

import static dev.muster.gcp.DoctorCheck.ADDRESSES;
import static dev.muster.gcp.DoctorCheck.FIREWALL;
import static dev.muster.gcp.DoctorCheck.ROUTE;
import static dev.muster.gcp.DoctorCheck.SUBNET;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.cloud.compute.v1.NetworkInterface;
import dev.muster.provisioner.doctor.Findings;
import dev.muster.provisioner.doctor.Findings.About;
import dev.muster.provisioner.doctor.Growth;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.stream.StreamSupport;

/** Where machines are, and how they get out of it. Used by one thread. */
final class NetworkChecks {

    private static final String EVERYWHERE = "0.0.0.0/0";

    private final DoctorCalls calls;
    private final Findings findings;
    private final String region;

    NetworkChecks(DoctorCalls calls, Findings findings, String region) {
        this.calls = calls;
        this.findings = findings;
        this.region = region;
    }

    void examine(List<Use> uses) {
        var byPlace = new LinkedHashMap<String, List<Use>>();
        for (var use : uses) {
            if (use.network().isPresent()) {
                byPlace.computeIfAbsent(place(use.network().get()), none -> new ArrayList<>()).add(use);
            } else {
                List.of(SUBNET, ADDRESSES, ROUTE, FIREWALL).forEach(check -> findings.ok(new About(check, use.poolName()), "is left to the instance template"));
            }
        }
        byPlace.forEach(this::place);
    }

    /** The subnet's path, else the network's. */
    private static String place(NetworkInterface network) {
        return network.getSubnetwork().isEmpty() ? network.getNetwork() : network.getSubnetwork();
    }

    private void place(String place, List<Use> uses) {
        var about = new About(SUBNET, GceNames.last(place));
        var subnet = place.contains("/subnetworks/") ? subnet(about, place, uses) : ofNetwork(about, place, uses);
        if (subnet.isEmpty()) {
            List.of(ADDRESSES, ROUTE, FIREWALL).forEach(check -> findings.skipped(new About(check, about.of()), SUBNET));
            return;
        }
        findings.ok(about, subnet.get().path("ipCidrRange").asText() + " of " + GceNames.last(subnet.get().path("network").asText()));
        addresses(new About(ADDRESSES, about.of()), subnet.get(), uses);
        if (GcePermissions.isForeign(subnet.get().path("network").asText(), calls.project())) {
            List.of(ROUTE, FIREWALL).forEach(check -> findings.ok(new About(check, about.of()), "is the host project's to see"));
            return;
        }
        route(new About(ROUTE, about.of()), subnet.get(), uses);
        firewall(new About(FIREWALL, about.of()), subnet.get(), uses);
    }

    private Optional<JsonNode> subnet(About about, String place, List<Use> uses) {
        var path = place.contains("projects/") ? place.substring(place.indexOf("projects/")) : "projects/" + calls.project() + "/" + place;
        var answer = calls.get(DoctorCalls.Api.COMPUTE, "subnetworks.get", path + "?views=WITH_UTILIZATION");
        if (answer.notFound()) {
            findings.failed(about, "is not there in " + region, "correct the subnet of the offer in " + uses.get(0).poolName() + ": its name, or for a shared VPC"
                    + " projects/<host project>/regions/" + region + "/subnetworks/<name>");
            return Optional.empty();
        }
        return calls.told(answer, findings, List.of(about));
    }

    /** A network that makes subnets by itself has one in each region. */
    private Optional<JsonNode> ofNetwork(About about, String place, List<Use> uses) {
        var path = place.contains("projects/") ? place.substring(place.indexOf("projects/")) : "projects/" + calls.project() + "/" + place;
        var answer = calls.get(DoctorCalls.Api.COMPUTE, "networks.get", path);
        if (answer.notFound()) {
            findings.failed(about, "there is no network " + GceNames.last(place), "name a subnet in the offer of " + uses.get(0).poolName());
            return Optional.empty();
        }
        var network = calls.told(answer, findings, List.of(about));
        if (network.isEmpty()) {
            return Optional.empty();
        }
        var here = StreamSupport.stream(network.get().path("subnetworks").spliterator(), false).map(JsonNode::asText).filter(link -> link.contains("/regions/" + region + "/")).toList();
        if (here.size() != 1 || !network.get().path("autoCreateSubnetworks").asBoolean()) {
            findings.failed(about, "the network " + GceNames.last(place) + " has " + here.size() + " subnets in " + region + ", and none that a launch takes by itself",
                    "name a subnet in the offer of " + uses.get(0).poolName());
            return Optional.empty();
        }
        return subnet(about, here.get(0), uses);
    }

    private void addresses(About about, JsonNode subnet, List<Use> uses) {
        var ranges = subnet.path("utilizationDetails").path("ipv4Utilizations");
        // The first range is the subnet's own; others have names.
        var own = StreamSupport.stream(ranges.spliterator(), false).filter(range -> range.path("rangeName").asText("").isEmpty()).findFirst();
        long most = Growth.most(uses.stream().map(use -> new Growth.Wanted(use.fleet(), use.pool(), 1)).toList());
        var fix = "make the subnet larger: gcloud compute networks subnets expand-ip-range; or offer another one";
        if (own.isEmpty()) {
            findings.ok(about, "Google doesn't tell how many are free of " + subnet.path("ipCidrRange").asText());
            return;
        }
        long free = own.get().path("totalFreeIp").asLong();
        if (free == 0) {
            findings.failed(about, "none is free", fix);
        } else if (free < most) {
            findings.warning(about, free + " free, and its pools may have " + most + " machines", fix);
        } else {
            findings.ok(about, free + " free, for at most " + most + " machines");
        }
    }

    private void route(About about, JsonNode subnet, List<Use> uses) {
        var network = subnet.path("network").asText();
        var routes = calls.told(calls.all("routes.list", "global/routes", ""), findings, List.of(about));
        if (routes.isEmpty()) {
            return;
        }
        var out = StreamSupport.stream(routes.get().spliterator(), false).filter(route -> same(route.path("network").asText(), network)
                && route.path("destRange").asText().equals(EVERYWHERE)).toList();
        if (out.isEmpty()) {
            findings.failed(about, "no route leads out of " + GceNames.last(network), "gcloud compute routes create out --network " + GceNames.last(network)
                    + " --destination-range " + EVERYWHERE + " --next-hop-gateway default-internet-gateway; nothing where ClearML, packages and images are all inside the network");
            return;
        }
        var hidden = uses.stream().filter(use -> !use.external()).findFirst();
        var elsewhere = out.stream().filter(route -> !route.has("nextHopGateway")).findFirst();
        if (hidden.isEmpty()) {
            findings.ok(about, "by an external address");
        } else if (elsewhere.isPresent()) {
            findings.ok(about, "by the route " + elsewhere.get().path("name").asText());
        } else {
            translated(about, subnet, hidden.get());
        }
    }

    private void translated(About about, JsonNode subnet, Use hidden) {
        var routers = calls.told(calls.all("routers.list", "regions/" + region + "/routers", ""), findings, List.of(about));
        if (routers.isEmpty()) {
            return;
        }
        for (var router : routers.get()) {
            for (var nat : router.path("nats")) {
                if (same(router.path("network").asText(), subnet.path("network").asText()) && serves(nat, subnet)) {
                    findings.ok(about, "by Cloud NAT " + nat.path("name").asText() + " of router " + router.path("name").asText());
                    return;
                }
            }
        }
        var network = GceNames.last(subnet.path("network").asText());
        findings.failed(about, "machines of " + hidden.poolName() + " have no external address, and no Cloud NAT serves " + subnet.path("name").asText()
                + (subnet.path("privateIpGoogleAccess").asBoolean() ? ": by Private Google Access they reach Google and nothing else" : ""),
                "gcloud compute routers create out --network " + network + " --region " + region + ", and gcloud compute routers nats create out --router out --region " + region
                        + " --auto-allocate-nat-external-ips --nat-all-subnet-ip-ranges; or gcp.publicIp: true in the pool");
    }

    /** What no rule denies goes out. */
    private void firewall(About about, JsonNode subnet, List<Use> uses) {
        var rules = calls.told(calls.all("firewalls.list", "global/firewalls", ""), findings, List.of(about));
        if (rules.isEmpty()) {
            return;
        }
        for (var use : uses) {
            var out = StreamSupport.stream(rules.get().spliterator(), false).filter(rule -> same(rule.path("network").asText(), subnet.path("network").asText())
                    && rule.path("direction").asText().equals("EGRESS") && !rule.path("disabled").asBoolean() && isFor(rule, use)).toList();
            var wall = out.stream().filter(rule -> rule.has("denied") && has(rule.path("destinationRanges"), EVERYWHERE))
                    .min(Comparator.comparingInt(rule -> rule.path("priority").asInt()));
            var doors = out.stream().filter(rule -> wall.isPresent() && rule.has("allowed") && rule.path("priority").asInt() < wall.get().path("priority").asInt())
                    .map(rule -> rule.path("name").asText()).toList();
            if (wall.isPresent() && doors.isEmpty()) {
                findings.failed(about, wall.get().path("name").asText() + " lets nothing out of machines of " + use.poolName(),
                        "a rule of a lower priority number that allows egress to ClearML, package indexes and the image registry");
            } else if (wall.isPresent()) {
                findings.ok(about, "out goes what " + String.join(", ", doors) + " allow");
            } else {
                findings.ok(about, "nothing is kept in");
            }
        }
    }

    private static boolean isFor(JsonNode rule, Use use) {
        if (rule.has("targetServiceAccounts")) {
            return use.serviceAccount().filter(email -> has(rule.path("targetServiceAccounts"), email)).isPresent();
        }
        return !rule.has("targetTags") || use.properties().getTags().getItemsList().stream().anyMatch(tag -> has(rule.path("targetTags"), tag));
    }

    private static boolean has(JsonNode list, String text) {
        return StreamSupport.stream(list.spliterator(), false).anyMatch(one -> one.asText().equals(text));
    }

    private static boolean serves(JsonNode nat, JsonNode subnet) {
        return nat.path("sourceSubnetworkIpRangesToNat").asText().startsWith("ALL_SUBNETWORKS_") || StreamSupport.stream(nat.path("subnetworks").spliterator(), false)
                .anyMatch(one -> same(one.path("name").asText(), subnet.path("selfLink").asText()));
    }

    /** Google writes one thing's address with different hosts. */
    private static boolean same(String one, String other) {
        return one.substring(Math.max(0, one.indexOf("projects/"))).equals(other.substring(Math.max(0, other.indexOf("projects/"))));
    }
}
