package dev.muster.planner.stream;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import dev.muster.contracts.Times;
import dev.muster.contracts.Topics;
import dev.muster.planner.core.Planner;
import dev.muster.planner.spec.Specs;
import dev.muster.v1.ApplyFleet;
import dev.muster.v1.CloudState;
import dev.muster.v1.Command;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.DemandObserved;
import dev.muster.v1.Ending;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.InventoryReported;
import dev.muster.v1.LaunchAccepted;
import dev.muster.v1.LaunchMachines;
import dev.muster.v1.MachineReport;
import dev.muster.v1.MachineReported;
import dev.muster.v1.Mark;
import dev.muster.v1.Market;
import dev.muster.v1.Observation;
import dev.muster.v1.OfferPrice;
import dev.muster.v1.PricesReported;
import dev.muster.v1.QueueState;
import dev.muster.v1.Request;
import dev.muster.v1.ScopeState;
import dev.muster.v1.WaitingTask;
import dev.muster.v1.WorkerSeen;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The first quarter of an hour of a fleet: it is applied, tasks come to each of its queues, machines are launched and work, it is edited, machines are idle and go, in
 * a world where nothing fails. What its owner reads and decides is a {@link Transcript}, which any owner can be led through again.
 */
final class FleetPlay {

    /** A Monday morning, five minutes before it is eight in Berlin. */
    private static final Instant BEGIN = Instant.parse("2026-03-02T06:55:00Z");
    private static final Duration TICK = Duration.ofSeconds(10);
    private static final int TICKS = 90;
    /** Tasks that come at the second tick to each queue, and again at half time. */
    private static final int TASKS = 3;
    /** Ticks from a launch to the worker, and those that a task takes. */
    private static final int BOOT = 4;
    private static final int WORK = 12;
    /** When whoever owns the fleet wants idle machines to go after a minute. */
    private static final int EDIT = 66;
    private static final int LIST_EVERY = 6;
    private static final Topics TOPICS = new Topics("t.", 1);

    private final Transcript transcript = new Transcript();
    private final FleetOwner owner;
    private final Map<String, Long> offsets = new HashMap<>();
    private final List<Outbox.Send> written = new ArrayList<>();
    private Instant now = BEGIN;

    private FleetPlay() {
        owner = new FleetOwner(TOPICS, Planner::plan, () -> now, "/golden", () -> "golden", Witness.SILENT);
        owner.begin(new FleetStore(new InMemoryValues()), send -> {
            transcript.wrote(send.sink(), send.value());
            written.add(send);
        }, 0, Map.of(), PublishedFleets.NONE);
    }

    private void step(Transcript.Step step, String fleet) {
        now = step.at();
        transcript.step(step);
        if (step.input() == null) {
            owner.planDue();
        } else {
            var topic = TOPICS.prefix() + step.input();
            owner.take(topic, 0, offsets.merge(topic, 1L, Long::sum) - 1, fleet.getBytes(UTF_8), step.value(), now.toEpochMilli());
        }
    }

    /** Leads an owner through what another was led through. */
    static String again(String fleet, String transcript) {
        var play = new FleetPlay();
        Transcript.steps(transcript).forEach(step -> play.step(step, fleet));
        return play.transcript.text();
    }

    /** A play that nobody has seen yet, and the record that the fleet got. */
    record Played(String transcript, FleetRecord record) {}

    static Played of(FleetSpec spec) throws InvalidProtocolBufferException {
        var play = new FleetPlay();
        return play.new World(spec).play();
    }

    /** What there is besides the owner: queues, a cloud and agents, of which all do as they are told. */
    private final class World {

        private final FleetSpec spec;
        private FleetRecord record;
        private final Map<String, List<String>> waiting = new TreeMap<>();
        private final Map<String, Vm> machines = new TreeMap<>();
        private int tick;
        private int tasks;

        /** Never reported again once it has ended and that is told. */
        private static final class Vm {
            private final LaunchMachines launch;
            private final int launched;
            private MachineReported seen;
            private boolean ends;
            private String task = "";
            private int until;

            private Vm(LaunchMachines launch, MachineReported seen, int launched) {
                this.launch = launch;
                this.seen = seen;
                this.launched = launched;
            }

            private boolean isAlive() {
                return seen.getState() != CloudState.TERMINATED;
            }
        }

