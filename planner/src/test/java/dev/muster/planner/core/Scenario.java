package dev.muster.planner.core;

import dev.muster.planner.core.FleetEvent.MachineFacts;
import dev.muster.planner.core.FleetEvent.ScopeState;
import dev.muster.planner.core.FleetEvent.Seen;
import dev.muster.planner.core.FleetEvent.WorkerSeen;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.Consumer;

/**
 * A fleet told in a test's words: time moves only when the test moves it, each look and list is complete, and every plan is checked to
 * be repeatable from its records.
 */
final class Scenario {

    static final String SCOPE = "aws/default/us-east-1";
    static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

    Fleet fleet;
    Instant now = START;
    /** Records of all plans so far. */
    final List<PlanRecord> records = new ArrayList<>();
    private long look;
    private long list;
    private final Map<String, QueueSeen> queues = new LinkedHashMap<>();
    private final Map<String, WorkerSeen> workers = new LinkedHashMap<>();
    final Map<String, MachineFacts> cloud = new LinkedHashMap<>();
    private List<FleetEvent.TaskAdrift> adrift = List.of();

    private Scenario(FleetSpec spec) {
        fleet = Fleet.of(head(spec, FleetHead.State.ACTIVE, null));
        spec.queues().forEach(queue -> waiting(queue.name(), 0));
    }

    static Scenario of(FleetSpec spec) {
        return new Scenario(spec);
    }

    /** One queue `gpu` served by one pool `gpu` of at most {@code max}, idle time-out 60 s. */
    static Scenario onePool(int max) {
        return of(spec(List.of(queue("gpu", "gpu")), List.of(pool("gpu", max))));
    }

    static FleetHead head(FleetSpec spec, FleetHead.State state, FleetHead.ShutdownAction action) {
        return new FleetHead("demo", "abcdefgh", List.of(), 1, state, action, spec, START, START);
    }

    static FleetSpec spec(List<Queue> queues, List<Pool> pools) {
        return new FleetSpec("default", "acme-demo", queues, pools, Limits.NONE,
                new FleetSpec.Rescue(true, Duration.ofMinutes(10), 3, "muster-no-rescue"), true, List.of(), List.of(), ZoneOffset.UTC);
    }

    static Queue queue(String name, String... pools) {
        return new Queue(name, List.of(pools), Pool.Order.LISTED, 0, 1, List.of());
    }

    static Pool pool(String name, int max) {
        return pool(name, 0, max, 1, offer("g4dn.xlarge", "us-east-1a", Market.ON_DEMAND));
    }

    static Pool pool(String name, int min, int max, int slots, Offer... offers) {
        return new Pool(name, List.of(offers), Pool.Order.LISTED, new Limits(min, max), 0, slots, Duration.ofSeconds(60), Duration.ofMinutes(5),
                Duration.ofMinutes(10), Duration.ofHours(1), Duration.ZERO, 0, 0, false, Pool.Leaving.DEFAULT, Pool.Spot.DEFAULT, Costs.NONE,
                List.of(), List.of());
    }

    static Offer offer(String type, String zone, Market market) {
        return new Offer(new OfferKey("aws", "default", "us-east-1", zone, "", type, market), OptionalLong.of(526_000), OptionalLong.empty());
    }

    /** A fleet under change. */
    static FleetSpec budgeted(FleetSpec spec, Budget... budgets) {
        return new FleetSpec(spec.connection(), spec.workersPrefix(), spec.queues(), spec.pools(), spec.limits(), spec.rescue(),
                spec.countOtherWorkers(), List.of(budgets), spec.schedules(), spec.zone());
    }

    static FleetSpec limited(FleetSpec spec, int max) {
        return new FleetSpec(spec.connection(), spec.workersPrefix(), spec.queues(), spec.pools(), new Limits(0, max), spec.rescue(),
                spec.countOtherWorkers(), spec.budgets(), spec.schedules(), spec.zone());
    }

    static Queue queue(String name, int priority, int weight, String... pools) {
        return new Queue(name, List.of(pools), Pool.Order.LISTED, priority, weight, List.of());
    }

    /** A hard limit that drains, and nothing else. */
    static Budget hard(Budget.Period period, long micros) {
        return new Budget(period, OptionalLong.of(micros), OptionalLong.empty(), Budget.HardAction.DRAIN_MACHINES, Budget.SoftAction.WARN,
                OptionalLong.empty(), 0);
    }

    /** A pool under change: every field as {@link #pool(String, int)} has it until it is said otherwise. */
    static final class PoolOf {
        private final Pool pool;
        Limits limits;
        int warm;
        int slots = 1;
        Duration reserveFor = Duration.ofHours(1);
        Duration scaleOutDelay = Duration.ZERO;
        Pool.Order order = Pool.Order.LISTED;
        Pool.Leaving leaving = Pool.Leaving.DEFAULT;
        Pool.Spot spot = Pool.Spot.DEFAULT;
        Costs costs = Costs.NONE;
        List<Offer> offers;
        List<Budget> budgets = List.of();
        List<Schedule> schedules = List.of();
        Pool.Pods pods = Pool.Pods.NONE;

