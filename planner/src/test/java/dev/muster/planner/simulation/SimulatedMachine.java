package dev.muster.planner.simulation;

import dev.muster.planner.core.CloudNote;
import dev.muster.planner.core.CloudState;
import dev.muster.planner.core.Ending;
import dev.muster.planner.core.FleetEvent.MachineFacts;
import dev.muster.planner.core.Mark;
import dev.muster.planner.core.OfferKey;
import dev.muster.planner.simulation.Fact.Stopped.Why;
import java.util.ArrayList;
import java.util.List;

/**
 * A machine as it is: its state at the cloud, its boot, its guard with the gate, its agents. Where it is a pod, it waits for a node first; and
 * one that was made for a task takes that one, and ends.
 */
final class SimulatedMachine {

    /** How a boot goes. */
    enum Boot {
        WELL, SLOW, HANGS, POWERS_OFF, NEVER_REGISTERS,
        /** It was over before: another autoscaler launched it. */
        OVER
    }

    /** A guard ends a machine whose agents are gone after so long. */
    private static final long AGENTS_GONE = 60_000;

    private final World world;
    final String cloudId;
    /** The id that its tags say. */
    final String machineId;
    final String pool;
    final String batchId;
    final int launchIndex;
    final OfferKey offer;
    final long launchedAt;
    /** Micro-units an hour. */
    final long price;
    /** The most that it may cost, micro-units an hour. */
    final long mostPrice;
    /** From when lists show it. */
    final long listedFrom;
    /** Null: it is no pod. */
    private final SimulatedNodes nodes;
    /** What it was made for; null: it takes what its queues have. */
    final SimulatedTask bound;
    /** From when it is paid for; -1: it waits for room. */
    long paidFrom;
    private final int slots;
    private final List<String> queueIds;
    private final Boot boot;
    private final boolean hasGuard;
    /** First part of its workers' ids. */
    private final String prefix;
    /** Its tags say that it is Muster's. */
    private boolean isOurs;
    private final Dice dice;

    private CloudState state;
    private CloudNote note = CloudNote.NONE;
    /** As lists showed it until {@link #stateShownFrom}. */
    private CloudState stateBefore;
    private long stateShownFrom;
    private Ending ending = Ending.UNKNOWN;
    long endedAt = -1;
    private Mark mark = Mark.NONE;
    private long markOrdinal;
    private Mark markSeenByGuard = Mark.NONE;
    private boolean isEnding;
    private boolean hasPower = true;
    final List<SimulatedAgent> agents = new ArrayList<>();

    SimulatedMachine(World world, String cloudId, String machineId, String pool, String batchId, int launchIndex, OfferKey offer, long price, long mostPrice,
            int slots, List<String> queueIds, Boot boot, boolean hasGuard, SimulatedNodes nodes, SimulatedTask bound) {
        this(world, cloudId, machineId, pool, batchId, launchIndex, offer, price, mostPrice, slots, queueIds, boot, hasGuard, Shape.PREFIX, true, nodes, bound);
    }

    /** One of another autoscaler, at work. What it costs is nothing to the budgets of this one until it is told. */
    static SimulatedMachine foreign(World world, String cloudId, String pool, OfferKey offer, int slots, List<String> queueIds, String prefix) {
        return new SimulatedMachine(world, cloudId, "a-" + cloudId, pool, "a-" + cloudId, 0, offer, 0, 0, slots, queueIds, Boot.OVER, false, prefix, false,
                null, null);
    }

