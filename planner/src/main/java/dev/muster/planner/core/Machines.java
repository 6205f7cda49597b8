package dev.muster.planner.core;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * A fleet's machines, found by what planning asks for: so that an event costs the same in a fleet of 100,000 as in one of 100, and a plan
 * visits only the machines that something happened to or that are on their way.
 *
 * <p>Not thread-safe: it belongs to its fleet. What it answers is a copy.
 */
final class Machines {

    /** One machine as it is now. Every index holds this, so that a change that moves it in none of them touches none. */
    private static final class Entry {
        private Machine machine;
        /** Those of its cloud id, as the fleet's workers have them; null: to be asked for. */
        private List<Worker> workers = List.of();
        /** Workers of it that show a task. */
        private int busy;
        /** It counts, and something happened to it or to its workers since its phase was last brought up to it. */
        private boolean isUnfollowed;

        private Entry(Machine machine) {
            this.machine = machine;
        }

        private String id() {
            return machine.id();
        }
    }

    private static final Comparator<Entry> BY_AGE = Comparator.comparing((Entry entry) -> entry.machine.requestedAt()).thenComparing(Entry::id);
    private static final Comparator<Entry> BY_IDLENESS = Comparator.comparing((Entry entry) -> entry.machine.idleSince()).thenComparing(Entry::id);

    /** The machines of one pool that count. */
    private static final class InPool {
        private final TreeSet<Entry> byAge = new TreeSet<>(BY_AGE);
        private final TreeSet<Entry> idle = new TreeSet<>(BY_IDLENESS);
        private final TreeSet<String> leaving = new TreeSet<>();
        /** Machines that are READY, by how many of their workers show a task. */
        private final TreeMap<Integer, Integer> readyByBusy = new TreeMap<>();
        private int starting;
    }

    private final Workers workers;
    private final Map<String, Entry> byId = new HashMap<>();
    private final Map<String, Entry> byCloudId = new HashMap<>();
    private int counted;
    private final Map<String, InPool> pools = new TreeMap<>();
    /** Ids by phase, of those that count; all but READY, where most are and which nothing goes through. */
    private final Map<Phase, TreeSet<String>> passing = new EnumMap<>(Phase.class);
    /** Machines that stay, by the queue that they were launched for. */
    private final Map<String, Integer> stayingFor = new HashMap<>();
    /** Ids of those of whom a person asked something. */
    private final TreeSet<String> asked = new TreeSet<>();
    /** Ids of those that count and whose cloud's checks fail. */
    private final TreeSet<String> impaired = new TreeSet<>();
    /** All that are unfollowed, and some that no longer are; in no order. */
    private List<Entry> unfollowed = new ArrayList<>();

    /** Ids of those that stay and were made for one task, by task. */
    private final TreeMap<String, TreeSet<String>> boundTo = new TreeMap<>();
    /** Ids of all, ended ones included, whose cloud finds fault with the task that they were made for. */
    private final TreeSet<String> withTaskAtFault = new TreeSet<>();
    /** When the last launch for a task was refused because it came too late, by task. */
    private final TreeMap<String, Instant> tooLateFor = new TreeMap<>();

    private final TreeMap<Instant, TreeSet<String>> endedAt = new TreeMap<>();
    /** Ids of refused machines that none replaces yet, by pool. */
    private final Map<String, TreeSet<String>> unreplaced = new HashMap<>();
    private final TreeSet<String> replaced = new TreeSet<>();
    /** Ids of ended machines that their cloud shows alive. */
    private final TreeSet<String> revived = new TreeSet<>();

    Machines(Workers workers) {
        this.workers = workers;
    }

    // Changes.

