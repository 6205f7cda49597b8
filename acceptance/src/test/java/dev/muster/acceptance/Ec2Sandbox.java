package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.TopicSpan;
import dev.muster.contracts.Topics;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.MachineRecord;
import com.google.protobuf.InvalidProtocolBufferException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.StreamSupport;

/** All of Muster's processes in a sandbox; what a test asks of it, and what EC2's books, ClearML's books and Kafka say. Not thread-safe. */
final class Ec2Sandbox implements AutoCloseable {

    final Shell shell;
    final StandIns standIns;
    final Path secrets;
    private final Path folder;
    private final double speed;
    private final String kafka;
    private final Topics topics = new Topics(Topics.DEFAULT_PREFIX, Topics.SANDBOX_INPUT_PARTITIONS);
    private int enqueued;

    /** One RunInstances call, as EC2 has it in its books. */
    record LaunchCall(Instant at, String zone, String market, int machines, String answer, List<String> instances) {

        boolean isTaken() {
            return answer.equals("Success");
        }

        /** Such as {@code us-east-1a spot x 3: InsufficientInstanceCapacity}. */
        String brief() {
            return zone + " " + market + " x " + machines + ": " + answer;
        }
    }

    /** @param speed of the stand-ins' machines */
    Ec2Sandbox(Path folder, double speed, Map<String, String> environment) throws Exception {
        this.folder = folder;
        this.speed = speed;
        shell = new Shell(folder);
        environment.forEach(shell::with);
        try {
            var up = shell.run("./muster up --speed " + speed + " --json").succeeded().json();
            kafka = up.path("kafka").asText();
            secrets = Path.of(up.path("secrets").asText());
            standIns = StandIns.of(shell);
        } catch (Exception | AssertionError notUp) {
            shell.endAll();
            throw notUp;
        }
    }

    void apply(String name, String fleet) throws Exception {
        Files.writeString(folder.resolve(name + ".yaml"), fleet);
        shell.run("./muster fleet apply -f " + name + ".yaml").succeeded();
    }

    /** @param seconds of the clock that each task runs */
    void enqueue(String queue, int tasks, double seconds) throws Exception {
        shell.run("./muster task enqueue " + queue + " --count " + tasks + " --seconds " + seconds * speed).succeeded();
        enqueued += tasks;
    }

    int enqueued() {
        return enqueued;
    }

    // EC2's books.

    JsonNode ec2() throws IOException, InterruptedException {
        return standIns.get("/ec2/books");
    }

    List<LaunchCall> launchCalls() throws IOException, InterruptedException {
        return list(ec2().path("launchCalls")).stream().map(call -> new LaunchCall(Instant.parse(call.path("at").asText()), call.path("zone").asText(),
                call.path("market").asText(), call.path("max").asInt(), call.path("answer").asText(),
                list(call.path("instances")).stream().map(JsonNode::asText).toList())).toList();
    }

    List<String> briefly() throws IOException, InterruptedException {
        return launchCalls().stream().map(LaunchCall::brief).toList();
    }

    int live() throws IOException, InterruptedException {
        return ec2().path("live").asInt();
    }

    /** How often EC2 gave this answer to calls of this action. */
    int answers(String action, String answer) throws IOException, InterruptedException {
        return ec2().path("answers").path(action).path(answer).asInt();
    }

    /** {@code action → answer → how often}. */
    Map<String, Map<String, Integer>> answers() throws IOException, InterruptedException {
        var all = new TreeMap<String, Map<String, Integer>>();
        ec2().path("answers").fields().forEachRemaining(action -> {
            var counts = new TreeMap<String, Integer>();
            action.getValue().fields().forEachRemaining(count -> counts.put(count.getKey(), count.getValue().asInt()));
            all.put(action.getKey(), counts);
        });
        return all;
    }

    // ClearML's books.

    int tasks(String status) throws IOException, InterruptedException {
        return standIns.get("/clearml/books?brief=true").path("byStatus").path(status).asInt();
    }

    void everyTaskRanOnce() throws IOException, InterruptedException {
        assertThat(standIns.tasks()).hasSize(enqueued).allSatisfy(task -> {
            assertThat(task.path("status").asText()).as(task.toString()).isEqualTo("completed");
            assertThat(task.path("starts").asInt()).as(task.toString()).isEqualTo(1);
        });
    }

    // Kafka.

    /** All decisions of a fleet so far. */
    Trail trail(String fleet) {
        var events = new ArrayList<DecisionEvent>();
        read(topics.decisions(), value -> {
            var event = DecisionEvent.parseFrom(value);
            if (event.getFleet().equals(fleet)) {
                events.add(event);
            }
        });
        return Trail.of(events);
    }

    /** The planner's books by machine id, those that have ended among them. */
    Map<String, MachineRecord> machines() {
        var machines = new TreeMap<String, MachineRecord>();
        read(topics.machines(), value -> {
            var machine = MachineRecord.parseFrom(value);
            machines.put(machine.getMachineId(), machine);
        });
        return machines;
    }

    private interface Reader {
        void read(byte[] value) throws InvalidProtocolBufferException;
    }

    private void read(String topic, Reader reader) {
        try (var span = new TopicSpan(KafkaSettings.consumer(kafka))) {
            span.read(span.ends(span.partitions(topic)), record -> {
                try {
                    if (record.value() != null) {
                        reader.read(record.value());
                    }
                } catch (InvalidProtocolBufferException unreadable) {
                    throw new IllegalStateException(unreadable);
                }
            });
        }
    }

    // Processes.

    JsonNode process(String name) throws IOException, InterruptedException {
        return list(standIns.get("/status").path("processes")).stream().filter(process -> process.path("name").asText().equals(name)).findFirst().orElseThrow();
    }

    /** Ends it at once, as a power cut would; the suite starts it again. */
    void kill(String name) throws IOException, InterruptedException {
        ProcessHandle.of(process(name).path("pid").asLong()).orElseThrow().destroyForcibly();
    }

    boolean allReady() throws IOException, InterruptedException {
        return list(standIns.get("/status").path("processes")).stream().allMatch(process -> process.path("ready").asBoolean());
    }

    void await(Duration time, String what, java.util.concurrent.Callable<Boolean> condition) throws Exception {
        try {
            Await.within(time, what, condition);
        } catch (AssertionError notInTime) {
            throw new AssertionError(notInTime.getMessage() + "\nEC2: " + ec2().path("answers") + "\nlaunches: " + briefly() + "\nheld: " + standIns.get("/ec2/held")
                    + "\nClearML: " + standIns.get("/clearml/books?brief=true") + "\n" + shell.run("./muster machine list").out(), notInTime);
        }
    }

    static List<JsonNode> list(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false).toList();
    }

    @Override
    public void close() {
        shell.endAll();
    }
}
