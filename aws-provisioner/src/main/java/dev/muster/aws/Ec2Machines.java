package dev.muster.aws;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.muster.provisioner.spi.AdoptWish;
import dev.muster.provisioner.spi.Adoption;
import dev.muster.provisioner.spi.CloudStatus;
import dev.muster.provisioner.spi.Delivery;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.KeepUntil;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.MachineList;
import dev.muster.provisioner.spi.MachineProvider;
import dev.muster.provisioner.spi.MachineRef;
import dev.muster.provisioner.spi.MachineSeen;
import dev.muster.provisioner.spi.Mark;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.PriceSeen;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import dev.muster.provisioner.spi.TypeSeen;
import java.time.Clock;
import java.time.Duration;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.jboss.logging.Logger;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.ec2.model.CreateTagsRequest;
import software.amazon.awssdk.services.ec2.model.DeleteTagsRequest;
import software.amazon.awssdk.services.ec2.model.DescribeInstancesRequest;
import software.amazon.awssdk.services.ec2.model.Filter;
import software.amazon.awssdk.services.ec2.model.GetConsoleOutputRequest;
import software.amazon.awssdk.services.ec2.model.Instance;
import software.amazon.awssdk.services.ec2.model.RunInstancesRequest;
import software.amazon.awssdk.services.ec2.model.Tag;
import software.amazon.awssdk.services.ec2.model.TerminateInstancesRequest;

/**
 * EC2's machines. A batch is one RunInstances whose client token is the batch id; tags in that call say whose the machines are,
 * so that none is ever without an owner. Calls that EC2 takes for many machines are made for many.
 */
final class Ec2Machines implements MachineProvider {

    private static final Logger LOG = Logger.getLogger(Ec2Machines.class);

    /** Of instances on a page, and of ids in one call for tags or an end: EC2's own limits. */
    private static final int MOST_ON_PAGE = 1_000;
    private static final int MOST_IDS = 1_000;
    /** Long enough for the commands of one plan to meet, too short to be noticed. */
    private static final Duration GATHER = Duration.ofMillis(5);

    private record TagWish(Scope scope, List<Tag> set, List<String> removed) {}

    private final AwsAccounts accounts;
    private final String installation;
    private final LaunchRequests requests;
    private final Map<Scope, Ec2Rates> rates = new ConcurrentHashMap<>();
    private final Map<Scope, Ec2Checks> checks = new ConcurrentHashMap<>();
    private final Map<String, Long> ordinals = new ConcurrentHashMap<>();
    private final Merger<Scope, CloudStatus> ends = new Merger<>(GATHER, MOST_IDS, this::end);
    private final Merger<TagWish, Boolean> tags = new Merger<>(GATHER, MOST_IDS, this::write);
    private final Ec2Prices prices;
    private final Ec2Types types;
    private final LongSupplier nanos;

    Ec2Machines(AwsAccounts accounts, String installation) {
        this(accounts, installation, System::nanoTime);
    }

    /** @param nanos as {@link System#nanoTime}: what calls are paced by, and what tells how old an answer is */
    Ec2Machines(AwsAccounts accounts, String installation, LongSupplier nanos) {
        this.accounts = accounts;
        this.installation = installation;
        this.requests = new LaunchRequests(installation, accounts, new Images(accounts, nanos));
        this.nanos = nanos;
        this.prices = new Ec2Prices(accounts, this::rates, Clock.systemUTC());
        this.types = new Ec2Types(accounts, this::rates);
    }

    @Override
    public String name() {
        return AwsAccounts.PROVIDER;
    }

    @Override
    public List<Scope> configuredScopes() {
        return accounts.scopes();
    }

    @Override
    public void check(Scope scope) throws ProviderException {
        // Five is the least that EC2 takes.
        describe(scope, DescribeInstancesRequest.builder().filters(filter("tag:" + Ec2Tags.INSTALLATION, installation)).maxResults(5).build());
    }

    @Override
    public Duration reserve(MachineBatch batch) {
        return rates(batch.scope()).run(batch.size());
    }

