package dev.muster.k8s;

import static dev.muster.k8s.DoctorCheck.QUOTA;

import com.fasterxml.jackson.databind.JsonNode;
import dev.muster.provisioner.doctor.Findings;
import dev.muster.provisioner.doctor.Findings.About;
import dev.muster.provisioner.doctor.Growth;
import dev.muster.v1.FleetSpec;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Quantity;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** What the namespace may have, held against what fleets may come to and what others use of it. Used by one thread. */
final class QuotaChecks {

    private static final BigDecimal MILLI = new BigDecimal(1_000);
    private static final BigDecimal MIB = new BigDecimal(1 << 20);

    private final DoctorCalls calls;
    private final Findings findings;
    private final String namespace;
    private final String installation;

    QuotaChecks(DoctorCalls calls, Findings findings, String namespace, String installation) {
        this.calls = calls;
        this.findings = findings;
        this.namespace = namespace;
        this.installation = installation;
    }

    void examine(List<Use> uses) {
        if (uses.isEmpty()) {
            return;
        }
        var quotas = calls.all("/api/v1/namespaces/" + namespace + "/resourcequotas", "");
        if (!quotas.succeeded()) {
            RightChecks.notSeen(findings, new About(QUOTA, ""), quotas, "resourcequotas list");
            return;
        }
        var pods = calls.all("/api/v1/namespaces/" + namespace + "/pods", "labelSelector=" + DoctorCalls.encoded(PodNames.INSTALLATION + "=" + installation));
        if (!pods.succeeded()) {
            // Which permissions says.
            findings.skipped(new About(QUOTA, ""), DoctorCheck.PERMISSIONS);
            return;
        }
        var ours = new ArrayList<Use>();
        for (var pod : pods.body().path("items")) {
            var phase = pod.at("/status/phase").asText();
            if (!phase.equals("Succeeded") && !phase.equals("Failed")) {
                ours.add(new Use(null, null, calls.read(pod, Pod.class)));
            }
        }
        boolean any = false;
        for (var quota : quotas.body().path("items")) {
            if (quota.at("/spec/scopes").isEmpty() && quota.at("/spec/scopeSelector").isMissingNode()) {
                any = true;
                quota(quota, uses, ours);
            }
        }
        if (!any) {
            findings.ok(new About(QUOTA, ""), "none binds all pods of " + namespace);
        }
    }

    private void quota(JsonNode quota, List<Use> uses, List<Use> ours) {
        var hard = quota.at("/spec/hard").properties();
        for (var limit : hard) {
            // One that was just made has counted nothing.
            var used = amount(quota.at("/status/used").path(limit.getKey()).asText("0"));
            judge(quota.at("/metadata/name").asText(), limit.getKey(), amount(limit.getValue().asText()), used, uses, ours);
        }
    }

    private void judge(String quota, String key, BigDecimal limit, BigDecimal used, List<Use> uses, List<Use> ours) {
        var taken = uses.stream().filter(use -> takes(use, key).signum() > 0).toList();
        if (taken.isEmpty()) {
            return;
        }
        var about = new About(QUOTA, quota + " " + key);
        var one = taken.stream().map(use -> takes(use, key)).reduce(BigDecimal.ZERO, BigDecimal::max);
        var others = used.subtract(ours.stream().map(use -> takes(use, key)).reduce(BigDecimal.ZERO, BigDecimal::add)).max(BigDecimal.ZERO);
        var left = limit.subtract(others);
        var most = most(taken, key);
        var seen = said(left, key) + " of " + said(limit, key) + (others.signum() > 0 ? ", since others use " + said(others, key) : "");
        var fix = "raise the quota, kubectl edit resourcequota " + quota + " --namespace " + namespace + ", or lower the limits of the fleets";
        if (left.compareTo(one) < 0) {
            findings.failed(about, seen + ", and one pod needs " + said(one, key), fix);
        } else if (left.compareTo(most) < 0) {
            findings.warning(about, seen + ", and the fleets may grow to " + said(most, key), fix);
        } else {
            findings.ok(about, seen + ", for at most " + said(most, key));
        }
    }

    /** Of all fleets at their limits, of the resource itself among them. */
    private static BigDecimal most(List<Use> taken, String key) {
        var byFleet = taken.stream().collect(Collectors.groupingBy(Use::fleet, LinkedHashMap::new, Collectors.toList()));
        var most = BigDecimal.ZERO;
        for (var fleet : byFleet.entrySet()) {
            var grown = new BigDecimal(Growth.most(fleet.getValue().stream().map(use -> new Growth.Wanted(use.fleet(), use.pool(), units(takes(use, key), key))).toList()))
                    .multiply(unit(key));
            most = most.add(ofFleet(fleet.getKey(), key).map(grown::min).orElse(grown));
        }
        return most;
    }

    private static Optional<BigDecimal> ofFleet(FleetSpec fleet, String key) {
        return Optional.ofNullable(fleet.getLimits().getResourcesMap().get(resource(key))).map(QuotaChecks::amount);
    }

    private static BigDecimal takes(Use use, String key) {
        if (key.equals("pods") || key.equals("count/pods")) {
            return BigDecimal.ONE;
        }
        return (key.startsWith("limits.") ? use.limits() : use.requests()).getOrDefault(resource(key), BigDecimal.ZERO);
    }

    /** {@code requests.cpu} and {@code cpu} are the same: "Resource Quotas". */
    private static String resource(String key) {
        return key.replaceFirst("^(requests|limits)\\.", "");
    }

    private static BigDecimal amount(String quantity) {
        return Quantity.getAmountInBytes(new Quantity(quantity));
    }

    private static boolean isBytes(String key) {
        return resource(key).matches("memory|ephemeral-storage|hugepages-.*");
    }

    /** In whole numbers: thousandths of a CPU, MiB, and else what there is. */
    private static BigDecimal unit(String key) {
        return resource(key).equals("cpu") ? BigDecimal.ONE.divide(MILLI) : isBytes(key) ? MIB : BigDecimal.ONE;
    }

    private static int units(BigDecimal amount, String key) {
        return amount.divide(unit(key), 0, RoundingMode.CEILING).intValue();
    }

    private static String said(BigDecimal amount, String key) {
        if (isBytes(key)) {
            return amount.divide(MIB, 0, RoundingMode.HALF_UP).toPlainString() + "Mi";
        }
        return amount.stripTrailingZeros().toPlainString();
    }
}
