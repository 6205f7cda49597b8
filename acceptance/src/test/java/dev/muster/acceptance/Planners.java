package dev.muster.acceptance;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.muster.contracts.CloudEvents;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.TopicSpan;
import dev.muster.contracts.Topics;
import dev.muster.sandbox.broker.KafkaBroker;
import dev.muster.v1.ApplyFleet;
import dev.muster.v1.CloudState;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.DemandObserved;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.InventoryReported;
import dev.muster.v1.MachineReport;
import dev.muster.v1.MachineReported;
import dev.muster.v1.Market;
import dev.muster.v1.QueueState;
import dev.muster.v1.Request;
import dev.muster.v1.ScopeState;
import com.google.protobuf.Message;
import com.google.protobuf.util.Timestamps;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * A broker and planner processes on it, with nothing around them: who uses it is the watcher, the provisioner and the operator at once.
 * Not thread-safe.
 */
final class Planners implements AutoCloseable {

    static final String SCOPE = "aws/main/eu-west-1";
    private static final Duration PATIENCE = Duration.ofSeconds(Integer.getInteger("muster.patience", 120));

    final Topics topics;
    final KafkaBroker broker;
    private final Path folder;
    private final KafkaProducer<byte[], byte[]> producer;
    private final Map<String, Process> processes = new LinkedHashMap<>();
    private final Map<String, Long> sequences = new LinkedHashMap<>();
    private final HttpClient http = HttpClient.newHttpClient();

    Planners(Path folder, int partitions) throws IOException, InterruptedException {
        this.folder = folder;
        topics = new Topics(Topics.DEFAULT_PREFIX, partitions);
        broker = KafkaBroker.start(new KafkaBroker.Settings(folder.resolve("kafka"), 0));
        broker.createTopics(topics);
        producer = new KafkaProducer<>(KafkaSettings.producer(broker.bootstrapServers()), new ByteArraySerializer(), new ByteArraySerializer());
    }

    /** Starts a planner, which names itself in each record. @param heap of its JVM, such as {@code 256m} */
    Process start(String instance, String heap) throws IOException {
        return start(instance, heap, "-XX:TieredStopAtLevel=1");
    }

