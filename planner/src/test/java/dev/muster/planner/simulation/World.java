package dev.muster.planner.simulation;

import dev.muster.planner.core.Command;
import dev.muster.planner.core.FleetEvent;
import dev.muster.planner.core.FleetEvent.MachinesAsked.Verb;
import dev.muster.planner.core.FleetHead;
import dev.muster.planner.core.Mark;
import dev.muster.planner.core.Phase;
import dev.muster.planner.core.Pool;
import dev.muster.planner.core.Reason;
import dev.muster.planner.simulation.Happening.Kind;
import dev.muster.planner.simulation.SimulatedTask.Fault;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * The whole suite and its surroundings in one thread and virtual time. Nothing in it looks at a clock, a hash order or a random number
 * that doesn't come from the plot's seed.
 */
final class World {

    private final Plot plot;
    private final Bug bug;
    private final List<Invariant> invariants;
    private final StringBuilder trace;
    private final Agenda agenda = new Agenda();
    private final Map<Kind, List<Happening>> current = new EnumMap<>(Kind.class);

    private final Topic<Asked> requests;
    private final Topic<FleetEvent> demand;
    private final Topic<FleetEvent> reports;
    private final Topic<Command.ToProvisioner> orders;
    private final Topic<Command.ToWatcher> errands;

    private final SimulatedCloud cloud;
    private final SimulatedClearml clearml;
    private final SimulatedPlanner planner;
    private final SimulatedProvisioner provisioner;
    private final SimulatedWatcher watcher;
    private final Map<String, Long> plannedAt = new HashMap<>();
    private int tasks;
    private Tally tally = Tally.NONE;

    /** @param trace told what happens; null: nobody wants to know */
    World(Plot plot, Bug bug, List<Invariant> invariants, StringBuilder trace) {
        this.plot = plot;
        this.bug = bug;
        this.invariants = invariants;
        this.trace = trace;
        for (var kind : Kind.values()) {
            current.put(kind, new ArrayList<>(0));
        }
        requests = new Topic<>(this, "requests", 0, this::inputAppended);
        demand = new Topic<>(this, "demand", plot.shape().duplicates(), this::inputAppended);
        reports = new Topic<>(this, "machine-reports", plot.shape().duplicates(), this::inputAppended);
        orders = new Topic<>(this, "commands.aws", 0, this::orderAppended);
        errands = new Topic<>(this, "commands.clearml", 0, this::errandAppended);
        cloud = new SimulatedCloud(this);
        clearml = new SimulatedClearml(this);
        planner = new SimulatedPlanner(this);
        provisioner = new SimulatedProvisioner(this);
        watcher = new SimulatedWatcher(this);
        for (var happening : plot.happenings()) {
            at(happening.at(), () -> begin(happening));
        }
        at(plot.faultsStop(), this::mend);
    }

    private void inputAppended() {
        if (planner != null) {
            planner.appended();
        }
    }

    private void orderAppended() {
        if (provisioner != null) {
            provisioner.appended();
        }
    }

    private void errandAppended() {
        if (watcher != null) {
            watcher.appended();
        }
    }

    // Its parts.

    Shape shape() {
        return plot.shape();
    }

    Bug bug() {
        return bug;
    }

    SimulatedCloud cloud() {
        return cloud;
    }

    SimulatedClearml clearml() {
        return clearml;
    }

    SimulatedPlanner planner() {
        return planner;
    }

    Topic<Asked> requests() {
        return requests;
    }

    Topic<FleetEvent> demand() {
        return demand;
    }

    Topic<FleetEvent> reports() {
        return reports;
    }

    Topic<Command.ToProvisioner> orders() {
        return orders;
    }

    Topic<Command.ToWatcher> errands() {
        return errands;
    }

    int inputSize(int topic) {
        return topic == 0 ? requests.size() : topic == 1 ? demand.size() : reports.size();
    }

    // Time and chance.

    Dice dice(String name) {
        return new Dice(plot.seed(), name);
    }

    long now() {
        return agenda.now();
    }

    Instant instant() {
        return instant(agenda.now());
    }

    Instant instant(long millis) {
        return Shape.START.plusMillis(millis);
    }

    void at(long time, Runnable action) {
        agenda.at(time, action);
    }

    void after(long millis, Runnable action) {
        agenda.after(millis, action);
    }

    boolean step(long end) {
        return agenda.step(end);
    }

    // What is going on.

    boolean isOn(Kind kind) {
        return !current.get(kind).isEmpty();
    }

    /** Whether it happens to thing {@code which} of {@code many}. */
    boolean isOn(Kind kind, int which, int many) {
        for (var happening : current.get(kind)) {
            if (happening.which() % many == which) {
                return true;
            }
        }
        return false;
    }

    /** The least size of what happens to thing {@code which} of {@code many}; a great number if nothing does. */
    int sizeOf(Kind kind, int which, int many) {
        var size = Integer.MAX_VALUE / 2;
        for (var happening : current.get(kind)) {
            if (happening.which() % many == which) {
                size = Math.min(size, happening.size());
            }
        }
        return size;
    }

