package dev.muster.planner.foreign;

import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * What ClearML's autoscalers can be told, as the import knows it: one constant a field. {@code docs/parity.md} has a row for each, with
 * the same field of ours, which a test holds.
 */
public enum ClearmlField {

    INSTANCE_NAME(Place.FLEET, "", "name", "Autoscaler Instance Name"),
    MAX_IDLE(Place.FLEET, "max_idle_time_min", "pools.<pool>.idle", "Max Idle Time"),
    POLLING_INTERVAL(Place.FLEET, "polling_interval_time_min", "", "Polling Interval"),
    MAX_SPIN_UP(Place.FLEET, "max_spin_up_time_min", "pools.<pool>.registerWithin", ""),
    WORKERS_PREFIX(Place.FLEET, "workers_prefix", "workersPrefix", "Workers Prefix"),
    CLOUD_PROVIDER(Place.FLEET, "cloud_provider", "pools.<pool>.provider", ""),
    GIT_USER(Place.FLEET, "git_user", "pools.<pool>.agent.environment", "Git User"),
    GIT_PASSWORD(Place.FLEET, "git_pass", "pools.<pool>.agent.environment", "Git Password or PAT", "Git Password", "Git Password / Personal Access Token"),
    DOCKER_MODE(Place.FLEET, "", "pools.<pool>.agent.docker", "Use docker mode"),
    DOCKER_IMAGE(Place.FLEET, "default_docker_image", "pools.<pool>.agent.defaultImage", "Base Docker Image"),
    ACCESS_KEY(Place.FLEET, "cloud_credentials_key", "pools.<pool>.account", "Access Key ID", "AWS Access Key ID"),
    SECRET_KEY(Place.FLEET, "cloud_credentials_secret", "pools.<pool>.account", "Secret Access Key", "AWS Secret Access Key"),
    SESSION_TOKEN(Place.FLEET, "cloud_credentials_token", "pools.<pool>.account", ""),
    REGION(Place.FLEET, "cloud_credentials_region", "pools.<pool>.region", "AWS Region"),
    CREDENTIALS_CHAIN(Place.FLEET, "use_credentials_chain", "pools.<pool>.account", "Use IAM role"),
    USE_PROFILE(Place.FLEET, "use_iam_instance_profile", "", "Use IAM Instance Profile"),
    PROFILE_ARN(Place.FLEET, "iam_arn", "pools.<pool>.aws.instanceProfile", "IAM Instance Profile Arn"),
    PROFILE_NAME(Place.FLEET, "iam_name", "pools.<pool>.aws.instanceProfile", "IAM Instance Profile Name"),
    ALL_TAGS(Place.FLEET, "tags", "pools.<pool>.tags", ""),
    SHUTDOWN(Place.FLEET, "", "shutdown", "Spin down instances on Autoscaler shutdown"),
    VAULT(Place.FLEET, "", "", "Apply Task Owner Vault Configuration"),
    VAULT_ERRORS(Place.FLEET, "", "", "Ignore vault parsing errors"),
    WARN_TWICE(Place.FLEET, "", "", "Warn if more than one instance is executing the same task"),
    NO_BASHRC(Place.FLEET, "", "", "Exclude .bashrc script"),
    LAUNCH_SPEC(Place.FLEET, "", "pools.<pool>.aws.launchSpec", "Custom Launch Spec"),
    SERVICE_ACCOUNT(Place.FLEET, "", "", "Run with Service Account"),
    GCP_PROJECT(Place.FLEET, "", "pools.<pool>.account", "GCP Project ID"),
    GCP_ZONE(Place.FLEET, "", "pools.<pool>.zone", "GCP Zone"),
    FULL_SUBNET_PATH(Place.FLEET, "", "", "Use full subnet path"),
    SUBNET_PATH(Place.FLEET, "", "pools.<pool>.subnet", "GCP Subnet Full Path"),
    SUBNET_NAME(Place.FLEET, "", "pools.<pool>.subnet", "GCP Subnet Name", "Subnet Name", "GCP Subnetwork"),
    GCP_CREDENTIALS(Place.FLEET, "", "pools.<pool>.account", "GCP Credentials"),
    GLOBAL_METADATA(Place.FLEET, "", "pools.<pool>.gcp.metadata", "Global Metadata"),
    QUEUES(Place.FLEET, "queues", "queues.<queue>.pools", ""),
    RESOURCES(Place.FLEET, "resource_configurations", "pools.<pool>", ""),
    EXTRA_CONF(Place.FLEET, "extra_clearml_conf", "pools.<pool>.agent.extraConf", "Additional ClearML Configuration"),
    TRAINS_CONF(Place.FLEET, "extra_trains_conf", "", ""),
    INIT_SCRIPT(Place.FLEET, "extra_vm_bash_script", "pools.<pool>.agent.initScript", "Init script"),

