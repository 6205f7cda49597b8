package dev.muster.sandbox.gce;

import dev.muster.sandbox.machine.MachineImage.RunningMachine;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** One instance, from the call that asks for it until it is deleted. Guarded by the lock of {@link GceCloud}, as is all it holds. */
final class Instance {

    /** "Compute Engine retains the last 1 MB of output per port", says Google. */
    private static final int CONSOLE_LIMIT = 1024 * 1024;

    final long sequence;
    final String id;
    final String name;
    final String project;
    final Geography.Zone zone;
    final LaunchSpec spec;
    final String requestId;
    /** Null while it has none, as where the subnetwork was full. */
    final String address;
    final int addressNumber;
    final BigDecimal price;
    final Instant created;
    final String creator;
    final SortedMap<String, String> labels;
    final Map<String, String> metadata;
    /** What was written to its metadata after its launch, for the books. */
    final List<Books.Writing> writings = new ArrayList<>();
    /** What it takes of each quota while it lives. */
    final Map<String, Double> uses = new LinkedHashMap<>();
    /** Operations that are done when it has stopped or is gone. */
    final List<Operation> endings = new ArrayList<>();

    InstanceState state = InstanceState.PROVISIONING;
    /** Why the operation that makes it is going to fail; null if it isn't. Until then callers see it, as at Google. */
    Operation.Failure failing;
    /** When it first reached RUNNING; null before. */
    Instant running;
    Instant lastStarted;
    Instant lastStopped;
    private Instant billedSince;
    private Duration billed = Duration.ZERO;
    /** When its end began; null while it lives. */
    Instant ending;
    Instant gone;
    EndReason endReason;
    /** Goes away once it has stopped. */
    boolean deleting;
    /** When Compute Engine announced that it takes it back; null: it hasn't. */
    Instant preempted;
    RunningMachine machine;
    /** Counts starts, so that a timer set for an earlier life finds out. */
    int life;

    private final StringBuilder console = new StringBuilder();
    /** Bytes that were written before those that are kept. */
    private long consoleDropped;

    Instance(long sequence, String id, String name, String project, Geography.Zone zone, LaunchSpec spec, String requestId, String address, int addressNumber,
            BigDecimal price, Instant created, String creator) {
        this.sequence = sequence;
        this.id = id;
        this.name = name;
        this.project = project;
        this.zone = zone;
        this.spec = spec;
        this.requestId = requestId;
        this.address = address;
        this.addressNumber = addressNumber;
        this.price = price;
        this.created = created;
        this.creator = creator;
        this.labels = new TreeMap<>(spec.labels());
        this.metadata = new LinkedHashMap<>(spec.metadata());
    }

    /** Such as {@code projects/p/zones/z/instances/i}. */
    String path() {
        return scope() + "/instances/" + name;
    }

    String scope() {
        return "projects/" + project + "/zones/" + zone.name();
    }

    boolean holdsCapacity() {
        return failing == null && gone == null && state.holdsCapacity();
    }

    boolean restartsByItself() {
        return spec.scheduling(scheduling -> scheduling.getBoolean("automaticRestart", !spec.spot()));
    }

    void startBilling(Instant now) {
        billedSince = now;
    }

    void stopBilling(Instant now) {
        billed = billed(now);
        billedSince = null;
    }

    /** How long it has been billed so far: from RUNNING until it has stopped. */
    Duration billed(Instant now) {
        return billedSince == null ? billed : billed.plus(Duration.between(billedSince, now));
    }

    /** All metadata at once, as setMetadata has it. */
    void write(Instant now, Map<String, String> written) {
        written.forEach((key, value) -> {
            if (!value.equals(metadata.get(key))) {
                writings.add(new Books.Writing(now, key, value, null));
            }
        });
        metadata.clear();
        metadata.putAll(written);
    }

    /** The machine asks its metadata server for one value. Null if there is none. */
    String read(Instant now, String key) {
        var value = metadata.get(key);
        for (int i = writings.size() - 1; i >= 0; i--) {
            var writing = writings.get(i);
            if (writing.key().equals(key)) {
                if (writing.read() == null && writing.value().equals(value)) {
                    writings.set(i, new Books.Writing(writing.at(), key, value, now));
                }
                break;
            }
        }
        return value;
    }

    void writeConsole(String line) {
        console.append(line).append('\n');
        int over = console.length() - CONSOLE_LIMIT;
        if (over > 0) {
            console.delete(0, over);
            consoleDropped += over;
        }
    }

    String console() {
        return console.toString();
    }

    /** Output from {@code start} on, as {@code getSerialPortOutput} has it. */
    JsonObject serialPort(long start) {
        long from = Math.max(start, consoleDropped);
        long end = consoleDropped + console.length();
        var contents = from >= end ? "" : console.substring((int) (from - consoleDropped));
        return new JsonObject().put("kind", "compute#serialPortOutput").put("selfLink", Links.to(path() + "/serialPort")).put("contents", contents)
                .put("start", String.valueOf(Math.min(from, end))).put("next", String.valueOf(end));
    }

    String metadataFingerprint() {
        return Links.fingerprint("metadata" + metadata);
    }

    String labelFingerprint() {
        return Links.fingerprint("labels" + labels);
    }

    private String external() {
        return "34." + (64 + sequence / 65_536 % 64) + "." + sequence / 256 % 256 + "." + sequence % 256;
    }