        PoolOf(String name, int min, int max) {
            pool = pool(name, max);
            limits = new Limits(min, max);
            offers = pool.offers();
        }

        Pool with(Consumer<PoolOf> change) {
            change.accept(this);
            return new Pool(pool.name(), offers, order, limits, warm, slots, pool.idleTimeout(), pool.bootDeadline(), pool.registrationDeadline(), reserveFor,
                    scaleOutDelay, 0, 0, false, leaving, spot, costs, budgets, schedules, pods);
        }
    }

    /** A new version of the spec is accepted. */
    Scenario edit(FleetSpec spec) {
        fleet.apply(new FleetEvent.FleetChanged(now, new FleetHead("demo", "abcdefgh", List.of(), 1, FleetHead.State.ACTIVE, null, spec, START, now)));
        return this;
    }

    // What the world does.

    Scenario pass(Duration time) {
        now = now.plus(time);
        return this;
    }

    Scenario waiting(String queue, int count) {
        var first = new ArrayList<String>();
        for (int i = 0; i < Math.min(count, 500); i++) {
            first.add("task-" + i);
        }
        queues.put(queue, new QueueSeen(queue, "q-" + queue, QueueSeen.State.SERVED, "", count, count == 0 ? null : now, first));
        return this;
    }

    /** Tasks by name, the first first. */
    Scenario waiting(String queue, List<String> tasks) {
        queues.put(queue, new QueueSeen(queue, "q-" + queue, QueueSeen.State.SERVED, "", tasks.size(), tasks.isEmpty() ? null : now, tasks));
        return this;
    }

    Scenario queueIs(String queue, QueueSeen.State state, String owner) {
        queues.put(queue, new QueueSeen(queue, "", state, owner, 3, now, List.of()));
        return this;
    }

    /** A worker that is not ours. */
    Scenario otherWorker(String id, String task, String... queueIds) {
        workers.put(id, new WorkerSeen(id, "somebody", task, "", List.of(queueIds)));
        return this;
    }

    Scenario adrift(FleetEvent.TaskAdrift... tasks) {
        adrift = List.of(tasks);
        return this;
    }

    /** The cloud accepts and boots all machines asked for, and their workers register. */
    Scenario allBoot() {
        for (var machine : List.copyOf(fleet.active().values())) {
            if (machine.phase() == Phase.REQUESTED) {
                accept(machine.id());
            }
        }
        for (var machine : List.copyOf(fleet.active().values())) {
            worker(machine.id(), "");
        }
        return look().list().plan();
    }

    Scenario accept(String id) {
        var machine = fleet.machine(id).orElseThrow();
        shows(id, CloudState.RUNNING);
        fleet.apply(new FleetEvent.LaunchAccepted(now, machine.batchId(), List.of(cloud.get(id))));
        return this;
    }

    /** What the cloud will show of a machine from now on. */
    Scenario shows(String id, CloudState state) {
        return shows(id, state, Ending.UNKNOWN);
    }

    Scenario shows(String id, CloudState state, Ending ending) {
        var machine = fleet.machine(id).orElseThrow();
        cloud.put(id, new MachineFacts(id, machine.pool(), "i-" + id, machine.batchId(), machine.launchIndex(), machine.offer(), state, ending,
                now, machine.mark(), ""));
        return this;
    }

    /** The same, with the cloud's word about it. */
    Scenario shows(String id, CloudState state, Ending ending, CloudNote note) {
        var machine = fleet.machine(id).orElseThrow();
        cloud.put(id, new MachineFacts(id, machine.pool(), "i-" + id, machine.batchId(), machine.launchIndex(), machine.offer(), state, ending,
                now, machine.mark(), "", note, machine.task()));
        return this;
    }

    /** Accepts it without room for it. */
    Scenario takes(String id, CloudNote why) {
        shows(id, CloudState.WAITING, Ending.UNKNOWN, why);
        fleet.apply(new FleetEvent.LaunchAccepted(now, fleet.machine(id).orElseThrow().batchId(), List.of(cloud.get(id))));
        return this;
    }

    Scenario stranger(MachineFacts facts) {
        cloud.put(facts.cloudId(), facts);
        return this;
    }

    Scenario vanishes(String id) {
        cloud.remove(id);
        return this;
    }

    Scenario worker(String machineId, String task) {
        var machine = fleet.machine(machineId).orElseThrow();
        var id = workerId(machine);
        workers.put(id, new WorkerSeen(id, "muster", task, "", machine.queueIds()));
        return this;
    }

    static String workerId(Machine machine) {
        return "acme-demo:" + machine.pool() + ":" + machine.offer().machineType() + ":" + machine.cloudId();
    }

