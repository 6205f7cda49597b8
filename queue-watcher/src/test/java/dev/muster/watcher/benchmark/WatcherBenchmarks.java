package dev.muster.watcher.benchmark;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.util.Timestamps;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.Topics;
import dev.muster.sandbox.broker.KafkaBroker;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.FleetState;
import dev.muster.v1.QueueSpec;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a tick costs the watcher's whole process: asking, reading, comparing, telling Kafka, collecting garbage. The server that answers and the
 * broker are other processes, and not counted. No test run includes it by its name; docs/benchmarks/watcher.md says how it is run and what it
 * showed.
 */
class WatcherBenchmarks {

    private static final int FLEETS = 10;
    private static final Duration PATIENCE = Duration.ofMinutes(10);

    @TempDir
    Path folder;

    private record Round(int queues, int workers, boolean isCompressed, int compiler) {}

    @Test
    void ticks() throws Exception {
        var ticks = Integer.getInteger("benchmark.ticks", 60);
        var warmUp = Integer.getInteger("benchmark.warmup", 180);
        var rounds = new ArrayList<>(List.of(new Round(100, 1_000, false, 4), new Round(1_000, 10_000, false, 4), new Round(1_000, 10_000, true, 4),
                new Round(1_000, 10_000, false, 1)));
        if (System.getProperty("benchmark.round") != null) {
            rounds = new ArrayList<>(List.of(rounds.get(Integer.getInteger("benchmark.round"))));
        }
        var table = new StringBuilder("| queues / workers | answers | compiler | MB a tick | CPU ms a tick | heap and all, MB | load |\n| --- | --- | --- | --- | --- | --- | --- |\n");
        var vertx = Vertx.vertx();
        Files.createDirectories(folder.resolve("secrets"));
        Files.writeString(folder.resolve("secrets/clearml-default-access-key"), "access\n");
        Files.writeString(folder.resolve("secrets/clearml-default-secret-key"), "secret\n");
        try (var broker = KafkaBroker.start(new KafkaBroker.Settings(folder.resolve("kafka"), 0))) {
            for (var i = 0; i < rounds.size(); i++) {
                table.append(run(vertx, broker, new Topics("t" + i + ".", Topics.SANDBOX_INPUT_PARTITIONS), rounds.get(i), warmUp, ticks));
            }
        } finally {
            vertx.close().toCompletionStage().toCompletableFuture().join();
        }
        System.out.println(table);
        Files.writeString(Path.of("target/watcher-benchmarks.md"), table);
    }

