package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.contracts.FleetYaml;
import dev.muster.contracts.InvalidYamlException;
import dev.muster.planner.foreign.ClearmlImport;
import dev.muster.planner.stream.SpecTrial;
import dev.muster.v1.Disk;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.Market;
import dev.muster.v1.OfferSpec;
import dev.muster.v1.ShutdownAction;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImportCommandTest {

    private static final Path PAGE = Path.of("..", "docs", "import.md");
    private static final ClearmlImport.Options OPTIONS = new ClearmlImport.Options("moved", false, "default", "");
    private static final String GOOD = """
            hyper_params: {cloud_credentials_region: us-east-1, workers_prefix: old}
            configurations:
              queues: {train: [[gpu, 2]]}
              resource_configurations:
                gpu: {instance_type: g4dn.xlarge, is_spot: false, availability_zone: us-east-1a}
            """;

    @TempDir
    Path folder;

    private Ran run(String text, String... more) throws IOException {
        var file = Files.writeString(folder.resolve("aws_autoscaler.yaml"), text);
        var arguments = new ArrayList<>(List.of("import", "clearml", file.toString(), "--secrets", folder.resolve("secrets").toString()));
        arguments.addAll(List.of(more));
        return Ran.of(arguments.toArray(String[]::new));
    }

    private static ClearmlImport read(String text) throws InvalidYamlException {
        var imported = ClearmlImport.read(text, OPTIONS);
        assertThat(SpecTrial.of(imported.spec(), Instant.EPOCH).violations()).isEmpty();
        return imported;
    }

    private static List<String> notes(ClearmlImport imported) {
        return imported.notes().stream().map(ClearmlImport.Note::field).toList();
    }

    /** The page's blocks of one language, in order; "" is none. */
    private static List<String> blocks(String language) throws IOException {
        return Pattern.compile("^```" + language + "\n(.*?)^```$", Pattern.DOTALL | Pattern.MULTILINE).matcher(
                language.isEmpty() ? Files.readString(PAGE).replaceAll("(?ms)^```yaml\n.*?^```$", "") : Files.readString(PAGE)).results().map(match -> match.group(1)).toList();
    }

    @Test
    void doesWhatItsPageShows() throws Exception {
        var spec = folder.resolve("fleet.yaml");
        var ran = run(blocks("yaml").get(0), "-o", spec.toString());
        assertThat(ran.err()).isEqualTo(blocks("").get(1));
        assertThat(ran.exitCode()).isZero();
        assertThat(spec).hasContent(blocks("yaml").get(1));
        assertThat(SpecTrial.of(FleetYaml.read(Files.readString(spec)), Instant.EPOCH).violations()).isEmpty();
        var secrets = folder.resolve("secrets");
        assertThat(secrets.resolve("aws-default-access-key-id")).hasContent("AKIAIOSFODNN7EXAMPLE");
        assertThat(secrets.resolve("aws-default-secret-access-key")).hasContent("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        assertThat(secrets.resolve("aws-autoscaler-git-user")).hasContent("bot");
        assertThat(secrets.resolve("aws-autoscaler-git-password")).hasContent("not-a-real-password");
        try (var files = Files.list(secrets)) {
            assertThat(files).hasSize(4).allSatisfy(file -> {
                if (Files.getFileStore(file).supportsFileAttributeView("posix")) {
                    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file))).isEqualTo("rw-------");
                }
            });
        }
    }

    @Test
    void answersInJsonWithTheSpecAndAListOfNotes() throws Exception {
        var ran = run(GOOD, "--json", "--name", "other");
        assertThat(ran.err()).isEmpty();
        var answer = Output.JSON.readTree(ran.out());
        assertThat(answer.get("fleet").asText()).isEqualTo("other");
        assertThat(FleetYaml.read(answer.get("spec").asText()).getQueues(0).getName()).isEqualTo("train");
        assertThat(answer.get("written")).isEmpty();
        assertThat(answer.get("notes").get(0).get("field").asText()).isEqualTo("hyper_params.workers_prefix");
        assertThat(answer.get("notes").get(0).get("note").asText()).contains("stop ClearML's autoscaler");
    }

    @Test
    void writesTheSpecToStandardOutputWithoutAFile() throws Exception {
        var ran = run(GOOD);
        assertThat(FleetYaml.read(ran.out()).getName()).isEqualTo("aws-autoscaler");
        assertThat(folder.resolve("secrets")).doesNotExist();
    }

    @Test
    void writesOverNothingUnlessTold() throws Exception {
        var spec = folder.resolve("fleet.yaml");
        var secret = folder.resolve("secrets").resolve("aws-autoscaler-git-password");
        var text = GOOD.replace("workers_prefix: old", "workers_prefix: old, git_pass: new");
        Files.createDirectories(secret.getParent());
        Files.writeString(secret, "mine\n");
        var refused = run(text, "-o", spec.toString());
        assertThat(refused.exitCode()).isEqualTo(CliFailure.FAILED);
        assertThat(refused.err()).contains(secret + " is there already: --force writes over it");
        assertThat(spec).doesNotExist();
        assertThat(secret).hasContent("mine");

        assertThat(run(text, "-o", spec.toString(), "--force").exitCode()).isZero();
        assertThat(secret).hasContent("new");
        assertThat(run(GOOD, "-o", spec.toString()).err()).contains(spec + " is there already");
    }

    @Test
    void takesSecretsBackIfTheSpecCannotBeWritten() throws Exception {
        var ran = run(GOOD.replace("workers_prefix: old", "git_pass: new"), "-o", folder.resolve("nowhere").resolve("fleet.yaml").toString());
        assertThat(ran.exitCode()).isEqualTo(CliFailure.FAILED);
        assertThat(folder.resolve("secrets")).isEmptyDirectory();
    }

    @Test
    void mapsEveryFieldOfTheOpenSourceAutoscaler() throws Exception {
        var imported = read("""
                hyper_params:
                  cloud_provider: AWS
                  cloud_credentials_key: ID
                  cloud_credentials_secret: KEY
                  cloud_credentials_token: TOKEN
                  cloud_credentials_region: us-east-1
                  use_iam_instance_profile: true
                  iam_arn: arn:aws:iam::123456789012:instance-profile/clearml
                  iam_name: unused
                  default_docker_image: ""
                  max_idle_time_min: 0.5
                  polling_interval_time_min: 1
                  max_spin_up_time_min: '45'
                  workers_prefix: dynamic
                  git_user: null
                  tags: team=all, Name=mine
                configurations:
                  extra_trains_conf: ""
                  extra_clearml_conf: "agent.extra_docker_arguments: [--ipc=host]"
                  extra_vm_bash_script: "export HF_TOKEN=abc"
                  queues: {b: [[two, 3], [one, 0]]}
                  resource_configurations:
                    one: &one
                      instance_type: m6i.large
                      is_spot: 'False'
                      subnet_id: subnet-1
                      availability_zone: us-east-1b
                      ebs_snapshot_id: snap-0123456789abcdef0
                      ebs_device_name: /dev/sdf
                      extra_configurations: {EbsOptimized: true, CpuOptions: {CoreCount: 4}, KernelId: null, UserData: c2g=, MetadataOptions: {HttpTokens: required}}
                      enable_monitoring: 'True'
                      tags: team=one, cost center=x
                    two: {<<: *one, instance_type: c6i.large, is_spot: true, ebs_snapshot_id: null, cpu_only: true, extra_configurations: {}}
                    spare: {instance_type: m6i.large, is_spot: false}
                """);
        var spec = imported.spec();
        assertThat(spec.getQueues(0).getPoolsList()).containsExactly("two", "one");
        assertThat(spec.getPoolsList()).extracting(pool -> pool.getName() + " " + pool.getLimits().getMax()).containsExactly("one 0", "two 3");
        var two = spec.getPools(1);
        assertThat(two.getOffers(0).getKey().getMarket()).isEqualTo(Market.SPOT);
        assertThat(two.getOffers(0).getKey().getSubnet()).isEqualTo("subnet-1");
        assertThat(two.getOffers(0).getKey().getZone()).isEmpty();
        assertThat(two.getIdleTimeout().getSeconds()).isEqualTo(30);
        assertThat(two.getRegistrationDeadline().getSeconds()).isEqualTo(45 * 60);
        assertThat(two.getLaunch().getDisks(0).getSizeGib()).isEqualTo(80);
        assertThat(two.getLaunch().getDisks(0).getType()).isEqualTo("gp3");
        assertThat(two.getLaunch().getTagsMap()).isEqualTo(Map.of("team", "one"));
        assertThat(two.getLaunch().getAws().getInstanceProfile()).isEqualTo("arn:aws:iam::123456789012:instance-profile/clearml");
        assertThat(two.getLaunch().getBoot().getDocker()).isFalse();
        assertThat(two.getLaunch().getBoot().hasDocker()).isTrue();
        assertThat(two.getLaunch().getBoot().getCpuOnly()).isTrue();
        assertThat(two.getLaunch().getBoot().getExtraConf().getText()).contains("--ipc=host");
        assertThat(two.getLaunch().getBoot().getInitScript().getSecretRef()).isEqualTo("moved-init-script");
        assertThat(imported.secrets()).containsOnlyKeys("aws-default-access-key-id", "aws-default-secret-access-key", "aws-default-session-token", "moved-init-script");
        var resources = "configurations.resource_configurations.";
        assertThat(notes(imported)).contains("hyper_params.tags", "hyper_params.cloud_credentials_token", resources + "one.availability_zone",
                resources + "one.extra_configurations.UserData", resources + "one.extra_configurations.MetadataOptions.HttpTokens", resources + "one.tags", resources + "spare")
                .doesNotContain(resources + "one.ebs_snapshot_id", resources + "one.enable_monitoring", resources + "two.extra_configurations");
        var one = spec.getPools(0).getLaunch();
        assertThat(one.getDisksList()).containsExactly(Disk.newBuilder().setDevice("/dev/sdf").setSnapshot("snap-0123456789abcdef0").build());
        assertThat(one.getAws().getDetailedMonitoring()).isTrue();
        assertThat(one.getAws().getLaunchSpec()).isEqualTo("{\"EbsOptimized\":true,\"CpuOptions\":{\"CoreCount\":4}}");
        assertThat(two.getLaunch().getAws().getLaunchSpec()).isEmpty();
    }

    @Test
    void takesTheRegionFromZonesAndTheUntaggedImageFromTheRelease() throws Exception {
        var imported = read("""
                {
                \t"hyper_params": {"default_docker_image": "nvidia/cuda", "use_credentials_chain": true, "cloud_credentials_key": "ID", "max_idle_time_min": 0},
                \t"configurations": {"queues": {"q": [["A B", 1]]}, "resource_configurations": {"A B": {"instance_type": "m6i.large", "is_spot": false,
                \t\t"availability_zone": "eu-central-1c"}}}
                }
                """);
        assertThat(imported.spec().getPools(0).getOffers(0).getKey().getRegion()).isEqualTo("eu-central-1");
        assertThat(imported.spec().getPools(0).getName()).isEqualTo("a-b");
        assertThat(imported.spec().getPools(0).getIdleTimeout().getSeconds()).isEqualTo(1);
        assertThat(imported.spec().getWorkersPrefix()).isEqualTo("dynamic_worker");
        assertThat(imported.secrets()).isEmpty();
        assertThat(notes(imported)).contains("hyper_params.default_docker_image", "hyper_params.use_credentials_chain", "hyper_params.max_idle_time_min");
    }

    @Test
    void readsAnExportOfTheApplicationAndPairsZonesWithSubnets() throws Exception {
        var imported = read("""
                {"Autoscaler Instance Name": "Night Shift", "AWS Region": "us-east-1", "Access Key ID": "ID", "Secret Access Key": "KEY", "Workers Prefix": "dynamic_aws",
                 "Max Idle Time (min)": "15", "Polling Interval (min)": 1, "Use docker mode": true, "Base Docker Image": "ubuntu:24.04",
                 "Spin down instances on Autoscaler shutdown": "All including running tasks", "Apply Task Owner Vault Configuration": true, "api_token": "CANARY",
                 "Custom Launch Spec (JSON)": "{\\"ImageId\\": \\"ami-0123456789abcdef0\\", \\"CpuOptions\\": {\\"CoreCount\\": 4}, \\"MinCount\\": 1}",
                 "compute_resources": [
                   {"Resource Name": "gpu", "EC2 Instance Type": "g4dn.xlarge", "Use Spot Instance": true, "Regular Instance Rollback": true,
                    "Regular Instance Rollback Timeout": 10, "Spot Instance Blackout Period": 60, "Availability Zone": ["us-east-1a", "us-east-1b"],
                    "VPC Subnet ID(s)": "subnet-a, subnet-b", "Security Group ID(s)": "sg-1,sg-2", "Max Number of Instances": 3, "Monitored Queue": "train", "EBS Size (GB)": 100,
                    "AMI ID or image name": "/aws/service/deeplearning/image", "Place tags on resources": ["Instance", "Volumes", "Spot Instances Request", "Elastic GPU"]},
                   {"Resource Name": "cpu", "EC2 Instance Type": "m6i.large", "Max Number of Instances": "2", "Monitored Queue": "train"}]}
                """);
        FleetSpec spec = imported.spec();
        assertThat(spec.getName()).isEqualTo("night-shift");
        assertThat(spec.getShutdown()).isEqualTo(ShutdownAction.ALL);
        assertThat(spec.getQueues(0).getPoolsList()).containsExactly("gpu", "cpu");
        var gpu = spec.getPools(0);
        assertThat(gpu.getOffersList()).extracting(OfferSpec::getKey).extracting(key -> key.getMarket() == Market.SPOT ? "spot " + key.getZone() + " " + key.getSubnet() : key.getZone() + " " + key.getSubnet())
                .containsExactly("spot us-east-1a subnet-a", "spot us-east-1b subnet-b", "us-east-1a subnet-a", "us-east-1b subnet-b");
        assertThat(gpu.getSpotRollbackAfter().getSeconds()).isEqualTo(600);
        assertThat(gpu.getSpotBlackout().getSeconds()).isEqualTo(3600);
        assertThat(gpu.getLaunch().getDisks(0).getSizeGib()).isEqualTo(100);
        assertThat(gpu.getLaunch().getAws().getSecurityGroupIdsList()).containsExactly("sg-1", "sg-2");
        assertThat(gpu.getLaunch().getImage()).isEqualTo("ssm:/aws/service/deeplearning/image");
        assertThat(gpu.getLaunch().getAws().getTagResourcesList()).containsExactly("volume", "spot-instances-request");
        assertThat(spec.getPools(1).getLaunch().getImage()).as("the launch spec's").isEqualTo("ami-0123456789abcdef0");
        assertThat(spec.getPoolsList()).extracting(pool -> pool.getLaunch().getAws().getLaunchSpec()).containsOnly("{\"CpuOptions\":{\"CoreCount\":4}}");
        assertThat(notes(imported)).contains("Apply Task Owner Vault Configuration", "api_token", "Polling Interval (min)", "compute_resources[0].Place tags on resources",
                "Custom Launch Spec (JSON).MinCount").doesNotContain("Custom Launch Spec (JSON).ImageId");
        assertThat(imported.notes().toString() + spec).doesNotContain("CANARY");
    }

    @Test
    void readsAnExportOfTheGcpApplication() throws Exception {
        var imported = read("""
                {"Autoscaler Instance Name": "Google", "GCP Project ID": "lab-1234", "GCP Zone": "us-central1-b", "Use full subnet path": true,
                 "GCP Subnet Full Path": "projects/host-net/regions/us-central1/subnetworks/ml",
                 "GCP Credentials": "{\\"type\\": \\"service_account\\", \\"private_key\\": \\"CANARY\\"}",
                 "Git User": "bot", "Max Idle Time": 15, "Workers Prefix": "dynamic_gcp", "Use docker mode": true, "Init Script": "nvidia-smi",
                 "Global Metadata": "enable-oslogin=TRUE,owner=lab", "EC2 Tags": "team=vision",
                 "Compute Resources": [
                   {"Resource Name": "t4", "GCP Machine Type": "n1-standard-8", "GPU Type": "nvidia-tesla-t4", "Use Preemptible Instance": true,
                    "Preemptible Provision Model": "Preemptible", "Regular Instance Rollback": true, "Regular Instance Rollback Timeout": 5,
                    "Preemptible Instance Blackout Period": 30, "Max Number of Instances": 3, "Monitored Queue": "gpu",
                    "Machine Image": "https://www.googleapis.com/compute/v1/projects/ml-images/global/images/family/gpu", "Disc Size (in GB)": 200,
                    "Use the default GCP Service Account": false, "Service Account Email": "machines@lab-1234.iam.gserviceaccount.com",
                    "Service Account Scopes": "storage-rw, logging.write", "Metadata": "owner=vision,startup-script=CANARY"},
                   {"Resource Name": "a100", "GCP Machine Type": "a2-highgpu-1g", "GPU Type": "nvidia-tesla-a100", "Max Number of Instances": 1, "Monitored Queue": "big",
                    "Use the default GCP Service Account": true}]}
                """);
        assertThat(FleetYaml.write(imported.spec())).isEqualTo("""
                name: google
                workersPrefix: dynamic_gcp
                queues:
                  gpu:
                  - t4
                  big:
                  - a100
                pools:
                  t4:
                    provider: gcp
                    account: default
                    region: us-central1
                    offers:
                    - type: n1-standard-8
                      zone: us-central1-b
                      subnet: projects/host-net/regions/us-central1/subnetworks/ml
                      market: spot
                    - type: n1-standard-8
                      zone: us-central1-b
                      subnet: projects/host-net/regions/us-central1/subnetworks/ml
                    max: 3
                    idle: 15m
                    spot:
                      rollbackAfter: 5m
                      blackout: 30m
                    image: projects/ml-images/global/images/family/gpu
                    disks:
                    - size: 200
                    agent:
                      docker: true
                      environment:
                        CLEARML_AGENT_GIT_USER:
                          secretRef: google-git-user
                      initScript: nvidia-smi
                    gcp:
                      gpuType: nvidia-tesla-t4
                      preemptible: true
                      serviceAccount: machines@lab-1234.iam.gserviceaccount.com
                      scopes:
                      - devstorage.read_write
                      - logging.write
                      metadata:
                        enable-oslogin: 'TRUE'
                        owner: vision
                  a100:
                    provider: gcp
                    account: default
                    region: us-central1
                    type: a2-highgpu-1g
                    zone: us-central1-b
                    subnet: projects/host-net/regions/us-central1/subnetworks/ml
                    max: 1
                    idle: 15m
                    agent:
                      docker: true
                      environment:
                        CLEARML_AGENT_GIT_USER:
                          secretRef: google-git-user
                      initScript: nvidia-smi
                    gcp:
                      metadata:
                        enable-oslogin: 'TRUE'
                        owner: lab
                """);
        assertThat(imported.secrets()).isEqualTo(Map.of("gcp-default-key", "{\"type\": \"service_account\", \"private_key\": \"CANARY\"}", "google-git-user", "bot"));
        assertThat(notes(imported)).containsExactly("EC2 Tags", "Workers Prefix", "GCP Project ID", "GCP Credentials", "Git User", "Compute Resources[0].Regular Instance Rollback Timeout",
                "Compute Resources[0].Metadata", "Compute Resources[1].GPU Type");
        assertThat(imported.notes().toString() + imported.spec()).doesNotContain("CANARY");
    }

    @Test
    void readsAnExportOfTheGcpApplicationInSnakeCase() throws Exception {
        var imported = read("""
                {"gcp_project_id": "lab-1234", "gcp_zone": "europe-west4-a", "gcp_subnet_name": "default", "gcp_credentials": "****", "resources": [
                  {"resource_name": "cpu", "machine_type": "n2-custom-4-8192", "run_in_cpu_mode": true, "max_number_of_instances": 2, "monitored_queue": "cpu"}]}
                """);
        var pool = imported.spec().getPools(0);
        assertThat(pool.getOffersList()).extracting(OfferSpec::getKey).extracting(key -> key.getProvider() + " " + key.getRegion() + " " + key.getZone() + " " + key.getSubnet() + " " + key.getMachineType())
                .containsExactly("gcp europe-west4 europe-west4-a default n2-custom-4-8192");
        assertThat(pool.getLaunch().getBoot().getCpuOnly()).isTrue();
        assertThat(imported.secrets()).isEmpty();
        assertThat(notes(imported)).containsExactly("gcp_project_id", "gcp_credentials");
    }

    @Test
    void aKeyFileMayStandInAnExportAsAnObject() throws Exception {
        var imported = read("""
                {"GCP Zone": "us-central1-a", "GCP Credentials": {"type": "service_account", "private_key": "a\\nb"}, "resources": [
                  {"Resource Name": "cpu", "GCP Machine Type": "e2-standard-4", "Max Number of Instances": 2, "Monitored Queue": "cpu"}]}
                """);
        assertThat(imported.secrets()).isEqualTo(Map.of("gcp-default-key", "{\"type\":\"service_account\",\"private_key\":\"a\\nb\"}"));
    }

    @Test
    void refusesWhatIsWrongWithTheFieldAndTheFix() {
        var resources = "configurations.resource_configurations.";
        refused("a: b: c", "line 1: is neither YAML nor JSON; give the file as ClearML wrote it");
        refused("", "is empty; give the file");
        refused("- a", "is no configuration of an autoscaler; give a file with hyper_params");
        refused("name: first\nqueues: {default: [cpu]}", "has neither hyper_params and configurations nor a list of resources");
        refused("{\"GCP Project ID\": \"p\", \"resources\": [{\"Machine Type\": \"n1-standard-4\", \"Monitored Queue\": \"q\", \"Max Number of Instances\": 1}]}", "GCP Zone: is missing; write the zone");
        refused("{\"GCP Zone\": \"us-central1-a\", \"resources\": [{\"GPU Type\": \"t4\", \"Monitored Queue\": \"q\", \"Max Number of Instances\": 1}]}", "resources[0].GCP Machine Type: is missing; write Google's name");
        refused("{\"gcp_zone\": \"us-central1-a\", \"resources\": [{\"machine_type\": \"n1-standard-4\", \"monitored_queue\": \"q\", \"max_number_of_instances\": 1, \"metadata\": \"CANARY\"}]}",
                "resources[0].metadata: is no list of metadata; write key=value");
        refused(GOOD.replace("[[gpu, 2]]", "[[tpu, 2]]"), "configurations.queues.train[0][0]: there is no resource 'tpu'; describe it under resource_configurations, or name one of: gpu");
        refused(GOOD.replace("[[gpu, 2]]", "[[gpu, -1]]"), "configurations.queues.train[0][1]: is negative; write the most machines at once, 0 or more");
        refused(GOOD.replace("[[gpu, 2]]", "[[gpu, many]]"), "configurations.queues.train[0][1]: is no whole number from 0 on");
        refused(GOOD.replace("[[gpu, 2]]", "[[gpu]]"), "configurations.queues.train[0]: must be a resource and a number");
        refused(GOOD.replace("[[gpu, 2]]", "[]"), "configurations.queues.train: names no resource");
        refused(GOOD.replace("[[gpu, 2]]}", "[[gpu, 2]], other: [[gpu, 1]]}"), "configurations.queues.other[0][0]: the resource 'gpu' already serves 'train'");
        refused(GOOD.replace("{train: [[gpu, 2]]}", ""), "configurations.queues: is missing; name at least one queue");
        refused(GOOD.replace("is_spot: false, ", ""), resources + "gpu.is_spot: is missing; write is_spot: true or is_spot: false");
        refused(GOOD.replace("is_spot: false", "is_spot: maybe"), resources + "gpu.is_spot: is neither true nor false");
        refused(GOOD.replace("instance_type: g4dn.xlarge, ", ""), resources + "gpu.instance_type: is missing; write EC2's name of it");
        refused(GOOD.replace("us-east-1a", "us-west-2a"), resources + "gpu.availability_zone: holds a zone that is not in the region us-east-1");
        refused(GOOD.replace("availability_zone: us-east-1a", "availability_zone: [us-east-1a, us-east-1b], subnet_id: subnet-1"),
                resources + "gpu.subnet_id: there are 1 subnets and 2 zones, which belong together by position");
        refused(GOOD.replace("us-east-1a}", "us-east-1a, security_group_ids: [default]}"), resources + "gpu.security_group_ids: holds no id of a security group");
        refused(GOOD.replace("us-east-1a}", "us-east-1a, ebs_device_name: /dev/sda1, ebs_volume_size: -5}"), resources + "gpu.ebs_volume_size: is negative; write GiB, 1 or more");
        refused(GOOD.replace("us-east-1a}", "us-east-1a, extra_configurations: [1]}"), resources + "gpu.extra_configurations: is no object");
        refused(GOOD.replace("us-east-1a}", "us-east-1a, tags: team}"), resources + "gpu.tags: is no list of tags; write key=value");
        refused(GOOD.replace("cloud_credentials_region: us-east-1, ", "").replace(", availability_zone: us-east-1a", ""), "hyper_params.cloud_credentials_region: is missing; write the region");
        refused(GOOD.replace("workers_prefix: old", "max_idle_time_min: -1"), "hyper_params.max_idle_time_min: is negative; write minutes");
        refused(GOOD.replace("workers_prefix: old", "cloud_provider: gcp"), "hyper_params.cloud_provider: is no cloud of the open-source autoscaler");
        refused(GOOD.replace("workers_prefix: old", "cloud_credentials_key: CANARY"), "hyper_params.cloud_credentials_key: stands alone");
        refused(GOOD.replace("workers_prefix: old", "git_pass: [CANARY]"), "hyper_params.git_pass: must be one value");
        refused(GOOD.replace("workers_prefix: old", "git_pass: *CANARY"), "line 1: is neither YAML nor JSON");
    }

    private static void refused(String text, String line) {
        assertThatThrownBy(() -> ClearmlImport.read(text, OPTIONS)).isInstanceOfSatisfying(InvalidYamlException.class, invalid -> {
            var lines = invalid.violations().stream().map(InvalidYamlException::line).toList();
            assertThat(lines).as(text).hasSize(1);
            assertThat(lines.get(0)).startsWith(line).contains("; ").doesNotContain("CANARY");
        });
    }

    @Test
    void writesNothingOfAFileThatItRefuses() throws Exception {
        var spec = folder.resolve("fleet.yaml");
        var ran = run(GOOD.replace("[[gpu, 2]]", "[[tpu, 2]]").replace("workers_prefix: old", "git_pass: CANARY"), "-o", spec.toString());
        assertThat(ran.exitCode()).isEqualTo(CliFailure.FAILED);
        assertThat(ran.err()).contains("aws_autoscaler.yaml can't be imported:", "there is no resource 'tpu'").doesNotContain("CANARY");
        assertThat(spec).doesNotExist();
        assertThat(folder.resolve("secrets")).doesNotExist();
        assertThat(Ran.of("import", "clearml", folder.resolve("none.yaml").toString()).err()).contains("there is no file");
        assertThat(run(GOOD, "--name", "Not A Label").err()).contains("would be refused:", "name: 'Not A Label' is no DNS-1123 label");
    }

    @Test
    void showsNoSecretAnywhereButInItsFile() throws Exception {
        var secretive = GOOD.replace("workers_prefix: old", "cloud_credentials_key: CANARY, cloud_credentials_secret: CANARY, cloud_credentials_token: CANARY, git_user: CANARY, "
                + "git_pass: CANARY, slack_webhook: CANARY").replace("  queues:", "  extra_clearml_conf: 'api.credentials {access_key: CANARY, secret_key: CANARY}'\n"
                + "  extra_vm_bash_script: git clone https://me:CANARY@example.org/x\n  vault: {a: CANARY}\n  queues:");
        for (var json : List.of(List.<String>of(), List.of("--json"))) {
            var ran = run(secretive, json.isEmpty() ? new String[] {"--force"} : new String[] {"--force", "--json"});
            assertThat(ran.exitCode()).as(ran.err()).isZero();
            assertThat(ran.out() + ran.err()).doesNotContain("CANARY").contains("slack_webhook", "clearml-<connection>-access-key");
        }
        try (var files = Files.list(folder.resolve("secrets"))) {
            assertThat(files.map(file -> file.getFileName().toString())).containsExactlyInAnyOrder("aws-autoscaler-extra-conf", "aws-autoscaler-git-password", "aws-autoscaler-git-user",
                    "aws-autoscaler-init-script", "aws-default-access-key-id", "aws-default-secret-access-key", "aws-default-session-token");
        }
        assertThat(ClearmlImport.read(secretive, OPTIONS).toString()).doesNotContain("CANARY");
    }
}
