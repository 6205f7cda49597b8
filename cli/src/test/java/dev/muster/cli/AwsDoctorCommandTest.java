package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;

class AwsDoctorCommandTest extends CloudDoctorContract {

    @Override
    Cloud cloud() {
        return Cloud.AWS;
    }

    @Override
    String accounts() {
        return "{research: {provider: aws, regions: [us-east-1, us-west-2], image: ami-0b7c2d91e5f340a68}}";
    }

    @Override
    String region() {
        return "us-east-1";
    }

    @Override
    String machineType() {
        return "g5.xlarge";
    }

    @Override
    JsonNode answer() throws IOException {
        return Output.JSON.readTree("""
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
    }

    @Test
    void asksWhatTheProvisionerWouldBeTold() throws Exception {
        assertThat(told().settings()).containsAllEntriesOf(Map.of("muster.aws.accounts.\"research\".regions", "us-east-1,us-west-2",
                "muster.aws.accounts.\"research\".image", "ami-0b7c2d91e5f340a68"));
    }

    @Test
    void namesTheAccountsThereAre() throws Exception {
        var ran = examine("--account", "other");
        assertThat(ran.exitCode()).isEqualTo(2);
        assertThat(ran.err()).contains("there is no account other: there are research");
    }
}
