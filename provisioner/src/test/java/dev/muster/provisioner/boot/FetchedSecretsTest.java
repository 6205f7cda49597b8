package dev.muster.provisioner.boot;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.contracts.SecretRef;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a machine is given by reference: the real boot script fetches it from stores that the test fills. */
class FetchedSecretsTest {

    private static final int EC2_LIMIT = 16 * 1024;
    /** Everything that a shell, JSON or Python could take for itself. */
    private static final String NASTY = "a'b\"c$HOME`id`$(id)\\d\\n!*~&|;<>#% é %s {} @INIT@";

    @TempDir
    private Path folder;

    private static Given kept(String reference) {
        return Given.kept(SecretRef.parse(reference));
    }

    private static BootPlan plan(BootPlan.Keys keys, Map<String, Given> environment, Given conf, Given init, Given hook, BootPlan.Storage storage) {
        return new BootPlan("lab-train:gpu:g5.xlarge", 1, List.of("0123456789abcdef0123456789abcdef"),
                new BootPlan.Hosts("https://api.example", "https://app.example", "https://files.example"), keys, false, "", "3.0.3", false,
                new TreeMap<>(environment), conf, init, hook, false, storage, Optional.empty());
    }

    /** @param environment reference by variable */
    private static BootPlan plan(Map<String, String> environment) {
        var given = new TreeMap<String, Given>();
        environment.forEach((name, reference) -> given.put(name, kept(reference)));
        return plan(new BootPlan.Keys(Given.text("ACCESS"), Given.text("SECRET")), given, Given.NOTHING, Given.NOTHING, Given.NOTHING, BootPlan.Storage.NONE);
    }

    private static BootPlan everything() {
        return plan(new BootPlan.Keys(kept("ssm:/muster/clearml#access"), kept("ssm:/muster/clearml#secret")),
                Map.of("PLAIN", Given.text("it's here"), "NASTY", kept("secretsmanager:nasty"), "CLEARML_AGENT_GIT_PASS", kept("ssm:/muster/git")),
                kept("ssm:/muster/conf"), kept("secretsmanager:init"), kept("ssm:/muster/hook"),
                new BootPlan.Storage(List.of(new BootPlan.Storage.S3("", "", "eu-west-1", kept("ssm:/muster/s3#id"), kept("ssm:/muster/s3#key"), false),
                        new BootPlan.Storage.S3("models", "minio:9000", "", Given.text("ONE"), kept("secretsmanager:nasty"), true)),
                        Optional.of(new BootPlan.Storage.Gcs("lab", kept("secretsmanager:gcs"))),
                        List.of(new BootPlan.Storage.Azure("lab", kept("secretsmanager:nasty"), "")), false));
    }

    private static void keep(SecretStores aws, Path marker) {
        aws.parameter("/muster/clearml", "{\"access\": \"MACHINE\", \"secret\": \"s3cr3t $x\"}");
        aws.parameter("/muster/git", "pass'word\n");
        aws.parameter("/muster/conf", "agent.x: \"" + NASTY.replace("\\", "\\\\").replace("\"", "\\\"") + "\"");
        aws.parameter("/muster/hook", "echo checkpoint\n");
        aws.parameter("/muster/s3", "{\"id\": \"AKIA\", \"key\": \"a\\\"b\", \"port\": 443}");
        aws.secret("nasty", NASTY + "\nsecond line");
        aws.secret("init", "touch '" + marker + "'\n");
        aws.secret("gcs", "{\"type\": \"service_account\"}");
    }

