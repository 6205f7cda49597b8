package dev.muster.planner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.smallrye.config.SmallRyeConfigBuilder;
import dev.muster.contracts.SecretsFolder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SettingsTest {

    @Test
    void everyKeyHasItsDefault() {
        var settings = settings(Map.of("muster.instance", "one"));
        assertThat(settings).isEqualTo(new Settings("lab", "one", dev.muster.contracts.KafkaConnection.plaintext("localhost:9092"), new dev.muster.contracts.Topics("muster.", 32), Duration.ofMillis(10),
                Duration.ofMillis(20), Duration.ofSeconds(6), Duration.ofSeconds(3), 1, 1, Duration.ofSeconds(10), 2000, new SecretsFolder(Path.of("secrets")), Optional.empty()));
        assertThat(settings.source()).isEqualTo("/lab/planner/one");
    }

    @Test
    void anInstanceIsNamedAfterItsHostAndProcess() {
        assertThat(settings(Map.of()).instance()).endsWith(":" + ProcessHandle.current().pid());
    }

    @ParameterizedTest(name = "{0}={1}")
    @MethodSource("mistakes")
    void aBadKeyIsNamedWithItsFix(String key, String value) {
        assertThatThrownBy(() -> settings(Map.of(key, value))).isInstanceOf(IllegalArgumentException.class).hasMessageContaining(key);
    }

    static Stream<Arguments> mistakes() {
        return Stream.of(
                Arguments.of("muster.installation", ""),
                Arguments.of("muster.installation", "My Lab"),
                Arguments.of("muster.kafka.bootstrap-servers", ""),
                Arguments.of("muster.kafka.security.protocol", "TLS"),
                Arguments.of("muster.topics.prefix", "a/b"),
                Arguments.of("muster.topics.input-partitions", "0"),
                Arguments.of("muster.planner.beat", "0"),
                Arguments.of("muster.planner.session-timeout", "1"),
                Arguments.of("muster.planner.transaction-timeout", "0"),
                Arguments.of("muster.planner.threads", "0"),
                Arguments.of("muster.planner.standby-replicas", "-1"),
                Arguments.of("muster.planner.answer-timeout", "0"),
                Arguments.of("muster.planner.decisions-kept", "1"),
                Arguments.of("muster.traces.endpoint", "collector:4318"),
                Arguments.of("muster.traces.ratio", "2"));
    }

    private static Settings settings(Map<String, String> changed) {
        var keys = new HashMap<>(Map.of("muster.installation", "lab", "muster.kafka.bootstrap-servers", "localhost:9092"));
        keys.putAll(changed);
        return Settings.of(new SmallRyeConfigBuilder().addDiscoveredConverters().withMapping(PlannerConfig.class).withConverter(Duration.class, 200, new io.quarkus.runtime.configuration.DurationConverter())
                .withSources(new io.smallrye.config.PropertiesConfigSource(keys, "test", 500)).build().getConfigMapping(PlannerConfig.class));
    }
}
