package dev.muster.planner.simulation;

import dev.muster.planner.core.Adoption;
import dev.muster.planner.core.CloudState;
import dev.muster.planner.core.Command;
import dev.muster.planner.core.FailureKind;
import dev.muster.planner.core.FleetEvent.MachineFacts;
import dev.muster.planner.core.Mark;
import dev.muster.planner.core.Market;
import dev.muster.planner.core.OfferKey;
import dev.muster.planner.simulation.Happening.Kind;
import dev.muster.planner.simulation.SimulatedMachine.Boot;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A cloud with all its regions. Its answers are true when they are given; what it lists may be late. */
final class SimulatedCloud {

    /** What a call comes to: machines, or a failure. {@code undelivered} are launch indexes that the cloud had no room for. */
    record Answer(List<SimulatedMachine> machines, List<Integer> undelivered, FailureKind failure, boolean isFaultOfTask) {

        static Answer failed(FailureKind kind) {
            return new Answer(List.of(), List.of(), kind, false);
        }
    }

    private final World world;
    private final Dice dice;
    private final Map<String, SimulatedMachine> machines = new LinkedHashMap<>();
    /** Those that are there, in order of their launch. */
    private final Map<String, SimulatedMachine> there = new LinkedHashMap<>();
    private final Map<String, List<SimulatedMachine>> byToken = new HashMap<>();
    private final Map<String, Long> prices = new HashMap<>();
    /** By offer, of those that are pods. */
    private final Map<OfferKey, SimulatedNodes> nodes = new TreeMap<>();
    private int names;
    private long spent;
    private long rate;
    private long spentAt;

    SimulatedCloud(World world) {
        this.world = world;
        this.dice = world.dice("cloud");
        // Two pools may name one offer, at one price or two; what the cloud charges is the lower.
        world.shape().offers().forEach(offer -> prices.merge(offer.key().toString(), offer.price().orElse(0), Math::min));
        var offers = world.shape().offers();
        for (var pool : world.shape().pools()) {
            if (pool.pods().arePods()) {
                nodes.computeIfAbsent(pool.offers().get(0).key(), key -> new SimulatedNodes(world, offers.indexOf(pool.offers().get(0)), pool.pods().nodes()));
            }
        }
    }

    Collection<SimulatedMachine> machines() {
        return machines.values();
    }

    Collection<SimulatedMachine> there() {
        return there.values();
    }

    SimulatedMachine machine(String cloudId) {
        return machines.get(cloudId);
    }

    void ended(SimulatedMachine machine) {
        account();
        rate -= machine.paidFrom < 0 ? 0 : machine.price;
        there.remove(machine.cloudId);
    }

    /** A pod has found room, and is paid for from now on. */
    void placed(SimulatedMachine machine) {
        account();
        rate += machine.price;
    }

    /** There is other room than before. */
    void roomChanged() {
        nodes.values().forEach(SimulatedNodes::lookSoon);
    }

    /** People add the nodes that are missing, where they ever do. */
    void makeRoom() {
        nodes.values().forEach(SimulatedNodes::makeRoom);
    }

    /** Micro-units an hour that are being paid. */
    long rate() {
        return rate;
    }

    /** Micro-units paid so far. */
    long spent() {
        account();
        return spent / 3_600_000;
    }

    private void account() {
        spent += rate * (world.now() - spentAt);
        spentAt = world.now();
    }

    // Calls.

    /** One launch call. {@code pool}, queues and slots are what its boot script says. */
    Answer launch(Command.Launch launch) {
        if (world.isOn(Kind.THROTTLED)) {
            return Answer.failed(FailureKind.THROTTLED);
        }
        var isUnavailable = world.isOn(Kind.CLOUD_UNAVAILABLE);
        if (isUnavailable && dice.chance(50)) {
            return Answer.failed(FailureKind.UNAVAILABLE);
        }
        var answer = start(launch);
        return isUnavailable ? Answer.failed(FailureKind.UNAVAILABLE) : answer;
    }

