package dev.muster.planner.stream;


import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import dev.muster.contracts.Times;
import dev.muster.contracts.Topics;
import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.Plan;
import dev.muster.planner.spec.Specs;
import dev.muster.v1.ApplyFleet;
import dev.muster.v1.CloudState;
import dev.muster.v1.Command;
import dev.muster.v1.CommandAnswered;
import dev.muster.v1.DeleteFleet;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.DemandObserved;
import dev.muster.v1.Ending;
import dev.muster.v1.FailureKind;
import dev.muster.v1.InventoryReported;
import dev.muster.v1.LaunchAccepted;
import dev.muster.v1.LaunchRefused;
import dev.muster.v1.MachineReport;
import dev.muster.v1.MachineReported;
import dev.muster.v1.MachineRequest;
import dev.muster.v1.MachineVerb;
import dev.muster.v1.Mark;
import dev.muster.v1.QueueState;
import dev.muster.v1.ReadFailed;
import dev.muster.v1.Request;
import dev.muster.v1.ScopeState;
import dev.muster.v1.SetPaused;
import dev.muster.v1.TaskAdrift;
import dev.muster.v1.TaskStatus;
import dev.muster.v1.WaitingTask;
import dev.muster.v1.WorkerSeen;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.BiFunction;

/**
 * A play on one partition: fleets are declared, edited, paused and deleted, queues fill and empty, a cloud accepts, refuses and loses
 * machines, looks and lists come in parts or not at all, and the planner is restarted, all as a seed has it. What happens is recorded.
 */
final class RandomHistory {

    static final Topics TOPICS = new Topics("t.", 1);
    private static final String SCOPE = "aws/main/eu-west-1";

    private final Random random;
    private final BiFunction<Fleet, Instant, Plan> planner;
    private final Recording recording = new Recording(TOPICS);
    private InMemoryValues values = new InMemoryValues();
    private final List<String> names;
    private final Map<String, FleetPlay> plays = new TreeMap<>();
    private PublishedFleets published = PublishedFleets.NONE;
    private FleetOwner owner;
    private Instant now = Instant.parse("2026-03-01T12:00:00Z");
    private int requests;
    private int restarts;

    /** What the world holds of a fleet. */
    private static final class FleetPlay {
        private final Map<String, MachineReported> machines = new TreeMap<>();
        private final Map<String, String> taskOf = new TreeMap<>();
        private int waiting;
        private long sequence;
        private long listSequence;
        private int tasks;
    }

    RandomHistory(long seed, int fleets, BiFunction<Fleet, Instant, Plan> planner) {
        this.random = new Random(seed);
        this.planner = planner;
        names = java.util.stream.IntStream.range(0, fleets).mapToObj(i -> "fleet-" + i).toList();
        names.forEach(name -> plays.put(name, new FleetPlay()));
        start();
    }

    Recording recording() {
        return recording;
    }

    Instant now() {
        return now;
    }

    InMemoryValues values() {
        return values;
    }

    int restarts() {
        return restarts;
    }

    private void start() {
        owner = new FleetOwner(TOPICS, planner, () -> now, "/test", () -> "test", Witness.SILENT);
        var committed = new java.util.HashMap<org.apache.kafka.common.TopicPartition, Long>();
        TOPICS.inputs().forEach(topic -> committed.put(new org.apache.kafka.common.TopicPartition(topic, 0), next.getOrDefault(topic, 0L)));
        owner.begin(new FleetStore(values), send -> {
            recording.output(send.sink(), send.key(), send.value(), send.at(), send.headers());
            if (send.sink().equals("commands.aws")) {
                asked.add(send.value());
            }
        }, 0, committed, published);
    }

    private final Map<String, Long> next = new TreeMap<>();
    private final List<byte[]> asked = new ArrayList<>();

    private void input(String topic, String fleet, Message message) {
        var record = recording.input(topic, fleet, message.toByteArray(), now);
        owner.take(topic, 0, record.offset(), record.key(), record.value(), record.timestamp());
        next.put(topic, record.offset() + 1);
    }

