package dev.muster.provisioner.memory;

import dev.muster.provisioner.spi.AdoptWish;
import dev.muster.provisioner.spi.Adoption;
import dev.muster.provisioner.spi.CloudStatus;
import dev.muster.provisioner.spi.EndedBy;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.KeepUntil;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.MachineIds;
import dev.muster.provisioner.spi.MachineSeen;
import dev.muster.provisioner.spi.Mark;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.PriceSeen;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import dev.muster.provisioner.spi.TypeSeen;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;

/**
 * A cloud that outlives its clients: several {@link InMemoryProvider}s may use it, as several processes would. Its capacity,
 * its failures and how late new machines show are set from outside. Thread-safe.
 */
public final class InMemoryCloud {

    /** What can go wrong with a call. */
    private enum Fault {
        REFUSED, ANSWER_LOST, UNDER_WAY
    }

    /** Long enough to be seen, short enough for tests. */
    private static final Duration UNDECIDED = Duration.ofMillis(50);

    private record Planned(Fault fault, FailureKind kind) {}

    private static final class Machine {
        private final String installation;
        private final String token;
        private final Instant visibleFrom;
        private MachineSeen seen;

        Machine(String installation, String token, Instant visibleFrom, MachineSeen seen) {
            this.installation = installation;
            this.token = token;
            this.visibleFrom = visibleFrom;
            this.seen = seen;
        }
    }

    private final Clock clock;
    private final Map<String, Machine> machines = new LinkedHashMap<>();
    private final Map<String, String> consoles = new HashMap<>();
    private final Map<String, Deque<Planned>> planned = new HashMap<>();
    private int capacity = Integer.MAX_VALUE;
    private Duration showsAfter = Duration.ZERO;
    private int launchCalls;
    private int names;
    private int consoleCalls;
    private volatile CountDownLatch holding = new CountDownLatch(0);
    private final Map<String, Long> prices = new HashMap<>();
    private final Map<String, TypeSeen> types = new HashMap<>();
    private int priceCalls;
    private final List<String> typesAsked = new ArrayList<>();

    public InMemoryCloud(Clock clock) {
        this.clock = clock;
    }

    /** Live machines that the cloud has room for, over all scopes. */
    public synchronized void capacity(int machines) {
        capacity = machines;
    }

    /** New machines stay out of lists for so long. */
    public synchronized void showsAfter(Duration delay) {
        showsAfter = delay;
    }

    /** The next call of {@code api} (launch, find, mark, terminate, adopt, list, console, prices, types, renew, check) has no effect and fails so. */
    public synchronized void refuseNext(String api, FailureKind kind) {
        planned.computeIfAbsent(api, none -> new ArrayDeque<>()).add(new Planned(Fault.REFUSED, kind));
    }

    /** The next call of {@code api} has its effect, and its caller learns nothing of it. */
    public synchronized void loseNextAnswer(String api) {
        planned.computeIfAbsent(api, none -> new ArrayDeque<>()).add(new Planned(Fault.ANSWER_LOST, FailureKind.UNAVAILABLE));
    }

    /** The next call of {@code api} is taken and not decided; the one after it is. */
    public synchronized void decideLater(String api) {
        planned.computeIfAbsent(api, none -> new ArrayDeque<>()).add(new Planned(Fault.UNDER_WAY, FailureKind.UNAVAILABLE));
    }

    /** Machines that are not gone. */
    public synchronized int live() {
        return (int) machines.values().stream().filter(machine -> !machine.seen.status().isGone()).count();
    }

    /** Calls for launches, those that failed included. */
    public synchronized int launchCalls() {
        return launchCalls;
    }

    /** All that are pending run. */
    public synchronized void bootAll() {
        machines.values().stream().filter(machine -> machine.seen.status() == CloudStatus.PENDING)
                .forEach(machine -> machine.seen = with(machine.seen, CloudStatus.RUNNING, EndedBy.UNKNOWN));
    }

    /** A machine ends as if powered off from inside, or as the cloud's own doing. */
    public synchronized void end(String cloudId, EndedBy by) {
        var machine = machines.get(cloudId);
        machine.seen = with(machine.seen, CloudStatus.TERMINATED, by);
    }

