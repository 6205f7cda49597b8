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

class GcpDoctorCommandTest {

    private static final Path PAGE = Path.of("..", "docs", "gcp-doctor.md");

    @TempDir
    Path folder;

    private Ran examine(String... more) throws IOException {
        Files.writeString(folder.resolve("muster.yaml"), """
                installation: team-a
                connections: {default: {api: "https://clearml.example.com:8008", machineHosts: {api: "https://api.example.com"}}}
                accounts:
                  research: {provider: gcp, project: research-4711, regions: [us-central1, europe-west4], image: mine}
                  elsewhere: {provider: aws, regions: [us-east-1]}
                """);
        Files.writeString(folder.resolve("train.yaml"), """
                name: train
                queues: {gpu: [main]}
                pools: {main: {provider: gcp, account: research, region: us-central1, type: g2-standard-4, max: 4}}
                """);
        var arguments = new ArrayList<>(List.of("doctor", "gcp", "--config", folder.resolve("muster.yaml").toString(), "-f", folder.resolve("train.yaml").toString()));
        arguments.addAll(List.of(more));
        return Ran.of(arguments.toArray(String[]::new));
    }

    @Test
    void showsAnAnswerAsItsPageDoes() throws Exception {
        var answer = Output.JSON.readTree("""
                {"account": "default", "region": "us-central1", "checks": [
                  {"check": "endpoint", "of": "", "state": "ok", "seen": "https://compute.googleapis.com answers in 61 ms", "fix": ""},
                  {"check": "clock", "of": "", "state": "ok", "seen": "Google's is this computer's", "fix": ""},
                  {"check": "credentials", "of": "", "state": "ok", "seen": "muster@research-4711.iam.gserviceaccount.com", "fix": ""},
                  {"check": "permissions", "of": "", "state": "failed", "seen": "not allowed: compute.instances.setMetadata",
                    "fix": "give muster@research-4711.iam.gserviceaccount.com a role that has them: deploy/gcp/role-muster.yaml is one"},
                  {"check": "quota", "of": "NVIDIA_T4_GPUS", "state": "warning", "seen": "4 of 8, since others use 4, and the fleets may grow to 6",
                    "fix": "ask for more of NVIDIA_T4_GPUS in the region under IAM and Admin, Quotas, or lower the limits of the fleets"},
                  {"check": "image", "of": "debian-12", "state": "failed",
                    "seen": "debian-12-bookworm-arm64-v20260114 is for ARM64, and n1-standard-4 of train/main is X86_64",
                    "fix": "name an image for that architecture in image of the pool"},
                  {"check": "disk", "of": "train/main", "state": "skipped", "seen": "can't be told before image is in order", "fix": ""}]}
                """);
        var out = new ByteArrayOutputStream();
        CloudDoctorCommand.show(answer, new Output(new PrintStream(out, true, StandardCharsets.UTF_8), false, false));
        var shown = Pattern.compile("^```\n(account default.*?)^```$", Pattern.DOTALL | Pattern.MULTILINE).matcher(Files.readString(PAGE));
        assertThat(shown.find()).as("the page shows an answer").isTrue();
        assertThat(out.toString(StandardCharsets.UTF_8)).isEqualTo(shown.group(1));
    }

    @Test
    void asksWhatTheProvisionerWouldBeTold() throws Exception {
        examine();
        var common = new CommonOptions();
        common.folder = folder.resolve(".muster");
        var told = CloudInstallation.of(Cloud.GCP, common, folder.resolve("muster.yaml"));
        assertThat(told.name()).isEqualTo("team-a");
        assertThat(told.sandbox()).isFalse();
        assertThat(told.settings()).containsAllEntriesOf(Map.of("muster.installation", "team-a", "muster.secrets.folder", folder.resolve("secrets").toString(),
                "muster.gcp.accounts.\"research\".regions", "us-central1,europe-west4", "muster.gcp.accounts.\"research\".project", "research-4711",
                "muster.gcp.accounts.\"research\".image", "mine", "muster.connections.\"default\".machine-hosts.api", "https://api.example.com"));
    }

    @Test
    void printsTheQuestionForWhereTheProvisionerRuns() throws Exception {
        var ran = examine("--question", "--account", "research");
        assertThat(ran.err()).isEmpty();
        assertThat(ran.exitCode()).isZero();
        var question = Output.JSON.readTree(ran.out());
        assertThat(question.has("settings")).as("its own settings are used there").isFalse();
        assertThat(question.path("account").asText()).isEqualTo("research");
        assertThat(question.at("/fleets/0/pools/0/offers/0/key/machineType").asText()).isEqualTo("g2-standard-4");
    }

    @Test
    void namesTheAccountsOfItsCloud() throws Exception {
        var ran = examine("--account", "elsewhere");
        assertThat(ran.exitCode()).isEqualTo(2);
        assertThat(ran.err()).contains("there is no account elsewhere: there are research");
    }

    @Test
    void saysThatThereIsNoAccountOfItsCloud() throws Exception {
        var file = folder.resolve("aws.yaml");
        Files.writeString(file, """
                installation: team-a
                connections: {default: {api: "https://clearml.example.com:8008"}}
                accounts: {default: {provider: aws, regions: [us-east-1]}}
                """);
        var ran = Ran.of("doctor", "gcp", "--config", file.toString());
        assertThat(ran.exitCode()).isEqualTo(1);
        assertThat(ran.err()).contains("names no account of Google Cloud", "provider: gcp, project: my-project-123");
    }
}
