package dev.muster.sandbox.gce;

import dev.muster.sandbox.gce.GceConfig.Image;
import dev.muster.sandbox.gce.MachineType.Gpus;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * What an insert or bulkInsert asks for, read and checked in the order and the words of Compute Engine.
 *
 * @param gpus of the machine, its type's own or those added to it; null if it has none
 * @param deleteWhenPreempted else it is stopped
 * @param maxRun how long it may run; null: for ever
 * @param external whether it gets an address of its own on the internet
 * @param body as sent, with short names for types
 */
record LaunchSpec(MachineType type, Gpus gpus, boolean spot, boolean deleteWhenPreempted, Duration maxRun, List<Disk> disks, boolean external,
        SortedMap<String, String> labels, Map<String, String> metadata, boolean deletionProtected, JsonObject body) {

    static final String NAME = "(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)";
    private static final Pattern SHORT_NAME = Pattern.compile(NAME);
    private static final Pattern LABEL_KEY = Pattern.compile("\\p{Ll}[\\p{Ll}\\p{Lo}\\p{N}_-]{0,62}");
    private static final Pattern LABEL_VALUE = Pattern.compile("[\\p{Ll}\\p{Lo}\\p{N}_-]{0,63}");
    private static final int MOST_LABELS = 64;
    private static final Pattern METADATA_KEY = Pattern.compile("[a-zA-Z0-9-_]{1,128}");
    /** "The size of each metadata value must be less than or equal to 256 KB", and all of an instance's 512 KB, says Google. */
    private static final int LONGEST_VALUE = 256 * 1024;
    private static final int LONGEST_METADATA = 512 * 1024;
    /** As disk types tell it: 64 TB. */
    private static final int LARGEST_DISK = 65_536;
    static final List<String> DISK_TYPES = List.of("hyperdisk-balanced", "pd-balanced", "pd-extreme", "pd-ssd", "pd-standard");

    /** @param name null: as the instance, with a number if it isn't its first disk */
    record Disk(boolean boot, boolean autoDelete, String deviceName, String name, String type, int sizeGb, Image image) {

        /** Published list prices in us-central1 by GB and month, which has 730 hours. */
        BigDecimal dollarsPerHour() {
            double month = switch (type) {
                case "pd-standard" -> 0.04;
                case "pd-ssd" -> 0.17;
                case "pd-extreme" -> 0.125;
                case "hyperdisk-balanced" -> 0.08;
                default -> 0.10;
            };
            return BigDecimal.valueOf(month / 730 * sizeGb);
        }

        boolean isSsd() {
            return !type.equals("pd-standard");
        }
    }

    String market() {
        return spot ? OfferFilter.SPOT : OfferFilter.STANDARD;
    }

    BigDecimal listPrice() {
        return gpus == null || type.builtIn() != null ? type.dollarsPerHour()
                : type.dollarsPerHour().add(MachineType.gpu(gpus.model()).dollarsPerHour().multiply(BigDecimal.valueOf(gpus.count())));
    }

    /** What a lack of machines names as attachment, such as {@code nvidia-tesla-t4:1}. */
    String attachment() {
        return gpus == null || type.builtIn() != null ? "" : gpus.model() + ":" + gpus.count();
    }

    /** An insert's: types are addresses in the instance's zone. */
    static LaunchSpec ofInsert(JsonObject sent, JsonObject template, String project, Geography.Zone zone, List<Image> images) {
        var body = sent.copy();
        checkName(body.getString("name"), "resource.name");
        shorten(body, "machineType", "machineTypes", zone, "resource.machineType");
        each(body, "guestAccelerators", (gpu, at) -> shorten(gpu, "acceleratorType", "acceleratorTypes", zone, at + ".acceleratorType"));
        each(body, "disks", (disk, at) -> {
            if (disk.getJsonObject("initializeParams") != null) {
                shorten(disk.getJsonObject("initializeParams"), "diskType", "diskTypes", zone, at + ".initializeParams.diskType");
            }
        });
        return of(merged(template, body), "resource.", project, zone.region(), images);
    }

    /** A bulk insert's: types are names alone, since the zone may not be known yet. */
    static LaunchSpec ofBulk(JsonObject properties, JsonObject template, String project, String region, List<Image> images) {
        var body = merged(template, properties == null ? new JsonObject() : properties);
        var at = "resource.instanceProperties.";
        checkShort(body.getString("machineType"), at + "machineType");
        each(body, "guestAccelerators", (gpu, where) -> checkShort(gpu.getString("acceleratorType"), where.replaceFirst("resource\\.", at) + ".acceleratorType"));
        each(body, "disks", (disk, where) -> {
            if (disk.getJsonObject("initializeParams") != null) {
                checkShort(disk.getJsonObject("initializeParams").getString("diskType"), where.replaceFirst("resource\\.", at) + ".initializeParams.diskType");
            }
        });
        return of(body, at, project, region, images);
    }

    private static JsonObject merged(JsonObject template, JsonObject body) {
        return template == null ? body.copy() : template.getJsonObject("properties", new JsonObject()).copy().mergeIn(body, true);
    }

    static void checkName(String name, String field) {
        if (name == null || name.isEmpty()) {
            throw Refusal.required(field);
        }
        if (!SHORT_NAME.matcher(name).matches()) {
            throw Refusal.invalid(field, name, "Must be a match of regex '" + NAME + "'");
        }
    }

    private interface At {
        void accept(JsonObject item, String at);
    }

    private static void each(JsonObject body, String list, At act) {
        var items = body.getJsonArray(list, new JsonArray());
        for (int i = 0; i < items.size(); i++) {
            act.accept(items.getJsonObject(i), "resource." + list + "[" + i + "]");
        }
    }

    private static void shorten(JsonObject body, String field, String collection, Geography.Zone zone, String at) {
        var link = body.getString(field);
        if (link == null || link.isEmpty()) {
            return;
        }
        var match = Pattern.compile("(?:projects/[^/]+/)?zones/([^/]+)/" + collection + "/([^/]+)").matcher(Links.path(link));
        if (!match.matches()) {
            throw Refusal.invalid(at, link, "The URL is malformed.");
        }
        if (!match.group(1).equals(zone.name())) {
            throw Refusal.invalid(at, link, "The resource is in zone '" + match.group(1) + "', the instance in zone '" + zone.name() + "'.");
        }
        body.put(field, match.group(2));
    }

    private static void checkShort(String name, String at) {
        if (name != null && !name.isEmpty() && !SHORT_NAME.matcher(name).matches()) {
            throw Refusal.invalid(at, name, "Must be a match of regex '" + NAME + "'");
        }
    }

    private static LaunchSpec of(JsonObject body, String at, String project, String region, List<Image> images) {
        var name = body.getString("machineType", "");
        if (name.isEmpty()) {
            throw Refusal.required(at + "machineType");
        }
        var type = MachineType.named(name);
        if (type == null) {
            throw unknownType(at, name, region);
        }
        var gpus = gpus(body, type, at);
        var scheduling = body.getJsonObject("scheduling", new JsonObject());
        boolean spot = spot(scheduling, at);
        var host = scheduling.getString("onHostMaintenance");
        if (gpus != null && !"TERMINATE".equals(host) && !(spot && host == null)) {
            throw new Refusal(400, "badRequest", "Instances with guest accelerators do not support live migration.");
        }
        boolean delete = "DELETE".equals(action(scheduling, spot, at));
        var disks = disks(body, type, at, images);
        boolean external = network(body, at, project, region);
        var labels = labels(body.getJsonObject("labels", new JsonObject()), at + "labels");
        var metadata = metadata(body.getJsonObject("metadata", new JsonObject()), at + "metadata");
        if (body.getJsonArray("serviceAccounts", new JsonArray()).size() > 1) {
            throw Refusal.invalid(at + "serviceAccounts", "", "At most one service account may be specified per instance.");
        }
        var most = scheduling.getJsonObject("maxRunDuration");
        return new LaunchSpec(type, gpus, spot, delete, most == null ? null : Duration.ofSeconds(Long.parseLong(String.valueOf(most.getValue("seconds", "0")))), disks,
                external, labels, metadata, body.getBoolean("deletionProtection", false), body);
    }

    static Refusal unknownType(String at, String name, String place) {
        return Refusal.invalid(at + "machineType", name, "Machine type with name '" + name + "' does not exist in zone '" + place + "'.");
    }

    private static Gpus gpus(JsonObject body, MachineType type, String at) {
        var list = body.getJsonArray("guestAccelerators", new JsonArray());
        if (list.isEmpty()) {
            return type.builtIn();
        }
        if (list.size() > 1) {
            throw Refusal.invalid(at + "guestAccelerators", "", "At most one accelerator type may be specified per instance.");
        }
        var first = list.getJsonObject(0);
        var model = first.getString("acceleratorType", "");
        int count = Integer.parseInt(String.valueOf(first.getValue("acceleratorCount", 0)));
        var known = MachineType.gpu(model);
        if (known == null) {
            throw Refusal.invalid(at + "guestAccelerators[0].acceleratorType", model, "The referenced accelerator type resource cannot be found.");
        }
        if (type.builtIn() != null ? !type.builtIn().equals(new Gpus(model, count)) : !type.takesGpus() || known.dollarsPerHour() == null) {
            throw new Refusal(400, "badRequest", "[" + type.name() + ", " + model + "] features are not compatible for creating instance.");
        }
        if (type.builtIn() == null && (count < 1 || count > known.most() || Integer.bitCount(count) != 1)) {
            throw Refusal.invalid(at + "guestAccelerators[0].acceleratorCount", String.valueOf(count), "The number of " + model + " attached to an instance must be a power of two up to "
                    + known.most() + ".");
        }
        return new Gpus(model, count);
    }

    private static boolean spot(JsonObject scheduling, String at) {
        var model = scheduling.getString("provisioningModel", "STANDARD");
        if (!List.of("STANDARD", "SPOT").contains(model)) {
            throw Refusal.invalid(at + "scheduling.provisioningModel", model, "This stand-in has STANDARD and SPOT.");
        }
        boolean preemptible = scheduling.getBoolean("preemptible", false);
        boolean spot = model.equals("SPOT");
        if (spot && scheduling.containsKey("preemptible") && !preemptible) {
            throw Refusal.invalid(at + "scheduling.preemptible", "false", "A Spot VM is preemptible.");
        }
        if ((spot || preemptible) && scheduling.getBoolean("automaticRestart", false)) {
            throw Refusal.invalid(at + "scheduling", "", "Scheduling must have preemptible be false when AutomaticRestart is true.");
        }
        if ((spot || preemptible) && "MIGRATE".equals(scheduling.getString("onHostMaintenance"))) {
            throw Refusal.invalid(at + "scheduling.onHostMaintenance", "MIGRATE", "Preemptible instances must terminate on host maintenance.");
        }
        return spot || preemptible;
    }

    private static String action(JsonObject scheduling, boolean spot, String at) {
        var action = scheduling.getString("instanceTerminationAction", "");
        if (action.isEmpty()) {
            return "STOP";
        }
        if (!List.of("STOP", "DELETE").contains(action)) {
            throw Refusal.invalid(at + "scheduling.instanceTerminationAction", action, "It must be STOP or DELETE.");
        }
        // A preemptible machine of the older kind can only be stopped, says "Preemptible VM instances".
        if (!(spot && "SPOT".equals(scheduling.getString("provisioningModel"))) && !scheduling.containsKey("maxRunDuration")) {
            throw Refusal.invalid(at + "scheduling.instanceTerminationAction", action, "It may be specified for Spot VMs and for VMs with a limited run time.");
        }
        return action;
    }

    private static List<Disk> disks(JsonObject body, MachineType type, String at, List<Image> images) {
        var list = body.getJsonArray("disks", new JsonArray());
        if (list.isEmpty()) {
            throw Refusal.invalid(at + "disks", "", "No disks are specified.");
        }
        var disks = new ArrayList<Disk>();
        for (int i = 0; i < list.size(); i++) {
            var disk = list.getJsonObject(i);
            var where = at + "disks[" + i + "]";
            if (disk.getBoolean("boot", false) != (i == 0)) {
                throw Refusal.invalid(where + ".boot", String.valueOf(i != 0), i == 0 ? "Boot disk must be the first disk attached to the instance." : "Only one boot disk may be attached.");
            }
            var parameters = disk.getJsonObject("initializeParams");
            if (parameters == null) {
                throw Refusal.invalid(where + ".source", disk.getString("source", ""), "This stand-in has no disks but those that an instance is created with.");
            }
            disks.add(disk(disk, parameters, type, where, i, images));
        }
        return List.copyOf(disks);
    }

    private static Disk disk(JsonObject disk, JsonObject parameters, MachineType type, String at, int index, List<Image> images) {
        var link = parameters.getString("sourceImage", "");
        Image image = null;
        if (!link.isEmpty()) {
            image = image(link, images);
            if (image == null) {
                throw Refusal.invalid(at + ".initializeParams.sourceImage", link, "The referenced image resource cannot be found.");
            }
        } else if (index == 0) {
            throw Refusal.invalid(at + ".initializeParams.sourceImage", "", "A boot disk must be specified.");
        }
        if (image != null && index == 0 && !image.architecture().equals(type.architecture())) {
            throw Refusal.invalid(at + ".initializeParams.sourceImage", link, "Requested boot disk architecture (" + image.architecture()
                    + ") is not compatible with machine type architecture (" + type.architecture() + ").");
        }
        int least = image == null ? 10 : image.diskSizeGb();
        long size = Long.parseLong(String.valueOf(parameters.getValue("diskSizeGb", disk.getValue("diskSizeGb", least))));
        if (size > LARGEST_DISK) {
            throw Refusal.invalid(at + ".initializeParams.diskSizeGb", String.valueOf(size), "Disk size must be between 10 GB and " + LARGEST_DISK + " GB inclusive.");
        }
        if (size < least) {
            throw Refusal.invalid(at + ".initializeParams.diskSizeGb", String.valueOf(size), "Requested disk size cannot be smaller than the image size (" + least + " GB)");
        }
        var kind = parameters.getString("diskType", "pd-standard");
        if (!DISK_TYPES.contains(kind)) {
            throw Refusal.invalid(at + ".initializeParams.diskType", kind, "The referenced diskType resource cannot be found.");
        }
        return new Disk(index == 0, disk.getBoolean("autoDelete", false), disk.getString("deviceName", "persistent-disk-" + index), parameters.getString("diskName"), kind, (int) size, image);
    }

    /** Null if there is none. */
    static Image image(String link, List<Image> images) {
        var path = Links.path(link);
        // gcloud names a family as one zone sees it.
        var family = Pattern.compile("projects/([^/]+)/(?:global/images/family|zones/[^/]+/imageFamilyViews)/([^/]+)").matcher(path);
        if (family.matches()) {
            return ofFamily(family.group(1), family.group(2), images);
        }
        return images.stream().filter(image -> image.path().equals(path)).findFirst().orElse(null);
    }

    static Image ofFamily(String project, String family, List<Image> images) {
        return images.stream().filter(image -> image.project().equals(project) && family.equals(image.family())).reduce((older, newer) -> newer).orElse(null);
    }

    private static boolean network(JsonObject body, String at, String project, String region) {
        var list = body.getJsonArray("networkInterfaces", new JsonArray());
        if (list.size() != 1) {
            throw Refusal.invalid(at + "networkInterfaces", "", list.isEmpty() ? "At least one network interface is required." : "This stand-in has one network.");
        }
        var first = list.getJsonObject(0);
        var network = first.getString("network", "");
        if (!network.isEmpty() && !Links.path(network).matches("(projects/" + project + "/)?global/networks/default")) {
            throw Refusal.invalid(at + "networkInterfaces[0].network", network, "The referenced network resource cannot be found.");
        }
        var subnet = first.getString("subnetwork", "");
        if (!subnet.isEmpty() && !Links.path(subnet).matches("(projects/" + project + "/)?regions/" + region + "/subnetworks/default")) {
            throw Refusal.invalid(at + "networkInterfaces[0].subnetwork", subnet, "The referenced subnetwork resource cannot be found.");
        }
        return !first.getJsonArray("accessConfigs", new JsonArray()).isEmpty();
    }

    static SortedMap<String, String> labels(JsonObject sent, String at) {
        var labels = new TreeMap<String, String>();
        for (var label : sent) {
            var value = String.valueOf(label.getValue());
            if (!LABEL_KEY.matcher(label.getKey()).matches()) {
                throw Refusal.invalid(at, "", "Label key '" + label.getKey() + "' violates format constraints. The key must start with a lowercase character, can only contain lowercase "
                        + "letters, numeric characters, underscores and dashes. The key can be at most 63 characters long. International characters are allowed.");
            }
            if (!LABEL_VALUE.matcher(value).matches()) {
                throw Refusal.invalid(at, "", "Label value '" + value + "' violates format constraints. The value can only contain lowercase letters, numeric characters, underscores and "
                        + "dashes. The value can be at most 63 characters long. International characters are allowed.");
            }
            labels.put(label.getKey(), value);
        }
        if (labels.size() > MOST_LABELS) {
            throw Refusal.invalid(at, "", "The number of labels must be at most " + MOST_LABELS + ".");
        }
        return labels;
    }

    static Map<String, String> metadata(JsonObject sent, String at) {
        var items = sent.getJsonArray("items", new JsonArray());
        var metadata = new LinkedHashMap<String, String>();
        int all = 0;
        for (int i = 0; i < items.size(); i++) {
            var key = items.getJsonObject(i).getString("key", "");
            var value = items.getJsonObject(i).getString("value", "");
            if (!METADATA_KEY.matcher(key).matches()) {
                throw Refusal.invalid(at + ".items[" + i + "].key", key, "Must be a match of regex '[a-zA-Z0-9-_]{1,128}'");
            }
            if (value.length() > LONGEST_VALUE) {
                throw new Refusal(413, "fieldSizeTooLarge", "Value for field '" + at + ".items[" + i + "].value' is too large: maximum size " + LONGEST_VALUE
                        + " character(s); actual size " + value.length() + ".");
            }
            if (metadata.put(key, value) != null) {
                throw Refusal.invalid(at, "", "Metadata has duplicate keys: " + key);
            }
            all += key.length() + value.length();
        }
        if (all > LONGEST_METADATA) {
            throw new Refusal(413, "fieldSizeTooLarge", "Value for field '" + at + "' is too large: maximum size " + LONGEST_METADATA + " character(s); actual size " + all + ".");
        }
        return metadata;
    }

    /** The value at a path of the body's own fields, or the default. */
    <T> T scheduling(Function<JsonObject, T> read) {
        return read.apply(body.getJsonObject("scheduling", new JsonObject()));
    }
}
