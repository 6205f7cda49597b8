package dev.muster.planner.spec;

import com.google.protobuf.Duration;
import dev.muster.v1.Disk;
import dev.muster.v1.GcpLaunch;
import dev.muster.v1.HostMaintenance;
import dev.muster.v1.LaunchParameters;
import dev.muster.v1.Market;
import dev.muster.v1.OfferKey;
import dev.muster.v1.OfferSpec;
import dev.muster.v1.PoolSpec;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * What may be wrong with the parts of an offer and of a launch that only Google Cloud knows, as far as its rules are the same in every
 * project. Whether a zone has a machine type, or a project a subnet, is the provisioner's to say.
 */
public final class GcpLaunchValidator {

    /** "Naming resources" of the Compute Engine documentation: RFC 1035, at most 63 characters. */
    private static final String NAME = "[a-z]([-a-z0-9]{0,61}[a-z0-9])?";
    /** Project ids; those of a domain's own begin with it. */
    private static final String PROJECT = "([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]";
    private static final Pattern NAMED = Pattern.compile(NAME);
    private static final Pattern REGION = Pattern.compile("[a-z]+-[a-z]+[0-9]+");
    private static final Pattern SUBNET = Pattern.compile("projects/" + PROJECT + "/regions/(?<region>[a-z0-9-]+)/subnetworks/" + NAME);
    private static final Pattern IMAGE = Pattern.compile("projects/" + PROJECT + "/global/images/(family/)?" + NAME);
    private static final Pattern SNAPSHOT = Pattern.compile("projects/" + PROJECT + "/global/snapshots/" + NAME);
    private static final Pattern TEMPLATE =
            Pattern.compile("projects/" + PROJECT + "/(global|regions/(?<region>[a-z0-9-]+))/instanceTemplates/" + NAME);
    private static final Pattern KMS_KEY = Pattern.compile(
            "projects/" + PROJECT + "/locations/[a-z0-9-]+/keyRings/[A-Za-z0-9_-]{1,63}/cryptoKeys/[A-Za-z0-9_-]{1,63}(/cryptoKeyVersions/[0-9]+)?");
    /** A family and what it has much of, its vCPUs, and more: n1-standard-4, a2-highgpu-1g, c3-standard-8-lssd, e2-micro, x4-megamem-960-metal. */
    private static final Pattern MACHINE_TYPE = Pattern.compile("[a-z][a-z0-9]*(-[a-z0-9]+){1,4}");
    private static final Pattern CUSTOM_TYPE = Pattern.compile("([a-z][a-z0-9]*-)?custom-(?<cpus>[1-9][0-9]*)-(?<mib>[1-9][0-9]*)(-ext)?");
    private static final String N1 = "n1-";
    /** Accelerator-optimized families: their GPUs belong to the type. */
    private static final Pattern COMES_WITH_GPUS = Pattern.compile("(a[2-9][a-z]?|g[2-9][a-z]?)-.*");
    /** GPUs that no machine type lets one attach, and the family that comes with them. */
    private static final Map<String, String> BUILT_IN = builtIn();
    private static final Set<Integer> GPU_COUNTS = Set.of(1, 2, 4, 8);
    /** "Requirements for labels"; other letters than these are allowed there, but no machine of ours needs them. */
    private static final Pattern LABEL_KEY = Pattern.compile("[a-z][a-z0-9_-]{0,62}");
    private static final Pattern LABEL_VALUE = Pattern.compile("[a-z0-9_-]{0,63}");
    /** Compute Engine: 64 labels a resource, of which Muster writes four. */
    private static final int LABELS = 60;
    private static final int NETWORK_TAGS = 64;
    private static final Pattern METADATA_KEY = Pattern.compile("[A-Za-z0-9_-]{1,128}");
    /** "VM metadata": limits of one value, and of all keys and values. */
    private static final int METADATA_VALUE = 256 * 1024;
    private static final int METADATA = 512 * 1024;
    private static final Set<String> OUR_METADATA = Set.of("startup-script", "startup-script-url", "shutdown-script", "shutdown-script-url");
    private static final Pattern SCOPE = Pattern.compile("https://www\\.googleapis\\.com/auth/[a-z0-9._-]+|[a-z][a-z0-9._-]*");
    /** What gcloud calls scopes by, where that is not the last part of their URL. */
    public static final Map<String, String> GCLOUD_SCOPES = gcloudScopes();
    private static final Pattern SERVICE_ACCOUNT = Pattern.compile("[a-z0-9][a-z0-9-]*@[a-z0-9.-]+\\.gserviceaccount\\.com");
    private static final String NO_ACCOUNT = "none";
    /** "Limit the run time of a VM": from 30 seconds to 120 days. */
    private static final Duration SHORTEST_RUN = Duration.newBuilder().setSeconds(30).build();
    private static final Duration LONGEST_RUN = Duration.newBuilder().setSeconds(120L * 86_400).build();
    /** 9 TB, the most that a type without its own local SSDs takes. */
    private static final int LOCAL_SSDS = 24;
    private static final int SMALLEST_DISK = 10;
    private static final List<String> DISKS = List.of("pd-standard", "pd-balanced", "pd-ssd", "pd-extreme", "hyperdisk-balanced",
            "hyperdisk-balanced-high-availability", "hyperdisk-extreme", "hyperdisk-throughput", "hyperdisk-ml");
    /** "disks.insert": provisionedIops and provisionedThroughput, by the types that take them. */
    private static final List<String> WITH_IOPS =
            List.of("pd-extreme", "hyperdisk-balanced", "hyperdisk-balanced-high-availability", "hyperdisk-extreme");
    private static final List<String> WITH_THROUGHPUT =
            List.of("hyperdisk-balanced", "hyperdisk-balanced-high-availability", "hyperdisk-throughput", "hyperdisk-ml");
    private static final String USUAL_DISK = "pd-balanced";

