package dev.muster.planner.core;

import dev.muster.planner.core.FleetEvent.InventorySeen;
import dev.muster.planner.core.FleetEvent.MachineFacts;
import dev.muster.planner.core.FleetEvent.TaskAdrift;
import dev.muster.planner.core.FleetMemory.DemandStatus;
import dev.muster.planner.core.FleetMemory.PriceKnown;
import dev.muster.planner.core.FleetMemory.ScopeSeen;
import dev.muster.planner.core.FleetMemory.TypeKnown;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Everything known about one fleet. Events say what was learned, plan records what was decided; nothing else changes it, and
 * neither looks at a clock.
 *
 * <p>Not thread-safe: one thread owns a fleet. What is handed out is immutable or a view that must not be kept.
 */
public final class Fleet {

    /** A look that reached Kafka later than this after it began says nothing about now. */
    private static final Duration OLDEST_LOOK = Duration.ofSeconds(10);
    /** A lower generation counts again once the higher has been silent this long. */
    private static final Duration GENERATION_SILENCE = Duration.ofSeconds(15);
    /** Lists begun earlier than this after a launch was answered may not show it yet: clouds list eventually. */
    private static final Duration LISTED_AFTER = Duration.ofMinutes(2);
    /** Micro-units an hour: no machine that a cloud rents costs 10,000 an hour; a price above that is a mistake of units. */
    private static final long DEAREST = 10_000_000_000L;
    /** What the source of a price begins with that a person wrote into a file. */
    private static final String PRICE_FILE = "the price file";

    private FleetHead head;
    private final Map<String, Pool> pools = new HashMap<>();
    private final Workers workers;
    private final Machines machines;
    private final Map<String, QueueSeen> queues = new HashMap<>();
    /** Names of queues by id. */
    private final Map<String, String> queueNames = new HashMap<>();
    /** Ids of workers whose machine has ended. */
    private final TreeSet<String> outliving = new TreeSet<>();

    private long nextMachine = 1;
    private long plans;
    private Instant plannedAt = Instant.EPOCH;
    private DemandStatus demand = DemandStatus.NEVER;
    private final TreeMap<String, ScopeSeen> scopes = new TreeMap<>();
    private final TreeMap<String, Hold> holds = new TreeMap<>();
    private final TreeMap<String, Rescue> rescues = new TreeMap<>();
    private final TreeMap<String, PlanRecord.Refused> refusals = new TreeMap<>();
    private List<TaskAdrift> adrift = List.of();
    private final TreeMap<String, MachineFacts> strangers = new TreeMap<>();
    private final TreeMap<OfferKey, PriceKnown> prices = new TreeMap<>();
    /** By provider and name. */
    private final TreeMap<String, TypeKnown> types = new TreeMap<>();
    /** By queue, since when it has had waiting tasks without a break. */
    private final TreeMap<String, Instant> waitingSince = new TreeMap<>();
    /** By prefix of workers whose machines are to be adopted, when that was asked for. */
    private final TreeMap<String, Instant> adopting = new TreeMap<>();
    /** By cloud id. */
    private final TreeMap<String, Adoption> adoptions = new TreeMap<>();
    private Ledger ledger = new Ledger();
    private Instant stateSince;

    /** Parts of a look or list that is not complete yet. Not kept over a restart: the next full one mends it. */
    private final Map<String, Parts<FleetEvent.DemandSeen>> lookParts = new HashMap<>();
    private final Map<String, Parts<InventorySeen>> listParts = new HashMap<>();

    private Instant newestAt = Instant.EPOCH;
    private boolean changed = true;
    private Instant due = Instant.EPOCH;
    private Instant deadline = Instant.EPOCH;

    private boolean headChanged = true;
    private boolean memoryChanged = true;
    private boolean ledgerChanged = true;
    /** Cloud ids of machines whose workers changed in the look being taken in. */
    private final TreeSet<String> touched = new TreeSet<>();
    private TreeSet<String> machinesChanged = new TreeSet<>();
    private TreeSet<String> queuesChanged = new TreeSet<>();
    private TreeSet<String> workersChanged = new TreeSet<>();

    private Fleet(FleetHead head) {
        this.head = head;
        this.stateSince = head.createdAt();
        workers = new Workers(head.spec().workersPrefix());
        machines = new Machines(workers);
        head.spec().pools().forEach(pool -> pools.putIfAbsent(pool.name(), pool));
    }

    /** A fleet of which nothing but its accepted spec is known. */
    public static Fleet of(FleetHead head) {
        var fleet = new Fleet(head);
        fleet.tellBudgets();
        return fleet;
    }

    /**
     * As it is now, for trying something out: nothing that happens to one of the two reaches the other. What a stored fleet lacks, the copy lacks.
     *
     * @param endedSince machines that ended before are left out: they are most of what a fleet knows, and hardly any rule asks about them
     */
    public Fleet copy(Instant endedSince) {
        return restored(head, memory(), ledger.book(), Stream.concat(machines.counted(), machines.endedSince(endedSince)).toList(), List.copyOf(queues.values()),
                List.copyOf(workers.all().values()));
    }

    /** A fleet as it was stored. */
    public static Fleet restored(FleetHead head, FleetMemory memory, Ledger.Book ledger, Collection<Machine> machines,
            Collection<QueueSeen> queues, Collection<Worker> workers) {
        var fleet = new Fleet(head);
        fleet.nextMachine = memory.nextMachine();
        fleet.plans = memory.plans();
        fleet.plannedAt = memory.plannedAt();
        fleet.demand = memory.demand();
        memory.scopes().forEach(scope -> fleet.scopes.put(scope.scope(), scope));
        memory.holds().forEach(hold -> fleet.holds.put(hold.key(), hold));
        memory.rescues().forEach(rescue -> fleet.rescues.put(rescue.task(), rescue));
        memory.refusals().forEach(refusal -> fleet.refusals.put(refusal.key(), refusal));
        fleet.adrift = memory.adrift();
        memory.strangers().forEach(stranger -> fleet.strangers.put(stranger.cloudId(), stranger));
        memory.prices().forEach(price -> fleet.prices.put(price.offer(), price));
        memory.types().forEach(type -> fleet.types.put(type.key(), type));
        fleet.waitingSince.putAll(memory.waitingSince());
        fleet.adopting.putAll(memory.adopting());
        memory.adoptions().forEach(adoption -> fleet.adoptions.put(adoption.cloudId(), adoption));
        fleet.stateSince = memory.stateSince();
        machines.forEach(fleet::put);
        // After the machines, whose stretches it has booked already.
        fleet.ledger = Ledger.of(ledger);
        queues.forEach(fleet::put);
        workers.forEach(fleet::put);
        fleet.takeChanges();
        return fleet;
    }