    /** When the launch of the batch was on its topic. */
    long plannedAt(String batchId) {
        return plannedAt.getOrDefault(batchId, 0L);
    }

    void happened(Fact fact) {
        if (fact instanceof Fact.Commanded commanded && commanded.command() instanceof Command.Launch launch) {
            plannedAt.putIfAbsent(launch.batchId(), now());
        }
        tally = tally.plus(fact, this);
        for (var invariant : invariants) {
            invariant.check(this, fact);
        }
    }

    /** What has happened so far. */
    Tally tally() {
        return tally;
    }

    boolean isTracing() {
        return trace != null;
    }

    void trace(String who, String what) {
        if (trace != null) {
            trace.append("%10.3f  %s %s%n".formatted(now() / 1000.0, who, what));
        }
    }

    void trace(String who, Supplier<String> what) {
        if (trace != null) {
            trace(who, what.get());
        }
    }

    private void begin(Happening happening) {
        trace("--", () -> happening.kind() + (happening.lasts() == 0 ? "" : " for " + happening.lasts() / 1000.0 + " s") + " which="
                + happening.which() + " size=" + happening.size());
        if (happening.lasts() > 0) {
            var end = Math.min(happening.at() + happening.lasts(), plot.faultsStop());
            current.get(happening.kind()).add(happening);
            at(end, () -> {
                if (current.get(happening.kind()).remove(happening)) {
                    trace("--", () -> happening.kind() + " is over");
                    end(happening);
                }
            });
        }
        var left = Math.max(1, Math.min(happening.lasts(), plot.faultsStop() - now()));
        switch (happening.kind()) {
            case TASKS_ARRIVE -> {
                for (int i = 0; i < happening.size(); i++) {
                    enqueue(happening);
                }
            }
            case FOREIGN_AGENT -> {
                var queue = shape().queues().get(happening.which() % shape().queues().size());
                var agent = new SimulatedAgent(this, null, "lab-box:gpu" + happening.at() % 97, List.of(queue.id()));
                after(happening.lasts(), agent::leave);
            }
            case FOREIGN_MACHINES -> cloud.startForeign(pool(happening), foreignPrefix(happening), happening.size());
            case PLANNER_CRASHES -> planner.crash(left);
            case PLANNER_PAUSES -> planner.pause(left);
            case WATCHER_RESTARTS -> watcher.restart(left);
            case PROVISIONER_RESTARTS -> provisioner.restart(left);
            case LOOK_LOST -> watcher.loseNextLook();
            case SPOT_TAKEN -> withMachine(happening, SimulatedMachine::interrupt);
            case MACHINE_DIES -> withMachine(happening, SimulatedMachine::die);
            case CHECKS_FAIL -> withMachine(happening, machine -> machine.failChecks(left));
            case AGENT_DIES -> withMachine(happening, machine -> machine.killAgent(happening.which()));
            case ASK_DRAIN -> withMachine(happening, machine -> ask(machine, Verb.DRAIN));
            case ASK_CANCEL -> withMachine(happening, machine -> ask(machine, Verb.CANCEL_DRAIN));
            case ASK_TERMINATE -> withMachine(happening, machine -> ask(machine, Verb.TERMINATE));
            case PAUSE -> requests.send(10, at -> new Asked.SetState(at, FleetHead.State.PAUSED));
            case PAUSE_POOL -> edit(edits -> edits.withPaused(pool(happening), true));
            case LIMIT -> edit(edits -> edits.withMax(pool(happening), happening.size()));
            case DELETE -> requests.send(10, at -> new Asked.Delete(at, FleetHead.ShutdownAction.values()[happening.which()]));
            default -> { }
        }
    }

    private void end(Happening happening) {
        switch (happening.kind()) {
            case PAUSE -> requests.send(10, at -> new Asked.SetState(at, FleetHead.State.ACTIVE));
            case PAUSE_POOL -> edit(edits -> edits.withPaused(pool(happening), false));
            case FOREIGN_MACHINES -> requests.send(10, at -> new Asked.Adopt(at, foreignPrefix(happening)));
            case INPUT_LAGS -> inputAppended();
            case CAPACITY -> cloud.roomChanged();
            default -> { }
        }
    }

    /** Half of them have the fleet's own prefix, as an imported fleet has the prefix of what it was imported from. */
    private static String foreignPrefix(Happening happening) {
        return happening.which() / 32 == 0 ? Shape.PREFIX : "dynamic_worker";
    }

    private String pool(Happening happening) {
        return shape().pools().get(happening.which() % shape().pools().size()).name();
    }

    private void edit(UnaryOperator<Shape.Edits> change) {
        requests.send(10, at -> new Asked.Edit(at, change));
    }

    private void ask(SimulatedMachine machine, Verb verb) {
        requests.send(10, at -> new Asked.OfMachine(at, machine.machineId, verb));
    }

    private void withMachine(Happening happening, java.util.function.Consumer<SimulatedMachine> what) {
        var there = List.copyOf(cloud.there());
        if (!there.isEmpty()) {
            what.accept(there.get(happening.which() % there.size()));
        }
    }

