package dev.muster.provisioner.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.contracts.SecretRef;
import dev.muster.contracts.SecretsFolder;
import dev.muster.provisioner.boot.BootPlan;
import dev.muster.provisioner.boot.Given;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.v1.BootSpec;
import dev.muster.v1.Value;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BootTranslatorTest {

    @TempDir
    Path secrets;

    @BeforeEach
    void keys() throws IOException {
        Files.writeString(secrets.resolve("clearml-default-access-key"), "ACCESS");
        Files.writeString(secrets.resolve("clearml-default-secret-key"), "SECRET");
    }

    private BootPlan translate(BootSpec.Builder spec) throws ProviderException {
        var connection = Connection.of("default", "http://127.0.0.1:8008", Optional.empty(), Optional.empty(), Optional.empty());
        return new BootTranslator(Map.of("default", connection), new SecretsFolder(secrets))
                .translate("lab-train:gpu:any", spec.addQueueIds("0123456789abcdef0123456789abcdef").build(), "default");
    }

    @Test
    void theFleetsImageComesBeforeOurs() throws ProviderException {
        assertThat(translate(BootSpec.newBuilder().setDefaultImage("ubuntu:24.04")).defaultImage()).isEqualTo("ubuntu:24.04");
    }

    @Test
    void whereNoneIsNamedThereIsCudaUnlessGpusAreNotUsed() throws ProviderException {
        assertThat(translate(BootSpec.newBuilder()).defaultImage()).isEqualTo(BootPlan.DEFAULT_IMAGE).startsWith("nvidia/cuda:");
        assertThat(translate(BootSpec.newBuilder().setCpuOnly(true)).defaultImage()).isEqualTo(BootPlan.DEFAULT_CPU_IMAGE);
    }

    @Test
    void aHardAgeIsTheMachines() throws ProviderException {
        assertThat(translate(BootSpec.newBuilder()).hardAge()).isEmpty();
        assertThat(translate(BootSpec.newBuilder().setHardAge(com.google.protobuf.Duration.newBuilder().setSeconds(7200))).hardAge()).contains(Duration.ofHours(2));
    }

    @Test
    void thePageNamesTheseImages() throws IOException {
        assertThat(Files.readString(Path.of("..", "docs", "fleet-spec.md"))).contains(BootPlan.DEFAULT_IMAGE, BootPlan.DEFAULT_CPU_IMAGE);
    }

    @Test
    void whatAStoreKeepsIsLeftToTheMachine() throws Exception {
        Files.writeString(secrets.resolve("git-password"), "ssm:/muster/git\n");
        Files.writeString(secrets.resolve("token"), "ssm:no reference, it goes on\n");
        var plan = translate(BootSpec.newBuilder().setExtraConf(kept("secretsmanager:lab#conf")).putEnvironment("GIT", kept("git-password"))
                .putEnvironment("TOKEN", kept("token")));

        assertThat(plan.extraConf()).isEqualTo(Given.kept(SecretRef.parse("secretsmanager:lab#conf")));
        assertThat(plan.environment()).isEqualTo(Map.of("GIT", Given.kept(SecretRef.parse("ssm:/muster/git")), "TOKEN", Given.text("ssm:no reference, it goes on")));
        assertThat(plan.fetches()).isTrue();
        assertThat(translate(BootSpec.newBuilder().putEnvironment("TOKEN", kept("token"))).fetches()).isFalse();
        assertThatThrownBy(() -> translate(BootSpec.newBuilder().setInitScript(kept("vault:init")))).isInstanceOfSatisfying(ProviderException.class,
                refused -> assertThat(refused.getMessage()).startsWith("boot.init_script: 'vault:init' names a secret store that machines can't read; write "));
    }

    @Test
    void machinesMayHaveKeysOfTheirOwnWhichMayBeKeptInAStore() throws Exception {
        assertThat(translate(BootSpec.newBuilder()).keys()).isEqualTo(new BootPlan.Keys(Given.text("ACCESS"), Given.text("SECRET")));

        Files.writeString(secrets.resolve("clearml-default-machine-access-key"), "MACHINE");
        assertThatThrownBy(() -> translate(BootSpec.newBuilder())).isInstanceOf(ProviderException.class).hasMessageContaining("no secret clearml-default-machine-secret-key");
        Files.writeString(secrets.resolve("clearml-default-machine-secret-key"), "ssm:/muster/clearml-secret");
        assertThat(translate(BootSpec.newBuilder()).keys()).isEqualTo(new BootPlan.Keys(Given.text("MACHINE"), Given.kept(SecretRef.parse("ssm:/muster/clearml-secret"))));

        // Whoever calls ClearML itself needs more than a name.
        Files.writeString(secrets.resolve("clearml-default-access-key"), "ssm:/muster/clearml-access");
        assertThatThrownBy(() -> new SecretsFolder(secrets).requireHere("clearml-default-access-key")).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("holds ssm:/muster/clearml-access, which only machines read");
    }

    private static Value kept(String reference) {
        return Value.newBuilder().setSecretRef(reference).build();
    }
}