    // What is known.

    public FleetHead head() {
        return head;
    }

    public FleetSpec spec() {
        return head.spec();
    }

    /** The pool of that name in the spec. */
    public Optional<Pool> pool(String name) {
        return Optional.ofNullable(pools.get(name));
    }

    /** Machines that count, by id: a copy that is made for it, of no use where a fleet may be large and its plans many. */
    public SortedMap<String, Machine> active() {
        return machines.all(Machine::isCounted);
    }

    /** Machines GONE, FAILED or LOST and still known, by id: a copy that is made for it. */
    public SortedMap<String, Machine> ended() {
        return machines.all(machine -> !machine.isCounted());
    }

    /** Machines that count, in no order. */
    public Stream<Machine> counted() {
        return machines.counted();
    }

    /** How many count. */
    public int size() {
        return machines.count();
    }

    /** How many machines a copy has. */
    public long sizeOfCopy(Instant endedSince) {
        return size() + machines.endedSince(endedSince).count();
    }

    public PoolBooks books(Pool pool) {
        return machines.books(pool);
    }

    /** Names of the pools that machines which count are of, in the spec or not; sorted. */
    public List<String> pools() {
        return machines.pools();
    }

    /** A pool's machines that count, the oldest first. Read to its end before anything changes. */
    public Stream<Machine> byAge(String pool) {
        return machines.byAge(pool);
    }

    /** The same, the youngest first. */
    public Stream<Machine> byYouth(String pool) {
        return machines.byYouth(pool);
    }

    /** A pool's machines that are READY without a task, idle for longest first. Read to its end before anything changes. */
    public Stream<Machine> idle(String pool) {
        return machines.idle(pool);
    }

    /** A pool's machines that are marked or asked to end, by id. */
    public List<Machine> leaving(String pool) {
        return machines.leaving(pool);
    }

    /** Machines in a phase that counts and is not READY, by id. */
    public List<Machine> in(Phase phase) {
        return machines.in(phase);
    }

    /** Staying machines that were launched for the queue. */
    public int stayingFor(String queue) {
        return machines.stayingFor(queue);
    }

    /** Staying machines that were made for the task, by id. */
    public List<Machine> boundTo(String task) {
        return machines.boundTo(task);
    }

    /** Staying machines that were made for one task each, by id. */
    public List<Machine> bound() {
        return machines.bound();
    }

    /** When the last launch for the task was refused because it came too late: it was seen to wait, and did not any more. */
    public Optional<Instant> tooLateFor(String task) {
        return machines.tooLateFor(task);
    }

    /** Machines, ended ones included, whose cloud finds fault with the task that they were made for; by id. */
    public List<Machine> withTaskAtFault() {
        return machines.withTaskAtFault();
    }

    /** Machines of whom a person asked something that is not done, by id. */
    public List<Machine> asked() {
        return machines.asked();
    }

    /** Machines that count and whose cloud's own checks fail, by id. */
    public List<Machine> impaired() {
        return machines.impaired();
    }

    /** Machines to which something happened, or to their workers, since they were last taken here; by id. A loaded fleet's are all. */
    public List<Machine> takeUnfollowed() {
        return machines.takeUnfollowed();
    }

    /** The next plan is to follow it though nothing may happen to it. */
    public void followAgain(Machine machine) {
        machines.followAgain(machine.id());
    }

    public Optional<Machine> machine(String id) {
        return Optional.ofNullable(machines.get(id));
    }

    public Optional<Machine> machineByCloudId(String cloudId) {
        return cloudId.isEmpty() ? Optional.empty() : Optional.ofNullable(machines.byCloudId(cloudId));
    }

    /** The machine that a worker runs on, as far as it is known. Its prefix may be another than the fleet's: it keeps that when it is adopted. */
    public Optional<Machine> machineOf(String workerId) {
        return WorkerId.parse(workerId).flatMap(id -> machineByCloudId(id.cloudId()));
    }

    /** By name, in no order. */
    public Map<String, QueueSeen> queues() {
        return Collections.unmodifiableMap(queues);
    }

    /** By id, in no order. */
    public Map<String, Worker> workers() {
        return workers.all();
    }

    /** Workers that are neither of this fleet's prefix nor on a machine of it, by id. */
    public List<Worker> otherWorkers() {
        return workers.others().stream().filter(worker -> machineOf(worker.id()).isEmpty()).toList();
    }

    /** Ids of the workers that show one task, by task, where there are several: sorted. */
    public SortedMap<String, TreeSet<String>> tasksRunTwice() {
        return workers.shared();
    }

    /** Its workers, sorted by id; empty where none registered. */
    public List<Worker> workersOn(Machine machine) {
        return machines.workersOn(machine);
    }

    /** A worker of it shows a task. False says nothing where the facts are stale. */
    public boolean isBusy(Machine machine) {
        for (var worker : workersOn(machine)) {
            if (worker.isBusy()) {
                return true;
            }
        }
        return false;
    }

    /** Ids of refused machines of the pool that none replaces yet, in order. */
    public List<String> unreplaced(String pool) {
        return machines.unreplaced(pool);
    }

    /** Workers that are listed though their machine has ended, by id: all whose task may be lost. */
    public List<Worker> outliving() {
        return outliving.stream().map(workers::get).toList();
    }

    /** Machines that ended before that moment, the earliest first. */
    public List<Machine> endedBefore(Instant moment) {
        return machines.endedBefore(moment);
    }

    /** Ids of machines FAILED, LOST or GONE in the books that their cloud shows alive, in order. */
    public List<String> revived() {
        return machines.revived();
    }

    public DemandStatus demand() {
        return demand;
    }

    public Optional<ScopeSeen> scope(String scope) {
        return Optional.ofNullable(scopes.get(scope));
    }

    public Optional<Hold> hold(Hold.Kind kind, String subject) {
        return Optional.ofNullable(holds.get(kind + " " + subject));
    }

    public Collection<Hold> holds() {
        return Collections.unmodifiableCollection(holds.values());
    }

    public Optional<Rescue> rescue(String task) {
        return Optional.ofNullable(rescues.get(task));
    }

