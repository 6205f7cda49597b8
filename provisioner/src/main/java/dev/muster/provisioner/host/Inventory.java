package dev.muster.provisioner.host;

import dev.muster.contracts.SecretsFolder;
import dev.muster.contracts.Times;
import dev.muster.provisioner.spi.EndedBy;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.KeepUntil;
import dev.muster.provisioner.spi.MachineList;
import dev.muster.provisioner.spi.MachineProvider;
import dev.muster.provisioner.spi.MachineSeen;
import dev.muster.provisioner.spi.Mark;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import dev.muster.v1.InventoryReported;
import dev.muster.v1.MachineReport;
import dev.muster.v1.MachineReported;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.BinaryOperator;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;

/**
 * Says what every owned scope has: often while something moves, seldom at rest, and at once when the scope is taken over or a fleet
 * that names it changes. A scope that can't be listed is said to be unknown, never to be empty. Keeps the keep-until marks fresh,
 * since it has just read them.
 */
final class Inventory implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(Inventory.class);

    /** How often each scope's turn is looked at. */
    private static final Duration TICK = Duration.ofMillis(100);
    /** A fleet with more machines is reported whole only when something about it changed, or its last report has this age. */
    private static final int MANY = 500;
    private static final Duration MANY_AT_LEAST = Duration.ofSeconds(10);
    /** What the books have had as ended for so long was kept by whoever saw it end, or is no longer to be had. */
    private static final Duration CONSOLES_KEPT_WITHIN = Duration.ofMinutes(15);
    /** Marks are renewed once an hour: when half their horizon is used up. */
    private static final Duration RENEW_BELOW = KeepUntil.HORIZON.dividedBy(2);

    /**
     * @param fast between lists while something moves
     * @param slow between lists at rest
     */
    record Pace(Duration fast, Duration slow) {
        Pace {
            if (fast.isNegative() || fast.isZero() || slow.compareTo(fast) < 0) {
                throw new IllegalArgumentException("muster.inventory.fast is " + fast + " and muster.inventory.slow is " + slow
                        + "; need 0 < fast <= slow");
            }
        }
    }

    private static final class Watch implements HostMetrics.Listed {
        private final Ownership owner;
        private final Map<String, Long> sequences = new HashMap<>();
        private final Map<String, List<MachineReported>> published = new HashMap<>();
        /** The mark that held each fleet back, as it was last said. */
        private final Map<String, Optional<InventoryReported>> marks = new HashMap<>();
        private final Map<String, Long> publishedAt = new HashMap<>();
        private Map<String, MachineReported> last = Map.of();
        private final Consoles consoles;
        private boolean moving = true;
        private int failures;
        private boolean listing;
        private boolean asked = true;
        private long nextAt = System.nanoTime();
        private volatile long listedAt = System.nanoTime();
        private volatile int machines;

        Watch(Ownership owner, Consoles consoles) {
            this.owner = owner;
            this.consoles = consoles;
        }

        @Override
        public Duration age() {
            return Duration.ofNanos(System.nanoTime() - listedAt);
        }

        @Override
        public int machines() {
            return machines;
        }
    }

    private final MachineProvider provider;
    private final FleetBook book;
    private final SecretsFolder secrets;
    private final CommandRunnerView commands;
    private final Reports reports;
    private final ReportPublisher publisher;
    private final Function<Scope, Ownership> owners;
    private final Clock clock;
    private final String clusterId;
    private final Pace pace;
    private final HostMetrics metrics;
    private final ThreadPoolExecutor lists = Threads.pool("list", 8);
    private final Map<Scope, Watch> watches = new ConcurrentHashMap<>();
    private final Map<Scope, String> foreign = new ConcurrentHashMap<>();

    /** What it must know of the commands under way. */
    interface CommandRunnerView extends Predicate<Scope> {}

    /**
     * @param secrets what consoles must not show
     * @param commands whether a command of the scope is under way
     * @param owners the scope's ownership; null where another process has it
     */
    Inventory(MachineProvider provider, FleetBook book, SecretsFolder secrets, CommandRunnerView commands, Reports reports, ReportPublisher publisher,
            Function<Scope, Ownership> owners, Clock clock, String clusterId, Pace pace, HostMetrics metrics) {
        this.provider = provider;
        this.book = book;
        this.secrets = secrets;
        this.commands = commands;
        this.reports = reports;
        this.publisher = publisher;
        this.owners = owners;
        this.clock = clock;
        this.clusterId = clusterId;
        this.pace = pace;
        this.metrics = metrics;
    }

    void start(ScheduledExecutorService timer) {
        timer.scheduleWithFixedDelay(this::tick, 0, TICK.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** The scope is listed as soon as may be. */
    void ask(Scope scope) {
        var watch = watches.get(scope);
        if (watch != null) {
            synchronized (watch) {
                watch.asked = true;
            }
        }
    }

    /** Something has begun to move: the next list comes after the fast interval at the latest. */
    void hurry(Scope scope) {
        var watch = watches.get(scope);
        if (watch != null) {
            synchronized (watch) {
                watch.moving = true;
                watch.nextAt = Math.min(watch.nextAt, System.nanoTime() + pace.fast.toNanos());
            }
        }
    }

    /** Scopes with a live mark of another installation, and its cluster. */
    Map<Scope, String> foreignClusters() {
        return Map.copyOf(foreign);
    }

    /** How long ago each owned scope was last listed whole. */
    Map<String, Duration> listedAgo() {
        var ages = new TreeMap<String, Duration>();
        watches.forEach((scope, watch) -> ages.put(scope.toString(), watch.age()));
        return ages;
    }

    private void tick() {
        try {
            boolean changed = false;
            for (var scope : book.scopes()) {
                var owner = owners.apply(scope);
                var watch = watches.get(scope);
                if (watch != null && watch.owner != owner) {
                    watches.remove(scope);
                    foreign.remove(scope);
                    watch = null;
                    changed = true;
                }
                if (owner != null && watch == null) {
                    watch = new Watch(owner, new Consoles(provider, scope, secrets, (fleet, console) -> publisher.console(owner, fleet, console)));
                    watches.put(scope, watch);
                    changed = true;
                }
                if (watch != null) {
                    turn(scope, watch);
                }
            }
            if (changed) {
                metrics.inventories(watches.entrySet().stream().collect(Collectors.toMap(watch -> watch.getKey().toString(), Map.Entry::getValue)));
            }
        } catch (RuntimeException ours) {
            LOG.error("Inventories failed in our own code and go on", ours);
        }
    }

    private void turn(Scope scope, Watch watch) {
        synchronized (watch) {
            boolean hurried = commands.test(scope) || book.isMoving(scope);
            long now = System.nanoTime();
            if (hurried && !watch.moving && watch.failures == 0) {
                watch.moving = true;
                watch.nextAt = Math.min(watch.nextAt, now + pace.fast.toNanos());
            }
            if (watch.listing || !watch.asked && now < watch.nextAt) {
                return;
            }
            watch.listing = true;
            watch.asked = false;
        }
        lists.execute(() -> {
            try {
                list(scope, watch);
            } catch (RuntimeException ours) {
                LOG.errorf(ours, "A list failed in our own code: scope=%s", scope);
            } finally {
                synchronized (watch) {
                    watch.listing = false;
                    boolean fast = watch.failures == 0 && (watch.moving || commands.test(scope) || book.isMoving(scope));
                    var wait = watch.failures > 0 ? new Backoff(pace.fast, pace.slow).after(watch.failures) : fast ? pace.fast : pace.slow;
                    watch.nextAt = System.nanoTime() + wait.toNanos();
                }
            }
        });
    }

    private void list(Scope scope, Watch watch) {
        var startedAt = clock.instant();
        long begun = System.nanoTime();
        MachineList list;
        boolean nothingKnown = false;
        try {
            list = provider.list(scope);
        } catch (ProviderException failed) {
            list = new MachineList(List.of(), Optional.of(failed));
            nothingKnown = true;
        }
        if (list.incomplete().isPresent()) {
            LOG.warnf("A scope can't be listed: scope=%s reason=%s", scope, list.incomplete().get());
        } else {
            watch.listedAt = begun;
            watch.machines = (int) list.machines().stream().filter(machine -> !machine.status().isGone()).count();
        }
        var byFleet = new TreeMap<String, List<MachineReported>>();
        book.fleetsOf(scope).forEach(fleet -> byFleet.put(fleet, new ArrayList<>()));
        if (nothingKnown) {
            // Fleets known only by their machines must hear of it too.
            watch.sequences.keySet().forEach(fleet -> byFleet.putIfAbsent(fleet, new ArrayList<>()));
        }
        var all = new HashMap<String, MachineReported>();
        boolean moving = false;
        if (!nothingKnown) {
            var ended = book.endedBefore(scope, clock.instant().minus(CONSOLES_KEPT_WITHIN));
            watch.consoles.read(list.machines(), clock.instant(), machine -> ended.contains(machine.machineId()));
        }
        for (var machine : list.machines()) {
            if (machine.fleet().isEmpty()) {
                LOG.warnf("A machine of this installation has no fleet tag and is left alone: cloud_id=%s scope=%s", machine.cloudId(), scope);
                continue;
            }
            var reported = watch.consoles.failure(machine.cloudId()).map(failure -> Reports.machine(machine, failure)).orElseGet(() -> Reports.machine(machine));
            all.put(machine.cloudId(), reported);
            byFleet.computeIfAbsent(machine.fleet(), none -> new ArrayList<>()).add(reported);
            moving |= machine.status().isMoving() || !machine.status().isGone() && (machine.endedBy() != EndedBy.UNKNOWN
                    || machine.mark().word() == Mark.Word.DRAIN || machine.mark().word() == Mark.Word.DRAIN_NOW);
        }
        var marks = new TreeMap<String, Optional<InventoryReported>>();
        if (!nothingKnown) {
            var others = othersMarks(list.machines());
            byFleet.keySet().forEach(fleet -> marks.put(fleet, foreignMark(fleet, others)));
            marks.values().stream().flatMap(Optional::stream).findFirst()
                    .ifPresentOrElse(mark -> foreign.put(scope, mark.getForeignCluster()), () -> foreign.remove(scope));
        }
        var said = new ArrayList<MachineReport>();
        synchronized (watch) {
            watch.failures = list.incomplete().isPresent() ? watch.failures + 1 : 0;
            watch.moving = moving;
            if (!nothingKnown) {
                for (var machine : list.machines()) {
                    var now = all.get(machine.cloudId());
                    var before = watch.last.get(machine.cloudId());
                    if (now != null && before != null && (before.getState() != now.getState() || !before.getReason().equals(now.getReason())
                            || !before.getMessage().equals(now.getMessage()))) {
                        said.add(reports.changed(machine.fleet(), scope, watch.owner.generation(), startedAt, now));
                    }
                }
                watch.last = all;
            }
            for (var fleet : byFleet.entrySet()) {
                if (isTooSoon(scope, watch, fleet.getKey(), fleet.getValue(), list)) {
                    watch.moving = true;
                } else if (isWorthSaying(scope, watch, fleet.getKey(), fleet.getValue(), list)
                        || !nothingKnown && !marks.get(fleet.getKey()).equals(watch.marks.get(fleet.getKey()))) {
                    long sequence = watch.sequences.merge(fleet.getKey(), 1L, Long::sum);
                    said.addAll(reports.inventory(fleet.getKey(), scope, watch.owner.generation(), sequence, startedAt, fleet.getValue(),
                            list.incomplete(), nothingKnown, marks.getOrDefault(fleet.getKey(), Optional.empty())));
                    watch.marks.put(fleet.getKey(), marks.getOrDefault(fleet.getKey(), Optional.empty()));
                    watch.published.put(fleet.getKey(), fleet.getValue());
                    watch.publishedAt.put(fleet.getKey(), System.nanoTime());
                }
            }
        }
        if (!said.isEmpty()) {
            publisher.seen(watch.owner, said);
        }
        if (!nothingKnown) {
            renew(scope, list.machines());
        }
    }

    /**
     * A cloud that tells of each change has the scope listed ten times a second while many machines start. What has changed is said of each by itself;
     * a large fleet is said whole as often as where lists are asked for, and no more.
     */
    private boolean isTooSoon(Scope scope, Watch watch, String fleet, List<MachineReported> machines, MachineList list) {
        var saidAt = watch.publishedAt.get(fleet);
        return machines.size() > MANY && list.incomplete().isEmpty() && saidAt != null && System.nanoTime() - saidAt < pace.fast.toNanos()
                && !machines.equals(watch.published.get(fleet)) && !isOneMissing(scope, fleet, machines);
    }

    /** A large fleet that looks as it did is not repeated every two seconds; one with a machine missing is: absence needs two lists. */
    private boolean isWorthSaying(Scope scope, Watch watch, String fleet, List<MachineReported> machines, MachineList list) {
        if (machines.size() <= MANY || list.incomplete().isPresent() || !machines.equals(watch.published.get(fleet))
                || System.nanoTime() - watch.publishedAt.getOrDefault(fleet, 0L) > MANY_AT_LEAST.toNanos()) {
            return true;
        }
        return isOneMissing(scope, fleet, machines);
    }

    private boolean isOneMissing(Scope scope, String fleet, List<MachineReported> machines) {
        var there = new HashSet<String>();
        machines.forEach(machine -> there.add(machine.getMachineId()));
        return book.machinesOf(scope).stream().anyMatch(line -> line.fleet().equals(fleet) && !line.isOver() && !there.contains(line.machineId()));
    }

    /** Live marks of other clusters, whoever's machines carry them: the newest of each. */
    private Collection<KeepUntil> othersMarks(List<MachineSeen> machines) {
        var now = clock.instant();
        return machines.stream()
                .filter(machine -> !machine.status().isGone())
                .flatMap(machine -> machine.keepUntil().stream())
                .filter(keep -> !keep.cluster().equals(clusterId) && keep.until().isAfter(now))
                .collect(Collectors.toMap(KeepUntil::cluster, keep -> keep, BinaryOperator.maxBy(Comparator.comparing(KeepUntil::until)))).values();
    }

    /** Where another Muster of this name lives, nobody of this one launches. */
    private Optional<InventoryReported> foreignMark(String fleet, Collection<KeepUntil> others) {
        return others.stream().filter(keep -> !book.isTakenOver(fleet, keep.cluster())).max(Comparator.comparing(KeepUntil::until))
                .map(keep -> InventoryReported.newBuilder().setForeignCluster(keep.cluster()).setForeignMarkAt(Times.timestamp(keep.setAt())).build());
    }

    private void renew(Scope scope, List<MachineSeen> machines) {
        var now = clock.instant();
        Set<String> ours = new HashSet<>();
        for (var line : book.machinesOf(scope)) {
            if (!line.isOver() && !line.released()) {
                ours.add(line.machineId());
            }
        }
        var due = machines.stream()
                .filter(machine -> !machine.status().isGone() && machine.mark().word() != Mark.Word.RELEASED && ours.contains(machine.machineId()))
                .filter(machine -> machine.keepUntil().map(keep -> isDue(machine.fleet(), keep, now)).orElse(true))
                .map(MachineSeen::cloudId)
                // The rest is still due after the next list.
                .limit(provider.renewedAtOnce())
                .toList();
        if (due.isEmpty()) {
            return;
        }
        try {
            provider.renewKeepUntil(scope, due, KeepUntil.from(now, clusterId));
        } catch (ProviderException failed) {
            // The next list finds the same marks due, an hour before they run out.
            LOG.warnf("Keep-until marks could not be renewed: scope=%s machines=%d reason=%s", scope, due.size(), failed);
            if (failed.kind() == FailureKind.UNAUTHORIZED) {
                LOG.warnf("Machines of the scope will end themselves when idle after their mark runs out: scope=%s", scope);
            }
        }
    }

    private boolean isDue(String fleet, KeepUntil keep, Instant now) {
        return !keep.cluster().equals(clusterId) ? book.isTakenOver(fleet, keep.cluster()) || keep.until().isBefore(now)
                : keep.until().isBefore(now.plus(RENEW_BELOW));
    }

    @Override
    public void close() {
        lists.shutdownNow();
    }
}
