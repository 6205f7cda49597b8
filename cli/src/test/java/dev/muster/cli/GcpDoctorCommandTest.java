package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Map;
import org.junit.jupiter.api.Test;

class GcpDoctorCommandTest extends CloudDoctorContract {

    @Override
    Cloud cloud() {
        return Cloud.GCP;
    }

    @Override
    String accounts() {
        return """
                {research: {provider: gcp, project: research-4711, regions: [us-central1, europe-west4], image: mine},
                  elsewhere: {provider: aws, regions: [us-east-1]}}""";
    }

    @Override
    String region() {
        return "us-central1";
    }

    @Override
    String machineType() {
        return "g2-standard-4";
    }

    @Override
    JsonNode answer() throws IOException {
        return Output.JSON.readTree("""
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
    }

    @Test
    void asksWhatTheProvisionerWouldBeTold() throws Exception {
        assertThat(told().settings()).containsAllEntriesOf(Map.of("muster.gcp.accounts.\"research\".regions", "us-central1,europe-west4",
                "muster.gcp.accounts.\"research\".project", "research-4711", "muster.gcp.accounts.\"research\".image", "mine"));
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