    public Collection<Rescue> rescues() {
        return Collections.unmodifiableCollection(rescues.values());
    }

    public Collection<PlanRecord.Refused> refusals() {
        return Collections.unmodifiableCollection(refusals.values());
    }

    public Optional<PlanRecord.Refused> refusal(String key) {
        return Optional.ofNullable(refusals.get(key));
    }

    public List<TaskAdrift> adrift() {
        return adrift;
    }

    /** Machines of ours that the books don't know, by cloud id. */
    public Map<String, MachineFacts> strangers() {
        return Collections.unmodifiableMap(strangers);
    }

    /** By prefix of workers whose machines are to be adopted, when that was asked for. */
    public SortedMap<String, Instant> adopting() {
        return Collections.unmodifiableSortedMap(adopting);
    }

    /** Machines of other autoscalers that were asked for and are not on the books, by cloud id. */
    public SortedMap<String, Adoption> adoptions() {
        return Collections.unmodifiableSortedMap(adoptions);
    }

    /** The price of an offer as last reported; empty: none was, or none that can be right. */
    public OptionalLong reportedPrice(OfferKey offer) {
        var price = prices.get(offer);
        return price == null || price.perHour() == 0 ? OptionalLong.empty() : OptionalLong.of(price.perHour());
    }

    /** What a machine of an offer of the pool costs an hour, all included: as declared, else as reported; empty: not known. */
    OptionalLong price(Pool pool, Offer offer) {
        var price = offer.price().isPresent() ? offer.price() : reportedPrice(offer.key());
        return price.isPresent() ? OptionalLong.of(pool.costs().of(price.getAsLong())) : OptionalLong.empty();
    }

    public Collection<PriceKnown> prices() {
        return Collections.unmodifiableCollection(prices.values());
    }

    /** What a machine type is; empty: its provider has not said. */
    public Optional<TypeKnown> type(String provider, String machineType) {
        return Optional.ofNullable(types.get(provider + "/" + machineType));
    }

    /** Since when the queue has had waiting tasks without a break; empty: none waits. */
    public Optional<Instant> waitingSince(String queue) {
        return Optional.ofNullable(waitingSince.get(queue));
    }

    public Ledger ledger() {
        return ledger;
    }

    /** What is open of a live machine's time and not in rows yet, by hour and payer. */
    public List<Ledger.Line> openLines(Machine machine, Instant until) {
        return Ledger.lines(machine, machine.paid().open(until), ledger.hoursUntil(), this::queueName);
    }

    /**
     * The state of this fleet was lost, and begun anew from what the topics and the clouds say: what only it knew, such as what was spent
     * before, is not known.
     */
    public boolean stateWasLost() {
        return stateSince.isAfter(head.createdAt());
    }

    /** When this state was begun; {@link Instant#EPOCH}: not known. */
    public Instant stateSince() {
        return stateSince;
    }

    /** Parts of a look or list have come and others not: that is in memory only, and a stored fleet lacks it. */
    public boolean isBetweenParts() {
        return !lookParts.isEmpty() || !listParts.isEmpty();
    }

    public long nextMachine() {
        return nextMachine;
    }

    public long plans() {
        return plans;
    }

    /** Append time of the newest event applied since the fleet was loaded, or the last plan; a fleet's now is never earlier. */
    public Instant newestAt() {
        return newestAt.isAfter(plannedAt) ? newestAt : plannedAt;
    }

    /** Something was learned since the last plan, or its next deadline has passed. */
    public boolean isDue(Instant now) {
        return changed || !now.isBefore(due);
    }

    /** Next deadline, as the last plan saw it. */
    public Instant due() {
        return changed ? Instant.EPOCH : due;
    }

    /**
     * As {@link #due()}, without the plans that only look whether facts have grown old, write history, or make up for a rule that forgot
     * to ask for one: for those who see to it that facts are fresh. {@link Instant#MAX}: there is none.
     */
    public Instant deadline() {
        return changed ? Instant.EPOCH : deadline;
    }

    /** Called by the planner when it has planned. A cache: it is not stored, and a loaded fleet is due at once. */
    void planned(Instant nextPlan, Instant nextDeadline) {
        changed = false;
        due = nextPlan;
        deadline = nextDeadline;
    }

    public FleetMemory memory() {
        return new FleetMemory(nextMachine, plans, plannedAt, demand, List.copyOf(scopes.values()), List.copyOf(holds.values()),
                List.copyOf(rescues.values()), List.copyOf(refusals.values()), adrift, List.copyOf(strangers.values()), stateSince,
                List.copyOf(prices.values()), waitingSince, adopting, List.copyOf(adoptions.values()), List.copyOf(types.values()));
    }

    /** What changed since the last call, for storing it; an id that is no longer known was removed. */
    public FleetEvent.Changes takeChanges() {
        var taken = new FleetEvent.Changes(headChanged, memoryChanged, ledgerChanged, given(machinesChanged), given(queuesChanged),
                given(workersChanged));
        headChanged = false;
        memoryChanged = false;
        ledgerChanged = false;
        machinesChanged = emptied(machinesChanged);
        queuesChanged = emptied(queuesChanged);
        workersChanged = emptied(workersChanged);
        return taken;
    }

    private static Set<String> given(TreeSet<String> changed) {
        return changed.isEmpty() ? Set.of() : changed;
    }

    /** One in which something was is whose it was given to. */
    private static TreeSet<String> emptied(TreeSet<String> changed) {
        return changed.isEmpty() ? changed : new TreeSet<>();
    }

    // What was learned.

