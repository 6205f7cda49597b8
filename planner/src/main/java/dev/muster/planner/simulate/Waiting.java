package dev.muster.planner.simulate;

import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.FleetSpec;
import dev.muster.planner.core.PlanRecord.Refused;
import dev.muster.planner.core.Pool;
import dev.muster.planner.core.Queue;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/**
 * Says of each waiting task what it waits for. Agents take tasks first in, first out: so the first that wait get the free agents, the
 * next the machines on their way, and what the planner refuses a queue is what the last in it wait for.
 */
final class Waiting {

    private final Fleet fleet;
    private final SimCloud cloud;
    private final QueueServer server;
    /** Those with the fewest pools first, and their pools with the fewest queues first: as the planner weighs supply. */
    private final List<Queue> queues;
    private final Map<String, List<String>> poolsOf = new HashMap<>();
    /** The pool that the planner tries first for a queue, whose limit a refusal speaks of. */
    private final Map<String, String> firstOf = new HashMap<>();

    private final Map<String, Constraint> nextPoll = new HashMap<>();
    private final Map<String, Constraint> booting = new HashMap<>();
    private final Map<String, Refused> refusedAs = new HashMap<>();
    private final Map<String, Constraint> refused = new HashMap<>();
    private static final Constraint NOT_SEEN = Constraint.notSeen();
    private final Map<String, Said> said = new HashMap<>();

    /** What was said last of a queue: a long one is gone through only if that has changed. */
    private record Said(long version, List<Integer> idle, List<Integer> starting, Constraint rest) {}

    Waiting(Fleet fleet, SimCloud cloud, QueueServer server) {
        this.fleet = fleet;
        this.cloud = cloud;
        this.server = server;
        var spec = fleet.spec();
        queues = spec.queues().stream().sorted(Comparator.comparingInt(Queue::priority).reversed())
                .sorted(Comparator.comparingInt(queue -> queue.pools().size())).toList();
        for (var queue : queues) {
            poolsOf.put(queue.name(), queue.pools().stream()
                    .sorted(Comparator.comparingLong(pool -> spec.queues().stream().filter(other -> other.pools().contains(pool)).count())).toList());
            firstOf.put(queue.name(), first(spec, queue));
        }
        for (var pool : spec.pools()) {
            nextPoll.put(pool.name(), Constraint.nextPoll(pool.name()));
            booting.put(pool.name(), Constraint.booting(pool.name()));
        }
    }

    private static String first(FleetSpec spec, Queue queue) {
        var pools = queue.pools().stream().flatMap(name -> spec.pool(name).stream());
        if (queue.order() == Pool.Order.CHEAPEST) {
            pools = pools.sorted(Comparator.comparingLong(pool -> pool.offers().stream().filter(offer -> offer.price().isPresent())
                    .mapToLong(offer -> pool.costs().of(offer.price().getAsLong()) / pool.slots()).min().orElse(Long.MAX_VALUE)));
        }
        return pools.findFirst().map(Pool::name).orElse("");
    }

    /** From now on, until the next call. */
    void say(long now) {
        var free = new HashMap<String, Integer>();
        var coming = new HashMap<String, Integer>();
        for (var machine : cloud.machines()) {
            if (machine.isStarting()) {
                coming.merge(machine.pool, machine.slots, Integer::sum);
            } else if (!machine.isLeaving) {
                for (var agent : machine.agents) {
                    if (agent.isFree()) {
                        free.merge(machine.pool, 1, Integer::sum);
                    }
                }
            }
        }
        for (var queue : queues) {
            var tasks = server.waiting().get(queue.name());
            if (!tasks.isEmpty()) {
                say(queue, tasks.iterator(), tasks.size(), free, coming, now);
            }
        }
    }

    private void say(Queue queue, Iterator<SimTask> tasks, int count, Map<String, Integer> free, Map<String, Integer> coming, long now) {
        var pools = poolsOf.get(queue.name());
        var idle = new ArrayList<Integer>();
        var starting = new ArrayList<Integer>();
        int left = count;
        for (var pool : pools) {
            idle.add(take(free, pool, left));
            left -= idle.get(idle.size() - 1);
            starting.add(take(coming, pool, left));
            left -= starting.get(starting.size() - 1);
        }
        var next = new Said(server.version(queue.name()), idle, starting, left > 0 ? refusal(queue) : null);
        if (next.equals(said.put(queue.name(), next))) {
            return;
        }
        for (int p = 0; p < pools.size(); p++) {
            for (int i = 0; i < idle.get(p); i++) {
                waits(tasks.next(), nextPoll.get(pools.get(p)), now);
            }
        }
        for (int p = 0; p < pools.size(); p++) {
            for (int i = 0; i < starting.get(p); i++) {
                waits(tasks.next(), booting.get(pools.get(p)), now);
            }
        }
        while (tasks.hasNext()) {
            waits(tasks.next(), next.rest(), now);
        }
    }

    private static void waits(SimTask task, Constraint constraint, long now) {
        task.waitsFor(task.seen || constraint.kind() == Constraint.Kind.NEXT_POLL ? constraint : NOT_SEEN, now);
    }

    private static int take(Map<String, Integer> from, String pool, int most) {
        int taken = Math.min(most, from.getOrDefault(pool, 0));
        if (taken > 0) {
            from.merge(pool, -taken, Integer::sum);
        }
        return taken;
    }

    /** The pool that a refusal is about; empty: it is about none. */
    String poolOf(Refused refusal) {
        return refusal.pool().isEmpty() ? firstOf.getOrDefault(refusal.queue(), "") : refusal.pool();
    }

    /** What is refused to the queue, else to all. */
    private Constraint refusal(Queue queue) {
        Refused found = null;
        for (var refusal : fleet.refusals()) {
            if (refusal.queue().equals(queue.name()) || found == null && refusal.queue().isEmpty() && refusal.pool().isEmpty()) {
                found = refusal;
            }
        }
        if (found == null) {
            return NOT_SEEN;
        }
        if (refusedAs.put(queue.name(), found) != found) {
            refused.put(queue.name(), Constraint.refused(found, poolOf(found)));
        }
        return refused.get(queue.name());
    }
}
