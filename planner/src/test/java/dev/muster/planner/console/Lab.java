package dev.muster.planner.console;

import static dev.muster.planner.Await.await;

import com.google.protobuf.Timestamp;
import dev.muster.contracts.FleetYaml;
import dev.muster.contracts.Times;
import dev.muster.v1.ApplyFleetRequest;
import dev.muster.v1.CloudState;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.DemandObserved;
import dev.muster.v1.Ending;
import dev.muster.v1.FailureKind;
import dev.muster.v1.FleetView;
import dev.muster.v1.FleetsGrpc;
import dev.muster.v1.GetFleetRequest;
import dev.muster.v1.HistoryRow;
import dev.muster.v1.InventoryReported;
import dev.muster.v1.LaunchRefused;
import dev.muster.v1.ListMachinesRequest;
import dev.muster.v1.MachineNameRequest;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.MachineReport;
import dev.muster.v1.MachineReported;
import dev.muster.v1.MachinesGrpc;
import dev.muster.v1.Observation;
import dev.muster.v1.OfferKey;
import dev.muster.v1.Phase;
import dev.muster.v1.QueuePicture;
import dev.muster.v1.QueueState;
import dev.muster.v1.ScopeState;
import dev.muster.v1.WaitingTask;
import dev.muster.v1.WorkerSeen;
import io.grpc.Channel;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * A lab with two fleets, said by the test as a watcher and a provisioner would say it; the planner that hears it is the real one, and launches, drains
 * and refuses by itself.
 */
final class Lab implements AutoCloseable {

    /** A task that runs, and one that waits, of somebody who tries. */
    static final String SCRIPT = "<script>alert(1)</script>";
    static final String IMAGE = "<img src=x onerror=alert(2)>";

    /** A machine of research that is gone, and that nobody else has the type of. */
    static final String PAST = "mpast-1";
    static final String PAST_TYPE = "g4ad.xlarge";

    static final String RESEARCH = """
            name: research
            currency: USD
            budgets: {day: {limit: 60, soft: 40}}
            queues:
              training: [gpu]
              quick: [cpu]
            pools:
              gpu: {provider: aws, account: main, region: eu-west-1, type: g4dn.xlarge, price: 0.526, max: 8, budgets: {hour: 2.7}}
              cpu: {provider: aws, account: main, region: eu-west-1, type: m5.large, price: 0.096, max: 6}
            """;
    static final String NIGHTLY = """
            name: nightly
            currency: USD
            budgets: {month: 500}
            queues: {nightly: [batch], archive: [batch]}
            pools:
              batch: {provider: aws, account: main, region: us-east-1, type: m6i.xlarge, price: 0.192, max: 4}
            """;

    private final KafkaProducer<String, byte[]> producer;
    private final FleetsGrpc.FleetsBlockingStub fleets;
    private final MachinesGrpc.MachinesBlockingStub machines;
    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor();
    private final Map<String, Played> played = new LinkedHashMap<>();
    private volatile boolean silent;

    /** What the watcher and the provisioner know of one fleet. */
    private static final class Played {
        final String scope;
        final Map<String, List<WaitingTask>> queues = new LinkedHashMap<>();
        final Map<String, MachineReported> cloud = new TreeMap<>();
        final Map<String, WorkerSeen> workers = new TreeMap<>();
        String missing = "";
        long sequence;

        Played(String scope) {
            this.scope = scope;
        }
    }

    Lab(String brokers, Channel channel) {
        producer = new KafkaProducer<>(Map.<String, Object>of("bootstrap.servers", brokers), new StringSerializer(), new ByteArraySerializer());
        fleets = FleetsGrpc.newBlockingStub(channel);
        machines = MachinesGrpc.newBlockingStub(channel);
        clock.scheduleWithFixedDelay(() -> {
            if (!silent) {
                tell();
            }
        }, 1, 1, TimeUnit.SECONDS);
    }