    /** Takes in one event. One that is late or repeated has no effect. */
    public void apply(FleetEvent event) {
        if (event.at().isAfter(newestAt)) {
            newestAt = event.at();
        }
        changed = true;
        if (event instanceof FleetEvent.FleetChanged e) {
            accept(e.head(), e.at());
        } else if (event instanceof FleetEvent.MachinesAsked e) {
            e.machineIds().forEach(id -> asked(id, e.verb(), e.at()));
        } else if (event instanceof FleetEvent.LedgerRestored e) {
            ledger.restore(e.dayMicros(), e.monthMicros(), e.at().atZone(spec().zone()).toLocalDate());
            ledgerChanged = true;
        } else if (event instanceof FleetEvent.IdleReleased e) {
            releaseIdle(e);
        } else if (event instanceof FleetEvent.AdoptionAsked e) {
            adopting.put(e.prefix(), e.at());
            tryRefusedAdoptionsAgain();
            memoryChanged = true;
        } else if (event instanceof FleetEvent.AdoptionRefused e) {
            adoptionRefused(e);
        } else if (event instanceof FleetEvent.PricesSeen e) {
            pricesSeen(e);
        } else if (event instanceof FleetEvent.DemandSeen e) {
            look(e);
        } else if (event instanceof FleetEvent.ReadFailed e) {
            readFailed(e);
        } else if (event instanceof FleetEvent.TasksSeen e) {
            e.tasks().forEach(task -> taskSeen(task, e.at()));
        } else if (event instanceof FleetEvent.TaskRescued e) {
            rescueAnswered(e);
        } else if (event instanceof FleetEvent.MachineSeen e) {
            cloudShows(e.machine(), e.at());
        } else if (event instanceof FleetEvent.LaunchAccepted e) {
            e.machines().forEach(machine -> cloudShows(machine, e.at()));
            // Accepted is not placed: a cluster takes what it has no room for.
            e.machines().stream().findFirst().filter(first -> first.state() != CloudState.WAITING).ifPresent(first -> lift(first.machineId()));
        } else if (event instanceof FleetEvent.LaunchRefused e) {
            launchRefused(e);
        } else if (event instanceof FleetEvent.CommandAnswered e) {
            commandAnswered(e);
        } else if (event instanceof InventorySeen e) {
            list(e);
        } else {
            throw new IllegalStateException("no such event: " + event.getClass());
        }
    }

    private void accept(FleetHead next, Instant at) {
        var specChanged = !next.spec().equals(head.spec());
        head = next;
        headChanged = true;
        if (specChanged) {
            pools.clear();
            next.spec().pools().forEach(pool -> pools.putIfAbsent(pool.name(), pool));
            workers.prefix(next.spec().workersPrefix());
            // What a machine costs may be declared anew.
            machines.counted().toList().forEach(machine -> book(machine, at));
            // What the old spec was refused for may be mended by the new one.
            holds.values().removeIf(hold -> hold.kind() == Hold.Kind.POOL || hold.kind() == Hold.Kind.ACCOUNT);
            tryRefusedAdoptionsAgain();
            memoryChanged = true;
            tellBudgets();
        }
    }

    /** How they stand is told soon, and not only once a machine runs. */
    private void tellBudgets() {
        if (spec().hasBudgets()) {
            ledger.tellAgain();
            ledgerChanged = true;
        }
    }

    private void tryRefusedAdoptionsAgain() {
        adoptions.values().removeIf(adoption -> !adoption.isOpen());
    }

    private void adoptionRefused(FleetEvent.AdoptionRefused event) {
        var adoption = event.machineId().startsWith(Adoption.ID) ? adoptions.get(event.machineId().substring(Adoption.ID.length())) : null;
        if (adoption != null && adoption.isOpen() && adoption.attempts() == event.ordinal()) {
            adoptions.put(adoption.cloudId(), adoption.refused(event.why(), event.detail()));
            memoryChanged = true;
        }
    }

    private void asked(String id, FleetEvent.MachinesAsked.Verb verb, Instant at) {
        edit(id, at, m -> {
            switch (verb) {
                case PROTECT -> m.isProtected = true;
                case UNPROTECT -> m.isProtected = false;
                case DRAIN, CANCEL_DRAIN, TERMINATE -> m.asked = verb;
                // Who only wants to see it must not undo what another wants done.
                case FETCH_CONSOLE -> m.asked = m.asked == null ? verb : m.asked;
            }
        });
    }

    private void releaseIdle(FleetEvent.IdleReleased event) {
        for (var machine : machines.counted().toList()) {
            if ((event.pool().isEmpty() || event.pool().equals(machine.pool())) && machine.phase() == Phase.READY && !machine.isProtected()
                    && machine.asked() == null && !isBusy(machine)) {
                asked(machine.id(), FleetEvent.MachinesAsked.Verb.DRAIN, event.at());
            }
        }
    }

    // Prices.

    /**
     * A price that can't be right is not taken: the last good one stays, and the planner says so. A provider's own goes before a file's,
     * whichever is the newer: they are dated by different things.
     */
    private void pricesSeen(FleetEvent.PricesSeen event) {
        for (var type : event.types()) {
            memoryChanged |= !type.equals(types.put(type.key(), type));
        }
        var moved = new TreeSet<OfferKey>();
        for (var price : event.prices()) {
            var before = prices.get(price.offer());
            if (before != null && !isTaken(price, before)) {
                continue;
            }
            var good = price.perHour() > 0 && price.perHour() <= DEAREST;
            var known = good ? new PriceKnown(price.offer(), price.perHour(), price.asOf(), price.source(), "")
                    : new PriceKnown(price.offer(), before == null ? 0 : before.perHour(), before == null ? price.asOf() : before.asOf(),
                            price.source(), price.perHour() + " micro-units an hour from " + price.source());
            if (!known.equals(before)) {
                prices.put(price.offer(), known);
                memoryChanged = true;
                moved.add(price.offer());
            }
        }
        if (!moved.isEmpty()) {
            for (var machine : machines.counted().toList()) {
                if (moved.contains(machine.offer())) {
                    book(machine, event.at());
                }
            }
        }
    }

    private static boolean isTaken(FleetEvent.PricesSeen.Price price, PriceKnown before) {
        var ofFile = price.source().startsWith(PRICE_FILE);
        var beforeOfFile = before.source().startsWith(PRICE_FILE);
        return ofFile == beforeOfFile ? !price.asOf().isBefore(before.asOf()) : beforeOfFile || before.perHour() == 0;
    }

    /** What a machine of an offer costs an hour, all included; empty: not known. */
    private OptionalLong priceOf(Machine machine) {
        var pool = pools.get(machine.pool());
        if (pool != null) {
            var offer = pool.offer(machine.offer());
            // One that an edit took out of the spec costs what is reported of it.
            var price = price(pool, offer != null ? offer : new Offer(machine.offer(), OptionalLong.empty(), OptionalLong.empty()));
            if (price.isPresent()) {
                return price;
            }
        }
        return machine.paid() != null && machine.paid().perHour().isPresent() ? machine.paid().perHour() : machine.committed();
    }

    // What machines are paid for.