    JsonObject json() {
        var body = spec.body();
        var region = "projects/" + project + "/regions/" + zone.region();
        var json = new JsonObject().put("kind", "compute#instance").put("id", id).put("name", name).put("creationTimestamp", Links.time(created))
                .put("zone", Links.to(scope())).put("selfLink", Links.to(path())).put("machineType", Links.to(scope() + "/machineTypes/" + spec.type().name()))
                .put("status", state.name()).put("canIpForward", body.getBoolean("canIpForward", false)).put("deletionProtection", spec.deletionProtected())
                .put("startRestricted", false).put("cpuPlatform", state == InstanceState.PROVISIONING ? "Unknown CPU Platform" : platform())
                .put("fingerprint", Links.fingerprint(id + state)).put("labelFingerprint", labelFingerprint());
        for (var field : List.of("description", "hostname", "serviceAccounts", "shieldedInstanceConfig", "reservationAffinity", "confidentialInstanceConfig", "displayDevice",
                "advancedMachineFeatures", "minCpuPlatform", "resourcePolicies", "keyRevocationActionType")) {
            if (body.containsKey(field)) {
                json.put(field, body.getValue(field));
            }
        }
        if (!labels.isEmpty()) {
            var all = new JsonObject();
            labels.forEach(all::put);
            json.put("labels", all);
        }
        json.put("tags", new JsonObject().put("fingerprint", Links.fingerprint(body.getJsonObject("tags")))
                .mergeIn(body.containsKey("tags") ? new JsonObject().put("items", body.getJsonObject("tags").getJsonArray("items", new JsonArray())) : new JsonObject()));
        json.put("metadata", metadataJson());
        json.put("scheduling", scheduling());
        if (spec.gpus() != null) {
            json.put("guestAccelerators", new JsonArray().add(new JsonObject().put("acceleratorType", Links.to(scope() + "/acceleratorTypes/" + spec.gpus().model()))
                    .put("acceleratorCount", spec.gpus().count())));
        }
        var network = new JsonObject().put("kind", "compute#networkInterface").put("name", "nic0").put("network", Links.to("projects/" + project + "/global/networks/default"))
                .put("subnetwork", Links.to(region + "/subnetworks/default")).put("stackType", "IPV4_ONLY").put("fingerprint", Links.fingerprint(id + "nic0"));
        if (address != null) {
            network.put("networkIP", address);
        }
        if (spec.external()) {
            var access = new JsonObject().put("kind", "compute#accessConfig").put("type", "ONE_TO_ONE_NAT").put("name", "external-nat").put("networkTier", "PREMIUM");
            network.put("accessConfigs", new JsonArray().add(state.holdsCapacity() ? access.put("natIP", external()) : access));
        }
        json.put("networkInterfaces", new JsonArray().add(network));
        var disks = new JsonArray();
        for (int i = 0; i < spec.disks().size(); i++) {
            disks.add(disk(i));
        }
        json.put("disks", disks);
        if (lastStarted != null) {
            json.put("lastStartTimestamp", Links.time(lastStarted));
        }
        if (lastStopped != null) {
            json.put("lastStopTimestamp", Links.time(lastStopped));
        }
        return json;
    }

    private String platform() {
        return switch (spec.type().family()) {
            case "c3" -> "Intel Sapphire Rapids";
            case "n2", "a2", "g2" -> "Intel Cascade Lake";
            case "t2a" -> "Ampere Altra";
            case "e2" -> "AMD Rome";
            default -> "Intel Haswell";
        };
    }

    JsonObject metadataJson() {
        var items = new JsonArray();
        metadata.forEach((key, value) -> items.add(new JsonObject().put("key", key).put("value", value)));
        var json = new JsonObject().put("kind", "compute#metadata").put("fingerprint", metadataFingerprint());
        return items.isEmpty() ? json : json.put("items", items);
    }

    private JsonObject scheduling() {
        var sent = spec.body().getJsonObject("scheduling", new JsonObject());
        boolean model = "SPOT".equals(sent.getString("provisioningModel"));
        var scheduling = new JsonObject().put("automaticRestart", restartsByItself()).put("preemptible", spec.spot())
                .put("onHostMaintenance", sent.getString("onHostMaintenance", spec.spot() ? "TERMINATE" : "MIGRATE")).put("provisioningModel", model ? "SPOT" : "STANDARD");
        if (model || sent.containsKey("instanceTerminationAction")) {
            scheduling.put("instanceTerminationAction", sent.getString("instanceTerminationAction", "STOP"));
        }
        if (sent.containsKey("maxRunDuration")) {
            scheduling.put("maxRunDuration", sent.getValue("maxRunDuration"));
        }
        return scheduling;
    }

    String diskName(int index) {
        var disk = spec.disks().get(index);
        return disk.name() != null ? disk.name() : index == 0 ? name : name + "-" + index;
    }

    private JsonObject disk(int index) {
        var disk = spec.disks().get(index);
        var json = new JsonObject().put("kind", "compute#attachedDisk").put("type", "PERSISTENT").put("mode", "READ_WRITE").put("interface", "SCSI")
                .put("source", Links.to(scope() + "/disks/" + diskName(index))).put("deviceName", disk.deviceName()).put("index", index).put("boot", disk.boot())
                .put("autoDelete", disk.autoDelete()).put("diskSizeGb", String.valueOf(disk.sizeGb()));
        if (disk.image() != null) {
            json.put("architecture", disk.image().architecture());
        }
        return json;
    }
}