    /** The machine, new or changed. Answers what it was before; null: it is new. */
    Machine put(Machine machine) {
        var entry = byId.get(machine.id());
        Machine before = null;
        if (entry == null) {
            entry = new Entry(machine);
            byId.put(machine.id(), entry);
            enter(entry);
        } else {
            before = entry.machine;
            change(entry, machine);
        }
        if (!machine.cloudId().isEmpty() && (before == null || !before.cloudId().equals(machine.cloudId()))) {
            var displaced = byCloudId.put(machine.cloudId(), entry);
            if (displaced != null && displaced != entry) {
                displaced.workers = null;
            }
        }
        if (!machine.replaces().isEmpty() && replaced.add(machine.replaces())) {
            var refused = byId.get(machine.replaces());
            if (refused != null) {
                // Which may be of another pool of its queue.
                unreplacedIn(refused.machine.pool()).remove(machine.replaces());
            }
        }
        if (machine.phase() == Phase.FAILED && !replaced.contains(machine.id())) {
            unreplacedIn(machine.pool()).add(machine.id());
        }
        if (machine.isBound() && machine.note().faultOfTask()) {
            withTaskAtFault.add(machine.id());
        } else {
            withTaskAtFault.remove(machine.id());
        }
        if (machine.isBound() && machine.phase() == Phase.FAILED && machine.failure() == FailureKind.EXPIRED) {
            tooLateFor.merge(machine.task(), machine.endedAt(), (one, other) -> one.isAfter(other) ? one : other);
        }
        if (machine.phase().isEnded() && machine.cloud().isAlive() && !machine.released()) {
            revived.add(machine.id());
        } else {
            revived.remove(machine.id());
        }
        return before;
    }

    /** Forgets one that has ended. */
    void remove(String id) {
        var entry = byId.get(id);
        if (entry == null || entry.machine.isCounted()) {
            return;
        }
        leave(entry);
        byId.remove(id);
        byCloudId.remove(entry.machine.cloudId(), entry);
        unreplacedIn(entry.machine.pool()).remove(id);
        replaced.remove(id);
        revived.remove(id);
        withTaskAtFault.remove(id);
        tooLateFor.remove(entry.machine.task(), entry.machine.endedAt());
    }

    /** Its workers are not what they were. */
    void workersChanged(String cloudId) {
        var entry = byCloudId.get(cloudId);
        if (entry == null || !entry.machine.cloudId().equals(cloudId)) {
            return;
        }
        entry.workers = workers.on(cloudId);
        if (entry.machine.isCounted()) {
            change(entry, entry.machine);
        }
    }

    private void enter(Entry entry) {
        var machine = entry.machine;
        entry.workers = workers.on(machine.cloudId());
        entry.busy = busy(entry.workers);
        if (!machine.isCounted()) {
            if (machine.endedAt() != null) {
                endedAt.computeIfAbsent(machine.endedAt(), at -> new TreeSet<>()).add(machine.id());
            }
            return;
        }
        counted++;
        var pool = pool(machine.pool());
        pool.byAge.add(entry);
        enterPhase(pool, entry);
        note(entry);
    }

    private void leave(Entry entry) {
        var machine = entry.machine;
        if (!machine.isCounted()) {
            var others = endedAt.get(machine.endedAt() == null ? Instant.MAX : machine.endedAt());
            if (others != null && others.remove(machine.id()) && others.isEmpty()) {
                endedAt.remove(machine.endedAt());
            }
            return;
        }
        counted--;
        var pool = pool(machine.pool());
        pool.byAge.remove(entry);
        leavePhase(pool, entry);
        if (pool.byAge.isEmpty()) {
            pools.remove(machine.pool());
        }
        asked.remove(machine.id());
        impaired.remove(machine.id());
        entry.isUnfollowed = false;
    }

    private void change(Entry entry, Machine after) {
        var before = entry.machine;
        if (!before.isCounted() || !after.isCounted() || !before.pool().equals(after.pool()) || !before.requestedAt().equals(after.requestedAt())) {
            leave(entry);
            entry.machine = after;
            enter(entry);
            return;
        }
        if (!before.cloudId().equals(after.cloudId())) {
            entry.workers = workers.on(after.cloudId());
        }
        var busy = busy(workersOf(entry, after));
        if (before.phase() != after.phase() || busy != entry.busy || !Objects.equals(before.idleSince(), after.idleSince())) {
            var pool = pool(before.pool());
            leavePhase(pool, entry);
            entry.machine = after;
            entry.busy = busy;
            enterPhase(pool, entry);
        }
        entry.machine = after;
        note(entry);
    }

