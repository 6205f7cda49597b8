package dev.muster.planner.simulation;

import dev.muster.planner.core.Command;
import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.FleetEvent;
import dev.muster.planner.core.FleetEvent.MachinesAsked.Verb;
import dev.muster.planner.core.FleetHead;
import dev.muster.planner.core.FleetMemory;
import dev.muster.planner.core.Ledger;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.Phase;
import dev.muster.planner.core.PlanRecord;
import dev.muster.planner.core.QueueSeen;
import dev.muster.planner.core.Worker;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * The planner as its shell runs it: the real core, whose state, offsets, records and commands commit together or not at all. A crash
 * goes back to what was committed last; nothing is planned until what was there at the start has been read.
 */
final class SimulatedPlanner {

    /** One thing that a planner did and committed: an event applied, or a plan that said something. */
    record Step(FleetEvent event, Instant plannedAt, List<PlanRecord> records) {}

    /** What is kept over a crash, one value a machine, queue and worker. */
    private static final class Store {
        FleetHead head;
        Shape.Edits edits = Shape.Edits.NONE;
        FleetMemory memory;
        Ledger.Book ledger = Ledger.Book.EMPTY;
        final TreeMap<String, Machine> machines = new TreeMap<>();
        final TreeMap<String, QueueSeen> queues = new TreeMap<>();
        final TreeMap<String, Worker> workers = new TreeMap<>();

        Fleet restored() {
            return Fleet.restored(head, memory, ledger, machines.values(), queues.values(), workers.values());
        }
    }

    private final World world;
    private final Dice dice;
    private final FleetHead firstHead;

    // Committed.
    private final Store store = new Store();
    private final int[] committed = new int[3];
    private final List<Step> history = new ArrayList<>();

    // Since the last commit.
    private Fleet fleet;
    private Shape.Edits edits = Shape.Edits.NONE;
    private int[] positions = new int[3];
    private final List<Step> steps = new ArrayList<>();
    private final List<Command> outbox = new ArrayList<>();

    private int[] ends = new int[3];
    private boolean isUp = true;
    private boolean isCaughtUp = true;
    private boolean commitIsDue;
    private long life;
    private long wakeAt = Long.MAX_VALUE;
    private long pausedUntil;
    private long downFor;

    SimulatedPlanner(World world) {
        this.world = world;
        this.dice = world.dice("planner");
        firstHead = world.shape().head(Shape.Edits.NONE, FleetHead.State.ACTIVE, null, 1, Shape.START);
        fleet = Fleet.of(firstHead);
        store.head = firstHead;
        store.memory = fleet.memory();
        fleet.takeChanges();
        wake(0);
    }

    /** As it is in memory now, or was when it crashed. */
    Fleet fleet() {
        return fleet;
    }

    FleetHead firstHead() {
        return firstHead;
    }

    List<Step> history() {
        return history;
    }

    /** A command or a state change of it is to be expected, by the committed books. */
    boolean isMoving() {
        for (var machine : store.machines.values()) {
            switch (machine.phase()) {
                case REQUESTED, LAUNCHING, BOOTING, DRAINING, TERMINATING -> {
                    return true;
                }
                default -> { }
            }
        }
        return false;
    }

    FleetHead committedHead() {
        return store.head;
    }

    /** Something was appended to an input. */
    void appended() {
        wake(world.now() + dice.between(5, 60));
    }

    private void wake(long at) {
        if (at >= wakeAt) {
            return;
        }
        wakeAt = at;
        world.at(at, () -> {
            if (wakeAt == at) {
                wakeAt = Long.MAX_VALUE;
                turn();
            }
        });
    }

    private void turn() {
        if (!isUp) {
            return;
        }
        if (world.now() < pausedUntil) {
            wake(pausedUntil);
            return;
        }
        var isRead = read();
        if (!isCaughtUp) {
            isCaughtUp = positions[0] >= ends[0] && positions[1] >= ends[1] && positions[2] >= ends[2];
        }
        if (isCaughtUp) {
            var wall = world.instant();
            var now = fleet.newestAt().isAfter(wall) ? fleet.newestAt() : wall;
            if (fleet.isDue(now)) {
                isRead |= plan(now);
            }
            wake(Math.max(world.now() + 1, fleet.due().toEpochMilli() - Shape.START.toEpochMilli()));
        }
        if (isRead && !commitIsDue) {
            commitIsDue = true;
            var of = life;
            world.after(dice.between(10, 120), () -> {
                if (of == life && isUp) {
                    commit();
                }
            });
        }
    }

    /** Everything that can be read, topics in any order, each in its own. */
    private boolean read() {
        var isRead = false;
        var isLeft = true;
        while (isLeft) {
            isLeft = false;
            var first = dice.below(3);
            for (int i = 0; i < 3; i++) {
                var topic = (first + i) % 3;
                if (positions[topic] < world.inputSize(topic) && !world.isOn(Happening.Kind.INPUT_LAGS, topic, 3)) {
                    take(topic);
                    isRead = true;
                    isLeft = true;
                    break;
                }
            }
        }
        return isRead;
    }

    private void take(int topic) {
        var offset = positions[topic]++;
        var event = topic == 0 ? judge(world.requests().get(offset)) : topic == 1 ? world.demand().get(offset) : world.reports().get(offset);
        var heard = event == null ? null : world.bug().heard(fleet, event);
        if (heard == null) {
            return;
        }
        fleet.apply(heard);
        steps.add(new Step(heard, null, null));
        world.happened(new Fact.Learned(event));
    }

