package dev.muster.planner.spec;

import com.google.protobuf.Duration;
import dev.muster.v1.BudgetAction;
import dev.muster.v1.BudgetSpec;
import dev.muster.v1.CostSpec;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.Limits;
import dev.muster.v1.Market;
import dev.muster.v1.OfferSpec;
import dev.muster.v1.Order;
import dev.muster.v1.PodKind;
import dev.muster.v1.PoolSpec;
import dev.muster.v1.PoolSpecOrBuilder;
import dev.muster.v1.QueueSpec;
import dev.muster.v1.ShutdownAction;
import dev.muster.v1.TaskAction;
import java.util.List;
import java.util.OptionalLong;

/** What a fleet spec means where it says nothing: the only table of defaults, filled in when a spec is accepted. */
public final class Defaults {

    /** Also what {@code muster init} writes, so that one ClearML server needs no name. */
    static final String CONNECTION = "default";
    /** The currency of the clouds' own price lists. */
    static final String CURRENCY = "USD";
    static final String TIME_ZONE = "UTC";
    /** Preference order is what ClearML's own autoscalers do with their list of resources. */
    static final Order ORDER = Order.LISTED;
    static final int WEIGHT = 1;
    /** The cheaper market is never a surprise: it can be taken back, so it is asked for by name. */
    static final Market MARKET = Market.ON_DEMAND;
    /** One agent a machine, as every ClearML autoscaler. */
    static final int SLOTS = 1;
    /** ClearML's autoscaler applications: 15 minutes. */
    static final Duration IDLE_TIMEOUT = minutes(15);
    /** ClearML's open-source autoscaler waits 30 minutes for a machine that spins up. */
    static final Duration BOOT_DEADLINE = minutes(30);
    /** As above: it counts from the launch, too. */
    static final Duration REGISTRATION_DEADLINE = minutes(30);
    /** The longest task to expect; an hour is the granularity in which budgets are thought of. */
    static final Duration RESERVE_FOR = minutes(60);
    /** Long enough for an agent that is not ours to report a task that it has just taken. */
    static final Duration RESCUE_AFTER = minutes(10);
    /** A task that took three machines with it is likelier the cause than the victim. */
    static final int RESCUE_ATTEMPTS = 3;
    static final String RESCUE_OPT_OUT_TAG = "muster-no-rescue";
    /** Spending stops near the limit, and no running task ends for it. */
    static final BudgetAction HARD_ACTION = BudgetAction.DRAIN_MACHINES;
    static final BudgetAction SOFT_ACTION = BudgetAction.WARN;
    static final double PRICE_FACTOR = 1;
    /** Micro-dollars an hour on AWS since 2024-02-01: https://aws.amazon.com/vpc/pricing/, seen on 2026-11-01. */
    static final long AWS_PUBLIC_IPV4_PER_HOUR = 5_000;
    /** Micro-dollars an hour on Google Cloud, less on its spot market: https://cloud.google.com/vpc/network-pricing, as of November 2026. */
    static final long GCP_PUBLIC_IPV4_PER_HOUR = 5_000;
    static final long GCP_SPOT_PUBLIC_IPV4_PER_HOUR = 2_500;
    /** A pod that stays serves tasks without each waiting for a start, as everywhere else. */
    static final PodKind POD_KIND = PodKind.AGENT_POD;
    /** Long enough for a cluster's autoscaler to bring a node, which takes minutes; short enough where there is another pool to go to. */
    static final Duration PATIENCE = minutes(5);
    /** What a task is likelier the cause of than the victim: another pod would end as this one did. */
    static final List<String> FAIL_ON_END = List.of("OOMKilled", "Error", "DeadlineExceeded");
    /** No running task ends because somebody deleted a fleet. */
    static final ShutdownAction SHUTDOWN = ShutdownAction.IDLE;

    private Defaults() {}

    /**
     * The spec with every default filled in. Filling in twice changes nothing.
     *
     * @param installation the installation's name, first part of the default workers prefix
     */
    public static FleetSpec fill(FleetSpec spec, String installation) {
        var filled = spec.toBuilder();
        if (spec.getConnection().isEmpty()) {
            filled.setConnection(CONNECTION);
        }
        if (spec.getCurrency().isEmpty()) {
            filled.setCurrency(CURRENCY);
        }
        if (spec.getTimeZone().isEmpty()) {
            filled.setTimeZone(TIME_ZONE);
        }
        if (spec.getWorkersPrefix().isEmpty()) {
            filled.setWorkersPrefix(installation + "-" + spec.getName());
        }
        if (spec.getShutdown() == ShutdownAction.SHUTDOWN_ACTION_UNSPECIFIED) {
            filled.setShutdown(SHUTDOWN);
        }
        if (!spec.hasCountOtherWorkers()) {
            filled.setCountOtherWorkers(true);
        }
        var rescue = filled.getRescueBuilder();
        if (!rescue.hasEnabled()) {
            rescue.setEnabled(true);
        }
        if (!rescue.hasRescueAfter()) {
            rescue.setRescueAfter(RESCUE_AFTER);
        }
        if (!rescue.hasAttempts()) {
            rescue.setAttempts(RESCUE_ATTEMPTS);
        }
        if (rescue.getOptOutTag().isEmpty()) {
            rescue.setOptOutTag(RESCUE_OPT_OUT_TAG);
        }
        filled.getBudgetsBuilderList().forEach(Defaults::fill);
        for (var queue : filled.getQueuesBuilderList()) {
            fill(queue, spec);
        }
        for (var pool : filled.getPoolsBuilderList()) {
            fill(pool, filled.getConnection());
            fill(pool.getCostBuilder(), spec.getCost(), filled.getCurrency().equals(CURRENCY) ? publicIpv4(pool) : OptionalLong.empty());
        }
        for (var pool : filled.getPoolsBuilderList()) {
            if (isOfPods(pool)) {
                fillPods(pool, filled.getQueuesList());
            }
        }
        return filled.build();
    }

