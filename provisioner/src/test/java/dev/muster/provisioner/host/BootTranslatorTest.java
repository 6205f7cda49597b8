package dev.muster.provisioner.host;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.contracts.SecretsFolder;
import dev.muster.provisioner.boot.BootPlan;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.v1.BootSpec;
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
}
