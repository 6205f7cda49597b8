package dev.muster.k8s;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import dev.muster.contracts.SecretRef;
import dev.muster.provisioner.spi.AdoptWish;
import dev.muster.provisioner.spi.Adoption;
import dev.muster.provisioner.spi.CloudStatus;
import dev.muster.provisioner.spi.Delivery;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.KeepUntil;
import dev.muster.provisioner.spi.LaunchSettings;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.MachineIds;
import dev.muster.provisioner.spi.MachineList;
import dev.muster.provisioner.spi.MachineProvider;
import dev.muster.provisioner.spi.MachineRef;
import dev.muster.provisioner.spi.MachineSeen;
import dev.muster.provisioner.spi.Mark;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.PriceSeen;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import org.jboss.logging.Logger;

/**
 * Kubernetes' pods as machines. A pod's name is the machine's id, so that one that is asked for twice is one; labels say whose it is, an annotation is
 * its mark. Lists come out of a watch.
 */
final class PodMachines implements MachineProvider, AutoCloseable {

    private static final Logger LOG = Logger.getLogger(PodMachines.class);

    /** Where pods read their secrets. */
    static final SecretRef.Store READ = SecretRef.Store.KUBERNETES;
    /** One call each, and lists go on meanwhile only after these. */
    private static final int RENEWED_AT_ONCE = 50;
    /** Of a pod that others change at the same time: its kubelet writes a status some times while it starts, and never so often at once. */
    private static final int LOOKS = 5;
    /** As much as EC2 keeps. Bytes. */
    private static final int MOST_CONSOLE = 64 * 1024;
    /** A guard's word for it, with the end of its line. */
    private static final Pattern CLAIMED = Pattern.compile("MUSTER-GUARD task \\S+ is claimed by [^\n]*(\n|$)");

    private final K8sAccounts accounts;
    private final String installation;
    private final Pods pods;
    private final TaskWishes wishes;
    private final Clock clock;
    private final LongSupplier nanos;
    private final Map<Scope, K8sRates> rates = new ConcurrentHashMap<>();
    private final Map<Scope, PodWatch> watches = new ConcurrentHashMap<>();
    private final ScheduledExecutorService timer = Executors.newScheduledThreadPool(2, named("pod-watch"));
    private final Reaper reaper;
    private final Optional<NodePrices> prices;
    private volatile Consumer<Scope> changed = scope -> { };
    private volatile PodListener listener = PodListener.NONE;

    /** @param prices file that says what nodes cost */
    PodMachines(K8sAccounts accounts, String installation, TaskWishes wishes, Optional<Path> prices) {
        this(accounts, installation, wishes, prices, Clock.systemUTC(), System::nanoTime);
    }

    /** @param nanos as {@link System#nanoTime}: what calls are paced by */
    PodMachines(K8sAccounts accounts, String installation, TaskWishes wishes, Optional<Path> prices, Clock clock, LongSupplier nanos) {
        this.accounts = accounts;
        this.installation = installation;
        this.pods = new Pods(installation);
        this.wishes = wishes;
        this.clock = clock;
        this.nanos = nanos;
        this.prices = prices.map(file -> new NodePrices(file, clock));
        this.reaper = new Reaper(accounts, watches, clock, (connection, machine) -> listener.isOwing(connection, machine));
        this.reaper.start(timer);
    }

    private static ThreadFactory named(String name) {
        return work -> {
            var thread = new Thread(work, name);
            thread.setDaemon(true);
            return thread;
        };
    }

    @Override
    public String name() {
        return K8sAccounts.PROVIDER;
    }

    @Override
    public List<Scope> configuredScopes() {
        return accounts.scopes();
    }

    @Override
    public void check(Scope scope) throws ProviderException {
        accounts.calls(scope).look(scope.region());
    }

    @Override
    public Duration reserve(MachineBatch batch) {
        return rates(batch.scope()).launch(batch.size());
    }

    @Override
    public void onChange(Consumer<Scope> changed) {
        this.changed = changed;
    }

    /** Who is told of pods beside the host. */
    PodMachines telling(PodListener listener) {
        this.listener = listener;
        return this;
    }

    @Override
    public Optional<SecretRef.Store> machinesRead() {
        return Optional.of(READ);
    }

    // Launches.

