package dev.muster.planner.spec;

import com.google.protobuf.Duration;
import dev.muster.v1.BudgetAction;
import dev.muster.v1.BudgetPeriod;
import dev.muster.v1.BudgetSpec;
import dev.muster.v1.CostSpec;
import dev.muster.v1.Disk;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.Limits;
import dev.muster.v1.Market;
import dev.muster.v1.OfferSpec;
import dev.muster.v1.Order;
import dev.muster.v1.PoolSpec;
import dev.muster.v1.QueueSpec;
import dev.muster.v1.ScheduleSpec;
import java.util.Random;
import java.util.function.Consumer;

/** Specs by chance: good numbers mostly, and now and then one that nobody would write. */
final class RandomSpecs {

    private static final String[] CRONS = {"0 8 * * 1-5", "*/15 * * * *", "0 0 29 2 *", "0 0 31 4 *", "0 8 * *", "@daily", ""};
    private static final String[] ZONES = {"", "UTC", "Europe/Berlin", "Asia/Kolkata", "Mars/Olympus"};
    private static final long[] AMOUNTS = {1, 50_000, 1_000_000, 40_000_000, 300_000_000, 5_000_000_000L, 0, -1, 1_000_000_000_000L, 1_000_000_000_000_000L, Long.MAX_VALUE};
    private static final double[] FACTORS = {1, 0.85, 1.19, 1000, 0, -1, Double.NaN, Double.POSITIVE_INFINITY};
    private static final long[] SPANS = {600, 1800, 3600, 36_000, 86_400, 2_678_400, 0, 59, -1, 31_622_400, Long.MAX_VALUE};
    private static final int[] COUNTS = {0, 1, 2, 5, 10, Integer.MAX_VALUE, -1};

    private final Random random;

    RandomSpecs(long seed) {
        random = new Random(seed);
    }

    FleetSpec fleet() {
        var fleet = FleetSpec.newBuilder().setName("train").setCurrency(chance(9) ? "USD" : "").setTimeZone(rarely() ? ZONES[random.nextInt(ZONES.length)] : "");
        for (int i = 0; i < 1 + random.nextInt(2); i++) {
            fleet.addPools(pool("pool-" + i));
        }
        for (int i = 0; i < 1 + random.nextInt(2); i++) {
            var queue = QueueSpec.newBuilder().setName("queue-" + i).setOrder(chance(5) ? Order.CHEAPEST : Order.LISTED);
            maybe(() -> queue.setPriority(random.nextInt(3)));
            maybe(() -> queue.addPools("pool-" + random.nextInt(2)));
            maybe(() -> queue.addBudgets(budget()));
            fleet.addQueues(queue);
        }
        maybe(() -> fleet.addBudgets(budget()));
        maybe(() -> fleet.addBudgets(budget()));
        maybe(() -> fleet.addSchedules(schedule(false)));
        maybe(() -> fleet.setCost(cost()));
        maybe(() -> fleet.setLimits(Limits.newBuilder().setMax(10 + count())));
        return fleet.build();
    }

