package dev.muster.aws;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.fasterxml.jackson.databind.JsonNode;
import dev.muster.provisioner.doctor.Check;
import dev.muster.provisioner.doctor.DoctorContract;
import dev.muster.provisioner.doctor.Findings.State;
import dev.muster.provisioner.spi.Await;
import dev.muster.sandbox.ec2.Ec2Config;
import dev.muster.sandbox.ec2.Faults;
import dev.muster.sandbox.ec2.Surroundings;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.ec2.model.DescribeSubnetsRequest;
import software.amazon.awssdk.services.ec2.model.Filter;
import software.amazon.awssdk.services.ec2.model.InstanceStateName;
import software.amazon.awssdk.services.ec2.model.ResourceType;
import software.amazon.awssdk.services.ec2.model.RunInstancesRequest;
import software.amazon.awssdk.services.ec2.model.Tag;
import software.amazon.awssdk.services.ec2.model.TagSpecification;

class AwsDoctorTest extends DoctorContract<AwsDoctorTest.Asked> {

    private static final String SECRET = "the-secret-of-the-key";
    private static final String ACCOUNT = Ec2StandIn.ACCOUNT;
    private static final Ec2Config.Image INSTANCE_STORE = new Ec2Config.Image("ami-0000000f", "store", "x86_64", "2026-11-02T10:00:00.000Z", false, false);

    private static Ec2StandIn aws;
    private static String subnet;
    private static String group;

    @BeforeAll
    static void start() throws IOException {
        aws = new Ec2StandIn(Ec2Config.defaults().withBootTime(Duration.ofMillis(30)).withDescribeDelay(Duration.ofMillis(50))
                .withImages(List.of(Ec2Config.UBUNTU, Ec2Config.UBUNTU_ARM, INSTANCE_STORE)));
        Files.writeString(aws.secrets().resolve("aws-" + ACCOUNT + "-secret-access-key"), SECRET + "\n");
        Files.writeString(aws.secrets().resolve("clearml-default-access-key"), "the-key\n");
        Files.writeString(aws.secrets().resolve("clearml-default-secret-key"), SECRET + "\n");
        var zone = Filter.builder().name("availability-zone").values("us-east-1a").build();
        try (var calls = aws.accounts().calls(Ec2StandIn.SCOPE)) {
            subnet = calls.ec2().describeSubnets(DescribeSubnetsRequest.builder().filters(zone).build()).subnets().get(0).subnetId();
            group = calls.ec2().describeSecurityGroups().securityGroups().get(0).groupId();
            // What is about a machine can be tried in earnest only where there is one.
            var ours = Tag.builder().key(Ec2Tags.INSTALLATION).value("lab").build();
            var id = calls.ec2().runInstances(RunInstancesRequest.builder().imageId(Ec2Config.UBUNTU.id()).instanceType("t3.nano").minCount(1).maxCount(1)
                    .tagSpecifications(TagSpecification.builder().resourceType(ResourceType.INSTANCE).tags(ours).build()).build()).instances().get(0).instanceId();
            Await.until(() -> calls.ec2().describeInstances().reservations().stream().flatMap(one -> one.instances().stream())
                    .anyMatch(one -> one.instanceId().equals(id) && one.state().name() == InstanceStateName.RUNNING), running -> running);
        } catch (dev.muster.provisioner.spi.ProviderException unknown) {
            throw new IllegalStateException(unknown);
        }
    }

    @AfterAll
    static void end() {
        aws.close();
    }

    @AfterEach
    void inOrderAgain() {
        aws.server.faults().reset();
        aws.server.capacity().reset();
        aws.server.surroundings().reset();
    }

    /** A fleet with one pool, and what the doctor is told beside it. */
    static final class Asked {
        String provider = "aws";
        String region = "us-east-1";
        String zone = "us-east-1a";
        String subnet = AwsDoctorTest.subnet;
        String type = "m5.large";
        String market = "SPOT";
        String image = "";
        String groups = "\"" + group + "\"";
        String key = "ops";
        String profile = "agents";
        String more = "";
        String tags = "\"team\": \"vision\"";
        String environment = "";
        String disk = "{\"sizeGib\": 30}";
        int max = 4;
        String account = ACCOUNT;
        String endpoint = aws.server.url();
        String role = "";
        String machineApi = "https://api.example.com";
        Path secrets = aws.secrets();

