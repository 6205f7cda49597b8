package dev.muster.planner.spec;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Duration;
import com.google.protobuf.Message;
import dev.muster.contracts.FleetYaml;
import dev.muster.contracts.InvalidYamlException;
import dev.muster.contracts.YamlValue;
import dev.muster.planner.core.Costs;
import dev.muster.planner.stream.FleetTranslator;
import dev.muster.v1.AwsLaunch;
import dev.muster.v1.AzureStorage;
import dev.muster.v1.BootSpec;
import dev.muster.v1.BudgetSpec;
import dev.muster.v1.CostSpec;
import dev.muster.v1.Disk;
import dev.muster.v1.DisruptionSpec;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.FleetState;
import dev.muster.v1.GcpLaunch;
import dev.muster.v1.GcsStorage;
import dev.muster.v1.K8sLaunch;
import dev.muster.v1.LaunchParameters;
import dev.muster.v1.Limits;
import dev.muster.v1.NotificationSpec;
import dev.muster.v1.OfferKey;
import dev.muster.v1.OfferSpec;
import dev.muster.v1.Pace;
import dev.muster.v1.PoolSpec;
import dev.muster.v1.QueueSpec;
import dev.muster.v1.RescueSpec;
import dev.muster.v1.S3Storage;
import dev.muster.v1.ScheduleSpec;
import dev.muster.v1.StorageSpec;
import dev.muster.v1.Toleration;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.yaml.snakeyaml.Yaml;

/**
 * Keeps docs/fleet-spec.md true: it is made here, from the contract's own comments and the defaults in force, and every spec on it is
 * judged.
 *
 * <p>{@code mvn -pl planner -am test -Dtest=FleetSpecPageTest -Dsurefire.failIfNoSpecifiedTests=false -Ddocs.write=true} writes it.
 */
class FleetSpecPageTest {

    private static final Path PAGE = Path.of("../docs/fleet-spec.md");
    private static final Path PROTOS = Path.of("../contracts/src/main/proto/muster/v1");
    private static final Pattern SPEC = Pattern.compile("```yaml\n(.*?)```", Pattern.DOTALL);
    /** Said in columns of their own, or in units that YAML doesn't have. */
    private static final Pattern ELSEWHERE = Pattern.compile("(Absent|Unspecified|Empty|Required|0|0 is read as 1|Micro-units|The same|Never empty)\\b.*", Pattern.DOTALL);
    private static final String NONE = "";
    /** A row's sample where the path itself ends in a name. */
    private static final Object NAME = new Object();

    /**
     * One field of the YAML.
     *
     * @param path as written, with stand-ins for names
     * @param message that holds it
     * @param field its name there
     * @param sample a value as a person writes it
     * @param initial its default; "required"; empty: none
     * @param apps its name and default in ClearML's autoscaler applications, or in the open-source autoscaler; empty: they have none
     * @param words what it does; null: as the contract's comment says
     */
    private record Row(String path, Descriptor message, String field, Object sample, String initial, String apps, String words) {}

    private static Row row(String path, Descriptor message, String field, Object sample, String initial, String apps) {
        return row(path, message, field, sample, initial, apps, null);
    }

    private static Row row(String path, Descriptor message, String field, Object sample, String initial, String apps, String words) {
        return new Row(path, message, field, sample, initial, apps, words);
    }

