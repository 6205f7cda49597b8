package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.contracts.Topics;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.DescribeConfigsOptions;
import org.apache.kafka.clients.admin.ListTopicsOptions;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.config.ConfigResource;

/** All topics that a running broker has, Kafka's and Streams' own among them, held against the table of docs/kafka.md: neither says more than the other. */
final class BrokerTopics {

    /** Kafka's own, with the broker's setting for how many partitions each is made with. */
    private static final Map<String, String> KAFKAS_OWN = Map.of("__consumer_offsets", "offsets.topic.num.partitions",
            "__transaction_state", "transaction.state.log.num.partitions");

    private final Map<String, TopicDescription> topics;
    private final Map<ConfigResource, Config> settings;
    private final Config broker;
    private final int inputPartitions;

    private record Documented(String name, int partitions, String kept) {}

    /**
     * @param kafka its address
     * @param inputPartitions with which Muster's topics were made there
     */
    BrokerTopics(String kafka, int inputPartitions) throws ExecutionException, InterruptedException {
        this.inputPartitions = inputPartitions;
        try (var admin = Admin.create(Map.<String, Object>of("bootstrap.servers", kafka))) {
            topics = new TreeMap<>(admin.describeTopics(admin.listTopics(new ListTopicsOptions().listInternal(true)).names().get()).allTopicNames().get());
            var node = new ConfigResource(ConfigResource.Type.BROKER, admin.describeCluster().nodes().get().iterator().next().idString());
            settings = admin.describeConfigs(Stream.concat(Stream.of(node), topics.keySet().stream().map(BrokerTopics::topic)).toList(),
                    new DescribeConfigsOptions().includeSynonyms(true)).all().get();
            broker = settings.get(node);
        }
    }

    private static ConfigResource topic(String name) {
        return new ConfigResource(ConfigResource.Type.TOPIC, name);
    }

    /** Names, partitions, and what is kept for how long. */
    void areThoseOfThePage() throws IOException {
        var documented = documented();
        assertThat(topics.keySet()).containsExactlyInAnyOrderElementsOf(documented.stream().map(Documented::name).toList());
        assertThat(documented).allSatisfy(topic -> {
            var partitions = topics.get(topic.name()).partitions().size();
            if (KAFKAS_OWN.containsKey(topic.name())) {
                var setting = broker.get(KAFKAS_OWN.get(topic.name()));
                assertThat(partitions).isEqualTo(Integer.parseInt(setting.value()));
                assertThat(topic.partitions()).as("of %s with Kafka's default", topic.name()).isEqualTo(Integer.parseInt(kafkasDefault(setting)));
            } else {
                assertThat(partitions).as(topic.name()).isEqualTo(topic.partitions() == Topics.DEFAULT_INPUT_PARTITIONS ? inputPartitions : topic.partitions());
            }
            assertThat(kept(settings.get(topic(topic.name())))).as(topic.name()).isEqualTo(topic.kept());
        });
    }

    private static String kafkasDefault(ConfigEntry setting) {
        return setting.synonyms().stream().filter(one -> one.source() == ConfigEntry.ConfigSource.DEFAULT_CONFIG).map(ConfigEntry.ConfigSynonym::value).findFirst().orElseThrow();
    }

    /** In the page's words. */
    private static String kept(Config topic) {
        var kept = new ArrayList<String>();
        var policy = List.of(topic.get("cleanup.policy").value().split(","));
        if (policy.contains("compact")) {
            kept.add("newest of each key");
        }
        if (policy.contains("delete")) {
            kept.add(Duration.ofMillis(Long.parseLong(topic.get("retention.ms").value())).toDays() + " days");
        }
        return String.join(", ", kept);
    }

    private static List<Documented> documented() throws IOException {
        var page = Files.readString(Shell.SOURCES.resolve("docs/kafka.md"));
        var table = page.substring(page.indexOf("<!-- kept -->"), page.indexOf("<!-- /kept -->"));
        return table.lines().filter(line -> line.startsWith("| `")).map(line -> line.replace("`", "").split(" \\| "))
                .map(cells -> new Documented(cells[0].substring(2), Integer.parseInt(cells[1]), cells[2])).toList();
    }
}
