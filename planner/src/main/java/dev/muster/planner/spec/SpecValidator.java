package dev.muster.planner.spec;

import com.google.protobuf.Duration;
import dev.muster.contracts.KeysInClear;
import dev.muster.contracts.SecretRef;
import dev.muster.v1.CostSpec;
import dev.muster.v1.Facts;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.LaunchParameters;
import dev.muster.v1.Limits;
import dev.muster.v1.Market;
import dev.muster.v1.OfferKey;
import dev.muster.v1.OfferSpec;
import dev.muster.v1.Order;
import dev.muster.v1.PoolSpec;
import dev.muster.v1.QueueSpec;
import dev.muster.v1.ShutdownAction;
import dev.muster.v1.StorageSpec;
import dev.muster.v1.Value;
import dev.muster.v1.Violation;
import java.util.Currency;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * Everything that is wrong with a fleet spec, at once: each thing with its field, the value that was found and what to write
 * instead. A spec without a violation can be planned for.
 *
 * <p>Fields are named as in the spec's YAML.
 */
public final class SpecValidator {

    /** Providers that this release has a provisioner for; a launch elsewhere would wait for ever. */
    static final List<String> PROVIDERS = List.of("aws", "gcp", "k8s");
    /** What people call them. */
    private static final Map<String, String> LABELS = Map.of("aws", "AWS", "gcp", "Google Cloud", "k8s", "Kubernetes");

