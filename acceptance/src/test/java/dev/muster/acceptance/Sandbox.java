package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.muster.sandbox.clearml.SampleTask;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.Phase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** All of Muster's processes in a sandbox; what a test asks of it, and what the clouds' books, ClearML's books and Kafka say. Not thread-safe. */
final class Sandbox implements AutoCloseable {

    final Shell shell;
    final StandIns standIns;
    final Path secrets;
    /** Its brokers, as clients are told them. */
    final String kafka;
    /** What a person who brought it up at a terminal was told; else empty. */
    final String told;
    private final List<CloudStandIn> clouds;
    private final Path folder;
    private final double speed;
    private final PlannerRecords records;
    private int enqueued;

    /**
     * @param speed of the stand-ins' machines
     * @param clouds those that it has stand-ins for
     */
    Sandbox(Path folder, double speed, Map<String, String> environment, CloudStandIn.Kind... clouds) throws Exception {
        this(folder, speed, environment, false, clouds);
    }

    /** As a person at a terminal brings it up, who then closes that. */
    static Sandbox atATerminal(Path folder, double speed, CloudStandIn.Kind... clouds) throws Exception {
        return new Sandbox(folder, speed, Map.of(), true, clouds);
    }

    private Sandbox(Path folder, double speed, Map<String, String> environment, boolean isAtATerminal, CloudStandIn.Kind... clouds) throws Exception {
        this.folder = folder;
        this.speed = speed;
        shell = new Shell(folder);
        environment.forEach(shell::with);
        try {
            var names = Stream.of(clouds).map(CloudStandIn.Kind::provider).collect(Collectors.joining(","));
            var line = "./muster up --speed " + speed + " --clouds " + names;
            told = isAtATerminal ? shell.run("TERM=xterm script --quiet --return --command '" + line + "' /dev/null").succeeded().out() : "";
            var up = shell.run(isAtATerminal ? "./muster status --json" : line + " --json").succeeded().json();
            kafka = up.path("kafka").asText();
            records = new PlannerRecords(kafka);
            secrets = Path.of(up.path("secrets").asText());
            standIns = StandIns.of(shell);
            this.clouds = Stream.of(clouds).map(kind -> new CloudStandIn(kind, standIns)).toList();
        } catch (Exception | AssertionError notUp) {
            shell.endAll();
            throw notUp;
        }
    }

    CloudStandIn cloud(CloudStandIn.Kind kind) {
        return clouds.stream().filter(cloud -> cloud.kind() == kind).findFirst().orElseThrow();
    }

    void apply(String name, String fleet) throws Exception {
        Files.writeString(folder.resolve(name + ".yaml"), fleet);
        shell.run("./muster fleet apply -f " + name + ".yaml").succeeded();
    }

    /**
     * @param seconds of the clock that each task runs
     * @return their ids
     */
    List<String> enqueue(String queue, int tasks, double seconds) throws Exception {
        var answer = shell.run("./muster task enqueue " + queue + " --count " + tasks + " --seconds " + seconds * speed + " --json").succeeded().json();
        enqueued += tasks;
        return list(answer.path("tasks")).stream().map(JsonNode::asText).toList();
    }

    /**
     * One task that runs in a container of its own.
     *
     * @param seconds of the clock that it runs
     * @return its id
     */
    String enqueueWithImage(String queue, String image, double seconds) throws Exception {
        var clearml = Clearml.of(shell);
        var request = SampleTask.running("muster sample", Duration.ofMillis(Math.round(seconds * speed * 1000))).createRequest();
        request.putObject("container").put("image", image);
        var there = clearml.call("queues.get_all", Map.of("name", "^" + queue + "$")).path("queues").path(0).path("id").asText();
        enqueued++;
        var task = clearml.call("tasks.create", request.toString()).path("id").asText();
        clearml.call("tasks.enqueue", Map.of("task", task, "queue", there));
        return task;
    }

    int enqueued() {
        return enqueued;
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
        return records.trail(fleet);
    }

    /** Whether there was a complete list of each scope for the fleet. */
    boolean isListed(String fleet, String... scopes) {
        return records.isListed(fleet, scopes);
    }

    /** The planner's books by machine id, those that have ended among them. */
    Map<String, MachineRecord> machines() {
        return records.machines();
    }

    /** Launches that a cloud refused so far, in order. */
    List<PlannerRecords.Refused> refused() {
        return records.refused();
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

    /** Every task has ended, every machine has gone, and the planner knows. */
    void awaitRest(Duration time) throws Exception {
        await(time, "all tasks to be done", () -> tasks("completed") == enqueued);
        awaitNoMachine(time);
    }

    /** Every machine has gone, and the planner knows. */
    void awaitNoMachine(Duration time) throws Exception {
        await(time, "all machines to be gone", this::isEmpty);
        await(time, "the planner to know", () -> machines().values().stream().noneMatch(MachineRecord::getCounted));
    }

    private boolean isEmpty() throws IOException, InterruptedException {
        for (var cloud : clouds) {
            if (!cloud.isEmpty()) {
                return false;
            }
        }
        return true;
    }

    /**
     * All that there ever was of the fleet, by the clouds' own books, against the planner's books and decisions: one machine an id, all of them decided, so that
     * limits and budgets counted them, all of them known and gone, and none that was decided is missing.
     */
    void everyMachineIsOne(String fleet) throws IOException, InterruptedException {
        var there = new ArrayList<StormBooks.Machine>();
        var books = machines();
        for (var cloud : clouds) {
            // What the planner doesn't know may be this fleet's.
            there.addAll(cloud.machines().stream().filter(machine -> !books.containsKey(machine.machineId()) || books.get(machine.machineId()).getFleet().equals(fleet)).toList());
        }
        assertThat(there).extracting(StormBooks.Machine::machineId).as("one machine an id").doesNotHaveDuplicates();

        var decided = new TreeMap<String, Integer>();
        trail(fleet).launches().forEach(step -> step.launched().forEach(id -> decided.merge(id, 1, Integer::sum)));
        assertThat(decided.values()).as("an id is decided once").containsOnly(1);
        assertThat(there).allSatisfy(machine -> {
            assertThat(decided).as("decided, so that budgets and limits counted it").containsKey(machine.machineId());
            assertThat(books).as("in the planner's books").containsKey(machine.machineId());
            assertThat(books.get(machine.machineId()).getCloudId()).isEqualTo(machine.id());
            assertThat(books.get(machine.machineId()).getPhase()).isEqualTo(Phase.GONE);
        });
        refused().forEach(refused -> decided.remove(refused.machineId()));
        assertThat(there).extracting(StormBooks.Machine::machineId).as("what was decided and not refused is there").hasSameElementsAs(decided.keySet());
    }

    void await(Duration time, String what, java.util.concurrent.Callable<Boolean> condition) throws Exception {
        try {
            Await.within(time, what, condition);
        } catch (AssertionError notInTime) {
            var said = new StringBuilder(notInTime.getMessage());
            for (var cloud : clouds) {
                said.append("\n").append(cloud.told());
            }
            said.append("\nrefused: ").append(refused()).append("\nClearML: ").append(standIns.get("/clearml/books?brief=true")).append("\n")
                    .append(shell.run("./muster machine list").out());
            throw new AssertionError(said.toString(), notInTime);
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