        String json() {
            return """
                    {"settings": {"muster.installation": "lab", "muster.secrets.folder": "%s", "muster.aws.accounts.\\"%s\\".endpoint": "%s",
                      "muster.aws.accounts.\\"%s\\".image": "%s", "muster.aws.accounts.\\"%s\\".regions": "us-east-1",%s
                      "muster.connections.\\"default\\".api": "http://127.0.0.1:8008", "muster.connections.\\"default\\".machine-hosts.api": "%s"},
                     "fleets": [{"name": "train", "connection": "default", "workersPrefix": "lab-train", "queues": [{"name": "gpu", "pools": ["main"]}],
                       "pools": [{"name": "main", "slots": 1, "limits": {"max": %d}, "offers": [{"key": {"provider": "%s", "account": "%s", "region": "%s",
                         "zone": "%s", "subnet": "%s", "machineType": "%s", "market": "%s"}}],
                        "launch": {"image": "%s", "disks": [%s], "tags": {%s}, "boot": {"docker": true, "environment": {%s}},
                          "aws": {"keyName": "%s", "securityGroupIds": [%s], "instanceProfile": "%s"%s}}}]}]}
                    """.formatted(secrets, ACCOUNT, endpoint, ACCOUNT, Ec2Config.UBUNTU.id(), ACCOUNT,
                    role.isEmpty() ? "" : "\"muster.aws.accounts.\\\"" + ACCOUNT + "\\\".role-arn\": \"" + role + "\",", machineApi, max, provider, account, region, zone, subnet, type,
                    market, image, disk, tags, environment, key, groups, profile, more);
        }
    }

    @Override
    protected Check[] checks() {
        return DoctorCheck.values();
    }

    @Override
    protected Path page() {
        return Path.of("..", "docs", "aws-doctor.md");
    }

    @Override
    protected Asked asked() {
        return new Asked();
    }

    @Override
    protected JsonNode answer(Asked asked) throws IOException {
        var answer = AwsDoctor.examine(new ByteArrayInputStream(asked.json().getBytes(StandardCharsets.UTF_8)));
        assertThat(answer.toString()).doesNotContain(SECRET);
        return answer;
    }

    @Test
    void saysWhatItSaw() throws IOException {
        var said = examine(new Asked());
        assertThat(said).extracting(Said::check).as("every check was made once").containsOnlyOnce(Arrays.stream(DoctorCheck.values()).map(DoctorCheck::word).toArray(String[]::new));
        assertThat(said).filteredOn(one -> one.check().equals("credentials")).singleElement()
                .satisfies(one -> assertThat(one.seen()).contains(Ec2Config.ACCOUNT, "arn:aws:iam::"));
        assertThat(said).filteredOn(one -> one.check().equals("user-data")).singleElement().satisfies(one -> assertThat(one.seen()).matches("[0-9]+ of 16384 bytes"));
        assertThat(aws.server.books().live()).as("it starts nothing").isEqualTo(1);
    }

