package dev.muster.gcp;

import com.google.cloud.compute.v1.BulkInsertInstanceResource;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;

/** Which permissions calls need: by "required permissions" of each method in Compute Engine's, IAM's, KMS's and Resource Manager's references. */
final class GcePermissions {

    private static final List<String> LAUNCH = List.of("compute.instances.create", "compute.disks.create", "compute.instances.setMetadata", "compute.instances.setLabels");
    static final String ACT_AS = "iam.serviceAccounts.actAs";
    static final String USE_SUBNET = "compute.subnetworks.use";
    static final String USE_EXTERNAL = "compute.subnetworks.useExternalIp";

    /** Method → what it needs, of all that the provisioner calls. What a launch needs depends on what is launched: {@link #ofLaunch}. */
    static final Map<String, List<String>> PROVISIONER = Map.ofEntries(
            Map.entry("instances.bulkInsert", LAUNCH),
            Map.entry("regionInstances.bulkInsert", LAUNCH),
            Map.entry("instances.aggregatedList", List.of("compute.instances.list")),
            Map.entry("instances.get", List.of("compute.instances.get")),
            Map.entry("instances.delete", List.of("compute.instances.delete")),
            Map.entry("instances.setMetadata", List.of("compute.instances.setMetadata")),
            Map.entry("instances.setLabels", List.of("compute.instances.setLabels")),
            Map.entry("instances.getSerialPortOutput", List.of("compute.instances.getSerialPortOutput")),
            Map.entry("zoneOperations.get", List.of("compute.zoneOperations.get")),
            Map.entry("regionOperations.get", List.of("compute.regionOperations.get")),
            Map.entry("zoneOperations.list", List.of("compute.zoneOperations.list")),
            Map.entry("machineTypes.aggregatedList", List.of("compute.machineTypes.list")));

    /** What launches of some pools need beside it, and why. */
    static final Map<String, String> OF_SOME_LAUNCHES = Map.of(
            USE_SUBNET, "every machine is in a subnet; also on the host project's subnet where that is another's",
            USE_EXTERNAL, "gcp.publicIp",
            "compute.instances.setTags", "gcp.networkTags",
            "compute.instances.setServiceAccount", "machines that are a service account; with " + ACT_AS + " on the account",
            "compute.images.useReadOnly", "images of the project's own",
            "compute.snapshots.useReadOnly", "disks that begin with a snapshot",
            "compute.instanceTemplates.useReadOnly", "gcp.instanceTemplate");

    /** Method → what it needs, of all that only the doctor calls. */
    static final Map<String, List<String>> DOCTOR = Map.ofEntries(
            Map.entry("projects.get", List.of("compute.projects.get")),
            Map.entry("regions.get", List.of("compute.regions.get")),
            Map.entry("zones.list", List.of("compute.zones.list")),
            Map.entry("machineTypes.get", List.of("compute.machineTypes.get")),
            Map.entry("acceleratorTypes.get", List.of("compute.acceleratorTypes.get")),
            Map.entry("images.get", List.of("compute.images.get")),
            Map.entry("images.getFromFamily", List.of("compute.images.getFromFamily")),
            Map.entry("snapshots.get", List.of("compute.snapshots.get")),
            Map.entry("instanceTemplates.get", List.of("compute.instanceTemplates.get")),
            Map.entry("subnetworks.get", List.of("compute.subnetworks.get")),
            Map.entry("networks.get", List.of("compute.networks.get")),
            Map.entry("routes.list", List.of("compute.routes.list")),
            Map.entry("firewalls.list", List.of("compute.firewalls.list")),
            Map.entry("routers.list", List.of("compute.routers.list")),
            Map.entry("instances.aggregatedList", List.of("compute.instances.list")),
            Map.entry("resourcemanager.projects.get", List.of("resourcemanager.projects.get")),
            // Everybody may ask what they may do themselves.
            Map.entry("resourcemanager.projects.testIamPermissions", List.of()),
            Map.entry("subnetworks.testIamPermissions", List.of()),
            Map.entry("iam.serviceAccounts.testIamPermissions", List.of()),
            Map.entry("iam.serviceAccounts.get", List.of("iam.serviceAccounts.get")),
            Map.entry("cloudkms.cryptoKeys.get", List.of("cloudkms.cryptoKeys.get")),
            Map.entry("cloudkms.cryptoKeys.getIamPolicy", List.of("cloudkms.cryptoKeys.getIamPolicy")));

    private GcePermissions() {}

    /** Of the provisioner's calls but launches. */
    static SortedSet<String> ofCalls() {
        var permissions = new TreeSet<String>();
        PROVISIONER.forEach((method, needed) -> {
            if (!method.endsWith("bulkInsert")) {
                permissions.addAll(needed);
            }
        });
        return permissions;
    }

    /**
     * In the project that machines run in.
     *
     * @param project its id: what another project owns is that one's to allow
     */
    static SortedSet<String> ofLaunch(BulkInsertInstanceResource request, String project) {
        var permissions = new TreeSet<>(LAUNCH);
        var properties = request.getInstanceProperties();
        if (!request.getSourceInstanceTemplate().isEmpty()) {
            permissions.add("compute.instanceTemplates.useReadOnly");
        }
        if (properties.getTags().getItemsCount() > 0) {
            permissions.add("compute.instances.setTags");
        }
        if (properties.getServiceAccountsCount() > 0) {
            permissions.add("compute.instances.setServiceAccount");
        }
        properties.getNetworkInterfacesList().stream().filter(network -> !isForeign(network.getSubnetwork(), project)).forEach(network -> {
            permissions.add(USE_SUBNET);
            if (network.getAccessConfigsCount() > 0) {
                permissions.add(USE_EXTERNAL);
            }
        });
        properties.getDisksList().forEach(disk -> {
            if (disk.getInitializeParams().getSourceImage().startsWith("projects/" + project + "/")) {
                permissions.add("compute.images.useReadOnly");
            }
            if (disk.getInitializeParams().getSourceSnapshot().startsWith("projects/" + project + "/")) {
                permissions.add("compute.snapshots.useReadOnly");
            }
        });
        return permissions;
    }

    /** Whether a path names another project. */
    static boolean isForeign(String path, String project) {
        int at = path.indexOf("projects/");
        return at >= 0 && !path.startsWith(project + "/", at + "projects/".length());
    }
}
