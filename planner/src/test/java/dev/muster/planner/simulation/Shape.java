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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
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
 * @param gpus most that pods of the fleet may request together; 0: no such limit
 */
record Shape(List<PoolShape> pools, List<QueueShape> queues, int fleetMax, long interval, long watcherSkew, long provisionerSkew, int duplicates,
        int twoParts, Duration rescueAfter, boolean countOtherWorkers, Money money, int gpus) {

    static final String PREFIX = "sim-demo";
    /** The longest task, 4 min, with its machine's boot, drain and end, and room for faults on the way. */
    static final Duration RESERVE = Duration.ofMinutes(20);
    static final Instant START = Instant.parse("2026-01-05T08:00:00Z");

    record PoolShape(String name, List<Offer> offers, Pool.Order order, int min, int max, int slots, Duration idleTimeout, Duration bootDeadline,
            Duration registrationDeadline, int launchesPerMinute, int unregistered, Extras extras, PodsShape pods) {

        PoolShape with(List<Offer> other) {
            return new PoolShape(name, other, order, min, max, slots, idleTimeout, bootDeadline, registrationDeadline, launchesPerMinute, unregistered,
                    extras, pods);
        }

        PoolShape with(Extras other) {
            return new PoolShape(name, offers, order, min, max, slots, idleTimeout, bootDeadline, registrationDeadline, launchesPerMinute, unregistered,
                    other, pods);
        }

        /** Those that are made for one task each are kept for none. */
        PoolShape with(PodsShape other, List<Offer> one) {
            var bound = other.taskBound;
            return new PoolShape(name, one, order, bound ? 0 : min, max, bound ? 1 : slots, idleTimeout, bootDeadline, registrationDeadline,
                    launchesPerMinute, unregistered, bound ? new Extras(0, extras.scaleOutDelay, extras.leaving, extras.spot) : extras, other);
        }

        private int kept() {
            return min + extras.warm;
        }
    }

    /**
     * What a pool of pods is like.
     *
     * @param nodes null: its machines are no pods
     * @param patience null: a pod waits for room for ever
     * @param failing reasons of an end with which a task is failed
     * @param gpus that one pod requests
     */
    record PodsShape(boolean taskBound, Duration patience, Set<String> failing, int gpus, NodesShape nodes) {

        static final PodsShape NONE = new PodsShape(false, null, Set.of(), 0, null);
        static final String GPU = "nvidia.com/gpu";

        boolean arePods() {
            return nodes != null;
        }

        Pool.Pods spec() {
            return arePods() ? new Pool.Pods(taskBound, patience, failing, new TreeMap<>(Map.of(GPU, gpus * 1000L))) : Pool.Pods.NONE;
        }
    }

    /**
     * The nodes for pods of one offer.
     *
     * @param room for so many pods
     * @param addsAfter how long the cluster's autoscaler takes for one more, ms; 0: there is none
     * @param least room for so many is made once faults have stopped
     * @param staysFull there never is any more
     */
    record NodesShape(int room, long addsAfter, int least, boolean staysFull) {}

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
                kept += most * pool.kept();
            }
            var rate = dice.chance(30) ? OptionalLong.of(kept + dearest * dice.between(1, 3)) : OptionalLong.empty();
            var day = dice.chance(20) ? OptionalLong.of(dearest * dice.between(30, 200) / 60) : OptionalLong.empty();
            return new Money(rate, day, dice.chance(50) ? Budget.HardAction.STOP_LAUNCHING : Budget.HardAction.DRAIN_MACHINES);
        }

        /** At least room for any one machine beside those that are always kept, of other pools. */
        Money fitting(List<PoolShape> pools) {
            var dearest = pools.stream().flatMap(pool -> pool.offers.stream()).mapToLong(Shape::committed).max().orElse(0);
            var kept = pools.stream().mapToLong(pool -> pool.kept() * pool.offers.stream().mapToLong(Shape::committed).max().orElse(0)).sum();
            return new Money(rate.isEmpty() ? rate : OptionalLong.of(Math.max(rate.getAsLong(), kept + dearest)),
                    day.isEmpty() ? day : OptionalLong.of(Math.max(day.getAsLong(), dearest * 30 / 60)), action);
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
                    boot.plusSeconds(dice.between(60, 120)), dice.chance(20) ? dice.between(2, 6) : 0, dice.chance(20) ? dice.between(1, 3) : 0, Extras.of(dice),
                    PodsShape.NONE));
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
        var kept = pools.stream().mapToInt(PoolShape::kept).sum();
        return new Shape(List.copyOf(pools), List.copyOf(queues), dice.chance(25) ? Math.max(kept + 1, dice.between(2, 6)) : 1000, dice.oneOf(List.of(2000L, 3000L, 5000L)),
                dice.between(-2000, 2000), dice.between(-2000, 2000), dice.chance(50) ? 0 : dice.between(1, 15), dice.chance(80) ? 0 : 20,
                Duration.ofSeconds(dice.between(120, 600)), dice.chance(80), Money.of(dice, pools), 0);
    }

    /** In some worlds, some pools are pods of a cluster. Thrown apart, so that it moves nothing else of any seed. */
    Shape withPods(Dice dice) {
        if (!dice.chance(60)) {
            return this;
        }
        var some = dice.below(pools.size());
        var chosen = IntStream.range(0, pools.size()).filter(p -> p == some | dice.chance(50)).boxed().toList();
        // Pools of one offer share its nodes, and what is known of their room.
        var isOneOffer = dice.chance(30);
        var offers = new HashMap<Integer, Offer>();
        var offer = (Offer) null;
        for (var p : chosen) {
            if (offer == null || !isOneOffer) {
                offer = new Offer(new OfferKey("k8s", "lab", "ml", "", "", isOneOffer ? "pod" : "pod-" + pools.get(p).name, Market.ON_DEMAND),
                        OptionalLong.of(dice.between(0, 5) * 100_000L), OptionalLong.empty());
            }
            offers.put(p, offer);
        }
        var hasOtherPool = queues.stream().noneMatch(queue -> chosen.containsAll(queue.pools));
        var next = new ArrayList<>(pools);
        var nodes = (NodesShape) null;
        for (var p : chosen) {
            if (nodes == null || !isOneOffer) {
                var kept = isOneOffer ? chosen.stream().mapToInt(each -> pools.get(each).kept()).sum() : pools.get(p).kept();
                nodes = new NodesShape(dice.chance(40) ? 0 : dice.between(1, 4), dice.chance(50) ? dice.between(20_000, 240_000) : 0,
                        kept + dice.between(2, 4), hasOtherPool && dice.chance(30));
            }
            var patience = nodes.staysFull || dice.chance(50) ? Duration.ofSeconds(dice.between(20, 300)) : null;
            var failing = dice.chance(50) ? Set.of("OOMKilled") : Set.<String>of();
            next.set(p, pools.get(p).with(new PodsShape(dice.chance(65), patience, failing, dice.between(1, 2), nodes), List.of(offers.get(p))));
        }
        var keptGpus = next.stream().mapToInt(pool -> pool.kept() * pool.pods.gpus).sum();
        return new Shape(List.copyOf(next), queues, fleetMax, interval, watcherSkew, provisionerSkew, duplicates, twoParts, rescueAfter,
                countOtherWorkers, money.fitting(next), dice.chance(30) ? keptGpus + dice.between(2, 5) : 0);
    }

    PoolShape pool(String name) {
        return pools.stream().filter(pool -> pool.name.equals(name)).findFirst().orElseThrow();
    }

    boolean hasPods() {
        return pools.stream().anyMatch(pool -> pool.pods.arePods());
    }

    private Shape with(List<PoolShape> otherPools, List<QueueShape> otherQueues) {
        return new Shape(otherPools, otherQueues, fleetMax, interval, watcherSkew, provisionerSkew, duplicates, twoParts, rescueAfter,
                countOtherWorkers, money, gpus);
    }

    /** The same world without duplicates, parts and skew: easier to read. */
    Shape plain() {
        return new Shape(pools, queues, fleetMax, interval, 0, 0, 0, 0, rescueAfter, countOtherWorkers, money, gpus);
    }

    /** The same world, its pools without what most don't use. */
    Shape withoutExtras() {
        return with(pools.stream().map(pool -> pool.with(Extras.NONE)).toList(), queues);
    }

    /** The same world without budgets. */
    Shape withoutBudgets() {
        return new Shape(pools, queues, fleetMax, interval, watcherSkew, provisionerSkew, duplicates, twoParts, rescueAfter, countOtherWorkers,
                Money.NONE, gpus);
    }

    /** The same world, each pool with its first offer only. */
    Shape withOneOffer() {
        return with(pools.stream().map(pool -> pool.with(pool.offers.subList(0, 1))).toList(), queues);
    }

    /** The same world, its pods machines like others. */
    Shape withoutPods() {
        return with(pools.stream().map(pool -> pool.with(PodsShape.NONE, pool.offers)).toList(), queues);
    }

    /** The same world with its first pool and queue only, whose nodes are not full for ever. */
    Shape withOnePool() {
        var queue = queues.get(0);
        var pool = pools.get(0);
        var nodes = pool.pods.nodes;
        var pods = nodes == null ? pool.pods : new PodsShape(pool.pods.taskBound, pool.pods.patience, pool.pods.failing, pool.pods.gpus,
                new NodesShape(nodes.room, nodes.addsAfter, nodes.least, false));
        return with(List.of(pool.with(pods, pool.offers)), List.of(new QueueShape(queue.name, List.of(0), queue.order, queue.priority, queue.weight)));
    }

    FleetSpec spec(Edits edits) {
        return new FleetSpec("default", PREFIX,
                queues.stream().map(q -> new Queue(q.name, q.pools.stream().map(p -> pools.get(p).name).toList(), q.order, q.priority, q.weight, List.of())).toList(),
                pools.stream().map(p -> pool(p, edits)).toList(), new Limits(0, fleetMax, resources()),
                new FleetSpec.Rescue(true, rescueAfter, 3, "muster-no-rescue"), countOtherWorkers, money.budgets(), List.of(), ZoneOffset.UTC);
    }

    private SortedMap<String, Long> resources() {
        return gpus == 0 ? new TreeMap<>() : new TreeMap<>(Map.of(PodsShape.GPU, gpus * 1000L));
    }

    private static Pool pool(PoolShape p, Edits edits) {
        var max = edits.max.getOrDefault(p.name, p.max);
        return new Pool(p.name, p.offers, p.order, new Limits(Math.min(p.min, max), max), p.extras.warm, p.slots,
                p.idleTimeout.plusMillis(edits.revision), p.bootDeadline, p.registrationDeadline, RESERVE, p.extras.scaleOutDelay,
                p.launchesPerMinute, p.unregistered, edits.paused.contains(p.name), p.extras.leaving, p.extras.spot, Costs.NONE, List.of(), List.of(),
                p.pods.spec());
    }

    FleetHead head(Edits edits, FleetHead.State state, FleetHead.ShutdownAction action, long version, Instant changedAt) {
        return new FleetHead("demo", "abcdefgh", List.of(), version, state, action, spec(edits), START, changedAt);
    }

    /** Every offer of the world once, in order. */
    List<Offer> offers() {
        return pools.stream().flatMap(pool -> pool.offers.stream()).toList();
    }
}
