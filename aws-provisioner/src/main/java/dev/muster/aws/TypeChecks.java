package dev.muster.aws;

import static dev.muster.aws.DoctorCheck.MARKS;
import static dev.muster.aws.DoctorCheck.QUOTA;
import static dev.muster.aws.DoctorCheck.TYPE;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.muster.provisioner.doctor.DoctorQuestion;
import dev.muster.provisioner.doctor.Findings.About;
import dev.muster.provisioner.doctor.Growth;
import dev.muster.provisioner.doctor.Findings;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import software.amazon.awssdk.services.ec2.model.Filter;
import software.amazon.awssdk.services.ec2.model.InstanceTypeHypervisor;
import software.amazon.awssdk.services.ec2.model.InstanceTypeInfo;
import software.amazon.awssdk.services.ec2.model.LocationType;

/** What kind of machine is asked for: where it is sold, whether it sees marks, and how many the account may have. Used by one thread. */
final class TypeChecks {

    private static final Pattern FAMILY = Pattern.compile("([a-z]+)(\\d*).*");
    private static final Set<String> STANDARD = Set.of("a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z");
    private static final Set<String> G_AND_VT = Set.of("g", "gr", "vt");

    /**
     * A quota of vCPUs in a region.
     *
     * @param code Service Quotas' own, the same everywhere
     */
    private record Quota(String code, String name) {}

    private final DoctorCalls calls;
    private final Findings findings;
    private final NetworkChecks network;
    private final Map<String, InstanceTypeInfo> types = new HashMap<>();

    TypeChecks(DoctorCalls calls, Findings findings, NetworkChecks network) {
        this.calls = calls;
        this.findings = findings;
        this.network = network;
    }

    void examine(List<Use> uses) {
        var names = uses.stream().map(Use::type).collect(Collectors.toCollection(TreeSet::new));
        if (names.isEmpty()) {
            return;
        }
        var marks = names.stream().map(name -> new About(MARKS, name)).toList();
        var known = DoctorReads.read(findings, marks, "ec2:DescribeInstanceTypes",
                () -> calls.ec2().describeInstanceTypesPaginator(asked -> asked.filters(filter("instance-type", names))).instanceTypes().stream().toList());
        known.ifPresent(all -> all.forEach(type -> types.put(type.instanceTypeAsString(), type)));
        offered(uses, names, known.isPresent());
        types.forEach((name, type) -> {
            if (type.hypervisor() == InstanceTypeHypervisor.XEN) {
                findings.warning(new About(MARKS, name), "runs on xen: a machine's tags stay there as they were at its launch, and no drain reaches its guard",
                        "nothing: such a machine is ended once it is seen idle twice, see docs/drain.md; a type of the Nitro kind drains at once");
            } else {
                findings.ok(new About(MARKS, name), "are seen while it runs");
            }
        });
        if (known.isPresent()) {
            quotas(uses);
        } else {
            findings.skipped(new About(QUOTA, ""), MARKS);
        }
    }

    Optional<InstanceTypeInfo> type(String name) {
        return Optional.ofNullable(types.get(name));
    }

    private void offered(List<Use> uses, Set<String> names, boolean known) {
        var abouts = new LinkedHashMap<About, Use>();
        uses.forEach(use -> abouts.put(use.look(TYPE, network.zones(use).size() == 1 ? use.type() + " in " + network.zones(use).get(0) : use.type()), use));
        var sold = new TreeMap<String, Set<String>>();
        if (DoctorReads.read(findings, abouts.keySet(), "ec2:DescribeInstanceTypeOfferings", () -> calls.ec2().describeInstanceTypeOfferingsPaginator(
                asked -> asked.locationType(LocationType.AVAILABILITY_ZONE).filters(filter("instance-type", names))).instanceTypeOfferings().stream().map(one ->
                        sold.computeIfAbsent(one.instanceTypeAsString(), none -> new TreeSet<>()).add(one.location())).toList()).isEmpty()) {
            return;
        }
        abouts.forEach((about, use) -> {
            var zones = sold.getOrDefault(use.type(), Set.of());
            var wanted = network.zones(use);
            if (zones.isEmpty()) {
                findings.failed(about, known && !types.containsKey(use.type()) ? "there is no such type in this region" : "is sold in no zone of this region",
                        "offer another type or region in " + use.poolName());
            } else if (!wanted.isEmpty() && wanted.stream().noneMatch(zones::contains)) {
                findings.failed(about, "is not sold there; it is in " + String.join(", ", zones), "offer one of these zones, or another type, in " + use.poolName());
            } else {
                findings.ok(about, "sold in " + String.join(", ", zones));
            }
        });
    }

