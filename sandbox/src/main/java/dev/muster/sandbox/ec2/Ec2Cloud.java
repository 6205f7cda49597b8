package dev.muster.sandbox.ec2;

import dev.muster.sandbox.CloudTime;
import dev.muster.sandbox.ec2.Books.LaunchCall;
import dev.muster.sandbox.ec2.Call.Scope;
import dev.muster.sandbox.ec2.Faults.BootFault;
import dev.muster.sandbox.machine.MachineImage;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * The cloud itself, without its network: takes one call at a time and answers as EC2 would, and moves instances through their
 * lives. One lock guards all state; machine images are only called outside it, since they may call back.
 */
final class Ec2Cloud {

    /** A terminated instance stays visible "for approximately one hour", says Amazon. */
    static final Duration TERMINATED_VISIBLE = Duration.ofHours(1);
    /** A client token is valid "for at least 24 hours after the termination of the instance", says Amazon. */
    static final Duration TOKEN_HELD = Duration.ofHours(24);
    /** "Status checks are performed every minute", says Amazon. */
    private static final Duration CHECKED_EVERY = Duration.ofMinutes(1);

    private final Ec2Config config;
    private final CloudTime time;
    private final MachineImage image;
    private final Capacity capacity = new Capacity();
    private final Faults faults = new Faults();
    private final Surroundings surroundings = new Surroundings();
    private final AccountApi account = new AccountApi(capacity, surroundings);
    private final Throttle throttle = new Throttle();
    private final LaunchTemplates templates = new LaunchTemplates();
    private final Books books;
    private final Descriptions descriptions;
    private final SplittableRandom random = new SplittableRandom();
    private final Map<String, Instance> instances = new LinkedHashMap<>();
    private final Map<TokenKey, TokenUse> tokens = new HashMap<>();
    private final Map<String, BitSet> addresses = new HashMap<>();
    private long sequence;
    private boolean throttling;
    private boolean closed;
    private volatile String url = "";

    /** One account's token in one region: the same token elsewhere is another request. */
    private record TokenKey(Scope scope, String token) {
    }

    private record TokenUse(String fingerprint, String reservation, List<Instance> instances) {

        boolean expired(Instant now) {
            return instances.stream().allMatch(instance -> instance.ended != null && instance.ended.plus(TOKEN_HELD).isBefore(now));
        }
    }

    /**
     * What goes back over the wire.
     *
     * @param delay before it does
     * @param cut close the connection instead
     */
    record Answer(int status, String body, Duration delay, boolean cut) {
    }

    Ec2Cloud(Ec2Config config, CloudTime time, MachineImage image) {
        this.config = config;
        this.time = time;
        this.image = image;
        this.throttling = config.throttling();
        this.books = new Books(this, config.timeScale());
        this.descriptions = new Descriptions(this, config, capacity, surroundings);
    }

    /** Where machines find their metadata; known once the server listens. */
    void servedAt(String url) {
        this.url = url;
    }

    Capacity capacity() {
        return capacity;
    }

    Faults faults() {
        return faults;
    }

    Surroundings surroundings() {
        return surroundings;
    }

    AccountApi account() {
        return account;
    }

    Books books() {
        return books;
    }

    LaunchTemplates templates() {
        return templates;
    }

    Instant now() {
        return time.now();
    }

    synchronized void throttling(boolean on) {
        throttling = on;
    }

    /** Answers one EC2 call, with whatever faults are planned for it. Never throws a {@link Refusal}. */
    Answer answer(Call call) {
        return answer(call, faults.of(call.action()));
    }

    Answer answer(Call call, Faults.Met met) {
        var body = "";
        Refusal refused = null;
        try {
            body = act(call, met);
        } catch (Refusal refusal) {
            refused = refusal;
        }
        books.answered(call.action(), refused == null ? "Success" : refused.code());
        if (met.lost()) {
            refused = Faults.Met.LOST;
        }
        return refused == null ? new Answer(200, body, met.delay(), false)
                : new Answer(refused.status(), Xml.error(refused.code(), refused.getMessage()), met.delay(), met.cut());
    }