    @Test
    void everythingThatAMachineIsGivenMayBeKeptInAStore() throws Exception {
        var marker = folder.resolve("init-ran");
        try (var machine = BootedMachine.of(folder)) {
            machine.haveRole("muster-machine");
            keep(machine.aws(), marker);
            machine.start(everything());
            machine.awaitFile("agent-0.args");

            assertThat(Files.readString(folder.resolve("agent-0.env"))).contains("CLEARML_API_ACCESS_KEY=MACHINE\n", "CLEARML_API_SECRET_KEY=s3cr3t $x\n",
                    "PLAIN=it's here\n", "NASTY=" + NASTY + "\nsecond line\n", "CLEARML_AGENT_GIT_PASS=pass'word\n");
            assertThat(Files.readString(machine.etc("clearml.conf"))).isEqualTo("""
                    agent.extra_docker_arguments: ["-e", "CLEARML_WEB_HOST=https://app.example"]
                    agent.enable_git_ask_pass: false
                    sdk.aws.s3.key: "AKIA"
                    sdk.aws.s3.secret: "a\\"b"
                    sdk.aws.s3.region: "eu-west-1"
                    sdk.aws.s3.credentials: [{bucket: "models", host: "minio:9000", key: "ONE", secret: "%1$s\\nsecond line", multipart: false, secure: false}]
                    sdk.google.storage.project: "lab"
                    sdk.google.storage.credentials_json: "/etc/muster/gcs.json"
                    sdk.azure.storage.containers: [{account_name: "lab", account_key: "%1$s\\nsecond line"}]
                    agent.x: "%1$s"
                    agent.extra_docker_arguments: ${agent.extra_docker_arguments} ["-e", "CLEARML_API_HOST=%2$s", "-e", "CLEARML_FILES_HOST=https://files.example", \
                    "-e", "CLEARML_WEB_HOST=https://app.example", "-v", "/etc/muster/gcs.json:/etc/muster/gcs.json:ro"]
                    """.formatted(NASTY.replace("\\", "\\\\").replace("\"", "\\\""), machine.clearml().url()));
            assertThat(marker).exists();
            assertThat(Files.readString(machine.etc("checkpoint.sh"))).isEqualTo("echo checkpoint");
            assertThat(Files.readString(machine.etc("gcs.json"))).isEqualTo("{\"type\": \"service_account\"}");
            for (var file : List.of("boot.properties", "agent.env", "clearml.conf", "init.sh", "checkpoint.sh", "gcs.json")) {
                assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(machine.etc(file)))).as(file).isEqualTo("rw-------");
            }
            // Five parameters and three secrets.
            assertThat(machine.aws().calls()).containsExactlyInAnyOrder("AmazonSSM.GetParameters", "secretsmanager.BatchGetSecretValue");
            assertThat(machine.aws().asked()).allSatisfy(asked -> {
                assertThat(asked.header("Authorization")).matches("AWS4-HMAC-SHA256 Credential=" + SecretStores.ACCESS_KEY
                        + "/\\d{8}/us-east-1/(ssm|secretsmanager)/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=[0-9a-f]{64}");
                assertThat(asked.header("X-amz-security-token")).isEqualTo(SecretStores.TOKEN);
            });
            // In user data, and on the console, are names alone.
            assertThat(Files.readString(folder.resolve("boot.sh")) + machine.console()).doesNotContain("s3cr3t", "pass'word", "service_account", "MACHINE", "second line");
        }
    }

    @Test
    void aMachineThatIsGivenNothingByReferenceHasNoProgramThatFetches() {
        var without = plan(Map.of());

        assertThat(text(without)).doesNotContain("fetch_secrets", "GetParameters", "secrets.json");
        assertThat(text(everything())).contains("fetch_secrets", "GetParameters", "secrets.json", "ssm:/muster/git");
        int plain = BootScript.render(without, BootScript.Cloud.EC2, Optional.empty(), EC2_LIMIT).length;
        int fetching = BootScript.render(everything(), BootScript.Cloud.EC2, Optional.empty(), EC2_LIMIT).length;
        System.out.println("The boot script takes " + plain + " bytes compressed, and " + fetching + " where it fetches secrets");
        assertThat(fetching).isLessThan(EC2_LIMIT * 15 / 16);
    }

    @Test
    void shellcheckFindsNothing() throws Exception {
        var shellcheck = Parts.find("shellcheck");
        var script = Files.writeString(folder.resolve("boot.sh"), text(everything()));

        var process = new ProcessBuilder(shellcheck.toString(), "-s", "sh", "-e", "SC1090,SC1091", script.toString()).redirectErrorStream(true).start();
        assertThat(new String(process.getInputStream().readAllBytes(), UTF_8)).isEmpty();
        assertThat(process.waitFor()).isZero();
    }

    @Test
    void manySecretsTakeAsFewCallsAsTheApisAllow() throws Exception {
        var environment = new HashMap<String, String>();
        try (var machine = BootedMachine.of(folder)) {
            machine.haveRole("muster-machine");
            for (int i = 0; i < 12; i++) {
                machine.aws().parameter("/p" + i, "parameter " + i);
                environment.put("P" + i, "ssm:/p" + i);
            }
            for (int i = 0; i < 21; i++) {
                machine.aws().secret("s" + i, "{\"k\": \"secret " + i + "\"}");
                environment.put("S" + i, "secretsmanager:s" + i + "#k");
            }
            machine.start(plan(environment));
            machine.awaitFile("agent-0.args");

            assertThat(Files.readString(folder.resolve("agent-0.env")).lines())
                    .containsAll(IntStream.range(0, 12).mapToObj(i -> "P" + i + "=parameter " + i).toList())
                    .containsAll(IntStream.range(0, 21).mapToObj(i -> "S" + i + "=secret " + i).toList());
            // The last secret is alone.
            assertThat(machine.aws().calls()).containsExactlyInAnyOrder("AmazonSSM.GetParameters", "AmazonSSM.GetParameters",
                    "secretsmanager.BatchGetSecretValue", "secretsmanager.GetSecretValue");
        }
    }

    @Test
    void whatPassesIsWaitedForAndWhoMayNotReadSeveralAtOnceReadsThemAlone() throws Exception {
        try (var machine = BootedMachine.of(folder)) {
            machine.haveRole("muster-machine");
            machine.aws().secret("a", "first");
            machine.aws().secret("b", "second");
            machine.aws().deny("secretsmanager.BatchGetSecretValue");
            machine.aws().refuseNext(400, "ThrottlingException");
            machine.aws().refuseNext(503, "ServiceUnavailable");
            machine.start(plan(Map.of("A", "secretsmanager:a", "B", "secretsmanager:b")));
            machine.awaitFile("agent-0.args");

            assertThat(Files.readString(folder.resolve("agent-0.env"))).contains("A=first\n", "B=second\n");
            assertThat(machine.aws().calls()).containsExactly("secretsmanager.BatchGetSecretValue", "secretsmanager.BatchGetSecretValue",
                    "secretsmanager.BatchGetSecretValue", "secretsmanager.GetSecretValue", "secretsmanager.GetSecretValue");
        }
    }

    @Test
    void aSecretThatCantBeHadIsNamedWithTheCloudsCode() throws Exception {
        assertThat(failure("denied", aws -> aws.deny("/muster/git"), Map.of("A", "ssm:/muster/ok", "B", "ssm:/muster/git#password")))
                .isEqualTo("ssm:/muster/git: AccessDeniedException (Words of the cloud)");
        assertThat(failure("missing", aws -> {}, Map.of("A", "ssm:/muster/ok", "B", "ssm:/muster/none"))).isEqualTo("ssm:/muster/none: ParameterNotFound");
        assertThat(failure("gone", aws -> {}, Map.of("A", "secretsmanager:ok", "B", "secretsmanager:none")))
                .isEqualTo("secretsmanager:none: ResourceNotFoundException (Words of the cloud)");
        assertThat(failure("key", aws -> {}, Map.of("A", "ssm:/muster/ok#user"))).isEqualTo("ssm:/muster/ok#user: the secret has no such key");
        assertThat(failure("text", aws -> aws.secret("plain", "t0psecret"), Map.of("A", "secretsmanager:plain#user")))
                .isEqualTo("secretsmanager:plain#user: the secret is no JSON object");
    }

    private interface Filled {
        void with(SecretStores aws);
    }

    private String failure(String name, Filled filled, Map<String, String> environment) throws Exception {
        var own = Files.createDirectory(folder.resolve(name));
        try (var machine = BootedMachine.of(own)) {
            machine.haveRole("muster-machine");
            machine.aws().parameter("/muster/ok", "{\"password\": \"t0psecret\"}");
            machine.aws().secret("ok", "t0psecret");
            filled.with(machine.aws());
            machine.start(plan(environment));
            assertThat(machine.exit()).isEqualTo(1);

            assertThat(machine.console()).doesNotContain("t0psecret");
            assertThat(own.resolve("pip.args")).doesNotExist();
            var failed = BootFailure.last(machine.console()).orElseThrow();
            assertThat(failed.step()).isEqualTo("secrets");
            return failed.reason();
        }
    }

    @Test
    void aKeyOfClearmlMustBeOneLine() throws Exception {
        try (var machine = BootedMachine.of(folder)) {
            machine.haveRole("muster-machine");
            machine.aws().parameter("/two", "t0psecret\nagents=64");
            machine.start(plan(new BootPlan.Keys(Given.text("ACCESS"), kept("ssm:/two")), Map.of(), Given.NOTHING, Given.NOTHING, Given.NOTHING, BootPlan.Storage.NONE));
            assertThat(machine.exit()).isEqualTo(1);

            assertThat(BootFailure.last(machine.console())).contains(new BootFailure("secrets", "ssm:/two: the secret holds a line break, and must be one line"));
            assertThat(Files.readString(machine.etc("boot.properties"))).doesNotContain("t0psecret");
        }
    }

    @Test
    void anEndpointThatTheFleetNamesIsUsed() throws Exception {
        try (var machine = BootedMachine.of(folder); var other = new SecretStores()) {
            machine.haveRole("muster-machine");
            other.parameter("/a", "from the other");
            machine.start(plan(new BootPlan.Keys(Given.text("ACCESS"), Given.text("SECRET")), Map.of("AWS_ENDPOINT_URL_SSM", Given.text(other.url()), "A", kept("ssm:/a")),
                    Given.NOTHING, Given.NOTHING, Given.NOTHING, BootPlan.Storage.NONE));
            machine.awaitFile("agent-0.args");

            assertThat(Files.readString(folder.resolve("agent-0.env"))).contains("A=from the other\n");
            assertThat(machine.aws().calls()).isEmpty();
        }
    }

    @Test
    void aSecretOfAnotherRegionIsAskedForThere() throws Exception {
        try (var machine = BootedMachine.of(folder)) {
            machine.haveRole("muster-machine");
            var arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:git";
            machine.aws().secret(arn, "from Ireland");
            machine.start(plan(Map.of("A", "secretsmanager:" + arn)));
            machine.awaitFile("agent-0.args");

            assertThat(Files.readString(folder.resolve("agent-0.env"))).contains("A=from Ireland\n");
            assertThat(machine.aws().asked()).singleElement().satisfies(asked -> assertThat(asked.header("Authorization")).contains("/eu-west-1/secretsmanager/"));
        }
    }

    /** Against the vector "post-vanilla" of Amazon's own test suite; and patience by a clock that the test moves. */
    @Test
    void signsAndWaitsAsItShould() throws Exception {
        assertThat(python("fetch_secrets_test.py")).contains("OK");
    }

    @Test
    void signsAsAmazonsOwnLibraryDoes() throws Exception {
        var python = Parts.find("python3");
        var there = new ProcessBuilder(python.toString(), "-c", "import botocore").redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
        if (there.waitFor() != 0) {
            System.out.println("Skipped: what compares signatures with botocore's; it is not there, run .ci/parts");
        }
        org.junit.jupiter.api.Assumptions.assumeTrue(there.exitValue() == 0, "botocore is missing");
        assertThat(python("signature_test.py")).contains("the same signature, 60 times");
    }

    private static String python(String test) throws Exception {
        var process = new ProcessBuilder(Parts.find("python3").toString(), "-B", "src/test/python/" + test,
                "src/main/resources/dev/muster/provisioner/boot/fetch_secrets.py").redirectErrorStream(true).start();
        var said = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(said).isZero();
        return said;
    }

    @Test
    void aMachineOfAnotherCloudReadsNoneOfThem() {
        assertThatThrownBy(() -> BootScript.text(everything(), BootScript.Cloud.GCE, Optional.empty())).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("can't read AWS's secret stores");
    }

    private static String text(BootPlan plan) {
        return BootScript.text(plan, BootScript.Cloud.EC2, Optional.empty());
    }
}