    @Override
    public Delivery launch(MachineBatch batch) throws ProviderException {
        var scope = batch.scope();
        var calls = accounts.calls(scope);
        var account = accounts.account(scope);
        var prepared = new Prepared();
        var made = new ArrayList<MachineSeen>();
        for (int i = 0; i < batch.size(); i++) {
            try {
                made.add(make(calls, batch, i, account, prepared));
            } catch (ProviderException refused) {
                if (made.isEmpty()) {
                    throw refused;
                }
                if (refused.kind().isRepeated()) {
                    // Some are there: whatever the server said of this one, the batch may have been made.
                    throw new ProviderException(FailureKind.UNAVAILABLE, refused.code(), "pod " + (i + 1) + " of " + batch.size() + ": " + refused.getMessage(), refused);
                }
                return Delivery.of(made, batch.size()).because(refused);
            }
        }
        return Delivery.of(made, batch.size());
    }

    /** What a batch's pods have in common, read once and only if need be. */
    private static final class Prepared {
        private JsonNode template;
        private Optional<TaskWish> wish;
    }

    private Pod pod(PodCalls calls, MachineBatch batch, int index, K8sAccounts.Account account, Prepared prepared) throws ProviderException {
        var k8s = batch.settings().k8s().orElse(LaunchSettings.K8s.DEFAULTS);
        if (prepared.wish == null) {
            prepared.wish = batch.cause().task().isEmpty() ? Optional.empty() : Optional.of(wishes.read(batch.cause().connection(), batch.cause().task()));
        }
        if (prepared.template == null) {
            var map = k8s.template().isEmpty() && !k8s.templateConfigMap().isEmpty()
                    ? calls.configMap(batch.scope().region(), k8s.templateConfigMap(), Pods.TEMPLATE_KEY) : Optional.<String>empty();
            prepared.template = Pods.template(k8s, map);
        }
        return pods.of(batch, index, account, prepared.template, prepared.wish);
    }

    private MachineSeen make(PodCalls calls, MachineBatch batch, int index, K8sAccounts.Account account, Prepared prepared) throws ProviderException {
        var scope = batch.scope();
        try {
            return machine(scope, written(scope, calls.create(scope.region(), pod(calls, batch, index, account, prepared))));
        } catch (ProviderException refused) {
            if (refused.kind().isRepeated()) {
                throw refused;
            }
            return there(calls, batch, index, account, prepared, refused);
        }
    }

    /**
     * What can't be made may be there: the name is taken by the machine itself, asked for before. The server says so only after all that may be wrong
     * with a pod: quotas are full of it, its task is no longer queued since it has claimed it, its template has changed.
     */
    private MachineSeen there(PodCalls calls, MachineBatch batch, int index, K8sAccounts.Account account, Prepared prepared, ProviderException refused)
            throws ProviderException {
        var scope = batch.scope();
        var id = batch.machineIds().get(index);
        boolean taken = refused.code().equals(K8sFailures.ALREADY_EXISTS);
        Optional<Pod> found;
        try {
            found = calls.pod(scope.region(), id);
        } catch (ProviderException unseen) {
            // Whoever has lost all rights is told of the one that the launch needs.
            throw unseen.kind() == FailureKind.UNAUTHORIZED && refused.kind() == FailureKind.UNAUTHORIZED ? refused : unseen;
        }
        if (found.isEmpty() && taken) {
            throw new ProviderException(FailureKind.UNAVAILABLE, K8sFailures.NOT_FOUND, "pod " + id + " was there a moment ago and is not any more");
        }
        var labels = found.map(PodTranslator::labels).orElse(Map.of());
        if (labels.getOrDefault(PodNames.INSTALLATION, "").equals(installation) && labels.getOrDefault(PodNames.BATCH, "").equals(batch.batchId())
                && labels.getOrDefault(PodNames.INDEX, "").equals(Integer.toString(index))) {
            LOG.infof("A pod had been asked for before and is taken as it is: machine=%s scope=%s code=%s", id, scope, refused.code());
            return machine(scope, written(scope, found.get()));
        }
        throw taken ? PodCalls.invalid(refused.code(), "a pod that is none of batch " + batch.batchId() + " has the name " + id + " in " + scope
                + "; delete it, or name another namespace") : judged(calls, batch, index, account, prepared, refused);
    }

    /**
     * A pod may be refused for what its task asks: a host path that the namespace doesn't allow, a priority class that isn't there. If the server would
     * take it without that, the fault is the task's, and the pool is as good as before. Quotas are what it looks at last.
     */
    private ProviderException judged(PodCalls calls, MachineBatch batch, int index, K8sAccounts.Account account, Prepared prepared, ProviderException refused) {
        if (refused.kind() != FailureKind.INVALID_SPEC || refused.isFaultOfTask() || prepared.template == null || prepared.wish.filter(TaskWish::asks).isEmpty()) {
            return refused;
        }
        try {
            calls.tryCreate(batch.scope().region(), pods.of(batch, index, account, prepared.template, prepared.wish.map(TaskWish::askingNothing)));
        } catch (ProviderException alsoRefused) {
            if (alsoRefused.kind() != FailureKind.QUOTA_EXCEEDED) {
                // What is only busy is asked for all again.
                return alsoRefused.kind().isRepeated() ? alsoRefused : refused;
            }
        }
        return ProviderException.faultOfTask(refused.code(), "the pod is refused for what its task asks of it: " + refused.getMessage());
    }

