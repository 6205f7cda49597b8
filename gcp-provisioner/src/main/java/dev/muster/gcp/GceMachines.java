package dev.muster.gcp;

import com.google.api.gax.rpc.ApiException;
import com.google.cloud.compute.v1.AggregatedListInstancesRequest;
import com.google.cloud.compute.v1.BulkInsertInstanceRequest;
import com.google.cloud.compute.v1.BulkInsertRegionInstanceRequest;
import com.google.cloud.compute.v1.DeleteInstanceRequest;
import com.google.cloud.compute.v1.GetInstanceRequest;
import com.google.cloud.compute.v1.GetRegionOperationRequest;
import com.google.cloud.compute.v1.GetSerialPortOutputInstanceRequest;
import com.google.cloud.compute.v1.GetZoneOperationRequest;
import com.google.cloud.compute.v1.Instance;
import com.google.cloud.compute.v1.InstancesSetLabelsRequest;
import com.google.cloud.compute.v1.ListZoneOperationsRequest;
import com.google.cloud.compute.v1.Operation;
import com.google.cloud.compute.v1.SetLabelsInstanceRequest;
import com.google.cloud.compute.v1.SetMetadataInstanceRequest;
import dev.muster.provisioner.spi.AdoptWish;
import dev.muster.provisioner.spi.Adoption;
import dev.muster.provisioner.spi.CloudStatus;
import dev.muster.provisioner.spi.Delivery;
import dev.muster.provisioner.spi.EndedBy;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.KeepUntil;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.MachineList;
import dev.muster.provisioner.spi.MachineProvider;
import dev.muster.provisioner.spi.MachineRef;
import dev.muster.provisioner.spi.MachineSeen;
import dev.muster.provisioner.spi.Mark;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import dev.muster.provisioner.spi.TypeSeen;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;

/**
 * Compute Engine's machines. A machine's name is its id. A batch is one bulkInsert whose request id follows from the batch id; labels in that call
 * say whose the machines are. What Google works on, nobody waits for: the same call is asked for its outcome again, by whichever process.
 */
final class GceMachines implements MachineProvider {

    private static final Logger LOG = Logger.getLogger(GceMachines.class);

    /** Of instances on a page: Google's own limit. */
    private static final int MOST_ON_PAGE = 500;
    /** Between looks at an operation: soon at first, since a refusal comes soon, then seldom, since a start takes a while. */
    private static final Duration FIRST_LOOK = Duration.ofMillis(250);
    private static final Duration LAST_LOOK = Duration.ofSeconds(2);
    /** A batch that was done for so long and of which nothing is there has had its machines: they ended. */
    private static final Duration SHOWN_BY_THEN = Duration.ofMinutes(2);
    /** How long a machine that is no more is still shown as gone. EC2 shows its own for an hour; some lists are enough. */
    private static final Duration SHOWN_AS_GONE = Duration.ofMinutes(10);
    /** Instances that one list looks for by name since they are missing. Google shows none that was deleted; the next list looks for more. */
    private static final int LOOKED_FOR = 100;
    /** One call each. */
    private static final int RENEWED_AT_ONCE = 50;
    private static final int KEPT = 10_000;
    private static final int CONSOLES_KEPT = 200;

    /** An operation that was begun. @param region it is of a region, not a zone */
    private record Begun(boolean region, String place, String name, int looks) {}

    /** An instance as it was last shown. @param goneAt when it was found to be no more; null: it wasn't */
    private record Last(Instance instance, MachineSeen machine, Instant goneAt) {}

    private final GcpAccounts accounts;
    private final String installation;
    private final LaunchRequests requests;
    private final Clock clock;
    private final LongSupplier nanos;
    private final Map<Scope, GceRates> rates = new ConcurrentHashMap<>();
    private final Map<Scope, Map<String, Last>> shown = new ConcurrentHashMap<>();
    private final Remembered<String, Begun> begun = new Remembered<>(KEPT);
    private final Remembered<String, Boolean> deleted = new Remembered<>(KEPT);
    private final Remembered<String, String> consoles = new Remembered<>(CONSOLES_KEPT);
    private final Endings endings;
    private final GceTypes types;