    private Answer start(Command.Launch launch) {
        var size = launch.machineIds().size();
        var earlier = byToken.get(launch.batchId());
        // A pod's name is its token.
        if (earlier != null && (!world.bug().forgetsTokens() || nodes.containsKey(launch.offer()))) {
            return earlier.stream().anyMatch(SimulatedMachine::isThere) ? delivery(earlier, size) : Answer.failed(FailureKind.EXPIRED);
        }
        if (world.isOn(Kind.UNAUTHORIZED)) {
            return Answer.failed(FailureKind.UNAUTHORIZED);
        }
        var pools = world.shape().pools();
        var pool = pools.stream().filter(p -> p.name().equals(launch.pool())).findFirst().orElseThrow();
        if (world.isOn(Kind.INVALID_SPEC, pools.indexOf(pool), pools.size())) {
            return Answer.failed(FailureKind.INVALID_SPEC);
        }
        var task = world.clearml().tasks.get(launch.task());
        if (task != null && task.fault == SimulatedTask.Fault.WISH) {
            return new Answer(List.of(), List.of(), FailureKind.INVALID_SPEC, true);
        }
        var quota = world.sizeOf(Kind.QUOTA, launch.offer().market().ordinal(), Market.values().length)
                - there.values().stream().filter(m -> m.offer.market() == launch.offer().market() && m.isPod() == pool.pods().arePods()).count();
        if (quota < size) {
            return Answer.failed(FailureKind.QUOTA_EXCEEDED);
        }
        var offers = world.shape().offers();
        var index = 0;
        while (!offers.get(index).key().equals(launch.offer())) {
            index++;
        }
        // A cluster takes what it has no room for.
        var room = pool.pods().arePods() ? size : world.sizeOf(Kind.CAPACITY, index, offers.size())
                - there.values().stream().filter(m -> m.offer.equals(launch.offer())).count();
        if (room <= 0) {
            return Answer.failed(FailureKind.OUT_OF_CAPACITY);
        }
        var most = Shape.committed(pool.offers().stream().filter(offer -> offer.key().equals(launch.offer())).findFirst().orElseThrow());
        var started = new ArrayList<SimulatedMachine>();
        for (int i = 0; i < Math.min(size, room); i++) {
            account();
            var price = prices.get(launch.offer().toString());
            var machine = new SimulatedMachine(world, "i-" + ++names, launch.machineIds().get(i), launch.pool(), launch.batchId(), i,
                    launch.offer(), price, most, pool.slots(), launch.queueIds(), boot(), pool.pods().arePods() || !world.isOn(Kind.GUARDLESS),
                    nodes.get(launch.offer()), task);
            machines.put(machine.cloudId, machine);
            there.put(machine.cloudId, machine);
            rate += machine.isPod() ? 0 : price;
            started.add(machine);
            world.trace("cloud", () -> "starts " + machine + " " + launch.offer() + (machine.hasGuard() ? "" : " without a guard"));
            world.happened(new Fact.Launched(machine));
        }
        byToken.put(launch.batchId(), started);
        return delivery(started, size);
    }

    /** Another autoscaler's: they run, and so do their agents. None where no queue is served by the pool. */
    void startForeign(String name, String prefix, int size) {
        var pools = world.shape().pools();
        var pool = pools.stream().filter(p -> p.name().equals(name)).findFirst().orElseThrow();
        var queueIds = world.shape().queues().stream().filter(queue -> queue.pools().contains(pools.indexOf(pool))).map(Shape.QueueShape::id).toList();
        for (int i = 0; i < (queueIds.isEmpty() || pool.pods().arePods() ? 0 : size); i++) {
            var machine = SimulatedMachine.foreign(world, "i-foreign" + ++names, name, pool.offers().get(i % pool.offers().size()).key(), pool.slots(), queueIds,
                    prefix);
            machines.put(machine.cloudId, machine);
            there.put(machine.cloudId, machine);
            world.trace("cloud", () -> machine.cloudId + " is another autoscaler's " + machine.offer + " of " + name);
        }
    }

