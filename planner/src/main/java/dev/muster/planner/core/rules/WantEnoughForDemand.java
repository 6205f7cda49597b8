package dev.muster.planner.core.rules;

import dev.muster.planner.core.Budget;
import dev.muster.planner.core.Constraint;
import dev.muster.planner.core.Costs;
import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.Launches;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.Matching;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Pool;
import dev.muster.planner.core.Proposal;
import dev.muster.planner.core.Queue;
import dev.muster.planner.core.QueueSeen;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;

/**
 * Weighs what waits against what is idle or booting, and wants machines for the rest. Running work is never subtracted, and what one
 * pool will cover is not asked of the next.
 */
public final class WantEnoughForDemand implements Rule {

    private final Launches launches;
    private final TakeBackDrains takeBack = new TakeBackDrains();

    public WantEnoughForDemand(Launches launches) {
        this.launches = launches;
    }

    /** What a queue still wants, and what was in the way so far. */
    private static final class Want {
        private final Queue queue;
        private final List<Pool> pools;
        private final int waiting;
        private final int supply;
        /** Waiting tasks that no machine was made for, as far as they are known by name, in the queue's order. */
        private final List<String> unbound;
        private final List<Constraint> constraints = new ArrayList<>();
        /** The same by the pool in whose way it was. */
        private final Map<String, List<Constraint>> byPool = new HashMap<>();
        private int left;
        /** Machines that it may have of what the whole fleet may still launch. */
        private int share = Integer.MAX_VALUE;

        private Want(Queue queue, List<Pool> pools, int waiting, int supply, List<String> unbound) {
            this.queue = queue;
            this.pools = pools;
            this.waiting = waiting;
            this.supply = supply;
            this.unbound = new ArrayList<>(unbound);
            this.left = waiting - supply;
        }

        /** Those for which machines may be made one by one: the last ones, since whoever is idle or comes takes the first. */
        private List<String> ownMachines() {
            return unbound.subList(Math.max(0, unbound.size() - left), unbound.size());
        }

        private void hindered(Pool pool, List<Constraint> by) {
            constraints.addAll(by);
            byPool.computeIfAbsent(pool.name(), first -> new ArrayList<>()).addAll(by);
        }

        /** What was in the way of the pools before it. */
        private List<Constraint> before(Pool pool) {
            return pools.stream().takeWhile(each -> each != pool).flatMap(each -> byPool.getOrDefault(each.name(), List.of()).stream()).toList();
        }

        private int machines(Pool pool) {
            var machines = Math.min(share, (left + pool.slots() - 1) / pool.slots());
            return pool.pods().taskBound() ? Math.min(machines, ownMachines().size()) : machines;
        }
    }

    @Override
    public void apply(Planning planning) {
        if (planning.isHeld()) {
            return;
        }
        var byPriority = new TreeMap<Integer, List<Want>>(Comparator.reverseOrder());
        for (var want : weigh(planning)) {
            byPriority.computeIfAbsent(want.queue.priority(), priority -> new ArrayList<>()).add(want);
        }
        byPriority.values().forEach(wants -> {
            shareFleet(planning, wants);
            serve(planning, wants);
            // What one could not use of its share, because of its own pools, is the others'.
            if (wants.stream().anyMatch(want -> want.left > 0 && want.share < Integer.MAX_VALUE)) {
                wants.forEach(want -> want.share = Integer.MAX_VALUE);
                serve(planning, wants);
            }
        });
        byPriority.values().forEach(wants -> wants.forEach(want -> refuse(planning, want)));
    }

    // What waits, and what will take it.