    private PoolSpec pool(String name) {
        var pool = PoolSpec.newBuilder().setName(name).setLimits(Limits.newBuilder().setMax(10));
        var google = chance(3);
        var types = google ? new String[] {"n1-standard-4", "n1-highmem-8", "g2-standard-4"} : new String[] {"m5.large", "m5.xlarge", "g4dn.xlarge"};
        for (int i = 0; i < 1 + random.nextInt(3); i++) {
            var key = google ? Specs.offerKey(types[i]).setProvider("gcp").setRegion("us-central1") : Specs.offerKey(types[i]);
            var offer = OfferSpec.newBuilder().setKey(key.setMarket(chance(3) ? Market.SPOT : Market.MARKET_UNSPECIFIED));
            if (chance(8)) {
                offer.setPriceMicrosPerHour(amount());
            }
            if (offer.getKey().getMarket() == Market.SPOT) {
                maybe(() -> offer.setPriceCeilingMicrosPerHour(amount()));
            }
            pool.addOffers(offer);
        }
        maybe(() -> pool.setWarm(count()));
        span(pool::setIdleTimeout);
        span(pool::setRegistrationDeadline);
        span(pool::setReserveFor);
        span(pool::setMaxAge);
        span(pool::setLeastPaid);
        span(pool::setScaleOutDelay);
        span(pool::setScaleInDelay);
        maybe(() -> pool.getDisruptionBuilder().setDraining(count()));
        if (rarely()) {
            span(pool::setSpotRollbackAfter);
            span(pool::setSpotBlackout);
        }
        maybe(() -> pool.addBudgets(budget()));
        maybe(() -> pool.addSchedules(schedule(true)));
        maybe(() -> pool.setCost(cost()));
        maybe(() -> pool.getLaunchBuilder().addDisks(Disk.newBuilder().setSizeGib(count() * 100)));
        if (google) {
            maybe(() -> pool.getLaunchBuilder().getGcpBuilder().setPublicIp(random.nextBoolean()).setGpuCount(count()).setGpuType(chance(5) ? "nvidia-tesla-t4" : ""));
            span(span -> pool.getLaunchBuilder().getGcpBuilder().setMaxRunDuration(span));
        }
        return pool.build();
    }

    private BudgetSpec budget() {
        var budget = BudgetSpec.newBuilder().setPeriod(pick(BudgetPeriod.PER_HOUR, BudgetPeriod.PER_DAY, BudgetPeriod.PER_MONTH));
        maybe(() -> budget.setSoftMicros(amount()));
        if (!budget.hasSoftMicros() || chance(5)) {
            budget.setHardMicros(amount());
        }
        if (rarely()) {
            budget.setHardAction(BudgetAction.forNumber(random.nextInt(7))).setSoftAction(BudgetAction.forNumber(random.nextInt(7)));
            maybe(() -> budget.setCheapMicrosPerHour(amount()));
            maybe(() -> budget.setMinPriority(random.nextInt(3)));
        }
        return budget.build();
    }

    private ScheduleSpec schedule(boolean ofPool) {
        var schedule = ScheduleSpec.newBuilder().setCron(CRONS[chance(7) ? random.nextInt(3) : random.nextInt(CRONS.length)])
                .setTimeZone(chance(8) ? "" : ZONES[random.nextInt(ZONES.length)]);
        schedule.setLasts(Duration.newBuilder().setSeconds(chance(8) ? 3600 : SPANS[random.nextInt(SPANS.length)]));
        if (ofPool) {
            maybe(() -> schedule.setMin(count()));
        }
        maybe(() -> schedule.setMax(count()));
        maybe(() -> schedule.setPaused(random.nextBoolean()));
        if (ofPool) {
            maybe(() -> schedule.setWarm(count()));
        }
        return schedule.build();
    }

    private CostSpec cost() {
        var cost = CostSpec.newBuilder();
        maybe(() -> cost.setPriceFactor(FACTORS[chance(8) ? random.nextInt(4) : random.nextInt(FACTORS.length)]));
        maybe(() -> cost.setDiskMicrosPerGibMonth(amount()));
        maybe(() -> cost.setPublicIpv4MicrosPerHour(amount()));
        return cost.build();
    }

    private long amount() {
        return AMOUNTS[chance(9) ? random.nextInt(6) : random.nextInt(AMOUNTS.length)];
    }

    private int count() {
        return COUNTS[chance(9) ? random.nextInt(5) : random.nextInt(COUNTS.length)];
    }

    private void span(Consumer<Duration> field) {
        maybe(() -> field.accept(Duration.newBuilder().setSeconds(SPANS[chance(9) ? random.nextInt(6) : random.nextInt(SPANS.length)]).build()));
    }

    private void maybe(Runnable change) {
        if (rarely()) {
            change.run();
        }
    }

    private boolean rarely() {
        return random.nextInt(4) == 0;
    }

    private boolean chance(int ofTen) {
        return random.nextInt(10) < ofTen;
    }

    @SafeVarargs
    private <T> T pick(T... values) {
        return values[random.nextInt(values.length)];
    }
}