    private static final Pattern LABEL = Pattern.compile("[a-z0-9]([a-z0-9-]*[a-z0-9])?");
    /** Half of DNS-1123's 63, so that a worker id and a cloud's name of a machine still hold both a fleet and a pool. */
    private static final int LABEL_LENGTH = 32;
    /** Part of a scope or of a worker id: neither may hold the characters that separate parts. */
    private static final Pattern PART = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]*");
    private static final Pattern VARIABLE = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");
    /** EC2: 50 tags a resource, of which Muster writes seven. */
    private static final int AWS_TAGS = 43;
    private static final int MOST_FACTOR = 1000;
    private static final int MOST_NOTIFICATIONS = 10;
    /** Linux' longest name of a file. */
    private static final int LONGEST_SECRET_NAME = 255;
    /** A GiB of disk above a thousand a month, in micro-units. */
    private static final long DEAREST_GIB = 1_000_000_000L;
    /** EC2's largest volume, 64 TiB. */
    private static final int LARGEST_DISK = 65_536;

    private final Findings found = new Findings();
    private final FleetSpec spec;
    private final Facts facts;
    private final SpecPaths paths;
    private final BudgetValidator budgets;
    private final ScheduleValidator schedules;

    private SpecValidator(FleetSpec spec, Facts facts, Predicate<OfferKey> priced) {
        this.spec = spec;
        this.facts = facts;
        this.paths = new SpecPaths(spec);
        this.budgets = new BudgetValidator(spec, paths, found, priced);
        this.schedules = new ScheduleValidator(found);
    }

    /**
     * @param spec as it came, before defaults
     * @param facts what the replica that took the request saw of other fleets and of the services
     * @param priced whether an offer's price is known beside the spec; its key has its market
     * @return in the spec's order; empty if it is good
     */
    public static List<Violation> violations(FleetSpec spec, Facts facts, Predicate<OfferKey> priced) {
        var validator = new SpecValidator(spec, facts, priced);
        validator.fleet();
        if (validator.found.isEmpty()) {
            // What a limit must hold is known once every price and span is good, and with the defaults.
            BudgetValidator.judgeAmounts(Defaults.fill(spec, facts.getInstallation()), validator.paths, validator.found);
        }
        return validator.found.violations();
    }

    /** As above, where no price is known but the spec's. */
    static List<Violation> violations(FleetSpec spec, Facts facts) {
        return violations(spec, facts, offer -> false);
    }

    private void fleet() {
        label("name", spec.getName());
        if (!spec.getConnection().isEmpty() && !PART.matcher(spec.getConnection()).matches()) {
            say("connection", "'" + spec.getConnection() + "' is no name of a connection", "use letters, digits, '.', '_' and '-'");
        }
        unknownConnection("connection", spec.getConnection().isEmpty() ? Defaults.CONNECTION : spec.getConnection());
        currency();
        workersPrefix();
        if (spec.getLimits().getMin() != 0) {
            say("min", "is " + Findings.number(spec.getLimits().getMin()) + ", and a fleet keeps no machines itself: its pools do", "write min in a pool, or in each");
        }
        found.count("max", spec.getLimits().getMax());
        new K8sLaunchValidator(found).caps("limits.resources", spec.getLimits());
        if (spec.getLimits().hasMax()) {
            var minimums = spec.getPoolsList().stream().mapToLong(pool -> Integer.toUnsignedLong(pool.getLimits().getMin())).sum();
            if (minimums > Integer.toUnsignedLong(spec.getLimits().getMax())) {
                say("max", "is " + Integer.toUnsignedString(spec.getLimits().getMax()) + ", and the pools' minimums add up to " + minimums,
                        "raise it to at least " + minimums + ", or lower a pool's min");
            }
        }
        if (spec.getQueuesCount() == 0) {
            say("queues", "there are none", "name at least one ClearML queue to serve");
        }
        if (spec.getPoolsCount() == 0) {
            say("pools", "there are none", "describe at least one pool of machines");
        }
        schedules.timeZone("timeZone", spec.getTimeZone());
        cost("cost", spec.getCost());
        schedules.judge("", spec.getSchedulesList(), true, spec.getLimits());
        queues();
        pools();
        budgets.judge();
        found.notNegative("rescue.rescueAfter", spec.getRescue().getRescueAfter(), spec.getRescue().hasRescueAfter());
        found.count("rescue.attempts", spec.getRescue().getAttempts());
        if (spec.getShutdown() == ShutdownAction.UNRECOGNIZED) {
            say("shutdown", "is an action that this release doesn't know", "use none, idle or all");
        }
        notifications();
    }

    private void notifications() {
        if (spec.getNotificationsCount() > MOST_NOTIFICATIONS) {
            say("notifications", "are " + spec.getNotificationsCount(), "name at most " + MOST_NOTIFICATIONS + " webhooks");
        }
        var names = new HashSet<String>();
        for (int i = 0; i < spec.getNotificationsCount(); i++) {
            var notification = spec.getNotifications(i);
            var field = "notifications[" + i + "]";
            var secret = notification.getWebhookSecret();
            if (secret.isEmpty()) {
                say(field + ".secret", "is missing", "name the file of the planner's secrets folder that holds the webhook's https address");
            } else if (!PART.matcher(secret).matches() || secret.length() > LONGEST_SECRET_NAME) {
                // Not repeated: what is no name may be an address, which is a key.
                say(field + ".secret", "is no name of a file", "put the webhook's address into a file of the planner's secrets folder, and write the file's name: letters, digits, '.', '_' and '-'");
            } else if (!names.add(secret)) {
                say(field + ".secret", "'" + secret + "' is named twice", "name each webhook once, with all its kinds");
            }
            for (int k = 0; k < notification.getKindsCount(); k++) {
                switch (notification.getKinds(k)) {
                    case BUDGET, CIRCUIT, BOOT_FAILURE, RESCUE, CLEARML_UNKNOWN -> { }
                    case TEST -> say(field + ".kinds[" + k + "]", "is the kind of a person's test, which is always sent", "leave it out");
                    case NOTIFICATION_KIND_UNSPECIFIED, UNRECOGNIZED -> say(field + ".kinds[" + k + "]", "is none that this release knows",
                            "use budget, circuit, boot-failure, rescue or clearml-unknown, or leave kinds out for all");
                }
            }
        }
    }

    private void currency() {
        if (spec.getCurrency().isEmpty()) {
            if (budgets.isAny()) {
                say("currency", "is missing, and there are budgets", "write the one that their amounts and the prices are in, such as USD");
            }
            return;
        }
        try {
            Currency.getInstance(spec.getCurrency());
        } catch (IllegalArgumentException unknown) {
            say("currency", "'" + spec.getCurrency() + "' is no ISO 4217 code", "write three capital letters, such as USD");
        }
    }

    private void workersPrefix() {
        var prefix = spec.getWorkersPrefix();
        if (!prefix.isEmpty() && !PART.matcher(prefix).matches()) {
            say("workersPrefix", "'" + prefix + "' can't begin a worker id: ClearML splits worker ids at ':' and '/'",
                    "use letters, digits, '.', '_' and '-', or leave it out for <installation>-<fleet>");
        }
        if (!facts.getPrefixOwner().isEmpty()) {
            var name = prefix.isEmpty() ? facts.getInstallation() + "-" + spec.getName() : prefix;
            say("workersPrefix", "'" + name + "' is taken by fleet " + facts.getPrefixOwner(),
                    "choose another prefix; two fleets with one can't tell their workers apart");
        }
    }

    private void queues() {
        var pools = new HashSet<String>();
        spec.getPoolsList().forEach(pool -> pools.add(pool.getName()));
        var seen = new HashMap<String, Integer>();
        for (int i = 0; i < spec.getQueuesCount(); i++) {
            QueueSpec queue = spec.getQueues(i);
            var at = paths.queue(i);
            if (queue.getName().isBlank()) {
                say(at + ".name", "is missing", "write the queue's name as ClearML shows it");
            } else {
                twice(at + ".name", queue.getName(), "queue", "queues[%d]", seen, i);
            }
            var named = new HashSet<String>();
            for (int p = 0; p < queue.getPoolsCount(); p++) {
                var pool = queue.getPools(p);
                var field = at + ".pools[" + p + "]";
                if (!pools.contains(pool)) {
                    say(field, "'" + pool + "' is no pool of this fleet",
                            pools.isEmpty() ? "describe it under pools" : "use one of: " + String.join(", ", new TreeSet<>(pools)));
                } else if (!named.add(pool)) {
                    say(field, "'" + pool + "' is named twice", "name each pool once, in order of preference");
                }
            }
            order(at + ".order", queue.getOrder());
            found.count(at + ".weight", queue.getWeight());
            if (queue.hasWeight() && queue.getWeight() == 0) {
                say(at + ".weight", "is 0, which would leave the queue nothing for ever", "write 1 or more, or leave it out for 1");
            }
        }
    }

    private void pools() {
        var seen = new HashMap<String, Integer>();
        for (int i = 0; i < spec.getPoolsCount(); i++) {
            PoolSpec pool = spec.getPools(i);
            var at = paths.pool(i);
            label(at + ".name", pool.getName());
            if (!pool.getName().isEmpty()) {
                twice(at + ".name", pool.getName(), "pool", "pools[%d]", seen, i);
            }
            order(at + ".order", pool.getOrder());
            if (!pool.getLimits().hasMax()) {
                say(at + ".max", "is missing", "write how many machines the pool may have at most");
            }
            limits(at, pool.getLimits());
            var slots = Integer.toUnsignedLong(pool.getSlots());
            if (slots > 64) {
                say(at + ".slots", "is " + Findings.number(pool.getSlots()), "use 1 to 64 agents a machine");
            }
            found.positive(at + ".idle", pool.getIdleTimeout(), pool.hasIdleTimeout());
            found.positive(at + ".bootWithin", pool.getBootDeadline(), pool.hasBootDeadline());
            found.positive(at + ".registerWithin", pool.getRegistrationDeadline(), pool.hasRegistrationDeadline());
            found.positive(at + ".reserveFor", pool.getReserveFor(), pool.hasReserveFor());
            found.atMost(at + ".reserveFor", pool.getReserveFor(), pool.hasReserveFor(), Findings.LONGEST_MONTH);
            found.count(at + ".pace.launchesPerMinute", pool.getPace().getLaunchesPerMinute());
            found.count(at + ".pace.unregistered", pool.getPace().getUnregistered());
            onKubernetesOnly(at, pool);
            warm(at, pool);
            leaving(at, pool);
            spot(at, pool);
            cost(at + ".cost", pool.getCost());
            schedules.judge(at, pool.getSchedulesList(), false, pool.getLimits());
            offers(i, pool);
            launch(at, pool);
        }
    }

    private void onKubernetesOnly(String at, PoolSpec pool) {
        if (pool.getLimits().getResourcesCount() > 0) {
            say(at + ".limits.resources", "is of a fleet, over all its pools", "write it at the fleet's top");
        }
        found.positive(at + ".patience", pool.getPatience(), pool.hasPatience());
        if (isOn("k8s", pool)) {
            return;
        }
        if (pool.hasPatience()) {
            say(at + ".patience", "is set, and only Kubernetes takes machines before there is room for them", "remove it: where there is no room, other clouds refuse, and the next offer is tried");
        }
        if (pool.getOnEndCount() > 0) {
            say(at + ".onEnd", "is set, and only Kubernetes says why a machine ended", "remove it: tasks of lost machines are put back, as rescue says");
        }
    }

    private void warm(String at, PoolSpec pool) {
        if (found.count(at + ".warm", pool.getWarm()) && pool.getLimits().getMax() >= 0 && pool.getLimits().hasMax() && pool.getWarm() > pool.getLimits().getMax()) {
            say(at + ".warm", "is " + pool.getWarm() + ", above max, which is " + pool.getLimits().getMax(), "raise max to at least " + pool.getWarm() + ", or lower warm");
        }
    }

    private void leaving(String at, PoolSpec pool) {
        found.notNegative(at + ".scaleOutDelay", pool.getScaleOutDelay(), pool.hasScaleOutDelay(), Findings.DAY);
        found.notNegative(at + ".scaleInDelay", pool.getScaleInDelay(), pool.hasScaleInDelay(), Findings.DAY);
        var paidIsGood = found.notNegative(at + ".leastPaid", pool.getLeastPaid(), pool.hasLeastPaid(), Findings.LONGEST_MONTH);
        found.count(at + ".disruption.draining", pool.getDisruption().getDraining());
        found.positive(at + ".maxAge", pool.getMaxAge(), pool.hasMaxAge());
        if (!pool.hasMaxAge() || Findings.compare(pool.getMaxAge(), Duration.getDefaultInstance()) <= 0) {
            return;
        }
        older(at, pool, pool.hasRegistrationDeadline() ? pool.getRegistrationDeadline() : Defaults.REGISTRATION_DEADLINE, "registerWithin",
                "a machine would be retired before its worker had to be there");
        older(at, pool, pool.hasIdleTimeout() ? pool.getIdleTimeout() : Defaults.IDLE_TIMEOUT, "idle", "age would always come before idleness");
        if (paidIsGood && pool.hasLeastPaid()) {
            older(at, pool, pool.getLeastPaid(), "leastPaid", "a machine would leave before it was paid for that long");
        }
    }

    private void older(String at, PoolSpec pool, Duration other, String key, String why) {
        if (Findings.compare(pool.getMaxAge(), other) < 0) {
            say(at + ".maxAge", "is " + Findings.text(pool.getMaxAge()) + ", shorter than " + key + ", which is " + Findings.text(other) + ": " + why,
                    "raise it, or shorten " + key);
        }
    }

    /** Giving way to on-demand needs both: spot that is refused, and on-demand listed behind it. */
    private void spot(String at, PoolSpec pool) {
        spot(at + ".spot.rollbackAfter", pool, pool.getSpotRollbackAfter(), pool.hasSpotRollbackAfter(), Findings.DAY);
        spot(at + ".spot.blackout", pool, pool.getSpotBlackout(), pool.hasSpotBlackout(), Findings.LONGEST_MONTH);
    }

    private void spot(String field, PoolSpec pool, Duration span, boolean there, Duration most) {
        if (!found.notNegative(field, span, there, most) || !there || span.equals(Duration.getDefaultInstance())) {
            return;
        }
        var markets = pool.getOffersList().stream().map(offer -> offer.getKey().getMarket()).toList();
        var first = markets.indexOf(Market.SPOT);
        if (first < 0) {
            say(field, "is set, and the pool has no spot offer", "add an offer with market: spot, or leave it out");
        } else if (markets.subList(first, markets.size()).stream().allMatch(Market.SPOT::equals)) {
            say(field, "is set, and no on-demand offer is listed behind the spot offers", "list one behind them, or leave it out");
        }
    }

    private void cost(String at, CostSpec cost) {
        // Written so that NaN is refused, too.
        if (cost.hasPriceFactor() && !(cost.getPriceFactor() > 0 && cost.getPriceFactor() <= MOST_FACTOR)) {
            say(at + ".factor", "is " + cost.getPriceFactor(), "write more than 0 and at most " + MOST_FACTOR + ", such as 0.85 for 15 % off");
        }
        found.amount(at + ".diskPerGibMonth", cost.hasDiskMicrosPerGibMonth(), cost.getDiskMicrosPerGibMonth(), DEAREST_GIB);
        found.amount(at + ".publicIpv4PerHour", cost.hasPublicIpv4MicrosPerHour(), cost.getPublicIpv4MicrosPerHour(), Findings.DEAREST_HOUR);
    }

    private void offers(int poolIndex, PoolSpec pool) {
        var at = paths.pool(poolIndex);
        if (pool.getOffersCount() == 0) {
            say(at + ".offers", "there are none", "describe at least one: provider, account, region, type");
        }
        Map<OfferKey, Integer> seen = new HashMap<>();
        for (int i = 0; i < pool.getOffersCount(); i++) {
            OfferSpec offer = pool.getOffers(i);
            var key = offer.getKey();
            var field = paths.offer(poolIndex, i);
            if (key.getProvider().isEmpty()) {
                say(field + ".provider", "is missing", "use " + String.join(" or ", PROVIDERS));
            } else if (!PROVIDERS.contains(key.getProvider())) {
                say(field + ".provider", "'" + key.getProvider() + "' is a provider that this release doesn't have",
                        "use " + String.join(" or ", PROVIDERS));
            }
            part(field + ".account", key.getAccount(), "name an account of the services' configuration (muster."
                    + (PROVIDERS.contains(key.getProvider()) ? key.getProvider() : "aws") + ".accounts.<name>)");
            if (!key.getAccount().isEmpty()) {
                unknownAccount(field + ".account", key);
            }
            switch (key.getProvider()) {
                case "k8s" -> {
                    part(field + ".namespace", key.getRegion(), "name the namespace that its pods run in");
                    part(field + ".type", key.getMachineType(), "write a word for such pods in worker ids and price files, or leave it out for pod");
                }
                case "gcp" -> {
                    part(field + ".region", key.getRegion(), "write the cloud's region, such as us-central1");
                    part(field + ".type", key.getMachineType(), "write the cloud's machine type, such as n1-standard-4");
                }
                default -> {
                    part(field + ".region", key.getRegion(), "write the cloud's region, such as eu-west-1");
                    part(field + ".type", key.getMachineType(), "write the cloud's machine type, such as g4dn.xlarge");
                }
            }
            if (key.getMarket() == Market.UNRECOGNIZED) {
                say(field + ".market", "is one that this release doesn't know", "use on-demand or spot");
            }
            found.amount(field + ".price", offer.hasPriceMicrosPerHour(), offer.getPriceMicrosPerHour(), Findings.DEAREST_HOUR);
            found.amount(field + ".ceiling", offer.hasPriceCeilingMicrosPerHour(), offer.getPriceCeilingMicrosPerHour(), Findings.DEAREST_HOUR);
            if (offer.hasPriceCeilingMicrosPerHour() && key.getMarket() != Market.SPOT) {
                say(field + ".ceiling", "is set on an on-demand offer, whose price is fixed", "remove it, or set market: spot");
            }
            if (offer.hasPriceCeilingMicrosPerHour() && offer.getPriceCeilingMicrosPerHour() == 0) {
                say(field + ".ceiling", "is 0, and no machine costs nothing", "leave it out for the on-demand price");
            }
            var same = key.getMarket() == Market.MARKET_UNSPECIFIED ? key.toBuilder().setMarket(Defaults.MARKET).build() : key;
            var first = seen.putIfAbsent(same, i);
            if (first != null) {
                say(field, "is the same offer as " + paths.offer(poolIndex, first), "remove one, or make zone, subnet or market differ");
            }
            switch (key.getProvider()) {
                case "aws" -> awsOffer(field, key);
                case "gcp" -> new GcpLaunchValidator(found).offer(field, key);
                case "k8s" -> new K8sLaunchValidator(found).offer(field, key);
                default -> { }
            }
        }
    }

    private void awsOffer(String field, OfferKey key) {
        if (!key.getZone().isEmpty() && !key.getRegion().isEmpty() && !key.getZone().startsWith(key.getRegion())) {
            say(field + ".zone", "'" + key.getZone() + "' is not in region " + key.getRegion(), "write a zone such as " + key.getRegion() + "a, or leave it out");
        }
        if (!key.getSubnet().isEmpty() && !key.getSubnet().startsWith("subnet-")) {
            say(field + ".subnet", "'" + key.getSubnet() + "' is no subnet id", "write the id, which begins with subnet-");
        }
    }

    private void launch(String at, PoolSpec pool) {
        var launch = pool.getLaunch();
        if (isOn("aws", pool)) {
            awsLaunch(at, launch);
        }
        if (isOn("gcp", pool)) {
            gcpLaunch(at, pool);
        }
        if (isOn("k8s", pool)) {
            k8sLaunch(at, pool);
        }
        oneCloud(at, pool);
        for (int i = 0; i < launch.getDisksCount(); i++) {
            if (found.count(at + ".disks[" + i + "].size", launch.getDisks(i).getSizeGib()) && launch.getDisks(i).getSizeGib() > LARGEST_DISK) {
                say(at + ".disks[" + i + "].size", "is " + launch.getDisks(i).getSizeGib() + " GiB", "use at most " + LARGEST_DISK);
            }
            found.count(at + ".disks[" + i + "].iops", launch.getDisks(i).getIops());
            found.count(at + ".disks[" + i + "].throughput", launch.getDisks(i).getThroughput());
        }
        var boot = launch.getBoot();
        if (!boot.getConnection().isEmpty()) {
            unknownConnection(at + ".agent.connection", boot.getConnection());
        }
        if (!boot.getAgentVersion().isEmpty() && !boot.getAgentVersion().matches("[0-9][0-9A-Za-z.+-]*")) {
            say(at + ".agent.version", "'" + boot.getAgentVersion() + "' is no exact version", "write one such as 3.0.3, or leave it out");
        }
        for (var entry : new TreeMap<>(boot.getEnvironmentMap()).entrySet()) {
            var field = at + ".agent.environment." + entry.getKey();
            if (!VARIABLE.matcher(entry.getKey()).matches()) {
                say(field, "'" + entry.getKey() + "' is no name of an environment variable", "use letters, digits and '_', not beginning with a digit");
            }
            if (!entry.getValue().getText().isEmpty() && KeysInClear.isSecretByName(entry.getKey())) {
                say(field, "is a secret by its name, and stands in clear", keptAs(pool));
            } else {
                value(pool, field, entry.getValue());
            }
        }
        value(pool, at + ".agent.extraConf", boot.getExtraConf());
        value(pool, at + ".agent.initScript", boot.getInitScript());
        value(pool, at + ".agent.checkpointHook", boot.getCheckpointHook());
        storage(pool, at + ".agent.storage", boot.getStorage());
    }

    private static boolean isOn(String provider, PoolSpec pool) {
        return pool.getOffersList().stream().anyMatch(offer -> offer.getKey().getProvider().equals(provider));
    }

    /** An image and a cloud's own settings mean nothing to another cloud, and a pod and a machine are started in different ways. */
    private void oneCloud(String at, PoolSpec pool) {
        var launch = pool.getLaunch();
        var on = PROVIDERS.stream().filter(provider -> isOn(provider, pool)).toList();
        var twoPools = "make two pools, and name both in the queue";
        if (on.size() > 1 && on.contains("k8s")) {
            say(at + ".offers", "are of Kubernetes and of " + LABELS.get(on.get(0)) + ", and a pool is of pods or of machines", twoPools);
            return;
        }
        if (on.size() > 1 && !launch.getImage().isEmpty()) {
            say(at + ".image", "is of one cloud, and the pool has offers of two", twoPools);
        }
        if (launch.getCloudCase() == LaunchParameters.CloudCase.CLOUD_NOT_SET) {
            return;
        }
        var section = launch.getCloudCase().name().toLowerCase(Locale.ROOT);
        on.stream().filter(provider -> !provider.equals(section)).findFirst().ifPresent(other -> {
            var both = on.contains(section);
            say(at + "." + section, "is for " + (section.equals("k8s") ? "pods" : "machines on " + LABELS.get(section)) + (both ? ", and the pool has offers of " + LABELS.get(other) + ", too"
                    : ", and the pool's are on " + LABELS.get(other)), both ? twoPools : "write " + other + " instead, or provider: " + section);
        });
    }

    private void gcpLaunch(String at, PoolSpec pool) {
        var launch = pool.getLaunch();
        new GcpLaunchValidator(found).judge(at, pool);
        // An instance spec is text that people paste.
        secret(at + ".gcp.instanceSpec", launch.getGcp().getInstanceSpec(), "nobody needs a key in an instance spec: remove it");
        for (var tag : new TreeMap<>(launch.getTagsMap()).entrySet()) {
            secret(at + ".tags." + tag.getKey(), tag.getValue(), "nobody needs a key in a label: remove it");
        }
        for (var entry : new TreeMap<>(launch.getGcp().getMetadataMap()).entrySet()) {
            var field = at + ".gcp.metadata." + entry.getKey();
            // Public keys look as random as secret ones.
            var text = entry.getKey().equals("ssh-keys") ? KeysInClear.withoutLongRuns(entry.getValue()) : entry.getValue();
            secret(field, text, "whoever may see the machine reads its metadata: remove it, and put what tasks need into agent.environment as {secretRef: <file of the secrets folder>}");
        }
    }

    private void k8sLaunch(String at, PoolSpec pool) {
        var launch = pool.getLaunch();
        new K8sLaunchValidator(found).judge(at, pool);
        // A template is text that people paste.
        secret(at + ".k8s.template", launch.getK8S().getTemplate(),
                "whoever may see the pod reads its template: remove it, and name a key of a Kubernetes Secret in agent.environment, or with valueFrom");
        for (var tag : new TreeMap<>(launch.getTagsMap()).entrySet()) {
            secret(at + ".tags." + tag.getKey(), tag.getValue(), "nobody needs a key in a label: remove it");
        }
        for (var annotation : new TreeMap<>(launch.getK8S().getAnnotationsMap()).entrySet()) {
            secret(at + ".k8s.annotations." + annotation.getKey(), annotation.getValue(), "whoever may see the pod reads its annotations: remove it");
        }
    }

    private void storage(PoolSpec pool, String at, StorageSpec storage) {
        for (int i = 0; i < storage.getS3Count(); i++) {
            var s3 = storage.getS3(i);
            var field = at + ".s3[" + i + "]";
            key(pool, field + ".key", s3.getKey());
            key(pool, field + ".secret", s3.getSecret());
            if (s3.getInsecure() && s3.getHost().isEmpty()) {
                say(field + ".insecure", "Amazon's S3 is spoken to with TLS", "remove it, or name a host");
            }
            line(field + ".bucket", s3.getBucket());
            line(field + ".host", s3.getHost());
            line(field + ".region", s3.getRegion());
        }
        if (storage.hasGcs()) {
            key(pool, at + ".gcs.key", storage.getGcs().getKey());
            line(at + ".gcs.project", storage.getGcs().getProject());
        }
        for (int i = 0; i < storage.getAzureCount(); i++) {
            var azure = storage.getAzure(i);
            var field = at + ".azure[" + i + "]";
            if (azure.getAccount().isEmpty()) {
                say(field + ".account", "is missing", "name the storage account");
            }
            line(field + ".account", azure.getAccount());
            line(field + ".container", azure.getContainer());
            key(pool, field + ".key", azure.getKey());
        }
    }

    /** Keys to data are always secrets, whatever they look like. */
    private void key(PoolSpec pool, String field, Value value) {
        if (value.getValueCase() != Value.ValueCase.SECRET_REF) {
            say(field, value.getValueCase() == Value.ValueCase.TEXT ? "a key may not stand in a spec" : "is missing",
                    isOn("k8s", pool) ? "put the key into the pool's Kubernetes Secret and write {secretRef: <its key there>}"
                            : "put the key into a file of the secrets folder and write {secretRef: <file>}");
        } else {
            value(pool, field, value);
        }
    }

    private void line(String field, String text) {
        if (text.chars().anyMatch(c -> c <= ' ' || c == '"')) {
            say(field, "has a blank, quote or control character", "remove it");
        }
    }

    private void awsLaunch(String at, LaunchParameters launch) {
        new AwsLaunchValidator(found).judge(at, launch);
        // A launch spec is text that people paste.
        secret(at + ".aws.launchSpec", launch.getAws().getLaunchSpec(), "nobody needs a key in a launch spec: remove it");
        if (launch.getTagsCount() > AWS_TAGS) {
            say(at + ".tags", "there are " + launch.getTagsCount(), "EC2 takes 50 a machine, and Muster needs 7: use at most " + AWS_TAGS);
        }
        for (var tag : new TreeMap<>(launch.getTagsMap()).entrySet()) {
            var key = tag.getKey();
            var field = at + ".tags." + key;
            if (key.isEmpty() || key.length() > 128) {
                say(field, "a tag's key has 1 to 128 characters; this has " + key.length(), "choose another key");
            } else if (key.contains(" ") || key.contains("/")) {
                say(field, "'" + key + "' has a space or a slash; EC2 refuses such a launch, since machines read their tags",
                        "use '-', '.', ':' or '_' instead");
            } else if (key.startsWith("muster-") || key.startsWith("aws:") || key.equals("Name")) {
                say(field, "'" + key + "' is " + (key.startsWith("aws:") ? "AWS's" : "Muster's") + " own", "choose another key");
            }
            if (tag.getValue().length() > 256) {
                say(field, "its value has " + tag.getValue().length() + " characters", "use at most 256");
            }
            secret(field, tag.getValue(), "nobody needs a key in a tag: remove it");
        }
        for (int i = 0; i < launch.getAws().getSecurityGroupIdsCount(); i++) {
            var group = launch.getAws().getSecurityGroupIds(i);
            if (!group.startsWith("sg-")) {
                say(at + ".aws.securityGroups[" + i + "]", "'" + group + "' is no id of a security group", "write the id, which begins with sg-");
            }
        }
    }

    private void value(PoolSpec pool, String field, Value value) {
        if (value.hasText()) {
            secret(field, value.getText(), keptAs(pool));
        } else if (value.hasSecretRef()) {
            try {
                var reference = SecretRef.parse(value.getSecretRef());
                var isOfPods = reference.store() == SecretRef.Store.KUBERNETES;
                if (isOfPods) {
                    if (!isOn("k8s", pool)) {
                        say(field + ".secretRef", "'" + reference + "' is a key of a Kubernetes Secret, which only pods read", keptAs(pool));
                    }
                } else if (reference.isInStore() && (isOn("gcp", pool) || isOn("k8s", pool))) {
                    say(field + ".secretRef", "'" + reference + "' is in a secret store of AWS, which " + (isOn("gcp", pool) ? "machines on Google Cloud" : "pods") + " can't read", keptAs(pool));
                } else if (reference.isInStore() && !hasRole(pool.getLaunch())) {
                    say(field + ".secretRef", "the machine itself reads '" + reference + "', and machines of this pool have no role that lets them",
                            "name an instance profile in aws.instanceProfile whose role may read it, or put the secret into a file of the secrets folder");
                }
            } catch (IllegalArgumentException none) {
                say(field + ".secretRef", none.getMessage(), isOn("k8s", pool) ? "write the name of a key of the pool's Kubernetes Secret" : SecretRef.FORMS);
            }
        }
    }

    private static String keptAs(PoolSpec pool) {
        return isOn("k8s", pool) ? "put the secret into the pool's Kubernetes Secret, and write secretRef: <its key there>"
                : "put the secret into a file of the secrets folder, and write secretRef: <file name>";
    }

    /** As far as it shows here: what a launch template holds is EC2's to know. */
    private static boolean hasRole(LaunchParameters launch) {
        var aws = launch.getAws();
        return !aws.getInstanceProfile().isEmpty() || !aws.getLaunchTemplate().isEmpty() || aws.getLaunchSpec().contains("\"IamInstanceProfile\"");
    }

    /** The API has looked, too, before it sent the spec here: {@link KeysInClear}. The value is not repeated in the answer. */
    private void secret(String field, String text, String fix) {
        if (KeysInClear.isLikelyIn(text)) {
            say(field, "the text looks like a key", fix);
        }
    }

    private void limits(String at, Limits limits) {
        found.count(SpecPaths.under(at, "min"), limits.getMin());
        if (limits.hasMax()) {
            found.count(SpecPaths.under(at, "max"), limits.getMax());
            if (limits.getMax() >= 0 && limits.getMin() > limits.getMax()) {
                say(SpecPaths.under(at, "max"), "is " + limits.getMax() + ", below min, which is " + limits.getMin(),
                        "raise max to at least " + limits.getMin() + ", or lower min");
            }
        }
    }

    private void order(String field, Order order) {
        if (order == Order.UNRECOGNIZED) {
            say(field, "is one that this release doesn't know", "use listed or cheapest");
        }
    }

    private void label(String field, String name) {
        if (name.isEmpty()) {
            say(field, "is missing", "write a name of small letters, digits and '-'");
        } else if (!LABEL.matcher(name).matches()) {
            say(field, "'" + name + "' is no DNS-1123 label", "use small letters, digits and '-', with a letter or digit at both ends");
        } else if (name.length() > LABEL_LENGTH) {
            say(field, "'" + name + "' has " + name.length() + " characters", "use at most " + LABEL_LENGTH);
        }
    }

    private void part(String field, String value, String fix) {
        if (value.isEmpty()) {
            say(field, "is missing", fix);
        } else if (!PART.matcher(value).matches()) {
            say(field, "'" + value + "' may hold only letters, digits, '.', '_' and '-'", fix);
        }
    }

    private void twice(String field, String name, String what, String where, Map<String, Integer> seen, int at) {
        var first = seen.putIfAbsent(name, at);
        if (first != null) {
            say(field, what + " '" + name + "' is already " + where.formatted(first), "give each " + what + " one entry, with a name of its own");
        }
    }

    private void unknownConnection(String field, String name) {
        if (facts.getUnknownNamesList().contains("connection:" + name)) {
            say(field, "no running service has a connection '" + name + "'",
                    "configure muster.connections." + name + " at the queue-watcher, or name one that it has");
        }
    }

    /** A replica of an earlier release says only the account's name. */
    private void unknownAccount(String field, OfferKey key) {
        var provider = PROVIDERS.contains(key.getProvider()) ? key.getProvider() : "aws";
        var unknown = facts.getUnknownNamesList();
        if (unknown.contains("account:" + key.getAccount()) || unknown.contains("account:" + provider + "/" + key.getAccount())) {
            say(field, "no running service has an account '" + key.getAccount() + "' on " + provider,
                    "configure muster." + provider + ".accounts." + key.getAccount() + " at the provisioner, or name one that it has");
        }
    }

    private void say(String field, String problem, String fix) {
        found.say(field, problem, fix);
    }
}