    // ---- quotas

    private void quotas(List<Use> uses) {
        var byQuota = new TreeMap<Quota, List<Use>>(Comparator.comparing(Quota::name));
        for (var use : uses) {
            if (!types.containsKey(use.type())) {
                continue;
            }
            var quota = quota(use.type(), use.spot());
            if (quota.isPresent()) {
                byQuota.computeIfAbsent(quota.get(), none -> new ArrayList<>()).add(use);
            } else {
                findings.warning(new About(QUOTA, use.type() + (use.spot() ? " spot" : "")), "of a family whose quota Muster doesn't know",
                        "look for it in Service Quotas, under Amazon EC2");
            }
        }
        byQuota.forEach(this::quota);
    }

    private static Optional<Quota> quota(String type, boolean spot) {
        var named = FAMILY.matcher(type);
        if (!named.matches()) {
            return Optional.empty();
        }
        var family = named.group(1);
        if (STANDARD.contains(family)) {
            return Optional.of(spot ? new Quota("L-34B43A08", "standard, spot") : new Quota("L-1216C47A", "standard"));
        }
        if (G_AND_VT.contains(family)) {
            return Optional.of(spot ? new Quota("L-3819A6DF", "G and VT, spot") : new Quota("L-DB2E81BA", "G and VT"));
        }
        if (!family.equals("p")) {
            return Optional.empty();
        }
        if (!spot) {
            return Optional.of(new Quota("L-417A185B", "P"));
        }
        return switch (named.group(2)) {
            case "2", "3", "4" -> Optional.of(new Quota("L-7212CCBC", "P4, P3 and P2, spot"));
            case "5" -> Optional.of(new Quota("L-C4BD4855", "P5, spot"));
            default -> Optional.empty();
        };
    }

    private void quota(Quota quota, List<Use> uses) {
        var about = new About(QUOTA, quota.name());
        double has;
        try {
            var answer = calls.json("servicequotas", "ServiceQuotasV20190624.GetServiceQuota", "{\"ServiceCode\":\"ec2\",\"QuotaCode\":\"" + quota.code() + "\"}");
            if (!answer.succeeded()) {
                DoctorReads.untold(findings, about, "servicequotas:GetServiceQuota", answer.denied() ? "" : answer.reason());
                return;
            }
            has = DoctorQuestion.JSON.readTree(answer.body()).path("Quota").path("Value").asDouble();
        } catch (JsonProcessingException garbled) {
            DoctorReads.untold(findings, about, "servicequotas:GetServiceQuota", "the answer is no JSON");
            return;
        } catch (IOException silent) {
            DoctorReads.untold(findings, about, "servicequotas:GetServiceQuota", String.valueOf(silent.getMessage()));
            return;
        }
        int one = uses.stream().mapToInt(use -> vcpus(use.type())).max().orElse(0);
        long most = Growth.most(uses.stream().map(use -> new Growth.Wanted(use.fleet, use.pool, vcpus(use.type()))).toList());
        var fix = "ask for more of " + quota.code() + " in Service Quotas, or lower the limits of the fleets";
        var seen = Math.round(has) + " vCPUs of " + quota.code();
        if (has < one) {
            findings.failed(about, seen + ", and one machine needs " + one, fix);
        } else if (has < most) {
            findings.warning(about, seen + ", and the fleets may grow to " + most, fix);
        } else {
            findings.ok(about, seen + ", for at most " + most);
        }
    }

    private int vcpus(String type) {
        return types.get(type).vCpuInfo().defaultVCpus();
    }

    private static Filter filter(String name, Set<String> values) {
        return Filter.builder().name(name).values(values).build();
    }
}
