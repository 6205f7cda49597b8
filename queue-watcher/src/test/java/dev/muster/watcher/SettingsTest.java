package dev.muster.watcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfig;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SettingsTest {

    @TempDir
    Path secrets;

    private final Map<String, String> properties = new HashMap<>();

    @BeforeEach
    void setWhatIsRequired() throws Exception {
        Files.writeString(secrets.resolve("clearml-default-access-key"), "access\n");
        Files.writeString(secrets.resolve("clearml-default-secret-key"), "very-secret\n");
        properties.put("muster.installation", "prod");
        properties.put("muster.kafka.bootstrap-servers", "kafka:9092");
        properties.put("muster.secrets.folder", secrets.toString());
        properties.put("muster.connections.default.api", "http://clearml:8008");
    }

    private String problem() {
        return Settings.problem(new SmallRyeConfigBuilder().withSources(new PropertiesConfigSource(properties, "test", 100)).build());
    }

    private String problemWith(String key, String value) {
        properties.put(key, value);
        return problem();
    }

    private String problemWithout(String key) {
        properties.remove(key);
        return problem();
    }

    @Test
    void whatIsRequiredIsEnough() {
        assertThat(problem()).isNull();
    }

    @Test
    void everyDefault() {
        var config = mapping();
        var connection = config.connections().get("default");

        assertThat(config.instance()).isEmpty();
        assertThat(config.log().levelsFile()).isEmpty();
        assertThat(config.topics().prefix()).isEqualTo("muster.");
        assertThat(config.topics().inputPartitions()).isEqualTo(32);
        assertThat(connection.interval()).isEmpty();
        assertThat(new Settings(config).interval("default")).isEqualTo(Duration.ofSeconds(1));
        assertThat(connection.registerWorker()).isTrue();
        assertThat(new Settings(config).worker("default")).contains("muster-queue-watcher@prod.default");
        assertThat(connection.connectTimeout()).isEqualTo(Duration.ofSeconds(3));
        assertThat(connection.timeout()).isEqualTo(Duration.ofSeconds(8));
        assertThat(connection.caBundle()).isEmpty();
        assertThat(connection.proxy()).isEmpty();
        assertThat(connection.compression()).isTrue();
    }

    @Test
    void aServiceThatManyShareIsAskedLessOften() {
        properties.put("muster.connections.default.api", "https://api.clear.ml");
        properties.put("muster.connections.near.api", "https://clear.ml.example.com");
        properties.put("muster.connections.eager.api", "https://app.clear.ml/api");
        properties.put("muster.connections.eager.interval", "2s");
        var settings = new Settings(mapping());

        assertThat(settings.interval("default")).isEqualTo(Duration.ofSeconds(10));
        assertThat(settings.interval("near")).isEqualTo(Duration.ofSeconds(1));
        assertThat(settings.interval("eager")).isEqualTo(Duration.ofSeconds(2));
    }

    @Test
    void whatIsMissingIsNamedWithItsFix() {
        assertThat(problemWithout("muster.connections.default.api"))
                .contains("no connection is configured", "muster.connections.default.api");
        assertThat(problemWithout("muster.secrets.folder")).contains("muster.secrets.folder is not set", "MUSTER_SECRETS_FOLDER");
        assertThat(problemWithout("muster.kafka.bootstrap-servers"))
                .contains("muster.kafka.bootstrap-servers is not set", "host:port", "MUSTER_KAFKA_BOOTSTRAP_SERVERS");
        assertThat(problemWithout("muster.installation")).contains("muster.installation is not set");
    }

    @Test
    void whatIsWrongIsNamedInOneLine() {
        assertThat(problemWith("muster.connections.default.interval", "soon")).contains("muster.connections.default.interval").doesNotContain("\n");
        assertThat(problemWith("muster.connections.default.interval", "1ms")).contains("at least 50ms");
        properties.remove("muster.connections.default.interval");
        assertThat(problemWith("muster.connections.default.ca-bundle", "/no/such.pem")).contains("muster.connections.default.ca-bundle", "/no/such.pem");
        properties.remove("muster.connections.default.ca-bundle");
        assertThat(problemWith("muster.connections.default.proxy", "proxy")).contains("connection default", "http://host:port");
        properties.remove("muster.connections.default.proxy");
        assertThat(problemWith("muster.topics.input-partitions", "0")).contains("at least 1");
        properties.remove("muster.topics.input-partitions");
        assertThat(problemWith("muster.connections.default.api", "clearml")).contains("connection default", "'clearml'", "http://host[:port]");
    }

    @Test
    void aSecretThatIsMissingIsNamedByItsFile() throws Exception {
        Files.delete(secrets.resolve("clearml-default-secret-key"));

        assertThat(problem()).contains(secrets.resolve("clearml-default-secret-key").toString());
    }

    @Test
    void aRotatedSecretIsSeenAndNeverShown() throws Exception {
        var settings = new Settings(mapping());
        var before = settings.credentials("default");

        Files.writeString(secrets.resolve("clearml-default-secret-key"), "newer\n");

        assertThat(before.secretKey()).isEqualTo("very-secret");
        assertThat(settings.credentials("default").secretKey()).isEqualTo("newer");
        assertThat(before.toString()).doesNotContain("very-secret");
    }

    private WatcherConfig mapping() {
        SmallRyeConfig config = new SmallRyeConfigBuilder().addDiscoveredConverters().withMapping(WatcherConfig.class)
                .withSources(new PropertiesConfigSource(properties, "test", 100)).build();
        return config.getConfigMapping(WatcherConfig.class);
    }
}