    static boolean isOfPods(PoolSpecOrBuilder pool) {
        return pool.getOffersList().stream().anyMatch(offer -> offer.getKey().getProvider().equals("k8s"));
    }

    /** Once the queues have their pools. */
    private static void fillPods(PoolSpec.Builder pool, List<QueueSpec> queues) {
        if (!pool.hasPatience() && queues.stream().anyMatch(queue -> hasAnother(queue, pool.getName()))) {
            pool.setPatience(PATIENCE);
        }
        // Also so that its cost and its commands are those of pods where the spec has no word on them.
        var k8s = pool.getLaunchBuilder().getK8SBuilder();
        if (k8s.getPods() == PodKind.POD_KIND_UNSPECIFIED) {
            k8s.setPods(POD_KIND);
        }
        FAIL_ON_END.stream().filter(reason -> !pool.containsOnEnd(reason)).forEach(reason -> pool.putOnEnd(reason, TaskAction.FAIL_TASK));
    }

    /** A pool to go to when this one has no room: one named after it or, where the cheapest comes first, any other. */
    private static boolean hasAnother(QueueSpec queue, String pool) {
        var at = queue.getPoolsList().indexOf(pool);
        return at >= 0 && queue.getPoolsCount() > (queue.getOrder() == Order.CHEAPEST ? 1 : at + 1);
    }

    /** The dearest of the pool's offers, in micro-dollars. Empty: no offer's cloud has a known price. */
    private static OptionalLong publicIpv4(PoolSpec.Builder pool) {
        return pool.getOffersList().stream().map(OfferSpec::getKey).filter(key -> List.of("aws", "gcp").contains(key.getProvider()))
                .mapToLong(key -> key.getProvider().equals("aws") ? AWS_PUBLIC_IPV4_PER_HOUR
                        : key.getMarket() == Market.SPOT ? GCP_SPOT_PUBLIC_IPV4_PER_HOUR : GCP_PUBLIC_IPV4_PER_HOUR).max();
    }

    private static void fill(QueueSpec.Builder queue, FleetSpec spec) {
        if (queue.getPoolsCount() == 0) {
            spec.getPoolsList().forEach(pool -> queue.addPools(pool.getName()));
        }
        if (queue.getOrder() == Order.ORDER_UNSPECIFIED) {
            queue.setOrder(ORDER);
        }
        if (!queue.hasWeight()) {
            queue.setWeight(WEIGHT);
        }
        queue.getBudgetsBuilderList().forEach(Defaults::fill);
    }

    private static void fill(BudgetSpec.Builder budget) {
        if (budget.hasHardMicros() && budget.getHardAction() == BudgetAction.BUDGET_ACTION_UNSPECIFIED) {
            budget.setHardAction(HARD_ACTION);
        }
        if (budget.hasSoftMicros() && budget.getSoftAction() == BudgetAction.BUDGET_ACTION_UNSPECIFIED) {
            budget.setSoftAction(SOFT_ACTION);
        }
    }

    /** Field by field: the pool's own, else the fleet's, else the default. Disks have none, and are then not counted. */
    private static void fill(CostSpec.Builder cost, CostSpec fleet, OptionalLong publicIpv4) {
        if (!cost.hasPriceFactor()) {
            cost.setPriceFactor(fleet.hasPriceFactor() ? fleet.getPriceFactor() : PRICE_FACTOR);
        }
        if (!cost.hasDiskMicrosPerGibMonth() && fleet.hasDiskMicrosPerGibMonth()) {
            cost.setDiskMicrosPerGibMonth(fleet.getDiskMicrosPerGibMonth());
        }
        if (!cost.hasPublicIpv4MicrosPerHour() && (fleet.hasPublicIpv4MicrosPerHour() || publicIpv4.isPresent())) {
            cost.setPublicIpv4MicrosPerHour(fleet.hasPublicIpv4MicrosPerHour() ? fleet.getPublicIpv4MicrosPerHour() : publicIpv4.getAsLong());
        }
    }

    private static void fill(PoolSpec.Builder pool, String connection) {
        if (pool.getOrder() == Order.ORDER_UNSPECIFIED) {
            pool.setOrder(ORDER);
        }
        if (pool.getSlots() == 0) {
            pool.setSlots(SLOTS);
        }
        if (!pool.hasLimits()) {
            pool.setLimits(Limits.getDefaultInstance());
        }
        if (!pool.hasIdleTimeout()) {
            pool.setIdleTimeout(IDLE_TIMEOUT);
        }
        if (!pool.hasBootDeadline()) {
            pool.setBootDeadline(BOOT_DEADLINE);
        }
        if (!pool.hasRegistrationDeadline()) {
            pool.setRegistrationDeadline(REGISTRATION_DEADLINE);
        }
        if (!pool.hasReserveFor()) {
            pool.setReserveFor(RESERVE_FOR);
        }
        for (OfferSpec.Builder offer : pool.getOffersBuilderList()) {
            if (offer.getKey().getMarket() == Market.MARKET_UNSPECIFIED) {
                offer.getKeyBuilder().setMarket(MARKET);
            }
        }
        pool.getBudgetsBuilderList().forEach(Defaults::fill);
        var boot = pool.getLaunchBuilder().getBootBuilder();
        if (boot.getConnection().isEmpty()) {
            boot.setConnection(connection);
        }
        if (!boot.hasDocker()) {
            boot.setDocker(!isOfPods(pool));
        }
    }

    private static Duration minutes(int minutes) {
        return Duration.newBuilder().setSeconds(60L * minutes).build();
    }
}
