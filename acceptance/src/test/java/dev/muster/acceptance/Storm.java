package dev.muster.acceptance;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import dev.muster.contracts.CloudEvents;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.Topics;
import dev.muster.v1.MachineVerb;
import dev.muster.v1.Request;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.StreamSupport;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** A fleet whose machines are processes with the real boot script, guard and agent, and what a test does to it. Not thread-safe. */
final class Storm implements AutoCloseable {

    static final String QUEUE = "storm";
    private static final String FLEET = "storm";
    private static final Duration STEP = Duration.ofMillis(500);

    final Shell shell;
    final StandIns standIns;
    final Clearml clearml;
    private final Path secrets;
    /** Machines whose power a test cut, by the cloud's id, and when. */
    final Map<String, Instant> killed = new LinkedHashMap<>();
    private final Topics topics = new Topics(Topics.DEFAULT_PREFIX, Topics.SANDBOX_INPUT_PARTITIONS);
    private final KafkaProducer<byte[], byte[]> producer;
    /** Machines that a test asked to drain, and when it last began to. */
    final Map<String, Instant> asked = new LinkedHashMap<>();
    private final Set<String> struck = new LinkedHashSet<>();
    private final PriorityQueue<Due> agenda = new PriorityQueue<>(Comparator.comparing(Due::at));
    private int enqueued;
    private int requests;

    private record Due(Instant at, Deed deed) {}

    /** What a test does. */
    interface Deed {
        void run() throws Exception;
    }

    /**
     * Everything up, the fleet declared, its queue made.
     *
     * @param speed of the stand-in cloud
     * @param pool  the rest of its only pool
     */
    Storm(Path folder, int speed, String pool) throws Exception {
        // A machine that its cloud ended by itself shows in the next list. At rest that is a minute away, and a storm has its calms.
        shell = new Shell(folder).with("MUSTER_INVENTORY_SLOW", "4s");
        try {
            var up = shell.run("./muster up --machines processes --speed " + speed + " --json").succeeded().json();
            clearml = Clearml.of(shell);
            secrets = Path.of(up.path("secrets").asText());
            standIns = StandIns.of(shell);
            // An agent looks at its queue, and whether its task has ended, each second instead of every five. A task that loses its machine
            // more often than a fleet puts it back by default is no rarity here.
            Files.writeString(folder.resolve("storm.yaml"), """
                    name: %s
                    createQueues: true
                    rescue: {attempts: 50, rescueAfter: 1m}
                    queues:
                      %s: [cpu]
                    pools:
                      cpu:
                        provider: aws
                        region: us-east-1
                        type: c5.xlarge
                        agent:
                          docker: false
                          cpuOnly: true
                          environment: {CLEARML_AGENT_SKIP_PYTHON_ENV_INSTALL: "1", CLEARML_AGENT_QUEUE_POLL_FREQ_SEC: "1"}
                    """.formatted(FLEET, QUEUE) + pool.indent(4));
            shell.run("./muster fleet apply -f storm.yaml").succeeded();
            Await.within(Duration.ofMinutes(2), "the queue is seen",
                    () -> shell.run("./muster queue list --json").succeeded().json().path("queues").path(0).path("problem").asText("?").isEmpty());
            producer = new KafkaProducer<>(KafkaSettings.producer(up.path("kafka").asText()), new ByteArraySerializer(), new ByteArraySerializer());
        } catch (Exception | AssertionError notUp) {
            shell.endAll();
            throw notUp;
        }
    }

    // Tasks.

    void enqueue(int tasks, double seconds) throws Exception {
        shell.run("./muster task enqueue " + QUEUE + " --count " + tasks + " --seconds " + seconds).succeeded();
        enqueued += tasks;
    }

    int enqueued() {
        return enqueued;
    }

    /** How many tasks have a status, by ClearML's books. */
    JsonNode statuses() throws Exception {
        return standIns.get("/clearml/books?brief=true").path("byStatus");
    }

    // Machines.

    /** Those that run by the cloud's books, and that nothing was done to yet. */
    List<StormBooks.Machine> untouched() throws Exception {
        return StormBooks.machines(standIns.get("/ec2/books")).stream()
                .filter(machine -> machine.state().equals("running") && !struck.contains(machine.id()) && !machine.isMarked(Instant.now())).toList();
    }