    /** As above. @param compiler an option of its JVM */
    Process start(String instance, String heap, String compiler) throws IOException {
        var java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        var command = new ArrayList<>(List.of(java, "-Xmx" + heap, "-XX:+UseSerialGC", compiler, "-Dmuster.installation=test",
                "-Dmuster.instance=" + instance, "-Dmuster.kafka.bootstrap-servers=" + broker.bootstrapServers(),
                "-Dmuster.topics.input-partitions=" + topics.inputPartitions(), "-Dquarkus.http.port=0", "-Dquarkus.http.host=127.0.0.1",
                "-Dmuster.folder=" + folder, "-jar", Shell.SOURCES.resolve("planner/target/quarkus-app/quarkus-run.jar").toString()));
        var process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log(instance).toFile()).start();
        processes.put(instance, process);
        return process;
    }

    private Path log(String instance) {
        return folder.resolve(instance + ".log");
    }

    Process process(String instance) {
        return processes.get(instance);
    }

    ProcessHandle brokerProcess() {
        return ProcessHandle.of(broker.process().pid()).orElseThrow();
    }

    /** Ends it at once, as a power cut would. */
    void kill(String instance) {
        processes.get(instance).destroyForcibly();
    }

    /** Sends a signal, such as STOP or CONT. */
    void signal(String instance, String signal) throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-" + signal, Long.toString(processes.get(instance).pid())).inheritIO().start().waitFor();
    }

    /** Resident memory, MiB. */
    long residentMib(String instance) throws IOException {
        return Files.readAllLines(Path.of("/proc/" + processes.get(instance).pid() + "/status")).stream().filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D+", ""))).findFirst().orElse(0) / 1024;
    }

    /** How often its log has a text. */
    long logged(String instance, String text) {
        try {
            return Files.readAllLines(log(instance)).stream().filter(line -> line.contains(text)).count();
        } catch (IOException notYet) {
            return 0;
        }
    }

    void await(String what, BooleanSupplier condition) throws InterruptedException {
        var deadline = Instant.now().plus(PATIENCE);
        while (!condition.getAsBoolean()) {
            for (var process : processes.entrySet()) {
                if (!process.getValue().isAlive() && process.getValue().exitValue() != 137) {
                    throw new AssertionError(process.getKey() + " ended with " + process.getValue().exitValue() + ": " + tail(process.getKey()));
                }
            }
            if (Instant.now().isAfter(deadline)) {
                throw new AssertionError("waited " + PATIENCE + " for " + what + "; logs: "
                        + processes.keySet().stream().map(this::tail).collect(Collectors.joining("\n---\n")));
            }
            TimeUnit.MILLISECONDS.sleep(50);
        }
    }

    private String tail(String instance) {
        try {
            var lines = Files.readAllLines(log(instance));
            return String.join("\n", lines.subList(Math.max(0, lines.size() - 30), lines.size()));
        } catch (IOException none) {
            return "";
        }
    }

    // What comes in.

    /** One queue, one pool of at most {@code max} machines. */
    void declare(String fleet, int max) {
        var spec = FleetSpec.newBuilder().setName(fleet);
        spec.addQueuesBuilder().setName("default").addPools("cpu");
        var pool = spec.addPoolsBuilder().setName("cpu");
        pool.getLimitsBuilder().setMax(max);
        pool.addOffersBuilder().getKeyBuilder().setProvider("aws").setAccount("main").setRegion("eu-west-1").setMachineType("m5.large");
        var request = Request.newBuilder().setRequestId("create-" + fleet).setFleet(fleet).setCaller("test");
        request.getFactsBuilder().setInstallation("test");
        request.setApply(ApplyFleet.newBuilder().setSpec(spec).setNewIncarnation(incarnation(fleet)));
        send(topics.requests(), fleet, request.build());
    }

    static String incarnation(String fleet) {
        var letters = new StringBuilder("aaaaaaaa");
        var number = Math.abs(fleet.hashCode());
        for (var i = 7; i >= 0; i--, number /= 26) {
            letters.setCharAt(i, (char) ('a' + number % 26));
        }
        return letters.toString();
    }

    /** A list of the fleet's scope. */
    void listed(String fleet, List<MachineReported> machines) {
        var parts = Math.max(1, (machines.size() + 999) / 1000);
        var sequence = sequences.merge("list " + fleet, 1L, Long::sum);
        for (var part = 1; part <= parts; part++) {
            var list = InventoryReported.newBuilder().setListStartedAt(now()).setScopeState(ScopeState.LISTED_ALL)
                    .addAllMachines(machines.subList((part - 1) * 1000, Math.min(machines.size(), part * 1000)));
            var report = MachineReport.newBuilder().setFleet(fleet).setScope(SCOPE).setInventory(list);
            report.getSeenBuilder().setSource("test").setGeneration(1).setSequence(sequence).setPart(part).setParts(parts).setReadStartedAt(now());
            send(topics.machineReports(), fleet, report.build());
        }
    }

    /** A machine of the fleet that runs. */
    static MachineReported machine(String fleet, int number) {
        var machine = MachineReported.newBuilder().setMachineId("m" + incarnation(fleet) + "-" + number).setPool("cpu")
                .setCloudId("i-" + incarnation(fleet) + number).setState(CloudState.RUNNING_STATE).setLaunchedAt(now());
        machine.getOfferBuilder().setProvider("aws").setAccount("main").setRegion("eu-west-1").setMachineType("m5.large").setMarket(Market.ON_DEMAND);
        return machine.build();
    }

    void report(String fleet, MachineReported machine) {
        var report = MachineReport.newBuilder().setFleet(fleet).setScope(SCOPE).setMachine(machine);
        report.getSeenBuilder().setSource("test").setGeneration(1).setSequence(sequences.getOrDefault("list " + fleet, 0L)).setReadStartedAt(now());
        send(topics.machineReports(), fleet, report.build());
    }

    /** A good look at the fleet's queue. */
    void looked(String fleet, int waiting) {
        var sequence = sequences.merge("look " + fleet, 1L, Long::sum);
        var look = DemandObserved.newBuilder().setTick(sequence).setFull(true).setInterval(com.google.protobuf.util.Durations.fromSeconds(1));
        var queue = look.addQueuesBuilder().setName("default").setId("q-" + fleet).setState(QueueState.SERVED).setWaiting(waiting);
        for (var i = 0; i < Math.min(waiting, 500); i++) {
            queue.addFirstBuilder().setTask("t" + i);
        }
        var event = DemandEvent.newBuilder().setFleet(fleet).setDemandObserved(look);
        event.getSeenBuilder().setSource("test").setGeneration(1).setSequence(sequence).setReadStartedAt(now());
        send(topics.demand(), fleet, event.build());
    }

    private static com.google.protobuf.Timestamp now() {
        return Timestamps.fromMillis(System.currentTimeMillis());
    }

    void send(String topic, String key, Message value) {
        producer.send(new ProducerRecord<>(topic, null, null, key.getBytes(UTF_8), value.toByteArray(),
                CloudEvents.headers(value, topic + System.nanoTime(), "/test", Instant.now())));
    }

    void flush() {
        producer.flush();
    }

    // What comes out.

    List<ConsumerRecord<byte[], byte[]>> records(String topic) {
        var records = new ArrayList<ConsumerRecord<byte[], byte[]>>();
        try (var span = new TopicSpan(KafkaSettings.consumer(broker.bootstrapServers()))) {
            span.read(span.partitions(topic), records::add);
        }
        return records;
    }

    /** Reads a topic from its beginning, and on. The caller closes it. */
    KafkaConsumer<byte[], byte[]> consumer(String topic) {
        var consumer = new KafkaConsumer<>(KafkaSettings.consumer(broker.bootstrapServers()), new ByteArrayDeserializer(), new ByteArrayDeserializer());
        var partitions = consumer.partitionsFor(topic).stream().map(of -> new TopicPartition(topic, of.partition())).toList();
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
        return consumer;
    }

    /** Whose record it is: the instance at the end of its source. */
    static String instance(ConsumerRecord<byte[], byte[]> record) {
        var source = new String(record.headers().lastHeader("ce_source").value(), UTF_8);
        return source.substring(source.lastIndexOf('/') + 1);
    }

    /** The address at which a planner listens, as its log says; empty: not yet. */
    Optional<String> address(String instance) throws IOException {
        return Files.readAllLines(log(instance)).stream().filter(line -> line.contains("Listening on: http://")).findFirst()
                .map(line -> line.replaceAll(".*Listening on: (http://[^ ]+?)[.]?( .*)?$", "$1").replaceAll("[ .]+$", ""));
    }

    boolean isReady(String instance) {
        try {
            var address = address(instance);
            return address.isPresent() && http.send(HttpRequest.newBuilder(URI.create(address.get() + "/q/health/ready")).build(),
                    HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
        } catch (IOException | IllegalArgumentException notYet) {
            return false;
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    @Override
    public void close() {
        processes.values().forEach(Process::destroyForcibly);
        producer.close(Duration.ZERO);
        broker.close();
    }
}