    /** What the fleet learns from a request; null: it is refused. */
    private FleetEvent judge(Asked asked) {
        var head = fleet.head();
        if (head.state() == FleetHead.State.DELETED) {
            return null;
        }
        if (asked instanceof Asked.OfMachine of) {
            var machine = fleet.machine(of.machineId());
            if (machine.isEmpty() || machine.get().phase().isEnded() && of.verb() != Verb.TERMINATE) {
                return null;
            }
            return new FleetEvent.MachinesAsked(of.at(), List.of(of.machineId()), of.verb());
        }
        if (asked instanceof Asked.Edit edit) {
            edits = edit.change().apply(edits);
            return new FleetEvent.FleetChanged(asked.at(), world.shape().head(edits, head.state(), head.action(), head.version() + 1, asked.at()));
        }
        if (asked instanceof Asked.Delete delete) {
            return new FleetEvent.FleetChanged(asked.at(),
                    world.shape().head(edits, FleetHead.State.DELETING, delete.action(), head.version() + 1, asked.at()));
        }
        if (head.isEnding()) {
            return null;
        }
        if (asked instanceof Asked.Adopt adopt) {
            return new FleetEvent.AdoptionAsked(adopt.at(), adopt.prefix());
        }
        var state = ((Asked.SetState) asked).state();
        return new FleetEvent.FleetChanged(asked.at(), world.shape().head(edits, state, null, head.version() + 1, asked.at()));
    }

    private boolean plan(Instant now) {
        var plan = world.bug().plan(fleet, now);
        world.happened(new Fact.Planned(fleet, now, plan.records()));
        if (plan.records().isEmpty()) {
            return false;
        }
        steps.add(new Step(null, now, plan.records()));
        for (var record : plan.records()) {
            if (record instanceof PlanRecord.CommandIssued issued) {
                outbox.add(issued.command());
            }
            if (world.isTracing() && record instanceof PlanRecord.Decided decided) {
                world.trace("planner", decided.text());
            } else if (world.isTracing() && record instanceof PlanRecord.Refused refused) {
                world.trace("planner", "refuses: " + refused.text());
            }
        }
        return true;
    }

    private void commit() {
        commitIsDue = false;
        var changes = fleet.takeChanges();
        store.head = fleet.head();
        store.edits = edits;
        if (changes.memory()) {
            store.memory = fleet.memory();
        }
        if (changes.ledger()) {
            store.ledger = fleet.ledger().book();
        }
        changes.machines().forEach(id -> fleet.machine(id).ifPresentOrElse(m -> store.machines.put(id, m), () -> store.machines.remove(id)));
        changes.queues().forEach(name -> put(store.queues, name, fleet.queues().get(name)));
        changes.workers().forEach(id -> put(store.workers, id, fleet.workers().get(id)));
        System.arraycopy(positions, 0, committed, 0, 3);
        history.addAll(steps);
        steps.clear();
        var commands = List.copyOf(outbox);
        outbox.clear();
        for (var command : commands) {
            world.happened(new Fact.Commanded(command));
            if (command instanceof Command.ToProvisioner order) {
                world.orders().append(at -> order);
            } else {
                world.errands().append(at -> (Command.ToWatcher) command);
            }
        }
    }

    private static <T> void put(TreeMap<String, T> into, String key, T value) {
        if (value == null) {
            into.remove(key);
        } else {
            into.put(key, value);
        }
    }

    /** Whether what is stored, read back, is what is in memory; meaningful right after a commit. */
    boolean storesAll() {
        if (!isUp || commitIsDue) {
            return true;
        }
        var restored = store.restored();
        return restored.memory().equals(fleet.memory()) && restored.ledger().book().equals(fleet.ledger().book()) && restored.active().equals(fleet.active()) && restored.ended().equals(fleet.ended())
                && restored.queues().equals(fleet.queues()) && restored.workers().equals(fleet.workers()) && restored.revived().equals(fleet.revived())
                && world.shape().pools().stream().allMatch(pool -> restored.unreplaced(pool.name()).equals(fleet.unreplaced(pool.name())));
    }

    void crash(long downFor) {
        if (!isUp) {
            return;
        }
        world.trace("planner", () -> "crashes; what it did since the last commit never was: " + steps.size() + " steps");
        isUp = false;
        this.downFor += downFor;
        life++;
        commitIsDue = false;
        steps.clear();
        outbox.clear();
        world.happened(new Fact.PlannerCrashed());
        world.after(downFor, this::start);
    }

    private void start() {
        isUp = true;
        isCaughtUp = false;
        positions = committed.clone();
        edits = store.edits;
        fleet = world.bug().restored(store.restored());
        store.machines.keySet().removeIf(id -> fleet.machine(id).isEmpty());
        store.ledger = fleet.ledger().book();
        ends = new int[] {world.inputSize(0), world.inputSize(1), world.inputSize(2)};
        world.trace("planner", "is back");
        wake(world.now() + dice.between(10, 500));
    }

    void pause(long millis) {
        pausedUntil = world.now() + millis;
        downFor += millis;
    }

    /** How long it has not planned in all, ms. */
    long downFor() {
        return downFor;
    }

    /** Nothing is waiting to be read, planned or committed, and every launch was answered. */
    boolean isAtRest() {
        return isUp && !commitIsDue && fleet.in(Phase.REQUESTED).isEmpty() && positions[1] == world.inputSize(1) && positions[2] == world.inputSize(2);
    }
}