    private PodWatch.Seen written(Scope scope, Pod pod) {
        var watch = watch(scope);
        watch.wrote(pod);
        return watch.pod(pod.getMetadata().getName(), pod.getMetadata().getUid()).orElseGet(() -> new PodWatch.Seen(pod, false, null, null));
    }

    private static MachineSeen machine(Scope scope, PodWatch.Seen seen) {
        return PodTranslator.machine(scope, seen).orElseThrow(() -> new IllegalStateException("pod " + seen.name() + " does not say which machine it is"));
    }

    @Override
    public Delivery find(Scope scope, String batchId, int size) throws ProviderException {
        var found = accounts.calls(scope).list(scope.region(), Map.of(PodNames.INSTALLATION, installation, PodNames.BATCH, batchId));
        var machines = new ArrayList<MachineSeen>();
        for (var pod : found.pods()) {
            PodTranslator.machine(scope, written(scope, pod)).ifPresent(machines::add);
        }
        return Delivery.of(machines, size);
    }

    // Lists.

    private PodWatch watch(Scope scope) {
        return watches.computeIfAbsent(scope, fresh -> {
            try {
                return new PodWatch(accounts.calls(scope), scope, Map.of(PodNames.INSTALLATION, installation), clock, nanos, timer, seen -> told(scope, seen));
            } catch (ProviderException unknown) {
                throw new IllegalStateException(unknown);
            }
        });
    }

    private void told(Scope scope, PodWatch.Seen seen) {
        changed.accept(scope);
        PodTranslator.machine(scope, seen).ifPresent(machine -> listener.seen(PodTranslator.annotations(seen.pod()).getOrDefault(PodNames.CONNECTION, ""), machine,
                PodTranslator.node(seen.pod()), () -> log(machine.ref())));
    }

    @Override
    public MachineList list(Scope scope) throws ProviderException {
        accounts.account(scope);
        var machines = new ArrayList<MachineSeen>();
        for (var seen : watch(scope).pods()) {
            PodTranslator.machine(scope, seen).ifPresent(machines::add);
        }
        return MachineList.complete(machines);
    }

    /** The pod as it was last shown, or as the server has it; empty if there is none such. */
    private Optional<Pod> pod(MachineRef machine, boolean anew) throws ProviderException {
        var scope = machine.scope();
        var seen = watch(scope).pod(machine.machineId(), machine.cloudId());
        if (seen.isPresent() && seen.get().isGone()) {
            return Optional.empty();
        }
        if (seen.isPresent() && !anew) {
            return seen.map(PodWatch.Seen::pod);
        }
        var name = seen.map(PodWatch.Seen::name).orElse(machine.machineId());
        Optional<Pod> found;
        if (seen.isEmpty() && name.startsWith(MachineIds.ADOPTED)) {
            // Its name is its own.
            found = accounts.calls(scope).list(scope.region(), Map.of(PodNames.INSTALLATION, installation, PodNames.BATCH, name)).pods().stream().findFirst();
        } else {
            found = accounts.calls(scope).pod(scope.region(), name);
        }
        return found.filter(pod -> machine.cloudId().isEmpty() ? PodTranslator.labels(pod).getOrDefault(PodNames.INSTALLATION, "").equals(installation)
                : pod.getMetadata().getUid().equals(machine.cloudId()));
    }

    // What is done to machines.

    private interface Attempt {
        /** @throws ProviderException with code {@link K8sFailures#CONFLICT} if the pod has changed since it was seen */
        CloudStatus on(Pod pod) throws ProviderException;
    }

    /** Acts on the pod as it is: what has changed since it was seen is looked at again. */
    private CloudStatus act(MachineRef machine, Attempt attempt) throws ProviderException {
        for (int look = 0; ; look++) {
            var found = pod(machine, look > 0);
            if (found.isEmpty()) {
                return CloudStatus.NOT_FOUND;
            }
            try {
                return attempt.on(found.get());
            } catch (ProviderException refused) {
                if (refused.code().equals(K8sFailures.NOT_FOUND)) {
                    return CloudStatus.NOT_FOUND;
                }
                if (!refused.code().equals(K8sFailures.CONFLICT) || look + 1 == LOOKS) {
                    throw refused;
                }
            }
        }
    }