    GceMachines(GcpAccounts accounts, String installation) {
        this(accounts, installation, Clock.systemUTC(), System::nanoTime);
    }

    /** @param nanos as {@link System#nanoTime}: what calls are paced by */
    GceMachines(GcpAccounts accounts, String installation, Clock clock, LongSupplier nanos) {
        this.accounts = accounts;
        this.installation = installation;
        this.requests = new LaunchRequests(installation, accounts);
        this.clock = clock;
        this.nanos = nanos;
        this.endings = new Endings(accounts, this::rates);
        this.types = new GceTypes(accounts, this::rates);
    }

    @Override
    public String name() {
        return GcpAccounts.PROVIDER;
    }

    @Override
    public List<Scope> configuredScopes() {
        return accounts.scopes();
    }

    @Override
    public void check(Scope scope) throws ProviderException {
        try {
            rates(scope).awaitRead();
            accounts.api(scope).instances(listing(scope, ours()).setMaxResults(1).build());
        } catch (ApiException failure) {
            throw GceFailures.translate(failure);
        }
    }

    @Override
    public Duration reserve(MachineBatch batch) {
        return rates(batch.scope()).launch();
    }

    // Launches.

    @Override
    public Delivery launch(MachineBatch batch) throws ProviderException {
        try {
            return outcome(batch, done(batch.scope(), batch.batchId(), place(batch.offer()) + " starts " + batch.size() + " of "
                    + batch.offer().machineType(), () -> bulkInsert(batch)));
        } catch (ApiException failure) {
            var refused = GceFailures.translate(failure);
            if (refused.code().equals(GceFailures.ALREADY_EXISTS)) {
                return there(batch, refused);
            }
            throw refused;
        }
    }

    private interface Begin {
        Operation make() throws ProviderException;
    }

    /**
     * The operation that a call begins, once it is done, whatever became of it.
     *
     * @param key of the call: it is begun once by this process, then looked at
     * @throws ProviderException under way, until it is done
     */
    private Operation done(Scope scope, String key, String what, Begin begin) throws ProviderException {
        var before = begun.get(key);
        Operation operation;
        try {
            operation = before.isPresent() ? operation(scope, before.get()) : begin.make();
        } catch (ApiException failure) {
            if (before.isPresent() && GceFailures.isNotFound(failure)) {
                // Operations are kept for two weeks. Whatever became of this one, the call says it again.
                begun.remove(key);
                throw new ProviderException(FailureKind.UNAVAILABLE, GceFailures.NOT_FOUND, "Google doesn't know its operation " + before.get().name(), failure);
            }
            throw failure;
        }
        if (operation.getStatus() == Operation.Status.DONE) {
            begun.remove(key);
            return operation;
        }
        int looks = before.map(Begun::looks).orElse(0);
        begun.put(key, new Begun(operation.getZone().isEmpty(), GceNames.last(operation.getZone().isEmpty() ? operation.getRegion() : operation.getZone()),
                operation.getName(), looks + 1));
        throw ProviderException.underWay(lookAfter(looks), "operation " + operation.getName() + ": " + what);
    }

    private Operation bulkInsert(MachineBatch batch) throws ProviderException {
        var scope = batch.scope();
        var project = accounts.account(scope).project();
        var resource = requests.of(batch);
        var requestId = GceNames.requestId(installation + "/" + batch.batchId());
        if (batch.offer().zone().isEmpty()) {
            return accounts.api(scope).bulkInsert(BulkInsertRegionInstanceRequest.newBuilder().setProject(project).setRegion(scope.region())
                    .setRequestId(requestId).setBulkInsertInstanceResourceResource(resource).build());
        }
        return accounts.api(scope).bulkInsert(BulkInsertInstanceRequest.newBuilder().setProject(project).setZone(batch.offer().zone())
                .setRequestId(requestId).setBulkInsertInstanceResourceResource(resource).build());
    }

    private static String place(Offer offer) {
        return offer.zone().isEmpty() ? offer.scope().region() : offer.zone();
    }

    private static Duration lookAfter(int looks) {
        var doubled = FIRST_LOOK.multipliedBy(1L << Math.min(looks, 6));
        return doubled.compareTo(LAST_LOOK) > 0 ? LAST_LOOK : doubled;
    }

