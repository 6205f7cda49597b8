package dev.muster.contracts;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.contracts.SpecSecrets.Wanted;
import dev.muster.v1.NamedState;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SpecSecretsTest {

    @TempDir
    Path folder;

    @Test
    void everySecretOfASpecIsFoundWithWhoeverReadsIt() throws Exception {
        var spec = FleetYaml.read("""
                name: train
                queues: {gpu: {}}
                pools:
                  cloud:
                    offers:
                      - {provider: aws, region: us-east-1, type: g4dn.xlarge}
                      - {provider: gcp, region: us-central1, type: g2-standard-4}
                    max: 3
                    agent:
                      environment: {HF_TOKEN: {secretRef: hf-token}, OTHER: plain}
                      extraConf: {secretRef: "ssm:/muster/conf"}
                      storage:
                        s3: [{bucket: data, key: {secretRef: s3-key}, secret: {secretRef: s3-secret}}]
                  pods:
                    provider: k8s
                    namespace: ml
                    max: 3
                    agent: {environment: {HF_TOKEN: {secretRef: hf-token}, PIP: {secretRef: "kubernetes:pip"}}}
                notifications:
                  - secret: slack
                """);

        assertThat(SpecSecrets.of(spec)).containsExactly(
                new Wanted("hf-token", ""), new Wanted("hf-token", "aws-provisioner"), new Wanted("hf-token", "gcp-provisioner"),
                new Wanted("kubernetes:pip", ""),
                new Wanted("s3-key", "aws-provisioner"), new Wanted("s3-key", "gcp-provisioner"),
                new Wanted("s3-secret", "aws-provisioner"), new Wanted("s3-secret", "gcp-provisioner"),
                new Wanted("slack", "planner"),
                new Wanted("ssm:/muster/conf", ""));
    }

    @Test
    void aServiceSaysTheNamesInItsFolderAndThoseItLacks() throws Exception {
        for (var name : List.of("hf-token", "clearml-default-secret-key", "aws-main-access-key-id", "gcp-lab-key", "k8s-lab-token", "kafka-password", "git-pass")) {
            Files.writeString(folder.resolve(name), "planted-" + name);
        }
        Files.createDirectory(folder.resolve("sub"));
        Files.writeString(folder.resolve(".hidden"), "planted");

        var states = SpecSecrets.states(new SecretsFolder(folder), Set.of("hf-token", "gcp-lab-key", "wandb"));

        assertThat(states).containsExactly(has("gcp-lab-key"), has("git-pass"), has("hf-token"), NamedState.newBuilder().setName("wandb")
                .setDetail("a spec names it, and the secrets folder has no file of that name").build());
        assertThat(states.toString()).doesNotContain("planted");
    }

    @Test
    void aFolderThatIsNotThereLacksEverything() {
        assertThat(SpecSecrets.states(new SecretsFolder(folder.resolve("none")), Set.of("slack"))).extracting(NamedState::getName, NamedState::getOk)
                .containsExactly(org.assertj.core.groups.Tuple.tuple("slack", false));
    }

    private static NamedState has(String name) {
        return NamedState.newBuilder().setName(name).setOk(true).build();
    }
}
