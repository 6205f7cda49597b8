package dev.muster.gcp;

import static dev.muster.gcp.DoctorCheck.REGION;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.muster.provisioner.doctor.Findings;
import dev.muster.provisioner.doctor.Findings.About;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Whether region and zones are there. Used by one thread. */
final class PlaceChecks {

    private static final String UP = "UP";

    private final DoctorCalls calls;
    private final Findings findings;
    private final String region;
    /** By name, with their status. */
    private final Map<String, String> zones = new TreeMap<>();
    private JsonNode shown = MissingNode.getInstance();

    PlaceChecks(DoctorCalls calls, Findings findings, String region) {
        this.calls = calls;
        this.findings = findings;
        this.region = region;
    }

    /** @return whether there is a region to go on with */
    boolean examine(List<Use> uses) {
        var about = new About(REGION, region);
        var answer = calls.compute("regions.get", "regions/" + region);
        if (answer.notFound()) {
            findings.failed(about, "there is no such region", "correct regions of the account, or region of the offers: one such as us-central1");
            return false;
        }
        calls.told(answer, findings, List.of(about)).ifPresent(body -> shown = body);
        calls.told(calls.all("zones.list", "zones", ""), findings, List.of(about)).ifPresent(all -> all.forEach(zone -> {
            if (zone.path("name").asText().startsWith(region + "-")) {
                zones.put(zone.path("name").asText(), zone.path("status").asText());
            }
        }));
        // Names without their status: enough to look for types in them.
        shown.path("zones").forEach(link -> zones.putIfAbsent(GceNames.last(link.asText()), UP));
        if (!shown.path("status").asText(UP).equals(UP)) {
            findings.failed(about, "is " + shown.path("status").asText(), "offer another region, too, until Google has it up again");
            return true;
        }
        uses.stream().filter(use -> !use.zone().isEmpty()).forEach(this::zone);
        if (!zones.isEmpty()) {
            findings.ok(about, "up, with " + String.join(", ", zones.keySet()));
        }
        return true;
    }

    private void zone(Use use) {
        var about = new About(REGION, use.zone());
        if (zones.isEmpty()) {
            return;
        }
        var status = zones.get(use.zone());
        if (status == null) {
            findings.failed(about, "there is no such zone in " + region + "; there are " + String.join(", ", zones.keySet()), "correct the zone of the offer in " + use.poolName());
        } else if (!status.equals(UP)) {
            findings.failed(about, "is " + status, "offer another zone, too, until Google has it up again");
        } else {
            findings.ok(about, "up");
        }
    }

    /** Those of the region that are up; empty if it isn't known. */
    List<String> zones() {
        return zones.entrySet().stream().filter(zone -> zone.getValue().equals(UP)).map(Map.Entry::getKey).toList();
    }

    /** The region as Compute Engine shows it; missing if it may not be read. */
    JsonNode shown() {
        return shown;
    }

    /** Whether something of a zone is worth a look. */
    boolean isUp(String zone) {
        return zones.isEmpty() || UP.equals(zones.get(zone));
    }
}