    private Operation operation(Scope scope, Begun begun) throws ProviderException {
        rates(scope).awaitOperation();
        var project = accounts.account(scope).project();
        return begun.region()
                ? accounts.api(scope).operation(GetRegionOperationRequest.newBuilder().setProject(project).setRegion(begun.place()).setOperation(begun.name()).build())
                : accounts.api(scope).operation(GetZoneOperationRequest.newBuilder().setProject(project).setZone(begun.place()).setOperation(begun.name()).build());
    }

    /** Of an operation that is done. */
    private Delivery outcome(MachineBatch batch, Operation operation) throws ProviderException {
        var delivery = find(batch.scope(), batch.batchId(), batch.size());
        if (!delivery.isEmpty() && delivery.undelivered().isEmpty()) {
            return delivery;
        }
        var failure = failure(batch.scope(), operation);
        if (!delivery.isEmpty()) {
            return failure.map(delivery::because).orElse(delivery);
        }
        if (failure.isPresent() && failure.get().code().equals(GceFailures.RESOURCE_ALREADY_EXISTS)) {
            return there(batch, failure.get());
        }
        if (failure.isPresent()) {
            throw failure.get();
        }
        if (ended(operation).map(end -> end.plus(SHOWN_BY_THEN).isBefore(clock.instant())).orElse(false)) {
            throw new ProviderException(FailureKind.EXPIRED, "Ended", "batch " + batch.batchId() + " was started by operation " + operation.getName()
                    + ", and its machines have ended since");
        }
        throw ProviderException.underWay(LAST_LOOK, "operation " + operation.getName() + " is done and its machines are not listed yet");
    }

    /** Why machines of a bulkInsert are missing. Its own operation says only that they are; each machine has one beside it, which says why. */
    private Optional<ProviderException> failure(Scope scope, Operation bulk) throws ProviderException {
        var all = new ArrayList<Operation>();
        for (var place : bulk.getInstancesBulkInsertOperationMetadata().getPerLocationStatusMap().keySet()) {
            rates(scope).awaitOperation();
            accounts.api(scope).operations(ListZoneOperationsRequest.newBuilder().setProject(accounts.account(scope).project()).setZone(GceNames.last(place))
                            .setFilter("operationGroupId = \"" + bulk.getOperationGroupId() + "\"").setMaxResults(MOST_ON_PAGE).build())
                    .getItemsList().stream().filter(one -> one.getOperationGroupId().equals(bulk.getOperationGroupId()) && !one.getName().equals(bulk.getName()))
                    .forEach(all::add);
        }
        var failure = GceFailures.of(all);
        return failure.isPresent() ? failure : GceFailures.of(List.of(bulk));
    }

    private static Optional<Instant> ended(Operation operation) {
        try {
            return Optional.of(OffsetDateTime.parse(operation.getEndTime()).toInstant());
        } catch (DateTimeParseException none) {
            return Optional.empty();
        }
    }

    /** A name is taken: by the batch itself, asked for before, or by a stranger. */
    private Delivery there(MachineBatch batch, ProviderException answer) throws ProviderException {
        var delivery = find(batch.scope(), batch.batchId(), batch.size());
        if (!delivery.isEmpty()) {
            LOG.infof("A batch had been asked for before and is taken as it is: batch=%s machines=%d code=%s", batch.batchId(),
                    delivery.machines().size(), answer.code());
            return delivery;
        }
        if (instances(batch.scope(), "labels." + GceNames.BATCH + " = \"" + batch.batchId() + "\"").found().isEmpty()) {
            throw new ProviderException(FailureKind.INVALID_SPEC, answer.code(), "an instance that is not Muster's has the name of one of batch "
                    + batch.batchId() + ": " + answer.getMessage());
        }
        throw ProviderException.underWay(LAST_LOOK, "batch " + batch.batchId() + " was asked for before, and Google is still starting it");
    }