    private SimulatedMachine(World world, String cloudId, String machineId, String pool, String batchId, int launchIndex, OfferKey offer, long price,
            long mostPrice, int slots, List<String> queueIds, Boot boot, boolean hasGuard, String prefix, boolean isOurs,
            SimulatedNodes nodes, SimulatedTask bound) {
        this.world = world;
        this.cloudId = cloudId;
        this.machineId = machineId;
        this.pool = pool;
        this.batchId = batchId;
        this.launchIndex = launchIndex;
        this.offer = offer;
        this.price = price;
        this.mostPrice = mostPrice;
        this.slots = slots;
        this.queueIds = queueIds;
        this.boot = boot;
        this.hasGuard = hasGuard;
        this.prefix = prefix;
        this.isOurs = isOurs;
        this.nodes = nodes;
        this.bound = bound;
        this.state = nodes == null ? CloudState.PENDING : CloudState.WAITING;
        this.stateBefore = state;
        this.dice = world.dice("machine " + cloudId);
        this.launchedAt = world.now();
        this.paidFrom = nodes == null ? launchedAt : -1;
        this.listedFrom = boot == Boot.OVER ? world.now() : world.now() + (dice.chance(70) ? 0 : dice.between(0, 60_000));
        if (boot == Boot.OVER) {
            state = CloudState.RUNNING;
            startAgents();
            return;
        }
        if (nodes == null) {
            boot();
        } else {
            nodes.arrives(this);
        }
    }

    private void boot() {
        if (bound != null && bound.fault == SimulatedTask.Fault.IMAGE) {
            world.after(dice.between(1000, 15_000), () -> note(new CloudNote("ImagePullBackOff", "no such image", true)));
            return;
        }
        var poolShape = world.shape().pools().stream().filter(p -> p.name().equals(pool)).findFirst().orElseThrow();
        var runs = dice.between(3000, 40_000);
        var registers = boot == Boot.SLOW
                ? poolShape.registrationDeadline().toMillis() + dice.between(-12_000, 12_000) : runs + dice.between(5000, 50_000);
        if (boot != Boot.HANGS) {
            world.after(runs, () -> {
                if (state == CloudState.PENDING && !isEnding) {
                    become(CloudState.RUNNING);
                    if (isPod()) {
                        gateMoves();
                    }
                    if (boot == Boot.POWERS_OFF) {
                        world.after(dice.between(5000, 60_000), () -> powerOff(Why.BY_ITSELF));
                    }
                }
            });
        }
        if (boot == Boot.WELL || boot == Boot.SLOW) {
            world.after(Math.max(registers, runs + 1000), this::startAgents);
        }
    }

    /** A node takes it. */
    void place() {
        paidFrom = world.now();
        world.cloud().placed(this);
        become(CloudState.PENDING);
        boot();
    }

    /** A pod that nobody deleted. */
    boolean endsListed() {
        return isPod() && (ending == Ending.INSIDE || ending == Ending.BY_CLOUD);
    }

    boolean isPod() {
        return nodes != null;
    }

    /** No node has it yet: nothing of it runs, and it costs nothing. */
    boolean isWaiting() {
        return state == CloudState.WAITING;
    }

    /** What its cloud says of it as long as it stays as it is. */
    void note(CloudNote next) {
        if (state == CloudState.WAITING || state == CloudState.PENDING) {
            note = next;
        }
    }

    private void startAgents() {
        if (!isWorking()) {
            return;
        }
        for (int slot = 0; slot < slots; slot++) {
            var id = prefix + ":" + pool + ":" + offer.machineType() + ":" + cloudId + (slots > 1 ? "." + slot : "");
            agents.add(new SimulatedAgent(world, this, id, queueIds));
        }
    }

    // What it is.

    CloudState state() {
        return state;
    }

    /** It is paid for: the cloud has not said that it is gone. */
    boolean isThere() {
        return state != CloudState.TERMINATED;
    }

    /** Its processes run. */
    boolean isWorking() {
        return state.isAlive() && !isWaiting() && hasPower && !isEnding;
    }

    /** Queues that its agents serve. */
    List<String> queueIds() {
        return queueIds;
    }

    /** Another autoscaler launched it. */
    boolean isForeign() {
        return boot == Boot.OVER;
    }

    boolean isOurs() {
        return isOurs;
    }

    /** Muster's tags are written on it. */
    void tag() {
        isOurs = true;
        world.trace(cloudId, "is tagged");
    }

    boolean hasGuard() {
        return hasGuard;
    }

    Mark mark() {
        return mark;
    }

    List<SimulatedTask> tasks() {
        return agents.stream().map(SimulatedAgent::task).filter(task -> task != null).toList();
    }

    boolean isGateClosed() {
        return hasGuard && (markSeenByGuard == Mark.DRAIN || markSeenByGuard == Mark.DRAIN_NOW);
    }