    /** The machine with what it is paid for from that time on, as its phase and its workers show it. */
    Machine booked(Machine machine, Instant at) {
        var paid = machine.paid();
        // What waits for room costs nothing.
        if (paid == null && machine.acceptedAt() != null && machine.isCounted() && !hasNoRoom(machine)) {
            paid = Paid.from(machine.acceptedAt(), priceOf(machine));
        }
        if (paid == null) {
            return machine;
        }
        var kind = kindOf(machine);
        if (paid.hasEnded()) {
            // Seen alive after all: it was paid for all the while.
            paid = kind == null ? paid : new Paid(paid.since(), paid.perHour(), kind, paid.kindSince(), paid.spent(), paid.useful(),
                    paid.idle(), paid.boot(), paid.waste(), List.of());
        }
        if (paid.kind() == PaidKind.BOOT && machine.readyAt() == null && kind != PaidKind.BOOT) {
            paid = paid.withBootWasted();
        }
        var tasks = kind == PaidKind.USEFUL ? shares(machine, paid) : List.<Paid.Share>of();
        var price = kind == null ? paid.perHour() : priceOf(machine);
        if (kind != paid.kind() || !price.equals(paid.perHour()) || !sameTasks(tasks, paid.tasks())) {
            paid = paid.then(kind, price, tasks, at);
        } else if (!tasks.equals(paid.tasks())) {
            paid = paid.withTasks(tasks);
        }
        var now = paid;
        return paid.equals(machine.paid()) ? machine : machine.with(m -> m.paid = now);
    }

    /** Null: nothing more. */
    private PaidKind kindOf(Machine machine) {
        if (machine.phase().isEnded()) {
            return null;
        }
        if (machine.phase() == Phase.TERMINATING) {
            return PaidKind.WASTE;
        }
        if (machine.readyAt() == null) {
            return machine.phase() == Phase.DRAINING ? PaidKind.WASTE : PaidKind.BOOT;
        }
        if (isBusy(machine)) {
            return PaidKind.USEFUL;
        }
        return workersOn(machine).isEmpty() ? PaidKind.WASTE : PaidKind.IDLE;
    }

    /** What its workers run; what was learned of a task's queue and user stays known. */
    private List<Paid.Share> shares(Machine machine, Paid paid) {
        var workers = workersOn(machine);
        var shares = new ArrayList<Paid.Share>(workers.size());
        for (var worker : workers) {
            if (worker.isBusy()) {
                shares.add(share(worker, paid));
            }
        }
        Collections.sort(shares);
        return shares;
    }

    private static Paid.Share share(Worker worker, Paid paid) {
        for (var known : paid.tasks()) {
            if (known.task().equals(worker.task())) {
                return known;
            }
        }
        return new Paid.Share(worker.task(), worker.queueIds().size() == 1 ? worker.queueIds().get(0) : "", worker.project(), "");
    }

    private static boolean sameTasks(List<Paid.Share> a, List<Paid.Share> b) {
        if (a.size() != b.size()) {
            return false;
        }
        for (int i = 0; i < a.size(); i++) {
            if (!a.get(i).task().equals(b.get(i).task())) {
                return false;
            }
        }
        return true;
    }

    private String queueName(String id) {
        return queueNames.get(id);
    }

    // Demand.

    /** Whether an observation of this generation and sequence is news; a lower generation is only after the higher fell silent. */
    private boolean isNews(FleetEvent.Seen seen, Instant at) {
        if (seen.generation() == demand.generation()) {
            return seen.sequence() > demand.sequence();
        }
        return seen.generation() > demand.generation() || at.isAfter(demand.heardAt().plus(GENERATION_SILENCE));
    }

    private void look(FleetEvent.DemandSeen event) {
        if (!isNews(event.seen(), event.at())) {
            return;
        }
        var seen = event.seen();
        var parts = Parts.with(lookParts, "", seen, event);
        if (parts.isEmpty()) {
            return;
        }
        memoryChanged = true;
        var sameGeneration = seen.generation() == demand.generation();
        var gap = !event.full() && !(sameGeneration && seen.sequence() == demand.sequence() + 1);
        var started = seen.readStartedAt();
        if (started == null || started.plus(OLDEST_LOOK).isBefore(event.at())) {
            demand = new DemandStatus(seen.source(), seen.generation(), seen.sequence(), event.tick(), event.interval(), demand.heardAt(),
                    demand.lookStartedAt(), demand.previousLookStartedAt(), demand.workersKnown() && !gap && !event.full(),
                    "the look took longer than " + OLDEST_LOOK.toSeconds() + " s to arrive");
            if (!gap && !event.full()) {
                touched.clear();
                parts.forEach(part -> takeWorkers(part));
                book(event.at());
            }
            return;
        }
        touched.clear();
        demand = new DemandStatus(seen.source(), seen.generation(), seen.sequence(), event.tick(), event.interval(), event.at(), started,
                demand.lookStartedAt(), event.full() || demand.workersKnown() && !gap, "");
        if (event.full()) {
            var listed = new HashSet<String>();
            parts.forEach(part -> part.workers().forEach(worker -> listed.add(worker.id())));
            List.copyOf(workers.all().keySet()).stream().filter(id -> !listed.contains(id)).forEach(this::removeWorker);
        }
        parts.forEach(this::takeWorkers);
        takeQueues(parts, event.at());
        adrift = parts.size() == 1 ? parts.get(0).adrift() : parts.stream().flatMap(part -> part.adrift().stream()).toList();
        book(event.at());
    }

    /** Every queue is in each look, and few are not as they were. */
    private void takeQueues(List<FleetEvent.DemandSeen> parts, Instant at) {
        int told = 0;
        boolean changed = false;
        for (var part : parts) {
            for (var queue : part.queues()) {
                told++;
                if (queue.equals(queues.get(queue.name()))) {
                    continue;
                }
                changed = true;
                put(queue);
                queuesChanged.add(queue.name());
                if (queue.waiting() == 0) {
                    waitingSince.remove(queue.name());
                } else {
                    waitingSince.putIfAbsent(queue.name(), at);
                }
            }
        }
        if (!changed && told == queues.size()) {
            return;
        }
        var served = new HashSet<String>();
        parts.forEach(part -> part.queues().forEach(queue -> served.add(queue.name())));
        for (var name : List.copyOf(queues.keySet())) {
            if (!served.contains(name)) {
                queueNames.remove(queues.remove(name).id(), name);
                waitingSince.remove(name);
                queuesChanged.add(name);
            }
        }
    }

    private void put(QueueSeen queue) {
        var before = queues.put(queue.name(), queue);
        if (before != null && !before.id().equals(queue.id())) {
            queueNames.remove(before.id(), before.name());
        }
        queueNames.put(queue.id(), queue.name());
    }

