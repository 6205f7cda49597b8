package dev.muster.planner.stream;

import dev.muster.contracts.Topics;
import java.util.Map;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.state.Stores;

/**
 * What the planner reads, keeps and writes: one processor between three inputs of one partition count and its topics.
 *
 * <p>Keys and values pass as bytes, so that no record can stop the stream before the processor has judged it.
 */
final class PlannerTopology {

    /** Most that one value of the store may have, bytes: a fleet's memory holds all its refusals, rescues and unknown machines. */
    static final int MAX_STATE_BYTES = 8 * 1024 * 1024;

    private static final String PROCESSOR = "planner";

    private PlannerTopology() {}

    static Topology of(Topics topics, ProcessorSupplier<byte[], byte[], byte[], byte[]> processors) {
        var topology = new Topology();
        topology.addSource("inputs", new ByteArrayDeserializer(), new ByteArrayDeserializer(), topics.inputs().toArray(String[]::new));
        topology.addProcessor(PROCESSOR, processors, "inputs");
        topology.addStateStore(
                Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore(FleetStore.NAME), Serdes.String(), Serdes.ByteArray())
                        .withCachingDisabled()
                        .withLoggingEnabled(changelog()),
                PROCESSOR);
        sink(topology, Sinks.FLEETS, topics.fleets());
        sink(topology, Sinks.FLEET_VERSIONS, topics.fleetVersions());
        sink(topology, Sinks.MACHINES, topics.machines());
        sink(topology, Sinks.DECISIONS, topics.decisions());
        sink(topology, Sinks.HISTORY, topics.history());
        sink(topology, Sinks.DEAD_LETTERS, topics.deadLetters());
        Sinks.COMMANDED.forEach(provider -> sink(topology, Sinks.commands(provider), topics.commands(provider)));
        return topology;
    }

    private static void sink(Topology topology, String name, String topic) {
        topology.addSink(name, topic, new ByteArraySerializer(), new ByteArraySerializer(), PROCESSOR);
    }

    /**
     * A task reads its changelog whole when it starts, so that it must be compacted early: the levels of each look overwrite the
     * last ones, and Kafka compacts only segments that are closed.
     */
    private static Map<String, String> changelog() {
        return Map.of(
                "segment.bytes", Integer.toString(16 * 1024 * 1024),
                "segment.ms", Integer.toString(10 * 60 * 1000),
                "min.cleanable.dirty.ratio", "0.2",
                "max.message.bytes", Integer.toString(MAX_STATE_BYTES));
    }
}