    /** A pod without a node runs nothing, and is deleted unless it has got one meanwhile; one with a node has a guard that reads its mark. */
    @Override
    public CloudStatus mark(MachineRef machine, Mark mark) throws ProviderException {
        var scope = machine.scope();
        return act(machine, pod -> {
            var there = Mark.parse(PodTranslator.annotations(pod).getOrDefault(PodNames.MARK, "")).orElse(Mark.UNMARKED);
            if (there.ordinal() > mark.ordinal()) {
                LOG.infof("A mark is older than the machine's and is ignored: machine=%s mark=%s highest=%d", machine.machineId(), mark.text(), there.ordinal());
                return CloudStatus.UNKNOWN;
            }
            if (PodTranslator.hasEnded(pod)) {
                return CloudStatus.TERMINATED;
            }
            boolean drains = mark.word() == Mark.Word.DRAIN || mark.word() == Mark.Word.DRAIN_NOW;
            if (drains && !PodTranslator.hasNode(pod)) {
                rates(scope).awaitWrite();
                return delete(scope, pod, true);
            }
            if (there.equals(mark)) {
                return CloudStatus.UNKNOWN;
            }
            rates(scope).awaitWrite();
            var changes = new LinkedHashMap<String, String>();
            changes.put(PodNames.MARK, mark.text());
            if (mark.word() == Mark.Word.RELEASED) {
                changes.put(PodNames.KEEP_UNTIL, null);
            }
            written(scope, accounts.calls(scope).patch(pod, Map.of(), changes));
            return CloudStatus.UNKNOWN;
        });
    }

    private CloudStatus delete(Scope scope, Pod pod, boolean asSeen) throws ProviderException {
        var watch = watch(scope);
        boolean isDeleted = false;
        // Before the server: it may tell of the pod's end before it answers.
        boolean askedBefore = watch.asking(pod, true);
        try {
            isDeleted = accounts.calls(scope).delete(pod, asSeen);
        } finally {
            // That it is gone by the second call is the first one's doing.
            watch.asking(pod, isDeleted || askedBefore);
        }
        if (!isDeleted) {
            return CloudStatus.NOT_FOUND;
        }
        watch.asked(pod);
        return CloudStatus.SHUTTING_DOWN;
    }

    /** One that has ended is left to be looked at for as long as its pool says. */
    @Override
    public CloudStatus terminate(MachineRef machine) throws ProviderException {
        return act(machine, pod -> {
            if (PodTranslator.hasEnded(pod)) {
                return CloudStatus.TERMINATED;
            }
            rates(machine.scope()).awaitWrite();
            return delete(machine.scope(), pod, false);
        });
    }

    @Override
    public String console(MachineRef machine) throws ProviderException {
        var seen = watch(machine.scope()).pod(machine.machineId(), machine.cloudId());
        var isForTask = seen.map(pod -> PodTranslator.labels(pod.pod()).containsKey(PodNames.TASK)).orElse(true);
        return isForTask ? beforeItsTask(log(machine)) : log(machine);
    }

    /**
     * What a task pod's own programs have written: from its claim on the words are the task's, which belong to whoever may read that in ClearML. Of a
     * log whose begin is cut off nobody can tell.
     */
    static String beforeItsTask(String log) {
        var claimed = CLAIMED.matcher(log);
        if (claimed.find()) {
            return log.substring(0, claimed.end());
        }
        return log.contains("MUSTER-BOOT") ? log : "";
    }

    private String log(MachineRef machine) throws ProviderException {
        var kept = reaper.console(machine.cloudId());
        if (kept.isPresent()) {
            return kept.get();
        }
        var found = pod(machine, false);
        if (found.isEmpty()) {
            return "";
        }
        var text = console(accounts.calls(machine.scope()), found.get());
        if (PodTranslator.hasEnded(found.get())) {
            reaper.keep(found.get().getMetadata().getUid(), text);
        }
        return text;
    }

    /** What its container has written, after what those before it have, if they failed. */
    static String console(PodCalls calls, Pod pod) throws ProviderException {
        var text = new StringBuilder();
        if (pod.getStatus() != null) {
            for (var init : pod.getStatus().getInitContainerStatuses()) {
                var exit = init.getState() == null ? null : init.getState().getTerminated();
                if (exit != null && exit.getExitCode() != null && exit.getExitCode() != 0) {
                    text.append(calls.log(pod, init.getName()));
                }
            }
        }
        if (PodTranslator.hasNode(pod)) {
            text.append(calls.log(pod, PodTranslator.machineContainer(pod)));
        }
        return end(text.toString());
    }