    private static List<Row> rows() {
        var fleet = FleetSpec.getDescriptor();
        var queue = QueueSpec.getDescriptor();
        var pool = PoolSpec.getDescriptor();
        var limits = Limits.getDescriptor();
        var key = OfferKey.getDescriptor();
        var offer = OfferSpec.getDescriptor();
        var budget = BudgetSpec.getDescriptor();
        var window = ScheduleSpec.getDescriptor();
        var cost = CostSpec.getDescriptor();
        var boot = BootSpec.getDescriptor();
        var storage = StorageSpec.getDescriptor();
        var s3 = S3Storage.getDescriptor();
        var gcs = GcsStorage.getDescriptor();
        var azure = AzureStorage.getDescriptor();
        var disk = Disk.getDescriptor();
        var aws = AwsLaunch.getDescriptor();
        var gcp = GcpLaunch.getDescriptor();
        var k8s = K8sLaunch.getDescriptor();
        var toleration = Toleration.getDescriptor();
        var rescue = RescueSpec.getDescriptor();
        var note = NotificationSpec.getDescriptor();
        return List.of(
                row("name", fleet, "name", "train", "required", "Autoscaler Instance Name"),
                row("connection", fleet, "connection", "main", Defaults.CONNECTION, NONE),
                row("currency", fleet, "currency", "USD", Defaults.CURRENCY, NONE, "ISO 4217 code of every amount in the spec. Must be written where there is a budget."),
                row("timeZone", fleet, "time_zone", "Europe/Berlin", Defaults.TIME_ZONE, NONE),
                row("workersPrefix", fleet, "workers_prefix", "train", "`<installation>-<name>`", "Workers Prefix: `dynamic_aws`, `dynamic_gcp`; open source: `dynamic_worker`"),
                row("shutdown", fleet, "shutdown", "idle", "idle", "Spin down instances on Autoscaler shutdown: none",
                        "What a delete does that doesn't say: `none` lets machines go and run on, `idle` lets each finish its task, `all` ends tasks, too."),
                row("countOtherWorkers", fleet, "count_other_workers", true, "true", NONE),
                row("createQueues", fleet, "create_queues", true, "false", "open source: always"),
                row("max", limits, "max", 20, "no limit", NONE, "Most machines of the fleet at once."),
                row("limits.resources", limits, "resources", Map.of("nvidia.com/gpu", 8), "no limit", "chart: `monitoredResources`",
                        "Most of each resource that the fleet's pods may ask for together, as Kubernetes quantities. What pods ask for is what `k8s.requests` and `k8s.limits` say, not what only a template says."),
                row("rescue.enabled", rescue, "enabled", true, "true", NONE, "Whether tasks of lost machines are put back into their queues."),
                row("rescue.rescueAfter", rescue, "rescue_after", "10m", span(Defaults.RESCUE_AFTER), NONE),
                row("rescue.attempts", rescue, "attempts", 3, Integer.toString(Defaults.RESCUE_ATTEMPTS), NONE),
                row("rescue.optOutTag", rescue, "opt_out_tag", "leave-me", Defaults.RESCUE_OPT_OUT_TAG, NONE),

                row("queues.QUEUE", queue, "name", NAME, "at least one", "Monitored Queue"),
                row("queues.QUEUE.pools", queue, "pools", List.of("POOL"), "every pool, as listed", "open source: the resources of a queue, in order",
                        "Names of pools, in order of preference. A queue that says nothing else is just this list."),
                row("queues.QUEUE.order", queue, "order", "cheapest", "listed", "open source: as listed", "How the pools are tried: `listed` or `cheapest`."),
                row("queues.QUEUE.priority", queue, "priority", 10, "0", NONE),
                row("queues.QUEUE.weight", queue, "weight", 3, Integer.toString(Defaults.WEIGHT), NONE, "Share among queues of one priority when a limit binds. 1 or more."),
                row("queues.QUEUE.budgets", queue, "budgets", List.of(), NONE, NONE),

                row("pools.POOL", pool, "name", NAME, "at least one", "Resource Name"),
                row("pools.POOL.provider", key, "provider", "aws", "required", "one application a cloud", "The cloud: `aws`, `gcp`, or `k8s` for [pods on Kubernetes](#pods)."),
                row("pools.POOL.account", key, "account", "research", "default", "AWS Credentials; GCP Project ID, GCP Credentials", "Which of the installation's accounts pays for it and starts it. On Kubernetes a cluster, with its credentials."),
                row("pools.POOL.region", key, "region", "us-east-1", "required", "AWS Region", "The cloud's region. On Kubernetes there is none, and `namespace` takes its place."),
                row("pools.POOL.namespace", key, "region", "ml", "required on Kubernetes", NONE, "Kubernetes only: the namespace that the pods run in."),
                row("pools.POOL.zone", key, "zone", "us-east-1a", "the cloud chooses", "Availability Zone: chosen automatically; GCP Zone", "Availability zone. For several, list offers."),
                row("pools.POOL.subnet", key, "subnet", "subnet-0a1b", "the account's", "VPC Subnet ID(s); Subnet Name, GCP Subnet Full Path", "On AWS the subnet's id; on Google Cloud its name, or `projects/<project>/regions/<region>/subnetworks/<name>`. For several, list offers."),
                row("pools.POOL.type", key, "machine_type", "g4dn.xlarge", "required", "EC2 Instance Type; Machine Type", "The cloud's machine type. On Google Cloud also a custom one, such as `n2-custom-4-8192`. On Kubernetes a word of your own for such pods, in worker ids and price files: where one of them finds no room, none does. The pool's name unless it says otherwise."),
                row("pools.POOL.market", key, "market", "spot", "on-demand", "Use Spot Instance; Use Preemptible", "`on-demand` or `spot`."),
                row("pools.POOL.price", offer, "price_micros_per_hour", 0.526, "from the provider or a [price file](prices.md)", NONE,
                        "What an hour costs. A budget with a limit needs it, or a reported one, or for spot a ceiling."),
                row("pools.POOL.ceiling", offer, "price_ceiling_micros_per_hour", 0.30, "the on-demand price", NONE,
                        "Spot only: most to pay an hour, which is also what a budget counts. AWS is told it as the maximum price; Google Cloud takes none, so that there it only keeps offers whose known price is higher from being launched."),
                row("pools.POOL.offers", pool, "offers", List.of(), "one, from the pool's own keys", "one recipe a resource",
                        "A list of objects with any of the keys from `provider` to `ceiling`, in order of preference; what they leave out is as the pool says."),
                row("pools.POOL.order", pool, "order", "cheapest", "listed", NONE, "How offers are tried: `listed` or `cheapest`."),
                row("pools.POOL.min", limits, "min", 1, "0", NONE),
                row("pools.POOL.max", limits, "max", 10, "required", "Max Number of Instances", "Most machines at once, from admission until the cloud says that they are gone."),
                row("pools.POOL.warm", pool, "warm", 1, "0", NONE),
                row("pools.POOL.slots", pool, "slots", 2, Integer.toString(Defaults.SLOTS), "open source: one agent a machine"),
                row("pools.POOL.idle", pool, "idle_timeout", "15m", span(Defaults.IDLE_TIMEOUT), "Max Idle Time: 15 min"),
                row("pools.POOL.leastPaid", pool, "least_paid", "10m", "0s", NONE),
                row("pools.POOL.scaleInDelay", pool, "scale_in_delay", "5m", "0s", NONE),
                row("pools.POOL.scaleOutDelay", pool, "scale_out_delay", "30s", "0s", NONE),
                row("pools.POOL.maxAge", pool, "max_age", "7d", "no limit", NONE, "Drained at this age, measured from the launch: it takes no other task, and leaves when its own ends."),
                row("pools.POOL.disruption.draining", DisruptionSpec.getDescriptor(), "draining", 2, "no limit", NONE,
                        "Most machines of the pool that leave at once by Muster's own choice."),
                row("pools.POOL.bootWithin", pool, "boot_deadline", "30m", span(Defaults.BOOT_DEADLINE), "open source: `max_spin_up_time_min`: 30 min"),
                row("pools.POOL.registerWithin", pool, "registration_deadline", "30m", span(Defaults.REGISTRATION_DEADLINE), "open source: as above"),
                row("pools.POOL.reserveFor", pool, "reserve_for", "1h", span(Defaults.RESERVE_FOR), NONE),
                row("pools.POOL.pace.launchesPerMinute", Pace.getDescriptor(), "launches_per_minute", 20, "no limit", NONE),
                row("pools.POOL.pace.unregistered", Pace.getDescriptor(), "unregistered", 10, "no limit", NONE),
                row("pools.POOL.paused", pool, "paused", true, "false", NONE),
                row("pools.POOL.spot.rollbackAfter", pool, "spot_rollback_after", "10m", "at once", "Regular Instance Rollback, and its Timeout"),
                row("pools.POOL.spot.blackout", pool, "spot_blackout", "1h", "spot is probed as every refused offer", "Spot Instance Blackout Period, Preemptible Blackout Period (minutes)"),
                row("pools.POOL.patience", pool, "patience", "5m", "for ever; " + span(Defaults.PATIENCE) + " where a queue names another pool after this one", NONE,
                        "Kubernetes only: how long a pod may wait for a node. Then the offer is out of capacity, and the next one or the queue's next pool is tried. For ever, so that the cluster's own autoscaler may bring a node."),
                row("pools.POOL.onEnd", pool, "on_end", Map.of("OOMKilled", "retry"), "fail for " + String.join(", ", Defaults.FAIL_ON_END) + "; else retry", NONE,
                        "Kubernetes only: what becomes of a task whose pod ended under it, by the reason that the cluster gives: `retry` puts it back, as often as `rescue` allows, `fail` marks it failed with that reason. Reasons are "
                                + K8sLaunchValidator.REASONS.stream().map(reason -> "`" + reason + "`").collect(Collectors.joining(", ")) + ", and whatever else the cluster says."),
                row("pools.POOL.budgets", pool, "budgets", List.of(), NONE, NONE),
                row("pools.POOL.schedules", pool, "schedules", List.of(), NONE, NONE, "Windows of time in which other numbers hold for the pool."),
                row("pools.POOL.cost", pool, "cost", Map.of(), "the fleet's, field by field", NONE, "What its machines cost beside the offer's price: as the fleet's `cost`."),
                row("pools.POOL.image", LaunchParameters.getDescriptor(), "image", "ami-0123456789abcdef0", "the template's, else the account's, else the cloud's deep-learning image",
                        "AMI ID or image name; Machine Image", "The cloud's image. On AWS an AMI id; an image's name, of which the newest image of this account or Amazon's is taken, with `*` and `?` if wanted; or "
                                + "`ssm:` and the path of an SSM parameter that holds an id. Names and parameters are looked up again every 10 minutes. On Google Cloud `projects/<project>/global/images/<name>`, `projects/<project>/global/images/family/<family>`, or the name of an image of the account's project. On Kubernetes the image of the container, in which tasks run; a task's own comes before it; where there is none here and in the template, `agent.defaultImage`."),
                row("pools.POOL.tags", LaunchParameters.getDescriptor(), "tags", Map.of("team", "vision"), NONE, "EC2 Tags", "Added to Muster's own: tags on AWS, labels on Google Cloud and Kubernetes. On AWS neither a space nor a slash in a key, and at most 43; on Google Cloud small letters, digits, `_` and `-`, and at most 60."),
                row("pools.POOL.disks", LaunchParameters.getDescriptor(), "disks", List.of(), "as the image has them", NONE, "A list of objects with the seven keys below."),
                row("pools.POOL.disks[].device", disk, "device", "/dev/sda1", "the image's root device", "EBS Device; open source: `/dev/sda1`", "Device name. On Google Cloud a name such as `data`, which the machine sees as `/dev/disk/by-id/google-data`."),
                row("pools.POOL.disks[].size", disk, "size_gib", 100, "the image's own", "EBS Size GB, Disc Size GB; open source: 80", "Size in GiB."),
                row("pools.POOL.disks[].type", disk, "type", "gp3", "gp3; on Google Cloud pd-balanced", "EBS Type; open source: `gp3`"),
                row("pools.POOL.disks[].iops", disk, "iops", 3000, "the type's", NONE),
                row("pools.POOL.disks[].throughput", disk, "throughput", 125, "the type's", NONE),
                row("pools.POOL.disks[].kmsKey", disk, "kms_key", "alias/disks", "the account's default key", NONE, "The KMS key that encrypts it: on AWS by id, alias or ARN, on Google Cloud by its path, `projects/…/cryptoKeys/<key>`. Disks are always encrypted."),
                row("pools.POOL.disks[].snapshot", disk, "snapshot", "snap-0123456789abcdef0", "as the image has it", "open source: `ebs_snapshot_id`",
                        "What it begins with: on AWS the id of an EBS snapshot, on Google Cloud the name or path of one. Mounting it is the init script's to do."),
                row("pools.POOL.agent.connection", boot, "connection", "main", "the fleet's", NONE, "Named connection whose machine hosts and keys the machine gets."),
                row("pools.POOL.agent.version", boot, "agent_version", "3.0.3", "the release's pinned one", "open source: not pinned"),
                row("pools.POOL.agent.docker", boot, "docker", true, "true; on Kubernetes false", "Use docker mode: on", "Tasks run in containers of their own. In a pod they can't: they run in its container."),
                row("pools.POOL.agent.defaultImage", boot, "default_image", "ubuntu:24.04", "`nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04`; with `cpuOnly` `python:3.11-slim-bookworm`", "Base Docker Image: `nvidia/cuda:10.2-cudnn7-runtime-ubuntu18.04`"),
                row("pools.POOL.agent.cpuOnly", boot, "cpu_only", true, "false", "Run in CPU mode"),
                row("pools.POOL.agent.environment", boot, "environment", Map.of("CLEARML_AGENT_GIT_PASS", Map.of("secretRef", "git-password")), NONE, NONE,
                        "Environment of the agents: each value is text, or `{secretRef: <file of the secrets folder>}`, or `{secretRef: ssm:<name>}` and the like, which [a machine on AWS reads itself](aws.md#secrets-on-machines). On Kubernetes each reference names a key of `k8s.secret`. Git's user and password are `CLEARML_AGENT_GIT_USER` and `CLEARML_AGENT_GIT_PASS`."),
                row("pools.POOL.agent.extraConf", boot, "extra_conf", "agent.git_user: bot", NONE, "Additional ClearML Configuration", "Appended to clearml.conf: text, or `{secretRef: …}`. To a list of `agent.extra_docker_arguments` Muster adds its own."),
                row("pools.POOL.agent.initScript", boot, "init_script", "nvidia-smi", NONE, "Init script", "Shell script run before the agents: text, or `{secretRef: …}`."),
                row("pools.POOL.agent.checkpointHook", boot, "checkpoint_hook", "/opt/checkpoint.sh", NONE, NONE,
                        "Shell script run when the cloud announces that it takes the machine back; tasks are killed 20 s before the end, which is in `MUSTER_ENDS_AT` (seconds since 1970). Text, or `{secretRef: …}`."),
                row("pools.POOL.agent.shellProfile", boot, "shell_profile", true, "false", "Exclude .bashrc script: off"),
                row("pools.POOL.agent.storage.s3[].bucket", s3, "bucket", "models", "every bucket of the host", NONE, "Keys of S3 and of what speaks its protocol; without bucket and host, of all others."),
                row("pools.POOL.agent.storage.s3[].host", s3, "host", "minio.lab:9000", "Amazon's", NONE, "`host:port` of a server that is not Amazon's."),
                row("pools.POOL.agent.storage.s3[].region", s3, "region", "eu-west-1", "ClearML's default", NONE),
                row("pools.POOL.agent.storage.s3[].key", s3, "key", Map.of("secretRef", "s3-key"), "required", NONE, "Access key id, as `{secretRef: …}`."),
                row("pools.POOL.agent.storage.s3[].secret", s3, "secret", Map.of("secretRef", "s3-secret"), "required", NONE, "Secret access key, as `{secretRef: …}`."),
                row("pools.POOL.agent.storage.s3[].insecure", s3, "insecure", true, "false", NONE),
                row("pools.POOL.agent.storage.gcs.project", gcs, "project", "lab", "the key's own", NONE),
                row("pools.POOL.agent.storage.gcs.key", gcs, "key", Map.of("secretRef", "gcs.json"), "required", NONE, "The key file of a service account, as `{secretRef: …}`."),
                row("pools.POOL.agent.storage.azure[].account", azure, "account", "labdata", "required", NONE, "Storage account."),
                row("pools.POOL.agent.storage.azure[].key", azure, "key", Map.of("secretRef", "azure-key"), "required", NONE, "Account key, as `{secretRef: …}`."),
                row("pools.POOL.agent.storage.azure[].container", azure, "container", "data", "every container of the account", NONE),
                row("pools.POOL.agent.storage.machineIdentity", storage, "machine_identity", true, "false", NONE,
                        "Tasks use what the machine itself may: its instance profile or service account. In containers, too."),
                row("pools.POOL.aws.keyName", aws, "key_name", "ops", NONE, "Instance Key Pair", "Name of a key pair."),
                row("pools.POOL.aws.securityGroups", aws, "security_group_ids", List.of("sg-0a1b"), "the subnet's default group", "Security Group ID(s)", "Ids."),
                row("pools.POOL.aws.instanceProfile", aws, "instance_profile", "clearml", NONE, "IAM Instance Profile: Arn, Name", "Name or ARN."),
                row("pools.POOL.aws.publicIp", aws, "associate_public_ip", false, "the subnet's own setting", NONE,
                        "Whether machines get a public address. Unless it is false, one is counted as cost."),
                row("pools.POOL.aws.launchTemplate", aws, "launch_template", "lt-0123456789abcdef0", NONE, NONE,
                        "Id, which begins with `lt-`, or name of a launch template. What the spec says comes before it. It must not set a market, which is the offer's."),
                row("pools.POOL.aws.launchTemplateVersion", aws, "launch_template_version", "3", "the template's default version", NONE, "A number, `$Latest` or `$Default`."),
                row("pools.POOL.aws.detailedMonitoring", aws, "detailed_monitoring", true, "as the launch template says, else false", "open source: `enable_monitoring`: false",
                        "EC2's metrics of the machine come each minute instead of every five; Amazon charges for them."),
                row("pools.POOL.aws.launchSpec", aws, "launch_spec", Map.of("CpuOptions", Map.of("CoreCount", 4)), NONE, "Custom Launch Spec; open source: `extra_configurations`",
                        "More of [RunInstances](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html), in that call's own shape, or as JSON text. What other fields and Muster set comes before it; "
                                + "what is Muster's alone is refused."),
                row("pools.POOL.aws.tagResources", aws, "tag_resources", List.of("volume", "network-interface"), "volume", "Place tags on resources",
                        "What gets the machine's tags beside the machine: `volume`, `network-interface`, `spot-instances-request`."),

                row("pools.POOL.gcp.gpuType", gcp, "gpu_type", "nvidia-tesla-t4", NONE, "GPU Type", "GPUs to attach, by Google's name. Only N1 types take them; others, such as `g2-standard-4`, come with their own."),
                row("pools.POOL.gcp.gpuCount", gcp, "gpu_count", 2, "1", NONE, "How many of `gpuType`: 1, 2, 4 or 8."),
                row("pools.POOL.gcp.preemptible", gcp, "preemptible", true, "false", "Provision Model", "Spot offers are bought as the older preemptible machines, which end after 24 h. False: as spot."),
                row("pools.POOL.gcp.serviceAccount", gcp, "service_account", "machines@my-project.iam.gserviceaccount.com", "the project's Compute Engine default account", "Service Account Email",
                        "Email of the service account that the machine is. `none`: no account."),
                row("pools.POOL.gcp.scopes", gcp, "scopes", List.of("cloud-platform"), "cloud-platform", "Service Account Scopes",
                        "What the account may at most, as URLs or by the last part of `https://www.googleapis.com/auth/<name>`."),
                row("pools.POOL.gcp.networkTags", gcp, "network_tags", List.of("ml"), NONE, NONE),
                row("pools.POOL.gcp.metadata", gcp, "metadata", Map.of("enable-oslogin", "TRUE"), NONE, "Metadata, Global Metadata",
                        "More of the machine's metadata. Muster's own keys begin with `muster-`, and the startup and shutdown scripts are its own, too."),
                row("pools.POOL.gcp.publicIp", gcp, "public_ip", false, "true", NONE, "Whether machines get an external address, an ephemeral one. Unless it is false, one is counted as cost."),
                row("pools.POOL.gcp.localSsds", gcp, "local_ssds", 1, "0", NONE),
                row("pools.POOL.gcp.hostMaintenance", gcp, "host_maintenance", "terminate", "terminate with GPUs and on spot, else migrate", NONE,
                        "What becomes of the machine when Google works on its host: `migrate` or `terminate`."),
                row("pools.POOL.gcp.minCpuPlatform", gcp, "min_cpu_platform", "Intel Skylake", "any", NONE, "The oldest processor that will do, by Google's name."),
                row("pools.POOL.gcp.instanceTemplate", gcp, "instance_template", "gpu-base", NONE, NONE,
                        "Name of an instance template, or its path. What the spec says comes before it; its image is used where `image` says none, and then so are its disks."),
                row("pools.POOL.gcp.maxRunDuration", gcp, "max_run_duration", "3d", "none", NONE,
                        "From 30s to 120d: Google ends the machine at this age, with the task that it runs. `maxAge` lets the task end."),
                row("pools.POOL.gcp.instanceSpec", gcp, "instance_spec", Map.of("canIpForward", true), NONE, NONE,
                        "More of Compute Engine's [InstanceProperties](https://cloud.google.com/compute/docs/reference/rest/v1/instances/bulkInsert), in their own shape, or as JSON text. What other fields and "
                                + "Muster set comes before it; what is Muster's alone is refused."),

                row("pools.POOL.k8s.pods", k8s, "pods", "task", "agent", "chart: task pods only",
                        "`agent`: each pod has an agent that serves the pool's queues, task after task, and is drained like any machine. `task`: each is made for one waiting task, which stays in its queue until the pod claims it, "
                                + "and ends with it; such a pool has neither `min` nor `warm`, and one slot."),
                row("pools.POOL.k8s.template", k8s, "template", Map.of("spec", Map.of("hostIPC", true)), NONE, "chart: `basePodTemplate`",
                        "A [PodTemplateSpec](https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-template-v1/), `metadata` and `spec`, or as JSON text. Its first container is the machine's. "
                                + "What other fields and Muster set comes before it; what is Muster's alone is refused. Its texts may hold [placeholders](#pods)."),
                row("pools.POOL.k8s.templateConfigMap", k8s, "template_config_map", "gpu-pods", NONE, NONE,
                        "Name of a ConfigMap of the namespace that has the same as YAML, under the key `template.yaml`. It is read at each launch. Not beside `template`."),
                row("pools.POOL.k8s.requests", k8s, "requests", Map.of("cpu", 2), NONE, "chart: `basePodTemplate.resources`", "What the machine's container asks for: quantities by resource, such as `cpu: 500m`, `memory: 8Gi`."),
                row("pools.POOL.k8s.limits", k8s, "limits", Map.of("nvidia.com/gpu", 1), NONE, "chart: as above", "Most that it gets. Devices such as `nvidia.com/gpu` stand here alone, since a request for part of them is none."),
                row("pools.POOL.k8s.nodeSelector", k8s, "node_selector", Map.of("gpu", "t4"), NONE, "chart: `basePodTemplate.nodeSelector`", "Labels that a node must have."),
                row("pools.POOL.k8s.tolerations[].key", toleration, "key", "nvidia.com/gpu", "every taint", "chart: `basePodTemplate.tolerations`", "Key of a taint that a node may have."),
                row("pools.POOL.k8s.tolerations[].operator", toleration, "operator", "Exists", "Equal where there is a value, else Exists", NONE, "`Equal` or `Exists`."),
                row("pools.POOL.k8s.tolerations[].value", toleration, "value", "batch", NONE, NONE, "The taint's value."),
                row("pools.POOL.k8s.tolerations[].effect", toleration, "effect", "NoSchedule", "all", NONE),
                row("pools.POOL.k8s.tolerations[].seconds", toleration, "seconds", 30, "for ever", NONE),
                row("pools.POOL.k8s.priorityClass", k8s, "priority_class", "batch", "the cluster's default", "chart: `basePodTemplate.priorityClassName`", "Name of a PriorityClass."),
                row("pools.POOL.k8s.serviceAccount", k8s, "service_account", "tasks", "the account's, which is `muster-machines`", NONE,
                        "What the pods are in the cluster. They get no token of it for the cluster's API; what a cloud gives by it, as EKS, GKE and AKS do, they have."),
                row("pools.POOL.k8s.pullSecrets", k8s, "pull_secrets", List.of("registry"), NONE, NONE),
                row("pools.POOL.k8s.annotations", k8s, "annotations", Map.of("team", "vision"), NONE, "chart: `basePodTemplate.annotations`", "Added to Muster's own, which begin with `muster.dev/`."),
                row("pools.POOL.k8s.secret", k8s, "secret", "ml-secrets", "the account's, which is `muster-machines`", NONE,
                        "Name of the Secret of the namespace that has the values of secret references, each under its own name. The pods mount it; Muster never reads it."),
                row("pools.POOL.k8s.completedDelay", k8s, "completed_delay", "10m", "0s", "chart: `completedPodDeletionDelayMinutes`"),
                row("pools.POOL.k8s.imageEntrypoint", k8s, "image_entrypoint", true, "false", "chart: `useImageEntrypoint`",
                        "Task pods only: the image's own entrypoint runs in place of an agent, with the task's id in `CLEARML_TASK_ID`. A container before it claims the task, so that the image needs no Python."),
                row("pools.POOL.k8s.forcePull", k8s, "force_pull", true, "false", "`agent.docker_force_pull`"),
                row("pools.POOL.k8s.claimImage", k8s, "claim_image", "registry.lab/agent:3.0.3", "a small one with Python", NONE,
                        "With `imageEntrypoint`: the image of the container that claims the task. Python must be in it, and better clearml-agent, too."),

                row("budgets", fleet, "budgets", Map.of(), NONE, "the application counts machines only", "Money that all machines of the fleet may spend. Queues and pools have `budgets` of the same form."),
                row("budgets.PERIOD", budget, "period", NAME, NONE, NONE,
                        "`hour` is a rate, what runs at once; `day` and `month` are what is spent from midnight to midnight, or in a calendar month, of `timeZone`. "
                                + "A budget that is only a limit is just its amount."),
                row("budgets.PERIOD.limit", budget, "hard_micros", 300, NONE, NONE, "Never passed by a launch."),
                row("budgets.PERIOD.onLimit", budget, "hard_action", "stop-busy", "drain", NONE,
                        "`stop-launching`: machines work on, so that spending goes on until they are idle; `drain`: each takes no other task; `stop-busy`: as drain, and what "
                                + "still runs when the money is spent ends at once, and its tasks are put back."),
                row("budgets.PERIOD.soft", budget, "soft_micros", 250, NONE, NONE, "Below the limit; passed only as `onSoft` says."),
                row("budgets.PERIOD.onSoft", budget, "soft_action", "cheap", "warn", NONE,
                        "`warn`: it is said; `cheap`: offers above `cheap` are not launched; `high-priority`: queues below `minPriority` get no launch."),
                row("budgets.PERIOD.cheap", budget, "cheap_micros_per_hour", 0.5, NONE, NONE, "Most that an offer may cost an hour, all included."),
                row("budgets.PERIOD.minPriority", budget, "min_priority", 5, "0", NONE, "Least priority of a queue that still gets launches."),
                row("schedules", fleet, "schedules", List.of(), NONE, NONE, "Windows of time in which other numbers hold. Of several open ones the last listed wins, field by field."),
                row("schedules[].cron", window, "cron", "0 8 * * 1-5", "required", NONE, "When it opens: minute, hour, day of month, month, day of week, as crontab has them."),
                row("schedules[].lasts", window, "lasts", "10h", "required", NONE, "How long it stays open, from 1m to 31d."),
                row("schedules[].timeZone", window, "time_zone", "Europe/Berlin", "the fleet's", NONE),
                row("schedules[].min", window, "min", 2, "as outside", NONE, "Machines kept even with no demand. Pools only."),
                row("schedules[].max", window, "max", 4, "as outside", NONE, "Most machines at once. Below the minimum outside, it is the cap that holds."),
                row("schedules[].warm", window, "warm", 1, "as outside", NONE, "Machines kept idle beyond what works. Pools only."),
                row("schedules[].paused", window, "paused", true, "as outside", NONE),
                row("notifications", fleet, "notifications", List.of(), "nobody is told", NONE, "Webhooks that are told when something needs a person: see [notifications](notifications.md). One that is told everything is just its secret."),
                row("notifications[].secret", note, "webhook_secret", "slack-webhook", "required", NONE, "Name of the file in the planner's secrets folder that holds the webhook's https address. Never the address: whoever has it can write there."),
                row("notifications[].kinds", note, "kinds", List.of("budget", "circuit"), "all", NONE, "What it is told: `budget`, `circuit`, `boot-failure`, `rescue`, `clearml-unknown`."),
                row("cost", fleet, "cost", Map.of(), NONE, NONE, "What machines cost beside their offer's price. Pools have `cost` of the same form."),
                row("cost.factor", cost, "price_factor", 0.85, "1", NONE),
                row("cost.diskPerGibMonth", cost, "disk_micros_per_gib_month", 0.08, "disks are not counted", NONE, "Price of a GiB of disk a month of 730 h, for disks whose size the spec gives."),
                row("cost.publicIpv4PerHour", cost, "public_ipv4_micros_per_hour", 0.005, "in dollars " + Costs.text(Defaults.AWS_PUBLIC_IPV4_PER_HOUR) + " on AWS, " + Costs.text(Defaults.GCP_PUBLIC_IPV4_PER_HOUR) + " on Google Cloud, "
                        + Costs.text(Defaults.GCP_SPOT_PUBLIC_IPV4_PER_HOUR) + " where a pool has only its spot offers; else not counted", NONE,
                        "Price of a public IPv4 address an hour. The defaults are figures of [Amazon's](https://aws.amazon.com/vpc/pricing/) and "
                                + "[Google's](https://cloud.google.com/vpc/network-pricing) price pages in November 2026."));
    }