    private String run(Vertx vertx, KafkaBroker broker, Topics topics, Round round, int warmUp, int ticks) throws Exception {
        broker.createTopics(topics);
        try (var clearml = new LargeClearml(vertx, round.queues, round.workers, FLEETS, round.isCompressed)) {
            putFleets(broker, topics, clearml);
            var process = start(broker, topics, clearml, round);
            try {
                // Also the compilers' and the caches' warming up.
                awaitLists(process, clearml, warmUp);
                var lists = clearml.lists();
                var bytes = clearml.bytes();
                var before = process.info().totalCpuDuration().orElseThrow();
                var threadsBefore = nanosByThread(process);
                awaitLists(process, clearml, lists + ticks);
                var after = process.info().totalCpuDuration().orElseThrow();
                var threads = nanosByThread(process);
                lists = clearml.lists() - lists;
                print(threadsBefore, threads, lists);
                return String.format(Locale.ROOT, "| %,d / %,d | %s | %d | %.1f | %.1f | %d | %.1f |%n", round.queues, round.workers,
                        round.isCompressed ? "gzip" : "plain", round.compiler, (clearml.bytes() - bytes) / 1e6 / lists,
                        after.minus(before).toNanos() / 1e6 / lists, residentMegabytes(process),
                        ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
            } finally {
                process.destroy();
                if (!process.waitFor(20, TimeUnit.SECONDS)) {
                    process.destroyForcibly();
                }
            }
        }
    }

    /** What the threads cost that cost anything, in ms of CPU a tick. */
    private static void print(Map<String, Long> before, Map<String, Long> after, int ticks) {
        after.replaceAll((name, nanos) -> nanos - before.getOrDefault(name, 0L));
        after.entrySet().stream().sorted(Map.Entry.<String, Long>comparingByValue().reversed()).filter(thread -> thread.getValue() > ticks * 100_000L)
                .forEach(thread -> System.out.printf(Locale.ROOT, "%8.1f  %s%n", thread.getValue() / 1e6 / ticks, thread.getKey()));
    }

    /** CPU time of the process by the names of its threads, without their numbers. What threads had that ended meanwhile is not in it. */
    private static Map<String, Long> nanosByThread(Process process) throws IOException {
        var nanos = new TreeMap<String, Long>();
        try (var threads = Files.list(Path.of("/proc", Long.toString(process.pid()), "task"))) {
            for (var thread : threads.toList()) {
                try {
                    var name = Files.readString(thread.resolve("comm")).strip().replaceAll("[-#]?\\d+$", "");
                    nanos.merge(name, Long.parseLong(Files.readString(thread.resolve("schedstat")).split(" ")[0]), Long::sum);
                } catch (NoSuchFileException ended) {
                    continue;
                }
            }
        }
        return nanos;
    }

    private static void putFleets(KafkaBroker broker, Topics topics, LargeClearml clearml) throws Exception {
        try (var producer = new KafkaProducer<>(KafkaSettings.producer(broker.bootstrapServers()), new ByteArraySerializer(), new ByteArraySerializer())) {
            for (var i = 0; i < FLEETS; i++) {
                var name = "fleet" + i;
                var spec = FleetSpec.newBuilder().setName(name).setConnection("default").setWorkersPrefix("muster-" + name);
                clearml.queuesOf(i).forEach(queue -> spec.addQueues(QueueSpec.newBuilder().setName(queue)));
                var record = FleetRecord.newBuilder().setFleet(name).setIncarnation("abcdefgh").setVersion(1).setState(FleetState.ACTIVE).setSpec(spec)
                        .setCreatedAt(Timestamps.fromMillis(1)).build();
                producer.send(new ProducerRecord<>(topics.fleets(), name.getBytes(UTF_8), record.toByteArray())).get(30, TimeUnit.SECONDS);
            }
        }
    }

    private Process start(KafkaBroker broker, Topics topics, LargeClearml clearml, Round round) throws IOException {
        var command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:+UseSerialGC", "-Xmx384m",
                "-XX:TieredStopAtLevel=" + round.compiler));
        var more = System.getProperty("benchmark.jvm", "");
        if (!more.isBlank()) {
            command.addAll(List.of(more.split(" ")));
        }
        command.addAll(List.of("-Dquarkus.http.port=0", "-Dquarkus.http.host=127.0.0.1", "-Dmuster.installation=bench", "-Dmuster.instance=bench",
                "-Dmuster.kafka.bootstrap-servers=" + broker.bootstrapServers(), "-Dmuster.topics.prefix=" + topics.prefix(),
                "-Dmuster.topics.input-partitions=" + topics.inputPartitions(), "-Dmuster.secrets.folder=" + folder.resolve("secrets"),
                "-Dmuster.connections.default.api=" + clearml.url(), "-jar", "target/quarkus-app/quarkus-run.jar"));
        return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(Path.of("target/watcher-benchmarks.log").toFile()).start();
    }

    private static void awaitLists(Process process, LargeClearml clearml, int lists) {
        var deadline = Instant.now().plus(PATIENCE);
        while (clearml.lists() < lists) {
            if (!process.isAlive() || Instant.now().isAfter(deadline)) {
                throw new IllegalStateException("the watcher asked " + clearml.lists() + " times, not " + lists + "; its log is target/watcher-benchmarks.log");
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
        }
    }

    private static long residentMegabytes(Process process) throws IOException {
        try (var status = Files.lines(Path.of("/proc", Long.toString(process.pid()), "status"))) {
            return status.filter(line -> line.startsWith("VmRSS:")).mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024).findFirst().orElse(0);
        }
    }
}