    private static String end(String text) {
        var bytes = text.getBytes(UTF_8);
        return bytes.length <= MOST_CONSOLE ? text : new String(bytes, bytes.length - MOST_CONSOLE, MOST_CONSOLE, UTF_8);
    }

    /** Labels are written only over the pod that was seen: of two installations that want one, one is told that it came too late. */
    @Override
    public Adoption adopt(AdoptWish wish) throws ProviderException {
        for (int look = 0; ; look++) {
            try {
                return adoptNow(wish);
            } catch (ProviderException refused) {
                if (!refused.code().equals(K8sFailures.CONFLICT) || look + 1 == LOOKS) {
                    throw refused;
                }
            }
        }
    }

    private Adoption adoptNow(AdoptWish wish) throws ProviderException {
        var machine = wish.machine();
        var scope = machine.scope();
        var calls = accounts.calls(scope);
        // Kubernetes finds nothing by its uid.
        var found = calls.list(scope.region(), Map.of()).pods().stream().filter(pod -> pod.getMetadata().getUid().equals(machine.cloudId())).findFirst();
        if (found.isEmpty()) {
            return Adoption.refused(Adoption.Refusal.NOT_THERE, "is no pod in " + scope);
        }
        var pod = found.get();
        var its = PodTranslator.labels(pod);
        var ours = new LinkedHashMap<String, String>();
        ours.put(PodNames.INSTALLATION, installation);
        ours.put(PodNames.FLEET, wish.fleet());
        ours.put(PodNames.POOL, wish.pool());
        if (!its.containsKey(PodNames.INSTALLATION)) {
            ours.put(PodNames.BATCH, machine.machineId());
            ours.put(PodNames.INDEX, "0");
        }
        var keep = PodTranslator.annotations(pod).containsKey(PodNames.KEEP_UNTIL) ? Map.<String, String>of() : Map.of(PodNames.KEEP_UNTIL, wish.keepUntil().text());
        var wanted = new PodBuilder(pod).editMetadata().addToLabels(ours).addToAnnotations(keep).endMetadata().build();
        var seen = PodTranslator.machine(scope, new PodWatch.Seen(wanted, false, null, null));
        if (seen.isEmpty()) {
            return Adoption.refused(Adoption.Refusal.OF_ANOTHER, "has labels of a batch that it is none of");
        }
        var refused = wish.against(seen.get(), installation, its.getOrDefault(PodNames.INSTALLATION, ""), its.getOrDefault(PodNames.FLEET, ""));
        if (refused.isPresent()) {
            return refused.get();
        }
        if (wanted.getMetadata().equals(pod.getMetadata())) {
            return Adoption.of(seen.get());
        }
        rates(scope).awaitWrite();
        return Adoption.of(machine(scope, written(scope, calls.patch(pod, ours, keep))));
    }

    @Override
    public List<PriceSeen> prices(Scope scope, Collection<Offer> offers) throws ProviderException {
        if (prices.isEmpty()) {
            return List.of();
        }
        var placed = watch(scope).pods().stream().filter(seen -> !seen.isGone() && PodTranslator.hasNode(seen.pod()) && !PodTranslator.hasEnded(seen.pod()))
                .map(PodWatch.Seen::pod).toList();
        return prices.get().of(accounts.calls(scope), scope, offers, placed);
    }

    @Override
    public int renewedAtOnce() {
        return RENEWED_AT_ONCE;
    }

    @Override
    public void renewKeepUntil(Scope scope, Collection<String> cloudIds, KeepUntil keepUntil) throws ProviderException {
        for (var cloudId : cloudIds) {
            var seen = watch(scope).pod("", cloudId);
            if (seen.isEmpty() || seen.get().isGone()) {
                continue;
            }
            act(new MachineRef(scope, seen.get().name(), cloudId), pod -> {
                if (Mark.parse(PodTranslator.annotations(pod).getOrDefault(PodNames.MARK, "")).filter(mark -> mark.word() == Mark.Word.RELEASED).isPresent()) {
                    return CloudStatus.UNKNOWN;
                }
                rates(scope).awaitWrite();
                written(scope, accounts.calls(scope).patch(pod, Map.of(), Map.of(PodNames.KEEP_UNTIL, keepUntil.text())));
                return CloudStatus.UNKNOWN;
            });
        }
    }

    private K8sRates rates(Scope scope) {
        return rates.computeIfAbsent(scope, fresh -> new K8sRates(nanos));
    }

    @Override
    public void close() {
        watches.values().forEach(PodWatch::close);
        timer.shutdownNow();
    }
}
