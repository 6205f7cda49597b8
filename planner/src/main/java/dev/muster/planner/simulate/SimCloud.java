package dev.muster.planner.simulate;

import dev.muster.planner.core.CloudState;
import dev.muster.planner.core.Command;
import dev.muster.planner.core.Ending;
import dev.muster.planner.core.FailureKind;
import dev.muster.planner.core.FleetEvent;
import dev.muster.planner.core.FleetEvent.CommandAnswered;
import dev.muster.planner.core.FleetEvent.InventorySeen;
import dev.muster.planner.core.FleetEvent.LaunchAccepted;
import dev.muster.planner.core.FleetEvent.LaunchRefused;
import dev.muster.planner.core.FleetEvent.MachineSeen;
import dev.muster.planner.core.FleetEvent.ScopeState;
import dev.muster.planner.core.FleetEvent.Seen;
import dev.muster.planner.core.FleetSpec;
import dev.muster.planner.core.Mark;
import dev.muster.planner.core.Market;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.LongFunction;

/**
 * The clouds with their provisioners and the machines' guards: launches are answered, machines start, drain, are taken back and go.
 *
 * <p>How long each step takes is drawn from the seed within the bounds below.
 */
final class SimCloud {

    /** A launch call with its way through Kafka, seconds. */
    private static final long ANSWER_LEAST = 1;
    private static final long ANSWER_MOST = 3;
    /** From the answer until the machine runs: EC2 takes about ten to twenty. */
    private static final long START_LEAST = 8;
    private static final long START_MOST = 20;
    /** A mark reaches the guard through the machine's metadata, and the guard closes the gate. */
    private static final long MARK = 3;
    private static final long TERMINATE = 2;
    /** From shutting down until the cloud shows the machine terminated. */
    private static final long SHUTDOWN_LEAST = 20;
    private static final long SHUTDOWN_MOST = 60;
    /** The provisioner lists a scope this often while something moves there. */
    private static final long LIST_FAST = 2;
    /** The planner takes a list for stale after three minutes. */
    private static final long LIST_HOLDS = 179;
    /** EC2's notice before it takes a spot machine back. */
    private static final long NOTICE = 120;
    private static final long HOUR = 3600;

    private final FleetSpec spec;
    private final Agenda agenda;
    private final LongFunction<Instant> moment;
    private final Consumer<FleetEvent> tell;
    private final Conditions conditions;
    private final Draws draws;
    private final CloudWeather weather;
    private final Runnable progress;
    private QueueServer server;

    private final TreeMap<String, SimMachine> machines = new TreeMap<>();
    private final List<SimMachine> ended = new ArrayList<>();
    private final Map<String, Long> launchedOf = new HashMap<>();
    private final Map<String, Long> listed = new HashMap<>();
    private final TreeMap<FailureKind, Long> refused = new TreeMap<>();
    private long lists;
    private long launched;

    SimCloud(FleetSpec spec, Agenda agenda, LongFunction<Instant> moment, Consumer<FleetEvent> tell, Conditions conditions, Draws draws,
            CloudWeather weather, Runnable progress) {
        this.spec = spec;
        this.agenda = agenda;
        this.moment = moment;
        this.tell = tell;
        this.conditions = conditions;
        this.draws = draws;
        this.weather = weather;
        this.progress = progress;
    }

    /** Once, before anything is launched. */
    void serve(QueueServer queues) {
        server = queues;
    }

    /** Machines asked for and not yet gone, by id. */
    Collection<SimMachine> machines() {
        return machines.values();
    }

    /** Machines that are gone, in that order. */
    List<SimMachine> ended() {
        return ended;
    }

    /** Machines whose launch was refused, by kind. */
    SortedMap<FailureKind, Long> refused() {
        return refused;
    }

    // Commands.

