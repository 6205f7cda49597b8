package dev.muster.planner.recorded;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.contracts.KafkaConnection;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.SecretsFolder;
import dev.muster.contracts.Topics;
import dev.muster.planner.Settings;
import dev.muster.sandbox.broker.KafkaBroker;
import dev.muster.v1.ConsoleReported;
import dev.muster.v1.MachineRecord;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Waiting for the console of a machine that lives, on a real broker. */
class ConsoleReaderTest {

    private static final Topics TOPICS = new Topics(Topics.DEFAULT_PREFIX, Topics.SANDBOX_INPUT_PARTITIONS);
    private static final Duration WITHIN = Duration.ofSeconds(20);
    @TempDir
    static Path data;
    private static KafkaBroker broker;
    private static KafkaProducer<byte[], byte[]> producer;
    private static ConsoleReader consoles;

    @BeforeAll
    static void startABroker() throws Exception {
        broker = KafkaBroker.start(new KafkaBroker.Settings(data, 0));
        broker.createTopics(TOPICS);
        var kafka = KafkaConnection.plaintext(broker.bootstrapServers());
        producer = new KafkaProducer<>(KafkaSettings.producer(kafka), new ByteArraySerializer(), new ByteArraySerializer());
        var settings = new Settings("lab", "one", kafka, TOPICS, Duration.ofMillis(10), Duration.ofMillis(20), Duration.ofSeconds(6), Duration.ofSeconds(3), 1, 0,
                Duration.ofSeconds(10), 100, new SecretsFolder(data), Optional.empty());
        consoles = new ConsoleReader(settings, producer::send);
    }

    @AfterAll
    static void stopTheBroker() {
        consoles.close();
        producer.close();
        broker.close();
    }

    private static void report(String machine, String text) {
        try {
            producer.send(new ProducerRecord<>(TOPICS.consoles(), ("train/" + machine).getBytes(UTF_8),
                    ConsoleReported.newBuilder().setMachineId(machine).setText(text).build().toByteArray())).get();
        } catch (Exception lost) {
            throw new IllegalStateException(lost);
        }
    }

    private static MachineRecord machine(String id) {
        return MachineRecord.newBuilder().setFleet("train").setMachineId(id).setCloudId("i-" + id).build();
    }

    private static Supplier<CompletableFuture<?>> asking(Runnable provisioner) {
        return () -> CompletableFuture.runAsync(provisioner);
    }

    private static Throwable failure(CompletableFuture<?> future) throws Exception {
        try {
            future.get(60, TimeUnit.SECONDS);
            return null;
        } catch (ExecutionException failed) {
            return failed.getCause();
        }
    }

    @Test
    void isTheOneThatWasReadAfterItWasAskedFor() throws Exception {
        report("m-1", "of before");
        var console = consoles.await(machine("m-1"), WITHIN, asking(() -> {
            report("m-2", "another's");
            report("m-1", "boots");
        })).get(60, TimeUnit.SECONDS);
        assertThat(console).map(ConsoleReported::getText).contains("boots");
    }

    @Test
    void isEmptyWhereItsCloudShowsNone() throws Exception {
        assertThat(consoles.await(machine("m-3"), WITHIN, asking(() -> report("m-3", ""))).get(60, TimeUnit.SECONDS)).isEmpty();
    }

    @Test
    void nobodyWaitsForOneThatNobodyReads() throws Exception {
        report("m-4", "of before");
        assertThat(failure(consoles.await(machine("m-4"), Duration.ofSeconds(2), asking(() -> { })))).isInstanceOf(ConsoleReader.NotRead.class);
    }

    @Test
    void aRefusalIsTold() throws Exception {
        var refused = new IllegalArgumentException("refused");
        assertThat(failure(consoles.await(machine("m-5"), WITHIN, () -> CompletableFuture.failedFuture(refused)))).isEqualTo(refused);
    }

    @Test
    void twoWhoWaitForOneMachineAskOnce() throws Exception {
        var asked = new AtomicInteger();
        var go = new CompletableFuture<Void>();
        Supplier<CompletableFuture<?>> ask = () -> {
            asked.incrementAndGet();
            return go.thenRun(() -> report("m-6", "boots"));
        };
        var one = consoles.await(machine("m-6"), WITHIN, ask);
        var other = consoles.await(machine("m-6"), WITHIN, ask);
        go.complete(null);
        assertThat(one.get(60, TimeUnit.SECONDS)).isEqualTo(other.get(60, TimeUnit.SECONDS)).isPresent();
        assertThat(asked).hasValue(1);
    }
}