    /** As its cloud's lists show it now. */
    MachineFacts facts() {
        var shown = world.now() < stateShownFrom ? stateBefore : state;
        return new MachineFacts(machineId, pool, cloudId, batchId, launchIndex, offer, shown, shown == state ? ending : Ending.UNKNOWN,
                world.instant(launchedAt), mark, "", shown == state ? note : CloudNote.NONE, task());
    }

    private String task() {
        return bound == null ? "" : bound.id;
    }

    /** The same without how late a list may be. */
    MachineFacts factsNow() {
        return new MachineFacts(machineId, pool, cloudId, batchId, launchIndex, offer, state, ending, world.instant(launchedAt), mark, "",
                note, task());
    }

    private void become(CloudState next) {
        become(next, CloudNote.NONE);
    }

    private void become(CloudState next, CloudNote why) {
        note = why;
        stateBefore = world.now() < stateShownFrom ? stateBefore : state;
        state = next;
        stateShownFrom = world.now() + (dice.chance(70) ? 0 : dice.between(0, 5000));
        world.trace(cloudId, () -> machineId + " is " + next);
        if (next == CloudState.TERMINATED) {
            endedAt = world.now();
            if (nodes != null) {
                nodes.leaves(this, paidFrom >= 0);
            }
            world.cloud().ended(this);
        }
    }

    // What is done to it.

    /** Answers whether the mark was written: lower ordinals are passed over. */
    boolean mark(Mark next, long ordinal) {
        if (!isThere()) {
            return false;
        }
        if (ordinal < markOrdinal) {
            return true;
        }
        markOrdinal = ordinal;
        mark = next;
        world.trace(cloudId, () -> "is marked " + next);
        if (isWaiting() && (next == Mark.DRAIN || next == Mark.DRAIN_NOW)) {
            // Nothing reads it there.
            vanish(Why.DRAINED, Ending.ASKED);
            return true;
        }
        if (hasGuard) {
            var late = world.isOn(Happening.Kind.MARKS_LATE) ? dice.between(5000, 50_000) : dice.between(200, 2000);
            world.after(late, () -> {
                if (markOrdinal == ordinal) {
                    markSeenByGuard = mark;
                    gateMoves();
                }
            });
        }
        return true;
    }

    /** Something at the gate has changed: perhaps the machine may end now. */
    void gateMoves() {
        if (!isWorking() || !hasGuard || isPod() && state != CloudState.RUNNING) {
            return;
        }
        if (markSeenByGuard == Mark.DRAIN_NOW) {
            powerOff(Why.ENDED_AT_ONCE);
        } else if (markSeenByGuard == Mark.DRAIN && agents.stream().noneMatch(agent -> agent.isPopping() || agent.task() != null)) {
            powerOff(Why.DRAINED);
        }
    }

    /** From inside. */
    private void powerOff(Why why) {
        if (isWorking()) {
            stop(why, Ending.INSIDE, dice.between(1000, 8000));
        }
    }

    /** Of a pod whose work is done, or another's. */
    void end() {
        powerOff(Why.BY_ITSELF);
    }

    /** Its cloud kills what runs in it. */
    void runOutOfMemory() {
        if (isWorking()) {
            stop(Why.BY_ITSELF, Ending.BY_CLOUD, dice.between(100, 3000), new CloudNote("OOMKilled", "exit code 137", false));
        }
    }

    /** One without a node is gone at once. */
    private void vanish(Why why, Ending how) {
        world.happened(new Fact.Stopped(this, why, List.of()));
        isEnding = true;
        ending = how;
        become(CloudState.TERMINATED);
    }

    /** By the cloud's API. Answers the state that it leaves it in. */
    CloudState terminate() {
        if (isWaiting()) {
            vanish(Why.TERMINATED, Ending.ASKED);
        } else if (isWorking() || !hasPower && state.isAlive()) {
            stop(Why.TERMINATED, Ending.ASKED, dice.between(1000, 20_000));
        }
        return state;
    }