    void carryOut(Command.ToProvisioner command) {
        if (command instanceof Command.Launch launch) {
            launch(launch);
        } else if (command instanceof Command.Drain drain) {
            marked(drain.machineId());
            agenda.in(MARK, () -> with(drain.machineId(), machine -> close(machine, drain.now())));
            answer(drain.machineId(), drain.ordinal(), "drain");
        } else if (command instanceof Command.CancelDrain cancel) {
            with(cancel.machineId(), machine -> machine.isLeaving = false);
            agenda.in(MARK, () -> with(cancel.machineId(), this::open));
            answer(cancel.machineId(), cancel.ordinal(), "cancelDrain");
        } else if (command instanceof Command.Terminate terminate) {
            marked(terminate.machineId());
            agenda.in(TERMINATE, () -> with(terminate.machineId(), machine -> end(machine, Ending.ASKED)));
            answer(terminate.machineId(), terminate.ordinal(), "terminate");
        } else if (command instanceof Command.FetchConsole) {
            // Simulated machines write nothing, and nobody waits for it.
        } else {
            throw new IllegalStateException("a simulated fleet is never let go of its machines: " + command);
        }
    }

    private void marked(String id) {
        with(id, machine -> machine.isLeaving = true);
    }

    private void with(String id, Consumer<SimMachine> what) {
        var machine = machines.get(id);
        if (machine != null) {
            what.accept(machine);
        }
    }

    private void answer(String id, long ordinal, String verb) {
        agenda.in(MARK, () -> tell.accept(new CommandAnswered(moment.apply(agenda.now()), id, ordinal, verb, true, null, "", "")));
    }

    private void launch(Command.Launch launch) {
        var pool = spec.pool(launch.pool()).orElseThrow();
        var offer = pool.offers().stream().filter(one -> one.key().equals(launch.offer())).findFirst().orElseThrow();
        var batch = new ArrayList<SimMachine>();
        for (int i = 0; i < launch.machineIds().size(); i++) {
            var number = launchedOf.merge(pool.name(), 1L, Long::sum);
            var machine = new SimMachine(launch, i, offer, pool, String.format("i-%017x", ++launched), number);
            batch.add(machine);
            machines.put(machine.id, machine);
        }
        var first = batch.get(0);
        agenda.in(draws.between(ANSWER_LEAST, ANSWER_MOST, "answer", pool.name(), first.number), () -> answered(launch, batch));
    }

    private void answered(Command.Launch launch, List<SimMachine> batch) {
        long now = agenda.now();
        var offer = batch.get(0).offer;
        if (weather.isOut(offer.key(), now) || weather.isAboveCeiling(offer, now)) {
            for (var machine : batch) {
                machine.refused = true;
                machines.remove(machine.id);
            }
            refused.merge(FailureKind.OUT_OF_CAPACITY, (long) batch.size(), Long::sum);
            tell.accept(new LaunchRefused(moment.apply(now), launch.batchId(), launch.machineIds(), FailureKind.OUT_OF_CAPACITY,
                    "InsufficientInstanceCapacity", "", "", offer.key()));
            return;
        }
        progress.run();
        for (var machine : batch) {
            machine.accepted = now;
            machine.state = CloudState.PENDING;
            agenda.in(draws.between(START_LEAST, START_MOST, "start", machine.pool, machine.number), () -> runs(machine));
        }
        tell.accept(new LaunchAccepted(moment.apply(now), launch.batchId(), batch.stream().map(this::facts).toList()));
    }

    private FleetEvent.MachineFacts facts(SimMachine machine) {
        return machine.facts(moment.apply(machine.accepted));
    }

    private void runs(SimMachine machine) {
        if (machine.state != CloudState.PENDING) {
            return;
        }
        machine.state = CloudState.RUNNING;
        machine.running = agenda.now();
        report(machine);
        if (draws.share("boot fails", machine.pool, machine.number) >= conditions.bootFailures()) {
            agenda.in(draws.logNormal(conditions.boot().toSeconds(), conditions.bootSpread(), "boot", machine.pool, machine.number), () -> registers(machine));
        }
        if (machine.key().market() == Market.SPOT) {
            if (conditions.interruptions() > 0) {
                agenda.in(draws.exponential(HOUR / conditions.interruptions(), "interruption", machine.pool, machine.number), () -> notice(machine));
            }
            if (conditions.spotSpread() > 0) {
                agenda.at((agenda.now() / HOUR + 1) * HOUR, () -> compare(machine));
            }
        }
    }

