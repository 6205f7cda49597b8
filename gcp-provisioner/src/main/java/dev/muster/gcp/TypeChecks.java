package dev.muster.gcp;

import static dev.muster.gcp.DoctorCheck.GPU;
import static dev.muster.gcp.DoctorCheck.HOST_MAINTENANCE;
import static dev.muster.gcp.DoctorCheck.LOCAL_SSD;
import static dev.muster.gcp.DoctorCheck.REGION;
import static dev.muster.gcp.DoctorCheck.TYPE;

import com.fasterxml.jackson.databind.JsonNode;
import dev.muster.provisioner.doctor.Findings;
import dev.muster.provisioner.doctor.Findings.About;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** What kind of machine is asked for: where it is sold, with which GPUs and local SSDs, and whether it can move. Used by one thread. */
final class TypeChecks {

    private static final Pattern FAMILY = Pattern.compile("([a-z0-9]+)-.*");
    private static final List<Integer> ALL = List.of(1, 2, 3, 4, 5, 6, 7, 8, 16, 24);

    /** @param sizes of local SSDs that types of at most so many vCPUs take */
    private record Ssds(int cpus, List<Integer> sizes) {}

    /** "Choose a valid number of Local SSD disks" of Compute Engine's documentation, by family. One that isn't here takes none, or isn't known. */
    private static final Map<String, List<Ssds>> SSDS = Map.of(
            "n1", List.of(new Ssds(96, ALL)),
            "n2", List.of(new Ssds(10, List.of(1, 2, 4, 8, 16, 24)), new Ssds(20, List.of(2, 4, 8, 16, 24)), new Ssds(40, List.of(4, 8, 16, 24)), new Ssds(80, List.of(8, 16, 24)),
                    new Ssds(128, List.of(16, 24))),
            "n2d", List.of(new Ssds(16, List.of(1, 2, 4, 8, 16, 24)), new Ssds(48, List.of(2, 4, 8, 16, 24)), new Ssds(80, List.of(4, 8, 16, 24)), new Ssds(224, List.of(8, 16, 24))),
            "c2", List.of(new Ssds(8, List.of(1, 2, 4, 8)), new Ssds(16, List.of(2, 4, 8)), new Ssds(30, List.of(4, 8)), new Ssds(60, List.of(8))),
            "c2d", List.of(new Ssds(16, List.of(1, 2, 4, 8)), new Ssds(32, List.of(2, 4, 8)), new Ssds(56, List.of(4, 8)), new Ssds(112, List.of(8))),
            "g2", List.of(new Ssds(16, List.of(1)), new Ssds(24, List.of(2)), new Ssds(32, List.of(1)), new Ssds(48, List.of(4)), new Ssds(96, List.of(8))),
            "a2", List.of(new Ssds(12, List.of(1, 2, 4, 8)), new Ssds(24, List.of(2, 4, 8)), new Ssds(48, List.of(4, 8)), new Ssds(96, List.of(8))));
    private static final List<String> WITHOUT_SSDS = List.of("e2", "f1", "g1", "t2d", "t2a", "n4", "h3");

    private final DoctorCalls calls;
    private final Findings findings;
    private final PlaceChecks places;
    /** By type, by zone. */
    private final Map<String, Map<String, JsonNode>> sold = new HashMap<>();
    private final Map<String, Map<String, JsonNode>> gpus = new HashMap<>();

    TypeChecks(DoctorCalls calls, Findings findings, PlaceChecks places) {
        this.calls = calls;
        this.findings = findings;
        this.places = places;
    }

    void examine(List<Use> uses) {
        for (var use : uses) {
            var where = use.zone().isEmpty() ? "" : " in " + use.zone();
            var type = new About(TYPE, use.type() + where);
            var gpu = new About(GPU, use.gpu().map(model -> model + where).orElse(use.type()));
            if (!use.zone().isEmpty() && !places.isUp(use.zone()) || use.zone().isEmpty() && places.zones().isEmpty()) {
                List.of(type, gpu, new About(LOCAL_SSD, use.poolName()), new About(HOST_MAINTENANCE, use.poolName())).forEach(about -> findings.skipped(about, REGION));
                continue;
            }
            type(type, use);
            gpu(gpu, use);
            localSsds(use);
            hostMaintenance(use);
        }
    }

    /** As one of the region's zones shows it; empty if it isn't known. */
    Optional<JsonNode> type(String name) {
        return sold.getOrDefault(name, Map.of()).values().stream().findFirst();
    }

    /** Whether the GPU is looked for, and sold nowhere here. */
    boolean isUnknownGpu(String model) {
        return gpus.containsKey(model) && gpus.get(model).isEmpty();
    }

    /** One request for each zone, which also knows custom types; lists have none of these. */
    private Map<String, JsonNode> read(Map<String, Map<String, JsonNode>> all, String method, String collection, String name, About about) {
        var before = all.get(name);
        if (before != null) {
            return before;
        }
        var found = new TreeMap<String, JsonNode>();
        for (var zone : places.zones()) {
            var answer = calls.compute(method, "zones/" + zone + "/" + collection + "/" + DoctorCalls.encoded(name));
            if (!answer.notFound()) {
                calls.told(answer, findings, List.of(about)).ifPresent(body -> found.put(zone, body));
            }
        }
        all.put(name, found);
        return found;
    }

