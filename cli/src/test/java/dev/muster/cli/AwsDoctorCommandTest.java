package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AwsDoctorCommandTest {

    private static final Path PAGE = Path.of("..", "docs", "aws-doctor.md");

    @TempDir
    Path folder;

    private Ran examine(String... more) throws IOException {
        Files.writeString(folder.resolve("muster.yaml"), """
                installation: team-a
                connections: {default: {api: "https://clearml.example.com:8008", machineHosts: {api: "https://api.example.com"}}}
                accounts: {research: {provider: aws, regions: [us-east-1, us-west-2], image: ami-0b7c2d91e5f340a68}}
                """);
        Files.writeString(folder.resolve("train.yaml"), """
                name: train
                queues: {gpu: [main]}
                pools: {main: {provider: aws, account: research, region: us-east-1, type: g5.xlarge, max: 4}}
                """);
        var arguments = new ArrayList<>(List.of("doctor", "aws", "--config", folder.resolve("muster.yaml").toString(), "-f", folder.resolve("train.yaml").toString()));
        arguments.addAll(List.of(more));
        return Ran.of(arguments.toArray(String[]::new));
    }

    @Test
    void showsAnAnswerAsItsPageDoes() throws Exception {
        var answer = Output.JSON.readTree("""
                {"account": "default", "region": "us-east-1", "checks": [
                  {"check": "endpoint", "of": "", "state": "ok", "seen": "https://ec2.us-east-1.amazonaws.com answers in 48 ms", "fix": ""},
                  {"check": "clock", "of": "", "state": "ok", "seen": "EC2's is this computer's", "fix": ""},
                  {"check": "credentials", "of": "", "state": "ok", "seen": "123456789012, arn:aws:iam::123456789012:role/muster", "fix": ""},
                  {"check": "permissions", "of": "", "state": "failed", "seen": "not allowed: ec2:TerminateInstances",
                    "fix": "allow them to arn:aws:iam::123456789012:role/muster"},
                  {"check": "quota", "of": "G and VT, spot", "state": "warning", "seen": "16 vCPUs of L-3819A6DF, and the fleets may grow to 32",
                    "fix": "ask for more of L-3819A6DF in Service Quotas, or lower the limits of the fleets"},
                  {"check": "image", "of": "ami-0b7c2d91e5f340a68", "state": "failed", "seen": "is for arm64, and g5.xlarge of train/main is x86_64",
                    "fix": "name an image for that architecture in launch.image of the pool"},
                  {"check": "launch", "of": "train/main g5.xlarge", "state": "skipped", "seen": "can't be told before image is in order", "fix": ""}]}
                """);
        var out = new ByteArrayOutputStream();
        AwsDoctorCommand.show(answer, new Output(new PrintStream(out, true, StandardCharsets.UTF_8), false, false));
        var shown = Pattern.compile("^```\n(account default.*?)^```$", Pattern.DOTALL | Pattern.MULTILINE).matcher(Files.readString(PAGE));
        assertThat(shown.find()).as("the page shows an answer").isTrue();
        assertThat(out.toString(StandardCharsets.UTF_8)).isEqualTo(shown.group(1));
    }

    @Test
    void asksWhatTheProvisionerWouldBeTold() throws Exception {
        examine();
        var common = new CommonOptions();
        common.folder = folder.resolve(".muster");
        var told = CloudInstallation.of(Cloud.AWS, common, folder.resolve("muster.yaml"));
        assertThat(told.name()).isEqualTo("team-a");
        assertThat(told.sandbox()).isFalse();
        assertThat(told.settings()).containsAllEntriesOf(Map.of("muster.installation", "team-a", "muster.secrets.folder", folder.resolve("secrets").toString(),
                "muster.aws.accounts.\"research\".regions", "us-east-1,us-west-2", "muster.aws.accounts.\"research\".image", "ami-0b7c2d91e5f340a68",
                "muster.connections.\"default\".api", "https://clearml.example.com:8008",
                "muster.connections.\"default\".machine-hosts.api", "https://api.example.com"));
        assertThat(told.settings().keySet()).noneMatch(key -> key.contains("bootstrap") || key.startsWith("quarkus."));
    }

    @Test
    void printsTheQuestionForWhereTheProvisionerRuns() throws Exception {
        var ran = examine("--question", "--account", "research");
        assertThat(ran.err()).isEmpty();
        assertThat(ran.exitCode()).isZero();
        var question = Output.JSON.readTree(ran.out());
        assertThat(question.has("settings")).as("its own settings are used there").isFalse();
        assertThat(question.path("account").asText()).isEqualTo("research");
        assertThat(question.at("/fleets/0/workersPrefix").asText()).as("defaults are filled in").isEqualTo("team-a-train");
        assertThat(question.at("/fleets/0/pools/0/offers/0/key/machineType").asText()).isEqualTo("g5.xlarge");
    }

    @Test
    void namesTheAccountsThereAre() throws Exception {
        var ran = examine("--account", "other");
        assertThat(ran.exitCode()).isEqualTo(2);
        assertThat(ran.err()).contains("there is no account other: there are research");
    }

    @Test
    void saysThatTheProvisionerIsNotBuilt() throws Exception {
        var before = System.getProperty("muster.home");
        System.setProperty("muster.home", folder.toString());
        try {
            var ran = examine();
            assertThat(ran.exitCode()).isEqualTo(1);
            assertThat(ran.err()).contains("aws-provisioner is not built");
        } finally {
            if (before == null) {
                System.clearProperty("muster.home");
            } else {
                System.setProperty("muster.home", before);
            }
        }
    }

    @Test
    void asksForAFileWhereNothingRuns() {
        var ran = Ran.of("doctor", "aws", "--folder", folder.toString());
        assertThat(ran.exitCode()).isEqualTo(3);
        assertThat(ran.err()).contains("muster.yaml");
    }
}