    /** Each hour has its price. */
    private void compare(SimMachine machine) {
        if (!machine.isAlive()) {
            return;
        }
        if (weather.isAboveCeiling(machine.offer, agenda.now())) {
            notice(machine);
        } else {
            agenda.in(HOUR, () -> compare(machine));
        }
    }

    private void registers(SimMachine machine) {
        if (machine.isAlive() && !machine.gateClosed) {
            machine.registered = agenda.now();
            server.register(machine);
        }
    }

    private void close(SimMachine machine, boolean atOnce) {
        if (!machine.isAlive()) {
            return;
        }
        machine.mark = atOnce ? Mark.DRAIN_NOW : Mark.DRAIN;
        if (!machine.gateClosed) {
            machine.gateClosed = true;
            machine.closed = agenda.now();
        }
        if (atOnce || !machine.isBusy()) {
            end(machine, Ending.INSIDE);
        }
    }

    private void open(SimMachine machine) {
        if (machine.isAlive() && machine.gateClosed) {
            machine.gateClosed = false;
            machine.closed = -1;
            machine.mark = Mark.NONE;
            server.reopen(machine);
        }
    }

    /** The guard closes its gate, and what is not done when the notice ends is lost. */
    private void notice(SimMachine machine) {
        if (machine.isAlive() && !machine.gateClosed) {
            machine.gateClosed = true;
            machine.closed = agenda.now();
        }
        machine.isLeaving = true;
        agenda.in(NOTICE, () -> end(machine, Ending.INTERRUPTED));
    }

    /** The guard powers off a closed machine that has run its last task. */
    void emptied(SimMachine machine) {
        if (machine.mark != Mark.NONE) {
            end(machine, Ending.INSIDE);
        }
    }

    private void end(SimMachine machine, Ending how) {
        if (!machine.isAlive()) {
            return;
        }
        machine.state = CloudState.SHUTTING_DOWN;
        machine.ending = how;
        machine.ended = agenda.now();
        server.machineEnded(machine);
        report(machine);
        agenda.in(draws.between(SHUTDOWN_LEAST, SHUTDOWN_MOST, "shutdown", machine.pool, machine.number), () -> {
            machine.state = CloudState.TERMINATED;
            machine.gone = agenda.now();
            report(machine);
            progress.run();
        });
    }

    // Reports.

    /** What a machine's cloud shows reaches the planner with the next fast list. */
    private void report(SimMachine machine) {
        agenda.in(LIST_FAST, () -> {
            tell.accept(new MachineSeen(moment.apply(agenda.now()), facts(machine)));
            if (machine.state == CloudState.TERMINATED && machines.remove(machine.id) != null) {
                ended.add(machine);
            }
        });
    }

    /**
     * Complete lists of the scopes whose last is about to be stale. A provisioner lists each minute whether or not anybody plans; here
     * lists come when a plan is about to be made, which is the only one that could tell.
     */
    void list(Collection<String> scopes) {
        for (var scope : scopes) {
            var before = listed.get(scope);
            if (before != null && agenda.now() - before < LIST_HOLDS) {
                continue;
            }
            listed.put(scope, agenda.now());
            var now = moment.apply(agenda.now());
            var there = machines.values().stream().filter(machine -> machine.accepted >= 0 && machine.key().scope().equals(scope))
                    .map(this::facts).toList();
            tell.accept(new InventorySeen(now, scope, new Seen("simulation", 1, ++lists, now, 1, 1), now, ScopeState.LISTED, "", there, ""));
        }
    }
}