    void restart() {
        restarts++;
        start();
    }

    /** What the topics hold of the fleets, as {@link PublishedTopics} reads it. */
    PublishedFleets published() {
        return recording.published();
    }

    /** The store is emptied, and the owner is told of what the topics hold. */
    void loseState(PublishedFleets known) {
        values = new InMemoryValues();
        published = known;
        restart();
        published = PublishedFleets.NONE;
    }

    RandomHistory play(int steps) {
        for (var i = 0; i < steps; i++) {
            now = now.plusMillis(random.nextInt(10) == 0 ? random.nextInt(60_000) : random.nextInt(800));
            var name = names.get(random.nextInt(names.size()));
            switch (random.nextInt(24)) {
                case 0 -> request(name);
                case 1 -> {
                    if (random.nextInt(4) == 0) {
                        restart();
                    }
                }
                case 2 -> input(TOPICS.demand(), name, failed(name));
                case 3 -> {
                    // What nobody can use is passed over in a replay as it was then.
                    input(TOPICS.demand(), name, DemandEvent.newBuilder().setFleet("somebody-else").build());
                }
                case 4, 5, 6, 7 -> inventory(name);
                case 8, 9, 10 -> cloud(name);
                case 11 -> now = now.plus(Duration.ofMinutes(random.nextInt(30)));
                default -> look(name);
            }
            carryOut();
            if (random.nextInt(3) > 0) {
                owner.planDue();
                carryOut();
            }
        }
        return this;
    }

    private Request.Builder to(String fleet) {
        return Request.newBuilder().setRequestId("r" + requests++).setFleet(fleet).setCaller("somebody").setFacts(Specs.FACTS);
    }

    private void request(String fleet) {
        var request = to(fleet);
        switch (random.nextInt(9)) {
            case 0 -> request.setSetPaused(SetPaused.newBuilder().setPaused(random.nextBoolean()));
            case 1 -> request.setDelete(DeleteFleet.newBuilder());
            case 2, 3 -> {
                var verbs = List.of(MachineVerb.DRAIN_MACHINE, MachineVerb.CANCEL_DRAIN, MachineVerb.TERMINATE_MACHINE, MachineVerb.FETCH_CONSOLE);
                var ids = plays.get(fleet).machines.keySet().stream().toList();
                request.setMachines(MachineRequest.newBuilder().setVerb(verbs.get(random.nextInt(3))).setBusyToo(random.nextBoolean())
                        .addMachineIds(ids.isEmpty() ? "m-none" : ids.get(random.nextInt(ids.size()))));
            }
            case 4 -> request.setRequestId("r" + random.nextInt(requests)).setSetPaused(SetPaused.newBuilder().setPaused(true));
            default -> declare(fleet, request);
        }
        if (random.nextInt(8) == 0) {
            request.setDryRun(true).setPreview(true);
        }
        input(TOPICS.requests(), fleet, request.build());
    }

    private void declare(String fleet, Request.Builder request) {
        var spec = Specs.fleet(fleet).setWorkersPrefix("lab-" + fleet);
        spec.getPoolsBuilder(0).getLimitsBuilder().setMax(1 + random.nextInt(6)).setMin(random.nextInt(2));
        spec.getPoolsBuilder(0).setIdleTimeout(Times.duration(Duration.ofSeconds(5 + random.nextInt(60))));
        if (random.nextBoolean()) {
            spec.getPoolsBuilder(0).addOffersBuilder().setKey(Specs.offerKey("m5.xlarge")).setPriceMicrosPerHour(200_000);
        }
        var letters = random.ints(8, 0, 26).mapToObj(i -> String.valueOf((char) ('a' + i))).reduce("", String::concat);
        request.setApply(ApplyFleet.newBuilder().setSpec(spec).setNewIncarnation(letters));
    }