    /** Answers a failure, or null and {@code refusal} set, or null and the machine tagged. */
    FailureKind adopt(Command.Adopt adopt, Adoption.Refusal[] refusal) {
        var isLost = world.isOn(Kind.CLOUD_UNAVAILABLE) && !world.isOn(Kind.THROTTLED) && dice.chance(50);
        if (isFailing() != null && !isLost) {
            return isFailing();
        }
        if (world.isOn(Kind.MARKS_FAIL) || world.isOn(Kind.UNAUTHORIZED)) {
            return FailureKind.UNAUTHORIZED;
        }
        var machine = machines.get(adopt.cloudId());
        if (machine == null || !machine.offer.scope().equals(adopt.scope()) || !machine.isWorking()) {
            refusal[0] = Adoption.Refusal.NOT_THERE;
        } else if (!machine.isForeign()) {
            refusal[0] = Adoption.Refusal.OF_ANOTHER;
        } else if (!adopt.offers().contains(machine.offer)) {
            refusal[0] = Adoption.Refusal.NO_SUCH_OFFER;
        } else {
            machine.tag();
        }
        return isLost ? FailureKind.UNAVAILABLE : null;
    }

    private Boot boot() {
        if (world.isOn(Kind.BOOTS_FAIL)) {
            return dice.oneOf(List.of(Boot.HANGS, Boot.POWERS_OFF, Boot.NEVER_REGISTERS));
        }
        return world.isOn(Kind.BOOTS_SLOW) ? Boot.SLOW : Boot.WELL;
    }

    private static Answer delivery(List<SimulatedMachine> started, int size) {
        var missing = new ArrayList<Integer>();
        for (int i = started.size(); i < size; i++) {
            missing.add(i);
        }
        return new Answer(started, missing, null, false);
    }

    /** What an earlier call started, as lists show it. */
    Answer find(Command.Launch launch) {
        if (isFailing() != null) {
            return Answer.failed(isFailing());
        }
        var shown = byToken.getOrDefault(launch.batchId(), List.of()).stream().filter(m -> m.listedFrom <= world.now()).toList();
        return new Answer(shown, List.of(), null, false);
    }

    private FailureKind isFailing() {
        return world.isOn(Kind.THROTTLED) ? FailureKind.THROTTLED : world.isOn(Kind.CLOUD_UNAVAILABLE) ? FailureKind.UNAVAILABLE : null;
    }

    /** Answers a failure, or null. {@code gone} is set where there is no such machine. */
    FailureKind mark(String cloudId, Mark mark, long ordinal, boolean[] gone) {
        if (isFailing() != null) {
            return isFailing();
        }
        if (world.isOn(Kind.MARKS_FAIL)) {
            return FailureKind.UNAUTHORIZED;
        }
        var machine = machines.get(cloudId);
        gone[0] = machine == null || !machine.mark(mark, ordinal);
        return null;
    }

    /** Answers a failure, or null and {@code left} set. */
    FailureKind terminate(String cloudId, CloudState[] left) {
        if (isFailing() != null) {
            return isFailing();
        }
        if (world.isOn(Kind.TERMINATES_FAIL)) {
            return FailureKind.UNAUTHORIZED;
        }
        var machine = machines.get(cloudId);
        left[0] = machine == null ? CloudState.NOT_FOUND : machine.terminate();
        return null;
    }

    /** What a scope's list shows; those that have ended for a while. */
    List<MachineFacts> list(String scope) {
        var shown = new ArrayList<MachineFacts>();
        for (var machine : machines.values()) {
            if (machine.isOurs() && machine.offer.scope().equals(scope) && machine.listedFrom <= world.now() && isStillShown(machine)) {
                shown.add(machine.facts());
            }
        }
        return shown;
    }

    /** EC2 shows a terminated instance for up to an hour, or not at all; a cluster has a pod that ended until somebody deletes it. */
    private static boolean isOddlyShort(SimulatedMachine machine) {
        return !machine.endsListed() && machine.cloudId.hashCode() % 4 == 0;
    }

    private boolean isStillShown(SimulatedMachine machine) {
        return machine.isThere() || world.now() - machine.endedAt < (isOddlyShort(machine) ? 0 : 300_000);
    }
}