    /** A machine has written this to its console. */
    public synchronized void writeConsole(String cloudId, String text) {
        consoles.merge(cloudId, text, String::concat);
    }

    /** Calls for consoles, those that failed included. */
    public synchronized int consoleCalls() {
        return consoleCalls;
    }

    /** Calls for consoles have no answer until the returned is run. */
    public Runnable holdConsoles() {
        var held = new CountDownLatch(1);
        holding = held;
        return held::countDown;
    }

    String console(String cloudId) throws ProviderException {
        try {
            holding.await();
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
        synchronized (this) {
            consoleCalls++;
            begin("console");
            return consoles.getOrDefault(cloudId, "");
        }
    }

    /** What machines of a type cost an hour from now on. */
    public synchronized void price(String machineType, long micros) {
        prices.put(machineType, micros);
    }

    /** What a type is. */
    public synchronized void type(TypeSeen type) {
        types.put(type.machineType(), type);
    }

    /** Calls for prices, those that failed included. */
    public synchronized int priceCalls() {
        return priceCalls;
    }

    /** Of each call for types, those that it named, with a blank between. */
    public synchronized List<String> typesAsked() {
        return List.copyOf(typesAsked);
    }

    synchronized List<PriceSeen> prices(Collection<Offer> offers) throws ProviderException {
        priceCalls++;
        begin("prices");
        return offers.stream().filter(offer -> prices.containsKey(offer.machineType()))
                .map(offer -> new PriceSeen(offer, prices.get(offer.machineType()), "USD", Instant.EPOCH, "the cloud in memory")).toList();
    }

    synchronized List<TypeSeen> types(Collection<String> machineTypes) throws ProviderException {
        typesAsked.add(String.join(" ", machineTypes));
        begin("types");
        return machineTypes.stream().filter(types::containsKey).map(types::get).toList();
    }

    /** A machine that another hand launched. @return its cloud id */
    public synchronized String strange(Offer offer) {
        var id = nextName();
        machines.put(id, new Machine("", id, clock.instant(), new MachineSeen(id, "", "", MachineIds.ADOPTED + id, 0, offer, CloudStatus.RUNNING,
                EndedBy.UNKNOWN, clock.instant(), Mark.UNMARKED, Optional.empty())));
        return id;
    }

    synchronized List<MachineSeen> launch(String installation, MachineBatch batch) throws ProviderException {
        launchCalls++;
        begin("launch");
        var earlier = started(batch.scope(), batch.batchId(), false);
        if (earlier.isEmpty()) {
            int room = Math.min(batch.size(), capacity - live());
            if (room <= 0) {
                throw new ProviderException(FailureKind.OUT_OF_CAPACITY, "NoRoom", "the cloud has room for " + capacity + " machines");
            }
            for (int i = 0; i < room; i++) {
                var id = nextName();
                machines.put(id, new Machine(installation, batch.batchId(), clock.instant().plus(showsAfter), new MachineSeen(id, batch.fleet(),
                        batch.pool(), batch.batchId(), i, batch.offer(), CloudStatus.PENDING, EndedBy.UNKNOWN, clock.instant(), Mark.UNMARKED,
                        Optional.of(batch.keepUntil()))));
            }
            earlier = started(batch.scope(), batch.batchId(), false);
        }
        end("launch");
        return earlier;
    }

    synchronized List<MachineSeen> find(Scope scope, String batchId) throws ProviderException {
        begin("find");
        return started(scope, batchId, true);
    }

    private List<MachineSeen> started(Scope scope, String batchId, boolean shownOnly) {
        return machines.values().stream()
                .filter(machine -> machine.token.equals(batchId) && machine.seen.offer().scope().equals(scope))
                .filter(machine -> !shownOnly || !machine.visibleFrom.isAfter(clock.instant()))
                .map(machine -> machine.seen).toList();
    }

    synchronized List<MachineSeen> list(String installation, Scope scope) throws ProviderException {
        begin("list");
        var shown = new ArrayList<MachineSeen>();
        for (var machine : machines.values()) {
            if (machine.installation.equals(installation) && machine.seen.offer().scope().equals(scope)
                    && !machine.visibleFrom.isAfter(clock.instant())) {
                shown.add(machine.seen);
            }
        }
        return shown;
    }

    synchronized boolean mark(String cloudId, Mark mark) throws ProviderException {
        begin("mark");
        var machine = machines.get(cloudId);
        if (machine == null || machine.seen.status().isGone()) {
            return false;
        }
        if (machine.seen.mark().ordinal() <= mark.ordinal()) {
            var keep = mark.word() == Mark.Word.RELEASED ? Optional.<KeepUntil>empty() : machine.seen.keepUntil();
            machine.seen = with(machine.seen, machine.seen.fleet(), machine.seen.pool(), mark, keep);
        }
        end("mark");
        return true;
    }

    synchronized CloudStatus terminate(String cloudId) throws ProviderException {
        begin("terminate");
        var machine = machines.get(cloudId);
        if (machine == null) {
            return CloudStatus.NOT_FOUND;
        }
        if (!machine.seen.status().isGone()) {
            machine.seen = with(machine.seen, CloudStatus.TERMINATED, EndedBy.ASKED);
        }
        end("terminate");
        return machine.seen.status();
    }

    synchronized Adoption adopt(String installation, AdoptWish wish) throws ProviderException {
        begin("adopt");
        var machine = machines.get(wish.machine().cloudId());
        if (machine == null || !machine.seen.offer().scope().equals(wish.machine().scope())) {
            return Adoption.refused(Adoption.Refusal.NOT_THERE, "is none of the cloud's");
        }
        var refused = wish.against(machine.seen, installation, machine.installation, machine.seen.fleet());
        if (refused.isPresent()) {
            return refused.get();
        }
        var ours = new Machine(installation, machine.token, machine.visibleFrom,
                with(machine.seen, wish.fleet(), wish.pool(), machine.seen.mark(), Optional.of(wish.keepUntil())));
        machines.put(wish.machine().cloudId(), ours);
        end("adopt");
        return Adoption.of(ours.seen);
    }

    synchronized void renew(Collection<String> cloudIds, KeepUntil keepUntil) throws ProviderException {
        begin("renew");
        for (var id : cloudIds) {
            machines.computeIfPresent(id, (same, machine) -> {
                machine.seen = with(machine.seen, machine.seen.fleet(), machine.seen.pool(), machine.seen.mark(), Optional.of(keepUntil));
                return machine;
            });
        }
    }

    synchronized void check() throws ProviderException {
        begin("check");
    }

    private void begin(String api) throws ProviderException {
        var next = planned.getOrDefault(api, new ArrayDeque<>()).peek();
        if (next != null && next.fault == Fault.REFUSED) {
            planned.get(api).poll();
            throw new ProviderException(next.kind, "Asked for", "refused on request");
        }
        if (next != null && next.fault == Fault.UNDER_WAY) {
            planned.get(api).poll();
            throw ProviderException.underWay(UNDECIDED, "not decided on request");
        }
    }

    private void end(String api) throws ProviderException {
        var next = planned.getOrDefault(api, new ArrayDeque<>()).peek();
        if (next != null && next.fault == Fault.ANSWER_LOST) {
            planned.get(api).poll();
            throw new ProviderException(next.kind, "Asked for", "the answer is lost on request");
        }
    }

    private String nextName() {
        return "mem-" + names++;
    }

    private static MachineSeen with(MachineSeen seen, CloudStatus status, EndedBy by) {
        return new MachineSeen(seen.cloudId(), seen.fleet(), seen.pool(), seen.batchId(), seen.launchIndex(), seen.offer(), status, by,
                seen.launchedAt(), seen.mark(), seen.keepUntil());
    }

    private static MachineSeen with(MachineSeen seen, String fleet, String pool, Mark mark, Optional<KeepUntil> keepUntil) {
        return new MachineSeen(seen.cloudId(), fleet, pool, seen.batchId(), seen.launchIndex(), seen.offer(), seen.status(), seen.endedBy(),
                seen.launchedAt(), mark, keepUntil);
    }
}