    /** The queues for which something waits that nothing idle or booting will take. */
    private static List<Want> weigh(Planning planning) {
        var pools = planning.spec().pools();
        var groups = idleOthers(planning);
        var free = new int[pools.size() + groups.size()];
        var indexes = new HashMap<String, Integer>();
        for (int i = 0; i < pools.size(); i++) {
            // A machine that was made for one task is supply for that task, and for no other.
            free[i] = pools.get(i).pods().taskBound() ? 0 : planning.books(pools.get(i)).freeSlots();
            indexes.put(pools.get(i).name(), i);
        }
        var queueIds = List.copyOf(groups.keySet());
        for (int i = 0; i < queueIds.size(); i++) {
            free[pools.size() + i] = groups.get(queueIds.get(i));
        }
        var queues = planning.spec().queues().stream()
                .sorted(Comparator.comparingInt(Queue::priority).reversed().thenComparingInt(queue -> queue.pools().size())).toList();
        var wanted = new int[queues.size()];
        var bound = new int[queues.size()];
        var unbound = new ArrayList<List<String>>();
        var refused = refusedSinceLook(planning);
        var suppliers = new int[queues.size()][];
        for (int i = 0; i < queues.size(); i++) {
            var waiting = waiting(planning, queues.get(i));
            var first = waiting == 0 ? List.<String>of() : planning.fleet().queues().get(queues.get(i).name()).first();
            var open = first.stream().filter(task -> !isFailing(planning, task) && !refused.contains(task) && !isTooLate(planning, task)).toList();
            unbound.add(open.stream().filter(task -> planning.fleet().boundTo(task).isEmpty()).toList());
            bound[i] = open.size() - unbound.get(i).size();
            wanted[i] = waiting - (first.size() - open.size()) - bound[i];
            suppliers[i] = suppliers(planning, queues.get(i), indexes, queueIds);
        }
        var matching = Matching.of(free, wanted, suppliers);
        // What no waiting task will take, before anything is launched: only that may be released.
        for (int i = 0; i < pools.size(); i++) {
            planning.spare(pools.get(i), matching.left(i));
        }
        var wants = new ArrayList<Want>();
        for (int i = 0; i < queues.size(); i++) {
            if (wanted[i] > matching.taken(i)) {
                wants.add(new Want(queues.get(i), inOrder(planning, queues.get(i)), wanted[i] + bound[i], matching.taken(i) + bound[i], unbound.get(i)));
            }
        }
        return wants;
    }

    /** It is about to be marked failed, or was, and the last look began before: it needs no machine. */
    private static boolean isFailing(Planning planning, String task) {
        return planning.fleet().rescue(task).filter(rescue -> rescue.fails()
                && (rescue.isOpen() || !hasLookedSince(planning, rescue.endedAt()))).isPresent();
    }

    /** Tasks whose own fault a launch was refused for; what waits was looked at before, and the next look says what has become of them. */
    private static Set<String> refusedSinceLook(Planning planning) {
        return planning.fleet().withTaskAtFault().stream().filter(machine -> machine.endedAt() != null && !hasLookedSince(planning, machine.endedAt()))
                .map(Machine::task).collect(Collectors.toSet());
    }

    /** A launch for it was told that it doesn't wait any more, and no look since then says that it does. */
    private static boolean isTooLate(Planning planning, String task) {
        return planning.fleet().tooLateFor(task).filter(at -> !hasLookedSince(planning, at)).isPresent();
    }

    /** The last look certainly began after that moment, whosever clock was ahead. */
    private static boolean hasLookedSince(Planning planning, Instant moment) {
        return planning.fleet().demand().lookStartedAt().isAfter(moment.plus(FinishDrains.SKEW));
    }

    /** Others' workers first, since they cost nothing; then pools as the queue has them. */
    private static int[] suppliers(Planning planning, Queue queue, Map<String, Integer> pools, List<TreeSet<String>> others) {
        var seen = planning.fleet().queues().get(queue.name());
        var list = new ArrayList<Integer>();
        for (int i = 0; i < others.size(); i++) {
            if (seen != null && others.get(i).contains(seen.id())) {
                list.add(pools.size() + i);
            }
        }
        queue.pools().forEach(pool -> {
            if (pools.containsKey(pool)) {
                list.add(pools.get(pool));
            }
        });
        return list.stream().mapToInt(Integer::intValue).toArray();
    }