    @Override
    public Delivery launch(MachineBatch batch) throws ProviderException {
        var request = requests.of(batch);
        var rates = rates(batch.scope());
        var early = rates.send(batch.size());
        if (!early.isZero()) {
            throw ProviderException.underWay(early, "EC2 has no room for " + batch.size() + " launches a moment after those before");
        }
        try {
            return Delivery.of(machines(batch.scope(), sent(batch, request, rates)), batch.size());
        } catch (SdkException failure) {
            var refused = Ec2Failures.translate(failure);
            if (refused.kind() != FailureKind.UNAVAILABLE) {
                rates.unsent(batch.size());
            }
            if (refused.code().equals(Ec2Failures.MISMATCH) || refused.code().equals(Ec2Failures.TERMINATED)) {
                return asked(batch, refused);
            }
            throw refused;
        }
    }

    private List<Instance> sent(MachineBatch batch, RunInstancesRequest request, Ec2Rates rates) throws ProviderException {
        try {
            return accounts.api(batch.scope()).runInstances(request).instances();
        } finally {
            // However it ends: the rates wait for it.
            rates.answered();
        }
    }

    /** EC2 knows the token: whatever it started then is the batch. */
    private Delivery asked(MachineBatch batch, ProviderException answer) throws ProviderException {
        var delivery = find(batch.scope(), batch.batchId(), batch.size());
        if (!delivery.isEmpty()) {
            LOG.infof("A batch had been asked for before and is taken as it is: batch=%s machines=%d code=%s", batch.batchId(),
                    delivery.machines().size(), answer.code());
            return delivery;
        }
        if (answer.code().equals(Ec2Failures.TERMINATED)) {
            throw answer;
        }
        throw new ProviderException(FailureKind.UNAVAILABLE, answer.code(),
                "batch " + batch.batchId() + " was asked for before, and EC2 does not show its machines yet");
    }

    /** What a launch of the batch asks EC2 for. */
    RunInstancesRequest request(MachineBatch batch) throws ProviderException {
        return requests.of(batch);
    }

    @Override
    public Delivery find(Scope scope, String batchId, int size) throws ProviderException {
        var found = describe(scope, DescribeInstancesRequest.builder().filters(filter("client-token", batchId)).maxResults(MOST_ON_PAGE).build());
        return Delivery.of(machines(scope, found), size);
    }

    @Override
    public MachineList list(Scope scope) throws ProviderException {
        var api = accounts.api(scope);
        checks(scope).askIfDue(request -> {
            rates(scope).awaitDescribe();
            return api.describeInstanceStatus(request);
        });
        return described(scope);
    }

    private MachineList described(Scope scope) throws ProviderException {
        var found = describe(scope, DescribeInstancesRequest.builder().filters(filter("tag:" + Ec2Tags.INSTALLATION, installation))
                .maxResults(MOST_ON_PAGE).build());
        var machines = machines(scope, found);
        machines.forEach(machine -> {
            if (machine.status().isGone()) {
                ordinals.remove(machine.cloudId());
            } else if (machine.mark().ordinal() > 0) {
                ordinals.merge(machine.cloudId(), machine.mark().ordinal(), Math::max);
            }
        });
        return MachineList.complete(machines);
    }

    private List<Instance> describe(Scope scope, DescribeInstancesRequest first) throws ProviderException {
        var found = new LinkedHashMap<String, Instance>();
        var request = first;
        try {
            while (true) {
                rates(scope).awaitDescribe();
                var page = accounts.api(scope).describeInstances(request);
                // A page is a moment of its own: an instance that moved between pages counts once.
                page.reservations().forEach(reservation -> reservation.instances().forEach(instance -> found.put(instance.instanceId(), instance)));
                if (page.nextToken() == null || page.nextToken().isEmpty()) {
                    return List.copyOf(found.values());
                }
                request = first.toBuilder().nextToken(page.nextToken()).build();
            }
        } catch (SdkException failure) {
            throw Ec2Failures.translate(failure);
        }
    }

    private List<MachineSeen> machines(Scope scope, List<Instance> instances) {
        var impaired = checks(scope).impaired();
        return instances.stream().flatMap(instance -> InstanceTranslator.machine(scope, instance, impaired).stream()).toList();
    }

