package dev.muster.provisioner.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.provisioner.boot.BootPlan;
import io.quarkus.runtime.configuration.DurationConverter;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every setting of a provisioner with its default, and what a bad one is told. */
class HostConfigTest {

    private static HostConfig config(Map<String, String> told) {
        return new SmallRyeConfigBuilder().withMapping(HostConfig.class).withValidateUnknown(false)
                .withConverter(Duration.class, 200, new DurationConverter())
                .withSources(new PropertiesConfigSource(told, "test", 100)).build().getConfigMapping(HostConfig.class);
    }

    @Test
    void hasTheseDefaults() {
        var config = config(Map.of());

        assertThat(config.installation()).isEmpty();
        assertThat(config.instance()).isEmpty();
        assertThat(config.kafka().bootstrapServers()).isEqualTo("localhost:9092");
        assertThat(config.topics().prefix()).isEqualTo("muster.");
        assertThat(config.topics().inputPartitions()).isEqualTo(32);
        assertThat(config.secrets().folder()).isEqualTo("secrets");
        assertThat(config.inventory().fast()).isEqualTo(Duration.ofSeconds(2));
        assertThat(config.inventory().slow()).isEqualTo(Duration.ofSeconds(60));
        assertThat(config.prices().file()).isEmpty();
        assertThat(config.connections()).isEmpty();
    }

    @Test
    void aPriceFileThatCantBeReadIsNamedWithItsFix(@TempDir Path folder) throws IOException {
        var missing = folder.resolve("none.yaml");
        assertThatThrownBy(() -> HostStart.settings(config(Map.of("muster.installation", "lab", "muster.prices.file", missing.toString())), "aws-provisioner", "1"))
                .hasMessageStartingWith("muster.prices.file is '" + missing + "', which can't be read");
        var wrong = Files.writeString(folder.resolve("wrong.yaml"), "prices: {aws: {us-east-1: {g4dn.xlarge: 0.526}}}\n");
        assertThatThrownBy(() -> HostStart.settings(config(Map.of("muster.installation", "lab", "muster.prices.file", wrong.toString())), "aws-provisioner", "1"))
                .hasMessageContaining("asOf");
    }

    @Test
    void readsConnectionsByName() {
        var settings = HostStart.settings(config(Map.of("muster.installation", "lab", "muster.instance", "aws-0",
                "muster.connections.\"default\".api", "http://clearml:8008/", "muster.connections.\"default\".machine-hosts.web", "https://web.example")),
                "aws-provisioner", "1");

        assertThat(settings.named()).isTrue();
        assertThat(settings.connections().get("default").machineHosts())
                .isEqualTo(new BootPlan.Hosts("http://clearml:8008", "https://web.example", "http://clearml:8081"));
    }

    @Test
    void machinesFindClearmlsOtherHostsByItsCustom() {
        assertThat(Connection.of("a", "https://api.clear.ml", Optional.empty(), Optional.empty(), Optional.empty()).machineHosts())
                .isEqualTo(new BootPlan.Hosts("https://api.clear.ml", "https://app.clear.ml", "https://files.clear.ml"));
        assertThat(Connection.of("a", "http://127.0.0.1:34567", Optional.of("http://10.0.0.1:34567"), Optional.empty(), Optional.empty()).machineHosts())
                .isEqualTo(new BootPlan.Hosts("http://10.0.0.1:34567", "http://10.0.0.1:34567", "http://10.0.0.1:34567"));
    }

    @Test
    void anAddressThatMayHoldAPasswordIsNotRepeated() {
        assertThatThrownBy(() -> HostStart.settings(config(Map.of("muster.installation", "lab", "muster.connections.\"x\".api", "http://ann:hunter2@clearml:8008")), "aws-provisioner", "1"))
                .hasMessageStartingWith("an address of muster.connections.x has a user name, a password").hasMessageNotContaining("hunter2");
        assertThatThrownBy(() -> HostStart.url("muster.aws.accounts.x.endpoint", Optional.of("http://ann:hunter2@aws"), "http://127.0.0.1:4566"))
                .hasMessageStartingWith("muster.aws.accounts.x.endpoint has a user name, a password").hasMessageNotContaining("hunter2");
    }

    @Test
    void aMissingKeyIsNamedWithItsFix() {
        assertThatThrownBy(() -> HostStart.settings(config(Map.of()), "aws-provisioner", "1"))
                .hasMessage("muster.installation is missing; set it to a name that no other Muster on the same clouds has");
        assertThatThrownBy(() -> HostStart.settings(config(Map.of("muster.installation", "Not A Name")), "aws-provisioner", "1"))
                .hasMessageStartingWith("muster.installation is 'Not A Name'; use ");
        assertThatThrownBy(() -> HostStart.settings(config(Map.of("muster.installation", "lab", "muster.connections.\"x\".machine-hosts.web", "http://w")),
                "aws-provisioner", "1")).hasMessageStartingWith("muster.connections.x.api is missing");
        assertThatThrownBy(() -> HostStart.settings(config(Map.of("muster.installation", "lab", "muster.inventory.slow", "1s")), "aws-provisioner", "1"))
                .hasMessageContaining("need 0 < fast <= slow");
    }
}