    private static final String ITS_OWN = "remove it: Muster itself sets it";
    private static final String NOT_ASKED_FOR = "remove it: Compute Engine says it, and nobody asks for it";
    /** Members of InstanceProperties, and of an Instance, that an instance spec may not have, by their path, with what to do instead. */
    public static final Map<String, String> OWNED = owned();

    private final Findings found;

    GcpLaunchValidator(Findings found) {
        this.found = found;
    }

    private static Map<String, String> builtIn() {
        var builtIn = new LinkedHashMap<String, String>();
        builtIn.put("nvidia-l4", "g2-standard-4");
        builtIn.put("nvidia-tesla-a100", "a2-highgpu-1g");
        builtIn.put("nvidia-a100-80gb", "a2-ultragpu-1g");
        builtIn.put("nvidia-h100-80gb", "a3-highgpu-1g");
        builtIn.put("nvidia-h100-mega-80gb", "a3-megagpu-8g");
        builtIn.put("nvidia-h200-141gb", "a3-ultragpu-8g");
        builtIn.put("nvidia-b200", "a4-highgpu-8g");
        return Collections.unmodifiableMap(builtIn);
    }

    private static Map<String, String> gcloudScopes() {
        var names = new LinkedHashMap<String, String>();
        names.put("storage-ro", "devstorage.read_only");
        names.put("storage-rw", "devstorage.read_write");
        names.put("storage-full", "devstorage.full_control");
        names.put("compute-ro", "compute.readonly");
        names.put("compute-rw", "compute");
        names.put("logging-write", "logging.write");
        names.put("monitoring-read", "monitoring.read");
        names.put("monitoring-write", "monitoring.write");
        names.put("service-control", "servicecontrol");
        names.put("service-management", "service.management.readonly");
        names.put("sql-admin", "sqlservice.admin");
        names.put("trace", "trace.append");
        names.put("userinfo-email", "userinfo.email");
        names.put("cloud-source-repos", "source.full_control");
        names.put("cloud-source-repos-ro", "source.read_only");
        return Collections.unmodifiableMap(names);
    }