    @Override
    public CloudStatus mark(MachineRef machine, Mark mark) throws ProviderException {
        var cloudId = cloudId(machine);
        if (cloudId.isEmpty()) {
            return CloudStatus.NOT_FOUND;
        }
        // The guard refuses older marks too; this only spares the call.
        var highest = ordinals.merge(cloudId.get(), mark.ordinal(), Math::max);
        if (highest > mark.ordinal()) {
            LOG.infof("A mark is older than the machine's and is ignored: machine=%s mark=%s highest=%d", machine.machineId(), mark.text(), highest);
            return CloudStatus.UNKNOWN;
        }
        var removed = mark.word() == Mark.Word.RELEASED ? List.of(Ec2Tags.KEEP_UNTIL) : List.<String>of();
        boolean there = tags.ask(new TagWish(machine.scope(), Ec2Tags.of(Map.of(Ec2Tags.MARK, mark.text())), removed), cloudId.get());
        return there ? CloudStatus.UNKNOWN : CloudStatus.NOT_FOUND;
    }

    /**
     * EC2 has no condition on what is tagged already: two installations that ask at one moment may both be told yes. The later tags stay, and the
     * other finds the machine in no list of its own any more.
     */
    @Override
    public Adoption adopt(AdoptWish wish) throws ProviderException {
        var machine = wish.machine();
        var there = there(machine);
        if (there.isEmpty()) {
            return gone(machine);
        }
        var its = Ec2Tags.map(there.get().tags());
        var ours = new LinkedHashMap<>(its);
        ours.put(Ec2Tags.INSTALLATION, installation);
        ours.put(Ec2Tags.FLEET, wish.fleet());
        ours.put(Ec2Tags.POOL, wish.pool());
        if (!its.containsKey(Ec2Tags.INSTALLATION)) {
            ours.put(Ec2Tags.BATCH, machine.machineId());
        }
        ours.put(Ec2Tags.KEEP_UNTIL, wish.keepUntil().text());
        var seen = InstanceTranslator.machine(machine.scope(), there.get().toBuilder().tags(Ec2Tags.of(ours)).build(),
                checks(machine.scope()).impaired());
        if (seen.isEmpty()) {
            return Adoption.refused(Adoption.Refusal.OF_ANOTHER, "has a tag " + Ec2Tags.BATCH + " that is no batch of ours");
        }
        var refused = wish.against(seen.get(), installation, its.getOrDefault(Ec2Tags.INSTALLATION, ""), its.getOrDefault(Ec2Tags.FLEET, ""));
        if (refused.isPresent()) {
            return refused.get();
        }
        ours.keySet().retainAll(List.of(Ec2Tags.INSTALLATION, Ec2Tags.FLEET, Ec2Tags.POOL, Ec2Tags.BATCH, Ec2Tags.KEEP_UNTIL));
        return tags.ask(new TagWish(machine.scope(), Ec2Tags.of(ours), List.of()), machine.cloudId()) ? Adoption.of(seen.get()) : gone(machine);
    }

    private static Adoption gone(MachineRef machine) {
        return Adoption.refused(Adoption.Refusal.NOT_THERE, "is no instance in " + machine.scope());
    }

    private Optional<Instance> there(MachineRef machine) throws ProviderException {
        try {
            rates(machine.scope()).awaitDescribe();
            return accounts.api(machine.scope()).describeInstances(DescribeInstancesRequest.builder().instanceIds(machine.cloudId()).build())
                    .reservations().stream().flatMap(reservation -> reservation.instances().stream()).findFirst();
        } catch (SdkException failure) {
            if (Ec2Failures.NOT_FOUND.contains(Ec2Failures.codeOf(failure))) {
                return Optional.empty();
            }
            throw Ec2Failures.translate(failure);
        }
    }

    @Override
    public String console(MachineRef machine) throws ProviderException {
        try {
            rates(machine.scope()).awaitDescribe();
            var output = accounts.api(machine.scope()).getConsoleOutput(GetConsoleOutputRequest.builder().instanceId(machine.cloudId()).build()).output();
            // EC2 may break it into lines, as MIME does.
            return output == null ? "" : new String(Base64.getMimeDecoder().decode(output), UTF_8);
        } catch (SdkException failure) {
            throw Ec2Failures.translate(failure);
        }
    }

    @Override
    public List<PriceSeen> prices(Scope scope, Collection<Offer> offers) throws ProviderException {
        return prices.of(scope, offers);
    }