    private boolean isUntold(About about) {
        return findings.state(about) != Findings.State.OK;
    }

    private void type(About about, Use use) {
        var zones = read(sold, "machineTypes.get", "machineTypes", use.type(), about);
        if (isUntold(about)) {
            return;
        }
        if (zones.isEmpty()) {
            findings.failed(about, "is sold in no zone of this region", "offer another type or region in " + use.poolName());
        } else if (!use.zone().isEmpty() && !zones.containsKey(use.zone())) {
            findings.failed(about, "is not sold there; it is in " + String.join(", ", zones.keySet()), "offer one of these zones, or another type, in " + use.poolName());
        } else {
            findings.ok(about, "sold in " + String.join(", ", zones.keySet()));
        }
    }

    private void gpu(About about, Use use) {
        if (use.gpu().isEmpty()) {
            var its = type(use.type()).map(type -> type.path("accelerators").path(0)).filter(gpu -> !gpu.isMissingNode());
            findings.ok(about, its.map(gpu -> "comes with " + gpu.path("guestAcceleratorCount").asInt() + " " + gpu.path("guestAcceleratorType").asText())
                    .orElse(use.byTemplate() ? "none but what the instance template adds" : "none"));
            return;
        }
        var model = use.gpu().get();
        var zones = read(gpus, "acceleratorTypes.get", "acceleratorTypes", model, about);
        if (isUntold(about)) {
            return;
        }
        var both = new TreeMap<>(zones);
        both.keySet().retainAll(sold.getOrDefault(use.type(), Map.of()).keySet());
        if (zones.isEmpty()) {
            findings.failed(about, "is sold in no zone of this region", "correct gcp.gpuType of " + use.poolName() + ", or offer another region");
        } else if (!use.zone().isEmpty() && !zones.containsKey(use.zone())) {
            findings.failed(about, "is not sold there; it is in " + String.join(", ", zones.keySet()), "offer one of these zones, or another GPU, in " + use.poolName());
        } else if (use.zone().isEmpty() && both.isEmpty() && !sold.getOrDefault(use.type(), Map.of()).isEmpty()) {
            findings.failed(about, "is sold in " + String.join(", ", zones.keySet()) + ", and no zone has " + use.type() + ", too", "offer another type in " + use.poolName());
        } else {
            int most = zones.values().iterator().next().path("maximumCardsPerInstance").asInt(Integer.MAX_VALUE);
            if (use.gpus() > most) {
                findings.failed(about, use.gpus() + " are asked for, and one machine takes " + most, "lower gcp.gpuCount of " + use.poolName());
            } else {
                findings.ok(about, use.gpus() + " a machine; sold in " + String.join(", ", zones.keySet()));
            }
        }
    }

    static String family(String type) {
        var named = FAMILY.matcher(type);
        return !named.matches() ? type : named.group(1).equals("custom") ? "n1" : named.group(1);
    }

    private void localSsds(Use use) {
        var about = new About(LOCAL_SSD, use.poolName());
        int wanted = use.localSsds();
        var cpus = type(use.type()).map(type -> type.path("guestCpus").asInt());
        var family = family(use.type());
        if (wanted == 0) {
            findings.ok(about, "none");
        } else if (WITHOUT_SSDS.contains(family)) {
            findings.failed(about, use.type() + " takes none", "take gcp.localSsds away, or offer a type such as n2-standard-8, in " + use.poolName());
        } else if (cpus.isEmpty()) {
            findings.skipped(about, TYPE);
        } else {
            SSDS.getOrDefault(family, List.of()).stream().filter(ssds -> cpus.get() <= ssds.cpus()).findFirst().ifPresentOrElse(ssds -> {
                if (ssds.sizes().contains(wanted)) {
                    findings.ok(about, wanted + " of 375 GB");
                } else {
                    findings.failed(about, use.type() + " takes " + words(ssds.sizes()) + ", and not " + wanted, "write one of these into gcp.localSsds of " + use.poolName());
                }
            }, () -> findings.warning(about, "how many " + use.type() + " takes Muster doesn't know", "look it up in Google's \"Choose a valid number of Local SSD disks\""));
        }
    }

    private static String words(List<Integer> numbers) {
        return String.join(", ", numbers.stream().map(String::valueOf).toList());
    }

    private void hostMaintenance(Use use) {
        var about = new About(HOST_MAINTENANCE, use.poolName());
        var stays = use.spot() || use.gpus() > 0 || type(use.type()).map(type -> type.path("accelerators").size() > 0).orElse(false);
        var asked = use.properties().getScheduling().getOnHostMaintenance();
        if (stays && asked.equals("MIGRATE")) {
            findings.failed(about, use.type() + " has GPUs and can't move: Google refuses such a launch", "write gcp.hostMaintenance: terminate in " + use.poolName());
        } else if (stays && use.gcp().migrates().orElse(false)) {
            findings.warning(about, "migrate is written, and machines with GPUs and on spot can't: they end instead", "write gcp.hostMaintenance: terminate in " + use.poolName());
        } else {
            findings.ok(about, asked.equals("MIGRATE") ? "they move" : "they end");
        }
    }
}
