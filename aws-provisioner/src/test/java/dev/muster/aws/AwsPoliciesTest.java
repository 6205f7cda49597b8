package dev.muster.aws;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.awscore.AwsRequest;

/** The policies of deploy/aws and the calls that the code makes are each other's match: nothing lacks, nothing is too much. */
class AwsPoliciesTest {

    private static final Path POLICIES = Path.of("..", "deploy", "aws");
    private static final Path SOURCES = Path.of("src", "main", "java", "dev", "muster", "aws");
    private static final Path FETCH = Path.of("..", "provisioner", "src", "main", "resources", "dev", "muster", "provisioner", "boot", "fetch_secrets.py");

    /** How a service is named in Java packages, in calls of AWS JSON, and in policies. */
    private static final Map<String, String> SERVICES = Map.of("ec2", "ec2", "ssm", "ssm", "sts", "sts", "iam", "iam", "kms", "kms", "servicequotas", "servicequotas",
            "AmazonSSM", "ssm", "TrentService", "kms", "ServiceQuotasV20190624", "servicequotas", "secretsmanager", "secretsmanager");

    private static final Pattern REQUEST = Pattern.compile("import software\\.amazon\\.awssdk\\.services\\.(\\w+)\\.model\\.(\\w+)Request;");
    /** A call on Amazon's client without a request of its own, {@code ec2.describeSubnets(asked -> …)}. */
    private static final Pattern CALL = Pattern.compile("\\b(ec2|ssm|sts|iam|kms)\\(?\\)?\\s*\\.((?:describe|get|list|create|delete|run|terminate|assume|modify)\\w+)\\(");
    /** AWS JSON's target, and the action's name in words for people. */
    private static final Pattern TARGET = Pattern.compile("\"(AmazonSSM|TrentService|ServiceQuotasV20190624|secretsmanager)\\.(\\w+)\"|\"(ec2|ssm|sts|iam|kms|servicequotas):([A-Z]\\w+)\"");
    /** The Query protocol: service, version, action. */
    private static final Pattern QUERY = Pattern.compile("query\\(\"(\\w+)\",\\s*\"[\\d-]+\",\\s*\"(\\w+)\"");

    /** Everybody may, whatever a policy says. */
    private static final Set<String> NEEDS_NOTHING = Set.of("sts:GetCallerIdentity");

    /** What no call is named after, and calls that the code may make and does not in every release. */
    private static final Map<String, String> REASONS = Map.ofEntries(
            Map.entry("iam:PassRole", "RunInstances with an instance profile"),
            Map.entry("iam:GetInstanceProfile", "the doctor looks at a pool's profile"),
            Map.entry("iam:GetRole", "the doctor looks for EC2's own role for spot"),
            Map.entry("kms:DescribeKey", "the doctor looks at the key of disks, and EC2 does for whoever launches"),
            Map.entry("kms:CreateGrant", "EC2, for whoever launches with a disk key of their own"),
            Map.entry("kms:Decrypt", "EC2 for disks, the stores for secrets, each with a key of one's own"),
            Map.entry("kms:GenerateDataKeyWithoutPlaintext", "EC2, for disks"),
            Map.entry("kms:ReEncryptFrom", "EC2, for disks"),
            Map.entry("kms:ReEncryptTo", "EC2, for disks"),
            Map.entry("ssm:GetParameter", "images by name of a parameter"),
            Map.entry("sts:AssumeRole", "accounts that are a role"),
            Map.entry("servicequotas:GetServiceQuota", "the doctor compares quotas with the fleet's limits"),
            Map.entry("ec2:DescribeInstanceStatus", "machines that fail EC2's checks"),
            Map.entry("ec2:DescribeInstanceTypes", "a type's architecture, for an image that fits"),
            Map.entry("ec2:DescribeSpotPriceHistory", "what spot costs"),
            Map.entry("ec2:DescribeSubnets", "the zone of a subnet"),
            Map.entry("ec2:DescribeAvailabilityZones", "the doctor"),
            Map.entry("ec2:DescribeInstanceTypeOfferings", "the doctor: is the type sold in the zone"),
            Map.entry("ec2:DescribeKeyPairs", "the doctor"),
            Map.entry("ec2:DescribeRegions", "the doctor"),
            Map.entry("ec2:DescribeRouteTables", "the doctor: has the subnet a way out"),
            Map.entry("ec2:DescribeSecurityGroups", "the doctor: may machines call out"),
            Map.entry("ec2:DescribeSnapshots", "the doctor"),
            Map.entry("ec2:DescribeVpcs", "the doctor"),
            Map.entry("ec2:GetEbsDefaultKmsKeyId", "the doctor: what encrypts disks"),
            Map.entry("ec2:GetEbsEncryptionByDefault", "the doctor: whether other disks are encrypted, too"),
            Map.entry("s3:GetObject", "tasks, by machineIdentity"),
            Map.entry("s3:PutObject", "tasks, by machineIdentity"),
            Map.entry("s3:ListBucket", "tasks, by machineIdentity"),
            Map.entry("s3:GetBucketLocation", "tasks, by machineIdentity"));