    private List<Worker> workersOf(Entry entry, Machine machine) {
        return entry.workers == null ? workers.on(machine.cloudId()) : entry.workers;
    }

    private static int busy(List<Worker> workers) {
        int busy = 0;
        for (var worker : workers) {
            busy += worker.isBusy() ? 1 : 0;
        }
        return busy;
    }

    private void note(Entry entry) {
        follow(entry);
        if (entry.machine.asked() != null) {
            asked.add(entry.id());
        } else {
            asked.remove(entry.id());
        }
        if (entry.machine.impairedSince() != null) {
            impaired.add(entry.id());
        } else {
            impaired.remove(entry.id());
        }
    }

    private void follow(Entry entry) {
        if (!entry.isUnfollowed) {
            entry.isUnfollowed = true;
            unfollowed.add(entry);
        }
    }

    private void enterPhase(InPool pool, Entry entry) {
        var machine = entry.machine;
        if (machine.phase() == Phase.READY) {
            pool.readyByBusy.merge(entry.busy, 1, Integer::sum);
            if (entry.busy == 0 && machine.idleSince() != null) {
                pool.idle.add(entry);
            }
        } else {
            passing.computeIfAbsent(machine.phase(), phase -> new TreeSet<>()).add(machine.id());
        }
        if (machine.phase().isStaying()) {
            pool.starting += machine.phase().isStarting() ? 1 : 0;
            stayingFor.merge(machine.queue(), 1, Integer::sum);
            if (machine.isBound()) {
                boundTo.computeIfAbsent(machine.task(), task -> new TreeSet<>()).add(machine.id());
            }
        } else {
            pool.leaving.add(machine.id());
        }
    }

    private void leavePhase(InPool pool, Entry entry) {
        var machine = entry.machine;
        if (machine.phase() == Phase.READY) {
            pool.readyByBusy.computeIfPresent(entry.busy, (busy, count) -> count == 1 ? null : count - 1);
            if (entry.busy == 0 && machine.idleSince() != null) {
                pool.idle.remove(entry);
            }
        } else {
            passing.get(machine.phase()).remove(machine.id());
        }
        if (machine.phase().isStaying()) {
            pool.starting -= machine.phase().isStarting() ? 1 : 0;
            stayingFor.computeIfPresent(machine.queue(), (queue, count) -> count == 1 ? null : count - 1);
            boundTo.computeIfPresent(machine.task(), (task, ids) -> ids.remove(machine.id()) && ids.isEmpty() ? null : ids);
        } else {
            pool.leaving.remove(machine.id());
        }
    }

    private InPool pool(String name) {
        return pools.computeIfAbsent(name, pool -> new InPool());
    }

    private TreeSet<String> unreplacedIn(String pool) {
        return unreplaced.computeIfAbsent(pool, name -> new TreeSet<>());
    }

    // One machine.

    /** Null: not known. */
    Machine get(String id) {
        var entry = byId.get(id);
        return entry == null ? null : entry.machine;
    }

    /** Null: not known. */
    Machine byCloudId(String cloudId) {
        var entry = byCloudId.get(cloudId);
        return entry == null ? null : entry.machine;
    }

    /** Its workers, by id; empty where none registered. The machine may be one that is about to be put. */
    List<Worker> workersOn(Machine machine) {
        var entry = byId.get(machine.id());
        return entry != null && entry.machine.cloudId().equals(machine.cloudId()) ? workersOf(entry, machine) : workers.on(machine.cloudId());
    }

    // All of them.

    /** By id. */
    SortedMap<String, Machine> all(Predicate<Machine> which) {
        var all = new TreeMap<String, Machine>();
        for (var entry : byId.values()) {
            if (which.test(entry.machine)) {
                all.put(entry.id(), entry.machine);
            }
        }
        return all;
    }

    /** Of those that count, what each adds to a sum; in no order. */
    Stream<Machine> counted() {
        return pools.values().stream().flatMap(pool -> pool.byAge.stream()).map(entry -> entry.machine);
    }

    int count() {
        return counted;
    }

    // Of a pool.

    /** Names of the pools that machines which count are of, sorted. */
    List<String> pools() {
        return List.copyOf(pools.keySet());
    }