    /** Both fleets with machines in every phase that lasts: busy and idle, requested and booting, draining, ending, gone and refused. */
    Lab begin() throws Exception {
        apply(RESEARCH);
        apply(NIGHTLY);
        synchronized (this) {
            var research = new Played("aws/main/eu-west-1");
            research.queues.put("training", waiting("train", 7));
            research.queues.get("training").set(5, task(SCRIPT).setProject(IMAGE).build());
            research.queues.put("quick", waiting("quick", 4));
            played.put("research", research);
            var nightly = new Played("aws/main/us-east-1");
            nightly.queues.put("nightly", waiting("batch", 3));
            nightly.missing = "archive";
            nightly.queues.put("archive", List.of());
            played.put("nightly", nightly);
            tell();
        }
        var gpu = launched("research", "gpu", 5);
        var cpu = launched("research", "cpu", 4);
        var batch = launched("nightly", "batch", 3);
        for (var machine : gpu.subList(0, 4)) {
            shows(machine, CloudState.RUNNING_STATE);
        }
        for (var machine : cpu) {
            shows(machine, CloudState.RUNNING_STATE);
        }
        shows(batch.get(0), CloudState.RUNNING_STATE);
        shows(batch.get(1), CloudState.RUNNING_STATE);
        works(gpu.get(0), SCRIPT);
        works(gpu.get(1), "train-1");
        works(gpu.get(2), "train-2");
        works(cpu.get(0), "quick-0");
        works(cpu.get(1), "quick-1");
        works(cpu.get(2), "");
        works(batch.get(0), "batch-0");
        works(batch.get(1), "batch-1");
        synchronized (this) {
            played.get("research").queues.put("training", new ArrayList<>(waiting("train", 12).subList(3, 12)));
            played.get("research").queues.get("training").set(6, task(IMAGE).build());
            played.get("research").queues.put("quick", List.of());
            played.get("nightly").queues.put("nightly", List.of());
        }
        refuses(batch.get(2));
        tell();
        await(() -> "the lab works: " + told(), () -> working("research") == 5 && working("nightly") == 2);
        machines.drainMachine(MachineNameRequest.newBuilder().setMachineId(cpu.get(1).getMachineId()).build());
        ends(cpu.get(3), CloudState.SHUTTING_DOWN);
        ends(batch.get(1), CloudState.TERMINATED);
        tell();
        await(() -> "its machines are in every phase: " + told(), () -> phases().keySet().containsAll(List.of(Phase.REQUESTED, Phase.BOOTING, Phase.READY, Phase.DRAINING, Phase.TERMINATING,
                Phase.GONE, Phase.FAILED)));
        await("the budget binds", () -> !fleet("research").getRefusalsList().isEmpty());
        past();
        return this;
    }

    void apply(String yaml) throws Exception {
        var spec = FleetYaml.read(yaml);
        fleets.applyFleet(ApplyFleetRequest.newBuilder().setSpec(spec).build());
        await(spec.getName() + " is shown", () -> {
            try {
                fleet(spec.getName());
                return true;
            } catch (io.grpc.StatusRuntimeException notYet) {
                return false;
            }
        });
    }

    FleetView fleet(String name) {
        return fleets.getFleet(GetFleetRequest.newBuilder().setName(name).build());
    }

    /** Of all fleets, those that ended among them. */
    List<MachineRecord> machines() {
        return machines.listMachines(ListMachinesRequest.newBuilder().setEndedToo(true).setPageSize(1000).build()).getMachinesList();
    }

    MachineRecord machine(String pool, Phase phase) {
        return machines().stream().filter(machine -> machine.getPool().equals(pool) && machine.getPhase() == phase).findFirst().orElseThrow();
    }

    MachineRecord running(String task) {
        return machines().stream().filter(machine -> machine.getTasksList().contains(task)).findFirst().orElseThrow();
    }

    MachineRecord idle() {
        return machines().stream().filter(machine -> machine.getPhase() == Phase.READY && machine.getTasksCount() == 0).findFirst().orElseThrow();
    }

    /** By the API, so that both are on the record. */
    MachineRecord protectsAndUnprotects(MachineRecord machine) {
        var request = MachineNameRequest.newBuilder().setMachineId(machine.getMachineId()).build();
        machines.protectMachine(request);
        return machines.unprotectMachine(request);
    }

    private Map<Phase, Long> phases() {
        var found = new TreeMap<Phase, Long>();
        machines().forEach(machine -> found.merge(machine.getPhase(), 1L, Long::sum));
        return found;
    }

    /** For who waits in vain. */
    private String told() {
        return machines().stream().map(machine -> machine.getMachineId() + " of " + machine.getPool() + " is " + machine.getPhase() + " with " + machine.getTasksList()).toList()
                + "; in the way: " + fleet("research").getRefusalsList().stream().map(refusal -> refusal.getText()).toList();
    }

    private long working(String fleet) {
        return machines().stream().filter(machine -> machine.getFleet().equals(fleet) && machine.getTasksCount() > 0).count();
    }

    private List<MachineRecord> launched(String fleet, String pool, int count) throws Exception {
        await(count + " machines of " + pool, () -> of(fleet, pool).size() == count);
        return of(fleet, pool);
    }