    /** Fields that are no keys of their own, and why. */
    private static final Map<String, String> NOT_KEYS = Map.ofEntries(
            Map.entry("BootSpec.queue_ids", "set by the planner"),
            Map.entry("BootSpec.agents", "set by the planner from slots"),
            Map.entry("BootSpec.hard_age", "set by the planner from maxAge"),
            Map.entry("OfferSpec.key", "its fields stand in the offer"),
            Map.entry("LaunchParameters.k8s", "k8s"),
            Map.entry("PoolSpec.limits", "min and max stand in the pool"),
            Map.entry("FleetSpec.limits", "as in a pool"),
            Map.entry("PoolSpec.launch", "its fields stand in the pool"),
            Map.entry("LaunchParameters.boot", "agent"),
            Map.entry("LaunchParameters.aws", "aws"),
            Map.entry("LaunchParameters.gcp", "gcp"));
    private static final Map<String, String> PARENTS = Map.of("FleetSpec.queues", "queues", "FleetSpec.pools", "pools", "FleetSpec.rescue", "rescue",
            "PoolSpec.pace", "pace", "K8sLaunch.tolerations", "tolerations", "PoolSpec.disruption", "disruption", "StorageSpec.s3", "s3", "StorageSpec.gcs", "gcs", "StorageSpec.azure", "azure", "BootSpec.storage", "storage");