        private World(FleetSpec spec) {
            this.spec = spec;
            spec.getQueuesList().forEach(queue -> waiting.put(queue.getName(), new ArrayList<>()));
        }

        private Played play() throws InvalidProtocolBufferException {
            apply("r1", spec);
            for (var send : written) {
                record = send.sink().equals(Sinks.FLEETS) ? FleetRecord.parseFrom(send.value()) : record;
            }
            if (record == null) {
                throw new AssertionError("refused: " + transcript.text());
            }
            written.clear();
            prices();
            for (tick = 0; tick < TICKS; tick++) {
                now = BEGIN.plus(TICK.multipliedBy(tick));
                if (tick == 1 || tick == TICKS / 2) {
                    waiting.values().forEach(queue -> {
                        for (int i = 0; i < TASKS; i++) {
                            queue.add("t%03d".formatted(++tasks));
                        }
                    });
                }
                if (tick == EDIT) {
                    shortenIdle();
                }
                work();
                if (tick % LIST_EVERY == 0) {
                    list();
                }
                look();
                step(new Transcript.Step(now, null, null), spec.getName());
                carryOut();
            }
            return new Played(transcript.text(), record);
        }

        private void tell(String input, Message message) {
            step(new Transcript.Step(now, input, message.toByteArray()), spec.getName());
        }

        private void apply(String request, FleetSpec what) {
            tell("requests", Request.newBuilder().setRequestId(request).setFleet(spec.getName()).setCaller("somebody").setFacts(Specs.FACTS)
                    .setApply(ApplyFleet.newBuilder().setSpec(what).setNewIncarnation("abcdefgh")).build());
        }

        private void shortenIdle() {
            var edited = spec.toBuilder();
            edited.getPoolsBuilderList().forEach(pool -> pool.setIdleTimeout(Times.duration(Duration.ofMinutes(1))));
            apply("r2", edited.build());
        }

        private Observation.Builder seen(String source) {
            return Observation.newBuilder().setSource(source).setGeneration(1).setSequence(tick + 1).setPart(1).setParts(1).setReadStartedAt(Times.timestamp(now));
        }

        private MachineReport.Builder report(String scope) {
            return MachineReport.newBuilder().setFleet(spec.getName()).setScope(scope).setSeen(seen("p"));
        }

        /** Of every offer, whether its spec has one or not. */
        private void prices() {
            for (var scope : record.getScopesList()) {
                var prices = PricesReported.newBuilder();
                record.getSpec().getPoolsList().forEach(pool -> pool.getOffersList().stream().filter(offer -> scope(offer.getKey()).equals(scope)).forEach(offer ->
                        prices.addPrices(OfferPrice.newBuilder().setOffer(offer.getKey()).setMicrosPerHour(offer.getKey().getMarket() == Market.SPOT ? 200_000 : 500_000).setCurrency("USD").setAsOf(Times.timestamp(now)).setSource("a list"))));
                tell("machine-reports", report(scope).setPrices(prices).build());
            }
        }

        private String scope(dev.muster.v1.OfferKey key) {
            return key.getProvider() + "/" + key.getAccount() + "/" + key.getRegion();
        }

        private void work() {
            for (var vm : machines.values()) {
                if (!vm.isAlive()) {
                    continue;
                }
                if (!vm.task.isEmpty() && tick >= vm.until) {
                    vm.task = "";
                    // A pod that was made for one task ends with it.
                    vm.ends |= !vm.launch.getTask().isEmpty();
                }
                if (vm.ends && vm.task.isEmpty()) {
                    report(vm, vm.seen.toBuilder().setState(CloudState.TERMINATED).setEnding(Ending.INSIDE).build());
                } else if (vm.seen.getState() == CloudState.PENDING && tick > vm.launched + 1) {
                    report(vm, vm.seen.toBuilder().setState(CloudState.RUNNING_STATE).build());
                } else if (vm.seen.getState() == CloudState.RUNNING_STATE && tick >= vm.launched + BOOT && vm.task.isEmpty() && vm.seen.getMark() != Mark.DRAIN) {
                    take(vm);
                }
            }
        }

        private void take(Vm vm) {
            for (var queue : record.getSpec().getQueuesList()) {
                var tasks = waiting.get(queue.getName());
                var own = vm.launch.getTask();
                if (queue.getPoolsList().contains(vm.launch.getPool()) && !tasks.isEmpty() && (own.isEmpty() || tasks.contains(own))) {
                    vm.task = own.isEmpty() ? tasks.get(0) : own;
                    tasks.remove(vm.task);
                    vm.until = tick + WORK;
                    return;
                }
            }
        }