    @Test
    void everyCallOfTheServicesIsAllowed() throws Exception {
        var allowed = actions("policy-scaler.json");
        allowed.addAll(actions("policy-doctor.json"));
        // Named to people only, who have a key of their own.
        allowed.addAll(actions("policy-disk-key.json"));
        allowed.addAll(NEEDS_NOTHING);

        var calls = calls();
        assertThat(calls).contains("ec2:RunInstances", "ec2:TerminateInstances", "ec2:CreateTags");
        assertThat(allowed).containsAll(calls);
    }

    /** The narrow interfaces through which launches go need the scaler's policy alone. */
    @Test
    void everyCallThatLaunchesNeedIsAllowedByTheScalersPolicyAlone() throws Exception {
        assertThat(actions("policy-scaler.json")).containsAll(apiCalls());
    }

    @Test
    void everyCallOfAMachineIsAllowed() throws Exception {
        assertThat(actions("policy-machine.json")).containsAll(targets(Files.readString(FETCH)));
        assertThat(targets(Files.readString(FETCH))).containsExactlyInAnyOrder("ssm:GetParameters", "secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue");
    }

    @Test
    void nothingIsAllowedWithoutACallOrAReason() throws Exception {
        var needed = calls();
        needed.addAll(targets(Files.readString(FETCH)));
        needed.addAll(REASONS.keySet());
        for (var policy : List.of("policy-scaler.json", "policy-doctor.json", "policy-machine.json", "policy-disk-key.json")) {
            assertThat(needed).as(policy).containsAll(actions(policy));
        }
        assertThat(actions("policy-scaler.json")).as("in two policies").doesNotContainAnyElementsOf(actions("policy-doctor.json"));
    }

    @Test
    void whatChangesAnythingIsBoundToTheInstallationsTag() throws Exception {
        for (var statement : statements("policy-scaler.json")) {
            var reads = actions(statement).stream().allMatch(action -> action.matches("(ec2:Describe|ssm:Get)\\w+"));
            var condition = statement.getJsonObject("Condition", new JsonObject()).encode();
            switch (statement.getString("Sid")) {
                // EC2 asks once for each resource of a launch; the instance's own statement is bound.
                case "LaunchFromWhatIsThere" -> assertThat(strings(statement.getValue("Resource"))).noneMatch(resource -> resource.contains(":instance/"));
                case "GiveMachinesTheirRole" -> assertThat(condition).isEqualTo("{\"StringEquals\":{\"iam:PassedToService\":\"ec2.amazonaws.com\"}}");
                case "TakeOnRolesOfOtherAccounts" -> assertThat(strings(statement.getValue("Resource"))).allMatch(role -> role.matches("arn:aws:iam::\\d{12}:role/[\\w-]+"));
                default -> assertThat(reads || condition.contains("Tag/" + Ec2Tags.INSTALLATION + "\":\"lab\"")).as(statement.encodePrettily()).isTrue();
            }
            assertThat(reads || strings(statement.getValue("Resource")).stream().noneMatch("*"::equals)).as(statement.encodePrettily()).isTrue();
            assertThat(actions(statement)).noneMatch(action -> action.contains("*"));
        }
    }

    @Test
    void theReadmeHasEveryStatementAndFile() throws Exception {
        var readme = Files.readString(POLICIES.resolve("README.md"));
        for (var policy : List.of("policy-scaler.json", "policy-machine.json")) {
            assertThat(statements(policy)).allSatisfy(statement -> assertThat(readme).contains("`" + statement.getString("Sid") + "`"));
        }
        try (var files = Files.list(POLICIES)) {
            assertThat(files.map(file -> file.getFileName().toString()).filter(name -> name.endsWith(".json"))).isNotEmpty().allSatisfy(name -> assertThat(readme).contains(name));
        }
        for (var trust : List.of("trust-machine.json", "trust-scaler.json", "trust-other-account.json")) {
            assertThat(statements(trust)).singleElement().satisfies(statement -> assertThat(statement.getString("Action")).isEqualTo("sts:AssumeRole"));
        }
    }

