package dev.muster.planner.simulate;

import dev.muster.planner.core.Command;
import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.FleetEvent.FleetChanged;
import dev.muster.planner.core.FleetHead;
import dev.muster.planner.core.PlanRecord;
import dev.muster.planner.core.Planner;
import dev.muster.planner.core.Reason;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;

/**
 * Plays a workload through the planner's core in virtual time: the same rules that run a fleet, with a cloud, a queue system and
 * agents that take no time to simulate what they wait for.
 *
 * <p>Nothing in it looks at a clock, and all that is random comes from the seed: the same arguments give the same outcome, to the
 * last byte. One simulation is one thread's; several may run at once.
 */
public final class Simulation {

    /** A fleet that has not moved for so long while tasks wait will not: a monthly budget has begun anew by then. */
    private static final long PATIENCE = 32L * 24 * 3600;
    /** A task that is lost is put back within minutes, or, having been lost too often, never. */
    private static final long RESCUED_WITHIN = 3600;
    /** What the last machines may take to go. */
    private static final long FAREWELL = 24 * 3600;
    /** A plan is made at least this often, whatever the core says of its next deadline: what a forgotten one could cost. */
    private static final long LONGEST_REST = 3600;
    /** Refusals that only a machine's going, a person, or a schedule's window ends: the core asks to be planned then. */
    private static final Set<Reason> ENDED_BY_EVENTS = EnumSet.of(Reason.AT_POOL_LIMIT, Reason.AT_FLEET_LIMIT, Reason.FAIR_SHARE, Reason.IS_PAUSED);

    private final FleetHead head;
    private final List<SimTask> tasks = new ArrayList<>();
    private final long seed;
    private final Conditions conditions;
    private final BooleanSupplier unwanted;
    private final Agenda agenda;
    private final Fleet fleet;
    private final CloudWeather weather;
    private final SimCloud cloud;
    private final QueueServer server;
    private final Waiting waiting;
    private final TreeMap<Reason, SortedMap<String, Long>> refusals = new TreeMap<>();
    private final long began;
    private int toCome;
    private long moved;
    private long plans;
    private long decisions;

    private Simulation(FleetHead head, List<SimulatedTask> workload, long seed, Conditions conditions, BooleanSupplier unwanted) {
        this.head = head;
        this.seed = seed;
        this.conditions = conditions;
        this.unwanted = unwanted;
        var served = new TreeSet<String>();
        head.spec().queues().forEach(queue -> served.add(queue.name()));
        for (var task : workload.stream().sorted(Comparator.comparingLong(SimulatedTask::at)).toList()) {
            if (!served.contains(task.queue())) {
                throw new IllegalArgumentException("fleet " + head.name() + " does not serve " + task.queue() + ", which tasks wait in");
            }
            tasks.add(new SimTask("task-" + (tasks.size() + 1), task));
        }
        if (tasks.isEmpty()) {
            throw new IllegalArgumentException("there is no task to simulate");
        }
        began = tasks.get(0).task.at();
        agenda = new Agenda(began);
        fleet = Fleet.of(head);
        var draws = new Draws(seed);
        weather = new CloudWeather(draws, conditions);
        cloud = new SimCloud(head.spec(), agenda, this::moment, fleet::apply, conditions, draws, weather, this::moves);
        server = new QueueServer(head.spec(), agenda, this::moment, fleet::apply, this::moves, cloud::emptied);
        cloud.serve(server);
        waiting = new Waiting(fleet, cloud, server);
        toCome = tasks.size();
        for (var task : tasks) {
            agenda.at(task.task.at(), () -> {
                toCome--;
                server.enqueue(task);
            });
        }
    }

    /**
     * Simulates from the first task until all have run and every machine is gone.
     *
     * @param head of a fleet that is ACTIVE, as accepted
     * @param tasks in any order; at least one
     * @param seed of everything random
     * @throws IllegalArgumentException if there is no task, or one in a queue that the fleet does not serve
     */
    public static Outcome simulate(FleetHead head, List<SimulatedTask> tasks, long seed, Conditions conditions) {
        return simulate(head, tasks, seed, conditions, () -> false);
    }