    /** Declares every fleet. */
    RandomHistory declareAll() {
        for (var name : names) {
            now = now.plusMillis(5);
            var request = to(name);
            declare(name, request);
            input(TOPICS.requests(), name, request.build());
            inventory(name);
            owner.planDue();
        }
        return this;
    }

    private Message failed(String fleet) {
        var event = DemandEvent.newBuilder().setFleet(fleet).setReadFailed(ReadFailed.newBuilder().setCall("queues.get_all").setDetail("it timed out"));
        event.getSeenBuilder().setSource("w").setGeneration(1).setSequence(plays.get(fleet).sequence).setReadStartedAt(Times.timestamp(now));
        return event.build();
    }

    private void look(String fleet) {
        var play = plays.get(fleet);
        play.waiting = Math.max(0, Math.min(8, play.waiting + random.nextInt(5) - 2));
        play.sequence += random.nextInt(12) == 0 ? 2 : 1;
        var parts = 1 + random.nextInt(3);
        for (var part = 1; part <= parts; part++) {
            if (random.nextInt(15) == 0) {
                // Lost on the way, or cut off by a restart.
                restart();
                continue;
            }
            var look = DemandObserved.newBuilder().setTick(play.sequence).setFull(true).setInterval(Times.duration(Duration.ofSeconds(1)));
            if (part == 1) {
                var queue = look.addQueuesBuilder().setName("default").setId("q1").setState(QueueState.SERVED).setWaiting(play.waiting);
                for (var i = 0; i < play.waiting; i++) {
                    queue.addFirst(WaitingTask.newBuilder().setTask("t" + i));
                }
                if (random.nextInt(10) == 0) {
                    look.addAdrift(TaskAdrift.newBuilder().setTask("adrift" + play.tasks++).setQueue("q1").setStatus(TaskStatus.QUEUED)
                            .setSince(Times.timestamp(now.minusSeconds(300))).setLastUpdate(Times.timestamp(now.minusSeconds(300))));
                }
            }
            for (var machine : play.machines.values()) {
                if (machine.getState() == CloudState.RUNNING_STATE && Math.floorMod(machine.getCloudId().hashCode(), parts) == part - 1) {
                    var worker = WorkerSeen.newBuilder().addQueueIds("q1")
                            .setWorker("lab-" + fleet + ":cpu:" + machine.getOffer().getMachineType() + ":" + machine.getCloudId());
                    if (random.nextBoolean()) {
                        worker.setTask("t" + random.nextInt(9));
                    }
                    look.addWorkers(worker);
                }
            }
            var event = DemandEvent.newBuilder().setFleet(fleet).setDemandObserved(look);
            event.getSeenBuilder().setSource("w").setGeneration(1).setSequence(play.sequence).setPart(part).setParts(parts)
                    .setReadStartedAt(Times.timestamp(now));
            input(TOPICS.demand(), fleet, event.build());
        }
    }

    private void inventory(String fleet) {
        var play = plays.get(fleet);
        play.listSequence++;
        var parts = 1 + random.nextInt(2);
        for (var part = 1; part <= parts; part++) {
            if (random.nextInt(20) == 0) {
                continue;
            }
            var list = InventoryReported.newBuilder().setListStartedAt(Times.timestamp(now))
                    .setScopeState(random.nextInt(12) == 0 ? ScopeState.PARTIAL : ScopeState.LISTED_ALL);
            for (var machine : play.machines.values()) {
                if (machine.getState() != CloudState.TERMINATED && Math.floorMod(machine.getCloudId().hashCode(), parts) == part - 1
                        && random.nextInt(30) > 0) {
                    list.addMachines(machine);
                }
            }
            var report = MachineReport.newBuilder().setFleet(fleet).setScope(SCOPE).setInventory(list);
            report.getSeenBuilder().setSource("p").setGeneration(1).setSequence(play.listSequence).setPart(part).setParts(parts)
                    .setReadStartedAt(Times.timestamp(now));
            input(TOPICS.machineReports(), fleet, report.build());
        }
    }