    private static Map<String, String> owned() {
        var owned = new LinkedHashMap<String, String>();
        owned.put("name", ITS_OWN);
        owned.put("zone", "write it as the offer's zone");
        owned.put("machineType", "write it as the offer's type");
        owned.put("deletionProtection", "remove it: Muster must be able to end its machines");
        owned.put("scheduling.provisioningModel", "write market: spot in the offer");
        owned.put("scheduling.preemptible", "write market: spot in the offer, and gcp.preemptible for the older kind");
        owned.put("scheduling.maxRunDuration", "write it as gcp.maxRunDuration");
        owned.put("scheduling.terminationTime", "write gcp.maxRunDuration, which holds for every machine");
        owned.put("scheduling.instanceTerminationAction", ITS_OWN + ", since it looks at how a machine ended");
        owned.put("scheduling.automaticRestart", ITS_OWN + ", since a machine that ended must not come back");
        List.of("id", "kind", "status", "statusMessage", "selfLink", "creationTimestamp", "fingerprint", "labelFingerprint")
                .forEach(member -> owned.put(member, NOT_ASKED_FOR));
        return Collections.unmodifiableMap(owned);
    }

    void offer(String at, OfferKey key) {
        var region = key.getRegion();
        var knownRegion = REGION.matcher(region).matches();
        if (!region.isEmpty() && !knownRegion) {
            var zone = region.lastIndexOf('-');
            var within = zone < 0 ? "" : region.substring(0, zone);
            found.say(at + ".region", "'" + region + "' is no region of Google Cloud",
                    REGION.matcher(within).matches() ? "write region: " + within + " and zone: " + region : "write one such as us-central1");
        }
        if (!key.getZone().isEmpty() && knownRegion && !key.getZone().matches(Pattern.quote(region) + "-[a-z0-9]+")) {
            found.say(at + ".zone", "'" + key.getZone() + "' is not in region " + region, "write a zone such as " + region + "-a, or leave it out");
        }
        var subnet = SUBNET.matcher(key.getSubnet());
        if (!key.getSubnet().isEmpty() && !NAMED.matcher(key.getSubnet()).matches()) {
            if (!subnet.matches()) {
                found.say(at + ".subnet", "'" + key.getSubnet() + "' is neither a subnet's name nor its path",
                        "write the name, or projects/<project>/regions/<region>/subnetworks/<name>");
            } else if (!subnet.group("region").equals(region)) {
                found.say(at + ".subnet", "is in region " + subnet.group("region") + ", and the offer in " + region, "name a subnet of " + region);
            }
        }
        machineType(at + ".type", key.getMachineType());
    }

    private void machineType(String field, String type) {
        if (type.isEmpty()) {
            return;
        }
        if (!MACHINE_TYPE.matcher(type).matches()) {
            found.say(field, "'" + type + "' is no machine type of Google Cloud", "write one such as n1-standard-4, or n2-custom-4-8192 for vCPUs and MB of your own");
            return;
        }
        var custom = CUSTOM_TYPE.matcher(type);
        if (type.contains("custom-") && !custom.matches()) {
            found.say(field, "'" + type + "' is no custom machine type", "write <family>-custom-<vCPUs>-<MB of memory>, such as n2-custom-4-8192");
        } else if (custom.matches() && Long.parseLong(shortened(custom.group("mib"))) % 256 != 0) {
            found.say(field, "has " + custom.group("mib") + " MB of memory, and custom types have a multiple of 256", "write a multiple of 256, such as 8192");
        }
    }

    /** @return whether GPUs can be attached to machines of that type */
    public static boolean takesGpus(String machineType) {
        return machineType.startsWith(N1);
    }