    /**
     * As above, for somebody who may not wait for its end.
     *
     * @param unwanted asked before each plan
     * @throws CancellationException once it is unwanted
     */
    public static Outcome simulate(FleetHead head, List<SimulatedTask> tasks, long seed, Conditions conditions, BooleanSupplier unwanted) {
        return new Simulation(head, tasks, seed, conditions, unwanted).run();
    }

    private Instant moment(long second) {
        return conditions.begin().plusSeconds(second);
    }

    private void moves() {
        moved = agenda.now();
    }

    private Outcome run() {
        long due = began;
        moved = began;
        while (!isOver()) {
            agenda.moveTo(Math.min(agenda.next(), due));
            if (isDone() && fleet.head().state() == FleetHead.State.ACTIVE) {
                // Nothing is left to do: what the minimum keeps would stay for ever.
                fleet.apply(new FleetChanged(moment(agenda.now()), deleting()));
                moves();
            }
            if (unwanted.getAsBoolean()) {
                throw new CancellationException("the simulation is no longer wanted");
            }
            if (fleet.isDue(moment(agenda.now()))) {
                plan();
            }
            waiting.say(agenda.now());
            // What ends a refusal need not be a deadline: it is looked at as often as a service would.
            long next = fleet.refusals().stream().allMatch(refused -> ENDED_BY_EVENTS.contains(refused.reason())) ? Math.min(agenda.now() + LONGEST_REST, second(fleet.deadline())) : second(fleet.due());
            due = Math.max(agenda.now() + 1, next);
        }
        return outcome();
    }

    private FleetHead deleting() {
        return new FleetHead(head.name(), head.incarnation(), head.past(), head.version() + 1, FleetHead.State.DELETING,
                FleetHead.ShutdownAction.IDLE, head.spec(), head.createdAt(), moment(agenda.now()));
    }

    /** The first whole second that is not before it. */
    private long second(Instant instant) {
        if (instant.equals(Instant.MAX)) {
            return Long.MAX_VALUE;
        }
        var since = instant.minusNanos(1).getEpochSecond() + 1 - conditions.begin().getEpochSecond();
        return conditions.begin().getNano() == 0 ? since : since + 1;
    }

    private void plan() {
        cloud.list(head.scopes());
        plans++;
        for (var record : Planner.plan(fleet, moment(agenda.now())).records()) {
            decisions++;
            if (record instanceof PlanRecord.CommandIssued issued) {
                if (issued.command() instanceof Command.ToProvisioner command) {
                    cloud.carryOut(command);
                } else if (issued.command() instanceof Command.ToWatcher command) {
                    server.carryOut(command);
                }
            } else if (record instanceof PlanRecord.Refused refused && refused.reason() != null && refused.since().equals(refused.writtenAt())) {
                refusals.computeIfAbsent(refused.reason(), reason -> new TreeMap<>()).merge(waiting.poolOf(refused), 1L, Long::sum);
            }
        }
        // Nobody stores them here.
        fleet.takeChanges();
    }

    private boolean isDone() {
        if (toCome > 0 || server.isRunning()) {
            return false;
        }
        long rest = agenda.now() - moved;
        return server.isWaiting() ? rest > PATIENCE : !server.hasLost() || rest > RESCUED_WITHIN;
    }

    private boolean isOver() {
        return fleet.head().state() != FleetHead.State.ACTIVE
                && (cloud.machines().isEmpty() && fleet.active().isEmpty() || agenda.now() - moved > FAREWELL);
    }

    private Outcome outcome() {
        long end = agenda.now();
        for (var task : tasks) {
            task.waitsFor(null, end);
        }
        for (var left : cloud.machines()) {
            // Only a defect leaves one; its seconds are paid for all the same.
            if (left.isAlive()) {
                left.ended = end;
            }
            left.gone = end;
        }
        var machines = new ArrayList<>(cloud.ended());
        machines.addAll(cloud.machines());
        return new Outcome(head.name(), seed, head.spec().pools().stream().map(pool -> pool.name()).toList(),
                head.spec().queues().stream().map(queue -> queue.name()).toList(), began, end, tasks.stream().map(SimTask::outcome).toList(),
                machines.stream().map(machine -> machine.outcome(weather)).toList(), cloud.refused(), refusals, plans, decisions);
    }
}