    /** A machine comes up, goes, or turns up that nobody knows. */
    private void cloud(String fleet) {
        var play = plays.get(fleet);
        if (play.machines.isEmpty()) {
            return;
        }
        var machines = List.copyOf(play.machines.values());
        var machine = machines.get(random.nextInt(machines.size())).toBuilder();
        if (random.nextInt(6) == 0) {
            machine.setState(CloudState.TERMINATED).setEnding(random.nextBoolean() ? Ending.INSIDE : Ending.INTERRUPTED);
        } else if (machine.getState() == CloudState.PENDING) {
            machine.setState(CloudState.RUNNING_STATE);
        }
        play.machines.put(machine.getMachineId(), machine.build());
        report(fleet, MachineReport.newBuilder().setMachine(machine));
    }

    private void report(String fleet, MachineReport.Builder report) {
        report.setFleet(fleet).setScope(SCOPE);
        report.getSeenBuilder().setSource("p").setGeneration(1).setSequence(plays.get(fleet).listSequence).setReadStartedAt(Times.timestamp(now));
        input(TOPICS.machineReports(), fleet, report.build());
    }

    /** The provisioner's part, late, or never. */
    private void carryOut() {
        var commands = List.copyOf(asked);
        asked.clear();
        for (var bytes : commands) {
            Command command;
            try {
                command = Command.parseFrom(bytes);
            } catch (InvalidProtocolBufferException unreadable) {
                throw new IllegalStateException(unreadable);
            }
            now = now.plusMillis(random.nextInt(200));
            var play = plays.get(command.getFleet());
            if (command.hasLaunch() && random.nextInt(5) == 0) {
                var kinds = List.of(FailureKind.OUT_OF_CAPACITY, FailureKind.QUOTA_EXCEEDED, FailureKind.UNAUTHORIZED, FailureKind.INVALID_SPEC, FailureKind.EXPIRED);
                report(command.getFleet(), MachineReport.newBuilder().setLaunchRefused(LaunchRefused.newBuilder().setBatchId(command.getLaunch().getBatchId())
                        .addAllMachineIds(command.getLaunch().getMachineIdsList()).setKind(kinds.get(random.nextInt(kinds.size()))).setCode("No")
                        .setOffer(command.getLaunch().getOffer())));
            } else if (command.hasLaunch() && random.nextInt(8) > 0) {
                var accepted = LaunchAccepted.newBuilder().setBatchId(command.getLaunch().getBatchId());
                for (var id : command.getLaunch().getMachineIdsList()) {
                    var machine = MachineReported.newBuilder().setMachineId(id).setPool("cpu").setCloudId("i-" + Integer.toHexString((command.getFleet() + id).hashCode()))
                            .setBatchId(command.getLaunch().getBatchId()).setOffer(command.getLaunch().getOffer()).setState(CloudState.PENDING)
                            .setMark(Mark.NO_MARK).setLaunchedAt(Times.timestamp(now)).build();
                    play.machines.put(id, machine);
                    accepted.addMachines(machine);
                }
                report(command.getFleet(), MachineReport.newBuilder().setLaunchAccepted(accepted));
            } else if (command.hasDrain() || command.hasTerminate()) {
                var id = command.hasDrain() ? command.getDrain().getMachineId() : command.getTerminate().getMachineId();
                var ordinal = command.hasDrain() ? command.getDrain().getOrdinal() : command.getTerminate().getOrdinal();
                report(command.getFleet(), MachineReport.newBuilder().setCommandAnswered(CommandAnswered.newBuilder().setMachineId(id)
                        .setOrdinal(ordinal).setVerb("x").setDone(random.nextInt(5) > 0)));
                if (play.machines.containsKey(id) && random.nextInt(3) > 0) {
                    var machine = play.machines.get(id).toBuilder().setState(CloudState.TERMINATED)
                            .setEnding(command.hasDrain() ? Ending.INSIDE : Ending.ASKED).build();
                    play.machines.put(id, machine);
                    report(command.getFleet(), MachineReport.newBuilder().setMachine(machine));
                }
            }
        }
    }
}