    Scenario workerGone(String machineId) {
        workers.remove(workerId(fleet.machine(machineId).orElseThrow()));
        return this;
    }

    Scenario refuse(FailureKind kind, String... ids) {
        var machine = fleet.machine(ids[0]).orElseThrow();
        fleet.apply(new FleetEvent.LaunchRefused(now, machine.batchId(), List.of(ids), kind, kind.name(), "", "", machine.offer()));
        return this;
    }

    Scenario look() {
        look++;
        fleet.apply(new FleetEvent.DemandSeen(now, new Seen("watcher", 1, look, now, 1, 1), look, Duration.ofSeconds(1), true,
                List.copyOf(queues.values()), List.copyOf(workers.values()), List.of(), adrift));
        return this;
    }

    /** A failed look has no number of its own. */
    Scenario lookFails() {
        fleet.apply(new FleetEvent.ReadFailed(now, new Seen("watcher", 1, look, now, 1, 1), "SERVER_ERROR", "queues.get_all", "500", 1));
        return this;
    }

    Scenario list() {
        return list(ScopeState.LISTED);
    }

    Scenario list(ScopeState state) {
        list++;
        fleet.apply(new FleetEvent.InventorySeen(now, SCOPE, new Seen("aws", 1, list, now, 1, 1), now, state, "",
                state == ScopeState.FAILED ? List.of() : List.copyOf(cloud.values()), ""));
        return this;
    }

    Scenario ask(FleetEvent.MachinesAsked.Verb verb, String... ids) {
        fleet.apply(new FleetEvent.MachinesAsked(now, List.of(ids), verb));
        return this;
    }

    Scenario delete(FleetHead.ShutdownAction action) {
        fleet.apply(new FleetEvent.FleetChanged(now, head(fleet.spec(), FleetHead.State.DELETING, action)));
        return this;
    }

    Scenario plan() {
        var before = ReadBack.of(fleet);
        var loaded = Planner.plan(ReadBack.of(fleet), now);
        var plan = Planner.plan(fleet, now);
        if (!plan.records().equals(loaded.records())) {
            throw new AssertionError("a fleet just loaded plans otherwise than one that planned before: " + loaded.records() + " and not " + plan.records());
        }
        plan.records().forEach(before::apply);
        if (!before.memory().equals(fleet.memory()) || !before.ledger().book().equals(fleet.ledger().book()) || !before.active().equals(fleet.active()) || !before.ended().equals(fleet.ended())) {
            throw new AssertionError("a plan's records don't say all that it did");
        }
        records.addAll(plan.records());
        return this;
    }

    // What the planner said.

    List<Machine> machines(Phase phase) {
        var all = new ArrayList<>(fleet.active().values());
        all.addAll(fleet.ended().values());
        return all.stream().filter(machine -> machine.phase() == phase).toList();
    }

    String onlyMachine() {
        if (fleet.active().size() != 1) {
            throw new AssertionError("machines: " + fleet.active().keySet());
        }
        return fleet.active().firstKey();
    }

    <C extends Command> List<C> commands(Class<C> kind) {
        return records.stream().filter(PlanRecord.CommandIssued.class::isInstance).map(PlanRecord.CommandIssued.class::cast)
                .map(PlanRecord.CommandIssued::command).filter(kind::isInstance).map(kind::cast).toList();
    }

    /** What is refused to a queue now. */
    PlanRecord.Refused refused(String queue) {
        return fleet.refusals().stream().filter(refused -> refused.queue().equals(queue)).findFirst()
                .orElseThrow(() -> new AssertionError("nothing is refused to " + queue + ": " + fleet.refusals()));
    }

    List<PlanRecord.Decided> decided(Reason reason) {
        return records.stream().filter(PlanRecord.Decided.class::isInstance).map(PlanRecord.Decided.class::cast)
                .filter(decided -> decided.reason() == reason).toList();
    }

    /** Rows of history written so far. */
    List<HistoryRow> rows(String series) {
        return records.stream().filter(PlanRecord.HistoryWritten.class::isInstance).map(PlanRecord.HistoryWritten.class::cast)
                .flatMap(written -> written.rows().stream()).filter(row -> row.series().equals(series)).toList();
    }

    /** The fleet's state is lost, and what is known of it is its spec. */
    Scenario lose() {
        fleet = Fleet.restored(fleet.head(), Fleet.of(fleet.head()).memory(), Ledger.Book.lost(now), List.of(), List.of(), List.of());
        return this;
    }

    List<Reason> refusals() {
        return fleet.refusals().stream().map(PlanRecord.Refused::reason).toList();
    }

    List<Reason> decisions() {
        return records.stream().filter(PlanRecord.Decided.class::isInstance).map(PlanRecord.Decided.class::cast)
                .map(PlanRecord.Decided::reason).toList();
    }
}