    PoolBooks books(Pool pool) {
        var machines = pools.get(pool.name());
        if (machines == null) {
            return PoolBooks.NONE;
        }
        int ready = 0;
        int free = machines.starting * pool.slots();
        for (var some : machines.readyByBusy.entrySet()) {
            ready += some.getValue();
            free += some.getValue() * Math.max(0, pool.slots() - some.getKey());
        }
        return new PoolBooks(machines.byAge.size(), ready + machines.starting, machines.starting, free, machines.leaving.size());
    }

    /** Those that count, the oldest first. */
    Stream<Machine> byAge(String pool) {
        return in(pool, machines -> machines.byAge);
    }

    /** The same, the youngest first. */
    Stream<Machine> byYouth(String pool) {
        return in(pool, machines -> machines.byAge.descendingSet());
    }

    /** Registered, without a task and staying; idle for longest first. */
    Stream<Machine> idle(String pool) {
        return in(pool, machines -> machines.idle);
    }

    private Stream<Machine> in(String pool, Function<InPool, Collection<Entry>> which) {
        var machines = pools.get(pool);
        return machines == null ? Stream.of() : which.apply(machines).stream().map(entry -> entry.machine);
    }

    /** DRAINING or TERMINATING, by id. */
    List<Machine> leaving(String pool) {
        var machines = pools.get(pool);
        return machines == null ? List.of() : machines(machines.leaving);
    }

    // Of the fleet.

    /** By id. @param phase one that counts; not READY, of which there is no list */
    List<Machine> in(Phase phase) {
        return machines(passing.getOrDefault(phase, new TreeSet<>()));
    }

    /** Staying machines that were launched for the queue. */
    int stayingFor(String queue) {
        return stayingFor.getOrDefault(queue, 0);
    }

    /** Staying ones that were made for the task, by id. */
    List<Machine> boundTo(String task) {
        var ids = boundTo.get(task);
        return ids == null ? List.of() : machines(ids);
    }

    /** All of these, by id. */
    List<Machine> bound() {
        var all = new TreeSet<String>();
        boundTo.values().forEach(all::addAll);
        return machines(all);
    }

    Optional<Instant> tooLateFor(String task) {
        return Optional.ofNullable(tooLateFor.get(task));
    }

    /** Ended ones included, by id. */
    List<Machine> withTaskAtFault() {
        return machines(withTaskAtFault);
    }

    /** By id. */
    List<Machine> asked() {
        return machines(asked);
    }

    /** Those that count and whose cloud's checks fail, by id. */
    List<Machine> impaired() {
        return machines(impaired);
    }

    /** By id; from now on they are followed, until something happens to them. */
    List<Machine> takeUnfollowed() {
        var taken = new ArrayList<Machine>();
        for (var entry : unfollowed) {
            if (entry.isUnfollowed) {
                entry.isUnfollowed = false;
                taken.add(entry.machine);
            }
        }
        taken.sort(Comparator.comparing(Machine::id));
        unfollowed = new ArrayList<>();
        return taken;
    }

    /** It is to be followed again though nothing happens to it. */
    void followAgain(String id) {
        follow(byId.get(id));
    }

    /** Those that ended at that moment or later, the earliest first. */
    Stream<Machine> endedSince(Instant moment) {
        return endedAt.tailMap(moment, true).values().stream().flatMap(TreeSet::stream).map(this::get);
    }

    /** Those that ended before that moment, the earliest first. */
    List<Machine> endedBefore(Instant moment) {
        return endedAt.headMap(moment).values().stream().flatMap(TreeSet::stream).map(this::get).toList();
    }

    /** Ids of refused machines of the pool that none replaces yet, in order. */
    List<String> unreplaced(String pool) {
        return List.copyOf(unreplaced.getOrDefault(pool, new TreeSet<>()));
    }

    /** Ids, in order. */
    List<String> revived() {
        return List.copyOf(revived);
    }

    private List<Machine> machines(Collection<String> ids) {
        var machines = new ArrayList<Machine>(ids.size());
        for (var id : ids) {
            machines.add(get(id));
        }
        return machines;
    }
}