        private void report(Vm vm, MachineReported seen) {
            vm.seen = seen;
            tell("machine-reports", report(scope(seen.getOffer())).setMachine(seen).build());
        }

        private void list() {
            for (var scope : record.getScopesList()) {
                var list = InventoryReported.newBuilder().setListStartedAt(Times.timestamp(now)).setScopeState(ScopeState.LISTED_ALL);
                machines.values().stream().filter(vm -> vm.isAlive() && scope(vm.seen.getOffer()).equals(scope)).forEach(vm -> list.addMachines(vm.seen));
                tell("machine-reports", report(scope).setInventory(list).build());
            }
        }

        private void look() {
            var look = DemandObserved.newBuilder().setTick(tick + 1).setFull(true).setInterval(Times.duration(TICK));
            waiting.forEach((name, tasks) -> {
                var queue = look.addQueuesBuilder().setName(name).setId("id-" + name).setState(QueueState.SERVED).setWaiting(tasks.size());
                tasks.forEach(task -> queue.addFirst(WaitingTask.newBuilder().setTask(task).setAdded(Times.timestamp(now))));
            });
            for (var vm : machines.values()) {
                if (vm.seen.getState() == CloudState.RUNNING_STATE && tick >= vm.launched + BOOT) {
                    var worker = WorkerSeen.newBuilder().setWorker(vm.launch.getWorkerPrefix() + ":" + vm.seen.getCloudId()).setTask(vm.task);
                    record.getSpec().getQueuesList().stream().filter(queue -> queue.getPoolsList().contains(vm.launch.getPool()))
                            .forEach(queue -> worker.addQueueIds("id-" + queue.getName()));
                    look.addWorkers(worker);
                }
            }
            tell("demand", DemandEvent.newBuilder().setFleet(spec.getName()).setSeen(seen("w")).setDemandObserved(look).build());
        }

        private void carryOut() throws InvalidProtocolBufferException {
            var sent = List.copyOf(written);
            written.clear();
            for (var send : sent) {
                if (!send.sink().startsWith("commands.") || send.sink().endsWith("clearml")) {
                    continue;
                }
                var command = Command.parseFrom(send.value());
                switch (command.getWhatCase()) {
                    case LAUNCH -> launch(command);
                    case DRAIN -> mark(command.getDrain().getMachineId(), Mark.DRAIN, command.getDrain().getOrdinal());
                    case CANCEL_DRAIN -> mark(command.getCancelDrain().getMachineId(), Mark.NO_MARK, command.getCancelDrain().getOrdinal());
                    case TERMINATE -> {
                        var vm = machines.get(command.getTerminate().getMachineId());
                        if (!vm.task.isEmpty()) {
                            throw new AssertionError(vm.seen.getMachineId() + " is ended while it works");
                        }
                        report(vm, vm.seen.toBuilder().setState(CloudState.TERMINATED).build());
                    }
                    default -> {
                        // Nothing else changes a machine of this world.
                    }
                }
            }
        }

        private void mark(String machine, Mark mark, long ordinal) {
            var vm = machines.get(machine);
            vm.ends = mark == Mark.DRAIN;
            report(vm, vm.seen.toBuilder().setMark(mark).setMarkOrdinal(ordinal).build());
        }

        private void launch(Command command) {
            var launch = command.getLaunch();
            var accepted = LaunchAccepted.newBuilder().setBatchId(launch.getBatchId());
            for (int i = 0; i < launch.getMachineIdsCount(); i++) {
                var seen = MachineReported.newBuilder().setMachineId(launch.getMachineIds(i)).setPool(launch.getPool()).setCloudId("c-" + launch.getMachineIds(i))
                        .setBatchId(launch.getBatchId()).setLaunchIndex(i).setOffer(launch.getOffer()).setState(CloudState.PENDING).setMark(Mark.NO_MARK)
                        .setLaunchedAt(Times.timestamp(now)).setTask(launch.getTask()).build();
                machines.put(seen.getMachineId(), new Vm(launch, seen, tick));
                accepted.addMachines(seen);
            }
            tell("machine-reports", report(command.getScope()).setLaunchAccepted(accepted).build());
        }
    }
}