    private void enqueue(Happening happening) {
        var queue = shape().queues().get(happening.which() % shape().queues().size());
        // Its length depends on when it came and not on what came before, so that a shrunk run has the same tasks.
        var length = new Dice(plot.seed() + happening.at() + tasks, "task").between(5000, 240_000);
        var faults = new Dice(plot.seed() + happening.at() + tasks, "fault of a task");
        var fault = shape().hasPods() && faults.chance(12) ? faults.oneOf(List.of(Fault.IMAGE, Fault.WISH, Fault.MEMORY)) : Fault.NONE;
        var task = new SimulatedTask("task-" + ++tasks, queue.id(), length, fault);
        trace("--", () -> task + " is added to " + queue.name() + (fault == Fault.NONE ? "" : ", with a fault of " + fault));
        clearml.add(task);
    }

    /** Faults stop: what is still wrong is mended, by people where only people can. */
    private void mend() {
        trace("--", "faults stop");
        for (var kind : Kind.values()) {
            for (var happening : List.copyOf(current.get(kind))) {
                current.get(kind).remove(happening);
                end(happening);
            }
        }
        requests.send(10, at -> new Asked.SetState(at, FleetHead.State.ACTIVE));
        cloud.makeRoom();
        // What the cloud refused as the spec had it waits for another spec.
        edit(Shape.Edits::revised);
    }

    /** All tasks are done, nothing is left that nothing needs, and nobody has anything to do. */
    boolean isQuiet() {
        return now() > plot.faultsStop() + 1000 && (allTasksAreOver() || isOutOfMoney() && nothingIsAdrift()) && nothingIsLeft() && planner.isAtRest()
                && deadWorkers(0).isEmpty() && (planner.fleet().head().isEnding() || leftToOthers().isEmpty());
    }

    /** Machines of another autoscaler that work, and that nobody has adopted though a person has asked. */
    List<SimulatedMachine> leftToOthers() {
        return cloud.there().stream().filter(machine -> !machine.isOurs() && machine.isWorking() && machine.agents.stream().allMatch(SimulatedAgent::isAlive))
                .toList();
    }

    /** How long ago faults stopped, ms; below zero: they have not. */
    long settledFor() {
        return now() - plot.faultsStop();
    }

    /**
     * Workers that the server lists, of machines of ours that are gone for at least so long, ms. One that the planner has lost is not
     * confirmed to be gone, and of one that came and went while nobody listed it never heard: their workers are left to the server,
     * which forgets them by itself.
     */
    List<String> deadWorkers(long goneFor) {
        var dead = new ArrayList<String>();
        for (var worker : clearml.workers()) {
            if (worker.id().startsWith(Shape.PREFIX)) {
                var part = worker.id().substring(worker.id().lastIndexOf(':') + 1);
                var machine = cloud.machine(part.contains(".") ? part.substring(0, part.indexOf('.')) : part);
                var known = planner.fleet().machine(machine.machineId);
                var isLeftToTheServer = known.isEmpty() || known.get().phase() == Phase.LOST || known.get().phase() == Phase.FAILED;
                if (!machine.isThere() && now() - machine.endedAt >= goneFor && !(isLeftToTheServer && goneFor > 0) && machine.mark() != Mark.RELEASED) {
                    dead.add(worker.id());
                }
            }
        }
        return dead;
    }

    /** A day's budget is spent or reserved, and the day does not end in this run. It may be one of several constraints. */
    boolean isOutOfMoney() {
        return shape().money().day().isPresent() && planner.fleet().refusals().stream().flatMap(refusal -> refusal.constraints().stream())
                .anyMatch(constraint -> constraint.reason() == Reason.BUDGET_REACHED);
    }

    /** As many machines as the pool keeps without anything to do. */
    int kept(Pool pool) {
        var head = planner.fleet().head();
        if (head.isEnding() && head.action() != FleetHead.ShutdownAction.LEAVE) {
            return 0;
        }
        return Math.min(pool.limits().max(), Math.max(pool.limits().min(), pool.warm()));
    }

    private boolean allTasksAreOver() {
        for (var task : clearml.tasks.values()) {
            if (!task.isOver()) {
                return false;
            }
        }
        return true;
    }

    /** Putting a task back costs nothing: it is done also where there is no money left to run it. */
    private boolean nothingIsAdrift() {
        return clearml.tasks.values().stream().allMatch(task -> task.isOver() || clearml.isWaiting(task) || task.runner != null
                || task.losses == 0 || EveryTaskRunsOnceOrIsRescued.isGivenUp(task));
    }

    private boolean nothingIsLeft() {
        for (var pool : shape().pools()) {
            long there = 0;
            for (var machine : cloud.there()) {
                if (machine.isOurs() && machine.pool.equals(pool.name())) {
                    there++;
                }
            }
            if (there > kept(planner.fleet().spec().pool(pool.name()).orElseThrow())) {
                return false;
            }
        }
        return true;
    }
}