    @Override
    protected Stream<Fault<Asked>> faults() {
        var all = new ArrayList<Fault<Asked>>(List.of(
                fails("nobody answers", DoctorCheck.ENDPOINT, "gives no answer", asked -> asked.endpoint = "http://127.0.0.1:" + freePort()),
                fails("a clock ten minutes off", DoctorCheck.CLOCK, "ahead of this computer's", asked -> aws.server.surroundings().clockAhead(Duration.ofMinutes(10))),
                warns("a clock two minutes off", DoctorCheck.CLOCK, "behind this computer's", asked -> aws.server.surroundings().clockAhead(Duration.ofMinutes(-2))),
                fails("a key that AWS doesn't know", DoctorCheck.CREDENTIALS, "InvalidClientTokenId", asked -> asked.secrets = otherKey()),
                fails("a region that isn't enabled", DoctorCheck.CREDENTIALS, "EC2 refuses them here", asked -> aws.server.faults().onCall("DescribeInstances", 1,
                        new Faults.ApiFault.Refuse(401, "AuthFailure", "AWS was not able to validate the provided access credentials"))),
                fails("a role that may not be taken on", DoctorCheck.CREDENTIALS, "sts:AssumeRole", asked -> asked.role = "arn:aws:iam::210987654321:role/other"),
                fails("an account that isn't configured", DoctorCheck.CREDENTIALS, "no AWS account 'other' is configured here", asked -> asked.account = "other"),
                fails("a secret that isn't there", DoctorCheck.BOOT, "no secret git-token", asked -> asked.environment = "\"GIT_PASS\": {\"secretRef\": \"git-token\"}"),
                warns("machines are given a loopback address", DoctorCheck.MACHINE_HOSTS, "each one's own", asked -> asked.machineApi = "http://localhost:8008"),
                fails("a long boot script", DoctorCheck.USER_DATA, "the cloud allows 16384", asked -> asked.environment = "\"NOISE\": {\"text\": \"" + noise(20_000) + "\"}"),
                fails("a tag with a space", DoctorCheck.TAGS, "cost center", asked -> asked.tags = "\"cost center\": \"7\""),
                fails("PassRole is denied", DoctorCheck.PASS_ROLE, "iam:PassRole", asked -> aws.server.faults().deny("PassRole")),
                fails("no such instance profile", DoctorCheck.INSTANCE_PROFILE, "is not there",
                        asked -> aws.server.surroundings().missing(Surroundings.Kind.INSTANCE_PROFILE, "agents")),
                fails("a type that isn't sold in the zone", DoctorCheck.TYPE, "us-east-1b, us-east-1c", asked -> aws.server.capacity().withhold("m5.large", "us-east-1a")),
                fails("a type that there isn't", DoctorCheck.TYPE, "there is no such type", asked -> asked.type = "m5.huge"),
                warns("a type on xen", DoctorCheck.MARKS, "runs on xen", asked -> asked.type = "m4.large"),
                fails("a quota for no machine", DoctorCheck.QUOTA, "one machine needs 2", asked -> aws.server.capacity().vcpuQuota("standard", "spot", 1)),
                warns("a quota for some machines", DoctorCheck.QUOTA, "may grow to 8", asked -> aws.server.capacity().vcpuQuota("standard", "spot", 6)),
                warns("a quota for one of the largest machines", DoctorCheck.QUOTA, "P5, spot", asked -> {
                    asked.type = "p5.48xlarge";
                    aws.server.capacity().vcpuQuota("p", "spot", 200);
                }),
                fails("an image of another architecture", DoctorCheck.IMAGE, "is for arm64", asked -> asked.image = Ec2Config.UBUNTU_ARM.id()),
                fails("an image that isn't there", DoctorCheck.IMAGE, "does not exist", asked -> asked.image = "ami-00000000000000000"),
                fails("an image that isn't there, whose disks are as it has them", DoctorCheck.IMAGE, "does not exist", asked -> {
                    asked.image = "ami-00000000000000000";
                    asked.disk = "";
                }),
                fails("an image without an EBS volume", DoctorCheck.IMAGE, "is no EBS volume", asked -> asked.image = INSTANCE_STORE.id()),
                fails("a disk without a device, and an image that nobody looks up", DoctorCheck.DISK, "names no device", asked -> {
                    asked.image = "";
                    asked.more = ", \"launchTemplate\": \"lt-0123456789abcdef0\"";
                }),
                fails("an image's parameter that may not be read", DoctorCheck.PERMISSIONS, "ssm:GetParameter", asked -> {
                    asked.image = "ssm:/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id";
                    aws.server.faults().deny("GetParameter");
                }),
                fails("a disk smaller than its image", DoctorCheck.DISK, "4 GiB, and the image's own has 8", asked -> asked.disk = "{\"sizeGib\": 4}"),
                fails("a subnet that isn't there", DoctorCheck.SUBNET, "is not there", asked -> asked.subnet = "subnet-00000000000000000"),
                fails("a subnet of another zone", DoctorCheck.SUBNET, "is in us-east-1a", asked -> asked.zone = "us-east-1b"),
                fails("a full subnet", DoctorCheck.ADDRESSES, "none is free", asked -> aws.server.surroundings().full(subnet)),
                fails("a subnet without a way out", DoctorCheck.ROUTE, "no route leads out", asked -> aws.server.surroundings().withoutRoute(subnet)),
                fails("an internet gateway without public addresses", DoctorCheck.ROUTE, "no way to ClearML", asked -> asked.more = ", \"associatePublicIp\": false"),
                fails("a security group that isn't there", DoctorCheck.SECURITY_GROUPS, "is not there", asked -> asked.groups = "\"sg-00000000000000000\""),
                fails("a key pair that isn't there", DoctorCheck.KEY_PAIR, "is not there", asked -> aws.server.surroundings().missing(Surroundings.Kind.KEY_PAIR, "ops")),
                fails("no role for spot machines", DoctorCheck.SPOT_ROLE, "is not there",
                        asked -> aws.server.surroundings().missing(Surroundings.Kind.ROLE, "AWSServiceRoleForEC2Spot")),
                fails("a disabled key of volumes", DoctorCheck.VOLUME_KEY, "Disabled", asked -> aws.server.surroundings().volumeKey(Surroundings.VolumeKey.DISABLED)),
                warns("a key of one's own for volumes", DoctorCheck.VOLUME_KEY, "one of your own", asked -> aws.server.surroundings().volumeKey(Surroundings.VolumeKey.CUSTOMER)),
                fails("a launch that EC2 refuses for a reason of its own", DoctorCheck.LAUNCH, "UnsupportedOperation",
                        asked -> asked.more = ", \"launchSpec\": \"{\\\"EnclaveOptions\\\":{\\\"Enabled\\\":true}}\""),
                fails("a launch spec that is no JSON", DoctorCheck.LAUNCH, "launchSpec", asked -> asked.more = ", \"launchSpec\": \"{\"")));
        Stream.concat(LaunchChecks.PROBES.keySet().stream(), Stream.of("RunInstances")).forEach(action ->
                all.add(fails(action + " is denied", DoctorCheck.PERMISSIONS, "ec2:" + action, asked -> {
                    // Or a launch could not even be written: it asks where the image has its root.
                    asked.disk = "";
                    aws.server.faults().deny(action);
                })));
        for (var denial : List.of(List.of("DescribeRouteTables", DoctorCheck.ROUTE, "ec2:"),
                List.of("DescribeSecurityGroups", DoctorCheck.SECURITY_GROUPS, "ec2:"), List.of("DescribeKeyPairs", DoctorCheck.KEY_PAIR, "ec2:"),
                List.of("DescribeInstanceTypeOfferings", DoctorCheck.TYPE, "ec2:"),
                List.of("GetServiceQuota", DoctorCheck.QUOTA, "servicequotas:"), List.of("GetRole", DoctorCheck.SPOT_ROLE, "iam:"),
                List.of("GetEbsDefaultKmsKeyId", DoctorCheck.VOLUME_KEY, "ec2:"), List.of("DescribeKey", DoctorCheck.VOLUME_KEY, "kms:"))) {
            all.add(warns(denial.get(0) + " is denied", (DoctorCheck) denial.get(1), denial.get(2) + "" + denial.get(0) + " is not allowed",
                    asked -> aws.server.faults().deny((String) denial.get(0))));
        }
        return all.stream();
    }