    private static String span(Duration duration) {
        return YamlValue.print(duration);
    }

    @Test
    void isThePageThatTheContractAndTheDefaultsMake() throws Exception {
        var page = page();
        if (Boolean.getBoolean("docs.write")) {
            Files.writeString(PAGE, page);
        }
        assertThat(Files.readString(PAGE)).as("write it anew with -Ddocs.write=true").isEqualTo(page);
    }

    @Test
    void opensWithASpecOfTwelveLinesAtMost() throws Exception {
        assertThat(specs(page()).get(0).lines().count()).isLessThanOrEqualTo(12);
    }

    @Test
    void everySpecOnItCanBePlannedFor() throws Exception {
        assertThat(specs(page())).hasSizeGreaterThanOrEqualTo(5).allSatisfy(text -> {
            var spec = FleetYaml.read(text);
            assertThat(SpecValidator.violations(spec, Specs.FACTS)).isEmpty();
            var filled = Defaults.fill(spec, "lab");
            assertThat(FleetTranslator.head(FleetRecord.newBuilder().setFleet(spec.getName()).setState(FleetState.ACTIVE).setSpec(filled).build()).spec().queues()).isNotEmpty();
        });
    }

    @Test
    void theFleetsToCopyCanBePlannedFor() throws Exception {
        try (var examples = Files.walk(Path.of("../deploy/examples"))) {
            assertThat(examples.filter(file -> file.toString().endsWith(".yaml")).toList()).isNotEmpty().allSatisfy(file ->
                    assertThat(FleetYaml.readAll(Files.readString(file))).allSatisfy(spec -> assertThat(SpecValidator.violations(spec, Specs.FACTS)).isEmpty()));
        }
    }

