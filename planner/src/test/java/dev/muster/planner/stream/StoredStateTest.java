package dev.muster.planner.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.contracts.GoldenFiles;
import dev.muster.contracts.Times;
import dev.muster.contracts.Topics;
import dev.muster.planner.core.Planner;
import dev.muster.v1.CloudState;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.DemandObserved;
import dev.muster.v1.InventoryReported;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.MachineReport;
import dev.muster.v1.MachineReported;
import dev.muster.v1.Mark;
import dev.muster.v1.Observation;
import dev.muster.v1.QueueState;
import dev.muster.v1.ScopeState;
import dev.muster.v1.StateInfo;
import dev.muster.v1.StoredFleet;
import dev.muster.v1.WaitingTask;
import dev.muster.v1.WorkerSeen;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** States that releases have stored are read by this one, in the stream's own topology, and what is decided next is what would have been decided then. */
class StoredStateTest {

    private static final GoldenFiles FILES = GoldenFiles.ofThisModule();
    private static final String STATE = "state.binpb";
    private static final String NEXT = "next.txt";
    private static final String FLEET = "fleet-0";
    private static final Topics TOPICS = new Topics("t.", 1);

    @BeforeAll
    static void writeThisVersions() throws Exception {
        if (GoldenFiles.isToWrite()) {
            // A fleet in the middle of things.
            var history = new RandomHistory(20261123, 1, Planner::plan).declareAll().play(1_500);
            var state = stored(history.values(), FLEET);
            FILES.write(STATE, state.toByteArray());
            FILES.write(NEXT, decided(state, next(history.now(), state)));
        }
    }

    @Test
    void whatEachReleaseStoredIsReadAndStoredAgainAsItWas() throws IOException {
        assertThat(FILES.versions()).contains(GoldenFiles.version());
        for (var version : FILES.versions()) {
            var stored = StoredFleet.parseFrom(FILES.bytes(version, STATE));
            assertThat(storedAgain(stored)).as(version).isEqualTo(stored);
        }
    }

    @Test
    void whatIsDecidedNextIsWhatWouldHaveBeenDecidedThen() throws Exception {
        for (var version : FILES.versions()) {
            var then = FILES.text(version, NEXT);
            assertThat(then).contains("  decided ", "  commands.");
            AcceptedChanges.of(version).holds(NEXT, Transcript.firstDifference(then, decided(StoredFleet.parseFrom(FILES.bytes(version, STATE)), Transcript.steps(then))));
        }
    }

    /** A look and a list that come half an hour later: there is more to do, and what Muster had is as it was. */
    private static List<Transcript.Step> next(Instant stored, StoredFleet state) throws IOException {
        var now = stored.plus(Duration.ofMinutes(30));
        var list = InventoryReported.newBuilder().setListStartedAt(Times.timestamp(now)).setScopeState(ScopeState.LISTED_ALL);
        var look = DemandObserved.newBuilder().setTick(1).setFull(true).setInterval(Times.duration(Duration.ofSeconds(1)));
        look.addQueuesBuilder().setName("default").setId("q1").setState(QueueState.SERVED).setWaiting(9)
                .addAllFirst(IntStream.range(0, 9).mapToObj(i -> WaitingTask.newBuilder().setTask("n" + i).build()).toList());
        for (var value : state.getValuesList()) {
            if (value.getKey().startsWith("machine/")) {
                var machine = MachineRecord.parseFrom(value.getValue());
                if (machine.getCounted() && !machine.getCloudId().isEmpty()) {
                    list.addMachines(MachineReported.newBuilder().setMachineId(machine.getMachineId()).setPool(machine.getPool()).setCloudId(machine.getCloudId())
                            .setBatchId(machine.getBatchId()).setOffer(machine.getOffer()).setState(CloudState.RUNNING_STATE).setMark(Mark.NO_MARK).setLaunchedAt(machine.getAcceptedAt()));
                    machine.getWorkerIdsList().forEach(worker -> look.addWorkers(WorkerSeen.newBuilder().setWorker(worker).addQueueIds("q1")));
                }
            }
        }
        // Newer than any of before, by its generation.
        var seen = Observation.newBuilder().setGeneration(2).setSequence(1).setPart(1).setParts(1).setReadStartedAt(Times.timestamp(now));
        return List.of(new Transcript.Step(now, "machine-reports", MachineReport.newBuilder().setFleet(FLEET).setScope("aws/main/eu-west-1").setSeen(seen.setSource("p")).setInventory(list).build().toByteArray()),
                new Transcript.Step(now, "demand", DemandEvent.newBuilder().setFleet(FLEET).setSeen(seen.setSource("w")).setDemandObserved(look).build().toByteArray()),
                new Transcript.Step(now, null, null));
    }

    /** Begins Kafka Streams' own topology with that state, and has it read and plan. */
    private static String decided(StoredFleet state, List<Transcript.Step> steps) {
        var transcript = new Transcript();
        var clock = Clock.fixed(steps.get(0).at(), ZoneOffset.UTC);
        var config = new Properties();
        config.put("application.id", "golden");
        config.put("bootstrap.servers", "none:1");
        var topology = PlannerTopology.of(TOPICS, () -> new RestoredProcessor(state, new FleetProcessor(TOPICS,
                new FleetOwner(TOPICS, Planner::plan, clock, "/golden", () -> "golden", Witness.SILENT), new AtTheEnd(), PublishedFleets.NONE, Witness.SILENT,
                Duration.ofMillis(10), () -> new Pace(Duration.ofMillis(20)), new Trail(new RecordedTraces()), new Progress())));
        try (var driver = new TopologyTestDriver(topology, config, steps.get(0).at())) {
            for (var step : steps) {
                transcript.step(step);
                if (step.input() == null) {
                    planOnce(driver, transcript);
                } else {
                    driver.createInputTopic(TOPICS.prefix() + step.input(), new StringSerializer(), new ByteArraySerializer()).pipeInput(FLEET, step.value(), step.at());
                }
            }
        }
        return transcript.text();
    }