    @Override
    public Delivery find(Scope scope, String batchId, int size) throws ProviderException {
        var listed = instances(scope, "labels." + GceNames.BATCH + " = \"" + batchId + "\"");
        if (listed.incomplete().isPresent()) {
            throw listed.incomplete().get();
        }
        var machines = new ArrayList<MachineSeen>();
        for (var instance : listed.found()) {
            if (!InstanceTranslator.isSought(instance)) {
                machine(scope, instance).ifPresent(machines::add);
            }
        }
        return Delivery.of(machines, size);
    }

    // Lists.

    private String ours() {
        return "labels." + GceNames.INSTALLATION + " = \"" + installation + "\"";
    }

    private AggregatedListInstancesRequest.Builder listing(Scope scope, String filter) throws ProviderException {
        return AggregatedListInstancesRequest.newBuilder().setProject(accounts.account(scope).project()).setFilter(filter).setReturnPartialSuccess(true);
    }

    /** @param incomplete what zones of the region couldn't be read */
    private record Listed(List<Instance> found, Optional<ProviderException> incomplete) {}

    private Listed instances(Scope scope, String filter) throws ProviderException {
        var found = new LinkedHashMap<Long, Instance>();
        var unread = new TreeMap<String, String>();
        var request = listing(scope, filter).setMaxResults(MOST_ON_PAGE);
        try {
            while (true) {
                rates(scope).awaitRead();
                var page = accounts.api(scope).instances(request.build());
                page.getItemsMap().forEach((place, part) -> {
                    if (isOf(scope, place)) {
                        // A page is a moment of its own: an instance that moved between pages counts once.
                        part.getInstancesList().forEach(instance -> found.put(instance.getId(), instance));
                        // An empty zone says so with a warning, too.
                        if (part.hasWarning() && !part.getWarning().getCode().equals("NO_RESULTS_ON_PAGE")) {
                            unread.put(GceNames.last(place), part.getWarning().getCode() + ": " + part.getWarning().getMessage());
                        }
                    }
                });
                page.getUnreachablesList().stream().filter(place -> isOf(scope, place)).forEach(place -> unread.putIfAbsent(GceNames.last(place), "UNREACHABLE"));
                if (page.getNextPageToken().isEmpty()) {
                    break;
                }
                request.setPageToken(page.getNextPageToken());
            }
        } catch (ApiException failure) {
            throw GceFailures.translate(failure);
        }
        return new Listed(List.copyOf(found.values()), unread.isEmpty() ? Optional.empty()
                : Optional.of(new ProviderException(FailureKind.UNAVAILABLE, "UNREACHABLE", "Google can't list " + String.join(", ", unread.keySet()) + " ("
                        + String.join("; ", new TreeSet<>(unread.values())) + ")")));
    }

    private static boolean isOf(Scope scope, String place) {
        return GceNames.last(place).startsWith(scope.region() + "-");
    }

    @Override
    public MachineList list(Scope scope) throws ProviderException {
        var listed = instances(scope, ours());
        var machines = new LinkedHashMap<String, MachineSeen>();
        var last = new LinkedHashMap<String, Last>();
        for (var instance : listed.found()) {
            if (InstanceTranslator.isSought(instance)) {
                // Google may still find no room for it. Its launch is answered once it has.
                continue;
            }
            var machine = machine(scope, instance);
            if (machine.isPresent()) {
                machines.put(instance.getName(), machine.get());
                last.put(instance.getName(), new Last(instance, machine.get(), null));
            }
        }
        var sought = listed.found().stream().map(Instance::getName).collect(Collectors.toSet());
        var now = clock.instant();
        int looks = LOOKED_FOR;
        for (var before : shown.getOrDefault(scope, Map.of()).values()) {
            var name = before.instance().getName();
            if (last.containsKey(name) || sought.contains(name)) {
                continue;
            }
            if (before.goneAt() == null && listed.incomplete().isEmpty() && looks > 0) {
                looks--;
                var there = instance(scope, GceNames.last(before.instance().getZone()), name).filter(instance -> instance.getId() == before.instance().getId());
                if (there.isEmpty()) {
                    var by = before.machine().endedBy() != EndedBy.UNKNOWN ? before.machine().endedBy() : endings.of(scope, before.instance());
                    last.put(name, new Last(before.instance(), as(before.machine(), CloudStatus.TERMINATED, by), now));
                } else {
                    machine(scope, there.get()).ifPresent(machine -> last.put(name, new Last(there.get(), machine, null)));
                }
            } else if (before.goneAt() == null || before.goneAt().plus(SHOWN_AS_GONE).isAfter(now)) {
                last.put(name, before);
                if (before.goneAt() == null) {
                    // Neither shown nor known to be gone: nothing is said of it.
                    continue;
                }
            } else {
                continue;
            }
            if (last.containsKey(name)) {
                machines.put(name, last.get(name).machine());
            }
        }
        shown.put(scope, Map.copyOf(last));
        return new MachineList(List.copyOf(machines.values()), listed.incomplete());
    }