    private synchronized String act(Call call, Faults.Met met) {
        var now = time.now();
        if (call.action().equals("RunInstances")) {
            return runInstances(call, met, now);
        }
        admit(call, met.refusal(), now);
        return switch (call.action()) {
            case "DescribeInstances" -> descriptions.instances(call, now);
            case "DescribeInstanceStatus" -> descriptions.statuses(call, now);
            case "DescribeInstanceTypes" -> descriptions.types(call);
            case "DescribeInstanceTypeOfferings" -> descriptions.offerings(call);
            case "DescribeSpotPriceHistory" -> descriptions.spotPrices(call, now);
            case "DescribeSubnets" -> descriptions.subnets(call, this::freeAddresses);
            case "DescribeVpcs" -> descriptions.vpcs(call);
            case "DescribeSecurityGroups" -> descriptions.securityGroups(call);
            case "DescribeAvailabilityZones" -> descriptions.zones(call);
            case "DescribeRegions" -> descriptions.regions(call);
            case "DescribeImages" -> descriptions.images(call);
            case "DescribeTags" -> descriptions.tags(call, now);
            case "DescribeRouteTables" -> descriptions.routeTables(call);
            case "DescribeKeyPairs" -> descriptions.keyPairs(call);
            case "GetEbsEncryptionByDefault" -> descriptions.encryptedByDefault(call);
            case "GetEbsDefaultKmsKeyId" -> descriptions.volumeKey(call, account.volumeKeyId(call.scope()));
            case "GetConsoleOutput" -> descriptions.console(call, now);
            case "TerminateInstances" -> terminateInstances(call, now);
            case "StopInstances" -> stopInstances(call, now);
            case "StartInstances" -> startInstances(call, now);
            case "CreateTags" -> createTags(call, now);
            case "DeleteTags" -> deleteTags(call, now);
            default -> throw Refusal.of("InvalidAction", "The action " + call.action() + " is not valid for this web service.");
        };
    }

    /** What every call must pass before anything of it is looked at. */
    private void admit(Call call, Refusal planned, Instant now) {
        if (planned != null) {
            throw planned;
        }
        if (throttling) {
            throttle.request(call, now);
        }
        if (faults.denies(call.action())) {
            throw new Refusal(403, "UnauthorizedOperation", "You are not authorized to perform this operation. User: arn:aws:iam::"
                    + call.scope().account() + ":user/sandbox is not authorized to perform: ec2:" + call.action());
        }
    }

    // ---- launching

    private String runInstances(Call call, Faults.Met met, Instant now) {
        String answer = "Success";
        boolean repeated = false;
        List<Instance> launched = List.of();
        try {
            admit(call, met.refusal(), now);
            forgetOld(now);
            var spec = LaunchSpec.of(templates.merged(call), config.images());
            surroundings.admit(spec, call.scope(), !faults.denies("PassRole"));
            var key = spec.clientToken() == null ? null : new TokenKey(call.scope(), spec.clientToken());
            var known = key == null ? null : tokens.get(key);
            if (known != null) {
                if (!known.fingerprint().equals(spec.fingerprint())) {
                    throw Refusal.of("IdempotentParameterMismatch",
                            "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).");
                }
                repeated = true;
                launched = known.instances();
                return reservation(known.reservation(), launched);
            }
            if (call.dryRun()) {
                throw wouldSucceed();
            }
            if (throttling) {
                throttle.resources(call.scope(), call.action(), spec.max(), now);
            }
            var reservation = hexId("r");
            launched = launch(spec, call.scope(), reservation, now);
            if (key != null) {
                tokens.put(key, new TokenUse(spec.fingerprint(), reservation, launched));
            }
            return reservation(reservation, launched);
        } catch (Refusal refused) {
            answer = refused.code();
            throw refused;
        } finally {
            books.called(new LaunchCall(now, call.scope().region(), call.text("ClientToken"), call.text("InstanceType"), zoneIn(call, launched),
                    call.has("InstanceMarketOptions") ? OfferFilter.SPOT : OfferFilter.ON_DEMAND, number(call.text("MinCount")),
                    number(call.text("MaxCount")), answer, repeated, met.lost(), launched.stream().map(instance -> instance.id).toList(),
                    call.parameters()));
        }
    }

