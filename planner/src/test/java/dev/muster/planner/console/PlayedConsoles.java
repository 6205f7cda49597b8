package dev.muster.planner.console;

import dev.muster.contracts.Times;
import dev.muster.contracts.Topics;
import dev.muster.v1.Command;
import dev.muster.v1.ConsoleReported;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/** What machines have written to their consoles, read for whoever asks as a provisioner reads it of its cloud. */
final class PlayedConsoles implements AutoCloseable {

    private final KafkaConsumer<String, byte[]> consumer;
    private final Thread reader;

    PlayedConsoles(String brokers, Lab lab, String text) {
        consumer = new KafkaConsumer<>(Map.of("bootstrap.servers", brokers), new StringDeserializer(), new ByteArrayDeserializer());
        var commands = new Topics(Topics.DEFAULT_PREFIX, Topics.SANDBOX_INPUT_PARTITIONS).commands("aws");
        consumer.assign(consumer.partitionsFor(commands).stream().map(one -> new TopicPartition(commands, one.partition())).toList());
        consumer.seekToBeginning(consumer.assignment());
        reader = new Thread(() -> {
            try (consumer) {
                while (true) {
                    for (var record : consumer.poll(Duration.ofSeconds(1))) {
                        var command = Command.parseFrom(record.value());
                        if (command.hasFetchConsole()) {
                            var id = command.getFetchConsole().getMachineId();
                            lab.write("consoles", Topics.machineKey(command.getFleet(), id), ConsoleReported.newBuilder().setMachineId(id)
                                    .setCapturedAt(Times.timestamp(Instant.now())).setText(text).setTruncated(true).build().toByteArray(), Instant.now());
                        }
                    }
                }
            } catch (WakeupException closed) {
                // Nobody asks any more.
            } catch (com.google.protobuf.InvalidProtocolBufferException unreadable) {
                throw new IllegalStateException(unreadable);
            }
        }, "played-consoles");
        reader.start();
    }

    @Override
    public void close() throws InterruptedException {
        consumer.wakeup();
        reader.join();
    }
}