    /** The last digits decide what a number is a multiple of. */
    private static String shortened(String digits) {
        return digits.substring(Math.max(0, digits.length() - 9));
    }

    void judge(String at, PoolSpec pool) {
        var launch = pool.getLaunch();
        var offers = pool.getOffersList().stream().map(OfferSpec::getKey).filter(key -> key.getProvider().equals("gcp")).toList();
        image(at + ".image", launch.getImage());
        disks(at, launch);
        labels(at, launch.getTagsMap());
        gpus(at + ".gcp", launch.getGcp(), offers);
        account(at + ".gcp", launch.getGcp());
        network(at + ".gcp", launch.getGcp());
        metadata(at + ".gcp.metadata", launch.getGcp().getMetadataMap());
        running(at + ".gcp", launch.getGcp(), offers, pool);
        if (!launch.getGcp().getInstanceTemplate().isEmpty() && launch.getImage().isEmpty() && (launch.getDisksCount() > 0 || launch.getGcp().getLocalSsds() > 0)) {
            found.say(at + ".image", "is missing, and disks or local SSDs beside an instance template stand in place of its own disks, the boot disk too",
                    "write the image, or put the disks into the template");
        }
        template(at + ".gcp.instanceTemplate", launch.getGcp().getInstanceTemplate(), offers);
        if (!launch.getGcp().getInstanceSpec().isEmpty()) {
            instanceSpec(at + ".gcp.instanceSpec", launch.getGcp().getInstanceSpec());
        }
    }

    private void image(String field, String image) {
        if (!image.isEmpty() && !NAMED.matcher(image).matches() && !IMAGE.matcher(image).matches()) {
            found.say(field, "'" + image + "' is neither the name of an image nor the path of an image or a family",
                    "write projects/<project>/global/images/<name>, projects/<project>/global/images/family/<family>, or the name of an image of the account's project");
        }
    }

    private void disks(String at, LaunchParameters launch) {
        var devices = new HashSet<String>();
        for (int i = 0; i < launch.getDisksCount(); i++) {
            var disk = launch.getDisks(i);
            var field = at + ".disks[" + i + "]";
            if (!devices.add(disk.getDevice())) {
                found.say(field + ".device", disk.getDevice().isEmpty() ? "is missing, as in another disk, and there is one boot disk"
                                : "'" + disk.getDevice() + "' is used twice",
                        "give each disk a name of its own, such as data");
            }
            disk(field, disk);
        }
    }

    private void disk(String at, Disk disk) {
        var type = disk.getType().isEmpty() ? USUAL_DISK : disk.getType();
        if (!disk.getDevice().isEmpty() && !NAMED.matcher(disk.getDevice()).matches()) {
            found.say(at + ".device", "'" + disk.getDevice() + "' is no name of a disk on Google Cloud",
                    "leave it out for the boot disk, else write a name such as data: the machine sees it as /dev/disk/by-id/google-data");
        }
        if (!DISKS.contains(type)) {
            found.say(at + ".type", "'" + type + "' is no type of a disk on Google Cloud", "use " + String.join(", ", DISKS));
        } else {
            taken(at + ".iops", "operations a second", type, disk.getIops(), WITH_IOPS);
            taken(at + ".throughput", "MiB a second", type, disk.getThroughput(), WITH_THROUGHPUT);
        }
        if (disk.getSizeGib() > 0 && disk.getSizeGib() < SMALLEST_DISK) {
            found.say(at + ".size", "is " + disk.getSizeGib() + " GiB", "use at least " + SMALLEST_DISK);
        } else if (disk.getSizeGib() == 0 && !disk.getDevice().isEmpty() && disk.getSnapshot().isEmpty()) {
            found.say(at + ".size", "is missing, and the disk begins with nothing that has a size", "write how many GiB it has, or a snapshot");
        }
        if (!disk.getKmsKey().isEmpty() && !KMS_KEY.matcher(disk.getKmsKey()).matches()) {
            found.say(at + ".kmsKey", "'" + disk.getKmsKey() + "' is no path of a KMS key",
                    "write projects/<project>/locations/<location>/keyRings/<ring>/cryptoKeys/<key>");
        }
        if (!disk.getSnapshot().isEmpty() && !NAMED.matcher(disk.getSnapshot()).matches() && !SNAPSHOT.matcher(disk.getSnapshot()).matches()) {
            found.say(at + ".snapshot", "'" + disk.getSnapshot() + "' is neither a snapshot's name nor its path",
                    "write the name, or projects/<project>/global/snapshots/<name>");
        }
    }

