package dev.muster.gcp;

import static dev.muster.gcp.DoctorCheck.GPU;
import static dev.muster.gcp.DoctorCheck.QUOTA;
import static dev.muster.gcp.DoctorCheck.REGION;
import static dev.muster.gcp.DoctorCheck.TYPE;

import com.fasterxml.jackson.databind.JsonNode;
import dev.muster.provisioner.doctor.Findings;
import dev.muster.provisioner.doctor.Findings.About;
import dev.muster.provisioner.doctor.Growth;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/** What the project may have, held against what fleets may come to and what others use of it. Used by one thread. */
final class QuotaChecks {

    /** Those share one quota; every other family has one of its own. */
    private static final List<String> OF_CPUS = List.of("n1", "e2", "f1", "g1", "g2");
    private static final int LOCAL_SSD_GB = 375;

    /** @param inProject else the region's */
    private record Metric(String name, boolean inProject) implements Comparable<Metric> {
        @Override
        public int compareTo(Metric other) {
            return name.compareTo(other.name);
        }
    }

    private record Taken(Use use, int each) {}

    private final DoctorCalls calls;
    private final Findings findings;
    private final PlaceChecks places;
    private final TypeChecks types;
    private final ImageChecks images;
    private final JsonNode project;
    private final String installation;

    /** @param project as Compute Engine shows it; missing if it may not be read */
    QuotaChecks(DoctorCalls calls, Findings findings, PlaceChecks places, TypeChecks types, ImageChecks images, JsonNode project, String installation) {
        this.calls = calls;
        this.findings = findings;
        this.places = places;
        this.types = types;
        this.images = images;
        this.project = project;
        this.installation = installation;
    }

    void examine(List<Use> uses) {
        if (uses.isEmpty()) {
            return;
        }
        if (places.shown().isMissingNode()) {
            findings.skipped(new About(QUOTA, ""), REGION);
            return;
        }
        var byMetric = new TreeMap<Metric, List<Taken>>();
        for (var use : uses) {
            takes(use).forEach((metric, each) -> byMetric.computeIfAbsent(metric, none -> new ArrayList<>()).add(new Taken(use, each)));
        }
        var ours = ours();
        if (ours.isPresent()) {
            byMetric.forEach((metric, taken) -> quota(metric, taken, ours.get()));
        }
    }

    private Map<Metric, Integer> takes(Use use) {
        var takes = new LinkedHashMap<Metric, Integer>();
        var type = types.type(use.type());
        if (type.isEmpty()) {
            findings.skipped(new About(QUOTA, use.type()), TYPE);
            return takes;
        }
        int cpus = type.get().path("guestCpus").asInt();
        cpus(use.type(), use.spot()).ifPresentOrElse(metric -> takes.put(metric, cpus), () -> findings.warning(new About(QUOTA, use.type()),
                "of a family whose quota Compute Engine's API doesn't tell", "look for \"CPUs per VM family\" under IAM and Admin, Quotas"));
        takes.put(new Metric("CPUS_ALL_REGIONS", true), cpus);
        var built = type.get().path("accelerators").path(0);
        var model = use.gpu().or(() -> built.isMissingNode() ? Optional.empty() : Optional.of(built.path("guestAcceleratorType").asText()));
        model.ifPresent(name -> {
            int count = use.gpus() > 0 ? use.gpus() : built.path("guestAcceleratorCount").asInt();
            gpus(name, use.spot()).ifPresentOrElse(metric -> takes.put(metric, count), () -> {
                if (types.isUnknownGpu(name)) {
                    findings.skipped(new About(QUOTA, name), GPU);
                } else {
                    findings.warning(new About(QUOTA, name), "a GPU whose quota Compute Engine's API doesn't tell", "look for \"GPUs per GPU family\" under IAM and Admin, Quotas");
                }
            });
            takes.put(new Metric("GPUS_ALL_REGIONS", true), count);
        });
        takes.put(new Metric("INSTANCES", false), 1);
        if (use.external()) {
            takes.put(new Metric("IN_USE_ADDRESSES", false), 1);
        }
        if (use.localSsds() > 0) {
            takes.put(new Metric("LOCAL_SSD_TOTAL_GB", false), use.localSsds() * LOCAL_SSD_GB);
        }
        disks(use, takes);
        takes.keySet().removeIf(metric -> quota(metric).isEmpty());
        return takes;
    }

