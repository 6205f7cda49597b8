package dev.muster.planner.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.planner.core.Planner;
import dev.muster.v1.StateInfo;
import dev.muster.v1.StoredFleet;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/**
 * States that releases have stored are read by this one. A release writes its own with {@code -Dgolden.release=VERSION}, and the file stays
 * as it is from then on.
 */
class StoredStateTest {

    private static final Path FOLDER = Path.of("src/test/resources/stored-states");

    @Test
    void whatEachReleaseStoredIsReadAndStoredAgainAsItWas() throws IOException {
        var release = System.getProperty("golden.release");
        if (release != null) {
            write(FOLDER.resolve("v" + StateVersions.CURRENT + "-" + release + ".binpb"));
        }
        var names = names();
        assertThat(names).as("stored states; write this release's with -Dgolden.release=VERSION").isNotEmpty();
        for (var name : names) {
            var stored = StoredFleet.parseFrom(Files.readAllBytes(FOLDER.resolve(name)));
            assertThat(storedAgain(stored)).as(name).isEqualTo(stored);
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

    /** A fleet in the middle of things. */
    private static void write(Path file) throws IOException {
        var history = new RandomHistory(20261123, 1, Planner::plan).declareAll().play(1_500);
        Files.createDirectories(file.getParent());
        Files.write(file, stored(history.values(), "fleet-0").toByteArray());
    }

    private static java.util.List<String> names() throws IOException {
        if (!Files.isDirectory(FOLDER)) {
            return java.util.List.of();
        }
        try (var files = Files.list(FOLDER)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
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