    /** The cloud ends it without a word before; or its power is gone, and its cloud has yet to find out. */
    void die() {
        if (isWaiting()) {
            vanish(Why.BY_ITSELF, Ending.UNKNOWN);
        } else if (isWorking() && world.dice("power of " + cloudId).chance(40)) {
            losePower();
        } else if (isWorking()) {
            stop(Why.BY_ITSELF, Ending.BY_CLOUD, dice.between(0, 3000));
        }
    }

    /** EC2 checks each machine every minute, and never ends one for what it finds. */
    private void losePower() {
        var tasks = tasks();
        world.trace(cloudId, () -> "loses its power" + (tasks.isEmpty() ? "" : " with " + tasks));
        world.happened(new Fact.Stopped(this, Why.BY_ITSELF, tasks));
        hasPower = false;
        agents.forEach(SimulatedAgent::kill);
        if (isPod()) {
            // A cluster takes pods of a node that it doesn't hear of for lost after five minutes, and deletes them once the node is.
            world.after(dice.between(300_000, 330_000), () -> {
                if (state.isAlive()) {
                    ending = Ending.INTERRUPTED;
                    become(CloudState.SHUTTING_DOWN, new CloudNote("NodeLost", "", false));
                    world.after(dice.between(1000, 120_000), () -> become(CloudState.TERMINATED, new CloudNote("NodeLost", "", false)));
                }
            });
            return;
        }
        world.after(dice.between(60_000, 180_000), () -> {
            if (state == CloudState.RUNNING) {
                become(CloudState.IMPAIRED);
            }
        });
    }

    /** The cloud's checks of it fail for a while, and it works on. */
    void failChecks(long lasts) {
        if (!isWorking() || state != CloudState.RUNNING || isPod()) {
            return;
        }
        become(CloudState.IMPAIRED);
        world.after(lasts, () -> {
            if (state == CloudState.IMPAIRED && hasPower) {
                become(CloudState.RUNNING);
            }
        });
    }

    /** The cloud takes it back in two minutes: the guard closes the gate, and kills what runs 20 s before the end. */
    void interrupt() {
        if (!isWorking()) {
            return;
        }
        world.trace(cloudId, "will be taken back in 120 s");
        markSeenByGuard = hasGuard ? Mark.DRAIN : markSeenByGuard;
        world.after(100_000, () -> {
            if (isWorking()) {
                agents.forEach(SimulatedAgent::kill);
            }
        });
        world.after(120_000, () -> {
            if (isWorking()) {
                stop(Why.BY_ITSELF, Ending.INTERRUPTED, dice.between(0, 3000));
            }
        });
    }

    /** One of its agents dies. The guard ends a machine without any. */
    void killAgent(int which) {
        if (agents.isEmpty()) {
            return;
        }
        if (bound != null) {
            // Its first process has seen to the task until there is an agent, and sees the agent's end.
            if (agents.get(0).isRunning()) {
                agents.get(0).kill();
                world.after(dice.between(100, 2000), this::end);
            }
            return;
        }
        agents.get(which % agents.size()).kill();
        world.trace(cloudId, "loses an agent");
        world.after(AGENTS_GONE, () -> {
            if (hasGuard && isWorking() && agents.stream().noneMatch(agent -> agent.isAlive() || agent.isPopping())) {
                powerOff(Why.BY_ITSELF);
            }
        });
    }

    private void stop(Why why, Ending how, long takes) {
        stop(why, how, takes, CloudNote.NONE);
    }

    private void stop(Why why, Ending how, long takes, CloudNote last) {
        var tasks = tasks();
        world.trace(cloudId, () -> "stops: " + why + (tasks.isEmpty() ? "" : " with " + tasks));
        world.happened(new Fact.Stopped(this, why, tasks));
        isEnding = true;
        agents.forEach(SimulatedAgent::kill);
        // A pod that nobody deletes shows nothing between running and its end.
        if (!isPod() || how == Ending.ASKED || how == Ending.INTERRUPTED) {
            ending = how;
            become(CloudState.SHUTTING_DOWN);
        }
        world.after(takes, () -> {
            ending = how;
            become(CloudState.TERMINATED, last);
        });
    }

    @Override
    public String toString() {
        return machineId + " (" + cloudId + ")";
    }
}