    @Test
    void hasEveryFieldOfTheContract() {
        var missing = new TreeSet<String>();
        for (var message : Stream.of(FleetSpec.getDescriptor(), QueueSpec.getDescriptor(), PoolSpec.getDescriptor(), OfferSpec.getDescriptor(), OfferKey.getDescriptor(),
                Limits.getDescriptor(), BudgetSpec.getDescriptor(), ScheduleSpec.getDescriptor(), CostSpec.getDescriptor(), DisruptionSpec.getDescriptor(), Pace.getDescriptor(),
                RescueSpec.getDescriptor(), LaunchParameters.getDescriptor(), BootSpec.getDescriptor(), Disk.getDescriptor(), AwsLaunch.getDescriptor(), GcpLaunch.getDescriptor(),
                StorageSpec.getDescriptor(), S3Storage.getDescriptor(), GcsStorage.getDescriptor(), AzureStorage.getDescriptor(), K8sLaunch.getDescriptor(), Toleration.getDescriptor(), NotificationSpec.getDescriptor()).toList()) {
            message.getFields().stream().map(field -> message.getName() + "." + field.getName()).filter(name -> !NOT_KEYS.containsKey(name) && !PARENTS.containsKey(name))
                    .forEach(missing::add);
        }
        rows().forEach(row -> missing.remove(row.message().getName() + "." + row.field()));
        assertThat(missing).isEmpty();
    }