    RESOURCE_NAME(Place.RESOURCE, "", "pools.<pool>", "Resource Name"),
    INSTANCE_TYPE(Place.RESOURCE, "instance_type", "pools.<pool>.type", "EC2 Instance Type"),
    CPU_ONLY(Place.RESOURCE, "cpu_only", "pools.<pool>.agent.cpuOnly", "Run in CPU mode"),
    SPOT(Place.RESOURCE, "is_spot", "pools.<pool>.market", "Use Spot Instance"),
    ROLLBACK(Place.RESOURCE, "", "pools.<pool>.offers", "Regular Instance Rollback"),
    ROLLBACK_TIMEOUT(Place.RESOURCE, "", "pools.<pool>.spot.rollbackAfter", "Regular Instance Rollback Timeout"),
    BLACKOUT(Place.RESOURCE, "", "pools.<pool>.spot.blackout", "Spot Instance Blackout Period"),
    TAGGED_RESOURCES(Place.RESOURCE, "", "pools.<pool>.aws.tagResources", "Place tags on resources"),
    ZONE(Place.RESOURCE, "availability_zone", "pools.<pool>.zone", "Availability Zone"),
    SUBNET(Place.RESOURCE, "subnet_id", "pools.<pool>.subnet", "VPC Subnet ID(s)", "VPC Subnet ID"),
    IMAGE(Place.RESOURCE, "ami_id", "pools.<pool>.image", "AMI ID or image name", "AMI ID"),
    MAX_INSTANCES(Place.RESOURCE, "", "pools.<pool>.max", "Max Number of Instances"),
    QUEUE(Place.RESOURCE, "", "queues.<queue>.pools", "Monitored Queue"),
    TAGS(Place.RESOURCE, "tags", "pools.<pool>.tags", "EC2 Tags"),
    DISK_DEVICE(Place.RESOURCE, "ebs_device_name", "pools.<pool>.disks[].device", "EBS Device"),
    DISK_SIZE(Place.RESOURCE, "ebs_volume_size", "pools.<pool>.disks[].size", "EBS Size GB", "EBS Volume Size"),
    DISK_TYPE(Place.RESOURCE, "ebs_volume_type", "pools.<pool>.disks[].type", "EBS Type", "EBS Volume Type"),
    DISK_SNAPSHOT(Place.RESOURCE, "ebs_snapshot_id", "pools.<pool>.disks[].snapshot", ""),
    KEY_PAIR(Place.RESOURCE, "key_name", "pools.<pool>.aws.keyName", "Instance Key Pair"),
    SECURITY_GROUPS(Place.RESOURCE, "security_group_ids", "pools.<pool>.aws.securityGroups", "Security Group ID(s)", "Security Group ID"),
    MONITORING(Place.RESOURCE, "enable_monitoring", "pools.<pool>.aws.detailedMonitoring", ""),
    EXTRA_LAUNCH(Place.RESOURCE, "extra_configurations", "pools.<pool>.aws.launchSpec", ""),
    MACHINE_TYPE(Place.RESOURCE, "", "pools.<pool>.type", "GCP Machine Type", "Machine Type"),
    GPU_TYPE(Place.RESOURCE, "", "pools.<pool>.gcp.gpuType", "GPU Type"),
    GPU_COUNT(Place.RESOURCE, "", "pools.<pool>.gcp.gpuCount", "GPU Count", "Number of GPUs"),
    PREEMPTIBLE(Place.RESOURCE, "", "pools.<pool>.market", "Use Preemptible Instance", "Use Preemptible", "Preemptible"),
    PROVISION_MODEL(Place.RESOURCE, "", "pools.<pool>.gcp.preemptible", "Preemptible Provision Model", "Provision Model", "Provisioning Model"),
    PREEMPTIBLE_BLACKOUT(Place.RESOURCE, "", "pools.<pool>.spot.blackout", "Preemptible Instance Blackout Period", "Preemptible Blackout Period"),
    MACHINE_IMAGE(Place.RESOURCE, "", "pools.<pool>.image", "Machine Image", "Source Image"),
    DISC_SIZE(Place.RESOURCE, "", "pools.<pool>.disks[].size", "Disc Size", "Disc Size (in GB)", "Disk Size", "Disk Size (in GB)"),
    DEFAULT_ACCOUNT(Place.RESOURCE, "", "", "Use the default GCP Service Account", "Use default Service Account"),
    ACCOUNT_EMAIL(Place.RESOURCE, "", "pools.<pool>.gcp.serviceAccount", "Service Account Email"),
    SCOPES(Place.RESOURCE, "", "pools.<pool>.gcp.scopes", "Service Account Scopes"),
    METADATA(Place.RESOURCE, "", "pools.<pool>.gcp.metadata", "Metadata");