    @Override
    public List<TypeSeen> types(Scope scope, Collection<String> machineTypes) throws ProviderException {
        return types.of(scope, machineTypes);
    }

    @Override
    public void renewKeepUntil(Scope scope, Collection<String> cloudIds, KeepUntil keepUntil) throws ProviderException {
        var wish = new TagWish(scope, Ec2Tags.of(Map.of(Ec2Tags.KEEP_UNTIL, keepUntil.text())), List.of());
        var ids = List.copyOf(cloudIds);
        for (int from = 0; from < ids.size(); from += MOST_IDS) {
            write(wish, ids.subList(from, Math.min(ids.size(), from + MOST_IDS)));
        }
    }

    /** @return for each id whether there is such an instance */
    private Map<String, Boolean> write(TagWish wish, List<String> ids) throws ProviderException {
        try {
            var api = accounts.api(wish.scope());
            rates(wish.scope()).awaitCreateTags();
            api.createTags(CreateTagsRequest.builder().resources(ids).tags(wish.set()).build());
            if (!wish.removed().isEmpty()) {
                rates(wish.scope()).awaitDeleteTags();
                api.deleteTags(DeleteTagsRequest.builder().resources(ids)
                        .tags(wish.removed().stream().map(key -> Tag.builder().key(key).build()).toList()).build());
            }
            return all(ids, true);
        } catch (SdkException failure) {
            return apart(ids, failure, false, some -> write(wish, some));
        }
    }

    @Override
    public CloudStatus terminate(MachineRef machine) throws ProviderException {
        var cloudId = cloudId(machine);
        return cloudId.isEmpty() ? CloudStatus.NOT_FOUND : ends.ask(machine.scope(), cloudId.get());
    }

    private Map<String, CloudStatus> end(Scope scope, List<String> ids) throws ProviderException {
        try {
            rates(scope).awaitTerminate(ids.size());
            var answer = accounts.api(scope).terminateInstances(TerminateInstancesRequest.builder().instanceIds(ids).build());
            var statuses = all(ids, CloudStatus.UNKNOWN);
            answer.terminatingInstances().forEach(change -> statuses.put(change.instanceId(), InstanceTranslator.status(change.currentState())));
            return statuses;
        } catch (SdkException failure) {
            return apart(ids, failure, CloudStatus.NOT_FOUND, some -> end(scope, some));
        }
    }

    private interface Part<R> {
        Map<String, R> make(List<String> ids) throws ProviderException;
    }

    /** One unknown id fails the call of all: then halves are tried, until it stands alone. */
    private static <R> Map<String, R> apart(List<String> ids, SdkException failure, R unknown, Part<R> part) throws ProviderException {
        if (!Ec2Failures.NOT_FOUND.contains(Ec2Failures.codeOf(failure))) {
            throw Ec2Failures.translate(failure);
        }
        if (ids.size() == 1) {
            return all(ids, unknown);
        }
        var answers = new HashMap<>(part.make(ids.subList(0, ids.size() / 2)));
        answers.putAll(part.make(ids.subList(ids.size() / 2, ids.size())));
        return answers;
    }

    private static <R> Map<String, R> all(List<String> ids, R answer) {
        var answers = new HashMap<String, R>();
        ids.forEach(id -> answers.put(id, answer));
        return answers;
    }

    /** Empty if the machine is named only by its own id and EC2 shows none that has it. */
    private Optional<String> cloudId(MachineRef machine) throws ProviderException {
        if (!machine.cloudId().isEmpty()) {
            return Optional.of(machine.cloudId());
        }
        return described(machine.scope()).machines().stream()
                .filter(seen -> seen.machineId().equals(machine.machineId()) && !seen.status().isGone())
                .map(MachineSeen::cloudId)
                .findFirst();
    }

    private Ec2Rates rates(Scope scope) {
        return rates.computeIfAbsent(scope, fresh -> new Ec2Rates(nanos));
    }

    private Ec2Checks checks(Scope scope) {
        return checks.computeIfAbsent(scope, fresh -> new Ec2Checks(scope, nanos));
    }

    private static Filter filter(String name, String value) {
        return Filter.builder().name(name).values(value).build();
    }
}