    private static MachineSeen as(MachineSeen machine, CloudStatus status, EndedBy by) {
        return new MachineSeen(machine.cloudId(), machine.fleet(), machine.pool(), machine.batchId(), machine.launchIndex(), machine.offer(), status, by,
                machine.launchedAt(), machine.mark(), machine.keepUntil());
    }

    private Optional<MachineSeen> machine(Scope scope, Instance instance) throws ProviderException {
        var status = InstanceTranslator.status(instance, deleted.get(key(scope, instance)).isPresent());
        var by = InstanceTranslator.isEnding(instance) || status == CloudStatus.SHUTTING_DOWN ? endings.of(scope, instance) : EndedBy.UNKNOWN;
        return InstanceTranslator.machine(scope, accounts.account(scope).project(), instance, status, by);
    }

    private static String key(Scope scope, Instance instance) {
        return scope + "/" + GceNames.last(instance.getZone()) + "/" + instance.getId();
    }

    /** Empty if there is none such. */
    private Optional<Instance> instance(Scope scope, String zone, String name) throws ProviderException {
        try {
            rates(scope).awaitRead();
            return Optional.of(accounts.api(scope).instance(GetInstanceRequest.newBuilder().setProject(accounts.account(scope).project()).setZone(zone)
                    .setInstance(name).build()));
        } catch (ApiException failure) {
            if (GceFailures.isNotFound(failure)) {
                return Optional.empty();
            }
            throw GceFailures.translate(failure);
        }
    }

    /**
     * The machine, read anew. Commands name it without its zone, which the last list has, or Google is asked.
     *
     * @throws ProviderException also where two zones have one of the name, of which neither list nor labels say which is meant
     */
    private Optional<Instance> instance(MachineRef machine) throws ProviderException {
        var scope = machine.scope();
        var name = machine.cloudId().isEmpty() ? machine.machineId() : machine.cloudId();
        var last = shown.getOrDefault(scope, Map.of()).get(name);
        if (last != null && last.goneAt() == null) {
            var there = instance(scope, GceNames.last(last.instance().getZone()), name);
            if (there.isPresent()) {
                return there;
            }
        }
        var listed = instances(scope, "name = \"" + name + "\"");
        if (listed.incomplete().isPresent()) {
            throw listed.incomplete().get();
        }
        var ours = listed.found().stream().filter(instance -> instance.getLabelsOrDefault(GceNames.INSTALLATION, "").equals(installation)).toList();
        var found = ours.isEmpty() ? listed.found() : ours;
        if (found.size() > 1) {
            throw new ProviderException(FailureKind.INVALID_SPEC, "AmbiguousName", found.size() + " instances in " + scope + " are named " + name
                    + ", in " + String.join(", ", found.stream().map(instance -> GceNames.last(instance.getZone())).sorted().toList()));
        }
        return found.stream().findFirst();
    }

    // What is done to machines.