    /** Of one cloud's application only; all others are of both. */
    private static final Set<ClearmlField> ON_AWS = EnumSet.of(ACCESS_KEY, SECRET_KEY, SESSION_TOKEN, REGION, CREDENTIALS_CHAIN, USE_PROFILE, PROFILE_ARN, PROFILE_NAME,
            ALL_TAGS, LAUNCH_SPEC, INSTANCE_TYPE, SPOT, BLACKOUT, TAGGED_RESOURCES, ZONE, SUBNET, IMAGE, TAGS, DISK_DEVICE, DISK_SIZE, DISK_TYPE, DISK_SNAPSHOT, KEY_PAIR,
            SECURITY_GROUPS, MONITORING, EXTRA_LAUNCH);
    private static final Set<ClearmlField> ON_GOOGLE = EnumSet.of(GCP_PROJECT, GCP_ZONE, FULL_SUBNET_PATH, SUBNET_PATH, SUBNET_NAME, GCP_CREDENTIALS, GLOBAL_METADATA,
            MACHINE_TYPE, GPU_TYPE, GPU_COUNT, PREEMPTIBLE, PROVISION_MODEL, PREEMPTIBLE_BLACKOUT, MACHINE_IMAGE, DISC_SIZE, DEFAULT_ACCOUNT, ACCOUNT_EMAIL, SCOPES, METADATA);

    /** Where a field stands. */
    public enum Place {
        /** Once in a file: hyper_params or configurations, or an export's top. */
        FLEET,
        /** In each resource. */
        RESOURCE
    }

    public final Place place;
    /** The open-source autoscaler's name; empty: it has none. */
    public final String openSource;
    /** Path in our spec; empty: we have none. */
    public final String ours;
    /** The applications' label; empty: they have none. */
    public final String label;
    private final List<String> otherLabels;

    ClearmlField(Place place, String openSource, String ours, String label, String... otherLabels) {
        this.place = place;
        this.openSource = openSource;
        this.ours = ours;
        this.label = label;
        this.otherLabels = List.of(otherLabels);
    }

    /** @return whether the AWS application, or the open-source autoscaler, has it */
    public boolean isOnAws() {
        return !ON_GOOGLE.contains(this);
    }

    /** @return whether the GCP application has it */
    public boolean isOnGoogle() {
        return !ON_AWS.contains(this) && !label.isEmpty();
    }

    /** The field that a key means in a file of that cloud. Capitals, spaces, signs and a unit at the end don't matter, since no page says how an export writes labels. */
    public static Optional<ClearmlField> of(Place place, String key, boolean onGoogle) {
        for (var field : values()) {
            if (field.place == place && !(onGoogle ? ON_AWS : ON_GOOGLE).contains(field)
                    && (same(field.openSource, key) || same(field.label, key) || field.otherLabels.stream().anyMatch(label -> same(label, key)))) {
                return Optional.of(field);
            }
        }
        return Optional.empty();
    }

    private static boolean same(String name, String key) {
        return !name.isEmpty() && bare(name).equals(bare(key));
    }

    private static String bare(String name) {
        return name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "").replaceFirst("(min|minutes|gb|json)$", "");
    }
}