    private static int waiting(Planning planning, Queue queue) {
        var seen = planning.fleet().queues().get(queue.name());
        if (seen == null || seen.state() == QueueSeen.State.SERVED) {
            return seen == null ? 0 : seen.waiting();
        }
        var missing = seen.state() == QueueSeen.State.MISSING;
        planning.refuse(queue.name(), seen.waiting(), missing ? Constraint.by(WantEnoughForDemand.class, Reason.QUEUE_MISSING).done()
                : Constraint.by(WantEnoughForDemand.class, Reason.QUEUE_OWNED_BY_OTHER).word("fleet", seen.ownerFleet()).done());
        return 0;
    }

    /** Idle workers that are not ours, counted by the queues that they serve. */
    private static Map<TreeSet<String>, Integer> idleOthers(Planning planning) {
        var idle = new TreeMap<TreeSet<String>, Integer>(Comparator.comparing(Object::toString));
        if (!planning.spec().countOtherWorkers()) {
            return idle;
        }
        for (var worker : planning.fleet().otherWorkers()) {
            if (!worker.isBusy()) {
                idle.merge(new TreeSet<>(worker.queueIds()), 1, Integer::sum);
            }
        }
        return idle;
    }

    // Machines for the rest.

    /** Queues of one priority: each asks its first pool, then its second, and so on; where they meet at a limit, they share. */
    private void serve(Planning planning, List<Want> wants) {
        int rounds = wants.stream().mapToInt(want -> want.pools.size()).max().orElse(0);
        for (int round = 0; round < rounds; round++) {
            for (var pool : planning.spec().pools()) {
                var asking = new ArrayList<Want>();
                for (var want : wants) {
                    if (want.left > 0 && round < want.pools.size() && want.pools.get(round) == pool) {
                        useLeftover(planning, pool, want);
                        if (want.left > 0) {
                            want.left -= Math.min(want.left, takeBack.forDemand(planning, pool, want.queue, want.machines(pool)) * pool.slots());
                        }
                        if (want.left > 0) {
                            asking.add(want);
                        }
                    }
                }
                launch(planning, pool, asking);
            }
        }
    }

    /** Where a limit over the whole fleet is less than its queues want together, each gets its share, whatever pools they use. */
    private static void shareFleet(Planning planning, List<Want> wants) {
        var able = wants.stream().filter(want -> !want.pools.isEmpty()).toList();
        if (able.size() < 2) {
            return;
        }
        share(able, planning.fleet(), planning.fleetBounds().limits().max() - planning.fleet().size(), want -> 1);
        for (var budget : planning.spec().budgets()) {
            if (budget.hard().isPresent()) {
                var spending = planning.spending(Budget.Scope.FLEET);
                if (budget.period() == Budget.Period.HOUR) {
                    share(able, planning.fleet(), budget.hard().getAsLong() - spending.committed(), want -> price(planning, want.pools.get(0)));
                } else {
                    share(able, planning.fleet(), budget.hard().getAsLong() - spending.spent(budget.period()) - spending.reserved(),
                            want -> Costs.during(price(planning, want.pools.get(0)), want.pools.get(0).reserveFor()));
                }
            }
        }
    }

    private static void share(List<Want> wants, Fleet fleet, long available, ToLongFunction<Want> cost) {
        long all = wants.stream().mapToLong(want -> want.machines(want.pools.get(0)) * cost.applyAsLong(want)).sum();
        if (all <= available) {
            return;
        }
        var shares = ShareFairly.split(Math.max(0, available), wants.stream().map(want -> new ShareFairly.Claim(want.queue.name(),
                fleet.stayingFor(want.queue.name()), want.machines(want.pools.get(0)), want.queue.weight(), cost.applyAsLong(want))).toList());
        for (int i = 0; i < shares.length; i++) {
            wants.get(i).share = Math.min(wants.get(i).share, shares[i]);
        }
    }