    @Test
    void everyCallOfTheProvisionerIsTried() {
        var tried = new TreeSet<>(LaunchChecks.PROBES.keySet());
        tried.add("RunInstances");
        // Only for images that a parameter holds: then a launch can't be written without.
        tried.add("GetParameter");
        assertThat(Stream.of(Ec2Api.class, ImageApi.class).flatMap(api -> Arrays.stream(api.getDeclaredMethods())).map(method -> method.getName().substring(0, 1).toUpperCase() + method.getName().substring(1)))
                .allSatisfy(call -> assertThat(tried).contains(call));
    }

    @Test
    void aRefusalWithoutAMachineIsNotTakenForOne() throws IOException {
        aws.server.faults().deny("TerminateInstances");
        var asked = new Asked();
        // Another installation has no machine.
        var json = asked.json().replace("\"muster.installation\": \"lab\"", "\"muster.installation\": \"other\"");
        var answer = AwsDoctor.examine(new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8)));
        assertThat(answer.at("/accounts/0/checks")).filteredOn(one -> one.path("check").asText().equals("permissions")).singleElement().satisfies(one -> {
            assertThat(one.path("state").asText()).isEqualTo("warning");
            assertThat(one.path("seen").asText()).contains("ec2:TerminateInstances", "condition on tags");
        });
    }

    @Test
    void onDemandNeedsNoRoleAndADefaultSubnetWillDo() throws IOException {
        aws.server.surroundings().missing(Surroundings.Kind.ROLE, "AWSServiceRoleForEC2Spot");
        var asked = new Asked();
        asked.market = "ON_DEMAND";
        asked.subnet = "";
        asked.zone = "";
        var said = examine(asked);
        assertThat(inState(said, State.FAILED, State.WARNING, State.SKIPPED)).as(said.toString()).isEmpty();
        assertThat(said).filteredOn(one -> one.check().equals("subnet")).singleElement().satisfies(one -> assertThat(one.seen()).contains("us-east-1a", "us-east-1b", "us-east-1c"));
    }

    @Test
    void fleetsOfOtherCloudsAreNoneOfItsBusiness() throws IOException {
        var asked = new Asked();
        asked.provider = "gcp";
        assertThat(examine(asked)).extracting(Said::check).containsExactly("endpoint", "clock", "credentials", "permissions");
        asked.secrets = otherKey();
        assertThat(examine(asked)).extracting(Said::check, Said::state).containsExactly(tuple("endpoint", "ok"), tuple("clock", "ok"), tuple("credentials", "failed"),
                tuple("permissions", "skipped"));
    }

    @Test
    void servicesAreAtAmazonsOwnAddresses() {
        var nobody = SdkEc2Api.credentials(new dev.muster.contracts.SecretsFolder(aws.secrets()), ACCOUNT);
        record At(String region, String service, String address, String signedFor) {}
        assertThat(Stream.of(new At("us-west-2", "ec2", "https://ec2.us-west-2.amazonaws.com", "us-west-2"), new At("us-west-2", "sts", "https://sts.us-west-2.amazonaws.com", "us-west-2"),
                new At("us-west-2", "iam", "https://iam.amazonaws.com", "us-east-1"), new At("eu-central-1", "kms", "https://kms.eu-central-1.amazonaws.com", "eu-central-1"),
                new At("eu-central-1", "servicequotas", "https://servicequotas.eu-central-1.amazonaws.com", "eu-central-1"),
                new At("cn-north-1", "ec2", "https://ec2.cn-north-1.amazonaws.com.cn", "cn-north-1"), new At("cn-north-1", "iam", "https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1"))).allSatisfy(at -> {
                    try (var calls = new DoctorCalls(software.amazon.awssdk.regions.Region.of(at.region()), java.util.Optional.empty(), nobody)) {
                        assertThat(calls.endpoint(at.service())).hasToString(at.address());
                        assertThat(calls.signingRegion(at.service())).isEqualTo(at.signedFor());
                    }
                });
    }

    private static Path otherKey() {
        try {
            var folder = Files.createDirectories(aws.secrets().resolve("other"));
            for (var file : List.of("clearml-default-access-key", "clearml-default-secret-key", "aws-" + ACCOUNT + "-secret-access-key")) {
                Files.writeString(folder.resolve(file), "any\n");
            }
            Files.writeString(folder.resolve("aws-" + ACCOUNT + "-access-key-id"), "SOMEONEELSE\n");
            return folder;
        } catch (IOException unwritable) {
            throw new java.io.UncheckedIOException(unwritable);
        }
    }
}
