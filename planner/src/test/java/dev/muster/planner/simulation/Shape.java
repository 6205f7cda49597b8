package dev.muster.planner.simulation;

import dev.muster.planner.core.Budget;
import dev.muster.planner.core.Costs;
import dev.muster.planner.core.FleetHead;
import dev.muster.planner.core.FleetSpec;
import dev.muster.planner.core.Limits;
import dev.muster.planner.core.Market;
import dev.muster.planner.core.Offer;
import dev.muster.planner.core.OfferKey;
import dev.muster.planner.core.Pool;
import dev.muster.planner.core.Queue;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * What a run's world is like: its fleet, and how fast, how late and how unreliable its parts are. The only place that builds specs and
 * heads.
 *
 * @param interval of the watcher's looks, milliseconds
 * @param watcherSkew how far the watcher's clock is off, milliseconds
 * @param provisionerSkew the same of the provisioner's
 * @param duplicates of a hundred records, how many are appended twice
 * @param twoParts of a hundred looks and lists, how many come in two parts
 * @param rescueAfter how long a task adrift waits where others serve its queue
 * @param money what the fleet may spend
 */
record Shape(List<PoolShape> pools, List<QueueShape> queues, int fleetMax, long interval, long watcherSkew, long provisionerSkew, int duplicates,
        int twoParts, Duration rescueAfter, boolean countOtherWorkers, Money money) {

    static final String PREFIX = "sim-demo";
    /** The longest task, 4 min, with its machine's boot, drain and end, and room for faults on the way. */
    static final Duration RESERVE = Duration.ofMinutes(20);
    static final Instant START = Instant.parse("2026-01-05T08:00:00Z");

    record PoolShape(String name, List<Offer> offers, Pool.Order order, int min, int max, int slots, Duration idleTimeout, Duration bootDeadline,
            Duration registrationDeadline, int launchesPerMinute, int unregistered, Extras extras) {

        PoolShape with(List<Offer> other) {
            return new PoolShape(name, other, order, min, max, slots, idleTimeout, bootDeadline, registrationDeadline, launchesPerMinute, unregistered,
                    extras);
        }

        PoolShape with(Extras other) {
            return new PoolShape(name, offers, order, min, max, slots, idleTimeout, bootDeadline, registrationDeadline, launchesPerMinute, unregistered,
                    other);
        }
    }

    /** What most pools don't use. */
    record Extras(int warm, Duration scaleOutDelay, Pool.Leaving leaving, Pool.Spot spot) {

        static final Extras NONE = new Extras(0, Duration.ZERO, Pool.Leaving.DEFAULT, Pool.Spot.DEFAULT);

        static Extras of(Dice dice) {
            if (dice.chance(60)) {
                return NONE;
            }
            var leaving = new Pool.Leaving(dice.chance(30) ? Duration.ofSeconds(dice.between(200, 900)) : null,
                    dice.chance(30) ? Duration.ofSeconds(dice.between(30, 600)) : Duration.ZERO,
                    dice.chance(30) ? Duration.ofSeconds(dice.between(10, 120)) : Duration.ZERO, dice.chance(30) ? dice.between(1, 2) : 0);
            var spot = dice.chance(40) ? new Pool.Spot(Duration.ofSeconds(dice.between(30, 300)), Duration.ofSeconds(dice.between(60, 600))) : Pool.Spot.DEFAULT;
            return new Extras(dice.chance(25) ? 1 : 0, dice.chance(30) ? Duration.ofSeconds(dice.between(5, 90)) : Duration.ZERO, leaving, spot);
        }
    }

    /**
     * Hard limits of the fleet, micro-units.
     *
     * @param rate an hour; empty: none
     * @param day a day, which no run passes the end of; empty: none
     */
    record Money(OptionalLong rate, OptionalLong day, Budget.HardAction action) {

        static final Money NONE = new Money(OptionalLong.empty(), OptionalLong.empty(), Budget.HardAction.STOP_LAUNCHING);

        /** A rate that any one machine fits into beside those that are always kept; a day's budget that may not be enough. */
        static Money of(Dice dice, List<PoolShape> pools) {
            long dearest = 0;
            long kept = 0;
            for (var pool : pools) {
                var most = pool.offers.stream().mapToLong(Shape::committed).max().orElse(0);
                dearest = Math.max(dearest, most);
                kept += most * (pool.min + pool.extras.warm);
            }
            var rate = dice.chance(30) ? OptionalLong.of(kept + dearest * dice.between(1, 3)) : OptionalLong.empty();
            var day = dice.chance(20) ? OptionalLong.of(dearest * dice.between(30, 200) / 60) : OptionalLong.empty();
            return new Money(rate, day, dice.chance(50) ? Budget.HardAction.STOP_LAUNCHING : Budget.HardAction.DRAIN_MACHINES);
        }

        List<Budget> budgets() {
            var budgets = new ArrayList<Budget>();
            rate.ifPresent(micros -> budgets.add(budget(Budget.Period.HOUR, micros)));
            day.ifPresent(micros -> budgets.add(budget(Budget.Period.DAY, micros)));
            return budgets;
        }

        private Budget budget(Budget.Period period, long micros) {
            return new Budget(period, OptionalLong.of(micros), OptionalLong.empty(), action, Budget.SoftAction.WARN, OptionalLong.empty(), 0);
        }
    }

    /** The most that a machine of the offer can cost, micro-units an hour. */
    static long committed(Offer offer) {
        return offer.key().market() == Market.SPOT && offer.ceiling().isPresent() ? offer.ceiling().getAsLong() : offer.price().getAsLong();
    }

    record QueueShape(String name, List<Integer> pools, Pool.Order order, int priority, int weight) {
        String id() {
            return "q-" + name;
        }
    }

    /** What people have changed since the fleet was created. {@code revision} changes a spec without changing what it allows. */
    record Edits(SortedMap<String, Integer> max, SortedSet<String> paused, int revision) {

        static final Edits NONE = new Edits(new TreeMap<>(), new TreeSet<>(), 0);

        Edits withMax(String pool, int machines) {
            var next = new TreeMap<>(max);
            next.put(pool, machines);
            return new Edits(next, paused, revision);
        }

        Edits withPaused(String pool, boolean isPaused) {
            var next = new TreeSet<>(paused);
            if (isPaused) {
                next.add(pool);
            } else {
                next.remove(pool);
            }
            return new Edits(max, next, revision);
        }

        Edits revised() {
            return new Edits(max, paused, revision + 1);
        }
    }

    static Shape of(Dice dice) {
        var scopes = dice.chance(25) ? List.of("us-east-1", "us-west-2") : List.of("us-east-1");
        var pools = new ArrayList<PoolShape>();
        for (int p = 0, count = dice.between(1, 3); p < count; p++) {
            var offers = new ArrayList<Offer>();
            for (int o = 0, many = dice.between(1, 3); o < many; o++) {
                var region = scopes.get(dice.below(scopes.size()));
                var spot = dice.chance(40);
                var price = dice.between(1, 20) * 100_000L;
                var key = new OfferKey("aws", "default", region, region + "abc".charAt(dice.below(3)), "",
                        dice.oneOf(List.of("g4dn.xlarge", "g5.xlarge", "p3.2xlarge")), spot ? Market.SPOT : Market.ON_DEMAND);
                if (offers.stream().noneMatch(other -> other.key().equals(key))) {
                    offers.add(new Offer(key, OptionalLong.of(price), spot && dice.chance(50) ? OptionalLong.of(price * 2) : OptionalLong.empty()));
                }
            }
            var max = dice.between(1, 6);
            var boot = Duration.ofSeconds(dice.between(120, 240));
            pools.add(new PoolShape("p" + p, offers, dice.chance(50) ? Pool.Order.LISTED : Pool.Order.CHEAPEST,
                    dice.chance(20) ? 1 : 0, max, dice.chance(25) ? 2 : 1, Duration.ofSeconds(dice.between(20, 120)), boot,
                    boot.plusSeconds(dice.between(60, 120)), dice.chance(20) ? dice.between(2, 6) : 0, dice.chance(20) ? dice.between(1, 3) : 0, Extras.of(dice)));
        }
        var queues = new ArrayList<QueueShape>();
        for (int q = 0, count = dice.between(1, 2); q < count; q++) {
            var served = new ArrayList<>(IntStream.range(0, pools.size()).boxed().toList());
            while (served.size() > 1 && dice.chance(40)) {
                served.remove(dice.below(served.size()));
            }
            queues.add(new QueueShape("queue" + q, served, dice.chance(50) ? Pool.Order.LISTED : Pool.Order.CHEAPEST, dice.below(2), dice.between(1, 3)));
        }
        // Room for one machine beside those that are always kept, of which the queues may be served by none.
        var kept = pools.stream().mapToInt(pool -> pool.min + pool.extras.warm).sum();
        return new Shape(List.copyOf(pools), List.copyOf(queues), dice.chance(25) ? Math.max(kept + 1, dice.between(2, 6)) : 1000, dice.oneOf(List.of(2000L, 3000L, 5000L)),
                dice.between(-2000, 2000), dice.between(-2000, 2000), dice.chance(50) ? 0 : dice.between(1, 15), dice.chance(80) ? 0 : 20,
                Duration.ofSeconds(dice.between(120, 600)), dice.chance(80), Money.of(dice, pools));
    }

    private Shape with(List<PoolShape> otherPools, List<QueueShape> otherQueues) {
        return new Shape(otherPools, otherQueues, fleetMax, interval, watcherSkew, provisionerSkew, duplicates, twoParts, rescueAfter,
                countOtherWorkers, money);
    }

    /** The same world without duplicates, parts and skew: easier to read. */
    Shape plain() {
        return new Shape(pools, queues, fleetMax, interval, 0, 0, 0, 0, rescueAfter, countOtherWorkers, money);
    }

    /** The same world, its pools without what most don't use. */
    Shape withoutExtras() {
        return with(pools.stream().map(pool -> pool.with(Extras.NONE)).toList(), queues);
    }

    /** The same world without budgets. */
    Shape withoutBudgets() {
        return new Shape(pools, queues, fleetMax, interval, watcherSkew, provisionerSkew, duplicates, twoParts, rescueAfter, countOtherWorkers,
                Money.NONE);
    }

    /** The same world, each pool with its first offer only. */
    Shape withOneOffer() {
        return with(pools.stream().map(pool -> pool.with(pool.offers.subList(0, 1))).toList(), queues);
    }

    /** The same world with its first pool and queue only. */
    Shape withOnePool() {
        var queue = queues.get(0);
        return with(pools.subList(0, 1), List.of(new QueueShape(queue.name, List.of(0), queue.order, queue.priority, queue.weight)));
    }

    FleetSpec spec(Edits edits) {
        return new FleetSpec("default", PREFIX,
                queues.stream().map(q -> new Queue(q.name, q.pools.stream().map(p -> pools.get(p).name).toList(), q.order, q.priority, q.weight, List.of())).toList(),
                pools.stream().map(p -> pool(p, edits)).toList(), new Limits(0, fleetMax),
                new FleetSpec.Rescue(true, rescueAfter, 3, "muster-no-rescue"), countOtherWorkers, money.budgets(), List.of(), ZoneOffset.UTC);
    }

    private static Pool pool(PoolShape p, Edits edits) {
        var max = edits.max.getOrDefault(p.name, p.max);
        return new Pool(p.name, p.offers, p.order, new Limits(Math.min(p.min, max), max), p.extras.warm, p.slots,
                p.idleTimeout.plusMillis(edits.revision), p.bootDeadline, p.registrationDeadline, RESERVE, p.extras.scaleOutDelay,
                p.launchesPerMinute, p.unregistered, edits.paused.contains(p.name), p.extras.leaving, p.extras.spot, Costs.NONE, List.of(), List.of());
    }

    FleetHead head(Edits edits, FleetHead.State state, FleetHead.ShutdownAction action, long version, Instant changedAt) {
        return new FleetHead("demo", "abcdefgh", List.of(), version, state, action, spec(edits), START, changedAt);
    }

    /** Every offer of the world once, in order. */
    List<Offer> offers() {
        return pools.stream().flatMap(pool -> pool.offers.stream()).toList();
    }
}