    /** moto judges a document's form as IAM does, and the AWS command line its own words. */
    @Test
    void iamTakesTheDocumentsByTheReadmesOwnCommands() throws Exception {
        var python = MotoConformanceTest.python();
        if (python.isEmpty()) {
            System.out.println("Skipped: what runs the commands of deploy/aws/README.md; moto is not there, run .ci/parts");
        }
        Assumptions.assumeTrue(python.isPresent(), "moto is missing");
        var process = new ProcessBuilder(python.get(), "-B", "src/test/python/policies_test.py", POLICIES.toString()).redirectErrorStream(true).start();
        var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(process.waitFor()).as(said).isZero();
        assertThat(said).endsWith("7 commands and 7 documents pass\n");
    }

    /** Methods of the interfaces in the package that are named {@code …Api}, whose only argument is the request. */
    private static Set<String> apiCalls() throws Exception {
        var calls = new TreeSet<String>();
        for (var source : sources()) {
            var name = source.getFileName().toString().replace(".java", "");
            var type = name.endsWith("Api") ? Class.forName("dev.muster.aws." + name) : Object.class;
            if (type.isInterface()) {
                for (var method : type.getDeclaredMethods()) {
                    Arrays.stream(method.getParameterTypes()).filter(AwsRequest.class::isAssignableFrom).map(Class::getName)
                            .map(parameter -> parameter.split("\\.")).forEach(parts -> calls.add(SERVICES.get(parts[parts.length - 3]) + ":" + method(parts[parts.length - 1])));
                }
            }
        }
        return calls;
    }

    private static String method(String request) {
        return request.replaceFirst("Request$", "");
    }

    /** Whatever else the sources call, by whichever way. */
    private static Set<String> calls() throws Exception {
        var calls = new TreeSet<>(apiCalls());
        for (var source : sources()) {
            var text = Files.readString(source);
            for (var found : REQUEST.matcher(text).results().toList()) {
                // Some parts of requests are named as if they were one.
                if (AwsRequest.class.isAssignableFrom(Class.forName("software.amazon.awssdk.services." + found.group(1) + ".model." + found.group(2) + "Request"))) {
                    calls.add(SERVICES.getOrDefault(found.group(1), found.group(1)) + ":" + found.group(2));
                }
            }
            CALL.matcher(text).results().forEach(found -> {
                var name = found.group(2).replaceFirst("Paginator$", "");
                calls.add(found.group(1) + ":" + Character.toUpperCase(name.charAt(0)) + name.substring(1));
            });
            QUERY.matcher(text).results().forEach(found -> calls.add(found.group(1) + ":" + found.group(2)));
            calls.addAll(targets(text));
        }
        return calls;
    }

    private static Set<String> targets(String text) {
        var calls = new TreeSet<String>();
        TARGET.matcher(text).results().forEach(found -> calls.add(found.group(1) != null ? SERVICES.get(found.group(1)) + ":" + found.group(2) : found.group(3) + ":" + found.group(4)));
        return calls;
    }

    private static List<Path> sources() throws IOException {
        try (var files = Files.list(SOURCES)) {
            return files.filter(file -> file.toString().endsWith(".java")).sorted().toList();
        }
    }

    private static List<JsonObject> statements(String policy) throws IOException {
        return new JsonObject(Files.readString(POLICIES.resolve(policy))).getJsonArray("Statement").stream().map(JsonObject.class::cast).toList();
    }

    private static Set<String> actions(String policy) throws IOException {
        var actions = new TreeSet<String>();
        statements(policy).forEach(statement -> actions.addAll(actions(statement)));
        return actions;
    }

    private static List<String> actions(JsonObject statement) {
        return strings(statement.getValue("Action"));
    }

    private static List<String> strings(Object oneOrSeveral) {
        return oneOrSeveral instanceof JsonArray several ? several.stream().map(String.class::cast).toList() : Stream.of((String) oneOrSeveral).toList();
    }
}