    private static long price(Planning planning, Pool pool) {
        return pool.offers().stream().flatMapToLong(offer -> planning.committed(pool, offer).stream()).findFirst().orElse(0);
    }

    /** Slots that a launch for an earlier queue left over are this queue's to use. */
    private static void useLeftover(Planning planning, Pool pool, Want want) {
        var over = Math.min(want.left, planning.leftover(pool));
        planning.leftover(pool, planning.leftover(pool) - over);
        want.left -= over;
    }

    private void launch(Planning planning, Pool pool, List<Want> asking) {
        int all = asking.stream().mapToInt(want -> want.machines(pool)).sum();
        if (asking.size() < 2) {
            asking.forEach(want -> launch(planning, pool, want, want.machines(pool)));
            return;
        }
        var weighed = launches.weigh(planning, Proposal.of(pool, all));
        if (weighed.size() >= all) {
            for (var want : asking) {
                useLeftover(planning, pool, want);
                launch(planning, pool, want, want.machines(pool));
            }
            return;
        }
        var shares = ShareFairly.split(weighed.size(), asking.stream().map(want -> new ShareFairly.Claim(want.queue.name(),
                planning.fleet().stayingFor(want.queue.name()), want.machines(pool), want.queue.weight(), 1)).toList());
        for (int i = 0; i < asking.size(); i++) {
            var want = asking.get(i);
            int before = want.machines(pool);
            if (shares[i] > 0) {
                launch(planning, pool, want, shares[i]);
            }
            if (shares[i] < before) {
                want.hindered(pool, weighed.constraints());
                if (weighed.size() > 0) {
                    want.hindered(pool, List.of(Constraint.by(ShareFairly.class, Reason.FAIR_SHARE).number("share", shares[i]).number("available", weighed.size())
                            .number("queues", asking.size()).done()));
                }
            }
        }
    }

    private void launch(Planning planning, Pool pool, Want want, int machines) {
        if (machines == 0) {
            return;
        }
        var tasks = pool.pods().taskBound() ? List.copyOf(want.ownMachines().subList(0, machines)) : List.<String>of();
        var admitted = launches.admit(planning, this, Reason.TASKS_WAIT, Proposal.of(pool, want.queue, machines, want.before(pool), tasks), want.waiting,
                want.supply);
        want.unbound.removeAll(tasks.subList(0, Math.min(admitted.size(), tasks.size())));
        var slots = admitted.size() * pool.slots();
        planning.leftover(pool, planning.leftover(pool) + Math.max(0, slots - want.left));
        want.left = Math.max(0, want.left - slots);
        want.share -= want.share == Integer.MAX_VALUE ? 0 : admitted.size();
        want.hindered(pool, admitted.constraints());
    }

    private static void refuse(Planning planning, Want want) {
        if (want.left > 0 && !want.constraints.isEmpty()) {
            planning.refuseQueue(want.queue.name(), want.waiting, want.supply, want.left, want.constraints);
        }
    }

    private static List<Pool> inOrder(Planning planning, Queue queue) {
        var pools = queue.pools().stream().flatMap(name -> planning.spec().pool(name).stream());
        if (queue.order() == Pool.Order.CHEAPEST) {
            pools = pools.sorted(Comparator.comparingLong(pool -> pricePerSlot(planning, pool)));
        }
        return pools.toList();
    }

    /** Of the pool's cheapest offer; a price that is not known is no bargain. */
    private static long pricePerSlot(Planning planning, Pool pool) {
        return pool.offers().stream().flatMapToLong(offer -> planning.price(pool, offer).stream()).map(price -> price / pool.slots()).min()
                .orElse(Long.MAX_VALUE);
    }
}