    private static String zoneIn(Call call, List<Instance> launched) {
        if (!launched.isEmpty()) {
            return launched.get(0).zone.name();
        }
        var subnet = call.text("SubnetId", call.text("NetworkInterface.1.SubnetId"));
        return Geography.region(call.scope().region()).flatMap(region -> region.zoneOfSubnet(subnet)).map(Geography.Zone::name)
                .orElse(call.text("Placement.AvailabilityZone"));
    }

    /** The books show what was sent, also when it is no number. */
    private static int number(String text) {
        try {
            return text == null ? 0 : Integer.parseInt(text);
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    private List<Instance> launch(LaunchSpec spec, Scope scope, String reservation, Instant now) {
        int wanted = withinQuotas(spec, scope);
        var zone = zoneFor(spec, scope, wanted);
        int count = Math.min(wanted, Math.min(room(spec, zone), freeAddresses(scope, zone)));
        if (count < spec.min()) {
            if (freeAddresses(scope, zone) < spec.min()) {
                throw Refusal.of("InsufficientFreeAddressesInSubnet", "Not enough free addresses in subnet '" + zone.subnet() + "' to satisfy the requested number of instances.");
            }
            throw noCapacity(spec, scope, zone);
        }
        var price = spec.spot() ? spotPrice(spec, zone) : spec.type().dollarsPerHour();
        var launched = new ArrayList<Instance>(count);
        for (int index = 0; index < count; index++) {
            var taken = addresses.computeIfAbsent(scope.account() + "/" + zone.name(), fresh -> new BitSet());
            int address = taken.nextClearBit(0);
            taken.set(address);
            var instance = new Instance(++sequence, hexId("i"), scope, spec, reservation, index, zone, address, price, now);
            instances.put(instance.id, instance);
            books.began(instance);
            launched.add(instance);
            boot(instance, faults.ofBoot(spec.type().name(), zone.name(), spec.market()).orElse(null));
        }
        return List.copyOf(launched);
    }

    /** As many of the wanted instances as the account may have; refused if that is fewer than the caller's least. */
    private int withinQuotas(LaunchSpec spec, Scope scope) {
        int wanted = spec.max();
        var all = capacity.instanceQuota();
        if (all != null) {
            long live = instances.values().stream().filter(instance -> instance.scope.equals(scope) && instance.state.holdsCapacity()).count();
            wanted = (int) Math.min(wanted, Math.max(0, all - live));
            if (wanted < spec.min()) {
                throw Refusal.of("InstanceLimitExceeded", "You have requested more instances (" + (live + spec.min()) + ") than your current instance limit of "
                        + all + " allows for the specified instance type. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.");
            }
        }
        var group = spec.type().quotaGroup();
        var vcpus = capacity.vcpuQuota(group, spec.market());
        if (vcpus != null) {
            long used = instances.values().stream()
                    .filter(instance -> instance.scope.equals(scope) && instance.state.holdsCapacity() && instance.spec.type().quotaGroup() == group
                            && instance.spec.market().equals(spec.market()))
                    .mapToInt(instance -> instance.spec.type().vcpus()).sum();
            wanted = (int) Math.min(wanted, Math.max(0, (vcpus - used) / spec.type().vcpus()));
            if (wanted < spec.min()) {
                throw spec.spot() ? Refusal.of("MaxSpotInstanceCountExceeded", "Max spot instance count exceeded")
                        : Refusal.of("VcpuLimitExceeded", "You have requested more vCPU capacity than your current vCPU limit of " + vcpus
                                + " allows for the instance bucket that the specified instance type belongs to. Please visit "
                                + "http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.");
            }
        }
        return wanted;
    }

    private Geography.Zone zoneFor(LaunchSpec spec, Scope scope, int wanted) {
        var region = Geography.region(scope.region()).orElseThrow();
        var offered = region.zones().stream().filter(zone -> capacity.offered(spec.type(), zone)).toList();
        if (spec.zone() != null) {
            if (!offered.contains(spec.zone())) {
                throw Refusal.of("Unsupported", "Your requested instance type (" + spec.type().name() + ") is not supported in your requested Availability Zone ("
                        + spec.zone().name() + "). Please retry your request by not specifying an Availability Zone or choosing " + names(offered) + ".");
            }
            return spec.zone();
        }
        Geography.Zone best = null;
        for (var zone : offered) {
            if (best == null || Math.min(wanted, room(spec, zone)) > Math.min(wanted, room(spec, best))) {
                best = zone;
            }
        }
        if (best == null) {
            throw Refusal.of("Unsupported", "The requested configuration is currently not supported. Please check the documentation for supported configurations.");
        }
        return best;
    }

    private int room(LaunchSpec spec, Geography.Zone zone) {
        return capacity.room(spec.type().name(), zone.name(), spec.market(), this::live);
    }

    private int live(OfferFilter which) {
        return (int) instances.values().stream()
                .filter(instance -> instance.state.holdsCapacity()
                        && which.matches(instance.spec.type().name(), instance.zone.name(), instance.spec.market()))
                .count();
    }

    private Refusal noCapacity(LaunchSpec spec, Scope scope, Geography.Zone zone) {
        if (spec.spot()) {
            return Refusal.noCapacity("There is no Spot capacity available that matches your request.");
        }
        var name = spec.type().name();
        if (spec.zone() == null) {
            return Refusal.noCapacity("We currently do not have sufficient " + name + " capacity in zones with support for 'gp2' volumes. "
                    + "Our system will be working on provisioning additional capacity.");
        }
        var others = Geography.region(scope.region()).orElseThrow().zones().stream()
                .filter(other -> !other.equals(zone) && capacity.offered(spec.type(), other) && room(spec, other) >= spec.min()).toList();
        return Refusal.noCapacity("We currently do not have sufficient " + name + " capacity in the Availability Zone you requested (" + zone.name()
                + "). Our system will be working on provisioning additional capacity." + (others.isEmpty() ? ""
                        : " You can currently get " + name + " capacity by not specifying an Availability Zone in your request or choosing " + names(others) + "."));
    }

    private static String names(List<Geography.Zone> zones) {
        return String.join(", ", zones.stream().map(Geography.Zone::name).toList());
    }

    private BigDecimal spotPrice(LaunchSpec spec, Geography.Zone zone) {
        var price = capacity.spotPrice(spec.type(), zone.name());
        if (spec.maxPrice() != null && spec.maxPrice().compareTo(price) < 0) {
            throw Refusal.of("SpotMaxPriceTooLow", "Your Spot request price of " + spec.maxPrice().toPlainString()
                    + " is lower than the minimum required Spot request fulfillment price of " + price.toPlainString() + ".");
        }
        return price;
    }

    private String reservation(String reservation, List<Instance> launched) {
        var xml = Xml.answerTo("RunInstances");
        InstanceXml.writeReservation(xml, reservation, launched);
        return xml.end("RunInstances");
    }

    private int freeAddresses(Scope scope, Geography.Zone zone) {
        if (surroundings.isFull(zone.subnet())) {
            return 0;
        }
        var taken = addresses.get(scope.account() + "/" + zone.name());
        return Geography.Zone.ADDRESSES - (taken == null ? 0 : taken.cardinality());
    }

    private String hexId(String kind) {
        return kind + "-0" + String.format("%016x", random.nextLong());
    }

    /** Drops what nobody can ask for any more. The books keep it. */
    private void forgetOld(Instant now) {
        instances.values().removeIf(instance -> !isKept(instance, now));
        tokens.values().removeIf(use -> use.expired(now));
    }

    private static boolean isKept(Instance instance, Instant now) {
        return instance.ended == null || now.isBefore(instance.ended.plus(TERMINATED_VISIBLE));
    }

    static Refusal wouldSucceed() {
        return new Refusal(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.");
    }

    // ---- a machine's life

    private void boot(Instance instance, BootFault fault) {
        int life = ++instance.life;
        var wait = config.bootTime();
        if (fault instanceof BootFault.Slow slow) {
            wait = wait.plus(slow.by());
        }
        time.after(config.timeScale().real(wait), () -> booted(instance, life, fault));
    }

    private void booted(Instance instance, int life, BootFault fault) {
        synchronized (this) {
            if (instance.state != InstanceState.PENDING || instance.life != life) {
                return;
            }
            if (fault instanceof BootFault.FailsToLaunch || fault instanceof BootFault.NoCapacityAfterAll) {
                instance.endRequested = time.now();
                instance.endReason = fault instanceof BootFault.FailsToLaunch ? EndReason.INTERNAL_ERROR : EndReason.NO_CAPACITY;
                terminated(instance);
                return;
            }
            instance.state = InstanceState.RUNNING;
            instance.running = instance.running == null ? time.now() : instance.running;
            instance.startBilling(time.now());
            instance.writeConsole(time.now(), "[    0.000000] Linux version 5.15.0 (stand-in) on " + instance.spec.type().name());
            if (fault instanceof BootFault.NeverBoots) {
                instance.brokenSince = time.now();
                instance.writeConsole(time.now(), "[    1.203344] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)");
                return;
            }
        }
        MachineImage.RunningMachine machine;
        try {
            machine = image.boot(new Hardware(this, instance, life));
        } catch (RuntimeException e) {
            // As on a real cloud, a broken image is a machine that runs and is never heard of; its console says why.
            synchronized (this) {
                instance.brokenSince = time.now();
                instance.writeConsole(time.now(), "The image failed to boot: " + e);
            }
            return;
        }
        boolean gone;
        synchronized (this) {
            gone = closed || instance.state != InstanceState.RUNNING || instance.life != life;
            if (!gone) {
                instance.machine = machine;
            }
        }
        if (gone) {
            machine.cutPower();
        } else if (fault instanceof BootFault.Dies dies) {
            time.after(config.timeScale().real(dies.after()), () -> die(instance, life));
        }
    }

    private void die(Instance instance, int life) {
        synchronized (this) {
            if (instance.life != life) {
                return;
            }
            instance.brokenSince = time.now();
            instance.hasLostPower = true;
        }
        cutPower(instance);
    }

    /** Begins the end of an instance, whatever it is doing; one already ending is left alone. */
    private void end(Instance instance, EndReason reason, Instant now) {
        switch (instance.state) {
            case SHUTTING_DOWN, TERMINATED -> {
            }
            case STOPPED -> {
                instance.endRequested = now;
                instance.endReason = reason;
                terminated(instance);
            }
            case PENDING, RUNNING, STOPPING -> {
                instance.state = InstanceState.SHUTTING_DOWN;
                instance.stopBilling(now);
                instance.endRequested = now;
                instance.endReason = reason;
                int life = ++instance.life;
                // Power goes first: EC2 says terminated only when nothing of the machine runs any more.
                time.after(Duration.ZERO, () -> cutPower(instance));
                time.after(config.timeScale().real(config.shutdownTime()), () -> {
                    cutPower(instance);
                    synchronized (this) {
                        if (instance.life == life) {
                            terminated(instance);
                        }
                    }
                });
            }
        }
    }

    private void terminated(Instance instance) {
        if (instance.state.holdsCapacity()) {
            books.released(instance);
        }
        instance.state = InstanceState.TERMINATED;
        instance.ended = time.now();
        addresses.get(instance.scope.account() + "/" + instance.zone.name()).clear(instance.addressNumber);
    }

    private void stop(Instance instance, EndReason reason) {
        if (instance.state != InstanceState.PENDING && instance.state != InstanceState.RUNNING) {
            return;
        }
        instance.state = InstanceState.STOPPING;
        instance.stopBilling(time.now());
        instance.endReason = reason;
        int life = ++instance.life;
        time.after(Duration.ZERO, () -> cutPower(instance));
        time.after(config.timeScale().real(config.shutdownTime()), () -> {
            cutPower(instance);
            synchronized (this) {
                if (instance.life == life) {
                    instance.state = InstanceState.STOPPED;
                    books.released(instance);
                }
            }
        });
    }

    private void cutPower(Instance instance) {
        MachineImage.RunningMachine machine;
        synchronized (this) {
            machine = instance.machine;
        }
        if (machine != null) {
            machine.cutPower();
        }
    }

    /** {@code shutdown -h now} on the machine. */
    synchronized void powerOff(Instance instance, int life) {
        if (instance.life != life) {
            return;
        }
        if (instance.spec.terminateOnShutdown()) {
            end(instance, EndReason.FROM_INSIDE, time.now());
        } else {
            stop(instance, EndReason.FROM_INSIDE);
        }
    }

    synchronized void writeConsole(Instance instance, String line) {
        instance.writeConsole(time.now(), line);
    }

    /** @throws IllegalArgumentException if there is no such instance */
    synchronized String console(String id) {
        return known(id).console();
    }

    String metadataUrl(Instance instance) {
        return url + "/machines/" + instance.id;
    }

    /** @throws IllegalArgumentException if there is no such instance, or it isn't a spot instance that runs or boots */
    synchronized Instant interrupt(String id) {
        var instance = known(id);
        if (!instance.spec.spot()) {
            throw new IllegalArgumentException(id + " is an on-demand instance; only spot instances are interrupted");
        }
        if (instance.state != InstanceState.RUNNING && instance.state != InstanceState.PENDING) {
            throw new IllegalArgumentException(id + " is " + instance.state.text() + "; only a pending or running instance is interrupted");
        }
        if (instance.interruption == null) {
            var notice = config.timeScale().real(config.interruptionNotice());
            instance.interruption = time.now().plus(notice);
            time.after(notice, () -> {
                synchronized (this) {
                    end(instance, EndReason.INTERRUPTED, time.now());
                }
            });
        }
        return instance.interruption;
    }

    /** Interrupts every pending or running spot instance that matches, and says how many. */
    synchronized int interruptAll(OfferFilter which) {
        var taken = instances.values().stream()
                .filter(instance -> instance.spec.spot() && (instance.state == InstanceState.RUNNING || instance.state == InstanceState.PENDING)
                        && which.matches(instance.spec.type().name(), instance.zone.name(), OfferFilter.SPOT))
                .map(instance -> instance.id).toList();
        taken.forEach(this::interrupt);
        return taken.size();
    }

    /** Stops an instance, as from the console. */
    synchronized void stop(String id) {
        stop(known(id), EndReason.USER);
    }

    /** Terminates an instance whatever runs on it, as from the console. */
    synchronized void terminate(String id) {
        end(known(id), EndReason.USER, time.now());
    }

    /** EC2 checks each instance once a minute: what it shows of a broken one is as old. */
    boolean isImpaired(Instance instance, Instant now) {
        return instance.state == InstanceState.RUNNING && instance.brokenSince != null
                && !now.isBefore(instance.brokenSince.plus(config.timeScale().real(CHECKED_EVERY)));
    }

    /** As {@code shutdown -h now} on the machine. */
    synchronized void powerOff(String id) {
        var instance = known(id);
        powerOff(instance, instance.life);
    }

    /** Cuts a machine's power without the cloud noticing more than an impaired status, a minute later. */
    synchronized void die(String id) {
        var instance = known(id);
        int life = instance.life;
        time.after(Duration.ZERO, () -> die(instance, life));
    }

    private Instance known(String id) {
        var instance = instances.get(id);
        if (instance == null) {
            throw new IllegalArgumentException("there is no instance " + id);
        }
        return instance;
    }

    // ---- other calls

    private String terminateInstances(Call call, Instant now) {
        var all = named(call, now);
        for (var instance : all) {
            if (instance.spec.terminationProtected() && !instance.state.isOver()) {
                throw Refusal.of("OperationNotPermitted", "The instance '" + instance.id + "' may not be terminated. Modify its 'disableApiTermination' "
                        + "instance attribute and try again.");
            }
        }
        return change(call, all, now, instance -> end(instance, EndReason.USER, now));
    }

    private String stopInstances(Call call, Instant now) {
        var all = named(call, now);
        for (var instance : all) {
            if (instance.spec.spot()) {
                throw Refusal.of("UnsupportedOperation", "You can't stop the Spot Instance '" + instance.id + "' because it is associated with a one-time Spot Instance request. "
                        + "You can only stop Spot Instances associated with persistent Spot Instance requests.");
            }
            if (instance.state == InstanceState.SHUTTING_DOWN || instance.state == InstanceState.TERMINATED) {
                throw Refusal.of("IncorrectInstanceState", "This instance '" + instance.id + "' is not in a state from which it can be stopped.");
            }
        }
        return change(call, all, now, instance -> stop(instance, EndReason.USER));
    }

    private String startInstances(Call call, Instant now) {
        var all = named(call, now);
        for (var instance : all) {
            if (instance.state != InstanceState.STOPPED && instance.state != InstanceState.RUNNING && instance.state != InstanceState.PENDING) {
                throw Refusal.of("IncorrectInstanceState", "The instance '" + instance.id + "' is not in a state from which it can be started.");
            }
        }
        return change(call, all, now, instance -> {
            if (instance.state == InstanceState.STOPPED) {
                if (room(instance.spec, instance.zone) < 1) {
                    throw noCapacity(instance.spec, instance.scope, instance.zone);
                }
                instance.state = InstanceState.PENDING;
                instance.started = now;
                instance.tagsAtStart = new TreeMap<>(instance.tags);
                instance.endReason = null;
                instance.brokenSince = null;
                instance.hasLostPower = false;
                instance.machine = null;
                books.began(instance);
                boot(instance, null);
            }
        });
    }

    private String change(Call call, List<Instance> all, Instant now, Consumer<Instance> act) {
        if (call.dryRun()) {
            throw wouldSucceed();
        }
        if (throttling) {
            throttle.resources(call.scope(), call.action(), all.size(), now);
        }
        return Xml.answerTo(call.action()).list("instancesSet", all, (xml, instance) -> {
            var before = instance.state;
            act.accept(instance);
            xml.put("instanceId", instance.id);
            instance.state.writeTo(xml, "currentState");
            before.writeTo(xml, "previousState");
        }).end(call.action());
    }

    private List<Instance> named(Call call, Instant now) {
        call.checkNames(Set.of("InstanceId", "Force", "Hibernate", "SkipOsShutdown"), Set.of("AdditionalInfo"));
        var ids = new LinkedHashSet<>(call.texts("InstanceId"));
        if (ids.isEmpty()) {
            throw Refusal.missing("InstanceId");
        }
        if (ids.size() > 1000) {
            throw Refusal.invalidValue("The request names " + ids.size() + " instances; it may name 1000");
        }
        return find(ids, call.scope(), now, false);
    }

    /**
     * The instances of these ids, in their order; one bad id refuses all.
     *
     * @param describing whether an instance too young to be described counts as unknown
     */
    List<Instance> find(Collection<String> ids, Scope scope, Instant now, boolean describing) {
        for (var id : ids) {
            if (!id.matches("i-([0-9a-f]{8}|[0-9a-f]{17})")) {
                throw Refusal.of("InvalidInstanceID.Malformed", "Invalid id: \"" + id + "\"");
            }
        }
        var missing = new ArrayList<String>();
        var found = new ArrayList<Instance>();
        for (var id : new LinkedHashSet<>(ids)) {
            var instance = instances.get(id);
            if (instance == null || !instance.scope.equals(scope) || !isKept(instance, now) || describing && !isDescribed(instance, now)) {
                missing.add(id);
            } else {
                found.add(instance);
            }
        }
        if (!missing.isEmpty()) {
            throw Refusal.of("InvalidInstanceID.NotFound", missing.size() == 1 ? "The instance ID '" + missing.get(0) + "' does not exist"
                    : "The instance IDs '" + String.join(", ", missing) + "' do not exist");
        }
        return found;
    }

    /** All instances of a scope that a describe call may show, oldest first. */
    List<Instance> described(Scope scope, Instant now) {
        return instances.values().stream().filter(instance -> instance.scope.equals(scope) && isKept(instance, now) && isDescribed(instance, now)).toList();
    }

    private boolean isDescribed(Instance instance, Instant now) {
        return !now.isBefore(instance.launched.plus(config.describeDelay()));
    }

    private String createTags(Call call, Instant now) {
        call.checkNames(Set.of("ResourceId", "Tag"), Set.of());
        var tags = Tags.in(call);
        if (tags.isEmpty()) {
            throw Refusal.missing("Tag");
        }
        var targets = taggable(call, now);
        for (var target : targets) {
            var union = new LinkedHashSet<>(target.tags().keySet());
            union.addAll(tags.keySet());
            Tags.checkCount(union.size());
            if (target.shownInMetadata()) {
                Tags.checkMetadataKeys(tags.keySet());
            }
        }
        if (call.dryRun()) {
            throw wouldSucceed();
        }
        targets.forEach(target -> target.write().accept(tags));
        return Xml.answerTo("CreateTags").put("return", true).end("CreateTags");
    }

    private String deleteTags(Call call, Instant now) {
        call.checkNames(Set.of("ResourceId", "Tag"), Set.of());
        var targets = taggable(call, now);
        var tags = call.structures("Tag");
        if (call.dryRun()) {
            throw wouldSucceed();
        }
        for (var target : targets) {
            if (tags.isEmpty()) {
                target.tags().clear();
            }
            for (var tag : tags) {
                var key = tag.required("Key");
                var value = tag.text("Value");
                // With a value only a tag of exactly that value goes.
                if (value == null || value.equals(target.tags().get(key))) {
                    target.tags().remove(key);
                }
            }
        }
        return Xml.answerTo("DeleteTags").put("return", true).end("DeleteTags");
    }

    private record Taggable(SortedMap<String, String> tags, boolean shownInMetadata, Consumer<SortedMap<String, String>> write) {
    }

    private List<Taggable> taggable(Call call, Instant now) {
        var ids = new LinkedHashSet<>(call.texts("ResourceId"));
        if (ids.isEmpty()) {
            throw Refusal.missing("ResourceId");
        }
        if (ids.size() > 1000) {
            throw Refusal.invalidValue("The request names " + ids.size() + " resources; it may name 1000");
        }
        var targets = new ArrayList<Taggable>();
        for (var id : ids) {
            if (id.startsWith("i-")) {
                var instance = find(List.of(id), call.scope(), now, false).get(0);
                targets.add(new Taggable(instance.tags, instance.spec.metadata().tags(), tags -> instance.tagged(now, tags)));
            } else if (id.startsWith("vol-")) {
                var owner = instances.values().stream()
                        .filter(instance -> instance.scope.equals(call.scope()) && !instance.state.isOver() && instance.volumeTags.containsKey(id)).findFirst()
                        .orElseThrow(() -> Refusal.of("InvalidVolume.NotFound", "The volume '" + id + "' does not exist."));
                var volume = owner.volumeTags.get(id);
                targets.add(new Taggable(volume, false, volume::putAll));
            } else {
                throw Refusal.of("InvalidID", "The ID '" + id + "' is not valid; this stand-in for EC2 tags instances and volumes");
            }
        }
        return targets;
    }

    /** Reads one instance under the lock; null if there is none of that id that the cloud still knows. */
    synchronized <T> T read(String id, Function<Instance, T> reader) {
        var instance = instances.get(id);
        return instance == null ? null : reader.apply(instance);
    }

    /** Ends everything at once, as when the process stops. */
    void close() {
        List<Instance> all;
        synchronized (this) {
            closed = true;
            all = List.copyOf(instances.values());
        }
        all.forEach(this::cutPower);
    }
}