    private void taken(String field, String what, String type, int value, List<String> takers) {
        if (value > 0 && !takers.contains(type)) {
            found.say(field, "is set, and disks of type " + type + " take no number of " + what, "remove it, or use " + String.join(", ", takers));
        }
    }

    private void labels(String at, Map<String, String> labels) {
        if (labels.size() > LABELS) {
            found.say(at + ".tags", "there are " + labels.size(), "Compute Engine takes 64 a machine, and Muster needs 4: use at most " + LABELS);
        }
        new TreeMap<>(labels).forEach((key, value) -> label(at + ".tags." + key, key, value));
    }

    private void label(String field, String key, String value) {
        if (isOthers(key)) {
            found.say(field, "'" + key + "' is " + (key.startsWith("goog") ? "Google's" : "Muster's") + " own", "choose another key");
        } else if (!LABEL_KEY.matcher(key).matches()) {
            found.say(field, "'" + key + "' is no key of a label", "use small letters, digits, '_' and '-', beginning with a letter, at most 63");
        }
        if (!LABEL_VALUE.matcher(value).matches()) {
            found.say(field, "'" + value + "' is no value of a label", "use small letters, digits, '_' and '-', at most 63");
        }
    }

    private static boolean isOthers(String key) {
        return key.startsWith("muster-") || key.startsWith("goog");
    }

    private void gpus(String at, GcpLaunch gcp, List<OfferKey> offers) {
        var type = gcp.getGpuType();
        if (type.isEmpty()) {
            if (gcp.getGpuCount() != 0) {
                found.say(at + ".gpuCount", "is set, and there is no gpuType", "write the GPU's type, such as nvidia-tesla-t4, or remove it");
            }
            return;
        }
        if (!NAMED.matcher(type).matches()) {
            found.say(at + ".gpuType", "'" + type + "' is no name of a GPU", "write Google's name, such as nvidia-tesla-t4");
        } else if (BUILT_IN.containsKey(type)) {
            found.say(at + ".gpuType", "'" + type + "' can't be attached to a machine", "remove it, and write a type that comes with it, such as " + BUILT_IN.get(type));
        } else {
            offers.stream().map(OfferKey::getMachineType).filter(machine -> !machine.isEmpty() && !takesGpus(machine)).findFirst().ifPresent(machine ->
                    found.say(at + ".gpuType", "is set, and machines of " + machine + " take no GPUs", instead(machine)));
        }
        if (gcp.getGpuCount() != 0 && !GPU_COUNTS.contains(gcp.getGpuCount())) {
            found.say(at + ".gpuCount", "is " + Findings.number(gcp.getGpuCount()), "use 1, 2, 4 or 8");
        }
    }

    private static String instead(String machine) {
        if (COMES_WITH_GPUS.matcher(machine).matches()) {
            return "remove it: they come with their own";
        }
        return machine.startsWith("custom-") ? "write " + N1 + machine : "use a type of N1, such as n1-standard-4, or one that comes with GPUs, such as g2-standard-4";
    }

