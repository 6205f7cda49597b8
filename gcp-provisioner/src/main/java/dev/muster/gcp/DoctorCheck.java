package dev.muster.gcp;

import dev.muster.provisioner.doctor.Check;
import java.util.List;

/** What {@code muster doctor gcp} looks at, in the order in which it is shown: the one list that the answer, docs/gcp-doctor.md and the tests share. */
enum DoctorCheck implements Check {

    ENDPOINT("Compute Engine's address answers.", List.of()),
    CLOCK("This computer's clock is Google's: five seconds apart is a warning, five minutes a failure, since Google then gives no token for a key.", List.of()),
    CREDENTIALS("The account is configured, and Google gives a token for its key file, or for what Application Default Credentials find. Shown: whose it is.", List.of()),
    PROJECT("The project is there, Compute Engine's API is switched on in it, and somebody pays for it.", List.of("compute.projects.get")),
    REGION("The region and the zones of offers are there and up.", List.of("compute.regions.get", "compute.zones.list")),
    BOOT("Connection, keys and secrets that the pool's machines are given are there.", List.of()),
    MACHINE_HOSTS("ClearML's address for machines is none that each machine takes for its own.", List.of()),
    REQUEST("The pool's launch can be written as a request.", List.of()),
    METADATA("The startup script is no longer than 256 KiB, and all metadata no longer than 512.", List.of()),
    LABELS("Labels, Muster's own among them, have keys and values as Google takes them.", List.of()),
    NETWORK_TAGS("Network tags are names as Google takes them.", List.of()),
    PERMISSIONS("Every call that Muster makes is allowed in the project, launches as each pool makes them.", List.of()),
    SERVICE_ACCOUNT("The machines' service account is there and not disabled.", List.of("iam.serviceAccounts.get", "compute.projects.get")),
    ACT_AS("Muster may start machines that are this service account.", List.of()),
    SCOPES("The scopes are some of Google's, and leave tasks the storage that the pool says they have.", List.of()),
    TEMPLATE("The instance template is there.", List.of("compute.instanceTemplates.get")),
    TYPE("The machine type is sold in the offer's zone; without one, in a zone of the region.", List.of("compute.machineTypes.get")),
    GPU("The GPU is sold in that zone, too, and as many of them go into one machine.", List.of("compute.acceleratorTypes.get")),
    LOCAL_SSD("The machine type takes that many local SSDs.", List.of()),
    HOST_MAINTENANCE("Machines that can't move to another host, with GPUs or on spot, aren't asked to.", List.of("compute.machineTypes.get")),
    QUOTA("Quotas of the region and the project leave room for one machine beyond what others use; less than for all that the fleets' limits allow is a warning.",
            List.of("compute.regions.get", "compute.projects.get", "compute.instances.list")),
    IMAGE("The image is there and ready, and of the type's architecture.", List.of("compute.images.get", "compute.images.getFromFamily")),
    DISK("The boot disk is no smaller than its image.", List.of("compute.images.get", "compute.images.getFromFamily")),
    DISK_KEY("The KMS key of disks is enabled, and its policy lets Compute Engine use it; a grant further up, on the key ring or the project, isn't seen.",
            List.of("cloudkms.cryptoKeys.get", "cloudkms.cryptoKeys.getIamPolicy", "resourcemanager.projects.get")),
    SUBNET("The subnet is there, in the offer's region.", List.of("compute.subnetworks.get", "compute.networks.get")),
    ADDRESSES("The subnet has a free address; fewer than the pools' limits allow is a warning.", List.of("compute.subnetworks.get")),
    ROUTE("Machines have a way out: a route to the internet, and an external address or Cloud NAT for it.", List.of("compute.routes.list", "compute.routers.list")),
    FIREWALL("No firewall rule of the network keeps all in; rules of an organization's policies aren't seen.", List.of("compute.firewalls.list"));

    private final String asks;
    private final List<String> permissions;

    DoctorCheck(String asks, List<String> permissions) {
        this.asks = asks;
        this.permissions = permissions;
    }

    @Override
    public String asks() {
        return asks;
    }

    @Override
    public List<String> permissions() {
        return permissions;
    }
}