    @Override
    public CloudStatus mark(MachineRef machine, Mark mark) throws ProviderException {
        var found = instance(machine);
        if (found.isEmpty()) {
            return CloudStatus.NOT_FOUND;
        }
        var instance = found.get();
        var there = Mark.parse(GceNames.metadata(instance).getOrDefault(GceNames.MARK, "")).orElse(Mark.UNMARKED);
        if (there.ordinal() > mark.ordinal()) {
            LOG.infof("A mark is older than the machine's and is ignored: machine=%s mark=%s highest=%d", machine.machineId(), mark.text(), there.ordinal());
            return CloudStatus.UNKNOWN;
        }
        if (there.equals(mark)) {
            return CloudStatus.UNKNOWN;
        }
        changed(machine.scope(), machine.scope() + "/" + instance.getId() + "/" + mark.text(), "writes the mark", () -> change(machine.scope(), instance, metadata -> {
            metadata.put(GceNames.MARK, mark.text());
            if (mark.word() == Mark.Word.RELEASED) {
                metadata.remove(GceNames.KEEP_UNTIL);
            }
        }));
        return CloudStatus.UNKNOWN;
    }

    /** Google takes metadata whole, and only from who has seen it as it is. */
    private Operation change(Scope scope, Instance instance, Consumer<Map<String, String>> change) throws ProviderException {
        var metadata = GceNames.metadata(instance);
        change.accept(metadata);
        rates(scope).awaitWrite();
        return accounts.api(scope).setMetadata(SetMetadataInstanceRequest.newBuilder().setProject(accounts.account(scope).project())
                .setZone(GceNames.last(instance.getZone())).setInstance(instance.getName())
                .setMetadataResource(GceNames.metadata(metadata, instance.getMetadata().getFingerprint())).build());
    }

    /** Returns once the change is made. */
    private void changed(Scope scope, String key, String what, Begin begin) throws ProviderException {
        try {
            var failure = GceFailures.of(List.of(done(scope, key, what, begin)));
            if (failure.isPresent()) {
                throw failure.get();
            }
        } catch (ApiException failure) {
            throw GceFailures.translate(failure);
        }
    }

    @Override
    public CloudStatus terminate(MachineRef machine) throws ProviderException {
        var found = instance(machine);
        if (found.isEmpty()) {
            return CloudStatus.NOT_FOUND;
        }
        var instance = found.get();
        var scope = machine.scope();
        keepConsole(scope, instance);
        try {
            rates(scope).awaitWrite();
            accounts.api(scope).delete(DeleteInstanceRequest.newBuilder().setProject(accounts.account(scope).project())
                    .setZone(GceNames.last(instance.getZone())).setInstance(instance.getName()).build());
        } catch (ApiException failure) {
            if (GceFailures.isNotFound(failure)) {
                return CloudStatus.NOT_FOUND;
            }
            if (!GceFailures.reasonOf(failure).equals(GceFailures.NOT_READY)) {
                throw GceFailures.translate(failure);
            }
        }
        deleted.put(key(scope, instance), true);
        return CloudStatus.SHUTTING_DOWN;
    }

    /** What a machine wrote goes with it. A machine ends whether or not it could be read. */
    private void keepConsole(Scope scope, Instance instance) throws ProviderException {
        try {
            var text = serialPort(scope, instance);
            if (!text.isBlank()) {
                consoles.put(scope + "/" + instance.getName(), text);
            }
        } catch (ProviderException unread) {
            LOG.infof("A console can't be kept: name=%s scope=%s reason=%s", instance.getName(), scope, unread);
        }
    }

    private String serialPort(Scope scope, Instance instance) throws ProviderException {
        try {
            rates(scope).awaitRead();
            return accounts.api(scope).serialPort(GetSerialPortOutputInstanceRequest.newBuilder().setProject(accounts.account(scope).project())
                    .setZone(GceNames.last(instance.getZone())).setInstance(instance.getName()).build()).getContents();
        } catch (ApiException failure) {
            throw GceFailures.translate(failure);
        }
    }

    @Override
    public String console(MachineRef machine) throws ProviderException {
        var found = instance(machine);
        var kept = consoles.get(machine.scope() + "/" + machine.cloudId());
        return found.isPresent() ? serialPort(machine.scope(), found.get()) : kept.orElse("");
    }

