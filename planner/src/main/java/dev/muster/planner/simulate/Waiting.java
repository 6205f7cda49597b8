package dev.muster.planner.simulate;

import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.FleetSpec;
import dev.muster.planner.core.PlanRecord.Refused;
import dev.muster.planner.core.Pool;
import dev.muster.planner.core.Queue;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
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

    private void say(Queue queue, java.util.Iterator<SimTask> tasks, int count, Map<String, Integer> free, Map<String, Integer> coming, long now) {
        int left = count;
        var starting = new ArrayList<Map.Entry<String, Integer>>();
        for (var pool : poolsOf.get(queue.name())) {
            int idle = take(free, pool, left);
            left -= idle;
            for (int i = 0; i < idle; i++) {
                waits(tasks.next(), nextPoll.get(pool), now);
            }
            int boots = take(coming, pool, left);
            left -= boots;
            starting.add(Map.entry(pool, boots));
        }
        for (var pool : starting) {
            for (int i = 0; i < pool.getValue(); i++) {
                waits(tasks.next(), booting.get(pool.getKey()), now);
            }
        }
        if (left > 0) {
            var why = refusal(queue);
            while (tasks.hasNext()) {
                waits(tasks.next(), why, now);
            }
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
            var pool = found.pool().isEmpty() && !found.queue().isEmpty() ? firstOf.get(queue.name()) : found.pool();
            refused.put(queue.name(), Constraint.refused(found, pool));
        }
        return refused.get(queue.name());
    }
}