    private List<MachineRecord> of(String fleet, String pool) {
        return machines().stream().filter(machine -> machine.getFleet().equals(fleet) && machine.getPool().equals(pool)).toList();
    }

    private static WaitingTask.Builder task(String id) {
        return WaitingTask.newBuilder().setTask(id).setProject("3c0f2d9a6f").setUser("ann").setAdded(Times.timestamp(Instant.now().minusSeconds(95)));
    }

    private static List<WaitingTask> waiting(String name, int count) {
        var tasks = new ArrayList<WaitingTask>();
        for (int i = 0; i < count; i++) {
            tasks.add(task(name + "-" + i).build());
        }
        return tasks;
    }

    // As the provisioner says it.

    private void shows(MachineRecord machine, CloudState state) {
        reports(machine, MachineReported.newBuilder().setMachineId(machine.getMachineId()).setPool(machine.getPool()).setCloudId("i-0" + Integer.toHexString(
                machine.getMachineId().hashCode())).setBatchId(machine.getBatchId()).setLaunchIndex(machine.getLaunchIndex()).setOffer(machine.getOffer()).setState(state)
                .setLaunchedAt(now()).build());
    }

    /** The cloud takes it back. */
    synchronized void ends(MachineRecord machine, CloudState state) {
        var fleet = played.get(machine.getFleet());
        reports(machine, fleet.cloud.get(machine.getMachineId()).toBuilder().setState(state).setEnding(Ending.INTERRUPTED).build());
        fleet.workers.remove(machine.getMachineId());
    }

    private synchronized void reports(MachineRecord machine, MachineReported report) {
        var fleet = played.get(machine.getFleet());
        fleet.cloud.put(machine.getMachineId(), report);
        write("machine-reports", machine.getFleet(), MachineReport.newBuilder().setFleet(machine.getFleet()).setScope(fleet.scope).setMachine(report).build().toByteArray(), Instant.now());
    }

    private void refuses(MachineRecord machine) {
        write("machine-reports", machine.getFleet(), MachineReport.newBuilder().setFleet(machine.getFleet()).setScope(machine.getScope()).setLaunchRefused(LaunchRefused.newBuilder()
                .setBatchId(machine.getBatchId()).addMachineIds(machine.getMachineId()).setKind(FailureKind.OUT_OF_CAPACITY).setCode("InsufficientInstanceCapacity")
                .setMessage("We currently do not have sufficient m6i.xlarge capacity.").setOffer(machine.getOffer())).build().toByteArray(), Instant.now());
    }

    // As the watcher says it.

    /** @param task empty: it is idle */
    private synchronized void works(MachineRecord machine, String task) {
        var fleet = played.get(machine.getFleet());
        var worker = "lab-" + machine.getFleet() + ":" + machine.getPool() + ":" + machine.getOffer().getMachineType() + ":" + fleet.cloud.get(machine.getMachineId()).getCloudId();
        fleet.workers.put(machine.getMachineId(), WorkerSeen.newBuilder().setWorker(worker).setTask(task).setUser("ann").setProject(task.isEmpty() ? "" : "3c0f2d9a6f")
                .addAllQueueIds(machine.getQueueIdsList()).setRegisteredAt(now()).setLastReportAt(now()).build());
    }

    /** Nobody looks any more, until {@link #lookAgain}. */
    void lookAway() {
        silent = true;
    }

    void lookAgain() {
        silent = false;
        tell();
    }

    private synchronized void tell() {
        played.forEach((name, fleet) -> {
            fleet.sequence++;
            var seen = Observation.newBuilder().setGeneration(1).setSequence(fleet.sequence).setReadStartedAt(now()).setPart(1).setParts(1);
            var inventory = InventoryReported.newBuilder().setListStartedAt(now()).setScopeState(ScopeState.LISTED_ALL)
                    .addAllMachines(fleet.cloud.values().stream().filter(machine -> machine.getState() != CloudState.TERMINATED).toList());
            write("machine-reports", name, MachineReport.newBuilder().setFleet(name).setScope(fleet.scope).setSeen(seen.clone().setSource("provisioner")).setInventory(inventory)
                    .build().toByteArray(), Instant.now());
            var look = DemandObserved.newBuilder().setTick(fleet.sequence).setFull(true).addAllWorkers(fleet.workers.values());
            fleet.queues.forEach((queue, tasks) -> {
                if (queue.equals(fleet.missing)) {
                    look.addQueues(QueuePicture.newBuilder().setName(queue).setState(QueueState.MISSING));
                    return;
                }
                var picture = QueuePicture.newBuilder().setId("id-of-" + queue).setName(queue).setState(QueueState.SERVED).setWaiting(tasks.size()).addAllFirst(tasks);
                if (!tasks.isEmpty()) {
                    picture.setOldest(tasks.get(0).getAdded());
                }
                look.addQueues(picture);
            });
            write("demand", name, DemandEvent.newBuilder().setFleet(name).setSeen(seen.clone().setSource("watcher")).setDemandObserved(look).build().toByteArray(), Instant.now());
        });
    }

