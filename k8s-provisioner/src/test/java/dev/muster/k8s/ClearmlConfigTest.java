package dev.muster.k8s;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.clearml.ClearmlAddress;
import io.quarkus.runtime.configuration.DurationConverter;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every setting of a connection that the Kubernetes provisioner reads, with its default, and what a bad one is told. */
class ClearmlConfigTest {

    private static ClearmlConfig config(Map<String, String> told) {
        return new SmallRyeConfigBuilder().withMapping(ClearmlConfig.class).withValidateUnknown(false)
                .withConverter(Duration.class, 200, new DurationConverter())
                .withSources(new PropertiesConfigSource(told, "test", 100)).build().getConfigMapping(ClearmlConfig.class);
    }

    @Test
    void callsAServerAsTheOtherServicesDo() {
        // When
        var addresses = ClearmlServers.addresses(config(Map.of("muster.connections.main.api", "http://clearml:8008",
                "muster.connections.main.machine-hosts.web", "http://web")));

        // Then
        assertThat(addresses).isEqualTo(Map.of("main", ClearmlAddress.at(URI.create("http://clearml:8008"))));
    }

    @Test
    void takesEverySetting(@TempDir Path folder) throws Exception {
        // Given
        var bundle = Files.writeString(folder.resolve("ca.pem"), "");
        var at = "muster.connections.main.";

        // When
        var addresses = ClearmlServers.addresses(config(Map.of(at + "api", "https://clearml", at + "connect-timeout", "1s", at + "timeout", "20s",
                at + "ca-bundle", bundle.toString(), at + "compression", "false", at + "proxy", "http://proxy:3128")));

        // Then
        assertThat(addresses.get("main")).isEqualTo(new ClearmlAddress(URI.create("https://clearml"), Duration.ofSeconds(1), Duration.ofSeconds(20),
                Optional.of(bundle), Optional.of(URI.create("http://proxy:3128")), false));
    }

    @Test
    void whatIsWrongIsNamedWithItsFix() {
        assertThatThrownBy(() -> ClearmlServers.addresses(config(Map.of("muster.connections.main.timeout", "20s"))))
                .hasMessage("muster.connections.main.api is missing; set it to the URL of the ClearML API server");
        assertThatThrownBy(() -> ClearmlServers.addresses(config(Map.of("muster.connections.main.api", "clearml:8008"))))
                .hasMessageStartingWith("connection main: ClearML API address 'clearml:8008' must be http://host");
        assertThatThrownBy(() -> ClearmlServers.addresses(config(Map.of("muster.connections.main.api", "http://x", "muster.connections.main.ca-bundle", "/none"))))
                .hasMessage("file /none of muster.connections.main.ca-bundle can't be read");
    }
}