    /** Each key, written alone with its sample, is read into the field that the row names. */
    @Test
    void eachKeyIsReadIntoTheFieldThatItsRowNames() throws Exception {
        for (var row : rows()) {
            if (row.sample() == NAME || row.sample() instanceof List<?> list && list.isEmpty() || row.sample() instanceof Map<?, ?> map && map.isEmpty()) {
                continue;
            }
            var top = new LinkedHashMap<String, Object>();
            top.put("name", "train");
            put(top, row.path().replace("PERIOD", "day"), row.sample());
            if (row.path().endsWith(".namespace")) {
                put(top, "pools.POOL.provider", "k8s");
            }
            var text = new Yaml().dump(top);
            FleetSpec spec;
            try {
                spec = FleetYaml.read(text);
            } catch (InvalidYamlException unread) {
                throw new AssertionError(row.path() + " can't be read:\n" + text, unread);
            }
            assertThat(holds(spec, row.message(), row.field())).as("%s sets %s.%s:\n%s", row.path(), row.message().getName(), row.field(), text).isTrue();
        }
    }

    @SuppressWarnings("unchecked")
    private static void put(Map<String, Object> into, String path, Object value) {
        var dot = path.indexOf('.');
        var key = dot < 0 ? path : path.substring(0, dot);
        if (dot < 0) {
            into.put(key, value);
        } else if (key.endsWith("[]")) {
            var item = new LinkedHashMap<String, Object>();
            into.put(key.substring(0, key.length() - 2), List.of(item));
            put(item, path.substring(dot + 1), value);
        } else {
            put((Map<String, Object>) into.computeIfAbsent(key, name -> new LinkedHashMap<String, Object>()), path.substring(dot + 1), value);
        }
    }

