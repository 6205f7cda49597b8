package dev.muster.contracts;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.v1.NotificationSpec;
import dev.muster.v1.Violation;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class KeysInClearTest {

    @Test
    void knowsKeysAndPasswordsByTheirShapeAndByWhatStandsBeforeThem() {
        assertThat(List.of(
                "AKIA" + "IOSFODNN7EXAMPLE", "-----BEGIN " + "OPENSSH PRIVATE KEY-----", "ghp" + "_0123456789abcdefghijABCDEFGHIJ012345",
                "https://hooks.slack.com/services/" + "T000/B000/x", "pip install --index-url https://ann:hunter2@pypi.example.org/simple",
                "postgres://app:s3cr3t@db.example.org:5432/app", "agent.git_pass: \"hunter2\"", "git_pass=hunter2", "export DB_PASSWORD=hunter2",
                "\"secret_key\": \"hunter2\"", "sdk { aws { s3 { secret: hunter2 } } }", "docker login -u ann -p hunter2 registry.example.org",
                "docker login --password=hunter2", "curl -s -u ann:hunter2 https://example.org")).allMatch(KeysInClear::isIn);
    }

    @Test
    void leavesAloneWhatOnlyNamesASecretOrFillsItIn() {
        assertThat(List.of(
                "", "https://pypi.example.org/simple", "ssh://git@git.example.org:22/code.git", "https://${USER}:${PASS}@example.org", "https://user:$PASS@example.org",
                "git_pass: ${GIT_PASS}", "export TOKEN=$(cat /run/token)", "password=`cat /run/password`", "PASSWORD=/run/secrets/password", "secretRef: git-password",
                "\"secret\": {\"secretName\": \"x\"}", "secretKeyRef: {name: x, key: y}", "tokenizers_parallelism: false", "password: null",
                "docker login --password-stdin < /run/password", "docker login -p \"$PASS\"", "the password is asked for")).noneMatch(KeysInClear::isIn);
    }

    @Test
    void takesWhatIsLongAndRandomForAKeyWhereKeysArePasted() {
        assertThat(KeysInClear.isLikelyIn("k=wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYq9Zt2")).isTrue();
        assertThat(KeysInClear.isIn("wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYq9Zt2")).isFalse();
        assertThat(KeysInClear.isLikelyIn("sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")).isFalse();
        assertThat(KeysInClear.isLikelyIn("/opt/conda/envs/training/lib/python3/site-packages/torch/lib")).isFalse();
    }

    @Test
    void knowsVariablesThatHoldSecrets() {
        assertThat(List.of("CLEARML_AGENT_GIT_PASS", "DB_PASSWORD", "AWS_SECRET_ACCESS_KEY", "HF_TOKEN", "OPENAI_API_KEY")).allMatch(KeysInClear::isSecretByName);
        assertThat(List.of("TOKENIZERS_PARALLELISM", "PAD_TOKEN", "PUBLIC_KEY", "PASSENGERS", "KEYBOARD", "PATH")).noneMatch(KeysInClear::isSecretByName);
    }

    @Test
    void saysWhereByThePathsOfTheYamlAndNeverWhat() throws InvalidYamlException {
        var spec = FleetYaml.read("""
                name: train
                queues: {gpu: [t4]}
                pools:
                  t4:
                    provider: aws
                    region: us-east-1
                    type: "https://ann:hunter2@example.org"
                    max: 1
                    tags: {note: "password=hunter2"}
                    aws: {launchSpec: {KeyName: "https://ann:hunter2@example.org"}}
                    agent:
                      environment: {DB_PASSWORD: hunter2, INDEX: "https://ann:hunter2@example.org", MODE: fast, HF_TOKEN: {secretRef: hf-token}, OTHER: {secretRef: "hunter2!"}, STORED: {secretRef: "ssm:/a"}}
                      extraConf: 'agent.git_pass: "hunter2"'
                      initScript: "docker login -u ann -p hunter2"
                      checkpointHook: "curl -u ann:hunter2 https://example.org"
                      storage: {s3: [{key: {secretRef: s3-key}, secret: hunter2}]}
                  pods: {provider: k8s, namespace: ml, max: 1, k8s: {annotations: {a: "password=hunter2"}, template: {spec: {x: "password=hunter2"}}}}
                  google: {provider: gcp, region: us-central1, type: n1-standard-1, max: 1, gcp: {metadata: {a: "password=hunter2", ssh-keys: "ann:ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQDVh2hZ7VnYz4TfXQ1m9b8k7LrQ2w5e6R"}}}
                """).toBuilder().addNotifications(NotificationSpec.newBuilder().setWebhookSecret("https://hooks.slack.com/services/T0/B0/hunter2")).build();

        assertThat(KeysInClear.in(spec)).extracting(Violation::getField).containsExactlyInAnyOrder("notifications[0].secret", "pools.t4.offers[0].key.machineType",
                "pools.t4.tags.note", "pools.t4.aws.launchSpec", "pools.t4.agent.environment.DB_PASSWORD", "pools.t4.agent.environment.INDEX", "pools.t4.agent.environment.OTHER.secretRef", "pools.t4.agent.extraConf",
                "pools.t4.agent.initScript", "pools.t4.agent.checkpointHook", "pools.t4.agent.storage.s3[0].secret", "pools.pods.k8s.annotations.a", "pools.pods.k8s.template",
                "pools.google.gcp.metadata.a");
        assertThat(KeysInClear.in(spec).toString()).doesNotContain("hunter2");
    }

    /** Texts of a spec are as long as a call may be, and anybody who may validate sends them. */
    @Test
    void looksThroughALongTextInNoTime() {
        for (var part : List.of("a", "_", "a.", "://", "docker login ", "curl -u ", "password ", "x:y@", "https://a:")) {
            var text = part.repeat(100_000 / part.length());
            var began = System.nanoTime();
            KeysInClear.isLikelyIn(text);
            assertThat(Duration.ofNanos(System.nanoTime() - began)).as(part).isLessThan(Duration.ofSeconds(10));
        }
    }
}