    private void account(String at, GcpLaunch gcp) {
        var account = gcp.getServiceAccount();
        if (account.equals(NO_ACCOUNT) && gcp.getScopesCount() > 0) {
            found.say(at + ".scopes", "are set, and there is no service account to limit", "remove them, or name a service account");
        } else if (!account.isEmpty() && !account.equals(NO_ACCOUNT) && !SERVICE_ACCOUNT.matcher(account).matches()) {
            found.say(at + ".serviceAccount", "'" + account + "' is no email of a service account",
                    "write one such as machines@my-project.iam.gserviceaccount.com, none for no account, or leave it out for the project's default");
        }
        for (int i = 0; i < gcp.getScopesCount(); i++) {
            var scope = gcp.getScopes(i);
            var field = at + ".scopes[" + i + "]";
            if (GCLOUD_SCOPES.containsKey(scope)) {
                found.say(field, "'" + scope + "' is gcloud's word for it", "write " + GCLOUD_SCOPES.get(scope));
            } else if (!SCOPE.matcher(scope).matches()) {
                found.say(field, "'" + scope + "' is no scope", "write https://www.googleapis.com/auth/<name>, or only the name, such as cloud-platform");
            } else if (gcp.getScopesList().indexOf(scope) < i) {
                found.say(field, "'" + scope + "' is named twice", "name each once");
            }
        }
    }

    private void network(String at, GcpLaunch gcp) {
        if (gcp.getNetworkTagsCount() > NETWORK_TAGS) {
            found.say(at + ".networkTags", "there are " + gcp.getNetworkTagsCount(), "use at most " + NETWORK_TAGS);
        }
        for (int i = 0; i < gcp.getNetworkTagsCount(); i++) {
            var tag = gcp.getNetworkTags(i);
            if (!NAMED.matcher(tag).matches()) {
                found.say(at + ".networkTags[" + i + "]", "'" + tag + "' is no network tag",
                        "use small letters, digits and '-', beginning with a letter and not ending with '-', at most 63");
            } else if (gcp.getNetworkTagsList().indexOf(tag) < i) {
                found.say(at + ".networkTags[" + i + "]", "'" + tag + "' is named twice", "name each once");
            }
        }
    }

    private void metadata(String at, Map<String, String> metadata) {
        long all = 0;
        for (var entry : new TreeMap<>(metadata).entrySet()) {
            var bytes = entry.getValue().getBytes(StandardCharsets.UTF_8).length;
            all += entry.getKey().length() + bytes;
            metadataKey(at + "." + entry.getKey(), entry.getKey());
            if (bytes > METADATA_VALUE) {
                found.say(at + "." + entry.getKey(), "its value has " + bytes + " bytes", "use at most " + METADATA_VALUE);
            }
        }
        if (all > METADATA) {
            found.say(at, "has " + all + " bytes in all", "use less than " + METADATA + ", of which Muster's startup script needs some, too");
        }
    }

    /** @return whether Muster itself writes it, so that nobody else may */
    public static boolean isOurMetadata(String key) {
        return OUR_METADATA.contains(key) || key.startsWith("muster-");
    }

    private void metadataKey(String field, String key) {
        if (OUR_METADATA.contains(key)) {
            found.say(field, "'" + key + "' is Muster's own", "write the script as agent.initScript");
        } else if (isOurMetadata(key)) {
            found.say(field, "'" + key + "' is Muster's own", "choose another key");
        } else if (!METADATA_KEY.matcher(key).matches()) {
            found.say(field, "'" + key + "' is no key of metadata", "use letters, digits, '_' and '-', at most 128");
        }
    }