    /** Whether the field is set in any message of that type within. */
    private static boolean holds(Message within, Descriptor message, String field) {
        if (within.getDescriptorForType().equals(message) && within.getAllFields().keySet().stream().anyMatch(set -> set.getName().equals(field))) {
            return true;
        }
        return within.getAllFields().entrySet().stream().filter(entry -> entry.getKey().getJavaType() == FieldDescriptor.JavaType.MESSAGE)
                .flatMap(entry -> entry.getKey().isRepeated() ? ((List<?>) entry.getValue()).stream() : Stream.of(entry.getValue()))
                .anyMatch(value -> holds((Message) value, message, field));
    }

    private static List<String> specs(String page) {
        return SPEC.matcher(page).results().map(match -> match.group(1)).toList();
    }

    // The page.

    private static String page() throws IOException, InvalidYamlException {
        var text = new StringBuilder("""
                # The fleet spec

                A fleet is queues, the pools of machines that serve them, and what they may cost. This is one, whole:

                ```yaml
                %s```

                `muster fleet apply -f FILE` creates it or changes it to what the file says; `muster fleet validate -f FILE` says everything that is
                wrong with it, with the field and the fix, and notes what is legal and worth knowing. Either takes several fleets in one file,
                with a line `---` between them.

                This page is made from the contract and the defaults in force by `FleetSpecPageTest`, which also judges every spec on it.

                ## Fields

                Time spans have units: `90s`, `15m`, `1h30m`, `7d`. Amounts are in the fleet's currency, with at most six decimals. `queues` and `pools`
                are objects by name, as here, or lists of objects with `name`. The fourth column names the same thing in ClearML's autoscaler
                applications, with its default where their documentation shows one; "open source" is the SDK's `AutoScaler`, "chart" a Helm chart of
                ClearML's agent.

                | field | as written | default | ClearML's applications | what it does |
                | --- | --- | --- | --- | --- |
                """.formatted(OPENING));
        var comments = comments();
        for (var row : rows()) {
            text.append("| `").append(row.path().replace("QUEUE", "<queue>").replace("POOL", "<pool>").replace("PERIOD", "<hour, day or month>")).append("` | ")
                    .append(sample(row.sample())).append(" | ").append(row.initial().isEmpty() ? "none" : row.initial()).append(" | ")
                    .append(row.apps()).append(" | ").append(row.words() != null ? row.words() : said(row, comments)).append(" |\n");
        }
        text.append("""

                Their polling interval (1 min; open source: 5 min) is no field of a spec: every queue of a connection is looked at each second. Their
                credentials, hosts and Git password are no fields either: connections, accounts and secrets belong to the installation.

                ## What a machine costs

                (price of its offer + disks + public IPv4 address) × `factor`, from the cloud's acceptance until the cloud says that it is gone. Not
                counted: traffic, requests, snapshots, monitoring, the image's own disk unless `disks` gives its size, and whatever else a bill may
                hold. Disks are counted only where `diskPerGibMonth` gives a price; `validate` says so.

                An hour's budget is exact: a machine is admitted only if what all may cost at most, spot at its ceiling, stays within it. Google takes
                no maximum price: there it is exact as long as spot prices stay below the ceilings. A day's or
                month's budget admits a machine only if what is spent and what all machines reserve fit: `reserveFor`, the longest task to expect,
                boot and drain included, at the machine's price. With `onLimit: drain` only a task that runs longer than that can pass such a budget, and
                only by its own time; with `stop-busy` not even that.

                """);
        for (var example : EXAMPLES) {
            text.append("## ").append(example.title()).append("\n\n").append(example.words()).append("\n\n```yaml\n").append(example.spec()).append("```\n\n");
            var filled = Defaults.fill(FleetYaml.read(example.spec()), "lab");
            var notes = Stream.concat(SpecNotes.of(filled).stream(), SpecNotes.ofPrices(filled, offer -> false).stream()).toList();
            if (!notes.isEmpty()) {
                text.append("`muster fleet validate` adds:\n\n");
                notes.forEach(note -> text.append("- ").append(note).append('\n'));
                text.append('\n');
            }
        }
        return text.toString().stripTrailing() + "\n";
    }

    private static String sample(Object sample) {
        if (sample == NAME) {
            return "its name";
        }
        if (sample instanceof List<?> list && list.isEmpty()) {
            return "a list";
        }
        if (sample instanceof Map<?, ?> map && map.isEmpty()) {
            return "an object";
        }
        if (sample instanceof Map<?, ?> map) {
            return "`" + map.entrySet().stream().map(entry -> "{" + entry.getKey() + ": " + (entry.getValue() instanceof Map<?, ?> inner
                    ? inner.entrySet().stream().map(one -> "{" + one.getKey() + ": " + one.getValue() + "}").collect(Collectors.joining()) : entry.getValue()) + "}").collect(Collectors.joining()) + "`";
        }
        if (sample instanceof List<?> list) {
            return "`[" + list.stream().map(String::valueOf).map(item -> item.equals("POOL") ? "gpu" : item).collect(Collectors.joining(", ")) + "]`";
        }
        return "`" + (sample.toString().contains("*") ? "\"" + sample + "\"" : sample) + "`";
    }

    private static String said(Row row, Map<String, String> comments) {
        var comment = comments.getOrDefault(row.message().getName() + "." + row.field(), "");
        var kept = Stream.of(comment.split("(?<=\\.) (?=[A-Z0-9])")).filter(sentence -> !ELSEWHERE.matcher(sentence).matches()).collect(Collectors.joining(" "));
        assertThat(kept).as("what %s does, from the comment '%s'", row.path(), comment).isNotBlank();
        return kept;
    }