    /** It plans at a beat of its own choosing: its pace goes by the computer's clock. */
    private static void planOnce(TopologyTestDriver driver, Transcript transcript) {
        var deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        var decisions = driver.createOutputTopic(TOPICS.decisions(), new StringDeserializer(), new ByteArrayDeserializer());
        while (decisions.isEmpty()) {
            assertThat(System.nanoTime()).as("no plan came").isLessThan(deadline);
            driver.advanceWallClockTime(Duration.ofMillis(10));
        }
        driver.advanceWallClockTime(Duration.ofMillis(10));
        decisions.readValuesToList().forEach(value -> transcript.wrote(Sinks.DECISIONS, value));
        Sinks.COMMANDED.forEach(provider -> driver.createOutputTopic(TOPICS.commands(provider), new StringDeserializer(), new ByteArrayDeserializer())
                .readValuesToList().forEach(value -> transcript.wrote(Sinks.commands(provider), value)));
    }

    /** As Kafka Streams does it: the store is whole before its processor begins. */
    private record RestoredProcessor(StoredFleet state, FleetProcessor processor) implements Processor<byte[], byte[], byte[], byte[]> {
        @Override
        public void init(ProcessorContext<byte[], byte[]> context) {
            KeyValueStore<String, byte[]> store = context.getStateStore(FleetStore.NAME);
            state.getValuesList().forEach(value -> store.put(FLEET + "/" + value.getKey(), value.getValue().toByteArray()));
            processor.init(context);
        }

        @Override
        public void process(Record<byte[], byte[]> record) {
            processor.process(record);
        }

        @Override
        public void close() {
            processor.close();
        }
    }

    /** Inputs of which everything is read. */
    private static final class AtTheEnd implements InputPositions {
        @Override
        public Map<TopicPartition, Long> ends(Collection<TopicPartition> partitions) {
            return committed(partitions);
        }

        @Override
        public Map<TopicPartition, Long> committed(Collection<TopicPartition> partitions) {
            return partitions.stream().collect(Collectors.toMap(partition -> partition, partition -> 0L));
        }

        @Override
        public long position(TopicPartition partition) {
            return 0;
        }

        @Override
        public long handedOut(TopicPartition partition) {
            return -1;
        }

        @Override
        public long behind(TopicPartition partition) {
            return 0;
        }
    }

    /** Loads it, and stores all that was loaded. */
    private static StoredFleet storedAgain(StoredFleet golden) {
        var values = new InMemoryValues();
        golden.getValuesList().forEach(value -> values.put("train/" + value.getKey(), value.getValue().toByteArray()));
        var loaded = new FleetStore(values).load("train");
        var fleet = loaded.fleet();
        var again = new InMemoryValues();
        again.put(FleetStore.infoKey("train"), loaded.info().toByteArray());
        again.put(FleetStore.headKey("train"), loaded.record().toByteArray());
        again.put(FleetStore.memoryKey("train"), FleetTranslator.memory(fleet.memory()).toByteArray());
        again.put(FleetStore.ledgerKey("train"), LedgerTranslator.ledger(fleet.ledger().book()).toByteArray());
        fleet.active().values().forEach(machine -> again.put(FleetStore.machineKey("train", machine.id()), MachineTranslator.record(fleet, machine).toByteArray()));
        fleet.ended().values().forEach(machine -> again.put(FleetStore.machineKey("train", machine.id()), MachineTranslator.record(fleet, machine).toByteArray()));
        fleet.queues().forEach((name, queue) -> again.put(FleetStore.queueKey("train", name), DemandTranslator.queue(queue).toByteArray()));
        fleet.workers().forEach((id, worker) -> again.put(FleetStore.workerKey("train", id), DemandTranslator.worker(worker).toByteArray()));
        loaded.answers().forEach((number, answer) -> again.put(FleetStore.answerKey("train", number), answer.toByteArray()));
        return stored(again, "train");
    }

    private static StoredFleet stored(InMemoryValues values, String fleet) {
        var stored = StoredFleet.newBuilder();
        new FleetStore(values).forEach(fleet, (key, value) -> stored.addValuesBuilder().setKey(key)
                .setValue(com.google.protobuf.ByteString.copyFrom(value)));
        return stored.build();
    }

    @Test
    void aStateOfBeforeVersionsIsReadAsVersionOne() {
        assertThat(StateVersions.readable("train", StateInfo.getDefaultInstance()).getVersion()).isEqualTo(1);
    }

    @Test
    void aStateOfANewerReleaseIsRefusedByNameAndVersion() {
        assertThatThrownBy(() -> StateVersions.readable("train", StateInfo.newBuilder().setVersion(99).build()))
                .isInstanceOf(NewerStateException.class).hasMessageContaining("fleet train").hasMessageContaining("99");
    }
}