    private void disks(Use use, Map<Metric, Integer> takes) {
        for (var disk : use.properties().getDisksList()) {
            var kind = GceNames.last(disk.getInitializeParams().getDiskType());
            long gb = disk.getBoot() ? images.bootSize(use).orElse(0L) : disk.getInitializeParams().getDiskSizeGb();
            if (gb > 0 && kind.startsWith("pd-") && !kind.equals("pd-extreme")) {
                takes.merge(new Metric(kind.equals("pd-standard") ? "DISKS_TOTAL_GB" : "SSD_TOTAL_GB", false), Math.toIntExact(gb), Integer::sum);
            }
        }
    }

    /** The family's own, where the region has one. */
    private Optional<Metric> cpus(String type, boolean spot) {
        var family = TypeChecks.family(type);
        var own = OF_CPUS.contains(family) ? "CPUS" : family.toUpperCase(Locale.ROOT) + "_CPUS";
        return market("PREEMPTIBLE_CPUS", own, spot);
    }

    private Optional<Metric> gpus(String model, boolean spot) {
        var name = model.replaceFirst("^nvidia-(tesla-)?", "").toUpperCase(Locale.ROOT).replace('-', '_').replaceFirst("^(H100|H200|L4|T4)_.*", "$1");
        return market("PREEMPTIBLE_NVIDIA_" + name + "_GPUS", "NVIDIA_" + name + "_GPUS", spot);
    }

    /** A project without a preemptible quota has its spot machines count towards the standard one: "Preemptible quotas" of the documentation. */
    private Optional<Metric> market(String preemptible, String standard, boolean spot) {
        var usual = new Metric(standard, false);
        var other = new Metric(preemptible, false);
        if (spot && quota(other).map(quota -> quota.path("limit").asDouble() > 0).orElse(false)) {
            return Optional.of(other);
        }
        return quota(usual).isPresent() ? Optional.of(usual) : Optional.empty();
    }

    private Optional<JsonNode> quota(Metric metric) {
        for (var quota : (metric.inProject() ? project : places.shown()).path("quotas")) {
            if (quota.path("metric").asText().equals(metric.name())) {
                return Optional.of(quota);
            }
        }
        return Optional.empty();
    }

    /** Machines of the installation, by type and whether they are on spot: what they use is part of what fleets may come to. */
    private Optional<Map<String, Long>> ours() {
        var answer = calls.all("instances.aggregatedList", "aggregated/instances", "returnPartialSuccess=true&filter="
                + DoctorCalls.encoded("labels." + GceNames.INSTALLATION + " = \"" + installation + "\""));
        return calls.told(answer, findings, List.of(new About(QUOTA, ""))).map(all -> StreamSupport.stream(all.spliterator(), false)
                .filter(instance -> instance.has("machineType")).collect(Collectors.groupingBy(instance -> GceNames.last(instance.path("machineType").asText())
                        + "/" + spot(instance) + "/" + GceNames.last(instance.path("zone").asText()).replaceFirst("-[a-z]+$", ""), Collectors.counting())));
    }

    private static boolean spot(JsonNode instance) {
        return instance.path("scheduling").path("preemptible").asBoolean() || instance.path("scheduling").path("provisioningModel").asText().equals("SPOT");
    }

    private void quota(Metric metric, List<Taken> taken, Map<String, Long> ours) {
        var about = new About(QUOTA, metric.name());
        var quota = quota(metric).orElseThrow();
        long limit = quota.path("limit").asLong();
        var counted = new LinkedHashMap<String, Long>();
        taken.forEach(one -> counted.put(one.use().type() + "/" + one.use().spot() + "/" + one.use().batch().offer().scope().region(),
                ours.getOrDefault(one.use().type() + "/" + one.use().spot() + "/" + one.use().batch().offer().scope().region(), 0L) * one.each()));
        long others = Math.max(0, quota.path("usage").asLong() - counted.values().stream().mapToLong(Long::longValue).sum());
        long left = limit - others;
        int one = taken.stream().mapToInt(Taken::each).max().orElse(0);
        long most = Growth.most(taken.stream().map(each -> new Growth.Wanted(each.use().fleet(), each.use().pool(), each.each())).toList());
        var seen = left + " of " + limit + (others > 0 ? ", since others use " + others : "");
        var fix = "ask for more of " + metric.name() + (metric.inProject() ? "" : " in the region") + " under IAM and Admin, Quotas, or lower the limits of the fleets";
        if (left < one) {
            findings.failed(about, seen + ", and one machine needs " + one, fix);
        } else if (left < most) {
            findings.warning(about, seen + ", and the fleets may grow to " + most, fix);
        } else {
            findings.ok(about, seen + ", for at most " + most);
        }
    }
}