    private void takeWorkers(FleetEvent.DemandSeen part) {
        part.workers().forEach(worker -> workerSeen(worker, part.at()));
        part.workersGone().forEach(this::removeWorker);
    }

    private void workerSeen(FleetEvent.WorkerSeen seen, Instant at) {
        var before = workers.get(seen.id());
        var stillIdle = before != null && !before.isBusy() && seen.task().isEmpty();
        put(new Worker(seen.id(), seen.user(), seen.task(), seen.project(), seen.queueIds(), stillIdle ? before.idleSince() : at,
                before == null ? null : before.unregisteredAt()));
        workersChanged.add(seen.id());
    }

    /** What the machines whose workers have changed are paid for from now on. */
    private void book(Instant at) {
        for (var cloudId : touched) {
            machineByCloudId(cloudId).ifPresent(machine -> book(machine, at));
        }
        touched.clear();
    }

    private void put(Worker worker) {
        var cloudId = workers.put(worker);
        touched(cloudId);
        outlives(worker.id(), machineByCloudId(cloudId).filter(machine -> !machine.isCounted()).isPresent());
    }

    private void removeWorker(String id) {
        var cloudId = workers.remove(id);
        if (cloudId != null) {
            workersChanged.add(id);
            outliving.remove(id);
            touched(cloudId);
        }
    }

    private void touched(String cloudId) {
        if (!cloudId.isEmpty()) {
            touched.add(cloudId);
            machines.workersChanged(cloudId);
        }
    }

    /** A failed look carries the number of the good one before it; what the workers were then stays known. */
    private void readFailed(FleetEvent.ReadFailed event) {
        var seen = event.seen();
        var sameGeneration = seen.generation() == demand.generation();
        if (sameGeneration ? seen.sequence() < demand.sequence() : !isNews(seen, event.at())) {
            return;
        }
        demand = new DemandStatus(seen.source(), seen.generation(), seen.sequence(), demand.tick(), demand.interval(), demand.heardAt(),
                demand.lookStartedAt(), demand.previousLookStartedAt(),
                demand.workersKnown() && sameGeneration && seen.sequence() == demand.sequence(),
                event.kind() + " at " + event.call() + (event.detail().isEmpty() ? "" : ": " + event.detail()));
        memoryChanged = true;
    }

    /** A task that ran between two looks moves its worker's idle-since, though no look showed it. */
    private void taskSeen(FleetEvent.TaskSeen task, Instant at) {
        if (task.started() != null && task.enqueued() != null && task.ended() == null && !task.started().isBefore(task.enqueued())) {
            ledger.waited(Duration.between(task.enqueued(), task.started()));
            ledgerChanged = true;
        }
        machineOf(task.lastWorker()).filter(machine -> machine.paid() != null).ifPresent(machine -> learnPayer(machine, task));
        var worker = workers.get(task.lastWorker());
        if (worker != null && !worker.isBusy() && task.started() != null && at.isAfter(worker.idleSince())) {
            put(new Worker(worker.id(), worker.user(), "", worker.project(), worker.queueIds(), at, null));
            workersChanged.add(worker.id());
        }
    }

    private void learnPayer(Machine machine, FleetEvent.TaskSeen task) {
        var tasks = machine.paid().tasks().stream().map(share -> share.task().equals(task.task())
                ? new Paid.Share(share.task(), task.queueId(), task.project(), task.user()) : share).toList();
        if (!tasks.equals(machine.paid().tasks())) {
            put(machine.with(m -> m.paid = machine.paid().withTasks(tasks)));
            machinesChanged.add(machine.id());
        }
    }

    private void rescueAnswered(FleetEvent.TaskRescued event) {
        var rescue = rescues.get(event.task());
        if (rescue == null || !rescue.isOpen() || event.attempt() != rescue.attempt()) {
            return;
        }
        memoryChanged = true;
        rescues.put(rescue.task(), switch (event.outcome()) {
            case FAILED -> rescue;
            case RESCUED -> rescue.ended(event.at(), true);
            case NOT_NEEDED, RUNNING, DECLINED, MARKED_FAILED -> rescue.ended(event.at(), false);
        });
    }

    // Machines.

    private void cloudShows(MachineFacts facts, Instant at) {
        var known = machines.get(facts.machineId());
        if (known == null || !known.cloudId().isEmpty() && !facts.cloudId().isEmpty() && !known.cloudId().equals(facts.cloudId())) {
            // Not in the books, or a second machine under one id: the planner judges it.
            if (facts.state().isAlive() || facts.state() == CloudState.STOPPED) {
                strangers.put(facts.cloudId(), facts);
                memoryChanged = true;
            } else if (strangers.remove(facts.cloudId()) != null) {
                memoryChanged = true;
            }
            return;
        }
        edit(known, at, m -> {
            if (m.cloudId.isEmpty()) {
                m.cloudId = facts.cloudId();
            }
            if (m.acceptedAt == null) {
                m.acceptedAt = at;
            }
            // One that ends without having had room was never begun, however often its cloud shows its end.
            var began = facts.state() != CloudState.WAITING && (!hasNoRoom(known) || facts.state().isAlive());
            if (m.paid == null && began) {
                m.paid = Paid.from(paidSince(known, facts, at), known.committed());
            }
            // What an answer to a command shows of it is not all.
            if (!facts.note().isEmpty() || facts.offer() != null) {
                m.note = facts.note();
            }
            if (rank(facts.state()) >= rank(m.cloud)) {
                m.cloud = facts.state();
            }
            if (m.cloud == CloudState.WAITING && m.waitingSince == null) {
                m.waitingSince = at;
            }
            if (m.cloud.isAlive() && m.cloud != CloudState.WAITING && m.cloud != CloudState.PENDING && m.bootedAt == null) {
                m.bootedAt = at;
            }
            if (facts.ending() != Ending.UNKNOWN) {
                m.ending = facts.ending();
            }
            if (facts.mark() != null) {
                markSeen(m, facts.mark(), at);
                m.released = m.released || facts.mark() == Mark.RELEASED;
            }
            if (!facts.bootFailed().isEmpty() && m.detail.isEmpty()) {
                m.detail = facts.bootFailed();
            }
            // An answer that it is not found is no sight of it.
            if (facts.state() != CloudState.NOT_FOUND) {
                m.missingSince = null;
            }
        });
        if (known.cloud() == CloudState.WAITING && facts.state().isAlive() && facts.state() != CloudState.WAITING) {
            lift(known.id());
        }
    }

