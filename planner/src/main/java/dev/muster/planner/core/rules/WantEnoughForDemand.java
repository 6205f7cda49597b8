package dev.muster.planner.core.rules;

import dev.muster.planner.core.Launches;
import dev.muster.planner.core.Planning;
import dev.muster.planner.core.Pool;
import dev.muster.planner.core.Proposal;
import dev.muster.planner.core.Queue;
import dev.muster.planner.core.QueueSeen;
import dev.muster.planner.core.Reason;
import dev.muster.planner.core.Rule;
import dev.muster.planner.core.WorkerId;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Weighs what waits against what is idle or booting, and wants machines for the rest. Running work is never subtracted, and what one
 * pool will cover is not asked of the next.
 */
public final class WantEnoughForDemand implements Rule {

    private final Launches launches;

    public WantEnoughForDemand(Launches launches) {
        this.launches = launches;
    }

    @Override
    public void apply(Planning planning) {
        if (planning.isHeld()) {
            return;
        }
        var queues = planning.spec().queues().stream().sorted(Comparator.comparingInt(Queue::priority).reversed()).toList();
        var free = new HashMap<String, Integer>();
        planning.spec().pools().forEach(pool -> free.put(pool.name(), planning.books(pool).freeSlots()));
        var others = idleOthers(planning);
        var uncovered = new HashMap<Queue, Integer>();
        var supply = new HashMap<String, Integer>();
        // A queue with few pools takes what is there before one that has a choice; which tasks run first is the agents' to say.
        for (var queue : queues.stream().sorted(Comparator.comparingInt(queue -> queue.pools().size())).toList()) {
            var waiting = waiting(planning, queue);
            var left = waiting - takeOthers(planning, queue, others, waiting);
            left -= takeFree(queue, queues, planning, free, left);
            supply.put(queue.name(), waiting - left);
            uncovered.put(queue, left);
        }
        // What no waiting task will take, before anything is launched: only that may be released.
        planning.spec().pools().forEach(pool -> planning.spare(pool, free.get(pool.name())));
        for (var queue : queues) {
            if (uncovered.get(queue) > 0) {
                launch(planning, queue, uncovered.get(queue), supply.get(queue.name()));
            }
        }
    }

    private static int waiting(Planning planning, Queue queue) {
        var seen = planning.fleet().queues().get(queue.name());
        if (seen == null || seen.state() == QueueSeen.State.SERVED) {
            return seen == null ? 0 : seen.waiting();
        }
        var missing = seen.state() == QueueSeen.State.MISSING;
        planning.refuse(WantEnoughForDemand.class.getSimpleName(), missing ? Reason.QUEUE_MISSING : Reason.QUEUE_OWNED_BY_OTHER, "",
                queue.name(), seen.waiting(), new TreeMap<>(),
                missing ? "creating the queue in ClearML, or correcting its name in the spec" : "taking it out of one of the two specs",
                missing ? "ClearML has no queue named " + queue.name() : queue.name() + " is served by the older fleet " + seen.ownerFleet());
        return 0;
    }

    /** Idle workers that are not ours, each with the queues it serves. */
    private static List<TreeSet<String>> idleOthers(Planning planning) {
        var idle = new ArrayList<TreeSet<String>>();
        if (!planning.spec().countOtherWorkers()) {
            return idle;
        }
        var prefix = planning.spec().workersPrefix();
        for (var worker : planning.fleet().workers().values()) {
            if (!worker.isBusy() && WorkerId.parse(worker.id()).filter(id -> id.prefix().equals(prefix)).isEmpty()) {
                idle.add(new TreeSet<>(worker.queueIds()));
            }
        }
        return idle;
    }

    private static int takeOthers(Planning planning, Queue queue, List<TreeSet<String>> others, int wanted) {
        var seen = planning.fleet().queues().get(queue.name());
        int taken = 0;
        var each = others.iterator();
        while (taken < wanted && each.hasNext()) {
            if (each.next().contains(seen.id())) {
                each.remove();
                taken++;
            }
        }
        return taken;
    }

    /** From pools that few other queues want first, so that a shared pool is left to those that have no other. */
    private static int takeFree(Queue queue, List<Queue> queues, Planning planning, Map<String, Integer> free, int wanted) {
        int taken = 0;
        var pools = queue.pools().stream()
                .sorted(Comparator.comparingLong(pool -> queues.stream().filter(other -> other.pools().contains(pool)).count()))
                .toList();
        for (var pool : pools) {
            var take = Math.min(wanted - taken, free.getOrDefault(pool, 0));
            if (take > 0) {
                free.merge(pool, -take, Integer::sum);
                taken += take;
            }
        }
        return taken;
    }

    private void launch(Planning planning, Queue queue, int uncovered, int supply) {
        var waiting = planning.fleet().queues().get(queue.name()).waiting();
        int left = uncovered;
        var cuts = new ArrayList<Proposal.Cut>();
        for (var pool : inOrder(planning, queue)) {
            if (left <= 0) {
                break;
            }
            // Slots that a launch for an earlier queue left over are this queue's to use.
            var over = Math.min(left, planning.leftover(pool));
            planning.leftover(pool, planning.leftover(pool) - over);
            left -= over;
            if (left == 0) {
                break;
            }
            var machines = (left + pool.slots() - 1) / pool.slots();
            var admitted = launches.admit(planning, this, Reason.TASKS_WAIT, Proposal.of(pool, queue.name(), machines), waiting, supply);
            var slots = admitted.size() * pool.slots();
            planning.leftover(pool, planning.leftover(pool) + Math.max(0, slots - left));
            left = Math.max(0, left - slots);
            cuts.addAll(admitted.cuts());
        }
        if (left > 0 && !cuts.isEmpty()) {
            var numbers = new TreeMap<String, Long>();
            numbers.put("waiting", (long) waiting);
            numbers.put("supply", (long) supply);
            numbers.put("uncovered", (long) left);
            var first = cuts.get(0);
            planning.refuse(first.rule(), first.reason(), "", queue.name(), left, numbers,
                    cuts.stream().map(Proposal.Cut::unblockedBy).distinct().collect(Collectors.joining("; or ")),
                    left + (left == 1 ? " waits in " : " wait in ") + queue.name() + " with no machine to come; "
                            + cuts.stream().map(Proposal.Cut::text).distinct().collect(Collectors.joining("; ")));
        }
    }

    private static List<Pool> inOrder(Planning planning, Queue queue) {
        var pools = queue.pools().stream().flatMap(name -> planning.spec().pool(name).stream());
        if (queue.order() == Pool.Order.CHEAPEST) {
            pools = pools.sorted(Comparator.comparingLong(WantEnoughForDemand::pricePerSlot));
        }
        return pools.toList();
    }

    /** Of the pool's cheapest offer; a price that is not known is no bargain. */
    private static long pricePerSlot(Pool pool) {
        return pool.offers().stream().filter(offer -> offer.committed().isPresent())
                .mapToLong(offer -> offer.committed().getAsLong() / pool.slots()).min().orElse(Long.MAX_VALUE);
    }
}
