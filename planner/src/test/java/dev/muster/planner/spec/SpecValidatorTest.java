package dev.muster.planner.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.google.protobuf.Duration;
import dev.muster.planner.core.Schedule;
import dev.muster.planner.stream.FleetTranslator;
import dev.muster.v1.AwsLaunch;
import dev.muster.v1.BudgetAction;
import dev.muster.v1.BudgetPeriod;
import dev.muster.v1.BudgetSpec;
import dev.muster.v1.CostSpec;
import dev.muster.v1.Disk;
import dev.muster.v1.Facts;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.FleetState;
import dev.muster.v1.GcpLaunch;
import dev.muster.v1.HostMaintenance;
import dev.muster.v1.Limits;
import dev.muster.v1.Market;
import dev.muster.v1.NotificationKind;
import dev.muster.v1.NotificationSpec;
import dev.muster.v1.OfferKey;
import dev.muster.v1.OfferSpec;
import dev.muster.v1.PoolSpec;
import dev.muster.v1.QueueSpec;
import dev.muster.v1.S3Storage;
import dev.muster.v1.ScheduleSpec;
import dev.muster.v1.Value;
import dev.muster.v1.Violation;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class SpecValidatorTest {

    @Test
    void findsNothingInAGoodSpec() {
        assertThat(SpecValidator.violations(Specs.fleet("train").build(), Specs.FACTS)).isEmpty();
    }

    @Test
    void findsNothingInAFilledSpec() {
        var filled = Defaults.fill(Specs.fleet("train").build(), "lab");
        assertThat(SpecValidator.violations(filled, Specs.FACTS)).isEmpty();
        assertThat(Defaults.fill(filled, "lab")).isEqualTo(filled);
    }

    @Test
    void namesEverythingAtOnce() {
        // Given
        var spec = FleetSpec.newBuilder().setName("Train!").addQueues(QueueSpec.newBuilder().setName("gpu").addPools("a100"))
                .addPools(PoolSpec.newBuilder().setName("t4").setLimits(Limits.newBuilder().setMin(-1))).build();
        // When
        var violations = SpecValidator.violations(spec, Facts.newBuilder().setInstallation("lab").setPrefixOwner("other").build());
        // Then
        assertThat(violations).extracting(Violation::getField).containsExactly("name", "workersPrefix", "queues.gpu.pools[0]",
                "pools.t4.max", "pools.t4.min", "pools.t4.offers");
        assertThat(violations).allSatisfy(violation -> {
            assertThat(violation.getProblem()).isNotBlank();
            assertThat(violation.getFix()).isNotBlank();
        });
    }

    @ParameterizedTest(name = "{0}: {2}")
    @MethodSource("mistakes")
    void saysWhatIsWrongAndWhatToDo(String field, UnaryOperator<FleetSpec.Builder> mistake, String problem) {
        var violations = SpecValidator.violations(mistake.apply(Specs.fleet("train")).build(), Specs.FACTS);
        assertThat(violations).singleElement().satisfies(violation -> {
            assertThat(violation.getField()).isEqualTo(field);
            assertThat(violation.getProblem()).contains(problem);
            assertThat(violation.getFix()).isNotBlank();
        });
    }

    static Stream<Arguments> mistakes() {
        return Stream.of(
                fleet("name", f -> f.setName(""), "is missing"),
                fleet("name", f -> f.setName("My_Fleet"), "'My_Fleet' is no DNS-1123 label"),
                fleet("name", f -> f.setName("-a"), "'-a' is no DNS-1123 label"),
                fleet("name", f -> f.setName("a".repeat(33)), "has 33 characters"),
                fleet("currency", f -> f.setCurrency("dollar"), "'dollar'"),
                fleet("workersPrefix", f -> f.setWorkersPrefix("a:b"), "'a:b'"),
                fleet("workersPrefix", f -> f.setWorkersPrefix("a/b"), "'a/b'"),
                fleet("connection", f -> f.setConnection("a b"), "'a b'"),
                fleet("min", f -> f.setLimits(Limits.newBuilder().setMin(3).setMax(9)), "is 3, and a fleet keeps no machines itself"),
                fleet("max", f -> f.setLimits(Limits.newBuilder().setMax(-2)), "is -2"),
                fleet("max", f -> f.setLimits(Limits.newBuilder().setMax(2)).setPools(0, Specs.pool("cpu").setLimits(Limits.newBuilder().setMin(4).setMax(9))),
                        "minimums add up to 4"),
                fleet("queues", FleetSpec.Builder::clearQueues, "there are none"),
                fleet("queues[1].name", f -> f.addQueues(QueueSpec.newBuilder().setName("default")), "'default' is already queues[0]"),
                fleet("queues[1].name", f -> f.addQueues(QueueSpec.newBuilder().setName(" ")), "is missing"),
                fleet("queues.default.pools[1]", f -> f.setQueues(0, f.getQueues(0).toBuilder().addPools("cpu")), "named twice"),
                fleet("queues.default.pools[1]", f -> f.setQueues(0, f.getQueues(0).toBuilder().addPools("gpu")), "'gpu' is no pool"),
                fleet("pools[1].name", f -> f.addPools(Specs.pool("cpu")), "'cpu' is already pools[0]"),
                fleet("rescue.rescueAfter", f -> f.setRescue(f.getRescueBuilder().setRescueAfter(seconds(-1))), "is -1s"),
                pool("pools.cpu.max", p -> p.setLimits(Limits.newBuilder().setMin(1)), "is missing"),
                pool("pools.cpu.max", p -> p.setLimits(Limits.newBuilder().setMin(5).setMax(4)), "is 4, below min, which is 5"),
                pool("pools.cpu.max", p -> p.setLimits(Limits.newBuilder().setMax(-5)), "is -5"),
                pool("pools.cpu.slots", p -> p.setSlots(65), "is 65"),
                pool("pools.cpu.slots", p -> p.setSlots(-2), "is -2"),
                pool("pools.cpu.idle", p -> p.setIdleTimeout(seconds(0)), "is 0s"),
                pool("pools.cpu.bootWithin", p -> p.setBootDeadline(seconds(-60)), "is -60s"),
                pool("pools.cpu.registerWithin", p -> p.setRegistrationDeadline(seconds(-1)), "is -1s"),
                pool("pools.cpu.reserveFor", p -> p.setReserveFor(seconds(0)), "is 0s"),
                pool("pools.cpu.offers", PoolSpec.Builder::clearOffers, "there are none"),
                pool("pools.cpu.offers[1]", p -> p.addOffers(p.getOffers(0)), "the same offer as pools.cpu.offers[0]"),
                pool("pools.cpu.offers[1]", p -> p.addOffers(OfferSpec.newBuilder().setKey(Specs.offerKey("m5.large").setMarket(Market.ON_DEMAND))), "the same offer"),
                offer("pools.cpu.provider", o -> o.getKeyBuilder().setProvider("azure"), "'azure'"),
                offer("pools.cpu.provider", o -> o.getKeyBuilder().clearProvider(), "is missing"),
                offer("pools.cpu.account", o -> o.getKeyBuilder().setAccount(""), "is missing"),
                offer("pools.cpu.region", o -> o.getKeyBuilder().setRegion("eu/1"), "'eu/1'"),
                offer("pools.cpu.type", o -> o.getKeyBuilder().setMachineType("m5:large"), "'m5:large'"),
                offer("pools.cpu.zone", o -> o.getKeyBuilder().setZone("us-east-1a"), "'us-east-1a' is not in region eu-west-1"),
                offer("pools.cpu.subnet", o -> o.getKeyBuilder().setSubnet("10.0.0.0/8"), "'10.0.0.0/8'"),
                offer("pools.cpu.price", o -> o.setPriceMicrosPerHour(-500_000), "is -0.50, below zero"),
                offer("pools.cpu.ceiling", o -> o.setPriceCeilingMicrosPerHour(1), "on an on-demand offer"),
                offer("pools.cpu.ceiling", o -> {
                    o.setPriceCeilingMicrosPerHour(0);
                    o.getKeyBuilder().setMarket(Market.SPOT);
                }, "is 0"),
                pool("pools.cpu.image", p -> p.getLaunchBuilder().setImage("ami-ubuntu"), "'ami-ubuntu' is neither an AMI id"),
                pool("pools.cpu.image", p -> p.getLaunchBuilder().setImage("ssm:"), "'ssm:' is neither"),
                pool("pools.cpu.image", p -> p.getLaunchBuilder().setImage("my\nimage"), "is neither"),
                pool("pools.cpu.disks[0].kmsKey", p -> p.getLaunchBuilder().addDisksBuilder().setKmsKey("ours"), "'ours' is no KMS key"),
                pool("pools.cpu.disks[0].snapshot", p -> p.getLaunchBuilder().addDisksBuilder().setSnapshot("vol-0123456789abcdef0"), "is no id of a snapshot"),
                pool("pools.cpu.disks[0].device", p -> p.getLaunchBuilder().addDisks(Disk.newBuilder().setSizeGib(9)).getAwsBuilder().setLaunchTemplate("gpu"), "is missing"),
                aws("launchTemplate", a -> a.setLaunchTemplate("lt-gpu"), "'lt-gpu' is neither an id nor a name"),
                aws("launchTemplateVersion", a -> a.setLaunchTemplateVersion("2"), "there is no launchTemplate"),
                aws("launchTemplateVersion", a -> a.setLaunchTemplate("gpu").setLaunchTemplateVersion("newest"), "'newest' is no version"),
                aws("tagResources[0]", a -> a.addTagResources("elastic-gpu"), "'elastic-gpu' is nothing that a launch can tag"),
                aws("tagResources[1]", a -> a.addTagResources("volume").addTagResources("volume"), "named twice"),
                aws("launchSpec", a -> a.setLaunchSpec("CpuOptions"), "is no JSON"),
                aws("launchSpec", a -> a.setLaunchSpec("[]"), "is no JSON object"),
                aws("launchSpec", a -> a.setLaunchSpec("{\"KeyName\":\"AKIA" + "IOSFODNN7EXAMPLE\"}"), "looks like a key"),
                aws("launchSpec.ClientToken", a -> a.setLaunchSpec("{\"ClientToken\":\"x\"}"), "may not stand"),
                aws("launchSpec.MinCount", a -> a.setLaunchSpec("{\"MinCount\":1}"), "may not stand"),
                aws("launchSpec.MaxCount", a -> a.setLaunchSpec("{\"MaxCount\":9}"), "may not stand"),
                aws("launchSpec.UserData", a -> a.setLaunchSpec("{\"UserData\":\"IyEvYmluL3No\"}"), "may not stand"),
                aws("launchSpec.InstanceMarketOptions", a -> a.setLaunchSpec("{\"InstanceMarketOptions\":{\"MarketType\":\"spot\"}}"), "may not stand"),
                aws("launchSpec.InstanceInitiatedShutdownBehavior", a -> a.setLaunchSpec("{\"InstanceInitiatedShutdownBehavior\":\"stop\"}"), "may not stand"),
                aws("launchSpec.DisableApiTermination", a -> a.setLaunchSpec("{\"DisableApiTermination\":true}"), "may not stand"),
                aws("launchSpec.MetadataOptions.HttpTokens", a -> a.setLaunchSpec("{\"MetadataOptions\":{\"HttpTokens\":\"optional\"}}"), "may not stand"),
                aws("launchSpec.MetadataOptions.InstanceMetadataTags", a -> a.setLaunchSpec("{\"MetadataOptions\":{\"InstanceMetadataTags\":\"disabled\"}}"), "may not stand"),
                aws("launchSpec.Placement.AvailabilityZone", a -> a.setLaunchSpec("{\"Placement\":{\"AvailabilityZone\":\"eu-west-1a\"}}"), "may not stand"),
                aws("launchSpec.TagSpecifications[0].Tags[1].Key", a -> a.setLaunchSpec("{\"TagSpecifications\":[{\"ResourceType\":\"instance\",\"Tags\":"
                        + "[{\"Key\":\"team\",\"Value\":\"a\"},{\"Key\":\"muster-mark\",\"Value\":\"drain:9\"}]}]}"), "'muster-mark' is Muster's own"),
                aws("launchSpec.TagSpecifications[0].Tags[0].Key", a -> a.setLaunchSpec("{\"TagSpecifications\":[{\"ResourceType\":\"instance\",\"Tags\":"
                        + "[{\"Key\":\"cost center\",\"Value\":\"a\"}]}]}"), "has a space or a slash"),
                aws("launchSpec.BlockDeviceMappings[0].Ebs.Encrypted", a -> a.setLaunchSpec("{\"BlockDeviceMappings\":[{\"Ebs\":{\"Encrypted\":false}}]}"), "always encrypted"),
                aws("launchSpec.NetworkInterfaces[0].SubnetId", a -> a.setLaunchSpec("{\"NetworkInterfaces\":[{\"SubnetId\":\"subnet-1\"}]}"), "may not stand"),
                pool("pools.cpu.tags.cost center", p -> p.getLaunchBuilder().putTags("cost center", "7"), "has a space or a slash"),
                pool("pools.cpu.tags.team/ml", p -> p.getLaunchBuilder().putTags("team/ml", "7"), "has a space or a slash"),
                pool("pools.cpu.tags.muster-fleet", p -> p.getLaunchBuilder().putTags("muster-fleet", "7"), "Muster's own"),
                pool("pools.cpu.aws.securityGroups[0]", p -> p.getLaunchBuilder().getAwsBuilder().addSecurityGroupIds("default"), "'default'"),
                pool("pools.cpu.agent.version", p -> p.getLaunchBuilder().getBootBuilder().setAgentVersion("latest"), "'latest'"),
                pool("pools.cpu.agent.environment.A-B", p -> p.getLaunchBuilder().getBootBuilder().putEnvironment("A-B", text("x")), "'A-B'"),
                pool("pools.cpu.agent.environment.KEY", p -> p.getLaunchBuilder().getBootBuilder().putEnvironment("KEY", text("AKIA" + "IOSFODNN7EXAMPLE")), "looks like a key"),
                pool("pools.cpu.agent.environment.DB_PASSWORD", p -> p.getLaunchBuilder().getBootBuilder().putEnvironment("DB_PASSWORD", text("hunter2")), "is a secret by its name"),
                pool("pools.cpu.agent.environment.INDEX", p -> p.getLaunchBuilder().getBootBuilder().putEnvironment("INDEX", text("https://ann:hunter2@example.org")), "looks like a key"),
                pool("pools.cpu.agent.initScript", p -> p.getLaunchBuilder().getBootBuilder().setInitScript(text("x\n-----BEGIN " + "RSA PRIVATE KEY-----\n")), "looks like a key"),
                pool("pools.cpu.agent.extraConf", p -> p.getLaunchBuilder().getBootBuilder().setExtraConf(text("token: ghp" + "_0123456789abcdefghijABCDEFGHIJ012345")), "looks like a key"),
                pool("pools.cpu.agent.extraConf", p -> p.getLaunchBuilder().getBootBuilder().setExtraConf(text("k=wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYq9Zt2")), "looks like a key"),
                pool("pools.cpu.agent.extraConf.secretRef", p -> p.getLaunchBuilder().getBootBuilder().setExtraConf(Value.newBuilder().setSecretRef("../x")), "'../x'"),
                pool("pools.cpu.agent.extraConf.secretRef", p -> p.getLaunchBuilder().getBootBuilder().setExtraConf(secret("vault:kv/conf")), "a secret store that machines can't read"),
                pool("pools.cpu.agent.extraConf.secretRef", p -> p.getLaunchBuilder().getBootBuilder().setExtraConf(secret("ssm:/conf")), "machines of this pool have no role"),
                pool("pools.cpu.agent.environment.A.secretRef", p -> p.getLaunchBuilder().getBootBuilder().putEnvironment("A", secret("secretsmanager:lab#a")), "no role that lets them"),
                pool("pools.cpu.agent.storage.s3[0].secret.secretRef", p -> s3(p).setKey(secret("k")).setSecret(secret("ssm:/s")), "itself reads 'ssm:/s'"),
                pool("pools.cpu.agent.checkpointHook", p -> p.getLaunchBuilder().getBootBuilder().setCheckpointHook(text("-----BEGIN " + "RSA PRIVATE KEY-----\n")), "looks like a key"),
                pool("pools.cpu.agent.storage.s3[0].key", p -> s3(p).setSecret(secret("s")), "is missing"),
                pool("pools.cpu.agent.storage.s3[0].secret", p -> s3(p).setKey(secret("k")).setSecret(text("plain")), "may not stand in a spec"),
                pool("pools.cpu.agent.storage.s3[0].secret.secretRef", p -> s3(p).setKey(secret("k")).setSecret(secret("../x")), "'../x'"),
                pool("pools.cpu.agent.storage.s3[0].insecure", p -> s3(p).setKey(secret("k")).setSecret(secret("s")).setInsecure(true), "spoken to with TLS"),
                pool("pools.cpu.agent.storage.s3[0].host", p -> s3(p).setKey(secret("k")).setSecret(secret("s")).setHost("a b"), "has a blank"),
                pool("pools.cpu.agent.storage.gcs.key", p -> p.getLaunchBuilder().getBootBuilder().getStorageBuilder().getGcsBuilder().setProject("lab"), "is missing"),
                pool("pools.cpu.agent.storage.azure[0].account", p -> p.getLaunchBuilder().getBootBuilder().getStorageBuilder().addAzureBuilder().setKey(secret("k")), "is missing"));
    }

    @ParameterizedTest(name = "{0}: {2}")
    @MethodSource("mistakesOnGoogleCloud")
    void saysWhatIsWrongOnGoogleCloud(String field, UnaryOperator<FleetSpec.Builder> mistake, String problem) {
        var violations = SpecValidator.violations(mistake.apply(Specs.googleFleet("train")).build(), Specs.FACTS);
        assertThat(violations).singleElement().satisfies(violation -> {
            assertThat(violation.getField()).isEqualTo(field);
            assertThat(violation.getProblem() + " -> " + violation.getFix()).contains(problem);
            assertThat(violation.getFix()).isNotBlank();
        });
    }

    static Stream<Arguments> mistakesOnGoogleCloud() {
        return Stream.of(
                key("account", k -> k.setAccount(""), "muster.gcp.accounts.<name>"),
                key("region", k -> k.setRegion("eu-west-1"), "'eu-west-1' is no region of Google Cloud"),
                key("region", k -> k.setRegion("us-central1-a"), "write region: us-central1 and zone: us-central1-a"),
                key("zone", k -> k.setZone("us-east1-b"), "'us-east1-b' is not in region us-central1"),
                key("zone", k -> k.setZone("us-central1"), "write a zone such as us-central1-a"),
                key("subnet", k -> k.setSubnet("subnet_1"), "is neither a subnet's name nor its path"),
                key("subnet", k -> k.setSubnet("projects/lab-net/regions/us-east1/subnetworks/ml"), "is in region us-east1, and the offer in us-central1"),
                key("type", k -> k.setMachineType("m5.large"), "is no machine type of Google Cloud"),
                key("type", k -> k.setMachineType("n2-custom-4"), "is no custom machine type"),
                key("type", k -> k.setMachineType("n2-custom-4-8000"), "a multiple of 256"),
                gcp("gpuCount", g -> g.setGpuCount(1), "there is no gpuType"),
                gcp("gpuCount", g -> g.setGpuType("nvidia-tesla-t4").setGpuCount(3), "is 3 -> use 1, 2, 4 or 8"),
                gcp("gpuType", g -> g.setGpuType("NVIDIA T4"), "is no name of a GPU"),
                gcp("gpuType", g -> g.setGpuType("nvidia-l4"), "a type that comes with it, such as g2-standard-4"),
                google("gcp.gpuType", p -> machine(p, "n2-standard-4").getLaunchBuilder().getGcpBuilder().setGpuType("nvidia-tesla-t4"), "machines of n2-standard-4 take no GPUs"),
                google("gcp.gpuType", p -> machine(p, "a2-highgpu-1g").getLaunchBuilder().getGcpBuilder().setGpuType("nvidia-tesla-t4"), "they come with their own"),
                google("image", p -> p.getLaunchBuilder().setImage("https://www.googleapis.com/compute/v1/projects/x/global/images/y"), "is neither the name of an image"),
                google("image", p -> p.getLaunchBuilder().setImage("family/gpu"), "projects/<project>/global/images/family/<family>"),
                google("tags.Team", p -> p.getLaunchBuilder().putTags("Team", "vision"), "is no key of a label"),
                google("tags.team", p -> p.getLaunchBuilder().putTags("team", "Vision!"), "is no value of a label"),
                google("tags.muster-pool", p -> p.getLaunchBuilder().putTags("muster-pool", "x"), "Muster's own"),
                google("tags.goog-gke-node", p -> p.getLaunchBuilder().putTags("goog-gke-node", "x"), "Google's own"),
                google("tags", p -> IntStream.range(0, 61).forEach(i -> p.getLaunchBuilder().putTags("k" + i, "v")), "use at most 60"),
                gcp("networkTags[0]", g -> g.addNetworkTags("No_Ingress"), "is no network tag"),
                gcp("networkTags[1]", g -> g.addNetworkTags("ml").addNetworkTags("ml"), "named twice"),
                gcp("networkTags", g -> IntStream.range(0, 65).forEach(i -> g.addNetworkTags("t" + i)), "there are 65"),
                gcp("metadata.startup-script", g -> g.putMetadata("startup-script", "nvidia-smi"), "write the script as agent.initScript"),
                gcp("metadata.startup-script-url", g -> g.putMetadata("startup-script-url", "gs://x/y"), "Muster's own"),
                gcp("metadata.shutdown-script", g -> g.putMetadata("shutdown-script", "x"), "Muster's own"),
                gcp("metadata.muster-mark", g -> g.putMetadata("muster-mark", "x"), "Muster's own"),
                gcp("metadata.a b", g -> g.putMetadata("a b", "x"), "is no key of metadata"),
                gcp("metadata.big", g -> g.putMetadata("big", "x".repeat(262_145)), "its value has 262145 bytes"),
                gcp("metadata", g -> g.putMetadata("a", "x".repeat(262_144)).putMetadata("b", "x".repeat(262_144)), "in all"),
                gcp("metadata.key", g -> g.putMetadata("key", "AIza" + "SyA0123456789abcdefghijklmnopqrstuv"), "looks like a key"),
                gcp("metadata.key", g -> g.putMetadata("key", "{\"private_key\": \"-----BEGIN " + "PRIVATE KEY-----\"}"), "looks like a key"),
                gcp("metadata.ssh-keys", g -> g.putMetadata("ssh-keys", "-----BEGIN " + "OPENSSH PRIVATE KEY-----"), "looks like a key"),
                gcp("scopes", g -> g.setServiceAccount("none").addScopes("cloud-platform"), "there is no service account to limit"),
                gcp("scopes[0]", g -> g.addScopes("storage-rw"), "write devstorage.read_write"),
                gcp("scopes[0]", g -> g.addScopes("https://example.com/auth/x"), "is no scope"),
                gcp("scopes[1]", g -> g.addScopes("cloud-platform").addScopes("cloud-platform"), "named twice"),
                gcp("serviceAccount", g -> g.setServiceAccount("machines"), "is no email of a service account"),
                gcp("serviceAccount", g -> g.setServiceAccount("someone@example.com"), "is no email of a service account"),
                gcp("preemptible", g -> g.setPreemptible(true), "the pool has no spot offer"),
                gcp("hostMaintenance", g -> g.setHostMaintenance(HostMaintenance.MIGRATE).setGpuType("nvidia-tesla-t4"), "machines with GPUs can't move"),
                google("gcp.hostMaintenance", p -> machine(p, "g2-standard-4").getLaunchBuilder().getGcpBuilder().setHostMaintenance(HostMaintenance.MIGRATE), "machines with GPUs can't move"),
                google("gcp.hostMaintenance", p -> {
                    p.getOffersBuilder(0).getKeyBuilder().setMarket(Market.SPOT);
                    p.getLaunchBuilder().getGcpBuilder().setHostMaintenance(HostMaintenance.MIGRATE);
                }, "machines of the spot market can't move"),
                gcp("localSsds", g -> g.setLocalSsds(25), "is 25 -> use 0 to 24"),
                gcp("maxRunDuration", g -> g.setMaxRunDuration(seconds(29)), "is 29s -> use 30s to 120d"),
                gcp("maxRunDuration", g -> g.setMaxRunDuration(seconds(120 * 86_400 + 1)), "use 30s to 120d"),
                google("gcp.maxRunDuration", p -> p.setMaxAge(seconds(86_400)).getLaunchBuilder().getGcpBuilder().setMaxRunDuration(seconds(86_400)), "before it is drained for its age"),
                disk("type", d -> d.setType("gp3"), "'gp3' is no type of a disk on Google Cloud"),
                disk("iops", d -> d.setType("pd-ssd").setIops(3000), "disks of type pd-ssd take no number of operations a second"),
                disk("throughput", d -> d.setType("hyperdisk-extreme").setThroughput(100), "take no number of MiB a second"),
                disk("iops", d -> d.setIops(3000), "disks of type pd-balanced"),
                disk("size", d -> d.setSizeGib(9), "use at least 10"),
                disk("size", d -> d.setSizeGib(65_537), "use at most 65536"),
                disk("size", d -> d.setDevice("data").setSizeGib(0), "is missing"),
                disk("device", d -> d.setDevice("/dev/sda1"), "/dev/disk/by-id/google-data"),
                disk("kmsKey", d -> d.setKmsKey("alias/disks"), "is no path of a KMS key"),
                disk("snapshot", d -> d.setSnapshot("global/snapshots/x"), "is neither a snapshot's name nor its path"),
                google("disks[1].device", p -> p.getLaunchBuilder().addDisks(Disk.newBuilder().setSizeGib(50)).addDisks(Disk.newBuilder().setSizeGib(60)), "there is one boot disk"),
                google("disks[1].device", p -> p.getLaunchBuilder().addDisks(Disk.newBuilder().setDevice("data").setSizeGib(50)).addDisks(Disk.newBuilder().setDevice("data").setSizeGib(60)), "used twice"),
                gcp("instanceTemplate", g -> g.setInstanceTemplate("global/instanceTemplates/gpu"), "is neither an instance template's name nor its path"),
                gcp("instanceTemplate", g -> g.setInstanceTemplate("projects/lab-net/regions/us-east1/instanceTemplates/gpu"), "is in region us-east1"),
                google("gcp.gpuType", p -> machine(p, "custom-4-8192").getLaunchBuilder().getGcpBuilder().setGpuType("nvidia-tesla-t4"), "write n1-custom-4-8192"),
                google("image", p -> p.getLaunchBuilder().addDisks(Disk.newBuilder().setSizeGib(50)).getGcpBuilder().setInstanceTemplate("gpu"), "in place of its own disks"),
                google("image", p -> p.getLaunchBuilder().getGcpBuilder().setInstanceTemplate("gpu").setLocalSsds(1), "in place of its own disks"),
                gcp("instanceSpec", g -> g.setInstanceSpec("canIpForward"), "is no JSON"),
                gcp("instanceSpec", g -> g.setInstanceSpec("[]"), "is no JSON object"),
                gcp("instanceSpec", g -> g.setInstanceSpec("{\"description\":\"AIza" + "SyA0123456789abcdefghijklmnopqrstuv\"}"), "looks like a key"),
                spec("name", "{\"name\":\"x\"}", "Muster itself sets it"),
                spec("zone", "{\"zone\":\"us-central1-a\"}", "the offer's zone"),
                spec("machineType", "{\"machineType\":\"n1-standard-4\"}", "the offer's type"),
                spec("deletionProtection", "{\"deletionProtection\":true}", "must be able to end"),
                spec("scheduling.provisioningModel", "{\"scheduling\":{\"provisioningModel\":\"SPOT\"}}", "market: spot"),
                spec("scheduling.preemptible", "{\"scheduling\":{\"preemptible\":true}}", "gcp.preemptible"),
                spec("scheduling.maxRunDuration", "{\"scheduling\":{\"maxRunDuration\":{\"seconds\":\"60\"}}}", "gcp.maxRunDuration"),
                spec("scheduling.instanceTerminationAction", "{\"scheduling\":{\"instanceTerminationAction\":\"STOP\"}}", "how a machine ended"),
                spec("scheduling.automaticRestart", "{\"scheduling\":{\"automaticRestart\":true}}", "must not come back"),
                spec("selfLink", "{\"selfLink\":\"x\"}", "nobody asks for it"),
                spec("labels.muster-fleet", "{\"labels\":{\"muster-fleet\":\"x\"}}", "Muster's own"),
                spec("metadata.items[1].key", "{\"metadata\":{\"items\":[{\"key\":\"a\",\"value\":\"b\"},{\"key\":\"startup-script\",\"value\":\"x\"}]}}", "agent.initScript"),
                spec("networkInterfaces[0].subnetwork", "{\"networkInterfaces\":[{\"subnetwork\":\"x\"}]}", "the offer's subnet"),
                spec("disks[0].autoDelete", "{\"disks\":[{\"autoDelete\":false}]}", "disks go with their machine"),
                google("agent.extraConf.secretRef", p -> p.getLaunchBuilder().getBootBuilder().setExtraConf(secret("ssm:/conf")), "which machines on Google Cloud can't read -> put the secret into a file"),
                google("agent.environment.A.secretRef", p -> p.getLaunchBuilder().getBootBuilder().putEnvironment("A", secret("secretsmanager:lab#a")), "a secret store of AWS"),
                google("aws", p -> p.getLaunchBuilder().getAwsBuilder().setKeyName("ops"), "the pool's are on Google Cloud -> write gcp instead"),
                google("gcp", p -> p.addOffers(onAws()).getLaunchBuilder().getGcpBuilder().setLocalSsds(1), "make two pools, and name both in the queue"),
                google("image", p -> p.addOffers(onAws()).getLaunchBuilder().setImage("our-image"), "make two pools, and name both in the queue"),
                fleet("pools.cpu.price", f -> f.setCurrency("USD").addBudgets(hour(40)), "without a price nothing can be launched under it"));
    }

    @Test
    void findsNothingInAWholeLaunchOnGoogleCloud() {
        var types = List.of("n1-standard-4", "n1-custom-4-8192", "n1-custom-2-13312-ext");
        for (int i = 0; i < types.size(); i++) {
            var image = List.of("projects/ml-images/global/images/gpu-1", "projects/example.com:lab-images/global/images/family/gpu", "our-image").get(i);
            var spec = Specs.googleFleet("train");
            var pool = spec.getPoolsBuilder(0);
            machine(pool, types.get(i)).getOffersBuilder(0).getKeyBuilder().setZone("us-central1-ai1a").setMarket(Market.SPOT)
                    .setSubnet(i % 2 == 0 ? "default" : "projects/host-net/regions/us-central1/subnetworks/ml");
            pool.setMaxAge(seconds(86_400)).getLaunchBuilder().setImage(image).putTags("team", "").putTags("cost_center", "7-b")
                    .addDisks(Disk.newBuilder().setSizeGib(200).setType("hyperdisk-balanced").setIops(6000).setThroughput(300)
                            .setKmsKey("projects/lab-keys/locations/us-central1/keyRings/disks/cryptoKeys/boot"))
                    .addDisks(Disk.newBuilder().setDevice("data").setSnapshot("projects/lab-data/global/snapshots/corpus-3"))
                    .addDisks(Disk.newBuilder().setDevice("more").setSnapshot("corpus").setType("pd-extreme").setIops(20_000))
                    .setGcp(GcpLaunch.newBuilder().setGpuType("nvidia-tesla-t4").setGpuCount(4).setPreemptible(true).setHostMaintenance(HostMaintenance.TERMINATE)
                            .setServiceAccount("machines@our-lab-1.iam.gserviceaccount.com").addScopes("cloud-platform").addScopes("devstorage.read_only")
                            .addScopes("https://www.googleapis.com/auth/logging.write").addNetworkTags("ml").addNetworkTags("a").setPublicIp(false).setLocalSsds(24)
                            .putMetadata("enable-oslogin", "TRUE").putMetadata("ssh-keys", "ops:ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7Vd0kq3xXyZ9aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0u ops")
                            .setMinCpuPlatform("Intel Skylake").setInstanceTemplate("projects/our-lab-1/regions/us-central1/instanceTemplates/gpu").setMaxRunDuration(seconds(2 * 86_400))
                            .setInstanceSpec("{\"canIpForward\":true,\"scheduling\":{\"nodeAffinities\":[]},\"labels\":{\"team\":\"vision\"},"
                                    + "\"networkInterfaces\":[{\"nicType\":\"GVNIC\"},{\"subnetwork\":\"projects/host-net/regions/us-central1/subnetworks/data\"}]}"));
            assertThat(SpecValidator.violations(spec.build(), Specs.FACTS)).as(types.get(i)).isEmpty();
        }
    }

    @Test
    void knowsGooglesMachineTypes() {
        for (var type : List.of("e2-micro", "f1-micro", "g1-small", "n2-custom-4-8192", "n2d-standard-224", "c3-standard-8-lssd", "x4-megamem-960-metal", "m1-ultramem-40", "a2-ultragpu-1g",
                "a3-megagpu-8g", "g2-standard-4", "t2a-standard-1", "custom-4-8192", "c4a-highmem-16", "z3-highmem-88", "ct5lp-hightpu-4t", "e2-custom-2-1024")) {
            var spec = Specs.googleFleet("train");
            machine(spec.getPoolsBuilder(0), type);
            assertThat(SpecValidator.violations(spec.build(), Specs.FACTS)).as(type).isEmpty();
        }
    }

    /** The price that a file has is of the type alone. */
    @Test
    void underALimitGpusThatAreAttachedNeedAPriceOfTheirOwn() {
        var spec = Specs.googleFleet("train").setCurrency("USD").addBudgets(hour(40));
        assertThat(SpecValidator.violations(spec.build(), Specs.FACTS, offer -> true)).isEmpty();
        spec.getPoolsBuilder(0).getLaunchBuilder().getGcpBuilder().setGpuType("nvidia-tesla-t4");
        assertThat(SpecValidator.violations(spec.build(), Specs.FACTS, offer -> true)).singleElement().satisfies(violation -> {
            assertThat(violation.getField()).isEqualTo("pools.cpu.price");
            assertThat(violation.getFix()).isEqualTo("write price, with the GPUs in it");
        });
        spec.getPoolsBuilder(0).getOffersBuilder(0).setPriceMicrosPerHour(540_000);
        assertThat(SpecValidator.violations(spec.build(), Specs.FACTS, offer -> true)).isEmpty();
    }

    @Test
    void aPoolMayHaveOffersOfTwoCloudsWithWhatBothUnderstand() {
        var spec = Specs.fleet("train");
        spec.getPoolsBuilder(0).addOffers(Specs.googleFleet("other").getPools(0).getOffers(0)).getLaunchBuilder().putTags("team", "vision").getBootBuilder().setInitScript(text("nvidia-smi"));
        assertThat(SpecValidator.violations(spec.build(), Specs.FACTS)).isEmpty();
    }

    @Test
    void findsNothingInAWholeLaunchOnAws() {
        var spec = Specs.fleet("train");
        for (var image : List.of("ami-0123456789abcdef0", "ami-01234567", "our image (2026-11) *", "ssm:/aws/service/ecs/image_id", "")) {
            spec.getPoolsBuilder(0).getLaunchBuilder().setImage(image).clearDisks().addDisks(Disk.newBuilder().setDevice("/dev/sda1").setKmsKey("alias/disks"))
                    .addDisks(Disk.newBuilder().setDevice("/dev/sdf").setSnapshot("snap-0123456789abcdef0").setKmsKey("arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"))
                    .setAws(AwsLaunch.newBuilder().setLaunchTemplate("lt-0123456789abcdef0").setLaunchTemplateVersion("$Latest").setDetailedMonitoring(true)
                            .addTagResources("volume").addTagResources("network-interface").addTagResources("spot-instances-request")
                            .setLaunchSpec("{\"CpuOptions\":{\"CoreCount\":4},\"Placement\":{\"GroupName\":\"near\"},\"MetadataOptions\":{\"HttpProtocolIpv6\":\"enabled\"}}"));
            assertThat(SpecValidator.violations(spec.build(), Specs.FACTS)).as(image).isEmpty();
        }
    }

    @Test
    void whoReadsASecretStoreHasARoleByProfileTemplateOrLaunchSpec() {
        for (var aws : List.of(AwsLaunch.newBuilder().setInstanceProfile("muster-machine"), AwsLaunch.newBuilder().setLaunchTemplate("lt-0123456789abcdef0"),
                AwsLaunch.newBuilder().setLaunchSpec("{\"IamInstanceProfile\":{\"Name\":\"muster-machine\"}}"))) {
            var spec = Specs.fleet("train");
            spec.getPoolsBuilder(0).getLaunchBuilder().setAws(aws).getBootBuilder().setExtraConf(secret("ssm:/muster/conf#all"))
                    .putEnvironment("A", secret("secretsmanager:arn:aws:secretsmanager:eu-west-1:123456789012:secret:lab-AbCdEf"));
            assertThat(SpecValidator.violations(spec.build(), Specs.FACTS)).as(aws.toString()).isEmpty();
        }
    }

    @ParameterizedTest(name = "{0}: {2}")
    @MethodSource("mistakesOfMoneyAndTime")
    void saysWhatIsWrongWithMoneyAndTime(String field, UnaryOperator<FleetSpec.Builder> mistake, String problem) {
        saysWhatIsWrongAndWhatToDo(field, mistake, problem);
    }

    static Stream<Arguments> mistakesOfMoneyAndTime() {
        return Stream.of(
                // Budgets, each by itself.
                fleet("currency", f -> priced(f).clearCurrency().addBudgets(day(300)), "is missing, and there are budgets"),
                fleet("currency", f -> pool(priced(f).clearCurrency(), p -> p.addBudgets(day(300))), "is missing, and there are budgets"),
                budget("budgets[0].period", b -> b.clearPeriod(), "is missing"),
                budget("budgets[0].period", b -> b.setPeriodValue(77), "doesn't know"),
                fleet("budgets[1]", f -> priced(f).addBudgets(day(300)).addBudgets(day(200)), "is the second budget of the fleet for a day"),
                fleet("pools.cpu.budgets[1]", f -> pool(priced(f), p -> p.addBudgets(hour(3)).addBudgets(hour(2))), "is the second budget of pool cpu for an hour"),
                budget("budgets.day", b -> b.clearHardMicros(), "has neither a limit nor a soft limit"),
                budget("budgets.day.limit", b -> b.setHardMicros(0), "is 0.00, which allows nothing"),
                budget("budgets.day.limit", b -> b.setHardMicros(-1), "is -0.000001, below zero"),
                budget("budgets.day.limit", b -> b.setHardMicros(1_000_000_000_000_001L), "can't be meant"),
                budget("budgets.day.soft", b -> b.setSoftMicros(0), "is 0.00"),
                budget("budgets.day.soft", b -> b.setSoftMicros(-5_000_000), "is -5.00"),
                budget("budgets.day.soft", b -> b.setSoftMicros(300_000_000), "is 300.00, and the limit is 300.00"),
                budget("budgets.day.onLimit", b -> b.setHardAction(BudgetAction.WARN), "is 'warn', which is for onSoft"),
                budget("budgets.day.onLimit", b -> b.setHardActionValue(77), "doesn't know"),
                budget("budgets.day.onLimit", b -> b.clearHardMicros().setSoftMicros(1).setHardAction(BudgetAction.STOP_BUSY), "there is no limit"),
                budget("budgets.day.onSoft", b -> b.setSoftMicros(1).setSoftAction(BudgetAction.DRAIN_MACHINES), "is 'drain', which is for onLimit"),
                budget("budgets.day.onSoft", b -> b.setSoftAction(BudgetAction.WARN), "there is no soft"),
                budget("budgets.day.cheap", b -> b.setSoftMicros(1).setSoftAction(BudgetAction.CHEAP_OFFERS_ONLY), "is missing"),
                budget("budgets.day.cheap", b -> b.setSoftMicros(1).setSoftAction(BudgetAction.CHEAP_OFFERS_ONLY).setCheapMicrosPerHour(0), "is 0.00"),
                budget("budgets.day.cheap", b -> b.setCheapMicrosPerHour(1), "onSoft is not cheap"),
                budget("budgets.day.minPriority", b -> b.setMinPriority(3), "onSoft is not high-priority"),
                budget("budgets.day.minPriority", b -> b.setSoftMicros(1).setSoftAction(BudgetAction.HIGH_PRIORITY_ONLY).setMinPriority(3), "the highest priority of a queue here is 0"),
                budget("budgets.day.minPriority", b -> b.setSoftMicros(1).setSoftAction(BudgetAction.HIGH_PRIORITY_ONLY), "nothing would be kept back"),
                // Budgets and prices.
                fleet("pools.cpu.price", f -> f.setCurrency("USD").addBudgets(hour(40)), "is missing, and the fleet has a budget"),
                fleet("pools.cpu.price", f -> pool(f.setCurrency("USD"), p -> p.addBudgets(day(40))), "is missing, and pool cpu has a budget"),
                fleet("pools.cpu.price", f -> f.setCurrency("USD").setQueues(0, f.getQueues(0).toBuilder().addBudgets(day(40))), "is missing, and queue default has a budget"),
                fleet("pools.cpu.ceiling", f -> pool(f.setCurrency("USD").addBudgets(day(40)), p -> p.getOffersBuilder(0).getKeyBuilder().setMarket(Market.SPOT)), "is missing, and the fleet has a budget"),
                fleet("pools.cpu.offers[1].price", f -> pool(priced(f).addBudgets(day(40)), p -> p.addOffers(OfferSpec.newBuilder().setKey(Specs.offerKey("m5.xlarge")))), "is missing"),
                fleet("budgets.hour.limit", f -> priced(f).addBudgets(micros(BudgetPeriod.PER_HOUR, 104_999)), "is 0.104999, and the cheapest machine of the fleet needs 0.105 an hour"),
                fleet("budgets.day.limit", f -> priced(f).addBudgets(micros(BudgetPeriod.PER_DAY, 131_249)), "needs 0.13125 (what it costs in its reserveFor"),
                fleet("budgets.month.limit", f -> priced(f).addBudgets(micros(BudgetPeriod.PER_MONTH, 104_999).setHardAction(BudgetAction.STOP_LAUNCHING)), "needs 0.105 ("),
                fleet("pools.cpu.budgets.day.limit", f -> pool(priced(f), p -> p.addBudgets(micros(BudgetPeriod.PER_DAY, 1))), "the cheapest machine of pool cpu needs"),
                fleet("queues.default.budgets.day.limit", f -> priced(f).setQueues(0, f.getQueues(0).toBuilder().addBudgets(micros(BudgetPeriod.PER_DAY, 1))), "the cheapest machine of queue default needs"),
                pool("pools.cpu.price", p -> p.getOffersBuilder(0).setPriceMicrosPerHour(1_000_000_000_001L), "can't be meant"),
                pool("pools.cpu.cost", p -> {
                    p.getOffersBuilder(0).setPriceMicrosPerHour(500_000_000_000L);
                    p.getCostBuilder().setPriceFactor(3);
                }, "makes pools.cpu cost 1500000.015 an hour"),
                pool("pools.cpu.cost.factor", p -> p.getCostBuilder().setPriceFactor(Double.NaN), "is NaN"),
                pool("pools.cpu.cost.factor", p -> p.getCostBuilder().setPriceFactor(0), "is 0.0"),
                pool("pools.cpu.cost.factor", p -> p.getCostBuilder().setPriceFactor(-1), "is -1.0"),
                fleet("cost.factor", f -> f.setCost(CostSpec.newBuilder().setPriceFactor(1001)), "is 1001.0"),
                fleet("cost.factor", f -> f.setCost(CostSpec.newBuilder().setPriceFactor(Double.POSITIVE_INFINITY)), "is Infinity"),
                fleet("cost.diskPerGibMonth", f -> f.setCost(CostSpec.newBuilder().setDiskMicrosPerGibMonth(-1)), "below zero"),
                fleet("cost.publicIpv4PerHour", f -> f.setCost(CostSpec.newBuilder().setPublicIpv4MicrosPerHour(Long.MAX_VALUE)), "can't be meant"),
                pool("pools.cpu.disks[0].size", p -> p.getLaunchBuilder().addDisks(Disk.newBuilder().setSizeGib(70_000)), "is 70000 GiB"),
                // Windows of time.
                fleet("timeZone", f -> f.setTimeZone("Berlin"), "'Berlin' is no time zone"),
                window("pools.cpu.schedules[0].timeZone", w -> w.setTimeZone("Europe/Berlln"), "'Europe/Berlln' is no time zone"),
                window("pools.cpu.schedules[0].cron", w -> w.setCron(""), "is missing"),
                window("pools.cpu.schedules[0].cron", w -> w.setCron("0 8 * *"), "'0 8 * *' can't be read: Cron expression contains 4 parts"),
                window("pools.cpu.schedules[0].cron", w -> w.setCron("61 8 * * *"), "Value 61 not in range"),
                window("pools.cpu.schedules[0].cron", w -> w.setCron("0 0 30 2 *"), "'0 0 30 2 *' never fires"),
                window("pools.cpu.schedules[0].lasts", w -> w.clearLasts(), "is missing"),
                window("pools.cpu.schedules[0].lasts", w -> w.setLasts(seconds(59)), "is 59s"),
                window("pools.cpu.schedules[0].lasts", w -> w.setLasts(seconds(31 * 86_400 + 1)), "is 31d1s"),
                window("pools.cpu.schedules[0]", w -> w.clearMin(), "changes nothing"),
                window("pools.cpu.schedules[0].min", w -> w.setMin(11), "is 11, above the max outside, which is 10"),
                window("pools.cpu.schedules[0].min", w -> w.setMin(5).setMax(4), "is 5, above the window's max, which is 4"),
                window("pools.cpu.schedules[0].warm", w -> w.setWarm(11), "is 11, above the max outside"),
                window("pools.cpu.schedules[0].max", w -> w.setMax(-3), "is -3"),
                fleet("pools.cpu.schedules", f -> pool(f, p -> IntStream.range(0, 21).forEach(i -> p.addSchedules(weekday().setMin(1)))), "there are 21"),
                fleet("schedules[0].warm", f -> f.addSchedules(weekday().setWarm(1)), "a fleet keeps no machines itself"),
                fleet("schedules[0].min", f -> f.addSchedules(weekday().setMin(2)), "a fleet keeps no machines itself"),
                // Machines' lives.
                pool("pools.cpu.warm", p -> p.setWarm(11), "is 11, above max, which is 10"),
                pool("pools.cpu.warm", p -> p.setWarm(-1), "is -1"),
                pool("pools.cpu.maxAge", p -> p.setMaxAge(seconds(0)), "is 0s"),
                pool("pools.cpu.maxAge", p -> p.setMaxAge(seconds(1200)), "is 20m, shorter than registerWithin, which is 30m"),
                pool("pools.cpu.maxAge", p -> p.setMaxAge(seconds(3600)).setIdleTimeout(seconds(7200)), "is 1h, shorter than idle, which is 2h"),
                pool("pools.cpu.maxAge", p -> p.setMaxAge(seconds(3600)).setLeastPaid(seconds(7200)), "is 1h, shorter than leastPaid, which is 2h"),
                pool("pools.cpu.leastPaid", p -> p.setLeastPaid(seconds(-1)), "is -1s"),
                pool("pools.cpu.scaleOutDelay", p -> p.setScaleOutDelay(seconds(-1)), "is -1s"),
                pool("pools.cpu.scaleOutDelay", p -> p.setScaleOutDelay(seconds(86_401)), "is 1d1s"),
                pool("pools.cpu.scaleInDelay", p -> p.setScaleInDelay(seconds(86_401)), "is 1d1s"),
                pool("pools.cpu.idle", p -> p.setIdleTimeout(seconds(Long.MAX_VALUE)), "longer than makes sense"),
                pool("pools.cpu.reserveFor", p -> p.setReserveFor(seconds(32 * 86_400)), "is 32d"),
                pool("pools.cpu.disruption.draining", p -> p.getDisruptionBuilder().setDraining(-2), "is -2"),
                pool("pools.cpu.spot.rollbackAfter", p -> p.setSpotRollbackAfter(seconds(60)), "the pool has no spot offer"),
                pool("pools.cpu.spot.blackout", p -> p.setSpotBlackout(seconds(60)), "the pool has no spot offer"),
                pool("pools.cpu.spot.rollbackAfter", p -> spotBehind(p).setSpotRollbackAfter(seconds(60)), "no on-demand offer is listed behind"),
                pool("pools.cpu.spot.blackout", p -> p.setSpotBlackout(seconds(-60)), "is -60s"));
    }

    @Test
    void aReportedPriceWillDoUnderALimit() {
        var spec = Specs.fleet("train").setCurrency("USD").addBudgets(hour(40)).build();
        var reported = Specs.offerKey("m5.large").setMarket(Market.ON_DEMAND).build();
        assertThat(SpecValidator.violations(spec, Specs.FACTS, reported::equals)).isEmpty();
    }

    /** As the clock of windows itself says, which would take too long to be asked in a transaction. */
    @ParameterizedTest
    @ValueSource(strings = {"0 8 * * 1-5", "0 0 29 2 *", "0 0 30 2 *", "0 0 31 4,6,9-11/2 *", "0 0 30,31 FEB *", "0 0 31 */2 *", "0 0 31 6/5 *", "0 0 31 2-4 *", "0 0 30 2 1", "0 0 30 2 */2",
        "* * */31 2 *", "0 0 30-31 2 *", "0 0 28-31 2 *", " 5  4 31  jun,jul  * ", "0 0 31/2 11 *"})
    void knowsWhetherACronFires(String cron) {
        var schedule = new Schedule(cron, java.time.Duration.ofHours(1), ZoneOffset.UTC, OptionalInt.empty(), OptionalInt.empty(), OptionalInt.empty(), Optional.empty());
        assertThat(ScheduleValidator.fires(cron)).isEqualTo(schedule.opensAfter(Instant.parse("2024-01-01T00:00:00Z")));
    }

    @Test
    void takesWhatOnlySoundsWrong() {
        var spec = priced(Specs.fleet("train")).addBudgets(day(300).setSoftMicros(1)).addBudgets(hour(40));
        // A cap over a lower maximum, a soft budget over an unknown price, a zero delay, and spot given way to on-demand.
        pool(spec, p -> p.setLimits(Limits.newBuilder().setMin(3).setMax(10)).addSchedules(weekday().clearMin().setMax(1)).setSpotRollbackAfter(seconds(0)));
        spec.addPools(Specs.pool("soft").setSpotRollbackAfter(seconds(600)).setSpotBlackout(seconds(3600)).clearOffers()
                .addOffers(OfferSpec.newBuilder().setPriceCeilingMicrosPerHour(90_000).setKey(Specs.offerKey("m5.large").setMarket(Market.SPOT)))
                .addOffers(OfferSpec.newBuilder().setPriceMicrosPerHour(100_000).setKey(Specs.offerKey("m5.large"))));
        assertThat(SpecValidator.violations(spec.build(), Specs.FACTS)).isEmpty();
    }

    /** Random specs, many of them wrong: whatever is let through must be planned for. */
    @Test
    void whatIsLetThroughCanBePlannedFor() {
        var good = 0;
        for (var seed = 1L; seed <= 4_000; seed++) {
            var spec = new RandomSpecs(seed).fleet();
            var filled = Defaults.fill(spec, "lab");
            assertThat(Defaults.fill(filled, "lab")).as("seed %d", seed).isEqualTo(filled);
            if (!SpecValidator.violations(spec, Specs.FACTS).isEmpty()) {
                continue;
            }
            good++;
            assertThat(SpecValidator.violations(filled, Specs.FACTS)).as("seed %d, filled", seed).isEmpty();
            var head = FleetTranslator.head(FleetRecord.newBuilder().setFleet("train").setIncarnation("abcdefgh").setVersion(1).setState(FleetState.ACTIVE).setSpec(filled).build());
            assertThat(head.spec().pools()).as("seed %d", seed).hasSize(filled.getPoolsCount());
            assertThat(SpecNotes.of(filled)).as("seed %d", seed).doesNotContain("");
        }
        assertThat(good).as("specs that were let through").isGreaterThan(200);
    }

    private static BudgetSpec.Builder micros(BudgetPeriod period, long limit) {
        return BudgetSpec.newBuilder().setPeriod(period).setHardMicros(limit);
    }

    private static BudgetSpec.Builder day(int limit) {
        return micros(BudgetPeriod.PER_DAY, limit * 1_000_000L);
    }

    private static BudgetSpec.Builder hour(int limit) {
        return micros(BudgetPeriod.PER_HOUR, limit * 1_000_000L);
    }

    private static ScheduleSpec.Builder weekday() {
        return ScheduleSpec.newBuilder().setCron("0 8 * * 1-5").setLasts(seconds(36_000));
    }

    /** 0.10 an hour, and 0.005 for the address. */
    private static FleetSpec.Builder priced(FleetSpec.Builder fleet) {
        return pool(fleet.setCurrency("USD"), p -> p.getOffersBuilder(0).setPriceMicrosPerHour(100_000));
    }

    private static FleetSpec.Builder pool(FleetSpec.Builder fleet, Consumer<PoolSpec.Builder> change) {
        change.accept(fleet.getPoolsBuilder(0));
        return fleet;
    }

    private static PoolSpec.Builder spotBehind(PoolSpec.Builder pool) {
        return pool.addOffers(OfferSpec.newBuilder().setKey(Specs.offerKey("m5.large").setMarket(Market.SPOT)));
    }

    private static Arguments budget(String field, Consumer<BudgetSpec.Builder> mistake, String problem) {
        return fleet(field, spec -> {
            var budget = day(300);
            mistake.accept(budget);
            return priced(spec).addBudgets(budget);
        }, problem);
    }

    private static Arguments window(String field, Consumer<ScheduleSpec.Builder> mistake, String problem) {
        return pool(field, pool -> {
            var window = weekday().setMin(1);
            mistake.accept(window);
            pool.addSchedules(window);
        }, problem);
    }

    @Test
    void takesLongPathsAndDigestsForWhatTheyAre() {
        var script = "export PATH=/opt/clearml/environments/production/bin:$PATH\n"
                + "echo e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 | sha256sum -c\n";
        var spec = Specs.fleet("train");
        spec.getPoolsBuilder(0).getLaunchBuilder().getBootBuilder().setInitScript(text(script));
        assertThat(SpecValidator.violations(spec.build(), Specs.FACTS)).isEmpty();
    }

    @Test
    void notificationsNameFilesAndKindsThatAreKnown() {
        var spec = Specs.fleet("train").addNotifications(hook("slack").addKinds(NotificationKind.BUDGET)).addNotifications(hook("ops"));
        assertThat(SpecValidator.violations(spec.build(), Specs.FACTS)).isEmpty();

        spec.addNotifications(hook("")).addNotifications(hook("slack")).addNotifications(hook("https://hooks.example.org/planted"))
                .addNotifications(hook("../planted")).addNotifications(hook("d").addKinds(NotificationKind.TEST).addKindsValue(0).addKindsValue(99));
        assertThat(SpecValidator.violations(spec.build(), Specs.FACTS)).extracting(Violation::getField, Violation::getProblem).containsExactly(
                tuple("notifications[2].secret", "is missing"),
                tuple("notifications[3].secret", "'slack' is named twice"),
                tuple("notifications[4].secret", "is no name of a file"),
                tuple("notifications[5].secret", "is no name of a file"),
                tuple("notifications[6].kinds[0]", "is the kind of a person's test, which is always sent"),
                tuple("notifications[6].kinds[1]", "is none that this release knows"),
                tuple("notifications[6].kinds[2]", "is none that this release knows"));
        assertThat(SpecValidator.violations(spec.build(), Specs.FACTS).toString()).doesNotContain("planted");

        var many = Specs.fleet("train");
        for (int i = 0; i < 11; i++) {
            many.addNotifications(hook("hook-" + i));
        }
        assertThat(SpecValidator.violations(many.build(), Specs.FACTS)).extracting(Violation::getField, Violation::getProblem)
                .containsExactly(tuple("notifications", "are 11"));
    }

    private static NotificationSpec.Builder hook(String secret) {
        return NotificationSpec.newBuilder().setWebhookSecret(secret);
    }

    @Test
    void neverRepeatsAKey() {
        var spec = Specs.fleet("train");
        spec.getPoolsBuilder(0).getLaunchBuilder().getBootBuilder().putEnvironment("K", text("AKIA" + "IOSFODNN7EXAMPLE"));
        assertThat(SpecValidator.violations(spec.build(), Specs.FACTS).toString()).doesNotContain("IOSFODNN7");
    }

    @Test
    void knowsWhatTheServicesReported() {
        var facts = Facts.newBuilder().setInstallation("lab").addUnknownNames("account:main").addUnknownNames("connection:default").build();
        assertThat(SpecValidator.violations(Specs.fleet("train").build(), facts)).extracting(Violation::getField)
                .containsExactly("connection", "pools.cpu.account");
        var onAws = Facts.newBuilder().setInstallation("lab").addUnknownNames("account:aws/main").build();
        assertThat(SpecValidator.violations(Specs.fleet("train").build(), onAws)).extracting(Violation::getField).containsExactly("pools.cpu.account");
        assertThat(SpecValidator.violations(Specs.googleFleet("train").build(), onAws)).isEmpty();
    }

    private static Arguments google(String field, Consumer<PoolSpec.Builder> mistake, String problem) {
        return pool("pools.cpu." + field, mistake, problem);
    }

    private static Arguments key(String field, Consumer<OfferKey.Builder> mistake, String problem) {
        return google(field, p -> mistake.accept(p.getOffersBuilder(0).getKeyBuilder()), problem);
    }

    private static Arguments gcp(String field, Consumer<GcpLaunch.Builder> mistake, String problem) {
        return google("gcp." + field, p -> mistake.accept(p.getLaunchBuilder().getGcpBuilder()), problem);
    }

    private static Arguments spec(String member, String json, String fix) {
        return gcp("instanceSpec." + member, g -> g.setInstanceSpec(json), fix);
    }

    private static Arguments disk(String field, Consumer<Disk.Builder> mistake, String problem) {
        return google("disks[0]." + field, p -> mistake.accept(p.getLaunchBuilder().addDisksBuilder().setSizeGib(50)), problem);
    }

    private static PoolSpec.Builder machine(PoolSpec.Builder pool, String type) {
        pool.getOffersBuilder(0).getKeyBuilder().setMachineType(type);
        return pool;
    }

    private static OfferSpec.Builder onAws() {
        return OfferSpec.newBuilder().setKey(Specs.offerKey("m5.large"));
    }

    private static Arguments fleet(String field, UnaryOperator<FleetSpec.Builder> mistake, String problem) {
        return Arguments.of(field, mistake, problem);
    }

    private static Arguments aws(String field, Consumer<AwsLaunch.Builder> mistake, String problem) {
        return pool("pools.cpu.aws." + field, p -> mistake.accept(p.getLaunchBuilder().getAwsBuilder()), problem);
    }

    private static Arguments pool(String field, Consumer<PoolSpec.Builder> mistake, String problem) {
        return fleet(field, spec -> {
            mistake.accept(spec.getPoolsBuilder(0));
            return spec;
        }, problem);
    }

    private static Arguments offer(String field, Consumer<OfferSpec.Builder> mistake, String problem) {
        return pool(field, pool -> mistake.accept(pool.getOffersBuilder(0)), problem);
    }

    private static Duration seconds(long seconds) {
        return Duration.newBuilder().setSeconds(seconds).build();
    }

    private static S3Storage.Builder s3(PoolSpec.Builder pool) {
        return pool.getLaunchBuilder().getBootBuilder().getStorageBuilder().addS3Builder();
    }

    private static Value secret(String name) {
        return Value.newBuilder().setSecretRef(name).build();
    }

    private static Value text(String text) {
        return Value.newBuilder().setText(text).build();
    }
}