    // As planners wrote it before.

    /** Three hours of minutes and a day of hours, with a busy afternoon; and a machine that worked for half of the last hour. */
    private void past() {
        var minute = Instant.now().truncatedTo(ChronoUnit.MINUTES);
        var asked = Times.timestamp(minute.minus(40, ChronoUnit.MINUTES));
        write("machines", "research/" + PAST, MachineRecord.newBuilder().setMachineId(PAST).setFleet("research").setPool("gpu").setCloudId("i-past").setPhase(Phase.GONE)
                .setRequestedAt(asked).setAcceptedAt(asked).setReadyAt(asked).setEndedAt(Times.timestamp(minute.minus(10, ChronoUnit.MINUTES)))
                .setOffer(OfferKey.newBuilder().setProvider("aws").setAccount("main").setRegion("eu-west-1").setMachineType(PAST_TYPE)).build().toByteArray(), Instant.now());
        for (int ago = 180; ago > 0; ago--) {
            var start = minute.minus(ago, ChronoUnit.MINUTES);
            int gpu = (int) Math.round(3 + 2 * Math.sin(ago / 25.0));
            int cpu = (int) Math.round(2 + 1.5 * Math.cos(ago / 18.0));
            var row = row("minute", start, Duration.ofMinutes(1), Map.of()).setWaiting(Math.max(0, 6 - gpu)).setRunning(gpu + cpu - 1).putMachines("READY", gpu + cpu);
            write("history", "research/minute", row.setSpentMicros((gpu * 526_000L + cpu * 96_000L) / 60).addAllWaits(List.of(0L, 0L, 1L, (long) (ago % 4), 2L, 0L, 0L, 0L, 0L)).build().toByteArray(), start.plusSeconds(60));
            write("history", "research/minute", row("minute", start, Duration.ofMinutes(1), Map.of("pool", "gpu")).setRunning(gpu).putMachines("READY", gpu)
                    .setSpentMicros(gpu * 526_000L / 60).build().toByteArray(), start.plusSeconds(60));
            write("history", "research/minute", row("minute", start, Duration.ofMinutes(1), Map.of("pool", "cpu")).setRunning(cpu).putMachines("READY", cpu)
                    .setSpentMicros(cpu * 96_000L / 60).build().toByteArray(), start.plusSeconds(60));
        }
        var hour = Instant.now().truncatedTo(ChronoUnit.HOURS);
        for (int ago = 24; ago > 0; ago--) {
            var start = hour.minus(ago, ChronoUnit.HOURS);
            for (var user : List.of("ann", "bob")) {
                write("history", "research/hour", row("hour", start, Duration.ofHours(1), Map.of("pool", "gpu", "queue", "training", "project", "3c0f2d9a6f", "user", user))
                        .setSpentMicros(user.equals("ann") ? 900_000 : 400_000).putPaidMs("useful", 5_400_000).putPaidMs("boot", 240_000).build().toByteArray(), start.plusSeconds(3600));
            }
            write("history", "research/hour", row("hour", start, Duration.ofHours(1), Map.of("pool", "cpu", "queue", "quick")).setSpentMicros(120_000).putPaidMs("idle", 900_000)
                    .putPaidMs("waste", 60_000).build().toByteArray(), start.plusSeconds(3600));
        }
    }

    private static HistoryRow.Builder row(String series, Instant start, Duration length, Map<String, String> labels) {
        return HistoryRow.newBuilder().setFleet("research").setSeries(series).setStart(Times.timestamp(start))
                .setLength(com.google.protobuf.Duration.newBuilder().setSeconds(length.toSeconds())).putAllLabels(labels).setComplete(true);
    }

    private static Timestamp now() {
        return Times.timestamp(Instant.now());
    }

    void write(String topic, String key, byte[] value, Instant at) {
        producer.send(new ProducerRecord<>("muster." + topic, null, at.toEpochMilli(), key, value));
    }

    @Override
    public void close() {
        clock.shutdownNow();
        producer.close(Duration.ofSeconds(5));
    }
}
