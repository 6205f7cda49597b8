package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.contracts.Topics;
import dev.muster.sandbox.broker.KafkaBroker;
import io.fabric8.kubernetes.api.model.ConfigMap;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.config.ConfigResource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code muster topics create} at a real broker, which has the settings of the one that the chart runs. */
class TopicsCommandTest {

    @TempDir
    static Path folder;

    private static KafkaBroker broker;

    @BeforeAll
    static void start() throws Exception {
        var data = folder.resolve("kafka");
        broker = KafkaBroker.start(new KafkaBroker.Settings(data, 0, KafkaBroker.builtLibrary(), data.resolve("broker.log"), () -> { }, Map.of(), chartSettings()));
    }

    /** But where it listens and writes. */
    private static Map<String, String> chartSettings() throws IOException {
        var base = Files.readString(Path.of("..", "deploy", "kustomize", "base", "muster.yaml"));
        var settings = new Properties();
        settings.load(new StringReader(Helm.objects(base).stream().filter(ConfigMap.class::isInstance).map(ConfigMap.class::cast)
                .filter(map -> map.getMetadata().getName().equals("muster-kafka")).findFirst().orElseThrow().getData().get("server.properties")));
        assertThat(settings.getProperty("auto.create.topics.enable")).isEqualTo("false");
        var more = new TreeMap<String, String>();
        settings.stringPropertyNames().stream().filter(key -> !key.contains("listener") && !key.equals("log.dirs") && !key.equals("controller.quorum.voters"))
                .forEach(key -> more.put(key, settings.getProperty(key)));
        return more;
    }

    @AfterAll
    static void end() throws Exception {
        broker.close();
    }

    private static Ran create(String prefix, String... more) throws Exception {
        var settings = Files.write(folder.resolve(prefix + "properties"), List.of("muster.kafka.bootstrap-servers=" + broker.bootstrapServers(),
                "muster.topics.prefix=" + prefix, "muster.topics.input-partitions=2"));
        return Ran.of(Stream.concat(Stream.of("topics", "create", "--kafka-settings", settings.toString()), Stream.of(more)).toArray(String[]::new));
    }

    @Test
    void makesWhatIsMissingAndNothingTwice() throws Exception {
        // Given
        var topics = new Topics("lab.", 2);
        // When
        var first = create("lab.", "--replication", "1", "--min-isr", "1");
        var second = create("lab.", "--replication", "1", "--min-isr", "1");
        // Then
        var all = topics.all().size();
        assertThat(first.out()).startsWith("topic lab.requests is made\n").endsWith(all + " of " + all + " topics are new\n");
        assertThat(second).isEqualTo(new Ran(0, "all " + all + " topics were there\n", ""));
        try (var admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
            for (var topic : topics.all()) {
                var resource = new ConfigResource(ConfigResource.Type.TOPIC, topic.name());
                var config = admin.describeConfigs(List.of(resource)).all().get().get(resource);
                assertThat(topic.config()).as(topic.name()).allSatisfy((key, value) -> assertThat(config.get(key).value()).isEqualTo(value));
                assertThat(config.get("min.insync.replicas").value()).isEqualTo("1");
                assertThat(admin.describeTopics(List.of(topic.name())).allTopicNames().get().get(topic.name()).partitions()).hasSize(topic.partitions());
            }
        }
    }

    @Test
    void aTopicWithAnotherNumberOfPartitionsIsSaidAndLeft() throws Exception {
        // Given
        try (var admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
            admin.createTopics(List.of(new NewTopic("odd.demand", 3, (short) 1))).all().get();
        }
        // When
        var ran = create("odd.", "--replication", "1", "--min-isr", "1");
        // Then
        assertThat(ran.exitCode()).isEqualTo(1);
        assertThat(ran.err()).startsWith("muster: topic odd.demand has 3 partitions and must have 2; ");
    }

    @Test
    void moreCopiesThanThereAreBrokersIsSaidByKafkaItself() throws Exception {
        assertThat(create("three.").err()).startsWith("muster: Kafka at " + broker.bootstrapServers() + " does not answer as it should: ").contains("replication");
    }

    @Test
    void minIsrThatNoRecordCouldMeetIsRefused() throws Exception {
        assertThat(create("isr.", "--replication", "1").exitCode()).isEqualTo(2);
    }

    @Test
    void aKafkaThatIsNotThereIsWaitedForOnlyForSoLong() {
        assertThat(Ran.of("topics", "create", "--kafka", "127.0.0.1:9").err()).startsWith("muster: Kafka at 127.0.0.1:9 does not answer as it should: ");
    }
}