    /** Worker ids that ClearML lists. */
    List<String> workers() throws Exception {
        return StreamSupport.stream(clearml.call("workers.get_all", Map.of()).path("workers").spliterator(), false)
                .map(worker -> worker.path("id").asText()).toList();
    }

    /** Those of them that have a task, by ClearML's books. */
    List<StormBooks.Machine> untouchedAtWork() throws Exception {
        return untouchedOf(standIns.tasks().stream().filter(task -> task.path("status").asText().equals("in_progress"))
                .map(task -> task.path("lastWorker").asText()).toList());
    }

    /** Those of them whose agent ClearML lists. */
    List<StormBooks.Machine> untouchedReady() throws Exception {
        return untouchedOf(workers());
    }

    private List<StormBooks.Machine> untouchedOf(List<String> workers) throws Exception {
        return untouched().stream().filter(machine -> workers.stream().anyMatch(worker -> worker.endsWith(":" + machine.id()))).toList();
    }

    /** How many ended themselves under a mark. */
    long drained() throws Exception {
        return StormBooks.machines(standIns.get("/ec2/books")).stream().filter(StormBooks.Machine::isDrained).count();
    }

    int live() throws Exception {
        return standIns.get("/ec2/books").path("live").asInt();
    }

    void drain(StormBooks.Machine machine) {
        struck.add(machine.id());
        asked.put(machine.id(), Instant.now());
        ask(machine, MachineVerb.DRAIN_MACHINE);
    }

    /** Takes its drain back, if it comes in time; what is done to it after that is done anew. */
    void workOn(StormBooks.Machine machine) {
        struck.remove(machine.id());
        ask(machine, MachineVerb.CANCEL_DRAIN);
    }

    /** Ends all that runs on it at once. Its cloud notices nothing yet. */
    void cutPower(StormBooks.Machine machine) throws Exception {
        struck.add(machine.id());
        killed.put(machine.id(), Instant.now());
        standIns.post("/ec2/instances/" + machine.id() + "/die", "");
    }

    /** Its cloud ends it, and soon shows it as gone. */
    void loseIt(StormBooks.Machine machine) throws Exception {
        standIns.post("/ec2/instances/" + machine.id() + "/terminate", "");
    }

    private void ask(StormBooks.Machine machine, MachineVerb verb) {
        var request = Request.newBuilder().setRequestId("storm-" + ++requests).setFleet(FLEET).setCaller("storm");
        request.getMachinesBuilder().setVerb(verb).addMachineIds(machine.machineId());
        var value = request.build();
        producer.send(new ProducerRecord<>(topics.requests(), null, null, FLEET.getBytes(UTF_8), value.toByteArray(),
                CloudEvents.headers(value, value.getRequestId(), "/storm", Instant.now())));
    }

    // Time.

    void in(Duration wait, Deed deed) {
        agenda.add(new Due(Instant.now().plus(wait), deed));
    }

    /** Does what is due until the condition holds; fails if it doesn't within that time after the last task that ended. */
    void goOnUntil(Duration patience, Until condition) throws Exception {
        var last = Instant.now();
        int ended = -1;
        while (true) {
            while (!agenda.isEmpty() && !agenda.peek().at.isAfter(Instant.now())) {
                agenda.remove().deed.run();
            }
            var statuses = statuses();
            if (condition.holds(statuses)) {
                return;
            }
            if (statuses.path("completed").asInt() != ended) {
                ended = statuses.path("completed").asInt();
                last = Instant.now();
            }
            if (last.plus(patience).isBefore(Instant.now())) {
                throw new AssertionError("nothing came of it for " + patience + ": " + statuses + "; " + shell.run("./muster machine list").out()
                        + shell.run("./muster why queue " + QUEUE).out());
            }
            TimeUnit.NANOSECONDS.sleep(STEP.toNanos());
        }
    }

    /** Of the tasks by status. */
    interface Until {
        boolean holds(JsonNode statuses) throws Exception;
    }

    @Override
    public void close() throws IOException {
        producer.close(Duration.ZERO);
        shell.endAll();
        // JUnit, which empties the folder, says of each link out of it that it is one.
        var folders = secrets.resolveSibling("machines");
        if (Files.isDirectory(folders)) {
            try (var machines = Files.newDirectoryStream(folders)) {
                for (var machine : machines) {
                    Files.deleteIfExists(machine.resolve("opt/muster/venv"));
                }
            }
        }
    }
}