    private void running(String at, GcpLaunch gcp, List<OfferKey> offers, PoolSpec pool) {
        var spot = offers.stream().anyMatch(offer -> offer.getMarket() == Market.SPOT);
        if (gcp.getPreemptible() && !spot) {
            found.say(at + ".preemptible", "is set, and the pool has no spot offer", "add an offer with market: spot, or remove it");
        }
        if (gcp.getHostMaintenance() == HostMaintenance.UNRECOGNIZED) {
            found.say(at + ".hostMaintenance", "is one that this release doesn't know", "use migrate or terminate");
        } else if (gcp.getHostMaintenance() == HostMaintenance.MIGRATE) {
            var withGpus = !gcp.getGpuType().isEmpty() || offers.stream().anyMatch(offer -> COMES_WITH_GPUS.matcher(offer.getMachineType()).matches());
            if (withGpus || spot) {
                found.say(at + ".hostMaintenance", "is migrate, and machines " + (withGpus ? "with GPUs" : "of the spot market") + " can't move",
                        "remove it, or write terminate");
            }
        }
        if (gcp.getLocalSsds() < 0 || gcp.getLocalSsds() > LOCAL_SSDS) {
            found.say(at + ".localSsds", "is " + Findings.number(gcp.getLocalSsds()), "use 0 to " + LOCAL_SSDS);
        }
        if (!gcp.hasMaxRunDuration()) {
            return;
        }
        var run = gcp.getMaxRunDuration();
        if (Findings.compare(run, SHORTEST_RUN) < 0 || Findings.compare(run, LONGEST_RUN) > 0) {
            found.say(at + ".maxRunDuration", "is " + Findings.text(run), "use " + Findings.text(SHORTEST_RUN) + " to " + Findings.text(LONGEST_RUN));
        } else if (pool.hasMaxAge() && Findings.compare(run, pool.getMaxAge()) <= 0) {
            found.say(at + ".maxRunDuration", "is " + Findings.text(run) + ", and maxAge " + Findings.text(pool.getMaxAge())
                    + ": Google would end a machine, with its task, before it is drained for its age", "raise it well above maxAge, or lower maxAge");
        }
    }

    private void template(String field, String template, List<OfferKey> offers) {
        if (template.isEmpty() || NAMED.matcher(template).matches()) {
            return;
        }
        var path = TEMPLATE.matcher(template);
        if (!path.matches()) {
            found.say(field, "'" + template + "' is neither an instance template's name nor its path",
                    "write the name, projects/<project>/global/instanceTemplates/<name> or projects/<project>/regions/<region>/instanceTemplates/<name>");
        } else if (path.group("region") != null) {
            offers.stream().map(OfferKey::getRegion).filter(region -> !region.equals(path.group("region"))).findFirst().ifPresent(region ->
                    found.say(field, "is in region " + path.group("region") + ", and an offer in " + region, "use a global template, or one pool a region"));
        }
    }

    private void instanceSpec(String at, String json) {
        var read = CloudTerms.read(found, at, json, "keys and values of Compute Engine's InstanceProperties", "canIpForward: true");
        if (read.isEmpty()) {
            return;
        }
        var spec = read.get();
        OWNED.forEach((path, fix) -> {
            if (CloudTerms.at(spec, path) != null) {
                found.say(at + "." + path, "may not stand in an instance spec", fix);
            }
        });
        if (spec.get("labels") instanceof Map<?, ?> labels) {
            labels.forEach((key, value) -> label(at + ".labels." + key, String.valueOf(key), String.valueOf(value)));
        }
        int i = 0;
        for (var item : CloudTerms.objects(CloudTerms.at(spec, "metadata.items"))) {
            metadataKey(at + ".metadata.items[" + i + "].key", String.valueOf(item.get("key")));
            i++;
        }
        // The first is the offer's; others are nobody else's.
        CloudTerms.objects(spec.get("networkInterfaces")).stream().limit(1).filter(network -> network.containsKey("subnetwork")).forEach(network ->
                found.say(at + ".networkInterfaces[0].subnetwork", "may not stand in an instance spec", "write it as the offer's subnet"));
        i = 0;
        for (var disk : CloudTerms.objects(spec.get("disks"))) {
            if (Boolean.FALSE.equals(disk.get("autoDelete"))) {
                found.say(at + ".disks[" + i + "].autoDelete", "is false, and disks go with their machine", "remove it");
            }
            i++;
        }
    }
}