    /** Labels are written only over those that were seen: of two installations that want one machine, one is told that it came too late. */
    @Override
    public Adoption adopt(AdoptWish wish) throws ProviderException {
        var machine = wish.machine();
        var scope = machine.scope();
        var found = instance(machine);
        if (found.isEmpty()) {
            return Adoption.refused(Adoption.Refusal.NOT_THERE, "is no instance in " + scope);
        }
        var instance = found.get();
        if (machine.machineId().length() > GceNames.LONGEST_LABEL) {
            return Adoption.refused(Adoption.Refusal.NO_SUCH_OFFER, "has a name of more than 61 characters, which no label can hold");
        }
        var its = instance.getLabelsMap();
        var ours = new LinkedHashMap<>(its);
        ours.put(GceNames.INSTALLATION, installation);
        ours.put(GceNames.FLEET, wish.fleet());
        ours.put(GceNames.POOL, wish.pool());
        if (!its.containsKey(GceNames.INSTALLATION)) {
            ours.put(GceNames.BATCH, machine.machineId());
        }
        var seen = machine(scope, instance.toBuilder().putAllLabels(ours).build());
        if (seen.isEmpty()) {
            return Adoption.refused(Adoption.Refusal.OF_ANOTHER, "has a label " + GceNames.BATCH + " that is no batch of ours");
        }
        var refused = here(wish, scope).against(seen.get(), installation, its.getOrDefault(GceNames.INSTALLATION, ""), its.getOrDefault(GceNames.FLEET, ""));
        if (refused.isPresent()) {
            return refused.get();
        }
        if (seen.get().keepUntil().isEmpty()) {
            changed(scope, scope + "/" + instance.getId() + "/keep-until", "writes keep-until", () -> change(scope, instance,
                    metadata -> metadata.put(GceNames.KEEP_UNTIL, wish.keepUntil().text())));
            throw ProviderException.underWay(FIRST_LOOK, "labels are next");
        }
        if (!its.equals(ours)) {
            changed(scope, scope + "/" + instance.getId() + "/labels", "writes labels", () -> label(scope, instance, ours));
        }
        return Adoption.of(seen.get());
    }

    private Operation label(Scope scope, Instance instance, Map<String, String> labels) throws ProviderException {
        rates(scope).awaitWrite();
        return accounts.api(scope).setLabels(SetLabelsInstanceRequest.newBuilder().setProject(accounts.account(scope).project())
                .setZone(GceNames.last(instance.getZone())).setInstance(instance.getName())
                .setInstancesSetLabelsRequestResource(InstancesSetLabelsRequest.newBuilder().putAllLabels(labels).setLabelFingerprint(instance.getLabelFingerprint()))
                .build());
    }

    /** The wish with subnets as they are shown. */
    private AdoptWish here(AdoptWish wish, Scope scope) throws ProviderException {
        var project = accounts.account(scope).project();
        return new AdoptWish(wish.machine(), wish.fleet(), wish.pool(), wish.offers().stream().map(offer -> new Offer(offer.scope(), offer.zone(),
                InstanceTranslator.subnet(scope, project, offer.subnet()), offer.machineType(), offer.market())).toList(), wish.keepUntil());
    }

    @Override
    public List<TypeSeen> types(Scope scope, Collection<String> machineTypes) throws ProviderException {
        return types.of(scope, machineTypes);
    }

    @Override
    public int renewedAtOnce() {
        return RENEWED_AT_ONCE;
    }

    @Override
    public void renewKeepUntil(Scope scope, Collection<String> cloudIds, KeepUntil keepUntil) throws ProviderException {
        var last = shown.getOrDefault(scope, Map.of());
        for (var cloudId : cloudIds) {
            var seen = last.get(cloudId);
            // What the list has just shown needs no other look; where it has changed since, the next list finds the mark due again.
            var instance = seen != null && seen.goneAt() == null ? Optional.of(seen.instance()) : instance(new MachineRef(scope, cloudId, cloudId));
            if (instance.isEmpty()) {
                continue;
            }
            try {
                change(scope, instance.get(), metadata -> metadata.put(GceNames.KEEP_UNTIL, keepUntil.text()));
            } catch (ApiException failure) {
                if (!GceFailures.isNotFound(failure) && !GceFailures.reasonOf(failure).equals(GceFailures.CONDITION_NOT_MET)) {
                    throw GceFailures.translate(failure);
                }
            }
        }
    }

    private GceRates rates(Scope scope) {
        return rates.computeIfAbsent(scope, fresh -> new GceRates(nanos));
    }
}
