package dev.muster.planner.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.contracts.Topics;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.kafka.streams.TopologyDescription;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.Record;
import org.junit.jupiter.api.Test;

/** The topics of the planner's stream, by its own description, are those of docs/kafka.md. */
class PlannerTopologyTest {

    private static final Topics TOPICS = new Topics(Topics.DEFAULT_PREFIX, Topics.DEFAULT_INPUT_PARTITIONS);

    /** Kafka Streams wants a new one each time, which a lambda is not. */
    private static final class Nothing implements Processor<byte[], byte[], byte[], byte[]> {

        @Override
        public void process(Record<byte[], byte[]> record) {}
    }

    @Test
    void readsWritesAndMakesTheTopicsOfThePage() throws Exception {
        var reads = new TreeSet<String>();
        var writes = new TreeSet<String>();
        var makes = new TreeSet<String>();
        var description = PlannerTopology.of(TOPICS, Nothing::new).describe();
        description.subtopologies().stream().flatMap(part -> part.nodes().stream()).forEach(node -> {
            if (node instanceof TopologyDescription.Source source) {
                reads.addAll(source.topicSet());
            } else if (node instanceof TopologyDescription.Sink sink) {
                writes.add(sink.topic());
            } else if (node instanceof TopologyDescription.Processor processor) {
                // As Kafka Streams calls the topic of a store: application.id, store, changelog.
                processor.stores().forEach(store -> makes.add(TOPICS.prefix() + "planner-" + store + "-changelog"));
            }
        });

        // A repartition topic would be read by one part of the topology and written by another.
        assertThat(description.subtopologies().size()).isOne();
        assertThat(reads).containsExactlyInAnyOrderElementsOf(TOPICS.inputs());
        assertThat(TOPICS.all().stream().map(Topics.Definition::name).toList()).containsAll(writes);
        var page = Pattern.compile("\\| `(muster\\.planner-[^`]+)` \\| \\d+ \\|").matcher(Files.readString(Path.of("..", "docs", "kafka.md"))).results().map(found -> found.group(1))
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(page).isEqualTo(makes);
    }
}