    /** The comment above each field, by message and field. */
    private static Map<String, String> comments() throws IOException {
        var comments = new HashMap<String, String>();
        var field = Pattern.compile("\\s+(?:optional |repeated )?[\\w.<>, ]+ (\\w+) = \\d+;");
        for (var file : List.of("fleet.proto", "common.proto")) {
            var message = "";
            var comment = new ArrayList<String>();
            for (var line : Files.readAllLines(PROTOS.resolve(file))) {
                var matcher = field.matcher(line);
                if (line.startsWith("message ")) {
                    message = line.split(" ")[1];
                } else if (line.strip().startsWith("//")) {
                    comment.add(line.strip().substring(2).strip());
                    continue;
                } else if (matcher.matches()) {
                    comments.put(message + "." + matcher.group(1), String.join(" ", comment));
                }
                comment.clear();
            }
        }
        return comments;
    }

    private static final String OPENING = """
            name: first
            queues:
              default: [cpu]
            pools:
              cpu:
                provider: aws
                region: us-east-1
                type: m6i.large
                max: 4
            """;

    private record Example(String title, String words, String spec) {}

    private static final List<Example> EXAMPLES = List.of(
            new Example("Budgets", """
                    At most 40 dollars an hour at once, 300 a day and 5000 a month for the fleet. Above 250 a day only machines of at most 0.60 an hour
                    are launched. When the month's money is spent, running tasks end and wait for the next month. The queue `trial` alone may spend 20
                    a day.""", """
                    name: train
                    currency: USD
                    timeZone: Europe/Berlin
                    budgets:
                      hour: 40
                      day: {limit: 300, soft: 250, onSoft: cheap, cheap: 0.60}
                      month: {limit: 5000, onLimit: stop-busy}
                    cost: {factor: 0.85, diskPerGibMonth: 0.08}
                    queues:
                      train: [t4, a10g]
                      trial: {pools: [t4], budgets: {day: 20}}
                    pools:
                      t4: {provider: aws, region: us-east-1, type: g4dn.xlarge, price: 0.526, max: 40, reserveFor: 4h, disks: [{size: 200}]}
                      a10g: {provider: aws, region: us-east-1, type: g5.2xlarge, price: 1.212, max: 20, reserveFor: 4h, disks: [{size: 200}]}
                    """),
            new Example("Schedules", """
                    Two machines and one more idle from eight to six on weekdays in Berlin, at most four at night, and nothing launched on Sunday
                    mornings.""", """
                    name: office
                    timeZone: Europe/Berlin
                    queues:
                      notebooks: [cpu]
                    pools:
                      cpu:
                        provider: aws
                        region: eu-central-1
                        type: m6i.xlarge
                        max: 20
                        schedules:
                          - {cron: "0 8 * * 1-5", lasts: 10h, min: 2, warm: 1}
                          - {cron: "0 20 * * *", lasts: 12h, max: 4}
                          - {cron: "0 6 * * 0", lasts: 4h, paused: true}
                    """),
            new Example("Fair share", """
                    `urgent` is served first. When machines are short, `vision` and `speech` share what is left three to one.""", """
                    name: shared
                    max: 12
                    queues:
                      urgent: {pools: [gpu], priority: 10}
                      vision: {pools: [gpu], weight: 3}
                      speech: {pools: [gpu], weight: 1}
                    pools:
                      gpu: {provider: aws, region: us-east-1, type: g5.xlarge, max: 12, pace: {launchesPerMinute: 6}}
                    """),
            new Example("Two clouds", """
                    A pool is of one cloud, and a queue may name pools of several: here machines with a T4 come from AWS, and from Google Cloud where AWS
                    has none, or where the pool is full. The price of the last is not known, which is legal.""", """
                    name: anywhere
                    queues:
                      gpu: [t4-aws, t4-google]
                    pools:
                      t4-aws: {provider: aws, region: us-east-1, type: g4dn.xlarge, price: 0.526, max: 10}
                      t4-google:
                        provider: gcp
                        account: google
                        region: us-central1
                        type: n1-standard-4
                        market: spot
                        offers: [{zone: us-central1-a}, {zone: us-central1-b}]
                        max: 10
                        disks: [{size: 100, type: pd-ssd}]
                        gcp: {gpuType: nvidia-tesla-t4, serviceAccount: none}
                    """),
            new Example("Pods", """
                    On Kubernetes a machine is a pod, and a pool's settings are under `k8s`. Here `notebooks` have pods with an agent each, kept as long as there are
                    tasks. Each task of `train` gets a pod of its own, whose image is the task's; where no node has had room for five minutes, machines of AWS take
                    the task. At most eight GPUs are asked for at once.

                    Texts of a template may hold `${task.id}`, `${task.name}`, `${project.id}`, `${project.name}` and `${user.id}` in task pods, and `${queue.id}`,
                    `${queue.name}`, `${fleet}`, `${pool}` and `${machine}` in all; `$${this}` is text. A template may not set what is Muster's own: the pod's name and namespace, finalizers, owners,
                    the service account, another `restartPolicy` than `Never`, the first container's command, keys under `muster.dev/`, names that begin with `muster-`,
                    mounts below `/muster`.""", """
                    name: cluster
                    limits: {resources: {nvidia.com/gpu: 8}}
                    queues:
                      notebooks: [agents]
                      train: [tasks, t4]
                    pools:
                      agents:
                        provider: k8s
                        namespace: ml
                        max: 4
                        image: python:3.11-slim-bookworm
                        k8s: {requests: {cpu: 2, memory: 8Gi}}
                      tasks:
                        provider: k8s
                        namespace: ml
                        type: t4
                        max: 20
                        onEnd: {OOMKilled: retry}
                        k8s:
                          pods: task
                          requests: {cpu: 4, memory: 16Gi}
                          limits: {nvidia.com/gpu: 1}
                          nodeSelector: {accelerator: t4}
                          tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]
                          completedDelay: 10m
                          template:
                            metadata: {labels: {clearml-queue: "${queue.name}"}}
                            spec: {terminationGracePeriodSeconds: 60}
                      t4: {provider: aws, region: us-east-1, type: g4dn.xlarge, price: 0.526, max: 10}
                    """),
            new Example("Spot, and back to on-demand", """
                    Spot in two zones, at most at the price given. When the cloud has refused spot for ten minutes, on-demand machines come instead,
                    and spot is left alone for an hour. Each machine is replaced after a week, two at a time.""", """
                    name: spot
                    queues:
                      gpu: [gpu]
                    pools:
                      gpu:
                        provider: aws
                        region: us-east-1
                        offers:
                          - {type: g4dn.xlarge, zone: us-east-1a, market: spot, ceiling: 0.30}
                          - {type: g4dn.xlarge, zone: us-east-1b, market: spot, ceiling: 0.30}
                          - {type: g4dn.xlarge, price: 0.526}
                        max: 10
                        spot: {rollbackAfter: 10m, blackout: 1h}
                        maxAge: 7d
                        disruption: {draining: 2}
                    """));
}