    /** As far as is known: it waits, or was not seen to begin since it did. */
    private static boolean hasNoRoom(Machine machine) {
        return machine.cloud() == CloudState.WAITING || machine.waitingSince() != null;
    }

    /** When the cloud says that it was launched, as far as that can be: clocks differ. */
    private static Instant paidSince(Machine machine, MachineFacts facts, Instant at) {
        var launched = facts.launchedAt();
        // What has waited for room costs nothing before it has some, whenever it was accepted.
        if (launched == null || launched.isAfter(at) || hasNoRoom(machine)) {
            return at;
        }
        return launched.isBefore(machine.requestedAt()) ? machine.requestedAt() : launched;
    }

    /** A cloud lists eventually: an older state after a newer one is late, except that a stopped machine may start again. */
    private static int rank(CloudState state) {
        return switch (state) {
            case UNKNOWN, NOT_FOUND -> 0;
            case WAITING -> 1;
            case PENDING -> 2;
            case RUNNING, IMPAIRED, STOPPED -> 3;
            case SHUTTING_DOWN -> 4;
            case TERMINATED -> 5;
        };
    }

    private void launchRefused(FleetEvent.LaunchRefused event) {
        Machine refused = null;
        for (var id : event.machineIds()) {
            var machine = machines.get(id);
            // No answer is not a refusal: what may have started lives and counts.
            if (machine == null || !machine.isCounted() || !machine.cloudId().isEmpty() || !machine.phase().canBecome(Phase.FAILED)) {
                continue;
            }
            refused = machine;
            edit(machine, event.at(), m -> {
                m.phase = Phase.FAILED;
                m.failure = event.kind();
                m.cause = Reason.LAUNCH_WAS_REFUSED;
                m.detail = event.code() + (event.message().isEmpty() ? "" : ": " + event.message());
                m.endedAt = event.at();
                m.note = event.faultOfTask() ? new CloudNote(event.code(), event.message(), true) : m.note;
            });
        }
        if (refused != null && !(event.faultOfTask() && refused.isBound())) {
            remember(event, refused);
        }
    }

    private void remember(FleetEvent.LaunchRefused event, Machine refused) {
        // What was asked for under another spec says nothing of this one, which may be the one that mends it.
        var isOfThisSpec = !refused.requestedAt().isBefore(head.changedAt());
        Holds.refused(event, refused.offer(), refused.pool(), this::holdOrNull)
                .filter(hold -> hold.kind() != Hold.Kind.POOL || isOfThisSpec).ifPresent(this::put);
        Holds.refusedSpot(event, refused.offer(), refused.pool(), this::holdOrNull).ifPresent(this::put);
    }

    private Hold holdOrNull(String key) {
        return holds.get(key);
    }

    /** A launch was accepted: what kept its offer back is over, unless that began after it was asked for, as when a cloud has room for one of two. */
    private void lift(String machineId) {
        machine(machineId).ifPresent(machine -> {
            for (var key : Holds.liftedBy(machine)) {
                var hold = holds.get(key);
                if (hold != null && hold.since().isBefore(machine.requestedAt())) {
                    holds.remove(key);
                    memoryChanged = true;
                }
            }
        });
    }

    private void commandAnswered(FleetEvent.CommandAnswered event) {
        edit(event.machineId(), event.at(), m -> {
            if (event.ordinal() != m.ordinal) {
                return;
            }
            if (event.done()) {
                // What is left is the cloud's to show; the planner asks again if it doesn't.
                m.attempts = 0;
                if (m.phase == Phase.DRAINING) {
                    markSeen(m, m.mark, event.at());
                }
            } else if (event.kind() != null && m.cause != null) {
                // Why what ends it doesn't work. Of a machine that isn't to end it would be read as a boot that failed.
                m.detail = event.code() + (event.message().isEmpty() ? "" : ": " + event.message());
            }
        });
    }

    /** A drain's time begins when its mark is known to be written, which may be long after it was asked for. */
    private static void markSeen(Machine.Edit m, Mark shown, Instant at) {
        if (m.phase == Phase.DRAINING && shown == m.mark && m.seenMark != m.mark) {
            m.markedAt = at;
        }
        m.seenMark = shown;
    }

    private void list(InventorySeen event) {
        var before = scopes.get(event.scope());
        var seen = event.seen();
        if (before != null && (seen.generation() < before.generation()
                && !event.at().isAfter(before.listedAt().plus(GENERATION_SILENCE))
                || seen.generation() == before.generation() && seen.sequence() <= before.sequence())) {
            return;
        }
        event.machines().forEach(machine -> cloudShows(machine, event.at()));
        var parts = Parts.with(listParts, event.scope(), seen, event);
        if (parts.isEmpty()) {
            return;
        }
        memoryChanged = true;
        if (event.state() != FleetEvent.ScopeState.LISTED) {
            scopes.put(event.scope(), new ScopeSeen(event.scope(), seen.generation(), seen.sequence(),
                    before == null ? Instant.EPOCH : before.listedAt(), before == null ? Instant.EPOCH : before.listStartedAt(),
                    event.detail().isEmpty() ? event.state().name() : event.detail(), event.foreignCluster()));
            return;
        }
        scopes.put(event.scope(), new ScopeSeen(event.scope(), seen.generation(), seen.sequence(), event.at(), event.listStartedAt(), "",
                event.foreignCluster()));
        if (before != null && !before.failure().isEmpty()) {
            probeAccountOf(event.scope(), event.at());
        }
        var listed = new HashSet<String>();
        parts.forEach(part -> part.machines().forEach(machine -> listed.add(machine.cloudId())));
        strangers.values().removeIf(stranger -> stranger.offer() != null && stranger.offer().scope().equals(event.scope())
                && !listed.contains(stranger.cloudId()));
        for (var machine : machines.counted().toList()) {
            if (machine.offer().scope().equals(event.scope()) && !listed.contains(machine.cloudId())) {
                missing(machine, event.listStartedAt(), event.at());
            }
        }
    }

    /** It could not be listed, and can: its account may have new keys, and what it refused is worth a try now and not in ten minutes. */
    private void probeAccountOf(String scope, Instant at) {
        holds.replaceAll((key, hold) -> hold.kind() == Hold.Kind.ACCOUNT && scope.startsWith(hold.subject() + "/") && hold.until().isAfter(at)
                ? new Hold(hold.kind(), hold.subject(), hold.since(), at, hold.failures(), hold.probe(), hold.message()) : hold);
    }

    private void missing(Machine machine, Instant listStartedAt, Instant at) {
        var since = machine.acceptedAt() == null || machine.expiresAt().isAfter(machine.acceptedAt())
                ? machine.expiresAt() : machine.acceptedAt();
        if (listStartedAt.isBefore(since.plus(LISTED_AFTER))) {
            return;
        }
        if (machine.missingSince() == null) {
            edit(machine, at, m -> m.missingSince = listStartedAt);
        } else if (listStartedAt.isAfter(machine.missingSince())) {
            edit(machine, at, m -> m.cloud = CloudState.NOT_FOUND);
        }
    }

    private void edit(String id, Instant at, Consumer<Machine.Edit> change) {
        var before = machines.get(id);
        if (before != null) {
            edit(before, at, change);
        }
    }

    private void edit(Machine before, Instant at, Consumer<Machine.Edit> change) {
        var after = booked(before.with(change), at);
        if (!after.equals(before)) {
            put(after);
            machinesChanged.add(after.id());
        }
    }

    /** What it is paid for may have changed, and nothing else of it. */
    private void book(Machine machine, Instant at) {
        var after = booked(machine, at);
        if (after != machine) {
            put(after);
            machinesChanged.add(machine.id());
        }
    }

    private void put(Machine machine) {
        var before = machines.put(machine);
        if (before != null && before.paid() != null && machine.paid() != null && before.paid().kindSince().isBefore(machine.paid().kindSince())) {
            ledger.close(machine, closed(before.paid(), machine.paid()), spec().zone(), this::queueName);
            ledgerChanged = true;
        }
        if (before == null || before.isCounted() != machine.isCounted() || !before.cloudId().equals(machine.cloudId())) {
            workersOn(machine).forEach(worker -> outlives(worker.id(), !machine.isCounted()));
        }
    }

    /** What was closed between two states of a machine; a boot that came to nothing was waste. */
    private static Paid.Stretch closed(Paid before, Paid after) {
        var kind = before.kind() == PaidKind.BOOT && after.boot().isZero() ? PaidKind.WASTE : before.kind();
        // One that had ended, and was alive all the while, begins where it ended.
        return new Paid.Stretch(before.kindSince(), after.kindSince(), kind == null ? PaidKind.WASTE : kind, before.perHour(), before.tasks());
    }

    private void outlives(String worker, boolean isSo) {
        if (isSo) {
            outliving.add(worker);
        } else {
            outliving.remove(worker);
        }
    }

    private void put(Hold hold) {
        holds.put(hold.key(), hold);
        memoryChanged = true;
    }

    // What was decided.

    /** Takes in one record of a plan, live or in replay. */
    public void apply(PlanRecord record) {
        if (record instanceof PlanRecord.MachineChanged r) {
            put(r.machine());
            machinesChanged.add(r.machine().id());
            strangers.remove(r.machine().cloudId());
            adoptions.remove(r.machine().cloudId());
        } else if (record instanceof PlanRecord.MachineForgotten r) {
            machine(r.machineId()).ifPresent(machine -> workersOn(machine).forEach(worker -> outlives(worker.id(), false)));
            machines.remove(r.machineId());
            machinesChanged.add(r.machineId());
        } else if (record instanceof PlanRecord.FleetEnded r) {
            head = r.head();
            headChanged = true;
        } else if (record instanceof PlanRecord.Refused r) {
            if (r.reason() == null) {
                refusals.remove(r.key());
            } else {
                refusals.put(r.key(), r);
            }
            memoryChanged = true;
        } else if (record instanceof PlanRecord.RescueChanged r) {
            rescues.put(r.rescue().task(), r.rescue());
            memoryChanged = true;
        } else if (record instanceof PlanRecord.WorkerUnregistered r) {
            var worker = workers.get(r.workerId());
            if (worker != null) {
                put(new Worker(worker.id(), worker.user(), worker.task(), worker.project(), worker.queueIds(), worker.idleSince(), r.at()));
                workersChanged.add(worker.id());
            }
        } else if (record instanceof PlanRecord.HoldChanged r) {
            if (r.hold().failures() == 0) {
                holds.remove(r.hold().key());
            } else {
                holds.put(r.hold().key(), r.hold());
            }
            memoryChanged = true;
        } else if (record instanceof PlanRecord.AdoptionChanged r) {
            adoptions.put(r.adoption().cloudId(), r.adoption());
            memoryChanged = true;
        } else if (record instanceof PlanRecord.AdoptionForgotten r) {
            adoptions.remove(r.cloudId());
            memoryChanged = true;
        } else if (record instanceof PlanRecord.AdoptingEnded r) {
            adopting.remove(r.prefix());
            memoryChanged = true;
        } else if (record instanceof PlanRecord.HistoryWritten r) {
            ledger.written(r.minutesUntil(), r.hoursUntil(), r.rows().stream().anyMatch(row -> row.series().equals(HistoryRow.MINUTE)), size() > 0);
            ledgerChanged = true;
        } else if (record instanceof PlanRecord.Counted r) {
            nextMachine = r.nextMachine();
            plans = r.plan();
            plannedAt = r.now();
            memoryChanged = true;
        }
        // CommandIssued and Decided are for others: the machine's own record carries what they mean for it.
    }

    /** The parts of one observation that have come so far. */
    private static final class Parts<T> {
        private final long generation;
        private final long sequence;
        private final int expected;
        private final Map<Integer, T> come = new LinkedHashMap<>();

        private Parts(FleetEvent.Seen seen) {
            generation = seen.generation();
            sequence = seen.sequence();
            expected = seen.parts();
        }

        /** All of its parts, if this one makes them whole; else it is kept with the others, and the answer empty. */
        static <T> List<T> with(Map<String, Parts<T>> under, String key, FleetEvent.Seen seen, T event) {
            if (seen.parts() <= 1) {
                under.remove(key);
                return List.of(event);
            }
            var parts = under.get(key);
            if (parts == null || parts.generation != seen.generation() || parts.sequence != seen.sequence()) {
                parts = new Parts<>(seen);
                under.put(key, parts);
            }
            parts.come.put(Math.max(1, seen.part()), event);
            if (parts.come.size() < parts.expected) {
                return List.of();
            }
            under.remove(key);
            return new ArrayList<>(parts.come.values());
        }
    }
}
